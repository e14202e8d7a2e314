#include "kms/policy.h"

#include "../test.h"

#include <stdio.h>

#include "policy_ask.h"

/* ---- conditions: each under an allow and under a deny ---- */

enum truth { NO, YES, UNCLEAR };

static const struct {
    const char *name, *condition;
    struct tweak tweak;
    enum truth want;
} conditions[] = {
    {"equals",                                      "{\"StringEquals\":{\"kms:KeySpec\":\"SYMMETRIC_DEFAULT\"}}",       {0},                                                                   YES},
    {"equals, other case",                          "{\"StringEquals\":{\"kms:KeySpec\":\"symmetric_default\"}}",       {0},                                                                   NO },
    {"equals takes no star",                        "{\"StringEquals\":{\"kms:KeySpec\":\"SYM*\"}}",                    {0},                                                                   NO },
    {"equals, one of a list",
     "{\"StringEquals\":{\"kms:KeySpec\":[\"RSA_2048\",\"SYMMETRIC_DEFAULT\"]}}",                                       {0},
     YES                                                                                                                                                                                          },
    {"operator and key in any case",
     "{\"STRINGequals\":{\"KMS:keySPEC\":\"SYMMETRIC_DEFAULT\"}}",                                                      {0},
     YES                                                                                                                                                                                          },
    {"two keys, both hold",
     "{\"StringEquals\":{\"kms:KeySpec\":\"SYMMETRIC_DEFAULT\",\"kms:KeyOrigin\":\"AWS_KMS\"}}",                        {0},
     YES                                                                                                                                                                                          },
    {"two keys, one holds",
     "{\"StringEquals\":{\"kms:KeySpec\":\"SYMMETRIC_DEFAULT\",\"kms:KeyOrigin\":\"EXTERNAL\"}}",                       {0},
     NO                                                                                                                                                                                           },
    {"two operators, one holds",
     "{\"StringEquals\":{\"kms:KeyUsage\":\"ENCRYPT_DECRYPT\"},\"Bool\":{\"aws:SecureTransport\":"
     "false}}",                                                                                                         {0},
     NO                                                                                                                                                                                           },
    {"empty condition",                             "{}",                                                               {0},                                                                   YES},
    {"old name of the spec",
     "{\"StringEquals\":{\"kms:CustomerMasterKeySpec\":\"SYMMETRIC_DEFAULT\"}}",                                        {0},
     YES                                                                                                                                                                                          },
    {"not equals",                                  "{\"StringNotEquals\":{\"kms:KeySpec\":\"RSA_2048\"}}",             {0},                                                                   YES},
    {"not equals any of a list",
     "{\"StringNotEquals\":{\"kms:KeySpec\":[\"RSA_2048\",\"SYMMETRIC_DEFAULT\"]}}",                                    {0},
     NO                                                                                                                                                                                           },
    {"ignore case",                                 "{\"StringEqualsIgnoreCase\":{\"kms:KeyOrigin\":\"aws_kms\"}}",     {0},                                                                   YES},
    {"not, ignore case",
     "{\"StringNotEqualsIgnoreCase\":{\"kms:KeyOrigin\":\"aws_kms\"}}",                                                 {0},
     NO                                                                                                                                                                                           },
    {"like",                                        "{\"StringLike\":{\"kms:KeyOrigin\":\"AWS_*\"}}",                   {0},                                                                   YES},
    {"like has case",                               "{\"StringLike\":{\"kms:KeyOrigin\":\"aws_*\"}}",                   {0},                                                                   NO },
    {"not like",                                    "{\"StringNotLike\":{\"kms:KeyOrigin\":[\"EXT*\",\"CUSTOM?\"]}}",   {0},                                                                   YES},

    {"context pair",
     "{\"StringEquals\":{\"kms:EncryptionContext:tenant\":\"a\"}}",                                                     {.context = "tenant=a"},
     YES                                                                                                                                                                                          },
    {"context, other value",
     "{\"StringEquals\":{\"kms:EncryptionContext:tenant\":\"a\"}}",                                                     {.context = "tenant=b"},
     NO                                                                                                                                                                                           },
    {"context, value in other case",
     "{\"StringEquals\":{\"kms:EncryptionContext:tenant\":\"a\"}}",                                                     {.context = "tenant=A"},
     NO                                                                                                                                                                                           },
    {"context, name in other case",
     "{\"StringEquals\":{\"kms:EncryptionContext:Tenant\":\"a\"}}",                                                     {.context = "tenant=a"},
     YES                                                                                                                                                                                          },
    {"context, two names that differ by case",
     "{\"StringEquals\":{\"kms:EncryptionContext:tenant\":\"a\"}}",                                                     {.context = "Tenant=a;tenant=b"},
     UNCLEAR                                                                                                                                                                                      },
    {"the same, other order",
     "{\"StringEquals\":{\"kms:EncryptionContext:tenant\":\"b\"}}",                                                     {.context = "Tenant=a;tenant=b"},
     UNCLEAR                                                                                                                                                                                      },
    {"unclear and false is false",
     "{\"StringEquals\":{\"kms:EncryptionContext:tenant\":\"a\",\"kms:KeySpec\":\"x\"}}",                               {.context = "Tenant=a;tenant=b"},
     NO                                                                                                                                                                                           },
    {"null of unclear",
     "{\"Null\":{\"kms:EncryptionContext:tenant\":\"false\"}}",                                                         {.context = "Tenant=a;tenant=b"},
     UNCLEAR                                                                                                                                                                                      },
    {"context, absent",
     "{\"StringEquals\":{\"kms:EncryptionContext:tenant\":\"a\"}}",                                                     {.context = "x=a"},
     NO                                                                                                                                                                                           },
    {"context, no context",                         "{\"StringEquals\":{\"kms:EncryptionContext:tenant\":\"a\"}}",      {0},                                                                   NO },
    {"context, absent, not equals",
     "{\"StringNotEquals\":{\"kms:EncryptionContext:tenant\":\"a\"}}",                                                  {0},
     YES                                                                                                                                                                                          },
    {"context, absent, not like",
     "{\"StringNotLike\":{\"kms:EncryptionContext:tenant\":\"*\"}}",                                                    {0},
     YES                                                                                                                                                                                          },
    {"context, absent, like star",
     "{\"StringLike\":{\"kms:EncryptionContext:tenant\":\"*\"}}",                                                       {0},
     NO                                                                                                                                                                                           },
    {"context, empty value is there",
     "{\"StringEquals\":{\"kms:EncryptionContext:tenant\":\"\"}}",                                                      {.context = "tenant="},
     YES                                                                                                                                                                                          },
    {"context key with colons",
     "{\"ArnLike\":{\"kms:EncryptionContext:aws:logs:arn\":\"arn:aws:logs:eu-central-1:1:log-group:"
     "*\"}}",                                                                                                           {.context = "aws:logs:arn=arn:aws:logs:eu-central-1:1:log-group:a:b"},
     YES                                                                                                                                                                                          },
    {"if exists, absent",
     "{\"StringEqualsIfExists\":{\"kms:EncryptionContext:tenant\":\"a\"}}",                                             {0},
     YES                                                                                                                                                                                          },
    {"if exists, other value",
     "{\"StringEqualsIfExists\":{\"kms:EncryptionContext:tenant\":\"a\"}}",                                             {.context = "tenant=b"},
     NO                                                                                                                                                                                           },
    {"if exists, any case",
     "{\"stringequalsIFEXISTS\":{\"kms:EncryptionContext:tenant\":\"a\"}}",                                             {0},
     YES                                                                                                                                                                                          },
    {"null: absent",                                "{\"Null\":{\"kms:EncryptionContext:tenant\":\"true\"}}",           {0},                                                                   YES},
    {"null: there",
     "{\"Null\":{\"kms:EncryptionContext:tenant\":true}}",                                                              {.context = "tenant=a"},
     NO                                                                                                                                                                                           },
    {"null false: there",
     "{\"Null\":{\"kms:EncryptionContext:tenant\":\"False\"}}",                                                         {.context = "tenant=a"},
     YES                                                                                                                                                                                          },
    {"null both: always",
     "{\"Null\":{\"kms:EncryptionContext:tenant\":[\"true\",\"false\"]}}",                                              {0},
     YES                                                                                                                                                                                          },

    {"all keys named",
     "{\"ForAllValues:StringEquals\":{\"kms:EncryptionContextKeys\":[\"a\",\"b\"]}}",                                   {.context = "a=1;b=2"},
     YES                                                                                                                                                                                          },
    {"one key too many",
     "{\"ForAllValues:StringEquals\":{\"kms:EncryptionContextKeys\":[\"a\",\"b\"]}}",                                   {.context = "a=1;c=2"},
     NO                                                                                                                                                                                           },
    {"ForAllValues without a value is TRUE",
     "{\"ForAllValues:StringEquals\":{\"kms:EncryptionContextKeys\":\"a\"}}",                                           {0},
     YES                                                                                                                                                                                          },
    {"closed by Null",
     "{\"ForAllValues:StringEquals\":{\"kms:EncryptionContextKeys\":\"a\"},\"Null\":{\"kms:"
     "EncryptionContextKeys\":\"false\"}}",                                                                             {0},
     NO                                                                                                                                                                                           },
    {"ForAllValues on a key of one value, absent",
     "{\"ForAllValues:StringEquals\":{\"kms:EncryptionContext:tenant\":\"a\"}}",                                        {0},
     YES                                                                                                                                                                                          },
    {"any of the keys",
     "{\"ForAnyValue:StringEquals\":{\"kms:EncryptionContextKeys\":\"b\"}}",                                            {.context = "a=1;b=2"},
     YES                                                                                                                                                                                          },
    {"none of the keys",
     "{\"ForAnyValue:StringEquals\":{\"kms:EncryptionContextKeys\":\"c\"}}",                                            {.context = "a=1;b=2"},
     NO                                                                                                                                                                                           },
    {"ForAnyValue without a value is FALSE",
     "{\"ForAnyValue:StringEquals\":{\"kms:EncryptionContextKeys\":\"a\"}}",                                            {0},
     NO                                                                                                                                                                                           },
    {"ForAnyValue, negated, without a value",
     "{\"ForAnyValue:StringNotEquals\":{\"kms:EncryptionContextKeys\":\"a\"}}",                                         {0},
     NO                                                                                                                                                                                           },
    {"ForAnyValue IfExists without a value",
     "{\"ForAnyValue:StringEqualsIfExists\":{\"kms:EncryptionContextKeys\":\"a\"}}",                                    {0},
     YES                                                                                                                                                                                          },
    {"any that is not named",
     "{\"ForAnyValue:StringNotEquals\":{\"kms:EncryptionContextKeys\":\"a\"}}",                                         {.context = "a=1;b=2"},
     YES                                                                                                                                                                                          },
    {"all are not named",
     "{\"ForAllValues:StringNotEquals\":{\"kms:EncryptionContextKeys\":\"a\"}}",                                        {.context = "a=1;b=2"},
     NO                                                                                                                                                                                           },
    {"all are not like",
     "{\"ForAllValues:StringNotLike\":{\"kms:EncryptionContextKeys\":[\"x*\",\"y*\"]}}",                                {.context = "a=1;b=2"},
     YES                                                                                                                                                                                          },
    {"names of EncryptionContextKeys have case",
     "{\"ForAllValues:StringEquals\":{\"kms:EncryptionContextKeys\":\"a\"}}",                                           {.context = "A=1"},
     NO                                                                                                                                                                                           },
    {"any case of the prefix",
     "{\"foranyvalue:StringEquals\":{\"kms:EncryptionContextKeys\":\"a\"}}",                                            {.context = "a=1"},
     YES                                                                                                                                                                                          },

    {"request alias",
     "{\"StringEquals\":{\"kms:RequestAlias\":\"alias/x\"}}",                                                           {.alias = "alias/x"},
     YES                                                                                                                                                                                          },
    {"request alias, by key id",                    "{\"StringEquals\":{\"kms:RequestAlias\":\"alias/x\"}}",            {0},                                                                   NO },
    {"alias of the key",
     "{\"ForAnyValue:StringLike\":{\"kms:ResourceAliases\":\"alias/prod-*\"}}",                                         {.aliases = "alias/a;alias/prod-b"},
     YES                                                                                                                                                                                          },
    {"no alias of the key",
     "{\"ForAnyValue:StringLike\":{\"kms:ResourceAliases\":\"alias/prod-*\"}}",                                         {.aliases = "alias/a"},
     NO                                                                                                                                                                                           },
    {"more aliases than looked at",
     "{\"ForAnyValue:StringLike\":{\"kms:ResourceAliases\":\"alias/prod-*\"}}",                                         {.aliases = "MANY"},
     UNCLEAR                                                                                                                                                                                      },
    {"same key",                                    "{\"Bool\":{\"kms:ReEncryptOnSameKey\":\"true\"}}",                 {.same_key = 2},                                                       YES},
    {"not the same key",                            "{\"Bool\":{\"kms:ReEncryptOnSameKey\":\"true\"}}",                 {.same_key = 1},                                                       NO },
    {"no ReEncrypt",                                "{\"Bool\":{\"kms:ReEncryptOnSameKey\":\"false\"}}",                {0},                                                                   NO },
    {"no ReEncrypt, if exists",
     "{\"BoolIfExists\":{\"kms:ReEncryptOnSameKey\":\"false\"}}",                                                       {0},
     YES                                                                                                                                                                                          },
    {"bypass",                                      "{\"Bool\":{\"kms:BypassPolicyLockoutSafetyCheck\":true}}",         {.bypass = true},                                                      YES},
    {"no bypass",                                   "{\"Bool\":{\"kms:BypassPolicyLockoutSafetyCheck\":true}}",         {0},                                                                   NO },
    {"truth as text",                               "{\"StringEquals\":{\"aws:SecureTransport\":\"true\"}}",            {0},                                                                   YES},
    {"not over TLS",                                "{\"Bool\":{\"aws:SecureTransport\":\"false\"}}",                   {.plain = true},                                                       YES},
    {"window",
     "{\"NumericLessThan\":{\"kms:ScheduleKeyDeletionPendingWindowInDays\":\"30\"}}",                                   {.days = 29},
     YES                                                                                                                                                                                          },
    {"window, equal is not less",
     "{\"NumericLessThan\":{\"kms:ScheduleKeyDeletionPendingWindowInDays\":30}}",                                       {.days = 30},
     NO                                                                                                                                                                                           },
    {"window, less or equal",
     "{\"NumericLessThanEquals\":{\"kms:ScheduleKeyDeletionPendingWindowInDays\":\"30\"}}",                             {.days = 30},
     YES                                                                                                                                                                                          },
    {"window, greater",
     "{\"NumericGreaterThan\":{\"kms:ScheduleKeyDeletionPendingWindowInDays\":29.5}}",                                  {.days = 30},
     YES                                                                                                                                                                                          },
    {"window, greater or equal",
     "{\"NumericGreaterThanEquals\":{\"kms:ScheduleKeyDeletionPendingWindowInDays\":\"30.000001\"}"
     "}",                                                                                                               {.days = 30},
     NO                                                                                                                                                                                           },
    {"window, one of",
     "{\"NumericEquals\":{\"kms:ScheduleKeyDeletionPendingWindowInDays\":[7,30]}}",                                     {.days = 30},
     YES                                                                                                                                                                                          },
    {"window, not",
     "{\"NumericNotEquals\":{\"kms:ScheduleKeyDeletionPendingWindowInDays\":30}}",                                      {.days = 30},
     NO                                                                                                                                                                                           },
    {"window, not in the request",
     "{\"NumericLessThan\":{\"kms:ScheduleKeyDeletionPendingWindowInDays\":30}}",                                       {0},
     NO                                                                                                                                                                                           },
    {"window, not in the request, not",
     "{\"NumericNotEquals\":{\"kms:ScheduleKeyDeletionPendingWindowInDays\":30}}",                                      {0},
     YES                                                                                                                                                                                          },
    {"window, as text",
     "{\"StringEquals\":{\"kms:ScheduleKeyDeletionPendingWindowInDays\":\"30\"}}",                                      {.days = 30},
     YES                                                                                                                                                                                          },

    {"account",                                     "{\"StringEquals\":{\"kms:CallerAccount\":\"" ACCOUNT "\"}}",       {0},                                                                   YES},
    {"account, other",                              "{\"StringEquals\":{\"aws:PrincipalAccount\":\"999999999999\"}}",   {0},                                                                   NO },
    {"account of the key",
     "{\"StringEquals\":{\"aws:ResourceAccount\":\"" ACCOUNT "\"}}",
     {0},
     YES                                                                                                                                                                                          },
    {"account of no key",
     "{\"StringEquals\":{\"aws:ResourceAccount\":\"" ACCOUNT "\"}}",
     {.resource = "*"},
     NO                                                                                                                                                                                           },
    {"principal",                                   "{\"ArnLike\":{\"aws:PrincipalArn\":\"arn:aws:iam::*:user/a*\"}}",  {0},                                                                   YES},
    {"a star stays in its part of an ARN",
     "{\"ArnLike\":{\"kms:EncryptionContext:a\":\"arn:aws:logs:*:x:y\"}}",                                              {.context = "a=arn:aws:logs:r:1:x:y"},
     NO                                                                                                                                                                                           },
    {"principal, like",                             "{\"StringLike\":{\"aws:PrincipalArn\":\"arn:*:user/app\"}}",       {0},                                                                   YES},
    {"principal, not",                              "{\"ArnNotEquals\":{\"aws:PrincipalArn\":\"" APP "\"}}",            {0},                                                                   NO },
    {"principal, ArnEquals takes stars as ArnLike",
     "{\"ArnEquals\":{\"aws:PrincipalArn\":\"arn:aws:iam::" ACCOUNT ":user/*\"}}",
     {0},
     YES                                                                                                                                                                                          },
    {"user name",                                   "{\"StringEquals\":{\"aws:username\":\"app\"}}",                    {0},                                                                   YES},
    {"user name with a path",
     "{\"StringEquals\":{\"aws:username\":\"app\"}}",                                                                   {.principal = "arn:aws:iam::" ACCOUNT ":user/team/app"},
     YES                                                                                                                                                                                          },
    {"a role has no user name",
     "{\"Null\":{\"aws:username\":\"true\"}}",                                                                          {.principal = "arn:aws:iam::" ACCOUNT ":role/app"},
     YES                                                                                                                                                                                          },

    {"IPv4 network",                                "{\"IpAddress\":{\"aws:SourceIp\":\"10.0.0.0/8\"}}",                {0},                                                                   YES},
    {"IPv4 network, host bits",                     "{\"IpAddress\":{\"aws:SourceIp\":\"10.1.2.99/24\"}}",              {0},                                                                   YES},
    {"IPv4 network, odd bits",                      "{\"IpAddress\":{\"aws:SourceIp\":\"10.1.2.0/30\"}}",               {0},                                                                   YES},
    {"IPv4 network, one bit off",                   "{\"IpAddress\":{\"aws:SourceIp\":\"10.1.2.4/30\"}}",               {0},                                                                   NO },
    {"IPv4 address",                                "{\"IpAddress\":{\"aws:SourceIp\":[\"192.0.2.1\",\"10.1.2.3\"]}}",  {0},                                                                   YES},
    {"IPv4 any",                                    "{\"IpAddress\":{\"aws:SourceIp\":\"0.0.0.0/0\"}}",                 {0},                                                                   YES},
    {"IPv4 is not in ::/0",                         "{\"IpAddress\":{\"aws:SourceIp\":\"::/0\"}}",                      {0},                                                                   NO },
    {"IPv6 is not in 0.0.0.0/0",
     "{\"IpAddress\":{\"aws:SourceIp\":\"0.0.0.0/0\"}}",                                                                {.ip = "2001:db8::1"},
     NO                                                                                                                                                                                           },
    {"IPv6 network",
     "{\"IpAddress\":{\"aws:SourceIp\":\"2001:db8::/33\"}}",                                                            {.ip = "2001:db8:7fff::1"},
     YES                                                                                                                                                                                          },
    {"IPv6 network, one bit off",
     "{\"IpAddress\":{\"aws:SourceIp\":\"2001:db8::/33\"}}",                                                            {.ip = "2001:db8:8000::1"},
     NO                                                                                                                                                                                           },
    {"IPv4 in IPv6 clothes",
     "{\"IpAddress\":{\"aws:SourceIp\":\"10.0.0.0/8\"}}",                                                               {.ip = "::ffff:10.1.2.3"},
     YES                                                                                                                                                                                          },
    {"policy in IPv6 clothes",
     "{\"IpAddress\":{\"aws:SourceIp\":\"::ffff:10.0.0.0/104\"}}",                                                      {0},
     YES                                                                                                                                                                                          },
    {"with a zone",
     "{\"IpAddress\":{\"aws:SourceIp\":\"fe80::/10\"}}",                                                                {.ip = "fe80::1%eth0"},
     YES                                                                                                                                                                                          },
    {"not in the network",                          "{\"NotIpAddress\":{\"aws:SourceIp\":\"192.0.2.0/24\"}}",           {0},                                                                   YES},
    {"not in, but is",
     "{\"NotIpAddress\":{\"aws:SourceIp\":[\"192.0.2.0/24\",\"10.0.0.0/8\"]}}",                                         {0},
     NO                                                                                                                                                                                           },
    {"no address",                                  "{\"IpAddress\":{\"aws:SourceIp\":\"0.0.0.0/0\"}}",                 {.ip = ""},                                                            NO },
    {"an address that is none",
     "{\"NotIpAddress\":{\"aws:SourceIp\":\"192.0.2.0/24\"}}",                                                          {.ip = "unix"},
     UNCLEAR                                                                                                                                                                                      },

    {"before a date",
     "{\"DateLessThan\":{\"aws:CurrentTime\":\"2026-11-24T12:00:01Z\"}}",                                               {0},
     YES                                                                                                                                                                                          },
    {"not before a date",
     "{\"DateLessThan\":{\"aws:CurrentTime\":\"2026-11-24T12:00:00Z\"}}",                                               {0},
     NO                                                                                                                                                                                           },
    {"after a day",                                 "{\"DateGreaterThanEquals\":{\"aws:CurrentTime\":\"2026-11-24\"}}", {0},                                                                   YES},
    {"at a time",                                   "{\"DateEquals\":{\"aws:EpochTime\":\"1795521600\"}}",              {0},                                                                   YES},
    {"at a time, as number",                        "{\"NumericEquals\":{\"aws:EpochTime\":1795521600}}",               {0},                                                                   YES},
    {"not at a time",
     "{\"DateNotEquals\":{\"aws:CurrentTime\":\"2026-11-24T12:00:00Z\"}}",                                              {0},
     NO                                                                                                                                                                                           },

    {"tag of the key",
     "{\"StringEquals\":{\"aws:ResourceTag/env\":\"prod\"}}",                                                           {.resource_tags = "env=prod"},
     YES                                                                                                                                                                                          },
    {"tag of the key, absent",
     "{\"StringEquals\":{\"aws:ResourceTag/env\":\"prod\"}}",                                                           {.resource_tags = "Env=prod"},
     NO                                                                                                                                                                                           },
    {"tag of the request",
     "{\"StringEquals\":{\"aws:RequestTag/a/b\":\"c\"}}",                                                               {.request_tags = "a/b=c"},
     YES                                                                                                                                                                                          },
    {"tag of the request, absent",
     "{\"Null\":{\"aws:RequestTag/a\":\"true\"}}",                                                                      {.request_tags = "b=c"},
     YES                                                                                                                                                                                          },
    {"names of tags",
     "{\"ForAllValues:StringEquals\":{\"aws:TagKeys\":[\"a\",\"b\"]}}",                                                 {.request_tags = "a=1;b=2"},
     YES                                                                                                                                                                                          },
    {"a name of a tag too many",
     "{\"ForAllValues:StringEquals\":{\"aws:TagKeys\":[\"a\",\"b\"]}}",                                                 {.request_tags = "a=1;c=2"},
     NO                                                                                                                                                                                           },

    {"never: equals",                               "{\"StringEquals\":{\"aws:SourceVpce\":\"vpce-1\"}}",               {0},                                                                   NO },
    {"never: not equals",                           "{\"StringNotEquals\":{\"aws:SourceVpce\":\"vpce-1\"}}",            {0},                                                                   YES},
    {"never: if exists",                            "{\"StringEqualsIfExists\":{\"aws:PrincipalOrgID\":\"o-1\"}}",      {0},                                                                   YES},
    {"never: null",                                 "{\"Null\":{\"aws:SourceArn\":\"true\"}}",                          {0},                                                                   YES},
    {"never: many",
     "{\"ForAnyValue:StringEquals\":{\"aws:CalledVia\":\"x.amazonaws.com\"}}",                                          {0},
     NO                                                                                                                                                                                           },
    {"never: MFA",                                  "{\"Bool\":{\"aws:MultiFactorAuthPresent\":\"true\"}}",             {0},                                                                   NO },
    {"never: no MFA either",                        "{\"Bool\":{\"aws:MultiFactorAuthPresent\":\"false\"}}",            {0},                                                                   NO },
    {"never: the usual deny without MFA",
     "{\"BoolIfExists\":{\"aws:MultiFactorAuthPresent\":\"false\"}}",                                                   {0},
     YES                                                                                                                                                                                          },
    {"never: via service",
     "{\"StringEquals\":{\"kms:ViaService\":\"s3.eu-central-1.amazonaws.com\"}}",                                       {0},
     NO                                                                                                                                                                                           },
    {"never: tag of the caller",                    "{\"StringEquals\":{\"aws:PrincipalTag/team\":\"a\"}}",             {0},                                                                   NO },
    {"always false",                                "{\"Bool\":{\"aws:ViaAWSService\":\"false\"}}",                     {0},                                                                   YES},
};

