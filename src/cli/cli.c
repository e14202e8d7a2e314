#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/command.h"
#include "codec/json.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#define LINE_MAX_BYTES 8192 /* of one line of words; a path takes up to 4096 */
#define OPTION_BASE 256     /* getopt values of options, above every letter */
#define GIVEN_MAX 256       /* options of one command line */

static const enum rdt_option global_options[] = {OPT_HELP,     OPT_VERSION, OPT_JSON,
                                                 OPT_NO_COLOR, OPT_QUIET,   OPT_AT};

bool
rdt_cli_has(const struct rdt_cli *cli, enum rdt_option option)
{
    return cli->n_values[option] != 0;
}

const char *
rdt_cli_value(const struct rdt_cli *cli, enum rdt_option option, const char *otherwise)
{
    size_t n = cli->n_values[option];
    return n == 0 ? otherwise : cli->values[option][n - 1];
}

/* One line to stderr. Whatever it quotes (a file's name, a server's words) is made fit to show. */
static void RDT_PRINTF(2, 0) say(const struct rdt_cli *cli, const char *fmt, va_list ap)
{
    char line[LINE_MAX_BYTES];
    vsnprintf(line, sizeof line, fmt, ap);
    rdt_text_show(line);
    fprintf(cli->words_to, "redoubt: %s\n", line);
}

static void RDT_PRINTF(2, 3) complain(const struct rdt_cli *cli, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    say(cli, fmt, ap);
    va_end(ap);
}

void
rdt_cli_note(const struct rdt_cli *cli, const char *fmt, ...)
{
    va_list ap;
    if (rdt_cli_has(cli, OPT_QUIET))
        return;
    va_start(ap, fmt);
    say(cli, fmt, ap);
    va_end(ap);
}

const char *
rdt_cli_plan(const struct rdt_cli *cli)
{
    return cli->n_words > 0 ? cli->words[cli->n_words - 1] : "redoubt.yaml";
}

/* ---- failing ---- */

static void
json_errors(struct rdt_cli *cli)
{
    RDT_BUF out = {0};
    rdt_buf_str(&out, "{\"redoubt\":1,\"errors\":[");
    for (size_t i = 0; i < cli->diags.n; i++) {
        const struct rdt_diag *d = &cli->diags.items[i];
        rdt_buf_str(&out, i == 0 ? "{\"file\":" : ",{\"file\":");
        rdt_json_text(&out, rdt_span_str(d->mark.file == NULL ? "" : d->mark.file));
        rdt_buf_fmt(&out, ",\"line\":%u,\"column\":%u,\"message\":", d->mark.line, d->mark.column);
        rdt_json_text(&out, rdt_span_str(d->text));
        if (d->hint != NULL) {
            rdt_buf_str(&out, ",\"hint\":");
            rdt_json_text(&out, rdt_span_str(d->hint));
        }
        rdt_buf_str(&out, "}");
    }
    if (cli->diags.n == 0) {
        rdt_buf_str(&out, "{\"message\":");
        rdt_json_text(&out, rdt_span_str(cli->err.text));
        if (cli->err.hint[0] != '\0') {
            rdt_buf_str(&out, ",\"hint\":");
            rdt_json_text(&out, rdt_span_str(cli->err.hint));
        }
        rdt_buf_str(&out, "}");
    }
    rdt_buf_str(&out, "]}\n");
    fwrite(out.p, 1, out.n, cli->out);
}

static void
words_errors(const struct rdt_cli *cli)
{
    for (size_t i = 0; i < cli->diags.n; i++) {
        const struct rdt_diag *d = &cli->diags.items[i];
        complain(cli, "error: %s:%u:%u: %s", d->mark.file, d->mark.line, d->mark.column, d->text);
        if (d->hint != NULL)
            complain(cli, "hint: %s", d->hint);
    }
    if (cli->diags.n_more != 0)
        complain(cli, "error: and %zu more mistakes", cli->diags.n_more);
    if (cli->diags.n > 1 || cli->diags.n == 0)
        complain(cli, "error: %s", cli->err.text);
    if (cli->err.hint[0] != '\0')
        complain(cli, "hint: %s", cli->err.hint);
}

int
rdt_cli_fail(struct rdt_cli *cli, enum rdt_code code)
{
    if (cli->err.text[0] == '\0')
        snprintf(cli->err.text, sizeof cli->err.text, "%s", rdt_code_words(code));
    if (rdt_cli_has(cli, OPT_JSON))
        json_errors(cli);
    else
        words_errors(cli);
    return rdt_code_exit_status(code);
}

