/*
 * password_main - passwords, API keys and webhooks by questions on stdin, for a second
 * implementation to argue with. A line a question, words of hexadecimal ("-": no bytes), a line an
 * answer; a verdict is its number.
 *
 *   check PASSWORD STORED                          verdict
 *   make PASSWORD                                  stored string | refused
 *   key-make PREFIX                                key | refused
 *   key-read KEY                                   prefix | refused
 *   key-store KEK PLACE KEY                        what is stored | refused
 *   key-check KEK PLACE KEY STORED                 verdict
 *   secret TEXT                                    the secret | refused
 *   derive KEK PLACE ENDPOINT                      the secret's text | refused
 *   sign ID TIMESTAMP BODY SECRET...               header | refused
 *   hook ID TIMESTAMP SIGNATURE BODY NOW SECRET... verdict
 *
 * PLACE: handle 4 | epoch 2 | tenant 16 | column 16. NOW: 8 bytes.
 */
#include "base/cursor.h"
#include "field/api_key.h"
#include "field/password.h"
#include "field/webhook.h"

#include "words.h"

static struct rdt_worker *worker;
static const struct rdt_password_cost least = {RDT_PASSWORD_MEMORY_KIB, RDT_PASSWORD_PASSES,
                                               RDT_PASSWORD_LANES};

static void
say_text(const char *text)
{
    say(rdt_span_str(text));
}

static bool
do_check(const struct line *line)
{
    printf("%d\n", (int)rdt_pw_check(worker, &least, line->words[0], line->words[1]));
    return true;
}

static bool
do_make(const struct line *line)
{
    char text[RDT_PASSWORD_TEXT];
    bool ok = rdt_pw_make(worker, &least, line->words[0], text, NULL) == RDT_OK;
    if (ok)
        say_text(text);
    return ok;
}

static bool
do_key_make(const struct line *line)
{
    char text[RDT_API_KEY_TEXT];
    bool ok = rdt_apikey_make(worker, line->words[0], text, NULL) == RDT_OK;
    if (ok)
        say_text(text);
    return ok;
}

static bool
do_key_read(const struct line *line)
{
    struct rdt_span prefix;
    bool ok = rdt_apikey_read(line->words[0], &prefix);
    if (ok)
        say(prefix);
    return ok;
}

struct placed {
    struct rdt_secret key, scratch;
    struct rdt_field_column column;
    struct rdt_field_kek kek;
};

static void
placed_done(struct placed *placed)
{
    rdt_secret_wipe(&placed->key);
    rdt_secret_wipe(&placed->scratch);
}

static bool
read_placed(const struct line *line, struct placed *out)
{
    struct rdt_span in = line->words[1], tenant, id;
    out->kek = (struct rdt_field_kek){0, 0, &out->key, &out->column, &out->scratch};
    if (rdt_secret_copy(&out->key, line->words[0], NULL) != RDT_OK ||
        rdt_secret_new(&out->scratch, RDT_KEY_LEN, NULL) != RDT_OK ||
        !rdt_take_u32(&in, &out->kek.handle) || !rdt_take_u16(&in, &out->kek.epoch) ||
        !rdt_take(&in, 16, &tenant) || !rdt_take(&in, 16, &id) || in.n != 0)
        return false;
    memcpy(out->column.tenant, tenant.p, 16);
    memcpy(out->column.id, id.p, 16);
    return true;
}

static bool
do_key_store(const struct line *line)
{
    RDT_AUTO(placed_done) struct placed placed = {0};
    uint8_t stored[RDT_API_KEY_STORED];
    bool ok = read_placed(line, &placed) &&
              rdt_apikey_store(worker, &placed.kek, line->words[2], stored) == RDT_OK;
    if (ok)
        say((struct rdt_span){stored, sizeof stored});
    return ok;
}

static bool
do_key_check(const struct line *line)
{
    RDT_AUTO(placed_done) struct placed placed = {0};
    if (!read_placed(line, &placed))
        return false;
    printf("%d\n", (int)rdt_apikey_check(worker, &placed.kek, line->words[2], line->words[3]));
    return true;
}

