/*
 * bech32.h - Bech32 (BIP 173) without its limit on length, as age writes keys: a readable prefix, a
 * `1`, the bytes in letters of five bits each, a checksum of six letters. Strict: one spelling for
 * each prefix and byte string.
 */
#ifndef RDT_CODEC_BECH32_H
#define RDT_CODEC_BECH32_H

#include "base/span.h"

#define RDT_BECH32_PREFIX_MAX 32 /* bytes of a prefix */

/* rdt_bech32_len - characters for a prefix of `prefix` letters and n bytes. */
static inline size_t
rdt_bech32_len(size_t prefix, size_t n)
{
    return prefix + 1 + (n * 8 + 4) / 5 + 6;
}

/*
 * rdt_bech32_put - rdt_bech32_len() characters, no NUL.
 *
 *   prefix   1..RDT_BECH32_PREFIX_MAX letters; where it has a capital, so is the rest
 *   out      apart from bytes
 */
void rdt_bech32_put(const char *prefix, struct rdt_span bytes, char *out);

/*
 * rdt_bech32_get - the reverse, for texts of one known prefix and length.
 *
 *   prefix   as the text must have it, letter case included
 *   n        bytes that it must hold, all of them written to out
 *
 * False, with zeroes in out: another prefix, length, character, mixed case, a wrong checksum, bits
 * left over.
 */
bool rdt_bech32_get(struct rdt_span text, const char *prefix, uint8_t *out, size_t n);

#endif
