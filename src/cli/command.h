/*
 * command.h - the command line as one table: dispatch, help, man pages and completion are made
 * from it. A command is a row in commands.c and a function in a cmd_*.c.
 */
#ifndef RDT_CLI_COMMAND_H
#define RDT_CLI_COMMAND_H

#include "base/buf.h"
#include "base/diag.h"
#include "base/err.h"

#include <stdio.h>

#define RDT_WORDS_MAX 64   /* operands of one command line */
#define RDT_REPEATS_MAX 64 /* times that a repeatable option may stand on one command line */

/*
 * Two options may share a name or a letter where no command takes both, and both take an argument
 * or neither does: which is meant says the command.
 */
/* enum, long name, letter, argument (NULL: a flag), choices, help */
#define RDT_OPTIONS(X)                                                                             \
    X(OPT_HELP, "help", 'h', NULL, NULL, "show this help")                                         \
    X(OPT_VERSION, "version", 0, NULL, NULL, "show the version")                                   \
    X(OPT_JSON, "json", 0, NULL, NULL, "results as JSON on standard output")                       \
    X(OPT_NO_COLOR, "no-color", 0, NULL, NULL, "no colour, also on a terminal")                    \
    X(OPT_QUIET, "quiet", 'q', NULL, NULL, "errors only on standard error, no progress")           \
    X(OPT_AT, "at", 0, "DATE", NULL, "judge as if it were DATE (2026-11-24)")                      \
    X(OPT_ENV, "env", 'e', "ENV", NULL, "an environment of the plan; the plan as written if none") \
    X(OPT_FORMAT, "format", 'f', "FORMAT", "text json sarif junit csv html template",              \
      "text, json, sarif, junit, csv, html; report also: template")                                \
    X(OPT_OUT, "output", 'o', "FILE", NULL, "write there instead of standard output")              \
    X(OPT_STRICT, "strict", 0, NULL, NULL, "unknown and unobserved are failures too (exit 2)")     \
    X(OPT_RULE, "rule", 'r', "ID", NULL, "judge only this rule (* matches; may be repeated)")      \
    X(OPT_ONLY, "only", 0, "SUBJECT", NULL, "only this subject, such as stores.db (* matches)")    \
    X(OPT_FAIL_ON, "fail-on", 0, "SEVERITY", "info low medium high critical",                      \
      "exit 1 from this severity on; low if not given")                                            \
    X(OPT_ALL, "all", 'a', NULL, NULL, "list what passes and what does not apply as well")         \
    X(OPT_PACK, "pack", 0, "FILE", NULL, "a rule pack of your own (may be repeated)")              \
    X(OPT_FRAMEWORK, "framework", 0, "ID", NULL,                                                   \
      "show the controls of one framework, as id or id@edition")                                   \
    X(OPT_RUN, "run", 0, "FILE", NULL, "a stored run; the last one if not given")                  \
    X(OPT_TIMEOUT, "timeout", 0, "SECONDS", NULL, "time limit of one probe; 10 if not given")      \
    X(OPT_RESOLVED, "resolved", 0, NULL, NULL, "after environment and `like`, with origins")       \
    X(OPT_FROM, "from", 0, "EXAMPLE", "saas medtrack minimal", "start from an example")            \
    X(OPT_CHECK, "check", 0, NULL, NULL, "change nothing; exit 1 if it would change")              \
    X(OPT_YES, "yes", 'y', NULL, NULL, "do not ask")                                               \
    X(OPT_CONFIG, "config", 'c', "FILE", NULL, "the server's configuration (YAML)")                \
    X(OPT_DEV, "dev", 0, NULL, NULL, "for a laptop: make or reuse everything in one folder")       \
    X(OPT_LISTEN, "listen", 0, "ADDR:PORT", NULL, "where to listen; port 0 takes a free one")      \
    X(OPT_DATA, "data", 0, "DIR", NULL, "the server's folder")                                     \
    X(OPT_FORCE, "force", 0, NULL, NULL, "overwrite a file that is there")                         \
    X(OPT_CERT, "cert", 0, "FILE", NULL, "client certificate for the server, PEM")                 \
    X(OPT_KEY, "key", 0, "FILE", NULL, "private key of --cert, PEM; audit: the log's public key")  \
    X(OPT_ALIAS, "alias", 0, "NAME", NULL, "a name for the key")                                   \
    X(OPT_DESCRIPTION, "description", 0, "TEXT", NULL, "what the key is for")                      \
    X(OPT_TAG, "tag", 0, "NAME=VALUE", NULL, "a tag (may be repeated)")                            \
    X(OPT_ROTATION, "rotation", 0, "DAYS", NULL, "rotate by itself, every 90 to 2560 days")        \
    X(OPT_DAYS, "days", 0, "DAYS", NULL, "how many days")                                          \
    X(OPT_POLICY, "policy", 0, "FILE", NULL, "a policy document (JSON)")                           \
    X(OPT_PERSON, "person", 0, "NAME", NULL, "whom the principal belongs to; none for a service")  \
    X(OPT_SEAL, "seal", 0, "TYPE", "passphrase shamir pkcs11 development",                         \
      "passphrase, shamir, pkcs11 or development (may be repeated)")                               \
    X(OPT_ACCOUNT, "account", 0, "DIGITS", NULL, "the 12 digits of its ARNs; zeroes if not given") \
    X(OPT_REGION, "region", 0, "REGION", NULL, "the region of its ARNs; local-1 if not given")     \
    X(OPT_ADD, "add", 0, "TYPE", "passphrase shamir pkcs11", "add a seal of this type")            \
    X(OPT_REMOVE, "remove", 0, "ID", NULL, "remove this seal (may be repeated)")                   \
    X(OPT_ID, "id", 0, "ID", NULL, "what the new seal is called; its type if not given")           \
    X(OPT_OPEN_WITH, "open-with", 0, "ID", NULL, "the seal to open the root with")                 \
    X(OPT_PASSPHRASE_FILE, "passphrase-file", 0, "FILE", NULL,                                     \
      "holds the passphrase (- is stdin)")                                                         \
    X(OPT_PIN_FILE, "pin-file", 0, "FILE", NULL, "holds the token's PIN")                          \
    X(OPT_SHARE_FILE, "share-file", 0, "FILE", NULL, "holds a share (may be repeated)")            \
    X(OPT_NEW_PASSPHRASE_FILE, "new-passphrase-file", 0, "FILE", NULL,                             \
      "holds the passphrase of the seal to add")                                                   \
    X(OPT_NEW_PIN_FILE, "new-pin-file", 0, "FILE", NULL,                                           \
      "holds the PIN of the seal to add; that of --pin-file if not given")                         \
    X(OPT_SHARES_DIR, "shares-dir", 0, "DIR", NULL, "write each new share to a file of its own")   \
    X(OPT_SHARES, "shares", 0, "N", NULL, "shares to make, 2 to 16; 5 if not given")               \
    X(OPT_THRESHOLD, "threshold", 0, "K", NULL, "shares that open it; 3 if not given")             \
    X(OPT_ARGON_MEMORY, "argon-memory", 0, "MIB", NULL, "memory for a passphrase; 256 MiB")        \
    X(OPT_ARGON_PASSES, "argon-passes", 0, "N", NULL, "passes over it; 3")                         \
    X(OPT_HSM_MODULE, "hsm-module", 0, "PATH", NULL, "the vendor's PKCS#11 library")               \
    X(OPT_HSM_TOKEN, "hsm-token", 0, "LABEL", NULL, "label of the token")                          \
    X(OPT_HSM_KEY, "hsm-key", 0, "LABEL", NULL, "label of its key; redoubt-root if not given")     \
    X(OPT_HSM_HOW, "hsm-how", 0, "WAY", "best oaep gcm unwrap", "how the token unwraps; best")     \
    X(OPT_FOR_KEY, "for-key", 0, "KEY", NULL, "only what was about this key")                      \
    X(OPT_PRINCIPAL, "principal", 0, "NAME", NULL,                                                 \
      "only calls of this principal or access key (* matches)")                                    \
    X(OPT_OPERATION, "operation", 0, "NAME", NULL, "only this operation (* matches)")              \
    X(OPT_FAULT, "fault", 0, "NAME", NULL, "only what was refused so (* matches, so any refusal)") \
    X(OPT_REQUEST, "request", 0, "ID", NULL, "only the call with this request id")                 \
    X(OPT_SINCE, "since", 0, "DATE", NULL, "only from then on")                                    \
    X(OPT_UNTIL, "until", 0, "DATE", NULL, "only before then")                                     \
    X(OPT_LIMIT, "limit", 0, "N", NULL, "so many records at most")                                 \
    X(OPT_FOLLOW, "follow", 0, NULL, NULL, "go on as more comes")                                  \
    X(OPT_TYPE, "type", 0, "TYPE", "ed25519 p256", "ed25519 or p256; ed25519 if not given")        \
    X(OPT_PASSPHRASE, "passphrase", 0, NULL, NULL, "ask for a passphrase and encrypt the key")     \
    X(OPT_WITH, "with", 0, "FILE", NULL, "the approver's private key: redoubt approval keygen")    \
    X(OPT_REASON, "reason", 0, "TEXT", NULL, "why, for those who decide")                          \
    X(OPT_HOURS, "hours", 0, "N", NULL, "how long the request lives, 1 to 168; 72 if not given")   \
    X(OPT_CLOSED, "closed", 0, NULL, NULL, "those that are no longer open")                        \
    X(OPT_REVIEWS, "reviews", 0, NULL, NULL, "break-glass that nobody has looked at yet")          \
    X(OPT_CONTEXT, "context", 0, "NAME=VALUE", NULL,                                               \
      "a pair of the encryption context (may be repeated)")                                        \
    X(OPT_WAITING, "waiting", 0, "DAYS", NULL, "credited days before a destruction, at least 7")   \
    X(OPT_BACKUPS, "backups", 0, "DAYS", NULL, "how long backups of the server are kept")          \
    X(OPT_KIND, "kind", 0, "KIND", NULL, "what the store is: database, bucket, backup, files")     \
    X(OPT_SCANNER, "scanner", 0, "NAME", NULL, "the scanner, as it is enrolled")                   \
    X(OPT_SIGNER, "signer", 0, "FILE", NULL, "private key that signs, PEM")                        \
    X(OPT_LOOKED_AT, "looked-at", 0, "N", NULL, "how much of the store was read")                  \
    X(OPT_TOTAL, "total", 0, "N", NULL, "how much there is, in the same unit")                     \
    X(OPT_COUNT, "count", 0, "VERSION=N", NULL, "values under a version (may be repeated)")        \
    X(OPT_EPOCH, "epoch", 0, "HANDLE:EPOCH=N", NULL,                                               \
      "values under a tenant's epoch (may be repeated)")                                           \
    X(OPT_HIGHEST, "highest", 0, "N", NULL, "highest version or epoch that was seen")              \
    X(OPT_LOG, "log", 0, "DIR", NULL, "the lost server's folder, or its audit log")                \
    X(OPT_ANCHOR, "anchor", 0, "FILE", NULL, "a checkpoint kept elsewhere: redoubt audit anchor")  \
    X(OPT_CATALOGUE, "catalogue", 0, "FILE", NULL, "the catalogue of encrypted columns (YAML)")    \
    X(OPT_TENANT, "tenant", 0, "NAME", NULL, "whose data it is: the tenant's name or id")          \
    X(OPT_DB, "db", 0, "CONNINFO", NULL,                                                           \
      "the database, as psql takes it, without a password; else by PG*")                           \
    X(OPT_RATE, "rate", 0, "ROWS", NULL, "rows a second at most; as fast as it goes if not given") \
    X(OPT_BATCH, "batch", 0, "ROWS", NULL, "rows of one transaction; 500 if not given")            \
    X(OPT_SHOW_ROWS, "show-rows", 0, NULL, NULL,                                                   \
      "name the rows of what is wrong by their primary key")                                       \
    X(OPT_FLIPPED, "flipped", 0, NULL, NULL, "every writer has the newest keys already: no wait")  \
    X(OPT_NO_FENCE, "no-fence", 0, NULL, NULL,                                                     \
      "encrypt anew only: nothing is installed, nothing proved")                                   \
    X(OPT_COLUMN, "column", 0, "NAME", NULL, "a column of it: schema.table.column")                \
    X(OPT_ROW, "row", 0, "TEXT", NULL,                                                             \
      "the key of the value's row (repeated where it has several columns)")                        \
    X(OPT_RING, "ring", 0, "KEY", NULL, "the ring of tenants' keys: id, ARN or alias")             \
    X(OPT_TENANT_ID, "tenant-id", 0, "UUID", NULL, "whose data it is: redoubt tenant show")        \
    X(OPT_COLUMN_ID, "column-id", 0, "UUID", NULL, "the column's id, as its catalogue has it")     \
    X(OPT_ROW_BOUND, "row-bound", 0, NULL, NULL, "values of the column belong to their rows")      \
    X(OPT_TEXT, "text", 0, NULL, NULL, "the value as text (rd1.)")                                 \
    X(OPT_LINES, "lines", 0, NULL, NULL, "each line is a value; with --json an object")            \
    X(OPT_BITS, "bits", 0, "N", NULL, "judge an index whose tokens have so many bits")             \
    X(OPT_OTHER, "other", 0, "N", NULL, "bits of another index of the field (may be repeated)")    \
    X(OPT_TENANTS, "tenants", 0, "FILE", NULL, "judge for each tenant: lines of TENANT|ROWS")      \
    X(OPT_SEARCH, "search", 0, NULL, NULL, "the token to look for, not those to store")            \
    X(OPT_STORE, "store", 0, "NAME", NULL, "the database's name in the census of its rings")       \
    X(OPT_CUT_OVER, "cut-over", 0, NULL, NULL,                                                     \
      "let the encrypted column take the name of the plaintext one")                               \
    X(OPT_DROP_PLAINTEXT, "drop-plaintext", 0, NULL, NULL,                                         \
      "after the cut-over: compare once more and drop the plaintext column")                       \
    X(OPT_RECIPIENT, "recipient", 'r', "RECIPIENT", NULL,                                          \
      "age1..., kms:KEY, tenant:NAME@RING, pkcs11:... (may be repeated)")                          \
    X(OPT_IDENTITY, "identity", 'i', "FILE", NULL,                                                 \
      "holds private keys: redoubt seal keygen (may be repeated)")                                 \
    X(OPT_KMS_KEY, "key", 0, "KEY", NULL, "a key of the key service (may be repeated)")            \
    X(OPT_BREAK_GLASS, "break-glass", 0, "K:KEYS", NULL,                                           \
      "any K of these age1... keys, with commas, open it together")                                \
    X(OPT_EXEC, "exec", 0, "COMMAND", NULL, "seal what this program writes, if it ends well")      \
    X(OPT_PASS_ENV, "env", 0, "NAME", NULL,                                                        \
      "a variable that the program gets too (may be repeated)")                                    \
    X(OPT_SEAL_FORMAT, "format", 'f', "FORMAT", "rbf1 age", "rbf1, or age for age v1")             \
    X(OPT_ARMOR, "armor", 0, NULL, NULL, "age as text")                                            \
    X(OPT_ZSTD, "zstd", 0, NULL, NULL,                                                             \
      "compress first; the size then says something of the content")                               \
    X(OPT_HASH, "hash", 0, NULL, NULL, "keep SHA-256 of the plaintext, which takes longer")        \
    X(OPT_ASSET, "asset", 0, "NAME", NULL, "what it is, in clear in the head")                     \
    X(OPT_LEVEL, "level", 0, "LEVEL", "low medium high critical", "low, medium, high or critical") \
    X(OPT_EXPIRES, "expires", 0, "WHEN", NULL, "a date, or 30d: when it may be thrown away")       \
    X(OPT_VERIFY, "verify", 0, NULL, NULL, "read it back and decrypt it before it gets its name")  \
    X(OPT_RECEIPT, "receipt", 0, "FILE", NULL, "write a signed receipt there")                     \
    X(OPT_SIGN_KEY, "sign-key", 0, "FILE", NULL, "the private key that signs it, PEM")             \
    X(OPT_RANGE, "range", 0, "FIRST-LAST", NULL, "only these bytes, both included, from 0")        \
    X(OPT_KEEP_PARTIAL, "keep-partial", 0, NULL, NULL,                                             \
      "leave OUT.partial where it could not be finished")                                          \
    X(OPT_REQUIRE_RECEIPT, "require-receipt", 0, "FILE", NULL,                                     \
      "refuse a file that this is not the receipt of")                                             \
    X(OPT_SIGNERS, "signers", 0, "FILE", NULL, "whose receipts count: lines NAME PUBLIC-KEY")      \
    X(OPT_NEWEST, "newest", 0, "PATTERN", NULL, "the file that changed last, of 'backups/*.rbf'")  \
    X(OPT_DATABASE_SCRATCH, "database-scratch", 0, "DATABASE", NULL,                               \
      "where the drill connects to make its own; postgres if not given")                           \
    X(OPT_SQL, "sql", 0, "QUERY", NULL, "has to be true in what was restored (may be repeated)")   \
    X(OPT_RECORD, "record", 0, "FILE", NULL, "write the drill's signed record there")              \
    X(OPT_DEEP, "deep", 0, NULL, NULL, "with a key: decrypt and prove every byte")

