/*
 * store_main.c - a store for the fault tests: each commit changes rows, outbox and values in a way
 * that follows from its revision alone, so that a reader can tell a whole state from any other.
 *
 *   store_main write PATH [COUNT [off]]   make or open it, commit; each answer is a line "ack R"
 *   store_main check PATH                 "revision R mark M" when it is whole, else exit 1
 *
 * off: SQLite's synchronous=OFF, which the tests must catch.
 */
#include "store/sqlite_internal.h"
#include "store/store.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SLOTS 23     /* rows that are written again and again */
#define BODY 9000    /* bytes of a body, at most */
#define TRAIL 8      /* rows that come and go */
#define UNSENT 5     /* commits whose records are in the outbox */
#define RECORDS 2    /* of each */
#define MARK_EVERY 3 /* commits between two values */

static void
say(const char *fmt, ...)
{
    char line[160];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    if (write(STDOUT_FILENO, line, (size_t)n) != n)
        exit(3); /* nobody listens any more */
}

static int
fail(const char *what, const struct rdt_err *err)
{
    fprintf(stderr, "store_main: %s: %s\n", what, err == NULL ? "" : err->text);
    return 1;
}

/* The body that a revision gives to a row: length and bytes both follow from it. */
static struct rdt_span
body_of(uint64_t revision, uint8_t out[static BODY])
{
    size_t n = (size_t)(revision * 997 % BODY);
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)(revision * 31 + i * 7 + i / 251);
    return (struct rdt_span){out, n};
}

static void
id_of(uint64_t revision, uint64_t number, uint8_t out[static 16])
{
    memcpy(out, &revision, 8);
    memcpy(out + 8, &number, 8);
}

static enum rdt_code
commit(struct rdt_store *store, uint64_t revision, struct rdt_err *err)
{
    static uint8_t body[BODY];
    uint64_t slot = revision % SLOTS, old = revision - TRAIL, sent_of = revision - UNSENT;
    struct rdt_row rows[4] = {
        {.kind = 1, .id = rdt_span_str("count"), .body = {(uint8_t *)&revision, 8}},
        {.kind = 2, .id = {(uint8_t *)&slot, 8}, .body = body_of(revision, body)},
        {.kind = 3, .id = {(uint8_t *)&revision, 8}, .body = {(uint8_t *)&revision, 8}},
        {.kind = 3, .id = {(uint8_t *)&old, 8}},
    };
    struct rdt_outbox outbox[RECORDS] = {0};
    uint8_t sent[RECORDS][16];
    for (size_t i = 0; i < RDT_COUNT(rows); i++)
        rows[i].revision = revision;
    for (uint64_t i = 0; i < RECORDS; i++) {
        id_of(revision, i, outbox[i].id);
        outbox[i].record = (struct rdt_span){(uint8_t *)&revision, 8};
        id_of(sent_of, i, sent[i]);
    }
    const struct rdt_commit c = {.revision = revision,
                                 .rows = rows,
                                 .n_rows = revision > TRAIL ? 4 : 3,
                                 .outbox = outbox,
                                 .n_outbox = RECORDS,
                                 .sent = (const uint8_t(*)[16])sent,
                                 .n_sent = revision > UNSENT ? RECORDS : 0};
    return rdt_store_commit(store, &c, err);
}

static int
write_store(const char *path, uint64_t count, bool off)
{
    struct rdt_err err = {0};
    RDT_AUTO(rdt_store_close_at) struct rdt_store *store = NULL;
    const struct rdt_store_opts opts = {.path = path, .create = true};
    if (rdt_store_open(&opts, &store, &err) != RDT_OK)
        return fail("open", &err);
    if (off)
        sqlite3_exec(((struct rdt_sqlite *)store->engine)->db, "PRAGMA synchronous = OFF", NULL,
                     NULL, NULL);
    uint64_t start = rdt_store_revision(store);
    say("open %llu\n", (unsigned long long)start);
    for (uint64_t r = start + 1; count == 0 || r <= start + count; r++) {
        if (commit(store, r, &err) != RDT_OK)
            return fail("commit", &err);
        say("ack %llu\n", (unsigned long long)r);
        if (r % MARK_EVERY != 0)
            continue;
        if (rdt_store_put_value(store, "mark", (struct rdt_span){(uint8_t *)&r, 8}, &err) != RDT_OK)
            return fail("value", &err);
        say("mark %llu\n", (unsigned long long)r);
    }
    return 0;
}

