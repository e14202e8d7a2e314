/*
 * root.json, in and out: docs/formats/root.md. Each object has exactly the members of its table;
 * what is more, less or of another form is an error, since nobody can say what it would have meant.
 */
#include "kms/root_internal.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "codec/base64.h"
#include "codec/json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>

#define NAME "root.json"
#define LOCK "root.lock"
#define VERSION "1"
#define NUMBER_DIGITS_MAX 9

/* ---- forms of members ---- */

static bool
get_text(const struct rdt_node *map, const char *key, char *out, size_t room)
{
    const struct rdt_node *node = rdt_node_get(map, key);
    const char *text = rdt_node_text(node);
    if (text == NULL || !node->quoted || node->text.n == 0 || node->text.n >= room ||
        !rdt_text_fit(node->text))
        return false;
    memcpy(out, text, node->text.n + 1);
    return true;
}

/* A whole number without sign, fraction or leading zero. */
static bool
get_number(const struct rdt_node *map, const char *key, uint32_t *out)
{
    const struct rdt_node *node = rdt_node_get(map, key);
    uint32_t value = 0;
    if (rdt_node_text(node) == NULL || node->quoted || node->text.n > NUMBER_DIGITS_MAX)
        return false;
    for (size_t i = 0; i < node->text.n; i++) {
        if (node->text.p[i] < '0' || node->text.p[i] > '9')
            return false;
        value = value * 10 + (node->text.p[i] - '0');
    }
    *out = value;
    return true;
}

/* At most room bytes in base64; exact: no fewer either. */
static bool
get_bytes(const struct rdt_node *map, const char *key, uint8_t *out, size_t room, size_t *n)
{
    const struct rdt_node *node = rdt_node_get(map, key);
    uint8_t bytes[RDT_P11_WRAPPED_MAX + 4];
    size_t got = 0;
    if (rdt_node_text(node) == NULL || !node->quoted || node->text.n == 0 ||
        node->text.n > rdt_base64_len(room) || !rdt_base64_get(node->text, bytes, &got) ||
        got > room || (n == NULL && got != room))
        return false;
    memcpy(out, bytes, got);
    if (n != NULL)
        *n = got;
    return true;
}

static bool
get_time(const struct rdt_node *map, const char *key, int64_t *out)
{
    char text[RDT_STAMP_TEXT], again[RDT_STAMP_TEXT];
    int64_t seconds;
    if (!get_text(map, key, text, sizeof text) || !rdt_stamp_parse(rdt_span_str(text), &seconds))
        return false;
    rdt_stamp_text(seconds, again);
    *out = seconds;
    return strcmp(text, again) == 0; /* one spelling */
}

/* Whether a map has n members; since each is asked for, it then has no other. */
static bool
has(const struct rdt_node *map, size_t n)
{
    return map != NULL && map->kind == RDT_NODE_MAP && map->n == n;
}

bool
rdt_root_is_name(const char *text, size_t max, const char *more)
{
    size_t n = strlen(text);
    for (size_t i = 0; i < n; i++) {
        char c = text[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
              strchr(more, c) != NULL))
            return false;
    }
    return n > 0 && n < max;
}

/* ---- reading ---- */

static bool
read_development(const struct rdt_node *node, struct root_seal *seal)
{
    return has(node, 6) && rdt_node_true(node, "development") &&
           get_bytes(node, "key", seal->plain, sizeof seal->plain, NULL);
}

static bool
read_passphrase(const struct rdt_node *node, struct root_seal *seal)
{
    return has(node, 8) && get_number(node, "memory_kib", &seal->argon.memory_kib) &&
           get_number(node, "passes", &seal->argon.passes) &&
           get_number(node, "lanes", &seal->argon.lanes) &&
           get_bytes(node, "salt", seal->argon.salt, sizeof seal->argon.salt, NULL);
}

