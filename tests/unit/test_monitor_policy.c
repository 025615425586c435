/* What the monitor runs beside the container, and after it: health checks, clean-up, the next start. */
#include "tests/unit/monitor_rig.h"

#include "engine/monitor/handoff_table.h"

/* The container runs until a script has made $0/end. */
static void await_end(void *arg)
{
	char path[96];
	const struct rig *r = arg;

	snprintf(path, sizeof(path), "%s/end", r->dir);
	while (access(path, F_OK) != 0)
		usleep(1000);
	_exit(7);
}

static void says_hello(void *arg)
{
	(void)arg;
	dprintf(1, "hello\n");
	_exit(7);
}

static void read_note(const struct rig *r, const char *name, char *dst, size_t size)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", r->dir, name);
	assert_true(file_read_small(AT_FDCWD, path, dst, size) >= 0);
}

/* ------------------------------------------------------------------ the hand-over */

static char *args_of(struct monitor_handoff *h, char **argv, int *argc)
{
	static char text[8192];
	int p[2];
	char *at = text;
	ssize_t n;

	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	if (fork() == 0) {
		dup2(p[1], 1);
		h->program = "/bin/sh";
		/* $0 is the container's id: the shell runs that file */
		monitor_exec(h, NULL);
		_exit(1);
	}
	close(p[1]);
	n = read_full(p[0], text, sizeof(text) - 1);
	close(p[0]);
	assert_true(n > 0);
	wait(NULL);
	for (*argc = 0; at < text + n; at += strlen(at) + 1)
		argv[(*argc)++] = at;
	argv[*argc] = NULL;
	return text;
}

/* All commands arrive word by word, whatever words they have: "--" and "health=2" too. */
static void test_commands_are_handed_over(void **state)
{
	static const char *cleanup[] = {"/bin/a", "--", "health=2", NULL};
	static const char *health[] = {"/bin/b", "", NULL};
	static const char *restart[] = {"/bin/c", "--root", "restart=1", NULL};
	char script[] = "/dev/shm/tare-test-args.XXXXXX";
	struct monitor_handoff parsed = {0}, h = {.id = script,
	                                             .pid = 4,
	                                             .pidfd = -1,
	                                             .state_fd = -1,
	                                             .container_fd = -1,
	                                             .listen_fd = -1,
	                                             .out_fd = -1,
	                                             .err_fd = -1,
	                                             .in_fd = -1,
	                                             .terminal_fd = -1,
	                                             .client_fd = -1,
	                                             .hold_fd = -1,
	                                             .nft_fd = -1,
	                                             .health_interval_ms = 30000,
	                                             .health_limit_ms = 4000000000u,
	                                             .cleanup_always = true,
	                                             .cleanup_argv = cleanup,
	                                             .health_argv = health,
	                                             .restart_argv = restart};
	char *argv[128];
	int argc, fd = mkstemp(script);

	(void)state;
	dprintf(fd, "printf '%%s\\0' tare-monitor \"$0\" \"$@\"\n");
	close(fd);
	args_of(&h, argv, &argc);
	unlink(script);
	assert_int_equal(monitor_handoff_parse(&parsed, argc, argv), 0);
	assert_int_equal(parsed.pid, 4);
	assert_int_equal(parsed.pidfd, -1);
	assert_int_equal(parsed.health_interval_ms, 30000);
	assert_int_equal(parsed.health_limit_ms, 4000000000u);
	assert_true(parsed.cleanup_always && !parsed.adopted);
	for (int i = 0; i < 4; i++) {
		assert_true(
		        !cleanup[i] ? !parsed.cleanup_argv[i] : !strcmp(parsed.cleanup_argv[i], cleanup[i]));
		assert_true(
		        !restart[i] ? !parsed.restart_argv[i] : !strcmp(parsed.restart_argv[i], restart[i]));
	}
	assert_string_equal(parsed.health_argv[0], "/bin/b");
	assert_string_equal(parsed.health_argv[1], "");
	assert_null(parsed.health_argv[2]);
}

