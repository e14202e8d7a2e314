#include "probe/pg_hba.h"

#include <arpa/inet.h>
#include <stdlib.h>

#define LOOPBACK_V4 127

enum match { NO, MAYBE, YES };

/* Addresses that agree with addr in the bits of mask. */
struct range {
    int family;
    uint8_t addr[sizeof(struct in6_addr)], mask[sizeof(struct in6_addr)];
};

/* What a rule's address column covers: nothing that can be told (a name, samenet), or ranges. */
struct cover {
    bool is_open;  /* some addresses, we cannot tell which */
    bool is_local; /* this machine only */
    size_t n;
    struct range ranges[2];
};

static const struct range everything[] = {{.family = AF_INET}, {.family = AF_INET6}};

static enum match
match_database(const char *pattern, const struct rdt_hba_login *login)
{
    if (strcmp(pattern, "all") == 0 || strcmp(pattern, login->database) == 0)
        return YES;
    if (strcmp(pattern, "replication") == 0)
        return NO; /* matches no database */
    if (strcmp(pattern, "sameuser") == 0)
        return login->user == NULL ? MAYBE : strcmp(login->user, login->database) == 0 ? YES : NO;
    if (strcmp(pattern, "samerole") == 0 || strcmp(pattern, "samegroup") == 0)
        return MAYBE;
    return pattern[0] == '/' || pattern[0] == '@' ? MAYBE : NO;
}

static bool
is_member(const struct rdt_node *groups, const char *name)
{
    for (size_t i = 0; groups != NULL && i < groups->n; i++) {
        if (rdt_node_is(groups->members[i].node, name))
            return true;
    }
    return false;
}

static enum match
match_user(const char *pattern, const struct rdt_hba_login *login)
{
    if (strcmp(pattern, "all") == 0)
        return YES;
    if (login->user == NULL)
        return MAYBE;
    if (pattern[0] == '+')
        return is_member(login->groups, pattern + 1) ? YES : NO;
    if (strcmp(pattern, login->user) == 0)
        return YES;
    return pattern[0] == '/' || pattern[0] == '@' ? MAYBE : NO;
}

/* The best match of any name in a list; false when it is none. */
static bool
match_list(const struct rdt_node *list, const struct rdt_hba_login *login,
           enum match (*one)(const char *pattern, const struct rdt_hba_login *login),
           enum match *out)
{
    *out = NO;
    if (list == NULL || list->kind != RDT_NODE_LIST)
        return false;
    for (size_t i = 0; i < list->n; i++) {
        const char *pattern = rdt_node_text(list->members[i].node);
        if (pattern == NULL)
            return false;
        enum match got = one(pattern, login);
        *out = got > *out ? got : *out;
    }
    return true;
}

static bool
parse_range(const char *address, const char *netmask, struct range *out)
{
    *out = (struct range){.family = strchr(address, ':') != NULL ? AF_INET6 : AF_INET};
    return netmask != NULL && inet_pton(out->family, address, out->addr) == 1 &&
           inet_pton(out->family, netmask, out->mask) == 1;
}

/* Whether all of b lies in a. */
static bool
contains(const struct range *a, const struct range *b)
{
    if (a->family != b->family)
        return false;
    for (size_t i = 0; i < sizeof a->addr; i++) {
        if ((a->mask[i] & ~b->mask[i]) != 0 || ((a->addr[i] ^ b->addr[i]) & a->mask[i]) != 0)
            return false;
    }
    return true;
}

static bool
is_loopback(const struct range *range)
{
    struct range v4 = {.family = AF_INET, .addr = {LOOPBACK_V4}, .mask = {0xFF}};
    struct range v6 = {.family = AF_INET6, .addr = {[15] = 1}};
    memset(v6.mask, 0xFF, sizeof v6.mask);
    return contains(&v4, range) || contains(&v6, range);
}

static struct cover
cover_of(const struct rdt_node *rule)
{
    const char *address = rdt_node_str(rule, "address");
    struct cover cover = {0};
    if (address != NULL && strcmp(address, "all") == 0) {
        cover.n = RDT_COUNT(everything);
        memcpy(cover.ranges, everything, sizeof everything);
    } else if (address != NULL && strcmp(address, "samehost") == 0) {
        cover.is_local = true;
    } else if (address != NULL &&
               parse_range(address, rdt_node_str(rule, "netmask"), &cover.ranges[0])) {
        cover.n = 1;
        cover.is_local = is_loopback(&cover.ranges[0]);
    } else {
        cover.is_open = true;
    }
    return cover;
}

/* What earlier rules have rejected for this login. */
struct rejected {
    struct range *ranges;
    size_t n;
};

static bool
is_rejected(const struct rejected *rejected, const struct range *range)
{
    for (size_t i = 0; i < rejected->n; i++) {
        if (contains(&rejected->ranges[i], range))
            return true;
    }
    return false;
}

static bool
all_rejected(const struct rejected *rejected, const struct cover *cover)
{
    const struct range *ranges = cover->is_open ? everything : cover->ranges;
    size_t n = cover->is_open ? RDT_COUNT(everything) : cover->n;
    for (size_t i = 0; i < n; i++) {
        if (!is_rejected(rejected, &ranges[i]))
            return false;
    }
    return true;
}

/* The types of rule that a TCP connection without TLS and without GSSAPI matches. */
static bool
is_plaintext_type(const char *type)
{
    return strcmp(type, "host") == 0 || strcmp(type, "hostnossl") == 0 ||
           strcmp(type, "hostnogssenc") == 0;
}

/* Whether the rule lets the login through; adds what it rejects. False in *ok: not understood. */
static bool
lets_through(const struct rdt_node *rule, const struct rdt_hba_login *login,
             struct rejected *rejected, bool *ok)
{
    const char *type = rdt_node_str(rule, "type"), *method = rdt_node_str(rule, "auth_method");
    enum match database, user;
    *ok = type != NULL && method != NULL &&
          match_list(rdt_node_get(rule, "database"), login, match_database, &database) &&
          match_list(rdt_node_get(rule, "user_name"), login, match_user, &user);
    if (!*ok || !is_plaintext_type(type) || database == NO || user == NO)
        return false;
    struct cover cover = cover_of(rule);
    if (strcmp(method, "reject") != 0)
        return !cover.is_local && !all_rejected(rejected, &cover);
    if (database == YES && user == YES) {
        for (size_t i = 0; i < cover.n; i++)
            rejected->ranges[rejected->n++] = cover.ranges[i];
    }
    return false;
}

bool
rdt_hba_judge(const struct rdt_node *rules, const struct rdt_hba_login *login,
              struct rdt_hba_verdict *out)
{
    *out = (struct rdt_hba_verdict){0};
    if (rules->kind != RDT_NODE_LIST || rules->n > RDT_HBA_RULES_MAX)
        return false;
    struct rejected rejected = {calloc(rules->n * 2 + 1, sizeof *rejected.ranges), 0};
    bool ok = rejected.ranges != NULL;
    for (size_t i = 0; ok && i < rules->n && !out->plaintext; i++) {
        if (lets_through(rules->members[i].node, login, &rejected, &ok))
            *out = (struct rdt_hba_verdict){true, rules->members[i].node};
    }
    free(rejected.ranges);
    return ok;
}
