#include "cli/command.h"

#define X(id, text, let, argument, words, words_of_help)                                           \
    [id] = {.name = (text),                                                                        \
            .letter = (let),                                                                       \
            .arg = (argument),                                                                     \
            .choices = (words),                                                                    \
            .help = (words_of_help)},
const struct rdt_option_info rdt_option_infos[RDT_NOPTIONS] = {RDT_OPTIONS(X)};
#undef X

#define OPTIONS(list) .options = (list), .n_options = RDT_COUNT(list)

static const enum rdt_option check_options[] = {OPT_ENV,     OPT_FORMAT,   OPT_OUT,  OPT_STRICT,
                                                OPT_FAIL_ON, OPT_RULE,     OPT_ONLY, OPT_ALL,
                                                OPT_PACK,    OPT_FRAMEWORK};
static const enum rdt_option verify_options[] = {OPT_ENV, OPT_ONLY,   OPT_TIMEOUT,  OPT_FORMAT,
                                                 OPT_OUT, OPT_STRICT, OPT_FAIL_ON,  OPT_RULE,
                                                 OPT_ALL, OPT_PACK,   OPT_FRAMEWORK};
static const enum rdt_option apply_options[] = {OPT_ENV, OPT_CHECK, OPT_YES, OPT_CERT, OPT_KEY};
static const enum rdt_option report_options[] = {OPT_FRAMEWORK, OPT_FORMAT, OPT_OUT, OPT_RUN,
                                                 OPT_ALL};
static const enum rdt_option show_options[] = {OPT_ENV, OPT_RESOLVED};
static const enum rdt_option init_options[] = {OPT_FROM, OPT_OUT, OPT_FORCE};
static const enum rdt_option schema_options[] = {OPT_OUT};
static const enum rdt_option fmt_options[] = {OPT_CHECK, OPT_OUT};
static const enum rdt_option map_options[] = {OPT_ENV, OPT_OUT, OPT_PACK};
static const enum rdt_option rules_options[] = {OPT_PACK};
static const enum rdt_option explain_options[] = {OPT_PACK, OPT_ENV, OPT_RUN};
static const enum rdt_option serve_options[] = {OPT_CONFIG, OPT_DEV, OPT_LISTEN, OPT_DATA};
static const enum rdt_option remote_options[] = {OPT_CERT, OPT_KEY};
static const enum rdt_option remote_out_options[] = {OPT_CERT, OPT_KEY, OPT_OUT};
static const enum rdt_option key_create_options[] = {
    OPT_ALIAS, OPT_DESCRIPTION, OPT_ROTATION, OPT_TAG, OPT_POLICY, OPT_CERT, OPT_KEY};
static const enum rdt_option remote_days_options[] = {OPT_DAYS, OPT_CERT, OPT_KEY};
static const enum rdt_option register_options[] = {OPT_KIND, OPT_CERT, OPT_KEY};
static const enum rdt_option report_census_options[] = {OPT_SCANNER, OPT_SIGNER, OPT_LOOKED_AT,
                                                        OPT_TOTAL,   OPT_COUNT,  OPT_EPOCH,
                                                        OPT_HIGHEST, OPT_CERT,   OPT_KEY};
static const enum rdt_option clock_set_options[] = {OPT_WAITING, OPT_BACKUPS, OPT_CERT, OPT_KEY};
static const enum rdt_option verify_certificate_options[] = {OPT_KEY, OPT_OUT};
static const enum rdt_option principal_create_options[] = {OPT_POLICY, OPT_PERSON, OPT_CERT,
                                                           OPT_KEY};
static const enum rdt_option credential_options[] = {OPT_DAYS, OPT_OUT, OPT_CERT, OPT_KEY};
static const enum rdt_option root_init_options[] = {
    OPT_DATA,         OPT_SEAL,       OPT_ACCOUNT,   OPT_REGION,    OPT_PASSPHRASE_FILE,
    OPT_PIN_FILE,     OPT_SHARES_DIR, OPT_SHARES,    OPT_THRESHOLD, OPT_ARGON_MEMORY,
    OPT_ARGON_PASSES, OPT_HSM_MODULE, OPT_HSM_TOKEN, OPT_HSM_KEY,   OPT_HSM_HOW};
static const enum rdt_option root_status_options[] = {OPT_DATA};
static const enum rdt_option root_unseal_options[] = {OPT_DATA, OPT_OPEN_WITH, OPT_PASSPHRASE_FILE,
                                                      OPT_SHARE_FILE};
static const enum rdt_option backup_create_options[] = {
    OPT_DATA,     OPT_OUT,        OPT_OPEN_WITH, OPT_PASSPHRASE_FILE,
    OPT_PIN_FILE, OPT_SHARE_FILE, OPT_HSM_MODULE};
static const enum rdt_option backup_verify_options[] = {
    OPT_OPEN_WITH, OPT_PASSPHRASE_FILE, OPT_PIN_FILE, OPT_SHARE_FILE, OPT_HSM_MODULE};
static const enum rdt_option backup_restore_options[] = {
    OPT_DATA,     OPT_LOG,        OPT_ANCHOR,    OPT_OPEN_WITH, OPT_PASSPHRASE_FILE,
    OPT_PIN_FILE, OPT_SHARE_FILE, OPT_HSM_MODULE};
static const enum rdt_option backup_release_options[] = {
    OPT_DATA, OPT_OPEN_WITH, OPT_PASSPHRASE_FILE, OPT_SHARE_FILE, OPT_CERT, OPT_KEY};
static const enum rdt_option root_rotate_options[] = {
    OPT_DATA, OPT_OPEN_WITH, OPT_PASSPHRASE_FILE, OPT_PIN_FILE, OPT_SHARE_FILE, OPT_HSM_MODULE};
static const enum rdt_option root_reseal_options[] = {
    OPT_DATA,         OPT_ADD,          OPT_REMOVE,
    OPT_ID,           OPT_OPEN_WITH,    OPT_PASSPHRASE_FILE,
    OPT_PIN_FILE,     OPT_SHARE_FILE,   OPT_NEW_PASSPHRASE_FILE,
    OPT_NEW_PIN_FILE, OPT_SHARES_DIR,   OPT_SHARES,
    OPT_THRESHOLD,    OPT_ARGON_MEMORY, OPT_ARGON_PASSES,
    OPT_HSM_MODULE,   OPT_HSM_TOKEN,    OPT_HSM_KEY,
    OPT_HSM_HOW};
static const enum rdt_option root_admin_options[] = {
    OPT_DATA,     OPT_PERSON,     OPT_OPEN_WITH,  OPT_PASSPHRASE_FILE,
    OPT_PIN_FILE, OPT_SHARE_FILE, OPT_HSM_MODULE, OPT_OUT};
