/*
 * From retained to quiesced, and what stands between a version or a key and its end. Every step
 * back is taken at once; every step on needs what the census, the clock and the quorum say.
 */
#include "kms/approval_internal.h"
#include "kms/life_internal.h"

#include "base/clock.h"
#include "codec/base64.h"
#include "codec/census.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#define BLOCKER_TEXT 512

/* ---- steps back ---- */

bool
rdt_drain_begin(struct rdt_tx *tx, const struct rdt_version *version, int64_t now_ms)
{
    uint8_t id[20];
    rdt_version_id(version->key, version->number, id);
    struct rdt_key *key = rdt_tx_edit(tx, RDT_KIND_KEY, (struct rdt_span){id, 16});
    struct rdt_version *row = rdt_tx_edit(tx, RDT_KIND_VERSION, (struct rdt_span){id, sizeof id});
    if (key == NULL || row == NULL)
        return false;
    row->state = RDT_VERSION_DRAINING;
    row->state_ms = now_ms;
    row->drain_no = ++key->drains;
    key->drain_s = rdt_credited_s(rdt_tx_view(tx));
    row->quiet_s = 0;
    return true;
}

bool
rdt_drain_restart(struct rdt_tx *tx, const uint8_t id[static 16])
{
    struct rdt_key *key = rdt_tx_edit(tx, RDT_KIND_KEY, (struct rdt_span){id, 16});
    if (key == NULL)
        return false;
    key->drain_no = ++key->drains;
    key->quiet_s = key->drain_s = rdt_credited_s(rdt_tx_view(tx));
    return true;
}

/* Versions of a key in one of two states go back; version 0: all of them. */
static bool
back(struct rdt_tx *tx, const uint8_t key[static 16], unsigned states, int64_t now_ms)
{
    const struct rdt_version *version;
    for (uint32_t number = 0;
         (version = rdt_view_version_after(rdt_tx_view(tx), key, number)) != NULL;) {
        number = version->number;
        if ((states >> version->state & 1) != 0 && !rdt_drain_begin(tx, version, now_ms))
            return false;
    }
    return true;
}

#define IN(state) (1U << RDT_VERSION_##state)

bool
rdt_drain_back(struct rdt_tx *tx, const uint8_t key[static 16], int64_t now_ms)
{
    return back(tx, key, IN(DRAINED) | IN(QUIESCED), now_ms);
}

bool
rdt_drain_enabled(struct rdt_tx *tx, const uint8_t key[static 16], int64_t now_ms)
{
    return back(tx, key, IN(QUIESCED), now_ms);
}

static bool
key_refused(struct rdt_tx *tx, const uint8_t id[static 16], int64_t now_ms)
{
    const struct rdt_key *now = rdt_view_key(rdt_tx_view(tx), id);
    if (now == NULL)
        return true; /* destroyed meanwhile */
    if (now->state == RDT_KEY_PENDING_DELETION) {
        struct rdt_key *key = rdt_tx_edit(tx, RDT_KIND_KEY, (struct rdt_span){id, 16});
        if (key == NULL || !rdt_drain_restart(tx, id))
            return false;
        key->refused_ms = now_ms;
    }
    /* nobody can tell which version was meant */
    return back(tx, id, IN(QUIESCED), now_ms);
}

bool
rdt_drain_refused(struct rdt_tx *tx, const uint8_t key[static 16], uint32_t number, int64_t now_ms)
{
    if (number == 0)
        return key_refused(tx, key, now_ms);
    const struct rdt_version *version = rdt_view_version(rdt_tx_view(tx), key, number);
    if (version == NULL || version->state != RDT_VERSION_QUIESCED)
        return true;
    if (!rdt_drain_begin(tx, version, now_ms))
        return false;
    uint8_t id[20];
    rdt_version_id(key, number, id);
    struct rdt_version *row = rdt_tx_edit(tx, RDT_KIND_VERSION, (struct rdt_span){id, sizeof id});
    if (row != NULL)
        row->refused_ms = now_ms;
    return row != NULL;
}

/* One that is quiesced was so by the time that the use was counted, not when it was made. */
bool
rdt_drain_used(struct rdt_tx *tx, const uint8_t key[static 16], uint32_t number, int64_t now_ms)
{
    const struct rdt_version *version = rdt_view_version(rdt_tx_view(tx), key, number);
    return version == NULL ||
           (version->state != RDT_VERSION_DRAINED && version->state != RDT_VERSION_QUIESCED) ||
           rdt_drain_begin(tx, version, now_ms);
}

