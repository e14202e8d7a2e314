#include "report/describe_internal.h"

#include <inttypes.h>
#include <stdio.h>

#define NAMES_MAX 6 /* of a link, before "and N more" */

static const struct {
    const char *word, *text;
} words[] = {
    {"acm",               "AWS Certificate Manager"},
    {"aes-128",           "AES-128"                },
    {"aes-128-cbc",       "AES-128-CBC"            },
    {"aes-128-ecb",       "AES-128-ECB"            },
    {"aes-128-gcm",       "AES-128-GCM"            },
    {"aes-192",           "AES-192"                },
    {"aes-256",           "AES-256"                },
    {"aes-256-cbc",       "AES-256-CBC"            },
    {"aes-256-ecb",       "AES-256-ECB"            },
    {"aes-256-gcm",       "AES-256-GCM"            },
    {"aes-256-siv",       "AES-256-SIV"            },
    {"aes-256-xts",       "AES-256-XTS"            },
    {"aws-cloudhsm",      "AWS CloudHSM"           },
    {"aws-kms",           "AWS KMS"                },
    {"azure-blob",        "Azure Blob Storage"     },
    {"azure-key-vault",   "Azure Key Vault"        },
    {"ca",                "CA key"                 },
    {"certificate",       "X.509 certificate"      },
    {"clickhouse",        "ClickHouse"             },
    {"code",              "application code"       },
    {"des",               "DES"                    },
    {"3des",              "3DES"                   },
    {"endpoints",         "Endpoints"              },
    {"env",               "environment variable"   },
    {"envelope",          "with the data"          },
    {"external",          "External"               },
    {"file",              "file"                   },
    {"gcp-kms",           "Google Cloud KMS"       },
    {"gcs",               "Google Cloud Storage"   },
    {"hsm",               "HSM"                    },
    {"istio",             "Istio"                  },
    {"kafka",             "Kafka"                  },
    {"lets-encrypt",      "Let's Encrypt"          },
    {"mysql",             "MySQL"                  },
    {"opensearch",        "OpenSearch"             },
    {"elasticsearch",     "Elasticsearch"          },
    {"os-managed",        "operating system"       },
    {"postgres",          "PostgreSQL"             },
    {"provider-default",  "provider default"       },
    {"rc4",               "RC4"                    },
    {"redis",             "Redis"                  },
    {"redoubt",           "Redoubt"                },
    {"s3",                "S3"                     },
    {"s3-glacier",        "S3 Glacier"             },
    {"secrets-manager",   "Secrets Manager"        },
    {"sse-kms",           "AES-256 (SSE-KMS)"      },
    {"sse-s3",            "AES-256 (SSE-S3)"       },
    {"ssl2",              "SSL 2"                  },
    {"ssl3",              "SSL 3"                  },
    {"ssh",               "SSH key"                },
    {"hmac",              "HMAC key"               },
    {"symmetric",         "symmetric key"          },
    {"asymmetric",        "key pair"               },
    {"tls1.0",            "TLS 1.0"                },
    {"tls1.1",            "TLS 1.1"                },
    {"tls1.2",            "TLS 1.2"                },
    {"tls1.3",            "TLS 1.3"                },
    {"vault",             "Vault"                  },
    {"chacha20-poly1305", "ChaCha20-Poly1305"      },
    {"ecdsa-p256",        "ECDSA P-256"            },
    {"ecdsa-p384",        "ECDSA P-384"            },
    {"ecdsa-p521",        "ECDSA P-521"            },
    {"ed25519",           "Ed25519"                },
    {"x25519",            "X25519"                 },
    {"hmac-sha-1",        "HMAC-SHA-1"             },
    {"hmac-sha-256",      "HMAC-SHA-256"           },
    {"hmac-sha-384",      "HMAC-SHA-384"           },
    {"hmac-sha-512",      "HMAC-SHA-512"           },
    {"rsa-1024",          "RSA-1024"               },
    {"rsa-2048",          "RSA-2048"               },
    {"rsa-3072",          "RSA-3072"               },
    {"rsa-4096",          "RSA-4096"               },
    {"ml-kem-768",        "ML-KEM-768"             },
    {"ml-kem-1024",       "ML-KEM-1024"            },
    {"ml-dsa-65",         "ML-DSA-65"              },
    {"ml-dsa-87",         "ML-DSA-87"              },
    {"mariadb",           "MariaDB"                },
    {"mongodb",           "MongoDB"                },
    {"minio",             "MinIO"                  },
    {"cloudwatch",        "CloudWatch"             },
    {"dynamodb",          "DynamoDB"               },
    {"sqlserver",         "SQL Server"             },
    {"oracle",            "Oracle"                 },
    {"sqlite",            "SQLite"                 },
    {"valkey",            "Valkey"                 },
    {"memcached",         "Memcached"              },
    {"cassandra",         "Cassandra"              },
    {"rabbitmq",          "RabbitMQ"               },
    {"snowflake",         "Snowflake"              },
    {"bigquery",          "BigQuery"               },
    {"disk",              "Disk"                   },
    {"nfs",               "NFS"                    },
    {"auto",              "automatic"              },
    {"hardware",          "hardware"               },
    {"key-service",       "a key service"          },
};