static void
each_condition(void **state)
{
    static char text[4096];
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(conditions); i++) {
        struct asked a;
        ask_make(&conditions[i].tweak, &a);
        snprintf(text, sizeof text,
                 "{\"Effect\":\"Allow\",\"Action\":\"kms:*\",\"Resource\":\"*\",\"Condition\":%s}",
                 conditions[i].condition);
        struct rdt_policy *allow = policy_of(RDT_POLICY_IDENTITY, text);
        snprintf(text, sizeof text,
                 "{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"},"
                 "{\"Effect\":\"Deny\",\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":%s}",
                 conditions[i].condition);
        struct rdt_policy *deny = policy_of(RDT_POLICY_IDENTITY, text);
        enum truth want = conditions[i].want;
        enum rdt_policy_answer got = rdt_policy_ask(allow, &a.ask);
        if (got != (want == YES ? RDT_POLICY_ALLOW : RDT_POLICY_SILENT))
            fail_msg("%s: allow answers %d", conditions[i].name, got);
        got = rdt_policy_ask(deny, &a.ask);
        if (got != (want == NO ? RDT_POLICY_ALLOW : RDT_POLICY_DENY))
            fail_msg("%s: deny answers %d", conditions[i].name, got);
        bool bare = strcmp(conditions[i].condition, "{}") == 0;
        a.ask.any_condition = true; /* about no one request: what could be allowed by some */
        if (rdt_policy_ask(allow, &a.ask) != RDT_POLICY_ALLOW ||
            rdt_policy_ask(deny, &a.ask) != (bare ? RDT_POLICY_DENY : RDT_POLICY_ALLOW))
            fail_msg("%s: a condition counts although any will do", conditions[i].name);
        rdt_policy_free(allow);
        rdt_policy_free(deny);
    }
}