bool
rdt_drain_floor(struct rdt_tx *tx)
{
    int64_t from = rdt_credited_s(rdt_tx_view(tx));
    struct rdt_site *site = rdt_tx_edit(tx, RDT_KIND_SITE, rdt_span_str("site"));
    if (site == NULL)
        return false;
    site->quiet_floor_s = from;
    return true;
}

bool
rdt_drain_found(struct rdt_tx *tx, const struct rdt_census_report *report, int64_t now_ms)
{
    struct rdt_view view = rdt_tx_view(tx);
    struct rdt_span in = rdt_bytes_span(&report->counts);
    struct rdt_census_count count;
    const struct rdt_key *key = rdt_view_key(view, report->key);
    if (rdt_report_count(view, report, 0) != 0 && key != NULL &&
        key->state == RDT_KEY_PENDING_DELETION && !rdt_drain_restart(tx, report->key))
        return false;
    while (rdt_census_next(&in, false, &count)) {
        const struct rdt_version *version = rdt_view_version(view, report->key, count.version);
        if (version != NULL &&
            (version->state == RDT_VERSION_DRAINED || version->state == RDT_VERSION_QUIESCED) &&
            !rdt_drain_begin(tx, version, now_ms))
            return false;
    }
    return true;
}

/* ---- the census ---- */

struct teller {
    rdt_blocker_fn *tell;
    void *user;
    size_t n;
};

static void RDT_PRINTF(2, 3) say(struct teller *teller, const char *fmt, ...)
{
    char text[BLOCKER_TEXT];
    va_list args;
    teller->n++;
    if (teller->tell == NULL)
        return;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    teller->tell(teller->user, text);
}

static uint32_t
number_of(const struct gate *gate)
{
    return gate->version == NULL ? 0 : gate->version->number;
}

static uint32_t
drain_of(const struct gate *gate)
{
    return gate->version == NULL ? gate->key->drain_no : gate->version->drain_no;
}

static const struct rdt_scanner *
scanner_of(const struct gate *gate, const struct rdt_census_report *report)
{
    return rdt_view_get(gate->view, RDT_KIND_SCANNER, (struct rdt_span){report->scanner, 16});
}

/* Why one store's newest report does not show that nothing is left there. */
static void
look_at_store(const struct gate *gate, const char *store, struct teller *out)
{
    const struct rdt_census_report *report =
        rdt_report_of(gate->view, rdt_span_str(store), gate->key->id);
    if (report == NULL) {
        say(out, "store %s: nobody has reported on it", store);
        return;
    }
    const struct rdt_scanner *scanner = scanner_of(gate, report);
    uint64_t count = rdt_report_count(gate->view, report, number_of(gate));
    if (count != 0)
        say(out, "store %s: %" PRIu64 " values are under it", store, count);
    if (scanner == NULL || scanner->revoked)
        say(out, "store %s: the scanner of its report is not enrolled any more", store);
    if (report->looked_at != report->total)
        say(out, "store %s: its report looked at %" PRIu64 " of %" PRIu64, store, report->looked_at,
            report->total);
    if (drain_of(gate) == 0 || report->drain_no < drain_of(gate))
        say(out, "store %s: its report was asked for before draining began%s", store,
            gate->key->tenants ? ", or while clients could still write under keys they had" : "");
}

/* SECURITY-DESIGN section 6: a scanner that the quorum enrolled. Before there was one it was
 * believed for drains; what is final needs one that people have looked at. */
static void
look_at_scanner(const struct gate *gate, const char *store, struct teller *out)
{
    static const uint8_t none[16];
    const struct rdt_census_report *report =
        rdt_report_of(gate->view, rdt_span_str(store), gate->key->id);
    const struct rdt_scanner *scanner = report == NULL ? NULL : scanner_of(gate, report);
    if (scanner != NULL && rdt_span_eq((struct rdt_span){scanner->approval, sizeof none},
                                       (struct rdt_span){none, sizeof none}))
        say(out,
            "store %s: scanner %s was enrolled without a quorum: enrol another, and report again",
            store, scanner->name);
}