static const enum rdt_option approval_keygen_options[] = {OPT_TYPE, OPT_OUT, OPT_PASSPHRASE,
                                                          OPT_PASSPHRASE_FILE, OPT_FORCE};
static const enum rdt_option approval_request_options[] = {OPT_REASON, OPT_HOURS, OPT_CERT,
                                                           OPT_KEY};
static const enum rdt_option approval_list_options[] = {OPT_REVIEWS, OPT_CLOSED, OPT_CERT, OPT_KEY};
static const enum rdt_option approval_sign_options[] = {OPT_WITH, OPT_PASSPHRASE_FILE, OPT_YES,
                                                        OPT_CERT, OPT_KEY};
static const enum rdt_option approval_recover_options[] = {
    OPT_PERSON,          OPT_REASON,   OPT_DATA,       OPT_OPEN_WITH,
    OPT_PASSPHRASE_FILE, OPT_PIN_FILE, OPT_SHARE_FILE, OPT_HSM_MODULE};
static const enum rdt_option approver_add_options[] = {OPT_PERSON, OPT_REASON, OPT_CERT, OPT_KEY};
static const enum rdt_option reason_options[] = {OPT_REASON, OPT_CERT, OPT_KEY};
static const enum rdt_option break_glass_options[] = {OPT_CONTEXT, OPT_REASON, OPT_OUT, OPT_CERT,
                                                      OPT_KEY};
static const enum rdt_option audit_tail_options[] = {
    OPT_LIMIT, OPT_FOLLOW, OPT_FOR_KEY, OPT_PRINCIPAL, OPT_OPERATION, OPT_FAULT, OPT_CERT, OPT_KEY};
static const enum rdt_option audit_search_options[] = {
    OPT_LIMIT,     OPT_DATA,  OPT_SINCE,   OPT_UNTIL, OPT_FOR_KEY, OPT_PRINCIPAL,
    OPT_OPERATION, OPT_FAULT, OPT_REQUEST, OPT_CERT,  OPT_KEY};
static const enum rdt_option audit_export_options[] = {
    OPT_OUT,     OPT_DATA,      OPT_ACCOUNT,   OPT_REGION, OPT_SINCE, OPT_UNTIL,
    OPT_FOR_KEY, OPT_PRINCIPAL, OPT_OPERATION, OPT_FAULT,  OPT_CERT,  OPT_KEY};
static const enum rdt_option audit_verify_options[] = {OPT_DATA, OPT_KEY, OPT_ANCHOR, OPT_STRICT};
static const enum rdt_option audit_prove_options[] = {OPT_DATA, OPT_CHECK, OPT_KEY, OPT_OUT};
static const enum rdt_option audit_anchor_options[] = {OPT_DATA, OPT_OUT};
static const enum rdt_option column_encrypt_options[] = {OPT_CATALOGUE,      OPT_DB,   OPT_CUT_OVER,
                                                         OPT_DROP_PLAINTEXT, OPT_RATE, OPT_BATCH,
                                                         OPT_SHOW_ROWS,      OPT_CERT, OPT_KEY};
static const enum rdt_option column_rotate_options[] = {
    OPT_CATALOGUE, OPT_DB,       OPT_TENANT,    OPT_RATE, OPT_BATCH,
    OPT_FLIPPED,   OPT_NO_FENCE, OPT_SHOW_ROWS, OPT_CERT, OPT_KEY};
static const enum rdt_option encrypt_options[] = {
    OPT_CATALOGUE, OPT_COLUMN, OPT_TENANT, OPT_ROW, OPT_RING, OPT_TENANT_ID, OPT_COLUMN_ID,
    OPT_ROW_BOUND, OPT_TEXT,   OPT_LINES,  OPT_OUT, OPT_CERT, OPT_KEY};
static const enum rdt_option decrypt_options[] = {
    OPT_CATALOGUE, OPT_COLUMN,    OPT_TENANT, OPT_ROW, OPT_RING, OPT_TENANT_ID,
    OPT_COLUMN_ID, OPT_ROW_BOUND, OPT_LINES,  OPT_OUT, OPT_CERT, OPT_KEY};
static const enum rdt_option token_options[] = {OPT_CATALOGUE, OPT_COLUMN, OPT_TENANT, OPT_SEARCH,
                                                OPT_LINES,     OPT_OUT,    OPT_CERT,   OPT_KEY};
static const enum rdt_option inspect_options[] = {OPT_LINES, OPT_OUT};
static const enum rdt_option index_plan_options[] = {OPT_BITS, OPT_OTHER, OPT_TENANTS, OPT_OUT};
static const enum rdt_option column_prove_options[] = {OPT_CATALOGUE, OPT_DB,     OPT_OUT,
                                                       OPT_SCANNER,   OPT_SIGNER, OPT_STORE,
                                                       OPT_SHOW_ROWS, OPT_CERT,   OPT_KEY};
static const enum rdt_option column_install_options[] = {OPT_DB, OPT_OUT};
static const enum rdt_option column_uninstall_options[] = {OPT_DB, OPT_OUT, OPT_YES};
static const enum rdt_option verify_statement_options[] = {OPT_KEY};
static const enum rdt_option test_options[] = {OPT_PACK, OPT_RULE};

#define OPEN_OPTIONS OPT_IDENTITY, OPT_PASSPHRASE_FILE, OPT_PIN_FILE, OPT_HSM_MODULE
static const enum rdt_option seal_options[] = {
    OPT_RECIPIENT, OPT_KMS_KEY, OPT_TENANT,   OPT_BREAK_GLASS,  OPT_PASSPHRASE_FILE,
    OPT_PIN_FILE,  OPT_EXEC,    OPT_PASS_ENV, OPT_SEAL_FORMAT,  OPT_ARMOR,
    OPT_ZSTD,      OPT_HASH,    OPT_ASSET,    OPT_LEVEL,        OPT_EXPIRES,
    OPT_VERIFY,    OPT_RECEIPT, OPT_SIGN_KEY, OPT_ARGON_MEMORY, OPT_ARGON_PASSES,
    OPT_OUT,       OPT_FORCE};
static const enum rdt_option seal_drill_options[] = {
    OPEN_OPTIONS, OPT_NEWEST,  OPT_REQUIRE_RECEIPT, OPT_SIGNERS, OPT_DATABASE_SCRATCH,
    OPT_SQL,      OPT_FOR_KEY, OPT_RECORD,          OPT_SIGN_KEY};
static const enum rdt_option seal_keygen_options[] = {OPT_OUT, OPT_FORCE};
static const enum rdt_option open_options[] = {OPEN_OPTIONS, OPT_RANGE,        OPT_REQUIRE_RECEIPT,
                                               OPT_SIGNERS,  OPT_KEEP_PARTIAL, OPT_OUT,
                                               OPT_FORCE};
