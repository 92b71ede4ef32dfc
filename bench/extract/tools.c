#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/extract/bench.h"
#include "common/clock.h"

extern char **environ;

static pid_t start_tool(const char *const argv[])
{
    posix_spawn_file_actions_t actions;
    pid_t pid = -1;

    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    if (posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv, environ) != 0)
        pid = -1;
    posix_spawn_file_actions_destroy(&actions);
    return pid;
}

/* Files a second of a tool that is started once for each file, `cores` at a time; 0: not there. */
static double run_tool(const struct bench_files *files, int cores, bool mutool)
{
    size_t next = 0;
    int running = 0;
    int64_t start = qr_clock_ns();

    while (next < files->n || running > 0) {
        if (next < files->n && running < cores) {
            const char *path = files->paths[next++];
            const char *const draw[] = {"mutool", "draw", "-q", "-F", "txt", path, NULL};
            const char *const text[] = {"pdftotext", path, "-", NULL};
            if (start_tool(mutool ? draw : text) < 0)
                return 0;
            running++;
        } else if (wait(NULL) > 0) {
            running--;
        } else if (errno != EINTR) {
            return 0;
        }
    }
    return (double)files->n / ((double)(qr_clock_ns() - start) / 1e9);
}

double bench_mutool(const struct bench_files *files, int cores)
{
    return run_tool(files, cores, true);
}

double bench_pdftotext(const struct bench_files *files, int cores)
{
    return run_tool(files, cores, false);
}

/* Reads names from standard input; every process has loaded ezdxf before the clock starts. The
 * first pass warms up, the second counts. */
static const char ezdxf_program[] =
    "import sys, time, multiprocessing\n"
    "from ezdxf import recover\n"
    "def read(path):\n"
    "    try:\n"
    "        recover.readfile(path)\n"
    "    except Exception:\n"
    "        pass\n"
    "if __name__ == '__main__':\n"
    "    paths = sys.stdin.read().splitlines()\n"
    "    with multiprocessing.get_context('fork').Pool(int(sys.argv[1])) as pool:\n"
    "        pool.map(read, paths, 1)\n"
    "        start = time.monotonic()\n"
    "        pool.map(read, paths, 1)\n"
    "        print(len(paths) / (time.monotonic() - start))\n";

static bool feed(int fd, const struct bench_files *files)
{
    FILE *to = fdopen(fd, "w");

    if (!to)
        return false;
    for (size_t i = 0; i < files->n; i++)
        fprintf(to, "%s\n", files->paths[i]);
    return fclose(to) == 0;
}

double bench_ezdxf(const struct bench_files *files, int cores)
{
    char processes[12];
    const char *const argv[] = {"/usr/bin/python3", "-c", ezdxf_program, processes, NULL};
    posix_spawn_file_actions_t actions;
    char line[64] = "";
    int in[2];
    int out[2];
    pid_t pid;

    snprintf(processes, sizeof processes, "%d", cores);
    if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0)
        return 0;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in[0], 0);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    int rc = posix_spawn(&pid, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(in[0]);
    close(out[1]);
    if (rc != 0)
        return 0;
    feed(in[1], files);
    FILE *from = fdopen(out[0], "r");
    bool answered = from && fgets(line, sizeof line, from);
    if (from)
        fclose(from);
    while (waitpid(pid, &rc, 0) < 0 && errno == EINTR)
        continue;
    return answered && rc == 0 ? strtod(line, NULL) : 0;
}
