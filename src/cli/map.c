#include "cli/map.h"

#include "base/child.h"
#include "report/report.h"

#define DOT_TIMEOUT_MS 20000
#define SVG_MAX ((size_t)16 * 1024 * 1024)

enum rdt_code
rdt_map_draw(const struct rdt_plan *plan, const struct rdt_run *run, struct rdt_buf *out,
             struct rdt_err *err)
{
    static const char *const argv[] = {"dot", "-Tsvg", NULL};
    RDT_BUF dot = {0}, svg = {0};
    rdt_map_dot(plan, run, &dot);
    if (!rdt_buf_ok(&dot))
        return rdt_fail(err, RDT_E_NOMEM, "map");
    struct rdt_child child = {argv, rdt_buf_span(&dot), SVG_MAX, DOT_TIMEOUT_MS};
    enum rdt_code rc = rdt_child_run(&child, &svg, err);
    if (rc == RDT_E_NOTFOUND)
        rdt_hint(err, "install Graphviz: apt-get install graphviz");
    return rc == RDT_OK ? rdt_svg_filter(rdt_buf_span(&svg), out, err) : rc;
}
