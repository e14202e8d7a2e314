#include "plan/fields.h"

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define ITEM(...) (&(const struct rdt_field){__VA_ARGS__})
#define SHAPE(shape_name, list)                                                                    \
    {                                                                                              \
        .name = (shape_name), .fields = (list), .n = RDT_COUNT(list)                               \
    }
#define IN(section) (1u << (section))
#define MUST RDT_F_REQUIRED
#define SECONDS_MAX INT64_C(3153600000) /* a hundred years */

/* One row: name, type, flags, help, then what the type needs by name. */
#define TEXT(n, f, h)                                                                              \
    {                                                                                              \
        .name = (n), .type = RDT_T_TEXT, .flags = (f), .help = (h)                                 \
    }
#define BOOL(n, f, h)                                                                              \
    {                                                                                              \
        .name = (n), .type = RDT_T_BOOL, .flags = (f), .help = (h)                                 \
    }
#define DATE(n, f, h)                                                                              \
    {                                                                                              \
        .name = (n), .type = RDT_T_DATE, .flags = (f), .help = (h)                                 \
    }
#define DAYS(n, f, h)                                                                              \
    {                                                                                              \
        .name = (n), .type = RDT_T_DURATION, .flags = (f), .help = (h)                             \
    }
#define NUMB(n, f, lo, hi, h)                                                                      \
    {                                                                                              \
        .name = (n), .type = RDT_T_INT, .flags = (f), .help = (h), .min = (lo), .max = (hi)        \
    }
#define WORD(n, f, w, h)                                                                           \
    {                                                                                              \
        .name = (n), .type = RDT_T_WORD, .flags = (f), .help = (h), .words = (w)                   \
    }
#define REF(n, f, s, w, h)                                                                         \
    {                                                                                              \
        .name = (n), .type = RDT_T_REF, .flags = (f), .help = (h), .sections = (s), .words = (w)   \
    }
#define LIST(n, f, i, h)                                                                           \
    {                                                                                              \
        .name = (n), .type = RDT_T_LIST, .flags = (f), .help = (h), .item = (i)                    \
    }
#define OBJ(n, f, s, h)                                                                            \
    {                                                                                              \
        .name = (n), .type = RDT_T_OBJECT, .flags = (f), .help = (h), .shape = (s)                 \
    }
#define MAP(n, f, k, i, h)                                                                         \
    {                                                                                              \
        .name = (n), .type = RDT_T_MAP, .flags = (f), .help = (h), .keys = (k), .item = (i)        \
    }

/* Weak choices are legal words that rules fail, never syntax errors. */
static const char *const levels[] = {"critical", "high", "medium", "low", NULL};
static const char *const volume_algorithms[] = {
    "none",    "provider-default", "des",         "3des",   "rc4",     "aes-128",
    "aes-256", "aes-256-xts",      "aes-256-gcm", "sse-s3", "sse-kms", NULL};
static const char *const field_algorithms[] = {"aes-256-gcm", "aes-256-siv", "chacha20-poly1305",
                                               "aes-256-cbc", "aes-128-gcm", "aes-128-cbc",
                                               "aes-256-ecb", "aes-128-ecb", "3des",
                                               "des",         "rc4",         NULL};
static const char *const key_algorithms[] = {"aes-256",      "aes-256-gcm",  "aes-256-xts",
                                             "aes-192",      "aes-128",      "chacha20-poly1305",
                                             "3des",         "des",          "rc4",
                                             "rsa-1024",     "rsa-2048",     "rsa-3072",
                                             "rsa-4096",     "ecdsa-p256",   "ecdsa-p384",
                                             "ecdsa-p521",   "ed25519",      "x25519",
                                             "hmac-sha-1",   "hmac-sha-256", "hmac-sha-384",
                                             "hmac-sha-512", "ml-kem-768",   "ml-kem-1024",
                                             "ml-dsa-65",    "ml-dsa-87",    NULL};
