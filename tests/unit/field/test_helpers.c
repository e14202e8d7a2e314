/* What applications call, with keys as a service would answer. What the parts do with what is
 * malformed: test_password.c, test_api_key.c, test_webhook.c. */
#include "redoubt/helpers.h"

#include "service.h"

#include <sys/wait.h>
#include <unistd.h>

static const struct rdt_password_cost least = {RDT_PASSWORD_MEMORY_KIB, RDT_PASSWORD_PASSES,
                                               RDT_PASSWORD_LANES};

struct bench {
    struct rdt_keyring *keyring;
    struct rdt_column *column, *loose;
    struct rdt_session *session;
    struct service service;
    uint8_t value[512];
};

static int
set_up(void **state)
{
    static struct bench bench;
    bench = (struct bench){
        .service = {0, 3, 300}
    };
    assert_int_equal(rdt_keyring_new(NULL, &bench.keyring), RDT_FIELD_OK);
    bench.column = a_column(bench.keyring, RDT_COLUMN_ROW_BOUND);
    bench.loose = a_column(bench.keyring, 0);
    assert_int_equal(rdt_session_new(bench.keyring, &bench.session), RDT_FIELD_OK);
    *state = &bench;
    return 0;
}

static int
tear_down(void **state)
{
    struct bench *bench = *state;
    rdt_session_free(bench->session);
    rdt_column_free(bench->column);
    rdt_column_free(bench->loose);
    rdt_keyring_free(bench->keyring);
    return 0;
}

/* ---- passwords ---- */

static struct rdt_password_item
of_user(struct bench *bench, const char *user, const char *password)
{
    return (struct rdt_password_item){.tenant = acme,
                                      .row = user,
                                      .row_n = strlen(user),
                                      .password = password,
                                      .password_n = strlen(password),
                                      .out = bench->value,
                                      .out_room = sizeof bench->value};
}

static struct rdt_password_item
stored(struct bench *bench)
{
    struct rdt_password_item item = of_user(bench, "ann", "correct horse");
    assert_int_equal(rdt_password_store(bench->session, bench->column, &least, &item),
                     RDT_FIELD_NEED);
    assert_int_equal(item.out_n, 0);
    assert_int_equal(answer_all(&bench->service, bench->keyring), 1);
    assert_int_equal(rdt_password_store(bench->session, bench->column, &least, &item),
                     RDT_FIELD_OK);
    assert_true(item.out_n != 0 && item.out_n <= rdt_value_len(bench->column, RDT_PASSWORD_TEXT));
    item.value = bench->value;
    item.value_n = item.out_n;
    return item;
}

static enum rdt_password_verdict
verdict(struct bench *bench, struct rdt_password_item *item)
{
    assert_int_equal(rdt_password_verify(bench->session, bench->column, &least, item),
                     RDT_FIELD_OK);
    return item->verdict;
}

static void
right_and_wrong(void **state)
{
    struct bench *bench = *state;
    struct rdt_password_item item = stored(bench);
    struct rdt_password_cost dearer = {least.memory_kib, 3, 1};
    assert_int_equal(verdict(bench, &item), RDT_PASSWORD_MATCH);
    assert_int_equal(rdt_password_verify(bench->session, bench->column, &dearer, &item),
                     RDT_FIELD_OK);
    assert_int_equal(item.verdict, RDT_PASSWORD_REHASH);
    item.password_n--;
    assert_int_equal(verdict(bench, &item), RDT_PASSWORD_NO_MATCH);
    item.password_n++;
    item.row = "bob";
    assert_int_equal(verdict(bench, &item), RDT_PASSWORD_SEAL);
    assert_int_equal(item.fault, RDT_FIELD_PLACE);
    item.row = "ann";
    bench->value[item.value_n - 1] ^= 1;
    assert_int_equal(verdict(bench, &item), RDT_PASSWORD_SEAL);
    assert_int_equal(item.fault, RDT_FIELD_BODY);
    item.value_n = 10;
    assert_int_equal(verdict(bench, &item), RDT_PASSWORD_SEAL);
    assert_int_equal(item.fault, RDT_FIELD_NOT_RF1);
    item.value = NULL; /* no such user */
    assert_int_equal(verdict(bench, &item), RDT_PASSWORD_NO_MATCH);
    assert_int_equal(item.fault, RDT_FIELD_OK);
}

