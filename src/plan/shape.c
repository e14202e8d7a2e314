#include "base/clock.h"
#include "plan/plan_internal.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#define WORDS_SHOWN 12 /* of a long list, in a message */

struct check {
    struct rdt_loading *loading;
    struct rdt_path path;
    bool partial;
    bool inherits; /* the object that comes next may say `like` */
    bool quiet;    /* what was written is not repeated: somebody may have put a secret there */
};

static void check_value(struct check *check, const struct rdt_field *field, struct rdt_node *node);

void
rdt_path_push(struct rdt_path *path, struct rdt_span key)
{
    size_t room = sizeof path->text - 1 - path->n; /* its end has a NUL */
    size_t n = key.n;
    if (path->n != 0 && room != 0) {
        path->text[path->n++] = '.';
        room--;
    }
    if (n > room)
        n = room;
    if (n != 0)
        memcpy(path->text + path->n, key.p, n);
    path->n += n;
    path->text[path->n] = '\0';
}

void
rdt_path_pop(struct rdt_path *path, size_t n)
{
    path->n = n;
    path->text[n] = '\0';
}

static void
complain(const struct check *check, struct rdt_mark mark, const char *text)
{
    const char *path = check->path.n == 0 ? "the document" : check->path.text;
    rdt_diag_add(check->loading->diags, mark, "%s: %s", path, text);
}

static const char *
found(const struct rdt_node *node)
{
    switch (node->kind) {
    case RDT_NODE_NULL:
        return "nothing";
    case RDT_NODE_LIST:
        return "a list";
    case RDT_NODE_MAP:
        return "a map";
    default:
        return "a value";
    }
}

static void
expected(const struct check *check, const struct rdt_node *node, const char *what)
{
    char text[256];
    if (node->kind == RDT_NODE_SCALAR && check->quiet)
        snprintf(text, sizeof text, "expected %s", what);
    else if (node->kind == RDT_NODE_SCALAR)
        snprintf(text, sizeof text, "expected %s, found '%.60s'", what, (const char *)node->text.p);
    else
        snprintf(text, sizeof text, "expected %s, found %s", what, found(node));
    complain(check, node->mark, text);
}

/* What YAML 1.1 or 1.2 readers take for a number or a truth value: as text it must be quoted, or an
 * editor's schema and this loader would see two different plans. */
static bool
reads_as_typed(struct rdt_span text)
{
    static const char *const words[] = {"true", "false", "yes",  "no",    "on",    "off",
                                        "y",    "n",     ".inf", "-.inf", "+.inf", ".nan"};
    char *end = NULL;
    const char *s = (const char *)text.p;
    for (size_t i = 0; text.n <= 5 && i < RDT_COUNT(words); i++) { /* none is longer */
        if (strcasecmp(s, words[i]) == 0)
            return true;
    }
    if (text.n == 0 || strchr("+-.0123456789", s[0]) == NULL)
        return false;
    if (s[0] == '0' && text.n > 2 && s[1] == 'o')
        return strspn(s + 2, "01234567") == text.n - 2;
    strtod(s, &end);
    return end != s && *end == '\0';
}

static bool
is_scalar(const struct check *check, const struct rdt_node *node, const char *what)
{
    if (node->kind == RDT_NODE_SCALAR)
        return true;
    expected(check, node, what);
    return false;
}

static void
refuse_typed(struct check *check, const struct rdt_node *node, const char *what)
{
    if (node->quoted || !reads_as_typed(node->text))
        return;
    expected(check, node, what);
    rdt_diag_hint(check->loading->diags, "put it in quotes: \"%.80s\"",
                  check->quiet ? "..." : (const char *)node->text.p);
}

static void
check_text(struct check *check, const struct rdt_field *field, struct rdt_node *node)
{
    (void)field;
    node->type = RDT_TEXT;
    if (!is_scalar(check, node, "text"))
        return;
    if (node->text.n == 0)
        complain(check, node->mark, "expected text, found an empty string");
    refuse_typed(check, node, "text");
}

