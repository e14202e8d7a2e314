/*
 * The operations of AWS KMS. Names, members and bounds are facts of the public operation model
 * (kms-service-2.json); a test holds every row against it.
 */
#include "kms/op_internal.h"

#define ALGORITHMS "SYMMETRIC_DEFAULT RSAES_OAEP_SHA_1 RSAES_OAEP_SHA_256 SM2PKE"
#define OLD_SPECS                                                                                  \
    "RSA_2048 RSA_3072 RSA_4096 ECC_NIST_P256 ECC_NIST_P384 ECC_NIST_P521 ECC_SECG_P256K1 "        \
    "SYMMETRIC_DEFAULT HMAC_224 HMAC_256 HMAC_384 HMAC_512 SM2"

static const struct rdt_in cancel_key_deletion_in[] = {
    {.name = "KeyId", .type = RDT_IN_TEXT, .required = true, .min = 1, .max = 2048},
};

static const struct rdt_in create_alias_in[] = {
    {.name = "AliasName",   .type = RDT_IN_TEXT, .required = true, .min = 1, .max = 256 },
    {.name = "TargetKeyId", .type = RDT_IN_TEXT, .required = true, .min = 1, .max = 2048},
};

static const struct rdt_in create_key_in[] = {
    {.name = "Policy", .type = RDT_IN_TEXT, .min = 1, .max = 131072},
    {.name = "Description", .type = RDT_IN_TEXT, .min = 0, .max = 8192},
    {.name = "KeyUsage",
     .type = RDT_IN_WORD,
     .words = "SIGN_VERIFY ENCRYPT_DECRYPT GENERATE_VERIFY_MAC KEY_AGREEMENT"},
    {.name = "CustomerMasterKeySpec", .type = RDT_IN_WORD, .words = OLD_SPECS},
    {.name = "KeySpec",
     .type = RDT_IN_WORD,
     .words = OLD_SPECS " ML_DSA_44 ML_DSA_65 ML_DSA_87 ECC_NIST_EDWARDS25519"},
    {.name = "Origin",
     .type = RDT_IN_WORD,
     .words = "AWS_KMS EXTERNAL AWS_CLOUDHSM EXTERNAL_KEY_STORE"},
    {.name = "CustomKeyStoreId", .type = RDT_IN_TEXT, .min = 1, .max = 64},
    {.name = "BypassPolicyLockoutSafetyCheck", .type = RDT_IN_BOOL},
    {.name = "Tags", .type = RDT_IN_OBJECTS},
    {.name = "MultiRegion", .type = RDT_IN_BOOL},
    {.name = "XksKeyId", .type = RDT_IN_TEXT, .min = 1, .max = 128},
};

static const struct rdt_in decrypt_in[] = {
    {.name = "CiphertextBlob", .type = RDT_IN_BLOB, .min = 1, .max = 6144},
    {.name = "EncryptionContext", .type = RDT_IN_MAP},
    {.name = "GrantTokens", .type = RDT_IN_TEXTS, .min = 0, .max = 10},
    {.name = "KeyId", .type = RDT_IN_TEXT, .min = 1, .max = 2048},
    {.name = "EncryptionAlgorithm", .type = RDT_IN_WORD, .words = ALGORITHMS},
    {.name = "Recipient", .type = RDT_IN_OBJECT},
    {.name = "DryRun", .type = RDT_IN_BOOL},
    {.name = "DryRunModifiers", .type = RDT_IN_TEXTS, .words = "IGNORE_CIPHERTEXT"},
};

static const struct rdt_in delete_alias_in[] = {
    {.name = "AliasName", .type = RDT_IN_TEXT, .required = true, .min = 1, .max = 256},
};

static const struct rdt_in describe_key_in[] = {
    {.name = "KeyId", .type = RDT_IN_TEXT, .required = true, .min = 1, .max = 2048},
    {.name = "GrantTokens", .type = RDT_IN_TEXTS, .min = 0, .max = 10},
};

static const struct rdt_in disable_key_in[] = {
    {.name = "KeyId", .type = RDT_IN_TEXT, .required = true, .min = 1, .max = 2048},
};

static const struct rdt_in disable_key_rotation_in[] = {
    {.name = "KeyId", .type = RDT_IN_TEXT, .required = true, .min = 1, .max = 2048},
};

static const struct rdt_in enable_key_in[] = {
    {.name = "KeyId", .type = RDT_IN_TEXT, .required = true, .min = 1, .max = 2048},
};

