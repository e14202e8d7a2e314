#include "field/password_internal.h"

#include "codec/base64.h"

#include <time.h>

#define SALT_LEN 16
#define HASH_LEN 32
#define VERSION 19u
#define PLAIN_ROOM (2 * RDT_PASSWORD_STORED_MAX) /* of a decrypted string, padding included */
#define MEASURES 2

const char *
rdt_password_verdict_words(enum rdt_password_verdict verdict)
{
    static const char *const words[RDT_PASSWORD_NVERDICTS] = {
        [RDT_PASSWORD_NO_MATCH] = "the password is wrong",
        [RDT_PASSWORD_MATCH] = "the password is right",
        [RDT_PASSWORD_REHASH] = "the password is right; hash it anew",
        [RDT_PASSWORD_UNKNOWN] = "the stored string is of no form that is read",
        [RDT_PASSWORD_COST] = "the stored string asks for more than is allowed",
        [RDT_PASSWORD_UNFIT] = "the password is too long, or would be cut by the stored form",
        [RDT_PASSWORD_SEAL] = "the stored value is of another row or key, or damaged",
        [RDT_PASSWORD_NOMEM] = "out of memory",
        [RDT_PASSWORD_INTERNAL] = "an internal error",
    };
    return (size_t)verdict < RDT_PASSWORD_NVERDICTS ? words[verdict] : "an unknown verdict";
}

int
rdt_password_is_right(enum rdt_password_verdict verdict)
{
    return verdict == RDT_PASSWORD_MATCH || verdict == RDT_PASSWORD_REHASH;
}

/* ---- new hashes ---- */

static struct rdt_pwhash
how_of(const struct rdt_password_cost *cost, struct rdt_span salt)
{
    return (struct rdt_pwhash){.kind = RDT_PWHASH_ARGON2ID,
                               .version = VERSION,
                               .memory = cost->memory_kib,
                               .passes = cost->passes,
                               .lanes = cost->lanes,
                               .salt = salt};
}

bool
rdt_pw_cost_fits(const struct rdt_password_cost *cost)
{
    static const uint8_t salt[SALT_LEN];
    struct rdt_pwhash how = how_of(cost, (struct rdt_span){salt, sizeof salt});
    return cost->memory_kib >= RDT_PASSWORD_MEMORY_KIB && cost->passes >= RDT_PASSWORD_PASSES &&
           cost->lanes >= RDT_PASSWORD_LANES && rdt_pwhash_check(&how) == RDT_OK;
}

/* base64 without its padding; returns how many characters. */
static size_t
put_b64(struct rdt_span bytes, char *out)
{
    size_t n = rdt_base64_len(bytes.n);
    rdt_base64_put(bytes, out);
    while (n > 0 && out[n - 1] == '=')
        n--;
    return n;
}

static void
put_phc(const struct rdt_password_cost *cost, struct rdt_span salt, struct rdt_span hash,
        char out[static RDT_PASSWORD_TEXT])
{
    char salt64[24], hash64[44]; /* of SALT_LEN and HASH_LEN bytes */
    int salt_n = (int)put_b64(salt, salt64), hash_n = (int)put_b64(hash, hash64);
    snprintf(out, RDT_PASSWORD_TEXT, "$argon2id$v=%u$m=%u,t=%u,p=%u$%.*s$%.*s", VERSION,
             (unsigned)cost->memory_kib, (unsigned)cost->passes, (unsigned)cost->lanes, salt_n,
             salt64, hash_n, hash64);
}

enum rdt_code
rdt_pw_make(struct rdt_worker *worker, const struct rdt_password_cost *cost,
            struct rdt_span password, char out[static RDT_PASSWORD_TEXT], struct rdt_err *err)
{
    uint8_t salt[SALT_LEN], hash[HASH_LEN];
    struct rdt_pwhash how = how_of(cost, (struct rdt_span){salt, sizeof salt});
    out[0] = '\0';
    if (password.n == 0 || password.n > RDT_PASSWORD_MAX)
        return rdt_fail(err, RDT_E_LIMIT, "a password has 1 to %zu bytes", RDT_PASSWORD_MAX);
    if (!rdt_pw_cost_fits(cost))
        return rdt_fail(err, RDT_E_LIMIT, "the cost of a password's hash is out of bounds");
    enum rdt_code rc = rdt_random(worker, salt, sizeof salt, err);
    if (rc != RDT_OK)
        return rc;
    rc = rdt_pwhash(worker, &how, password, hash, sizeof hash);
    if (rc != RDT_OK)
        return rdt_fail(err, rc, "hash a password: %s", rdt_code_words(rc));
    put_phc(cost, how.salt, (struct rdt_span){hash, sizeof hash}, out);
    explicit_bzero(hash, sizeof hash);
    return RDT_OK;
}

