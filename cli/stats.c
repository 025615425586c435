/* stats: what containers use, computed from two samples each. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/units.h"
#include "cli/command.h"
#include "cli/command_tables.h"
#include "cli/output.h"
#include "engine/tare.h"

#define ROUND_NS INT64_C(1000000000) /* between two screens, as Docker has it */
#define FIRST_NS INT64_C(250000000)  /* between the two samples that the first one needs */
#define UNKNOWN  "--"
#define SHORT_ID 12

struct stats_options {
	struct list_format list;
	bool all, no_stream;
};

#define OPTIONS struct stats_options
static const struct option stats_options[] = {
        OPT_FLAG("all", 'a', all, "Show those that do not run too"),
        OPT_STRING("format", 0, list.format, "FORMAT", "json table", FORMAT_HELP),
        OPT_FLAG("no-stream", 0, no_stream, "Show one result and end"),
        OPT_FLAG("no-trunc", 0, list.no_trunc, "Show ids and columns in full"),
        OPTION_END,
};
#undef OPTIONS

static const struct field stats_fields[] = {
        {"ID", "CONTAINER ID", GIVE_LEAVES, false},
        {"Container", "CONTAINER", 0, false},
        {"Name", "NAME", 1, true},
        {"CPUPerc", "CPU %", 0, false},
        {"MemUsage", "MEM USAGE / LIMIT", 0, false},
        {"MemPerc", "MEM %", 0, false},
        {"NetIO", "NET I/O", GIVE_LEAVES + 1, false},
        {"BlockIO", "BLOCK I/O", GIVE_LEAVES + 2, false},
        {"PIDs", "PIDS", 0, false},
        {NULL, NULL, 0, false},
};

static const struct list_view stats_view = {
        .fields = stats_fields,
        .columns = "ID Name CPUPerc MemUsage MemPerc NetIO BlockIO PIDs",
        .id = "ID",
};

/* A container under watch: its last two samples. */
struct watched {
	char id[TARE_ID_LEN + 1];
	char *name, *typed;
	unsigned n_samples;
	struct tare_stats before, now;
	bool running;
};

struct watch {
	struct watched *rows;
	size_t n;
};

static void watch_free(struct watch *w)
{
	for (size_t i = 0; i < w->n; i++) {
		free(w->rows[i].name);
		free(w->rows[i].typed);
	}
	free(w->rows);
	*w = (struct watch){0};
}
#define cleanup_watch __attribute__((cleanup(watch_free)))

/* ------------------------------------------------------------------ sampling */

static int watch_add(struct watch *w, const struct tare_container *c, const char *typed, struct err *e)
{
	struct watched *grown = realloc(w->rows, (w->n + 1) * sizeof(*grown)), *row;

	if (!grown)
		return err_no_memory(e);
	w->rows = grown;
	row = &w->rows[w->n++];
	*row = (struct watched){.name = strdup(c->name ? c->name : ""), .typed = strdup(typed)};
	memcpy(row->id, c->id, sizeof(row->id));
	row->running = c->state == TARE_RUNNING || c->state == TARE_PAUSED;
	return row->name && row->typed ? 0 : err_no_memory(e);
}

static const struct tare_container *find_id(const struct tare_container_list *list, const char *id)
{
	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->rows[i].id, id) == 0)
			return &list->rows[i];
	return NULL;
}

/* The container that was typed as `ref`. */
static int watch_add_named(struct tare_engine *engine, const struct tare_container_list *list,
        const char *ref, struct watch *w, struct err *e)
{
	const struct tare_container *c;
	char id[TARE_ID_LEN + 1];

	if (engine->resolve(engine, ref, id, e) < 0)
		return -1;
	c = find_id(list, id);
	return c ? watch_add(w, c, ref, e) : 0;
}

/* The containers that are asked for, or all, as they are now. */
static int watch_choose(struct tare_engine *engine, const struct stats_options *o, char **refs,
        struct watch *w, struct err *e)
{
	__attribute__((cleanup(tare_container_list_free))) struct tare_container_list list = {0};

