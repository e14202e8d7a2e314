#include "apply_plan.h"
#include "base/text.h"
#include "codec/jout.h"
#include "kms/op.h"

#define ARN(n) "arn:aws:kms:local-1:000000000000:key/" n

static struct rdt_node *
tree(struct wanted *w, const char *text)
{
    struct rdt_node *out = NULL;
    struct rdt_err err = {0};
    if (rdt_json_parse("t", rdt_span_str(text), &w->want.arena, &out, &err) != RDT_OK)
        fail_msg("%s", err.text);
    return out;
}

/* What KeyStatus answers for a key that is as planned, with members put before it. */
static struct rdt_node *
status(struct wanted *w, size_t k, const char *change, const char *from)
{
    RDT_BUF body = {0};
    RDT_BUF policy = {0};
    const struct rdt_apply_key *key = &w->want.keys[k];
    const char *name, *value;
    rdt_apply_key_policy(&w->want, k, &policy);
    rdt_jout_open(&body, NULL, '{');
    rdt_jout_str(&body, "KeyId", "id");
    rdt_jout_str(&body, "KeyState", "Enabled");
    rdt_jout_str(&body, "Description", key->description);
    if (key->rotation_days != 0)
        rdt_jout_int(&body, "RotationPeriodInDays", key->rotation_days);
    rdt_jout_text(&body, "Policy", rdt_buf_span(&policy));
    rdt_jout_bool(&body, "Tenants", key->tenants);
    rdt_jout_open(&body, "Aliases", '[');
    rdt_jout_str(&body, NULL, key->alias);
    rdt_jout_close(&body, ']');
    rdt_jout_open(&body, "Tags", '[');
    for (size_t i = 0; i < RDT_APPLY_TAGS_N; i++) {
        if (!rdt_apply_tag(&w->want, k, i, &name, &value))
            continue;
        rdt_jout_open(&body, NULL, '{');
        rdt_jout_str(&body, "TagKey", name);
        rdt_jout_str(&body, "TagValue", value);
        rdt_jout_close(&body, '}');
    }
    rdt_jout_close(&body, ']');
    rdt_jout_open(&body, "Stores", '[');
    for (size_t i = 0; i < w->want.n_stores; i++)
        if (rdt_apply_holds(&w->want, k, i))
            rdt_jout_str(&body, NULL, w->want.stores[i].name);
    rdt_jout_str(&body, NULL, "found-by-a-scanner");
    rdt_jout_close(&body, ']');
    rdt_jout_close(&body, '}');
    if (from == NULL)
        return tree(w, rdt_buf_cstr(&body));
    RDT_BUF changed = {0};
    const char *text = rdt_buf_cstr(&body), *at = strstr(text, from);
    assert_non_null(at);
    rdt_buf_fmt(&changed, "%.*s%s%s", (int)(at - text), text, change, at + strlen(from));
    return tree(w, rdt_buf_cstr(&changed));
}

static void
test_key_steps(void **state)
{
    (void)state;
    static const struct {
        const char *key, *from, *to;
        enum rdt_apply_action action;
        unsigned changes;
        const char *words;
    } cases[] = {
        {"vol",  NULL,                           NULL,                  RDT_APPLY_KEEP,    0,                     "as planned"   },
        {"ring", NULL,                           NULL,                  RDT_APPLY_KEEP,    0,                     "as planned"   },
        {"vol",  "\"disk\"",                     "\"other\"",           RDT_APPLY_CHANGE,  RDT_APPLY_DESCRIPTION, "description"  },
        {"vol",  "InDays\":90",                  "InDays\":365",        RDT_APPLY_CHANGE,  RDT_APPLY_ROTATION,
         "rotation 365 days -> 90 days"                                                                                          },
        {"vol",  ",\"RotationPeriodInDays\":90", "",                    RDT_APPLY_CHANGE,  RDT_APPLY_ROTATION,
         "rotation by hand -> 90 days"                                                                                           },
        {"vol",  "alias/vol",                    "alias/other",         RDT_APPLY_CHANGE,  RDT_APPLY_ALIAS,       "alias/vol"    },
        {"vol",  "\"critical\"",                 "\"low\"",             RDT_APPLY_CHANGE,  RDT_APPLY_TAGS,        "tags"         },
        {"vol",  "user/rds",                     "user/eve",            RDT_APPLY_CHANGE,  RDT_APPLY_POLICY,      "policy"       },
        {"ring", "\"Tenants\":true",             "\"Tenants\":false",   RDT_APPLY_CHANGE,  RDT_APPLY_TENANTS,
         "one key a tenant"                                                                                                      },
        {"ring", "\"db\",\"copies\"",            "\"x\"",               RDT_APPLY_CHANGE,  RDT_APPLY_STORES,      "in db, copies"},
        {"vol",  "\"Enabled\"",                  "\"Disabled\"",        RDT_APPLY_KEEP,    0,                     "Disabled"     },
        {"vol",  "\"Enabled\"",                  "\"PendingDeletion\"", RDT_APPLY_BLOCKED, 0,
         "its deletion is scheduled: redoubt key cancel-deletion id"                                                             },
        {"vol",  "\"dev\"",                      "\"prod\"",            RDT_APPLY_BLOCKED, 0,
         "alias/vol is a key of another plan or environment"                                                                     },
        {"vol",  "\"TagValue\":\"p\"",           "\"TagValue\":\"q\"",  RDT_APPLY_BLOCKED, 0,
         "alias/vol is a key of another plan or environment"                                                                     },
    };
    WANTED w = {0};
    want_at(&w, &here);
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        struct rdt_apply_step step;
        size_t k = key_at(&w.want, cases[i].key);
        const struct rdt_node *is = status(&w, k, cases[i].to, cases[i].from);
        assert_int_equal(rdt_apply_key_step(&w.want, k, is, &step, NULL), RDT_OK);
        assert_string_equal(step.words, cases[i].words);
        assert_int_equal(step.action, cases[i].action);
        assert_int_equal(step.changes, cases[i].changes);
    }
}

