/* What a display shows of running containers: rows, samples, what was before, and signals to single
 * processes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <signal.h>
#include <sys/resource.h>

#include "base/proc.h"
#include "engine/store/event_log.h"
#include "tests/unit/display_box.h"

static void sample(struct display *d, const char *name, struct tare_stats *out)
{
	const char *id = display_id(d, name);

	engine_ok(d, d->engine->sample(d->engine, &id, 1, out, &d->e));
}

static size_t open_descriptors(void)
{
	size_t n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void samples_follow_the_runs(void **state)
{
	struct display *d = *state;
	struct tare_stats a, b;

	display_needs_root();
	display_run(d, "box", "while :; do :; done", "--network", "none");
	size_t before = open_descriptors();
	sample(d, "box", &a);
	assert_true(a.time > 0 && a.memory > 0 && a.pids >= 1);
	size_t kept = open_descriptors();
	display_nap(100);
	sample(d, "box", &b);
	assert_true(b.cpu_ns > a.cpu_ns && b.time > a.time);
	assert_int_equal(open_descriptors(), kept); /* nothing is opened anew */
	tare_ok(d, "stop", "-t", "0", "box");
	sample(d, "box", &b);
	assert_int_equal(b.time, 0);
	assert_int_equal(open_descriptors(), before); /* and nothing stays */
	tare_ok(d, "start", "box");
	sample(d, "box", &b);
	assert_true(b.time > 0 && b.cpu_ns < a.cpu_ns + 2000000000u);
	assert_int_equal(d->engine->sample(d->engine, NULL, 0, NULL, &d->e), 0); /* nobody asks any more */
	assert_int_equal(open_descriptors(), before);
}

/* The host's traffic is nobody's, also by way of another container. */
static void figures_of_the_hosts_network_are_no_containers(void **state)
{
	struct display *d = *state;
	struct tare_stats s;

	display_needs_root();
	display_run(d, "hosted", SLEEP_FOR_EVER, "--network", "host");
	display_run(d, "guest", SLEEP_FOR_EVER, "--network", "container:hosted");
	display_run(d, "alone", SLEEP_FOR_EVER, "--network", "none");
	display_run(d, "pair", SLEEP_FOR_EVER, "--network", "container:alone");
	sample(d, "hosted", &s);
	assert_true(s.time > 0 && s.net_rx == UINT64_MAX);
	sample(d, "guest", &s);
	assert_true(s.time > 0 && s.net_rx == UINT64_MAX);
	sample(d, "alone", &s);
	assert_true(s.time > 0 && s.net_rx == 0);
	sample(d, "pair", &s);
	assert_true(s.time > 0 && s.net_rx == 0);
	/* one without figures of a network is found to have ended, too */
	sample(d, "hosted", &s);
	tare_ok(d, "stop", "-t", "0", "hosted");
	sample(d, "hosted", &s);
	assert_int_equal(s.time, 0);
}

/* With few descriptors they are opened each time instead of kept. */
static void few_descriptors_are_enough(void **state)
{
	struct display *d = *state;
	struct rlimit old, few;
	struct tare_stats s;
	const char *id;

	display_needs_root();
	display_run(d, "box", SLEEP_FOR_EVER, "--network", "none");
	id = display_id(d, "box");
	getrlimit(RLIMIT_NOFILE, &old);
	few = (struct rlimit){24, old.rlim_max};
	setrlimit(RLIMIT_NOFILE, &few);
	struct tare_engine *engine = tare_engine_linux(d->root, d->state, &d->e);
	int rc = engine ? engine->sample(engine, &id, 1, &s, &d->e) : -1;
	setrlimit(RLIMIT_NOFILE, &old);
	assert_int_equal(rc, 0);
	size_t n = open_descriptors();
	assert_int_equal(engine->sample(engine, &id, 1, &s, &d->e), 0);
	assert_true(s.time > 0 && s.memory > 0);
	assert_int_equal(open_descriptors(), n);
	engine->close(engine);
}

static void a_look_is_a_row_of_the_list(void **state)
{
	struct display *d = *state;
	struct tare_container row;
	struct tare_stats past[8];
	struct tare_pressure p;

	display_needs_root();
	display_run(d, "box", SLEEP_FOR_EVER, "-l", "a=b");
	engine_ok(d, d->engine->look(d->engine, "box", &row, &d->e));
	assert_string_equal(row.name, "box");
	assert_int_equal(row.state, TARE_RUNNING);
	assert_true(row.pid > 1);
	tare_container_free(&row);
	assert_true(d->engine->history(d->engine, "box", past, 8, &d->e) >= 0);
	assert_int_equal(d->engine->history(d->engine, "box", past, 0, &d->e), 0);
	engine_ok(d, d->engine->pressure(d->engine, "box", &p, &d->e));
	engine_ok(d, d->engine->pressure(d->engine, NULL, &p, &d->e));
	assert_int_equal(d->engine->look(d->engine, "nobody", &row, &d->e), -1);
	assert_int_equal(d->e.kind, ERR_NOT_FOUND);
	tare_ok(d, "stop", "-t", "0", "box");
	assert_int_equal(d->engine->history(d->engine, "box", past, 8, &d->e), 0);
	assert_int_equal(d->engine->pressure(d->engine, "box", &p, &d->e), -1);
	assert_int_equal(d->e.kind, ERR_CONFLICT);
}

