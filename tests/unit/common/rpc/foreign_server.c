/* The fixture's server as a program, for clients that are not ours (foreign_test.py).
 * Prints its address, serves until standard input ends. A line "a.Service 1" or "a.Service 0" sets
 * its health. */
#include <stdlib.h>

#include "tests/unit/common/rpc/fixture.h"

int main(void)
{
    static const struct qr_rpc_metadata head[] = {{"x-server", "quarry"}, {NULL, NULL}};
    struct fixture f;
    char line[128];
    char *services[QR_RPC_HEALTH_SERVICES] = {0};
    size_t n = 0;

    fixture_start(&f, &(struct qr_rpc_server_config){
                          .threads = 2, .max_message_bytes = 100000, .metadata = head});
    printf("%s\n", qr_rpc_server_address(f.server));
    fflush(stdout);
    while (n < QR_COUNT(services) && fgets(line, sizeof line, stdin)) {
        char *blank = strchr(line, ' ');
        if (!blank)
            break;
        *blank = '\0';
        services[n] = strdup(line); /* health borrows the name */
        qr_rpc_health_set(f.health, services[n++], blank[1] == '1');
        printf("ok\n");
        fflush(stdout);
    }
    fixture_stop(&f);
    while (n > 0)
        free(services[--n]);
    return 0;
}
