/* The screen among other programs: terminals of all kinds, shells with jobs, programs that leave a mess. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/wait.h>

#include "tests/unit/screen_rig.h"

/* The Linux console's description has no size; that of a vt100 has pauses. */
static void plain_terminals(void **state)
{
	static const char *const terms[] = {"linux", "vt100"};
	struct rig r;

	(void)state;
	setenv("LINES", "1000000", 1);
	setenv("COLUMNS", "1000000", 1);
	for (size_t i = 0; i < sizeof(terms) / sizeof(*terms); i++) {
		set_environment(terms[i], "", "");
		open_screen(&r, &(struct screen_options){0});
		assert_string_equal(getenv("LINES"), "1000000");
		assert_int_equal(screen_cols(r.s), 40);
		frame(&r, "shown", plain);
		screen_flush(r.s);
		screen_close(r.s);
		r.s = NULL;
		seen(&r);
		sees(&r, "shown");
		assert_null(strstr(buf_str(&r.seen), "$<"));
		is_as_before(&r);
		close_rig(&r);
	}
	unsetenv("LINES");
	unsetenv("COLUMNS");
}

/* `tare < /dev/tty`: what is given can't be written to. */
static void a_descriptor_to_read_from(void **state)
{
	struct err e = ERR_INIT;
	struct rig r;
	int fd;

	(void)state;
	set_environment("xterm-256color", "", "");
	open_pty(&r);
	fd = open(ttyname(r.slave), O_RDONLY | O_NOCTTY);
	r.s = screen_open(fd, &(struct screen_options){0}, &e);
	assert_non_null(r.s);
	frame(&r, "shown", plain);
	screen_flush(r.s);
	screen_close(r.s);
	r.s = NULL;
	seen(&r);
	modes_are_off(&r);
	is_as_before(&r);
	close(fd);
	close_rig(&r);
}

/* A program that had the terminal meanwhile was killed, and left it raw. */
static void the_modes_of_others_are_not_kept(void **state)
{
	struct termios raw;
	struct rig r;

	(void)state;
	set_environment("xterm-256color", "", "");
	open_screen(&r, &(struct screen_options){0});
	screen_suspend(r.s);
	raw = r.before;
	cfmakeraw(&raw);
	tcsetattr(r.slave, TCSANOW, &raw);
	screen_resume(r.s);
	screen_close(r.s);
	r.s = NULL;
	is_as_before(&r);
	close_rig(&r);
}

static void shell_that_edits_its_line(struct rig *r)
{
	struct termios t = r->before;
	int status;
	pid_t pid;

	setsid();
	ioctl(r->slave, TIOCSCTTY, 0);
	signal(SIGTTOU, SIG_IGN);
	t.c_lflag &= ~(tcflag_t)(ECHO | ICANON);
	tcsetattr(r->slave, TCSANOW, &t);
	pid = fork();
	if (pid == 0) {
		struct err e = ERR_INIT;

		signal(SIGTTOU, SIG_DFL);
		setpgid(0, 0);
		screen_close(screen_open(r->slave, &(struct screen_options){0}, &e));
		_exit(*e.msg != '\0');
	}
	setpgid(pid, pid);
	if (waitpid(pid, &status, WUNTRACED) != pid || !WIFSTOPPED(status))
		_exit(2);
	tcsetattr(r->slave, TCSANOW, &r->before);
	tcsetpgrp(r->slave, pid);
	kill(-pid, SIGCONT);
	if (waitpid(pid, &status, 0) != pid)
		_exit(3);
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 4);
}

/* `tare &`, and fg: the settings that come back are those of the foreground. */
static void started_in_the_background(void **state)
{
	struct rig r;
	int status;
	pid_t pid;

	(void)state;
	set_environment("xterm-256color", "", "");
	open_pty(&r);
	pid = fork();
	if (pid == 0)
		shell_that_edits_its_line(&r);
	while (waitpid(pid, &status, WNOHANG) == 0)
		seen(&r);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	is_as_before(&r);
	close_rig(&r);
}

/* ^Z stops what started us and waits for us as well. */
static void all_of_the_job_stops(void **state)
{
	struct rig r;
	int status;
	pid_t pid, around;

	(void)state;
	set_environment("xterm-256color", "truecolor", "");
	open_pty(&r);
	around = fork();
	if (around == 0) {
		setpgid(0, 0);
		pid = fork();
		if (pid == 0) {
			child_shows_and(&r, end_by_stopping);
			_exit(0);
		}
		while (waitpid(pid, &status, 0) != pid)
			;
		_exit(0);
	}
	for (int i = 0; i < 50 && waitpid(around, &status, WUNTRACED | WNOHANG) != around; i++)
		seen(&r);
	assert_true(WIFSTOPPED(status));
	kill(-around, SIGCONT);
	while (waitpid(around, &status, WNOHANG) == 0)
		seen(&r);
	assert_true(WIFEXITED(status));
	is_as_before(&r);
	close_rig(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(plain_terminals),
	        cmocka_unit_test(a_descriptor_to_read_from),
	        cmocka_unit_test(the_modes_of_others_are_not_kept),
	        cmocka_unit_test(started_in_the_background),
	        cmocka_unit_test(all_of_the_job_stops),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
