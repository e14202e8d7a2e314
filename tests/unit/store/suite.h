/*
 * suite.h - what every engine of the store must do. An engine's test file includes this, gives its
 * struct kind and calls run_suite(). Nothing here looks beneath store/store.h.
 */
#ifndef RDT_STORE_SUITE_H
#define RDT_STORE_SUITE_H

#include "store/store.h"

#include "../test.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* How to make and throw away stores of an engine. */
struct kind {
    const char *name;
    struct rdt_store_opts (*fresh)(void); /* one that is not there yet, create set */
    void (*drop)(const struct rdt_store_opts *opts);
    const char *(*copy_path)(void); /* where a copy may go */
    struct rdt_store_opts (*of_copy)(const char *path);
};

static const struct kind *kind;

struct fixture {
    struct rdt_store_opts opts;
    struct rdt_store *store;
};

static int
suite_setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->opts = kind->fresh();
    struct rdt_err err = {0};
    if (rdt_store_open(&f->opts, &f->store, &err) != RDT_OK)
        print_message("# %s\n", err.text);
    f->opts.create = false;
    *state = f;
    return f->store == NULL;
}

static int
suite_teardown(void **state)
{
    struct fixture *f = *state;
    rdt_store_close(f->store);
    kind->drop(&f->opts);
    free(f);
    return 0;
}

static void
reopen(struct fixture *f)
{
    struct rdt_err err = {0};
    rdt_store_close(f->store);
    f->store = NULL;
    enum rdt_code rc = rdt_store_open(&f->opts, &f->store, &err);
    if (rc != RDT_OK)
        print_message("# %s\n", err.text);
    assert_int_equal(rc, RDT_OK);
}

/* ---- small words for rows ---- */

static struct rdt_row
row(uint16_t row_kind, const char *id, uint64_t revision, const char *body)
{
    struct rdt_row r = {.kind = row_kind, .id = rdt_span_str(id), .revision = revision};
    if (body != NULL)
        r.body = rdt_span_str(body);
    memset(r.mac, (int)(row_kind + revision), sizeof r.mac);
    return r;
}

static struct rdt_outbox
entry(uint8_t id, const char *record)
{
    struct rdt_outbox e = {.record = rdt_span_str(record)};
    memset(e.id, id, sizeof e.id);
    memset(e.mac, id ^ 0xff, sizeof e.mac);
    return e;
}

/* Everything in the store as text: one word an entry. */
static enum rdt_code
row_text(void *user, const struct rdt_row *r, struct rdt_err *err)
{
    struct rdt_buf *out = user;
    (void)err;
    rdt_buf_fmt(out, "%u/%.*s@%llu=%.*s;", r->kind, RDT_FMT(r->id), (unsigned long long)r->revision,
                RDT_FMT(r->body));
    for (size_t i = 0; i < sizeof r->mac; i++)
        assert_int_equal(r->mac[i], (uint8_t)(r->kind + r->revision));
    return RDT_OK;
}

static enum rdt_code
entry_text(void *user, const struct rdt_outbox *e, struct rdt_err *err)
{
    struct rdt_buf *out = user;
    (void)err;
    rdt_buf_fmt(out, "%u:%.*s;", e->id[0], RDT_FMT(e->record));
    for (size_t i = 0; i < sizeof e->mac; i++)
        assert_int_equal(e->mac[i], e->id[0] ^ 0xff);
    return RDT_OK;
}

static void
assert_rows(struct rdt_store *store, const char *want)
{
    RDT_BUF got = {0};
    assert_int_equal(rdt_store_rows(store, row_text, &got, NULL), RDT_OK);
    assert_string_equal(rdt_buf_cstr(&got), want);
}

static void
assert_outbox(struct rdt_store *store, const char *want)
{
    RDT_BUF got = {0};
    assert_int_equal(rdt_store_outbox(store, entry_text, &got, NULL), RDT_OK);
    assert_string_equal(rdt_buf_cstr(&got), want);
}

static void
commit_rows(struct rdt_store *store, uint64_t revision, const struct rdt_row *rows, size_t n)
{
    struct rdt_err err = {0};
    const struct rdt_commit c = {.revision = revision, .rows = rows, .n_rows = n};
    if (rdt_store_commit(store, &c, &err) != RDT_OK)
        fail_msg("%s", err.text);
    assert_int_equal(rdt_store_revision(store), revision);
}

/* ---- the contract ---- */

