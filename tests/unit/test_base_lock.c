/* Locks. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/lock.h"

/* As NFS does it when told to: whoever locks a file exclusively must be able to write to it. */
static bool as_nfs;

int flock(int fd, int operation)
{
	if (as_nfs && operation & LOCK_EX && (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY) {
		errno = EBADF;
		return -1;
	}
	return (int)syscall(SYS_flock, fd, operation);
}

static void locks_on_nfs(void **state)
{
	int dir = *(int *)*state;

	as_nfs = true;
	cleanup_fd int a = lock_take(dir, "nfs", LOCK_EXCLUSIVE, NULL);
	assert_true(a >= 0);
	assert_int_equal(lock_try(dir, "nfs", LOCK_SHARED), -1);
	assert_int_equal(lock_take(dir, ".", LOCK_EXCLUSIVE, NULL), -1); /* and does not try for ever */
	as_nfs = false;
}

static void one_writer_or_many_readers(void **state)
{
	int dir = *(int *)*state;
	cleanup_fd int a = lock_take(dir, "l", LOCK_SHARED, NULL);
	cleanup_fd int b = lock_try(dir, "l", LOCK_SHARED);

	assert_true(a >= 0 && b >= 0);
	assert_int_equal(fcntl(a, F_GETFD), FD_CLOEXEC);
	assert_int_equal(lock_try(dir, "l", LOCK_EXCLUSIVE), -1);
	assert_int_equal(errno, EWOULDBLOCK);
	close_fd(&a);
	close_fd(&b);
	a = lock_try(dir, "l", LOCK_EXCLUSIVE);
	assert_true(a >= 0);
	assert_int_equal(lock_try(dir, "l", LOCK_SHARED), -1);
	b = lock_take(dir, ".", LOCK_EXCLUSIVE, NULL);
	assert_true(b >= 0);
}

static void errors_and_links(void **state)
{
	int dir = *(int *)*state;
	struct err e = ERR_INIT;

	assert_int_equal(lock_take(dir, "no/l", LOCK_SHARED, &e), -1);
	assert_int_equal(e.kind, ERR_NOT_FOUND);
	assert_int_equal(symlinkat("elsewhere", dir, "link"), 0);
	assert_int_equal(lock_take(dir, "link", LOCK_SHARED, &e), -1);
	assert_int_equal(e.sys, ELOOP);
}

/* Who waits for a file that is removed and made again must end up with the new one. */
static void a_removed_file_is_not_locked(void **state)
{
	int dir = *(int *)*state, status;
	int held = lock_take(dir, "gone", LOCK_EXCLUSIVE, NULL);
	pid_t pid = fork();

	if (!pid) {
		struct stat mine, named;
		int fd;
		close(held);
		alarm(10);
		fd = lock_take(dir, "gone", LOCK_EXCLUSIVE, NULL);
		_exit(fd < 0 || fstat(fd, &mine) || fstatat(dir, "gone", &named, 0) ||
		        mine.st_ino != named.st_ino);
	}
	usleep(50000);
	assert_int_equal(unlinkat(dir, "gone", 0), 0);
	close(held);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        {"one_writer_or_many_readers", one_writer_or_many_readers, NULL, NULL, NULL},
	        {"locks_on_nfs", locks_on_nfs, NULL, NULL, NULL},
	        {"errors_and_links", errors_and_links, NULL, NULL, NULL},
	        {"a_removed_file_is_not_locked", a_removed_file_is_not_locked, NULL, NULL, NULL},
	};
	char path[] = "/tmp/tare-test-XXXXXX";
	struct CMUnitTest with_dir[4];
	int dir, failed;

	if (!mkdtemp(path))
		return 1;
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < 4; i++) {
		with_dir[i] = tests[i];
		with_dir[i].initial_state = &dir;
	}
	failed = cmocka_run_group_tests(with_dir, NULL, NULL);
	close(dir);
	return failed || remove_tree_at(AT_FDCWD, path);
}
