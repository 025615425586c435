/* Templates of --format: the part of Go's language that people use with Docker. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "cli/template.h"

static const char sample[] =
        "{\"ID\":\"0123456789abcdef\",\"Name\":\"web\",\"Count\":3,\"Size\":1.5,\"On\":true,\"Off\":false,"
        "\"Nil\":null,\"Args\":[\"a\",\"b\"],\"Empty\":[],\"Labels\":{\"z.key\":\"last\",\"a\":\"first\"},"
        "\"State\":{\"Pid\":42,\"Health\":null},\"List\":[{\"N\":1},{\"N\":2}],\"Bad\":\"a\\u001b[31mb\"}";

static int run(const char *text, bool harmless, struct buf *out, struct err *e)
{
	cleanup_json json *data = json_parse(sample, strlen(sample), "sample", e);
	cleanup_json json *hidden = json_parse("{\"Label\":{\"tier\":\"x\"}}", 22, "hidden", e);
	cleanup_template struct template *t = NULL;
	struct template_run r = {.data = data, .hidden = hidden, .harmless = harmless};

	assert_non_null(data);
	assert_non_null(hidden);
	t = template_parse(text, e);
	return t ? template_execute(t, &r, out, e) : -1;
}

static void values(void **state)
{
	static const struct {
		const char *text, *result;
	} good[] = {
	        {"plain", "plain"},
	        {"{{.ID}} {{.Name}}", "0123456789abcdef web"},
	        {"{{ .State.Pid }}", "42"},
	        {"{{$.Name}}", "web"},
	        {"{{.Count}} {{.Size}} {{.On}} {{.Nil}}", "3 1.5 true <no value>"},
	        {"{{.Args}} {{.List}}", "[a b] [map[N:1] map[N:2]]"},
	        {"{{json .Args}}", "[\"a\",\"b\"]"},
	        {"{{json .Nil}}", "null"},
	        {"{{json .State}}", "{\"Pid\":42,\"Health\":null}"},
	        {"{{index .Labels \"z.key\"}}", "last"},
	        {"{{index .Labels \"none\"}}", ""},
	        {"{{index .Args 1}}", "b"},
	        {"{{(index .List 1).N}}", "2"},
	        {"{{index .List 0 \"N\"}}", "1"},
	        {"{{.Label \"tier\"}}{{.Label \"none\"}}", "x"},
	        {"{{join .Args \", \"}}", "a, b"},
	        {"{{len .Args}} {{len .Name}} {{len .Labels}}", "2 3 2"},
	        {"{{upper .Name}} {{.Name | title}} {{lower \"ABC\"}}", "WEB Web abc"},
	        {"{{truncate .ID 4}}", "0123"},
	        {"{{slice .ID 0 4}} {{slice .ID 14}} {{slice .Name 1 1}}|{{slice .Args 1}}", "0123 ef |[b]"},
	        {"{{pad .Name 1 2}}|", " web  |"},
	        {"{{index (split \"a:b:c\" \":\") 1}}", "b"},
	        {"{{printf \"%s=%d %q %v%%\" .Name .Count .Name .On}}", "web=3 \"web\" true%"},
	        {"{{printf \"%-5s|%5d\" .Name .Count}}", "web  |    3"},
	        {"{{println .Name 1}}", "web 1\n"},
	        {"{{print `raw\\n`}}", "raw\\n"},
	        {"{{\"a\\tb\"}}", "a\tb"},
	        {"a\\tb\\nc", "a\tb\nc"},
	        {"{{/* nothing */}}x", "x"},
	        {"a {{- .Name -}} b", "awebb"},
	        {"{{not .Off}} {{and .On .Name}} {{or .Off \"x\"}}", "true web x"},
	        {"{{.Name | printf \"%s-%s\" \"a\"}}", "a-web"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		cleanup_buf struct buf out = BUF_INIT;
		struct err e = ERR_INIT;

		if (run(good[i].text, false, &out, &e) < 0)
			fail_msg("%s: %s", good[i].text, e.msg);
		assert_string_equal(buf_str(&out), good[i].result);
	}
}