static void
a_new_store_is_empty(void **state)
{
    struct fixture *f = *state;
    RDT_BUF out = {0};
    assert_int_equal(rdt_store_revision(f->store), 0);
    assert_rows(f->store, "");
    assert_outbox(f->store, "");
    assert_int_equal(rdt_store_value(f->store, "deployment", &out, NULL), RDT_E_NOTFOUND);
    reopen(f);
    assert_int_equal(rdt_store_revision(f->store), 0);
}

static void
rows_come_back_in_order(void **state)
{
    struct fixture *f = *state;
    const struct rdt_row rows[] = {
        row(2, "b", 1, "two b"), row(65535, "z", 1, "last"), row(2, "a", 1, "two a"),
        row(2, "aa", 1, ""),     row(1, "site", 1, "one"),   row(2, "\xff", 1, "high"),
    };
    const char *want = "1/site@1=one;2/a@1=two a;2/aa@1=;2/b@1=two b;2/\xff@1=high;65535/z@1=last;";
    commit_rows(f->store, 1, rows, RDT_COUNT(rows));
    assert_rows(f->store, want);
    reopen(f);
    assert_int_equal(rdt_store_revision(f->store), 1);
    assert_rows(f->store, want);
}

static void
rows_change_and_go(void **state)
{
    struct fixture *f = *state;
    const struct rdt_row first[] = {row(1, "a", 1, "a1"), row(1, "b", 1, "b1"),
                                    row(1, "c", 1, "c1")};
    const struct rdt_row second[] = {row(1, "b", 7, "b7"), row(1, "a", 7, NULL),
                                     row(1, "gone", 7, NULL), row(1, "c", 7, NULL),
                                     row(1, "c", 6, "c6")};
    commit_rows(f->store, 1, first, RDT_COUNT(first));
    commit_rows(f->store, 7, second, RDT_COUNT(second));
    assert_rows(f->store, "1/b@7=b7;1/c@6=c6;");
    reopen(f);
    assert_int_equal(rdt_store_revision(f->store), 7);
    assert_rows(f->store, "1/b@7=b7;1/c@6=c6;");
}

/* An empty body is a body: what a reader gets can be written again as it is. */
static enum rdt_code
keep_row(void *user, const struct rdt_row *r, struct rdt_err *err)
{
    bool *seen = user;
    (void)err;
    assert_non_null(r->body.p);
    assert_int_equal(r->body.n, 0);
    *seen = true;
    return RDT_OK;
}

static void
an_empty_body_is_no_removal(void **state)
{
    struct fixture *f = *state;
    bool seen = false;
    const struct rdt_row r = row(3, "empty", 1, "");
    commit_rows(f->store, 1, &r, 1);
    assert_int_equal(rdt_store_rows(f->store, keep_row, &seen, NULL), RDT_OK);
    assert_true(seen);
}

static void
the_outbox_keeps_its_order(void **state)
{
    struct fixture *f = *state;
    const struct rdt_outbox one[] = {entry(9, "first"), entry(3, "second")};
    const struct rdt_outbox two[] = {entry(1, "third"), entry(200, "fourth")};
    uint8_t sent[3][16];
    memset(sent[0], 3, 16);
    memset(sent[1], 1, 16);
    memset(sent[2], 77, 16); /* not there: was sent and removed before */
    struct rdt_commit c = {.revision = 1, .outbox = one, .n_outbox = 2};
    assert_int_equal(rdt_store_commit(f->store, &c, NULL), RDT_OK);
    c = (struct rdt_commit){.revision = 2, .outbox = two, .n_outbox = 2};
    assert_int_equal(rdt_store_commit(f->store, &c, NULL), RDT_OK);
    assert_outbox(f->store, "9:first;3:second;1:third;200:fourth;");
    c = (struct rdt_commit){.revision = 3, .sent = sent, .n_sent = 3};
    assert_int_equal(rdt_store_commit(f->store, &c, NULL), RDT_OK);
    reopen(f);
    assert_outbox(f->store, "9:first;200:fourth;");
    assert_int_equal(rdt_store_revision(f->store), 3);
}

