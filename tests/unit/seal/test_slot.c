/* Two lists of recipients: the newest that verifies counts, one may be torn, none is forged. */
#include "whole.h"

#include "../test.h"

static struct rdt_worker *worker;
static struct rdt_secret file_key, private_key, other_private;
static uint8_t id[RDT_SEAL_FILE_ID_LEN], public_key[32], other_public[32];
static struct rdt_buf core;

static int
set_up(void **state)
{
    (void)state;
    return rdt_worker_open(&worker, NULL) != RDT_OK ||
           rdt_secret_new(&file_key, RDT_KEY_LEN, NULL) != RDT_OK ||
           rdt_random_key(worker, &file_key, NULL) != RDT_OK ||
           rdt_random(worker, id, sizeof id, NULL) != RDT_OK ||
           rdt_hpke_keypair(worker, &private_key, public_key, NULL) != RDT_OK ||
           rdt_hpke_keypair(worker, &other_private, other_public, NULL) != RDT_OK ||
           rdt_seal_core_make(id, RDT_SEAL_SLOT_MIN, NULL, &core) != RDT_SEAL_OK;
}

static int
tear_down(void **state)
{
    (void)state;
    rdt_secret_wipe(&file_key);
    rdt_secret_wipe(&private_key);
    rdt_secret_wipe(&other_private);
    rdt_buf_done(&core);
    rdt_worker_close(worker);
    return 0;
}

/* A slot for some of the two key pairs. */
static void
add_slot(struct rdt_buf *head, uint64_t generation, bool mine, bool others)
{
    RDT_BUF stanzas = {0};
    struct rdt_span a = {public_key, 32}, b = {other_public, 32};
    if (mine)
        assert_int_equal(rdt_seal_add_x25519(worker, rdt_buf_span(&core), &file_key, a, &stanzas),
                         RDT_SEAL_OK);
    if (others)
        assert_int_equal(rdt_seal_add_x25519(worker, rdt_buf_span(&core), &file_key, b, &stanzas),
                         RDT_SEAL_OK);
    assert_int_equal(rdt_seal_slot_make(worker, rdt_buf_span(&core), &file_key, generation,
                                        rdt_buf_span(&stanzas), head),
                     RDT_SEAL_OK);
}

static void
begin(struct rdt_buf *head)
{
    head->n = 0;
    rdt_buf_add(head, core.p, core.n);
}

/* The same slot once more, as a writer begins. */
static void
again(struct rdt_buf *head)
{
    uint8_t slot[RDT_SEAL_SLOT_MIN];
    memcpy(slot, head->p + head->n - sizeof slot, sizeof slot);
    rdt_buf_add(head, slot, sizeof slot);
}

static enum rdt_seal_fault
by_x25519(void *context, const struct rdt_seal_head *head, const struct rdt_seal_stanza *stanza,
          struct rdt_secret *out)
{
    return rdt_seal_get_x25519(worker, head, stanza, context, out);
}

/* What comes of it for a private key; the generation that counts. */
static enum rdt_seal_fault
unlock(const struct rdt_buf *bytes, struct rdt_secret *private, uint64_t oldest,
       uint64_t *generation)
{
    RDT_SECRET got = {0};
    struct rdt_seal_head head;
    struct rdt_seal_at at = {.tried = 0};
    const struct whole_keys keys = {by_x25519, private, oldest};
    enum rdt_seal_fault fault = rdt_seal_head_read(rdt_buf_span(bytes), &head);
    if (fault == RDT_SEAL_OK)
        fault = whole_unlock(worker, &head, &keys, &at, &got);
    *generation = fault == RDT_SEAL_OK ? head.slots[at.slot].generation : 0;
    if (fault == RDT_SEAL_OK)
        assert_true(rdt_secret_equal(&got, &file_key));
    return fault;
}