static const char *const hashes[] = {"argon2id", "scrypt", "bcrypt", "pbkdf2",
                                     "sha-256",  "sha-1",  "md5",    NULL};
static const char *const tls_versions[] = {"ssl2",   "ssl3",   "tls1.0", "tls1.1",
                                           "tls1.2", "tls1.3", NULL};
static const char *const tls_groups[] = {
    "x25519",    "x448",      "secp256r1",      "secp384r1",         "secp521r1",
    "ffdhe2048", "ffdhe3072", "x25519mlkem768", "secp256r1mlkem768", "secp384r1mlkem1024",
    "mlkem1024", NULL};
static const char *const store_kinds[] = {
    "postgres",        "mysql",    "mariadb",    "sqlserver",     "oracle",
    "sqlite",          "redis",    "valkey",     "memcached",     "mongodb",
    "cassandra",       "dynamodb", "opensearch", "elasticsearch", "clickhouse",
    "kafka",           "rabbitmq", "s3",         "s3-glacier",    "gcs",
    "azure-blob",      "minio",    "nfs",        "disk",          "cloudwatch",
    "secrets-manager", "vault",    "snowflake",  "bigquery",      "external",
    "endpoints",       "other",    NULL};
static const char *const providers[] = {"code",
                                        "env",
                                        "file",
                                        "os-managed",
                                        "provider-default",
                                        "aws-kms",
                                        "aws-cloudhsm",
                                        "gcp-kms",
                                        "azure-key-vault",
                                        "vault",
                                        "redoubt",
                                        "hsm",
                                        "istio",
                                        "acm",
                                        "lets-encrypt",
                                        "envelope",
                                        "secrets-manager",
                                        NULL};
static const char *const validations[] = {
    "none",         "fips140-2-l1", "fips140-2-l2", "fips140-2-l3", "fips140-2-l4",
    "fips140-3-l1", "fips140-3-l2", "fips140-3-l3", "fips140-3-l4", NULL};
static const char *const seals[] = {"development", "passphrase", "shamir", "hsm", NULL};
static const char *const trust_names[] = {"system",
                                          "rds-ca",
                                          "rds-ca-rsa2048-g1",
                                          "rds-ca-rsa4096-g1",
                                          "rds-ca-ecc384-g1",
                                          "amazon-trust",
                                          "isrg-root-x1",
                                          "isrg-root-x2",
                                          NULL};
static const char *const volume_keys[] = {"os-managed", "provider-default", NULL};
static const char *const no_store[] = {"none", NULL};

static const struct rdt_field product_fields[] = {
    TEXT("id", MUST, "Short name used in reports and file names."),
    TEXT("name", MUST, "Name that people know the product by."),
    TEXT("owner", MUST, "Team or address that answers for this plan."),
    TEXT("about", 0, "One sentence on what the product does."),
    WORD("tenancy", 0, WORDS("single", "multi"), "Whether customers share the system."),
};
static const struct rdt_shape product = SHAPE("product", product_fields);

static const struct rdt_field level_fields[] = {
    WORD("volume", 0, volume_algorithms, "Least algorithm for volumes."),
    BOOL("field", 0, "Whether the application must encrypt the fields as well."),
    WORD("tls", 0, tls_versions, "Oldest TLS version allowed."),
    WORD("custody", 0, WORDS("hardware", "key-service", "provider-default"), "Least key custody."),
    DAYS("rotation", 0, "Longest time between key rotations."),
};
static const struct rdt_shape level_override = SHAPE("level override", level_fields);

static const struct rdt_field policy_fields[] = {
    WORD("profile", 0, WORDS("template", "template-lenient"),
         "The level table; the lenient one lets critical data travel under TLS 1.2."),
    LIST("add", 0, ITEM(.type = RDT_T_WORD, .words = WORDS("kind-floor")),
         "Extra floors: kind-floor makes an unencrypted PHI or PAN field critical."),
    MAP("levels", 0, RDT_K_LEVEL, ITEM(.type = RDT_T_OBJECT, .shape = &level_override),
        "Changes to the level table; every report shows them."),
    MAP("disable", 0, RDT_K_RULE, ITEM(.type = RDT_T_TEXT),
        "Rules switched off, each with its reason; every report shows them."),
};
static const struct rdt_shape policy = SHAPE("policy", policy_fields);