static const struct rdt_in enable_key_rotation_in[] = {
    {.name = "KeyId", .type = RDT_IN_TEXT, .required = true, .min = 1, .max = 2048},
    {.name = "RotationPeriodInDays", .type = RDT_IN_INT, .min = 90, .max = 2560},
};

static const struct rdt_in encrypt_in[] = {
    {.name = "KeyId", .type = RDT_IN_TEXT, .required = true, .min = 1, .max = 2048},
    {.name = "Plaintext",
     .type = RDT_IN_BLOB,
     .required = true,
     .sensitive = true,
     .min = 1,
     .max = 4096},
    {.name = "EncryptionContext", .type = RDT_IN_MAP},
    {.name = "GrantTokens", .type = RDT_IN_TEXTS, .min = 0, .max = 10},
    {.name = "EncryptionAlgorithm", .type = RDT_IN_WORD, .words = ALGORITHMS},
    {.name = "DryRun", .type = RDT_IN_BOOL},
};

static const struct rdt_in generate_data_key_in[] = {
    {.name = "KeyId", .type = RDT_IN_TEXT, .required = true, .min = 1, .max = 2048},
    {.name = "EncryptionContext", .type = RDT_IN_MAP},
    {.name = "NumberOfBytes", .type = RDT_IN_INT, .min = 1, .max = 1024},
    {.name = "KeySpec", .type = RDT_IN_WORD, .words = "AES_256 AES_128"},
    {.name = "GrantTokens", .type = RDT_IN_TEXTS, .min = 0, .max = 10},
    {.name = "Recipient", .type = RDT_IN_OBJECT},
    {.name = "DryRun", .type = RDT_IN_BOOL},
};

static const struct rdt_in generate_data_key_without_plaintext_in[] = {
    {.name = "KeyId", .type = RDT_IN_TEXT, .required = true, .min = 1, .max = 2048},
    {.name = "EncryptionContext", .type = RDT_IN_MAP},
    {.name = "KeySpec", .type = RDT_IN_WORD, .words = "AES_256 AES_128"},
    {.name = "NumberOfBytes", .type = RDT_IN_INT, .min = 1, .max = 1024},
    {.name = "GrantTokens", .type = RDT_IN_TEXTS, .min = 0, .max = 10},
    {.name = "DryRun", .type = RDT_IN_BOOL},
};

static const struct rdt_in generate_random_in[] = {
    {.name = "NumberOfBytes", .type = RDT_IN_INT, .min = 1, .max = 1024},
    {.name = "CustomKeyStoreId", .type = RDT_IN_TEXT, .min = 1, .max = 64},
    {.name = "Recipient", .type = RDT_IN_OBJECT},
};

static const struct rdt_in get_key_last_usage_in[] = {
    {.name = "KeyId", .type = RDT_IN_TEXT, .required = true, .min = 1, .max = 2048},
};

static const struct rdt_in get_key_policy_in[] = {
    {.name = "KeyId", .type = RDT_IN_TEXT, .required = true, .min = 1, .max = 2048},
    {.name = "PolicyName", .type = RDT_IN_TEXT, .min = 1, .max = 128},
};

static const struct rdt_in get_key_rotation_status_in[] = {
    {.name = "KeyId", .type = RDT_IN_TEXT, .required = true, .min = 1, .max = 2048},
};

static const struct rdt_in list_aliases_in[] = {
    {.name = "KeyId",  .type = RDT_IN_TEXT, .min = 1, .max = 2048},
    {.name = "Limit",  .type = RDT_IN_INT,  .min = 1, .max = 1000},
    {.name = "Marker", .type = RDT_IN_TEXT, .min = 1, .max = 1024},
};

static const struct rdt_in list_key_policies_in[] = {
    {.name = "KeyId", .type = RDT_IN_TEXT, .required = true, .min = 1, .max = 2048},
    {.name = "Limit", .type = RDT_IN_INT, .min = 1, .max = 1000},
    {.name = "Marker", .type = RDT_IN_TEXT, .min = 1, .max = 1024},
};

static const struct rdt_in list_key_rotations_in[] = {
    {.name = "KeyId", .type = RDT_IN_TEXT, .required = true, .min = 1, .max = 2048},
    {.name = "IncludeKeyMaterial", .type = RDT_IN_WORD, .words = "ALL_KEY_MATERIAL ROTATIONS_ONLY"},
    {.name = "Limit", .type = RDT_IN_INT, .min = 1, .max = 1000},
    {.name = "Marker", .type = RDT_IN_TEXT, .min = 1, .max = 1024},
};

static const struct rdt_in list_keys_in[] = {
    {.name = "Limit",  .type = RDT_IN_INT,  .min = 1, .max = 1000},
    {.name = "Marker", .type = RDT_IN_TEXT, .min = 1, .max = 1024},
};