static bool
read_shamir(const struct rdt_node *node, struct root_seal *seal)
{
    return has(node, 7) && get_number(node, "threshold", &seal->threshold) &&
           get_number(node, "shares", &seal->shares) && seal->threshold >= 2 &&
           seal->threshold <= seal->shares && seal->shares <= RDT_SHARES_MAX &&
           get_bytes(node, "set", seal->set, sizeof seal->set, NULL);
}

static bool
read_pkcs11(const struct rdt_node *node, struct root_seal *seal)
{
    char how[16];
    if (!has(node, 9) || !get_text(node, "how", how, sizeof how))
        return false;
    for (int i = RDT_P11_OAEP; i <= RDT_P11_UNWRAP; i++) {
        if (strcmp(how, rdt_p11_how_name((enum rdt_p11_how)i)) == 0)
            seal->how = (enum rdt_p11_how)i;
    }
    return seal->how != RDT_P11_BEST &&
           get_text(node, "module", seal->module, sizeof seal->module) &&
           get_text(node, "token", seal->token, sizeof seal->token) &&
           get_text(node, "label", seal->key, sizeof seal->key) &&
           get_bytes(node, "kek", seal->kek, sizeof seal->kek, &seal->kek_n);
}

static enum rdt_code
read_seal(const struct rdt_node *node, struct root_seal *seal, struct rdt_err *err)
{
    static bool (*const readers[])(const struct rdt_node *, struct root_seal *) = {
        [RDT_SEAL_DEVELOPMENT] = read_development,
        [RDT_SEAL_PASSPHRASE] = read_passphrase,
        [RDT_SEAL_SHAMIR] = read_shamir,
        [RDT_SEAL_PKCS11] = read_pkcs11,
    };
    char type[16];
    size_t at = 0;
    if (!get_text(node, "id", seal->id, sizeof seal->id) ||
        !rdt_root_is_name(seal->id, sizeof seal->id, "") ||
        !get_text(node, "type", type, sizeof type))
        return rdt_fail(err, RDT_E_BADINPUT, "a seal without id and type");
    while (at < RDT_COUNT(readers) && strcmp(type, rdt_seal_type_name((enum rdt_seal_type)at)) != 0)
        at++;
    if (at == RDT_COUNT(readers))
        return rdt_fail(err, RDT_E_BADINPUT, "the seal '%s' is of no known type", seal->id);
    seal->type = (enum rdt_seal_type)at;
    if (!readers[at](node, seal) || !get_time(node, "created", &seal->created_s) ||
        !get_bytes(node, "root", seal->root, sizeof seal->root, NULL))
        return rdt_fail(err, RDT_E_BADINPUT, "the seal '%s' is not of its form", seal->id);
    if (seal->type != RDT_SEAL_PASSPHRASE)
        return RDT_OK;
    enum rdt_code rc = rdt_argon_check(&seal->argon, err);
    return rc == RDT_OK ? RDT_OK : rdt_fail_in(err, rc, "the seal '%s'", seal->id);
}

static enum rdt_code
read_seals(const struct rdt_node *list, struct rdt_root *root, struct rdt_err *err)
{
    if (list == NULL || list->kind != RDT_NODE_LIST || list->n == 0)
        return rdt_fail(err, RDT_E_BADINPUT, "there is no seal");
    if (list->n > RDT_ROOT_SEALS_MAX)
        return rdt_fail(err, RDT_E_LIMIT, "more than %d seals", RDT_ROOT_SEALS_MAX);
    for (size_t i = 0; i < list->n; i++) {
        enum rdt_code rc = read_seal(list->members[i].node, &root->seals[i], err);
        for (size_t j = 0; rc == RDT_OK && j < i; j++) {
            if (strcmp(root->seals[i].id, root->seals[j].id) == 0)
                rc = rdt_fail(err, RDT_E_BADINPUT, "the seal '%s' twice", root->seals[i].id);
        }
        if (rc != RDT_OK)
            return rc;
    }
    root->n_seals = list->n;
    return RDT_OK;
}

static int
compare_items(const void *a, const void *b)
{
    return strcmp(((const struct root_item *)a)->name, ((const struct root_item *)b)->name);
}

