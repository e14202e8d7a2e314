/*
 * root_items.h - what the service keeps under the root, by name; 32 random bytes each.
 */
#ifndef RDT_KMS_ROOT_ITEMS_H
#define RDT_KMS_ROOT_ITEMS_H

/*
 * Those of a new service, NULL-terminated: "domain/1" wraps version material and everything else
 * that is secret in a row (later ones are "domain/2" and so on: kms/domain.h), "rows" and "digest"
 * authenticate rows, "cursor" markers of lists, "hedge" nonces, "context" values of encryption
 * contexts in audit records, "audit-chain" frames of the log, "audit-signer" is the Ed25519 seed of
 * checkpoints.
 */
extern const char *const rdt_kms_root_items[];

#endif
