/* history: how an image came to be, newest first. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/command.h"
#include "cli/command_tables.h"
#include "cli/moment.h"
#include "cli/output.h"
#include "engine/tare.h"

#define SHORT_ID      12
#define COMMAND_WIDTH 45 /* Docker's */
#define NO_ID         "<missing>"

struct history_options {
	struct list_format list;
	bool human;
};

#define OPTIONS struct history_options
static const struct option history_options[] = {
        OPT_STRING("format", 0, list.format, "FORMAT", "json table", FORMAT_HELP),
        OPT_FLAG(
                "human", 'H', human, "Show sizes and times for people (the default; --human=false does not)"),
        OPT_FLAG("no-trunc", 0, list.no_trunc, "Show ids and commands in full"),
        OPT_FLAG("quiet", 'q', list.quiet, "Print only ids"),
        OPTION_END,
};
#undef OPTIONS

static const struct field history_fields[] = {
        {"ID", "IMAGE", 0, false},
        {"CreatedSince", "CREATED", 0, false},
        {"CreatedAt", "CREATED AT", 0, false},
        {"CreatedBy", "CREATED BY", 1, false},
        {"Size", "SIZE", 0, false},
        {"Comment", "COMMENT", 2, false},
        {NULL, NULL, 0, false},
};

static const struct list_view history_view = {
        .fields = history_fields,
        .columns = "ID CreatedSince CreatedBy Size Comment",
        .id = "ID",
};
#define COLUMNS_EXACT "ID CreatedAt CreatedBy Size Comment"

struct source {
	const struct history_options *options;
	const struct tare_layer_list *layers;
	json *image;   /* its document */
	json *history; /* of it, or NULL */
	int64_t now;
};

/* Commands are written over several lines with tabs; a list shows one line. */
static char *command_text(const char *text, bool whole)
{
	cleanup_buf struct buf b = BUF_INIT;

	text_harmless(&b, text, strlen(text));
	const char *s = buf_str(&b);
	if (whole || text_width(s) <= COMMAND_WIDTH)
		return strdup(s);
	return str_printf("%.*s…", (int)text_prefix(s, COMMAND_WIDTH - 1), s);
}

/* Only the newest step has an id of an image: what was between is kept nowhere. */
static char *id_text(const struct source *s, bool newest)
{
	const char *id = json_str(s->image, "Id", ""), *colon = strchr(id, ':');

	if (!newest)
		return strdup(NO_ID);
	return s->options->list.no_trunc ? strdup(id) : str_printf("%.*s", SHORT_ID, colon ? colon + 1 : id);
}

static json *history_row(const struct source *s, size_t at)
{
	const struct tare_layer *l = &s->layers->rows[at];
	json *step = s->history && json_object_array_length(s->history) == s->layers->n
	                     ? json_object_array_get_idx(s->history, at)
	                     : NULL;
	json *row = json_object_new_object();
	char words[AGO_TEXT_SIZE], moment[TIME_TEXT_SIZE], size[SIZE_TEXT_SIZE];
	cleanup_free char *id = id_text(s, at + 1 == s->layers->n);
	cleanup_free char *ago = str_printf("%s ago", duration_words(s->now - l->created, words));
	cleanup_free char *command =
	        command_text(json_str(step, "created_by", step || !l->created_by ? "" : l->created_by),
	                s->options->list.no_trunc);

	snprintf(size, sizeof(size), "%llu", (unsigned long long)l->size);
	json_set_str(row, "ID", id);
	json_set_str(row, "CreatedSince", l->created ? ago : "N/A");
	/* to the second, as Docker prints it */
	time_format(l->created, moment);
	memmove(moment + strcspn(moment, "."), "Z", 2);
	json_set_str(row, "CreatedAt", l->created ? moment : "N/A");
	json_set_str(row, "CreatedBy", command);
	json_set_str(row, "Size", s->options->human ? size_format_decimal(l->size, size) : size);
	json_set_str(row, "Comment", json_str(step, "comment", ""));
	return row;
}

static int history_rows(struct tare_engine *engine, const char *ref, const struct history_options *o,
        struct rows *rows, struct err *e)
{
	__attribute__((cleanup(tare_layer_list_free))) struct tare_layer_list layers = {0};
	cleanup_json json *image = NULL;

	/* This one first: it finds the image that is shipped with Tare. */
	if (engine->image_inspect(engine, ref, &image, e) < 0 ||
	        engine->image_layers(engine, ref, &layers, e) < 0)
		return -1;
	const struct source s = {o, &layers, image, json_get(image, "History"), engine->now(engine)};
	for (size_t i = layers.n; i-- > 0;)
		if (rows_add(rows, history_row(&s, i), NULL, TONE_PLAIN, e) < 0)
			return -1;
	return 0;
}

static int history_run(struct cli *cli, void *options, char **operands)
{
	struct history_options *o = options;
	struct err e = ERR_INIT;
	struct tare_engine *engine = cli_engine(cli, &e);
	cleanup_rows struct rows rows = ROWS_INIT;

	if (!o->human)
		o->list.columns = COLUMNS_EXACT;
	if (!engine || history_rows(engine, operands[0], o, &rows, &e) < 0 ||
	        list_print(cli, &history_view, &o->list, &rows, &e) < 0)
		return cli_fail(cli, &e);
	return 0;
}

static void history_init(void *options)
{
	((struct history_options *)options)->human = true;
}

const struct command history_commands[] = {
        {
                .words = "history",
                .aliases = "image history",
                .group = GROUP_IMAGES,
                .operands = "IMAGE",
                .min_operands = 1,
                .max_operands = 1,
                .summary = "Show the steps by which an image was made",
                .examples = "tare history busybox\ntare history --no-trunc --format '{{.CreatedBy}}' busybox",
                .complete = "images",
                .options = history_options,
                .size = sizeof(struct history_options),
                .init = history_init,
                .run = history_run,
        },
        {0},
};
