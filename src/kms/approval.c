/*
 * Requests and what makes them good. A request is a row with the bytes that its approvers sign; all
 * that these bytes name is compared again with what is there when they are used.
 */
#include "kms/approval_internal.h"

#include "codec/base64.h"
#include "crypto/hash.h"
#include "crypto/sign.h"

#define HOUR_MS ((int64_t)3600000)

#define ID_OF(row)                                                                                 \
    (struct rdt_span)                                                                              \
    {                                                                                              \
        (row)->id, sizeof(row)->id                                                                 \
    }

/* ---- persons and numbers ---- */

static char
next_letter(const char **text)
{
    while (**text == ' ')
        (*text)++;
    char c = **text;
    if (c != '\0')
        (*text)++;
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool
rdt_same_person(const char *one, const char *other)
{
    char a = '\0', b = '\0';
    if (one == NULL || other == NULL)
        return false;
    do {
        a = next_letter(&one);
        b = next_letter(&other);
    } while (a == b && a != '\0');
    return a == b;
}

uint32_t
rdt_quorum(struct rdt_view view)
{
    const struct rdt_site *site = rdt_view_site(view);
    return site == NULL || site->quorum == 0 ? UINT32_MAX : site->quorum;
}

size_t
rdt_approvers(struct rdt_view view)
{
    struct rdt_span id = {0};
    size_t n = 0;
    while (rdt_view_next(view, RDT_KIND_APPROVER, id, &id) != NULL)
        n++;
    return n;
}

bool
rdt_approvals_on(struct rdt_view view)
{
    return rdt_approvers(view) >= rdt_quorum(view);
}

const struct rdt_approver *
rdt_approver_named(struct rdt_view view, struct rdt_span name)
{
    uint8_t key[RDT_PUBLIC_MAX];
    size_t n = name.n / 2;
    bool hex =
        (n == RDT_ED25519_PUBLIC_LEN || n == RDT_P256_PUBLIC_LEN) && rdt_hex_get(name, key, n);
    struct rdt_span id = {0};
    const struct rdt_approver *approver;
    while ((approver = rdt_view_next(view, RDT_KIND_APPROVER, id, &id)) != NULL)
        if (hex ? rdt_span_eq((struct rdt_span){key, n}, rdt_bytes_span(&approver->public_key))
                : rdt_span_is(name, approver->name))
            return approver;
    return NULL;
}

/* ---- what a request is bound to ---- */

static bool
tenant_id(struct rdt_view view, struct rdt_span name, uint8_t out[static 16])
{
    struct rdt_span id = {0};
    const struct rdt_tenant *tenant;
    if (rdt_uuid_parse(name, out))
        return true;
    while ((tenant = rdt_view_next(view, RDT_KIND_TENANT, id, &id)) != NULL)
        if (tenant->state == 1 && rdt_span_is(name, tenant->name)) {
            memcpy(out, tenant->id, 16);
            return true;
        }
    return false;
}

/* The row's revision; false: it is not there, or changed by this very call. */
static bool
rows_revision(struct rdt_view view, const struct approval_operation *op, struct rdt_span parameters,
              uint64_t *out)
{
    static const char *const names[] = {
        [BINDS_KEY] = "Key",
        [BINDS_PRINCIPAL] = "Principal",
        [BINDS_TENANT] = "Tenant",
        [BINDS_STORE] = "Store",
    };
    uint8_t uuid[16];
    struct rdt_span value, id = {uuid, sizeof uuid};
    const struct rdt_principal *principal = NULL;
    *out = 0;
    if (op->binds == BINDS_NOTHING)
        return true;
    if (!rdt_pairs_find(parameters, rdt_span_str(names[op->binds]), &value))
        return false;
    switch (op->binds) {
    case BINDS_KEY:
        *out = rdt_uuid_parse(value, uuid) ? rdt_view_revision(view, RDT_KIND_KEY, id) : 0;
        break;
    case BINDS_PRINCIPAL:
        principal = rdt_principal_named(view, value);
        *out =
            principal == NULL ? 0 : rdt_view_revision(view, RDT_KIND_PRINCIPAL, ID_OF(principal));
        break;
    case BINDS_TENANT:
        *out = tenant_id(view, value, uuid) ? rdt_view_revision(view, RDT_KIND_TENANT, id) : 0;
        break;
    default:
        *out = rdt_view_revision(view, RDT_KIND_STORE, value);
    }
    return *out != 0;
}

static bool
same_root(const uint8_t root[static 32], const uint8_t *other)
{
    static const uint8_t none[32];
    return rdt_span_eq((struct rdt_span){root, 32},
                       (struct rdt_span){other == NULL ? none : other, 32});
}

static bool
right_census(const struct approval_look *look, const struct approval_operation *op,
             const struct rdt_approval *row)
{
    uint8_t root[32];
    if (op->census == NULL)
        return true; /* the one who takes it compares */
    return op->census(look->view, rdt_bytes_span(&row->parameters), root) &&
           same_root(row->census_root, root);
}

static bool
is_of_the_clock(const char *operation)
{
    return rdt_span_is(rdt_span_str(operation), "clock-confirm");
}

/* A clock that went back must not make young what was too old already; but what is asked for in
 * order to confirm that clock goes by it. */
bool
rdt_approval_is_old(const struct rdt_approval *row, const struct rdt_site *site, int64_t now_ms)
{
    bool highest = site->highest_ms > now_ms && !is_of_the_clock(row->operation);
    return row->expires_ms <= (highest ? site->highest_ms : now_ms);
}

const char *
rdt_approval_flaw(const struct approval_look *look, const struct rdt_approval *row)
{
    const struct rdt_site *site = rdt_view_site(look->view);
    const struct approval_operation *op = rdt_approval_operation(rdt_span_str(row->operation));
    uint64_t revision;
    if (site == NULL || op == NULL)
        return "its operation is not known here";
    if (row->state == RDT_APPROVAL_DENIED)
        return "it was denied";
    if (row->state == RDT_APPROVAL_USED || row->state == RDT_APPROVAL_USED_UNREVIEWED)
        return "it was used already";
    if (row->state != RDT_APPROVAL_OPEN)
        return "it has expired";
    if (rdt_approval_is_recovery(row))
        return "it is a recovery: it needs time, not signatures";
    if (rdt_approval_is_old(row, site, look->now_ms))
        return "it has expired";
    if (row->approvers_revision != site->approvers_revision)
        return "the approvers have changed since it was made";
    if (!rows_revision(look->view, op, rdt_bytes_span(&row->parameters), &revision) ||
        revision != row->rows_revision)
        return "what it is about has changed since it was made";
    if (!right_census(look, op, row))
        return "the census has changed since it was made";
    return NULL;
}

/* ---- signatures ---- */

void
rdt_approval_bytes_of(const struct rdt_kms *kms, const struct rdt_approval *row,
                      enum rdt_approval_verb verb, struct rdt_buf *out)
{
    struct rdt_approval_bytes bytes = {
        .verb = verb,
        .operation = rdt_span_str(row->operation),
        .parameters = rdt_bytes_span(&row->parameters),
        .rows_revision = row->rows_revision,
        .approvers_revision = row->approvers_revision,
        .expires_ms = row->expires_ms,
    };
    memcpy(bytes.deployment, kms->deployment, sizeof bytes.deployment);
    memcpy(bytes.request, row->id, sizeof bytes.request);
    memcpy(bytes.census_root, row->census_root, sizeof bytes.census_root);
    rdt_approval_put(&bytes, out);
}

/* Those whose signatures were counted. */
struct persons {
    const char *names[RDT_APPROVERS_MAX];
    size_t n;
};

static bool
is_among(const struct persons *persons, const char *person)
{
    for (size_t i = 0; i < persons->n; i++)
        if (rdt_same_person(persons->names[i], person))
            return true;
    return false;
}

size_t
rdt_approval_count(const struct approval_look *look, const struct rdt_approval *row)
{
    RDT_BUF bytes = {0};
    struct persons persons = {.n = 0};
    struct rdt_span in = rdt_bytes_span(&row->signatures);
    rdt_approval_bytes_of(look->kms, row, RDT_APPROVAL_APPROVE, &bytes);
    for (; in.n >= APPROVAL_SIGNED && persons.n < RDT_APPROVERS_MAX; in.p += APPROVAL_SIGNED) {
        in.n -= APPROVAL_SIGNED;
        const struct rdt_approver *approver =
            rdt_view_get(look->view, RDT_KIND_APPROVER, (struct rdt_span){in.p, 16});
        if (approver == NULL || approver->person == NULL || !rdt_buf_ok(&bytes) ||
            rdt_same_person(approver->person, row->requester_person) ||
            is_among(&persons, approver->person))
            continue;
        if (rdt_signature_check(rdt_bytes_span(&approver->public_key), rdt_buf_span(&bytes),
                                (struct rdt_span){in.p + 16, RDT_SIGNATURE_LEN}, NULL) == RDT_OK)
            persons.names[persons.n++] = approver->person;
    }
    return persons.n;
}

/* ---- looking for one ---- */

static bool
is_about(const struct rdt_approval *row, const struct approval_about *about)
{
    return row->state == RDT_APPROVAL_OPEN && row->operation != NULL &&
           rdt_span_is(rdt_span_str(row->operation), about->operation) &&
           rdt_span_eq(rdt_bytes_span(&row->parameters), about->parameters) &&
           same_root(row->census_root, about->census_root);
}

/* The open request of an about that is nearest to its quorum; requester NULL: anybody's. */
static const struct rdt_approval *
best(const struct approval_look *look, const struct approval_about *about, const uint8_t *requester,
     size_t *signatures)
{
    struct rdt_span id = {0};
    const struct rdt_approval *row, *found = NULL;
    while ((row = rdt_view_next(look->view, RDT_KIND_APPROVAL, id, &id)) != NULL) {
        if (!is_about(row, about) || rdt_approval_flaw(look, row) != NULL ||
            (requester != NULL &&
             !rdt_span_eq((struct rdt_span){row->requester, 16}, (struct rdt_span){requester, 16})))
            continue;
        size_t n = rdt_approval_count(look, row);
        if (found == NULL || n > *signatures) {
            found = row;
            *signatures = n;
        }
    }
    return found;
}

static bool
clock_stops(struct rdt_view view, const char *operation)
{
    const struct rdt_site *site = rdt_view_site(view);
    return (site == NULL || site->clock_blocked) && !is_of_the_clock(operation);
}

enum rdt_fault
rdt_approval_clock(struct rdt_call *call, const char *operation)
{
    if (!clock_stops(call->view, operation))
        return RDT_FAULT_NONE;
    return rdt_call_fail(call, RDT_FAULT_CLOCK,
                         "the clock moved and has to be confirmed before anything is approved");
}

bool
rdt_approval_ready(struct rdt_view view, const struct rdt_kms *kms,
                   const struct approval_about *about, int64_t now_ms, uint8_t id[static 16])
{
    struct approval_look look = {view, kms, now_ms};
    size_t n = 0;
    const struct rdt_approval *row =
        clock_stops(view, about->operation) ? NULL : best(&look, about, NULL, &n);
    if (row == NULL || n < rdt_quorum(view))
        return false;
    memcpy(id, row->id, sizeof row->id);
    return true;
}

/* ---- using one up ---- */

static struct approval_look
look_of(const struct rdt_call *call)
{
    return (struct approval_look){call->view, call->kms, call->request->now_ms};
}

static const uint8_t *
requester_of(const struct rdt_call *call)
{
    return call->request->caller.internal ? NULL : call->request->caller.principal;
}

/* Uses it up if it has its quorum; else *open is the one that lacks signatures, or NULL. */
static enum rdt_fault
use(struct rdt_call *call, const struct approval_about *about, bool *used,
    const struct rdt_approval **open, size_t *signatures)
{
    struct approval_look look = look_of(call);
    const struct approval_operation *op = rdt_approval_operation(rdt_span_str(about->operation));
    *used = false;
    *signatures = 0;
    if (op == NULL)
        return rdt_call_fail(call, RDT_FAULT_INTERNAL, "no such approval");
    enum rdt_fault fault = rdt_approval_clock(call, about->operation);
    if (fault != RDT_FAULT_NONE)
        return fault;
    *open = best(&look, about, requester_of(call), signatures);
    if (*open == NULL || *signatures < rdt_quorum(call->view))
        return RDT_FAULT_NONE;
    struct rdt_approval *row = rdt_tx_edit(call->tx, RDT_KIND_APPROVAL, ID_OF(*open));
    if (row == NULL)
        return rdt_out_of_memory(call);
    row->state = op->review ? RDT_APPROVAL_USED_UNREVIEWED : RDT_APPROVAL_USED;
    row->closed_ms = call->request->now_ms;
    memcpy(call->note.approval, row->id, sizeof call->note.approval);
    *used = true;
    return RDT_FAULT_NONE;
}

static enum rdt_fault
lacking(struct rdt_call *call, const struct rdt_approval *open, size_t signatures)
{
    char uuid[RDT_UUID_TEXT];
    rdt_uuid_text(open->id, uuid);
    memcpy(call->note.approval, open->id, sizeof call->note.approval);
    return rdt_call_fail(call, RDT_FAULT_ACCESS_DENIED,
                         "This needs approval. Request %s has %zu of %u signatures: redoubt "
                         "approval show %s. The same call succeeds once it has them.",
                         uuid, signatures, rdt_quorum(call->view), uuid);
}

enum rdt_fault
rdt_approval_take(struct rdt_call *call, const struct approval_about *about)
{
    const struct rdt_approval *open = NULL;
    bool used;
    size_t n;
    enum rdt_fault fault = use(call, about, &used, &open, &n);
    if (fault != RDT_FAULT_NONE || used)
        return fault;
    if (open != NULL)
        return lacking(call, open, n);
    return rdt_call_fail(call, RDT_FAULT_ACCESS_DENIED,
                         "This needs approval, and there is no good request for it: redoubt "
                         "approval request %s ...",
                         about->operation);
}

enum rdt_fault
rdt_approval_gate(struct rdt_call *call, const struct approval_about *about)
{
    const struct rdt_approval *open = NULL;
    struct rdt_approval *row;
    bool used;
    size_t n;
    enum rdt_fault fault = use(call, about, &used, &open, &n);
    if (fault != RDT_FAULT_NONE || used)
        return fault;
    if (open != NULL)
        return lacking(call, open, n);
    struct rdt_span reason = rdt_in_text(call, "Reason");
    struct approval_wish wish = {*about, reason.n != 0 ? reason : rdt_span_str(call->op->name),
                                 APPROVAL_HOURS};
    fault = rdt_approval_open(call, &wish, &row);
    if (fault != RDT_FAULT_NONE)
        return fault;
    call->keep = true;
    return lacking(call, row, 0);
}

/* ---- a new one ---- */

static size_t
new_requests(const struct rdt_call *call)
{
    struct rdt_span id = {0};
    size_t n = 0;
    const struct rdt_approval *row;
    while ((row = rdt_view_next(call->view, RDT_KIND_APPROVAL, id, &id)) != NULL)
        n += (row->state == RDT_APPROVAL_OPEN ||
              row->created_ms > call->request->now_ms - 24 * HOUR_MS) &&
             rdt_span_eq((struct rdt_span){row->requester, 16},
                         (struct rdt_span){call->request->caller.principal, 16});
    return n;
}

/* Whether there is somebody to ask, and somebody who asks. */
static enum rdt_fault
may_open(struct rdt_call *call)
{
    if (call->principal == NULL || call->principal->person == NULL)
        return rdt_call_fail(call, RDT_FAULT_ACCESS_DENIED,
                             "This needs approval, which a person has to ask for: the caller is "
                             "a service. A principal of a person has a Person.");
    if (!rdt_approvals_on(call->view))
        return rdt_call_fail(call, RDT_FAULT_ACCESS_DENIED,
                             "This needs approval by %u, and there are %zu approvers: redoubt "
                             "approver add",
                             rdt_quorum(call->view), rdt_approvers(call->view));
    if (new_requests(call) >= APPROVAL_OPEN_MAX)
        return rdt_call_fail(call, RDT_FAULT_LIMIT_EXCEEDED,
                             "%d requests of yours are open, or of the last day: that is enough",
                             APPROVAL_OPEN_MAX);
    return RDT_FAULT_NONE;
}

void
rdt_approval_note(struct rdt_call *call, const struct rdt_approval *row)
{
    struct rdt_span key;
    rdt_pairs_add(&call->note.parameters, rdt_span_str("operation"), rdt_span_str(row->operation));
    memcpy(call->note.approval, row->id, sizeof row->id);
    if (rdt_pairs_find(rdt_bytes_span(&row->parameters), rdt_span_str("Key"), &key))
        (void)rdt_uuid_parse(key, call->note.key);
}

enum rdt_code
rdt_approval_note_bytes(struct rdt_call *call, struct rdt_span bytes)
{
    char hash[2 * RDT_SHA256_LEN + 1];
    enum rdt_code rc = rdt_sha256_text(bytes, hash, NULL);
    if (rc == RDT_OK)
        rdt_pairs_add(&call->note.parameters, rdt_span_str("bytes"), rdt_span_str(hash));
    return rc;
}

static bool
fill(struct rdt_call *call, const struct approval_wish *wish, struct rdt_approval *row)
{
    RDT_BUF bytes = {0};
    const struct rdt_site *site = rdt_view_site(call->view);
    if (call->principal != NULL)
        memcpy(row->requester, call->principal->id, sizeof row->requester);
    row->created_ms = call->request->now_ms;
    row->expires_ms = row->created_ms + wish->hours * HOUR_MS;
    row->state = RDT_APPROVAL_OPEN;
    row->approvers_revision = site->approvers_revision;
    if (wish->about.census_root != NULL)
        memcpy(row->census_root, wish->about.census_root, sizeof row->census_root);
    const char *person = call->principal == NULL ? NULL : call->principal->person;
    bool ok = rdt_text_set(&row->operation, rdt_span_str(wish->about.operation)) &&
              rdt_bytes_set(&row->parameters, wish->about.parameters) &&
              rdt_text_set(&row->requester_person, rdt_span_str(person == NULL ? "" : person)) &&
              rdt_text_set(&row->reason, wish->reason);
    if (!ok)
        return false;
    rdt_approval_bytes_of(call->kms, row, RDT_APPROVAL_APPROVE, &bytes);
    return rdt_buf_ok(&bytes) && rdt_approval_note_bytes(call, rdt_buf_span(&bytes)) == RDT_OK &&
           rdt_bytes_set(&row->to_sign, rdt_buf_span(&bytes));
}

enum rdt_fault
rdt_approval_open(struct rdt_call *call, const struct approval_wish *wish,
                  struct rdt_approval **out)
{
    uint8_t id[16];
    uint64_t revision;
    const struct approval_operation *op =
        rdt_approval_operation(rdt_span_str(wish->about.operation));
    enum rdt_fault fault = call->request->caller.internal ? RDT_FAULT_NONE : may_open(call);
    if (fault != RDT_FAULT_NONE)
        return fault;
    if (wish->about.parameters.n > RDT_APPROVAL_PARAMETERS_MAX)
        return rdt_call_fail(call, RDT_FAULT_LIMIT_EXCEEDED, "what is to be approved is too long");
    if (op == NULL || !rows_revision(call->view, op, wish->about.parameters, &revision))
        return rdt_call_fail(call, RDT_FAULT_NOT_FOUND, "what is to be approved is not there");
    if (rdt_random(call->thread->worker, id, sizeof id, NULL) != RDT_OK)
        return rdt_call_fail(call, RDT_FAULT_INTERNAL, "no random bytes");
    id[6] = (uint8_t)((id[6] & 0x0f) | 0x40); /* RFC 9562, version 4 */
    id[8] = (uint8_t)((id[8] & 0x3f) | 0x80);
    struct rdt_approval *row =
        rdt_tx_add(call->tx, RDT_KIND_APPROVAL, (struct rdt_span){id, sizeof id});
    if (row == NULL)
        return rdt_out_of_memory(call);
    memcpy(row->id, id, sizeof id);
    row->rows_revision = revision;
    if (!fill(call, wish, row))
        return rdt_out_of_memory(call);
    rdt_approval_note(call, row);
    *out = row;
    return RDT_FAULT_NONE;
}

bool
rdt_approval_touch(struct rdt_tx *tx, const uint8_t key[static 16])
{
    return rdt_tx_edit(tx, RDT_KIND_KEY, (struct rdt_span){key, 16}) != NULL;
}