static const struct rdt_field scratch_fields[] = {
    TEXT("path", MUST, "A folder, or the word swap."),
    WORD("kind", MUST, WORDS("none", "tmpfs", "encrypted", "plain"), "What stands under it."),
};
static const struct rdt_shape scratch = SHAPE("scratch", scratch_fields);

static const struct rdt_field service_fields[] = {
    TEXT("zone", MUST, "Network zone that it runs in."),
    BOOL("external", 0, "Not run by us: a browser, a partner, a CI provider."),
    LIST("scratch", 0, ITEM(.type = RDT_T_OBJECT, .shape = &scratch),
         "Temporary folders and swap of its machines."),
    WORD("memory_cache", 0, WORDS("none", "memory", "disk"), "Where decrypted values are cached."),
    TEXT("note", 0, "For readers."),
};
static const struct rdt_shape service = SHAPE("service", service_fields);

static const struct rdt_field form_fields[] = {
    WORD("hashed", 0, hashes, "Stored only as this hash."),
    NUMB("entropy_bits", RDT_F_COMPANION, 0, 4096, "Entropy of what is hashed, for tokens."),
    TEXT("tokenised", 0, "Stored only as a token; who keeps the vault."),
    REF("delegated", 0, IN(RDT_STORES), NULL, "Kept by this external store instead."),
    BOOL("client_side", 0, "Encrypted before it reaches us."),
};
static const struct rdt_shape form = SHAPE("form", form_fields);

static const struct rdt_field data_fields[] = {
    WORD("level", MUST, levels, "How bad it would be if this were exposed."),
    LIST("kinds", 0,
         ITEM(.type = RDT_T_WORD,
              .words = WORDS("credential", "secret", "pii", "phi", "pan", "sad", "log")),
         "What it is, for rules that do not go by level."),
    TEXT("owner", 0, "Who answers for it."),
    WORD("raise_to", 0, levels, "Treat as this level instead."),
    BOOL("synthetic", 0, "Made up, as in a development environment."),
    TEXT("category", 0, "Name in a data taxonomy."),
    {.name = "form",
                                                 .type = RDT_T_OBJECT,
                                                 .flags = RDT_F_EXACTLY_1,
                                                 .shape = &form,
                                                 .help = "The form in which it is stored, when not in clear or encrypted as a field."},
};
static const struct rdt_shape data = SHAPE("data type", data_fields);

static const struct rdt_field custody_fields[] = {
    WORD("provider", MUST, providers, "What holds the key."),
    TEXT("account", 0, "Account or project, in quotes."),
    TEXT("region", 0, "Region."),
    BOOL("hardware", 0, "The key never leaves hardware."),
    WORD("validation", 0, validations, "FIPS validation of that hardware."),
    WORD("seal", 0, seals, "Redoubt's own: the weakest way to the root of the key service."),
};
static const struct rdt_shape custody = SHAPE("custody", custody_fields);

static const struct rdt_field break_glass_fields[] = {
    NUMB("approvers", 0, 0, 100, "People who must agree to emergency access."),
    DAYS("tested_every", 0, "How often it is rehearsed."),
    DATE("tested", 0, "When it was last rehearsed."),
};
static const struct rdt_shape break_glass = SHAPE("break_glass", break_glass_fields);

static const struct rdt_field access_fields[] = {
    LIST("principals", 0, ITEM(.type = RDT_T_TEXT), "Roles that may use the key."),
    OBJ("break_glass", 0, &break_glass, "Emergency access."),
};
static const struct rdt_shape access = SHAPE("access", access_fields);

