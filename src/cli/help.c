#include "base/clock.h"
#include "base/file.h"
#include "cli/command.h"

#include <ctype.h>

#define HELP_WIDTH 80
#define NAME_WIDTH 22 /* of a command in a list */

static const char exit_statuses[][2][96] = {
    {"0", "done; every verdict is pass, accepted or not applicable"},
    {"1", "at least one fail or drift"                             },
    {"2", "--strict, and at least one unknown or unobserved"       },
    {"3", "the command line or an input file is wrong"             },
    {"4", "it could not be done; nothing half-done is left"        },
};

/* Words, wrapped, with a hanging indent. */
static void
wrap(FILE *out, const char *text, int indent)
{
    int column = indent;
    bool fresh = true;
    fprintf(out, "%*s", indent, "");
    for (const char *at = text; *at != '\0';) {
        int n = (int)strcspn(at, " \n");
        if (!fresh && column + 1 + n > HELP_WIDTH) {
            fprintf(out, "\n%*s", indent, "");
            column = indent;
            fresh = true;
        }
        fprintf(out, "%s%.*s", fresh ? "" : " ", n, at);
        column += n + !fresh;
        fresh = false;
        at += n;
        if (*at == '\n') {
            fprintf(out, "\n\n%*s", indent, "");
            column = indent;
            fresh = true;
        }
        at += *at != '\0';
    }
    fputc('\n', out);
}

static void
command_name(const struct rdt_command *c, char out[64], char between)
{
    int n = snprintf(out, 64, "%s", c->group);
    if (c->verb != NULL && n > 0 && n < 64)
        snprintf(out + n, (size_t)(64 - n), "%c%s", between, c->verb);
}

static void
option_text(enum rdt_option option, char out[64])
{
    const struct rdt_option_info *info = &rdt_option_infos[option];
    char letter[8] = "";
    if (info->letter != 0)
        snprintf(letter, sizeof letter, "-%c, ", info->letter);
    snprintf(out, 64, "%s--%s%s%s", letter, info->name, info->arg == NULL ? "" : " ",
             info->arg == NULL ? "" : info->arg);
}

static void
option_line(FILE *out, enum rdt_option option)
{
    char text[64];
    option_text(option, text);
    fprintf(out, "  %-24s %s\n", text, rdt_option_infos[option].help);
}

void
rdt_help_main(FILE *out)
{
    fputs("redoubt: plan, check, verify and prove encryption\n\nUsage: redoubt COMMAND [ARGS]\n\n",
          out);
    for (size_t i = 0; i < rdt_n_commands; i++) {
        char name[64];
        command_name(&rdt_commands[i], name, ' ');
        fprintf(out, "  %-*s  %s\n", NAME_WIDTH, name, rdt_commands[i].summary);
    }
    fputs("\nEverywhere:\n", out);
    for (unsigned i = OPT_HELP; i <= OPT_AT; i++)
        option_line(out, i);
    fputs("\nStart here: redoubt plan init --from medtrack && redoubt check\n", out);
}

void
rdt_help_command(const struct rdt_command *c, FILE *out)
{
    char name[64];
    command_name(c, name, ' ');
    fprintf(out, "redoubt %s: %s\n\nUsage: redoubt %s%s%s%s\n", name, c->summary, name,
            c->n_options == 0 ? "" : " [OPTIONS]", c->operands[0] == '\0' ? "" : " ", c->operands);
    if (c->detail != NULL) {
        fputc('\n', out);
        wrap(out, c->detail, 0);
    }
    if (c->n_options != 0)
        fputs("\nOptions:\n", out);
    for (size_t i = 0; i < c->n_options; i++)
        option_line(out, c->options[i]);
    fputs("\nEverywhere:\n", out);
    for (unsigned i = OPT_HELP; i <= OPT_AT; i++)
        option_line(out, i);
    fputs("\nExit status:\n", out);
    for (size_t i = 0; i < RDT_COUNT(exit_statuses); i++)
        fprintf(out, "  %s  %s\n", exit_statuses[i][0], exit_statuses[i][1]);
}

static size_t
help_group(const char *group, FILE *out)
{
    size_t n = 0;
    for (size_t i = 0; i < rdt_n_commands; i++) {
        const struct rdt_command *c = &rdt_commands[i];
        if (c->verb == NULL || strcmp(c->group, group) != 0)
            continue;
        char name[64];
        if (n++ == 0)
            fprintf(out, "Usage: redoubt %s COMMAND [ARGS]\n\n", group);
        command_name(c, name, ' ');
        fprintf(out, "  %-*s  %s\n", NAME_WIDTH, name, c->summary);
    }
    return n;
}

