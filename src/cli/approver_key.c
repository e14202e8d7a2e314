#include "cli/approver_key.h"

#include "base/file.h"
#include "base/secret_file.h"
#include "base/text.h"
#include "cli/ask.h"
#include "cli/credential.h"
#include "codec/base64.h"

#include <unistd.h>

#define TERMINAL "/dev/tty"
#define PUBLIC_FILE ((size_t)1024) /* bytes of a file with a public key */

/* ---- passphrases ---- */

static enum rdt_code
ask(struct rdt_cli *cli, bool twice, struct rdt_secret *out)
{
    RDT_ASK ask = {.terminal = -1};
    RDT_SECRET again = {0};
    if (rdt_ask_begin(&ask, TERMINAL, NULL) != RDT_OK) {
        rdt_fail(&cli->err, RDT_E_USAGE,
                 "the passphrase is not given, and there is no terminal to ask on");
        rdt_hint(&cli->err, "name a file that holds it: --passphrase-file");
        return RDT_E_USAGE;
    }
    enum rdt_code rc = rdt_ask_line(&ask, "passphrase of the key: ", out, &cli->err);
    if (rc == RDT_OK && out->n == 0)
        rc = rdt_fail(&cli->err, RDT_E_DENIED, "no passphrase was given");
    if (rc != RDT_OK || !twice)
        return rc;
    rc = rdt_ask_line(&ask, "the same again: ", &again, &cli->err);
    if (rc == RDT_OK && !rdt_secret_equal(&again, out))
        rc = rdt_fail(&cli->err, RDT_E_DENIED, "the two are not the same");
    return rc;
}

static enum rdt_code
passphrase(struct rdt_cli *cli, bool twice, struct rdt_secret *out)
{
    const char *path = rdt_cli_value(cli, OPT_PASSPHRASE_FILE, NULL);
    return path != NULL ? rdt_secret_read(path, out, &cli->err) : ask(cli, twice, out);
}

/* ---- a new key ---- */

static enum rdt_code
write_public(struct rdt_cli *cli, const char *path, const struct rdt_signer *signer)
{
    RDT_BUF name = {0};
    RDT_BUF line = {0};
    rdt_buf_fmt(&name, "%s.pub", path);
    rdt_hex_add(&line, rdt_signer_public(signer));
    rdt_buf_str(&line, "\n");
    if (rdt_buf_cstr(&name) == NULL || !rdt_buf_ok(&line))
        return rdt_fail(&cli->err, RDT_E_NOMEM, "write a public key");
    enum rdt_code rc = rdt_file_write(rdt_buf_cstr(&name), 0644, rdt_buf_span(&line), &cli->err);
    return rc == RDT_OK ? rdt_cli_write(cli, rdt_buf_span(&line)) : rc;
}

static enum rdt_code
new_key(struct rdt_cli *cli, const char *path)
{
    RDT_AUTO(rdt_signer_free_at) struct rdt_signer *signer = NULL;
    RDT_SECRET word = {0};
    RDT_WIPED_BUF pem = {0};
    bool secret = rdt_cli_has(cli, OPT_PASSPHRASE) || rdt_cli_has(cli, OPT_PASSPHRASE_FILE);
    const char *type = rdt_cli_value(cli, OPT_TYPE, "ed25519");
    enum rdt_sign_alg alg = strcmp(type, "p256") == 0 ? RDT_SIGN_P256 : RDT_SIGN_ED25519;
    if (!rdt_cli_has(cli, OPT_FORCE) && access(path, F_OK) == 0)
        return rdt_fail(&cli->err, RDT_E_STATE, "%s is there already", path);
    enum rdt_code rc = secret ? passphrase(cli, true, &word) : RDT_OK;
    if (rc == RDT_OK)
        rc = rdt_signer_new(alg, &signer, &cli->err);
    if (rc == RDT_OK)
        rc = rdt_signer_pem(signer, secret ? &word : NULL, &pem, &cli->err);
    if (rc == RDT_OK)
        rc = rdt_file_write(path, 0600, rdt_buf_span(&pem), &cli->err);
    /* -o is the private key's place; the public one is a result */
    cli->n_values[OPT_OUT] = 0;
    return rc == RDT_OK ? write_public(cli, path, signer) : rc;
}

