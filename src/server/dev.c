/*
 * `serve --dev`: everything that a server needs, made in one folder on a laptop. What is made is
 * used again by the next start. The root is a development one: whoever can read the folder can read
 * every key, and it says so wherever it is shown.
 */
#include "server/server.h"

#include "base/apart.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/cursor.h"
#include "base/file.h"
#include "codec/json.h"
#include "crypto/issue.h"
#include "kms/kms.h"

#include <arpa/inet.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define DEV_ACCOUNT "000000000000"
#define DEV_REGION "local-1"
#define DEV_LISTEN "127.0.0.1:7443"
#define MAKING_MS 60000 /* for making everything, on a slow disk too */
#define CA_DAYS 3650
#define SERVER_DAYS 397 /* what clients take at most */
#define FILE_MAX ((size_t)64 * 1024)

/* Use of keys, and nothing that changes them. */
static const char app_policy[] =
    "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":[\"kms:Encrypt\","
    "\"kms:Decrypt\",\"kms:ReEncrypt*\",\"kms:GenerateDataKey*\",\"kms:GenerateRandom\","
    "\"kms:DescribeKey\",\"redoubt:KekExport\"],\"Resource\":\"*\"}]}";

static bool
here(const char *dir, const char *name)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return access(path, R_OK) == 0;
}

static enum rdt_code
put_file(const char *dir, const char *name, mode_t mode, struct rdt_buf *bytes, struct rdt_err *err)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    enum rdt_code rc = rdt_buf_ok(bytes) ? rdt_file_write(path, mode, rdt_buf_span(bytes), err)
                                         : rdt_fail(err, RDT_E_NOMEM, "write %s", path);
    if (bytes->p != NULL)
        explicit_bzero(bytes->p, bytes->cap);
    return rc;
}

static enum rdt_code
get_file(const char *dir, const char *name, struct rdt_buf *out, struct rdt_err *err)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return rdt_file_read(path, FILE_MAX, out, err);
}

/* ---- certificates ---- */

static enum rdt_code
make_ca(const char *dir, struct rdt_err *err)
{
    RDT_BUF cert = {0};
    RDT_BUF key = {0};
    int64_t now = rdt_now();
    struct rdt_issue what = {.kind = RDT_ISSUE_CA,
                             .subject = "Redoubt development CA",
                             .not_before = now - 3600,
                             .not_after = now + (int64_t)CA_DAYS * RDT_DAY_S};
    enum rdt_code rc = rdt_issue(&what, &cert, &key, err);
    if (rc == RDT_OK)
        rc = put_file(dir, "ca.key", 0600, &key, err);
    return rc == RDT_OK ? put_file(dir, "ca.pem", 0644, &cert, err) : rc;
}

static enum rdt_code
make_server_cert(const char *dir, struct rdt_err *err)
{
    RDT_BUF ca = {0};
    RDT_BUF ca_key = {0};
    RDT_BUF cert = {0};
    RDT_BUF key = {0};
    char host[65] = "";
    (void)gethostname(host, sizeof host - 1);
    const char *names[] = {"localhost", "127.0.0.1", "::1", host};
    int64_t now = rdt_now();
    enum rdt_code rc = get_file(dir, "ca.pem", &ca, err);
    if (rc == RDT_OK)
        rc = get_file(dir, "ca.key", &ca_key, err);
    struct rdt_issue what = {.kind = RDT_ISSUE_SERVER,
                             .subject = "localhost",
                             .names = names,
                             .n_names = host[0] == '\0' || strcmp(host, "localhost") == 0 ? 3 : 4,
                             .not_before = now - 3600,
                             .not_after = now + (int64_t)SERVER_DAYS * RDT_DAY_S,
                             .ca_pem = rdt_buf_span(&ca),
                             .ca_key_pem = rdt_buf_span(&ca_key)};
    if (rc == RDT_OK)
        rc = rdt_issue(&what, &cert, &key, err);
    if (ca_key.p != NULL)
        explicit_bzero(ca_key.p, ca_key.cap);
    if (rc == RDT_OK)
        rc = put_file(dir, "server.key", 0600, &key, err);
    return rc == RDT_OK ? put_file(dir, "server.pem", 0644, &cert, err) : rc;
}