static void
check_one(struct check *check, const struct rdt_field *field, struct rdt_node *node)
{
    (void)field;
    node->type = RDT_NUMBER;
    node->number = 1;
    if (!rdt_node_is(node, "1") || node->quoted) {
        expected(check, node, "the format's version, 1");
        rdt_diag_hint(check->loading->diags, "this redoubt reads format 1 only");
    }
}

static void
check_bool(struct check *check, const struct rdt_field *field, struct rdt_node *node)
{
    (void)field;
    bool yes = rdt_node_is(node, "true");
    node->type = RDT_BOOL;
    node->number = yes;
    if (node->quoted || (!yes && !rdt_node_is(node, "false")))
        expected(check, node, "true or false");
}

static void
check_int(struct check *check, const struct rdt_field *field, struct rdt_node *node)
{
    char what[96];
    snprintf(what, sizeof what, "a whole number from %lld to %lld", (long long)field->min,
             (long long)field->max);
    node->type = RDT_NUMBER;
    if (!is_scalar(check, node, what))
        return;
    const char *s = (const char *)node->text.p;
    bool plain = !node->quoted && node->text.n != 0 && node->text.n <= 15 &&
                 strspn(s, "0123456789") == node->text.n && (s[0] != '0' || node->text.n == 1);
    long long value = plain ? strtoll(s, NULL, 10) : -1;
    node->number = (double)value;
    if (!plain || value < field->min || value > field->max)
        expected(check, node, what);
}

static void
check_date(struct check *check, const struct rdt_field *field, struct rdt_node *node)
{
    (void)field;
    int64_t days = 0;
    node->type = RDT_DATE;
    if (!is_scalar(check, node, "a date such as 2026-11-24"))
        return;
    if (!rdt_date_parse(node->text, &days))
        expected(check, node, "a date such as 2026-11-24");
    node->number = (double)days;
}

static void
check_duration(struct check *check, const struct rdt_field *field, struct rdt_node *node)
{
    (void)field;
    node->type = RDT_DURATION;
    if (!is_scalar(check, node, "a duration such as 90d, 24h or 1y"))
        return;
    if (!rdt_duration_parse(node->text, &node->number))
        expected(check, node, "a duration such as 90d, 24h or 1y");
}

static void
check_sha256(struct check *check, const struct rdt_field *field, struct rdt_node *node)
{
    (void)field;
    node->type = RDT_TEXT;
    if (!is_scalar(check, node, "64 hexadecimal digits"))
        return;
    if (node->text.n != 64 ||
        strspn((const char *)node->text.p, "0123456789abcdef") != node->text.n)
        expected(check, node, "64 hexadecimal digits in lower case");
    else
        refuse_typed(check, node, "64 hexadecimal digits as text");
}

static void
check_word(struct check *check, const struct rdt_field *field, struct rdt_node *node)
{
    char what[512] = "one of";
    size_t n = 0, at = strlen(what);
    node->type = RDT_TEXT;
    for (; field->words[n] != NULL; n++) {
        if (rdt_node_is(node, field->words[n]))
            return;
    }
    for (size_t i = 0; i < n && at < sizeof what - 1; i++) {
        const char *word = i < WORDS_SHOWN ? field->words[i] : "...";
        int len = snprintf(what + at, sizeof what - at, "%s %s", i == 0 ? "" : ",", word);
        at += len < 0 ? 0 : (size_t)len;
        if (i == WORDS_SHOWN)
            break;
    }
    char text[640];
    if (node->kind == RDT_NODE_SCALAR && check->quiet)
        snprintf(text, sizeof text, "expected %s", what);
    else if (node->kind == RDT_NODE_SCALAR)
        snprintf(text, sizeof text, "'%.60s' is not %s", (const char *)node->text.p, what);
    else
        snprintf(text, sizeof text, "expected %s, found %s", what, found(node));
    complain(check, node->mark, text);
    if (node->kind == RDT_NODE_SCALAR)
        rdt_suggest(check->loading->diags, node->text, field->words, n);
}