static void
the_newest_counts(void **state)
{
    static const struct {
        const char *name;
        struct {
            uint64_t generation;
            bool mine, others;
        } slots[2];
        uint64_t oldest;
        enum rdt_seal_fault want;
        uint64_t generation;
    } cases[] = {
        {"the second is newer", {{1, 1, 0}, {2, 1, 0}}, 0, RDT_SEAL_OK,        2},
        {"the first is newer",  {{3, 1, 0}, {2, 1, 0}}, 0, RDT_SEAL_OK,        3},
        {"behind the other's",  {{1, 1, 1}, {2, 1, 1}}, 2, RDT_SEAL_OK,        2},
        {"taken off the list",  {{1, 1, 1}, {2, 0, 1}}, 0, RDT_SEAL_REMOVED,   0},
        {"put on the list",     {{1, 0, 1}, {2, 1, 1}}, 0, RDT_SEAL_OK,        2},
        {"never on a list",     {{1, 0, 1}, {2, 0, 1}}, 0, RDT_SEAL_RECIPIENT, 0},
        {"they disagree",       {{2, 1, 0}, {2, 1, 1}}, 0, RDT_SEAL_SLOTS,     0},
        {"rolled back",         {{1, 1, 0}, {2, 1, 0}}, 3, RDT_SEAL_ROLLBACK,  0},
        {"the oldest allowed",  {{1, 1, 0}, {3, 1, 0}}, 3, RDT_SEAL_OK,        3},
    };
    RDT_BUF head = {0};
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        uint64_t generation;
        begin(&head);
        for (size_t j = 0; j < 2; j++)
            add_slot(&head, cases[i].slots[j].generation, cases[i].slots[j].mine,
                     cases[i].slots[j].others);
        enum rdt_seal_fault got = unlock(&head, &private_key, cases[i].oldest, &generation);
        if (got != cases[i].want || generation != cases[i].generation)
            fail_msg("%s: %d, generation %d", cases[i].name, (int)got, (int)generation);
    }
}

/* Whichever bit of the newer slot is another, the older one serves, and nobody is fooled. */
static void
one_torn_slot(void **state)
{
    RDT_BUF head = {0};
    uint64_t generation;
    (void)state;
    begin(&head);
    add_slot(&head, 1, true, false);
    add_slot(&head, 2, true, false);
    size_t from = core.n + RDT_SEAL_SLOT_MIN;
    for (size_t bit = 8 * from; bit < 8 * head.n; bit += 7) {
        head.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(unlock(&head, &private_key, 0, &generation), RDT_SEAL_OK);
        assert_int_equal(generation, 1);
        assert_int_equal(unlock(&head, &private_key, 2, &generation), RDT_SEAL_ROLLBACK);
        head.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t n = 0; n < RDT_SEAL_SLOT_MIN; n += 37) { /* written half: zeroes behind */
        RDT_BUF torn = {0};
        rdt_buf_add(&torn, head.p, head.n);
        memset(torn.p + from + n, 0, RDT_SEAL_SLOT_MIN - n);
        assert_int_equal(unlock(&torn, &private_key, 0, &generation), RDT_SEAL_OK);
        assert_int_equal(generation, 1);
    }
}

static void
both_torn(void **state)
{
    RDT_BUF head = {0};
    uint64_t generation;
    (void)state;
    begin(&head);
    add_slot(&head, 1, true, false);
    add_slot(&head, 2, true, false);
    head.p[core.n + 300] ^= 1; /* what fills a slot is zero */
    head.p[head.n - 40] ^= 1;
    assert_int_equal(unlock(&head, &private_key, 0, &generation), RDT_SEAL_HEAD);
    head.p[core.n + 300] ^= 1;
    head.p[core.n + RDT_SEAL_SLOT_MIN - 1] ^= 1; /* the MAC */
    assert_int_equal(unlock(&head, &private_key, 0, &generation), RDT_SEAL_KEY);
    head.p[5 + 9] ^= 1; /* the file id */
    assert_int_equal(unlock(&head, &private_key, 0, &generation), RDT_SEAL_RECIPIENT);
}

