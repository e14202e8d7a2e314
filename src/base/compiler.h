/*
 * compiler.h - the GCC and Clang attributes that Redoubt relies on, under one name each.
 */
#ifndef RDT_BASE_COMPILER_H
#define RDT_BASE_COMPILER_H

#define RDT_MUST_CHECK __attribute__((warn_unused_result))
#define RDT_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define RDT_UNUSED __attribute__((unused))

/* The variable's closer runs on every path out of its scope. The closer takes the variable's
 * address. */
#define RDT_AUTO(closer) __attribute__((cleanup(closer), unused))

/* Hands a pointer to its new owner and leaves NULL behind, so that its closer does nothing. */
#define RDT_STEAL(ptr)                                                                             \
    __extension__({                                                                                \
        __typeof__(ptr) rdt_stolen_ = (ptr);                                                       \
        (ptr) = NULL;                                                                              \
        rdt_stolen_;                                                                               \
    })

#define RDT_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* 1: built with the address sanitizer, which maps shadow memory and reports to stderr. */
#ifdef __has_feature /* Clang's way to say it */
#if __has_feature(address_sanitizer)
#define RDT_SANITIZED 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define RDT_SANITIZED 1
#endif
#ifndef RDT_SANITIZED
#define RDT_SANITIZED 0
#endif

#endif
