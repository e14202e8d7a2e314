#include "cli/root_input.h"

#include "base/cursor.h"
#include "base/file.h"
#include "base/secret_file.h"
#include "cli/ask.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#define TERMINAL "/dev/tty"
#define CREDENTIALS "CREDENTIALS_DIRECTORY" /* systemd.exec(5): LoadCredential= and others */
#define KEY_LABEL "redoubt-root"
#define SHARES 5u
#define THRESHOLD 3u

void
rdt_root_input_done(struct rdt_root_input *input)
{
    rdt_secret_wipe(&input->word);
    for (size_t i = 0; i < RDT_SHARES_MAX; i++)
        rdt_secret_wipe(&input->shares[i]);
    input->n_shares = 0;
}

/* ---- passphrases and PINs ---- */

/* What words and files are called, by type of seal. */
struct word {
    const char *name, *credential;
    enum rdt_option file;
};

static const struct word passphrase = {"passphrase", "redoubt-passphrase", OPT_PASSPHRASE_FILE};
static const struct word pin = {"PIN", "redoubt-pin", OPT_PIN_FILE};

static enum rdt_code
nobody_to_ask(struct rdt_cli *cli, const char *name, enum rdt_option file)
{
    rdt_fail(&cli->err, RDT_E_USAGE, "the %s is not given, and there is no terminal to ask on",
             name);
    rdt_hint(&cli->err, "name a file that holds it: --%s", rdt_option_infos[file].name);
    return RDT_E_USAGE;
}

/* The service manager's own folder for this start; nothing else can read it. */
static enum rdt_code
from_credential(struct rdt_cli *cli, const char *name, bool *found, struct rdt_secret *out)
{
    char path[PATH_MAX];
    const char *folder = getenv(CREDENTIALS);
    *found = folder != NULL && folder[0] == '/' &&
             (size_t)snprintf(path, sizeof path, "%s/%s", folder, name) < sizeof path &&
             access(path, F_OK) == 0;
    return *found ? rdt_secret_read(path, out, &cli->err) : RDT_OK;
}

static enum rdt_code
ask_word(struct rdt_cli *cli, const struct word *word, enum rdt_option file, const char *of,
         bool twice, struct rdt_secret *out)
{
    RDT_ASK ask = {.terminal = -1};
    RDT_SECRET again = {0};
    char prompt[128];
    if (rdt_ask_begin(&ask, TERMINAL, NULL) != RDT_OK)
        return nobody_to_ask(cli, word->name, file);
    snprintf(prompt, sizeof prompt, "%s%s: ", of, word->name);
    enum rdt_code rc = rdt_ask_line(&ask, prompt, out, &cli->err);
    if (rc == RDT_OK && out->n == 0)
        rc = rdt_fail(&cli->err, RDT_E_DENIED, "no %s was given", word->name);
    if (rc != RDT_OK || !twice)
        return rc;
    snprintf(prompt, sizeof prompt, "%sthe same again: ", of);
    rc = rdt_ask_line(&ask, prompt, &again, &cli->err);
    if (rc == RDT_OK && !rdt_secret_equal(&again, out))
        rc = rdt_fail(&cli->err, RDT_E_DENIED, "the two are not the same");
    return rc;
}

static enum rdt_code
find_word(struct rdt_cli *cli, const struct word *word, enum rdt_option file, const char *of,
          bool is_new, struct rdt_secret *out)
{
    const char *path = rdt_cli_value(cli, file, NULL);
    bool found = false;
    if (path != NULL)
        return rdt_secret_read(path, out, &cli->err);
    enum rdt_code rc = from_credential(cli, word->credential, &found, out);
    if (rc != RDT_OK || found)
        return rc;
    return ask_word(cli, word, file, of, is_new && word == &passphrase, out);
}

enum rdt_code
rdt_root_input_new(struct rdt_cli *cli, enum rdt_seal_type type, enum rdt_option file,
                   struct rdt_root_input *out)
{
    if (type == RDT_SEAL_PASSPHRASE)
        return find_word(cli, &passphrase, file, "new ", true, &out->word);
    if (type == RDT_SEAL_PKCS11)
        return find_word(cli, &pin, file, "token's ", true, &out->word);
    return RDT_OK;
}

/* ---- shares that are there ---- */

/* A file may hold several, one a line. */
static enum rdt_code
take_lines(struct rdt_cli *cli, const struct rdt_secret *text, struct rdt_root_input *out)
{
    enum rdt_code rc = RDT_OK;
    for (size_t at = 0, end; rc == RDT_OK && at < text->n; at = end + 1) {
        for (end = at; end < text->n && text->p[end] != '\n'; end++)
            continue;
        if (end == at)
            continue;
        if (out->n_shares == RDT_SHARES_MAX)
            return rdt_fail(&cli->err, RDT_E_LIMIT, "more than %d shares", RDT_SHARES_MAX);
        out->pointers[out->n_shares] = &out->shares[out->n_shares];
        rc = rdt_secret_copy(&out->shares[out->n_shares++],
                             (struct rdt_span){text->p + at, end - at}, &cli->err);
    }
    return rc;
}

