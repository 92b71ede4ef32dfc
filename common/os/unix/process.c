#include "common/os/process.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static int spawn_code(int errnum)
{
    if (errnum == ENOENT || errnum == EACCES)
        return QR_E_NOT_FOUND;
    return errnum == EAGAIN || errnum == ENOMEM ? QR_E_LIMIT : QR_E_INTERNAL;
}

int qr_process_start(struct qr_process *process, const char *path, const char *const argv[],
                     int channel, bool keep_stderr, struct qr_err *err)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    sigset_t none;
    sigset_t all;
    pid_t pid;

    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attr);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    if (!keep_stderr)
        posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, channel, 3); /* 3 to 3 clears close-on-exec */
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF |
                                        POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setpgroup(&attr, 0);
    posix_spawnattr_setsigdefault(&attr, &all);
    posix_spawnattr_setsigmask(&attr, &none);
    int rc = posix_spawn(&pid, path, &actions, &attr, (char *const *)(uintptr_t)argv, environ);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&actions);
    if (rc != 0)
        return qr_fail_errno(err, spawn_code(rc), rc, "start '%s'", path);
    process->pid = pid;
    process->watch = (int)syscall(SYS_pidfd_open, pid, 0); /* -1 on kernels before 5.3 */
    return QR_OK;
}

static bool reap(struct qr_process *process, struct qr_process_end *ret, int options)
{
    struct rusage usage;
    int status;
    pid_t got;

    if (process->pid < 0)
        return false;
    do
        got = wait4((pid_t)process->pid, &status, options, &usage);
    while (got < 0 && errno == EINTR);
    if (got == 0)
        return false;
    memset(ret, 0, sizeof *ret);
    ret->exit_code = -1;
    if (got > 0) {
        if (WIFEXITED(status))
            ret->exit_code = WEXITSTATUS(status);
        else
            ret->signal = WTERMSIG(status);
        ret->cpu_ms = (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 +
                      (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000;
        ret->rss_bytes = (int64_t)usage.ru_maxrss * 1024;
    }
    if (process->watch >= 0)
        close(process->watch);
    process->watch = -1;
    process->pid = -1;
    return true;
}

bool qr_process_poll(struct qr_process *process, struct qr_process_end *ret)
{
    return reap(process, ret, WNOHANG);
}

bool qr_process_wait(struct qr_process *process, struct qr_process_end *ret)
{
    return reap(process, ret, 0);
}

void qr_process_kill(struct qr_process *process)
{
    if (process->pid > 0)
        kill((pid_t)process->pid, SIGKILL);
}

int64_t qr_process_rss(const struct qr_process *process)
{
    char path[40];
    char text[128];

    if (process->pid < 0)
        return 0;
    snprintf(path, sizeof path, "/proc/%lld/statm", (long long)process->pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    if (n <= 0)
        return 0;
    text[n] = '\0';
    const char *second = strchr(text, ' '); /* size resident shared …, in pages: proc(5) */
    return second ? (int64_t)strtol(second, NULL, 10) * sysconf(_SC_PAGESIZE) : 0;
}

bool qr_process_self(char *path, size_t size)
{
    ssize_t n = readlink("/proc/self/exe", path, size);
    if (n <= 0 || (size_t)n >= size)
        return false;
    path[n] = '\0';
    return true;
}

const char *qr_process_signal_name(int signal, char scratch[24])
{
    const char *abbrev = sigabbrev_np(signal);
    if (abbrev)
        snprintf(scratch, 24, "SIG%s", abbrev);
    else
        snprintf(scratch, 24, "signal %d", signal);
    return scratch;
}

int qr_process_cpus(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return 1;
    int n = CPU_COUNT(&set);
    return n > 0 ? n : 1;
}
