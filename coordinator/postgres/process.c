#include "coordinator/postgres/process.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"

int qr_pg_user_find(struct qr_pg_user *ret, struct qr_err *err)
{
    *ret = (struct qr_pg_user){.uid = geteuid(), .gid = getegid()};
    if (geteuid() != 0)
        return QR_OK;
    struct passwd entry;
    struct passwd *found = NULL;
    char buffer[4096];
    if (getpwnam_r("postgres", &entry, buffer, sizeof buffer, &found) != 0 || !found)
        return qr_fail(err, QR_E_NOT_FOUND,
                       "root cannot run PostgreSQL and there is no user 'postgres'; hint: install "
                       "the package postgresql or start as another user");
    *ret = (struct qr_pg_user){.drop = true, .uid = found->pw_uid, .gid = found->pw_gid};
    return QR_OK;
}

/* In the child, between fork and exec: async-signal-safe calls only. */
QR_NORETURN static void become(const struct qr_pg_user *user, const char *const *argv, int log_fd)
{
    sigset_t none;
    int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    setpgid(0, 0);
    if (null_fd < 0 || dup2(null_fd, 0) < 0 || dup2(log_fd, 1) < 0 || dup2(log_fd, 2) < 0)
        _exit(126);
    if (user->drop && (setgroups(0, NULL) != 0 || setgid(user->gid) != 0 || setuid(user->uid) != 0))
        _exit(126);
    if (chdir("/") != 0)
        _exit(126);
    execv(argv[0], (char *const *)(uintptr_t)argv);
    _exit(127);
}

int qr_pg_spawn(const struct qr_pg_user *user, const char *const *argv, const char *log_path,
                pid_t *ret, struct qr_err *err)
{
    int log_fd = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

    if (log_fd < 0)
        return qr_fail_errno(err, QR_E_IO, errno, "open '%s'", log_path);
    if (user->drop && fchown(log_fd, user->uid, user->gid) != 0) {
        int sys = errno;
        close(log_fd);
        return qr_fail_errno(err, QR_E_IO, sys, "give '%s' to user postgres", log_path);
    }
    pid_t pid = fork();
    int sys = errno;
    if (pid == 0)
        become(user, argv, log_fd);
    close(log_fd);
    if (pid < 0)
        return qr_fail_errno(err, QR_E_LIMIT, sys, "start '%s'", argv[0]);
    *ret = pid;
    return QR_OK;
}

int qr_pg_run(const struct qr_pg_user *user, const char *const *argv, const char *log_path,
              int64_t timeout_ms, int *ret_code, struct qr_err *err)
{
    int64_t deadline = qr_clock_ms() + timeout_ms;
    int status;
    pid_t pid;
    int rc = qr_pg_spawn(user, argv, log_path, &pid, err);

    if (rc < 0)
        return rc;
    for (;;) {
        pid_t done = waitpid(pid, &status, WNOHANG);
        if (done == pid)
            break;
        if (done < 0 && errno != EINTR)
            return qr_fail_errno(err, QR_E_IO, errno, "wait for '%s'", argv[0]);
        if (qr_clock_ms() >= deadline) {
            kill(-pid, SIGKILL);
            kill(pid, SIGKILL);
            waitpid(pid, &status, 0);
            return qr_fail(err, QR_E_TIMEOUT, "'%s' did not end within %lld ms", argv[0],
                           (long long)timeout_ms);
        }
        qr_clock_sleep_ms(10);
    }
    *ret_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return QR_OK;
}

static bool is_telling(const char *line)
{
    return strstr(line, "FATAL:") || strstr(line, "PANIC:") || strstr(line, "error:") ||
           strstr(line, "could not");
}

void qr_pg_last_words(const char *log_path, char *ret, size_t cap)
{
    FILE *file = fopen(log_path, "re");
    char line[400];
    bool telling = false;

    ret[0] = '\0';
    if (!file)
        return;
    if (fseek(file, -8192, SEEK_END) != 0)
        rewind(file);
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\r\n")] = '\0';
        if (!line[0] || (telling && !is_telling(line)))
            continue;
        telling = telling || is_telling(line);
        snprintf(ret, cap, "%s", line);
    }
    fclose(file);
}
