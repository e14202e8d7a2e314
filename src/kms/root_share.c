/*
 * One share is a line of text that a person keeps on paper or in a safe of their own:
 * redoubt-share-1-<seal id>-<x>-<base64url(deployment 4 | set 4 | y 32 | checksum 4)>
 * The fixed length of the last part tells it from an id that has a dash. docs/formats/root.md 5.
 */
#include "kms/root_internal.h"

#include "base/cursor.h"
#include "codec/base64.h"

#include <stdio.h>

#define PREFIX "redoubt-share-"
#define VERSION "1-"
#define OWNER_LEN 4 /* bytes of the deployment's id in a share */
#define CHECKSUM_LEN 4
#define BODY_LEN (OWNER_LEN + ROOT_SET_LEN + RDT_KEY_LEN + CHECKSUM_LEN)
#define BODY_TEXT 59 /* its characters in base64url */
#define CHECKSUM_LABEL "redoubt share v1"

/* A share as it is written. */
struct parts {
    char id[RDT_ROOT_ID_MAX];
    uint8_t x;
    struct rdt_secret body; /* BODY_LEN bytes */
};

static void
parts_done(struct parts *parts)
{
    rdt_secret_wipe(&parts->body);
}

/* Over all that a share says, so that a slip of the pen anywhere is noticed. */
static enum rdt_code
checksum(const struct parts *parts, uint8_t out[static RDT_SHA256_LEN], struct rdt_err *err)
{
    RDT_SECRET all = {0};
    size_t label_n = sizeof CHECKSUM_LABEL, id_n = strlen(parts->id) + 1; /* with their NUL */
    enum rdt_code rc = rdt_secret_new(&all, label_n + id_n + 1 + BODY_LEN - CHECKSUM_LEN, err);
    if (rc != RDT_OK)
        return rc;
    memcpy(all.p, CHECKSUM_LABEL, label_n);
    memcpy(all.p + label_n, parts->id, id_n);
    all.p[label_n + id_n] = parts->x;
    memcpy(all.p + label_n + id_n + 1, parts->body.p, BODY_LEN - CHECKSUM_LEN);
    return rdt_sha256((struct rdt_span){all.p, all.n}, out, err);
}

/* ---- writing ---- */

enum rdt_code
rdt_root_shares_begin(struct root_shares *shares, const struct rdt_seal_opts *seals, size_t n_seals,
                      struct rdt_secret *out, struct rdt_err *err)
{
    size_t room = 0;
    *shares = (struct root_shares){out, 0};
    for (size_t i = 0; i < n_seals; i++)
        room += seals[i].type == RDT_SEAL_SHAMIR ? seals[i].shares * ROOT_SHARE_TEXT_MAX : 0;
    if (room == 0)
        return RDT_OK;
    if (out == NULL)
        return rdt_fail(err, RDT_E_INTERNAL, "nobody takes the shares");
    return rdt_secret_new(out, room, err);
}

void
rdt_root_shares_end(struct root_shares *shares, enum rdt_code rc)
{
    if (shares->out == NULL)
        return;
    if (rc == RDT_OK)
        rdt_secret_cut(shares->out, shares->n);
    else
        rdt_secret_wipe(shares->out);
}

/* Standard base64 is what there is without a copy in memory that is not locked. */
static void
make_base64url(uint8_t *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        text[i] = (uint8_t)(text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i]);
}

static enum rdt_code
write_share(const struct parts *parts, struct root_shares *to, struct rdt_err *err)
{
    RDT_SECRET text = {0};
    uint8_t sum[RDT_SHA256_LEN];
    char head[ROOT_SHARE_TEXT_MAX];
    int head_n = snprintf(head, sizeof head, PREFIX VERSION "%s-%u-", parts->id, parts->x);
    enum rdt_code rc = checksum(parts, sum, err);
    if (rc == RDT_OK)
        rc = rdt_secret_new(&text, rdt_base64_len(BODY_LEN), err);
    if (rc != RDT_OK)
        return rc;
    memcpy(parts->body.p + BODY_LEN - CHECKSUM_LEN, sum, CHECKSUM_LEN);
    rdt_base64_put((struct rdt_span){parts->body.p, BODY_LEN}, (char *)text.p);
    make_base64url(text.p, BODY_TEXT);
    if (head_n < 0 || to->out->n - to->n < (size_t)head_n + BODY_TEXT + 1)
        return rdt_fail(err, RDT_E_INTERNAL, "no room for a share");
    memcpy(to->out->p + to->n, head, (size_t)head_n);
    memcpy(to->out->p + to->n + head_n, text.p, BODY_TEXT);
    to->out->p[to->n + (size_t)head_n + BODY_TEXT] = '\n';
    to->n += (size_t)head_n + BODY_TEXT + 1;
    return RDT_OK;
}