static bool
was_used(const struct gate *gate, uint32_t number)
{
    uint8_t id[20];
    rdt_version_id(gate->key->id, number, id);
    const struct rdt_usage *usage =
        rdt_view_get(gate->view, RDT_KIND_USAGE, (struct rdt_span){id, sizeof id});
    return usage != NULL && (usage->wraps != 0 || usage->unwraps != 0);
}

/* Rings encrypt without calling us, so nothing counts their wraps. */
static bool
may_have_data(const struct gate *gate)
{
    if (gate->key->tenants)
        return true;
    if (gate->version != NULL)
        return was_used(gate, gate->version->number);
    const struct rdt_version *version;
    for (uint32_t number = 0;
         (version = rdt_view_version_after(gate->view, gate->key->id, number)) != NULL;) {
        number = version->number;
        if (version->state != RDT_VERSION_DESTROYED && was_used(gate, number))
            return true;
    }
    return false;
}

bool
rdt_gate_stated(const struct gate *gate)
{
    return drain_of(gate) != 0 && gate->key->statement_drain >= drain_of(gate);
}

size_t
rdt_gate_census(const struct gate *gate, rdt_blocker_fn *tell, void *user)
{
    struct teller out = {tell, user, 0};
    const struct rdt_store_reg *store = NULL;
    size_t n = 0;
    while ((store = rdt_store_after(gate->view, gate->key->id,
                                    store == NULL ? NULL : store->name)) != NULL) {
        n++;
        look_at_store(gate, store->name, &out);
    }
    if (n == 0 && may_have_data(gate) && !rdt_gate_stated(gate))
        say(&out,
            "it has encrypted, and no store is registered for it: redoubt census register, or "
            "the quorum signs statement-no-stores");
    return out.n;
}

/* ---- holds ---- */

bool
rdt_gate_held_by(const struct gate *gate, const struct rdt_hold *hold)
{
    struct rdt_span in = rdt_bytes_span(&hold->versions);
    if (in.n == 0) /* nobody knows what is in it: everything of its date may be */
        return gate->version == NULL ? gate->key->created_ms <= hold->created_ms
                                     : gate->version->created_ms <= hold->created_ms;
    uint8_t id[20];
    rdt_version_id(gate->key->id, number_of(gate), id);
    for (; in.n >= sizeof id; in.p += sizeof id, in.n -= sizeof id)
        if (rdt_span_eq((struct rdt_span){in.p, gate->version == NULL ? 16 : sizeof id},
                        (struct rdt_span){id, gate->version == NULL ? 16 : sizeof id}))
            return true;
    return false;
}

/* By the calendar and by the credited clock: a date that was set while the service was down ends no
 * retention. */
static bool
is_over_now(const struct gate *gate, const struct rdt_hold *hold)
{
    int64_t passed = rdt_view_site(gate->view)->credited_s - hold->received_s;
    return hold->until_ms <= gate->now_ms &&
           (hold->until_ms <= hold->received_ms ||
            passed >= (hold->until_ms - hold->received_ms) / 1000);
}

size_t
rdt_gate_holds(const struct gate *gate, rdt_blocker_fn *tell, void *user)
{
    struct teller out = {tell, user, 0};
    struct rdt_span id = {0};
    const struct rdt_hold *hold;
    char until[RDT_DATE_TEXT];
    while ((hold = rdt_view_next(gate->view, RDT_KIND_HOLD, id, &id)) != NULL) {
        if (is_over_now(gate, hold) || !rdt_gate_held_by(gate, hold))
            continue;
        rdt_date_text(hold->until_ms / DAY_MS, until);
        say(&out, "sealed file %s holds it until %s", hold->name == NULL ? "?" : hold->name, until);
    }
    return out.n;
}

/* ---- waiting ---- */

int64_t
rdt_gate_waiting(const struct gate *gate)
{
    const struct rdt_site *site = rdt_view_site(gate->view);
    int64_t days = site->waiting_days, from, passed;
    if (days < gate->key->window_min_days)
        days = gate->key->window_min_days;
    if (days < WAITING_DAYS_MIN)
        days = WAITING_DAYS_MIN;
    from = gate->version == NULL ? gate->key->quiet_s : gate->version->quiet_s;
    if (from < site->quiet_floor_s)
        from = site->quiet_floor_s;
    passed = site->credited_s - from;
    return passed >= days * DAY_S ? 0 : days * DAY_S - (passed < 0 ? 0 : passed);
}