static const struct rdt_in list_resource_tags_in[] = {
    {.name = "KeyId", .type = RDT_IN_TEXT, .required = true, .min = 1, .max = 2048},
    {.name = "Limit", .type = RDT_IN_INT, .min = 1, .max = 1000},
    {.name = "Marker", .type = RDT_IN_TEXT, .min = 1, .max = 1024},
};

static const struct rdt_in put_key_policy_in[] = {
    {.name = "KeyId", .type = RDT_IN_TEXT, .required = true, .min = 1, .max = 2048},
    {.name = "PolicyName", .type = RDT_IN_TEXT, .min = 1, .max = 128},
    {.name = "Policy", .type = RDT_IN_TEXT, .required = true, .min = 1, .max = 131072},
    {.name = "BypassPolicyLockoutSafetyCheck", .type = RDT_IN_BOOL},
};

static const struct rdt_in re_encrypt_in[] = {
    {.name = "CiphertextBlob", .type = RDT_IN_BLOB, .min = 1, .max = 6144},
    {.name = "SourceEncryptionContext", .type = RDT_IN_MAP},
    {.name = "SourceKeyId", .type = RDT_IN_TEXT, .min = 1, .max = 2048},
    {.name = "DestinationKeyId", .type = RDT_IN_TEXT, .required = true, .min = 1, .max = 2048},
    {.name = "DestinationEncryptionContext", .type = RDT_IN_MAP},
    {.name = "SourceEncryptionAlgorithm", .type = RDT_IN_WORD, .words = ALGORITHMS},
    {.name = "DestinationEncryptionAlgorithm", .type = RDT_IN_WORD, .words = ALGORITHMS},
    {.name = "GrantTokens", .type = RDT_IN_TEXTS, .min = 0, .max = 10},
    {.name = "DryRun", .type = RDT_IN_BOOL},
    {.name = "DryRunModifiers", .type = RDT_IN_TEXTS, .words = "IGNORE_CIPHERTEXT"},
};

static const struct rdt_in rotate_key_on_demand_in[] = {
    {.name = "KeyId", .type = RDT_IN_TEXT, .required = true, .min = 1, .max = 2048},
};

static const struct rdt_in schedule_key_deletion_in[] = {
    {.name = "KeyId", .type = RDT_IN_TEXT, .required = true, .min = 1, .max = 2048},
    {.name = "PendingWindowInDays", .type = RDT_IN_INT, .min = 1, .max = 365},
};

static const struct rdt_in tag_resource_in[] = {
    {.name = "KeyId", .type = RDT_IN_TEXT, .required = true, .min = 1, .max = 2048},
    {.name = "Tags", .type = RDT_IN_OBJECTS, .required = true},
};

static const struct rdt_in untag_resource_in[] = {
    {.name = "KeyId", .type = RDT_IN_TEXT, .required = true, .min = 1, .max = 2048},
    {.name = "TagKeys", .type = RDT_IN_TEXTS, .required = true},
};

static const struct rdt_in update_alias_in[] = {
    {.name = "AliasName",   .type = RDT_IN_TEXT, .required = true, .min = 1, .max = 256 },
    {.name = "TargetKeyId", .type = RDT_IN_TEXT, .required = true, .min = 1, .max = 2048},
};

static const struct rdt_in update_key_description_in[] = {
    {.name = "KeyId",       .type = RDT_IN_TEXT, .required = true, .min = 1, .max = 2048},
    {.name = "Description", .type = RDT_IN_TEXT, .required = true, .min = 0, .max = 8192},
};

#define OP(text, how, about, when, members, handler)                                               \
    {                                                                                              \
        .name = text, .cls = RDT_OP_##how, .key = RDT_KEY_##about, .states = RDT_STATES_##when,    \
        .in = members, .n_in = sizeof members / sizeof members[0], .run = handler                  \
    }
#define NOT_YET(text)                                                                              \
    {                                                                                              \
        .name = text, .cls = RDT_OP_UNSUPPORTED                                                    \
    }