static void
test_new_key(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"ring",  "critical; rotation by hand; one key a tenant; for api, vault; in db, copies, "
                 "copies-of-copies"             },
        {"vol",   "critical; rotation 90 days; for rds; in db"  },
        {"files", "high; rotation 90 days; for batch; in bucket"},
    };
    WANTED w = {0};
    want_at(&w, &here);
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        struct rdt_apply_step step;
        assert_int_equal(
            rdt_apply_key_step(&w.want, key_at(&w.want, cases[i][0]), NULL, &step, NULL), RDT_OK);
        assert_int_equal(step.action, RDT_APPLY_MAKE);
        assert_string_equal(step.words, cases[i][1]);
    }
}

/* The key's users by name, the account by what it may do but use. */
static void
test_policies(void **state)
{
    (void)state;
    WANTED w = {0};
    RDT_BUF ring = {0};
    RDT_BUF vol = {0};
    RDT_BUF far = {0};
    want_at(&w, &here);
    rdt_apply_key_policy(&w.want, key_at(&w.want, "ring"), &ring);
    rdt_apply_key_policy(&w.want, key_at(&w.want, "vol"), &vol);
    rdt_apply_key_policy(&w.want, key_at(&w.want, "far"), &far);
    const struct rdt_node *tree_of = tree(&w, rdt_buf_cstr(&vol));
    const struct rdt_node *list = rdt_node_get(tree_of, "Statement");
    assert_int_equal(list->n, 2);
    assert_string_equal(rdt_node_str(list->members[0].node, "Principal.AWS"),
                        "arn:aws:iam::000000000000:root");
    const struct rdt_node *actions = rdt_node_get(list->members[0].node, "Action");
    static const char *const never[] = {
        "kms:*",         "*",      "redoubt:*",       "kms:Decrypt",      "kms:Encrypt",
        "kms:Generate*", "kms:G*", "kms:CreateGrant", "redoubt:KekExport"};
    for (size_t i = 0; i < actions->n; i++)
        for (size_t j = 0; j < RDT_COUNT(never); j++)
            assert_false(rdt_node_is(actions->members[i].node, never[j]));
    assert_non_null(strstr(rdt_buf_cstr(&vol), "[\"arn:aws:iam::000000000000:user/rds\"]"));
    assert_null(strstr(rdt_buf_cstr(&vol), "KekExport"));
    assert_non_null(strstr(rdt_buf_cstr(&ring), "[\"kms:DescribeKey\",\"redoubt:KekExport\"]"));
    assert_null(strstr(rdt_buf_cstr(&ring), "kms:Decrypt"));
    assert_null(strstr(rdt_buf_cstr(&far), "\"Use\"")); /* nobody uses it */
}

/* Whether a statement of a key's policy lists an action. */
static bool
allows(const struct rdt_node *policy, size_t statement, const char *action)
{
    const struct rdt_node *list =
        rdt_node_get(rdt_node_get(policy, "Statement")->members[statement].node, "Action");
    for (size_t i = 0; i < list->n; i++)
        if (rdt_text_glob(list->members[i].node->text, rdt_span_str(action)))
            return true;
    return false;
}

/* What the service offers on a key is somebody's: an operation that is new has to be put somewhere,
 * or nobody could ever do it on a key of a plan. */
