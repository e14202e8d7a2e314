/*
 * Registered stores and enrolled scanners: where a key's data may be, and who is believed about it.
 * The set of stores only grows, but for the quorum's word.
 */
#include "crypto/sign.h"
#include "kms/approval_internal.h"
#include "kms/life_internal.h"
#include "kms/op_internal.h"

#include "codec/base64.h"
#include "codec/census.h"

#define SCANNER_STORES_MAX 64

static void
note(struct rdt_call *call, const char *name, struct rdt_span value)
{
    rdt_pairs_add(&call->note.parameters, rdt_span_str(name), value);
}

enum rdt_fault
rdt_store_name_check(struct rdt_call *call, struct rdt_span name)
{
    if (rdt_store_name_ok(name))
        return RDT_FAULT_NONE;
    return rdt_call_fail(call, RDT_FAULT_VALIDATION,
                         "a store's name has 1 to %zu of letters, digits and . _ : / @ + -",
                         RDT_CENSUS_STORE_MAX);
}

/* ---- stores ---- */

static enum rdt_fault
store_register(struct rdt_call *call)
{
    struct rdt_span name = rdt_in_text(call, "Store"), kind = rdt_in_text(call, "Kind");
    enum rdt_fault fault = rdt_store_name_check(call, name);
    if (fault != RDT_FAULT_NONE)
        return fault;
    note(call, "store", name);
    if (!rdt_store_register(call->tx, name, kind, call->key->id, call->request->now_ms))
        return rdt_out_of_memory(call);
    struct rdt_store_reg *store = rdt_tx_edit(call->tx, RDT_KIND_STORE, name);
    if (store == NULL || (kind.n != 0 && !rdt_text_set(&store->kind, kind)))
        return rdt_out_of_memory(call);
    if (rdt_in_bool(call, "Declared"))
        store->declared = 1;
    return RDT_FAULT_NONE;
}

static bool
take_key_out(struct rdt_store_reg *store, const uint8_t key[static 16])
{
    RDT_BUF keys = {0};
    for (size_t i = 0; i + 16 <= store->keys.n; i += 16)
        if (!rdt_span_eq((struct rdt_span){store->keys.p + i, 16}, (struct rdt_span){key, 16}))
            rdt_buf_add(&keys, store->keys.p + i, 16);
    return rdt_buf_ok(&keys) && rdt_bytes_set(&store->keys, rdt_buf_span(&keys));
}

/* Parameters of an approval: names sorted. */
static void
about_key(struct rdt_call *call, struct rdt_buf *out)
{
    char uuid[RDT_UUID_TEXT];
    rdt_uuid_text(call->key->id, uuid);
    rdt_pairs_add(out, rdt_span_str("Key"), rdt_span_str(uuid));
}

/* The one way a store is no longer asked: the quorum says so. */
static enum rdt_fault
store_remove(struct rdt_call *call)
{
    RDT_BUF parameters = {0};
    struct rdt_span name = rdt_in_text(call, "Store");
    note(call, "store", name);
    if (rdt_store_of(call->view, name, call->key->id) == NULL)
        return rdt_call_fail(call, RDT_FAULT_NOT_FOUND, "the key has no such registered store");
    about_key(call, &parameters);
    rdt_pairs_add(&parameters, rdt_span_str("Store"), name);
    if (!rdt_buf_ok(&parameters))
        return rdt_out_of_memory(call);
    enum rdt_fault fault = rdt_approval_gate(
        call, &(struct approval_about){"store-remove", rdt_buf_span(&parameters), NULL});
    if (fault != RDT_FAULT_NONE)
        return fault;
    struct rdt_store_reg *store = rdt_tx_edit(call->tx, RDT_KIND_STORE, name);
    if (store == NULL || !take_key_out(store, call->key->id) || !rdt_drain_advance(call, call->key))
        return rdt_out_of_memory(call);
    return RDT_FAULT_NONE;
}

static void
put_store(struct rdt_call *call, const void *row)
{
    const struct rdt_store_reg *store = row;
    struct rdt_buf *out = call->request->out;
    rdt_jout_open(out, NULL, '{');
    rdt_jout_str(out, "Store", store->name);
    rdt_jout_str(out, "Kind", store->kind);
    rdt_jout_bool(out, "Declared", store->declared);
    rdt_jout_time(out, "Added", store->added_ms);
    rdt_jout_open(out, "Keys", '[');
    for (size_t i = 0; i + 16 <= store->keys.n; i += 16)
        rdt_jout_uuid(out, NULL, store->keys.p + i);
    rdt_jout_close(out, ']');
    rdt_jout_close(out, '}');
}

static enum rdt_fault
store_list(struct rdt_call *call)
{
    return rdt_page_rows(call, "Stores", RDT_KIND_STORE, 100, 1000, put_store);
}

/*
 * The quorum says that no store holds anything under a key; its certificate will name the approval.
 * Once a store is registered the census asks that store all the same.
 */
