/* A container's life as its monitor sees it: output, end, clean-up. */
#include "tests/unit/monitor_rig.h"

static void says_hello(void *arg)
{
	(void)arg;
	dprintf(1, "hello\n");
	dprintf(2, "a complaint\n");
	_exit(7);
}

static void kills_itself(void *arg)
{
	(void)arg;
	raise(SIGKILL);
}

static void attach(struct rig *r, int sock, int out, int err, struct exit_record *x)
{
	struct tare_io io = {.in = -1, .out = out, .err = err};
	struct attach_client a = {.io = &io, .container_fd = r->container_fd};
	enum tare_io_end end;
	struct err e = ERR_INIT;

	if (attach_client_run(sock, &a, &end, x, &e) < 0)
		fail_msg("%s", e.msg);
	assert_int_equal(end, TARE_IO_EXITED);
}

static void test_birth_client(void **state)
{
	struct rig_options o = {.child = says_hello, .birth = true};
	cleanup_buf struct buf out = BUF_INIT, err = BUF_INIT;
	struct exit_record x, recorded;
	struct rig r;

	(void)state;
	rig_start(&r, &o);
	int of = rig_file(&r, "o"), ef = rig_file(&r, "e");
	attach(&r, r.client, of, ef, &x);
	assert_int_equal(x.code, 7);
	assert_int_equal(x.signal, 0);
	assert_int_equal(exit_record_read(r.state_fd, &recorded), 0);
	assert_int_equal(recorded.code, 7);
	assert_true(recorded.finished == x.finished && x.finished > 0);
	rig_read_file(of, &out);
	rig_read_file(ef, &err);
	assert_string_equal(buf_str(&out), "hello\n");
	assert_string_equal(buf_str(&err), "a complaint\n");
	/* We clean up: the monitor must not. */
	assert_int_equal(unlinkat(r.state_fd, "exit", 0), 0);
	rig_end(&r);
	assert_false(rig_cleanup_ran(&r));
	close(of);
	close(ef);
	rig_remove(&r);
}

static void test_nobody_attached(void **state)
{
	struct rig_options o = {.child = says_hello};
	cleanup_buf struct buf out = BUF_INIT, err = BUF_INIT;
	struct exit_record x;
	struct rig r;

	(void)state;
	rig_start(&r, &o);
	rig_end(&r);
	assert_true(rig_cleanup_ran(&r));
	assert_int_equal(exit_record_read(r.state_fd, &x), 0);
	assert_int_equal(x.code, 7);
	rig_logs(&r, &out, &err);
	assert_string_equal(buf_str(&out), "hello\n");
	assert_string_equal(buf_str(&err), "a complaint\n");
	rig_remove(&r);
}

static void test_signal(void **state)
{
	struct rig_options o = {.child = kills_itself};
	struct exit_record x;
	struct rig r;

	(void)state;
	rig_start(&r, &o);
	rig_end(&r);
	assert_int_equal(exit_record_read(r.state_fd, &x), 0);
	assert_int_equal(x.code, 128 + SIGKILL);
	assert_int_equal(x.signal, SIGKILL);
	rig_remove(&r);
}

/* The caller dies before it cleaned up: the monitor has to. */
static void test_birth_client_dies(void **state)
{
	struct rig_options o = {.child = says_hello, .birth = true};
	struct rig r;

	(void)state;
	rig_start(&r, &o);
	close_fd(&r.client);
	rig_end(&r);
	assert_true(rig_cleanup_ran(&r));
	rig_remove(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_birth_client),
	        cmocka_unit_test(test_nobody_attached),
	        cmocka_unit_test(test_signal),
	        cmocka_unit_test(test_birth_client_dies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