/* ---- checks ---- */

static enum rdt_password_verdict
verdict_of(enum rdt_code rc)
{
    return rc == RDT_E_NOMEM ? RDT_PASSWORD_NOMEM : RDT_PASSWORD_INTERNAL;
}

enum rdt_password_verdict
rdt_pw_dummy(struct rdt_worker *worker, const struct rdt_password_cost *cost,
             struct rdt_span password)
{
    static const uint8_t salt[SALT_LEN];
    uint8_t hash[HASH_LEN];
    struct rdt_pwhash how = how_of(cost, (struct rdt_span){salt, sizeof salt});
    if (password.n > RDT_PASSWORD_MAX)
        return RDT_PASSWORD_UNFIT;
    enum rdt_code rc = rdt_pwhash(worker, &how, password, hash, sizeof hash);
    explicit_bzero(hash, sizeof hash);
    return rc == RDT_OK ? RDT_PASSWORD_NO_MATCH : verdict_of(rc);
}

/* bcrypt stops at a NUL and after 72 bytes: what it would not look at must not be typed. */
static bool
is_cut(const struct rdt_password_form *form, struct rdt_span password)
{
    return password.n > form->password_most ||
           (form->by_crypt && password.n != 0 && memchr(password.p, 0, password.n) != NULL);
}

static enum rdt_password_verdict
by_crypt(const struct rdt_password_form *form, struct rdt_span password)
{
    char made[RDT_PWHASH_CRYPT_TEXT];
    enum rdt_code rc = rdt_pwhash_crypt(password, form->text, made);
    if (rc != RDT_OK)
        return verdict_of(rc);
    size_t n = strlen(made), tail = form->tail;
    /* the hash alone: crypt() writes salts whose last bits are not used in its own way */
    bool same = n >= tail && rdt_same((struct rdt_span){(uint8_t *)made + n - tail, tail},
                                      (struct rdt_span){form->text.p + form->text.n - tail, tail});
    explicit_bzero(made, sizeof made);
    return same ? RDT_PASSWORD_MATCH : RDT_PASSWORD_NO_MATCH;
}

static enum rdt_password_verdict
compute(struct rdt_worker *worker, const struct rdt_password_form *form, struct rdt_span password)
{
    uint8_t hash[RDT_PASSWORD_HASH];
    if (is_cut(form, password))
        return RDT_PASSWORD_UNFIT;
    if (form->by_crypt)
        return by_crypt(form, password);
    enum rdt_code rc = rdt_pwhash(worker, &form->how, password, hash, form->hash_n);
    if (rc != RDT_OK)
        return verdict_of(rc);
    bool same = rdt_same((struct rdt_span){hash, form->hash_n},
                         (struct rdt_span){form->hash, form->hash_n});
    explicit_bzero(hash, sizeof hash);
    return same ? RDT_PASSWORD_MATCH : RDT_PASSWORD_NO_MATCH;
}

static bool
is_new(const struct rdt_password_form *form, const struct rdt_password_cost *cost)
{
    const struct rdt_pwhash *how = &form->how;
    return form->phc && how->kind == RDT_PWHASH_ARGON2ID && how->version == VERSION &&
           how->memory == cost->memory_kib && how->passes == cost->passes &&
           how->lanes == cost->lanes && how->salt.n == SALT_LEN && form->hash_n == HASH_LEN;
}

/* Whether a verdict was had without a slow hash. */
static bool
is_quick(enum rdt_password_verdict verdict)
{
    return verdict == RDT_PASSWORD_UNKNOWN || verdict == RDT_PASSWORD_COST ||
           verdict == RDT_PASSWORD_UNFIT || verdict == RDT_PASSWORD_SEAL;
}

enum rdt_password_verdict
rdt_pw_check(struct rdt_worker *worker, const struct rdt_password_cost *cost,
             struct rdt_span password, struct rdt_span stored)
{
    struct rdt_password_form form;
    if (password.n > RDT_PASSWORD_MAX)
        return RDT_PASSWORD_UNFIT;
    enum rdt_password_verdict verdict = rdt_pw_read(stored, &form);
    if (verdict == RDT_PASSWORD_MATCH)
        verdict = compute(worker, &form, password);
    if (is_quick(verdict))
        rdt_pw_dummy(worker, cost, password);
    if (verdict == RDT_PASSWORD_MATCH && !is_new(&form, cost))
        verdict = RDT_PASSWORD_REHASH;
    explicit_bzero(&form, sizeof form);
    return verdict;
}