/* ---- who, what, on what ---- */

#define STAR_STAR "\"Action\":\"*\",\"Resource\":\"*\"}"
#define ALLOW_TO(who) "{\"Effect\":\"Allow\",\"Principal\":" who "," STAR_STAR
#define DENY_TO(who) "{\"Effect\":\"Deny\",\"Principal\":" who "," STAR_STAR
#define DENY_NOT(who) "{\"Effect\":\"Deny\",\"NotPrincipal\":" who "," STAR_STAR
#define EVERYBODY ALLOW_TO("\"*\"")

static const struct {
    const char *name, *statements;
    struct tweak tweak;
    enum rdt_policy_answer want;
} statements[] = {
    {"everybody",                                   EVERYBODY,                                        {0},               RDT_POLICY_ALLOW   },
    {"everybody, as AWS",                           ALLOW_TO("{\"AWS\":\"*\"}"),                      {0},               RDT_POLICY_ALLOW   },
    {"by name",                                     ALLOW_TO("{\"AWS\":\"" APP "\"}"),                {0},               RDT_POLICY_ALLOW   },
    {"another by name",                             ALLOW_TO("{\"AWS\":\"" EVE "\"}"),                {0},               RDT_POLICY_SILENT  },
    {"a name has case",
     ALLOW_TO("{\"AWS\":\"arn:aws:iam::" ACCOUNT ":user/APP\"}"),
     {0},
     RDT_POLICY_SILENT                                                                                                                      },
    {"one of a list",                               ALLOW_TO("{\"AWS\":[\"" EVE "\",\"" APP "\"]}"),  {0},               RDT_POLICY_ALLOW   },
    {"a role",
     ALLOW_TO("{\"AWS\":\"arn:aws:iam::" ACCOUNT ":role/r\"}"),
     {.principal = "arn:aws:iam::" ACCOUNT ":role/r"},
     RDT_POLICY_ALLOW                                                                                                                       },
    {"the account, root",                           ALLOW_TO("{\"AWS\":\"" ROOT "\"}"),               {0},               RDT_POLICY_DELEGATE},
    {"the account, digits",                         ALLOW_TO("{\"AWS\":\"" ACCOUNT "\"}"),            {0},               RDT_POLICY_DELEGATE},
    {"account and name: the name",
     ALLOW_TO("{\"AWS\":[\"" ACCOUNT "\",\"" APP "\"]}"),
     {0},
     RDT_POLICY_ALLOW                                                                                                                       },
    {"account, then name",
     ALLOW_TO("{\"AWS\":\"" ROOT "\"}") "," ALLOW_TO("{\"AWS\":\"" APP "\"}"),
     {0},
     RDT_POLICY_ALLOW                                                                                                                       },
    {"name, then account",
     ALLOW_TO("{\"AWS\":\"" APP "\"}") "," ALLOW_TO("{\"AWS\":\"" ROOT "\"}"),
     {0},
     RDT_POLICY_ALLOW                                                                                                                       },
    {"another account",                             ALLOW_TO("{\"AWS\":\"999999999999\"}"),           {0},               RDT_POLICY_SILENT  },
    {"a service",                                   ALLOW_TO("{\"Service\":\"logs.amazonaws.com\"}"), {0},               RDT_POLICY_SILENT  },
    {"a service called like the caller",
     ALLOW_TO("{\"Service\":\"" APP "\"}"),
     {0},
     RDT_POLICY_SILENT                                                                                                                      },
    {"a service and a name",
     ALLOW_TO("{\"Service\":\"x\",\"AWS\":\"" APP "\"}"),
     {0},
     RDT_POLICY_ALLOW                                                                                                                       },

    {"deny wins",                                   EVERYBODY "," DENY_TO("{\"AWS\":\"" APP "\"}"),   {0},               RDT_POLICY_DENY    },
    {"deny first wins",                             DENY_TO("\"*\"") "," EVERYBODY,                   {0},               RDT_POLICY_DENY    },
    {"deny of another",                             EVERYBODY "," DENY_TO("{\"AWS\":\"" EVE "\"}"),   {0},               RDT_POLICY_ALLOW   },
    {"deny of the account is deny of all in it",
     EVERYBODY "," DENY_TO("{\"AWS\":\"" ROOT "\"}"),
     {0},
     RDT_POLICY_DENY                                                                                                                        },
    {"all but one: the one",
     EVERYBODY "," DENY_NOT("{\"AWS\":\"" APP "\"}"),
     {0},
     RDT_POLICY_ALLOW                                                                                                                       },
    {"all but one: another",                        EVERYBODY "," DENY_NOT("{\"AWS\":\"" EVE "\"}"),  {0},               RDT_POLICY_DENY    },
    {"all but the account's root: a user",
     EVERYBODY "," DENY_NOT("{\"AWS\":\"" ROOT "\"}"),
     {0},
     RDT_POLICY_DENY                                                                                                                        },
    {"all but the account's root: root",
     EVERYBODY "," DENY_NOT("{\"AWS\":\"" ROOT "\"}"),
     {.principal = ROOT},
     RDT_POLICY_ALLOW                                                                                                                       },
    {"all but a service",                           EVERYBODY "," DENY_NOT("{\"Service\":\"x\"}"),    {0},               RDT_POLICY_DENY    },
    {"all but everybody",                           EVERYBODY "," DENY_NOT("\"*\""),                  {0},               RDT_POLICY_ALLOW   },

#define DO(action) "{\"Effect\":\"Allow\",\"Principal\":\"*\"," action ",\"Resource\":\"*\"}"
    {"action",                                      DO("\"Action\":\"kms:Decrypt\""),                 {0},               RDT_POLICY_ALLOW   },
    {"action, any case",                            DO("\"Action\":\"KMS:decrypt\""),                 {0},               RDT_POLICY_ALLOW   },
    {"action, other",                               DO("\"Action\":\"kms:Encrypt\""),                 {0},               RDT_POLICY_SILENT  },
    {"action, longer",                              DO("\"Action\":\"kms:DecryptX\""),                {0},               RDT_POLICY_SILENT  },
    {"action, shorter",                             DO("\"Action\":\"kms:Decryp\""),                  {0},               RDT_POLICY_SILENT  },
    {"action, star",                                DO("\"Action\":\"kms:De*\""),                     {0},               RDT_POLICY_ALLOW   },
    {"action, star inside",                         DO("\"Action\":\"kms:*crypt\""),                  {0},               RDT_POLICY_ALLOW   },
    {"action, marks",                               DO("\"Action\":\"kms:?ecryp?\""),                 {0},               RDT_POLICY_ALLOW   },
    {"action, too many marks",                      DO("\"Action\":\"kms:Decrypt?\""),                {0},               RDT_POLICY_SILENT  },
    {"action of another service",                   DO("\"Action\":\"s3:*\""),                        {0},               RDT_POLICY_SILENT  },
    {"kms:* is not our own actions",
     DO("\"Action\":\"kms:*\""),
     {.action = "redoubt:TenantDestroy"},
     RDT_POLICY_SILENT                                                                                                                      },
    {"all services",
     DO("\"Action\":\"*:*\""),
     {.action = "redoubt:TenantDestroy"},
     RDT_POLICY_ALLOW                                                                                                                       },
    {"not action",                                  DO("\"NotAction\":\"kms:Encrypt\""),              {0},               RDT_POLICY_ALLOW   },
    {"not action, named",                           DO("\"NotAction\":[\"kms:Encrypt\",\"kms:D*\"]"), {0},               RDT_POLICY_SILENT  },
    {"not action allows what nobody thought of",
     DO("\"NotAction\":\"kms:D*\""),
     {.action = "redoubt:TenantDestroy"},
     RDT_POLICY_ALLOW                                                                                                                       },
    {"deny not action",
     EVERYBODY
     ",{\"Effect\":\"Deny\",\"Principal\":\"*\",\"NotAction\":\"kms:Encrypt\",\"Resource\":\"*\"}",   {0},
     RDT_POLICY_DENY                                                                                                                        },

#define ON(resource) "{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"*\"," resource "}"
    {"resource",                                    ON("\"Resource\":\"" KEY_ARN "\""),               {0},               RDT_POLICY_ALLOW   },
    {"resource, other key",
     ON("\"Resource\":\"arn:aws:kms:eu-central-1:" ACCOUNT ":key/x\""),
     {0},
     RDT_POLICY_SILENT                                                                                                                      },
    {"resource, star",                              ON("\"Resource\":\"arn:aws:kms:*:*:key/*\""),     {0},               RDT_POLICY_ALLOW   },
    {"resource, a star does not reach over colons",
     ON("\"Resource\":\"arn:aws:kms:*:key/*:x\""),
     {0},
     RDT_POLICY_SILENT                                                                                                                      },
    {"resource, alias is no key",
     ON("\"Resource\":\"arn:aws:kms:*:*:alias/*\""),
     {0},
     RDT_POLICY_SILENT                                                                                                                      },
    {"no resource, star",                           ON("\"Resource\":\"*\""),                         {.resource = "*"}, RDT_POLICY_ALLOW   },
    {"no resource, ARN",
     ON("\"Resource\":\"arn:aws:kms:*:*:*\""),
     {.resource = "*"},
     RDT_POLICY_SILENT                                                                                                                      },
    {"not resource",                                ON("\"NotResource\":\"arn:aws:kms:*:*:key/x\""),  {0},               RDT_POLICY_ALLOW   },
    {"not resource, named",
     ON("\"NotResource\":\"arn:aws:kms:*:*:key/*\""),
     {0},
     RDT_POLICY_SILENT                                                                                                                      },

    {"void: no action",
     "{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Resource\":\"*\"}",                                 {0},
     RDT_POLICY_SILENT                                                                                                                      },
    {"void: no resource",
     "{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"*\"}",                                   {0},
     RDT_POLICY_SILENT                                                                                                                      },
    {"void beside one that is not",
     "{\"Effect\":\"Deny\",\"Principal\":\"*\",\"Action\":\"*\"}," EVERYBODY,
     {0},
     RDT_POLICY_ALLOW                                                                                                                       },

    {"no principal in the request",                 EVERYBODY,                                        {.principal = ""}, RDT_POLICY_DENY    },
    {"no action in the request",                    EVERYBODY,                                        {.action = ""},    RDT_POLICY_DENY    },
    {"no resource in the request",                  EVERYBODY,                                        {.resource = ""},  RDT_POLICY_DENY    },
};