static enum rdt_code
read_items(const struct rdt_node *map, struct rdt_root *root, struct rdt_err *err)
{
    if (map == NULL || map->kind != RDT_NODE_MAP)
        return rdt_fail(err, RDT_E_BADINPUT, "there are no items");
    if (map->n > RDT_ROOT_ITEMS_MAX)
        return rdt_fail(err, RDT_E_LIMIT, "more than %d items", RDT_ROOT_ITEMS_MAX);
    for (size_t i = 0; i < map->n; i++) {
        struct root_item *item = &root->items[i];
        const char *name = (const char *)map->members[i].key.p; /* no JSON key holds a NUL */
        if (!rdt_root_is_name(name, sizeof item->name, "/") ||
            !get_bytes(map, name, item->wrapped, sizeof item->wrapped, NULL))
            return rdt_fail(err, RDT_E_BADINPUT, "item %zu is not of its form", i + 1);
        snprintf(item->name, sizeof item->name, "%s", name);
    }
    root->n_items = map->n;
    qsort(root->items, root->n_items, sizeof root->items[0], compare_items);
    return RDT_OK;
}

static enum rdt_code
read_top(const struct rdt_node *top, struct rdt_root *root, struct rdt_err *err)
{
    const struct rdt_node *version = rdt_node_get(top, "redoubt_root");
    uint32_t number = 0;
    if (version == NULL || !get_number(top, "redoubt_root", &number))
        return rdt_fail(err, RDT_E_BADINPUT, "this is no root file");
    if (!rdt_node_is(version, VERSION))
        return rdt_fail(err, RDT_E_STATE, "root file of format %u; this redoubt knows " VERSION,
                        number);
    if (!has(top, 6) ||
        !get_bytes(top, "deployment", root->deployment, sizeof root->deployment, NULL) ||
        !get_time(top, "created", &root->created_s) ||
        !get_bytes(top, "check", root->check, sizeof root->check, NULL))
        return rdt_fail(err, RDT_E_BADINPUT, "the root file is not of its form");
    enum rdt_code rc = read_seals(rdt_node_get(top, "seals"), root, err);
    return rc == RDT_OK ? read_items(rdt_node_get(top, "items"), root, err) : rc;
}

enum rdt_code
rdt_root_parse(struct rdt_span bytes, struct rdt_root **out, struct rdt_err *err)
{
    RDT_AUTO(rdt_arena_done) struct rdt_arena arena = {0};
    struct rdt_node *top = NULL;
    RDT_AUTO(rdt_root_free_at) struct rdt_root *root = NULL;
    if (bytes.n > RDT_ROOT_FILE_MAX)
        return rdt_fail(err, RDT_E_LIMIT, NAME " of more than %zu bytes", RDT_ROOT_FILE_MAX);
    enum rdt_code rc = rdt_json_parse(NAME, bytes, &arena, &top, err);
    if (rc != RDT_OK)
        return rc;
    root = calloc(1, sizeof *root);
    if (root == NULL)
        return rdt_fail(err, RDT_E_NOMEM, NAME);
    rc = read_top(top, root, err);
    if (rc == RDT_OK)
        rc = rdt_sha256(bytes, root->stored_as, err);
    if (rc != RDT_OK)
        return rdt_fail_in(err, rc, NAME);
    root->stored = true;
    *out = RDT_STEAL(root);
    return RDT_OK;
}

/* ---- writing ---- */

static void
put_bytes(struct rdt_buf *out, const char *key, const uint8_t *bytes, size_t n)
{
    rdt_buf_fmt(out, "\"%s\": \"", key);
    rdt_base64_add(out, (struct rdt_span){bytes, n});
    rdt_buf_str(out, "\"");
}

static void
put_text(struct rdt_buf *out, const char *key, const char *text)
{
    rdt_buf_fmt(out, "\"%s\": ", key);
    rdt_json_text(out, rdt_span_str(text));
}

