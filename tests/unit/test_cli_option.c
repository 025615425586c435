/* The grammar of options: Docker's. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/units.h"
#include "cli/option.h"

struct sample {
	bool all, follow, json;
	const char *format;
	char *name;
	char **labels;
	uint64_t size;
	int64_t tail, wait;
	int calls;
};

static int parse_even(void *options, const char *text, struct err *e)
{
	((struct sample *)options)->calls++;
	return atoi(text) % 2 ? err_set(e, ERR_USAGE, "\"%s\" is odd", text) : 0;
}

#define OPTIONS struct sample
static const struct option rows[] = {
        OPT_SECTION("Things"),
        OPT_FLAG("all", 'a', all, "All"),
        OPT_FLAG("follow", 'f', follow, "Follow"),
        OPT_STRING("format", 0, format, "FORMAT", "none", "Format"),
        OPT_COPY("name", 'n', name, "NAME", "none", "Name"),
        OPT_LIST("label", 'l', labels, "KEY=VALUE", "none", "Label"),
        OPT_SIZE("size", 's', size, "Size"),
        OPT_INT("tail", 't', tail, -1, 100, "NUMBER", "Tail"),
        {.name = "wait",
                .kind = OPTION_DURATION,
                .offset = offsetof(OPTIONS, wait),
                .value = "TIME",
                .help = "Wait"},
        OPT_CALL("even", 'e', parse_even, "NUMBER", "none", "Even"),
        OPT_ALIAS("tag", 'T', "label"),
        OPTION_END,
};

static const struct option globals[] = {
        OPT_FLAG("json", 0, json, "JSON"),
        OPTION_END,
};
#undef OPTIONS

#define WORDS(...) ((char *[]){__VA_ARGS__, NULL})

static struct sample global;

static int read_words(struct sample *s, bool stop, char **words, char ***operands, struct err *e, bool *help)
{
	struct option_reader r = {
	        .own = rows,
	        .options = s,
	        .global = globals,
	        .global_options = &global,
	        .stop_at_operand = stop,
	        .command = "tare try",
	};
	int rc = option_read(&r, words, operands, e);

	if (help)
		*help = r.help;
	return rc;
}

/* Reads words that are right; the number of operands. */
static size_t good(struct sample *s, bool stop, char **words)
{
	struct err e = ERR_INIT;
	cleanup_free char **operands = NULL;

	if (read_words(s, stop, words, &operands, &e, NULL) < 0)
		fail_msg("%s", e.msg);
	return strv_len(operands);
}

static void bad(char **words, const char *message)
{
	struct err e = ERR_INIT;
	struct sample s = {0};
	cleanup_free char **operands = NULL;

	assert_int_equal(read_words(&s, false, words, &operands, &e, NULL), -1);
	assert_string_equal(e.msg, message);
	assert_int_equal(e.kind, ERR_USAGE);
	option_free(rows, &s);
}

