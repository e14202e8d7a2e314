/* The domain key changes while everything under it is in use. */
#include "kms/tenant_internal.h"

#include "calls.h"

#include <signal.h>
#include <sys/wait.h>

#define DAY_MS ((int64_t)86400000)

/* ---- what is wrapped ---- */

static void
new_key(char id[static 64])
{
    ok("CreateKey", "{}");
    text("KeyId", id, 64);
}

/* A ciphertext of a key, in base64. */
static void
encrypt(const char *key, char out[static 512])
{
    char body[256];
    snprintf(body, sizeof body, "{\"KeyId\":\"%s\",\"Plaintext\":\"aGVsbG8=\"}", key);
    ok("Encrypt", body);
    text("CiphertextBlob", out, 512);
}

static void
decrypts(const char *blob)
{
    char body[1024];
    snprintf(body, sizeof body, "{\"CiphertextBlob\":\"%s\"}", blob);
    ok("Decrypt", body);
    char plain[32];
    text("Plaintext", plain, sizeof plain);
    assert_string_equal(plain, "aGVsbG8=");
}

/* How many rows are wrapped under a domain key. */
static size_t
under(uint32_t number)
{
    size_t n = 0;
    struct rdt_span id = {0};
    const struct rdt_version *version;
    while ((version = rdt_view_next(now(), RDT_KIND_VERSION, id, &id)) != NULL)
        n += version->domain == number && version->wrapped.n != 0;
    const struct rdt_credential *credential;
    id = (struct rdt_span){0};
    while ((credential = rdt_view_next(now(), RDT_KIND_CREDENTIAL, id, &id)) != NULL)
        n += credential->domain == number && credential->wrapped.n != 0;
    const struct rdt_seed *seed;
    id = (struct rdt_span){0};
    while ((seed = rdt_view_next(now(), RDT_KIND_SEED, id, &id)) != NULL)
        n += seed->domain == number && seed->wrapped.n != 0;
    return n;
}

static void
many_keys(size_t n)
{
    static struct rdt_request requests[RDT_WRITE_BATCH_MAX];
    static struct rdt_buf out[RDT_WRITE_BATCH_MAX], record[RDT_WRITE_BATCH_MAX];
    static char body[RDT_WRITE_BATCH_MAX][8];
    struct rdt_request *list[RDT_WRITE_BATCH_MAX];
    for (size_t i = 0; i < n; i++) {
        snprintf(body[i], sizeof body[i], "{}");
        requests[i] = (struct rdt_request){.op = rdt_op_named("CreateKey"),
                                           .body = (uint8_t *)body[i],
                                           .body_n = 2,
                                           .caller = {.internal = true},
                                           .now_ms = NOW_MS,
                                           .out = &out[i],
                                           .record = &record[i]};
        rdt_kms_request_id(thread, requests[i].id);
        list[i] = &requests[i];
    }
    rdt_kms_write(kms, thread, list, n);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(requests[i].fault, RDT_FAULT_NONE);
        rdt_buf_done(&out[i]);
        rdt_buf_done(&record[i]);
    }
}

/* ---- the root ---- */

struct held {
    struct rdt_root *root;
    struct rdt_root_open *open;
    struct rdt_kms_opts opts;
};

static void
hold(struct held *held)
{
    struct rdt_unseal none = {0};
    *held = (struct held){.root = NULL};
    assert_int_equal(rdt_root_load(folder, &held->root, NULL), RDT_OK);
    assert_int_equal(rdt_root_unseal(held->root, "development", &none, &held->open, NULL), RDT_OK);
    held->opts = (struct rdt_kms_opts){.data = folder, .root = held->root, .open = held->open};
}

static void
let_go(struct held *held)
{
    rdt_root_lock(held->open);
    rdt_root_free(held->root);
}

static bool
root_has(uint32_t number)
{
    RDT_AUTO(rdt_root_free_at) struct rdt_root *root = NULL;
    const char *item;
    assert_int_equal(rdt_root_load(folder, &root, NULL), RDT_OK);
    for (size_t i = 0; (item = rdt_root_item(root, i)) != NULL; i++)
        if (rdt_domain_number(item) == number)
            return true;
    return false;
}

static struct rdt_domain_info
info(void)
{
    struct rdt_domain_info info;
    rdt_kms_domain_info(kms, &info);
    return info;
}

static void
rotate_with_root(void)
{
    struct held held;
    struct rdt_err err = {0};
    hold(&held);
    if (rdt_kms_domain_rotate(kms, thread, &held.opts, &err) != RDT_OK)
        fail_msg("%s", err.text);
    let_go(&held);
}

