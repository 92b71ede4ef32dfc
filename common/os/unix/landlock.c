#include "common/os/unix/landlock.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    RIGHT_EXECUTE = 1 << 0,
    RIGHT_WRITE_FILE = 1 << 1,
    RIGHT_READ_FILE = 1 << 2,
    RIGHT_READ_DIR = 1 << 3,
    RIGHT_MAKE_CHAR = 1 << 6,
    RIGHT_MAKE_BLOCK = 1 << 11,
    RIGHTS_1 = (1 << 13) - 1,  /* ABI 1: EXECUTE .. MAKE_SYM */
    RIGHT_REFER = 1 << 13,     /* ABI 2 */
    RIGHT_TRUNCATE = 1 << 14,  /* ABI 3 */
    RIGHT_IOCTL_DEV = 1 << 15, /* ABI 5 */
};

int qr_landlock_abi(void)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, (size_t)0,
                       (unsigned)LANDLOCK_CREATE_RULESET_VERSION);
    return abi > 0 ? (int)abi : 0;
}

static uint64_t rights_of(int abi)
{
    uint64_t rights = RIGHTS_1;

    if (abi >= 2)
        rights |= RIGHT_REFER;
    if (abi >= 3)
        rights |= RIGHT_TRUNCATE;
    if (abi >= 5)
        rights |= RIGHT_IOCTL_DEV;
    return rights;
}

int qr_landlock_new(int abi)
{
    struct {
        uint64_t handled_access_fs;
        uint64_t handled_access_net;
        uint64_t scoped;
    } attr = {0};
    size_t size = sizeof attr.handled_access_fs;

    if (abi < 1)
        return -1;
    attr.handled_access_fs = rights_of(abi);
    if (abi >= 4) {
        attr.handled_access_net = 3; /* BIND_TCP, CONNECT_TCP */
        size = 2 * sizeof(uint64_t);
    }
    if (abi >= 6) {
        attr.scoped = 3; /* abstract unix sockets, signals */
        size = 3 * sizeof(uint64_t);
    }
    return (int)syscall(SYS_landlock_create_ruleset, &attr, size, 0u);
}

static void allow(int ruleset, const char *path, uint64_t rights)
{
    struct landlock_path_beneath_attr beneath = {.allowed_access = rights};
    struct stat st;

    beneath.parent_fd = open(path, O_PATH | O_CLOEXEC);
    if (beneath.parent_fd < 0)
        return;
    if (fstat(beneath.parent_fd, &st) == 0 && !S_ISDIR(st.st_mode))
        beneath.allowed_access &=
            RIGHT_EXECUTE | RIGHT_WRITE_FILE | RIGHT_READ_FILE | RIGHT_TRUNCATE | RIGHT_IOCTL_DEV;
    /* one that cannot be added only means less access */
    (void)syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0u);
    close(beneath.parent_fd);
}

void qr_landlock_allow_read(int ruleset, const char *path)
{
    allow(ruleset, path, RIGHT_EXECUTE | RIGHT_READ_FILE | RIGHT_READ_DIR);
}

void qr_landlock_allow_all(int ruleset, const char *path, int abi)
{
    allow(ruleset, path,
          rights_of(abi) & ~(uint64_t)(RIGHT_MAKE_CHAR | RIGHT_MAKE_BLOCK | RIGHT_IOCTL_DEV));
}

void qr_landlock_allow_device(int ruleset, const char *path)
{
    allow(ruleset, path, RIGHT_READ_FILE | RIGHT_WRITE_FILE);
}

bool qr_landlock_enter(int ruleset)
{
    return syscall(SYS_landlock_restrict_self, ruleset, 0u) == 0;
}