enum rdt_code
rdt_cli_write(struct rdt_cli *cli, struct rdt_span bytes)
{
    const char *path = rdt_cli_value(cli, OPT_OUT, NULL);
    if (path != NULL && strcmp(path, "-") != 0)
        return rdt_file_write(path, 0644, bytes, &cli->err);
    if (fwrite(bytes.p, 1, bytes.n, cli->out) != bytes.n || fflush(cli->out) != 0)
        return rdt_fail(&cli->err, RDT_E_IO, "standard output could not be written");
    return RDT_OK;
}

enum rdt_code
rdt_cli_write_words(struct rdt_cli *cli, struct rdt_buf *words)
{
    if (!rdt_buf_ok(words))
        return rdt_fail(&cli->err, RDT_E_NOMEM, "words");
    rdt_text_show_lines(words->p, words->n);
    return rdt_cli_write(cli, rdt_buf_span(words));
}

enum rdt_code
rdt_cli_write_copy(struct rdt_cli *cli, struct rdt_buf *copy)
{
    if (!rdt_cli_has(cli, OPT_OUT) && isatty(STDOUT_FILENO))
        return rdt_cli_write_words(cli, copy);
    return rdt_buf_ok(copy) ? rdt_cli_write(cli, rdt_buf_span(copy))
                            : rdt_fail(&cli->err, RDT_E_NOMEM, "copy");
}

/* ---- parsing ---- */

/* getopt's tables, made from ours. */
struct parser {
    struct option longs[RDT_NOPTIONS + 1];
    char letters[RDT_NOPTIONS * 2 + 2];
};

static void
make_parser(struct parser *p)
{
    size_t at = 0;
    p->letters[at++] = ':';
    for (unsigned i = 0; i < RDT_NOPTIONS; i++) {
        const struct rdt_option_info *info = &rdt_option_infos[i];
        p->longs[i].name = info->name;
        p->longs[i].has_arg = info->arg == NULL ? no_argument : required_argument;
        p->longs[i].val = OPTION_BASE + (int)i;
        if (info->letter == 0)
            continue;
        p->letters[at++] = info->letter;
        if (info->arg != NULL)
            p->letters[at++] = ':';
    }
}

static bool
takes(const struct rdt_command *command, enum rdt_option option)
{
    for (size_t i = 0; i < RDT_COUNT(global_options); i++) {
        if (global_options[i] == option)
            return true;
    }
    for (size_t i = 0; i < command->n_options; i++) {
        if (command->options[i] == option)
            return true;
    }
    return false;
}

/* What getopt gave, by what it means to a command: an option that the command takes goes before
 * others of that name or letter. */
static int
option_of(int got, const struct rdt_command *command)
{
    const char *name = got >= OPTION_BASE ? rdt_option_infos[got - OPTION_BASE].name : NULL;
    int found = -1;
    for (int i = 0; i < RDT_NOPTIONS; i++) {
        const struct rdt_option_info *info = &rdt_option_infos[i];
        if (name != NULL ? strcmp(info->name, name) != 0 : info->letter == 0 || info->letter != got)
            continue;
        if (command != NULL && takes(command, (enum rdt_option)i))
            return i;
        if (found < 0)
            found = i;
    }
    return found;
}

static enum rdt_code
bad_option(struct rdt_cli *cli, const char *word)
{
    const char *names[RDT_NOPTIONS];
    for (size_t i = 0; i < RDT_NOPTIONS; i++)
        names[i] = rdt_option_infos[i].name;
    enum rdt_code rc = rdt_fail(&cli->err, RDT_E_USAGE, "unknown option '%s'", word);
    const char *near = strncmp(word, "--", 2) != 0
                           ? NULL
                           : rdt_text_nearest(rdt_span_str(word + 2), names, RDT_NOPTIONS);
    if (near != NULL)
        rdt_hint(&cli->err, "did you mean '--%s'?", near);
    else
        rdt_hint(&cli->err, "see `redoubt help`");
    return rc;
}

static bool
is_choice(const char *choices, const char *value)
{
    size_t n = strlen(value);
    for (const char *at = choices; at != NULL && *at != '\0';) {
        size_t len = strcspn(at, " ");
        if (len == n && strncmp(at, value, n) == 0)
            return true;
        at += len + (at[len] == ' ');
    }
    return false;
}

static enum rdt_code
keep_option(struct rdt_cli *cli, int option, const char *value)
{
    const struct rdt_option_info *info = &rdt_option_infos[option];
    if (cli->n_values[option] == RDT_REPEATS_MAX)
        return rdt_fail(&cli->err, RDT_E_USAGE, "--%s is given too often", info->name);
    bool ours = cli->command == NULL || takes(cli->command, (enum rdt_option)option);
    if (info->choices != NULL && ours && !is_choice(info->choices, value)) {
        rdt_fail(&cli->err, RDT_E_USAGE, "--%s: '%s' is not one of its words", info->name, value);
        rdt_hint(&cli->err, "one of: %s", info->choices);
        return RDT_E_USAGE;
    }
    cli->values[option][cli->n_values[option]++] = value == NULL ? "" : value;
    return RDT_OK;
}

