/*
 * The credited clock (SECURITY-DESIGN section 6). What a waiting period counts is neither the
 * calendar, which can be set, nor the time since the machine started, which ends with it: each tick
 * is worth the smaller of both, at most an hour. What passes while the service is down is worth
 * nothing.
 */
#include "kms/life_internal.h"

#include <time.h>

#define CREDIT_MOST_MS ((int64_t)3600000) /* of one tick */
#define JUMP_MS ((int64_t)300000)         /* the clocks may part by this... */
#define COMPARE_MS ((int64_t)3600000)     /* ...within this time */
#define STORE_MS ((int64_t)CREDIT_STORE_S * 1000)

static int64_t
ms_of(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void
rdt_clock_system(void *user, int64_t *real_ms, int64_t *boot_ms)
{
    (void)user;
    *real_ms = ms_of(CLOCK_REALTIME);
    *boot_ms = ms_of(CLOCK_BOOTTIME);
}

/*
 * What is credited after this moment is stored up to CREDIT_STORE_S late, so a waiting that begins
 * now counts from the next such point: it is never shorter than it says.
 */
int64_t
rdt_credited_s(struct rdt_view view)
{
    return rdt_view_site(view)->credited_s + CREDIT_STORE_S;
}

static void
compare_from(struct clock *clock, int64_t real_ms, int64_t boot_ms)
{
    clock->from_real = real_ms;
    clock->from_boot = boot_ms;
}

/* Whether the two clocks have parted since they were compared first. */
static bool
jumped(struct clock *clock, int64_t real_ms, int64_t boot_ms)
{
    int64_t apart = (real_ms - clock->from_real) - (boot_ms - clock->from_boot);
    bool far = apart > JUMP_MS || apart < -JUMP_MS;
    if (far || boot_ms - clock->from_boot >= COMPARE_MS)
        compare_from(clock, real_ms, boot_ms);
    return far;
}

static int64_t
credit(const struct clock *clock, int64_t real_ms, int64_t boot_ms)
{
    int64_t real = real_ms - clock->real_ms, boot = boot_ms - clock->boot_ms;
    int64_t least = real < boot ? real : boot;
    if (least < 0)
        return 0;
    return least < CREDIT_MOST_MS ? least : CREDIT_MOST_MS;
}

bool
rdt_time_tick(struct rdt_kms *kms, struct rdt_tx *tx, int64_t now_ms, const char **why)
{
    struct clock *clock = &kms->clock;
    const struct rdt_site *site = rdt_view_site(rdt_tx_view(tx));
    int64_t real_ms, boot_ms;
    clock->read(clock->user, &real_ms, &boot_ms);
    if (clock->boot_ms == 0)
        compare_from(clock, now_ms, boot_ms);
    else
        clock->credit_ms += credit(clock, now_ms, boot_ms);
    if (jumped(clock, now_ms, boot_ms))
        clock->why = "it jumped against the machine's own count";
    *why = clock->why;
    if (now_ms < site->highest_ms)
        *why = "it is behind a time that was seen before";
    clock->real_ms = now_ms;
    clock->boot_ms = boot_ms;
    if (clock->credit_ms < STORE_MS)
        return true;
    struct rdt_site *row = rdt_tx_edit(tx, RDT_KIND_SITE, rdt_span_str("site"));
    if (row == NULL)
        return false;
    row->credited_s += clock->credit_ms / 1000;
    if (*why == NULL && !row->clock_blocked && now_ms - HIGHEST_BEHIND_MS > row->highest_ms)
        row->highest_ms = now_ms - HIGHEST_BEHIND_MS;
    return true;
}

void
rdt_time_settle(struct rdt_kms *kms, bool durable)
{
    if (durable && kms->clock.credit_ms >= STORE_MS)
        kms->clock.credit_ms %= 1000;
}

void
rdt_time_block(struct rdt_kms *kms, struct rdt_kms_thread *thread, const char *why)
{
    RDT_BUF out = {0};
    RDT_BUF body = {0};
    struct rdt_view view = {.state = kms->state};
    rdt_state_lock_shared(kms->state);
    bool known = rdt_view_site(view)->clock_blocked;
    rdt_state_unlock(kms->state);
    if (known && kms->clock.why == NULL)
        return; /* a jump is recorded each time: who confirms has to know of it */
    rdt_jout_open(&body, NULL, '{');
    rdt_jout_str(&body, "Reason", why);
    rdt_jout_close(&body, '}');
    const char *text = rdt_buf_cstr(&body);
    if (text != NULL && /* else the next tick tries again */
        rdt_kms_local(kms, thread, "SystemClockBlock", text, &out, NULL) == RDT_OK)
        kms->clock.why = NULL;
}
