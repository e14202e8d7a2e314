/*
 * known_leaks.h - libfyaml 0.7.12 loses the growing buffer of a quoted text with many escapes
 * (fy_atom_iter_chunk_next): theirs, 4 KiB a text, and freed when the program ends. Included by the
 * targets that read YAML; every other leak still counts.
 */
#ifndef RDT_FUZZ_KNOWN_LEAKS_H
#define RDT_FUZZ_KNOWN_LEAKS_H

const char *__lsan_default_suppressions(void);

const char *
__lsan_default_suppressions(void)
{
    return "leak:libfyaml.so\n";
}

#endif
