#include "kms/policy_internal.h"

#include "base/text.h"

/* ---- operators: IAM user guide, "IAM JSON policy elements: Condition operators" ---- */

#define TEXT FAMILY_TEXT
#define ARN FAMILY_ARN

static const struct policy_op ops[] = {
    {"StringEquals",              TEST_TEXT,    ORDER_EQ, TEXT,           false, false},
    {"StringNotEquals",           TEST_TEXT,    ORDER_EQ, TEXT,           true,  false},
    {"StringEqualsIgnoreCase",    TEST_NOCASE,  ORDER_EQ, TEXT,           false, false},
    {"StringNotEqualsIgnoreCase", TEST_NOCASE,  ORDER_EQ, TEXT,           true,  false},
    {"StringLike",                TEST_TEXT,    ORDER_EQ, TEXT,           false, true },
    {"StringNotLike",             TEST_TEXT,    ORDER_EQ, TEXT,           true,  true },
    {"Bool",                      TEST_TEXT,    ORDER_EQ, FAMILY_BOOL,    false, false},
    {"NumericEquals",             TEST_NUMBER,  ORDER_EQ, FAMILY_NUMBER,  false, false},
    {"NumericNotEquals",          TEST_NUMBER,  ORDER_EQ, FAMILY_NUMBER,  true,  false},
    {"NumericLessThan",           TEST_NUMBER,  ORDER_LT, FAMILY_NUMBER,  false, false},
    {"NumericLessThanEquals",     TEST_NUMBER,  ORDER_LE, FAMILY_NUMBER,  false, false},
    {"NumericGreaterThan",        TEST_NUMBER,  ORDER_GT, FAMILY_NUMBER,  false, false},
    {"NumericGreaterThanEquals",  TEST_NUMBER,  ORDER_GE, FAMILY_NUMBER,  false, false},
    {"DateEquals",                TEST_NUMBER,  ORDER_EQ, FAMILY_TIME,    false, false},
    {"DateNotEquals",             TEST_NUMBER,  ORDER_EQ, FAMILY_TIME,    true,  false},
    {"DateLessThan",              TEST_NUMBER,  ORDER_LT, FAMILY_TIME,    false, false},
    {"DateLessThanEquals",        TEST_NUMBER,  ORDER_LE, FAMILY_TIME,    false, false},
    {"DateGreaterThan",           TEST_NUMBER,  ORDER_GT, FAMILY_TIME,    false, false},
    {"DateGreaterThanEquals",     TEST_NUMBER,  ORDER_GE, FAMILY_TIME,    false, false},
    {"IpAddress",                 TEST_NETWORK, ORDER_EQ, FAMILY_NETWORK, false, false},
    {"NotIpAddress",              TEST_NETWORK, ORDER_EQ, FAMILY_NETWORK, true,  false},
    {"ArnEquals",                 TEST_ARN,     ORDER_EQ, ARN,            false, true },
    {"ArnNotEquals",              TEST_ARN,     ORDER_EQ, ARN,            true,  true },
    {"ArnLike",                   TEST_ARN,     ORDER_EQ, ARN,            false, true },
    {"ArnNotLike",                TEST_ARN,     ORDER_EQ, ARN,            true,  true },
    {"Null",                      TEST_NULL,    ORDER_EQ, FAMILY_NULL,    false, false},
};

/*
 * ---- condition keys ----
 * An ARN operator may stand over any text: log groups and the like travel in encryption contexts.
 *
 * KEY_NEVER: no request to this service has it, as a request from outside AWS would not. So a
 * positive operator is false and a negated one true, like for any key that is absent; never an
 * excuse to skip the condition. A key that one of our operations could fill must not be KEY_NEVER:
 * it is either looked up or refused. Rows marked "later" move when their operations arrive.
 */
#define NAMED (TEXT | ARN | FAMILY_NULL)
#define TRUTH (FAMILY_BOOL | TEXT | FAMILY_NULL)
#define COUNT (FAMILY_NUMBER | TEXT | FAMILY_NULL)