#define X(name, text, letter, arg, choices, help) name,
enum rdt_option { RDT_OPTIONS(X) RDT_NOPTIONS };
#undef X

struct rdt_option_info {
    const char *name;
    char letter; /* 0: none */
    const char *arg;
    const char *choices; /* separated by blanks, or NULL */
    const char *help;
};

/* What stands on the command line. */
struct rdt_cli {
    const struct rdt_command *command;
    const char *words[RDT_WORDS_MAX]; /* operands, after the command's own words */
    size_t n_words;
    size_t n_tail;                                     /* how many of them stand behind `--` */
    const char *values[RDT_NOPTIONS][RDT_REPEATS_MAX]; /* "" for a flag */
    size_t n_values[RDT_NOPTIONS];
    FILE *out;      /* results */
    FILE *words_to; /* words: standard error */
    bool color;     /* of results */
    int64_t time;   /* --at, or now */
    struct rdt_diags diags;
    struct rdt_err err;
};

typedef int rdt_command_fn(struct rdt_cli *cli);

struct rdt_command {
    const char *group, *verb; /* "plan", "show"; verb NULL for a command of one word */
    rdt_command_fn *run;
    const enum rdt_option *options; /* beside the global ones */
    size_t n_options;
    size_t min_words, max_words;
    const char *operands; /* "[PLAN]" */
    const char *summary;  /* one line, no full stop */
    const char *detail;   /* paragraphs for help and man page */
};

