/*
 * init.h - a first plan by asking: the questions, and the plan that the answers make.
 */
#ifndef RDT_CLI_INIT_H
#define RDT_CLI_INIT_H

#include "base/buf.h"
#include "base/err.h"

#include <stdio.h>

#define RDT_ANSWER_MAX 200 /* bytes of one answer */

/* name, question, words to choose from (NULL: free text), several?, answer when none is given */
#define RDT_QUESTIONS(X)                                                                           \
    X(ASK_NAME, "What is the product called?", NULL, false, "My product")                          \
    X(ASK_OWNER, "Which team or address answers for its encryption?", NULL, false, "security")     \
    X(ASK_ABOUT, "What does it do, in one sentence?", NULL, false, "")                             \
    X(ASK_TENANCY, "Do several customers share one system?", "single multi", false, "multi")       \
    X(ASK_FRAMEWORKS, "Which frameworks do you answer to?",                                        \
      "none soc2 iso27001 hipaa pci-dss gdpr hitrust nist-800-53", true, "none")                   \
    X(ASK_DATA, "Which data does it handle?",                                                      \
      "passwords cards pii phi files analytics logs secrets", true, "passwords pii logs")          \
    X(ASK_HASH, "How are passwords stored?",                                                       \
      "argon2id scrypt bcrypt pbkdf2 sha-256 sha-1 md5 unhashed", false, "unhashed")               \
    X(ASK_STORES, "Where does data rest?",                                                         \
      "postgres mysql mongodb redis s3 opensearch clickhouse", true, "postgres")                   \
    X(ASK_KEYS, "What holds the keys that you manage?",                                            \
      "none aws-kms gcp-kms azure-key-vault vault redoubt hsm env file", false, "none")            \
    X(ASK_HARDWARE, "Are those keys kept in hardware?", "yes no", false, "no")                     \
    X(ASK_FIELDS, "Does the application encrypt critical fields itself?", "yes no", false, "no")   \
    X(ASK_ROTATION, "How often are keys replaced, and how is that started?",                       \
      "90d-auto 365d-auto 90d-manual 365d-manual never", false, "never")                           \
    X(ASK_TLS, "Oldest TLS version between your services and stores?",                             \
      "tls1.3 tls1.2 tls1.1 tls1.0 none", false, "none")                                           \
    X(ASK_BACKUP, "Is there a backup, apart from the stores?", "yes no", false, "no")              \
    X(ASK_CI, "Which CI job checks every change of this plan?", NULL, false, "")

#define X(name, text, words, many, otherwise) name,
enum rdt_question { RDT_QUESTIONS(X) RDT_NQUESTIONS };
#undef X

struct rdt_answers {
    char text[RDT_NQUESTIONS][RDT_ANSWER_MAX + 1]; /* free text */
    unsigned chosen[RDT_NQUESTIONS];               /* bit i: the i-th word of the question */
};

/*
 * rdt_init_ask - put the questions and take the answers.
 *
 *   in      one answer a line; an empty line or the end means the default
 *   to      where questions go, or NULL: nobody is there to read them, and a wrong answer is an
 *           error instead of being asked again
 *
 * Fails: RDT_E_BADINPUT (an answer that is none of the words, is too long or is no text).
 */
RDT_MUST_CHECK enum rdt_code rdt_init_ask(FILE *in, FILE *to, struct rdt_answers *answers,
                                          struct rdt_err *err);

/* rdt_init_draft - the plan that the answers make, with comments, appended to out. */
void rdt_init_draft(const struct rdt_answers *answers, struct rdt_buf *out);

/* rdt_init_chose - whether a word of a question was chosen. */
bool rdt_init_chose(const struct rdt_answers *answers, enum rdt_question question,
                    const char *word);

/* rdt_init_word - the first word chosen for a question, "" for none; at most 31 bytes. */
void rdt_init_word(const struct rdt_answers *answers, enum rdt_question question, char out[32]);

#endif