/* What is in the log goes without a change of anything, so without a new revision. */
static void
sent_alone_keeps_the_revision(void **state)
{
    struct fixture *f = *state;
    const struct rdt_outbox two[] = {entry(9, "first"), entry(3, "second")};
    const struct rdt_row r = row(1, "a", 3, "a3");
    struct rdt_commit c = {.revision = 3, .outbox = two, .n_outbox = 2};
    assert_int_equal(rdt_store_commit(f->store, &c, NULL), RDT_OK);
    const struct rdt_commit refused[] = {
        {.revision = 2, .sent = &two[0].id, .n_sent = 1},
        {.revision = 3, .rows = &r, .n_rows = 1, .sent = &two[0].id, .n_sent = 1},
        {.revision = 3, .outbox = two, .n_outbox = 1, .sent = &two[0].id, .n_sent = 1},
    };
    for (size_t i = 0; i < RDT_COUNT(refused); i++)
        assert_int_equal(rdt_store_commit(f->store, &refused[i], NULL), RDT_E_STATE);
    assert_outbox(f->store, "9:first;3:second;");
    c = (struct rdt_commit){.revision = 3, .sent = &two[0].id, .n_sent = 1};
    assert_int_equal(rdt_store_commit(f->store, &c, NULL), RDT_OK);
    assert_outbox(f->store, "3:second;");
    reopen(f);
    assert_outbox(f->store, "3:second;");
    assert_int_equal(rdt_store_revision(f->store), 3);
}

/* Removed and added again in one commit: the sent one goes first. */
static void
an_outbox_id_may_come_again(void **state)
{
    struct fixture *f = *state;
    const struct rdt_outbox one = entry(5, "old"), two = entry(5, "new");
    struct rdt_commit c = {.revision = 1, .outbox = &one, .n_outbox = 1};
    assert_int_equal(rdt_store_commit(f->store, &c, NULL), RDT_OK);
    c = (struct rdt_commit){.revision = 2, .outbox = &two, .n_outbox = 1};
    assert_int_equal(rdt_store_commit(f->store, &c, NULL), RDT_E_STATE);
    assert_outbox(f->store, "5:old;");
    c.sent = (const uint8_t(*)[16])two.id;
    c.n_sent = 1;
    assert_int_equal(rdt_store_commit(f->store, &c, NULL), RDT_OK);
    assert_outbox(f->store, "5:new;");
}

static void
values_are_kept(void **state)
{
    struct fixture *f = *state;
    const struct {
        const char *name;
        struct rdt_span value;
    } cases[] = {
        {"checkpoint", {(const uint8_t *)"\0\1\2", 3}},
        {"checkpoint", {(const uint8_t *)"newer", 5} },
        {"checkpoint", {(const uint8_t *)"", 0}      },
        {"x",          {NULL, 0}                     },
    };
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        RDT_BUF got = {0};
        rdt_buf_str(&got, "before ");
        assert_int_equal(rdt_store_put_value(f->store, cases[i].name, cases[i].value, NULL),
                         RDT_OK);
        assert_int_equal(rdt_store_value(f->store, cases[i].name, &got, NULL), RDT_OK);
        assert_int_equal(got.n, 7 + cases[i].value.n);
        assert_true(cases[i].value.n == 0 ||
                    rdt_span_eq((struct rdt_span){got.p + 7, got.n - 7}, cases[i].value));
    }
    assert_int_equal(rdt_store_revision(f->store), 0); /* a value is no change of the rows */
    reopen(f);
    RDT_BUF got = {0};
    assert_int_equal(rdt_store_value(f->store, "checkpoint", &got, NULL), RDT_OK);
    assert_int_equal(got.n, 0);
    assert_int_equal(rdt_store_value(f->store, "CHECKPOINT", &got, NULL), RDT_E_NOTFOUND);
}

/* ---- what is refused, with nothing of it done ---- */

static void
refuses_old_revisions(void **state)
{
    struct fixture *f = *state;
    const struct rdt_row r = row(1, "a", 5, "a5");
    commit_rows(f->store, 5, &r, 1);
    const struct rdt_row other = row(1, "b", 4, "b");
    for (uint64_t revision = 0; revision <= 5; revision++) {
        struct rdt_commit c = {.revision = revision, .rows = &other, .n_rows = 1};
        assert_int_equal(rdt_store_commit(f->store, &c, NULL), RDT_E_STATE);
    }
    struct rdt_commit c = {.revision = UINT64_MAX, .rows = &other, .n_rows = 1};
    assert_int_equal(rdt_store_commit(f->store, &c, NULL), RDT_E_LIMIT);
    const struct rdt_row later = row(1, "b", 7, "of the future");
    c = (struct rdt_commit){.revision = 6, .rows = &later, .n_rows = 1};
    assert_int_equal(rdt_store_commit(f->store, &c, NULL), RDT_E_STATE);
    assert_int_equal(rdt_store_revision(f->store), 5);
    assert_rows(f->store, "1/a@5=a5;");
}

