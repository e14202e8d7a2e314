/* The members of a row against what clients send. */
#include "asks.h"

static const struct rdt_in in[] = {
    {.name = "Text", .type = RDT_IN_TEXT, .min = 1, .max = 4},
    {.name = "Word", .type = RDT_IN_WORD, .words = "RED GREEN"},
    {.name = "Blob", .type = RDT_IN_BLOB, .min = 1, .max = 3},
    {.name = "Hidden", .type = RDT_IN_TEXT, .sensitive = true, .min = 1, .max = 4},
    {.name = "Int", .type = RDT_IN_INT, .min = 7, .max = 30},
    {.name = "Bool", .type = RDT_IN_BOOL},
    {.name = "Map", .type = RDT_IN_MAP},
    {.name = "Texts", .type = RDT_IN_TEXTS, .max = 2},
    {.name = "Words", .type = RDT_IN_TEXTS, .words = "RED GREEN"},
    {.name = "Objects", .type = RDT_IN_OBJECTS, .min = 1},
    {.name = "Object", .type = RDT_IN_OBJECT},
};
static const struct rdt_in needed[] = {
    {.name = "Needed", .type = RDT_IN_TEXT, .required = true, .min = 0, .max = 9},
};
static const struct rdt_op op = {.name = "Test", .in = in, .n_in = RDT_COUNT(in)};
static const struct rdt_op own = {
    .name = "Test", .front = RDT_FRONT_OWN, .in = in, .n_in = RDT_COUNT(in)};
static const struct rdt_op strict = {.name = "Test", .in = needed, .n_in = RDT_COUNT(needed)};

static struct rdt_request request;
static struct rdt_call call;
static uint8_t body[65536];

static enum rdt_fault
check(const struct rdt_op *of, const char *text)
{
    size_t n = strlen(text);
    assert_true(n < sizeof body);
    memcpy(body, text, n);
    request = (struct rdt_request){.op = of, .body = body, .body_n = n};
    call = (struct rdt_call){
        .kms = kms, .thread = thread, .request = &request, .op = of, .in = &thread->doc};
    return rdt_input_check(&call);
}

#define NONE RDT_FAULT_NONE
#define VALID RDT_FAULT_VALIDATION
#define SERIAL RDT_FAULT_SERIALIZATION