static void test_nonsense_is_refused(void **state)
{
	char *bad[][6] = {
	        {"m", "id", "--", "cleanup=2", "one", NULL},
	        {"m", "id", "--", "cleanup=0", NULL},
	        {"m", "id", "--", "cleanup=", "one", NULL},
	        {"m", "id", "--", "cleanup=99999999999999999999", "one", NULL},
	        {"m", "id", "--", "other=1", "one", NULL},
	        {"m", "id", "pid=x", "--", NULL},
	        {"m", "id", "nonsense=1", "--", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct monitor_handoff h = {0};
		int argc = 0;

		while (bad[i][argc])
			argc++;
		assert_int_equal(monitor_handoff_parse(&h, argc, bad[i]), -1);
	}
}

/* ------------------------------------------------------------------ health */

/* Eight runs, none beside another; the first four are within the start period. What `starting` waits is so
 * short, and what comes after so long, that the order of the two shows. */
static void test_health_runs_one_at_a_time(void **state)
{
	struct rig r;
	struct rig_options o = {.child = await_end,
	        .arg = &r,
	        .health = "[ ! -e $0/end ] || exit 0\n"
	                  "mkdir $0/busy || echo overlap >>$0/runs\n"
	                  "sleep 0.01\n"
	                  "echo run >>$0/runs\n"
	                  "rmdir $0/busy\n"
	                  "n=$(wc -l <$0/runs)\n"
	                  "[ $n -lt 8 ] || : >$0/end\n"
	                  "[ $n -gt 4 ] || exit 3\n"
	                  "exit 1\n",
	        .health_interval_ms = 5,
	        .health_start_interval_ms = 1};
	char runs[128];

	(void)state;
	rig_start(&r, &o);
	rig_end(&r);
	read_note(&r, "runs", runs, sizeof(runs));
	assert_memory_equal(runs, "run\nrun\nrun\nrun\nrun\nrun\nrun\nrun", 31);
	assert_null(strstr(runs, "overlap"));
	assert_true(rig_cleanup_ran(&r));
	rig_remove(&r);
}

/* One that hangs, and everything that it has started, is killed at its limit; the next one is run. */
static void test_hanging_health_is_killed(void **state)
{
	struct rig r;
	struct rig_options o = {.child = await_end,
	        .arg = &r,
	        .health = "if [ -e $0/second ]; then : >$0/end; exit 0; fi\n"
	                  ": >$0/second\n"
	                  "sleep 30 & echo $! >$0/sleeper; wait\n"
	                  ": >$0/survived\n",
	        .health_interval_ms = 1,
	        .health_start_interval_ms = 1,
	        .health_limit_ms = 100};
	char pid[32], survived[128];

	(void)state;
	rig_start(&r, &o);
	rig_end(&r);
	/* The limit may have come before the script could say whom it started. */
	char path[128];
	snprintf(path, sizeof(path), "%s/sleeper", r.dir);
	snprintf(survived, sizeof(survived), "%s/survived", r.dir);
	assert_int_equal(access(survived, F_OK), -1);
	struct proc_id sleeper;
	if (file_read_small(AT_FDCWD, path, pid, sizeof(pid)) > 0)
		while (proc_id_of((pid_t)atoi(pid), &sleeper) == 0)
			usleep(1000);
	rig_remove(&r);
}

/* A container may end while it is asked for its health. */
static void test_end_beside_health(void **state)
{
	struct rig r;
	struct rig_options o = {.child = says_hello,
	        .health = "sleep 0.05; exit 127",
	        .health_interval_ms = 1,
	        .health_start_interval_ms = 1};
	struct exit_record x;

	(void)state;
	rig_start(&r, &o);
	rig_end(&r);
	assert_int_equal(exit_record_read(r.state_fd, &x), 0);
	assert_int_equal(x.code, 7);
	rig_remove(&r);
}

/* ------------------------------------------------------------------ restart */

/* The monitor becomes the next start after the wait that clean-up asked for: the same process, without a
 * descriptor, a signal's treatment or a protection of a monitor. */
static void test_restart(void **state)
{
	struct rig r;
	struct rig_options o = {.child = says_hello,
	        .cleanup = "echo cleaned >$0/marker; exit 101",
	        .restart = "echo $$ >$0/pid\n"
	                   "readlink /proc/$$/fd/* >$0/fds\n"
	                   "grep -E '^Sig(Blk|Ign)' /proc/self/status >$0/signals\n"
	                   "cat /proc/$$/oom_score_adj >$0/score\n"};
	char text[512], score[16], ours[16];
	int64_t before = now_boottime();
	unsigned long long mask;
	struct exit_record x;

	(void)state;
	assert_true(file_read_small(AT_FDCWD, "/proc/self/oom_score_adj", ours, sizeof(ours)) > 0);
	rig_start(&r, &o);
	rig_end(&r);
	assert_true(now_boottime() - before >= 200000000);
	assert_true(rig_cleanup_ran(&r));
	assert_int_equal(exit_record_read(r.state_fd, &x), 0);
	assert_int_equal(x.code, 7);
	read_note(&r, "pid", text, sizeof(text));
	assert_int_equal(atoi(text), r.monitor);
	read_note(&r, "fds", text, sizeof(text));
	/* the shell's own copies of these among them */
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		assert_true(!strcmp(line, "/dev/null") || strstr(line, "/fds"));
	read_note(&r, "signals", text, sizeof(text));
	assert_int_equal(sscanf(text, "SigBlk: %llx", &mask), 1);
	assert_int_equal(mask, 0);
	assert_int_equal(sscanf(strchr(text, '\n') + 1, "SigIgn: %llx", &mask), 1);
	/* but for the C library's own, which no program may set, and which a caller may have ignored */
	assert_int_equal(mask & ~(7ull << (32 - 1)), 0);
	read_note(&r, "score", score, sizeof(score));
	assert_string_equal(score, ours);
	rig_remove(&r);
}

/* Who kills the clean-up, for want of memory perhaps, has not called the restart off. */
static void test_killed_cleanup_is_run_again(void **state)
{
	struct rig r;
	struct rig_options o = {.child = says_hello,
	        .cleanup = "[ -e $0/tried ] || { >$0/tried; kill -9 $$; }; exit 100",
	        .restart = "echo cleaned >$0/marker"};

	(void)state;
	rig_start(&r, &o);
	rig_end(&r);
	assert_true(rig_cleanup_ran(&r));
	rig_remove(&r);
}

/* Only the codes that say so, and only where there is something to become. */
static void test_no_restart(void **state)
{
	static const char *const codes[] = {"exit 0", "exit 99", "exit 111", "kill -9 $$"};
	struct rig r;

	(void)state;
	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++) {
		struct rig_options o = {
		        .child = says_hello, .cleanup = codes[i], .restart = "echo cleaned >$0/marker"};

		rig_start(&r, &o);
		rig_end(&r);
		assert_false(rig_cleanup_ran(&r));
		rig_remove(&r);
	}
	rig_start(&r, &(struct rig_options){.child = says_hello, .cleanup = "exit 100"});
	rig_end(&r);
	rig_remove(&r);
}

