/* Where the calls go that the C library has no function for. */
#include <errno.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/arm64/emulated.h"

long __wrap_syscall(long number, ...)
{
	long a[6], result;
	va_list ap;

	va_start(ap, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	switch (number) {
	case SYS_openat2:
		return openat2_walked((int)a[0], (const char *)a[1], (const struct open_how *)a[2]);
	case SYS_clone3:
		return clone3_by_fork((const struct clone_args *)a[0]);
	case SYS_execveat:
		return execveat_emulated(a);
	case SYS_close_range:
		if ((unsigned)a[1] >= FD_HIGH)
			a[1] = FD_HIGH - 1;
		return __real_syscall(number, a[0], a[1], a[2]);
	case SYS_seccomp: /* see filter.c */
		return 0;
	default:
		result = __real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
		return result < 0 && errno == ENOSYS ? native_call(number, a) : result;
	}
}
