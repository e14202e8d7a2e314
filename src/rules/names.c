#include "rules/run.h"

const char *
rdt_verdict_name(enum rdt_verdict verdict)
{
#define X(name, word, rank) [name] = word,
    static const char *const words[] = {RDT_VERDICTS(X)};
#undef X
    return verdict < RDT_NVERDICTS ? words[verdict] : "?";
}

const char *
rdt_assurance_name(enum rdt_assurance assurance)
{
    static const char *const words[] = {"A0", "A1", "A2", "A3", "A4"};
    return assurance < RDT_COUNT(words) ? words[assurance] : "?";
}

const char *
rdt_severity_name(enum rdt_severity severity)
{
    static const char *const words[] = {"info", "low", "medium", "high", "critical"};
    return severity < RDT_COUNT(words) ? words[severity] : "?";
}

const char *
rdt_control_state_name(enum rdt_control_state state)
{
    static const char *const words[] = {"met", "not met", "unproven", "n/a"};
    return state < RDT_COUNT(words) ? words[state] : "?";
}