static void
of_another_tenant(void **state)
{
    struct bench *bench = *state;
    struct rdt_password_item item = stored(bench);
    item.tenant = zeta;
    assert_int_equal(rdt_password_verify(bench->session, bench->column, &least, &item),
                     RDT_FIELD_NEED);
    assert_false(rdt_password_is_right(item.verdict));
    answer_all(&bench->service, bench->keyring);
    assert_int_equal(verdict(bench, &item), RDT_PASSWORD_SEAL);
    assert_int_equal(item.fault, RDT_FIELD_TENANT);
}

/* A bcrypt string, brought under the pepper without its password; then too long a password. */
static void
brought_along(void **state)
{
    struct bench *bench = *state;
    static const char old[] = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
    static char longer[73], longest[RDT_PASSWORD_MAX + 1];
    struct rdt_password_item item = stored(bench);
    struct rdt_item value = {.tenant = acme,
                             .row = "ann",
                             .row_n = 3,
                             .in = old,
                             .in_n = sizeof old - 1,
                             .out = bench->value,
                             .out_room = sizeof bench->value};
    assert_int_equal(rdt_encrypt(bench->session, bench->column, &value, 1), RDT_FIELD_OK);
    item.value_n = value.out_n;
    assert_int_equal(verdict(bench, &item), RDT_PASSWORD_NO_MATCH);
    item.password = "U*U";
    item.password_n = 3;
    assert_int_equal(verdict(bench, &item), RDT_PASSWORD_REHASH);
    item.password = longer;
    item.password_n = sizeof longer;
    assert_int_equal(verdict(bench, &item), RDT_PASSWORD_UNFIT);
    item.password = longest;
    item.password_n = sizeof longest;
    assert_int_equal(verdict(bench, &item), RDT_PASSWORD_UNFIT);
    item.value = NULL;
    assert_int_equal(verdict(bench, &item), RDT_PASSWORD_UNFIT);
}

static void
misused(void **state)
{
    struct bench *bench = *state;
    static char longest[RDT_PASSWORD_MAX + 1];
    struct rdt_password_cost cheap = {1024, 1, 1}, cost;
    struct rdt_password_item good = stored(bench), item = good;
    assert_int_equal(rdt_password_store(bench->session, bench->loose, &least, &item),
                     RDT_FIELD_USAGE);
    assert_int_equal(item.out_n, 0);
    assert_int_equal(rdt_password_verify(bench->session, bench->loose, &least, &item),
                     RDT_FIELD_USAGE);
    assert_int_equal(rdt_password_store(bench->session, bench->column, &cheap, &item),
                     RDT_FIELD_USAGE);
    assert_int_equal(rdt_password_verify(bench->session, bench->column, &cheap, &item),
                     RDT_FIELD_USAGE);
    assert_int_equal(item.verdict, RDT_PASSWORD_NO_MATCH);
    item.row_n = 0;
    assert_int_equal(rdt_password_store(bench->session, bench->column, &least, &item),
                     RDT_FIELD_USAGE);
    assert_int_equal(rdt_password_verify(bench->session, bench->column, &least, &item),
                     RDT_FIELD_USAGE);
    item = good;
    item.tenant = NULL;
    assert_int_equal(rdt_password_verify(bench->session, bench->column, &least, &item),
                     RDT_FIELD_USAGE);
    item = good;
    item.password_n = 0;
    assert_int_equal(rdt_password_store(bench->session, bench->column, &least, &item),
                     RDT_FIELD_TOO_LONG);
    item.password = longest;
    item.password_n = sizeof longest;
    assert_int_equal(rdt_password_store(bench->session, bench->column, &least, &item),
                     RDT_FIELD_TOO_LONG);
    item = good;
    item.out_room = 100;
    assert_int_equal(rdt_password_store(bench->session, bench->column, &least, &item),
                     RDT_FIELD_NO_ROOM);
    assert_int_equal(rdt_password_calibrate(bench->session, 0, 1, &cost), RDT_FIELD_USAGE);
    assert_int_equal(rdt_password_calibrate(bench->session, 0, RDT_PASSWORD_MEMORY_KIB, &cost),
                     RDT_FIELD_OK);
    assert_memory_equal(&cost, &least, sizeof cost);
}

