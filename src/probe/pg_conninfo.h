/*
 * pg_conninfo.h - how a server of PostgreSQL connects to another one: the one word of a connection
 * string that says how far the connection is protected. The string can hold a password: no other
 * part of it is given out, and no error says what stood there. No I/O.
 */
#ifndef RDT_PROBE_PG_CONNINFO_H
#define RDT_PROBE_PG_CONNINFO_H

/* What the string says: its sslmode, unless something else settles it. */
enum rdt_pg_link {
    RDT_PG_LINK_UNREADABLE,
    RDT_PG_LINK_DISABLE,
    RDT_PG_LINK_ALLOW,
    RDT_PG_LINK_PREFER,
    RDT_PG_LINK_UNSET, /* no sslmode: the server's environment, else prefer */
    RDT_PG_LINK_REQUIRE,
    RDT_PG_LINK_VERIFY_CA,
    RDT_PG_LINK_VERIFY_FULL,
    RDT_PG_LINK_BOUND,  /* channel_binding=require: no login in clear, nor to a man in the middle */
    RDT_PG_LINK_GSS,    /* gssencmode=require */
    RDT_PG_LINK_SOCKET, /* to this machine */
    RDT_PG_N_LINKS,
};

/* rdt_pg_link_name - "verify-full"; "unset" and "unreadable" among them.  A static string. */
const char *rdt_pg_link_name(enum rdt_pg_link link);

/*
 * rdt_pg_link_written - read a connection string as somebody wrote it
 * (pg_subscription.subconninfo): keywords and values, or a URI.  One that this libpq cannot read,
 * for instance because it has an option that is newer, is RDT_PG_LINK_UNREADABLE.
 */
enum rdt_pg_link rdt_pg_link_written(const char *text);

/*
 * rdt_pg_link_shown - read one as the server shows its own (pg_stat_wal_receiver.conninfo): every
 * option that has a value, defaults too, as name=value with blanks between and no quotes.
 * Since a value may hold blanks, a name that comes twice makes it unreadable.
 */
enum rdt_pg_link rdt_pg_link_shown(const char *text);

#endif