static void
each_statement(void **state)
{
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(statements); i++) {
        struct asked a;
        ask_make(&statements[i].tweak, &a);
        struct rdt_policy *policy = policy_of(RDT_POLICY_KEY, statements[i].statements);
        enum rdt_policy_answer got = rdt_policy_ask(policy, &a.ask);
        if (got != statements[i].want)
            fail_msg("%s: answers %d, not %d", statements[i].name, got, statements[i].want);
        rdt_policy_free(policy);
    }
}

/* An action that is too long for any pattern matches NotAction as little as Action. */
static void
long_action(void **state)
{
    struct asked a;
    char action[300];
    (void)state;
    memset(action, 'a', sizeof action);
    memcpy(action, "kms:", 4);
    action[sizeof action - 1] = 0;
    ask_make(&(struct tweak){.action = action}, &a);
    struct rdt_policy *policy = policy_of(RDT_POLICY_KEY, EVERYBODY);
    assert_int_equal(rdt_policy_ask(policy, &a.ask), RDT_POLICY_DENY);
    rdt_policy_free(policy);
}

/* Only this deployment's own account delegates, whatever account a caller might come with. */
static void
foreign_account(void **state)
{
    struct asked a;
    (void)state;
    ask_make(&(struct tweak){0}, &a);
    a.ask.account = rdt_span_str("999999999999");
    struct rdt_policy *policy =
        policy_of(RDT_POLICY_KEY, ALLOW_TO("{\"AWS\":[\"999999999999\",\"" ROOT "\"]}"));
    assert_int_equal(rdt_policy_ask(policy, &a.ask), RDT_POLICY_SILENT);
    rdt_policy_free(policy);
}

