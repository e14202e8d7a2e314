#include "report/text_internal.h"

#define TITLE 2
#define TURNS 3     /* in which the rules of a control are named */
#define RULES_MAX 6 /* named below a control */

static void
summary(struct rdt_page *page, const struct rdt_framework *f)
{
    size_t count[RDT_NOT_APPLICABLE + 1] = {0};
    for (size_t i = 0; i < f->n_controls; i++)
        count[f->controls[i].state]++;
    rdt_page_words(page, 2, RDT_BOLD, f->title);
    rdt_page_words(page, 2, RDT_PLAIN, ":");
    for (unsigned s = 0; s <= RDT_NOT_APPLICABLE; s++)
        rdt_page_fmt(page, 2, RDT_PLAIN, " %zu %s%s", count[s], rdt_control_state_name(s),
                     s == RDT_NOT_APPLICABLE ? "" : ",");
    rdt_page_line(page);
}

/* What breaks a control is named first, what merely helps it last. */
static unsigned
turn_of(const struct rdt_control_rule *rule)
{
    if (!rule->covers)
        return TURNS - 1;
    return rule->verdict == RDT_FAIL || rule->verdict == RDT_DRIFT ? 0 : 1;
}

/* The rules that the state rests on: what holds a control back, or what meets it. */
static void
rules(struct rdt_page *page, const struct rdt_control *control)
{
    size_t shown = 0, more = 0, n = control->n_rules;
    for (size_t k = 0; k < TURNS * n; k++) {
        const struct rdt_control_rule *rule = &control->rules[k % n];
        if (turn_of(rule) != k / n || !rdt_control_rests_on(control, rule))
            continue;
        if (shown == RULES_MAX) {
            more++;
            continue;
        }
        if (shown++ == 0)
            rdt_page_indent(page, TITLE + 2);
        else
            rdt_page_words(page, TITLE + 2, RDT_PLAIN, ",");
        rdt_page_fmt(page, TITLE + 2, rdt_verdict_paint(rule->verdict), " %s %s", rule->rule,
                     rule->verdict == RDT_PASS ? rdt_assurance_word(rule->assurance)
                                               : rdt_verdict_name(rule->verdict));
        if (!rule->covers)
            rdt_page_words(page, TITLE + 2, RDT_DIM, " (supports)");
    }
    if (more != 0)
        rdt_page_fmt(page, TITLE + 2, RDT_PLAIN, ", %zu more", more);
    if (shown == 0 && control->state == RDT_UNPROVEN) {
        rdt_page_indent(page, TITLE + 2);
        rdt_page_words(page, TITLE + 2, RDT_DIM, "no rule that would show it alone");
    }
    if (page->begun)
        rdt_page_line(page);
}

static void
controls(struct rdt_page *page, const struct rdt_framework *f, enum rdt_control_state state,
         const char *word)
{
    bool any = false;
    for (size_t i = 0; i < f->n_controls; i++) {
        const struct rdt_control *control = &f->controls[i];
        if (control->state != state)
            continue;
        if (!any) {
            rdt_page_line(page);
            rdt_page_words(page, 0, RDT_BOLD, word);
            rdt_page_line(page);
        }
        any = true;
        rdt_page_indent(page, TITLE);
        rdt_page_fmt(page, TITLE + 2, RDT_BOLD, "%s", control->id);
        rdt_page_fmt(page, TITLE + 2, RDT_PLAIN, "  %s%s", control->title,
                     control->verified ? "" : " (id unverified)");
        rdt_page_line(page);
        rules(page, control);
    }
}

void
rdt_text_framework(struct rdt_page *page, const struct rdt_view *view,
                   const struct rdt_framework *framework)
{
    summary(page, framework);
    rdt_page_fmt(page, 0, RDT_DIM,
                 "%s, %s on %s. Met: a rule that covers the control passes at A2 or better "
                 "wherever it applies, and none fails.",
                 view->run->product, view->run->plan, view->date);
    rdt_page_line(page);
    controls(page, framework, RDT_NOT_MET, "NOT MET");
    controls(page, framework, RDT_UNPROVEN, "UNPROVEN");
    controls(page, framework, RDT_MET, "MET");
    controls(page, framework, RDT_NOT_APPLICABLE, "NOT APPLICABLE");
    for (size_t i = 0; i < framework->notes.n; i++) {
        rdt_page_line(page);
        rdt_page_fmt(page, 6, RDT_PLAIN, "Note: %s", framework->notes.at[i]);
    }
    if (framework->notes.n != 0)
        rdt_page_line(page);
}
