/*
 * fetch_main - a program with a keyring and a fetcher, driven by lines: what an application would
 * do, with the server of the environment.
 *
 *   fetch_main RING TENANT COLUMN TTL GRACE     UUIDs, seconds
 *
 *   encrypt TEXT          the value | FAULT (a number and words)
 *   decrypt VALUE         the text | FAULT; a key that lacks is waited for 3 s
 *   try VALUE             the same, without waiting
 *   threads N VALUE       N threads decrypt at once: how many could
 *   status                answered refused failed unreachable; last
 *   drop                  forget the tenant's keys
 *   fork                  FAULT of waiting in a child
 */
#include "base/buf.h"
#include "codec/base64.h"
#include "redoubt/fetch.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define WAIT_MS 3000
#define ROOM ((size_t)4096)
#define THREADS_MOST 64

static struct rdt_keyring *keyring;
static struct rdt_fetcher *fetcher;
static struct rdt_column *column;
static uint8_t ring[RDT_ID_LEN], tenant[RDT_ID_LEN];

typedef enum rdt_field_fault way(struct rdt_session *, const struct rdt_column *, struct rdt_item *,
                                 size_t);

static enum rdt_field_fault
do_it(way *how, struct rdt_session *session, struct rdt_item *item, bool patient)
{
    enum rdt_field_fault fault;
    while ((fault = how(session, column, item, 1)) == RDT_FIELD_NEED && patient)
        if ((fault = rdt_fetcher_wait(fetcher, WAIT_MS)) != RDT_FIELD_OK)
            break;
    return fault;
}

static struct rdt_item
item_of(const uint8_t *in, size_t n, uint8_t *out)
{
    return (struct rdt_item){.tenant = tenant, .in = in, .in_n = n, .out = out, .out_room = ROOM};
}

static void
say_fault(enum rdt_field_fault fault)
{
    printf("fault %d %s\n", (int)fault, rdt_field_fault_words(fault));
}

static void
encrypt(struct rdt_session *session, const char *text)
{
    uint8_t out[ROOM];
    RDT_BUF hex = {0};
    struct rdt_item item = item_of((const uint8_t *)text, strlen(text), out);
    enum rdt_field_fault fault = do_it(rdt_encrypt, session, &item, true);
    if (fault != RDT_FIELD_OK) {
        say_fault(fault);
        return;
    }
    rdt_hex_add(&hex, (struct rdt_span){out, item.out_n});
    printf("%s\n", rdt_buf_cstr(&hex));
}

static enum rdt_field_fault
decrypt_hex(struct rdt_session *session, const char *hex, bool patient, uint8_t *out, size_t *n)
{
    uint8_t value[ROOM];
    size_t value_n = strlen(hex) / 2;
    if (value_n > sizeof value || !rdt_hex_get(rdt_span_str(hex), value, value_n))
        return RDT_FIELD_NOT_RF1;
    struct rdt_item item = item_of(value, value_n, out);
    enum rdt_field_fault fault = do_it(rdt_decrypt, session, &item, patient);
    *n = item.out_n;
    return fault;
}

static void
decrypt(struct rdt_session *session, const char *hex, bool patient)
{
    uint8_t out[ROOM];
    size_t n = 0;
    enum rdt_field_fault fault = decrypt_hex(session, hex, patient, out, &n);
    if (fault != RDT_FIELD_OK)
        say_fault(fault);
    else
        printf("%.*s\n", (int)n, (const char *)out);
}

static void *
in_a_thread(void *context)
{
    struct rdt_session *session = NULL;
    uint8_t out[ROOM];
    size_t n = 0;
    bool ok = rdt_session_new(keyring, &session) == RDT_FIELD_OK &&
              decrypt_hex(session, context, true, out, &n) == RDT_FIELD_OK;
    rdt_session_free(session);
    return ok ? context : NULL;
}