/* ---- principals ---- */

/* The text of a member of an answer, copied. */
static enum rdt_code
member(struct rdt_span json, const char *name, struct rdt_arena *arena, struct rdt_span *out,
       struct rdt_err *err)
{
    struct rdt_node *tree;
    enum rdt_code rc = rdt_json_parse("answer", json, arena, &tree, err);
    const struct rdt_node *value = rc == RDT_OK ? rdt_node_get(tree, name) : NULL;
    if (value == NULL)
        return rc == RDT_OK ? rdt_fail(err, RDT_E_INTERNAL, "no %s in an answer", name) : rc;
    *out = value->text;
    return RDT_OK;
}

static enum rdt_code
write_env(const char *dir, const char *file, struct rdt_span answer, const char *address,
          struct rdt_err *err)
{
    RDT_AUTO(rdt_arena_done) struct rdt_arena arena = {0};
    RDT_BUF text = {0};
    char path[PATH_MAX];
    struct rdt_span id = {0}, secret = {0};
    enum rdt_code rc = member(answer, "AccessKeyId", &arena, &id, err);
    if (rc == RDT_OK)
        rc = member(answer, "SecretAccessKey", &arena, &secret, err);
    if (rc != RDT_OK)
        return rc;
    if (realpath(dir, path) == NULL)
        return rdt_fail(err, RDT_E_IO, "find %s", dir);
    rdt_buf_fmt(&text,
                "AWS_ENDPOINT_URL=https://%s\nAWS_CA_BUNDLE=%s/ca.pem\nAWS_ACCESS_KEY_ID=%.*s\n"
                "AWS_SECRET_ACCESS_KEY=%.*s\nAWS_REGION=%s\nAWS_DEFAULT_REGION=%s\n",
                address, path, RDT_FMT(id), RDT_FMT(secret), DEV_REGION, DEV_REGION);
    return put_file(dir, file, 0600, &text, err);
}

struct who {
    const char *name, *file, *policy;
    const char *person; /* only a person can ask for an approval; "": a service */
};

static enum rdt_code
local(struct rdt_kms *kms, struct rdt_kms_thread *thread, const char *op, struct rdt_buf *body,
      struct rdt_buf *answer, struct rdt_err *err)
{
    const char *text = rdt_buf_cstr(body);
    return text == NULL ? rdt_fail(err, RDT_E_NOMEM, "make a principal")
                        : rdt_kms_local(kms, thread, op, text, answer, err);
}

/* A principal that is there gets another credential: an earlier start was cut off, or the folder
 * was restored from a backup, which has no env files. */
static enum rdt_code
make_principal(struct rdt_kms *kms, struct rdt_kms_thread *thread, const char *dir,
               const struct who *who, const char *address, struct rdt_err *err)
{
    RDT_BUF all = {0};
    RDT_BUF name = {0};
    RDT_BUF ignored = {0};
    RDT_BUF answer = {0};
    enum rdt_code rc = RDT_OK;
    rdt_buf_fmt(&name, "{\"Principal\":\"%s\"}", who->name);
    rdt_buf_fmt(&all, "{\"Principal\":\"%s\",\"Person\":\"%s\",\"Policy\":", who->name,
                who->person);
    rdt_json_text(&all, rdt_span_str(who->policy));
    rdt_buf_str(&all, "}");
    if (local(kms, thread, "PrincipalGet", &name, &ignored, NULL) != RDT_OK)
        rc = local(kms, thread, "PrincipalCreate", &all, &ignored, err);
    if (rc == RDT_OK)
        rc = local(kms, thread, "CredentialCreate", &name, &answer, err);
    if (rc == RDT_OK)
        rc = write_env(dir, who->file, rdt_buf_span(&answer), address, err);
    if (answer.p != NULL)
        explicit_bzero(answer.p, answer.cap);
    return rc;
}

