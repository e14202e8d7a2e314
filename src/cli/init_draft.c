#include "cli/init.h"
#include "codec/json.h"

/* A data type that an answer brings along, and the stores it goes to: the first that was chosen. */
static const struct draft_data {
    const char *answer, *id, *level, *kinds, *about;
    const char *homes[4];
} all_data[] = {
    {"passwords",
     "password",               "critical",
     "[credential]",                                "what users log in with",
     {"postgres", "mysql", "mongodb"}                                                                                },
    {"cards",
     "card-number",            "critical",
     "[pan]",                                       "payment cards",
     {"postgres", "mysql", "mongodb"}                                                                                },
    {"pii",
     "customer-profile",       "high",
     "[pii]",                                       "names, addresses, contacts",
     {"postgres", "mysql", "mongodb"}                                                                                },
    {"phi",
     "health-record",          "critical",
     "[phi]",                                       "health records",
     {"postgres", "mysql", "mongodb"}                                                                                },
    {"files",     "upload",    "high",     NULL,    "files that users upload",       {"s3", "postgres", "mysql"}     },
    {"analytics",
     "usage-event",            "medium",
     NULL,                                          "what users click",
     {"clickhouse", "postgres", "mysql"}                                                                             },
    {"logs",      "audit-log", "high",     "[log]", "who did what, when",            {"s3", "clickhouse", "postgres"}},
    {"secrets",
     "api-secret",             "critical",
     "[secret]",                                    "credentials for other systems",
     {"postgres", "mysql", "mongodb"}                                                                                },
};

static const struct draft_store {
    const char *answer, *id;
} all_stores[] = {
    {"postgres",   "db"       },
    {"mysql",      "mysql"    },
    {"mongodb",    "documents"},
    {"redis",      "cache"    },
    {"s3",         "files"    },
    {"opensearch", "search"   },
    {"clickhouse", "analytics"},
};

#define NDATA RDT_COUNT(all_data)

struct draft {
    const struct rdt_answers *answers;
    struct rdt_buf *out;
    bool keys, fields; /* keys of our own; fields encrypted by the application */
};

static bool
handles(const struct draft *d, const struct draft_data *data)
{
    return rdt_init_chose(d->answers, ASK_DATA, data->answer);
}

static bool
has_store(const struct draft *d, const struct draft_store *store)
{
    return rdt_init_chose(d->answers, ASK_STORES, store->answer);
}

/* The store that a data type rests in; when none of its usual ones was chosen, the first. */
static const char *
home_of(const struct draft *d, const struct draft_data *data)
{
    for (size_t i = 0; i < RDT_COUNT(data->homes) && data->homes[i] != NULL; i++) {
        if (rdt_init_chose(d->answers, ASK_STORES, data->homes[i]))
            return data->homes[i];
    }
    for (size_t i = 0; i < RDT_COUNT(all_stores); i++) {
        if (has_store(d, &all_stores[i]))
            return all_stores[i].answer;
    }
    return "";
}

/* Whether a store holds a data type. A search index repeats what people search for. */
static bool
holds(const struct draft *d, const struct draft_store *store, const struct draft_data *data)
{
    if (!handles(d, data))
        return false;
    if (strcmp(store->answer, "opensearch") == 0 &&
        (strcmp(data->answer, "pii") == 0 || strcmp(data->answer, "phi") == 0))
        return true;
    return strcmp(home_of(d, data), store->answer) == 0;
}

static void
quoted(struct draft *d, const char *before, const char *text)
{
    rdt_buf_str(d->out, before);
    rdt_json_text(d->out, rdt_span_str(text)); /* a JSON string is a YAML string */
    rdt_buf_str(d->out, "\n");
}

