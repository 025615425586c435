/* Lists as tables, JSON and templates, in a pipe and on a terminal; filters of lists. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/filter.h"
#include "cli/output.h"
#include "cli/reference.h"

static const struct field fields[] = {
        {"ID", "THING ID", 0, false},
        {"Command", "COMMAND", 2, false},
        {"Ports", "PORTS", 1, false},
        {"State", "STATE", 0, true},
        {"IO", "I/O", GIVE_LEAVES, false},
        {NULL, NULL, 0, false},
};

static const struct list_view view = {
        .fields = fields,
        .columns = "ID Command Ports State IO",
        .id = "ID",
        .optional = "Ports",
};

static void add(struct rows *rows, const char *id, const char *command, const char *state, enum tone tone)
{
	json *row = json_object_new_object(), *hidden = json_object_new_object();
	struct err e = ERR_INIT;

	json_set_str(row, "ID", id);
	json_set_str(row, "Command", command);
	json_set_str(row, "Ports", "");
	json_set_str(row, "State", state);
	json_set_str(row, "IO", "1MB / 2MB");
	json_set_str(hidden, "Secret", "s");
	assert_int_equal(rows_add(rows, row, hidden, tone, &e), 0);
}

static void fill(struct rows *rows)
{
	add(rows, "a1", "sleep 1000", "running", TONE_GOOD);
	add(rows, "b2", "a \033[31mlong\ncommand with many words", "exited", TONE_BAD);
}

/* Standard output is replaced for a test: by /dev/null, or by a terminal of so many columns. */
struct stage {
	int saved, master;
};

static void stage_open(struct stage *s, unsigned short columns)
{
	int fd;

	fflush(stdout);
	s->saved = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 10);
	s->master = -1;
	if (columns) {
		struct winsize ws = {.ws_row = 24, .ws_col = columns};

		s->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
		assert_true(s->master >= 0);
		assert_int_equal(grantpt(s->master) | unlockpt(s->master), 0);
		fd = open(ptsname(s->master), O_RDWR | O_NOCTTY | O_CLOEXEC);
		assert_int_equal(ioctl(s->master, TIOCSWINSZ, &ws), 0);
	} else {
		fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	}
	assert_true(fd >= 0);
	dup2(fd, STDOUT_FILENO);
	close(fd);
}

static void stage_close(struct stage *s)
{
	fflush(stdout);
	dup2(s->saved, STDOUT_FILENO);
	close(s->saved);
	close_fd(&s->master);
}

/* The list as text; the caller frees. */
static char *shown(const struct list_format *f, bool as_json, unsigned short columns, struct err *e)
{
	struct cli cli = {.json = as_json};
	cleanup_rows struct rows rows = ROWS_INIT;
	cleanup_buf struct buf out = BUF_INIT;
	struct stage s;
	int rc;

	fill(&rows);
	stage_open(&s, columns);
	rc = list_format(&cli, &view, f, &rows, &out, e);
	stage_close(&s);
	return rc < 0 ? NULL : buf_take(&out);
}

static void assert_shows(
        const struct list_format *f, bool as_json, unsigned short columns, const char *expected)
{
	struct err e = ERR_INIT;
	cleanup_free char *text = shown(f, as_json, columns, &e);

	if (!text)
		fail_msg("%s", e.msg);
	assert_string_equal(text, expected);
}

static void a_pipe_gets_plain_whole_columns(void **state)
{
	struct list_format f = {0};

	(void)state;
	assert_shows(&f, false, 0,
	        "THING ID   COMMAND                               PORTS   STATE     I/O\n"
	        "a1         sleep 1000                                    running   1MB / 2MB\n"
	        "b2         a \xef\xbf\xbd[31mlong command with many words           exited    1MB / 2MB\n");
}

static void a_terminal_gets_colours_and_fitting_columns(void **state)
{
	struct list_format f = {0};

	(void)state;
	setenv("TERM", "xterm", 1);
	unsetenv("NO_COLOR");
	assert_shows(&f, false, 50,
	        "\033[1mTHING ID\033[0m   \033[1mCOMMAND\033[0m             \033[1mSTATE\033[0m     "
	        "\033[1mI/O\033[0m\n"
	        "a1         sleep 1000          \033[32mrunning\033[0m   1MB / 2MB\n"
	        "b2         a \xef\xbf\xbd[31mlong comm\xe2\x80\xa6   \033[31mexited\033[0m    1MB / 2MB\n");
}