/* The core is in the MAC of both slots. */
static void
another_core(void **state)
{
    RDT_BUF head = {0};
    RDT_BUF other = {0};
    RDT_BUF stanzas = {0};
    struct rdt_seal_policy policy = {.level = RDT_SEAL_LOW};
    uint64_t generation;
    (void)state;
    begin(&head);
    add_slot(&head, 1, true, false);
    assert_int_equal(rdt_seal_core_make(id, RDT_SEAL_SLOT_MIN, &policy, &other), RDT_SEAL_OK);
    for (int i = 0; i < 2; i++)
        rdt_buf_add(&other, head.p + core.n, RDT_SEAL_SLOT_MIN);
    assert_int_equal(unlock(&other, &private_key, 0, &generation), RDT_SEAL_KEY);
}

static void
same_slots_are_tried_once(void **state)
{
    RDT_BUF head = {0};
    struct rdt_seal_head read;
    struct rdt_seal_at at = {.tried = 0};
    struct rdt_seal_stanza stanza;
    size_t n = 0;
    (void)state;
    begin(&head);
    add_slot(&head, 1, true, true);
    again(&head);
    assert_true(rdt_buf_ok(&head));
    assert_int_equal(rdt_seal_head_read(rdt_buf_span(&head), &read), RDT_SEAL_OK);
    while (rdt_seal_next(&read, &at, &stanza))
        n++;
    assert_int_equal(n, 2);
    assert_false(rdt_seal_next(&read, &at, &stanza));
}

/* A reseal, stopped between its two writes, and gone on with. */
static void
resealed(void **state)
{
    RDT_BUF head = {0};
    RDT_BUF stanzas = {0};
    uint64_t generation;
    (void)state;
    begin(&head);
    add_slot(&head, 1, true, false);
    again(&head);
    assert_int_equal(rdt_seal_add_x25519(worker, rdt_buf_span(&core), &file_key,
                                         (struct rdt_span){other_public, 32}, &stanzas),
                     RDT_SEAL_OK);
    for (uint64_t round = 2; round < 5; round++) {
        struct rdt_seal_head read;
        struct rdt_seal_change change = {.generation = 0};
        struct rdt_seal_at at = {.tried = 0};
        RDT_SECRET got = {0};
        const struct whole_keys keys = {by_x25519, round == 2 ? &private_key : &other_private, 0};
        assert_int_equal(rdt_seal_head_read(rdt_buf_span(&head), &read), RDT_SEAL_OK);
        assert_int_equal(whole_unlock(worker, &read, &keys, &at, &got), RDT_SEAL_OK);
        assert_int_equal(rdt_seal_reseal(worker, &read, &at, &got, rdt_buf_span(&stanzas), &change),
                         RDT_SEAL_OK);
        assert_int_equal(change.generation, round);
        assert_int_equal(change.at[0] + change.at[1], 2 * core.n + RDT_SEAL_SLOT_MIN);
        assert_int_equal(change.at[0], rdt_seal_slot_at(&read, 1 - at.slot));
        memcpy(head.p + change.at[0], change.slot.p, change.slot.n);
        assert_int_equal(unlock(&head, &other_private, round, &generation), RDT_SEAL_OK);
        assert_int_equal(unlock(&head, &private_key, 0, &generation),
                         round == 2 ? RDT_SEAL_REMOVED : RDT_SEAL_RECIPIENT);
        if (round == 3) { /* killed before the second write */
            rdt_buf_done(&change.slot);
            continue;
        }
        memcpy(head.p + change.at[1], change.slot.p, change.slot.n);
        assert_int_equal(unlock(&head, &other_private, round, &generation), RDT_SEAL_OK);
        assert_int_equal(unlock(&head, &private_key, 0, &generation), RDT_SEAL_RECIPIENT);
        rdt_buf_done(&change.slot);
    }
}