static enum rdt_code
shares_of_files(struct rdt_cli *cli, struct rdt_root_input *out)
{
    enum rdt_code rc = RDT_OK;
    for (size_t i = 0; rc == RDT_OK && i < cli->n_values[OPT_SHARE_FILE]; i++) {
        RDT_SECRET text = {0};
        rc = rdt_secret_read(cli->values[OPT_SHARE_FILE][i], &text, &cli->err);
        if (rc == RDT_OK)
            rc = take_lines(cli, &text, out);
    }
    return rc;
}

static enum rdt_code
ask_shares(struct rdt_cli *cli, const struct rdt_seal_info *seal, struct rdt_root_input *out)
{
    RDT_ASK ask = {.terminal = -1};
    enum rdt_code rc = RDT_OK;
    if (rdt_ask_begin(&ask, TERMINAL, NULL) != RDT_OK)
        return nobody_to_ask(cli, "share", OPT_SHARE_FILE);
    while (rc == RDT_OK && out->n_shares < seal->threshold) {
        RDT_SECRET line = {0};
        char prompt[128];
        if (seal->threshold == 1)
            snprintf(prompt, sizeof prompt, "a share of the seal '%s': ", seal->id);
        else
            snprintf(prompt, sizeof prompt, "share %zu of %u of the seal '%s': ", out->n_shares + 1,
                     seal->threshold, seal->id);
        rc = rdt_ask_line(&ask, prompt, &line, &cli->err);
        if (rc == RDT_OK && line.n == 0)
            rc = rdt_fail(&cli->err, RDT_E_DENIED, "%zu shares were given, %u are needed",
                          out->n_shares, seal->threshold);
        if (rc == RDT_OK)
            rc = take_lines(cli, &line, out);
    }
    return rc;
}

enum rdt_code
rdt_root_input_old(struct rdt_cli *cli, const struct rdt_seal_info *seal,
                   struct rdt_root_input *out)
{
    switch (seal->type) {
    case RDT_SEAL_PASSPHRASE:
        return find_word(cli, &passphrase, OPT_PASSPHRASE_FILE, "", false, &out->word);
    case RDT_SEAL_PKCS11:
        return find_word(cli, &pin, OPT_PIN_FILE, "token's ", false, &out->word);
    case RDT_SEAL_SHAMIR:
        return rdt_cli_has(cli, OPT_SHARE_FILE) ? shares_of_files(cli, out)
                                                : ask_shares(cli, seal, out);
    case RDT_SEAL_DEVELOPMENT:
        break;
    }
    return RDT_OK;
}

/* ---- options of a new seal ---- */

static enum rdt_code
number(struct rdt_cli *cli, enum rdt_option option, unsigned max, unsigned *value)
{
    const char *text = rdt_cli_value(cli, option, NULL);
    char *end = NULL;
    if (text == NULL)
        return RDT_OK;
    unsigned long got = strtoul(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || got == 0 || got > max)
        return rdt_fail(&cli->err, RDT_E_USAGE, "--%s: expected 1 to %u",
                        rdt_option_infos[option].name, max);
    *value = (unsigned)got;
    return RDT_OK;
}

static enum rdt_code
token_options(struct rdt_cli *cli, struct rdt_seal_opts *out)
{
    const char *how = rdt_cli_value(cli, OPT_HSM_HOW, "best");
    out->p11_module = rdt_cli_value(cli, OPT_HSM_MODULE, NULL);
    out->p11_token = rdt_cli_value(cli, OPT_HSM_TOKEN, NULL);
    out->p11_key = rdt_cli_value(cli, OPT_HSM_KEY, KEY_LABEL);
    for (int i = RDT_P11_BEST; i <= RDT_P11_UNWRAP; i++) {
        if (strcmp(how, rdt_p11_how_name((enum rdt_p11_how)i)) == 0)
            out->p11_how = (enum rdt_p11_how)i;
    }
    if (out->p11_module == NULL || out->p11_token == NULL)
        return rdt_fail(&cli->err, RDT_E_USAGE, "a pkcs11 seal needs --hsm-module and --hsm-token");
    return RDT_OK;
}