static void spellings_of_one_value(void **state)
{
	char **forms[] = {
	        WORDS("--name=web"),
	        WORDS("--name", "web"),
	        WORDS("-n", "web"),
	        WORDS("-nweb"),
	        WORDS("-n=web"),
	        WORDS("-an", "web"),
	        WORDS("-anweb"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		struct sample s = {0};

		assert_int_equal(good(&s, false, forms[i]), 0);
		assert_string_equal(s.name, "web");
		option_free(rows, &s);
		assert_null(s.name);
	}
}

static void kinds_of_values(void **state)
{
	struct sample s = {0};

	(void)state;
	good(&s, false,
	        WORDS("--size", "64m", "--tail=-1", "--wait", "1m", "-e2", "--format", "", "-l", "a=b",
	                "--tag", "c", "-T", "d"));
	assert_int_equal(s.size, 64 << 20);
	assert_int_equal(s.tail, -1);
	assert_int_equal(s.wait, INT64_C(60000000000));
	assert_int_equal(s.calls, 1);
	assert_string_equal(s.format, "");
	assert_int_equal(strv_len(s.labels), 3);
	assert_string_equal(s.labels[2], "d");
	option_free(rows, &s);
}

static void flags_take_true_and_false(void **state)
{
	struct sample s = {.all = true};

	(void)state;
	good(&s, false, WORDS("--all=false", "-f=true"));
	assert_false(s.all);
	assert_true(s.follow);
	good(&s, false, WORDS("-af"));
	assert_true(s.all && s.follow);
	bad(WORDS("--all=maybe"), "--all takes true or false, not \"maybe\"");
}

static void a_value_may_begin_with_a_dash(void **state)
{
	struct sample s = {0};

	(void)state;
	good(&s, false, WORDS("--name", "-x", "--format", "--all"));
	assert_string_equal(s.name, "-x");
	assert_string_equal(s.format, "--all");
	assert_false(s.all);
	option_free(rows, &s);
}

static void operands_may_stand_between(void **state)
{
	struct sample s = {0};

	(void)state;
	assert_int_equal(good(&s, false, WORDS("one", "-a", "two", "-", "--", "-f", "--", "x")), 6);
	assert_true(s.all);
	assert_false(s.follow);
}

static void options_end_at_the_first_operand_of_run(void **state)
{
	struct sample s = {0};

	(void)state;
	assert_int_equal(good(&s, true, WORDS("-a", "busybox", "ls", "-f", "--help")), 4);
	assert_true(s.all);
	assert_false(s.follow);
	assert_int_equal(good(&s, true, WORDS("--", "-f")), 1);
}

static void globals_are_known_everywhere(void **state)
{
	struct sample s = {0};

	(void)state;
	global = (struct sample){0};
	good(&s, false, WORDS("x", "--json"));
	assert_true(global.json);
	assert_false(s.json);
}

static void help_wins(void **state)
{
	char **forms[] = {WORDS("--help"), WORDS("-h"), WORDS("-ah"), WORDS("x", "--help", "--nonsense")};

	(void)state;
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		struct sample s = {0};
		struct err e = ERR_INIT;
		cleanup_free char **operands = NULL;
		bool help = false;

		assert_int_equal(read_words(&s, false, forms[i], &operands, &e, &help), 0);
		assert_true(help);
	}
}

static void mistakes_are_named(void **state)
{
	(void)state;
	bad(WORDS("--fromat", "x"), "unknown flag --fromat; did you mean --format? see: tare try --help");
	bad(WORDS("--fromat=x"), "unknown flag --fromat; did you mean --format? see: tare try --help");
	bad(WORDS("--jsn"), "unknown flag --jsn; did you mean --json? see: tare try --help");
	bad(WORDS("--quite-other"), "unknown flag --quite-other; see: tare try --help");
	bad(WORDS("-x"), "unknown flag -x; see: tare try --help");
	bad(WORDS("-ax"), "unknown flag -x in -ax; see: tare try --help");
	bad(WORDS("-wait"), "unknown flag -w in -wait; did you mean --wait? see: tare try --help");
	bad(WORDS("--name"), "--name needs a value: --name NAME; see: tare try --help");
	bad(WORDS("-an"), "-n needs a value: -n NAME; see: tare try --help");
	bad(WORDS("--even", "3"), "--even: \"3\" is odd");
	bad(WORDS("-t", "101"), "-t: invalid value \"101\": use a whole number from -1 to 100");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(spellings_of_one_value),
	        cmocka_unit_test(kinds_of_values),
	        cmocka_unit_test(flags_take_true_and_false),
	        cmocka_unit_test(a_value_may_begin_with_a_dash),
	        cmocka_unit_test(operands_may_stand_between),
	        cmocka_unit_test(options_end_at_the_first_operand_of_run),
	        cmocka_unit_test(globals_are_known_everywhere),
	        cmocka_unit_test(help_wins),
	        cmocka_unit_test(mistakes_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
