#include "probe/https_internal.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>

/*
 * A name with several addresses is as safe as the worst of them. What is certainly bad at one
 * address is a fact whatever the others are; what could not be read at one address makes the whole
 * unknown as long as nothing is certainly bad.
 */

/* Which raw answer of a look; each has its own so that a fact carries only what it rests on. */
static const struct rdt_buf *
raw_of(const struct https_look *look, size_t offset)
{
    return (const struct rdt_buf *)(const void *)((const char *)look + offset);
}

static enum rdt_code
join_raw(const struct https_look *looks, size_t n, size_t offset, struct rdt_buf *out)
{
    for (size_t i = 0; i < n; i++) {
        const struct rdt_buf *raw = raw_of(&looks[i], offset);
        if (raw->failed)
            return RDT_E_NOMEM;
        rdt_buf_add(out, raw->p, raw->n);
    }
    return rdt_buf_ok(out) ? RDT_OK : RDT_E_NOMEM;
}

struct place {
    struct rdt_evidence *out;
    const char *subject;
};

static struct rdt_node *
new_map(struct rdt_arena *arena)
{
    return rdt_node_new(arena, RDT_NODE_MAP, (struct rdt_mark){0});
}

static enum rdt_code
record(const struct place *at, const char *fact, struct rdt_node *value, struct rdt_span raw)
{
    return rdt_evidence_fact(at->out, at->subject, fact, value, raw);
}

static enum rdt_code
unknown(const struct place *at, const char *fact, const struct rdt_addr *addr, const char *why,
        struct rdt_span raw)
{
    char text[RDT_ADDR_TEXT + HTTPS_WHY_MAX + 2];
    snprintf(text, sizeof text, "%s: %s", addr->text, why);
    return rdt_evidence_unknown(at->out, at->subject, fact, text, raw);
}

/* A higher number is worse. */
static int
redirect_badness(const struct https_look *look)
{
    if (look->redirect.answered && !look->redirect.https)
        return 5;
    if (!look->redirect.answered && !look->redirect.closed)
        return 4; /* unknown */
    if (look->redirect.closed)
        return 1;
    bool lasting = look->redirect.status == 301 || look->redirect.status == 308;
    return lasting ? 2 : 3;
}

static enum rdt_code
record_redirect(const struct place *at, const struct https_look *looks, size_t n,
                struct rdt_span raw)
{
    const struct https_look *worst = &looks[0];
    struct rdt_arena *arena = &at->out->arena;
    for (size_t i = 1; i < n; i++)
        if (redirect_badness(&looks[i]) > redirect_badness(worst))
            worst = &looks[i];
    if (!worst->redirect.answered && !worst->redirect.closed)
        return unknown(at, "http.redirect", worst->addr, worst->redirect.why, raw);
    struct rdt_node *map = new_map(arena);
    bool ok = rdt_value_bool(arena, map, "closed", worst->redirect.closed) != NULL;
    if (ok && worst->redirect.answered) {
        ok = rdt_value_int(arena, map, "status", worst->redirect.status) != NULL;
        ok = ok && rdt_value_text(arena, map, "location", worst->redirect.location) != NULL;
    }
    ok = ok && rdt_value_bool(arena, map, "https", worst->redirect.https) != NULL;
    return record(at, "http.redirect", ok ? map : NULL, raw);
}

/* Speaking an old version is the bad end of that version, not speaking TLS 1.3 is its bad end. */
static int
version_badness(enum rdt_tls_version version, enum rdt_tls_verdict verdict)
{
    if (verdict == RDT_TLS_UNDECIDED)
        return 1;
    enum rdt_tls_verdict bad = version == RDT_TLS1_3 ? RDT_TLS_REFUSED : RDT_TLS_ACCEPTED;
    return verdict == bad ? 2 : 0;
}

