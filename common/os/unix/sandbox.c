#include "common/os/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/os/unix/landlock.h"
#include "common/os/unix/seccomp.h"

#define NOBODY 65534 /* uid and gid that own nothing, on every Linux distribution */

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1 /* reserves terabytes of address space for shadow memory */
#else
#define SANITIZED 0
#endif

static int close_others(const struct qr_sandbox_config *config, struct qr_err *err)
{
    unsigned first = 3;

    if (config->keep_fd >= 3) {
        unsigned keep = (unsigned)config->keep_fd;
        if (keep > 3 && syscall(SYS_close_range, 3u, keep - 1, 0u) != 0)
            return qr_fail_errno(err, QR_E_INTERNAL, errno, "close_range");
        first = keep + 1;
    }
    if (syscall(SYS_close_range, first, ~0u, 0u) != 0)
        return qr_fail_errno(err, QR_E_INTERNAL, errno, "close_range");
    return QR_OK;
}

/* Root gives up what makes it root; the descriptors it has stay readable. */
static bool drop_root(void)
{
    if (geteuid() != 0)
        return true;
    return setgroups(0, NULL) == 0 && setresgid(NOBODY, NOBODY, NOBODY) == 0 &&
           setresuid(NOBODY, NOBODY, NOBODY) == 0;
}

static bool limit(__rlimit_resource_t what, uint64_t value)
{
    struct rlimit both = {.rlim_cur = value, .rlim_max = value};
    return setrlimit(what, &both) == 0;
}

static bool set_limits(const struct qr_sandbox_config *config)
{
    signal(SIGXFSZ, SIG_IGN); /* a write to a file fails instead of ending the process */
    return limit(RLIMIT_CORE, 0) && limit(RLIMIT_FSIZE, 0) &&
           limit(RLIMIT_NOFILE, (uint64_t)config->max_fds);
}

/* A rule set that handles everything this kernel knows and allows nothing of it. */
static bool enter_landlock(int abi)
{
    int ruleset = qr_landlock_new(abi);

    if (ruleset < 0)
        return false;
    bool done = qr_landlock_enter(ruleset);
    close(ruleset);
    return done;
}

int qr_sandbox_enter(const struct qr_sandbox_config *config, struct qr_sandbox_report *ret,
                     struct qr_err *err)
{
    struct qr_sandbox_report report = {0};

    int rc = close_others(config, err);
    if (rc < 0)
        return rc;
    report.fds_closed = true;
    report.unprivileged = drop_root();
    /* after the change of user, which would clear it */
    report.dies_with_parent = prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return qr_fail_errno(err, QR_E_INTERNAL, errno, "set no_new_privs");
    report.no_new_privs = true;
    report.landlock_abi = qr_landlock_abi();
    report.landlock = enter_landlock(report.landlock_abi);
    if (!SANITIZED && config->memory_bytes > 0) {
        /* RLIMIT_DATA counts private writable memory (Linux 4.7), not a file mapped to be read */
        if (!limit(RLIMIT_DATA, (uint64_t)config->memory_bytes) ||
            !limit(RLIMIT_AS, (uint64_t)config->memory_bytes + QR_SANDBOX_MAP_BYTES))
            return qr_fail_errno(err, QR_E_INTERNAL, errno, "limit memory");
        report.memory_limit = true;
    }
    if (!set_limits(config))
        return qr_fail_errno(err, QR_E_INTERNAL, errno, "set limits");
    report.limits = true;
    rc = qr_seccomp_enter(SANITIZED, err);
    if (rc < 0)
        return rc;
    report.seccomp = true;
    *ret = report;
    return QR_OK;
}

void qr_sandbox_print(const struct qr_sandbox_report *report, char *text, size_t size)
{
    static const char *const words[] = {"not active", "active"};

    snprintf(text, size,
             "closed descriptors  %s\n"
             "dies with parent    %s\n"
             "unprivileged user   %s\n"
             "no_new_privs        %s\n"
             "memory limit        %s\n"
             "resource limits     %s\n"
             "landlock (ABI %d)    %s\n"
             "seccomp             %s\n",
             words[report->fds_closed], words[report->dies_with_parent],
             words[report->unprivileged], words[report->no_new_privs], words[report->memory_limit],
             words[report->limits], report->landlock_abi, words[report->landlock],
             words[report->seccomp]);
}