extern const struct rdt_command rdt_commands[];
extern const size_t rdt_n_commands;
extern const struct rdt_option_info rdt_option_infos[RDT_NOPTIONS];

/* The functions behind the rows, each in a cmd_*.c; they return the exit status. */
rdt_command_fn rdt_cmd_check;
rdt_command_fn rdt_cmd_verify;
rdt_command_fn rdt_cmd_apply;
rdt_command_fn rdt_cmd_report;
rdt_command_fn rdt_cmd_plan_init;
rdt_command_fn rdt_cmd_plan_show;
rdt_command_fn rdt_cmd_plan_schema;
rdt_command_fn rdt_cmd_plan_fmt;
rdt_command_fn rdt_cmd_plan_map;
rdt_command_fn rdt_cmd_rules_list;
rdt_command_fn rdt_cmd_rules_show;
rdt_command_fn rdt_cmd_rules_explain;
rdt_command_fn rdt_cmd_rules_test;
rdt_command_fn rdt_cmd_serve;
rdt_command_fn rdt_cmd_seal;
rdt_command_fn rdt_cmd_seal_keygen;
rdt_command_fn rdt_cmd_seal_drill;
rdt_command_fn rdt_cmd_open;
rdt_command_fn rdt_cmd_inspect;
rdt_command_fn rdt_cmd_reseal;
rdt_command_fn rdt_cmd_rekey;
rdt_command_fn rdt_cmd_key_list;
rdt_command_fn rdt_cmd_key_show;
rdt_command_fn rdt_cmd_key_create;
rdt_command_fn rdt_cmd_key_versions;
rdt_command_fn rdt_cmd_key_enable;
rdt_command_fn rdt_cmd_key_disable;
rdt_command_fn rdt_cmd_key_rotate;
rdt_command_fn rdt_cmd_key_schedule_deletion;
rdt_command_fn rdt_cmd_key_cancel_deletion;
rdt_command_fn rdt_cmd_key_ring;
rdt_command_fn rdt_cmd_tenant_list;
rdt_command_fn rdt_cmd_tenant_show;
rdt_command_fn rdt_cmd_tenant_create;
rdt_command_fn rdt_cmd_tenant_rotate;
rdt_command_fn rdt_cmd_tenant_destroy;
rdt_command_fn rdt_cmd_key_drain;
rdt_command_fn rdt_cmd_key_quiesce;
rdt_command_fn rdt_cmd_key_keep;
rdt_command_fn rdt_cmd_key_certificate;
rdt_command_fn rdt_cmd_key_verify_certificate;
rdt_command_fn rdt_cmd_census_register;
rdt_command_fn rdt_cmd_census_remove;
rdt_command_fn rdt_cmd_census_statement;
rdt_command_fn rdt_cmd_census_stores;
rdt_command_fn rdt_cmd_census_enrol;
rdt_command_fn rdt_cmd_census_revoke;
rdt_command_fn rdt_cmd_census_scanners;
rdt_command_fn rdt_cmd_census_nonce;
rdt_command_fn rdt_cmd_census_report;
rdt_command_fn rdt_cmd_census_status;
rdt_command_fn rdt_cmd_clock_status;
rdt_command_fn rdt_cmd_clock_confirm;
rdt_command_fn rdt_cmd_clock_set;
rdt_command_fn rdt_cmd_policy_get;
rdt_command_fn rdt_cmd_policy_put;
rdt_command_fn rdt_cmd_root_admin;
rdt_command_fn rdt_cmd_approval_keygen;
rdt_command_fn rdt_cmd_approval_request;
rdt_command_fn rdt_cmd_approval_list;
rdt_command_fn rdt_cmd_approval_show;
rdt_command_fn rdt_cmd_approval_status;
rdt_command_fn rdt_cmd_approval_sign;
rdt_command_fn rdt_cmd_approval_deny;
rdt_command_fn rdt_cmd_approval_review;
rdt_command_fn rdt_cmd_approval_quorum;
rdt_command_fn rdt_cmd_approval_recover;
rdt_command_fn rdt_cmd_approver_add;
rdt_command_fn rdt_cmd_approver_remove;
rdt_command_fn rdt_cmd_approver_list;
rdt_command_fn rdt_cmd_key_suspend;
rdt_command_fn rdt_cmd_key_unsuspend;
rdt_command_fn rdt_cmd_key_gate;
rdt_command_fn rdt_cmd_key_break_glass;
rdt_command_fn rdt_cmd_audit_tail;
rdt_command_fn rdt_cmd_audit_search;
rdt_command_fn rdt_cmd_audit_export;
rdt_command_fn rdt_cmd_audit_verify;
rdt_command_fn rdt_cmd_audit_prove;
rdt_command_fn rdt_cmd_audit_anchor;
rdt_command_fn rdt_cmd_principal_list;
rdt_command_fn rdt_cmd_principal_show;
rdt_command_fn rdt_cmd_principal_create;
rdt_command_fn rdt_cmd_principal_enable;
rdt_command_fn rdt_cmd_principal_disable;
rdt_command_fn rdt_cmd_principal_policy;
rdt_command_fn rdt_cmd_principal_credential;
rdt_command_fn rdt_cmd_principal_revoke;
rdt_command_fn rdt_cmd_principal_bind_cert;
rdt_command_fn rdt_cmd_root_init;
rdt_command_fn rdt_cmd_root_status;
rdt_command_fn rdt_cmd_root_reseal;
rdt_command_fn rdt_cmd_backup_create;
rdt_command_fn rdt_cmd_backup_release;
rdt_command_fn rdt_cmd_backup_restore;
rdt_command_fn rdt_cmd_backup_verify;
rdt_command_fn rdt_cmd_root_rotate;
rdt_command_fn rdt_cmd_root_unseal;
rdt_command_fn rdt_cmd_column_install;
rdt_command_fn rdt_cmd_column_uninstall;
rdt_command_fn rdt_cmd_column_prove;
rdt_command_fn rdt_cmd_column_verify_statement;
rdt_command_fn rdt_cmd_column_encrypt;
rdt_command_fn rdt_cmd_column_rotate;
rdt_command_fn rdt_cmd_field_encrypt;
rdt_command_fn rdt_cmd_field_decrypt;
rdt_command_fn rdt_cmd_field_inspect;
rdt_command_fn rdt_cmd_field_index_plan;
rdt_command_fn rdt_cmd_field_token;
rdt_command_fn rdt_cmd_help;