/* The value itself may be the secret that somebody pasted here: it is never quoted back. */
static void
check_secret(struct check *check, const struct rdt_field *field, struct rdt_node *node)
{
    (void)field;
    const char *text = rdt_node_text(node);
    node->type = RDT_TEXT;
    if (text != NULL && (strncmp(text, "env:", 4) == 0 || strncmp(text, "file:", 5) == 0) &&
        strchr(text, ':')[1] != '\0')
        return;
    complain(check, node->mark, "expected a reference to a secret, not the secret itself");
    rdt_diag_hint(check->loading->diags,
                  "write env:NAME or file:PATH (mode 0600, under the plan's folder)");
}

static void
check_ref(struct check *check, const struct rdt_field *field, struct rdt_node *node)
{
    (void)field;
    node->type = RDT_TEXT;
    if (is_scalar(check, node, "an id") && node->text.n == 0)
        expected(check, node, "an id");
}

static void
check_list(struct check *check, const struct rdt_field *field, struct rdt_node *node)
{
    if (node->kind != RDT_NODE_LIST) {
        expected(check, node, "a list, as in [a, b]");
        return;
    }
    size_t path = check->path.n;
    bool partial = check->partial;
    check->partial = false; /* RFC 7396 replaces lists whole */
    for (size_t i = 0; i < node->n; i++) {
        char index[24];
        snprintf(index, sizeof index, "%zu", i + 1);
        rdt_path_push(&check->path, rdt_span_str(index));
        check_value(check, field->item, node->members[i].node);
        rdt_path_pop(&check->path, path);
    }
    check->partial = partial;
}

static bool
is_numbered(struct rdt_span key, const char *prefix)
{
    size_t n = strlen(prefix);
    if (key.n <= n || key.n > n + 6 || strncmp((const char *)key.p, prefix, n) != 0)
        return false;
    for (size_t i = n; i < key.n; i++) {
        if (!isdigit(key.p[i]))
            return false;
    }
    return true;
}

static bool
is_id(struct rdt_span key)
{
    if (key.n == 0 || key.n > RDT_ID_MAX || !islower(key.p[0]) || reads_as_typed(key) ||
        rdt_span_is(key, "null"))
        return false; /* no `on:`, `n:`, `null:`: other readers see a truth value or nothing */
    for (size_t i = 0; i < key.n; i++) {
        if (!islower(key.p[i]) && !isdigit(key.p[i]) && key.p[i] != '-')
            return false;
    }
    return true;
}

static bool
is_rule_id(struct rdt_span key)
{
    if (key.n < 2 || key.n > RDT_ID_MAX || !isupper(key.p[0]))
        return false;
    for (size_t i = 0; i < key.n; i++) {
        if (!isupper(key.p[i]) && !isdigit(key.p[i]) && key.p[i] != '-')
            return false;
    }
    return true;
}

static bool
is_level(struct rdt_span key)
{
    return rdt_level_parse((const char *)key.p) != RDT_LEVEL_NONE;
}

static void
check_key(const struct check *check, enum rdt_key_type type, const struct rdt_member *member)
{
    static const char *const says[] = {
        [RDT_K_ID] =
            "an id has small letters, digits and -, begins with a letter, is no yes, on, null",
        [RDT_K_EXCEPTION] = "an exception is named EX-1, EX-2, ...",
        [RDT_K_ATTESTATION] = "an attestation is named AT-1, AT-2, ...",
        [RDT_K_LEVEL] = "a level is critical, high, medium or low",
        [RDT_K_RULE] = "a rule's id has capital letters, digits and -",
    };
    bool ok = type == RDT_K_ID            ? is_id(member->key)
              : type == RDT_K_EXCEPTION   ? is_numbered(member->key, "EX-")
              : type == RDT_K_ATTESTATION ? is_numbered(member->key, "AT-")
              : type == RDT_K_LEVEL       ? is_level(member->key)
                                          : is_rule_id(member->key);
    if (ok)
        return;
    rdt_diag_add(check->loading->diags, member->mark, "%s%s'%.*s' cannot be an id here",
                 check->path.text, check->path.n == 0 ? "" : ": ", RDT_FMT(member->key));
    rdt_diag_hint(check->loading->diags, "%s", says[type]);
}