static enum rdt_fault
census_statement(struct rdt_call *call)
{
    RDT_BUF parameters = {0};
    if (rdt_store_after(call->view, call->key->id, NULL) != NULL)
        return rdt_call_fail(call, RDT_FAULT_CENSUS, "the key has registered stores: ask them");
    about_key(call, &parameters);
    if (!rdt_buf_ok(&parameters))
        return rdt_out_of_memory(call);
    enum rdt_fault fault = rdt_approval_gate(
        call, &(struct approval_about){"statement-no-stores", rdt_buf_span(&parameters), NULL});
    if (fault != RDT_FAULT_NONE)
        return fault;
    struct rdt_key *key = rdt_edit_key(call);
    if (key == NULL)
        return rdt_out_of_memory(call);
    memcpy(key->statement, call->note.approval, sizeof key->statement);
    key->statement_drain = key->drains;
    return rdt_drain_advance(call, key) ? RDT_FAULT_NONE : rdt_out_of_memory(call);
}

/* ---- scanners ---- */

/* "a b": each name once, as the approval has them too. */
static enum rdt_fault
join_stores(struct rdt_call *call, struct rdt_buf *words, struct rdt_buf *list)
{
    uint32_t token = rdt_in_token(call, "Stores"), at = token + 1;
    for (uint32_t i = 0; i < call->in->tok[token].count; i++, at = call->in->tok[at].next) {
        struct rdt_span name = rdt_jspan(call->in, at);
        enum rdt_fault fault = rdt_store_name_check(call, name);
        if (fault != RDT_FAULT_NONE)
            return fault;
        if (words->n != 0)
            rdt_buf_str(words, " ");
        rdt_buf_add(words, name.p, name.n);
        rdt_buf_add(list, name.p, name.n);
        rdt_buf_add(list, "", 1);
    }
    return rdt_buf_ok(words) && rdt_buf_ok(list) ? RDT_FAULT_NONE : rdt_out_of_memory(call);
}

static enum rdt_fault
public_key(struct rdt_call *call, uint8_t out[static RDT_PUBLIC_MAX], struct rdt_span *key)
{
    struct rdt_span text = rdt_in_text(call, "PublicKey");
    *key = (struct rdt_span){out, text.n / 2};
    if ((text.n == 2 * RDT_ED25519_PUBLIC_LEN || text.n == 2 * RDT_P256_PUBLIC_LEN) &&
        rdt_hex_get(text, out, key->n))
        return RDT_FAULT_NONE;
    return rdt_call_fail(call, RDT_FAULT_VALIDATION,
                         "a public key has 64 (Ed25519) or 130 (P-256) hexadecimal digits");
}

/* Once there are approvers, they decide whose reports are believed. */
static enum rdt_fault
may_enrol(struct rdt_call *call, struct rdt_span stores)
{
    RDT_BUF parameters = {0};
    if (!rdt_approvals_on(call->view))
        return RDT_FAULT_NONE;
    rdt_pairs_add(&parameters, rdt_span_str("Name"), rdt_in_text(call, "Scanner"));
    rdt_pairs_add(&parameters, rdt_span_str("PublicKey"), rdt_in_text(call, "PublicKey"));
    rdt_pairs_add(&parameters, rdt_span_str("Stores"), stores);
    if (!rdt_buf_ok(&parameters))
        return rdt_out_of_memory(call);
    return rdt_approval_gate(
        call, &(struct approval_about){"scanner-enrol", rdt_buf_span(&parameters), NULL});
}

static enum rdt_fault
add_scanner(struct rdt_call *call, struct rdt_span key, struct rdt_span stores)
{
    uint8_t id[16];
    rdt_kms_request_id(call->thread, id);
    struct rdt_scanner *scanner =
        rdt_tx_add(call->tx, RDT_KIND_SCANNER, (struct rdt_span){id, sizeof id});
    if (scanner == NULL || !rdt_text_set(&scanner->name, rdt_in_text(call, "Scanner")) ||
        !rdt_bytes_set(&scanner->public_key, key) || !rdt_bytes_set(&scanner->stores, stores))
        return rdt_out_of_memory(call);
    memcpy(scanner->id, id, sizeof id);
    memcpy(scanner->approval, call->note.approval, sizeof scanner->approval);
    scanner->added_ms = call->request->now_ms;
    return RDT_FAULT_NONE;
}

static enum rdt_fault
scanner_enrol(struct rdt_call *call)
{
    RDT_BUF words = {0};
    RDT_BUF list = {0};
    uint8_t bytes[RDT_PUBLIC_MAX];
    struct rdt_span name = rdt_in_text(call, "Scanner"), key;
    note(call, "scanner", name);
    enum rdt_fault fault = rdt_store_name_check(call, name);
    if (fault == RDT_FAULT_NONE)
        fault = public_key(call, bytes, &key);
    if (fault == RDT_FAULT_NONE)
        fault = join_stores(call, &words, &list);
    if (fault != RDT_FAULT_NONE)
        return fault;
    note(call, "stores", rdt_buf_span(&words));
    if (rdt_scanner_named(call->view, name) != NULL)
        return rdt_call_fail(call, RDT_FAULT_ALREADY_EXISTS,
                             "there is, or was, a scanner with this name");
    fault = may_enrol(call, rdt_buf_span(&words));
    return fault == RDT_FAULT_NONE ? add_scanner(call, key, rdt_buf_span(&list)) : fault;
}

