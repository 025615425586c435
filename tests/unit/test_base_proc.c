/* Processes, programs and signals. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/proc.h"

static void identity_survives_odd_names_and_death(void **state)
{
	struct proc_id id, self;
	int status;

	(void)state;
	prctl(PR_SET_NAME, ") Z 1 (");
	assert_int_equal(proc_id_of(getpid(), &self), 0);
	assert_true(self.start_time > 0);
	assert_true(proc_alive(&self));
	struct proc_id other = {self.pid, self.start_time + 1};
	assert_false(proc_alive(&other));
	assert_int_equal(proc_open(&other), -1);
	assert_int_equal(errno, ESRCH);
	pid_t pid = fork();
	if (!pid) {
		pause();
		_exit(0);
	}
	assert_int_equal(proc_id_of(pid, &id), 0);
	cleanup_fd int fd = proc_open(&id);
	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(pidfd_signal(fd, SIGKILL), 0);
	/* A zombie counts as gone. */
	siginfo_t info;
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	assert_false(proc_alive(&id));
	assert_int_equal(proc_open(&id), -1);
	assert_int_equal(errno, ESRCH);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(proc_id_of(pid, &id), -1);
	assert_int_equal(errno, ESRCH);
	assert_int_equal(pidfd_open_pid(pid), -1);
	assert_int_equal(proc_id_of(0, &id), -1);
	assert_int_equal(proc_id_of(-1, &id), -1);
	struct proc_id none = {0, 0};
	assert_int_equal(proc_open(&none), -1);
	assert_int_equal(errno, ESRCH);
}

static void boot_has_an_id(void **state)
{
	(void)state;
	assert_int_equal(strlen(boot_id()), 36);
	assert_ptr_equal(boot_id(), boot_id());
}

static void own_programs_are_found_beside(void **state)
{
	char exe[4096], path[4096], tiny[4];
	struct err e = ERR_INIT;
	ssize_t len = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	(void)state;
	exe[len] = '\0';
	const char *name = strrchr(exe, '/') + 1;
	assert_int_equal(helper_path(name, path, sizeof(path), &e), 0);
	assert_string_equal(path, exe);
	assert_int_equal(data_path(name, path, sizeof(path), &e), 0);
	assert_string_equal(path, exe);
	assert_int_equal(helper_path(name, tiny, sizeof(tiny), &e), -1);
	assert_int_equal(helper_path("no-such-helper", path, sizeof(path), &e), -1);
	assert_int_equal(e.kind, ERR_NOT_FOUND);
	static const char *const bad[] = {"", "/bin/sh", "../x", "a/../../x", "profiles/.."};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(data_path(bad[i], path, sizeof(path), &e), -1);
}

static int run(const char *script, struct buf *out, int keep, int *status)
{
	char *argv[] = {"/bin/sh", "-c", (char *)script, NULL};
	struct spawn s = {.argv = argv, .out = out, .keep_fd = keep};

	return spawn_wait(&s, status, NULL);
}

static void children_run(void **state)
{
	cleanup_buf struct buf out = BUF_INIT;
	cleanup_fd int keep = open("/dev/null", O_WRONLY | O_CLOEXEC);
	cleanup_fd int hidden = open("/dev/null", O_WRONLY | O_CLOEXEC);
	char script[128];
	int status;

	(void)state;
	assert_int_equal(run("cat; echo hello; exit 3", &out, -1, &status), 0);
	assert_int_equal(WEXITSTATUS(status), 3);
	assert_string_equal(buf_str(&out), "hello\n");
	assert_int_equal(run("echo dropped", NULL, -1, &status), 0);
	snprintf(
	        script, sizeof(script), "[ -e /proc/self/fd/%d ] && [ ! -e /proc/self/fd/%d ]", keep, hidden);
	assert_int_equal(run(script, NULL, keep, &status), 0);
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(fcntl(keep, F_GETFD), FD_CLOEXEC);
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(run("kill -PIPE $$; exit 0", NULL, -1, &status), 0);
	assert_true(WIFSIGNALED(status));
	signal(SIGPIPE, SIG_DFL);
}

static void endless_output_is_cut(void **state)
{
	cleanup_buf struct buf out = BUF_INIT_MAX(1000);
	struct err e = ERR_INIT;
	char *argv[] = {"/bin/sh", "-c", "exec yes", NULL}, *none[] = {"/no/such/program", NULL};
	struct spawn s = {.argv = argv, .out = &out, .keep_fd = -1};
	int status;

	(void)state;
	alarm(10);
	assert_int_equal(spawn_wait(&s, &status, &e), -1);
	assert_int_equal(e.sys, EFBIG);
	alarm(0);
	s.argv = none;
	assert_int_equal(spawn_wait(&s, &status, &e), -1);
	assert_int_equal(e.kind, ERR_NOT_FOUND);
}

static void signals_have_names(void **state)
{
	(void)state;
	assert_int_equal(signal_parse("TERM"), 15);
	assert_int_equal(signal_parse("SIGTERM"), 15);
	assert_int_equal(signal_parse("sigkill"), 9);
	assert_int_equal(signal_parse("15"), 15);
	assert_int_equal(signal_parse("RTMIN"), 34);
	assert_int_equal(signal_parse("RTMIN+3"), 37);
	assert_int_equal(signal_parse("SIGRTMAX-1"), 63);
	assert_int_equal(signal_parse("CLD"), SIGCHLD);
	assert_int_equal(signal_parse("IOT"), SIGABRT);
	for (int i = 1; i <= 64; i++)
		assert_int_equal(signal_parse(signal_name(i)), i);
	static const char *const bad[] = {"", "SIG", "0", "65", "-9", "FOO", "TERM ", "RTMIN+", "RTMIN+31",
	        "RTMIN-1", "RTMAX+1", "RTMAX--1", "RTMIN+-0", "99999999999999999999", "9x"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (signal_parse(bad[i]) != -1)
			fail_msg("\"%s\" was taken for a signal", bad[i]);
	assert_string_equal(signal_name(9), "SIGKILL");
	assert_string_equal(signal_name(34), "SIG34");
	assert_string_equal(signal_name(0), "SIG?");
	assert_string_equal(signal_name(-1), "SIG?");
	assert_string_equal(signal_name(65), "SIG?");
}

static void clocks_go_on(void **state)
{
	int64_t before = now_boottime();

	(void)state;
	assert_true(now_boottime() >= before);
	assert_true(now_realtime() > INT64_C(1600000000000000000));
}

static bool has_sys_resource(void)
{
	char text[4096];
	cleanup_fd int fd = open("/proc/thread-self/status", O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, text, sizeof text - 1);
	assert_true(n > 0);
	text[n] = '\0';
	const char *line = strstr(text, "CapEff:");
	assert_non_null(line);
	return strtoull(line + strlen("CapEff:"), NULL, 16) >> 24 & 1;
}

static void limits_are_obeyed_for_a_while(void **state)
{
	bool before = has_sys_resource();

	(void)state;
	obey_quotas(true);
	assert_false(has_sys_resource());
	obey_quotas(false);
	assert_int_equal(has_sys_resource(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(identity_survives_odd_names_and_death),
	        cmocka_unit_test(limits_are_obeyed_for_a_while),
	        cmocka_unit_test(boot_has_an_id),
	        cmocka_unit_test(own_programs_are_found_beside),
	        cmocka_unit_test(children_run),
	        cmocka_unit_test(endless_output_is_cut),
	        cmocka_unit_test(signals_have_names),
	        cmocka_unit_test(clocks_go_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
