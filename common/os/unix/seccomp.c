#include "common/os/unix/seccomp.h"

#include <errno.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <unistd.h>

/* Harmless: memory, time, the descriptors the process already has, its own end. */
static const int allowed[] = {
    SCMP_SYS(read),
    SCMP_SYS(pread64),
    SCMP_SYS(readv),
    SCMP_SYS(write),
    SCMP_SYS(writev),
    SCMP_SYS(lseek),
    SCMP_SYS(fstat),
    SCMP_SYS(close),
    SCMP_SYS(recvmsg),
    SCMP_SYS(sendmsg),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(brk),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(futex),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_getres),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(nanosleep),
    SCMP_SYS(getrusage),
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(getrandom),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(sched_yield),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(rseq),
    SCMP_SYS(membarrier),
    SCMP_SYS(set_robust_list),
};

/* What only an exploit asks for: end it at once, and let it be seen as SIGSYS. */
static const int deadly[] = {
    SCMP_SYS(execve),
    SCMP_SYS(execveat),
    SCMP_SYS(fork),
    SCMP_SYS(vfork),
    SCMP_SYS(clone),
    SCMP_SYS(clone3),
    SCMP_SYS(ptrace),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(socket),
    SCMP_SYS(socketpair),
    SCMP_SYS(connect),
    SCMP_SYS(bind),
    SCMP_SYS(listen),
    SCMP_SYS(accept),
    SCMP_SYS(accept4),
    SCMP_SYS(sendto),
    SCMP_SYS(io_uring_setup),
    SCMP_SYS(bpf),
    SCMP_SYS(userfaultfd),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(keyctl),
    SCMP_SYS(add_key),
    SCMP_SYS(request_key),
    SCMP_SYS(mount),
    SCMP_SYS(umount2),
    SCMP_SYS(pivot_root),
    SCMP_SYS(chroot),
    SCMP_SYS(unshare),
    SCMP_SYS(setns),
    SCMP_SYS(init_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(kexec_load),
    SCMP_SYS(reboot),
    SCMP_SYS(memfd_create),
    SCMP_SYS(pidfd_getfd),
};

static int add_plain(scmp_filter_ctx ctx, uint32_t action, const int *calls, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int rc = seccomp_rule_add(ctx, action, calls[i], 0);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* Calls that depend on an argument. */
static int add_checked(scmp_filter_ctx ctx)
{
    const scmp_datum_t exec = PROT_EXEC;
    const scmp_datum_t self = (scmp_datum_t)getpid();
    int rc;

    /* memory, but never code; and never shared memory, which the limit on data does not count */
    rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 2,
                          SCMP_A2(SCMP_CMP_MASKED_EQ, exec, 0),
                          SCMP_A3(SCMP_CMP_MASKED_EQ, MAP_SHARED, 0));
    if (rc == 0)
        rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
                              SCMP_A2(SCMP_CMP_MASKED_EQ, exec, 0));
    /* abort() signals the process itself */
    if (rc == 0)
        rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, SCMP_A0(SCMP_CMP_EQ, self));
    return rc;
}

/* Reports of the sanitizers look around in /proc and at the terminal before the process ends. */
static int add_sanitizer(scmp_filter_ctx ctx)
{
    static const int calls[] = {SCMP_SYS(prctl), SCMP_SYS(sched_getaffinity), SCMP_SYS(getrlimit),
                                SCMP_SYS(prlimit64), SCMP_SYS(dup2)};
    return add_plain(ctx, SCMP_ACT_ALLOW, calls, QR_COUNT(calls));
}

int qr_seccomp_enter(bool sanitized, struct qr_err *err)
{
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));

    if (!ctx)
        return qr_fail(err, QR_E_INTERNAL, "seccomp: no filter");
    int rc = add_plain(ctx, SCMP_ACT_ALLOW, allowed, QR_COUNT(allowed));
    if (rc == 0)
        rc = add_plain(ctx, SCMP_ACT_KILL_PROCESS, deadly, QR_COUNT(deadly));
    if (rc == 0)
        rc = add_checked(ctx);
    if (rc == 0 && sanitized)
        rc = add_sanitizer(ctx);
    if (rc == 0)
        rc = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a binary tree of calls */
    if (rc == 0)
        rc = seccomp_load(ctx);
    seccomp_release(ctx);
    if (rc < 0)
        return qr_fail_errno(err, QR_E_INTERNAL, -rc, "load seccomp filter");
    return QR_OK;
}

/* What no program that reads a file needs: other sockets than a pair of its own, and ways to leave
 * its process group, to look into other processes, or to come nearer to the kernel. Each fails; an
 * honest program goes on without. */
static const int refused[] = {
    SCMP_SYS(socket),
    SCMP_SYS(setsid),
    SCMP_SYS(setpgid),
    SCMP_SYS(ptrace),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(pidfd_getfd),
    SCMP_SYS(bpf),
    SCMP_SYS(userfaultfd),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(keyctl),
    SCMP_SYS(add_key),
    SCMP_SYS(request_key),
    SCMP_SYS(mount),
    SCMP_SYS(umount2),
    SCMP_SYS(pivot_root),
    SCMP_SYS(chroot),
    SCMP_SYS(unshare),
    SCMP_SYS(setns),
    SCMP_SYS(init_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(kexec_load),
    SCMP_SYS(open_by_handle_at),
    SCMP_SYS(fsopen),
    SCMP_SYS(move_mount),
    SCMP_SYS(reboot),
    SCMP_SYS(setuid),
    SCMP_SYS(setgid),
    SCMP_SYS(setresuid),
    SCMP_SYS(setresgid),
};

int qr_seccomp_enter_program(struct qr_err *err)
{
    const scmp_datum_t namespaces = 0x7e020000u; /* CLONE_NEW*, sched.h */
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);

    if (!ctx)
        return qr_fail(err, QR_E_INTERNAL, "seccomp: no filter");
    int rc = add_plain(ctx, SCMP_ACT_ERRNO(EPERM), refused, QR_COUNT(refused));
    /* no such call: libraries then use the older one */
    if (rc == 0)
        rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
    if (rc == 0)
        rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(io_uring_setup), 0);
    for (unsigned bit = 0; rc == 0 && bit < 32; bit++)
        if (namespaces & (1u << bit))
            rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
                                  SCMP_A0(SCMP_CMP_MASKED_EQ, 1u << bit, 1u << bit));
    if (rc == 0)
        rc = seccomp_load(ctx);
    seccomp_release(ctx);
    if (rc < 0)
        return qr_fail_errno(err, QR_E_INTERNAL, -rc, "load seccomp filter");
    return QR_OK;
}