static void
threads(char *words)
{
    pthread_t all[THREADS_MOST];
    char *value = NULL;
    size_t n = strtoul(words, &value, 10), good = 0;
    for (size_t i = 0; i < n && i < THREADS_MOST; i++)
        if (pthread_create(&all[i], NULL, in_a_thread, value + 1) != 0)
            exit(EXIT_FAILURE);
    for (size_t i = 0; i < n && i < THREADS_MOST; i++) {
        void *got = NULL;
        pthread_join(all[i], &got);
        good += got != NULL;
    }
    printf("%zu\n", good);
}

static void
status(void)
{
    struct rdt_fetcher_status s = {.size = sizeof s};
    if (rdt_fetcher_look(fetcher, &s) != RDT_FIELD_OK)
        exit(EXIT_FAILURE);
    printf("%llu %llu %llu %u; %s\n", (unsigned long long)s.answered, (unsigned long long)s.refused,
           (unsigned long long)s.failed, s.unreachable, s.last);
}

static void
in_a_child(void)
{
    int end = 0;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        enum rdt_field_fault fault = rdt_fetcher_wait(fetcher, 1000);
        rdt_fetcher_free(fetcher); /* leaves the parent's connection alone */
        _exit((int)fault);
    }
    waitpid(child, &end, 0);
    say_fault((enum rdt_field_fault)WEXITSTATUS(end));
}

static void
obey(struct rdt_session *session, char *line)
{
    char *rest = strchr(line, ' ');
    if (rest != NULL)
        *rest++ = '\0';
    if (strcmp(line, "encrypt") == 0 && rest != NULL)
        encrypt(session, rest);
    else if (strcmp(line, "decrypt") == 0 && rest != NULL)
        decrypt(session, rest, true);
    else if (strcmp(line, "try") == 0 && rest != NULL)
        decrypt(session, rest, false);
    else if (strcmp(line, "threads") == 0 && rest != NULL)
        threads(rest);
    else if (strcmp(line, "status") == 0)
        status();
    else if (strcmp(line, "fork") == 0)
        in_a_child();
    else if (strcmp(line, "drop") == 0) {
        rdt_keyring_drop(keyring, ring, tenant);
        printf("dropped\n");
    } else
        printf("what?\n");
}

static bool
make(char **argv, struct rdt_session **session)
{
    char why[256] = "";
    struct rdt_column_spec spec = {.size = sizeof spec};
    struct rdt_keyring_options options = {.size = sizeof options,
                                          .ttl_s = (uint32_t)strtoul(argv[4], NULL, 10),
                                          .grace_s = (uint32_t)strtoul(argv[5], NULL, 10),
                                          .keys_max = 64};
    struct rdt_fetcher_options fetch = {.size = sizeof fetch, .timeout_ms = 2000};
    if (!rdt_uuid_parse(rdt_span_str(argv[1]), ring) ||
        !rdt_uuid_parse(rdt_span_str(argv[2]), tenant) ||
        !rdt_uuid_parse(rdt_span_str(argv[3]), spec.id))
        return false;
    memcpy(spec.ring, ring, sizeof ring);
    if (rdt_keyring_new(&options, &keyring) != RDT_FIELD_OK ||
        rdt_column_new(keyring, &spec, &column) != RDT_FIELD_OK ||
        rdt_session_new(keyring, session) != RDT_FIELD_OK)
        return false;
    enum rdt_field_fault fault = rdt_fetcher_new(keyring, &fetch, &fetcher, why, sizeof why);
    if (fault != RDT_FIELD_OK)
        printf("fault %d %s\n", (int)fault, why);
    return fault == RDT_FIELD_OK;
}

int
main(int argc, char **argv)
{
    static char line[2 * ROOM];
    struct rdt_session *session = NULL;
    if (argc != 6 || !make(argv, &session))
        return EXIT_FAILURE;
    while (fgets(line, sizeof line, stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        obey(session, line);
        fflush(stdout);
    }
    rdt_fetcher_free(fetcher);
    rdt_session_free(session);
    rdt_column_free(column);
    rdt_keyring_free(keyring);
    return EXIT_SUCCESS;
}