/* Narrows what is believed, so no quorum; its reports stop counting at once. */
static enum rdt_fault
scanner_revoke(struct rdt_call *call)
{
    struct rdt_span name = rdt_in_text(call, "Scanner");
    const struct rdt_scanner *found = rdt_scanner_named(call->view, name);
    note(call, "scanner", name);
    if (found == NULL)
        return rdt_call_fail(call, RDT_FAULT_NOT_FOUND, "there is no such scanner");
    struct rdt_scanner *scanner =
        rdt_tx_edit(call->tx, RDT_KIND_SCANNER, (struct rdt_span){found->id, 16});
    if (scanner == NULL)
        return rdt_out_of_memory(call);
    scanner->revoked = 1;
    return RDT_FAULT_NONE;
}

static void
put_scanner(struct rdt_call *call, const void *row)
{
    const struct rdt_scanner *scanner = row;
    struct rdt_buf *out = call->request->out;
    rdt_jout_open(out, NULL, '{');
    rdt_jout_str(out, "Scanner", scanner->name);
    rdt_jout_hex(out, "PublicKey", rdt_bytes_span(&scanner->public_key));
    rdt_jout_time(out, "Added", scanner->added_ms);
    rdt_jout_bool(out, "Revoked", scanner->revoked);
    static const uint8_t none[16];
    rdt_jout_bool(out, "ByQuorum",
                  !rdt_span_eq((struct rdt_span){scanner->approval, sizeof none},
                               (struct rdt_span){none, sizeof none}));
    rdt_jout_open(out, "Stores", '[');
    for (size_t from = 0, i = 0; i < scanner->stores.n; i++)
        if (scanner->stores.p[i] == '\0') {
            rdt_jout_text(out, NULL, (struct rdt_span){scanner->stores.p + from, i - from});
            from = i + 1;
        }
    rdt_jout_close(out, ']');
    rdt_jout_close(out, '}');
}

static enum rdt_fault
scanner_list(struct rdt_call *call)
{
    return rdt_page_rows(call, "Scanners", RDT_KIND_SCANNER, 100, 1000, put_scanner);
}

/* ---- the table ---- */

#define TEXT(member, must, most)                                                                   \
    {                                                                                              \
        .name = member, .type = RDT_IN_TEXT, .required = must, .min = 1, .max = most               \
    }

static const struct rdt_in register_in[] = {
    TEXT("KeyId", true, 2048),
    TEXT("Store", true, RDT_CENSUS_STORE_MAX),
    TEXT("Kind", false, 64),
    {.name = "Declared", .type = RDT_IN_BOOL},
};
static const struct rdt_in store_in[] = {
    TEXT("KeyId", true, 2048),
    TEXT("Store", true, RDT_CENSUS_STORE_MAX),
};
static const struct rdt_in key_in[] = {TEXT("KeyId", true, 2048)};
static const struct rdt_in list_in[] = {
    {.name = "Limit", .type = RDT_IN_INT, .min = 1, .max = 1000},
    TEXT("Marker", false, 1024),
};
static const struct rdt_in enrol_in[] = {
    TEXT("Scanner", true, RDT_CENSUS_STORE_MAX),
    TEXT("PublicKey", true, 2 * RDT_PUBLIC_MAX),
    {.name = "Stores", .type = RDT_IN_TEXTS, .required = true, .min = 1, .max = SCANNER_STORES_MAX},
};
static const struct rdt_in scanner_in[] = {TEXT("Scanner", true, RDT_CENSUS_STORE_MAX)};

static const struct rdt_op ops[] = {
    /* by name */
    OP_OWN_KEY("CensusStatement", "/v1/census/statement", WRITE, ANY, key_in, census_statement),
    OP_OWN("ScannerEnrol", "/v1/scanner/enrol", WRITE, enrol_in, scanner_enrol),
    OP_OWN("ScannerList", "/v1/scanner/list", READ, list_in, scanner_list),
    OP_OWN("ScannerRevoke", "/v1/scanner/revoke", WRITE, scanner_in, scanner_revoke),
    OP_OWN("StoreList", "/v1/store/list", READ, list_in, store_list),
    OP_OWN_KEY("StoreRegister", "/v1/store/register", WRITE, ANY, register_in, store_register),
    OP_OWN_KEY("StoreRemove", "/v1/store/remove", WRITE, ANY, store_in, store_remove),
};

const struct rdt_op_table rdt_ops_store = {ops, sizeof ops / sizeof ops[0]};
