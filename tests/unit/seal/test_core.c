/* The core and its policy: what is written is read, what no writer makes is refused. */
#include "whole.h"

#include "../test.h"

static const uint8_t id[RDT_SEAL_FILE_ID_LEN] = {0xf1, 1, 2, 3, 4, 5, 6, 7, 8, 9};
static const uint8_t ring[16] = {9, 9, 9};

static struct rdt_seal_policy
full(void)
{
    return (struct rdt_seal_policy){
        .asset = rdt_span_str("orders, nightly"),
        .level = RDT_SEAL_CRITICAL,
        .created_ms = 1800000000000,
        .expires_ms = 1900000000000,
        .ring = {ring, sizeof ring},
        .coding = RDT_SEAL_ZSTD,
    };
}

/* A core, and two slots that no key verifies but that can be taken apart. */
static void
head_of(const struct rdt_seal_policy *policy, struct rdt_buf *out)
{
    static const uint8_t stanza[] = {200, 0, 1, 7}; /* of a kind that nobody knows */
    static const uint8_t zeroes[RDT_SEAL_SLOT_MIN];
    assert_int_equal(rdt_seal_core_make(id, RDT_SEAL_SLOT_MIN, policy, out), RDT_SEAL_OK);
    for (int i = 0; i < 2; i++) {
        rdt_buf_uint(out, 1, 8);
        rdt_buf_uint(out, sizeof stanza, 4);
        rdt_buf_add(out, stanza, sizeof stanza);
        rdt_buf_add(out, zeroes, RDT_SEAL_SLOT_MIN - 12 - sizeof stanza);
    }
    assert_true(rdt_buf_ok(out));
}

static void
written_and_read(void **state)
{
    RDT_BUF bytes = {0};
    struct rdt_seal_policy policy = full();
    struct rdt_seal_head head;
    size_t len;
    (void)state;
    head_of(&policy, &bytes);
    assert_int_equal(rdt_seal_head_len((struct rdt_span){bytes.p, RDT_SEAL_FRONT_LEN}, &len),
                     RDT_SEAL_OK);
    assert_int_equal(len, bytes.n);
    assert_int_equal(rdt_seal_head_read(rdt_buf_span(&bytes), &head), RDT_SEAL_OK);
    assert_true(rdt_span_eq(head.file_id, (struct rdt_span){id, sizeof id}));
    assert_true(rdt_span_eq(head.policy.asset, policy.asset));
    assert_true(rdt_span_eq(head.policy.ring, policy.ring));
    assert_int_equal(head.policy.level, policy.level);
    assert_int_equal(head.policy.coding, policy.coding);
    assert_int_equal(head.policy.created_ms, policy.created_ms);
    assert_int_equal(head.policy.expires_ms, policy.expires_ms);
    assert_int_equal(head.slot_len, RDT_SEAL_SLOT_MIN);
    assert_int_equal(rdt_seal_slot_at(&head, 0), head.core.n);
    assert_int_equal(rdt_seal_slot_at(&head, 1), head.core.n + RDT_SEAL_SLOT_MIN);
    assert_true(head.slots[0].readable && head.slots[1].readable);
    assert_int_equal(bytes.p[0], 'R');
}

static void
nothing_said(void **state)
{
    RDT_BUF bytes = {0};
    struct rdt_seal_head head;
    (void)state;
    head_of(NULL, &bytes);
    assert_int_equal(rdt_seal_head_read(rdt_buf_span(&bytes), &head), RDT_SEAL_OK);
    assert_int_equal(head.core.n, RDT_SEAL_FRONT_LEN);
    assert_int_equal(head.policy.asset.n + head.policy.ring.n, 0);
    assert_int_equal(head.policy.created_ms + head.policy.expires_ms, 0);
}

/* Every cut, each in memory of its own so that a byte too far is seen. */
static void
cut(void **state)
{
    RDT_BUF bytes = {0};
    struct rdt_seal_policy policy = full();
    struct rdt_seal_head head;
    size_t len;
    (void)state;
    head_of(&policy, &bytes);
    for (size_t n = 0; n < bytes.n; n++) {
        uint8_t *part = malloc(n == 0 ? 1 : n);
        assert_non_null(part);
        memcpy(part, bytes.p, n);
        enum rdt_seal_fault fault = rdt_seal_head_read((struct rdt_span){part, n}, &head);
        assert_int_equal(fault, n < RDT_SEAL_FRONT_LEN ? RDT_SEAL_NOT_RBF1 : RDT_SEAL_HEAD);
        fault = rdt_seal_head_len((struct rdt_span){part, n}, &len);
        assert_int_equal(fault, n < RDT_SEAL_FRONT_LEN ? RDT_SEAL_NOT_RBF1 : RDT_SEAL_OK);
        free(part);
    }
}