static void
test_every_operation(void **state)
{
    (void)state;
    WANTED w = {0};
    RDT_BUF ring = {0};
    RDT_BUF vol = {0};
    want_at(&w, &here);
    rdt_apply_key_policy(&w.want, key_at(&w.want, "ring"), &ring);
    rdt_apply_key_policy(&w.want, key_at(&w.want, "vol"), &vol);
    const struct rdt_node *of_ring = tree(&w, rdt_buf_cstr(&ring));
    const struct rdt_node *of_vol = tree(&w, rdt_buf_cstr(&vol));
    size_t n = 0;
    for (size_t i = 0; rdt_op_tables[i] != NULL; i++) {
        for (size_t j = 0; j < rdt_op_tables[i]->n; j++) {
            const struct rdt_op *op = &rdt_op_tables[i]->ops[j];
            char action[128];
            if (op->internal || op->cls == RDT_OP_UNSUPPORTED || op->key == RDT_KEY_NONE ||
                op->key == RDT_KEY_NEW || strcmp(op->name, "ReEncrypt") == 0) /* From and To */
                continue;
            snprintf(action, sizeof action, "%s:%s", op->front == RDT_FRONT_AWS ? "kms" : "redoubt",
                     op->name);
            bool administers = allows(of_vol, 0, action);
            bool uses = allows(of_vol, 1, action) || allows(of_ring, 1, action);
            bool both = administers && uses && strcmp(op->name, "DescribeKey") != 0;
            if ((!administers && !uses) || both || (op->cls == RDT_OP_DATA && administers))
                fail_msg("%s: %s", action, both ? "both" : administers ? "administers" : "nobody");
            n++;
        }
    }
    assert_true(n > 30);
}

static void
test_user_steps(void **state)
{
    (void)state;
    WANTED w = {0};
    RDT_BUF policy = {0};
    RDT_BUF good = {0};
    struct rdt_apply_step step;
    want_at(&w, &here);
    const char *arns[] = {ARN("ring"), ARN("vol"), NULL, NULL, NULL};
    size_t api = user_at(&w.want, "api"), batch = user_at(&w.want, "batch");
    assert_true(rdt_apply_user_policy(&w.want, api, arns, &policy));
    assert_string_equal(
        rdt_buf_cstr(&policy),
        "{\"Version\":\"2012-10-17\",\"Id\":\"redoubt-apply-1\",\"Statement\":[{"
        "\"Sid\":\"TenantKeys\",\"Effect\":\"Allow\",\"Action\":[\"kms:DescribeKey\","
        "\"redoubt:KekExport\"],\"Resource\":[\"" ARN("ring") "\"]}]}");
    rdt_jout_open(&good, NULL, '{');
    rdt_jout_str(&good, "PlanService", "p/dev/services.api");
    rdt_jout_bool(&good, "Enabled", true);
    rdt_jout_text(&good, "Policy", rdt_buf_span(&policy));
    rdt_jout_close(&good, '}');
    const struct {
        const char *is; /* PrincipalGet */
        size_t user;
        enum rdt_apply_action action;
        const char *words;
    } cases[] = {
        {NULL,                                                                          api,   RDT_APPLY_MAKE,    "may use ring"        },
        {rdt_buf_cstr(&good),                                                           api,   RDT_APPLY_KEEP,    "as planned"          },
        {"{\"PlanService\":\"p/dev/services.api\",\"Enabled\":true}",                   api,   RDT_APPLY_CHANGE,
         "policy: may use ring"                                                                                                         },
        {"{\"PlanService\":\"p/dev/services.api\",\"Enabled\":true,\"Policy\":\"{}\"}", api,
         RDT_APPLY_CHANGE,                                                                                        "policy: may use ring"},
        {"{\"Enabled\":true}",                                                          api,   RDT_APPLY_BLOCKED,
         "there is a principal of this name, made otherwise"                                                                            },
        {"{\"PlanService\":\"p/prod/services.api\",\"Enabled\":true}",                  api,   RDT_APPLY_BLOCKED,
         "there is a principal of this name, made otherwise"                                                                            },
        {"{\"PlanService\":\"p/dev/services.batch\",\"Enabled\":true}",                 batch, RDT_APPLY_CHANGE,
         "policy: may use files"                                                                                                        }, /* the key is not there yet */
    };
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        const struct rdt_node *is = cases[i].is == NULL ? NULL : tree(&w, cases[i].is);
        assert_int_equal(rdt_apply_user_step(&w.want, cases[i].user, is, arns, &step, NULL),
                         RDT_OK);
        assert_string_equal(step.words, cases[i].words);
        assert_int_equal(step.action, cases[i].action);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_key_steps),  cmocka_unit_test(test_new_key),
        cmocka_unit_test(test_policies),   cmocka_unit_test(test_every_operation),
        cmocka_unit_test(test_user_steps),
    };
    return cmocka_run_group_tests_name("cli/apply_diff", tests, NULL, NULL);
}
