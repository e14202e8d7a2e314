#include "world.h"

#include <pthread.h>
#include <stdatomic.h>

enum { READERS = 3, COMMITS = 120, PAIRS = 40 };

struct reading {
    struct world *w;
    atomic_bool *stop;
    unsigned long rounds;
    bool torn, backward;
};

/* Each commit sets both aliases of every pair to one number, makes or removes a third: a reader
 * that sees half of it finds a pair that differs, or another number of rows than there are. */
static bool
is_whole(struct rdt_view view)
{
    struct rdt_span id = {NULL, 0};
    size_t n = 0;
    uint8_t value = 0;
    for (const struct rdt_alias *a; (a = rdt_view_next(view, RDT_KIND_ALIAS, id, &id)) != NULL;
         n++) {
        if (n == 0)
            value = a->key[0];
        if (a->key[0] != value || rdt_view_get(view, RDT_KIND_ALIAS, id) != a ||
            !rdt_span_is(id, a->name))
            return false;
    }
    return n == rdt_state_count(view.state, RDT_KIND_ALIAS);
}

static void *
read_all(void *user)
{
    struct reading *r = user;
    uint64_t last = 0;
    while (!atomic_load(r->stop)) {
        uint8_t digest[32];
        uint64_t revision;
        rdt_state_published(r->w->state, &revision, digest);
        r->backward = r->backward || revision < last;
        last = revision;
        rdt_state_lock_shared(r->w->state);
        r->torn = r->torn || !is_whole(published(r->w));
        rdt_state_unlock(r->w->state);
        r->rounds++;
    }
    return NULL;
}

static void
name_of(int i, char *out, size_t n)
{
    snprintf(out, n, "alias/%03d", i);
}

/* Readers without a pause all the while: the writer has to come through nevertheless. */
static void
test_readers(void **unused)
{
    (void)unused;
    struct world w;
    atomic_bool stop = false;
    pthread_t threads[READERS];
    struct reading readings[READERS];
    char name[32];
    world_open(&w);
    for (int i = 0; i < READERS; i++) {
        readings[i] = (struct reading){.w = &w, .stop = &stop};
        assert_int_equal(pthread_create(&threads[i], NULL, read_all, &readings[i]), 0);
    }
    for (int k = 1; k <= COMMITS; k++) {
        struct rdt_tx *tx = begin(&w);
        for (int i = 0; i < 2 * PAIRS; i++) {
            name_of(i, name, sizeof name);
            if (k == 1)
                add_alias(tx, name, 1);
            else
                edit_alias(tx, name, (uint8_t)k);
        }
        name_of(1000 + k, name, sizeof name);
        add_alias(tx, name, (uint8_t)k);
        name_of(1000 + k - 1, name, sizeof name);
        assert_int_equal(remove_alias(tx, name), k > 1);
        seal(&w, tx);
        commit(&w, tx);
    }
    atomic_store(&stop, true);
    for (int i = 0; i < READERS; i++) {
        pthread_join(threads[i], NULL);
        assert_false(readings[i].torn);
        assert_false(readings[i].backward);
        print_message("# reader %d: %lu rounds\n", i, readings[i].rounds);
    }
    assert_int_equal(rdt_state_count(w.state, RDT_KIND_ALIAS), 2 * PAIRS + 1);
    world_close(&w);
}

static void
test_freed(void **unused)
{
    (void)unused;
    struct world w;
    world_open(&w);
    rdt_state_free(NULL);
    add_letters(&w, "abc");
    rdt_state_free(w.state);
    w.state = NULL;
    must_load(&w);
    assert_string_equal(aliases(published(&w)), "a1 b2 c3");
    world_close(&w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_readers),
                                       cmocka_unit_test(test_freed)};
    return cmocka_run_group_tests_name("kms/state", tests, NULL, NULL);
}
