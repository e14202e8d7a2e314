#include "kms/index_internal.h"

#include "base/compiler.h"

#include "../test.h"

#include <stdlib.h>

/* SipHash-2-4 with key 00..0f of 00, 00 01...: appendix A of the paper has the one of 15 bytes, the
 * reference implementation's vectors.h the others. */
static const struct {
    size_t n;
    uint64_t hash;
} vectors[] = {
    {0,  UINT64_C(0x726fdb47dd0e0e31)},
    {1,  UINT64_C(0x74f839c593dc67fd)},
    {7,  UINT64_C(0xab0200f58b01d137)},
    {8,  UINT64_C(0x93f5f5799a932462)},
    {15, UINT64_C(0xa129ca6149be45e5)},
    {16, UINT64_C(0x3f2acc7f57c29bdb)},
};

static void
test_hash(void **unused)
{
    (void)unused;
    uint8_t key[16], in[64];
    for (size_t i = 0; i < sizeof in; i++)
        in[i] = (uint8_t)i;
    memcpy(key, in, sizeof key);
    for (size_t i = 0; i < RDT_COUNT(vectors); i++)
        assert_true(rdt_index_hash(key, (struct rdt_span){in, vectors[i].n}) == vectors[i].hash);
    key[0] ^= 1;
    assert_false(rdt_index_hash(key, (struct rdt_span){in, 16}) == vectors[5].hash);
}

struct item {
    bool in;
    struct rdt_index_node node;
    uint8_t id[8]; /* right behind it */
};

#define ITEMS 4096

static uint64_t
hash_of(struct rdt_span id, unsigned bits)
{
    static const uint8_t key[16] = {1};
    return rdt_index_hash(key, id) >> (64 - bits); /* few bits: collisions in table and tree */
}

static void
insert(struct rdt_index *index, struct item *item)
{
    assert_true(rdt_index_room(index, 1));
    rdt_index_insert(index, &item->node);
    item->in = true;
}

/* Walks the whole index and asks for each id and each gap. */
static void
expect(const struct rdt_index *index, const struct item *items)
{
    const struct rdt_index_node *at = index->first;
    size_t n = 0;
    for (size_t i = 0; i < ITEMS; i++) {
        struct rdt_span id = rdt_index_id(&items[i].node);
        assert_ptr_equal(rdt_index_get(index, items[i].node.hash, id),
                         items[i].in ? &items[i].node : NULL);
        if (items[i].in) {
            assert_ptr_equal(at, &items[i].node);
            at = at->next;
            n++;
        }
        assert_ptr_equal(rdt_index_after(index, items[i].node.hash, id), at);
    }
    assert_null(at);
    assert_int_equal(index->n, n);
}

static void
churn(unsigned bits, int order)
{
    struct item *items = calloc(ITEMS, sizeof *items);
    struct rdt_index index = {0};
    srandom(bits);
    for (unsigned i = 0; i < ITEMS; i++) {
        items[i].id[0] = (uint8_t)(i >> 8);
        items[i].id[1] = (uint8_t)i;
        items[i].node.id_n = 2 + i % 3; /* prefixes of each other do not occur, lengths do */
        items[i].node.hash = hash_of(rdt_index_id(&items[i].node), bits);
    }
    expect(&index, items);
    for (unsigned i = 0; i < ITEMS; i++) {
        unsigned k = order == 0 ? i : order == 1 ? ITEMS - 1 - i : i * 1237 % ITEMS;
        insert(&index, &items[k]);
    }
    expect(&index, items);
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < ITEMS; i++) {
            struct item *item = &items[random() % ITEMS];
            if (!item->in) {
                insert(&index, item);
            } else {
                rdt_index_remove(&index, &item->node);
                item->in = false;
            }
        }
        expect(&index, items);
    }
    for (unsigned i = 0; i < ITEMS; i++)
        if (items[i].in) {
            rdt_index_remove(&index, &items[i].node);
            items[i].in = false;
        }
    expect(&index, items);
    assert_null(index.root);
    rdt_index_done(&index);
    free(items);
}

static void
test_churn(void **unused)
{
    (void)unused;
    churn(64, 0);
    churn(64, 1);
    churn(64, 2);
    churn(5, 2);
}

static size_t
depth(const struct rdt_index_node *node)
{
    if (node == NULL)
        return 0;
    size_t left = depth(node->left), right = depth(node->right);
    return 1 + (left > right ? left : right);
}

/* Ids in order, as at a start: the tree must not become a list. */
static void
test_depth(void **unused)
{
    (void)unused;
    size_t n = 100000;
    struct item *items = calloc(n, sizeof *items);
    struct rdt_index index = {0};
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < 4; k++)
            items[i].id[k] = (uint8_t)(i >> (24 - 8 * k));
        items[i].node.id_n = 4;
        items[i].node.hash = hash_of(rdt_index_id(&items[i].node), 64);
        insert(&index, &items[i]);
    }
    assert_in_range(depth(index.root), 17, 70); /* 2 ln n is 23, the depth about twice that */
    rdt_index_done(&index);
    free(items);
}

static void
test_growth(void **unused)
{
    (void)unused;
    struct rdt_index index = {0};
    size_t n_slots = 1;
    struct item item = {.node = {.hash = 5}};
    item.node.id_n = 1;
    struct rdt_index_slot *slots = rdt_index_grown(&index, 100, &n_slots);
    assert_non_null(slots);
    assert_int_equal(n_slots, 256);
    assert_null(rdt_index_adopt(&index, slots, n_slots));
    rdt_index_insert(&index, &item.node);
    assert_null(rdt_index_grown(&index, 99, &n_slots));
    assert_int_equal(n_slots, 0);
    slots = rdt_index_grown(&index, 1000, &n_slots);
    free(rdt_index_adopt(&index, slots, n_slots));
    assert_ptr_equal(rdt_index_get(&index, 5, rdt_index_id(&item.node)), &item.node);
    rdt_index_done(&index);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_hash), cmocka_unit_test(test_churn),
                                       cmocka_unit_test(test_depth), cmocka_unit_test(test_growth)};
    return cmocka_run_group_tests_name("kms/index", tests, NULL, NULL);
}