static void
what_no_writer_makes(void **state)
{
    static const struct {
        const char *name;
        size_t at;
        const char *bytes;
        size_t n;
        enum rdt_seal_fault want;
    } cases[] = {
        {"magic",                3,  "2",                1, RDT_SEAL_NOT_RBF1},
        {"version",              4,  "\2",               1, RDT_SEAL_VERSION },
        {"suite",                5,  "\2",               1, RDT_SEAL_VERSION },
        {"slot too short",       6,  "\0\0\1\377",       4, RDT_SEAL_HEAD    },
        {"slot too long",        6,  "\0\4\0\1",         4, RDT_SEAL_HEAD    },
        {"slot 2^32 - 1",        6,  "\377\377\377\377", 4, RDT_SEAL_HEAD    },
        {"policy too long",      26, "\20\1",            2, RDT_SEAL_HEAD    },
        {"policy cut",           26, "\0\1",             2, RDT_SEAL_HEAD    },
        {"item of kind 0",       28, "\0",               1, RDT_SEAL_HEAD    },
        {"item of kind 6",       28, "\6",               1, RDT_SEAL_HEAD    },
        {"item of kind 7",       28, "\7",               1, RDT_SEAL_VERSION },
        {"item of a kind twice", 46, "\1",               1, RDT_SEAL_HEAD    },
        {"item too long",        29, "\377\377",         2, RDT_SEAL_HEAD    },
        {"empty item",           29, "\0\0",             2, RDT_SEAL_HEAD    },
        {"asset with an escape", 31, "\33",              1, RDT_SEAL_HEAD    },
        {"level 0",              49, "\0",               1, RDT_SEAL_HEAD    },
        {"level 5",              49, "\5",               1, RDT_SEAL_HEAD    },
        {"a date too late",      53, "\0\100",           2, RDT_SEAL_HEAD    },
    };
    struct rdt_seal_policy policy = full();
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        RDT_BUF bytes = {0};
        struct rdt_seal_head head;
        head_of(&policy, &bytes);
        memcpy(bytes.p + cases[i].at, cases[i].bytes, cases[i].n);
        enum rdt_seal_fault got = rdt_seal_head_read(rdt_buf_span(&bytes), &head);
        if (got != cases[i].want)
            fail_msg("%s: %d", cases[i].name, (int)got);
    }
}

static void
what_cannot_be_written(void **state)
{
    static const uint8_t many[RDT_SEAL_ASSET_MAX + 1] = {[0 ... RDT_SEAL_ASSET_MAX] = 'a'};
    struct rdt_seal_policy p;
    RDT_BUF out = {0};
    (void)state;
#define REFUSED(change)                                                                            \
    p = full();                                                                                    \
    change;                                                                                        \
    assert_int_equal(rdt_seal_core_make(id, RDT_SEAL_SLOT_LEN, &p, &out), RDT_SEAL_USAGE);         \
    assert_int_equal(out.n, 0)
    REFUSED(p.asset = ((struct rdt_span){many, sizeof many}));
    REFUSED(p.asset = rdt_span_str("a\nb"));
    REFUSED(p.level = (enum rdt_seal_level)5);
    REFUSED(p.created_ms = -1);
    REFUSED(p.expires_ms = INT64_MAX);
    REFUSED(p.ring.n = 15);
    p = full();
    assert_int_equal(rdt_seal_core_make(id, RDT_SEAL_SLOT_MIN - 1, &p, &out), RDT_SEAL_USAGE);
    assert_int_equal(rdt_seal_core_make(id, RDT_SEAL_SLOT_MAX + 1, &p, &out), RDT_SEAL_USAGE);
    p.asset.n = RDT_SEAL_ASSET_MAX;
    p.asset.p = many;
    assert_int_equal(rdt_seal_core_make(id, RDT_SEAL_SLOT_MAX, &p, &out), RDT_SEAL_OK);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(written_and_read),
        cmocka_unit_test(nothing_said),
        cmocka_unit_test(cut),
        cmocka_unit_test(what_no_writer_makes),
        cmocka_unit_test(what_cannot_be_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