/* ---- all of it ---- */

static bool
is_waiting(const struct gate *gate)
{
    return gate->version == NULL ? gate->key->state == RDT_KEY_PENDING_DELETION
                                 : gate->version->state == RDT_VERSION_QUIESCED;
}

static void
next_step(const struct gate *gate, struct teller *out)
{
    static const char *const steps[] = {
        [RDT_VERSION_CURRENT] = "it is the current version: redoubt key rotate",
        [RDT_VERSION_RETAINED] = "it is not draining: redoubt key drain",
        [RDT_VERSION_DRAINED] = "its uses are not refused yet: redoubt key quiesce",
    };
    unsigned state = gate->version->state;
    if (state < RDT_COUNT(steps) && steps[state] != NULL)
        say(out, "%s", steps[state]);
}

static void
wait_blockers(const struct gate *gate, struct teller *out)
{
    const struct rdt_site *site = rdt_view_site(gate->view);
    int64_t waiting = rdt_gate_waiting(gate);
    char date[RDT_DATE_TEXT];
    if (site->clock_blocked)
        say(out, "the clock is not to be trusted (%s): redoubt clock confirm",
            site->clock_reason == NULL ? "" : site->clock_reason);
    if (waiting != 0)
        say(out, "%lld days and %lld hours of credited waiting are left",
            (long long)(waiting / DAY_S), (long long)(waiting % DAY_S / 3600));
    if (gate->version == NULL && gate->key->deletion_ms > gate->now_ms) {
        rdt_date_text(gate->key->deletion_ms / DAY_MS, date);
        say(out, "its deletion is scheduled for %s", date);
    }
}

static void
scanner_blockers(const struct gate *gate, struct teller *out)
{
    const struct rdt_store_reg *store = NULL;
    if (!rdt_approvals_on(gate->view))
        return; /* first of all there has to be a quorum, which says so itself */
    while ((store = rdt_store_after(gate->view, gate->key->id,
                                    store == NULL ? NULL : store->name)) != NULL)
        look_at_scanner(gate, store->name, out);
}

static bool
is_over(const struct gate *gate)
{
    return gate->version != NULL && gate->version->state == RDT_VERSION_DESTROYED;
}

size_t
rdt_gate_blockers(const struct gate *gate, rdt_blocker_fn *tell, void *user)
{
    struct teller out = {tell, user, 0};
    if (is_over(gate))
        return 0;
    /* the few first: of stores and files only some may be told */
    if (gate->version != NULL)
        next_step(gate, &out);
    if (is_waiting(gate)) {
        wait_blockers(gate, &out);
        scanner_blockers(gate, &out);
    }
    if (gate->version == NULL || gate->version->state >= RDT_VERSION_DRAINING) {
        out.n += rdt_gate_census(gate, tell, user);
        out.n += rdt_gate_holds(gate, tell, user);
    }
    return out.n;
}

bool
rdt_gate_open(const struct gate *gate)
{
    /* a version on its way out waits while its key as a whole is on its own */
    bool alone = gate->version == NULL || gate->key->state != RDT_KEY_PENDING_DELETION;
    return is_waiting(gate) && alone && rdt_gate_waiting(gate) == 0 &&
           rdt_gate_blockers(gate, NULL, NULL) == 0;
}

/* ---- steps on ---- */

bool
rdt_drain_advance(struct rdt_call *call, const struct rdt_key *key)
{
    const struct rdt_version *version;
    struct rdt_view view = rdt_tx_view(call->tx);
    for (uint32_t number = 0; (version = rdt_view_version_after(view, key->id, number)) != NULL;) {
        struct gate gate = {view, call->kms, rdt_view_key(view, key->id), version,
                            call->request->now_ms};
        uint8_t id[20];
        number = version->number;
        if (version->state != RDT_VERSION_DRAINING || rdt_gate_census(&gate, NULL, NULL) != 0)
            continue;
        rdt_version_id(key->id, number, id);
        struct rdt_version *row =
            rdt_tx_edit(call->tx, RDT_KIND_VERSION, (struct rdt_span){id, sizeof id});
        if (row == NULL)
            return false;
        row->state = RDT_VERSION_DRAINED;
        row->state_ms = call->request->now_ms;
    }
    return true;
}

