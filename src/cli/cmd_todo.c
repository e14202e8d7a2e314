#include "cli/command.h"
#define S(f)                                                                                       \
    int f(struct rdt_cli *c)                                                                       \
    {                                                                                              \
        return rdt_cli_fail(c, RDT_E_INTERNAL);                                                    \
    }
S(cmd_check)
S(cmd_verify)
S(cmd_report)
S(cmd_plan_init) S(cmd_plan_fmt) S(cmd_plan_map) S(cmd_rules_list) S(cmd_rules_show)
    S(cmd_rules_explain) S(cmd_rules_test)
