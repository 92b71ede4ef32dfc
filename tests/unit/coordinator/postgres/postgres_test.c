/* Run it: ctest --preset dev -R postgres_test. Real clusters in folders of their own. */
#include "coordinator/postgres/postgres.h"
#include "tests/harness/test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char base[64];

static int make_base(void **state)
{
    (void)state;
    snprintf(base, sizeof base, "/tmp/postgres_test.XXXXXX");
    if (!mkdtemp(base))
        return -1;
    return chmod(base, 0755);
}

static int remove_base(void **state)
{
    char line[128];
    (void)state;
    snprintf(line, sizeof line, "rm -rf '%s'", base);
    return system(line);
}

static struct qr_postgres *start(const char *name)
{
    char dir[128];
    struct qr_postgres *pg = NULL;
    struct qr_err err = {0};

    snprintf(dir, sizeof dir, "%s/%s", base, name);
    const struct qr_postgres_config config = {.dir = dir};
    assert_ok(qr_postgres_start(&config, &pg, &err), &err);
    return pg;
}

/* Answers of the server, by its own client program. */
static void ask(const struct qr_postgres *pg, const char *sql, char *out, size_t size)
{
    char line[2048];

    snprintf(line, sizeof line, "psql -XAtq \"%s\" -c \"%s\"", qr_postgres_url(pg), sql);
    FILE *in = popen(line, "r");
    assert_non_null(in);
    size_t n = fread(out, 1, size - 1, in);
    out[n] = '\0';
    assert_int_equal(pclose(in), 0);
}

static void a_cluster_is_made_kept_and_durable(void **state)
{
    char answer[256];
    (void)state;

    struct qr_postgres *pg = start("kept");
    ask(pg, "create table t (x int); insert into t values (7)", answer, sizeof answer);
    ask(pg,
        "select string_agg(setting, ',' order by name) from pg_settings where name in "
        "('fsync', 'full_page_writes', 'synchronous_commit', 'listen_addresses')",
        answer, sizeof answer);
    assert_string_equal(answer, "on,on,,on\n");
    qr_postgres_stop(pg, true);
    pg = start("kept");
    ask(pg, "select x from t", answer, sizeof answer);
    assert_string_equal(answer, "7\n");
    qr_postgres_stop(pg, true);
}

static void a_server_that_runs_already_is_adopted(void **state)
{
    char dir[128];
    int fds[2];
    int status;
    (void)state;

    /* another process starts it and is killed, as a coordinator might be */
    snprintf(dir, sizeof dir, "%s/adopted", base);
    assert_int_equal(pipe(fds), 0);
    pid_t starter = fork();
    if (starter == 0) {
        const struct qr_postgres_config config = {.dir = dir};
        struct qr_postgres *pg = NULL;
        struct qr_err err = {0};
        int pid = qr_postgres_start(&config, &pg, &err) == QR_OK ? qr_postgres_pid(pg) : -1;
        if (write(fds[1], &pid, sizeof pid) != sizeof pid)
            _exit(1);
        pause();
        _exit(1);
    }
    int first = 0;
    assert_int_equal(read(fds[0], &first, sizeof first), sizeof first);
    assert_true(first > 0);
    kill(starter, SIGKILL);
    waitpid(starter, &status, 0);
    close(fds[0]);
    close(fds[1]);
    struct qr_postgres *pg = start("adopted");
    assert_int_equal(qr_postgres_pid(pg), first);
    assert_true(qr_postgres_is_running(pg));
    qr_postgres_stop(pg, true);
    snprintf(dir, sizeof dir, "%s/adopted/data/postmaster.pid", base);
    assert_int_equal(access(dir, F_OK), -1); /* it went away in an orderly way */
}

static void a_killed_server_is_noticed_and_recovers(void **state)
{
    char answer[64];
    (void)state;

    struct qr_postgres *pg = start("killed");
    ask(pg, "create table t as select 42 as x", answer, sizeof answer);
    kill(qr_postgres_pid(pg), SIGKILL);
    for (int i = 0; i < 200 && qr_postgres_is_running(pg); i++)
        usleep(10000);
    assert_false(qr_postgres_is_running(pg));
    qr_postgres_stop(pg, true);
    pg = start("killed");
    ask(pg, "select x from t", answer, sizeof answer);
    assert_string_equal(answer, "42\n");
    qr_postgres_stop(pg, true);
}