	if (engine->list(engine, o->all || *refs, &list, e) < 0)
		return -1;
	for (size_t i = 0; !*refs && i < list.n; i++)
		if (watch_add(w, &list.rows[i], list.rows[i].id, e) < 0)
			return -1;
	for (; *refs; refs++)
		if (watch_add_named(engine, &list, *refs, w, e) < 0)
			return -1;
	return 0;
}

/* One that has ended meanwhile shows nothing; that is no error. */
static void watch_sample(struct tare_engine *engine, struct watch *w)
{
	for (size_t i = 0; i < w->n; i++) {
		struct watched *row = &w->rows[i];
		struct tare_stats sample;
		struct err e = ERR_INIT;

		if (!row->running)
			continue;
		if (engine->stats(engine, row->id, &sample, &e) < 0) {
			row->running = false;
			continue;
		}
		row->before = row->n_samples ? row->now : sample;
		row->now = sample;
		row->n_samples++;
	}
}

/* Keep the samples of those that were watched before. */
static void watch_carry(struct watch *to, const struct watch *from)
{
	for (size_t i = 0; i < to->n; i++) {
		for (size_t k = 0; k < from->n; k++) {
			if (strcmp(to->rows[i].id, from->rows[k].id) != 0)
				continue;
			to->rows[i].n_samples = from->rows[k].n_samples;
			to->rows[i].before = from->rows[k].before;
			to->rows[i].now = from->rows[k].now;
		}
	}
}

static void pause_ns(int64_t ns)
{
	nanosleep(&(struct timespec){.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000}, NULL);
}

/* ------------------------------------------------------------------ rows */

static void set_percent(json *row, const char *key, double part, double whole)
{
	cleanup_free char *text = whole > 0 ? str_printf("%.2f%%", 100 * part / whole) : strdup("0.00%");

	json_set_str(row, key, text ? text : UNKNOWN);
}

typedef char *size_text(uint64_t bytes, char dst[SIZE_TEXT_SIZE]);

static const char *known(uint64_t v, size_text *format, char dst[SIZE_TEXT_SIZE])
{
	return v == UINT64_MAX ? UNKNOWN : format(v, dst);
}

static void set_pair(json *row, const char *key, uint64_t a, uint64_t b, size_text *format)
{
	char first[SIZE_TEXT_SIZE], second[SIZE_TEXT_SIZE];
	cleanup_free char *text = str_printf("%s / %s", known(a, format, first), known(b, format, second));

	json_set_str(row, key, text);
}

static void set_cpu(json *row, const struct watched *w)
{
	if (w->now.cpu_ns == UINT64_MAX || w->before.cpu_ns > w->now.cpu_ns)
		json_set_str(row, "CPUPerc", UNKNOWN);
	else
		set_percent(row, "CPUPerc", (double)(w->now.cpu_ns - w->before.cpu_ns),
		        (double)(w->now.time - w->before.time));
}

static void set_usage(json *row, const struct watched *w)
{
	const struct tare_stats *s = &w->now;
	char pids[24];

	set_cpu(row, w);
	set_pair(row, "MemUsage", s->memory, s->memory_limit, size_format_binary);
	if (s->memory == UINT64_MAX || s->memory_limit == UINT64_MAX)
		json_set_str(row, "MemPerc", UNKNOWN);
	else
		set_percent(row, "MemPerc", (double)s->memory, (double)s->memory_limit);
	set_pair(row, "NetIO", s->net_rx, s->net_tx, size_format_decimal);
	set_pair(row, "BlockIO", s->block_read, s->block_write, size_format_decimal);
	snprintf(pids, sizeof(pids), "%llu", (unsigned long long)s->pids);
	json_set_str(row, "PIDs", s->pids == UINT64_MAX ? UNKNOWN : pids);
}

static void set_nothing(json *row)
{
	static const char *const single[] = {"CPUPerc", "MemPerc", "PIDs"};
	static const char *const pairs[] = {"MemUsage", "NetIO", "BlockIO"};

	for (size_t i = 0; i < 3; i++) {
		json_set_str(row, single[i], UNKNOWN);
		json_set_str(row, pairs[i], UNKNOWN " / " UNKNOWN);
	}
}