static void
check_map(struct check *check, const struct rdt_field *field, struct rdt_node *node)
{
    if (node->kind != RDT_NODE_MAP) {
        expected(check, node, "a map, as in id: { ... }");
        return;
    }
    size_t path = check->path.n;
    for (size_t i = 0; i < node->n; i++) {
        check_key(check, field->keys, &node->members[i]);
        rdt_path_push(&check->path, node->members[i].key);
        check->inherits = (field->flags & RDT_F_LIKE) != 0;
        check_value(check, field->item, node->members[i].node);
        rdt_path_pop(&check->path, path);
    }
}

static void
unknown_field(const struct check *check, const struct rdt_shape *shape,
              const struct rdt_member *member)
{
    const char *names[64];
    size_t n = 0;
    for (; n < shape->n && n < RDT_COUNT(names); n++)
        names[n] = shape->fields[n].name;
    rdt_diag_add(check->loading->diags, member->mark, "%s%sunknown field '%.*s' in %s %s",
                 check->path.text, check->path.n == 0 ? "" : ": ", RDT_FMT(member->key),
                 rdt_shape_article(shape), shape->name);
    if (rdt_span_is(member->key, "like"))
        rdt_diag_hint(check->loading->diags, "entries of services, data, keys, stores and flows "
                                             "inherit, nothing else does");
    else
        rdt_suggest(check->loading->diags, member->key, names, n);
}

static void
check_object(struct check *check, const struct rdt_shape *shape, struct rdt_node *node)
{
    static const struct rdt_field like = {.name = "like", .type = RDT_T_REF};
    bool inherits = check->inherits;
    check->inherits = false; /* what is inside does not */
    if (node->kind != RDT_NODE_MAP) {
        expected(check, node, "a map, as in { field: value }");
        return;
    }
    size_t path = check->path.n;
    for (size_t i = 0; i < node->n; i++) {
        struct rdt_member *member = &node->members[i];
        const struct rdt_field *field = rdt_shape_field(shape, member->key);
        if (field == NULL && inherits && rdt_span_is(member->key, "like"))
            field = &like;
        if (field == NULL) {
            unknown_field(check, shape, member);
            continue;
        }
        rdt_path_push(&check->path, member->key);
        check_value(check, field, member->node);
        rdt_path_pop(&check->path, path);
    }
}

static void
check_object_field(struct check *check, const struct rdt_field *field, struct rdt_node *node)
{
    check_object(check, field->shape, node);
}

static void
check_patch(struct check *check, const struct rdt_field *field, struct rdt_node *node)
{
    static const char *const not_here[] = {"redoubt", "include", "environments"};
    (void)field;
    struct check inside = {.loading = check->loading, .partial = true, .path = check->path};
    check_object(&inside, &rdt_plan_shape, node);
    for (size_t i = 0; i < RDT_COUNT(not_here); i++) {
        const struct rdt_member *member = rdt_node_member(node, rdt_span_str(not_here[i]));
        if (member != NULL)
            rdt_diag_add(check->loading->diags, member->mark, "%s: a patch cannot change '%s'",
                         check->path.text, not_here[i]);
    }
}

static void
check_value(struct check *check, const struct rdt_field *field, struct rdt_node *node)
{
    static void (*const checks[])(struct check *, const struct rdt_field *, struct rdt_node *) = {
        [RDT_T_TEXT] = check_text,     [RDT_T_ONE] = check_one,
        [RDT_T_BOOL] = check_bool,     [RDT_T_INT] = check_int,
        [RDT_T_DATE] = check_date,     [RDT_T_DURATION] = check_duration,
        [RDT_T_SHA256] = check_sha256, [RDT_T_WORD] = check_word,
        [RDT_T_REF] = check_ref,       [RDT_T_SECRET] = check_secret,
        [RDT_T_LIST] = check_list,     [RDT_T_OBJECT] = check_object_field,
        [RDT_T_MAP] = check_map,       [RDT_T_PATCH] = check_patch,
    };
    if (node->kind == RDT_NODE_NULL && check->partial)
        return; /* removes the value */
    checks[field->type](check, field, node);
}

void
rdt_shape_check(struct rdt_loading *loading, const struct rdt_shape *shape, struct rdt_node *node,
                bool partial)
{
    struct check check = {
        .loading = loading, .partial = partial, .quiet = shape == &rdt_targets_shape};
    check_object(&check, shape, node);
}
