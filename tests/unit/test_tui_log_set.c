/* Patterns, filters with context, logs merged in time order, and the page that shows them. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "tests/unit/log_box.h"
#include "tui/log_page.h"
#include "tui/log_pattern.h"

/* ------------------------------------------------------------------ an engine that has only logs */

static int files[4];
static struct tare_log logs[4];

static int fake_open(struct tare_engine *t, const char *ref, struct tare_log **log, struct err *e)
{
	int i = atoi(ref);

	(void)t;
	if (i > 3)
		return err_set(e, ERR_NOT_FOUND, "no log");
	logs[i] = (struct tare_log){.files = &files[i], .n = 1, .fd = -1};
	*log = &logs[i];
	return 0;
}

static int fake_drain(struct tare_engine *t, struct tare_log *log, struct err *e)
{
	(void)t;
	(void)log;
	(void)e;
	return TARE_LOG_GREW;
}

static void fake_close(struct tare_engine *t, struct tare_log *log)
{
	(void)t;
	close(log->files[0]);
}

static struct tare_engine engine = {.log_open = fake_open, .log_drain = fake_drain, .log_close = fake_close};
static const struct log_budget forever = {0};

static void set_open(struct log_set *set, int n)
{
	char id[16];

	*set = (struct log_set){0};
	for (int i = 0; i < n; i++)
		files[i] = box_file();
	for (int i = 0; i < n; i++) {
		snprintf(id, sizeof(id), "%d", i);
		assert_int_equal(log_set_add(set, log_source_open(&engine, id, "name", NULL), NULL), 0);
	}
}

static void filter(struct log_set *set, const char *pattern, bool drop)
{
	struct err e = ERR_INIT;
	struct log_pattern *p = log_pattern_new(pattern, &e);

	assert_non_null(p);
	assert_int_equal(log_filters_add(&set->filters, p, drop, &e), 0);
	log_set_forget(set);
}

static const char *text_of(struct log_set *set, const struct log_item *it)
{
	static char text[64];
	size_t len;
	const char *t = log_set_text(set, it, &len);

	snprintf(text, sizeof(text), "%.*s", (int)len, t);
	return text;
}

/* All lines, from the beginning, one letter each; checked backwards, too. */
static void assert_shown(struct log_set *set, const char *letters)
{
	struct log_pos pos;
	struct log_item it;
	size_t n = strlen(letters), i = 0;

	log_set_begin(set, &pos);
	while (log_set_next(set, &pos, &forever, &it) == LOG_FOUND) {
		assert_true(i < n);
		assert_int_equal(text_of(set, &it)[0], letters[i++]);
	}
	assert_int_equal(i, n);
	log_set_end(set, &pos);
	while (log_set_previous(set, &pos, &forever, &it) == LOG_FOUND)
		assert_int_equal(text_of(set, &it)[0], letters[--i]);
	assert_int_equal(i, 0);
}

/* ------------------------------------------------------------------ patterns */