static void
put_time(struct rdt_buf *out, const char *key, int64_t seconds)
{
    char text[RDT_STAMP_TEXT];
    rdt_stamp_text(seconds, text);
    put_text(out, key, text);
}

#define NEXT ",\n      "

/* Members in ascending order, like everywhere in the file. */
static void
put_seal(struct rdt_buf *out, const struct root_seal *seal)
{
    rdt_buf_str(out, "    {\n      ");
    put_time(out, "created", seal->created_s);
    if (seal->type == RDT_SEAL_DEVELOPMENT)
        rdt_buf_str(out, NEXT "\"development\": true");
    if (seal->type == RDT_SEAL_PKCS11) {
        rdt_buf_str(out, NEXT);
        put_text(out, "how", rdt_p11_how_name(seal->how));
    }
    rdt_buf_str(out, NEXT);
    put_text(out, "id", seal->id);
    if (seal->type == RDT_SEAL_DEVELOPMENT) {
        rdt_buf_str(out, NEXT);
        put_bytes(out, "key", seal->plain, sizeof seal->plain);
    } else if (seal->type == RDT_SEAL_PASSPHRASE) {
        rdt_buf_fmt(out, NEXT "\"lanes\": %u" NEXT "\"memory_kib\": %u" NEXT "\"passes\": %u",
                    seal->argon.lanes, seal->argon.memory_kib, seal->argon.passes);
    } else if (seal->type == RDT_SEAL_PKCS11) {
        rdt_buf_str(out, NEXT);
        put_bytes(out, "kek", seal->kek, seal->kek_n);
        rdt_buf_str(out, NEXT);
        put_text(out, "label", seal->key);
        rdt_buf_str(out, NEXT);
        put_text(out, "module", seal->module);
    }
    rdt_buf_str(out, NEXT);
    put_bytes(out, "root", seal->root, sizeof seal->root);
    rdt_buf_str(out, NEXT);
    if (seal->type == RDT_SEAL_PASSPHRASE) {
        put_bytes(out, "salt", seal->argon.salt, sizeof seal->argon.salt);
        rdt_buf_str(out, NEXT);
    } else if (seal->type == RDT_SEAL_SHAMIR) {
        put_bytes(out, "set", seal->set, sizeof seal->set);
        rdt_buf_fmt(out, NEXT "\"shares\": %u" NEXT "\"threshold\": %u" NEXT, seal->shares,
                    seal->threshold);
    } else if (seal->type == RDT_SEAL_PKCS11) {
        put_text(out, "token", seal->token);
        rdt_buf_str(out, NEXT);
    }
    put_text(out, "type", rdt_seal_type_name(seal->type));
    rdt_buf_str(out, "\n    }");
}

void
rdt_root_text(const struct rdt_root *root, struct rdt_buf *out)
{
    rdt_buf_str(out, "{\n  ");
    put_bytes(out, "check", root->check, sizeof root->check);
    rdt_buf_str(out, ",\n  ");
    put_time(out, "created", root->created_s);
    rdt_buf_str(out, ",\n  ");
    put_bytes(out, "deployment", root->deployment, sizeof root->deployment);
    rdt_buf_str(out, ",\n  \"items\": {");
    for (size_t i = 0; i < root->n_items; i++) {
        rdt_buf_str(out, i == 0 ? "\n    " : ",\n    ");
        put_bytes(out, root->items[i].name, root->items[i].wrapped, sizeof root->items[i].wrapped);
    }
    rdt_buf_str(out, root->n_items == 0 ? "},\n" : "\n  },\n");
    rdt_buf_str(out, "  \"redoubt_root\": " VERSION ",\n  \"seals\": [\n");
    for (size_t i = 0; i < root->n_seals; i++) {
        put_seal(out, &root->seals[i]);
        rdt_buf_str(out, i + 1 < root->n_seals ? ",\n" : "\n");
    }
    rdt_buf_str(out, "  ]\n}\n");
}

/* ---- files ---- */