static void
what_cannot_be_a_slot(void **state)
{
    RDT_BUF stanzas = {0};
    RDT_BUF out = {0};
    struct rdt_argon cost = {RDT_ARGON_MEMORY_MIN, 1, 1, {0}};
    struct rdt_span c = rdt_buf_span(&core), a = {public_key, 32};
    RDT_SECRET passphrase = {0};
    struct rdt_seal_head head = {.core = c};
    struct rdt_seal_change change = {.generation = 0};
    struct rdt_seal_at at = {.tried = 0};
    (void)state;
    assert_int_equal(rdt_seal_slot_make(worker, c, &file_key, 1, (struct rdt_span){NULL, 0}, &out),
                     RDT_SEAL_USAGE);
    for (int i = 0; i < 4; i++)
        assert_int_equal(rdt_seal_add_x25519(worker, c, &file_key, a, &stanzas), RDT_SEAL_OK);
    assert_int_equal(rdt_seal_slot_make(worker, c, &file_key, 0, rdt_buf_span(&stanzas), &out),
                     RDT_SEAL_USAGE);
    assert_int_equal(rdt_seal_slot_make(worker, c, &file_key, 1, rdt_buf_span(&stanzas), &out),
                     RDT_SEAL_OK);
    out.n = 0;
    assert_int_equal(rdt_seal_add_x25519(worker, c, &file_key, a, &stanzas), RDT_SEAL_OK);
    assert_int_equal(rdt_seal_slot_make(worker, c, &file_key, 1, rdt_buf_span(&stanzas), &out),
                     RDT_SEAL_LIMIT);
    stanzas.n = 0;
    assert_int_equal(rdt_secret_copy(&passphrase, rdt_span_str("correct horse"), NULL), RDT_OK);
    assert_int_equal(rdt_seal_add_passphrase(worker, c, &file_key, &passphrase, &cost, &stanzas),
                     RDT_SEAL_OK);
    assert_int_equal(rdt_seal_slot_make(worker, c, &file_key, 1, rdt_buf_span(&stanzas), &out),
                     RDT_SEAL_OK);
    out.n = 0;
    assert_int_equal(rdt_seal_add_x25519(worker, c, &file_key, a, &stanzas), RDT_SEAL_OK);
    assert_int_equal(rdt_seal_slot_make(worker, c, &file_key, 1, rdt_buf_span(&stanzas), &out),
                     RDT_SEAL_USAGE);
    stanzas.n -= 1;
    assert_int_equal(rdt_seal_slot_make(worker, c, &file_key, 1, rdt_buf_span(&stanzas), &out),
                     RDT_SEAL_USAGE);
    assert_int_equal(out.n, 0);
    head.slots[0].generation = UINT64_MAX;
    assert_int_equal(
        rdt_seal_reseal(worker, &head, &at, &file_key, rdt_buf_span(&stanzas), &change),
        RDT_SEAL_LIMIT);
}

static void
room_for_more(void **state)
{
    (void)state;
    assert_int_equal(rdt_seal_slot_len(115), 4096);
    assert_int_equal(rdt_seal_slot_len(2026), 4096);
    assert_int_equal(rdt_seal_slot_len(2027), 8192);
    assert_int_equal(rdt_seal_slot_len(RDT_SEAL_SLOT_MAX - 44), RDT_SEAL_SLOT_MAX);
    assert_int_equal(rdt_seal_slot_len(RDT_SEAL_SLOT_MAX - 43), 0);
    assert_int_equal(rdt_seal_slot_len(SIZE_MAX), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_newest_counts),
        cmocka_unit_test(one_torn_slot),
        cmocka_unit_test(both_torn),
        cmocka_unit_test(another_core),
        cmocka_unit_test(same_slots_are_tried_once),
        cmocka_unit_test(resealed),
        cmocka_unit_test(what_cannot_be_a_slot),
        cmocka_unit_test(room_for_more),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
