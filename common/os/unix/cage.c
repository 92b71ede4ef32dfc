/* Three processes: the leader (ours) waits for the first of the new process namespace (ours), which
 * waits for the program. Without namespaces the second is missing. The program's wait status comes
 * through a pipe, because the first process of a namespace cannot die of every signal. */
#include "common/os/cage.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/os/process.h"
#include "common/os/unix/landlock.h"
#include "common/os/unix/seccomp.h"

#define CAGED_ID 65533 /* owns nothing, and is not whom the extracting children run as */
#define TREE_MAX 512   /* processes looked at for their memory */
#define FDS_MAX 256
#define NICE 5
#define SHARED_PROCESSES 1024

extern char **environ;

/* What goes wrong between fork and exec, said through a pipe that exec closes. */
struct said {
    int code; /* QR_E_* */
    int sys;
    char what[64];
};

struct start {
    const struct qr_cage_config *config;
    struct qr_cage_report report;
    bool own_users; /* a namespace of users, which counts its own processes */
    int say;        /* struct qr_cage_report, or struct said behind it */
    int status;     /* the program's wait status */
};

bool qr_cage_user(uint32_t *ret_uid, uint32_t *ret_gid)
{
    bool root = geteuid() == 0;

    *ret_uid = root ? CAGED_ID : (uint32_t)geteuid();
    *ret_gid = root ? CAGED_ID : (uint32_t)getegid();
    return root;
}

_Noreturn static void give_up(const struct start *start, int code, int sys, const char *what)
{
    struct said said = {.code = code, .sys = sys};

    snprintf(said.what, sizeof said.what, "%s", what);
    ssize_t n = write(start->say, &said, sizeof said);
    _exit(n == (ssize_t)sizeof said ? 0 : 1);
}

static void die_with_parent(const struct start *start)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0)
        give_up(start, QR_E_INTERNAL, errno, "die with the parent");
}

static bool limit(__rlimit_resource_t what, uint64_t value)
{
    const struct rlimit both = {.rlim_cur = value, .rlim_max = value};
    return setrlimit(what, &both) == 0;
}

static void set_limits(struct start *start)
{
    const struct qr_cage_config *config = start->config;
    uint64_t cpu = config->cpu_s > 0 ? (uint64_t)config->cpu_s : RLIM_INFINITY;

    if (!limit(RLIMIT_CORE, 0) || !limit(RLIMIT_NOFILE, FDS_MAX) || !limit(RLIMIT_CPU, cpu) ||
        !limit(RLIMIT_FSIZE, (uint64_t)config->file_bytes))
        give_up(start, QR_E_INTERNAL, errno, "set limits");
    /* all of the user's processes count where the namespace does not keep a count of its own */
    if (start->own_users)
        start->report.process_limit = limit(RLIMIT_NPROC, (uint64_t)config->max_processes);
    else if (geteuid() == CAGED_ID)
        start->report.process_limit = limit(RLIMIT_NPROC, SHARED_PROCESSES);
}

static void enter_landlock(struct start *start)
{
    static const char *const system[] = {
        "/usr",
        "/bin",
        "/sbin",
        "/lib",
        "/lib32",
        "/lib64",
        "/etc/ld.so.cache",
        "/etc/ld.so.conf",
        "/etc/ld.so.conf.d",
        "/etc/alternatives",
        "/etc/localtime",
        "/etc/timezone",
        "/etc/locale.alias",
        "/etc/nsswitch.conf",
        "/etc/passwd",
        "/etc/group",
        "/etc/fonts",
        "/etc/mime.types",
        "/etc/ssl/openssl.cnf",
        "/sys/devices/system/cpu",
        "/proc/cpuinfo",
        "/proc/meminfo",
        "/proc/version",
    };
    static const char *const devices[] = {"/dev/null", "/dev/zero", "/dev/full", "/dev/random",
                                          "/dev/urandom"};
    const struct qr_cage_config *config = start->config;
    int abi = qr_landlock_abi();
    int ruleset = qr_landlock_new(abi);

    start->report.landlock_abi = abi;
    if (ruleset < 0)
        return;
    for (size_t i = 0; i < QR_COUNT(system); i++)
        qr_landlock_allow_read(ruleset, system[i]);
    for (size_t i = 0; i < QR_COUNT(devices); i++)
        qr_landlock_allow_device(ruleset, devices[i]);
    for (size_t i = 0; i < config->n_reads; i++)
        qr_landlock_allow_read(ruleset, config->reads[i]);
    qr_landlock_allow_all(ruleset, config->dir, abi);
    start->report.landlock = qr_landlock_enter(ruleset);
    close(ruleset);
}

/* Only what the program may have: 0, 1, 2, and what exec closes. */
static void set_descriptors(const struct start *start)
{
    const struct qr_cage_config *config = start->config;

    if (dup2(config->in, 0) < 0 || dup2(config->out, 1) < 0 || dup2(config->err, 2) < 0)
        give_up(start, QR_E_INTERNAL, errno, "set descriptors");
    (void)syscall(SYS_close_range, 3u, ~0u, 4u /* CLOSE_RANGE_CLOEXEC */);
}