static void a_long_folder_name_gets_a_short_socket(void **state)
{
    char name[120];
    char answer[64];
    (void)state;

    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    struct qr_postgres *pg = start(name + 19); /* fits our buffers, not sun_path */
    ask(pg, "select 1", answer, sizeof answer);
    assert_string_equal(answer, "1\n");
    assert_non_null(strstr(qr_postgres_url(pg), "/tmp/quarry-pg-"));
    char line[256];
    snprintf(line, sizeof line, "%s", strstr(qr_postgres_url(pg), "/tmp/"));
    line[strcspn(line, "'")] = '\0';
    qr_postgres_stop(pg, true);
    assert_int_equal(rmdir(line), 0);
}

static void bad_folders_are_refused_with_a_hint(void **state)
{
    struct qr_postgres *pg = NULL;
    struct qr_err err = {0};
    char dir[128];
    (void)state;

    const struct qr_postgres_config nowhere = {.dir = "/no/such/parent/pg"};
    assert_err(qr_postgres_start(&nowhere, &pg, &err), QR_E_IO, &err, "/no/such/parent/pg");
    snprintf(dir, sizeof dir, "%s/file", base);
    fclose(fopen(dir, "w"));
    const struct qr_postgres_config file = {.dir = dir};
    assert_err(qr_postgres_start(&file, &pg, &err), QR_E_INVALID, &err, "not a folder");
    const struct qr_postgres_config bins = {.dir = dir, .bin_dir = "/usr/bin/nothing"};
    assert_err(qr_postgres_start(&bins, &pg, &err), QR_E_NOT_FOUND, &err, "hint:");
    assert_null(pg);
}

static void a_folder_with_other_files_is_left_alone(void **state)
{
    struct qr_postgres *pg = NULL;
    struct qr_err err = {0};
    struct stat before, after;
    char dir[300], path[340];
    (void)state;

    snprintf(dir, sizeof dir, "%s/drawings", base);
    snprintf(path, sizeof path, "%s/a.pdf", dir);
    assert_int_equal(mkdir(dir, 0755), 0);
    assert_int_equal(close(open(path, O_CREAT | O_WRONLY, 0644)), 0);
    assert_int_equal(stat(dir, &before), 0);
    const struct qr_postgres_config config = {.dir = dir};
    assert_err(qr_postgres_start(&config, &pg, &err), QR_E_INVALID, &err, "has other files");
    assert_int_equal(stat(dir, &after), 0);
    assert_true(before.st_mode == after.st_mode && before.st_uid == after.st_uid);
}

static void a_folder_the_server_cannot_reach_is_explained(void **state)
{
    struct qr_postgres *pg = NULL;
    struct qr_err err = {0};
    char dir[128];
    (void)state;

    if (geteuid() != 0)
        skip(); /* only root gives the folder to somebody else */
    snprintf(dir, sizeof dir, "%s/closed", base);
    assert_int_equal(mkdir(dir, 0700), 0);
    snprintf(dir, sizeof dir, "%s/closed/pg", base);
    const struct qr_postgres_config config = {.dir = dir};
    assert_err(qr_postgres_start(&config, &pg, &err), QR_E_DENIED, &err, "cannot reach");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cluster_is_made_kept_and_durable),
        cmocka_unit_test(a_server_that_runs_already_is_adopted),
        cmocka_unit_test(a_killed_server_is_noticed_and_recovers),
        cmocka_unit_test(a_long_folder_name_gets_a_short_socket),
        cmocka_unit_test(bad_folders_are_refused_with_a_hint),
        cmocka_unit_test(a_folder_with_other_files_is_left_alone),
        cmocka_unit_test(a_folder_the_server_cannot_reach_is_explained),
    };
    return cmocka_run_group_tests(tests, make_base, remove_base);
}
