#include "probe/pg_conninfo.h"

#include "../test.h"
#include "base/compiler.h"

#include <stdlib.h>
#include <string.h>

struct line {
    const char *text, *want;
};

static void
reads_what_is_written(void **state)
{
    static const struct line lines[] = {
        {"host=db sslmode=disable",                                  "disable"    },
        {"host=db sslmode=allow",                                    "allow"      },
        {"host=db sslmode=prefer",                                   "prefer"     },
        {"host=db sslmode=require",                                  "require"    },
        {"host=db sslmode=verify-ca",                                "verify-ca"  },
        {"host=db password='a b' sslmode = 'verify-full'",           "verify-full"},
 /* without a mode, the environment of the server settles it */
        {"",                                                         "unset"      },
        {"host=db",                                                  "unset"      },
        {"service=s",                                                "unset"      },
        {"host=db sslmode=''",                                       "unset"      },
 /* a password that looks like a mode is none */
        {"host=db password='x sslmode=verify-full'",                 "unset"      },
        {"host=db password=x\\ sslmode=verify-full sslmode=disable", "disable"    },
 /* the last one counts, as for libpq */
        {"sslmode=verify-full sslmode=disable",                      "disable"    },
        {"postgresql://u:p@db:5432/app?sslmode=verify-full",         "verify-full"},
        {"postgres://u:p@db/app?sslmode=prefer&application_name=x",  "prefer"     },
        {"postgresql://u:sslmode%3Dverify-full@db/app",              "unset"      },
 /* what protects as much as a mode does */
        {"host=db sslmode=require channel_binding=require",          "bound"      },
        {"host=db channel_binding=require",                          "bound"      },
        {"host=db sslmode=require channel_binding=prefer",           "require"    },
        {"host=db sslmode=disable gssencmode=require",               "gss"        },
        {"host=db sslmode=disable gssencmode=prefer",                "disable"    },
 /* to this machine, and what only looks like it */
        {"host=/run/postgresql sslmode=disable",                     "socket"     },
        {"host=@name sslmode=disable",                               "socket"     },
        {"host=/run/a,/run/b sslmode=disable",                       "socket"     },
        {"postgresql://%2Frun%2Fpostgresql/app",                     "socket"     },
        {"host=/run/a,db sslmode=disable",                           "disable"    },
        {"host=/run/a, sslmode=disable",                             "disable"    },
        {"host=,/run/a sslmode=disable",                             "disable"    },
        {"host=/run/a hostaddr=10.0.0.1 sslmode=disable",            "disable"    },
        {"host=127.0.0.1 sslmode=disable",                           "disable"    },
        {"hostaddr=10.0.0.1 sslmode=disable",                        "disable"    },
 /* what libpq does not take, nor we */
        {"host=db sslmode=VERIFY-FULL",                              "unreadable" },
        {"host=db sslmode=unset",                                    "unreadable" },
        {"host=db sslmode=bound",                                    "unreadable" },
        {"host=db sslmode",                                          "unreadable" },
        {"host=db sslmode='verify-full",                             "unreadable" },
        {"host=db no_such_option=1 sslmode=verify-full",             "unreadable" },
        {"postgresql://db/app?sslmode=verify-full&no=1",             "unreadable" },
    };
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(lines); i++) {
        const char *got = rdt_pg_link_name(rdt_pg_link_written(lines[i].text));
        if (strcmp(got, lines[i].want) != 0)
            fail_msg("%s: %s, not %s", lines[i].text, got, lines[i].want);
    }
}

/* What a WAL receiver of PostgreSQL 15 shows, up to its sslmode, and from there on. */
#define BEFORE                                                                                     \
    "user=rep password=******** channel_binding=prefer dbname=replication host=10.0.0.1 "          \
    "port=5432 fallback_application_name=walreceiver "
#define AFTER                                                                                      \
    " sslcompression=0 sslsni=1 ssl_min_protocol_version=TLSv1.2 gssencmode=prefer "               \
    "krbsrvname=postgres target_session_attrs=any"

static void
reads_what_is_shown(void **state)
{
    static const struct line lines[] = {
        {BEFORE "sslmode=prefer" AFTER,                                              "prefer"     },
        {BEFORE "sslmode=disable" AFTER,                                             "disable"    },
        {BEFORE "sslmode=verify-full" AFTER,                                         "verify-full"},
 /* options of a later version are no hindrance */
        {BEFORE "sslmode=verify-ca sslcertmode=allow sslnegotiation=postgres" AFTER, "verify-ca"  },
        {"channel_binding=require sslmode=require",                                  "bound"      },
        {"host=/run/postgresql sslmode=prefer",                                      "socket"     },
        {"host=/run/postgresql hostaddr=10.0.0.1 sslmode=prefer",                    "prefer"     },
        {"sslmode=disable gssencmode=require",                                       "gss"        },
        {" sslmode=prefer  ",                                                        "prefer"     },
        {"options=-c work_mem=4MB sslmode=prefer",                                   "prefer"     },
 /* values are not quoted, so that one could be made to look like an option */
        {"application_name=x sslmode=verify-full sslmode=disable",                   "unreadable" },
        {BEFORE "sslmode=disable options=x channel_binding=require" AFTER,           "unreadable" },
        {BEFORE "sslmode=disable options=x host=/run" AFTER,                         "unreadable" },
        {"",                                                                         "unreadable" },
        {BEFORE,                                                                     "unreadable" },
        {"sslmode=",                                                                 "unreadable" },
        {"sslmode",                                                                  "unreadable" },
        {"sslmode =verify-full",                                                     "unreadable" },
        {"sslmode=verify",                                                           "unreadable" },
        {"xsslmode=verify-full",                                                     "unreadable" },
    };
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(lines); i++) {
        const char *got = rdt_pg_link_name(rdt_pg_link_shown(lines[i].text));
        if (strcmp(got, lines[i].want) != 0)
            fail_msg("%s: %s, not %s", lines[i].text, got, lines[i].want);
    }
}

/* A server cuts what it shows: from that length on, the rest could say otherwise. */
static void
takes_no_cut_line(void **state)
{
    static const char head[] = "sslmode=verify-full options=";
    (void)state;
    for (size_t n = 1022; n <= 1024; n++) {
        char *line = malloc(n + 1);
        assert_non_null(line);
        memset(line, 'x', n);
        line[n] = '\0';
        memcpy(line, head, strlen(head));
        assert_string_equal(rdt_pg_link_name(rdt_pg_link_shown(line)),
                            n < 1023 ? "verify-full" : "unreadable");
        free(line);
    }
}

static void
names_every_link(void **state)
{
    (void)state;
    for (int link = 0; link < RDT_PG_N_LINKS; link++)
        assert_non_null(rdt_pg_link_name(link));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_is_written),
        cmocka_unit_test(reads_what_is_shown),
        cmocka_unit_test(takes_no_cut_line),
        cmocka_unit_test(names_every_link),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