/* ---- what approvers sign ---- */

/* docs/formats/census.md 4 */
bool
rdt_census_root(const struct gate *gate, uint8_t out[static 32])
{
    static const char label[] = "redoubt census root v1";
    static const uint8_t nobody[16];
    RDT_BUF bytes = {0};
    const struct rdt_store_reg *store = NULL;
    rdt_buf_add(&bytes, label, sizeof label);
    rdt_buf_add(&bytes, rdt_view_site(gate->view)->deployment, 16);
    rdt_buf_add(&bytes, gate->key->id, 16);
    rdt_buf_uint(&bytes, number_of(gate), 4);
    rdt_buf_uint(&bytes, drain_of(gate), 4);
    rdt_buf_add(&bytes, rdt_gate_stated(gate) ? gate->key->statement : nobody, 16);
    while ((store = rdt_store_after(gate->view, gate->key->id,
                                    store == NULL ? NULL : store->name)) != NULL) {
        const struct rdt_census_report *report =
            rdt_report_of(gate->view, rdt_span_str(store->name), gate->key->id);
        bool good = report != NULL && report->looked_at == report->total &&
                    report->drain_no >= drain_of(gate);
        rdt_buf_uint(&bytes, strlen(store->name), 1);
        rdt_buf_str(&bytes, store->name);
        rdt_buf_add(&bytes, report == NULL ? nobody : report->scanner, 16);
        rdt_buf_uint(&bytes, good, 1);
        rdt_buf_uint(&bytes,
                     report == NULL ? 0 : rdt_report_count(gate->view, report, number_of(gate)), 8);
    }
    return rdt_buf_ok(&bytes) && rdt_sha256(rdt_buf_span(&bytes), out, NULL) == RDT_OK;
}

void
rdt_gate_parameters(const struct gate *gate, struct rdt_buf *out)
{
    char text[RDT_UUID_TEXT];
    rdt_uuid_text(gate->key->id, text);
    rdt_pairs_add(out, rdt_span_str("Key"), rdt_span_str(text));
    if (gate->version == NULL)
        return;
    snprintf(text, sizeof text, "%u", gate->version->number);
    rdt_pairs_add(out, rdt_span_str("Version"), rdt_span_str(text));
}

/* Version as it is written in parameters: decimal, no zero in front. */
static bool
read_number(struct rdt_span text, uint32_t *out)
{
    uint64_t v = 0;
    if (text.n == 0 || text.n > 10 || text.p[0] == '0')
        return false;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9')
            return false;
        v = v * 10 + (uint64_t)(text.p[i] - '0');
    }
    *out = (uint32_t)v;
    return v <= UINT32_MAX;
}

bool
rdt_gate_root_of(struct rdt_view view, struct rdt_span parameters, uint8_t out[static 32])
{
    struct rdt_span key, version;
    struct gate gate = {.view = view};
    uint8_t id[16];
    uint32_t number;
    if (!rdt_pairs_find(parameters, rdt_span_str("Key"), &key) || !rdt_uuid_parse(key, id))
        return false;
    gate.key = rdt_view_key(view, id);
    if (gate.key == NULL)
        return false;
    if (rdt_pairs_find(parameters, rdt_span_str("Version"), &version)) {
        if (!read_number(version, &number))
            return false;
        gate.version = rdt_view_version(view, id, number);
        if (gate.version == NULL)
            return false;
    }
    return rdt_census_root(&gate, out);
}

bool
rdt_gate_at_call(const struct gate *gate)
{
    return gate->version == NULL && gate->key->gate && gate->key->gate_drain != 0 &&
           gate->key->gate_drain == gate->key->drain_no;
}

bool
rdt_gate_approved(const struct gate *gate, uint8_t id[static 16])
{
    RDT_BUF parameters = {0};
    uint8_t root[32];
    if (rdt_gate_at_call(gate)) {
        memcpy(id, gate->key->gate_approval, 16);
        return true;
    }
    rdt_gate_parameters(gate, &parameters);
    if (!rdt_buf_ok(&parameters) || !rdt_census_root(gate, root))
        return false;
    return rdt_approval_ready(
        gate->view, gate->kms,
        &(struct approval_about){"key-destroy", rdt_buf_span(&parameters), root}, gate->now_ms, id);
}