static const struct rdt_field rotation_fields[] = {
    DAYS("every", MUST, "Longest time that one version is used."),
    WORD("how", MUST, WORDS("auto", "manual"), "Who starts a rotation."),
    TEXT("procedure", 0, "File that describes a manual rotation."),
    DATE("tested", 0, "When the procedure was last rehearsed."),
    DATE("last", 0, "When the key was last rotated."),
};
static const struct rdt_shape rotation = SHAPE("rotation", rotation_fields);

static const struct rdt_field retire_fields[] = {
    DAYS("wait", 0, "Waiting period before destruction."),
    WORD("reencrypt", 0, WORDS("required", "none"), "Whether data is re-encrypted first."),
    TEXT("approval", 0, "Who approves a destruction."),
    BOOL("destroy_on_rotate", 0, "Old versions are destroyed at once."),
};
static const struct rdt_shape retire = SHAPE("retire", retire_fields);

static const struct rdt_field key_fields[] = {
    TEXT("purpose", MUST, "What it protects, in words."),
    WORD("type", MUST, WORDS("symmetric", "asymmetric", "hmac", "ca", "certificate", "ssh"),
         "Kind of key."),
    WORD("algorithm", MUST, key_algorithms, "Algorithm and size."),
    WORD("per", 0, WORDS("tenant", "customer", "record"), "One key for each of these."),
    REF("wrapped_by", 0, IN(RDT_KEYS), NULL, "Key that encrypts this one."),
    WORD("derive", 0, WORDS("hkdf-sha256", "hkdf-sha512", "kdf-ctr-hmac-sha256"),
         "How it is derived from its parent."),
    OBJ("custody", MUST, &custody, "Where it is kept."),
    OBJ("access", 0, &access, "Who may use it."),
    OBJ("rotation", MUST, &rotation, "When it is replaced."),
    OBJ("retire", 0, &retire, "How it ends."),
};
static const struct rdt_shape key = SHAPE("key", key_fields);

static const struct rdt_field volume_fields[] = {
    WORD("algorithm", MUST, volume_algorithms, "Algorithm of the volume or bucket."),
    REF("key", 0, IN(RDT_KEYS), volume_keys, "Key that unlocks it."),
};
static const struct rdt_shape volume = SHAPE("volume", volume_fields);

static const struct rdt_field protected_fields[] = {
    LIST("data", MUST, ITEM(.type = RDT_T_REF, .sections = IN(RDT_DATA)), "Data types covered."),
    WORD("algorithm", MUST, field_algorithms, "Algorithm of the field."),
    REF("key", MUST, IN(RDT_KEYS), NULL, "Key that encrypts the field."),
    WORD("lookup", 0, WORDS("none", "blind-index"), "How equal values are found."),
    TEXT("leakage", 0, "What the lookup reveals, and why that is accepted."),
};
static const struct rdt_shape protected_field = SHAPE("protected field", protected_fields);

static const struct rdt_field enforce_fields[] = {
    BOOL("deny_unencrypted_put", 0, "Uploads without this key are refused."),
    BOOL("deny_insecure_transport", 0, "Requests without TLS are refused."),
};
static const struct rdt_shape enforce = SHAPE("enforce", enforce_fields);

static const struct rdt_field at_rest_fields[] = {
    OBJ("volume", 0, &volume, "Encryption of the whole volume or bucket."),
    LIST("fields", 0, ITEM(.type = RDT_T_OBJECT, .shape = &protected_field),
         "Fields that the application encrypts."),
    OBJ("enforce", 0, &enforce, "What the store's policy refuses."),
};
static const struct rdt_shape at_rest = SHAPE("at_rest", at_rest_fields);

static const struct rdt_field processor_fields[] = {
    TEXT("name", MUST, "Company that processes the data."),
    TEXT("report", 0, "Its audit report or contract."),
    DATE("expires", 0, "When that report is too old."),
};
static const struct rdt_shape processor = SHAPE("processor", processor_fields);