enum rdt_code
rdt_root_shares_split(const uint8_t deployment[static 16], const struct root_seal *seal,
                      const struct rdt_secret *kek, struct root_shares *shares, struct rdt_err *err)
{
    struct rdt_share split[RDT_SHARES_MAX] = {0};
    RDT_AUTO(parts_done) struct parts parts = {0};
    enum rdt_code rc = rdt_shamir_split(kek, seal->threshold, seal->shares, split, err);
    if (rc == RDT_OK)
        rc = rdt_secret_new(&parts.body, BODY_LEN, err);
    memcpy(parts.id, seal->id, sizeof parts.id);
    for (unsigned i = 0; rc == RDT_OK && i < seal->shares; i++) {
        parts.x = split[i].x;
        memcpy(parts.body.p, deployment, OWNER_LEN);
        memcpy(parts.body.p + OWNER_LEN, seal->set, ROOT_SET_LEN);
        memcpy(parts.body.p + OWNER_LEN + ROOT_SET_LEN, split[i].y.p, RDT_KEY_LEN);
        rc = write_share(&parts, shares, err);
    }
    for (unsigned i = 0; i < RDT_SHARES_MAX; i++)
        rdt_secret_wipe(&split[i].y);
    return rc;
}

/* ---- reading ---- */

static bool
is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct rdt_span
without_blanks(struct rdt_span text)
{
    while (text.n != 0 && is_blank(text.p[0]))
        text = (struct rdt_span){text.p + 1, text.n - 1};
    while (text.n != 0 && is_blank(text.p[text.n - 1]))
        text.n--;
    return text;
}

/* "-16", at the end: taken off, or false. */
static bool
take_number_off(struct rdt_span *text, uint8_t *x)
{
    unsigned value = 0, scale = 1;
    size_t n = text->n;
    while (n > 0 && text->p[n - 1] >= '0' && text->p[n - 1] <= '9' && scale <= 100) {
        value += scale * (unsigned)(text->p[n - 1] - '0');
        scale *= 10;
        n--;
    }
    if (n == text->n || n == 0 || text->p[n - 1] != '-' || text->p[n] == '0' ||
        value > RDT_SHARES_MAX)
        return false;
    *x = (uint8_t)value;
    text->n = n - 1;
    return true;
}

/* What stands in clear before the body; *body becomes the rest. */
static bool
read_head(struct rdt_span text, struct parts *parts, struct rdt_span *body)
{
    struct rdt_span prefix;
    text = without_blanks(text);
    if (!rdt_take(&text, strlen(PREFIX VERSION), &prefix) || !rdt_span_is(prefix, PREFIX VERSION) ||
        text.n < BODY_TEXT + 1 || text.p[text.n - BODY_TEXT - 1] != '-')
        return false;
    *body = (struct rdt_span){text.p + text.n - BODY_TEXT, BODY_TEXT};
    text.n -= BODY_TEXT + 1;
    if (!take_number_off(&text, &parts->x) || text.n == 0 || text.n >= sizeof parts->id)
        return false;
    memcpy(parts->id, text.p, text.n);
    parts->id[text.n] = '\0';
    return rdt_root_is_name(parts->id, sizeof parts->id, "");
}

bool
rdt_root_share_seal(const struct rdt_secret *text, char id[static RDT_ROOT_ID_MAX])
{
    struct parts parts = {0};
    struct rdt_span body;
    if (!read_head(rdt_secret_view(text), &parts, &body))
        return false;
    memcpy(id, parts.id, sizeof parts.id);
    return true;
}

static enum rdt_code
read_share(const struct rdt_secret *text, size_t number, struct parts *parts, struct rdt_err *err)
{
    static const char later[] = PREFIX;
    struct rdt_span given = without_blanks(rdt_secret_view(text)), head, body = {0};
    uint8_t sum[RDT_SHA256_LEN];
    size_t n = 0;
    if (!read_head(given, parts, &body)) {
        if (rdt_take(&given, sizeof later - 1, &head) && rdt_span_is(head, later) &&
            (given.n < 2 || !rdt_span_is((struct rdt_span){given.p, 2}, VERSION)))
            return rdt_fail(err, RDT_E_DENIED, "share %zu is of another format", number);
        return rdt_fail(err, RDT_E_DENIED, "share %zu is not a whole share", number);
    }
    enum rdt_code rc = rdt_secret_new(&parts->body, BODY_TEXT, err); /* room that decoding wants */
    if (rc != RDT_OK)
        return rc;
    if (!rdt_base64url_get(body, parts->body.p, &n) || n != BODY_LEN)
        return rdt_fail(err, RDT_E_DENIED, "share %zu has a typing error", number);
    rdt_secret_cut(&parts->body, BODY_LEN);
    rc = checksum(parts, sum, err);
    if (rc == RDT_OK &&
        !rdt_same((struct rdt_span){sum, CHECKSUM_LEN},
                  (struct rdt_span){parts->body.p + BODY_LEN - CHECKSUM_LEN, CHECKSUM_LEN}))
        rc = rdt_fail(err, RDT_E_DENIED, "share %zu has a typing error", number);
    return rc;
}

