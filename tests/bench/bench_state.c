/*
 * What a start and a look-up cost with many keys: a store of N keys, each with its row and that of
 * its version, is loaded by kms/state.h, and scanned bare by SQLite in the same run. Times are
 * printed, not judged: seconds, bytes of memory a key, nanoseconds a look-up, a step of a walk, a
 * commit's wait; ratio load / scan. REDOUBT_BENCH_QUICK=1 makes it brief. Prints TAP.
 */
#include "kms/state.h"

#include <malloc.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define BATCH 32000 /* keys of a commit: two rows each, RDT_STORE_CHANGES_MAX rows at most */

struct bench {
    char dir[64], path[96];
    struct rdt_store *store;
    struct rdt_worker *worker;
    struct rdt_secret rows, digest;
    struct rdt_state *state;
    size_t n_keys;
};

static unsigned number;
static uint64_t seed = 88172645463325252U;

static void
must(bool ok)
{
    if (ok)
        return;
    printf("Bail out! a call failed\n");
    exit(1);
}

static void
must_be_ok(enum rdt_code code, const struct rdt_err *err)
{
    if (code == RDT_OK)
        return;
    printf("Bail out! %s\n", err->text);
    exit(1);
}

static void
tell(bool ok, const char *what, size_t n)
{
    printf("%s %u - %zu keys: %s\n", ok ? "ok" : "not ok", ++number, n, what);
    fflush(stdout);
}