static int watch_rows(const struct watch *w, bool no_trunc, struct rows *rows, struct err *e)
{
	for (size_t i = 0; i < w->n; i++) {
		const struct watched *one = &w->rows[i];
		json *row = json_object_new_object();
		char id[TARE_ID_LEN + 1];

		snprintf(id, sizeof(id), "%.*s", no_trunc ? TARE_ID_LEN : SHORT_ID, one->id);
		json_set_str(row, "ID", id);
		json_set_str(row, "Container", one->typed);
		json_set_str(row, "Name", one->name);
		if (one->running)
			set_usage(row, one);
		else
			set_nothing(row);
		if (rows_add(rows, row, NULL, one->running ? TONE_GOOD : TONE_DIM, e) < 0)
			return -1;
	}
	return 0;
}

/* ------------------------------------------------------------------ showing */

static size_t count_lines(const char *s, size_t max, size_t *bytes)
{
	size_t n = 0;

	*bytes = 0;
	for (const char *line = s; *line && n < max; n++) {
		line += strcspn(line, "\n");
		line += *line == '\n';
		*bytes = (size_t)(line - s);
	}
	return n;
}

static size_t screen_lines(void)
{
	struct winsize ws;

	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) == 0 && ws.ws_row > 2 ? ws.ws_row - 1u : 23;
}

/* Over the screen before, which was `*drawn` lines high; cut at the height of the terminal. */
static void redraw(const struct buf *text, size_t *drawn)
{
	size_t bytes;

	if (*drawn)
		printf("\033[%zuA\033[J", *drawn);
	*drawn = count_lines(buf_str(text), screen_lines(), &bytes);
	fwrite(buf_str(text), 1, bytes, stdout);
}

static int show(const struct cli *cli, const struct stats_options *o, const struct watch *w, size_t *drawn,
        struct err *e)
{
	cleanup_rows struct rows rows = ROWS_INIT;
	cleanup_buf struct buf text = BUF_INIT;

	if (watch_rows(w, o->list.no_trunc, &rows, e) < 0 ||
	        list_format(cli, &stats_view, &o->list, &rows, &text, e) < 0)
		return -1;
	if (!o->no_stream && output_is_terminal())
		redraw(&text, drawn);
	else
		fwrite(buf_str(&text), 1, text.len, stdout);
	return fflush(stdout) == 0 ? 0 : err_sys(e, "cannot write to standard output");
}

static int stats_run(struct cli *cli, void *options, char **operands)
{
	struct stats_options *o = options;
	struct err e = ERR_INIT;
	struct tare_engine *engine = cli_engine(cli, &e);
	cleanup_watch struct watch watch = {0};
	size_t drawn = 0;

	if (!engine || watch_choose(engine, o, operands, &watch, &e) < 0)
		return cli_fail(cli, &e);
	watch_sample(engine, &watch);
	if (watch.n)
		pause_ns(FIRST_NS);
	for (;;) {
		struct watch next = {0};

		watch_sample(engine, &watch);
		if (show(cli, o, &watch, &drawn, &e) < 0)
			return cli_fail(cli, &e);
		if (o->no_stream)
			return 0;
		pause_ns(ROUND_NS);
		if (watch_choose(engine, o, operands, &next, &e) < 0) {
			watch_free(&next);
			return cli_fail(cli, &e);
		}
		watch_carry(&next, &watch);
		watch_free(&watch);
		watch = next;
	}
}

const struct command stats_commands[] = {
        {
                .words = "stats",
                .aliases = "container stats",
                .group = GROUP_CONTAINERS,
                .operands = "[CONTAINER...]",
                .max_operands = -1,
                .summary = "Show what containers use, again and again",
                .details = "CPU % is of one core, so it may pass 100. Without a name all that run are shown.",
                .examples = "tare stats\ntare stats --no-stream --format '{{.Name}} {{.MemUsage}}'",
                .complete = "running",
                .options = stats_options,
                .size = sizeof(struct stats_options),
                .run = stats_run,
        },
        {0},
};
