/*
 * seal_main - sealed files by questions on stdin, for a second implementation to argue with. A line
 * a question, words of hexadecimal ("-": no bytes), paths too; a line an answer:
 *
 *   chunks KEY CONTEXT PATH           LENGTH SHA-256 of a C2SP message's plaintext | refused
 *   open KIND SECRET PATH             LENGTH SHA-256 of the plaintext, the file's digest | fault
 * NUMBER seal KIND SECRET FLAGS PLAIN OUT  ok | fault NUMBER
 *
 * KIND is one byte: that of a stanza; of kms and p11 the secret is the file key. SECRET to open:
 * what opens it (break-glass: private keys, one behind the other); to seal: kms: the file key;
 * tenant: ring 16 | u32 handle | u16 epoch | KEK; x25519: public key; passphrase; break-glass: k |
 * public keys. FLAGS: 1 hashed, 2 contained, 4 compressed, 8 the producer failed.
 */
#include "../unit/seal/whole.h"
#include "base/cursor.h"
#include "base/file.h"

#include "words.h"

static struct rdt_worker *worker;

static void
digest_line(struct rdt_span bytes, struct rdt_span digest)
{
    RDT_BUF more = {0};
    char text[2 * RDT_SHA256_LEN + 1];
    if (digest.n != 0)
        rdt_buf_str(&more, " ");
    rdt_hex_add(&more, digest);
    if (rdt_sha256_text(bytes, text, NULL) == RDT_OK)
        printf("%zu %s%s\n", bytes.n, text, rdt_buf_cstr(&more));
}

static bool
load(struct rdt_span path, struct rdt_buf *out)
{
    RDT_BUF name = {0};
    rdt_buf_add(&name, path.p, path.n);
    return rdt_file_read(rdt_buf_cstr(&name), RDT_BUF_MAX, out, NULL) == RDT_OK;
}

static bool
save(struct rdt_span path, const struct rdt_buf *bytes)
{
    RDT_BUF name = {0};
    rdt_buf_add(&name, path.p, path.n);
    FILE *file = fopen(rdt_buf_cstr(&name), "wb");
    bool ok = file != NULL && fwrite(bytes->p, 1, bytes->n, file) == bytes->n;
    return file != NULL && fclose(file) == 0 && ok;
}

/* ---- chunks ---- */

static bool
open_chunks(const struct rdt_secret *key, struct rdt_span context, struct rdt_span message)
{
    RDT_AUTO(rdt_chunks_free_at) struct rdt_chunks *chunks = NULL;
    struct rdt_span front = {message.p, RDT_CHUNK_FRONT_LEN};
    size_t n;
    if (message.n < RDT_CHUNK_FRONT_LEN ||
        rdt_chunks_open(worker, key, context, front, &chunks) != RDT_OK)
        return false;
    struct rdt_span sealed = {message.p + front.n, message.n - front.n};
    uint8_t *plain = malloc(sealed.n + 1);
    bool ok = plain != NULL && rdt_chunks_unseal(chunks, (struct rdt_chunk_run){.last = true},
                                                 sealed, plain, &n) == RDT_OK;
    if (ok)
        digest_line((struct rdt_span){plain, n}, (struct rdt_span){NULL, 0});
    free(plain);
    return ok;
}

static bool
do_chunks(const struct line *line)
{
    RDT_SECRET key = {0};
    RDT_BUF message = {0};
    return line->n == 3 && rdt_secret_copy(&key, line->words[0], NULL) == RDT_OK &&
           load(line->words[2], &message) &&
           open_chunks(&key, line->words[1], rdt_buf_span(&message));
}

/* ---- to open ---- */

struct opener {
    uint8_t kind;
    struct rdt_span secret;
};

static enum rdt_seal_fault
get_glass(const struct opener *o, const struct rdt_seal_head *head,
          const struct rdt_seal_stanza *stanza, struct rdt_secret *out)
{
    struct rdt_share shares[RDT_SHARES_MAX] = {{.x = 0}};
    unsigned n = 0;
    /* all shares of the slot that this stanza is in, at its first one */
    for (unsigned s = 0; s < 2; s++) {
        struct rdt_span in = head->slots[s].stanzas;
        struct rdt_seal_stanza other;
        if (stanza->bytes.p != in.p + 3)
            continue;
        while (rdt_seal_stanza_next(&in, &other))
            for (size_t at = 0; at + 32 <= o->secret.n && n < RDT_SHARES_MAX; at += 32) {
                RDT_SECRET private_key = {0};
                struct rdt_span bytes = {o->secret.p + at, 32};
                if (rdt_secret_copy(&private_key, bytes, NULL) == RDT_OK &&
                    rdt_seal_get_share(worker, head, &other, &private_key, &shares[n]) ==
                        RDT_SEAL_OK)
                    n++;
            }
    }
    bool ok = n >= stanza->as.glass.k && rdt_shamir_join(shares, n, out, NULL) == RDT_OK;
    for (size_t i = 0; i < RDT_COUNT(shares); i++)
        rdt_secret_wipe(&shares[i].y);
    return ok ? RDT_SEAL_OK : RDT_SEAL_RECIPIENT;
}