static double
now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static size_t
allocated(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

static uint64_t
next_random(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    return seed ^= seed << 17;
}

/* Key number i has the id that a bijective mix gives it: as good as random, and known again. */
static void
id_of(uint64_t i, uint8_t id[static 16])
{
    uint64_t mixed[2] = {(i + 1) * UINT64_C(0x9e3779b97f4a7c15), (i + 1) * UINT64_C(0xd6e8feb8665)};
    mixed[0] ^= mixed[0] >> 29;
    memcpy(id, mixed, 16);
}

static void
add_key(struct rdt_tx *tx, uint64_t i)
{
    uint8_t id[20] = {0}, wrapped[RDT_WRAPPED_LEN];
    memset(wrapped, (int)i, sizeof wrapped);
    id_of(i, id);
    id[19] = 1;
    struct rdt_key *key = rdt_tx_add(tx, RDT_KIND_KEY, (struct rdt_span){id, 16});
    struct rdt_version *version = rdt_tx_add(tx, RDT_KIND_VERSION, (struct rdt_span){id, 20});
    must(key != NULL && version != NULL);
    memcpy(key->id, id, 16);
    key->state = RDT_KEY_ENABLED;
    key->spec = key->usage = key->origin = 1;
    key->created_ms = INT64_C(1796083200000) + (int64_t)i;
    key->current = 1;
    key->rotation_days = 365;
    key->next_rotation_ms = key->created_ms + INT64_C(31536000000);
    memcpy(version->key, id, 16);
    memcpy(version->material_id, id, 16);
    version->number = version->domain = 1;
    version->state = RDT_VERSION_CURRENT;
    version->rotation = RDT_ROTATION_FIRST;
    version->created_ms = version->state_ms = key->created_ms;
    must(rdt_bytes_set(&version->wrapped, (struct rdt_span){wrapped, sizeof wrapped}));
}

static void
load(struct bench *b)
{
    struct rdt_err err;
    const struct rdt_state_keys keys = {&b->rows, &b->digest};
    must_be_ok(rdt_state_load(b->store, &keys, b->worker, &b->state, &err), &err);
}

static void
commit(struct bench *b, struct rdt_tx *tx)
{
    uint64_t revision;
    uint8_t digest[32];
    struct rdt_err err;
    must_be_ok(rdt_tx_seal(tx, b->worker, &revision, digest, &err), &err);
    must_be_ok(rdt_tx_commit(tx, b->store, NULL, &err), &err);
}

static void
make(struct bench *b, size_t n_keys)
{
    struct rdt_tx *tx;
    double start = now_s();
    for (size_t i = 0; i < n_keys;) {
        must(rdt_tx_begin(b->state, &tx, NULL) == RDT_OK);
        for (size_t end = i + BATCH < n_keys ? i + BATCH : n_keys; i < end; i++)
            add_key(tx, i);
        commit(b, tx);
    }
    b->n_keys = n_keys;
    printf("# %zu keys: made in %.2f s\n", n_keys, now_s() - start);
}

static void
bench_open(struct bench *b)
{
    const char *tmp = getenv("TMPDIR");
    snprintf(b->dir, sizeof b->dir, "%.40s/redoubt-bench-XXXXXX", tmp == NULL ? "/tmp" : tmp);
    must(mkdtemp(b->dir) != NULL);
    snprintf(b->path, sizeof b->path, "%s/store", b->dir);
    must(rdt_worker_open(&b->worker, NULL) == RDT_OK);
    must(rdt_secret_new(&b->rows, RDT_KEY_LEN, NULL) == RDT_OK);
    must(rdt_secret_new(&b->digest, RDT_KEY_LEN, NULL) == RDT_OK);
    memset(b->rows.p, 1, RDT_KEY_LEN);
    memset(b->digest.p, 2, RDT_KEY_LEN);
    const struct rdt_store_opts opts = {.path = b->path, .create = true};
    must(rdt_store_open(&opts, &b->store, NULL) == RDT_OK);
    load(b);
}

static void
bench_close(struct bench *b)
{
    rdt_state_free(b->state);
    rdt_store_close(b->store);
    rdt_worker_close(b->worker);
    rdt_secret_wipe(&b->rows);
    rdt_secret_wipe(&b->digest);
    unlink(b->path);
    must(rmdir(b->dir) == 0);
}

/* What SQLite alone takes to hand out the same bytes in the same order. */
static double
bare_scan(const struct bench *b, size_t *n)
{
    sqlite3 *db;
    sqlite3_stmt *rows;
    size_t bytes = 0;
    double start = now_s();
    must(sqlite3_open_v2(b->path, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK);
    must(sqlite3_prepare_v2(db,
                            "SELECT kind, id, revision, body, mac FROM rdt_row"
                            " ORDER BY kind, id",
                            -1, &rows, NULL) == SQLITE_OK);
    for (*n = 0; sqlite3_step(rows) == SQLITE_ROW; ++*n) {
        bytes += (size_t)sqlite3_column_int64(rows, 0) + (size_t)sqlite3_column_int64(rows, 2);
        for (int column = 1; column <= 4; column++)
            if (column != 2 && sqlite3_column_blob(rows, column) != NULL)
                bytes += (size_t)sqlite3_column_bytes(rows, column);
    }
    sqlite3_finalize(rows);
    must(bytes != 0 && sqlite3_close(db) == SQLITE_OK);
    return now_s() - start;
}

static void
measure_load(struct bench *b)
{
    size_t n_rows, before = 0;
    double best = 1e9, bare = 1e9;
    rdt_state_free(b->state);
    rdt_store_close(b->store);
    for (int round = 0; round < 3; round++) { /* the store is closed: its log is in the file */
        double s = bare_scan(b, &n_rows);
        bare = s < bare ? s : bare;
    }
    tell(n_rows == 2 * b->n_keys, "a bare scan sees every row", b->n_keys);
    const struct rdt_store_opts opts = {.path = b->path};
    must(rdt_store_open(&opts, &b->store, NULL) == RDT_OK);
    for (int round = 0; round < 3; round++) {
        if (round != 0)
            rdt_state_free(b->state);
        before = allocated();
        double start = now_s();
        load(b);
        double s = now_s() - start;
        best = s < best ? s : best;
    }
    printf("# %zu keys: loaded and checked in %.3f s, bare scan %.3f s, ratio %.2f\n", b->n_keys,
           best, bare, best / bare);
    printf("# %zu keys: %zu bytes of memory a key (with its version)\n", b->n_keys,
           (allocated() - before) / b->n_keys);
    tell(rdt_state_count(b->state, RDT_KIND_KEY) == b->n_keys &&
             rdt_state_count(b->state, RDT_KIND_VERSION) == b->n_keys,
         "every key and version is there", b->n_keys);
}

/* The least that any index costs: one access to say where the row is, one to look at it. */
static double
bare_get(const struct bench *b, size_t n)
{
    struct rdt_span id = {NULL, 0};
    const struct rdt_key **keys = malloc(b->n_keys * sizeof *keys);
    size_t sum = 0;
    must(keys != NULL);
    for (size_t i = 0; i < b->n_keys; i++)
        keys[i] = rdt_view_next((struct rdt_view){b->state, NULL}, RDT_KIND_KEY, id, &id);
    double start = now_s();
    for (size_t i = 0; i < n; i++)
        sum += keys[(next_random() + (sum & 1)) % b->n_keys]->state;
    double s = now_s() - start;
    must(sum == n * RDT_KEY_ENABLED);
    free(keys);
    return s * 1e9 / (double)n;
}

static void
measure_get(struct bench *b, size_t n)
{
    double bare = bare_get(b, n);
    struct rdt_view view = {b->state, NULL};
    uint8_t(*ids)[16] = malloc(n * sizeof *ids);
    size_t found = 0;
    must(ids != NULL);
    for (size_t i = 0; i < n; i++)
        id_of(next_random() % b->n_keys, ids[i]);
    double start = now_s();
    for (size_t i = 0; i < n; i++)
        found += rdt_view_get(view, RDT_KIND_KEY, (struct rdt_span){ids[i], 16}) != NULL;
    double keys = (now_s() - start) * 1e9 / (double)n;
    start = now_s();
    for (size_t i = 0; i < n; i++)
        found += rdt_view_version(view, ids[i], 1)->state == RDT_VERSION_CURRENT;
    double versions = now_s() - start;
    printf("# %zu keys: get of a random version %.0f ns\n", b->n_keys, versions * 1e9 / (double)n);
    printf("# %zu keys: get of a random key %.0f ns, two bare accesses %.0f ns, ratio %.2f\n",
           b->n_keys, keys, bare, keys / bare);
    tell(found == 2 * n, "every look-up finds its row", b->n_keys);
    free(ids);
}

static void
measure_walk(struct bench *b)
{
    struct rdt_view view = {b->state, NULL};
    struct rdt_span id = {NULL, 0};
    size_t n = 0;
    double start = now_s();
    while (rdt_view_next(view, RDT_KIND_KEY, id, &id) != NULL)
        n++;
    printf("# %zu keys: a step of a walk in order %.0f ns\n", b->n_keys,
           (now_s() - start) * 1e9 / (double)n);
    tell(n == b->n_keys, "a walk passes every key", b->n_keys);
}

/* One new key, then one changed, in a store that is full: what a client waits for, sync included.
 */
static void
measure_commit(struct bench *b, size_t n)
{
    struct rdt_tx *tx;
    double start = now_s();
    for (size_t i = 0; i < n; i++) {
        must(rdt_tx_begin(b->state, &tx, NULL) == RDT_OK);
        add_key(tx, b->n_keys + i);
        commit(b, tx);
    }
    double added = now_s() - start;
    start = now_s();
    for (size_t i = 0; i < n; i++) {
        uint8_t id[16];
        id_of(i, id);
        must(rdt_tx_begin(b->state, &tx, NULL) == RDT_OK);
        struct rdt_key *key = rdt_tx_edit(tx, RDT_KIND_KEY, (struct rdt_span){id, 16});
        must(key != NULL);
        key->state = RDT_KEY_DISABLED;
        commit(b, tx);
    }
    printf("# %zu keys: commit of a new key %.0f us, of a changed one %.0f us\n", b->n_keys,
           added * 1e6 / (double)n, (now_s() - start) * 1e6 / (double)n);
    tell(rdt_state_count(b->state, RDT_KIND_KEY) == b->n_keys + n, "commits are published",
         b->n_keys);
}

int
main(void)
{
    const char *brief = getenv("REDOUBT_BENCH_QUICK");
    bool quick = brief != NULL && strcmp(brief, "1") == 0;
    static const size_t sizes[] = {10000, 1000000};
    for (size_t i = 0; i < (quick ? 1 : RDT_COUNT(sizes)); i++) {
        struct bench b = {.n_keys = 0};
        bench_open(&b);
        make(&b, quick ? 1000 : sizes[i]);
        measure_load(&b);
        measure_get(&b, quick ? 1000 : 2000000);
        measure_walk(&b);
        measure_commit(&b, quick ? 3 : 100);
        bench_close(&b);
    }
    printf("1..%u\n", number);
    return 0;
}