/* ---- both documents ---- */

#define MY_ALLOW "{\"Effect\":\"Allow\"," STAR_STAR
#define MY_DENY "{\"Effect\":\"Deny\"," STAR_STAR

static const struct {
    const char *name, *key, *identity;
    bool want;
} pairs[] = {
    {"named by the key, no identity policy", ALLOW_TO("{\"AWS\":\"" APP "\"}"),              NULL,                 true },
    {"named by the key, identity denies",    ALLOW_TO("{\"AWS\":\"" APP "\"}"),              MY_DENY,              false},
    {"delegated, no identity policy",        ALLOW_TO("{\"AWS\":\"" ROOT "\"}"),             NULL,                 false},
    {"delegated, identity allows",           ALLOW_TO("{\"AWS\":\"" ROOT "\"}"),             MY_ALLOW,             true },
    {"delegated, identity silent",           ALLOW_TO("{\"AWS\":\"" ROOT "\"}"),
     "{\"Effect\":\"Allow\",\"Action\":\"kms:Encrypt\",\"Resource\":\"*\"}",                                       false},
    {"key silent, identity allows",          ALLOW_TO("{\"AWS\":\"" EVE "\"}"),              MY_ALLOW,             false},
    {"key denies, identity allows",          EVERYBODY "," DENY_TO("{\"AWS\":\"" APP "\"}"), MY_ALLOW,
     false                                                                                                              },
    {"no key, no identity policy",           NULL,                                           NULL,                 false},
    {"no key, identity allows",              NULL,                                           MY_ALLOW,             true },
    {"no key, identity denies",              NULL,                                           MY_ALLOW "," MY_DENY, false},
};

