#include "cli/scanner_key.h"

#include "base/file.h"
#include "base/secret_file.h"
#include "codec/base64.h"

#define KEY_BYTES ((size_t)16384) /* of a file with a public key */

enum rdt_code
rdt_scanner_public(struct rdt_cli *cli, const char *word, struct rdt_buf *out)
{
    RDT_AUTO(rdt_signer_free_at) struct rdt_signer *signer = NULL;
    RDT_BUF text = {0};
    uint8_t bytes[RDT_PUBLIC_MAX];
    struct rdt_span given = rdt_span_str(word);
    if (given.n % 2 != 0 || given.n / 2 > sizeof bytes || !rdt_hex_get(given, bytes, given.n / 2)) {
        enum rdt_code rc = rdt_file_read(word, KEY_BYTES, &text, &cli->err);
        if (rc != RDT_OK)
            return rc;
        if (rdt_signer_load_pem(rdt_buf_span(&text), NULL, &signer, NULL) == RDT_OK) {
            rdt_hex_add(out, rdt_signer_public(signer));
            return rdt_buf_ok(out) ? RDT_OK : rdt_fail(&cli->err, RDT_E_NOMEM, "read a key");
        }
        given = rdt_buf_span(&text);
    }
    struct rdt_span digits = {given.p, 0};
    for (size_t i = 0; i < given.n; i++) { /* the last word: "ed25519 DIGITS" is fine too */
        if (given.p[i] == ' ')
            digits = (struct rdt_span){given.p + i + 1, 0};
        else if (given.p[i] == '\n')
            break;
        else
            digits.n++;
    }
    if (digits.n / 2 > sizeof bytes || digits.n == 0 || digits.n % 2 != 0 ||
        !rdt_hex_get(digits, bytes, digits.n / 2))
        return rdt_fail(&cli->err, RDT_E_BADINPUT, "%s: not a key", word);
    rdt_buf_add(out, digits.p, digits.n);
    return rdt_buf_ok(out) ? RDT_OK : rdt_fail(&cli->err, RDT_E_NOMEM, "read a key");
}

enum rdt_code
rdt_scanner_signer(struct rdt_cli *cli, struct rdt_signer **out)
{
    RDT_SECRET pem = {0};
    const char *file = rdt_cli_value(cli, OPT_SIGNER, NULL);
    if (file == NULL)
        return rdt_fail(&cli->err, RDT_E_USAGE, "--signer FILE is needed: the scanner's key");
    enum rdt_code rc = rdt_secret_read(file, &pem, &cli->err);
    if (rc == RDT_OK)
        rc = rdt_signer_load_pem((struct rdt_span){pem.p, pem.n}, NULL, out, &cli->err);
    return rc == RDT_OK ? RDT_OK : rdt_fail_in(&cli->err, rc, "%s", file);
}
