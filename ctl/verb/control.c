#include "ctl/verb/control.h"

#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

const char *qr_control_by(char *buf, size_t cap)
{
    const struct passwd *user = getpwuid(geteuid());
    char host[65] = "";

    if (gethostname(host, sizeof host - 1) != 0)
        host[0] = '\0';
    if (user)
        snprintf(buf, cap, "%.32s%s%s", user->pw_name, host[0] ? "@" : "", host);
    else
        snprintf(buf, cap, "uid %lu%s%s", (unsigned long)geteuid(), host[0] ? "@" : "", host);
    return buf;
}
