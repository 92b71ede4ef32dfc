/* quarry-cadbridge: picks the mode; everything else is in the files beside. */
#include <string.h>

#include "cadbridge/bridge.h"
#include "common/cadjson/import.h"
#include "common/log.h"

int main(int argc, char **argv)
{
    qr_log_init("quarry-cadbridge", QR_LOG_INFO);
    if (argc > 1 && strcmp(argv[1], "--import-child") == 0)
        return qr_import_child_main();
    return qr_bridge_main(argc, argv);
}