static const struct {
    const char *json;
    enum rdt_fault want;
    const char *words; /* in the message; NULL: whatever */
} rows[] = {
    {"{}",                                                      NONE,   NULL                              },
    {" { } ",                                                   NONE,   NULL                              },
    {"{\"Else\":{\"a\":[1,[2,{}]]},\"More\":null}",             NONE,   NULL                              },
    {"",                                                        SERIAL, NULL                              },
    {"[]",                                                      SERIAL, NULL                              },
    {"null",                                                    SERIAL, NULL                              },
    {"{",                                                       SERIAL, NULL                              },
    {"{}{}",                                                    SERIAL, NULL                              },
    {"{\"Text\":\"a\",\"Text\":\"a\"}",                         SERIAL, NULL                              },
    {"{\"Text\":null,\"Int\":null,\"Blob\":null,\"Map\":null}", NONE,   NULL                              },
    {"{\"Text\":\"abcd\"}",                                     NONE,   NULL                              },
    {"{\"Text\":\"\\u4e2d\\u4e2d\\u4e2d\\u4e2d\"}",             NONE,   NULL                              }, /* characters, not bytes */
    {"{\"Text\":\"\"}",                                         VALID,
     "Value at 'text' failed to satisfy constraint: Member must have length greater than or equal "
     "to 1"                                                                                               },
    {"{\"Text\":\"abcde\"}",                                    VALID,
     "Value 'abcde' at 'text' failed to satisfy constraint: Member must have length less than or "
     "equal to 4"                                                                                         },
    {"{\"Text\":\"ab\\ncde\"}",                                 VALID,  "Value at 'text'"                 }, /* not quoted: no printable text */
    {"{\"Text\":5}",                                            SERIAL, "Text"                            },
    {"{\"Text\":[]}",                                           SERIAL, NULL                              },
    {"{\"Hidden\":\"secret\"}",                                 VALID,  "Value at 'hidden'"               },
    {"{\"Word\":\"RED\"}",                                      NONE,   NULL                              },
    {"{\"Word\":\"RE\"}",                                       VALID,
     "Value 'RE' at 'word' failed to satisfy constraint: Member must satisfy enum value set: [RED, "
     "GREEN]"                                                                                             },
    {"{\"Word\":\"RED GREEN\"}",                                VALID,  NULL                              },
    {"{\"Word\":\"\"}",                                         VALID,  NULL                              },
    {"{\"Word\":\"red\"}",                                      VALID,  NULL                              },
    {"{\"Blob\":\"AAEC\"}",                                     NONE,   NULL                              },
    {"{\"Blob\":\"AA==\"}",                                     NONE,   NULL                              },
    {"{\"Blob\":\"\"}",                                         VALID,  "'blob'"                          },
    {"{\"Blob\":\"AAECAw==\"}",                                 VALID,  "less than or equal to 3"         },
    {"{\"Blob\":\"AA\"}",                                       SERIAL, "Blob"                            },
    {"{\"Blob\":\"AB==\"}",                                     SERIAL, "Blob"                            }, /* bits that mean nothing */
    {"{\"Blob\":\"A-_C\"}",                                     SERIAL, "Blob"                            },
    {"{\"Blob\":\"AAEC\\n\"}",                                  SERIAL, "Blob"                            },
    {"{\"Blob\":1}",                                            SERIAL, "Blob"                            },
    {"{\"Int\":7}",                                             NONE,   NULL                              },
    {"{\"Int\":30}",                                            NONE,   NULL                              },
    {"{\"Int\":6}",                                             VALID,
     "Value '6' at 'int' failed to satisfy constraint: Member must have value greater than or "
     "equal to 7"                                                                                         },
    {"{\"Int\":31}",                                            VALID,
     "Value '31' at 'int' failed to satisfy constraint: Member must have value less than or equal "
     "to 30"                                                                                              },
    {"{\"Int\":-1}",                                            VALID,  NULL                              },
    {"{\"Int\":7.0}",                                           SERIAL, "Int"                             },
    {"{\"Int\":1e1}",                                           SERIAL, "Int"                             },
    {"{\"Int\":99999999999999999999}",                          SERIAL, "Int"                             },
    {"{\"Int\":\"7\"}",                                         SERIAL, "Int"                             },
    {"{\"Bool\":true}",                                         NONE,   NULL                              },
    {"{\"Bool\":1}",                                            SERIAL, "Bool"                            },
    {"{\"Bool\":\"true\"}",                                     SERIAL, "Bool"                            },
    {"{\"Map\":{\"a\":\"b\",\"c\":\"\"}}",                      NONE,   NULL                              },
    {"{\"Map\":{\"a\":1}}",                                     SERIAL, "Map"                             },
    {"{\"Map\":{\"a\":null}}",                                  SERIAL, "Map"                             },
    {"{\"Map\":{\"a\":\"b\",\"c\":{\"d\":\"e\"}}}",             SERIAL, "Map"                             },
    {"{\"Map\":[]}",                                            SERIAL, "Map"                             },
    {"{\"Texts\":[]}",                                          NONE,   NULL                              },
    {"{\"Texts\":[\"a\",\"b\"]}",                               NONE,   NULL                              },
    {"{\"Texts\":[\"a\",\"b\",\"c\"]}",                         VALID,  "less than or equal to 2 items"   },
    {"{\"Texts\":[\"a\",1]}",                                   SERIAL, "Texts"                           },
    {"{\"Texts\":[[\"a\"]]}",                                   SERIAL, "Texts"                           },
    {"{\"Texts\":\"a\"}",                                       SERIAL, "Texts"                           },
    {"{\"Words\":[\"RED\",\"GREEN\",\"RED\"]}",                 NONE,   NULL                              },
    {"{\"Words\":[\"RED\",\"BLUE\"]}",                          VALID,  "Value 'BLUE' at 'words'"         },
    {"{\"Objects\":[{},{\"a\":[1]}]}",                          NONE,   NULL                              },
    {"{\"Objects\":[]}",                                        VALID,  "greater than or equal to 1 items"},
    {"{\"Objects\":[{},\"a\"]}",                                SERIAL, "Objects"                         },
    {"{\"Objects\":{}}",                                        SERIAL, "Objects"                         },
    {"{\"Object\":{}}",                                         NONE,   NULL                              },
    {"{\"Object\":[]}",                                         SERIAL, "Object"                          },
};

static void
members(void **state)
{
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(rows); i++) {
        enum rdt_fault fault = check(&op, rows[i].json);
        if (fault != rows[i].want ||
            (rows[i].words != NULL && strstr(request.message, rows[i].words) == NULL))
            fail_msg("%s: %s '%s'", rows[i].json, rdt_fault_wire(fault), request.message);
        assert_null(strstr(request.message, "secret"));
    }
    assert_int_equal(check(&strict, "{}"), VALID);
    assert_non_null(
        strstr(request.message, "'needed' failed to satisfy constraint: Member must not be null"));
    assert_int_equal(check(&strict, "{\"Needed\":null}"), VALID);
    assert_int_equal(check(&strict, "{\"Needed\":\"\"}"), NONE);
    /* our own operations count bytes */
    assert_int_equal(check(&own, "{\"Text\":\"\\u4e2d\\u4e2d\"}"), VALID);
    assert_int_equal(check(&own, "{\"Text\":\"\\u4e2d\"}"), NONE);
}