static void
decisions(void **state)
{
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(pairs); i++) {
        struct asked a;
        struct rdt_policy *key = NULL, *identity = NULL;
        ask_make(&(struct tweak){0}, &a);
        if (pairs[i].key != NULL)
            key = policy_of(RDT_POLICY_KEY, pairs[i].key);
        if (pairs[i].identity != NULL)
            identity = policy_of(RDT_POLICY_IDENTITY, pairs[i].identity);
        if (rdt_policy_decide(key, identity, &a.ask) != pairs[i].want)
            fail_msg("%s", pairs[i].name);
        rdt_policy_free(key);
        rdt_policy_free(identity);
    }
}

/* SECURITY-DESIGN section 4: a second principal without an identity policy. */
static void
the_default(void **state)
{
    RDT_BUF text = {0};
    struct rdt_policy *key = NULL;
    struct asked a;
    (void)state;
    rdt_policy_default(ACCOUNT, &text);
    assert_true(rdt_buf_ok(&text));
    assert_int_equal(rdt_policy_compile(RDT_POLICY_KEY, rdt_buf_span(&text), ACCOUNT, &key, NULL),
                     RDT_OK);
    ask_make(&(struct tweak){0}, &a);
    assert_int_equal(rdt_policy_ask(key, &a.ask), RDT_POLICY_DELEGATE);
    assert_false(rdt_policy_decide(key, NULL, &a.ask));
    struct rdt_policy *identity = policy_of(RDT_POLICY_IDENTITY, MY_ALLOW);
    assert_true(rdt_policy_decide(key, identity, &a.ask));
    rdt_policy_free(identity);
    rdt_policy_free(key);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_condition), cmocka_unit_test(each_statement),
        cmocka_unit_test(long_action),    cmocka_unit_test(decisions),
        cmocka_unit_test(the_default),    cmocka_unit_test(foreign_account),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