static const struct policy_key keys[] = {
    {"kms:EncryptionContext:",                     KEY_CONTEXT,          NAMED,                                     false},
    {"kms:EncryptionContextKeys",                  KEY_CONTEXT_KEYS,     NAMED,                                     true },
    {"kms:KeySpec",                                KEY_SPEC,             NAMED,                                     false},
    {"kms:KeyUsage",                               KEY_USAGE,            NAMED,                                     false},
    {"kms:KeyOrigin",                              KEY_ORIGIN,           NAMED,                                     false},
    {"kms:CustomerMasterKeySpec",                  KEY_SPEC,             NAMED,                                     false},
    {"kms:CustomerMasterKeyUsage",                 KEY_USAGE,            NAMED,                                     false},
    {"kms:RequestAlias",                           KEY_REQUEST_ALIAS,    NAMED,                                     false},
    {"kms:ResourceAliases",                        KEY_RESOURCE_ALIASES, NAMED,                                     true },
    {"kms:ReEncryptOnSameKey",                     KEY_SAME_KEY,         TRUTH,                                     false},
    {"kms:ScheduleKeyDeletionPendingWindowInDays", KEY_WINDOW,           COUNT,                                     false},
    {"kms:BypassPolicyLockoutSafetyCheck",         KEY_BYPASS,           TRUTH,                                     false},
    {"kms:CallerAccount",                          KEY_ACCOUNT,          NAMED,                                     false},
    {"aws:PrincipalAccount",                       KEY_ACCOUNT,          NAMED,                                     false},
    {"aws:ResourceAccount",                        KEY_RESOURCE_ACCOUNT, NAMED,                                     false},
    {"aws:PrincipalArn",                           KEY_PRINCIPAL_ARN,    NAMED,                                     false},
    {"aws:username",                               KEY_USERNAME,         NAMED,                                     false},
    {"aws:SourceIp",                               KEY_SOURCE_IP,        FAMILY_NETWORK | FAMILY_NULL,              false},
    {"aws:CurrentTime",                            KEY_TIME,             FAMILY_TIME | FAMILY_NULL,                 false},
    {"aws:EpochTime",                              KEY_TIME,             FAMILY_TIME | FAMILY_NUMBER | FAMILY_NULL, false},
    {"aws:SecureTransport",                        KEY_SECURE,           TRUTH,                                     false},
    {"aws:ResourceTag/",                           KEY_RESOURCE_TAG,     NAMED,                                     false},
    {"aws:RequestTag/",                            KEY_REQUEST_TAG,      NAMED,                                     false},
    {"aws:TagKeys",                                KEY_TAG_KEYS,         NAMED,                                     true },
    {"aws:ViaAWSService",                          KEY_FALSE,            TRUTH,                                     false},
    {"aws:PrincipalIsAWSService",                  KEY_FALSE,            TRUTH,                                     false},

    {"aws:MultiFactorAuthPresent",                 KEY_NEVER,            FAMILY_EVERY,                              false},
    {"aws:MultiFactorAuthAge",                     KEY_NEVER,            FAMILY_EVERY,                              false},
    {"aws:TokenIssueTime",                         KEY_NEVER,            FAMILY_EVERY,                              false},
    {"aws:FederatedProvider",                      KEY_NEVER,            FAMILY_EVERY,                              false},
    {"aws:PrincipalTag/",                          KEY_NEVER,            FAMILY_EVERY,                              false},
    {"aws:PrincipalOrgID",                         KEY_NEVER,            FAMILY_EVERY,                              false},
    {"aws:PrincipalOrgPaths",                      KEY_NEVER,            FAMILY_EVERY,                              true },
    {"aws:PrincipalServiceName",                   KEY_NEVER,            FAMILY_EVERY,                              false},
    {"aws:PrincipalServiceNamesList",              KEY_NEVER,            FAMILY_EVERY,                              true },
    {"aws:ResourceOrgID",                          KEY_NEVER,            FAMILY_EVERY,                              false},
    {"aws:ResourceOrgPaths",                       KEY_NEVER,            FAMILY_EVERY,                              true },
    {"aws:SourceAccount",                          KEY_NEVER,            FAMILY_EVERY,                              false},
    {"aws:SourceArn",                              KEY_NEVER,            FAMILY_EVERY,                              false},
    {"aws:SourceOrgID",                            KEY_NEVER,            FAMILY_EVERY,                              false},
    {"aws:SourceOrgPaths",                         KEY_NEVER,            FAMILY_EVERY,                              true },
    {"aws:SourceVpc",                              KEY_NEVER,            FAMILY_EVERY,                              false},
    {"aws:SourceVpce",                             KEY_NEVER,            FAMILY_EVERY,                              false},
    {"aws:VpcSourceIp",                            KEY_NEVER,            FAMILY_EVERY,                              false},
    {"aws:CalledVia",                              KEY_NEVER,            FAMILY_EVERY,                              true },
    {"aws:CalledViaFirst",                         KEY_NEVER,            FAMILY_EVERY,                              false},
    {"aws:CalledViaLast",                          KEY_NEVER,            FAMILY_EVERY,                              false},
    {"kms:ViaService",                             KEY_NEVER,            FAMILY_EVERY,                              false},
    {"kms:RecipientAttestation:",                  KEY_NEVER,            FAMILY_EVERY,                              false},
    {"kms:GrantIsForAWSResource",                  KEY_NEVER,            FAMILY_EVERY,                              false},
    {"kms:GrantOperations",                        KEY_NEVER,            FAMILY_EVERY,                              true }, /* later */
    {"kms:GrantConstraintType",                    KEY_NEVER,            FAMILY_EVERY,                              false}, /* later */
    {"kms:GranteePrincipal",                       KEY_NEVER,            FAMILY_EVERY,                              false}, /* later */
    {"kms:RetiringPrincipal",                      KEY_NEVER,            FAMILY_EVERY,                              false}, /* later */
    {"kms:SigningAlgorithm",                       KEY_NEVER,            FAMILY_EVERY,                              false}, /* later */
    {"kms:MacAlgorithm",                           KEY_NEVER,            FAMILY_EVERY,                              false}, /* later */
    {"kms:MessageType",                            KEY_NEVER,            FAMILY_EVERY,                              false}, /* later */
    {"kms:DataKeyPairSpec",                        KEY_NEVER,            FAMILY_EVERY,                              false}, /* later */
    {"kms:KeyAgreementAlgorithm",                  KEY_NEVER,            FAMILY_EVERY,                              false}, /* later */
    {"kms:WrappingAlgorithm",                      KEY_NEVER,            FAMILY_EVERY,                              false}, /* later */
    {"kms:WrappingKeySpec",                        KEY_NEVER,            FAMILY_EVERY,                              false}, /* later */
    {"kms:ExpirationModel",                        KEY_NEVER,            FAMILY_EVERY,                              false}, /* later */
    {"kms:ValidTo",                                KEY_NEVER,            FAMILY_EVERY,                              false}, /* later */
    {"kms:PrimaryRegion",                          KEY_NEVER,            FAMILY_EVERY,                              false}, /* later */
    {"kms:ReplicaRegion",                          KEY_NEVER,            FAMILY_EVERY,                              false}, /* later */
};

