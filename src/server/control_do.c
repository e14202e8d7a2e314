/*
 * What can be asked for over the control socket. The root is open only inside one command: what the
 * service needs is taken out of it, then it is wiped.
 */
#include "server/control_internal.h"

#include "base/clock.h"
#include "codec/jout.h"
#include "kms/backup.h"

#include <stdio.h>
#include <unistd.h>

#define MINUTE_MS 60000

void
rdt_control_forget(struct control *control)
{
    for (size_t i = 0; i < RDT_SHARES_MAX; i++)
        rdt_secret_wipe(&control->shares[i]);
    control->n_shares = 0;
    control->need = 0;
    control->seal[0] = '\0';
}

/* ---- tries ---- */

/* Who is heard here could guess at a copy of root.json as fast as he likes; this only keeps the
 * server's memory and processor from being used for it. */
static enum rdt_code
may_try(struct control *control, struct rdt_err *err)
{
    int64_t now = rdt_monotonic_ms();
    size_t recent = 0;
    for (size_t i = 0; i < CONTROL_TRIES_MAX; i++)
        recent += control->tries[i] != 0 && now - control->tries[i] < MINUTE_MS;
    return recent < CONTROL_TRIES_MAX
               ? RDT_OK
               : rdt_fail(err, RDT_E_DENIED, "too many wrong tries; wait a minute");
}

static void
count_try(struct control *control, enum rdt_code rc)
{
    if (rc != RDT_OK)
        control->tries[control->n_tries++ % CONTROL_TRIES_MAX] = rdt_monotonic_ms();
}

/* ---- opening the root ---- */

struct opening {
    struct rdt_root *root;
    struct rdt_root_open *open;
    struct rdt_secret words[RDT_SHARES_MAX];
};

static void
opening_done(struct opening *o)
{
    rdt_root_lock(o->open);
    rdt_root_free(o->root);
    for (size_t i = 0; i < RDT_SHARES_MAX; i++)
        rdt_secret_wipe(&o->words[i]);
}

/* A vendor's module cannot be loaded any more once the sandbox has closed. */
static enum rdt_code
refuse_token(const struct rdt_root *root, const char *seal, struct rdt_err *err)
{
    struct rdt_seal_info seals[RDT_ROOT_SEALS_MAX];
    size_t n = rdt_root_seals(root, seals);
    bool passphrase = false, token = false;
    for (size_t i = 0; i < n; i++) {
        bool meant = seal[0] == '\0' || strcmp(seal, seals[i].id) == 0;
        passphrase = passphrase || (meant && seals[i].type == RDT_SEAL_PASSPHRASE);
        token = token || (meant && seals[i].type == RDT_SEAL_PKCS11);
    }
    if (!token || passphrase)
        return RDT_OK;
    rdt_fail(err, RDT_E_STATE, "a running server cannot load a token's module");
    rdt_hint(err, "give the PIN at the start (passphrase_file), or open another seal");
    return RDT_E_STATE;
}

/* By all that one request brought. */
static enum rdt_code
open_at_once(struct control *control, const struct control_means *means, struct opening *o,
             struct rdt_err *err)
{
    const struct rdt_secret *words[RDT_SHARES_MAX];
    enum rdt_code rc = may_try(control, err);
    if (rc == RDT_OK)
        rc = rdt_root_load(control->opts->data, &o->root, err);
    if (rc == RDT_OK && !means->is_share && means->n != 0)
        rc = refuse_token(o->root, means->seal, err);
    for (size_t i = 0; rc == RDT_OK && i < means->n; i++) {
        words[i] = &o->words[i];
        rc = rdt_secret_copy(&o->words[i], means->words[i], err);
    }
    if (rc != RDT_OK)
        return rc;
    struct rdt_unseal unseal = {.passphrase = means->is_share || means->n == 0 ? NULL : words[0],
                                .shares = words,
                                .n_shares = means->is_share ? means->n : 0};
    rc = rdt_root_unseal(o->root, means->seal[0] == '\0' ? NULL : means->seal, &unseal, &o->open,
                         err);
    count_try(control, rc);
    return rc;
}

/* ---- shares, one by one ---- */