static const enum rdt_option seal_inspect_options[] = {OPEN_OPTIONS, OPT_DEEP, OPT_OUT};
#define TO_OPTIONS                                                                                 \
    OPT_RECIPIENT, OPT_KMS_KEY, OPT_TENANT, OPT_BREAK_GLASS, OPT_NEW_PASSPHRASE_FILE,              \
        OPT_NEW_PIN_FILE, OPT_ARGON_MEMORY, OPT_ARGON_PASSES
static const enum rdt_option reseal_options[] = {OPEN_OPTIONS, TO_OPTIONS};
static const enum rdt_option rekey_options[] = {OPEN_OPTIONS, TO_OPTIONS, OPT_VERIFY, OPT_OUT,
                                                OPT_FORCE};

/* What every command says that speaks to a server; what an operand KEY is. */
#define SERVER                                                                                     \
    "The server is named by AWS_ENDPOINT_URL (AWS_ENDPOINT_URL_KMS goes first) and "               \
    "AWS_CA_BUNDLE; "                                                                              \
    "who calls by AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION, or by --cert and "      \
    "--key."
#define KEY "KEY is an id, an ARN or an alias, also without alias/."

const struct rdt_command rdt_commands[] = {
    {"check", NULL, rdt_cmd_check, OPTIONS(check_options), 0, 1, "[PLAN]",
     "judge a plan by the rules, without touching any system", "Reads PLAN (redoubt.yaml if none is given), computes what each level of data demands, and "
     "says "
     "what is missing, wrong or unproven, with the line to change. Nothing outside the plan's "
     "folder "
     "is read and no connection is made, so it can run on every commit. What only a probe could "
     "show "
     "is reported as unobserved, never as a pass.\n"
     "The run is kept, so that `redoubt report` can show it again in another form."},
    {"verify", NULL, rdt_cmd_verify, OPTIONS(verify_options), 0, 1, "[PLAN]",
     "judge a plan by the rules and by what the real systems do", "Does what check does, and looks at the systems that the environment's targets file names: it "
     "tries "
     "what must be refused (a login without TLS), then reads settings. A system that cannot be "
     "reached, "
     "or that gives no clear answer within the time limit, is unknown, never a pass."},
    {"apply", NULL, rdt_cmd_apply, OPTIONS(apply_options), 0, 1, "[PLAN]",
     "make the plan's keys, principals and policies in the key service", "For each key of the plan with custody.provider redoubt: a key with the alias of its name, "
     "its "
     "description, rotation period, tags, and a policy by which only those may use it whose data "
     "it "
     "protects. For each of these a principal that may use exactly its keys.\n"
     "Shows the difference first (+ is made, ~ is changed, = is as planned) and asks on a "
     "terminal. "
     "Nothing is ever destroyed: a key that the plan no longer has is listed and left alone. A "
     "second apply has nothing to do.\n"
     "Where `kms:` of the environment's targets file names a server, it goes first. " SERVER},
    {"seal", "keygen", rdt_cmd_seal_keygen, OPTIONS(seal_keygen_options), 0, 0, "",
     "make a key pair for sealed files", "Writes a private key, mode 0600, in the form of age (AGE-SECRET-KEY-1...), and prints the "
     "public key (age1...), which is all that the machine needs that seals. Keep the private key "
     "elsewhere."},
    {"seal", "drill", rdt_cmd_seal_drill, OPTIONS(seal_drill_options), 0, 1, "[FILE]",
     "restore a backup into a database that is thrown away, and record it", "Opens FILE, or the newest that --newest matches, and refuses it unless somebody of --signers "
     "signed its receipt (FILE.receipt if none is named). Restores it with pg_restore or psql into "
     "a database of its own, on the server that PGHOST and PostgreSQL's other variables name; "
     "counts tables and rows, asks every --sql, and drops the database.\n"
     "--record writes what came out, signed, also where it failed. `redoubt verify` reads it where "
     "the targets file has keys.NAME.drill, and BACKUP-RESTORE passes while it is fresh."},
    {"seal", NULL, rdt_cmd_seal, OPTIONS(seal_options), 0, RDT_WORDS_MAX, "[FILE | -- COMMAND...]",
     "encrypt a file, a pipe or a program's output for its recipients", "Reads FILE, standard input, or what a program writes: --exec 'pg_dump -Fc shop', or the "
     "words behind --. No shell runs; the program gets PATH, HOME and LC_ALL, and the variables "
     "that --env names. Its last chunk is written only when the program ended with status 0: what "
     "was cut, or what a failed program left, nobody takes for a backup.\n"
     "-o FILE is written as FILE.partial and gets its name when it is whole and on the disk. "
     "Memory is constant. A passphrase stands alone as recipient. --tenant puts whose file it is "
     "into the encryption context of --key, so that a policy can tell customers apart.\n"
     "Recipients of the key service: AWS_ENDPOINT_URL and the other variables of AWS's tools."},
    {"open", NULL, rdt_cmd_open, OPTIONS(open_options), 0, 1, "[FILE]",
     "decrypt a sealed file, or one of age", "By -i FILE (private keys), --passphrase-file, a token (--hsm-module and --pin-file), or the "
     "key service where the environment names one. What is written is proved chunk by chunk; with "
     "-o the file gets its name only when all of it was, with its footer.\n"
     "Anyone can seal to a public key: for a restore --require-receipt with --signers refuses "
     "what nobody of them signed for. --range reads a part of a file and not the rest."},
    {"reseal", NULL, rdt_cmd_reseal, OPTIONS(reseal_options), 1, 1, "FILE",
     "give a sealed file other recipients, in place", "Writes the list of recipients anew, in the slot that is not in use, then in the other: a "
     "crash leaves one that is whole. The recipients given are all that there are afterwards. "
     "This is not revocation: who could open the file may have kept its key."},
    {"rekey", NULL, rdt_cmd_rekey, OPTIONS(rekey_options), 0, 1, "[FILE]",
     "encrypt a sealed file anew, under another key", "For the recipients given; the old ones cannot open the result. Copies of the old file stay "
     "readable to them."},
    {"inspect", NULL, rdt_cmd_inspect, OPTIONS(seal_inspect_options), 0, 1, "[FILE]",
     "say what a sealed file is", "Without a key that is what its head says (FORMAT). With one the head is proved (KEY), with "
     "--deep every byte of it (PROVEN)."},
    {"report", NULL, rdt_cmd_report, OPTIONS(report_options), 0, 0, "",
     "show the last run again: for people, tools or an auditor", "Renders a stored run without judging anew. `--format template` fills in the encryption plan "
     "template: "
     "data inventory, encryption at rest and in transit, key inventory, checklists and compliance "
     "table; "
     "with -o FILE.html it is written as a page, otherwise as Markdown."},
    {"plan", "init", rdt_cmd_plan_init, OPTIONS(init_options), 0, 1, "[FILE]",
     "write a first plan, by asking or from an example", "Asks a dozen questions on a terminal and writes a commented redoubt.yaml. With --from it "
     "copies an "
     "example instead: saas (the template's default rows), medtrack (health care, complete) or "
     "minimal."},
    {"plan", "show", rdt_cmd_plan_show, OPTIONS(show_options), 0, 1, "[PLAN]",
     "show a plan as it is understood", "With --resolved: after the environment's patch and `like`, with the place that each value "
     "comes from, "
     "the effective level of each entry and the data that gives it. With --json: the document as "
     "JSON."},
    {"plan", "schema", rdt_cmd_plan_schema, OPTIONS(schema_options), 0, 0, "",
     "print the JSON Schema of the plan format", "JSON Schema 2020-12, for editors: # yaml-language-server: $schema=FILE"},
    {"plan", "fmt", rdt_cmd_plan_fmt, OPTIONS(fmt_options), 0, 1, "[PLAN]",
     "tidy a plan's layout, keeping comments and order", "Rewrites the file in place; with --check it only says whether it would. The meaning is "
     "compared before "
     "and after, and nothing is written if it changed."},
    {"plan", "map", rdt_cmd_plan_map, OPTIONS(map_options), 0, 1, "[PLAN]",
     "draw zones, services, stores and flows as SVG", "Coloured by verdict, with a mark and a word beside each colour. Uses dot (Graphviz), which "
     "must be "
     "installed; with -o FILE.dot its input is written instead."},
    {"rules", "list", rdt_cmd_rules_list, OPTIONS(rules_options), 0, 0, "",
     "list every rule and template row, and where it can be decided", NULL},
    {"rules", "show", rdt_cmd_rules_show, OPTIONS(rules_options), 1, 1, "ID",
     "show one rule or row: what it checks, why, how to fix, controls", NULL},
    {"rules", "explain", rdt_cmd_rules_explain, OPTIONS(explain_options), 2, 3, "ID SUBJECT [PLAN]",
     "show the values that led to a verdict, and where the floor comes from", "Judges one rule on one subject and shows every value that was read, with its line, the "
     "effective level "
     "and the data that gives it, the floor, and how to fix it."},
    {"rules", "test", rdt_cmd_rules_test, OPTIONS(test_options), 0, 0, "",
     "run the tests that rules carry", NULL},
    {"serve", NULL, rdt_cmd_serve, OPTIONS(serve_options), 0, 0, "",
     "run the key management service", "Answers AWS KMS clients over HTTPS until it is told to stop (SIGTERM); SIGHUP reads the "
     "certificates again.\n"
     "With --dev it makes what it needs in DIR (redoubt-dev if none is given): a CA, a "
     "certificate, "
     "a development root, an administrator (DIR/dev.env) and an application (DIR/app.env). A "
     "second "
     "start uses all of it again. A development root protects nothing.\n"
     "It prints `ready https://ADDR:PORT` once it answers."},
    {"key", "list", rdt_cmd_key_list, OPTIONS(remote_options), 0, 0, "",
     "list the keys of a server", SERVER},
    {"key", "show", rdt_cmd_key_show, OPTIONS(remote_options), 1, 1, "KEY",
     "show one key: state, aliases, tags, rotation, last use", KEY "\n" SERVER},
    {"key", "versions", rdt_cmd_key_versions, OPTIONS(remote_options), 1, 1, "KEY",
     "list the versions of a key, their states and use", "The current version protects what is new; retained ones open what they sealed. " KEY
     "\n" SERVER},
    {"key", "create", rdt_cmd_key_create, OPTIONS(key_create_options), 0, 0, "", "make a key",
     "Makes a symmetric key and prints its id. With --alias the name is looked up first, so that a "
     "name that is taken leaves no key behind.\n" SERVER},
    {"key", "enable", rdt_cmd_key_enable, OPTIONS(remote_options), 1, 1, "KEY",
     "let a disabled key be used again", KEY "\n" SERVER},
    {"key", "disable", rdt_cmd_key_disable, OPTIONS(remote_options), 1, 1, "KEY",
     "let nobody use a key, until it is enabled again", KEY "\n" SERVER},
    {"key", "rotate", rdt_cmd_key_rotate, OPTIONS(remote_options), 1, 1, "KEY",
     "start a new version of a key now", "What earlier versions protect stays readable. " KEY "\n" SERVER},
    {"key", "schedule-deletion", rdt_cmd_key_schedule_deletion, OPTIONS(remote_days_options), 1, 1,
     "KEY", "refuse all use of a key, and destroy it later",
     "The key is refused at once, and may be destroyed --days later: 7 to 30, 30 if not given. "
     "Until then "
     "`redoubt key cancel-deletion` brings it back. " KEY "\n" SERVER},
    {"key", "cancel-deletion", rdt_cmd_key_cancel_deletion, OPTIONS(remote_options), 1, 1, "KEY",
     "keep a key whose deletion is scheduled", "The key is disabled afterwards. " KEY "\n" SERVER},
    {"key", "ring", rdt_cmd_key_ring, OPTIONS(remote_options), 1, 1, "KEY",
     "let tenants have keys of their own under a key", "Makes the key a ring: each tenant made in it has keys that can be destroyed without anybody "
     "else's. There is no way back. " KEY "\n" SERVER},
    {"key", "drain", rdt_cmd_key_drain, OPTIONS(remote_options), 2, 2, "KEY VERSION",
     "begin to take a version out of use", "A retained version becomes draining: it still opens what it sealed, so that this can be "
     "encrypted anew. When every registered store was seen empty of it since then (redoubt "
     "census), "
     "it is drained. " KEY "\n" SERVER},
    {"key", "quiesce", rdt_cmd_key_quiesce, OPTIONS(remote_options), 2, 2, "KEY VERSION",
     "refuse all uses of a drained version from now on", "The waiting period begins. One use that is refused, or one report that finds something, puts "
     "the version back to draining. " KEY "\n" SERVER},
    {"key", "keep", rdt_cmd_key_keep, OPTIONS(remote_options), 2, 2, "KEY VERSION",
     "take a version one step back", "A drained or quiesced version becomes draining, a draining one retained. " KEY "\n" SERVER},
    {"key", "certificate", rdt_cmd_key_certificate, OPTIONS(remote_out_options), 1, 2,
     "KEY [VERSION]", "print the certificate of a destruction",
     "It says erased, and destroyed once the last backup that holds the material has expired. A "
     "key "
     "that is no more is named by its id or ARN.\n" SERVER},
    {"key", "verify-certificate", rdt_cmd_key_verify_certificate,
     OPTIONS(verify_certificate_options), 1, 1, "FILE",
     "check a certificate of destruction, offline", "Checks the signature of the audit log's key (--key, kept from the day the server was set up: "
     "DIR/audit/audit.pub) and those of the approvers. Exit status 1: it is not what was signed."},
    {"tenant", "list", rdt_cmd_tenant_list, OPTIONS(remote_options), 0, 0, "",
     "list tenants, their handles and epochs", SERVER},
    {"tenant", "show", rdt_cmd_tenant_show, OPTIONS(remote_options), 1, 1, "NAME",
     "show a tenant, its rings, and who was given its keys", "A destroyed tenant is named by its id. HELD UNTIL is when a client drops its copy at the "
     "latest, with up to an hour in hand.\n" SERVER},
    {"tenant", "create", rdt_cmd_tenant_create, OPTIONS(remote_options), 2, 2, "NAME KEY",
     "make a tenant in a ring", "A tenant that is there gets keys in one more ring. `redoubt key ring` makes a ring of a "
     "key. " KEY "\n" SERVER},
    {"tenant", "rotate", rdt_cmd_tenant_rotate, OPTIONS(remote_options), 1, 2, "NAME [KEY]",
     "give a tenant a new key now", "Between the rotations of its ring, which move all tenants. What earlier keys protect stays "
     "readable. Once a day for each ring; more often needs the approvers (tenant-rotate). KEY is "
     "the ring, where there are several.\n" SERVER},
    {"tenant", "destroy", rdt_cmd_tenant_destroy, OPTIONS(remote_options), 1, 1, "NAME",
     "destroy the keys of one tenant, for good", "Needs the approvers (tenant-destroy). Nothing that was encrypted for the tenant can be read "
     "any more; other tenants notice nothing. Backups of the server hold the keys until they "
     "expire.\n" SERVER},
    {"key", "suspend", rdt_cmd_key_suspend, OPTIONS(approval_sign_options), 1, 1, "KEY",
     "stop all use of a key at once, as an approver", "Any single approver may; only the quorum lifts it again (key unsuspend). The key acts as "
     "disabled.\n" KEY "\n" SERVER},
    {"key", "unsuspend", rdt_cmd_key_unsuspend, OPTIONS(reason_options), 1, 1, "KEY",
     "let a suspended key be used again, by the quorum", "The first call opens a request and names it; the same call works once it is approved. " KEY
     "\n" SERVER},
    {"key", "gate", rdt_cmd_key_gate, OPTIONS(reason_options), 2, 2, "KEY on|off",
     "have the quorum asked before a key's deletion is scheduled", "With the gate on, schedule-deletion needs approval at the call; what is destroyed in the end "
     "needs it in any case. Anybody who may turns it on; off needs the quorum. " KEY "\n" SERVER},
    {"key", "break-glass", rdt_cmd_key_break_glass, OPTIONS(break_glass_options), 1, 1,
     "CIPHERTEXT", "decrypt one ciphertext that one may not, with the quorum's approval",
     "CIPHERTEXT is a file with what Encrypt gave, as bytes (- is standard input). The first call "
     "opens a request over its SHA-256 and the context; once that is approved the same call "
     "decrypts, once. It works for a disabled key and for a caller whom the key's policy does not "
     "let decrypt; not for a suspended key. What was done stays on `redoubt approval list "
     "--reviews` until an approver has signed that it was looked at.\n" SERVER},
    {"census", "register", rdt_cmd_census_register, OPTIONS(register_options), 2, 2, "KEY STORE",
     "name a store that may hold data under a key", "No version of the key is destroyed before a scanner has seen the store empty of it. " KEY
     "\n" SERVER},
    {"census", "remove", rdt_cmd_census_remove, OPTIONS(remote_options), 2, 2, "KEY STORE",
     "no longer ask a store, by the quorum's word", KEY "\n" SERVER},
    {"census", "statement", rdt_cmd_census_statement, OPTIONS(remote_options), 1, 1, "KEY",
     "state that no store holds anything, by the quorum's word", "For a key that has encrypted and has no registered store. The certificate of its destruction "
     "names the statement. " KEY "\n" SERVER},
    {"census", "stores", rdt_cmd_census_stores, OPTIONS(remote_options), 0, 0, "",
     "list registered stores", SERVER},
    {"census", "enrol", rdt_cmd_census_enrol, OPTIONS(remote_options), 3, RDT_WORDS_MAX,
     "SCANNER PUBLIC-KEY STORE...", "believe a scanner's reports on stores",
     "PUBLIC-KEY is a file, or its hexadecimal digits. Once approvers are enrolled the quorum "
     "decides: the first call opens the request, the same call after their approval carries it "
     "out.\n" SERVER},
    {"census", "revoke", rdt_cmd_census_revoke, OPTIONS(remote_options), 1, 1, "SCANNER",
     "believe a scanner no more", "What it has reported counts no more, too.\n" SERVER},
    {"census", "scanners", rdt_cmd_census_scanners, OPTIONS(remote_options), 0, 0, "",
     "list enrolled scanners", SERVER},
    {"census", "nonce", rdt_cmd_census_nonce, OPTIONS(remote_out_options), 2, 2, "KEY STORE",
     "get a nonce for a report", "The report has to name it, so that it is known to be newer. It is good for 7 days and one "
     "report. " KEY "\n" SERVER},
    {"census", "report", rdt_cmd_census_report, OPTIONS(report_census_options), 1, 1, "NONCE-FILE",
     "sign and send what a scanner saw", "NONCE-FILE is what `redoubt census nonce` wrote. --count says how many values are under a "
     "version; versions that are not named have none. Only a report that looked at all there is "
     "can show that nothing is left.\n" SERVER},
    {"census", "status", rdt_cmd_census_status, OPTIONS(remote_options), 1, 1, "KEY",
     "show the stores of a key and their newest reports", KEY "\n" SERVER},
    {"clock", "status", rdt_cmd_clock_status, OPTIONS(remote_options), 0, 0, "",
     "show whether a server trusts its clock, and the time credited", SERVER},
    {"clock", "confirm", rdt_cmd_clock_confirm, OPTIONS(remote_options), 0, 0, "",
     "say that a server's clock is right", "After the clock went back, or jumped against the machine's own count, nothing is destroyed "
     "or approved. Once approvers are enrolled, the quorum says that it is right again.\n" SERVER},
    {"clock", "set", rdt_cmd_clock_set, OPTIONS(clock_set_options), 0, 0, "",
     "set how long a destruction waits", "--waiting is the time through which uses are refused before key material is erased; "
     "--backups "
     "the time after that until its certificate may say destroyed. Longer is an administrator's to "
     "say, shorter the quorum's once there is one.\n" SERVER},
    {"policy", "get", rdt_cmd_policy_get, OPTIONS(remote_out_options), 1, 1, "KEY",
     "print the policy of a key", KEY "\n" SERVER},
    {"policy", "put", rdt_cmd_policy_put, OPTIONS(remote_options), 2, 2, "KEY FILE",
     "replace the policy of a key", "A policy that would lock its own author out is refused. " KEY "\n" SERVER},
    {"principal", "list", rdt_cmd_principal_list, OPTIONS(remote_options), 0, 0, "",
     "list who may call a server", SERVER},
    {"principal", "show", rdt_cmd_principal_show, OPTIONS(remote_options), 1, 1, "NAME",
     "show a principal, its credentials and certificates", SERVER},
    {"principal", "create", rdt_cmd_principal_create, OPTIONS(principal_create_options), 1, 1,
     "NAME", "make a principal",
     "A principal is a person or a service. It may do what its own policy and the keys' policies "
     "say, and "
     "without a policy nothing.\n" SERVER},
    {"principal", "enable", rdt_cmd_principal_enable, OPTIONS(remote_options), 1, 1, "NAME",
     "let a disabled principal call again", SERVER},
    {"principal", "disable", rdt_cmd_principal_disable, OPTIONS(remote_options), 1, 1, "NAME",
     "refuse all calls of a principal, from the next one on", SERVER},
    {"principal", "policy", rdt_cmd_principal_policy, OPTIONS(remote_out_options), 1, 2,
     "NAME [FILE]", "print the policy of a principal, or replace it", SERVER},
    {"principal", "credential", rdt_cmd_principal_credential, OPTIONS(credential_options), 1, 1,
     "NAME", "make an access key and print it, once",
     "Prints AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY as lines for an environment file; with -o "
     "FILE only its "
     "owner can read it. The secret is not shown again. With --days it expires.\n" SERVER},
    {"principal", "revoke", rdt_cmd_principal_revoke, OPTIONS(remote_options), 1, 1,
     "ACCESS-KEY-ID", "refuse an access key, or a certificate, from now on",
     "A certificate is named by its fingerprint of 64 hexadecimal digits; `redoubt principal show` "
     "has it.\n" SERVER},
    {"principal", "bind-cert", rdt_cmd_principal_bind_cert, OPTIONS(remote_options), 2, 2,
     "NAME CERT.pem", "let whoever has a certificate's key call as a principal",
     "The server has to know the CA of the certificate (client_ca of its configuration).\n" SERVER},
    {"approval", "keygen", rdt_cmd_approval_keygen, OPTIONS(approval_keygen_options), 0, 0, "",
     "make an approver's key", "Writes the private key to -o FILE (PKCS#8 PEM, for its owner's eyes) and the public one to "
     "FILE.pub; prints the public one. With --passphrase or --passphrase-file the key is "
     "encrypted."},
    {"approval", "request", rdt_cmd_approval_request, OPTIONS(approval_request_options), 1, 17,
     "OPERATION [NAME=VALUE...]", "ask the quorum for something",
     "Operations and their parameters: approver-add Name Person PublicKey; approver-remove Name; "
     "key-destroy Key [Version]; key-gate Key; key-schedule-deletion Days Key; "
     "key-unsuspend Key; quorum-set Quorum; restore-release; scanner-enrol Name PublicKey Stores; "
     "statement-no-stores Key; store-remove Key Store; tenant-destroy Tenant; "
     "tenant-rotate [Key] Tenant. Others are asked for by the call that needs them. Prints the "
     "request's id.\n" SERVER},
    {"approval", "list", rdt_cmd_approval_list, OPTIONS(approval_list_options), 0, 0, "",
     "list what waits for approval", SERVER},
    {"approval", "show", rdt_cmd_approval_show, OPTIONS(remote_options), 1, 1, "REQUEST",
     "show a request: what it is about, who asks, who has signed", "What is about to be signed is shown from the bytes that are signed; who asked, and why, is "
     "the server's word.\n" SERVER},
    {"approval", "sign", rdt_cmd_approval_sign, OPTIONS(approval_sign_options), 1, 1, "REQUEST",
     "approve a request", "Shows what the bytes say that are to be signed, asks on a terminal (else --yes), signs with "
     "the key of --with.\n" SERVER},
    {"approval", "deny", rdt_cmd_approval_deny, OPTIONS(approval_sign_options), 1, 1, "REQUEST",
     "close a request: one approver's no is enough", "With --with as an approver; without it whoever asked takes the request back. Also stops a "
     "recovery of the quorum.\n" SERVER},
    {"approval", "review", rdt_cmd_approval_review, OPTIONS(approval_sign_options), 1, 1, "REQUEST",
     "sign that a break-glass decryption was looked at", SERVER},
    {"approval", "status", rdt_cmd_approval_status, OPTIONS(remote_options), 0, 0, "",
     "show quorum, approvers, what is open, and recoveries", SERVER},
    {"approval", "quorum", rdt_cmd_approval_quorum, OPTIONS(reason_options), 1, 1, "N",
     "set how many approvals are needed", "Once there is a quorum, it decides. 2 to 16; a development service may have 1.\n" SERVER},
    {"approval", "recover", rdt_cmd_approval_recover, OPTIONS(approval_recover_options), 2, 2,
     "NAME PUBLIC-KEY", "replace a lost quorum: a new approver, after 30 days",
     "For whoever holds a stopped server's folder (--data) and can open its root. The server shows "
     "the recovery from its next start on (approval status), counts 30 days of running, and then "
     "adds the approver, or replaces the key of the same person. Any approver can stop it "
     "(approval deny)."},
    {"approver", "add", rdt_cmd_approver_add, OPTIONS(approver_add_options), 2, 2,
     "NAME PUBLIC-KEY", "let a person approve",
     "PUBLIC-KEY is a file from `redoubt approval keygen` (FILE.pub) or its digits. --person says "
     "who it is; one person has one key. While there are fewer approvers than the quorum an "
     "administrator adds them; then the quorum decides: the call names the request to sign, and "
     "works once it is approved.\n" SERVER},
    {"approver", "remove", rdt_cmd_approver_remove, OPTIONS(reason_options), 1, 1, "NAME",
     "let a person approve no longer", "The quorum decides; not fewer than the quorum can be left.\n" SERVER},
    {"approver", "list", rdt_cmd_approver_list, OPTIONS(remote_options), 0, 0, "",
     "list who approves", SERVER},
    {"root", "init", rdt_cmd_root_init, OPTIONS(root_init_options), 0, 0, "",
     "make a new service and the seals of its root", "Makes the root secret, the service's keys under it, its store and its audit log in DIR "
     "(--data). "
     "Each --seal is a way to open the root: a passphrase, shares of which some are needed "
     "(shamir), "
     "an HSM (pkcs11), or development, which protects nothing. A server outside --dev wants two "
     "seals; beside an HSM one has to be shamir, kept offline.\n"
     "A passphrase or PIN comes from --passphrase-file or --pin-file, from the credential "
     "redoubt-passphrase or redoubt-pin of the service manager, or from the terminal, where "
     "nothing "
     "is shown. Shares are shown once on the terminal, or written to --shares-dir."},
    {"root", "status", rdt_cmd_root_status, OPTIONS(root_status_options), 0, 0, "",
     "show the seals of a root, its custody, and what is missing", "Also of the server that runs on the folder: sealed or open, and how many shares it has. The "
     "server is asked over DIR/control.sock, which hears its own user and root."},
    {"root", "unseal", rdt_cmd_root_unseal, OPTIONS(root_unseal_options), 0, 0, "",
     "open the root of a running server that started sealed", "A server whose configuration names no passphrase_file starts sealed: it answers, and refuses "
     "every call. Here its passphrase is given, or shares, which may come from several people, one "
     "after the other, each running this once. A share with a typing error, or of another root, is "
     "refused and the others stay; if enough shares open nothing, one was forged, and all are "
     "forgotten. So are shares that nobody completes within half an hour. Ten wrong tries a minute "
     "are let through."},
    {"root", "rotate", rdt_cmd_root_rotate, OPTIONS(root_rotate_options), 0, 0, "",
     "change the domain key, which wraps every key", "After a suspected compromise: a new domain key wraps what is new at once, and a running "
     "server "
     "wraps everything else anew in the background; then the old one goes from root.json. `redoubt "
     "root status` shows how far it is. The means of a seal go to the running server over its "
     "control "
     "socket; the folder of a stopped one is opened here. A domain key is changed by itself after "
     "a "
     "destruction."},
    {"root", "reseal", rdt_cmd_root_reseal, OPTIONS(root_reseal_options), 0, 0, "",
     "add and remove seals of a root", "Opens the root by one of its seals, adds a seal, removes others, and writes root.json "
     "whole; a "
     "server that runs need not stop. What was removed still opens a root.json that somebody kept: "
     "only a new root secret takes it from them."},
    {"root", "admin", rdt_cmd_root_admin, OPTIONS(root_admin_options), 1, 1, "NAME",
     "make an administrator, by the root of a stopped server", "The first administrator of a new server, or one more where all others are lost. NAME may do "
     "everything; one that is there is enabled again "
     "and gets that policy back. Prints a new access key, as `redoubt principal credential` does. "
     "It is in the audit log as the service's own doing."},
    {"backup", "create", rdt_cmd_backup_create, OPTIONS(backup_create_options), 0, 0, "",
     "write a service, as it is now, into one file", "Store, root and the newest checkpoint of the audit log of --data DIR, into a new file of "
     "mode "
     "0600 (-o FILE). A running server makes it without a pause, asked over its control socket; "
     "the "
     "folder of a stopped one is opened by its root. A backup holds wrapped keys only: without "
     "what "
     "opens the root nothing in it can be read, and nothing can be changed unseen."},
    {"backup", "verify", rdt_cmd_backup_verify, OPTIONS(backup_verify_options), 1, 1, "FILE",
     "open a backup and look at every row of it", "Opens the backup's root, checks that whoever held it made the backup, unpacks the store into "
     "a "
     "temporary folder, checks each row, and removes it again."},
    {"backup", "restore", rdt_cmd_backup_restore, OPTIONS(backup_restore_options), 1, 1, "FILE",
     "make a backup a service again", "Into an empty folder (--data). With --log, the audit log of the lost server: what was "
     "withdrawn after the backup (keys disabled, access keys and certificates revoked, principals "
     "disabled, approvers removed) is withdrawn again, and the log goes on. A key or principal "
     "whose policy was replaced later comes back disabled, since no log has the policy. Without "
     "the "
     "log, or where it does not say all, the service stands in quarantine: it answers, and does "
     "nothing but show and withdraw. The lost server must never run again."},
    {"backup", "release", rdt_cmd_backup_release, OPTIONS(backup_release_options), 0, 0, "",
     "let a restored service out of its quarantine", "By the quorum of approvers (restore-release), where there is one: the first call opens a "
     "request, the same call after it was signed releases. Without approvers whoever opens the "
     "root "
     "decides: with --data DIR and the means of a seal, on the server's machine. " SERVER},
    {"audit", "tail", rdt_cmd_audit_tail, OPTIONS(audit_tail_options), 0, 0, "",
     "show the newest records of a server's audit log", "The newest --limit records, 20 if not given, oldest first; of these, what the other options "
     "let through. With --json each record is a line.\n" SERVER},
    {"audit", "search", rdt_cmd_audit_search, OPTIONS(audit_search_options), 0, 0, "",
     "find records in a server's audit log", "Shows who did what with which key, when, from where, and how it came out. With --json each "
     "record is a line. "
     "An encryption context is shown by its names; values are digits of a keyed hash. With --data "
     "the "
     "log of a folder is read, without a server and without a secret.\n" SERVER},
    {"audit", "export", rdt_cmd_audit_export, OPTIONS(audit_export_options), 0, 0, "",
     "write a server's audit log as CloudTrail events", "One event of AWS CloudTrail a line, in the log's order. With --data the log of a folder is "
     "read, without a server; --account and --region are those of its ARNs.\n" SERVER},
    {"audit", "verify", rdt_cmd_audit_verify, OPTIONS(audit_verify_options), 0, 0, "",
     "prove that nobody changed the audit log of a server's folder", "Reads the log of --data DIR without any secret: every record, its order, every checkpoint "
     "and the signature of the "
     "newest. --key names the log's public key, kept from the day the server was set up; without "
     "it the folder's own is used, which a forger could "
     "have replaced with the rest. Without --anchor nobody can tell whether the log's end was cut "
     "off, or an older copy put back: that is said, and is exit "
     "status 2 with --strict. On a stopped server the checkpoint in its store is compared as "
     "well.\n"
     "Exit status 1: something was changed, and the first record that may be. Several --data are "
     "nodes of one deployment: their records have to make one "
     "unbroken row of changes."},
    {"audit", "prove", rdt_cmd_audit_prove, OPTIONS(audit_prove_options), 1, 1, "ID|FILE",
     "prove to others that one record is in the log", "ID is a request id, or the index of a record. Prints the record, its path through the Merkle "
     "tree and the signed "
     "checkpoint, as JSON. With --check such a proof is read from FILE and checked, without the "
     "log; --key says with which public key."},
    {"audit", "anchor", rdt_cmd_audit_anchor, OPTIONS(audit_anchor_options), 0, 0, "",
     "print the newest checkpoint, to be kept elsewhere", "A checkpoint says how many records there are and what they are, signed. Kept where the "
     "server cannot reach it, it shows later "
     "that nothing was cut off or rolled back: redoubt audit verify --anchor FILE."},
    {"column", "encrypt", rdt_cmd_column_encrypt, OPTIONS(column_encrypt_options), 1, 1, "COLUMN",
     "make a column of plaintexts an encrypted one, while it is used", "A twin, COLUMN_rdt, is filled beside the column and every value of it decrypted and "
     "compared. The application may "
     "write both; where it writes the plaintext alone, a trigger empties the twin and it is filled "
     "again. "
     "With --cut-over one short transaction fills the rest and changes the names: the twin becomes "
     "COLUMN, "
     "the plaintext COLUMN_plain, which loses each value that is written anew. From then on the "
     "application "
     "reads and writes encrypted values. With --drop-plaintext the plaintext column is compared "
     "once more and dropped. "
     "Killed at any moment it goes on where it was: how far it is stands in the database.\n"
     "Pages of the table, its log, replicas, dumps and backups from before still hold "
     "plaintexts.\n" SERVER},
    {"column", "rotate", rdt_cmd_column_rotate, OPTIONS(column_rotate_options), 1, 1, "COLUMN",
     "encrypt a column anew under the newest keys, while it is used", "After `redoubt key rotate RING`: every value that is not under the current epoch of its "
     "tenant is opened and sealed anew, page by page, and written back only where nobody changed "
     "it meanwhile. Rows that the application holds are come back to; none of its statements "
     "fails. Killed at any moment it goes on where it was. Then a fence refuses values of old "
     "epochs (redoubt.fence), and the database's catalogue says that none is left (CHECK, "
     "VALIDATE). COLUMN is schema.table.column of the catalogue.\n"
     "A value that cannot be read is left as it is and counted: exit status 4, and no fence. "
     "With --tenant only the rows of one tenant are encrypted anew, without a fence.\n" SERVER},
    {"field", "encrypt", rdt_cmd_field_encrypt, OPTIONS(encrypt_options), 0, 1, "[FILE]",
     "encrypt a value of a column, as an application would", "The value is all of FILE or standard input, a line end too; it is never given on the command "
     "line, which others can see. Where it belongs is said by --catalogue, --column and --tenant, "
     "or by --ring, --tenant-id and --column-id; and by --row, where values of the column are "
     "bound to their row. The key comes from the key service and is forgotten at the end.\n"
     "With --lines each line is a value, and each line of the result its text. With --lines "
     "--json a line is {\"row\": TEXT, \"value\": TEXT}; \"row\" is a list where the row's key "
     "has several columns, and \"bytes\": BASE64 stands for what is no text.\n" SERVER},
    {"field", "decrypt", rdt_cmd_field_decrypt, OPTIONS(decrypt_options), 0, 1, "[FILE]",
     "decrypt a value of a column", "Reads FILE or standard input: bytes, or text that begins with rd1. With -o only its owner "
     "can "
     "read the result. A value of another tenant, column or row does not open, and each has its "
     "own message. Options and lines as for `redoubt field encrypt`.\n" SERVER},
    {"field", "token", rdt_cmd_field_token, OPTIONS(token_options), 0, 1, "[FILE]",
     "make the tokens by which a value is found", "The value is all of FILE or standard input, or with --lines each line. Its column has an "
     "index in "
     "the catalogue, which says how it is normalised first. Tokens are hexadecimal digits; a "
     "prefix "
     "or word index gives several, or with --search the one to look for.\n" SERVER},
    {"field", "inspect", rdt_cmd_field_inspect, OPTIONS(inspect_options), 0, 1, "[FILE]",
     "show what a value says of itself, without a key", "The handle of its tenant, the epoch of its key, suite and sizes. Nothing of it is proved."},
    {"field", "index-plan", rdt_cmd_field_index_plan, OPTIONS(index_plan_options), 2, 2,
     "ROWS DISTINCT", "how many bits the tokens of a blind index should have",
     "ROWS is how many rows have a value in the column, DISTINCT how many values it can have, in "
     "the whole table; 0 says that nobody knows. Too many bits: each value has a token of its own, "
     "and who reads the table sees which rows are equal. Too few: a search decrypts too many rows. "
     "Under 64 values there is no good number: they are guessed from how often each occurs.\n"
     "With --bits it judges an index that is there; ask again as the table grows. A tenant's "
     "tokens "
     "hide among its own rows alone: --tenants names a file with the rows of each, or - for "
     "standard input, as psql -At prints them. Exit status 1: something is not as it should be."},
    {"column", "prove", rdt_cmd_column_prove, OPTIONS(column_prove_options), 0, RDT_WORDS_MAX,
     "[COLUMN...]", "decrypt every value of columns, and sign what was found",
     "Without COLUMN all of the catalogue. Every value is decrypted in one snapshot, each "
     "counted under its tenant's handle and epoch; every other table of the database is searched "
     "for encrypted values (redoubt.discover). The statement is JSON (-o FILE); with --signer "
     "the scanner's key signs it, into FILE.sig. With --store and --scanner the same counts go to "
     "the key service as the census report of each ring, and an old version may go once all its "
     "stores were seen empty of it.\n"
     "A value that cannot be decrypted: no statement, exit status 4. Values under older epochs, or "
     "of a ring in a place that the catalogue does not name: exit status 1.\n" SERVER},
    {"column", "verify-statement", rdt_cmd_column_verify_statement,
     OPTIONS(verify_statement_options), 1, 1, "FILE", "check the signature of a statement",
     "FILE.sig is read beside it. --key is the scanner's public key, kept elsewhere: a file, or "
     "its digits. Nothing else is asked."},
    {"column", "install", rdt_cmd_column_install, OPTIONS(column_install_options), 0, 0, "",
     "put Redoubt's SQL into a database, or bring it up to date", "Types, functions, fences and discovery in a schema `redoubt`, as the user of --db: no "
     "superuser, no extension "
     "(docs/guides/postgresql.md). With -o FILE, or -o -, the SQL is written instead of run."},
    {"column", "uninstall", rdt_cmd_column_uninstall, OPTIONS(column_uninstall_options), 0, 0, "",
     "take Redoubt's SQL out of a database", "Refused while columns have its types. --yes says that fences and registered columns may go. "
     "With -o FILE, or -o -, "
     "the SQL is written instead of run."},
    {"help", NULL, rdt_cmd_help, .max_words = 2, .operands = "[COMMAND]",
     .summary = "show help for a command"},
};
const size_t rdt_n_commands = RDT_COUNT(rdt_commands);