static const struct rdt_field verify_fields[] = {
    TEXT("import", MUST, "File with an exported state of this store."),
};
static const struct rdt_shape verify = SHAPE("verify", verify_fields);

static const struct rdt_field store_fields[] = {
    WORD("kind", MUST, store_kinds, "What kind of store."),
    TEXT("host", 0, "Service or machine that runs it."),
    TEXT("zone", 0, "Network zone that it runs in."),
    LIST("holds", 0, ITEM(.type = RDT_T_REF, .sections = IN(RDT_DATA)), "Data at rest in it."),
    LIST("backup_of", 0, ITEM(.type = RDT_T_REF, .sections = IN(RDT_STORES)),
         "Stores that it backs up; level and fields follow them."),
    REF("backup", 0, IN(RDT_STORES), no_store, "Where it is backed up, or none."),
    DAYS("retention", 0, "How long data is kept."),
    OBJ("at_rest", 0, &at_rest, "Encryption at rest."),
    OBJ("processor", 0, &processor, "The third party that runs it."),
    OBJ("verify", 0, &verify, "How it is verified without a probe."),
};
static const struct rdt_shape store = SHAPE("store", store_fields);

static const struct rdt_field tls_fields[] = {
    WORD("min", MUST, tls_versions, "Oldest version that is accepted."),
    REF("cert", 0, IN(RDT_KEYS), NULL, "Certificate of the server."),
    REF("pin", 0, IN(RDT_TRUST), trust_names, "The only authority the client trusts."),
    REF("pin_next", 0, IN(RDT_TRUST), trust_names, "The authority that will follow it."),
    REF("mutual", 0, IN(RDT_KEYS), NULL, "Authority of the client certificates."),
    BOOL("node_to_node", 0, "Traffic between the nodes of one cluster."),
    BOOL("opportunistic", 0, "Falls back to plaintext when the peer lacks TLS."),
    LIST("groups", 0, ITEM(.type = RDT_T_WORD, .words = tls_groups),
         "Key exchange groups offered."),
};
static const struct rdt_shape tls = SHAPE("tls", tls_fields);

static const struct rdt_field hsts_fields[] = {
    NUMB("max_age", MUST, 0, SECONDS_MAX, "Seconds."),
    BOOL("subdomains", 0, "includeSubDomains."),
    BOOL("preload", 0, "preload."),
};
static const struct rdt_shape hsts = SHAPE("hsts", hsts_fields);

static const struct rdt_field http_fields[] = {
    BOOL("redirect", 0, "Plain HTTP is redirected to HTTPS, or its port is closed."),
    OBJ("hsts", 0, &hsts, "Strict-Transport-Security."),
};
static const struct rdt_shape http = SHAPE("http", http_fields);

static const struct rdt_field ssh_fields[] = {
    WORD("host_key", MUST,
         WORDS("ed25519", "ecdsa-p256", "ecdsa-p384", "rsa-4096", "rsa-3072", "rsa-2048", "dsa"),
         "Host key of the server."),
};
static const struct rdt_shape ssh = SHAPE("ssh", ssh_fields);

static const struct rdt_field flow_fields[] = {
    REF("from", MUST, IN(RDT_SERVICES) | IN(RDT_STORES), NULL, "Where the data comes from."),
    REF("to", MUST, IN(RDT_SERVICES) | IN(RDT_STORES), NULL, "Where it goes."),
    LIST("carries", MUST, ITEM(.type = RDT_T_REF, .sections = IN(RDT_DATA)), "Data on the way."),
    OBJ("tls", 0, &tls, "TLS; without it the flow is plaintext."),
    OBJ("http", 0, &http, "What an HTTP endpoint does beside TLS."),
    OBJ("ssh", 0, &ssh, "SSH instead of TLS."),
    WORD("identity", 0, WORDS("oidc", "static"), "How a pipeline proves who it is."),
    WORD("mta_sts", 0, WORDS("enforce", "testing", "none"),
         "MTA-STS policy mode of a mail domain."),
    BOOL("dane", 0, "TLSA records of a mail domain are checked."),
};
static const struct rdt_shape flow = SHAPE("flow", flow_fields);