static enum rdt_seal_fault
get(void *context, const struct rdt_seal_head *head, const struct rdt_seal_stanza *stanza,
    struct rdt_secret *out)
{
    const struct opener *o = context;
    RDT_SECRET secret = {0};
    if (stanza->kind != o->kind)
        return RDT_SEAL_USAGE;
    if (o->kind == RDT_SEAL_GLASS)
        return get_glass(o, head, stanza, out);
    if (rdt_secret_copy(&secret, o->secret, NULL) != RDT_OK)
        return RDT_SEAL_INTERNAL;
    switch (o->kind) {
    case RDT_SEAL_TENANT:
        return rdt_seal_get_tenant(worker, head, stanza, &secret, out);
    case RDT_SEAL_X25519:
        return rdt_seal_get_x25519(worker, head, stanza, &secret, out);
    case RDT_SEAL_PASSPHRASE:
        return rdt_seal_get_passphrase(worker, head, stanza, &secret, out);
    default:
        return rdt_secret_copy(out, o->secret, NULL) == RDT_OK ? RDT_SEAL_OK : RDT_SEAL_INTERNAL;
    }
}

static bool
do_open(const struct line *line)
{
    RDT_BUF file = {0};
    RDT_BUF plain = {0};
    if (line->n != 3 || line->words[0].n != 1 || !load(line->words[2], &file))
        return false;
    struct opener opener = {.kind = line->words[0].p[0], .secret = line->words[1]};
    const struct whole_keys keys = {get, &opener, 0};
    uint8_t digest[RDT_SHA256_LEN];
    enum rdt_seal_fault fault =
        whole_open_digest(worker, rdt_buf_span(&file), &keys, &plain, digest);
    if (fault == RDT_SEAL_OK)
        digest_line(rdt_buf_span(&plain), (struct rdt_span){digest, sizeof digest});
    else
        printf("fault %d\n", (int)fault);
    return true;
}

/* ---- to seal ---- */

static enum rdt_seal_fault
add_tenant(struct rdt_span core, const struct rdt_secret *file_key, struct rdt_span in,
           struct rdt_buf *out)
{
    RDT_SECRET kek = {0};
    struct rdt_span ring;
    struct rdt_seal_tenant tenant = {.handle = 0};
    if (!rdt_take(&in, 16, &ring) || !rdt_take_u32(&in, &tenant.handle) ||
        !rdt_take_u16(&in, &tenant.epoch) || rdt_secret_copy(&kek, in, NULL) != RDT_OK)
        return RDT_SEAL_USAGE;
    tenant.ring = ring.p;
    return rdt_seal_add_tenant(worker, core, file_key, &tenant, &kek, out);
}

static enum rdt_seal_fault
add_glass(struct rdt_span core, const struct rdt_secret *file_key, struct rdt_span in,
          struct rdt_buf *out)
{
    struct rdt_span keys[RDT_SHARES_MAX];
    struct rdt_seal_glass glass = {.public_keys = keys};
    if (!rdt_take_u8(&in, &glass.k))
        return RDT_SEAL_USAGE;
    while (glass.n < RDT_SHARES_MAX && rdt_take(&in, 32, &keys[glass.n]))
        glass.n++;
    return rdt_seal_add_glass(worker, core, file_key, &glass, out);
}

static enum rdt_seal_fault
add(uint8_t kind, struct rdt_span secret, struct rdt_span core, const struct rdt_secret *file_key,
    struct rdt_buf *out)
{
    struct rdt_argon cost = {RDT_ARGON_MEMORY_MIN, 1, 1, {0}};
    RDT_SECRET passphrase = {0};
    switch (kind) {
    case RDT_SEAL_KMS:
        return rdt_seal_add_kms(rdt_span_str("alias/backup"), rdt_span_str("acme"),
                                rdt_span_str("as kms:Encrypt gave it"), out);
    case RDT_SEAL_TENANT:
        return add_tenant(core, file_key, secret, out);
    case RDT_SEAL_X25519:
        return rdt_seal_add_x25519(worker, core, file_key, secret, out);
    case RDT_SEAL_PASSPHRASE:
        if (rdt_secret_copy(&passphrase, secret, NULL) != RDT_OK)
            return RDT_SEAL_INTERNAL;
        return rdt_seal_add_passphrase(worker, core, file_key, &passphrase, &cost, out);
    case RDT_SEAL_GLASS:
        return add_glass(core, file_key, secret, out);
    default:
        return RDT_SEAL_USAGE;
    }
}

