/* normal_internal.h - what the normalisers share: text as code points. */
#ifndef RDT_FIELD_NORMAL_INTERNAL_H
#define RDT_FIELD_NORMAL_INTERNAL_H

#include "base/buf.h"
#include "field/normal.h"

/* Text while it is worked on; personal: rdt_points_wipe() it. */
struct rdt_points {
    int32_t at[RDT_NORMAL_POINTS_MAX];
    size_t n;
};

/* rdt_points_wipe - the closer for RDT_AUTO. */
void rdt_points_wipe(struct rdt_points *points);

/*
 * rdt_points_get - text, decomposed (NFD, or NFKD where compat), without what cannot be seen.
 * Fails: RDT_FIELD_TEXT (not UTF-8, or a code point that is unassigned), RDT_FIELD_TOO_LONG.
 */
enum rdt_field_fault rdt_points_get(struct rdt_span text, bool compat, struct rdt_points *out);

/* rdt_points_end - fold case if asked to, and compose (NFC, or NFKC where compat).  Fails:
 * RDT_FIELD_TOO_LONG. */
enum rdt_field_fault rdt_points_end(struct rdt_points *points, bool compat, bool fold);

/* rdt_points_trim - take blanks off both ends. */
void rdt_points_trim(struct rdt_points *points);

/* rdt_points_put - as UTF-8.  Fails: RDT_FIELD_TOO_LONG (above RDT_NORMAL_OUT_MAX),
 * RDT_FIELD_NO_ROOM. */
enum rdt_field_fault rdt_points_put(const struct rdt_points *points, struct rdt_rf1_out *out);

/* rdt_point_blank - whether a code point is White_Space.  rdt_point_control - whether it is a
 * control character.  rdt_point_digit - the value of a decimal digit, ASCII or Arabic; -1: none. */
bool rdt_point_blank(int32_t point);
bool rdt_point_control(int32_t point);
int rdt_point_digit(int32_t point);

/* rdt_normal_phone, rdt_normal_digits, rdt_normal_date - the rules that end in digits; faults and
 * out as of rdt_normal_put(). */
enum rdt_field_fault rdt_normal_phone(const struct rdt_normal *normal, struct rdt_span value,
                                      struct rdt_rf1_out *out);
enum rdt_field_fault rdt_normal_digits(const struct rdt_normal *normal, struct rdt_span value,
                                       struct rdt_rf1_out *out);
enum rdt_field_fault rdt_normal_date(const struct rdt_normal *normal, struct rdt_span value,
                                     struct rdt_rf1_out *out);

#endif
