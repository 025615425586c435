/* Filters of system calls are taken and not applied: their numbers are arm64's, and the emulator's own calls
 * are not. A test that wants to see one refuse has its row in not-emulated.tsv. And native.c has made who is
 * started by run-unit the one that the orphans of its children come to. */
#include <seccomp.h>
#include <stdarg.h>
#include <sys/prctl.h>

int __real_prctl(int option, ...);
int __wrap_prctl(int option, ...);
int __wrap_seccomp_load(const scmp_filter_ctx ctx);

int __wrap_prctl(int option, ...)
{
	unsigned long a[4];
	va_list ap;

	va_start(ap, option);
	for (int i = 0; i < 4; i++)
		a[i] = va_arg(ap, unsigned long);
	va_end(ap);
	if (option == PR_SET_SECCOMP || option == PR_SET_CHILD_SUBREAPER)
		return 0;
	return __real_prctl(option, a[0], a[1], a[2], a[3]);
}

int __wrap_seccomp_load(const scmp_filter_ctx ctx)
{
	(void)ctx;
	return 0;
}