static void
write_product(struct draft *d)
{
    const struct rdt_answers *a = d->answers;
    char id[33], tenancy[32];
    size_t n = 0;
    for (const char *at = a->text[ASK_NAME]; *at != '\0' && n < sizeof id - 1; at++) {
        char c = (char)(*at >= 'A' && *at <= 'Z' ? *at + ('a' - 'A') : *at);
        bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (plain || (n > 0 && id[n - 1] != '-'))
            id[n++] = plain ? c : '-';
    }
    while (n > 0 && id[n - 1] == '-')
        n--;
    id[n] = '\0';
    rdt_init_word(a, ASK_TENANCY, tenancy);
    rdt_buf_str(d->out, "redoubt: 1\nproduct:\n");
    quoted(d, "  id: ", n == 0 ? "product" : id);
    quoted(d, "  name: ", a->text[ASK_NAME]);
    quoted(d, "  owner: ", a->text[ASK_OWNER]);
    if (a->text[ASK_ABOUT][0] != '\0')
        quoted(d, "  about: ", a->text[ASK_ABOUT]);
    rdt_buf_fmt(d->out, "  tenancy: %s\n", tenancy);
}

static void
write_frameworks(struct draft *d)
{
    static const char *const known[] = {"soc2", "iso27001", "hipaa",      "pci-dss",
                                        "gdpr", "hitrust",  "nist-800-53"};
    size_t n = 0;
    for (size_t i = 0; i < RDT_COUNT(known); i++) {
        if (rdt_init_chose(d->answers, ASK_FRAMEWORKS, known[i]))
            rdt_buf_fmt(d->out, "%s%s", n++ == 0 ? "frameworks: [" : ", ", known[i]);
    }
    rdt_buf_str(d->out, n == 0 ? "# frameworks: [soc2, iso27001, hipaa, pci-dss, gdpr]\n" : "]\n");
}

static void
write_services(struct draft *d)
{
    rdt_buf_str(d->out,
                "\n# What processes data: one entry for each program of yours, and for those of\n"
                "# others that it talks to (external: true).\n"
                "services:\n"
                "  browser: { zone: internet, external: true }\n"
                "  api:\n"
                "    zone: app\n"
                "    # where decrypted data could spill; look, then say so:\n"
                "    # scratch: [{ path: /tmp, kind: tmpfs }, { path: swap, kind: none }]\n"
                "    # memory_cache: none\n");
}

static void
write_form(struct draft *d)
{
    char hash[32];
    rdt_init_word(d->answers, ASK_HASH, hash);
    if (strcmp(hash, "unhashed") != 0)
        rdt_buf_fmt(d->out, ", form: { hashed: %s }", hash);
}

static void
write_data(struct draft *d)
{
    rdt_buf_str(d->out, "\n# Types of data, each with how bad it would be if it were exposed.\n"
                        "# Everything that must be encrypted, and how well, follows from this.\n"
                        "data:\n");
    for (size_t i = 0; i < NDATA; i++) {
        const struct draft_data *data = &all_data[i];
        if (!handles(d, data))
            continue;
        rdt_buf_fmt(d->out, "  %s: { level: %s", data->id, data->level);
        if (data->kinds != NULL)
            rdt_buf_fmt(d->out, ", kinds: %s", data->kinds);
        if (strcmp(data->answer, "passwords") == 0)
            write_form(d);
        rdt_buf_fmt(d->out, " }  # %s\n", data->about);
    }
}

static void
write_rotation(struct draft *d)
{
    char word[32];
    rdt_init_word(d->answers, ASK_ROTATION, word);
    if (strcmp(word, "never") == 0)
        rdt_buf_str(d->out, "    rotation: { every: 100y, how: manual }  # never, until now\n");
    else
        rdt_buf_fmt(d->out, "    rotation: { every: %.*s, how: %s }\n", (int)strcspn(word, "-"),
                    word, strstr(word, "auto") != NULL ? "auto" : "manual");
}