static bool refused(struct display *d, const char *name, pid_t pid, int sig)
{
	return d->engine->process_signal(d->engine, name, pid, sig, &d->e) == -1;
}

/* Nothing outside of the container is signalled: not this process, not the host's first, not a neighbour. */
static void only_its_own_processes_are_signalled(void **state)
{
	struct display *d = *state;

	display_needs_root();
	display_run(d, "box", SLEEP_FOR_EVER);
	display_run(d, "other", SLEEP_FOR_EVER);
	pid_t box = display_pid(d, "box"), other = display_pid(d, "other");
	struct proc_id neighbour;
	assert_int_equal(proc_id_of(other, &neighbour), 0);
	pid_t child = fork();
	if (child == 0) {
		alarm(20); /* should a failure leave it behind */
		pause();
		_exit(0);
	}
	assert_true(refused(d, "box", getpid(), SIGCONT));
	assert_int_equal(d->e.kind, ERR_NOT_FOUND);
	assert_true(refused(d, "box", child, SIGKILL));
	assert_true(refused(d, "box", other, SIGKILL));
	assert_true(refused(d, "box", 1, SIGCONT));
	assert_true(refused(d, "box", 0, SIGCONT));
	assert_true(refused(d, "box", -1, SIGCONT));
	assert_true(refused(d, "box", -box, SIGCONT));
	assert_true(refused(d, "box", box, 0));
	assert_true(refused(d, "box", box, 4711));
	assert_true(refused(d, "nobody", box, SIGTERM));
	display_nap(50);
	assert_int_equal(waitpid(child, NULL, WNOHANG), 0); /* it lives */
	assert_true(proc_alive(&neighbour));
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	assert_true(refused(d, "box", child, SIGKILL)); /* it is gone */
	assert_int_equal(d->engine->process_signal(d->engine, "box", box, SIGKILL, &d->e), 0);
	struct tare_stats s;
	eventually((sample(d, "box", &s), s.time == 0));
	assert_true(refused(d, "box", box, SIGKILL)); /* stopped */
}

static int count(json *event, void *arg)
{
	unsigned *n = arg;

	(void)event;
	return ++*n, 0;
}

static void a_watch_tells_what_changed(void **state)
{
	struct display *d = *state;
	struct tare_watch *w;
	unsigned n = 0;

	display_needs_root();
	engine_ok(d, d->engine->watch_open(d->engine, &w, &d->e));
	assert_int_equal(d->engine->watch_drain(d->engine, w, count, &n, &d->e), 0);
	assert_int_equal(n, 0);
	display_run(d, "box", SLEEP_FOR_EVER, "-v", "watched:/data");
	assert_int_equal(poll(&(struct pollfd){.fd = w->fd, .events = POLLIN}, 1, 5000), 1);
	int bits = d->engine->watch_drain(d->engine, w, count, &n, &d->e);
	assert_true(bits & TARE_CHANGED_VOLUMES);
	assert_true(n >= 2); /* create, start */
	tare_ok(d, "tag", "busybox", "watched:1");
	assert_true(d->engine->watch_drain(d->engine, w, count, &n, &d->e) & TARE_CHANGED_IMAGES);
	tare_ok(d, "rmi", "watched:1");
	d->engine->watch_drain(d->engine, w, count, &n, &d->e);
	/* events that were rotated away unseen are made up for by another look at everything */
	const struct store *s = engine_store(d->engine);
	for (int i = 0; i < 2; i++) {
		cleanup_fd int log =
		        openat(s->state_fd, EVENT_LOG_FILE, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		assert_int_equal(ftruncate(log, EVENT_LOG_MAX), 0);
		assert_int_equal(event_log_add(s->state_fd, "{}\n", 3), 0);
		assert_int_equal(event_log_add(s->state_fd, "{}\n", 3), 0);
	}
	bits = d->engine->watch_drain(d->engine, w, count, &n, &d->e);
	assert_true(bits >= 0 && bits & TARE_CHANGED_CONTAINERS);
	assert_false(d->engine->watch_drain(d->engine, w, count, &n, &d->e) & TARE_CHANGED_CONTAINERS);
	d->engine->watch_close(d->engine, w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_teardown(samples_follow_the_runs, display_teardown),
	        cmocka_unit_test_teardown(figures_of_the_hosts_network_are_no_containers, display_teardown),
	        cmocka_unit_test_teardown(few_descriptors_are_enough, display_teardown),
	        cmocka_unit_test_teardown(a_look_is_a_row_of_the_list, display_teardown),
	        cmocka_unit_test_teardown(only_its_own_processes_are_signalled, display_teardown),
	        cmocka_unit_test_teardown(a_watch_tells_what_changed, display_teardown),
	};

	return cmocka_run_group_tests(tests, display_group_setup, display_group_teardown);
}
