/*
 * death_internal.h - the end of a version or key, between the scheduler, the operation and the
 * certificate.
 */
#ifndef RDT_KMS_DEATH_INTERNAL_H
#define RDT_KMS_DEATH_INTERNAL_H

#include "kms/life_internal.h"

/* Where the audit log says that a destruction was about to be done. */
struct intent {
    uint8_t id[16];
    uint64_t index;
};

/*
 * rdt_death_put - what the certificate of a gate's destruction says, as JSON; before anything is
 * erased. call->note.approval names the approval that was taken.
 */
void rdt_death_put(struct rdt_call *call, const struct gate *gate, const struct intent *intent,
                   struct rdt_buf *out);

/* rdt_death_final - the same certificate, saying that the last backup has expired: another text,
 * appended; false: it is none of ours. */
bool rdt_death_final(struct rdt_span says, int64_t now_ms, struct rdt_buf *out);

/* rdt_death_backups_ms - when the last backup expires that holds what is erased now. */
int64_t rdt_death_backups_ms(struct rdt_view view, int64_t now_ms);

/* rdt_death_waits - why a certificate does not say "destroyed" yet; NULL: it may. */
const char *rdt_death_waits(struct rdt_view view, const struct rdt_death *death, int64_t now_ms);

#endif