static void
refuses_what_is_too_large(void **state)
{
    struct fixture *f = *state;
    size_t n = RDT_STORE_BODY_MAX + 1;
    uint8_t *big = calloc(1, n);
    assert_non_null(big);
    const struct rdt_row good = row(1, "good", 1, "g");
    struct rdt_row bad[] = {good, row(1, "", 1, "x"), row(1, "long", 1, "x"), row(1, "b", 1, "x")};
    bad[2].id = (struct rdt_span){big, RDT_STORE_ID_MAX + 1};
    bad[3].body = (struct rdt_span){big, n};
    for (size_t i = 1; i < RDT_COUNT(bad); i++) {
        const struct rdt_row rows[] = {good, bad[i]};
        struct rdt_commit c = {.revision = 1, .rows = rows, .n_rows = 2};
        assert_int_equal(rdt_store_commit(f->store, &c, NULL), RDT_E_LIMIT);
    }
    struct rdt_outbox e = entry(1, "");
    struct rdt_commit c = {.revision = 1, .rows = &good, .n_rows = 1, .outbox = &e, .n_outbox = 1};
    assert_int_equal(rdt_store_commit(f->store, &c, NULL), RDT_E_LIMIT);
    e.record = (struct rdt_span){big, RDT_STORE_RECORD_MAX + 1};
    assert_int_equal(rdt_store_commit(f->store, &c, NULL), RDT_E_LIMIT);
    c = (struct rdt_commit){.revision = 1, .rows = &good, .n_rows = RDT_STORE_CHANGES_MAX + 1};
    assert_int_equal(rdt_store_commit(f->store, &c, NULL), RDT_E_LIMIT);
    c = (struct rdt_commit){
        .revision = 1, .sent = (void *)big, .n_sent = RDT_STORE_CHANGES_MAX + 1};
    assert_int_equal(rdt_store_commit(f->store, &c, NULL), RDT_E_LIMIT);
    const struct rdt_span value = {big, n};
    assert_int_equal(rdt_store_put_value(f->store, "v", value, NULL), RDT_E_LIMIT);
    char name[RDT_STORE_NAME_MAX + 2];
    memset(name, 'n', sizeof name);
    name[sizeof name - 1] = '\0';
    assert_int_equal(rdt_store_put_value(f->store, name, rdt_span_str("v"), NULL), RDT_E_LIMIT);
    assert_int_equal(rdt_store_put_value(f->store, "", rdt_span_str("v"), NULL), RDT_E_LIMIT);
    free(big);
    assert_rows(f->store, "");
    assert_outbox(f->store, "");
    assert_int_equal(rdt_store_revision(f->store), 0);
}

static enum rdt_code
same_as(void *user, const struct rdt_row *r, struct rdt_err *err)
{
    struct rdt_row *want = user;
    assert_true(rdt_span_eq(r->id, want->id) && rdt_span_eq(r->body, want->body));
    want->kind++;
    return rdt_fail(err, RDT_E_BADINPUT, "no more");
}

static void
takes_the_largest(void **state)
{
    struct fixture *f = *state;
    uint8_t *body = malloc(RDT_STORE_BODY_MAX), id[RDT_STORE_ID_MAX];
    struct rdt_err err = {0};
    assert_non_null(body);
    for (size_t i = 0; i < RDT_STORE_BODY_MAX; i++)
        body[i] = (uint8_t)(i * 7 + i / 4096);
    memset(id, 0, sizeof id);
    struct rdt_row r = {
        .kind = 9, .id = {id,   sizeof id         },
             .body = {body, RDT_STORE_BODY_MAX}
    };
    const struct rdt_outbox e = {
        .record = {body, RDT_STORE_RECORD_MAX}
    };
    const struct rdt_commit c = {
        .revision = INT64_MAX, .rows = &r, .n_rows = 1, .outbox = &e, .n_outbox = 1};
    assert_int_equal(rdt_store_commit(f->store, &c, NULL), RDT_OK);
    assert_int_equal(rdt_store_put_value(f->store, "v", r.body, NULL), RDT_OK);
    reopen(f);
    /* and what the caller's function answers ends the walk */
    assert_int_equal(rdt_store_rows(f->store, same_as, &r, &err), RDT_E_BADINPUT);
    assert_string_equal(err.text, "no more");
    assert_int_equal(r.kind, 10);
    RDT_BUF value = {0};
    assert_int_equal(rdt_store_value(f->store, "v", &value, NULL), RDT_OK);
    assert_true(rdt_span_eq(rdt_buf_span(&value), r.body));
    free(body);
}