const char *
rdt_words_for(const char *word)
{
    if (word == NULL)
        return "none";
    for (size_t i = 0; i < RDT_COUNT(words); i++) {
        if (strcmp(words[i].word, word) == 0)
            return words[i].text;
    }
    return word;
}

const char *
rdt_describe_bits(const char *algorithm)
{
    static const struct {
        const char *part, *bits;
    } sizes[] = {
        {"aes-256-xts", "2 x 256-bit"     },
        {"3des",        "168-bit"         },
        {"aes-128",     "128-bit"         },
        {"aes-192",     "192-bit"         },
        {"256",         "256-bit"         },
        {"384",         "384-bit"         },
        {"521",         "521-bit"         },
        {"512",         "512-bit"         },
        {"1024",        "1024-bit"        },
        {"2048",        "2048-bit"        },
        {"3072",        "3072-bit"        },
        {"4096",        "4096-bit"        },
        {"sse-",        "256-bit"         },
        {"25519",       "256-bit"         },
        {"chacha20",    "256-bit"         },
        {"sha-1",       "160-bit"         },
        {"rc4",         "128-bit"         },
        {"des",         "56-bit"          },
        {"provider",    "provider default"},
        {"none",        "none"            },
    };
    for (size_t i = 0; algorithm != NULL && i < RDT_COUNT(sizes); i++) {
        if (strstr(algorithm, sizes[i].part) != NULL)
            return sizes[i].bits;
    }
    return "not said";
}

void
rdt_describe_days(struct rdt_buf *out, double days)
{
    long hours = (long)(days * 24 + 0.5), whole = (long)(days + 0.5);
    if (days < 1)
        rdt_buf_fmt(out, "%ld %s", hours, hours == 1 ? "hour" : "hours");
    else if (whole % 365 == 0)
        rdt_buf_fmt(out, "%ld %s", whole / 365, whole == 365 ? "year" : "years");
    else
        rdt_buf_fmt(out, "%ld %s", whole, whole == 1 ? "day" : "days");
}

void
rdt_describe_links(struct rdt_buf *out, const struct rdt_plan *plan,
                   const struct rdt_subject *subject, enum rdt_link link)
{
    size_t n = subject->links[link].n;
    if (n == 0)
        rdt_buf_str(out, "none");
    for (size_t i = 0; i < n && i < NAMES_MAX; i++)
        rdt_buf_fmt(out, "%s%s", i == 0 ? "" : ", ", rdt_plan_linked(plan, subject, link, i)->name);
    if (n > NAMES_MAX)
        rdt_buf_fmt(out, " and %zu more", n - NAMES_MAX);
}

