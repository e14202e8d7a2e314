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
static const enum rdt_option test_options[] = {OPT_PACK, OPT_RULE};

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
    {"help", NULL, rdt_cmd_help, .max_words = 2, .operands = "[COMMAND]",
     .summary = "show help for a command"},
};
const size_t rdt_n_commands = RDT_COUNT(rdt_commands);