static bool
do_secret(const struct line *line)
{
    RDT_SECRET secret = {0};
    bool ok = rdt_hook_secret_read(line->words[0], &secret, NULL) == RDT_OK;
    if (ok)
        say((struct rdt_span){secret.p, secret.n});
    return ok;
}

static bool
do_derive(const struct line *line)
{
    RDT_AUTO(placed_done) struct placed placed = {0};
    RDT_SECRET secret = {0};
    char text[RDT_WEBHOOK_SECRET_TEXT];
    if (!read_placed(line, &placed) || rdt_secret_new(&secret, RDT_KEY_LEN, NULL) != RDT_OK ||
        rdt_hook_secret_derive(worker, &placed.kek, line->words[2], &secret) != RDT_OK)
        return false;
    rdt_hook_secret_text(&secret, text);
    say_text(text);
    return true;
}

struct held {
    struct rdt_secret all[RDT_WEBHOOK_SECRETS_MAX];
    size_t n;
};

static void
held_done(struct held *held)
{
    for (size_t i = 0; i < held->n; i++)
        rdt_secret_wipe(&held->all[i]);
}

static bool
read_held(const struct line *line, size_t from, struct held *out)
{
    for (size_t i = from; i < line->n && out->n < RDT_WEBHOOK_SECRETS_MAX; i++)
        if (rdt_hook_secret_read(line->words[i], &out->all[out->n++], NULL) != RDT_OK)
            return false;
    return true;
}

static bool
do_sign(const struct line *line)
{
    RDT_AUTO(held_done) struct held held = {0};
    char text[RDT_WEBHOOK_SIGNATURE_TEXT];
    struct rdt_hook webhook = {
        .id = line->words[0], .timestamp = line->words[1], .body = line->words[2]};
    bool ok = read_held(line, 3, &held) &&
              rdt_hook_sign(worker, &(struct rdt_hook_secrets){held.all, held.n}, &webhook, text,
                            NULL) == RDT_OK;
    if (ok)
        say_text(text);
    return ok;
}

static bool
do_hook(const struct line *line)
{
    RDT_AUTO(held_done) struct held held = {0};
    struct rdt_hook webhook = {line->words[0], line->words[1], line->words[2], line->words[3]};
    struct rdt_span now = line->words[4];
    uint64_t now_s;
    if (!rdt_take_uint(&now, 8, &now_s) || !read_held(line, 5, &held))
        return false;
    printf("%d\n", (int)rdt_hook_check(worker, &(struct rdt_hook_secrets){held.all, held.n},
                                       &webhook, (int64_t)now_s));
    return true;
}

static const struct {
    const char *verb;
    size_t words; /* at least */
    bool (*ask)(const struct line *line);
} questions[] = {
    {"check",     2, do_check    },
    {"make",      1, do_make     },
    {"key-make",  1, do_key_make },
    {"key-read",  1, do_key_read },
    {"key-store", 3, do_key_store},
    {"key-check", 4, do_key_check},
    {"secret",    1, do_secret   },
    {"derive",    3, do_derive   },
    {"sign",      3, do_sign     },
    {"hook",      5, do_hook     },
};

static bool
answer(char *text)
{
    static struct line line;
    char *words = strchr(text, ' ');
    if (words == NULL)
        return false;
    *words++ = '\0';
    for (size_t i = 0; i < RDT_COUNT(questions); i++)
        if (strcmp(text, questions[i].verb) == 0)
            return read_words(words, &line) && line.n >= questions[i].words &&
                   questions[i].ask(&line);
    return false;
}

int
main(void)
{
    static char text[4 * WORDS_BYTES];
    struct rdt_err err = {0};
    if (rdt_worker_open(&worker, &err) != RDT_OK) {
        fprintf(stderr, "password_main: %s\n", err.text);
        return 1;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    while (fgets(text, sizeof text, stdin) != NULL)
        if (!answer(text))
            printf("refused\n");
    rdt_worker_close(worker);
    return 0;
}