bool
rdt_describe_form(struct rdt_buf *out, const struct rdt_subject *data)
{
    const struct rdt_node *form = rdt_node_get(data->node, "form");
    const char *hashed = rdt_node_str(form, "hashed"), *token = rdt_node_str(form, "tokenised");
    const char *delegated = rdt_node_str(form, "delegated");
    if (hashed != NULL)
        rdt_buf_fmt(out, "%s hash, not reversible", hashed);
    else if (token != NULL)
        rdt_buf_fmt(out, "token, vault kept by %s", token);
    else if (delegated != NULL)
        rdt_buf_fmt(out, "not stored, kept by %s", delegated);
    else if (rdt_node_true(form, "client_side"))
        rdt_buf_str(out, "encrypted by the client");
    else
        return false;
    return true;
}

const struct rdt_node *
rdt_field_cover(const struct rdt_subject *store, const char *data)
{
    const struct rdt_node *fields = rdt_node_get(store->node, "at_rest.fields");
    for (size_t i = 0; fields != NULL && i < fields->n; i++) {
        const struct rdt_node *list = rdt_node_get(fields->members[i].node, "data");
        for (size_t k = 0; list != NULL && k < list->n; k++) {
            if (rdt_node_is(list->members[k].node, data))
                return fields->members[i].node;
        }
    }
    return NULL;
}

static bool
holds_itself(const struct rdt_subject *store, const char *data)
{
    const struct rdt_node *holds = rdt_node_get(store->node, "holds");
    for (size_t i = 0; holds != NULL && i < holds->n; i++) {
        if (rdt_node_is(holds->members[i].node, data))
            return true;
    }
    return false;
}

/* A backup copies what its sources hold, encrypted fields included. */
static const struct rdt_node *
cover_of(const struct rdt_plan *plan, const struct rdt_subject *store, const char *data)
{
    const struct rdt_node *cover = rdt_field_cover(store, data);
    const struct rdt_links *sources = &store->links[RDT_LINK_SOURCES];
    if (cover != NULL || holds_itself(store, data))
        return cover;
    for (size_t i = 0; cover == NULL && i < sources->n; i++)
        cover = rdt_field_cover(rdt_plan_linked(plan, store, RDT_LINK_SOURCES, i), data);
    return cover;
}

void
rdt_describe_at_rest(struct rdt_buf *out, const struct rdt_plan *plan,
                     const struct rdt_subject *data, const struct rdt_subject *store)
{
    const char *volume = rdt_node_str(store->node, "at_rest.volume.algorithm");
    const struct rdt_node *cover = cover_of(plan, store, data->name);
    const char *between = "";
    if (rdt_describe_form(out, data))
        between = "; ";
    if (cover != NULL) {
        rdt_buf_fmt(out, "%s%s fields", between, rdt_words_for(rdt_node_str(cover, "algorithm")));
        between = ", ";
    }
    if (volume != NULL)
        rdt_buf_fmt(out, "%s%s volume", between, rdt_words_for(volume));
    else if (rdt_node_get(store->node, "processor") != NULL)
        rdt_buf_fmt(out, "%skept by %s", between, rdt_node_str(store->node, "processor.name"));
    else if (*between == '\0')
        rdt_buf_str(out, "nothing");
}

void
rdt_at_rest_parts(const struct rdt_plan *plan, const struct rdt_subject *data,
                  const struct rdt_subject *store, struct rdt_rest_parts *parts)
{
    const char *volume = rdt_node_str(store->node, "at_rest.volume.algorithm");
    const char *hashed = rdt_node_str(data->node, "form.hashed");
    *parts = (struct rdt_rest_parts){.volume = volume};
    if (volume != NULL && strncmp(volume, "sse-", 4) == 0)
        parts->volume = "aes-256";
    if (hashed != NULL)
        parts->form = hashed;
    else if (rdt_node_get(data->node, "form.tokenised") != NULL)
        parts->form = "token";
    else if (rdt_node_get(data->node, "form.delegated") != NULL)
        parts->form = "delegated";
    else if (rdt_node_get(data->node, "form.client_side") != NULL)
        parts->form = "client-side";
    parts->fields = cover_of(plan, store, data->name) != NULL;
}