static void
write_own_keys(struct draft *d)
{
    char provider[32];
    rdt_init_word(d->answers, ASK_KEYS, provider);
    rdt_buf_fmt(d->out,
                "  data-key:\n"
                "    purpose: volumes and buckets\n"
                "    type: symmetric\n"
                "    algorithm: aes-256\n"
                "    custody: { provider: %s%s }\n",
                provider,
                rdt_init_chose(d->answers, ASK_HARDWARE, "yes") ? ", hardware: true" : "");
    write_rotation(d);
    rdt_buf_str(d->out, "    # access: { principals: [role/app], break_glass: { approvers: 2 } }\n"
                        "    # retire: { wait: 30d, reencrypt: required, approval: team-lead }\n");
    if (d->fields)
        rdt_buf_str(d->out, "  field-key:\n"
                            "    like: data-key\n"
                            "    purpose: fields that the application encrypts\n"
                            "    algorithm: aes-256-gcm\n");
    if (rdt_init_chose(d->answers, ASK_BACKUP, "yes"))
        rdt_buf_str(d->out, "  backup-key:\n"
                            "    like: data-key\n"
                            "    purpose: backups\n"
                            "    # custody: { account: \"...\" }  # another than production's\n");
}

static void
write_keys(struct draft *d)
{
    const char *authority =
        rdt_init_chose(d->answers, ASK_KEYS, "aws-kms") ? "acm" : "lets-encrypt";
    rdt_buf_str(d->out, "\n# Keys and certificates, each with one purpose. `like` takes what is\n"
                        "# missing from another entry.\n"
                        "keys:\n");
    if (d->keys)
        write_own_keys(d);
    rdt_buf_fmt(d->out,
                "  edge-cert:\n"
                "    purpose: public HTTPS\n"
                "    type: certificate\n"
                "    algorithm: ecdsa-p256\n"
                "    custody: { provider: %s }\n"
                "    rotation: { every: 90d, how: auto }\n",
                authority);
}

static size_t
write_held(struct draft *d, const struct draft_store *store, bool critical_only)
{
    size_t n = 0;
    for (size_t i = 0; i < NDATA; i++) {
        const struct draft_data *data = &all_data[i];
        bool hashed = strcmp(data->answer, "passwords") == 0 &&
                      !rdt_init_chose(d->answers, ASK_HASH, "unhashed");
        if (!holds(d, store, data) ||
            (critical_only && (strcmp(data->level, "critical") != 0 || hashed)))
            continue;
        rdt_buf_fmt(d->out, "%s%s", n++ == 0 ? "" : ", ", data->id);
    }
    return n;
}

static void
write_volume(struct draft *d, const char *answer, const char *key)
{
    bool bucket = strcmp(answer, "s3") == 0;
    if (d->keys)
        rdt_buf_fmt(d->out, "      volume: { algorithm: %s, key: %s }\n",
                    bucket ? "sse-kms" : "aes-256", key);
    else
        rdt_buf_str(d->out,
                    "      volume: { algorithm: provider-default, key: provider-default }\n");
}

static void
write_store(struct draft *d, const struct draft_store *store)
{
    rdt_buf_fmt(d->out, "  %s:\n    kind: %s\n    holds: [", store->id, store->answer);
    write_held(d, store, false);
    rdt_buf_str(d->out, "]\n    # retention: 365d\n    at_rest:\n");
    write_volume(d, store->answer, "data-key");
    size_t start = d->out->n;
    rdt_buf_str(d->out, "      fields: [{ data: [");
    if (d->fields && write_held(d, store, true) != 0)
        rdt_buf_str(d->out, "], algorithm: aes-256-gcm, key: field-key }]\n");
    else if (start <= d->out->n)
        d->out->n = start; /* nothing critical in it */
    if (strcmp(store->answer, "s3") == 0)
        rdt_buf_str(d->out, "      # enforce: { deny_unencrypted_put: true, "
                            "deny_insecure_transport: true }\n");
}

static void
write_stores(struct draft *d)
{
    size_t n = 0;
    rdt_buf_str(d->out, "\n# Where data rests: databases, caches, buckets, indexes, laptops.\n"
                        "stores:\n");
    for (size_t i = 0; i < RDT_COUNT(all_stores); i++) {
        if (has_store(d, &all_stores[i]))
            write_store(d, &all_stores[i]);
    }
    if (!rdt_init_chose(d->answers, ASK_BACKUP, "yes")) {
        rdt_buf_str(d->out, "  # backups: { kind: s3, backup_of: [db], ... }\n");
        return;
    }
    rdt_buf_str(d->out, "  backups:\n    kind: s3\n    backup_of: [");
    for (size_t i = 0; i < RDT_COUNT(all_stores); i++) {
        bool cache = strcmp(all_stores[i].answer, "redis") == 0;
        if (has_store(d, &all_stores[i]) && !cache)
            rdt_buf_fmt(d->out, "%s%s", n++ == 0 ? "" : ", ", all_stores[i].id);
    }
    rdt_buf_str(d->out, "]\n    # retention: 90d\n    at_rest:\n");
    write_volume(d, "s3", "backup-key");
}