static void
ticks(size_t n, int64_t now_ms)
{
    for (size_t i = 0; i < n; i++)
        rdt_kms_tick(kms, thread, now_ms);
}

/* ---- tests ---- */

static void
keys_ahead_of_time(void **state)
{
    (void)state;
    assert_int_equal(info().current, 1);
    assert_int_equal(info().older, 0);
    assert_int_equal(info().ahead, RDT_DOMAINS_AHEAD_MAX);
    for (uint32_t i = 1; i <= 1 + RDT_DOMAINS_AHEAD_MAX; i++)
        assert_true(root_has(i));
    assert_false(root_has(2 + RDT_DOMAINS_AHEAD_MAX));
    stop_and_start();
    assert_int_equal(info().ahead, RDT_DOMAINS_AHEAD_MAX);
    assert_false(root_has(2 + RDT_DOMAINS_AHEAD_MAX));
}

/* Everything moves, in steps, over a stop; what was encrypted stays readable all the while. */
static void
moves_everything(void **state)
{
    char key[64], ring[64], body[256], blob[512], access_key[64];
    (void)state;
    new_key(key);
    encrypt(key, blob);
    snprintf(body, sizeof body, "{\"KeyId\":\"%s\"}", key);
    ok("RotateKeyOnDemand", body);
    new_key(ring);
    snprintf(body, sizeof body, "{\"KeyId\":\"%s\"}", ring);
    ok("KeyRing", body);
    snprintf(body, sizeof body, "{\"KeyId\":\"%s\",\"Tenant\":\"acme\"}", ring);
    ok("TenantCreate", body);
    uint32_t handle = (uint32_t)number("Handle");
    ok("PrincipalCreate", "{\"Principal\":\"p\"}");
    ok("CredentialCreate", "{\"Principal\":\"p\"}");
    text("AccessKeyId", access_key, sizeof access_key);
    for (size_t i = 0; i < 5; i++)
        many_keys(RDT_WRITE_BATCH_MAX);
    size_t all = under(1);
    assert_true(all > 5 * RDT_WRITE_BATCH_MAX + 4);
    rotate_with_root();
    uint32_t next = info().current;
    assert_true(next > 1 + RDT_DOMAINS_AHEAD_MAX); /* none of those that were made before */
    assert_int_equal(info().older, 1);
    assert_int_equal(info().ahead, RDT_DOMAINS_AHEAD_MAX - 1);
    assert_false(root_has(2));
    assert_int_equal(under(1), all);
    decrypts(blob);
    char late[64], late_blob[512];
    new_key(late);
    encrypt(late, late_blob);
    assert_int_equal(under(next), 1);
    ticks(1, NOW_MS);
    assert_int_equal(under(1), all - 1024);
    decrypts(blob);
    stop_and_start();
    assert_int_equal(under(1), all - 1024);
    assert_int_equal(info().older, 1);
    decrypts(blob);
    ticks(1, NOW_MS);
    assert_int_equal(under(1), 0);
    assert_int_equal(info().older, 1); /* until a pass has found nothing */
    assert_true(root_has(1));
    ticks(1, NOW_MS);
    assert_int_equal(info().older, 0);
    assert_int_equal(under(next), all + 1);
    assert_false(root_has(1));
    assert_null(rdt_domains_get(&kms->domains, 1));
    decrypts(blob);
    decrypts(late_blob);
    stop_and_start();
    decrypts(blob);
    decrypts(late_blob);
    /* seed and credential open under the new key */
    const struct rdt_seed *seed = rdt_seed_get(now(), handle, 1);
    assert_int_equal(seed->domain, next);
    struct rdt_request request = {.now_ms = NOW_MS};
    struct rdt_call call = {.kms = kms, .thread = thread, .view = now(), .request = &request};
    RDT_SECRET opened = {0};
    RDT_SECRET secret = {0};
    assert_int_equal(rdt_seed_open(&call, rdt_handle_get(now(), handle), seed, &opened), RDT_OK);
    const struct rdt_credential *credential =
        rdt_view_get(now(), RDT_KIND_CREDENTIAL, rdt_span_str(access_key));
    struct wrap_at at = {
        .kind = RDT_KIND_CREDENTIAL, .id = rdt_span_str(access_key), .purpose = "secret"};
    assert_int_equal(rdt_secret_new(&secret, 40, NULL), RDT_OK);
    assert_int_equal(rdt_wrap_open(kms, thread, &at, credential->domain,
                                   rdt_bytes_span(&credential->wrapped), &secret),
                     RDT_OK);
    ticks(3, NOW_MS);
    assert_int_equal(info().current, next); /* and nothing goes on by itself */
}