static const struct rdt_field environment_fields[] = {
    TEXT("targets", 0, "File that says where the plan's subjects really are."),
    {.name = "patch", .type = RDT_T_PATCH, .help = "RFC 7396 merge patch over the whole plan."},
};
static const struct rdt_shape environment = SHAPE("environment", environment_fields);

static const struct rdt_field key_generation_fields[] = {
    TEXT("doc", 0, "File that describes it."),
    WORD("csprng", 0, WORDS("kms", "vault", "hsm", "os", "other"), "Where random bytes come from."),
    TEXT("logged_to", 0, "Log that records each generation."),
};
static const struct rdt_shape key_generation = SHAPE("key-generation", key_generation_fields);

static const struct rdt_field cert_monitoring_fields[] = {
    LIST("alerts", 0, ITEM(.type = RDT_T_DURATION),
         "Times before expiry at which people are told."),
    TEXT("channel", 0, "Where the alerts go."),
};
static const struct rdt_shape cert_monitoring = SHAPE("cert-monitoring", cert_monitoring_fields);

static const struct rdt_field procedures_fields[] = {
    OBJ("key-generation", 0, &key_generation, "How keys are made."),
    OBJ("cert-monitoring", 0, &cert_monitoring, "How expiring certificates are noticed."),
};
static const struct rdt_shape procedures = SHAPE("procedures", procedures_fields);

static const struct rdt_field ci_fields[] = {
    TEXT("check", MUST, "Job that runs `redoubt check` on every change."),
};
static const struct rdt_shape ci = SHAPE("ci", ci_fields);

static const struct rdt_field trust_fields[] = {
    TEXT("pem", MUST, "File with the authority's certificate."),
    {.name = "sha256", .type = RDT_T_SHA256, .flags = MUST, .help = "Its fingerprint."},
};
static const struct rdt_shape trust = SHAPE("trust", trust_fields);

static const struct rdt_field exception_fields[] = {
    TEXT("rule", MUST, "Rule whose finding is accepted."),
    TEXT("subject", MUST, "Subject it is accepted on, such as flows.api-search."),
    TEXT("reason", MUST, "Why it cannot be fixed now."),
    TEXT("owner", MUST, "Who answers for it."),
    LIST("approved_by", MUST, ITEM(.type = RDT_T_TEXT), "Who agreed; not the owner."),
    DATE("granted", MUST, "First day."),
    DATE("expires", MUST, "Last day; then the finding is open again."),
    TEXT("compensating", 0, "What reduces the risk meanwhile."),
    TEXT("ticket", 0, "Where the work is tracked."),
};
static const struct rdt_shape exception = SHAPE("exception", exception_fields);

static const struct rdt_field evidence_fields[] = {
    TEXT("file", MUST, "File under the plan's folder."),
    {.name = "sha256", .type = RDT_T_SHA256, .flags = MUST, .help = "Its hash."},
};
static const struct rdt_shape evidence = SHAPE("evidence", evidence_fields);

static const struct rdt_field attestation_fields[] = {
    LIST("covers", MUST, ITEM(.type = RDT_T_TEXT), "Rules or rows that it speaks for."),
    TEXT("statement", MUST, "What was seen or done."),
    TEXT("by", MUST, "Who says so."),
    DATE("signed", MUST, "When."),
    DATE("expires", MUST, "Last day on which it counts."),
    LIST("evidence", 0, ITEM(.type = RDT_T_OBJECT, .shape = &evidence), "Files that show it."),
};
static const struct rdt_shape attestation = SHAPE("attestation", attestation_fields);

