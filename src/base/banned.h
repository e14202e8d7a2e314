/*
 * banned.h - calls that Redoubt does without. meson puts this header before each source file of
 * src/, so a use is an error that names what to use instead; tools/check-banned also finds a name
 * that is only passed on.
 *
 * The system headers come first: they declare these functions and must not see the words changed.
 */
#ifndef RDT_BASE_BANNED_H
#define RDT_BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* no bound on what they write */
#undef strcpy
#define strcpy(...) rdt_banned_strcpy_use_a_span_or_rdt_buf
#undef strcat
#define strcat(...) rdt_banned_strcat_use_a_span_or_rdt_buf
#undef sprintf
#define sprintf(...) rdt_banned_sprintf_use_snprintf
#undef vsprintf
#define vsprintf(...) rdt_banned_vsprintf_use_vsnprintf
#undef gets
#define gets(...) rdt_banned_gets_use_rdt_file_read

/* may leave out the NUL, or count it wrong */
#undef strncpy
#define strncpy(...) rdt_banned_strncpy_use_a_span_or_snprintf
#undef strncat
#define strncat(...) rdt_banned_strncat_use_a_span_or_rdt_buf

/* hidden state, or a result in shared memory */
#undef strtok
#define strtok(...) rdt_banned_strtok_use_the_cursor
#undef gmtime
#define gmtime(...) rdt_banned_gmtime_use_base_clock
#undef localtime
#define localtime(...) rdt_banned_localtime_use_base_clock
#undef asctime
#define asctime(...) rdt_banned_asctime_use_base_clock
#undef ctime
#define ctime(...) rdt_banned_ctime_use_base_clock

/* cannot tell zero from nonsense */
#undef atoi
#define atoi(...) rdt_banned_atoi_use_a_checked_parser
#undef atol
#define atol(...) rdt_banned_atol_use_a_checked_parser
#undef atof
#define atof(...) rdt_banned_atof_use_a_checked_parser

/* not random */
#undef rand
#define rand(...) rdt_banned_rand_use_crypto
#undef srand
#define srand(...) rdt_banned_srand_use_crypto

/* no check of the stack, a race for the name, or a shell in between */
#undef alloca
#define alloca(...) rdt_banned_alloca_use_the_arena
#undef tmpnam
#define tmpnam(...) rdt_banned_tmpnam_use_mkstemp
#undef mktemp
#define mktemp(...) rdt_banned_mktemp_use_mkstemp
#undef system
#define system(...) rdt_banned_system_use_posix_spawn
#undef popen
#define popen(...) rdt_banned_popen_use_posix_spawn

#endif