enum rdt_code
rdt_root_input_seal(struct rdt_cli *cli, const char *type, const char *id,
                    struct rdt_seal_opts *out)
{
    unsigned memory_mib = 0, passes = 0;
    *out = (struct rdt_seal_opts){.id = id, .threshold = THRESHOLD, .shares = SHARES};
    while (strcmp(rdt_seal_type_name(out->type), type) != 0)
        out->type++; /* the option takes no other words */
    if (out->type == RDT_SEAL_PKCS11)
        return token_options(cli, out);
    enum rdt_code rc = number(cli, OPT_SHARES, RDT_SHARES_MAX, &out->shares);
    if (rc == RDT_OK)
        rc = number(cli, OPT_THRESHOLD, RDT_SHARES_MAX, &out->threshold);
    if (rc == RDT_OK)
        rc = number(cli, OPT_ARGON_MEMORY, 1024, &memory_mib);
    if (rc == RDT_OK)
        rc = number(cli, OPT_ARGON_PASSES, 10, &passes);
    out->argon_memory_kib = memory_mib << 10;
    out->argon_passes = passes;
    return rc;
}

/* ---- new shares ---- */

enum rdt_code
rdt_root_shares_place(struct rdt_cli *cli)
{
    if (rdt_cli_has(cli, OPT_SHARES_DIR) || isatty(STDOUT_FILENO))
        return RDT_OK;
    rdt_fail(&cli->err, RDT_E_USAGE, "shares are shown on a terminal only");
    rdt_hint(&cli->err, "--shares-dir DIR writes each to a file of its own");
    return RDT_E_USAGE;
}

/* Past stdio, whose buffer would keep a copy. */
static enum rdt_code
write_all(struct rdt_cli *cli, int fd, struct rdt_span bytes)
{
    while (bytes.n != 0) {
        ssize_t n = write(fd, bytes.p, bytes.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return rdt_fail(&cli->err, RDT_E_IO, "shares could not be written: %s",
                            strerror(errno));
        bytes = (struct rdt_span){bytes.p + n, bytes.n - (size_t)n};
    }
    return RDT_OK;
}

/* The name of a share's file is the share up to its secret part: "redoubt-share-1-paper-3". */
static bool
name_of(struct rdt_span line, char *out, size_t room)
{
    const size_t body = 60 + 1; /* docs/formats/root.md 5: a dash, 59 characters, a line end */
    return line.n > body &&
           (size_t)snprintf(out, room, "%.*s", (int)(line.n - body), (const char *)line.p) < room;
}

static enum rdt_code
write_file(struct rdt_cli *cli, int folder, const char *name, struct rdt_span line)
{
    const char *dir = rdt_cli_value(cli, OPT_SHARES_DIR, NULL);
    RDT_FD fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return rdt_fail(&cli->err, errno == EEXIST ? RDT_E_STATE : RDT_E_IO, "%s/%s: %s", dir, name,
                        strerror(errno));
    enum rdt_code rc = write_all(cli, fd, line);
    if (rc == RDT_OK && fsync(fd) != 0)
        rc = rdt_fail(&cli->err, RDT_E_IO, "%s/%s: %s", dir, name, strerror(errno));
    if (rc != RDT_OK)
        unlinkat(folder, name, 0);
    return rc;
}

/* All of them, or none. */
static enum rdt_code
write_files(struct rdt_cli *cli, int folder, struct rdt_span rest)
{
    struct rdt_span line;
    char name[128];
    if (!rdt_take_line(&rest, &line))
        return fsync(folder) == 0 ? RDT_OK
                                  : rdt_fail(&cli->err, RDT_E_IO, "shares: %s", strerror(errno));
    line.n++; /* with its end */
    if (!name_of(line, name, sizeof name))
        return rdt_fail(&cli->err, RDT_E_INTERNAL, "a share of a strange length");
    enum rdt_code rc = write_file(cli, folder, name, line);
    if (rc != RDT_OK)
        return rc;
    rc = write_files(cli, folder, rest); /* at most RDT_SHARES_MAX deep */
    if (rc != RDT_OK)
        unlinkat(folder, name, 0);
    return rc;
}

static enum rdt_code
write_into(struct rdt_cli *cli, const char *dir, const struct rdt_secret *shares)
{
    enum rdt_code rc = rdt_file_mkdirs(dir, &cli->err);
    if (rc != RDT_OK)
        return rc;
    RDT_FD folder = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return rdt_fail(&cli->err, RDT_E_IO, "%s: %s", dir, strerror(errno));
    rc = write_files(cli, folder, (struct rdt_span){shares->p, shares->n});
    if (rc == RDT_OK)
        rdt_cli_note(cli, "wrote the shares to %s, one file each: give each to another person",
                     dir);
    return rc;
}

enum rdt_code
rdt_root_shares_show(struct rdt_cli *cli, const struct rdt_secret *shares)
{
    const char *dir = rdt_cli_value(cli, OPT_SHARES_DIR, NULL);
    if (dir != NULL)
        return write_into(cli, dir, shares);
    rdt_cli_note(cli, "these shares are shown once; give each to another person");
    fflush(cli->out);
    return write_all(cli, STDOUT_FILENO, (struct rdt_span){shares->p, shares->n});
}