static void
write_flows(struct draft *d)
{
    char tls[32];
    size_t n = 0;
    rdt_init_word(d->answers, ASK_TLS, tls);
    rdt_buf_str(d->out, "\n# Paths that data travels. Without `tls` a flow is plaintext.\n"
                        "flows:\n"
                        "  web:\n"
                        "    from: browser\n"
                        "    to: api\n"
                        "    carries: [");
    for (size_t i = 0; i < NDATA; i++) {
        bool inner =
            strcmp(all_data[i].answer, "logs") == 0 || strcmp(all_data[i].answer, "secrets") == 0;
        if (handles(d, &all_data[i]) && !inner)
            rdt_buf_fmt(d->out, "%s%s", n++ == 0 ? "" : ", ", all_data[i].id);
    }
    rdt_buf_str(d->out, "]\n    tls: { min: tls1.2, cert: edge-cert }  # what the site accepts\n"
                        "    # http: { redirect: true, hsts: { max_age: 31536000, "
                        "subdomains: true } }\n");
    for (size_t i = 0; i < RDT_COUNT(all_stores); i++) {
        const struct draft_store *store = &all_stores[i];
        if (!has_store(d, store))
            continue;
        rdt_buf_fmt(d->out, "  api-%s:\n    from: api\n    to: %s\n    carries: [", store->id,
                    store->id);
        write_held(d, store, false);
        rdt_buf_str(d->out, "]\n");
        if (strcmp(tls, "none") == 0)
            rdt_buf_str(d->out, "    # tls: { min: tls1.3 }\n");
        else
            rdt_buf_fmt(d->out, "    tls: { min: %s }\n", tls);
    }
}

static void
write_rest(struct draft *d)
{
    const char *job = d->answers->text[ASK_CI];
    rdt_buf_str(d->out, "\n# Each environment: what differs from the above (patch), and where its\n"
                        "# systems are (targets), for `redoubt verify`.\n"
                        "environments:\n"
                        "  prod: {}\n"
                        "  # staging: { targets: targets/staging.yaml, patch: { ... } }\n\n");
    if (job[0] == '\0') {
        rdt_buf_str(d->out, "# ci: { check: name-of-the-job-that-runs-redoubt-check }\n");
    } else {
        rdt_buf_str(d->out, "ci:\n");
        quoted(d, "  check: ", job);
    }
    rdt_buf_str(d->out, "\n# A finding that cannot be fixed yet, accepted until a date:\n"
                        "# exceptions:\n"
                        "#   EX-1:\n"
                        "#     rule: TRANSIT-TLS-FLOOR\n"
                        "#     subject: flows.web\n"
                        "#     reason: why not now\n"
                        "#     owner: who answers for it\n"
                        "#     approved_by: [two, people]\n"
                        "#     granted: 2026-01-31\n"
                        "#     expires: 2026-04-30\n");
}

void
rdt_init_draft(const struct rdt_answers *answers, struct rdt_buf *out)
{
    struct draft d = {.answers = answers, .out = out};
    d.keys = !rdt_init_chose(answers, ASK_KEYS, "none");
    d.fields = d.keys && rdt_init_chose(answers, ASK_FIELDS, "yes");
    rdt_buf_str(out, "# An encryption plan. `redoubt check` says what is missing or wrong in it;\n"
                     "# correct each line that does not say what is so today.\n");
    write_product(&d);
    write_frameworks(&d);
    write_services(&d);
    write_data(&d);
    write_keys(&d);
    write_stores(&d);
    write_flows(&d);
    write_rest(&d);
}