/* Whoever is attached hears of each end when it comes, not when the policy gives up; and clean-up does not
 * wait for the caller that is attached from birth. */
static void test_restart_tells_at_once(void **state)
{
	struct rig r;
	struct rig_options o = {.child = says_hello,
	        .birth = true,
	        .cleanup = "echo cleaned >$0/marker; exit 110",
	        .restart = "exit 0",
	        .cleanup_always = true};
	struct tare_io io = {.in = -1, .out = -1, .err = -1};
	struct attach_client a = {.io = &io};
	struct exit_record x;
	enum tare_io_end end;
	int status;

	(void)state;
	rig_start(&r, &o);
	a.container_fd = r.container_fd;
	assert_int_equal(attach_client_run(r.client, &a, &end, &x, NULL), 0);
	assert_int_equal(end, TARE_IO_EXITED);
	assert_int_equal(x.code, 7);
	while (!rig_cleanup_ran(&r))
		usleep(1000);
	/* It waits for a minute now: stopping a container calls that off by killing it. */
	kill(r.monitor, SIGKILL);
	assert_int_equal(waitpid(r.monitor, &status, 0), r.monitor);
	assert_true(WIFSIGNALED(status));
	close_fd(&r.client);
	rig_remove(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_commands_are_handed_over),
	        cmocka_unit_test(test_nonsense_is_refused),
	        cmocka_unit_test(test_health_runs_one_at_a_time),
	        cmocka_unit_test(test_hanging_health_is_killed),
	        cmocka_unit_test(test_end_beside_health),
	        cmocka_unit_test(test_restart),
	        cmocka_unit_test(test_killed_cleanup_is_run_again),
	        cmocka_unit_test(test_no_restart),
	        cmocka_unit_test(test_restart_tells_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
