/*
 * fault.h - how a call is refused: AWS's error names with their HTTP statuses, in one list.
 *
 * Source: the exceptions of the public operation model; reference kms.md 2.3 and 2.7.
 */
#ifndef RDT_KMS_FAULT_H
#define RDT_KMS_FAULT_H

/* enum, name on the wire, HTTP status */
#define RDT_FAULTS(X)                                                                              \
    X(RDT_FAULT_NONE, "", 200)                                                                     \
    X(RDT_FAULT_ACCESS_DENIED, "AccessDeniedException", 400)                                       \
    X(RDT_FAULT_ALREADY_EXISTS, "AlreadyExistsException", 400)                                     \
    X(RDT_FAULT_CONFLICT, "ConflictException", 400)                                                \
    X(RDT_FAULT_DEPENDENCY_TIMEOUT, "DependencyTimeoutException", 503)                             \
    X(RDT_FAULT_DISABLED, "DisabledException", 400)                                                \
    X(RDT_FAULT_DRY_RUN, "DryRunOperationException", 400)                                          \
    X(RDT_FAULT_INCOMPLETE_SIGNATURE, "IncompleteSignatureException", 400)                         \
    X(RDT_FAULT_INCORRECT_KEY, "IncorrectKeyException", 400)                                       \
    X(RDT_FAULT_INTERNAL, "KMSInternalException", 500)                                             \
    X(RDT_FAULT_INVALID_ALIAS_NAME, "InvalidAliasNameException", 400)                              \
    X(RDT_FAULT_INVALID_ARN, "InvalidArnException", 400)                                           \
    X(RDT_FAULT_INVALID_CIPHERTEXT, "InvalidCiphertextException", 400)                             \
    X(RDT_FAULT_INVALID_GRANT_TOKEN, "InvalidGrantTokenException", 400)                            \
    X(RDT_FAULT_INVALID_KEY_USAGE, "InvalidKeyUsageException", 400)                                \
    X(RDT_FAULT_INVALID_MARKER, "InvalidMarkerException", 400)                                     \
    X(RDT_FAULT_INVALID_SIGNATURE, "InvalidSignatureException", 400)                               \
    X(RDT_FAULT_INVALID_STATE, "KMSInvalidStateException", 400)                                    \
    X(RDT_FAULT_KEY_UNAVAILABLE, "KeyUnavailableException", 500)                                   \
    X(RDT_FAULT_LIMIT_EXCEEDED, "LimitExceededException", 400)                                     \
    X(RDT_FAULT_MALFORMED_POLICY, "MalformedPolicyDocumentException", 400)                         \
    X(RDT_FAULT_MISSING_TOKEN, "MissingAuthenticationTokenException", 400)                         \
    X(RDT_FAULT_NOT_FOUND, "NotFoundException", 400)                                               \
    X(RDT_FAULT_TIME_SKEWED, "RequestTimeTooSkewed", 400)                                          \
    X(RDT_FAULT_SERIALIZATION, "SerializationException", 400)                                      \
    X(RDT_FAULT_TAG, "TagException", 400)                                                          \
    X(RDT_FAULT_THROTTLING, "ThrottlingException", 400)                                            \
    X(RDT_FAULT_UNKNOWN_OPERATION, "UnknownOperationException", 400)                               \
    X(RDT_FAULT_UNRECOGNIZED_CLIENT, "UnrecognizedClientException", 400)                           \
    X(RDT_FAULT_UNSUPPORTED, "UnsupportedOperationException", 400)                                 \
    X(RDT_FAULT_VALIDATION, "ValidationException", 400)                                            \
    /* Redoubt's own operations */                                                                 \
    X(RDT_FAULT_APPROVAL_REQUIRED, "ApprovalRequiredException", 403)                               \
    X(RDT_FAULT_CENSUS, "CensusException", 409)                                                    \
    X(RDT_FAULT_CLOCK, "ClockException", 409)

#define X(name, wire, status) name,
enum rdt_fault { RDT_FAULTS(X) RDT_NFAULTS };
#undef X

/* rdt_fault_wire - the name that clients match; rdt_fault_status - the HTTP status. */
const char *rdt_fault_wire(enum rdt_fault fault);
int rdt_fault_status(enum rdt_fault fault);

#endif
