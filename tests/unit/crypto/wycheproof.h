/*
 * wycheproof.h - reads C2SP/Wycheproof's test vectors (testvectors_v1, Apache-2.0), which lie
 * beside the checkout. Their files have one member a line, so no JSON parser is needed: the lines
 * of a group and then of a case are remembered by name, and "result" ends a case.
 */
#ifndef RDT_TEST_WYCHEPROOF_H
#define RDT_TEST_WYCHEPROOF_H

#include "base/buf.h"
#include "base/secret.h"

#include "../test.h"

#include <stdio.h>
#include <stdlib.h>

#define WYCHEPROOF_MEMBERS 64
#define WYCHEPROOF_NAME 32

struct wycheproof {
    struct {
        char name[WYCHEPROOF_NAME];
        char *value; /* text without quotes, owned */
    } members[WYCHEPROOF_MEMBERS];
    size_t n_members;
};

static const char *
wycheproof_text(const struct wycheproof *v, const char *name)
{
    for (size_t i = 0; i < v->n_members; i++)
        if (strcmp(v->members[i].name, name) == 0)
            return v->members[i].value;
    fail_msg("a vector without %s", name);
    return "";
}

static void
wycheproof_set(struct wycheproof *v, const char *name, const char *value)
{
    size_t i = 0;
    while (i < v->n_members && strcmp(v->members[i].name, name) != 0)
        i++;
    assert_in_range(i, 0, WYCHEPROOF_MEMBERS - 1);
    if (strlen(name) >= WYCHEPROOF_NAME)
        return; /* too long for a member of a case */
    if (i == v->n_members) {
        snprintf(v->members[i].name, WYCHEPROOF_NAME, "%s", name);
        v->n_members++;
    } else {
        free(v->members[i].value);
    }
    v->members[i].value = strdup(value);
    assert_non_null(v->members[i].value);
}

static void
hex_add(struct rdt_buf *out, const char *hex)
{
    for (; hex[0] != '\0' && hex[1] != '\0'; hex += 2) {
        unsigned byte = 0;
        assert_int_equal(sscanf(hex, "%2x", &byte), 1);
        rdt_buf_add(out, &(uint8_t){(uint8_t)byte}, 1);
    }
    assert_true(rdt_buf_ok(out));
}

/* The bytes of a member in hexadecimal, appended. */
static void RDT_UNUSED
wycheproof_hex(const struct wycheproof *v, const char *name, struct rdt_buf *out)
{
    hex_add(out, wycheproof_text(v, name));
}

static void RDT_UNUSED
wycheproof_secret(const struct wycheproof *v, const char *name, struct rdt_secret *out)
{
    RDT_BUF bytes = {0};
    wycheproof_hex(v, name, &bytes);
    assert_int_equal(rdt_secret_copy(out, rdt_buf_span(&bytes), NULL), RDT_OK);
}

static bool RDT_UNUSED
wycheproof_valid(const struct wycheproof *v)
{
    return strcmp(wycheproof_text(v, "result"), "valid") == 0;
}

/* `"name": "value",` or `"name": 12,`: what opens or closes something is passed over. */
static void
wycheproof_line(struct wycheproof *v, char *line)
{
    char *name = line + strspn(line, " ");
    char *end = *name == '"' ? strstr(name, "\": ") : NULL;
    if (end == NULL)
        return;
    *end = '\0';
    char *value = end + 3;
    value[strcspn(value, "\n")] = '\0';
    size_t n = strlen(value);
    while (n > 0 && (value[n - 1] == ',' || value[n - 1] == '"'))
        value[--n] = '\0';
    wycheproof_set(v, name + 1, value + (*value == '"'));
}

/* Calls act for each case, of which there have to be n_cases. Without the file it says so and does
 * nothing: cmocka's skip() prints "not ok", which meson takes for a failure. */
static void RDT_UNUSED
wycheproof_each(const char *file, void (*act)(const struct wycheproof *v, void *with), void *with,
                size_t n_cases)
{
    const char *source = getenv("REDOUBT_SOURCE");
    struct wycheproof v = {0};
    RDT_BUF path = {0};
    char *line = NULL;
    size_t size = 0, n = 0;
    rdt_buf_fmt(&path, "%s/../shared/vectors/wycheproof/%s", source == NULL ? "." : source, file);
    FILE *in = fopen(rdt_buf_cstr(&path), "r");
    if (in == NULL) {
        print_message("# skipped: no ../shared/vectors/wycheproof/%s beside the checkout\n", file);
        return;
    }
    while (getline(&line, &size, in) > 0) {
        bool last = strstr(line, "\"result\": ") != NULL;
        wycheproof_line(&v, line);
        if (last) {
            act(&v, with);
            n++;
        }
    }
    fclose(in);
    free(line);
    for (size_t i = 0; i < v.n_members; i++)
        free(v.members[i].value);
    assert_int_equal(n, n_cases);
}

#endif
