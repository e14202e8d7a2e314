#include "cli/audit_folder.h"

#include "base/clock.h"
#include "base/file.h"
#include "codec/base64.h"

#include <stdio.h>
#include <unistd.h>

#define KEY_BYTES ((size_t)4096)

enum rdt_code
rdt_audit_folder_of(const char *data, char out[static PATH_MAX], struct rdt_err *err)
{
    int n = snprintf(out, PATH_MAX, "%s/audit.pub", data);
    if (n > 0 && n < PATH_MAX && access(out, F_OK) == 0)
        n = snprintf(out, PATH_MAX, "%s", data);
    else
        n = snprintf(out, PATH_MAX, "%s/audit", data);
    return n > 0 && n < PATH_MAX ? RDT_OK : rdt_fail(err, RDT_E_LIMIT, "the path is too long");
}

enum rdt_code
rdt_audit_key_file(struct rdt_cli *cli, bool *given, uint8_t key[static RDT_ED25519_PUBLIC_LEN])
{
    RDT_BUF text = {0};
    const char *path = rdt_cli_value(cli, OPT_KEY, NULL);
    *given = path != NULL;
    if (path == NULL)
        return RDT_OK;
    enum rdt_code rc = rdt_file_read(path, KEY_BYTES, &text, &cli->err);
    if (rc != RDT_OK || rdt_audit_key_text(rdt_buf_span(&text), key))
        return rc;
    rdt_fail(&cli->err, RDT_E_BADINPUT, "%s: not the public key of an audit log", path);
    rdt_hint(&cli->err, "a copy of DIR/audit/audit.pub, or its 64 digits");
    return RDT_E_BADINPUT;
}

void
rdt_checkpoint_text(const struct rdt_checkpoint *checkpoint, struct rdt_buf *out)
{
    RDT_BUF bytes = {0};
    rdt_checkpoint_put(checkpoint, &bytes);
    rdt_buf_str(out, RDT_CHECKPOINT_WORDS);
    rdt_base64_add(out, rdt_buf_span(&bytes));
    rdt_buf_str(out, "\n");
    out->failed = out->failed || !rdt_buf_ok(&bytes);
}

bool
rdt_checkpoint_read(struct rdt_span text, struct rdt_buf *out)
{
    uint8_t bytes[RDT_AUDIT_CHECKPOINT_MAX];
    size_t n, words = strlen(RDT_CHECKPOINT_WORDS);
    struct rdt_checkpoint checkpoint;
    while (text.n != 0 && (text.p[text.n - 1] == '\n' || text.p[text.n - 1] == '\r'))
        text.n--;
    if (text.n < words || !rdt_span_is((struct rdt_span){text.p, words}, RDT_CHECKPOINT_WORDS))
        return false;
    text = (struct rdt_span){text.p + words, text.n - words};
    if (text.n / 4 * 3 > sizeof bytes || !rdt_base64_get(text, bytes, &n) ||
        !rdt_checkpoint_get((struct rdt_span){bytes, n}, &checkpoint))
        return false;
    rdt_buf_add(out, bytes, n);
    return rdt_buf_ok(out);
}

void
rdt_checkpoint_stamp(const struct rdt_checkpoint *checkpoint, char *out, size_t size)
{
    char stamp[RDT_STAMP_TEXT] = "a time that is none";
    if (checkpoint->time_us / 1000000 <= 253402300799u)
        rdt_stamp_text((int64_t)(checkpoint->time_us / 1000000), stamp);
    snprintf(out, size, "%s", stamp);
}

enum rdt_code
rdt_audit_data(struct rdt_cli *cli, char out[static PATH_MAX])
{
    if (cli->n_values[OPT_DATA] == 1)
        return rdt_audit_folder_of(cli->values[OPT_DATA][0], out, &cli->err);
    rdt_fail(&cli->err, RDT_E_USAGE, "give --data DIR, the server's folder, once");
    return RDT_E_USAGE;
}