/* clang-format off */
static const struct rdt_op ops[] = { /* by name */
    OP("CancelKeyDeletion", WRITE, ID, CANCEL, cancel_key_deletion_in, rdt_op_cancel_key_deletion),
    NOT_YET("ConnectCustomKeyStore"),
    OP("CreateAlias", WRITE, TARGET, EDIT, create_alias_in, rdt_op_create_alias),
    NOT_YET("CreateCustomKeyStore"),
    NOT_YET("CreateGrant"),
    OP("CreateKey", WRITE, NEW, ALL, create_key_in, rdt_op_create_key),
    OP("Decrypt", DATA, OWN, USE, decrypt_in, rdt_op_decrypt),
    OP("DeleteAlias", WRITE, OWN, ALL, delete_alias_in, rdt_op_delete_alias),
    NOT_YET("DeleteCustomKeyStore"),
    NOT_YET("DeleteImportedKeyMaterial"),
    NOT_YET("DeriveSharedSecret"),
    NOT_YET("DescribeCustomKeyStores"),
    OP("DescribeKey", READ, ANY, ALL, describe_key_in, rdt_op_describe_key),
    OP("DisableKey", WRITE, ID, ABLE, disable_key_in, rdt_op_disable_key),
    OP("DisableKeyRotation", WRITE, ID, ROTATION, disable_key_rotation_in, rdt_op_disable_key_rotation),
    NOT_YET("DisconnectCustomKeyStore"),
    OP("EnableKey", WRITE, ID, ABLE, enable_key_in, rdt_op_enable_key),
    OP("EnableKeyRotation", WRITE, ID, ROTATION, enable_key_rotation_in, rdt_op_enable_key_rotation),
    OP("Encrypt", DATA, ANY, USE, encrypt_in, rdt_op_encrypt),
    OP("GenerateDataKey", DATA, ANY, USE, generate_data_key_in, rdt_op_generate_data_key),
    NOT_YET("GenerateDataKeyPair"),
    NOT_YET("GenerateDataKeyPairWithoutPlaintext"),
    OP("GenerateDataKeyWithoutPlaintext", DATA, ANY, USE, generate_data_key_without_plaintext_in, rdt_op_generate_data_key_without_plaintext),
    NOT_YET("GenerateMac"),
    OP("GenerateRandom", DATA, NONE, ALL, generate_random_in, rdt_op_generate_random),
    OP("GetKeyLastUsage", WRITE, ID, ALL, get_key_last_usage_in, rdt_op_get_key_last_usage),
    OP("GetKeyPolicy", READ, ID, ALL, get_key_policy_in, rdt_op_get_key_policy),
    OP("GetKeyRotationStatus", READ, ID, ALL, get_key_rotation_status_in, rdt_op_get_key_rotation_status),
    NOT_YET("GetParametersForImport"),
    NOT_YET("GetPublicKey"),
    NOT_YET("ImportKeyMaterial"),
    OP("ListAliases", READ, OWN, ALL, list_aliases_in, rdt_op_list_aliases),
    NOT_YET("ListGrants"),
    OP("ListKeyPolicies", READ, ID, ALL, list_key_policies_in, rdt_op_list_key_policies),
    OP("ListKeyRotations", READ, ID, ALL, list_key_rotations_in, rdt_op_list_key_rotations),
    OP("ListKeys", READ, NONE, ALL, list_keys_in, rdt_op_list_keys),
    OP("ListResourceTags", READ, ID, ALL, list_resource_tags_in, rdt_op_list_resource_tags),
    NOT_YET("ListRetirableGrants"),
    OP("PutKeyPolicy", WRITE, ID, ALL, put_key_policy_in, rdt_op_put_key_policy),
    OP("ReEncrypt", DATA, OWN, USE, re_encrypt_in, rdt_op_re_encrypt),
    NOT_YET("ReplicateKey"),
    NOT_YET("RetireGrant"),
    NOT_YET("RevokeGrant"),
    OP("RotateKeyOnDemand", WRITE, ID, USE, rotate_key_on_demand_in, rdt_op_rotate_key_on_demand),
    OP("ScheduleKeyDeletion", WRITE, ID, EDIT, schedule_key_deletion_in, rdt_op_schedule_key_deletion),
    NOT_YET("Sign"),
    OP("TagResource", WRITE, ID, EDIT, tag_resource_in, rdt_op_tag_resource),
    OP("UntagResource", WRITE, ID, EDIT, untag_resource_in, rdt_op_untag_resource),
    OP("UpdateAlias", WRITE, OWN, ALL, update_alias_in, rdt_op_update_alias),
    NOT_YET("UpdateCustomKeyStore"),
    OP("UpdateKeyDescription", WRITE, ID, EDIT, update_key_description_in, rdt_op_update_key_description),
    NOT_YET("UpdatePrimaryRegion"),
    NOT_YET("Verify"),
    NOT_YET("VerifyMac"),
};
/* clang-format on */

const struct rdt_op_table rdt_ops_aws = {ops, sizeof ops / sizeof ops[0]};
