/* Errors and the log. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/text.h"

static void set_wrap_and_kind(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	errno = 42;
	assert_int_equal(err_set(&e, ERR_CONFLICT, "name %s is taken", "web"), -1);
	assert_int_equal(errno, 42);
	assert_string_equal(e.msg, "name web is taken");
	assert_int_equal(e.kind, ERR_CONFLICT);
	assert_int_equal(err_wrap(&e, "cannot create %d", 7), -1);
	assert_string_equal(e.msg, "cannot create 7: name web is taken");
	assert_int_equal(e.kind, ERR_CONFLICT);
	assert_int_equal(err_set(NULL, ERR_OTHER, "x"), -1);
	assert_int_equal(err_sys(NULL, "x"), -1);
	assert_int_equal(err_wrap(NULL, "x"), -1);
	assert_null(err_set_null(&e, ERR_OTHER, "x"));
	assert_null(err_sys_null(&e, "x"));
}

static void errno_gives_the_kind(void **state)
{
	static const struct {
		int code;
		enum err_kind kind;
	} kinds[] = {{ENOENT, ERR_NOT_FOUND}, {EPERM, ERR_PERMISSION}, {EACCES, ERR_PERMISSION},
	        {ENOSPC, ERR_NO_SPACE}, {EDQUOT, ERR_NO_SPACE}, {EIO, ERR_OTHER}};

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		struct err e = ERR_INIT;
		errno = kinds[i].code;
		assert_int_equal(err_sys(&e, "cannot open %s", "x"), -1);
		assert_int_equal(errno, kinds[i].code);
		assert_int_equal(e.sys, kinds[i].code);
		assert_int_equal(e.kind, kinds[i].kind);
		assert_non_null(strstr(e.msg, strerror(kinds[i].code)));
	}
}

static void foreign_bytes_are_harmless_and_bounded(void **state)
{
	char long_name[5000];
	struct err e = ERR_INIT;

	(void)state;
	err_set(&e, ERR_OTHER, "no \"%s\"", "a\033[2Jb\nc");
	assert_string_equal(e.msg, "no \"a\xef\xbf\xbd[2Jb c\"");
	memset(long_name, 0xc3, sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	errno = ENOENT;
	err_sys(&e, "%s", long_name);
	assert_true(strlen(e.msg) < sizeof(e.msg));
	assert_true(utf8_valid(e.msg, strlen(e.msg)));
	/* The reason survives. */
	assert_non_null(strstr(e.msg, "No such file"));
	for (int i = 0; i < 500; i++)
		err_wrap(&e, "level");
	assert_true(strlen(e.msg) < sizeof(e.msg));
}

static void exit_codes_are_docker_s(void **state)
{
	struct err e = {.kind = ERR_NO_COMMAND};

	(void)state;
	assert_int_equal(err_exit_code(&e), 127);
	e.kind = ERR_NOT_EXECUTABLE;
	assert_int_equal(err_exit_code(&e), 126);
	e.kind = ERR_USAGE;
	assert_int_equal(err_exit_code(&e), 125);
}

static void levels_have_names(void **state)
{
	(void)state;
	assert_int_equal(log_level_parse("error"), LOG_LEVEL_ERROR);
	assert_int_equal(log_level_parse("debug"), LOG_LEVEL_DEBUG);
	assert_int_equal(log_level_parse("DEBUG"), -1);
	assert_int_equal(log_level_parse(""), -1);
	assert_int_equal(log_level_parse(NULL), -1);
}

static void log_lines_go_to_stderr_by_level(void **state)
{
	char got[9000];
	int ends[2], saved = dup(STDERR_FILENO);
	ssize_t len;
	char big[6000];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	dup2(ends[1], STDERR_FILENO);
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	log_set_level(LOG_LEVEL_WARN);
	log_line(LOG_LEVEL_INFO, "not said");
	log_line(LOG_LEVEL_WARN, "disk %d%% full", 90);
	log_line(LOG_LEVEL_ERROR, "bad\nbyte");
	log_line(LOG_LEVEL_ERROR, "%s", big);
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(ends[1]);
	len = read(ends[0], got, sizeof(got) - 1);
	close(ends[0]);
	assert_true(len > 0);
	got[len] = '\0';
	assert_ptr_equal(strstr(got, "tare: warning: disk 90% full\ntare: bad byte\ntare: xxx"), got);
	assert_int_equal(got[len - 1], '\n');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(set_wrap_and_kind),
	        cmocka_unit_test(errno_gives_the_kind),
	        cmocka_unit_test(foreign_bytes_are_harmless_and_bounded),
	        cmocka_unit_test(exit_codes_are_docker_s),
	        cmocka_unit_test(levels_have_names),
	        cmocka_unit_test(log_lines_go_to_stderr_by_level),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