static enum rdt_code
add_share(struct control *control, const struct rdt_root *root, const struct control_means *means,
          struct rdt_span text, struct rdt_err *err)
{
    RDT_SECRET share = {0};
    struct rdt_seal_info seal;
    unsigned number = 0;
    enum rdt_code rc = rdt_secret_copy(&share, text, err);
    if (rc == RDT_OK)
        rc = rdt_root_share_check(root, &share, &seal, &number, err);
    if (rc != RDT_OK)
        return rc;
    const char *wanted = control->n_shares != 0 ? control->seal : means->seal;
    if (wanted[0] != '\0' && strcmp(wanted, seal.id) != 0)
        return rdt_fail(err, RDT_E_DENIED, "a share of the seal '%s'; those of '%s' are gathered",
                        seal.id, wanted);
    for (size_t i = 0; i < control->n_shares; i++)
        if (control->numbers[i] == number)
            return rdt_fail(err, RDT_E_STATE, "share %u was given already", number);
    if (control->n_shares == RDT_SHARES_MAX)
        return rdt_fail(err, RDT_E_LIMIT, "more than %d shares", RDT_SHARES_MAX);
    snprintf(control->seal, sizeof control->seal, "%s", seal.id);
    control->need = seal.threshold;
    control->numbers[control->n_shares] = number;
    control->shares[control->n_shares++] = share;
    share = (struct rdt_secret){0}; /* handed over */
    control->shares_ms = rdt_monotonic_ms();
    return RDT_OK;
}

/*
 * Shares come from several people, one after the other. A share that is not whole, or not of this
 * root, is refused by itself and the others stay. When enough are there and they open nothing, one
 * was forged, nobody can tell which, and all are forgotten.
 */
static enum rdt_code
open_by_gathered(struct control *control, struct opening *o, struct rdt_err *err)
{
    const struct rdt_secret *shares[RDT_SHARES_MAX];
    for (size_t i = 0; i < control->n_shares; i++)
        shares[i] = &control->shares[i];
    struct rdt_unseal unseal = {.shares = shares, .n_shares = control->n_shares};
    enum rdt_code rc = rdt_root_unseal(o->root, control->seal, &unseal, &o->open, err);
    if (rc == RDT_OK)
        return RDT_OK;
    count_try(control, rc);
    rdt_control_forget(control);
    rdt_hint(err, "all shares were forgotten: begin again");
    return rc;
}

static enum rdt_code
gather(struct control *control, const struct control_means *means, struct opening *o,
       struct rdt_err *err)
{
    enum rdt_code rc = may_try(control, err);
    if (rc == RDT_OK)
        rc = rdt_root_load(control->opts->data, &o->root, err);
    for (size_t i = 0; rc == RDT_OK && i < means->n; i++) {
        rc = add_share(control, o->root, means, means->words[i], err);
        count_try(control, rc);
    }
    return rc == RDT_OK && control->n_shares >= control->need ? open_by_gathered(control, o, err)
                                                              : rc;
}

/* ---- commands ---- */

static void
put_domain(struct rdt_kms *kms, struct rdt_buf *out)
{
    struct rdt_domain_info info;
    rdt_kms_domain_info(kms, &info);
    rdt_jout_open(out, "domain", '{');
    rdt_jout_int(out, "current", info.current);
    rdt_jout_int(out, "since", info.since_ms / 1000);
    rdt_jout_int(out, "older", (int64_t)info.older);
    rdt_jout_int(out, "ahead", (int64_t)info.ahead);
    rdt_jout_close(out, '}');
}

static void
put_status(const struct control *control, struct rdt_buf *out)
{
    struct rdt_kms *kms = rdt_keys_kms(control->keys);
    rdt_jout_open(out, NULL, '{');
    rdt_jout_str(out, "state", kms == NULL ? "sealed" : "serving");
    rdt_jout_int(out, "pid", getpid());
    if (kms == NULL && control->n_shares != 0) {
        rdt_jout_str(out, "seal", control->seal);
        rdt_jout_int(out, "shares", (int64_t)control->n_shares);
        rdt_jout_int(out, "needed", control->need);
    }
    if (kms != NULL) {
        struct rdt_err err = {0};
        bool ready = rdt_kms_ready(kms, &err) == RDT_OK;
        rdt_jout_bool(out, "ready", ready);
        if (!ready)
            rdt_jout_str(out, "why", err.text);
        put_domain(kms, out);
    }
    rdt_jout_close(out, '}');
}

static enum rdt_code
unseal(struct control *control, const struct control_means *means, struct rdt_buf *out,
       struct rdt_err *err)
{
    RDT_AUTO(opening_done) struct opening o = {.root = NULL};
    if (rdt_keys_kms(control->keys) != NULL)
        return rdt_fail(err, RDT_E_STATE, "the server is not sealed");
    enum rdt_code rc =
        means->is_share ? gather(control, means, &o, err) : open_at_once(control, means, &o, err);
    if (rc == RDT_OK && o.open != NULL) {
        rc = rdt_keys_serve(control->keys, control->opts, o.root, o.open, err);
        /* they did open the root: kept, they would only refuse the next try as given already */
        rdt_control_forget(control);
        if (rc != RDT_OK && means->is_share && err->hint[0] == '\0')
            rdt_hint(err,
                     "the root opened, the service did not; once that is put right, all shares "
                     "have to be given again");
    }
    if (rc == RDT_OK)
        put_status(control, out);
    return rc;
}