/* ---- API keys ---- */

static struct rdt_api_key_item
of_key(const char *text)
{
    return (struct rdt_api_key_item){.tenant = acme, .text = text, .text_n = strlen(text)};
}

static void
keys_rotate(void **state)
{
    struct bench *bench = *state;
    char key[RDT_API_KEY_TEXT];
    assert_int_equal(rdt_api_key_new(bench->session, "acme_live", key), RDT_FIELD_OK);
    assert_true(rdt_api_key_is_whole(key, strlen(key)));
    assert_false(rdt_api_key_is_whole(key, strlen(key) - 1));
    struct rdt_api_key_item item = of_key(key), asked;
    assert_int_equal(rdt_api_key_store(bench->session, bench->column, &item), RDT_FIELD_NEED);
    answer_all(&bench->service, bench->keyring);
    assert_int_equal(rdt_api_key_store(bench->session, bench->column, &item), RDT_FIELD_OK);
    assert_memory_equal(item.look_up, item.out + RDT_API_KEY_STORED_AT, RDT_API_KEY_LOOK_UP);
    asked = of_key(key);
    assert_int_equal(rdt_api_key_find(bench->session, bench->column, &asked), RDT_FIELD_OK);
    assert_memory_equal(asked.look_up, item.look_up, RDT_API_KEY_LOOK_UP);
    asked.stored = item.out;
    asked.stored_n = sizeof item.out;
    assert_int_equal(rdt_api_key_verify(bench->session, bench->column, &asked), RDT_FIELD_OK);
    assert_int_equal(asked.verdict, RDT_API_KEY_MATCH);
    assert_int_equal(asked.stale, 0);
    /* another epoch: found under the old one, and told to be old */
    bench->service.current = 4;
    struct rdt_kek kek = kek_of(acme, 4, 4);
    assert_int_equal(rdt_keyring_put(bench->keyring, &kek), RDT_FIELD_OK);
    assert_int_equal(rdt_api_key_verify(bench->session, bench->column, &asked), RDT_FIELD_OK);
    assert_int_equal(asked.verdict, RDT_API_KEY_MATCH);
    assert_int_equal(asked.stale, 1);
    assert_int_equal(rdt_api_key_find(bench->session, bench->column, &asked), RDT_FIELD_OK);
    assert_memory_not_equal(asked.look_up, item.look_up, RDT_API_KEY_LOOK_UP);
    asked.epoch = 3;
    assert_int_equal(rdt_api_key_find(bench->session, bench->column, &asked), RDT_FIELD_OK);
    assert_memory_equal(asked.look_up, item.look_up, RDT_API_KEY_LOOK_UP);
}

