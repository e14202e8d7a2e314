/*
 * interrupt.h - what is tidied when a signal (INT, TERM, HUP) ends us: the half-written file, the
 * programs that we started. One per process, since signals are; kill -9 leaves OUT.partial behind.
 */
#ifndef RDT_WORK_INTERRUPT_H
#define RDT_WORK_INTERRUPT_H

#include <stdbool.h>
#include <sys/types.h>

/* rdt_interrupt_arm - from now on; SIGPIPE becomes a failed write. Ignored signals stay so. */
void rdt_interrupt_arm(void);

/* rdt_interrupt_file - a file to remove then, or NULL for none; false: the name is too long. */
bool rdt_interrupt_file(const char *path);

/* rdt_interrupt_group - a process group to kill then; 0: none. */
void rdt_interrupt_group(pid_t group);

#endif
