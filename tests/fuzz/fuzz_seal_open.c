/*
 * fuzz_seal_open - whole files, opened by somebody who has the file key: as they are; and, so that
 * the fuzzer gets behind the encryption, with the input as plaintext of the body. First byte:
 * which.
 */
#include "seal/seal.h"

#include "../unit/seal/whole.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* That of the seeds, which are vectors: whoever has it makes whatever he likes. */
static const uint8_t key_bytes[RDT_KEY_LEN] = {
    0xaf, 0xf1, 0xfb, 0xe0, 0x7b, 0x90, 0x69, 0x92, 0x9d, 0xff, 0x3c, 0x91, 0x0f, 0xd8, 0xb6, 0x0c,
    0x6b, 0xc5, 0x45, 0xae, 0x42, 0xbb, 0x75, 0xa8, 0xc1, 0x19, 0x73, 0x45, 0x3d, 0xb8, 0x4c, 0x94};

static struct rdt_worker *worker;
static struct rdt_secret file_key;

static enum rdt_seal_fault
by_key(void *context, const struct rdt_seal_head *head, const struct rdt_seal_stanza *stanza,
       struct rdt_secret *out)
{
    (void)context, (void)head, (void)stanza;
    return rdt_secret_copy(out, rdt_secret_view(&file_key), NULL) == RDT_OK ? RDT_SEAL_OK
                                                                            : RDT_SEAL_INTERNAL;
}

/* A body of this plaintext, footer and all; also said to be compressed. */
static void
behind_the_chunks(struct rdt_span plain, enum rdt_seal_coding coding)
{
    static const uint8_t id[RDT_SEAL_FILE_ID_LEN];
    RDT_AUTO(rdt_chunks_free_at) struct rdt_chunks *chunks = NULL;
    RDT_BUF core = {0};
    RDT_BUF out = {0};
    uint8_t front[RDT_CHUNK_FRONT_LEN];
    size_t n = rdt_chunks_sealed_len(plain.n, true);
    uint8_t *sealed = malloc(n);
    if (sealed == NULL || rdt_seal_core_make(id, RDT_SEAL_SLOT_MIN, NULL, &core) != RDT_SEAL_OK ||
        rdt_seal_body_new(worker, rdt_buf_span(&core), &file_key, front, &chunks) != RDT_SEAL_OK ||
        rdt_chunks_seal(chunks, (struct rdt_chunk_run){.last = true}, plain, sealed) != RDT_OK)
        abort();
    struct whole_read w = {
        coding, rdt_buf_span(&core), {front, sizeof front},
          {0}
    };
    enum rdt_seal_fault fault = whole_open_body(chunks, (struct rdt_span){sealed, n}, &w, &out);
    if (fault == RDT_SEAL_INTERNAL || fault == RDT_SEAL_BODY ||
        (fault != RDT_SEAL_OK && out.n != 0))
        abort();
    free(sealed);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    const struct whole_keys keys = {by_key, NULL, 0};
    RDT_BUF out = {0};
    if (worker == NULL &&
        (rdt_worker_open(&worker, NULL) != RDT_OK ||
         rdt_secret_copy(&file_key, (struct rdt_span){key_bytes, RDT_KEY_LEN}, NULL) != RDT_OK))
        abort();
    if (n == 0)
        return 0;
    struct rdt_span rest = {bytes + 1, n - 1};
    if (bytes[0] == 'F') {
        enum rdt_seal_fault fault = whole_open(worker, rest, &keys, &out);
        if (fault == RDT_SEAL_INTERNAL || (fault != RDT_SEAL_OK && out.n != 0))
            abort();
    } else {
        behind_the_chunks(rest, bytes[0] == 'Z' ? RDT_SEAL_ZSTD : RDT_SEAL_RAW);
    }
    return 0;
}
