#include "probe/pg_conninfo.h"

#include "base/compiler.h"
#include "base/span.h"

#include <libpq-fe.h>

/* The server cuts what it shows at this many bytes. Source: MAXCONNINFO of walreceiver.h. */
#define SHOWN_MAX 1024

struct options {
    struct rdt_span sslmode, binding, gss, host, hostaddr; /* empty where not given */
};

static const char *const names[RDT_PG_N_LINKS] = {
    [RDT_PG_LINK_UNREADABLE] = "unreadable", [RDT_PG_LINK_DISABLE] = "disable",
    [RDT_PG_LINK_ALLOW] = "allow",           [RDT_PG_LINK_PREFER] = "prefer",
    [RDT_PG_LINK_UNSET] = "unset",           [RDT_PG_LINK_REQUIRE] = "require",
    [RDT_PG_LINK_VERIFY_CA] = "verify-ca",   [RDT_PG_LINK_VERIFY_FULL] = "verify-full",
    [RDT_PG_LINK_BOUND] = "bound",           [RDT_PG_LINK_GSS] = "gss",
    [RDT_PG_LINK_SOCKET] = "socket",
};

const char *
rdt_pg_link_name(enum rdt_pg_link link)
{
    return names[link];
}

static struct rdt_span *
option(struct options *options, struct rdt_span name)
{
    const struct {
        const char *name;
        struct rdt_span *value;
    } known[] = {
        {"sslmode",         &options->sslmode },
        {"channel_binding", &options->binding },
        {"gssencmode",      &options->gss     },
        {"host",            &options->host    },
        {"hostaddr",        &options->hostaddr},
    };
    for (size_t i = 0; i < RDT_COUNT(known); i++) {
        if (rdt_span_is(name, known[i].name))
            return known[i].value;
    }
    return NULL;
}

/* Every host of the list is a socket's folder ('/') or an abstract name ('@'): libpq uses no TLS
 * there. An empty one may come from the environment, and is none. */
static bool
is_socket(const struct options *options)
{
    struct rdt_span host = options->host;
    bool starts = true;
    if (host.n == 0 || options->hostaddr.n != 0)
        return false;
    for (size_t i = 0; i < host.n; i++) {
        if (starts && host.p[i] != '/' && host.p[i] != '@')
            return false;
        starts = host.p[i] == ',';
    }
    return !starts;
}

static enum rdt_pg_link
judge(const struct options *options)
{
    if (is_socket(options))
        return RDT_PG_LINK_SOCKET;
    if (rdt_span_is(options->gss, "require"))
        return RDT_PG_LINK_GSS;
    if (rdt_span_is(options->binding, "require"))
        return RDT_PG_LINK_BOUND;
    if (options->sslmode.n == 0)
        return RDT_PG_LINK_UNSET;
    for (int link = RDT_PG_LINK_DISABLE; link <= RDT_PG_LINK_VERIFY_FULL; link++) {
        if (link != RDT_PG_LINK_UNSET && rdt_span_is(options->sslmode, names[link]))
            return link;
    }
    return RDT_PG_LINK_UNREADABLE;
}

enum rdt_pg_link
rdt_pg_link_written(const char *text)
{
    struct options options = {0};
    char *words = NULL; /* libpq's error quotes the string: it is not looked at */
    PQconninfoOption *found = PQconninfoParse(text, &words);
    PQfreemem(words);
    if (found == NULL)
        return RDT_PG_LINK_UNREADABLE;
    for (const PQconninfoOption *o = found; o->keyword != NULL; o++) {
        struct rdt_span *value = option(&options, rdt_span_str(o->keyword));
        if (value != NULL && o->val != NULL)
            *value = rdt_span_str(o->val);
    }
    enum rdt_pg_link link = judge(&options);
    for (const PQconninfoOption *o = found; o->keyword != NULL; o++) {
        if (o->val != NULL)
            explicit_bzero(o->val, strlen(o->val));
    }
    PQconninfoFree(found);
    return link;
}

enum rdt_pg_link
rdt_pg_link_shown(const char *text)
{
    struct options options = {0};
    if (strlen(text) >= SHOWN_MAX - 1)
        return RDT_PG_LINK_UNREADABLE;
    for (const char *next = text; *next != '\0'; next += strspn(next, " ")) {
        size_t n = strcspn(next, " "), name_n = strcspn(next, " =");
        struct rdt_span *value = option(&options, (struct rdt_span){(const uint8_t *)next, name_n});
        if (value != NULL && (value->n != 0 || name_n + 1 >= n))
            return RDT_PG_LINK_UNREADABLE;
        if (value != NULL)
            *value = (struct rdt_span){(const uint8_t *)next + name_n + 1, n - name_n - 1};
        next += n;
    }
    /* a server shows it always, so what lacks it is not the whole */
    return options.sslmode.n == 0 ? RDT_PG_LINK_UNREADABLE : judge(&options);
}
