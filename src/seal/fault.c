#include "seal/seal.h"

static const struct {
    const char *words;
    enum rdt_code code;
} faults[RDT_SEAL_NFAULTS] = {
    [RDT_SEAL_OK] = {"",                                                              RDT_OK        },
    [RDT_SEAL_NOT_RBF1] = {"this is not a sealed file",                                     RDT_E_BADINPUT},
    [RDT_SEAL_VERSION] = {"the file is of a later version of the format",                  RDT_E_BADINPUT},
    [RDT_SEAL_HEAD] = {"the head of the file is damaged",                               RDT_E_TAMPERED},
    [RDT_SEAL_RECIPIENT] = {"none of the keys at hand is a recipient's",                     RDT_E_DENIED  },
    [RDT_SEAL_REMOVED] = {"the newest list of recipients does not have this one any more",
                     RDT_E_DENIED                                                                   },
    [RDT_SEAL_KEY] = {"the head was changed, or the key is of another file",           RDT_E_TAMPERED},
    [RDT_SEAL_SLOTS] = {"there are two lists of recipients of one generation",           RDT_E_TAMPERED},
    [RDT_SEAL_ROLLBACK] = {"the list of recipients is older than one that was seen before",
                     RDT_E_STATE                                                                    },
    [RDT_SEAL_WRONG_BODY] = {"the body belongs to another head",                              RDT_E_TAMPERED},
    [RDT_SEAL_BODY] = {"the body is damaged or cut",                                    RDT_E_TAMPERED},
    [RDT_SEAL_INCOMPLETE] = {"the file was never finished",                                   RDT_E_STATE   },
    [RDT_SEAL_FOOTER] = {"the footer does not fit the file",                              RDT_E_TAMPERED},
    [RDT_SEAL_HASH] = {"the hash in the footer is that of other content",               RDT_E_TAMPERED},
    [RDT_SEAL_FRAME] = {"a compressed frame is not as the format allows",                RDT_E_BADINPUT},
    [RDT_SEAL_COST] = {"the cost of the passphrase is outside its limits",              RDT_E_LIMIT   },
    [RDT_SEAL_LIMIT] = {"a limit of sealed files was passed",                            RDT_E_LIMIT   },
    [RDT_SEAL_USAGE] = {"this cannot be sealed so",                                      RDT_E_USAGE   },
    [RDT_SEAL_INTERNAL] = {"an internal error",                                             RDT_E_INTERNAL},
};

const char *
rdt_seal_fault_words(enum rdt_seal_fault fault)
{
    return (size_t)fault < RDT_SEAL_NFAULTS ? faults[fault].words : "an unknown fault";
}

enum rdt_code
rdt_seal_fail(struct rdt_err *err, enum rdt_seal_fault fault)
{
    if (fault == RDT_SEAL_OK)
        return RDT_OK;
    enum rdt_code rc = (size_t)fault < RDT_SEAL_NFAULTS ? faults[fault].code : RDT_E_INTERNAL;
    return rdt_fail(err, rc, "%s", rdt_seal_fault_words(fault));
}