/* rdt_cli_has - whether an option was given; rdt_cli_value - its last value, or otherwise. */
bool rdt_cli_has(const struct rdt_cli *cli, enum rdt_option option);
const char *rdt_cli_value(const struct rdt_cli *cli, enum rdt_option option, const char *otherwise);

/* rdt_cli_fail - print cli->diags, else cli->err, and return the exit status for the code. */
int rdt_cli_fail(struct rdt_cli *cli, enum rdt_code code);

/* rdt_cli_note - a word to the user on standard error, unless --quiet. */
void rdt_cli_note(const struct rdt_cli *cli, const char *fmt, ...) RDT_PRINTF(2, 3);

/* rdt_cli_write - put a result to -o FILE or standard output.  Fails: RDT_E_IO, RDT_E_DENIED. */
RDT_MUST_CHECK enum rdt_code rdt_cli_write(struct rdt_cli *cli, struct rdt_span bytes);

/*
 * rdt_cli_write_words - the same for lines of text that quote what strangers wrote: what is not fit
 * to show becomes `?`, in words itself.  Fails also: RDT_E_NOMEM, when words has.
 */
RDT_MUST_CHECK enum rdt_code rdt_cli_write_words(struct rdt_cli *cli, struct rdt_buf *words);

/* rdt_cli_write_copy - a file's own text: as it is, but fit to show when a terminal shows it. */
RDT_MUST_CHECK enum rdt_code rdt_cli_write_copy(struct rdt_cli *cli, struct rdt_buf *copy);

/* rdt_cli_plan - the PLAN operand, or redoubt.yaml in this folder. */
const char *rdt_cli_plan(const struct rdt_cli *cli);

/*
 * rdt_help_main, rdt_help_command - help texts; rdt_help_man - one man page a command into a
 * folder; rdt_help_completion - a completion script ("bash", "zsh").  Exit statuses.
 */
void rdt_help_main(FILE *out);
void rdt_help_command(const struct rdt_command *command, FILE *out);
int rdt_help_man(const char *folder, struct rdt_err *err);
int rdt_help_completion(const char *shell, FILE *out);

/* rdt_cli_run - main() without the process around it. */
int rdt_cli_run(int argc, char **argv);

#endif
