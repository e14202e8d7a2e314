#include "kms/model.h"

#include <assert.h>

static const char *
word_of(const char *const *words, size_t n, unsigned i)
{
    return i < n && words[i] != NULL ? words[i] : "unknown";
}

const char *
rdt_key_state_word(enum rdt_key_state state)
{
    static const char *const words[] = {
        [RDT_KEY_ENABLED] = "Enabled",
        [RDT_KEY_DISABLED] = "Disabled",
        [RDT_KEY_PENDING_DELETION] = "PendingDeletion",
        [RDT_KEY_PENDING_IMPORT] = "PendingImport",
    };
    return word_of(words, RDT_COUNT(words), state);
}

const char *
rdt_version_state_word(enum rdt_version_state state)
{
    static const char *const words[] = {
        [RDT_VERSION_CURRENT] = "current",   [RDT_VERSION_RETAINED] = "retained",
        [RDT_VERSION_DRAINING] = "draining", [RDT_VERSION_DRAINED] = "drained",
        [RDT_VERSION_QUIESCED] = "quiesced", [RDT_VERSION_DESTROYED] = "destroyed",
    };
    return word_of(words, RDT_COUNT(words), state);
}

#define TO(state) (1U << RDT_VERSION_##state)

bool
rdt_version_may_become(enum rdt_version_state from, enum rdt_version_state to)
{
    /* SECURITY-DESIGN section 6: one refused use, non-zero report or re-enabling leads back to
     * draining; nothing leads back from destroyed. */
    static const unsigned may_become[] = {
        [RDT_VERSION_CURRENT] = TO(RETAINED),
        [RDT_VERSION_RETAINED] = TO(DRAINING),
        [RDT_VERSION_DRAINING] = TO(RETAINED) | TO(DRAINED),
        [RDT_VERSION_DRAINED] = TO(DRAINING) | TO(QUIESCED),
        [RDT_VERSION_QUIESCED] = TO(DRAINING) | TO(DESTROYED),
        [RDT_VERSION_DESTROYED] = 0,
    };
    return (size_t)from < RDT_COUNT(may_become) && (size_t)to < RDT_COUNT(may_become) &&
           (may_become[from] >> to & 1) != 0;
}

/* A kind whose rows hold a policy: where the text is, where its compiled form goes. */
struct policy_place {
    const char *text;
    struct rdt_policy **compiled;
    enum rdt_policy_kind kind;
};

static bool
policy_of(enum rdt_kind kind, void *object, struct policy_place *out)
{
    if (kind == RDT_KIND_KEY) {
        struct rdt_key *key = object;
        *out = (struct policy_place){key->policy, &key->compiled, RDT_POLICY_KEY};
        return true;
    }
    if (kind == RDT_KIND_PRINCIPAL) {
        struct rdt_principal *principal = object;
        *out = (struct policy_place){principal->policy, &principal->compiled, RDT_POLICY_IDENTITY};
        return true;
    }
    return false;
}

enum rdt_code
rdt_kind_ready(enum rdt_kind kind, void *object, const char *account, struct rdt_err *err)
{
    struct policy_place place;
    struct rdt_policy *compiled = NULL;
    if (!policy_of(kind, object, &place))
        return RDT_OK;
    if (place.text != NULL) {
        enum rdt_code rc =
            rdt_policy_compile(place.kind, rdt_span_str(place.text), account, &compiled, err);
        if (rc != RDT_OK)
            return rc;
    }
    rdt_policy_free(*place.compiled);
    *place.compiled = compiled;
    return RDT_OK;
}

void
rdt_kind_done(enum rdt_kind kind, void *object)
{
    const struct rdt_record *record = rdt_kind_record(kind);
    struct policy_place place;
    assert(record != NULL);
    if (policy_of(kind, object, &place))
        rdt_policy_free(*place.compiled);
    rdt_record_done(record, object);
}