const struct policy_op *
rdt_policy_op_find(struct rdt_span name)
{
    for (size_t i = 0; i < RDT_COUNT(ops); i++)
        if (rdt_policy_nocase(name, rdt_span_str(ops[i].name)))
            return &ops[i];
    return NULL;
}

const struct policy_key *
rdt_policy_key_find(struct rdt_span name, struct rdt_span *rest)
{
    for (size_t i = 0; i < RDT_COUNT(keys); i++) {
        struct rdt_span want = rdt_span_str(keys[i].name);
        uint8_t end = want.p[want.n - 1];
        bool prefix = end == ':' || end == '/';
        size_t n = prefix && name.n > want.n ? want.n : name.n;
        if (!rdt_policy_nocase((struct rdt_span){name.p, n}, want) || (prefix && n == name.n))
            continue;
        *rest = (struct rdt_span){name.p + n, name.n - n};
        return &keys[i];
    }
    return NULL;
}

const char *
rdt_policy_op_near(struct rdt_span name)
{
    const char *names[RDT_COUNT(ops)];
    for (size_t i = 0; i < RDT_COUNT(ops); i++)
        names[i] = ops[i].name;
    return rdt_text_nearest(name, names, RDT_COUNT(ops));
}

const char *
rdt_policy_key_near(struct rdt_span name)
{
    const char *names[RDT_COUNT(keys)];
    for (size_t i = 0; i < RDT_COUNT(keys); i++)
        names[i] = keys[i].name;
    return rdt_text_nearest(name, names, RDT_COUNT(keys));
}