static enum rdt_code
make_principals(const struct rdt_kms_opts *opts, const char *address, struct rdt_err *err)
{
    static const struct who all[] = {
        {"admin", "dev.env", rdt_policy_everything, "Dev Administrator"},
        {"app",   "app.env", app_policy,            ""                 },
    };
    struct rdt_kms *kms = NULL;
    struct rdt_kms_thread *thread = NULL;
    enum rdt_code rc = rdt_kms_open(opts, &kms, err);
    if (rc == RDT_OK)
        rc = rdt_kms_thread_open(kms, &thread, err);
    for (size_t i = 0; rc == RDT_OK && i < sizeof all / sizeof all[0]; i++)
        if (!here(opts->data, all[i].file))
            rc = make_principal(kms, thread, opts->data, &all[i], address, err);
    rdt_kms_thread_close(thread);
    rdt_kms_close(kms);
    return rc;
}

/* ---- the service ---- */

static enum rdt_code
make_service(const char *dir, struct rdt_err *err)
{
    RDT_AUTO(rdt_root_free_at) struct rdt_root *root = NULL;
    RDT_AUTO(rdt_root_lock_at) struct rdt_root_open *open = NULL;
    RDT_AUTO(rdt_worker_close_at) struct rdt_worker *worker = NULL;
    uint8_t deployment[16];
    enum rdt_code rc = rdt_worker_open(&worker, err);
    if (rc == RDT_OK)
        rc = rdt_random(worker, deployment, sizeof deployment, err);
    struct rdt_seal_opts seal = {.type = RDT_SEAL_DEVELOPMENT, .id = "development"};
    if (rc == RDT_OK)
        rc = rdt_root_create(deployment, &seal, NULL, &root, &open, err);
    struct rdt_kms_opts opts = {.data = dir, .root = root, .open = open};
    struct rdt_kms_new site = {.account = DEV_ACCOUNT, .region = DEV_REGION, .development = true};
    return rc == RDT_OK ? rdt_kms_make(&opts, &site, err) : rc;
}

/* A crash in between leaves no credential behind that anybody could use, since only the files hold
 * the secrets. */
static enum rdt_code
ensure_principals(const char *dir, const char *address, struct rdt_err *err)
{
    RDT_AUTO(rdt_root_free_at) struct rdt_root *root = NULL;
    RDT_AUTO(rdt_root_lock_at) struct rdt_root_open *open = NULL;
    if (here(dir, "dev.env") && here(dir, "app.env"))
        return RDT_OK;
    enum rdt_code rc = rdt_root_load(dir, &root, err);
    if (rc == RDT_OK)
        rc = rdt_root_unseal(root, NULL, &(struct rdt_unseal){0}, &open, err);
    struct rdt_kms_opts opts = {.data = dir, .root = root, .open = open};
    return rc == RDT_OK ? make_principals(&opts, address, err) : rc;
}

/* The address that an earlier start wrote down. */
static bool
address_of_env(const char *dir, struct rdt_arena *arena, const char **out)
{
    RDT_BUF text = {0};
    static const char key[] = "AWS_ENDPOINT_URL=https://";
    if (get_file(dir, "dev.env", &text, NULL) != RDT_OK)
        return false;
    struct rdt_span in = rdt_buf_span(&text), line;
    bool found = rdt_take_line(&in, &line) && line.n > sizeof key - 1 &&
                 rdt_span_is((struct rdt_span){line.p, sizeof key - 1}, key);
    if (found)
        *out = rdt_arena_str(arena,
                             (struct rdt_span){line.p + sizeof key - 1, line.n - (sizeof key - 1)});
    explicit_bzero(text.p, text.cap);
    return found && *out != NULL;
}

/*
 * Port 0 is bound here, so that the env files can name the port that it became; the socket goes to
 * the server as one of socket activation would.
 */
