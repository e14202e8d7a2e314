#include "kms/fault.h"

static const struct {
    const char *wire;
    int status;
} faults[RDT_NFAULTS] = {
#define X(name, wire, status) {wire, status},
    RDT_FAULTS(X)
#undef X
};

const char *
rdt_fault_wire(enum rdt_fault fault)
{
    return faults[fault].wire;
}

int
rdt_fault_status(enum rdt_fault fault)
{
    return faults[fault].status;
}