int
rdt_cmd_help(struct rdt_cli *cli)
{
    const char *group = cli->n_words > 0 ? cli->words[0] : NULL;
    const char *verb = cli->n_words > 1 ? cli->words[1] : NULL;
    if (group == NULL) {
        rdt_help_main(cli->out);
        return 0;
    }
    for (size_t i = 0; i < rdt_n_commands; i++) {
        const struct rdt_command *c = &rdt_commands[i];
        if (strcmp(c->group, group) == 0 &&
            (c->verb == NULL || (verb != NULL && strcmp(c->verb, verb) == 0))) {
            rdt_help_command(c, cli->out);
            return 0;
        }
    }
    if (verb == NULL && help_group(group, cli->out) != 0)
        return 0;
    rdt_fail(&cli->err, RDT_E_USAGE, "there is no command '%s%s%s'", group, verb == NULL ? "" : " ",
             verb == NULL ? "" : verb);
    rdt_hint(&cli->err, "see `redoubt help`");
    return rdt_cli_fail(cli, RDT_E_USAGE);
}

/* ---- man pages ---- */

static void
man_text(struct rdt_buf *out, const char *text)
{
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '\\')
            rdt_buf_str(out, "\\e");
        else if (*at == '-')
            rdt_buf_str(out, "\\-");
        else if (*at == '\n')
            rdt_buf_str(out, "\n.PP\n");
        else if ((*at == '.' || *at == '\'') && (at == text || at[-1] == '\n'))
            rdt_buf_fmt(out, "\\&%c", *at);
        else
            rdt_buf_add(out, at, 1);
    }
}

static void
man_option(struct rdt_buf *out, enum rdt_option option)
{
    char text[64];
    option_text(option, text);
    rdt_buf_str(out, ".TP\n.B ");
    man_text(out, text);
    rdt_buf_str(out, "\n");
    man_text(out, rdt_option_infos[option].help);
    rdt_buf_str(out, "\n");
}

static void
man_tail(struct rdt_buf *out)
{
    rdt_buf_str(out, ".SH GLOBAL OPTIONS\n");
    for (unsigned i = OPT_HELP; i <= OPT_AT; i++)
        man_option(out, i);
    rdt_buf_str(out, ".SH EXIT STATUS\n");
    for (size_t i = 0; i < RDT_COUNT(exit_statuses); i++) {
        rdt_buf_fmt(out, ".TP\n.B %s\n", exit_statuses[i][0]);
        man_text(out, exit_statuses[i][1]);
        rdt_buf_str(out, "\n");
    }
}

static void
man_head(struct rdt_buf *out, const char *page, const char *summary)
{
    rdt_buf_str(out, ".TH ");
    for (const char *at = page; *at != '\0'; at++)
        rdt_buf_fmt(out, "%s%c", *at == '-' ? "\\" : "", toupper((unsigned char)*at));
    rdt_buf_fmt(out, " 1 \"\" \"redoubt %s\" \"Redoubt\"\n.SH NAME\n", REDOUBT_VERSION);
    man_text(out, page);
    rdt_buf_str(out, " \\- ");
    man_text(out, summary);
    rdt_buf_str(out, "\n.SH SYNOPSIS\n");
}

static void
man_command(struct rdt_buf *out, const struct rdt_command *c, const char *page)
{
    char name[64];
    command_name(c, name, ' ');
    man_head(out, page, c->summary);
    rdt_buf_fmt(out, ".B redoubt %s\n%s%s\n", name, c->n_options == 0 ? "" : "[OPTIONS] ",
                c->operands);
    if (c->detail != NULL) {
        rdt_buf_str(out, ".SH DESCRIPTION\n");
        man_text(out, c->detail);
        rdt_buf_str(out, "\n");
    }
    if (c->n_options != 0)
        rdt_buf_str(out, ".SH OPTIONS\n");
    for (size_t i = 0; i < c->n_options; i++)
        man_option(out, c->options[i]);
    man_tail(out);
    rdt_buf_str(out, ".SH SEE ALSO\n.BR redoubt (1)\n");
}