static void patterns(void **state)
{
	static const struct {
		const char *pattern, *line;
		int from, to; /* -1: no match */
	} cases[] = {
	        {"error", "an error", 3, 8},
	        {"error", "an ERROR", 3, 8},
	        {"Error", "an ERROR", -1, 0},
	        {"e", "e", 0, 1},
	        {"err.r$", "an error", 3, 8},
	        {"^an", "an error", 0, 2},
	        {"^error", "an error", -1, 0},
	        {"a|b", "xxb", 2, 3},
	        {"needle", "a long line with many letters in it before the nEEDle", 47, 53},
	        {"needle", "needl", -1, 0},
	        {"abcdefghijklmnopqrstuvwxyz", "abc", -1, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct log_pattern *p = log_pattern_new(cases[i].pattern, NULL);
		size_t n = strlen(cases[i].line), from = 0, to = 0;
		cleanup_free char *exact = strdup(cases[i].line);

		bool hit = log_pattern_match(p, exact, n, 0, &from, &to);
		assert_int_equal(hit, cases[i].from >= 0);
		if (hit) {
			assert_int_equal(from, cases[i].from);
			assert_int_equal(to, cases[i].to);
		}
		log_pattern_free(p);
	}
}

static void bad_patterns(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	assert_null(log_pattern_new("", &e));
	assert_null(log_pattern_new("a(b", &e));
	assert_non_null(strstr(e.msg, "regular expression"));
}

/* The quick search against a plain one, at every alignment. */
static void literals(void **state)
{
	static const char *const words[] = {"a", "ab", "aab", "bbbb", "abababababababababab", "b a"};
	char text[200];
	unsigned r = 1;

	(void)state;
	for (int round = 0; round < 300; round++) {
		for (size_t i = 0; i < sizeof(text); i++) {
			r = r * 1103515245 + 12345;
			text[i] = "abA B"[(r >> 16) % 5];
		}
		for (size_t w = 0; w < sizeof(words) / sizeof(*words); w++) {
			struct log_pattern *p = log_pattern_new(words[w], NULL);
			size_t start = (size_t)round % 40, n = sizeof(text) - start, k = strlen(words[w]),
			       want = n;

			for (size_t i = 0; i + k <= n && want == n; i++)
				if (strncasecmp(text + start + i, words[w], k) == 0)
					want = i;
			assert_int_equal(log_pattern_find(p, text + start, n), want);
			log_pattern_free(p);
		}
	}
}

/* ------------------------------------------------------------------ filters */

static void letters(int fd, const char *s)
{
	for (int i = 0; s[i]; i++)
		box_line(fd, i, (const char[]){s[i], ' ', 'l', 'i', 'n', 'e', '\0'});
}

static void keep_and_drop(void **state)
{
	struct log_set set;

	(void)state;
	set_open(&set, 1);
	letters(files[0], "abcdefgabcdefg");
	log_set_grow(&set);
	assert_shown(&set, "abcdefgabcdefg");
	filter(&set, "^[abc] ", false);
	assert_shown(&set, "abcabc");
	filter(&set, "b line", true);
	assert_shown(&set, "acac");
	filter(&set, "c line", false);
	assert_shown(&set, "cc");
	log_filters_pop(&set.filters);
	log_filters_pop(&set.filters);
	log_filters_pop(&set.filters);
	filter(&set, "a", true);
	log_set_forget(&set);
	assert_shown(&set, "bcdefgbcdefg");
	/* the head of a record ("stdout", its time) is not searched */
	filter(&set, "stdout", false);
	assert_shown(&set, "");
	log_set_clear(&set);
}

static void context(void **state)
{
	struct log_set set;

	(void)state;
	set_open(&set, 1);
	letters(files[0], "abcdefghijklmnopqrstuvwxyz");
	log_set_grow(&set);
	filter(&set, "^[hjz] line", false);
	set.filters.context = 3;
	log_set_forget(&set);
	assert_shown(&set, "efghijklmwxyz");
	filter(&set, "g line", true);
	assert_shown(&set, "efhijklmwxyz");
	log_set_clear(&set);
}

/* What a scan without time came to, a later one need not read again. */
static void budgets(void **state)
{
	struct log_set set;
	struct log_budget none = {.until = 1};
	struct log_pos pos;
	struct log_item it;
	enum log_found f;
	int later = 0;

	(void)state;
	set_open(&set, 1);
	box_line(files[0], 0, "needle");
	cleanup_free char *long_text = malloc(16000);
	memset(long_text, 'x', 16000);
	for (int i = 0; i < 600; i++)
		box_record(files[0], 1, 'o', 'F', long_text, 16000);
	log_set_grow(&set);
	filter(&set, "needle", false);
	log_set_end(&set, &pos);
	while ((f = log_set_previous(&set, &pos, &none, &it)) == LOG_LATER)
		assert_true(++later < 1000);
	assert_int_equal(f, LOG_FOUND);
	assert_true(later > 2);
	assert_string_equal(text_of(&set, &it), "needle");
	/* the desert is crossed at once now */
	log_set_end(&set, &pos);
	assert_int_equal(log_set_previous(&set, &pos, &none, &it), LOG_FOUND);
	log_set_clear(&set);
}

static void counts(void **state)
{
	struct log_set set;

	(void)state;
	set_open(&set, 1);
	for (int i = 0; i < 70000; i++)
		box_line(files[0], i, i % 7 ? "nothing to see" : "here it is, here");
	log_set_grow(&set);
	filter(&set, "here", false);
	struct log_source *s = set.sources[0];
	assert_int_equal(
	        log_scan_count(&s->scan, &set.filters, s->store.begin, s->store.end, &forever), 10000);
	log_filters_pop(&set.filters);
	filter(&set, "h.re", false);
	assert_int_equal(
	        log_scan_count(&s->scan, &set.filters, s->store.begin, s->store.end, &forever), 10000);
	log_set_clear(&set);
}

/* ------------------------------------------------------------------ merging */

static void time_order(void **state)
{
	struct log_set set;
	struct log_pos pos;
	struct log_item it;

	(void)state;
	set_open(&set, 3);
	box_line(files[0], 1, "a");
	box_line(files[1], 2, "b");
	box_line(files[2], 2, "c");
	box_line(files[0], 2, "d");
	box_line(files[1], 3, "e");
	box_line(files[0], 9, "f");
	log_set_grow(&set);
	assert_shown(&set, "adbcef");
	filter(&set, "[bcf]", false);
	assert_shown(&set, "bcf");
	log_filters_pop(&set.filters);
	log_set_forget(&set);
	log_set_at_time(&set, BOX_START + 2 * INT64_C(1000000000), &pos);
	assert_int_equal(log_set_next(&set, &pos, &forever, &it), LOG_FOUND);
	assert_string_equal(text_of(&set, &it), "d");
	assert_int_equal(log_set_previous(&set, &pos, &forever, &it), LOG_FOUND);
	assert_int_equal(log_set_previous(&set, &pos, &forever, &it), LOG_FOUND);
	assert_string_equal(text_of(&set, &it), "a");
	/* right before "c", although others have its time */
	log_set_at_item(&set, 2, set.sources[2]->store.begin, BOX_START + 2 * INT64_C(1000000000), &pos);
	assert_int_equal(log_set_next(&set, &pos, &forever, &it), LOG_FOUND);
	assert_string_equal(text_of(&set, &it), "c");
	log_set_clear(&set);
}

static void no_log(void **state)
{
	struct log_source *s = log_source_open(&engine, "9", "gone", NULL);

	(void)state;
	assert_non_null(s);
	assert_string_equal(s->error, "no log");
	assert_int_equal(log_source_drain(s), 0);
	log_source_close(s);
}

/* ------------------------------------------------------------------ the page */

static int measure(void *arg, const struct log_item *it)
{
	struct log_set *set = arg;

	return text_of(set, it)[0] == 't' ? 3 : 1; /* "t…": three rows */
}

static void page_open(struct log_page *p, struct log_set *set, int height)
{
	*p = (struct log_page){.set = set, .measure = measure, .arg = set, .follow = true};
	assert_int_equal(log_page_size(p, height, NULL), 0);
}

/* The rows of the page as letters; '.' for a further row of the line above, ' ' for none. */
static void assert_page(struct log_page *p, const char *rows)
{
	char seen[64];

	memset(seen, ' ', sizeof(seen));
	seen[p->height] = '\0';
	log_page_fill(p, &forever);
	for (size_t i = 0; i < p->n; i++)
		for (int k = 0; k < p->v[i].h; k++)
			if (p->v[i].row + k >= 0 && p->v[i].row + k < p->height)
				seen[p->v[i].row + k] = k ? '.' : text_of(p->set, &p->v[i].item)[0];
	assert_string_equal(seen, rows);
}

static void paging(void **state)
{
	struct log_set set;
	struct log_page p;

	(void)state;
	set_open(&set, 1);
	page_open(&p, &set, 5);
	assert_page(&p, "     ");
	letters(files[0], "abc");
	log_set_grow(&set);
	assert_page(&p, "abc  ");
	letters(files[0], "defghijklm");
	log_set_grow(&set);
	assert_page(&p, "ijklm");
	assert_true(p.at_end);
	log_page_scroll(&p, -2, &forever);
	assert_false(p.follow);
	assert_page(&p, "ghijk");
	assert_false(p.at_end);
	/* it stands still while the log grows */
	letters(files[0], "nop");
	log_set_grow(&set);
	assert_page(&p, "ghijk");
	log_page_scroll(&p, -100, &forever);
	assert_page(&p, "abcde");
	log_page_scroll(&p, 3, &forever);
	assert_page(&p, "defgh");
	log_page_scroll(&p, 100, &forever);
	assert_page(&p, "lmnop");
	log_page_to_begin(&p);
	assert_page(&p, "abcde");
	p.follow = true;
	assert_page(&p, "lmnop");
	log_page_free(&p);
	log_set_clear(&set);
}

static void tall_lines(void **state)
{
	struct log_set set;
	struct log_page p;

	(void)state;
	set_open(&set, 1);
	page_open(&p, &set, 5);
	letters(files[0], "atbtc");
	log_set_grow(&set);
	assert_page(&p, "bt..c");
	p.height = 6;
	assert_page(&p, ".bt..c");
	log_page_scroll(&p, -1, &forever);
	assert_page(&p, "..bt..");
	log_page_scroll(&p, -1, &forever);
	assert_page(&p, "t..bt.");
	log_page_scroll(&p, -1, &forever);
	assert_page(&p, "at..bt");
	log_page_scroll(&p, 2, &forever);
	assert_page(&p, "..bt..");
	assert_int_equal(log_page_row(&p, 0), 0);
	assert_int_equal(log_page_row(&p, 2), 1);
	assert_int_equal(log_page_row(&p, 5), 2);
	log_page_free(&p);
	log_set_clear(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(patterns),
	        cmocka_unit_test(bad_patterns),
	        cmocka_unit_test(literals),
	        cmocka_unit_test(keep_and_drop),
	        cmocka_unit_test(context),
	        cmocka_unit_test(budgets),
	        cmocka_unit_test(counts),
	        cmocka_unit_test(time_order),
	        cmocka_unit_test(no_log),
	        cmocka_unit_test(paging),
	        cmocka_unit_test(tall_lines),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