static void
takes_many_rows_at_once(void **state)
{
    struct fixture *f = *state;
    size_t n = RDT_STORE_CHANGES_MAX, seen = 0;
    struct rdt_row *rows = calloc(n, sizeof *rows);
    uint32_t *ids = calloc(n, sizeof *ids);
    assert_true(rows != NULL && ids != NULL);
    for (size_t i = 0; i < n; i++) {
        ids[i] = (uint32_t)i;
        rows[i] = row(1, "", 1, "body");
        rows[i].id = (struct rdt_span){(uint8_t *)&ids[i], sizeof ids[i]};
    }
    commit_rows(f->store, 1, rows, n);
    RDT_BUF got = {0};
    assert_int_equal(rdt_store_rows(f->store, row_text, &got, NULL), RDT_OK);
    for (size_t i = 0; i < got.n; i++)
        seen += got.p[i] == ';' ? 1 : 0;
    assert_true(seen >= n);
    free(rows);
    free(ids);
}

/* A function that is handed rows cannot call back in: it would see a store in between. */
static enum rdt_code
calls_back(void *user, const struct rdt_row *r, struct rdt_err *err)
{
    struct rdt_store *store = user;
    RDT_BUF out = {0};
    const struct rdt_commit c = {.revision = 99, .rows = r, .n_rows = 1};
    assert_int_equal(rdt_store_commit(store, &c, NULL), RDT_E_STATE);
    assert_int_equal(rdt_store_value(store, "v", &out, NULL), RDT_E_STATE);
    assert_int_equal(rdt_store_revision(store), 1);
    (void)err;
    return RDT_OK;
}

static void
refuses_calls_from_within(void **state)
{
    struct fixture *f = *state;
    const struct rdt_row r = row(1, "a", 1, "a");
    commit_rows(f->store, 1, &r, 1);
    assert_int_equal(rdt_store_rows(f->store, calls_back, f->store, NULL), RDT_OK);
    assert_rows(f->store, "1/a@1=a;");
}

static void
one_at_a_time(void **state)
{
    struct fixture *f = *state;
    struct rdt_store *second = NULL;
    struct rdt_err err = {0};
    assert_int_equal(rdt_store_open(&f->opts, &second, &err), RDT_E_STATE);
    assert_null(second);
    assert_non_null(strstr(err.text, "another process"));
    const struct rdt_row r = row(1, "a", 1, "still works");
    commit_rows(f->store, 1, &r, 1);
    reopen(f);
    assert_rows(f->store, "1/a@1=still works;");
}

/* ---- copies ---- */

static void
a_copy_is_a_store(void **state)
{
    struct fixture *f = *state;
    struct rdt_store *copy = NULL;
    const struct rdt_row r = row(1, "a", 1, "a");
    const struct rdt_outbox e = entry(4, "record");
    const struct rdt_commit c = {
        .revision = 1, .rows = &r, .n_rows = 1, .outbox = &e, .n_outbox = 1};
    assert_int_equal(rdt_store_commit(f->store, &c, NULL), RDT_OK);
    assert_int_equal(rdt_store_put_value(f->store, "v", rdt_span_str("value"), NULL), RDT_OK);
    const char *path = kind->copy_path();
    assert_int_equal(rdt_store_copy(f->store, path, NULL), RDT_OK);
    assert_int_equal(rdt_store_copy(f->store, path, NULL), RDT_E_STATE); /* not over another */
    const struct rdt_row after = row(1, "b", 2, "after");
    commit_rows(f->store, 2, &after, 1);
    const struct rdt_store_opts opts = kind->of_copy(path);
    assert_int_equal(rdt_store_open(&opts, &copy, NULL), RDT_OK);
    assert_int_equal(rdt_store_revision(copy), 1);
    assert_rows(copy, "1/a@1=a;");
    assert_outbox(copy, "4:record;");
    RDT_BUF value = {0};
    assert_int_equal(rdt_store_value(copy, "v", &value, NULL), RDT_OK);
    assert_true(rdt_span_is(rdt_buf_span(&value), "value"));
    rdt_store_close(copy);
    kind->drop(&opts);
}