static void
without_the_root(void **state)
{
    char key[64], blob[512];
    struct rdt_err err = {0};
    (void)state;
    new_key(key);
    encrypt(key, blob);
    uint32_t first = info().current;
    for (size_t left = info().ahead; left != 0; left--) {
        assert_int_equal(rdt_kms_domain_rotate(kms, thread, NULL, NULL), RDT_OK);
        assert_int_equal(info().ahead, left - 1);
    }
    assert_int_equal(rdt_kms_domain_rotate(kms, thread, NULL, &err), RDT_E_STATE);
    assert_non_null(strstr(err.text, "ahead of time"));
    assert_true(info().older > 1); /* several at once end in the newest */
    ticks(6, NOW_MS);
    assert_int_equal(info().older, 0);
    for (uint32_t i = first; i < info().current; i++) {
        assert_int_equal(under(i), 0);
        assert_false(root_has(i));
    }
    decrypts(blob);
    stop_and_start(); /* makes more */
    assert_int_equal(info().ahead, RDT_DOMAINS_AHEAD_MAX);
    decrypts(blob);
    assert_int_equal(rdt_kms_domain_rotate(kms, thread, NULL, NULL), RDT_OK);
    ticks(6, NOW_MS);
    decrypts(blob);
}

/* root.json may be changed by the command line at the same time. */
static void
another_changes_the_root(void **state)
{
    struct held mine, other;
    char key[64], blob[512];
    struct rdt_seal_opts seal = {.type = RDT_SEAL_DEVELOPMENT, .id = "second"};
    struct rdt_err err = {0};
    (void)state;
    new_key(key);
    encrypt(key, blob);
    uint32_t current = info().current;
    hold(&mine);
    hold(&other);
    assert_int_equal(rdt_root_add_seal(other.root, other.open, &seal, NULL, NULL), RDT_OK);
    assert_int_equal(rdt_root_save(other.root, folder, NULL), RDT_OK);
    assert_int_equal(rdt_kms_domain_rotate(kms, thread, &mine.opts, &err), RDT_E_STATE);
    assert_int_equal(info().current, current);
    assert_int_equal(info().ahead, RDT_DOMAINS_AHEAD_MAX);
    let_go(&mine);
    let_go(&other);
    decrypts(blob);
    stop_and_start();
    assert_int_equal(info().current, current);
    assert_int_equal(info().ahead, RDT_DOMAINS_AHEAD_MAX);
    decrypts(blob);
}

/* root.json lacks a key that was made ahead of time: a save that failed after the file was in its
 * place, or a copy of another day. What it wraps would be lost with the next stop. */
static void
ahead_in_memory_alone(void **state)
{
    char key[64], blob[512], item[RDT_ROOT_NAME_MAX];
    struct held held;
    struct rdt_err err = {0};
    (void)state;
    new_key(key);
    encrypt(key, blob);
    uint32_t current = info().current;
    hold(&held);
    rdt_domain_item(current + 1, item);
    assert_int_equal(rdt_root_drop(held.root, item, NULL), RDT_OK);
    assert_int_equal(rdt_root_save(held.root, folder, NULL), RDT_OK);
    let_go(&held);
    assert_int_equal(rdt_kms_domain_rotate(kms, thread, NULL, &err), RDT_OK);
    assert_int_equal(info().current, current + 2); /* the first that is in both */
    ticks(4, NOW_MS);
    decrypts(blob);
    stop_and_start();
    decrypts(blob);
    hold(&held);
    for (uint32_t i = info().current + 1; i <= rdt_domains_highest(&kms->domains); i++) {
        rdt_domain_item(i, item);
        assert_int_equal(rdt_root_drop(held.root, item, NULL), RDT_OK);
    }
    assert_int_equal(rdt_root_save(held.root, folder, NULL), RDT_OK);
    let_go(&held);
    assert_int_equal(rdt_kms_domain_rotate(kms, thread, NULL, &err), RDT_E_STATE);
    assert_non_null(strstr(err.text, "ahead of time"));
    stop_and_start();
    decrypts(blob);
}

