#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "coordinator/postgres/internal.h"

enum { EXIT_USER = 124, EXIT_EXEC = 127 };

/* Between fork and exec in a process with threads: async-signal-safe calls only. */
static void become(const struct qr_pg_user *user)
{
    sigset_t none;

    if (user->drop &&
        (setgroups(1, &user->gid) < 0 || setresgid(user->gid, user->gid, user->gid) < 0 ||
         setresuid(user->uid, user->uid, user->uid) < 0))
        _exit(EXIT_USER);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    signal(SIGHUP, SIG_DFL);
}

static pid_t start(const struct qr_postgres *pg, const char *const argv[], int in, int out,
                   bool own_session)
{
    /* initdb and postgres want a home for messages in a known language and a known time zone */
    static const char *const environment[] = {"LC_ALL=C", "TZ=UTC", "PATH=/usr/bin:/bin", NULL};
    pid_t pid = fork();

    if (pid != 0)
        return pid;
    if (own_session)
        setsid();
    if (dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 || dup2(out, STDERR_FILENO) < 0)
        _exit(EXIT_EXEC);
    close_range(3, ~0U, 0);
    become(&pg->user);
    if (chdir(pg->dir) < 0)
        _exit(EXIT_USER);
    execve(argv[0], (char *const *)argv, (char *const *)environment);
    _exit(EXIT_EXEC);
}

static int open_log(const struct qr_postgres *pg, struct qr_err *err)
{
    int fd = open(pg->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0)
        return qr_fail_errno(err, QR_E_IO, errno, "open '%s'", pg->log);
    if (pg->user.drop && fchown(fd, pg->user.uid, pg->user.gid) < 0) {
        int saved = errno;
        close(fd);
        return qr_fail_errno(err, QR_E_IO, saved, "give '%s' to the user postgres", pg->log);
    }
    return fd;
}

/* A pipe that holds all of `input` (a few hundred bytes) or /dev/null. */
static int open_input(const char *input, struct qr_err *err)
{
    int fds[2];

    if (!input) {
        int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        return fd >= 0 ? fd : qr_fail_errno(err, QR_E_IO, errno, "open '/dev/null'");
    }
    if (pipe2(fds, O_CLOEXEC) < 0)
        return qr_fail_errno(err, QR_E_LIMIT, errno, "make a pipe");
    ssize_t n = write(fds[1], input, strlen(input));
    close(fds[1]);
    if (n != (ssize_t)strlen(input)) {
        close(fds[0]);
        return qr_fail(err, QR_E_IO, "write to a pipe");
    }
    return fds[0];
}

void qr_pg_last_log_line(const struct qr_postgres *pg, char *line, size_t size)
{
    FILE *in = fopen(pg->log, "re");
    char next[512];

    line[0] = '\0';
    if (!in)
        return;
    if (fseek(in, -4096, SEEK_END) != 0)
        rewind(in);
    while (fgets(next, sizeof next, in)) {
        next[strcspn(next, "\r\n")] = '\0';
        if (next[0])
            snprintf(line, size, "%s", next);
    }
    fclose(in);
}

static int end_of(const struct qr_postgres *pg, const char *program, int status, struct qr_err *err)
{
    char line[300];
    const char *name = strrchr(program, '/');

    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return QR_OK;
    if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_USER)
        return qr_fail(
            err, QR_E_DENIED,
            "the user postgres cannot enter '%.200s'; hint: choose a folder whose parents "
            "all may enter (chmod o+x), /var/lib/quarry for example",
            pg->dir);
    qr_pg_last_log_line(pg, line, sizeof line);
    return qr_fail(err, QR_E_INTERNAL, "%s failed: %s; hint: see '%.120s', is the disk full?",
                   name ? name + 1 : program, line[0] ? line : "it said nothing", pg->log);
}

int qr_pg_run(const struct qr_postgres *pg, const char *const argv[], const char *input,
              int64_t timeout_ms, struct qr_err *err)
{
    int64_t deadline = qr_clock_ms() + timeout_ms;
    int status = 0;
    int in = open_input(input, err);
    int out = in < 0 ? -1 : open_log(pg, err);

    if (out < 0) {
        if (in >= 0)
            close(in);
        return err ? err->code : QR_E_IO;
    }
    pid_t pid = start(pg, argv, in, out, false);
    close(in);
    close(out);
    if (pid < 0)
        return qr_fail_errno(err, QR_E_LIMIT, errno, "start '%s'", argv[0]);
    while (waitpid(pid, &status, WNOHANG) == 0) {
        if (qr_clock_ms() > deadline) {
            kill(pid, SIGKILL);
            waitpid(pid, &status, 0);
            return qr_fail(err, QR_E_TIMEOUT, "'%s' did not finish in %lld s", argv[0],
                           (long long)timeout_ms / 1000);
        }
        qr_clock_sleep_ms(10);
    }
    return end_of(pg, argv[0], status, err);
}

int qr_pg_spawn(const struct qr_postgres *pg, const char *const argv[], pid_t *ret,
                struct qr_err *err)
{
    int in = open_input(NULL, err);
    int out = in < 0 ? -1 : open_log(pg, err);

    if (out < 0) {
        if (in >= 0)
            close(in);
        return err ? err->code : QR_E_IO;
    }
    pid_t pid = start(pg, argv, in, out, true);
    close(in);
    close(out);
    if (pid < 0)
        return qr_fail_errno(err, QR_E_LIMIT, errno, "start '%s'", argv[0]);
    *ret = pid;
    return QR_OK;
}

bool qr_pg_can_enter(const struct qr_pg_user *user, const char *path)
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        become(user);
        _exit(chdir(path) == 0 ? 0 : 1);
    }
    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
           WEXITSTATUS(status) == 0;
}