struct committer {
    struct rdt_store *store;
    uint64_t last;
    bool stop;
};

#define SLOTS 64
#define SLOT_BYTES 60000

/* Each commit writes the same revision into every slot: a copy that mixes two shows it. */
static void
fill_slots(struct rdt_store *store, uint64_t revision)
{
    static uint8_t body[SLOT_BYTES];
    struct rdt_row rows[SLOTS];
    char ids[SLOTS][8];
    memset(body, (int)(revision & 0xff), sizeof body);
    for (int i = 0; i < SLOTS; i++) {
        snprintf(ids[i], sizeof ids[i], "s%d", i);
        rows[i] = row(1, ids[i], revision, "");
        rows[i].body = (struct rdt_span){body, sizeof body};
    }
    const struct rdt_commit c = {.revision = revision, .rows = rows, .n_rows = SLOTS};
    if (rdt_store_commit(store, &c, NULL) != RDT_OK)
        abort(); /* also called on a thread that cmocka does not watch */
}

static void *
keep_committing(void *user)
{
    struct committer *c = user;
    while (!__atomic_load_n(&c->stop, __ATOMIC_RELAXED))
        fill_slots(c->store, ++c->last);
    return NULL;
}

static enum rdt_code
all_of_one(void *user, const struct rdt_row *r, struct rdt_err *err)
{
    struct committer *seen = user;
    (void)err;
    if (seen->last == 0)
        seen->last = r->revision;
    assert_int_equal(r->revision, seen->last);
    for (size_t i = 0; i < r->body.n; i++)
        assert_int_equal(r->body.p[i], (uint8_t)seen->last);
    return RDT_OK;
}

static void
copies_while_others_commit(void **state)
{
    struct fixture *f = *state;
    struct committer c = {.store = f->store};
    pthread_t thread;
    bool in_between = false;
    fill_slots(f->store, ++c.last);
    assert_int_equal(pthread_create(&thread, NULL, keep_committing, &c), 0);
    for (int round = 0; round < 20; round++) {
        struct rdt_store *copy = NULL;
        struct committer seen = {0};
        const char *path = kind->copy_path();
        uint64_t before = rdt_store_revision(f->store);
        assert_int_equal(rdt_store_copy(f->store, path, NULL), RDT_OK);
        in_between = in_between || rdt_store_revision(f->store) > before + 1;
        const struct rdt_store_opts opts = kind->of_copy(path);
        assert_int_equal(rdt_store_open(&opts, &copy, NULL), RDT_OK);
        assert_true(rdt_store_revision(copy) >= before);
        assert_int_equal(rdt_store_rows(copy, all_of_one, &seen, NULL), RDT_OK);
        assert_int_equal(seen.last, rdt_store_revision(copy));
        rdt_store_close(copy);
        kind->drop(&opts);
    }
    __atomic_store_n(&c.stop, true, __ATOMIC_RELAXED);
    pthread_join(thread, NULL);
    assert_true(in_between); /* commits went on while a copy was made */
    assert_int_equal(rdt_store_revision(f->store), c.last);
}

static void
closing_nothing(void **state)
{
    struct rdt_store *none = NULL;
    (void)state;
    rdt_store_close(NULL);
    rdt_store_close_at(&none);
}

#define SUITE_TEST(name) cmocka_unit_test_setup_teardown(name, suite_setup, suite_teardown)

static int
run_suite(const struct kind *which)
{
    kind = which;
    const struct CMUnitTest tests[] = {
        SUITE_TEST(a_new_store_is_empty),        SUITE_TEST(rows_come_back_in_order),
        SUITE_TEST(rows_change_and_go),          SUITE_TEST(an_empty_body_is_no_removal),
        SUITE_TEST(the_outbox_keeps_its_order),  SUITE_TEST(sent_alone_keeps_the_revision),
        SUITE_TEST(an_outbox_id_may_come_again), SUITE_TEST(values_are_kept),
        SUITE_TEST(refuses_old_revisions),       SUITE_TEST(refuses_what_is_too_large),
        SUITE_TEST(takes_the_largest),           SUITE_TEST(takes_many_rows_at_once),
        SUITE_TEST(refuses_calls_from_within),   SUITE_TEST(one_at_a_time),
        SUITE_TEST(a_copy_is_a_store),           SUITE_TEST(copies_while_others_commit),
        cmocka_unit_test(closing_nothing),
    };
    return cmocka_run_group_tests_name(which->name, tests, NULL, NULL);
}

#endif