/* A stop at the worst moments. */
static void
stops_in_between(void **state)
{
    char key[64], blob[512];
    struct held held;
    size_t made;
    (void)state;
    new_key(key);
    encrypt(key, blob);
    /* the keys are in root.json, the row that uses one is not */
    hold(&held);
    uint32_t current = info().current, first = rdt_domains_highest(&kms->domains) + 1;
    assert_int_equal(rdt_domains_ahead(&kms->domains, first, held.root, held.open, &made, NULL),
                     RDT_OK);
    assert_int_equal(rdt_root_save(held.root, folder, NULL), RDT_OK);
    let_go(&held);
    stop_and_start();
    assert_int_equal(info().current, current);
    decrypts(blob);
    /* it is retired, and its item still there */
    rotate_with_root();
    ticks(1, NOW_MS);
    kms->drop_domains = false;
    struct rdt_tx *tx = NULL;
    uint8_t id[4];
    while (under(current) != 0)
        ticks(1, NOW_MS);
    assert_int_equal(rdt_tx_begin(kms->state, &tx, NULL), RDT_OK);
    rdt_u32_bytes(current, id);
    struct rdt_domain *row = rdt_tx_edit(tx, RDT_KIND_DOMAIN, (struct rdt_span){id, 4});
    row->retired = 1;
    commit(tx);
    assert_true(root_has(current));
    stop_and_start();
    assert_true(root_has(current));
    ticks(1, NOW_MS);
    assert_false(root_has(current));
    decrypts(blob);
}

/* The key changes again in the middle of a pass: what is behind it is older now. */
static void
changes_again(void **state)
{
    RDT_BUF out = {0};
    char key[64], blob[512];
    (void)state;
    new_key(key);
    encrypt(key, blob);
    rotate_with_root();
    ticks(1, NOW_MS);
    uint32_t second = info().current;
    thread->rewrap = (struct rewrap_at){.under = second, .kind = 2}; /* nothing was found so far */
    rotate_with_root();
    assert_int_equal(rdt_kms_local(kms, thread, "SystemDomainRetire", "{}", &out, NULL),
                     RDT_E_DENIED);
    assert_int_equal(info().older, 2);
    ticks(1, NOW_MS);
    assert_int_equal(under(second), 0);
    assert_int_equal(info().older, 2);
    assert_true(root_has(second));
    ticks(1, NOW_MS);
    assert_int_equal(info().older, 0);
    assert_false(root_has(second));
    decrypts(blob);
    stop_and_start();
    decrypts(blob);
}

/* Until it is killed: the key changes, everything moves, keys are made, over and over. */
static void
busy(int started)
{
    struct held held;
    hold(&held);
    if (rdt_kms_open(&held.opts, &kms, NULL) != RDT_OK ||
        rdt_kms_thread_open(kms, &thread, NULL) != RDT_OK)
        _exit(1);
    for (unsigned i = 0;; i++) {
        RDT_BUF out = {0};
        /* where older keys have no place left it is refused, and goes on later */
        if (i % 3 == 0)
            (void)!rdt_kms_domain_rotate(kms, thread, &held.opts, NULL);
        ticks(1, NOW_MS);
        (void)!rdt_kms_local(kms, thread, "CreateKey", "{}", &out, NULL);
        if (i == 0 && write(started, "", 1) != 1)
            _exit(1);
    }
}

static void
kill_one(unsigned round)
{
    int status, started[2];
    char byte;
    assert_int_equal(pipe(started), 0);
    fflush(stdout);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        busy(started[1]);
    close(started[1]);
    assert_int_equal(read(started[0], &byte, 1), 1);
    close(started[0]);
    usleep(round * 7919 % 50000);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
}

/* Killed at any point, many times: nothing is lost, and it ends. */
static void
killed(void **state)
{
    char key[64], blob[512];
    struct held held;
    struct rdt_err err = {0};
    (void)state;
    new_key(key);
    encrypt(key, blob);
    many_keys(RDT_WRITE_BATCH_MAX);
    rdt_kms_thread_close(thread);
    rdt_kms_close(kms);
    for (unsigned round = 0; round < 24; round++)
        kill_one(round);
    hold(&held);
    if (rdt_kms_open(&held.opts, &kms, &err) != RDT_OK)
        fail_msg("%s", err.text);
    let_go(&held);
    assert_int_equal(rdt_kms_thread_open(kms, &thread, NULL), RDT_OK);
    decrypts(blob);
    assert_true(info().current > 1); /* it did happen */
    ticks(12, NOW_MS);
    assert_int_equal(info().older, 0);
    for (uint32_t number = 1; number < info().current; number++)
        assert_false(root_has(number));
    decrypts(blob);
    stop_and_start();
    decrypts(blob);
}