static void set_signals(void)
{
    sigset_t none;

    for (int i = 1; i < NSIG; i++)
        signal(i, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

_Noreturn static void run_program(struct start *start)
{
    const struct qr_cage_config *config = start->config;
    char home[4200];
    char temp[4200];
    struct qr_err err = {0};

    snprintf(home, sizeof home, "HOME=%s", config->dir);
    snprintf(temp, sizeof temp, "TMPDIR=%s", config->dir);
    const char *const env[] = {"PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8", home, temp,
                               NULL};
    die_with_parent(start);
    set_signals();
    if (chdir(config->dir) != 0)
        give_up(start, QR_E_INTERNAL, errno, "enter its folder");
    set_descriptors(start);
    /* whoever watches it must come to run beside a hundred of its processes */
    errno = 0;
    if (nice(NICE) == -1 && errno != 0)
        give_up(start, QR_E_INTERNAL, errno, "lower its priority");
    enter_landlock(start);
    set_limits(start);
    start->report.seccomp = true;
    if (write(start->say, &start->report, sizeof start->report) != (ssize_t)sizeof start->report)
        _exit(1);
    if (qr_seccomp_enter_program(&err) < 0)
        give_up(start, QR_E_INTERNAL, err.sys, "enter seccomp");
    /* the last: what holds ours already may be more, under the sanitizers by far */
    if (config->memory_bytes > 0 && !limit(RLIMIT_DATA, (uint64_t)config->memory_bytes))
        give_up(start, QR_E_INTERNAL, errno, "limit memory");
    execve(config->argv[0], (char *const *)(uintptr_t)config->argv, (char *const *)(uintptr_t)env);
    give_up(start,
            errno == ENOENT || errno == EACCES || errno == ENOTDIR || errno == ENOEXEC
                ? QR_E_NOT_FOUND
                : QR_E_INTERNAL,
            errno, "run it");
}

/* Pipes to the program must have no other end than those meant: all but one are closed. */
static void keep_only(int fd)
{
    if (fd > 3)
        (void)syscall(SYS_close_range, 3u, (unsigned)fd - 1, 0u);
    (void)syscall(SYS_close_range, (unsigned)(fd >= 3 ? fd + 1 : 3), ~0u, 0u);
}

/* Wait for the program and pass on how it ended; orphans are reaped as well. */
_Noreturn static void wait_for_program(struct start *start)
{
    pid_t pid = fork();
    int status;
    pid_t got;

    if (pid < 0)
        give_up(start, QR_E_LIMIT, errno, "start a process");
    if (pid == 0)
        run_program(start);
    keep_only(start->status);
    do
        got = waitpid(-1, &status, 0);
    while (got != pid && (got >= 0 || errno == EINTR));
    ssize_t n = write(start->status, &status, sizeof status);
    _exit(n == (ssize_t)sizeof status ? 0 : 1);
}

static void drop_root(struct start *start)
{
    bool dropped = geteuid() != 0 ||
                   (setgroups(0, NULL) == 0 && setresgid(CAGED_ID, CAGED_ID, CAGED_ID) == 0 &&
                    setresuid(CAGED_ID, CAGED_ID, CAGED_ID) == 0);
    start->report.unprivileged = dropped;
}

/* As root without the right to make users' namespaces, as root still. */
static void enter_namespaces(struct start *start)
{
    const int of_its_own = CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC;
    bool root = geteuid() == 0;

    if (root)
        start->report.namespaces = unshare(of_its_own) == 0;
    drop_root(start);
    if (!start->report.namespaces)
        start->report.namespaces = start->own_users = unshare(CLONE_NEWUSER | of_its_own) == 0;
}

_Noreturn static void lead(struct start *start, pid_t parent)
{
    int status;
    pid_t got;

    if (setpgid(0, 0) != 0)
        give_up(start, QR_E_INTERNAL, errno, "make a process group");
    enter_namespaces(start);
    die_with_parent(start); /* behind the change of user, which would clear it */
    if (getppid() != parent)
        _exit(1);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        give_up(start, QR_E_INTERNAL, errno, "set no_new_privs");
    if (!start->report.namespaces)
        wait_for_program(start);
    pid_t first = fork();
    if (first < 0)
        give_up(start, QR_E_LIMIT, errno, "start a process");
    if (first == 0) {
        die_with_parent(start);
        wait_for_program(start);
    }
    keep_only(-1);
    do
        got = waitpid(first, &status, 0);
    while (got < 0 && errno == EINTR);
    _exit(0);
}

/* What the cage said until exec closed the pipe. */
static int hear(int fd, const char *path, struct qr_cage_report *ret, struct qr_err *err)
{
    union {
        struct qr_cage_report report;
        struct said said;
        uint8_t bytes[sizeof(struct qr_cage_report) + sizeof(struct said)];
    } in = {.bytes = {0}};
    size_t have = 0;
    struct said said;

    for (;;) {
        ssize_t n = read(fd, in.bytes + have, sizeof in.bytes - have);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        have += (size_t)n;
    }
    if (have == sizeof(struct qr_cage_report)) {
        *ret = in.report;
        return QR_OK;
    }
    if (have < sizeof said)
        return qr_fail(err, QR_E_INTERNAL, "start '%s': it ended before it began", path);
    memcpy(&said, in.bytes + (have - sizeof said), sizeof said);
    said.what[sizeof said.what - 1] = '\0';
    return qr_fail_errno(err, said.code, said.sys, "start '%s': %s", path, said.what);
}

int qr_cage_start(const struct qr_cage_config *config, struct qr_cage *cage,
                  struct qr_cage_report *ret, struct qr_err *err)
{
    struct start start = {.config = config};
    int says[2];
    int ends[2];

    *cage = (struct qr_cage){.pid = -1, .status = -1, .watch = -1};
    if (pipe2(says, O_CLOEXEC) != 0)
        return qr_fail_errno(err, QR_E_LIMIT, errno, "pipe");
    if (pipe2(ends, O_CLOEXEC) != 0) {
        int saved = errno;
        close(says[0]);
        close(says[1]);
        return qr_fail_errno(err, QR_E_LIMIT, saved, "pipe");
    }
    start.say = says[1];
    start.status = ends[1];
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0) {
        close(says[0]);
        close(ends[0]);
        lead(&start, parent);
    }
    int saved = errno;
    close(says[1]);
    close(ends[1]);
    int rc = pid < 0 ? qr_fail_errno(err, QR_E_LIMIT, saved, "start a process") : QR_OK;
    if (rc == QR_OK) {
        cage->pid = pid;
        cage->status = ends[0];
        cage->watch = (int)syscall(SYS_pidfd_open, pid, 0);
        rc = hear(says[0], config->argv[0], ret, err);
        if (rc < 0)
            qr_cage_kill(cage, &(struct qr_cage_end){0});
    } else {
        close(ends[0]);
    }
    close(says[0]);
    return rc;
}

static void fill_end(struct qr_cage *cage, const struct rusage *usage, struct qr_cage_end *ret)
{
    int status;

    *ret =
        (struct qr_cage_end){.exit_code = -1,
                             .cpu_ms = (usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1000 +
                                       (usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) / 1000,
                             .rss_bytes = (int64_t)usage->ru_maxrss * 1024};
    if (read(cage->status, &status, sizeof status) != (ssize_t)sizeof status)
        ret->signal = SIGKILL; /* all of it was ended */
    else if (WIFEXITED(status))
        ret->exit_code = WEXITSTATUS(status);
    else
        ret->signal = WTERMSIG(status);
}

static bool reap(struct qr_cage *cage, int options, struct qr_cage_end *ret)
{
    struct rusage usage = {0};
    pid_t got;

    if (cage->pid < 0)
        return false;
    do
        got = wait4((pid_t)cage->pid, NULL, options, &usage);
    while (got < 0 && errno == EINTR);
    if (got == 0)
        return false;
    fill_end(cage, &usage, ret);
    close(cage->status);
    if (cage->watch >= 0)
        close(cage->watch);
    *cage = (struct qr_cage){.pid = -1, .status = -1, .watch = -1};
    return true;
}

bool qr_cage_poll(struct qr_cage *cage, struct qr_cage_end *ret)
{
    siginfo_t info = {0};

    if (cage->pid < 0 || waitid(P_PID, (id_t)cage->pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
        info.si_pid == 0)
        return false;
    kill(-(pid_t)cage->pid, SIGKILL); /* before it is reaped: the group's number is still its own */
    return reap(cage, 0, ret);
}

void qr_cage_kill(struct qr_cage *cage, struct qr_cage_end *ret)
{
    if (cage->pid < 0)
        return;
    kill(-(pid_t)cage->pid, SIGKILL);
    kill((pid_t)cage->pid, SIGKILL); /* it may have no group yet */
    reap(cage, 0, ret);
}

/* Its children: proc(5), /proc/PID/task/TID/children. Those that a thread started are not there;
 * they are bound by the limit on each process. */
static size_t children_of(int64_t pid, int64_t *to, size_t room)
{
    char path[64];
    size_t n = 0;
    long long child;

    snprintf(path, sizeof path, "/proc/%lld/task/%lld/children", (long long)pid, (long long)pid);
    FILE *in = fopen(path, "re");
    if (!in)
        return 0;
    while (n < room && fscanf(in, "%lld", &child) == 1)
        to[n++] = child;
    fclose(in);
    return n;
}

int64_t qr_cage_rss(const struct qr_cage *cage)
{
    int64_t pids[TREE_MAX];
    size_t n = 0;
    int64_t sum = 0;

    if (cage->pid < 0)
        return 0;
    pids[n++] = cage->pid;
    for (size_t i = 0; i < n; i++) {
        const struct qr_process one = {.pid = pids[i], .watch = -1};
        sum += i == 0 ? 0 : qr_process_rss(&one); /* the leader is a copy of ours */
        n += children_of(pids[i], pids + n, TREE_MAX - n);
    }
    return sum;
}
