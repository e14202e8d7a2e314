#include "../test.h"

#include "kms/backup_internal.h"

#include <stdio.h>
#include <unistd.h>

static struct rdt_backup_info
sample(void)
{
    struct rdt_backup_info info = {
        .deployment = {1, 2, 3},
          .created_ms = 1800000000000, .revision = 77, .version = "0.1.0"
    };
    struct rdt_checkpoint checkpoint = {.size = 9, .revision = 70};
    RDT_BUF bytes = {0};
    rdt_checkpoint_put(&checkpoint, &bytes);
    memcpy(info.checkpoint, bytes.p, bytes.n);
    info.checkpoint_n = bytes.n;
    info.root = (struct rdt_backup_part){1000, {4}};
    info.store = (struct rdt_backup_part){123456, {5}};
    return info;
}

static void
put(const struct rdt_backup_info *info, struct rdt_buf *out)
{
    static const uint8_t mac[32] = {6};
    rdt_backup_put_head(info, out);
    rdt_buf_add(out, mac, sizeof mac);
}

static void
there_and_back(void **state)
{
    struct rdt_backup_info info = sample(), back;
    RDT_BUF head = {0};
    size_t n = 0;
    (void)state;
    put(&info, &head);
    rdt_buf_str(&head, "what follows is none of it");
    assert_true(rdt_backup_head(rdt_buf_span(&head), &back, &n));
    assert_int_equal(n, head.n - strlen("what follows is none of it"));
    assert_true(back.revision == 77 && back.created_ms == info.created_ms);
    assert_true(back.store.n == 123456 && back.store.hash[0] == 5 && back.root.hash[0] == 4);
    assert_true(back.checkpoint_n == info.checkpoint_n && back.deployment[1] == 2);
    assert_string_equal(back.version, "0.1.0");
    for (size_t i = 0; i < n; i++)
        assert_false(rdt_backup_head((struct rdt_span){head.p, i}, &back, &n));
}

static void
refused(void **state)
{
    struct rdt_backup_info cases[7];
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++)
        cases[i] = sample();
    cases[0].version[0] = '\0';
    cases[1].version[0] = '\n';
    cases[2].root.n = 0;
    cases[3].root.n = RDT_ROOT_FILE_MAX + 1;
    cases[4].store.n = RDT_BACKUP_STORE_MAX + 1;
    cases[5].checkpoint_n--;
    cases[6].created_ms = UINT64_MAX;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        RDT_BUF head = {0};
        struct rdt_backup_info back;
        size_t n;
        put(&cases[i], &head);
        if (rdt_backup_head(rdt_buf_span(&head), &back, &n))
            fail_msg("case %zu", i);
    }
    struct rdt_backup_info none = sample(), back;
    RDT_BUF head = {0};
    size_t n;
    none.checkpoint_n = 0; /* of the first second */
    put(&none, &head);
    assert_true(rdt_backup_head(rdt_buf_span(&head), &back, &n));
    head.p[0] ^= 1;
    assert_false(rdt_backup_head(rdt_buf_span(&head), &back, &n));
}

static void
hashed_by_pieces(void **state)
{
    struct backup_hash one = {.chunks = {0}}, two = {.chunks = {0}}, none = {.chunks = {0}};
    uint8_t a[32], b[32], c[32], twice[64], want[32];
    (void)state;
    assert_int_equal(rdt_backup_hash_add(&one, rdt_span_str("ab"), NULL), RDT_OK);
    assert_int_equal(rdt_backup_hash_end(&one, a, NULL), RDT_OK);
    assert_int_equal(rdt_backup_hash_add(&two, rdt_span_str("a"), NULL), RDT_OK);
    assert_int_equal(rdt_backup_hash_add(&two, rdt_span_str("b"), NULL), RDT_OK);
    assert_int_equal(rdt_backup_hash_end(&two, b, NULL), RDT_OK);
    assert_int_equal(rdt_backup_hash_end(&none, c, NULL), RDT_OK);
    assert_memory_not_equal(a, b, 32); /* where pieces end counts */
    assert_int_equal(rdt_sha256(rdt_span_str("a"), twice, NULL), RDT_OK);
    assert_int_equal(rdt_sha256(rdt_span_str("b"), twice + 32, NULL), RDT_OK);
    assert_int_equal(rdt_sha256((struct rdt_span){twice, 64}, want, NULL), RDT_OK);
    assert_memory_equal(b, want, 32);
}

static void
keyed(void **state)
{
    RDT_SECRET rows = {0}, other = {0};
    uint8_t a[32], b[32];
    static const uint8_t here[16] = {1}, there[16] = {2};
    (void)state;
    assert_int_equal(rdt_secret_new(&rows, 32, NULL), RDT_OK);
    assert_int_equal(rdt_secret_new(&other, 32, NULL), RDT_OK);
    other.p[0] = 1;
    assert_int_equal(rdt_backup_mac(&rows, here, rdt_span_str("head"), a, NULL), RDT_OK);
    assert_int_equal(rdt_backup_mac(&other, here, rdt_span_str("head"), b, NULL), RDT_OK);
    assert_memory_not_equal(a, b, 32);
    assert_int_equal(rdt_backup_mac(&rows, there, rdt_span_str("head"), b, NULL), RDT_OK);
    assert_memory_not_equal(a, b, 32);
    assert_int_equal(rdt_backup_mac(&rows, here, rdt_span_str("heaD"), b, NULL), RDT_OK);
    assert_memory_not_equal(a, b, 32);
    assert_int_equal(rdt_backup_mac(&rows, here, rdt_span_str("head"), b, NULL), RDT_OK);
    assert_memory_equal(a, b, 32);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(refused),
        cmocka_unit_test(hashed_by_pieces),
        cmocka_unit_test(keyed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