static enum rdt_code
record_versions(const struct place *at, const struct https_look *looks, size_t n,
                struct rdt_span raw)
{
    struct rdt_arena *arena = &at->out->arena;
    struct rdt_node *map = new_map(arena);
    bool decided = false, ok = map != NULL;
    for (int v = 0; ok && v < RDT_TLS_N_VERSIONS; v++) {
        enum rdt_tls_verdict worst = looks[0].tls[v].verdict;
        for (size_t i = 1; i < n; i++) {
            enum rdt_tls_verdict verdict = looks[i].tls[v].verdict;
            if (version_badness(v, verdict) > version_badness(v, worst))
                worst = verdict;
        }
        decided = decided || worst != RDT_TLS_UNDECIDED;
        ok = rdt_value_text(arena, map, rdt_tls_version_name(v), rdt_tls_verdict_name(worst)) !=
             NULL;
    }
    if (ok && !decided) {
        size_t i = 0;
        while (i + 1 < n && looks[i].tls[RDT_TLS1_3].verdict != RDT_TLS_UNDECIDED)
            i++;
        return unknown(at, "tls.versions", looks[i].addr, looks[i].tls[RDT_TLS1_3].why, raw);
    }
    return record(at, "tls.versions", ok ? map : NULL, raw);
}

static bool
cert_is_bad(const struct https_look *look)
{
    return !look->cert.cert.host || !look->cert.trust.trusted;
}

/* What is wrong with the certificates, in words, each with its address; cut when too long. */
static void
add_why(char *why, size_t size, const struct https_look *look)
{
    const char *const parts[] = {
        look->cert.trust.trusted ? NULL : look->cert.trust.why,
        look->cert.cert.host ? NULL : "issued for other names",
    };
    for (size_t i = 0; i < RDT_COUNT(parts); i++) {
        size_t at = strlen(why);
        if (parts[i] != NULL)
            snprintf(why + at, size - at, "%s%s: %s", at == 0 ? "" : "; ", look->addr->text,
                     parts[i]);
    }
}

/* The earliest end, the weakest key, the longest life, and one bad name or chain spoils all. */
static void
worst_cert(const struct https_look *looks, size_t n, struct rdt_cert *cert, bool *trusted)
{
    bool first = true;
    int64_t lifetime = 0;
    bool host = true;
    const struct rdt_cert *weakest = NULL;
    *trusted = true;
    for (size_t i = 0; i < n; i++) {
        const struct rdt_cert *c = &looks[i].cert.cert;
        if (!looks[i].cert.seen)
            continue;
        if (first || c->not_after_s < cert->not_after_s)
            *cert = *c;
        if (weakest == NULL || c->strength_bits < weakest->strength_bits)
            weakest = c;
        lifetime = c->lifetime > lifetime ? c->lifetime : lifetime;
        host = host && c->host;
        *trusted = *trusted && looks[i].cert.trust.trusted;
        first = false;
    }
    if (weakest != NULL)
        memcpy(cert->key, weakest->key, sizeof cert->key);
    cert->lifetime = lifetime;
    cert->host = host;
}

static struct rdt_node *
cert_value(struct rdt_arena *arena, const struct rdt_cert *c, bool trusted, bool all,
           const char *why)
{
    struct rdt_node *map = new_map(arena);
    bool ok = rdt_value_text(arena, map, "subject", c->subject) != NULL;
    ok = ok && rdt_value_text(arena, map, "issuer", c->issuer) != NULL;
    ok = ok && rdt_value_int(arena, map, "not_before", c->not_before) != NULL;
    ok = ok && rdt_value_int(arena, map, "not_after", c->not_after) != NULL;
    ok = ok && rdt_value_int(arena, map, "lifetime", c->lifetime) != NULL;
    ok = ok && rdt_value_text(arena, map, "key", c->key) != NULL;
    ok = ok && rdt_value_bool(arena, map, "host", c->host) != NULL;
    ok = ok && rdt_value_bool(arena, map, "chain", trusted) != NULL;
    ok = ok && rdt_value_bool(arena, map, "all", all) != NULL;
    ok = ok && rdt_value_text(arena, map, "why", why) != NULL;
    return ok ? map : NULL;
}