#define PIECE RDT_F_PIECE
#define SECTION(n, f, k, s, h) MAP(n, (f) | PIECE, k, ITEM(.type = RDT_T_OBJECT, .shape = (s)), h)

static const struct rdt_field plan_fields[] = {
    {.name = "redoubt", .type = RDT_T_ONE, .flags = MUST, .help = "Version of the format: 1."},
    OBJ("product", MUST, &product, "What this plan is about."),
    LIST("include", 0, ITEM(.type = RDT_T_TEXT),
         "Files with more entries, relative to this one, inside its folder; * matches."),
    LIST("frameworks", 0, ITEM(.type = RDT_T_TEXT),
         "Frameworks to report on, as id or id@edition."),
    OBJ("policy", 0, &policy, "Floors and rules that differ from the built-in ones."),
    SECTION("services", RDT_F_LIKE, RDT_K_ID, &service, "What processes data."),
    SECTION("data", RDT_F_LIKE, RDT_K_ID, &data, "Data types and their sensitivity."),
    SECTION("keys", RDT_F_LIKE, RDT_K_ID, &key, "Keys and certificates."),
    SECTION("stores", RDT_F_LIKE, RDT_K_ID, &store, "Where data rests."),
    SECTION("flows", RDT_F_LIKE, RDT_K_ID, &flow, "Paths that data travels."),
    SECTION("environments", 0, RDT_K_ID, &environment, "Where the plan is carried out."),
    OBJ("procedures", PIECE, &procedures, "What people do."),
    OBJ("ci", 0, &ci, "How every change is checked."),
    SECTION("trust", 0, RDT_K_ID, &trust, "Authorities that flows pin."),
    SECTION("exceptions", 0, RDT_K_EXCEPTION, &exception, "Findings accepted until a date."),
    SECTION("attestations", 0, RDT_K_ATTESTATION, &attestation, "What people vouch for."),
};
const struct rdt_shape rdt_plan_shape = SHAPE("plan", plan_fields);

/* targets/ENV.yaml */
static const char *const which_addresses[] = {"one", "all", NULL};

static const struct rdt_field auditor_fields[] = {
    TEXT("user", MUST, "Account that may read settings."),
    {.name = "password", .type = RDT_T_SECRET, .flags = MUST, .help = "env:NAME or file:PATH."},
};
static const struct rdt_shape auditor = SHAPE("auditor", auditor_fields);

static const struct rdt_field postgres_fields[] = {
    TEXT("host", MUST, "Name or address."),
    NUMB("port", 0, 1, 65535, "5432 when left out."),
    LIST("databases", MUST, ITEM(.type = RDT_T_TEXT), "Each is tried on its own."),
    TEXT("user", MUST, "The application's account; no password is needed."),
    TEXT("ca", 0, "File with the authority of the server's certificate."),
    WORD("addresses", 0, which_addresses, "Try one address of the name, or all."),
    OBJ("auditor", 0, &auditor, "Account for the settings that need a login."),
    LIST("fields", 0, ITEM(.type = RDT_T_TEXT),
         "Encrypted columns to sample: schema.table.column."),
};
static const struct rdt_shape postgres = SHAPE("postgres", postgres_fields);

static const struct rdt_field redis_fields[] = {
    TEXT("host", MUST, "Name or address."),
    NUMB("port", 0, 1, 65535, "6379 when left out."),
    WORD("addresses", 0, which_addresses, "Try one address of the name, or all."),
};
static const struct rdt_shape redis = SHAPE("redis", redis_fields);

static const struct rdt_field https_fields[] = {
    TEXT("url", MUST, "Address of a page, https://..."),
    WORD("addresses", 0, which_addresses, "Try one address of the name, or all."),
    TEXT("ca", 0, "system, or a file with the authority's certificate."),
    NUMB("http_port", 0, 1, 65535, "Port of plain HTTP; 80 when left out."),
};
static const struct rdt_shape https = SHAPE("https", https_fields);

