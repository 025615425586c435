/* Settings, what is remembered, and lines of people's files in general. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "tui/config.h"
#include "tui/config_lines.h"
#include "tui/config_table.h"

static char box[] = "/tmp/tare-config-XXXXXX";

static int set_up(void **state)
{
	(void)state;
	if (!mkdtemp(box))
		return -1;
	setenv("XDG_CONFIG_HOME", box, 1);
	setenv("XDG_STATE_HOME", box, 1);
	cleanup_free char *dir = str_printf("%s/tare", box);
	return mkdir(dir, 0700);
}

static int tear_down(void **state)
{
	(void)state;
	return remove_tree_at(AT_FDCWD, box);
}

static void write_file(const char *name, const char *text)
{
	cleanup_free char *path = str_printf("%s/tare/%s", box, name);
	cleanup_fd int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write_all(fd, text, strlen(text)), 0);
}

static void remove_file(const char *name)
{
	cleanup_free char *path = str_printf("%s/tare/%s", box, name);

	unlink(path);
}

static int clean(void **state)
{
	(void)state;
	remove_file("config");
	remove_file("dashboard");
	return 0;
}

static void settings(void **state)
{
	write_file("config",
	        "# mine\ntheme = nord   # for the night\n  mouse=off\n\nscrollback = 9000\r\ncolour = 256\n"
	        "editor = vi '#' x\n");
	struct config *c = config_load(NULL);

	(void)state;
	assert_non_null(c);
	assert_null(config_warnings(c)[0]);
	assert_string_equal(config_get(c, "theme", "x"), "nord");
	assert_string_equal(config_get(c, "color", "x"), "256");
	assert_string_equal(config_get(c, "editor", "x"), "vi '#' x");
	assert_string_equal(config_get(c, "keys", "dflt"), "dflt");
	assert_null(config_get(c, "graph", NULL));
	assert_false(config_bool(c, "mouse", true));
	assert_true(config_bool(c, "ascii", true));
	assert_int_equal(config_int(c, "scrollback", 1), 9000);
	assert_int_equal(config_int(c, "sidebar", 33), 33);
	assert_int_equal(config_int(c, "theme", 5), 5);
	config_free(c);
}

static void mistakes_are_lines(void **state)
{
	static const struct {
		const char *text, *warning;
	} cases[] = {
	        {"\nteme = x\n", "config:2: unknown key: teme; did you mean theme?"},
	        {"mouse = maybe\n", "config:1: mouse is yes|no, not maybe"},
	        {"color = blue\n", "config:1: color is auto|mono|16|256|true, not blue"},
	        {"sidebar = 99\n", "config:1: sidebar is number 15..85, not 99"},
	        {"scrollback = -1\n", "config:1: scrollback is number 0..100000, not -1"},
	        {"scrollback = 1x\n", "config:1: scrollback is number 0..100000, not 1x"},
	        {"keys = vim\n", "config:1: keys is default|lazydocker|k9s|htop|emacs, not vim"},
	        {"[ui]\n", "config:1: this file has no sections: [ui]"},
	        {"nonsense\n", "config:1: not \"key = value\": nonsense"},
	        {"x\x1b[31m = 1\n", "config:1: unknown key: x\xef\xbf\xbd[31m"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		write_file("config", cases[i].text);
		struct config *c = config_load(NULL);
		assert_non_null(config_warnings(c)[0]);
		assert_string_equal(config_warnings(c)[0], cases[i].warning);
		assert_null(config_warnings(c)[1]);
		config_free(c);
	}
}

static void no_file_is_no_mistake(void **state)
{
	struct config *c = config_load(NULL);

	(void)state;
	assert_non_null(c);
	assert_null(config_warnings(c)[0]);
	assert_int_equal(config_save(c, NULL), 0); /* nothing changed: nothing is written */
	config_free(c);
	cleanup_free char *path = str_printf("%s/tare/dashboard", box);
	assert_int_not_equal(access(path, F_OK), 0);
}

static void what_is_remembered_goes_first(void **state)
{
	struct err e = ERR_INIT;
	struct stat st;

	(void)state;
	write_file("config", "theme = nord\n");
	struct config *c = config_load(NULL);
	config_remember(c, "theme", "dracula");
	config_remember(c, "containers.columns", "name cpu  mem");
	config_remember(c, "bad=key", "x");
	config_remember(c, "bad", "two\nlines");
	assert_string_equal(config_get(c, "theme", ""), "dracula");
	assert_int_equal(config_save(c, &e), 0);
	config_free(c);

	cleanup_free char *path = str_printf("%s/tare/dashboard", box);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	c = config_load(NULL);
	assert_string_equal(config_get(c, "theme", ""), "dracula");
	assert_string_equal(config_get(c, "containers.columns", ""), "name cpu  mem");
	assert_null(config_get(c, "bad", NULL));
	assert_null(config_get(c, "bad=key", NULL));
	config_free(c);
}

/* Whatever can be remembered comes back as it was. */
static void values_come_back_as_they_were(void **state)
{
	static const char *const values[] = {
	        "", "a # b", " blanks ", "#", "[x]", "a = b", "é 世界", "\x1b[31m", "\t"};

	(void)state;
	for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
		struct config *c = config_load(NULL);
		config_remember(c, "key", values[i]);
		assert_int_equal(config_save(c, NULL), 0);
		config_free(c);
		c = config_load(NULL);
		const char *got = config_get(c, "key", NULL);
		assert_non_null(got);
		assert_string_equal(got, values[i]);
		config_free(c);
		remove_file("dashboard");
	}
}

