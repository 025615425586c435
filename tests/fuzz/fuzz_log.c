/* Fuzz target: a log file of any bytes. Its lines are the same ones from both ends and cover the whole file,
 * filters and merging come to an end, and what is shown of a line holds no control character. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/text.h"
#include "tui/log_json.h"
#include "tui/log_paint.h"
#include "tui/log_pattern.h"
#include "tui/log_record.h"
#include "tui/log_set.h"
#include "tui/sgr.h"

#define LINES_MOST 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct log_budget forever = {0};

static struct log_source *source_of(const uint8_t *data, size_t size, size_t parts)
{
	struct log_source *s = calloc(1, sizeof(*s));
	int fds[4];

	s->id = strdup("id");
	s->name = strdup("name");
	if (log_scan_init(&s->scan, &s->store, NULL) < 0)
		abort();
	for (size_t i = 0; i < parts; i++) {
		char path[] = "/tmp/fuzz-log-XXXXXX";
		size_t from = size * i / parts, to = size * (i + 1) / parts;

		fds[i] = mkstemp(path);
		unlink(path);
		if (write(fds[i], data + from, to - from) != (ssize_t)(to - from))
			abort();
	}
	if (log_store_files(&s->store, fds, parts, NULL) < 0)
		abort();
	for (size_t i = 0; i < parts; i++)
		close(fds[i]);
	return s;
}

/* What a line shows, in every way it can be shown. */
static void check_text(const char *text, size_t len)
{
	static char plain[3 * LOG_ENTRY_MAX + 8], laid[1 << 16];
	size_t n = sgr_strip(plain, sizeof(plain), text, len), at, k, from, to;
	struct log_look look = {.wrap = true};
	struct log_cells all = {0, 0, INT32_MAX, 0};
	cleanup_buf struct buf copy = BUF_INIT;

	for (size_t i = 0; i < n; i++)
		if (((unsigned char)plain[i] < 0x20 && plain[i] != '\t') || plain[i] == 0x7f)
			abort();
	if (!utf8_valid(plain, n))
		abort();
	if (log_level_find(text, len, &at, &k) && at + k > len)
		abort();
	n = log_json_layout(text, len, laid, sizeof(laid) - 1);
	laid[n] = '\0';
	for (int width = 1; width < 100; width += 33)
		if (log_paint_height(&look, text, len, width, 1000) < 1)
			abort();
	log_paint_copy(&look, 40, &all, text, len, &copy);
	struct log_pattern *p = log_pattern_new("e+r|[0-9]", NULL);
	if (log_pattern_match(p, text, len, 0, &from, &to) && (from > to || to > len))
		abort();
	log_pattern_free(p);
}

static void check_lines(struct log_source *s)
{
	static uint64_t starts[LINES_MOST];
	struct log_entry e;
	uint64_t at = s->store.begin;
	size_t n = 0, len;

	while (n < LINES_MOST && log_entry_after(&s->scan.lines, at, &e)) {
		if (e.next <= at || e.at < at || e.next > s->store.end)
			abort();
		starts[n++] = e.at;
		const char *text = log_entry_text(&s->scan.lines, &e, s->scan.joined, &len);
		if (len > LOG_ENTRY_MAX)
			abort();
		check_text(text, len);
		at = e.next;
	}
	if (n == LINES_MOST)
		return;
	for (at = s->store.end; log_entry_before(&s->scan.lines, at, &e); at = e.at)
		if (e.at >= at || !n || e.at != starts[--n])
			abort();
	if (n)
		abort();
}

static void check_set(struct log_set *set)
{
	struct log_pos pos;
	struct log_item it;
	size_t n = 0;

	log_set_begin(set, &pos);
	while (log_set_next(set, &pos, &forever, &it) == LOG_FOUND)
		if (++n > 1 << 20)
			abort();
	log_set_end(set, &pos);
	n = 0;
	while (log_set_previous(set, &pos, &forever, &it) == LOG_FOUND)
		if (++n > 1 << 20)
			abort();
	log_set_at_time(set, INT64_C(1769853600000000000), &pos);
	log_set_clamp(set, &pos);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct log_set set = {0};

	if (size < 1)
		return 0;
	log_set_add(&set, source_of(data + 1, size - 1, 1), NULL);
	check_lines(set.sources[0]);
	log_set_add(&set, source_of(data + 1, size - 1, 1 + data[0] % 4), NULL);
	check_lines(set.sources[1]);
	check_set(&set);
	log_filters_add(&set.filters, log_pattern_new(data[0] & 4 ? "e" : "[0-9]", NULL), data[0] & 8, NULL);
	set.filters.context = data[0] & 16 ? 3 : 0;
	log_set_forget(&set);
	check_set(&set);
	log_set_clear(&set);
	return 0;
}