static bool
new_key(uint8_t kind, struct rdt_span secret, struct rdt_secret *out)
{
    if (kind == RDT_SEAL_KMS)
        return rdt_secret_copy(out, secret, NULL) == RDT_OK;
    return rdt_secret_new(out, RDT_KEY_LEN, NULL) == RDT_OK &&
           rdt_random_key(worker, out, NULL) == RDT_OK;
}

static enum rdt_seal_fault
seal_it(uint8_t kind, struct rdt_span secret, uint8_t flags, struct rdt_span plain,
        struct rdt_buf *out)
{
    static const uint8_t epochs[2 * RDT_SEAL_EPOCH_LEN] = {[RDT_SEAL_EPOCH_LEN] = 1};
    static const uint8_t versions[RDT_SEAL_VERSION_LEN] = {7};
    RDT_SECRET file_key = {0};
    RDT_BUF core = {0};
    RDT_BUF stanzas = {0};
    uint8_t id[RDT_SEAL_FILE_ID_LEN];
    const struct rdt_seal_policy policy = {
        .asset = rdt_span_str("orders"),
        .level = RDT_SEAL_HIGH,
        .created_ms = 1800000000000,
        .expires_ms = 1900000000000,
        .ring = {versions, 16},
        .coding = (flags & 4) != 0 ? RDT_SEAL_ZSTD : RDT_SEAL_RAW,
    };
    if (!new_key(kind, secret, &file_key) || rdt_random(worker, id, sizeof id, NULL) != RDT_OK)
        return RDT_SEAL_INTERNAL;
    enum rdt_seal_fault fault = rdt_seal_core_make(id, RDT_SEAL_SLOT_LEN, &policy, &core);
    if (fault == RDT_SEAL_OK)
        fault = add(kind, secret, rdt_buf_span(&core), &file_key, &stanzas);
    struct whole w = {.worker = worker,
                      .file_key = &file_key,
                      .core = rdt_buf_span(&core),
                      .stanzas = rdt_buf_span(&stanzas),
                      .hashed = (flags & 1) != 0,
                      .contained_known = (flags & 2) != 0,
                      .zstd = (flags & 4) != 0,
                      .exit_status = (flags & 8) != 0 ? 1 : 0};
    if (w.contained_known) {
        w.epochs = (struct rdt_span){epochs, sizeof epochs};
        w.versions = (struct rdt_span){versions, sizeof versions};
    }
    return fault == RDT_SEAL_OK ? whole_seal(&w, plain, out) : fault;
}

static bool
do_seal(const struct line *line)
{
    RDT_BUF plain = {0};
    RDT_BUF out = {0};
    const struct rdt_span *w = line->words;
    if (line->n != 5 || w[0].n != 1 || w[2].n != 1 || !load(w[3], &plain))
        return false;
    enum rdt_seal_fault fault = seal_it(w[0].p[0], w[1], w[2].p[0], rdt_buf_span(&plain), &out);
    if (fault != RDT_SEAL_OK)
        printf("fault %d\n", (int)fault);
    else if (save(w[4], &out))
        printf("ok\n");
    return fault != RDT_SEAL_OK || rdt_buf_ok(&out);
}

int
main(void)
{
    static char text[4 * WORDS_BYTES];
    static struct line line;
    struct rdt_err err = {0};
    if (rdt_worker_open(&worker, &err) != RDT_OK) {
        fprintf(stderr, "seal_main: %s\n", err.text);
        return 1;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    while (fgets(text, sizeof text, stdin) != NULL) {
        char *words = strchr(text, ' ');
        bool ok = words != NULL && read_words(words, &line);
        if (ok && strncmp(text, "chunks ", 7) == 0)
            ok = do_chunks(&line);
        else if (ok && strncmp(text, "open ", 5) == 0)
            ok = do_open(&line);
        else
            ok = ok && do_seal(&line);
        if (!ok)
            printf("refused\n");
    }
    rdt_worker_close(worker);
    return 0;
}