/* What was destroyed makes the rest move, once a day. */
static void
after_a_destruction(void **state)
{
    uint8_t id[20] = {1};
    struct rdt_tx *tx = NULL;
    (void)state;
    int64_t at_ms = info().since_ms + DAY_MS - 100000;
    uint32_t before = info().current;
    ticks(1, at_ms);
    assert_int_equal(info().current, before);
    assert_int_equal(rdt_tx_begin(kms->state, &tx, NULL), RDT_OK);
    id[19] = 1;
    struct rdt_death *death = rdt_tx_add(tx, RDT_KIND_DEATH, (struct rdt_span){id, sizeof id});
    memcpy(death->key, id, 16);
    death->version = 1;
    death->erased_ms = at_ms;
    commit(tx);
    ticks(1, at_ms + 1000);
    ticks(1, at_ms + 61000);
    assert_int_equal(info().current, before); /* not within a day */
    ticks(1, at_ms + 110000);
    assert_int_equal(info().current, before); /* looks once a minute */
    ticks(1, at_ms + 122000);
    assert_int_not_equal(info().current, before);
    ticks(8, at_ms + 123000);
    assert_int_equal(info().older, 0);
    assert_int_equal(under(before), 0);
    assert_false(root_has(before));
}

/* A kind of row that would not be wrapped anew may keep no wrap at all. */
static void
kinds_that_wrap(void **state)
{
    RDT_SECRET secret = {0};
    struct rdt_bytes wrapped = {0};
    size_t n = 0;
    (void)state;
    assert_int_equal(rdt_secret_new(&secret, RDT_KEY_LEN, NULL), RDT_OK);
    for (unsigned kind = 1; kind < RDT_KIND_END; kind++) {
        struct wrap_at at = {.kind = kind, .id = rdt_span_str("x"), .purpose = "test"};
        enum rdt_code rc = rdt_wrap_put(kms, thread->worker, &at, &secret, 1, &wrapped);
        assert_int_equal(rc, rdt_domain_wraps(kind) ? RDT_OK : RDT_E_INTERNAL);
        n += rc == RDT_OK;
    }
    assert_int_equal(n, 3);
    free(wrapped.p);
}

/* A row that was changed by somebody is kept as it is, and so is the key it was under. */
static void
what_does_not_open(void **state)
{
    char key[64];
    uint8_t id[20];
    struct rdt_tx *tx = NULL;
    (void)state;
    new_key(key);
    assert_true(rdt_uuid_parse(rdt_span_str(key), id));
    rdt_u32_bytes(1, id + 16);
    assert_int_equal(rdt_tx_begin(kms->state, &tx, NULL), RDT_OK);
    struct rdt_version *version =
        rdt_tx_edit(tx, RDT_KIND_VERSION, (struct rdt_span){id, sizeof id});
    version->wrapped.p[20] ^= 1;
    commit(tx);
    uint32_t before = info().current;
    rotate_with_root();
    ticks(10, NOW_MS);
    assert_int_equal(under(before), 1);
    assert_int_equal(info().older, 1);
    assert_true(root_has(before));
    assert_non_null(rdt_domains_get(&kms->domains, before));
    stop_and_start();
    ticks(3, NOW_MS);
    assert_int_equal(info().older, 1);
}

/* root.json of another day: nothing is served, and nothing changed. */
static void
a_key_is_missing(void **state)
{
    struct held held;
    struct rdt_kms *none = NULL;
    struct rdt_err err = {0};
    char item[RDT_ROOT_NAME_MAX];
    (void)state;
    uint32_t current = info().current;
    rdt_kms_thread_close(thread);
    rdt_kms_close(kms);
    hold(&held);
    rdt_domain_item(current, item);
    RDT_SECRET key = {0};
    assert_int_equal(rdt_root_get(held.root, held.open, item, &key, NULL), RDT_OK);
    assert_int_equal(rdt_root_drop(held.root, item, NULL), RDT_OK);
    assert_int_equal(rdt_kms_open(&held.opts, &none, &err), RDT_E_STATE);
    assert_non_null(strstr(err.text, "lacks domain key"));
    assert_int_equal(rdt_root_put(held.root, held.open, item, &key, NULL), RDT_OK);
    assert_int_equal(rdt_kms_open(&held.opts, &kms, NULL), RDT_OK);
    assert_int_equal(rdt_kms_thread_open(kms, &thread, NULL), RDT_OK);
    let_go(&held);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(keys_ahead_of_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(moves_everything, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_the_root, set_up, tear_down),
        cmocka_unit_test_setup_teardown(another_changes_the_root, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ahead_in_memory_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(stops_in_between, set_up, tear_down),
        cmocka_unit_test_setup_teardown(changes_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(killed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(after_a_destruction, set_up, tear_down),
        cmocka_unit_test_setup_teardown(kinds_that_wrap, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_does_not_open, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_key_is_missing, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
