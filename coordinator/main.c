#include <stdio.h>

#include "common/log.h"
#include "coordinator/program.h"

int main(int argc, char **argv)
{
    struct qr_coordinator_options options;
    enum qr_log_level level = QR_LOG_INFO;
    struct qr_err err = {0};
    int exit_code = 0;

    if (!qr_options_main(&qr_coordinator_options, argc, argv, &options, NULL, &exit_code))
        return exit_code;
    qr_log_level_parse(options.log_level, &level);
    qr_log_init("coordinator", level);
    int rc = qr_program_run(&options, &err);
    if (rc < 0) {
        fprintf(stderr, "quarry-coordinator: %s\n", err.msg);
        exit_code = qr_err_exit_code(rc);
    }
    qr_options_done(&qr_coordinator_options, &options);
    return exit_code;
}