/* Options as they stand on the command line, before it is known whose they are. */
struct given {
    int got; /* by getopt */
    const char *value;
};

/* Words and options apart. cli->n_tail: words behind `--`. */
static enum rdt_code
split_line(struct rdt_cli *cli, int argc, char **argv, struct given *given, size_t *n)
{
    struct parser p = {0};
    const char *dashes = NULL;
    int behind = 0;
    for (int i = 1; i < argc && dashes == NULL; i++) {
        dashes = strcmp(argv[i], "--") == 0 ? argv[i] : NULL;
        behind = argc - i - 1;
    }
    make_parser(&p);
    opterr = 0;
    optind = 0;
    for (;;) {
        int at = optind == 0 ? 1 : optind;
        int got = getopt_long(argc, argv, p.letters, p.longs, NULL);
        if (got == -1)
            break;
        if (got == ':') {
            int option = option_of(optopt, NULL);
            const char *name = option < 0 ? argv[at] : rdt_option_infos[option].name;
            return rdt_fail(&cli->err, RDT_E_USAGE, "--%s needs a value", name);
        }
        if (got == '?')
            return bad_option(cli, argv[optind - 1]);
        if (*n == GIVEN_MAX)
            return rdt_fail(&cli->err, RDT_E_USAGE, "too many options");
        given[(*n)++] = (struct given){got, optarg};
        if (optarg != NULL && optarg == dashes)
            dashes = NULL; /* the value of an option, not the end of options */
    }
    for (int i = optind; i < argc; i++) {
        if (cli->n_words == RDT_WORDS_MAX)
            return rdt_fail(&cli->err, RDT_E_USAGE, "too many words");
        cli->words[cli->n_words++] = argv[i];
    }
    cli->n_tail = dashes == NULL ? 0 : (size_t)behind;
    return RDT_OK;
}

static const struct rdt_command *
match(const char *group, const char *verb)
{
    for (size_t i = 0; i < rdt_n_commands; i++) {
        const struct rdt_command *c = &rdt_commands[i];
        if (strcmp(c->group, group) == 0 &&
            (c->verb == NULL || (verb != NULL && strcmp(c->verb, verb) == 0)))
            return c;
    }
    return NULL;
}

static enum rdt_code
parse_options(struct rdt_cli *cli, int argc, char **argv)
{
    struct given given[GIVEN_MAX];
    size_t n = 0;
    enum rdt_code rc = split_line(cli, argc, argv, given, &n);
    const struct rdt_command *command =
        cli->n_words == 0 ? NULL : match(cli->words[0], cli->n_words > 1 ? cli->words[1] : NULL);
    cli->command = command;
    for (size_t i = 0; i < n && rc == RDT_OK; i++)
        rc = keep_option(cli, option_of(given[i].got, command), given[i].value);
    return rc;
}

static enum rdt_code
unknown_command(struct rdt_cli *cli)
{
    const char *group = cli->words[0], *verb = cli->n_words > 1 ? cli->words[1] : NULL;
    const char *names[64];
    size_t n = 0;
    bool known_group = false;
    for (size_t i = 0; i < rdt_n_commands; i++)
        known_group = known_group || strcmp(rdt_commands[i].group, group) == 0;
    for (size_t i = 0; i < rdt_n_commands && n < RDT_COUNT(names); i++) {
        if (!known_group)
            names[n++] = rdt_commands[i].group;
        else if (strcmp(rdt_commands[i].group, group) == 0)
            names[n++] = rdt_commands[i].verb;
    }
    if (known_group && verb == NULL) {
        rdt_fail(&cli->err, RDT_E_USAGE, "'%s' needs a second word", group);
        rdt_hint(&cli->err, "see `redoubt help %s`", group);
        return RDT_E_USAGE;
    }
    const char *word = known_group ? verb : group;
    const char *near = rdt_text_nearest(rdt_span_str(word), names, n);
    rdt_fail(&cli->err, RDT_E_USAGE, "there is no command '%s%s%s'", group, known_group ? " " : "",
             known_group ? verb : "");
    if (near != NULL)
        rdt_hint(&cli->err, "did you mean '%s%s%s'?", known_group ? group : "",
                 known_group ? " " : "", near);
    else
        rdt_hint(&cli->err, "see `redoubt help`");
    return RDT_E_USAGE;
}

static enum rdt_code
find_command(struct rdt_cli *cli)
{
    const struct rdt_command *c = match(cli->words[0], cli->n_words > 1 ? cli->words[1] : NULL);
    if (c == NULL)
        return unknown_command(cli);
    size_t used = c->verb == NULL ? 1 : 2;
    cli->n_words -= used;
    memmove(cli->words, cli->words + used, cli->n_words * sizeof cli->words[0]);
    cli->command = c;
    return RDT_OK;
}