static const struct rdt_field disk_fields[] = {
    TEXT("path", MUST, "Folder of the store on this machine."),
};
static const struct rdt_shape disk = SHAPE("disk", disk_fields);

static const struct rdt_field store_target_fields[] = {
    OBJ("postgres", 0, &postgres, "A PostgreSQL server."),
    OBJ("redis", 0, &redis, "A Redis or Valkey server."),
    OBJ("disk", 0, &disk, "A folder on this machine."),
};
static const struct rdt_shape store_target = SHAPE("store target", store_target_fields);

static const struct rdt_field flow_target_fields[] = {
    OBJ("https", 0, &https, "An HTTPS endpoint."),
};
static const struct rdt_shape flow_target = SHAPE("flow target", flow_target_fields);

static const struct rdt_field service_target_fields[] = {
    WORD("host", 0, WORDS("local"), "local: this machine."),
    LIST("scratch", 0, ITEM(.type = RDT_T_TEXT), "Temporary folders to look at."),
    TEXT("import", 0, "File with an exported state of the machine."),
};
static const struct rdt_shape service_target = SHAPE("service target", service_target_fields);

static const struct rdt_field kms_reader_fields[] = {
    {.name = "key_id", .type = RDT_T_SECRET, .flags = MUST, .help = "env:NAME or file:PATH."},
    {.name = "secret", .type = RDT_T_SECRET, .flags = MUST, .help = "env:NAME or file:PATH."},
};
static const struct rdt_shape kms_reader = SHAPE("reader", kms_reader_fields);

static const struct rdt_field kms_target_fields[] = {
    TEXT("url", 0, "https://HOST[:PORT]; AWS_ENDPOINT_URL when left out."),
    TEXT("ca", 0, "File with the authority of its certificate; AWS_CA_BUNDLE when left out."),
    TEXT("region", 0, "Its region; AWS_REGION when left out."),
    OBJ("reader", 0, &kms_reader,
        "Access key that verify reads with; AWS_ACCESS_KEY_ID and its secret when left out."),
};
static const struct rdt_shape kms_target = SHAPE("kms target", kms_target_fields);

static const struct rdt_field drill_fields[] = {
    TEXT("record", MUST, "File that redoubt seal drill --record wrote."),
    TEXT("signers", MUST, "File with whose drills count: lines NAME PUBLIC-KEY."),
};
static const struct rdt_shape drill = SHAPE("drill", drill_fields);

static const struct rdt_field key_target_fields[] = {
    OBJ("drill", 0, &drill, "The record of the last restore drill."),
};
static const struct rdt_shape key_target = SHAPE("key target", key_target_fields);

static const struct rdt_field targets_fields[] = {
    OBJ("kms", 0, &kms_target, "The Redoubt key service that keeps the keys of custody redoubt."),
    MAP("services", 0, RDT_K_ID, ITEM(.type = RDT_T_OBJECT, .shape = &service_target),
        "Where services run."),
    MAP("stores", 0, RDT_K_ID, ITEM(.type = RDT_T_OBJECT, .shape = &store_target),
        "Where stores are reached."),
    MAP("flows", 0, RDT_K_ID, ITEM(.type = RDT_T_OBJECT, .shape = &flow_target),
        "Where flows end."),
    MAP("keys", 0, RDT_K_ID, ITEM(.type = RDT_T_OBJECT, .shape = &key_target),
        "Where it is recorded what was done with a key."),
};
const struct rdt_shape rdt_targets_shape = SHAPE("targets", targets_fields);

const struct rdt_field *
rdt_shape_field(const struct rdt_shape *shape, struct rdt_span name)
{
    for (size_t i = 0; i < shape->n; i++) {
        if (rdt_span_is(name, shape->fields[i].name))
            return &shape->fields[i];
    }
    return NULL;
}

const char *
rdt_shape_article(const struct rdt_shape *shape)
{
    return strchr("aeiou", shape->name[0]) != NULL ? "an" : "a";
}