static void
keys_refused(void **state)
{
    struct bench *bench = *state;
    char key[RDT_API_KEY_TEXT], other[RDT_API_KEY_TEXT];
    struct rdt_kek kek = kek_of(acme, 3, 3);
    assert_int_equal(rdt_keyring_put(bench->keyring, &kek), RDT_FIELD_OK);
    assert_int_equal(rdt_api_key_new(bench->session, "Acme", key), RDT_FIELD_USAGE);
    assert_string_equal(key, "");
    assert_int_equal(rdt_api_key_new(bench->session, NULL, key), RDT_FIELD_USAGE);
    assert_int_equal(rdt_api_key_new(bench->session, "a", key), RDT_FIELD_OK);
    assert_int_equal(rdt_api_key_new(bench->session, "a", other), RDT_FIELD_OK);
    struct rdt_api_key_item item = of_key(key), asked = of_key(other), bad = of_key("a_1");
    assert_int_equal(rdt_api_key_store(bench->session, bench->column, &item), RDT_FIELD_OK);
    asked.stored = item.out;
    asked.stored_n = sizeof item.out;
    assert_int_equal(rdt_api_key_verify(bench->session, bench->column, &asked), RDT_FIELD_OK);
    assert_int_equal(asked.verdict, RDT_API_KEY_NO_MATCH);
    asked.stored_n--;
    assert_int_equal(rdt_api_key_verify(bench->session, bench->column, &asked), RDT_FIELD_OK);
    assert_int_equal(asked.verdict, RDT_API_KEY_STORED_BAD);
    assert_int_equal(rdt_api_key_find(bench->session, bench->column, &bad), RDT_FIELD_USAGE);
    assert_int_equal(bad.verdict, RDT_API_KEY_MALFORMED);
    assert_int_equal(rdt_api_key_verify(bench->session, bench->column, &bad), RDT_FIELD_OK);
    assert_int_equal(bad.verdict, RDT_API_KEY_MALFORMED);
    asked = of_key(key);
    asked.stored = item.out;
    asked.stored_n = sizeof item.out;
    asked.tenant = NULL;
    assert_int_equal(rdt_api_key_verify(bench->session, bench->column, &asked), RDT_FIELD_USAGE);
    asked.tenant = acme;
    item.out[2] ^= 1; /* another handle */
    assert_int_equal(rdt_api_key_verify(bench->session, bench->column, &asked), RDT_FIELD_TENANT);
    item.out[2] ^= 1;
    for (size_t at = 2; at < 8; at += 4) { /* no handle; no epoch: not "the current one" */
        uint8_t saved[4];
        memcpy(saved, item.out + at, sizeof saved);
        memset(item.out + at, 0, at == 2 ? 4 : 2);
        assert_int_equal(rdt_api_key_verify(bench->session, bench->column, &asked), RDT_FIELD_OK);
        assert_int_equal(asked.verdict, RDT_API_KEY_STORED_BAD);
        memcpy(item.out + at, saved, sizeof saved);
    }
    item.out[7] ^= 8; /* an epoch that is not here */
    assert_int_equal(rdt_api_key_verify(bench->session, bench->column, &asked), RDT_FIELD_NEED);
    assert_int_equal(asked.verdict, RDT_API_KEY_NO_MATCH);
}

/* ---- webhooks ---- */

#define SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

