/*
 * What scanners sign. The vectors are those of docs/formats/census.md; with --print this writes
 * them.
 */
#include "client/census.h"

#include "codec/base64.h"
#include "codec/json.h"

#include "../test.h"

#include <stdio.h>
#include <stdlib.h>

#define DEPLOYMENT "10111213-1415-1617-1819-1a1b1c1d1e1f"
#define KEY "30313233-3435-3637-3839-3a3b3c3d3e3f"
#define NONCE "202122232425262728292a2b2c2d2e2f"

static struct rdt_signer *signer;

static int
set_up(void **state)
{
    RDT_SECRET seed = {0};
    (void)state;
    if (rdt_secret_new(&seed, 32, NULL) != RDT_OK)
        return -1;
    memset(seed.p, 0x5a, 32);
    return rdt_signer_load(RDT_SIGN_ED25519, &seed, &signer, NULL) == RDT_OK ? 0 : -1;
}

static int
tear_down(void **state)
{
    (void)state;
    rdt_signer_free(signer);
    return 0;
}

/* ---- tickets ---- */

static const struct {
    const char *why, *json;
    enum rdt_code want;
} tickets[] = {
    {"as the service says it",
     "{\"Deployment\":\"" DEPLOYMENT "\",\"Nonce\":\"" NONCE "\",\"KeyId\":\"" KEY
     "\",\"Store\":\"stores.db\",\"Issued\":1.5,\"TooEarly\":true}",                                      RDT_OK        },
    {"no deployment",          "{\"Nonce\":\"" NONCE "\",\"KeyId\":\"" KEY "\",\"Store\":\"stores.db\"}",
     RDT_E_BADINPUT                                                                                                     },
    {"a short nonce",
     "{\"Deployment\":\"" DEPLOYMENT "\",\"Nonce\":\"2021\",\"KeyId\":\"" KEY
     "\",\"Store\":\"stores.db\"}",                                                                       RDT_E_BADINPUT},
    {"a long nonce",
     "{\"Deployment\":\"" DEPLOYMENT "\",\"Nonce\":\"" NONCE "00\",\"KeyId\":\"" KEY
     "\",\"Store\":\"stores.db\"}",                                                                       RDT_E_BADINPUT},
    {"an alias for a key",
     "{\"Deployment\":\"" DEPLOYMENT "\",\"Nonce\":\"" NONCE
     "\",\"KeyId\":\"alias/a\",\"Store\":\"stores.db\"}",                                                 RDT_E_BADINPUT},
    {"no store's name",
     "{\"Deployment\":\"" DEPLOYMENT "\",\"Nonce\":\"" NONCE "\",\"KeyId\":\"" KEY
     "\",\"Store\":\"a b\"}",                                                                             RDT_E_BADINPUT},
    {"a list",                 "[]",                                                                      RDT_E_BADINPUT},
    {"nothing",                "",                                                                        RDT_E_BADINPUT},
};

static void
test_tickets(void **state)
{
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(tickets); i++) {
        struct rdt_census_ticket ticket = {.store = ""};
        if (rdt_census_ticket_read(rdt_span_str(tickets[i].json), &ticket, NULL) != tickets[i].want)
            fail_msg("%s", tickets[i].why);
        assert_true((ticket.store[0] != '\0') == (tickets[i].want == RDT_OK));
    }
}

static void
from_ticket(struct rdt_census_ticket *ticket, struct rdt_census *census)
{
    assert_int_equal(rdt_census_ticket_read(rdt_span_str(tickets[0].json), ticket, NULL), RDT_OK);
    assert_true(ticket->too_early);
    rdt_census_begin(ticket, census);
    census->looked_at = census->total = 1000;
    census->highest = 7;
    census->made_ms = 1796083200000;
}

/* ---- vectors ---- */

static void
counts_of(struct rdt_buf *counts, struct rdt_buf *epochs)
{
    rdt_census_add(counts, false, &(struct rdt_census_count){.version = 1, .count = 3});
    rdt_census_add(counts, false, &(struct rdt_census_count){.version = 4, .count = 1 << 20});
    rdt_census_add(epochs, true,
                   &(struct rdt_census_count){.handle = 0xdeadbeef, .version = 7, .count = 9});
}

static void
receipt_of(const struct rdt_census *census, uint8_t held[static 20], struct rdt_receipt *out)
{
    *out = (struct rdt_receipt){.name = rdt_span_str("backup-2026-11.rbf"),
                                .created_ms = 1796083200000,
                                .until_ms = 1803859200000};
    memcpy(out->deployment, census->deployment, 16);
    for (size_t i = 0; i < 16; i++)
        out->file[i] = (uint8_t)(0x40 + i);
    for (size_t i = 0; i < 32; i++)
        out->digest[i] = (uint8_t)(0x50 + i);
    memcpy(held, census->key, 16);
    memcpy(held + 16, "\0\0\0\1", 4);
    out->versions = (struct rdt_span){held, 20};
}

