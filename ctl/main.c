#include "ctl/ctl.h"

int main(int argc, char **argv) { return qr_ctl_main(argc, argv); }