static enum rdt_code
check_belongs(const struct parts *parts, size_t number, const uint8_t *deployment,
              const struct root_seal *seal, struct rdt_err *err)
{
    struct rdt_span body = {parts->body.p, BODY_LEN}, owner = {0}, set = {0};
    bool ok = rdt_take(&body, OWNER_LEN, &owner) && rdt_take(&body, ROOT_SET_LEN, &set);
    if (!ok || !rdt_same(owner, (struct rdt_span){deployment, OWNER_LEN}))
        return rdt_fail(err, RDT_E_DENIED, "share %zu is of another deployment", number);
    if (strcmp(parts->id, seal->id) != 0)
        return rdt_fail(err, RDT_E_DENIED, "share %zu is of the seal '%s', not of '%s'", number,
                        parts->id, seal->id);
    if (!rdt_same(set, (struct rdt_span){seal->set, ROOT_SET_LEN}))
        return rdt_fail(err, RDT_E_DENIED, "share %zu is of another split of the seal '%s'", number,
                        seal->id);
    return RDT_OK;
}

/* One share given twice counts once. */
static enum rdt_code
keep(struct rdt_share *shares, unsigned *n, const struct parts *parts, struct rdt_err *err)
{
    for (unsigned i = 0; i < *n; i++) {
        if (shares[i].x == parts->x)
            return RDT_OK;
    }
    shares[*n].x = parts->x;
    enum rdt_code rc = rdt_secret_copy(
        &shares[*n].y, (struct rdt_span){parts->body.p + OWNER_LEN + ROOT_SET_LEN, RDT_KEY_LEN},
        err);
    *n += rc == RDT_OK;
    return rc;
}

enum rdt_code
rdt_root_shares_join(const uint8_t deployment[static 16], const struct root_seal *seal,
                     const struct rdt_unseal *means, struct rdt_secret *kek, struct rdt_err *err)
{
    struct rdt_share shares[RDT_SHARES_MAX] = {0};
    unsigned n = 0;
    enum rdt_code rc = RDT_OK;
    if (means->n_shares > RDT_SHARES_MAX)
        return rdt_fail(err, RDT_E_LIMIT, "%zu shares; a seal has at most %d", means->n_shares,
                        RDT_SHARES_MAX);
    for (size_t i = 0; rc == RDT_OK && i < means->n_shares; i++) {
        RDT_AUTO(parts_done) struct parts parts = {0};
        rc = read_share(means->shares[i], i + 1, &parts, err);
        if (rc == RDT_OK)
            rc = check_belongs(&parts, i + 1, deployment, seal, err);
        if (rc == RDT_OK)
            rc = keep(shares, &n, &parts, err);
    }
    if (rc == RDT_OK && n < seal->threshold)
        rc = rdt_fail(err, RDT_E_DENIED, "%u different shares, %u are needed", n, seal->threshold);
    if (rc == RDT_OK)
        rc = rdt_shamir_join(shares, seal->threshold, kek, err);
    for (unsigned i = 0; i < RDT_SHARES_MAX; i++)
        rdt_secret_wipe(&shares[i].y);
    return rc;
}

enum rdt_code
rdt_root_share_check(const struct rdt_root *root, const struct rdt_secret *text,
                     struct rdt_seal_info *seal, unsigned *number, struct rdt_err *err)
{
    RDT_AUTO(parts_done) struct parts parts = {0};
    struct rdt_seal_info seals[RDT_ROOT_SEALS_MAX];
    size_t n = rdt_root_seals(root, seals);
    enum rdt_code rc = read_share(text, 1, &parts, err);
    for (size_t i = 0; rc == RDT_OK && i < n; i++) {
        if (seals[i].type != RDT_SEAL_SHAMIR || strcmp(seals[i].id, parts.id) != 0)
            continue;
        *seal = seals[i];
        *number = parts.x;
        return check_belongs(&parts, 1, root->deployment, &root->seals[i], err);
    }
    return rc != RDT_OK
               ? rc
               : rdt_fail(err, RDT_E_DENIED, "a share of the seal '%s', which is none", parts.id);
}