/* Every cut of a good body is refused, none is read past its end. */
static void
cuts(void **state)
{
    static const char whole[] =
        "{\"Text\":\"\\u4e2d\",\"Blob\":\"AAEC\",\"Map\":{\"a\":\"b\"},\"Int\":9}";
    (void)state;
    assert_int_equal(check(&op, whole), NONE);
    for (size_t n = 0; n < sizeof whole - 1; n++) {
        uint8_t *cut = malloc(n == 0 ? 1 : n); /* so that a sanitizer sees one byte too many */
        assert_non_null(cut);
        memcpy(cut, whole, n);
        request = (struct rdt_request){.op = &op, .body = cut, .body_n = n};
        call = (struct rdt_call){
            .kms = kms, .thread = thread, .request = &request, .op = &op, .in = &thread->doc};
        assert_int_equal(rdt_input_check(&call), SERIAL);
        free(cut);
    }
}

static void
values(void **state)
{
    (void)state;
    assert_int_equal(
        check(&op, "{\"Text\":\"ab\",\"Blob\":\"AAEC\",\"Int\":9,\"Bool\":true,\"Word\":null}"),
        NONE);
    assert_true(rdt_span_is(rdt_in_text(&call, "Text"), "ab"));
    assert_int_equal(rdt_in_text(&call, "Word").n, 0);
    assert_int_equal(rdt_in_text(&call, "None").n, 0);
    assert_true(rdt_in_has(&call, "Text") && !rdt_in_has(&call, "Word") &&
                !rdt_in_has(&call, "text"));
    assert_int_equal(rdt_in_int(&call, "Int", 5), 9);
    assert_int_equal(rdt_in_int(&call, "None", 5), 5);
    assert_true(rdt_in_bool(&call, "Bool") && !rdt_in_bool(&call, "None"));
    struct rdt_span blob = rdt_in_blob(&call, "Blob");
    assert_true(rdt_span_eq(blob, (struct rdt_span){(const uint8_t *)"\0\1\2", 3}));
    assert_int_equal(rdt_in_blob(&call, "None").n, 0);
    assert_int_equal(check(&op, "{\"Bool\":false}"), NONE);
    assert_false(rdt_in_bool(&call, "Bool"));
}

static void
contexts(void **state)
{
    RDT_BUF text = {0};
    (void)state;
    assert_int_equal(check(&op, "{\"Map\":{\"b\":\"2\",\"a\":\"1\"}}"), NONE);
    assert_int_equal(rdt_in_context(&call, "Map", &thread->context), NONE);
    assert_int_equal(thread->context.n, 2);
    assert_true(rdt_span_is(thread->context.keys[0], "a")); /* sorted */
    assert_int_equal(rdt_in_context(&call, "None", &thread->context), NONE);
    assert_int_equal(thread->context.n, 0);
    assert_int_equal(check(&op, "{\"Map\":{\"\":\"1\"}}"), NONE);
    assert_int_equal(rdt_in_context(&call, "Map", &thread->context), VALID);
    for (unsigned n = RDT_CONTEXT_PAIRS_MAX; n < RDT_CONTEXT_PAIRS_MAX + 2; n++) {
        text.n = 0;
        rdt_buf_str(&text, "{\"Map\":{");
        for (unsigned i = 0; i < n; i++)
            rdt_buf_fmt(&text, "%s\"k%u\":\"v\"", i == 0 ? "" : ",", i);
        rdt_buf_str(&text, "}}");
        assert_int_equal(check(&op, rdt_buf_cstr(&text)), NONE);
        assert_int_equal(rdt_in_context(&call, "Map", &thread->context),
                         n == RDT_CONTEXT_PAIRS_MAX ? NONE : VALID);
    }
    text.n = 0;
    rdt_buf_str(&text, "{\"Map\":{\"a\":\"");
    for (unsigned i = 0; i < RDT_CONTEXT_MAX; i++)
        rdt_buf_add(&text, "v", 1);
    rdt_buf_str(&text, "\"}}");
    assert_int_equal(check(&op, rdt_buf_cstr(&text)), NONE);
    assert_int_equal(rdt_in_context(&call, "Map", &thread->context), VALID);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members),
        cmocka_unit_test(cuts),
        cmocka_unit_test(values),
        cmocka_unit_test(contexts),
    };
    return cmocka_run_group_tests_name("kms/input", tests, set_up, tear_down);
}