static void no_colour_is_honoured(void **state)
{
	struct list_format f = {.no_trunc = true};
	struct err e = ERR_INIT;
	cleanup_free char *first = NULL, *second = NULL;

	(void)state;
	setenv("TERM", "xterm", 1);
	setenv("NO_COLOR", "1", 1);
	first = shown(&f, false, 200, &e);
	unsetenv("NO_COLOR");
	setenv("TERM", "dumb", 1);
	second = shown(&f, false, 200, &e);
	assert_non_null(first);
	assert_null(strchr(first, 033));
	assert_string_equal(first, second);
}

static void narrow_terminals_lose_whole_columns(void **state)
{
	static const unsigned short widths[] = {24, 30, 40, 45, 60, 100};
	struct list_format f = {0};

	(void)state;
	setenv("TERM", "dumb", 1);
	for (size_t i = 0; i < sizeof(widths) / sizeof(*widths); i++) {
		struct err e = ERR_INIT;
		cleanup_free char *text = shown(&f, false, widths[i], &e);
		char *rest = text;

		assert_non_null(text);
		assert_non_null(strstr(text, "STATE"));
		for (char *line; (line = strsep(&rest, "\n"));)
			assert_true(text_width(line) <= widths[i]);
	}
}

static void formats(void **state)
{
	struct list_format quiet = {.quiet = true}, lines = {.format = "json"},
	                   some = {.columns = "State ID"};
	struct list_format template = {.format = "{{.ID}}-{{.Secret}}"};
	struct list_format table = {.format = "table {{.ID}}\\t{{upper .State}}"};

	(void)state;
	assert_shows(&quiet, false, 0, "a1\nb2\n");
	assert_shows(&template, false, 0, "a1-s\nb2-s\n");
	assert_shows(&table, false, 0, "THING ID   STATE\na1         RUNNING\nb2         EXITED\n");
	assert_shows(&some, false, 0, "STATE     THING ID\nrunning   a1\nexited    b2\n");
	assert_shows(&lines, true, 0,
	        "{\"ID\":\"a1\",\"Command\":\"sleep 1000\",\"Ports\":\"\",\"State\":\"running\",\"IO\":\"1MB "
	        "/ 2MB\"}\n"
	        "{\"ID\":\"b2\",\"Command\":\"a \\u001b[31mlong\\ncommand with many words\",\"Ports\":\"\","
	        "\"State\":\"exited\",\"IO\":\"1MB / 2MB\"}\n");
}

static void json_is_one_document(void **state)
{
	struct list_format f = {.quiet = true};
	struct err e = ERR_INIT;
	cleanup_free char *text = shown(&f, true, 0, &e);
	cleanup_json json *doc = NULL;

	(void)state;
	assert_non_null(text);
	doc = json_parse(text, strlen(text), "list", &e);
	assert_non_null(doc);
	assert_int_equal(json_object_array_length(doc), 2);
	assert_null(strstr(text, "Secret"));
}

static void bad_formats_are_named(void **state)
{
	struct list_format f = {.format = "{{.Comand}}"};
	struct err e = ERR_INIT;

	(void)state;
	assert_null(shown(&f, false, 0, &e));
	assert_string_equal(e.msg,
	        "--format: there is no field .Comand (column 3 of the format); did you mean .Command?");
}

/* ------------------------------------------------------------------ filters */

static bool match_colour(const void *row, const char *value, const void *context)
{
	(void)context;
	return strcmp(((const char *const *)row)[0], value) == 0;
}

static bool match_letter(const void *row, const char *value, const void *context)
{
	(void)context;
	return strchr(((const char *const *)row)[1], value[0]) != NULL;
}

