#include "crypto/p11.h"

#include "base/apart.h"
#include "base/clock.h"
#include "base/cursor.h"
#include "base/text.h"
#include "crypto/p11_internal.h"

#define ANSWER_MAX (1 + (size_t)RDT_P11_WRAPPED_MAX) /* a code, then a result or words */
#define WORDS_END '\n'                               /* between words and hint */

enum job_kind { JOB_MAKE, JOB_WRAP, JOB_UNWRAP };

/* What the child finds in its copy of our memory; what is secret comes as its request instead. */
struct job {
    enum job_kind kind;
    const struct rdt_p11 *what;
    struct rdt_span aad, wrapped;
};

const char *
rdt_p11_how_name(enum rdt_p11_how how)
{
    static const char *const names[] = {"best", "oaep", "gcm", "unwrap"};
    return names[how];
}

/* ---- in the child ---- */

static enum rdt_code
do_job(const struct job *job, struct rdt_span pin, struct rdt_span secret, struct rdt_buf *answer,
       struct rdt_err *err)
{
    struct p11_session session;
    enum rdt_p11_how how = RDT_P11_BEST;
    uint8_t key[RDT_P11_KEY_LEN];
    enum rdt_code rc = rdt_p11_open(job->what, pin, &session, err);
    if (rc != RDT_OK)
        return rc;
    if (job->kind == JOB_MAKE) {
        rc = rdt_p11_make_key(&session, &how, err);
        rdt_buf_add(answer, &(uint8_t){(uint8_t)how}, rc == RDT_OK);
    } else if (job->kind == JOB_WRAP) {
        rc = rdt_p11_wrap_key(&session, job->aad, secret, answer, err);
    } else {
        rc = rdt_p11_unwrap_key(&session, job->aad, job->wrapped, key, err);
        rdt_buf_add(answer, key, rc == RDT_OK ? sizeof key : 0);
    }
    rdt_p11_close(&session);
    return rc;
}

/* Request: u16 length | PIN | secret.  Answer: code | result, or words | line end | hint. */
static void
run_job(const void *context, struct rdt_span request, struct rdt_buf *answer)
{
    struct rdt_err err = {0};
    struct rdt_span pin = {0};
    uint16_t pin_n = 0;
    uint8_t code = RDT_OK;
    rdt_buf_add(answer, &code, 1);
    if (!rdt_take_u16(&request, &pin_n) || !rdt_take(&request, pin_n, &pin))
        code = (uint8_t)rdt_fail(&err, RDT_E_INTERNAL, "a request of the wrong form");
    else
        code = (uint8_t)do_job(context, pin, request, answer, &err);
    if (code == RDT_OK || !rdt_buf_ok(answer))
        return;
    answer->p[0] = code;
    answer->n = 1;
    rdt_buf_fmt(answer, "%s%c%s", err.text, WORDS_END, err.hint);
}

/* ---- in the caller ---- */

/* The words come from a process in which a stranger's library ran. */
static enum rdt_code
take_failure(struct rdt_span answer, enum rdt_code code, struct rdt_err *err)
{
    struct rdt_span words = {0};
    if (!rdt_take_until(&answer, WORDS_END, &words))
        return rdt_fail(err, RDT_E_IO, "the module's process answered nonsense");
    rdt_fail(err, code, "%.*s", RDT_FMT(words));
    if (answer.n != 0)
        rdt_hint(err, "%.*s", RDT_FMT(answer));
    if (err != NULL) {
        rdt_text_show(err->text);
        rdt_text_show(err->hint);
    }
    return code;
}

static enum rdt_code
make_request(const struct rdt_secret *pin, const struct rdt_secret *secret, struct rdt_secret *out,
             struct rdt_err *err)
{
    size_t secret_n = secret == NULL ? 0 : secret->n;
    if (pin->n > RDT_P11_PIN_MAX)
        return rdt_fail(err, RDT_E_LIMIT, "a PIN of more than %d bytes", RDT_P11_PIN_MAX);
    enum rdt_code rc = rdt_secret_new(out, 2 + pin->n + secret_n, err);
    if (rc != RDT_OK)
        return rc;
    out->p[0] = (uint8_t)(pin->n >> 8);
    out->p[1] = (uint8_t)pin->n;
    if (pin->n != 0)
        memcpy(out->p + 2, pin->p, pin->n);
    if (secret_n != 0)
        memcpy(out->p + 2 + pin->n, secret->p, secret_n);
    return RDT_OK;
}