int
rdt_cmd_approval_keygen(struct rdt_cli *cli)
{
    const char *path = rdt_cli_value(cli, OPT_OUT, NULL);
    enum rdt_code rc =
        path == NULL ? rdt_fail(&cli->err, RDT_E_USAGE, "-o FILE is missing: where the key goes")
                     : new_key(cli, path);
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    rdt_cli_note(cli,
                 "%s is the private key, keep it to yourself; %s.pub is for the others: "
                 "redoubt approver add",
                 path, path);
    return 0;
}

/* ---- one that is there ---- */

enum rdt_code
rdt_approver_key_load(struct rdt_cli *cli, struct rdt_signer **out)
{
    RDT_SECRET pem = {0};
    RDT_SECRET word = {0};
    const char *path = rdt_cli_value(cli, OPT_WITH, NULL);
    if (path == NULL)
        return rdt_fail(&cli->err, RDT_E_USAGE, "--with FILE is missing: the approver's key");
    enum rdt_code rc = rdt_secret_read(path, &pem, &cli->err);
    if (rc != RDT_OK)
        return rc;
    struct rdt_span text = {pem.p, pem.n};
    if (!rdt_cli_has(cli, OPT_PASSPHRASE_FILE)) {
        rc = rdt_signer_load_pem(text, NULL, out, &cli->err);
        if (rc != RDT_E_DENIED)
            return rc == RDT_OK ? rc : rdt_fail_in(&cli->err, rc, "%s", path);
    }
    rc = passphrase(cli, false, &word);
    if (rc == RDT_OK)
        rc = rdt_signer_load_pem(text, &word, out, &cli->err);
    return rc == RDT_OK ? rc : rdt_fail_in(&cli->err, rc, "%s", path);
}

static bool
is_digits(struct rdt_span text)
{
    uint8_t key[RDT_PUBLIC_MAX];
    return (text.n == 2 * RDT_ED25519_PUBLIC_LEN || text.n == 2 * RDT_P256_PUBLIC_LEN) &&
           rdt_hex_get(text, key, text.n / 2);
}

enum rdt_code
rdt_approver_key_public(struct rdt_cli *cli, const char *word, struct rdt_buf *out)
{
    RDT_BUF file = {0};
    struct rdt_span text = rdt_span_str(word);
    if (!is_digits(text)) {
        enum rdt_code rc = rdt_file_read(word, PUBLIC_FILE, &file, &cli->err);
        if (rc != RDT_OK)
            return rc;
        text = rdt_buf_span(&file);
        while (text.n != 0 && (text.p[text.n - 1] == '\n' || text.p[text.n - 1] == ' '))
            text.n--;
    }
    if (!is_digits(text)) {
        rdt_fail(&cli->err, RDT_E_BADINPUT, "%s: not a public key of an approver", word);
        rdt_hint(&cli->err, "redoubt approval keygen -o FILE writes one to FILE.pub");
        return RDT_E_BADINPUT;
    }
    rdt_buf_add(out, text.p, text.n);
    return RDT_OK;
}

/* ---- asking the person ---- */

enum rdt_code
rdt_approver_key_agreed(struct rdt_cli *cli, struct rdt_buf *shown, const char *question)
{
    char answer[16] = "";
    if (!rdt_buf_ok(shown))
        return rdt_fail(&cli->err, RDT_E_NOMEM, "show what is to be signed");
    rdt_text_show_lines(shown->p, shown->n);
    fprintf(cli->words_to, "%.*s", RDT_FMT(rdt_buf_span(shown)));
    if (rdt_cli_has(cli, OPT_YES))
        return RDT_OK;
    if (!isatty(STDIN_FILENO)) {
        rdt_fail(&cli->err, RDT_E_USAGE, "there is no terminal to ask on");
        rdt_hint(&cli->err, "--yes signs what is shown without asking");
        return RDT_E_USAGE;
    }
    fprintf(cli->words_to, "%s [y/N] ", question);
    fflush(cli->words_to);
    bool yes = fgets(answer, sizeof answer, stdin) != NULL &&
               (strcmp(answer, "y\n") == 0 || strcmp(answer, "yes\n") == 0);
    return yes ? RDT_OK : rdt_fail(&cli->err, RDT_E_DENIED, "nothing was signed");
}