static enum rdt_code
is_sealed(struct rdt_err *err)
{
    rdt_fail(err, RDT_E_STATE, "the server is sealed");
    rdt_hint(err, "redoubt root unseal");
    return RDT_E_STATE;
}

/* ---- a backup, straight to the peer ---- */

struct sending {
    struct control *control;
    int fd;
};

static enum rdt_code
send_piece(void *user, struct rdt_span bytes, struct rdt_err *err)
{
    struct sending *s = user;
    return rdt_control_write(s->fd, s->control->stop, rdt_monotonic_ms() + CONTROL_WRITE_MS, bytes,
                             err);
}

/* Once its length is told, what fails can only be shown by hanging up. */
static enum rdt_code
backup(struct control *control, struct control_peer *peer, struct rdt_err *err)
{
    struct rdt_backup *made = NULL;
    struct sending s = {control, peer->fd};
    uint8_t head[CONTROL_ANSWER_HEAD];
    struct rdt_kms *kms = rdt_keys_kms(control->keys);
    enum rdt_code rc =
        kms == NULL ? is_sealed(err) : rdt_backup_make(kms, control->opts->data, &made, err);
    if (rc != RDT_OK)
        return rc;
    peer->written = true;
    rdt_control_put_answer(&(struct control_answer){RDT_OK, rdt_backup_size(made)}, head);
    rc = send_piece(&s, (struct rdt_span){head, sizeof head}, err);
    if (rc == RDT_OK)
        rc = rdt_backup_send(made, send_piece, &s, err);
    rdt_backup_close(made);
    if (rc != RDT_OK)
        fprintf(stderr, "redoubt: error: a backup: %s\n", err == NULL ? "" : err->text);
    return rc;
}

/* ---- what needs the root, on the writer's thread ---- */

struct rooted {
    enum rdt_code rc;
    struct rdt_err *err;
    struct rdt_kms_opts opts;
};

static void
do_rotate(struct rdt_kms *kms, struct rdt_kms_thread *thread, void *user)
{
    struct rooted *job = user;
    job->rc = rdt_kms_domain_rotate(kms, thread, &job->opts, job->err);
}

static void
do_release(struct rdt_kms *kms, struct rdt_kms_thread *thread, void *user)
{
    RDT_BUF answer = {0};
    struct rooted *job = user;
    job->rc = rdt_kms_local(kms, thread, "RestoreRelease", "{}", &answer, job->err);
}

static enum rdt_code
with_root(struct control *control, const struct control_means *means, lane_job_fn *fn,
          struct rdt_buf *out, struct rdt_err *err)
{
    RDT_AUTO(opening_done) struct opening o = {.root = NULL};
    if (rdt_keys_kms(control->keys) == NULL)
        return is_sealed(err);
    enum rdt_code rc = open_at_once(control, means, &o, err);
    struct rooted job = {
        .err = err, .opts = {.data = control->opts->data, .root = o.root, .open = o.open}
    };
    if (rc == RDT_OK && !rdt_lane_do(control->keys->writer, fn, &job))
        rc = rdt_fail(err, RDT_E_STATE, "the server is stopping");
    rc = rc == RDT_OK ? job.rc : rc;
    if (rc == RDT_OK)
        put_status(control, out);
    return rc;
}

/* ---- */

enum rdt_code
rdt_control_do(struct control *control, const struct control_request *request, struct rdt_span body,
               struct control_peer *peer, struct rdt_err *err)
{
    struct control_means means;
    if (!rdt_control_means_get(body, &means))
        return rdt_fail(err, RDT_E_PROTOCOL, "that is no request");
    switch (request->command) {
    case RDT_CONTROL_STATUS:
        put_status(control, &peer->out);
        return RDT_OK;
    case RDT_CONTROL_UNSEAL:
        return unseal(control, &means, &peer->out, err);
    case RDT_CONTROL_BACKUP:
        return backup(control, peer, err);
    case RDT_CONTROL_RELEASE:
        return with_root(control, &means, do_release, &peer->out, err);
    case RDT_CONTROL_ROTATE:
        return with_root(control, &means, do_rotate, &peer->out, err);
    case RDT_CONTROL_END:
        break;
    }
    return rdt_fail(err, RDT_E_STATE, "this server cannot do that");
}