static void blocks(void **state)
{
	static const struct {
		const char *text, *result;
	} good[] = {
	        {"{{if .On}}yes{{else}}no{{end}}", "yes"},
	        {"{{if .Off}}yes{{else if .Nil}}nil{{else if eq .Count 3}}three{{else}}no{{end}}", "three"},
	        {"{{if .Nothing}}yes{{else}}no{{end}}", "no"},
	        {"{{if .State.Health}}{{.State.Health.Status}}{{else}}none{{end}}", "none"},
	        {"{{if and .On (gt .Count 2)}}both{{end}}", "both"},
	        {"{{with .State}}{{.Pid}}{{end}}", "42"},
	        {"{{with .Nil}}x{{else}}empty{{end}}", "empty"},
	        {"{{range .Args}}<{{.}}>{{end}}", "<a><b>"},
	        {"{{range .Empty}}x{{else}}none{{end}}", "none"},
	        {"{{range .List}}{{.N}}{{$.Name}} {{end}}", "1web 2web "},
	        {"{{range $k, $v := .Labels}}{{$k}}={{$v}};{{end}}", "a=first;z.key=last;"},
	        {"{{range $i, $a := .Args}}{{if $i}},{{end}}{{$a}}{{end}}", "a,b"},
	        {"{{range $a := .Args}}{{$a}}{{end}}", "ab"},
	        {"{{$x := .Name}}{{$x}}{{$x = \"new\"}}{{$x}}", "webnew"},
	        {"{{$s := .State}}{{$s.Pid}}", "42"},
	        {"{{range .Args}}{{if eq . \"a\"}}first{{else}}other{{end}}{{end}}", "firstother"},
	        {"{{if ne .Name \"db\"}}{{if lt 1 2 }}in{{end}}{{end}}", "in"},
	        {"{{if le 2 2}}a{{end}}{{if ge 1 2}}b{{end}}{{if eq .Name \"x\" \"web\"}}c{{end}}", "ac"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		cleanup_buf struct buf out = BUF_INIT;
		struct err e = ERR_INIT;

		if (run(good[i].text, false, &out, &e) < 0)
			fail_msg("%s: %s", good[i].text, e.msg);
		assert_string_equal(buf_str(&out), good[i].result);
	}
}

static void mistakes_are_pointed_at(void **state)
{
	static const struct {
		const char *text, *message;
	} bad[] = {
	        {"{{.Nmae}}", "there is no field .Nmae (column 3 of the format); did you mean .Name?"},
	        {"x{{json .Nothing}}", "there is no field .Nothing (column 9 of the format)"},
	        {"{{.Name.X}}", "field .X is asked of something that has none (column 3 of the format)"},
	        {"{{.Name", "expected }} at the end of the format"},
	        {"{{.Name}", "something is wrong at column 8 of the format: \"}\""},
	        {"{{if .On}}x", "an {{end}} is missing at the end of the format"},
	        {"x{{end}}", "nothing is open to be ended at column 2 of the format: \"{{end}}\""},
	        {"{{foo .Name}}", "unknown function at column 3 of the format: \"foo .Name}}\""},
	        {"{{}}", "a value is missing at column 3 of the format: \"}}\""},
	        {"{{.Name | }}", "a value is missing at column 11 of the format: \"}}\""},
	        {"{{\"abc}}", "a quote is missing at the end of the format"},
	        {"{{(.Name}}", "a ) is missing at column 9 of the format: \"}}\""},
	        {"{{$x}}", "unknown variable $x (column 3 of the format)"},
	        {"{{index .Args 7}}", "index: the list is shorter than that (column 3 of the format)"},
	        {"{{slice .Name 0 4}}", "slice: the text is shorter than that (column 3 of the format)"},
	        {"{{slice .Args 2 1}}", "slice: the list is shorter than that (column 3 of the format)"},
	        {"{{slice \"\303\244\" 0 1}}",
	                "slice: that would cut a character in two (column 3 of the format)"},
	        {"{{printf \"%d\" .Name}}", "printf: %d needs a number (column 3 of the format)"},
	        {"{{printf \"%s %s\" .Name}}",
	                "printf: has fewer values than its format asks for (column 3 of the format)"},
	        {"{{range .Name}}{{end}}", "range needs a list or a map (column 9 of the format)"},
	        {"{{template \"x\"}}", "this word of Go's templates is not understood at column 3 of the "
	                               "format: \"template \"x\"\""},
	        {"{{lt .Name 1}}", "lt: needs two numbers or two texts (column 3 of the format)"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		cleanup_buf struct buf out = BUF_INIT;
		struct err e = ERR_INIT;

		assert_int_equal(run(bad[i].text, false, &out, &e), -1);
		assert_string_equal(e.msg, bad[i].message);
		assert_int_equal(e.kind, ERR_USAGE);
	}
}

static void nesting_is_bounded(void **state)
{
	cleanup_buf struct buf text = BUF_INIT, out = BUF_INIT;
	struct err e = ERR_INIT;

	(void)state;
	buf_str_add(&text, "{{");
	for (int i = 0; i < 100000; i++)
		buf_char(&text, '(');
	assert_int_equal(run(buf_str(&text), false, &out, &e), -1);
	assert_non_null(strstr(e.msg, "nested too deeply"));
	buf_reset(&text);
	for (int i = 0; i < 100000; i++)
		buf_str_add(&text, "{{if 1}}");
	assert_int_equal(run(buf_str(&text), false, &out, &e), -1);
	assert_non_null(strstr(e.msg, "nested too deeply"));
}

/* A container's name for an escape sequence must not reach a terminal (rule R5). */
static void foreign_bytes_are_harmless_on_a_terminal(void **state)
{
	cleanup_buf struct buf out = BUF_INIT;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(run("{{.Bad}}", true, &out, &e), 0);
	assert_null(strchr(buf_str(&out), 033));
	buf_reset(&out);
	assert_int_equal(run("{{.Bad}}", false, &out, &e), 0);
	assert_non_null(strchr(buf_str(&out), 033));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(values),
	        cmocka_unit_test(blocks),
	        cmocka_unit_test(mistakes_are_pointed_at),
	        cmocka_unit_test(nesting_is_bounded),
	        cmocka_unit_test(foreign_bytes_are_harmless_on_a_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
