#include "client/fault_internal.h"

#include "base/arena.h"
#include "base/text.h"
#include "codec/json.h"

#include <stdio.h>

#define NEEDS_APPROVAL "This needs approval" /* begins the message of such an AccessDenied */

/* What a server's fault means to us. A name that is not here is RDT_E_DENIED below 500, else
 * RDT_E_IO. */
static const struct {
    const char *name;
    enum rdt_code rc;
    const char *hint;
} meanings[] = {
    {"AccessDeniedException",               RDT_E_DENIED,
     "an administrator can allow it: redoubt principal policy NAME FILE"                                },
    {"AlreadyExistsException",              RDT_E_STATE,    NULL                                        },
    {"ApprovalRequiredException",           RDT_E_DENIED,
     "other people have to sign it: redoubt approval show ID"                                           },
    {"CensusException",                     RDT_E_STATE,    NULL                                        },
    {"ClockException",                      RDT_E_STATE,    NULL                                        },
    {"ConflictException",                   RDT_E_STATE,    NULL                                        },
    {"DisabledException",                   RDT_E_STATE,    "redoubt key enable KEY"                    },
    {"IncompleteSignatureException",        RDT_E_DENIED,   NULL                                        },
    {"InvalidAliasNameException",           RDT_E_BADINPUT, NULL                                        },
    {"InvalidArnException",                 RDT_E_BADINPUT, NULL                                        },
    {"InvalidMarkerException",              RDT_E_BADINPUT, NULL                                        },
    {"InvalidSignatureException",           RDT_E_DENIED,   "check AWS_SECRET_ACCESS_KEY and AWS_REGION"},
    {"KMSInvalidStateException",            RDT_E_STATE,    NULL                                        },
    {"LimitExceededException",              RDT_E_LIMIT,    NULL                                        },
    {"MalformedPolicyDocumentException",    RDT_E_BADINPUT, NULL                                        },
    {"MissingAuthenticationTokenException", RDT_E_DENIED,
     "the server does not take client certificates, or did not get yours"                               },
    {"NotFoundException",                   RDT_E_NOTFOUND, NULL                                        },
    {"RequestTimeTooSkewed",                RDT_E_DENIED,
     "set this machine's clock: signatures are good for 5 minutes"                                      },
    {"SerializationException",              RDT_E_BADINPUT, NULL                                        },
    {"TagException",                        RDT_E_BADINPUT, NULL                                        },
    {"ThrottlingException",                 RDT_E_LIMIT,    "try again"                                 },
    {"UnknownOperationException",           RDT_E_BADINPUT, "is the server of an older version?"        },
    {"UnrecognizedClientException",         RDT_E_DENIED,
     "the credential or certificate is unknown, revoked or expired, or its principal disabled"          },
    {"UnsupportedOperationException",       RDT_E_BADINPUT, NULL                                        },
    {"ValidationException",                 RDT_E_BADINPUT, NULL                                        },
};

static void
keep_text(char *out, size_t size, struct rdt_span text)
{
    snprintf(out, size, "%.*s", (int)(text.n < size ? text.n : size - 1), (const char *)text.p);
    rdt_text_show(out);
}

/* "com.amazonaws.kms#NotFoundException" is how others write it. */
static struct rdt_span
after_hash(struct rdt_span name)
{
    const uint8_t *at = name.n == 0 ? NULL : memchr(name.p, '#', name.n);
    size_t skip = at == NULL ? 0 : (size_t)(at - name.p) + 1;
    return (struct rdt_span){name.p + skip, name.n - skip};
}

static void
read_body(struct rdt_span body, struct rdt_client_fault *out)
{
    RDT_AUTO(rdt_arena_done) struct rdt_arena arena = {0};
    struct rdt_node *tree;
    if (rdt_json_parse("answer", body, &arena, &tree, NULL) != RDT_OK)
        return;
    const char *name = rdt_node_str(tree, "__type"), *message = rdt_node_str(tree, "message");
    if (name != NULL)
        keep_text(out->name, sizeof out->name, after_hash(rdt_span_str(name)));
    if (message != NULL)
        keep_text(out->message, sizeof out->message, rdt_span_str(message));
}

enum rdt_code
rdt_client_fault_read(const struct rdt_https_answer *answer, struct rdt_client_fault *fault,
                      struct rdt_err *err)
{
    struct rdt_span id;
    *fault = (struct rdt_client_fault){.status = answer->status};
    read_body(rdt_buf_span(&answer->body), fault);
    if (rdt_https_header(answer, "x-amzn-RequestId", &id))
        keep_text(fault->request_id, sizeof fault->request_id, id);
    enum rdt_code rc = answer->status >= 500 ? RDT_E_IO : RDT_E_DENIED;
    const char *hint = NULL;
    if (fault->name[0] == '\0')
        rc = RDT_E_PROTOCOL;
    for (size_t i = 0; i < RDT_COUNT(meanings); i++)
        if (strcmp(meanings[i].name, fault->name) == 0) {
            rc = meanings[i].rc;
            hint = meanings[i].hint;
        }
    /* AWS's clients know no other name for it */
    if (strncmp(fault->message, NEEDS_APPROVAL, sizeof NEEDS_APPROVAL - 1) == 0)
        hint = "other people have to sign it: redoubt approval list";
    if (rc == RDT_E_PROTOCOL) {
        rdt_fail(err, rc, "HTTP status %d and no fault that a key service would answer",
                 answer->status);
        hint = "is AWS_ENDPOINT_URL the address of a Redoubt server?";
    } else {
        rdt_fail(err, rc, "%s: %s%s%s%s", fault->name,
                 fault->message[0] == '\0' ? "no words" : fault->message,
                 fault->request_id[0] == '\0' ? "" : " (request ", fault->request_id,
                 fault->request_id[0] == '\0' ? "" : ")");
    }
    if (hint != NULL)
        rdt_hint(err, "%s", hint);
    return rc;
}