/* Takes a body apart: its bytes and its signature, which has to be right. */
static void
put_vector(const char *member, const char *name, const struct rdt_buf *body, struct rdt_buf *out)
{
    RDT_AUTO(rdt_arena_done) struct rdt_arena arena = {0};
    struct rdt_node *tree = NULL;
    uint8_t bytes[1024], signature[96];
    size_t n = 0, signature_n = 0;
    assert_int_equal(rdt_json_parse("body", rdt_buf_span(body), &arena, &tree, NULL), RDT_OK);
    assert_string_equal(rdt_node_str(tree, "Scanner"), "sweeper");
    assert_true(rdt_base64_get(rdt_span_str(rdt_node_str(tree, member)), bytes, &n));
    assert_true(
        rdt_base64_get(rdt_span_str(rdt_node_str(tree, "Signature")), signature, &signature_n));
    assert_int_equal(rdt_signature_check(rdt_signer_public(signer), (struct rdt_span){bytes, n},
                                         (struct rdt_span){signature, signature_n}, NULL),
                     RDT_OK);
    rdt_buf_fmt(out, "%s    ", name);
    rdt_hex_add(out, (struct rdt_span){bytes, n});
    rdt_buf_str(out, "\npublic    ");
    rdt_hex_add(out, rdt_signer_public(signer));
    rdt_buf_str(out, "\nsignature ");
    rdt_hex_add(out, (struct rdt_span){signature, signature_n});
    rdt_buf_str(out, "\n");
}

static void
put_vectors(struct rdt_buf *out)
{
    RDT_BUF counts = {0};
    RDT_BUF epochs = {0};
    RDT_BUF report = {0};
    RDT_BUF held_by = {0};
    struct rdt_census_ticket ticket;
    struct rdt_census census;
    struct rdt_receipt receipt;
    uint8_t held[20];
    struct rdt_census_by by = {"sweeper", signer};
    from_ticket(&ticket, &census);
    counts_of(&counts, &epochs);
    census.counts = rdt_buf_span(&counts);
    census.epochs = rdt_buf_span(&epochs);
    receipt_of(&census, held, &receipt);
    assert_int_equal(rdt_census_sign_report(&by, &census, &report, NULL), RDT_OK);
    assert_int_equal(rdt_census_sign_receipt(&by, &receipt, &held_by, NULL), RDT_OK);
    put_vector("Report", "report", &report, out);
    put_vector("Receipt", "receipt", &held_by, out);
}

static void
test_vectors(void **state)
{
    RDT_BUF want = {0};
    char path[1024];
    const char *source = getenv("REDOUBT_SOURCE");
    (void)state;
    snprintf(path, sizeof path, "%s/docs/formats/census.md", source == NULL ? "." : source);
    FILE *file = fopen(path, "r");
    char *text = calloc(1, 1 << 16);
    assert_non_null(file);
    assert_non_null(text);
    assert_true(fread(text, 1, (1 << 16) - 1, file) > 0);
    fclose(file);
    put_vectors(&want);
    if (strstr(text, rdt_buf_cstr(&want)) == NULL)
        fail_msg("docs/formats/census.md: put there what test_client_census --print prints");
    free(text);
}

/* Nothing is signed that the service would refuse. */
static void
test_refused(void **state)
{
    RDT_BUF body = {0};
    RDT_BUF long_list = {0};
    struct rdt_census_ticket ticket;
    struct rdt_census census;
    struct rdt_receipt receipt;
    uint8_t held[20];
    struct rdt_census_by by = {"sweeper", signer};
    (void)state;
    from_ticket(&ticket, &census);
    receipt_of(&census, held, &receipt);
    census.looked_at++;
    assert_int_equal(rdt_census_sign_report(&by, &census, &body, NULL), RDT_E_BADINPUT);
    census.looked_at--;
    for (uint32_t i = 1; i <= RDT_CENSUS_COUNTS_MAX + 1; i++)
        rdt_census_add(&long_list, false, &(struct rdt_census_count){.version = i, .count = 1});
    census.counts = rdt_buf_span(&long_list);
    assert_int_equal(rdt_census_sign_report(&by, &census, &body, NULL), RDT_E_BADINPUT);
    receipt.until_ms = receipt.created_ms - 1;
    assert_int_equal(rdt_census_sign_receipt(&by, &receipt, &body, NULL), RDT_E_BADINPUT);
    assert_int_equal(body.n, 0);
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tickets),
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_refused),
    };
    if (argc == 2 && strcmp(argv[1], "--print") == 0) {
        RDT_BUF out = {0};
        if (set_up(NULL) != 0)
            return 1;
        put_vectors(&out);
        fputs(rdt_buf_cstr(&out), stdout);
        return tear_down(NULL);
    }
    return cmocka_run_group_tests_name("client/census", tests, set_up, tear_down);
}