static enum rdt_code
take_port(const char *listen_at, struct rdt_arena *arena, struct rdt_serve_opts *out,
          struct rdt_err *err)
{
    static const char any[] = "127.0.0.1:0";
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t at_n = sizeof at;
    out->listen[0] = listen_at;
    out->n_listen = 1;
    if (strcmp(listen_at, any) != 0)
        return RDT_OK;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), one = 1;
    /* for the next start, which finds the port in the env files, and connections that linger */
    if (fd >= 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) != 0 || listen(fd, SOMAXCONN) != 0 ||
        getsockname(fd, (struct sockaddr *)&at, &at_n) != 0) {
        rdt_fd_close(&fd);
        return rdt_fail(err, RDT_E_NET, "take a free port");
    }
    out->fds[0] = fd;
    out->n_fds = 1;
    out->listen[0] = rdt_arena_fmt(arena, "127.0.0.1:%u", ntohs(at.sin_port));
    return out->listen[0] != NULL ? RDT_OK : rdt_fail(err, RDT_E_NOMEM, "take a free port");
}

/* ---- apart: what serves next, and all that is started from it, must never have held a secret */

struct making {
    const char *dir, *address;
};

static enum rdt_code
make_all(const struct making *making, struct rdt_err *err)
{
    const char *dir = making->dir;
    enum rdt_code rc = RDT_OK;
    if (!here(dir, "ca.pem"))
        rc = make_ca(dir, err);
    if (rc == RDT_OK && !here(dir, "server.pem"))
        rc = make_server_cert(dir, err);
    if (rc == RDT_OK && !here(dir, "root.json"))
        rc = make_service(dir, err);
    return rc == RDT_OK ? ensure_principals(dir, making->address, err) : rc;
}

/* The answer is the error: code, text, hint. */
static void
run_making(const void *context, struct rdt_span request, struct rdt_buf *answer)
{
    struct rdt_err err = {0};
    (void)request;
    err.code = make_all(context, &err);
    rdt_buf_add(answer, &err, sizeof err);
}

static enum rdt_code
make_apart(const struct making *making, struct rdt_err *err)
{
    RDT_AUTO(rdt_apart_close_at) struct rdt_apart *apart = NULL;
    RDT_BUF answer = {0};
    struct rdt_err made = {0};
    enum rdt_code rc = rdt_apart_open(run_making, making, &apart, err);
    if (rc == RDT_OK)
        rc = rdt_apart_ask(apart, rdt_span_str("make"), rdt_monotonic_ms() + MAKING_MS, sizeof made,
                           &answer, err);
    if (rc != RDT_OK)
        return rdt_fail_in(err, rc, "make %s", making->dir);
    if (answer.n != sizeof made)
        return rdt_fail(err, RDT_E_INTERNAL, "make %s: no answer", making->dir);
    memcpy(&made, answer.p, sizeof made);
    if (made.code != RDT_OK && err != NULL)
        *err = made;
    return made.code;
}

enum rdt_code
rdt_serve_dev(const char *dir, const char *listen, struct rdt_arena *arena,
              struct rdt_serve_opts *out, struct rdt_err *err)
{
    enum rdt_code rc = rdt_file_mkdirs(dir, err);
    if (listen == NULL && !address_of_env(dir, arena, &listen))
        listen = DEV_LISTEN;
    if (rc == RDT_OK)
        rc = take_port(listen, arena, out, err);
    if (rc == RDT_OK)
        rc = make_apart(&(struct making){dir, out->listen[0]}, err);
    if (rc != RDT_OK)
        return rc;
    out->data = dir;
    out->cert_file = rdt_arena_fmt(arena, "%s/server.pem", dir);
    out->key_file = rdt_arena_fmt(arena, "%s/server.key", dir);
    out->client_ca_file = rdt_arena_fmt(arena, "%s/ca.pem", dir);
    out->development = true;
    return out->cert_file != NULL && out->key_file != NULL && out->client_ca_file != NULL
               ? RDT_OK
               : rdt_fail(err, RDT_E_NOMEM, "serve %s", dir);
}