static void a_full_state_file_stays_bounded(void **state)
{
	struct config *c = config_load(NULL);
	char key[32];

	(void)state;
	char percent[300];

	memset(percent, '%', sizeof percent - 1);
	percent[sizeof percent - 1] = '\0';
	config_remember(c, "percent", percent); /* too long as it would be written */
	assert_null(config_get(c, "percent", NULL));
	for (int i = 0; i < 2000; i++) {
		snprintf(key, sizeof key, "key%d", i);
		config_remember(c, key, "x");
	}
	assert_int_equal(config_save(c, NULL), 0);
	assert_string_equal(config_get(c, "key5", ""), "x");
	assert_null(config_get(c, "key1999", NULL));
	config_free(c);
}

static void paths(void **state)
{
	char path[PATH_MAX], small[8], want[PATH_MAX];

	(void)state;
	snprintf(want, sizeof want, "%s/tare/keys", box);
	assert_string_equal(config_path("keys", path, sizeof path), want);
	assert_string_equal(config_path("keys", small, sizeof small), "");
	setenv("XDG_CONFIG_HOME", "relative", 1);
	setenv("HOME", "/home/somebody", 1);
	assert_string_equal(config_path("keys", path, sizeof path), "/home/somebody/.config/tare/keys");
	unsetenv("HOME");
	assert_string_equal(config_path("keys", path, sizeof path), "");
	setenv("XDG_CONFIG_HOME", box, 1);
}

static void lines(void **state)
{
	static const char text[] =
	        "\xef\xbb\xbf# head\n[ a ] # c\nk = v # why\nhash = #fff\nkey = #\n = x\n\nlast=1";
	cleanup_strv char **w = NULL;
	struct config_lines l;

	(void)state;
	config_lines_begin(&l, text, sizeof text - 1, "f", &w);
	assert_true(config_lines_next(&l) && l.kind == CONFIG_COMMENT);
	assert_string_equal(l.value, "head");
	assert_true(config_lines_next(&l) && l.kind == CONFIG_SECTION);
	assert_string_equal(l.key, "a");
	assert_true(config_lines_next(&l) && l.kind == CONFIG_PAIR);
	assert_string_equal(l.value, "v");
	assert_true(config_lines_next(&l));
	assert_string_equal(l.value, "#fff");
	assert_true(config_lines_next(&l));
	assert_string_equal(l.value, "#");
	assert_true(config_lines_next(&l));
	assert_string_equal(l.key, "last");
	assert_int_equal(l.number, 8);
	assert_false(config_lines_next(&l));
	assert_int_equal(strv_len(w), 1);
	assert_string_equal(w[0], "f:6: not \"key = value\": = x");
}

static void lines_have_bounds(void **state)
{
	cleanup_buf struct buf text = BUF_INIT;
	cleanup_strv char **w = NULL;
	struct config_lines l;
	unsigned n = 0;

	(void)state;
	buf_str_add(&text, "k = ");
	for (int i = 0; i < 600; i++)
		buf_char(&text, 'x');
	buf_str_add(&text, "\na = 1\n");
	buf_add(&text, "b = \0\n", 6);
	for (int i = 0; i < 30000; i++)
		buf_str_add(&text, "oops\n");
	buf_str_add(&text, "z = 1\n");
	config_lines_begin(&l, text.data, text.len, "f", &w);
	for (; config_lines_next(&l); n++)
		assert_string_equal(l.key, "a");
	assert_int_equal(n, 1);
	assert_int_equal(strv_len(w), CONFIG_WARNINGS_MAX + 1);
	assert_string_equal(w[0], "f:1: longer than 64 KiB; the rest is not read");
	assert_string_equal(w[1], "f:1: longer than 511 bytes; not read");
	assert_string_equal(w[2], "f:3: not text; not read");
	assert_non_null(strstr(w[CONFIG_WARNINGS_MAX], "more mistakes"));
}

/* The example names every setting with its default, and can be used as it is. */
static void the_example_is_whole(void **state)
{
	cleanup_buf struct buf text = BUF_INIT, live = BUF_INIT;

	(void)state;
	assert_int_equal(file_read_at(AT_FDCWD, "tui/config.example", &text, NULL), 0);
#define X(name, type, dflt, help)                                                                            \
	{                                                                                                    \
		cleanup_free char *line = str_printf("\n#%s =%s%s\n", name, *(dflt) ? " " : "", dflt);       \
		if (!strstr(buf_str(&text), line))                                                           \
			fail_msg("tui/config.example lacks%s", line);                                        \
	}
	SETTINGS(X)
#undef X
	for (const char *p = text.data; *p; p++) {
		/* an empty default is none */
		const char *end = strchr(p, '\n');
		if (*p == '#' && (p == text.data || p[-1] == '\n') && p[1] != ' ' && end[-1] != '=')
			continue;
		buf_char(&live, *p);
	}
	write_file("config", buf_str(&live));
	struct config *c = config_load(NULL);
	strv_foreach (w, config_warnings(c))
		print_error("%s\n", *w);
	assert_null(config_warnings(c)[0]);
	assert_string_equal(config_get(c, "prefix", ""), "ctrl-]");
	config_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_teardown(settings, clean),
	        cmocka_unit_test_teardown(mistakes_are_lines, clean),
	        cmocka_unit_test_teardown(no_file_is_no_mistake, clean),
	        cmocka_unit_test_teardown(what_is_remembered_goes_first, clean),
	        cmocka_unit_test_teardown(values_come_back_as_they_were, clean),
	        cmocka_unit_test_teardown(a_full_state_file_stays_bounded, clean),
	        cmocka_unit_test_teardown(paths, clean),
	        cmocka_unit_test(lines),
	        cmocka_unit_test(lines_have_bounds),
	        cmocka_unit_test_teardown(the_example_is_whole, clean),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