static enum rdt_code
record_cert(const struct place *at, const struct https_look *looks, size_t n, struct rdt_span raw)
{
    struct rdt_cert cert = {0};
    char why[2 * HTTPS_WHY_MAX] = "";
    const struct https_look *unseen = NULL;
    bool bad = false, trusted = false;
    for (size_t i = 0; i < n; i++) {
        if (looks[i].cert.seen) {
            bad = bad || cert_is_bad(&looks[i]);
            add_why(why, sizeof why, &looks[i]);
        } else if (unseen == NULL) {
            unseen = &looks[i];
        }
    }
    if (unseen != NULL && !bad)
        return unknown(at, "tls.cert", unseen->addr, unseen->cert.why, raw);
    worst_cert(looks, n, &cert, &trusted);
    struct rdt_node *value = cert_value(&at->out->arena, &cert, trusted, unseen == NULL, why);
    return record(at, "tls.cert", value, raw);
}

/* What the looks say of HSTS together. */
struct hsts_sum {
    struct rdt_hsts least;                           /* what holds at each address that has it */
    const struct https_look *unseen, *missing, *odd; /* the first of each, or NULL */
};

static void
add_hsts(struct hsts_sum *sum, const struct https_look *look)
{
    struct rdt_hsts *least = &sum->least;
    const struct rdt_hsts *here = &look->hsts.hsts;
    if (!look->hsts.answered) {
        sum->unseen = sum->unseen == NULL ? look : sum->unseen;
        return;
    }
    if (!look->hsts.present) {
        sum->missing = sum->missing == NULL ? look : sum->missing;
        return;
    }
    if (look->hsts.why[0] != '\0' && sum->odd == NULL)
        sum->odd = look;
    least->max_age_s = here->max_age_s < least->max_age_s ? here->max_age_s : least->max_age_s;
    least->subdomains = least->subdomains && here->subdomains;
    least->preload = least->preload && here->preload;
}

static enum rdt_code
record_hsts(const struct place *at, const struct https_look *looks, size_t n, struct rdt_span raw)
{
    struct hsts_sum sum = {
        .least = {.max_age_s = RDT_HSTS_AGE_MAX, true, true}
    };
    struct rdt_arena *arena = &at->out->arena;
    for (size_t i = 0; i < n; i++)
        add_hsts(&sum, &looks[i]);
    if (sum.missing == NULL && sum.unseen != NULL)
        return unknown(at, "http.hsts", sum.unseen->addr, sum.unseen->hsts.why, raw);
    const struct https_look *told = sum.missing != NULL ? sum.missing : sum.odd;
    if (sum.missing != NULL)
        sum.least = (struct rdt_hsts){0};
    struct rdt_node *map = new_map(arena);
    bool ok = rdt_value_bool(arena, map, "present", sum.missing == NULL) != NULL;
    ok = ok && rdt_value_int(arena, map, "max_age", sum.least.max_age_s) != NULL;
    ok = ok && rdt_value_bool(arena, map, "subdomains", sum.least.subdomains) != NULL;
    ok = ok && rdt_value_bool(arena, map, "preload", sum.least.preload) != NULL;
    ok = ok && rdt_value_text(arena, map, "why", told == NULL ? "" : told->hsts.why) != NULL;
    return record(at, "http.hsts", ok ? map : NULL, raw);
}

enum rdt_code
rdt_https_record(const char *subject, const struct https_look *looks, size_t n,
                 struct rdt_evidence *out)
{
    const struct place at = {out, subject};
    RDT_BUF redirect = {0}, tls = {0}, cert = {0}, hsts = {0};
    if (join_raw(looks, n, offsetof(struct https_look, redirect_raw), &redirect) != RDT_OK ||
        join_raw(looks, n, offsetof(struct https_look, tls_raw), &tls) != RDT_OK ||
        join_raw(looks, n, offsetof(struct https_look, cert_raw), &cert) != RDT_OK ||
        join_raw(looks, n, offsetof(struct https_look, hsts_raw), &hsts) != RDT_OK)
        return RDT_E_NOMEM;
    enum rdt_code rc = record_redirect(&at, looks, n, rdt_buf_span(&redirect));
    if (rc == RDT_OK)
        rc = record_versions(&at, looks, n, rdt_buf_span(&tls));
    if (rc == RDT_OK)
        rc = record_cert(&at, looks, n, rdt_buf_span(&cert));
    if (rc == RDT_OK)
        rc = record_hsts(&at, looks, n, rdt_buf_span(&hsts));
    return rc;
}