static const struct filter_key keys[] = {
        {"colour", match_colour, false, NULL},
        {"letter", match_letter, true, NULL},
        {"name", match_colour, false, filter_check_regex},
        {NULL, NULL, false, NULL},
};

static void values_are_alternatives_keys_are_not(void **state)
{
	static const char *const row[] = {"red", "abc"};
	static const struct {
		char *filters[4];
		bool match;
	} tries[] = {
	        {{NULL}, true},
	        {{"colour=red"}, true},
	        {{"colour=blue"}, false},
	        {{"colour=blue", "colour=red"}, true},
	        {{"colour=red", "letter=x"}, false},
	        {{"colour=red", "letter=a"}, true},
	        {{"letter=a", "letter=b"}, true},
	        {{"letter=a", "letter=x"}, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(tries) / sizeof(*tries); i++)
		assert_int_equal(filters_match(tries[i].filters, keys, row, NULL), tries[i].match);
	assert_string_equal(filter_value((char *[]){"a=1", "colour=red", NULL}, "colour"), "red");
	assert_null(filter_value((char *[]){"colours=red", NULL}, "colour"));
}

static void bad_filters_are_named(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(filter_check((char *[]){"colour=", NULL}, keys, NULL, &e), 0);
	assert_int_equal(filter_check((char *[]){"colour", NULL}, keys, NULL, &e), -1);
	assert_string_equal(
	        e.msg, "invalid filter \"colour\": write KEY=VALUE; keys are colour, letter, name");
	assert_int_equal(filter_check((char *[]){"color=x", NULL}, keys, NULL, &e), -1);
	assert_string_equal(e.msg, "unknown filter \"color\"; keys are colour, letter, name");
	assert_int_equal(filter_check((char *[]){"name=(", NULL}, keys, NULL, &e), -1);
	assert_non_null(strstr(e.msg, "--filter name: bad expression \"(\""));
}

static void labels_match_by_key_or_pair(void **state)
{
	cleanup_json json *labels = json_object_new_object();
	cleanup_buf struct buf text = BUF_INIT;

	(void)state;
	json_set_str(labels, "tier", "web");
	json_set_str(labels, "empty", "");
	assert_true(filter_has_label(labels, "tier"));
	assert_true(filter_has_label(labels, "tier=web"));
	assert_false(filter_has_label(labels, "tier=db"));
	assert_true(filter_has_label(labels, "empty="));
	assert_false(filter_has_label(labels, "ti"));
	assert_false(filter_has_label(NULL, "tier"));
	labels_text(labels, &text);
	assert_string_equal(buf_str(&text), "tier=web,empty=");
}

static void names_of_images(void **state)
{
	(void)state;
	assert_true(reference_same("busybox", "busybox:latest"));
	assert_true(reference_same("docker.io/library/busybox:latest", "busybox"));
	assert_true(reference_same("localhost:5000/a", "localhost:5000/a:latest"));
	assert_false(reference_same("busybox:1", "busybox"));
	assert_false(reference_same("busybox", "busyboxes"));
	assert_true(reference_is_id("sha256:abcdef", "abc"));
	assert_true(reference_is_id("sha256:abcdef", "sha256:abc"));
	assert_false(reference_is_id("sha256:abcdef", "a"));
	assert_false(reference_is_id("sha256:abcdef", "bcd"));
	assert_true(reference_glob("busybox", "latest", "busy*"));
	assert_true(reference_glob("busybox", "v1", "docker.io/library/busybox:v*"));
	assert_false(reference_glob("busybox", "v1", "busybox:latest"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_pipe_gets_plain_whole_columns),
	        cmocka_unit_test(a_terminal_gets_colours_and_fitting_columns),
	        cmocka_unit_test(no_colour_is_honoured),
	        cmocka_unit_test(narrow_terminals_lose_whole_columns),
	        cmocka_unit_test(formats),
	        cmocka_unit_test(json_is_one_document),
	        cmocka_unit_test(bad_formats_are_named),
	        cmocka_unit_test(values_are_alternatives_keys_are_not),
	        cmocka_unit_test(bad_filters_are_named),
	        cmocka_unit_test(labels_match_by_key_or_pair),
	        cmocka_unit_test(names_of_images),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
