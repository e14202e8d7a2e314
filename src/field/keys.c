#include "field/keys.h"

/* Each with the NUL that ends it: none can be the beginning of another. */
static const char encrypt_label[] = "redoubt/rf1/encrypt";
static const char verify_label[] = "redoubt/rf1/verify";
static const char hedge_label[] = "redoubt/rf1/hedge";

enum rdt_code
rdt_field_expand(struct rdt_worker *worker, const struct rdt_secret *kek, struct rdt_span label,
                 const struct rdt_field_column *column, struct rdt_secret *out)
{
    static const uint8_t one[1] = {1};
    const struct rdt_span parts[] = {
        label,
        {column->tenant, sizeof column->tenant},
        {column->id,     sizeof column->id    },
        {one,            sizeof one           },
    };
    if (kek->n != RDT_KEY_LEN)
        return RDT_E_INTERNAL;
    return rdt_hmac_key(worker, kek, parts, RDT_COUNT(parts), out);
}

enum rdt_code
rdt_field_keys_new(struct rdt_field_keys *keys, struct rdt_err *err)
{
    *keys = (struct rdt_field_keys){0};
    struct rdt_secret *all[] = {&keys->encrypt, &keys->verify, &keys->hedge};
    for (size_t i = 0; i < RDT_COUNT(all); i++) {
        enum rdt_code rc = rdt_secret_new(all[i], RDT_MAC_READY_LEN, err);
        if (rc != RDT_OK) {
            rdt_field_keys_wipe(keys);
            return rc;
        }
    }
    return RDT_OK;
}

void
rdt_field_keys_wipe(struct rdt_field_keys *keys)
{
    rdt_secret_wipe(&keys->encrypt);
    rdt_secret_wipe(&keys->verify);
    rdt_secret_wipe(&keys->hedge);
}

enum rdt_code
rdt_field_keys_derive(struct rdt_worker *worker, const struct rdt_secret *kek,
                      const struct rdt_field_column *column, struct rdt_secret *scratch,
                      struct rdt_field_keys *keys)
{
    const struct {
        struct rdt_span label;
        struct rdt_secret *ready;
    } all[] = {
        {RDT_LABEL(encrypt_label), &keys->encrypt},
        {RDT_LABEL(verify_label),  &keys->verify },
        {RDT_LABEL(hedge_label),   &keys->hedge  },
    };
    enum rdt_code rc = RDT_OK;
    for (size_t i = 0; i < RDT_COUNT(all) && rc == RDT_OK; i++) {
        rc = rdt_field_expand(worker, kek, all[i].label, column, scratch);
        if (rc == RDT_OK)
            rc = rdt_mac_ready(worker, scratch, all[i].ready);
    }
    rdt_secret_clear(scratch);
    return rc;
}

enum rdt_code
rdt_field_keys_make(struct rdt_worker *worker, const struct rdt_secret *kek,
                    const struct rdt_field_column *column, struct rdt_field_keys *keys)
{
    RDT_SECRET scratch = {0};
    if (rdt_secret_new(&scratch, RDT_SHA256_LEN, NULL) != RDT_OK)
        return RDT_E_INTERNAL;
    return rdt_field_keys_derive(worker, kek, column, &scratch, keys);
}

enum rdt_code
rdt_field_verify_key(struct rdt_worker *worker, const struct rdt_secret *kek,
                     const struct rdt_field_column *column, struct rdt_secret *out)
{
    return rdt_field_expand(worker, kek, RDT_LABEL(verify_label), column, out);
}

enum rdt_code
rdt_field_verifier(struct rdt_worker *worker, const struct rdt_secret *verify_key,
                   struct rdt_field_keys *keys)
{
    rdt_secret_wipe(&keys->encrypt);
    rdt_secret_wipe(&keys->hedge);
    return rdt_mac_ready(worker, verify_key, &keys->verify);
}
