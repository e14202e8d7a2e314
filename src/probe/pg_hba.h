/*
 * pg_hba.h - reads the rules of pg_hba.conf the way the server does, the first match counts, to
 * tell whether a login without encryption from another machine would be let through to a method.
 * No I/O.  Source: PostgreSQL 15 documentation, 21.1.
 */
#ifndef RDT_PROBE_PG_HBA_H
#define RDT_PROBE_PG_HBA_H

#include "codec/node.h"

#define RDT_HBA_RULES_MAX 2000 /* rules of one file that are judged; time is their square */

struct rdt_hba_login {
    const char *user; /* of the application; NULL where it is not known */
    const char *database;
    const struct rdt_node *groups; /* list of the roles that the user is a member of */
};

struct rdt_hba_verdict {
    bool plaintext;
    const struct rdt_node *rule; /* that lets it through; NULL without one */
};

/*
 * rdt_hba_judge - go through the rules for one login.
 *
 *   rules   rows of pg_hba_file_rules in the server's order, each a map {type, database, user_name,
 *           address, netmask, auth_method}; at most RDT_HBA_RULES_MAX
 *
 * Where the rules leave it open (an address range, a host name, a pattern, an unknown user) it
 * assumes the worse: an allowing rule is taken to match, a rejecting one is not. Loopback addresses
 * and samehost are not other machines.
 *
 * Returns false when a rule has a shape that is not understood, or memory runs out.
 */
RDT_MUST_CHECK bool rdt_hba_judge(const struct rdt_node *rules, const struct rdt_hba_login *login,
                                  struct rdt_hba_verdict *out);

#endif