/* ---- under a pepper ---- */

enum rdt_code
rdt_pw_seal(const struct rdt_rf1_call *call, const struct rdt_password_cost *cost,
            struct rdt_span password, struct rdt_rf1_out *out, struct rdt_err *err)
{
    char text[RDT_PASSWORD_TEXT];
    out->n = 0;
    if (!call->column->row_bound)
        return rdt_fail(err, RDT_E_BADINPUT, "the column of password hashes is not row-bound");
    enum rdt_code rc = rdt_pw_make(call->worker, cost, password, text, err);
    if (rc != RDT_OK)
        return rc;
    enum rdt_field_fault fault = rdt_rf1_seal(call, rdt_span_str(text), out);
    explicit_bzero(text, sizeof text);
    if (fault == RDT_FIELD_OK)
        return RDT_OK;
    return rdt_fail(err, fault == RDT_FIELD_INTERNAL ? RDT_E_INTERNAL : RDT_E_BADINPUT,
                    "encrypt a password's hash: %s", rdt_field_fault_words(fault));
}

enum rdt_password_verdict
rdt_pw_check_sealed(const struct rdt_rf1_call *call, const struct rdt_password_cost *cost,
                    struct rdt_span password, struct rdt_span value)
{
    uint8_t plain[PLAIN_ROOM];
    struct rdt_rf1_out text = {plain, sizeof plain, 0};
    if (password.n > RDT_PASSWORD_MAX)
        return RDT_PASSWORD_UNFIT;
    if (!call->column->row_bound || rdt_rf1_open(call, value, &text) != RDT_FIELD_OK) {
        rdt_pw_dummy(call->worker, cost, password);
        return RDT_PASSWORD_SEAL;
    }
    enum rdt_password_verdict verdict =
        rdt_pw_check(call->worker, cost, password, (struct rdt_span){plain, text.n});
    explicit_bzero(plain, sizeof plain);
    return verdict;
}

/* ---- calibration ---- */

static int64_t
processor_us(void)
{
    struct timespec now = {0};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now); /* others on the machine must not count */
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* Microseconds of the quickest of a few hashes, at least 1. */
static enum rdt_code
measure(struct rdt_worker *worker, const struct rdt_password_cost *cost, uint64_t *us)
{
    static const uint8_t typed[16] = "correct horse";
    *us = UINT64_MAX;
    for (int i = 0; i < MEASURES; i++) {
        int64_t before = processor_us();
        enum rdt_password_verdict got =
            rdt_pw_dummy(worker, cost, (struct rdt_span){typed, sizeof typed});
        uint64_t took = (uint64_t)(processor_us() - before);
        if (got != RDT_PASSWORD_NO_MATCH)
            return got == RDT_PASSWORD_NOMEM ? RDT_E_NOMEM : RDT_E_INTERNAL;
        *us = took < *us ? took : *us;
    }
    if (*us == 0)
        *us = 1;
    return RDT_OK;
}

static uint32_t
scaled(uint32_t value, uint64_t target_us, uint64_t us, uint32_t most)
{
    uint64_t v = value * target_us / us;
    return v > most ? most : v < value ? value : (uint32_t)v;
}

enum rdt_code
rdt_pw_calibrate(struct rdt_worker *worker, uint32_t target_ms, uint32_t memory_kib_most,
                 struct rdt_password_cost *out, struct rdt_err *err)
{
    struct rdt_password_cost cost = {RDT_PASSWORD_MEMORY_KIB, RDT_PASSWORD_PASSES,
                                     RDT_PASSWORD_LANES};
    uint64_t target_us = (uint64_t)target_ms * 1000, us = 0;
    if (memory_kib_most < cost.memory_kib || memory_kib_most > RDT_PWHASH_MEMORY_MAX)
        return rdt_fail(err, RDT_E_LIMIT, "memory of a password's hash is out of bounds");
    enum rdt_code rc = measure(worker, &cost, &us);
    if (rc == RDT_OK && us < target_us) {
        uint32_t memory = scaled(cost.memory_kib, target_us, us, memory_kib_most);
        if (memory > cost.memory_kib) { /* whole MiB: a number that people can compare */
            cost.memory_kib = memory / 1024 * 1024;
            rc = measure(worker, &cost, &us);
        }
        cost.passes = scaled(cost.passes, target_us, us, RDT_PWHASH_PASSES_MAX);
    }
    if (rc != RDT_OK)
        return rdt_fail(err, rc, "calibrate: %s", rdt_code_words(rc));
    *out = cost;
    return RDT_OK;
}
