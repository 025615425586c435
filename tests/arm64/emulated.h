/* What qemu's user emulation (before 9.1) lacks of Linux, in the place of the C library's functions: linked
 * with
 * --wrap into the unit tests and the programs that those start; never a part of what is shipped.
 *
 * TARE_EMULATOR, TARE_EMULATOR_ROOT: qemu and the directory with the libraries, for a program of arm64 that
 * is executed. TARE_NATIVE: the program (native.c) that makes a system call for us, as our child. */
#ifndef TARE_EMULATED_H
#define TARE_EMULATED_H

#include <linux/openat2.h>
#include <linux/sched.h>

/* The descriptors of the emulator and of native.c: from here on, where no test counts and nobody closes. */
#define FD_HIGH 900

long openat2_walked(int dir, const char *path, const struct open_how *how);
long clone3_by_fork(const struct clone_args *a);
/* -1 with ENOSYS for what is not in its table */
long native_call(long number, const long a[6]);
int native_socket(int domain, int type, int protocol);
long execveat_emulated(const long a[6]);

/* Those of the C library. */
int __real_execve(const char *path, char *const argv[], char *const env[]);
long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);

#endif