struct seen {
    uint64_t revision; /* what the store says */
    uint64_t rows, entries;
};

/* Whether a row is one that a store of this revision has. */
static bool
belongs(const struct rdt_row *row, uint64_t now)
{
    static uint8_t body[BODY];
    uint64_t id = 0;
    if (row->kind == 1)
        return row->revision == now && rdt_span_is(row->id, "count") && row->body.n == 8 &&
               memcmp(row->body.p, &now, 8) == 0;
    if (row->id.n != 8)
        return false;
    memcpy(&id, row->id.p, 8);
    if (row->kind == 3)
        return id == row->revision && id + TRAIL > now && id <= now && row->body.n == 8 &&
               memcmp(row->body.p, &id, 8) == 0;
    return row->kind == 2 && row->revision % SLOTS == id && row->revision + SLOTS > now &&
           row->revision <= now && rdt_span_eq(row->body, body_of(row->revision, body));
}

static enum rdt_code
see_row(void *user, const struct rdt_row *row, struct rdt_err *err)
{
    struct seen *seen = user;
    seen->rows++;
    if (belongs(row, seen->revision))
        return RDT_OK;
    return rdt_fail(err, RDT_E_TAMPERED, "at %llu: a row of kind %u of revision %llu",
                    (unsigned long long)seen->revision, row->kind,
                    (unsigned long long)row->revision);
}

static enum rdt_code
see_entry(void *user, const struct rdt_outbox *entry, struct rdt_err *err)
{
    struct seen *seen = user;
    uint64_t first = seen->revision > UNSENT ? seen->revision - UNSENT + 1 : 1;
    uint64_t revision = first + seen->entries / RECORDS;
    uint8_t id[16];
    id_of(revision, seen->entries % RECORDS, id);
    seen->entries++;
    if (memcmp(id, entry->id, 16) == 0 && entry->record.n == 8 &&
        memcmp(entry->record.p, &revision, 8) == 0)
        return RDT_OK;
    return rdt_fail(err, RDT_E_TAMPERED, "the outbox is not that of revision %llu",
                    (unsigned long long)seen->revision);
}

static uint64_t
least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static int
check_store(const char *path)
{
    struct rdt_err err = {0};
    RDT_AUTO(rdt_store_close_at) struct rdt_store *store = NULL;
    const struct rdt_store_opts opts = {.path = path};
    if (rdt_store_open(&opts, &store, &err) != RDT_OK)
        return fail("open", &err);
    uint64_t now = rdt_store_revision(store), mark = 0;
    struct seen seen = {.revision = now};
    if (rdt_store_rows(store, see_row, &seen, &err) != RDT_OK ||
        rdt_store_outbox(store, see_entry, &seen, &err) != RDT_OK)
        return fail("not whole", &err);
    uint64_t rows = (now > 0) + least(now, SLOTS) + least(now, TRAIL);
    if (seen.rows != rows || seen.entries != RECORDS * least(now, UNSENT))
        return fail("rows or outbox records are missing", NULL);
    RDT_BUF value = {0};
    if (rdt_store_value(store, "mark", &value, NULL) == RDT_OK && value.n == 8)
        memcpy(&mark, value.p, 8);
    if (mark > now || mark % MARK_EVERY != 0)
        return fail("the value is none that was written", NULL);
    say("revision %llu mark %llu\n", (unsigned long long)now, (unsigned long long)mark);
    return 0;
}

int
main(int argc, char **argv)
{
    if (argc >= 3 && strcmp(argv[1], "check") == 0)
        return check_store(argv[2]);
    if (argc >= 3 && strcmp(argv[1], "write") == 0)
        return write_store(argv[2], argc > 3 ? strtoull(argv[3], NULL, 10) : 0,
                           argc > 4 && strcmp(argv[4], "off") == 0);
    fputs("usage: store_main write PATH [COUNT [off]] | check PATH\n", stderr);
    return 2;
}
