/*
 * What a process may still do once it runs. A hole in a parser that strangers reach then opens
 * neither the rest of the disk nor another program.
 */
#include "server/process_internal.h"

#include "base/compiler.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <pthread.h>
#include <seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * Refused to both: other programs, other processes, the kernel's own business. A list of what is
 * needed would be shorter to argue for, but libc, libuv, SQLite and libcrypto choose their calls by
 * version; these are the ones that turn a hole into a foothold.
 */
static const int refused[] = {
    SCMP_SYS(execve),
    SCMP_SYS(execveat),
    SCMP_SYS(fork),
    SCMP_SYS(vfork),
    SCMP_SYS(ptrace),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(kexec_load),
    SCMP_SYS(kexec_file_load),
    SCMP_SYS(init_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(delete_module),
    SCMP_SYS(mount),
    SCMP_SYS(umount2),
    SCMP_SYS(pivot_root),
    SCMP_SYS(chroot),
    SCMP_SYS(setns),
    SCMP_SYS(unshare),
    SCMP_SYS(bpf),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(userfaultfd),
    SCMP_SYS(keyctl),
    SCMP_SYS(add_key),
    SCMP_SYS(request_key),
    SCMP_SYS(io_uring_setup),
    SCMP_SYS(io_uring_enter),
    SCMP_SYS(io_uring_register),
    SCMP_SYS(memfd_create),
    SCMP_SYS(personality),
    SCMP_SYS(reboot),
    SCMP_SYS(swapon),
    SCMP_SYS(swapoff),
    SCMP_SYS(syslog),
    SCMP_SYS(acct),
    SCMP_SYS(quotactl),
    SCMP_SYS(open_by_handle_at),
    SCMP_SYS(name_to_handle_at),
    SCMP_SYS(settimeofday),
    SCMP_SYS(clock_settime),
    SCMP_SYS(clock_adjtime),
    SCMP_SYS(adjtimex),
    SCMP_SYS(sethostname),
    SCMP_SYS(setdomainname),
    SCMP_SYS(iopl),
    SCMP_SYS(ioperm),
    SCMP_SYS(pidfd_getfd),
    SCMP_SYS(kcmp),
    SCMP_SYS(lookup_dcookie),
    SCMP_SYS(modify_ldt),
    SCMP_SYS(uselib),
    SCMP_SYS(vmsplice),
    SCMP_SYS(mknod),
    SCMP_SYS(mknodat),
    SCMP_SYS(setxattr),
};

/* Besides, to jobs: they have no file to open and nobody to signal. */
static const int refused_jobs[] = {
    SCMP_SYS(open),    SCMP_SYS(openat),   SCMP_SYS(openat2), SCMP_SYS(creat),
    SCMP_SYS(unlink),  SCMP_SYS(unlinkat), SCMP_SYS(rename),  SCMP_SYS(renameat2),
    SCMP_SYS(link),    SCMP_SYS(symlink),  SCMP_SYS(chmod),   SCMP_SYS(chown),
    SCMP_SYS(connect), SCMP_SYS(kill),     SCMP_SYS(tgkill),  SCMP_SYS(truncate),
};

static bool
refuse(scmp_filter_ctx filter, const int *calls, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int rc = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), calls[i], 0);
        if (rc != 0 && rc != -EDOM) /* not a call of this architecture */
            return false;
    }
    return true;
}

static bool
filter_calls(enum sandbox_role role)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    bool ok = filter != NULL && seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1) == 0 &&
              refuse(filter, refused, RDT_COUNT(refused));
    if (role == SANDBOX_JOBS)
        ok = ok && refuse(filter, refused_jobs, RDT_COUNT(refused_jobs));
    ok = ok && seccomp_load(filter) == 0;
    seccomp_release(filter);
    return ok;
}

/* ---- Landlock; the numbers are the kernel's, since Debian 12's header ends before the later ones
 */

#define LANDLOCK_TRUNCATE (1ULL << 14) /* from ABI 3 on */

static const uint64_t reading = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
static const uint64_t writing = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_FILE |
                                LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_DIR;
static const uint64_t never = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
                              LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_SOCK |
                              LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK |
                              LANDLOCK_ACCESS_FS_MAKE_SYM;

static bool
allow_path(int rules, const char *path, uint64_t access)
{
    struct stat info;
    RDT_FD fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &info) != 0)
        return false;
    if (!S_ISDIR(info.st_mode))
        access &= LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_TRUNCATE;
    struct landlock_path_beneath_attr rule = {.allowed_access = access, .parent_fd = fd};
    return syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
}

/* A certificate is replaced by renaming, so its folder is what may be read. */
static bool
allow_folder_of(int rules, const char *file)
{
    char folder[4096];
    const char *slash = strrchr(file, '/');
    size_t n = slash == NULL ? 0 : (size_t)(slash - file);
    if (n >= sizeof folder)
        return false;
    memcpy(folder, slash == NULL ? "." : file, slash == NULL ? 1 : n);
    folder[slash == NULL ? 1 : n] = '\0';
    return allow_path(rules, n == 0 && slash != NULL ? "/" : folder, reading);
}

static bool
restrict_files(const char *folder, const char *const *read)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (abi < 1)
        return true; /* a kernel without it: seccomp and the unit file are what is left */
    uint64_t truncate = abi >= 3 ? LANDLOCK_TRUNCATE : 0;
    struct landlock_ruleset_attr attr = {.handled_access_fs = reading | writing | never | truncate};
    RDT_FD rules = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof attr, 0);
    bool ok = rules >= 0;
    if (folder != NULL)
        ok = ok && allow_path(rules, folder, reading | writing | truncate);
    for (size_t i = 0; ok && read != NULL && read[i] != NULL; i++)
        ok = allow_folder_of(rules, read[i]);
    return ok && syscall(SYS_landlock_restrict_self, rules, 0) == 0;
}

static void *
leave(void *unused)
{
    (void)unused;
    pthread_exit(NULL);
}

/* glibc loads libgcc when the first thread leaves by pthread_exit(), as libargon2's do, and ends
 * the process where it cannot: so that is now. */
static void
load_unwinder(void)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, leave, NULL) == 0)
        pthread_join(thread, NULL);
}

enum rdt_code
rdt_sandbox_enter(enum sandbox_role role, const char *folder, const char *const *read,
                  struct rdt_err *err)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_DUMPABLE, 0) != 0)
        return rdt_fail(err, RDT_E_SANDBOX, "give up new privileges: %s", strerror(errno));
    if (RDT_SANITIZED)
        return RDT_OK; /* the leak check at the end needs ptrace and /proc */
    load_unwinder();
    if (!restrict_files(folder, read))
        return rdt_fail(err, RDT_E_SANDBOX, "restrict files (Landlock): %s", strerror(errno));
    if (!filter_calls(role))
        return rdt_fail(err, RDT_E_SANDBOX, "restrict system calls (seccomp)");
    return RDT_OK;
}