static void
webhooks(void **state)
{
    struct bench *bench = *state;
    static const char body[] = "{\"test\": 2432232314}";
    char fresh[RDT_WEBHOOK_SECRET_TEXT], text[RDT_WEBHOOK_SIGNATURE_TEXT];
    assert_int_equal(rdt_webhook_secret(bench->session, fresh), RDT_FIELD_OK);
    const char *secrets[] = {fresh, SECRET};
    enum rdt_webhook_verdict got;
    struct rdt_webhook_slot slots[16];
    struct rdt_webhook_window window;
    struct rdt_webhook webhook = {.secrets = secrets + 1,
                                  .secrets_n = 1,
                                  .id = "msg_p5jXN8AQM9LWM0D4loKWxJek",
                                  .timestamp = "1614265330",
                                  .body = body,
                                  .body_n = sizeof body - 1};
    assert_int_equal(rdt_webhook_sign(bench->session, &webhook, text), RDT_FIELD_OK);
    assert_string_equal(text, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    webhook.signature = text;
    webhook.secrets = secrets;
    webhook.secrets_n = 2;
    assert_int_equal(rdt_webhook_verify(bench->session, &webhook, 1614265330, &got), RDT_FIELD_OK);
    assert_int_equal(got, RDT_WEBHOOK_MATCH);
    rdt_webhook_window_init(&window, slots, RDT_COUNT(slots));
    assert_int_equal(rdt_webhook_remember(bench->session, &window, &webhook, 1614265330),
                     RDT_WEBHOOK_MATCH);
    assert_int_equal(rdt_webhook_remember(bench->session, &window, &webhook, 1614265330),
                     RDT_WEBHOOK_REPLAY);
    rdt_webhook_forget(bench->session, &window, &webhook);
    assert_int_equal(rdt_webhook_remember(bench->session, &window, &webhook, 1614265330),
                     RDT_WEBHOOK_MATCH);
    assert_int_equal(rdt_webhook_verify(bench->session, &webhook, -1, &got), RDT_FIELD_USAGE);
    assert_int_equal(got, RDT_WEBHOOK_NO_MATCH);
    webhook.secrets_n = 1;
    assert_int_equal(rdt_webhook_verify(bench->session, &webhook, 1614265330, &got), RDT_FIELD_OK);
    assert_int_equal(got, RDT_WEBHOOK_NO_MATCH);
    webhook.timestamp = NULL; /* a header that did not come */
    assert_int_equal(rdt_webhook_verify(bench->session, &webhook, 1614265330, &got), RDT_FIELD_OK);
    assert_int_equal(got, RDT_WEBHOOK_MALFORMED);
    secrets[0] = "secret";
    assert_int_equal(rdt_webhook_verify(bench->session, &webhook, 1614265330, &got),
                     RDT_FIELD_USAGE);
    assert_int_equal(got, RDT_WEBHOOK_NO_MATCH);
    webhook.secrets_n = 5;
    assert_int_equal(rdt_webhook_sign(bench->session, &webhook, text), RDT_FIELD_USAGE);
    assert_string_equal(text, "");
}

static void
endpoints(void **state)
{
    struct bench *bench = *state;
    char one[RDT_WEBHOOK_SECRET_TEXT], two[RDT_WEBHOOK_SECRET_TEXT];
    struct rdt_webhook_endpoint endpoint = {.tenant = acme, .id = "ep_1", .id_n = 4};
    assert_int_equal(rdt_webhook_endpoint_secret(bench->session, bench->loose, &endpoint, one),
                     RDT_FIELD_NEED);
    assert_string_equal(one, "");
    answer_all(&bench->service, bench->keyring);
    assert_int_equal(rdt_webhook_endpoint_secret(bench->session, bench->loose, &endpoint, one),
                     RDT_FIELD_OK);
    assert_int_equal(rdt_webhook_endpoint_secret(bench->session, bench->loose, &endpoint, two),
                     RDT_FIELD_OK);
    assert_string_equal(one, two);
    assert_memory_equal(one, "whsec_", 6);
    endpoint.id = "ep_2";
    assert_int_equal(rdt_webhook_endpoint_secret(bench->session, bench->loose, &endpoint, two),
                     RDT_FIELD_OK);
    assert_string_not_equal(one, two);
    endpoint.id_n = 0;
    assert_int_equal(rdt_webhook_endpoint_secret(bench->session, bench->loose, &endpoint, two),
                     RDT_FIELD_USAGE);
    assert_string_equal(two, "");
}

/* In a child nothing works with what was made before the fork. */
static void
forked(void **state)
{
    struct bench *bench = *state;
    struct rdt_password_item item = stored(bench);
    pid_t child = fork();
    if (child == 0) {
        char text[RDT_WEBHOOK_SIGNATURE_TEXT];
        enum rdt_webhook_verdict got;
        struct rdt_password_cost cost;
        struct rdt_webhook webhook = {0};
        struct rdt_api_key_item key = of_key("a_1");
        bool good =
            rdt_password_store(bench->session, bench->column, &least, &item) == RDT_FIELD_FORKED &&
            rdt_password_verify(bench->session, bench->column, &least, &item) == RDT_FIELD_FORKED &&
            rdt_password_calibrate(bench->session, 0, RDT_PASSWORD_MEMORY_KIB, &cost) ==
                RDT_FIELD_FORKED &&
            rdt_api_key_new(bench->session, "a", text) == RDT_FIELD_FORKED &&
            rdt_api_key_verify(bench->session, bench->column, &key) == RDT_FIELD_FORKED &&
            rdt_webhook_secret(bench->session, text) == RDT_FIELD_FORKED &&
            rdt_webhook_sign(bench->session, &webhook, text) == RDT_FIELD_FORKED &&
            rdt_webhook_verify(bench->session, &webhook, 1, &got) == RDT_FIELD_FORKED;
        _exit(good ? 0 : 1);
    }
    int status = 1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(right_and_wrong, set_up, tear_down),
        cmocka_unit_test_setup_teardown(of_another_tenant, set_up, tear_down),
        cmocka_unit_test_setup_teardown(brought_along, set_up, tear_down),
        cmocka_unit_test_setup_teardown(misused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keys_rotate, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keys_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(webhooks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(endpoints, set_up, tear_down),
        cmocka_unit_test_setup_teardown(forked, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