static enum rdt_code
check_usage(struct rdt_cli *cli)
{
    const struct rdt_command *c = cli->command;
    enum rdt_code rc = RDT_OK;
    for (unsigned i = 0; i < RDT_NOPTIONS && rc == RDT_OK; i++) {
        if (rdt_cli_has(cli, i) && !takes(c, i))
            rc = rdt_fail(&cli->err, RDT_E_USAGE, "this command does not take --%s",
                          rdt_option_infos[i].name);
    }
    if (rc == RDT_OK && cli->n_words < c->min_words)
        rc = rdt_fail(&cli->err, RDT_E_USAGE, "expected %s", c->operands);
    if (rc == RDT_OK && cli->n_words > c->max_words)
        rc =
            rdt_fail(&cli->err, RDT_E_USAGE, "'%s' is one word too many", cli->words[c->max_words]);
    if (rc != RDT_OK)
        rdt_hint(&cli->err, "see `redoubt help %s%s%s`", c->group, c->verb == NULL ? "" : " ",
                 c->verb == NULL ? "" : c->verb);
    return rc;
}

static enum rdt_code
take_globals(struct rdt_cli *cli)
{
    const char *at = rdt_cli_value(cli, OPT_AT, NULL);
    const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");
    cli->color = !rdt_cli_has(cli, OPT_NO_COLOR) && isatty(STDOUT_FILENO) &&
                 (no_color == NULL || no_color[0] == '\0') &&
                 (term == NULL || strcmp(term, "dumb") != 0) && !rdt_cli_has(cli, OPT_OUT);
    cli->time = rdt_now();
    if (at != NULL && !rdt_stamp_parse(rdt_span_str(at), &cli->time)) {
        rdt_fail(&cli->err, RDT_E_USAGE, "--at: '%s' is not a date", at);
        rdt_hint(&cli->err, "write 2026-11-24 or 2026-11-24T10:15:00Z");
        return RDT_E_USAGE;
    }
    return RDT_OK;
}

/* For the build: pages and scripts made from the tables. Not shown in help. */
static bool
print_for_build(struct rdt_cli *cli, int argc, char **argv, int *status)
{
    if (argc != 3)
        return false;
    if (strcmp(argv[1], "--print-man") == 0)
        *status = rdt_help_man(argv[2], &cli->err);
    else if (strcmp(argv[1], "--print-completion") == 0)
        *status = rdt_help_completion(argv[2], cli->out);
    else
        return false;
    if (*status != 0)
        words_errors(cli);
    return true;
}

/* Whoever asked for JSON gets its errors so too, wherever the mistake stands. */
static void
find_json(struct rdt_cli *cli, int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--json") == 0)
            cli->n_values[OPT_JSON] = 1;
    }
}

static int
dispatch(struct rdt_cli *cli, int argc, char **argv)
{
    enum rdt_code rc = parse_options(cli, argc, argv);
    if (rc != RDT_OK) {
        find_json(cli, argc, argv);
        return rdt_cli_fail(cli, rc);
    }
    if (rdt_cli_has(cli, OPT_VERSION)) {
        fprintf(cli->out, "redoubt %s\n", REDOUBT_VERSION);
        return 0;
    }
    if (cli->n_words == 0) {
        rdt_help_main(cli->out);
        return rdt_cli_has(cli, OPT_HELP) ? 0 : rdt_code_exit_status(RDT_E_USAGE);
    }
    if (rdt_cli_has(cli, OPT_HELP))
        return rdt_cmd_help(cli);
    rc = find_command(cli);
    if (rc == RDT_OK)
        rc = check_usage(cli);
    if (rc == RDT_OK)
        rc = take_globals(cli);
    return rc == RDT_OK ? cli->command->run(cli) : rdt_cli_fail(cli, rc);
}

int
rdt_cli_run(int argc, char **argv)
{
    int status = 0;
    struct rdt_cli *cli = calloc(1, sizeof *cli);
    if (cli == NULL) {
        fputs("redoubt: error: out of memory\n", stderr);
        return rdt_code_exit_status(RDT_E_NOMEM);
    }
    cli->out = stdout;
    cli->words_to = stderr;
    if (!print_for_build(cli, argc, argv, &status))
        status = dispatch(cli, argc, argv);
    bool lost = fflush(cli->out) != 0 || ferror(cli->out);
    if (lost && status < rdt_code_exit_status(RDT_E_USAGE)) { /* else something was said already */
        fputs("redoubt: error: standard output could not be written\n", cli->words_to);
        status = rdt_code_exit_status(RDT_E_IO);
    }
    rdt_diags_done(&cli->diags);
    free(cli);
    return status;
}