static void
man_main(struct rdt_buf *out)
{
    man_head(out, "redoubt", "plan, check, verify and prove encryption");
    rdt_buf_str(out, ".B redoubt\nCOMMAND [ARGS]\n.SH COMMANDS\n");
    for (size_t i = 0; i < rdt_n_commands; i++) {
        char name[64];
        command_name(&rdt_commands[i], name, ' ');
        rdt_buf_fmt(out, ".TP\n.B %s\n", name);
        man_text(out, rdt_commands[i].summary);
        rdt_buf_str(out, "\n");
    }
    man_tail(out);
    rdt_buf_str(out, ".SH FILES\n.TP\n.I redoubt.yaml\nThe plan, when none is named.\n.TP\n"
                     ".I $XDG_STATE_HOME/redoubt/last\\-run.json\n"
                     "The last run (below ~/.local/state when that variable is not set).\n");
}

static enum rdt_code
write_page(const char *folder, const char *page, struct rdt_buf *text, struct rdt_err *err)
{
    RDT_BUF path = {0};
    rdt_buf_fmt(&path, "%s/%s.1", folder, page);
    const char *name = rdt_buf_cstr(&path);
    if (name == NULL || !rdt_buf_ok(text))
        return rdt_fail(err, RDT_E_NOMEM, "man page");
    return rdt_file_write(name, 0644, rdt_buf_span(text), err);
}

int
rdt_help_man(const char *folder, struct rdt_err *err)
{
    RDT_BUF main_page = {0};
    man_main(&main_page);
    enum rdt_code rc = rdt_file_mkdirs(folder, err);
    if (rc == RDT_OK)
        rc = write_page(folder, "redoubt", &main_page, err);
    for (size_t i = 0; rc == RDT_OK && i < rdt_n_commands; i++) {
        RDT_BUF text = {0};
        char name[64], page[80];
        command_name(&rdt_commands[i], name, '-');
        snprintf(page, sizeof page, "redoubt-%s", name);
        man_command(&text, &rdt_commands[i], page);
        rc = write_page(folder, page, &text, err);
    }
    return rdt_code_exit_status(rc);
}

/* ---- completion ---- */

static void
print_groups(FILE *out)
{
    for (size_t i = 0; i < rdt_n_commands; i++) {
        if (i == 0 || strcmp(rdt_commands[i].group, rdt_commands[i - 1].group) != 0)
            fprintf(out, "%s%s", i == 0 ? "" : " ", rdt_commands[i].group);
    }
}

static void
print_verbs(FILE *out)
{
    for (size_t i = 0; i < rdt_n_commands; i++) {
        const char *group = rdt_commands[i].group;
        if (rdt_commands[i].verb == NULL ||
            (i > 0 && strcmp(group, rdt_commands[i - 1].group) == 0))
            continue;
        fprintf(out, "    %s) words='", group);
        for (size_t k = i; k < rdt_n_commands && strcmp(rdt_commands[k].group, group) == 0; k++)
            fprintf(out, "%s%s", k == i ? "" : " ", rdt_commands[k].verb);
        fputs("' ;;\n", out);
    }
}

static void
print_choices(FILE *out)
{
    for (size_t i = 0; i < RDT_NOPTIONS; i++) {
        const struct rdt_option_info *info = &rdt_option_infos[i];
        if (info->choices != NULL)
            fprintf(out, "    --%s) COMPREPLY=($(compgen -W '%s' -- \"$word\")); return ;;\n",
                    info->name, info->choices);
    }
}

static void
print_options(FILE *out)
{
    for (size_t i = 0; i < RDT_NOPTIONS; i++)
        fprintf(out, "%s--%s", i == 0 ? "" : " ", rdt_option_infos[i].name);
}

int
rdt_help_completion(const char *shell, FILE *out)
{
    bool zsh = strcmp(shell, "zsh") == 0;
    if (!zsh && strcmp(shell, "bash") != 0)
        return rdt_code_exit_status(RDT_E_USAGE);
    if (zsh) /* zsh runs the bash script through its own compatibility layer */
        fputs("#compdef redoubt\nautoload -U +X bashcompinit && bashcompinit\n", out);
    fputs("_redoubt() {\n"
          "  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} words=''\n"
          "  COMPREPLY=()\n"
          "  case $before in\n",
          out);
    print_choices(out);
    fputs("  esac\n  if [[ $word == -* ]]; then\n    COMPREPLY=($(compgen -W '", out);
    print_options(out);
    fputs("' -- \"$word\"))\n    return\n  fi\n  case $before in\n    redoubt|help) words='", out);
    print_groups(out);
    fputs("' ;;\n", out);
    print_verbs(out);
    fputs("  esac\n"
          "  if [[ -n $words ]]; then\n"
          "    COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
          "  else\n"
          "    COMPREPLY=($(compgen -f -- \"$word\"))\n"
          "  fi\n"
          "}\n"
          "complete -o filenames -F _redoubt redoubt\n",
          out);
    return 0;
}