void
rdt_describe_flow(struct rdt_buf *out, const struct rdt_subject *flow)
{
    const char *tls = rdt_node_str(flow->node, "tls.min");
    const char *ssh = rdt_node_str(flow->node, "ssh.host_key");
    if (ssh != NULL)
        rdt_buf_fmt(out, "SSH, host key %s", ssh);
    else if (tls == NULL)
        rdt_buf_str(out, "plaintext");
    else
        rdt_buf_fmt(out, "%s%s%s", rdt_words_for(tls),
                    rdt_node_str(flow->node, "tls.mutual") != NULL ? ", mutual" : "",
                    rdt_node_true(flow->node, "tls.opportunistic") ? ", opportunistic" : "");
}

void
rdt_describe_end(struct rdt_buf *out, const struct rdt_subject *flow, const char *end)
{
    const char *name = rdt_node_str(flow->node, end);
    rdt_buf_str(out, name == NULL ? "?" : name);
}

void
rdt_describe_custody(struct rdt_buf *out, const struct rdt_subject *key)
{
    const char *account = rdt_node_str(key->node, "custody.account");
    const char *wrapped_by = rdt_node_str(key->node, "wrapped_by");
    const char *validation = rdt_node_str(key->node, "custody.validation");
    rdt_buf_str(out, rdt_words_for(rdt_node_str(key->node, "custody.provider")));
    if (account != NULL)
        rdt_buf_fmt(out, ", account %s", account);
    if (rdt_node_true(key->node, "custody.hardware"))
        rdt_buf_fmt(out, ", hardware%s%s%s", validation == NULL ? "" : " (",
                    validation == NULL ? "" : validation, validation == NULL ? "" : ")");
    if (wrapped_by != NULL)
        rdt_buf_fmt(out, ", wrapped by %s", wrapped_by);
}

void
rdt_describe_rotation(struct rdt_buf *out, const struct rdt_subject *key)
{
    double every = rdt_node_number(key->node, "rotation.every", 0);
    if (every <= 0) {
        rdt_buf_str(out, "not said");
        return;
    }
    if (every > 364.5 && every < 365.5) {
        rdt_buf_str(out, "every year");
    } else {
        rdt_buf_str(out, "every ");
        rdt_describe_days(out, every);
    }
    rdt_buf_str(out, rdt_node_is(rdt_node_get(key->node, "rotation.how"), "auto") ? ", automatic"
                                                                                  : ", manual");
}

/* The certificate that was seen on a flow that names this key. */
static bool
seen_since(const struct rdt_view *view, const struct rdt_subject *key, int64_t *days)
{
    const struct rdt_evidence *evidence = view->report->evidence;
    for (size_t i = 0; evidence != NULL && i < key->links[RDT_LINK_PROTECTS].n; i++) {
        const struct rdt_subject *flow = rdt_plan_linked(view->plan, key, RDT_LINK_PROTECTS, i);
        if (!rdt_node_is(rdt_node_get(flow->node, "tls.cert"), key->name))
            continue;
        const struct rdt_observation *o = rdt_evidence_find(evidence, flow->id, "tls.cert");
        double since = o == NULL ? 0 : rdt_node_number(o->value, "not_before", 0);
        if (since > 0 && since < 1e7) {
            *days = (int64_t)since;
            return true;
        }
    }
    return false;
}

bool
rdt_key_last(const struct rdt_view *view, const struct rdt_subject *key, int64_t *days,
             bool *observed)
{
    double last = rdt_node_number(key->node, "rotation.last", 0);
    *observed =
        rdt_node_is(rdt_node_get(key->node, "type"), "certificate") && seen_since(view, key, days);
    if (*observed)
        return true;
    *days = (int64_t)last;
    return last > 0;
}