static enum rdt_code
path_of(const char *dir, const char *name, struct rdt_buf *out, struct rdt_err *err)
{
    rdt_buf_fmt(out, "%s/%s", dir, name);
    return rdt_buf_cstr(out) != NULL ? RDT_OK : rdt_fail(err, RDT_E_NOMEM, NAME);
}

enum rdt_code
rdt_root_load(const char *dir, struct rdt_root **out, struct rdt_err *err)
{
    RDT_BUF path = {0}, bytes = {0};
    enum rdt_code rc = path_of(dir, NAME, &path, err);
    if (rc == RDT_OK)
        rc = rdt_file_read(rdt_buf_cstr(&path), RDT_ROOT_FILE_MAX, &bytes, err);
    return rc == RDT_OK ? rdt_root_parse(rdt_buf_span(&bytes), out, err) : rc;
}

/* Held from the look at the old file until the new one stands in its place. */
static enum rdt_code
take_lock(const char *dir, int *fd, struct rdt_err *err)
{
    RDT_BUF path = {0};
    enum rdt_code rc = path_of(dir, LOCK, &path, err);
    if (rc != RDT_OK)
        return rc;
    *fd = open(rdt_buf_cstr(&path), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    while (*fd >= 0 && flock(*fd, LOCK_EX) != 0) {
        if (errno != EINTR)
            rdt_fd_close(fd);
    }
    if (*fd < 0)
        return rdt_fail(err, errno == EACCES || errno == EROFS ? RDT_E_DENIED : RDT_E_IO, "%s: %s",
                        rdt_buf_cstr(&path), strerror(errno));
    return RDT_OK;
}

/* Whether the file is the one that root came from; none, where root is new. */
static enum rdt_code
check_unchanged(const struct rdt_root *root, const char *path, struct rdt_err *err)
{
    RDT_BUF bytes = {0};
    uint8_t hash[RDT_SHA256_LEN];
    struct stat st;
    if (lstat(path, &st) == 0 && !S_ISREG(st.st_mode)) /* which could not be replaced whole */
        return rdt_fail(err, RDT_E_BADINPUT, "%s: is not a regular file", path);
    enum rdt_code rc = rdt_file_read(path, RDT_ROOT_FILE_MAX, &bytes, err);
    if (rc == RDT_E_NOTFOUND)
        return root->stored ? rdt_fail(err, RDT_E_STATE, "%s is gone", path) : RDT_OK;
    if (rc == RDT_OK && !root->stored)
        return rdt_fail(err, RDT_E_STATE, "%s is there already", path);
    if (rc == RDT_OK)
        rc = rdt_sha256(rdt_buf_span(&bytes), hash, err);
    if (rc == RDT_OK && !rdt_same((struct rdt_span){hash, sizeof hash},
                                  (struct rdt_span){root->stored_as, sizeof root->stored_as}))
        return rdt_fail(err, RDT_E_STATE, "%s was changed by another meanwhile", path);
    return rc;
}

enum rdt_code
rdt_root_save(struct rdt_root *root, const char *dir, struct rdt_err *err)
{
    RDT_BUF path = {0}, bytes = {0};
    RDT_FD lock = -1;
    uint8_t hash[RDT_SHA256_LEN];
    rdt_root_text(root, &bytes);
    if (!rdt_buf_ok(&bytes))
        return rdt_fail(err, RDT_E_NOMEM, NAME);
    enum rdt_code rc = path_of(dir, NAME, &path, err);
    if (rc == RDT_OK)
        rc = rdt_sha256(rdt_buf_span(&bytes), hash, err);
    if (rc == RDT_OK)
        rc = take_lock(dir, &lock, err);
    if (rc == RDT_OK)
        rc = check_unchanged(root, rdt_buf_cstr(&path), err);
    if (rc == RDT_OK)
        rc = rdt_file_write(rdt_buf_cstr(&path), 0600, rdt_buf_span(&bytes), err);
    if (rc != RDT_OK)
        return rc;
    memcpy(root->stored_as, hash, sizeof hash);
    root->stored = true;
    return RDT_OK;
}