/* Run a job in a process of its own; answer is cut to the result behind its first byte. */
static enum rdt_code
ask(const struct job *job, const struct rdt_secret *pin, const struct rdt_secret *secret,
    struct rdt_secret *answer, struct rdt_err *err)
{
    RDT_AUTO(rdt_apart_close_at) struct rdt_apart *apart = NULL;
    RDT_SECRET request = {0};
    int timeout_ms = job->what->timeout_ms > 0 ? job->what->timeout_ms : RDT_P11_TIMEOUT_MS;
    enum rdt_code rc = make_request(pin, secret, &request, err);
    if (rc == RDT_OK && job->kind != JOB_MAKE && job->what->how == RDT_P11_BEST)
        rc = rdt_fail(err, RDT_E_INTERNAL, "nobody asked the token what it can");
    if (rc == RDT_OK)
        rc = rdt_secret_new(answer, ANSWER_MAX, err);
    if (rc == RDT_OK)
        rc = rdt_apart_open(run_job, job, &apart, err);
    if (rc == RDT_OK)
        rc = rdt_apart_ask_secret(apart, &request, rdt_monotonic_ms() + timeout_ms, answer, err);
    if (rc != RDT_OK)
        return rdt_fail_in(err, rc, "PKCS#11 module %s", job->what->module);
    struct rdt_span rest = {answer->p, answer->n};
    uint8_t code = RDT_E_INTERNAL;
    if (!rdt_take_u8(&rest, &code) || code > RDT_E_INTERNAL)
        return rdt_fail(err, RDT_E_IO, "the module's process answered nonsense");
    return code == RDT_OK ? RDT_OK : take_failure(rest, (enum rdt_code)code, err);
}

enum rdt_code
rdt_p11_make(struct rdt_p11 *what, const struct rdt_secret *pin, struct rdt_err *err)
{
    struct job job = {.kind = JOB_MAKE, .what = what};
    RDT_SECRET answer = {0};
    enum rdt_code rc = ask(&job, pin, NULL, &answer, err);
    if (rc != RDT_OK)
        return rc;
    if (answer.n != 2 || answer.p[1] == RDT_P11_BEST || answer.p[1] > RDT_P11_UNWRAP)
        return rdt_fail(err, RDT_E_IO, "the module's process answered nonsense");
    what->how = (enum rdt_p11_how)answer.p[1];
    return RDT_OK;
}

enum rdt_code
rdt_p11_wrap(const struct rdt_p11 *what, const struct rdt_secret *pin, struct rdt_span aad,
             const struct rdt_secret *secret, struct rdt_buf *out, struct rdt_err *err)
{
    struct job job = {.kind = JOB_WRAP, .what = what, .aad = aad};
    RDT_SECRET answer = {0};
    if (secret->n != RDT_P11_KEY_LEN)
        return rdt_fail(err, RDT_E_LIMIT, "a secret of %zu bytes to wrap", secret->n);
    enum rdt_code rc = ask(&job, pin, secret, &answer, err);
    if (rc == RDT_OK)
        rdt_buf_add(out, answer.p + 1, answer.n - 1);
    if (rc == RDT_OK && !rdt_buf_ok(out))
        rc = rdt_fail(err, RDT_E_NOMEM, "a wrapped secret");
    return rc;
}

enum rdt_code
rdt_p11_unwrap(const struct rdt_p11 *what, const struct rdt_secret *pin, struct rdt_span aad,
               struct rdt_span wrapped, struct rdt_secret *out, struct rdt_err *err)
{
    struct job job = {.kind = JOB_UNWRAP, .what = what, .aad = aad, .wrapped = wrapped};
    RDT_SECRET answer = {0};
    if (out->n != RDT_P11_KEY_LEN || wrapped.n > RDT_P11_WRAPPED_MAX)
        return rdt_fail(err, RDT_E_LIMIT, "%zu wrapped bytes of a %zu-byte secret", wrapped.n,
                        out->n);
    enum rdt_code rc = ask(&job, pin, NULL, &answer, err);
    if (rc == RDT_OK && answer.n != 1 + RDT_P11_KEY_LEN)
        rc = rdt_fail(err, RDT_E_IO, "the module's process answered nonsense");
    if (rc == RDT_OK)
        memcpy(out->p, answer.p + 1, RDT_P11_KEY_LEN);
    return rc;
}
