/* ps: the list of containers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/command.h"
#include "cli/command_tables.h"
#include "cli/filter.h"
#include "cli/moment.h"
#include "cli/output.h"
#include "cli/reference.h"
#include "engine/tare.h"

#define SHORT_ID 12

struct ps_options {
	struct list_format list;
	bool all, latest, size;
	bool short_ports; /* on a terminal, where room is dear */
	int64_t last;     /* -1: no bound */
	char **filters;
};

static void ps_init(void *options)
{
	((struct ps_options *)options)->last = -1;
}

#define OPTIONS struct ps_options
static const struct option ps_options[] = {
        OPT_FLAG("all", 'a', all, "Show those that do not run too"),
        OPT_LIST("filter", 'f', filters, "KEY=VALUE",
                "status= name= id= label= ancestor= exited= before= since= volume= network= publish= expose= "
                "health=",
                "Show only some: status, name, id, label, ancestor, exited, before, since, volume, network, "
                "publish, expose, health"),
        OPT_STRING("format", 0, list.format, "FORMAT", "json table", FORMAT_HELP),
        OPT_INT("last", 'n', last, -1, INT32_MAX, "NUMBER", "Show the last created ones, in any state"),
        OPT_FLAG("latest", 'l', latest, "Show the last created one, in any state"),
        OPT_FLAG("no-trunc", 0, list.no_trunc, "Show ids and columns in full"),
        OPT_FLAG("quiet", 'q', list.quiet, "Print only ids"),
        OPT_FLAG("size", 's', size, "Show what each has written"),
        OPTION_END,
};
#undef OPTIONS

static const struct field ps_fields[] = {
        {"ID", "CONTAINER ID", 0, false},
        {"Image", "IMAGE", 3, false},
        {"Command", "COMMAND", 4, false},
        {"CreatedAt", "CREATED AT", 0, false},
        {"RunningFor", "CREATED", 3, false},
        {"Status", "STATUS", 0, true},
        {"State", "STATE", 0, true},
        {"Ports", "PORTS", 2, false},
        {"Names", "NAMES", 2, false},
        {"Size", "SIZE", 0, false},
        {"Labels", "LABELS", 4, false},
        {"Mounts", "MOUNTS", 4, false},
        {"Networks", "NETWORKS", 2, false},
        {"LocalVolumes", "LOCAL VOLUMES", 0, false},
        {NULL, NULL, 0, false},
};

static const struct list_view ps_view = {
        .fields = ps_fields,
        .columns = "ID Image Command RunningFor Status Ports Names",
        .id = "ID",
        .optional = "Ports",
};
#define COLUMNS_WITH_SIZE "ID Image Command RunningFor Status Ports Names Size"

/* ------------------------------------------------------------------ filters */

#define DAMAGED "damaged" /* beside the states: its record cannot be read */

static bool match_status(const void *row, const char *value, const void *context)
{
	const struct tare_container *c = row;

	(void)context;
	if (strcmp(value, DAMAGED) == 0)
		return c->state == TARE_DEAD && c->error;
	return strcmp(tare_state_name(c->state), value) == 0;
}

static int check_status(const char *value, const void *context, struct err *e)
{
	(void)context;
	if (strcmp(value, DAMAGED) == 0)
		return 0;
	for (int s = TARE_CREATED; s <= TARE_DEAD; s++)
		if (strcmp(tare_state_name((enum tare_state)s), value) == 0)
			return 0;
	return err_set(e, ERR_USAGE,
	        "unknown status \"%s\"; one of created, running, paused, restarting, exited, dead, " DAMAGED,
	        value);
}

/* With and without Docker's leading slash, since filters written for it may have "^/web$". */
static bool match_name(const void *row, const char *value, const void *context)
{
	const struct tare_container *c = row;
	cleanup_free char *slashed = str_printf("/%s", c->name);

	(void)context;
	return filter_regex(value, c->name) || (slashed && filter_regex(value, slashed));
}

static bool match_id(const void *row, const char *value, const void *context)
{
	(void)context;
	return strncmp(((const struct tare_container *)row)->id, value, strlen(value)) == 0;
}

static bool match_label(const void *row, const char *value, const void *context)
{
	(void)context;
	return filter_has_label(((const struct tare_container *)row)->labels, value);
}

static bool match_ancestor(const void *row, const char *value, const void *context)
{
	const struct tare_container *c = row;

	(void)context;
	return reference_same(c->image, value) || reference_is_id(c->image_id, value);
}

static bool match_exited(const void *row, const char *value, const void *context)
{
	const struct tare_container *c = row;

	(void)context;
	return c->state == TARE_EXITED && c->exit_code == atoi(value);
}

static int check_exited(const char *value, const void *context, struct err *e)
{
	int64_t v;

	(void)context;
	return int_parse(value, 0, 255, "exit code", &v, e);
}

static const struct tare_container *find_row(const struct tare_container_list *list, const char *ref)
{
	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->rows[i].name, ref) == 0)
			return &list->rows[i];
	for (size_t i = 0; i < list->n && *ref; i++)
		if (strncmp(list->rows[i].id, ref, strlen(ref)) == 0)
			return &list->rows[i];
	return NULL;
}

static int check_container(const char *value, const void *context, struct err *e)
{
	if (find_row(context, value))
		return 0;
	return err_set(e, ERR_NOT_FOUND, "there is no container \"%s\"; see: tare ps -a", value);
}

static bool match_before(const void *row, const char *value, const void *context)
{
	return ((const struct tare_container *)row)->created < find_row(context, value)->created;
}

static bool match_since(const void *row, const char *value, const void *context)
{
	return ((const struct tare_container *)row)->created > find_row(context, value)->created;
}

static bool match_volume(const void *row, const char *value, const void *context)
{
	(void)context;
	return strv_has(((const struct tare_container *)row)->mounts, value);
}

/* Docker's names for the default network are known too. */
static bool match_network(const void *row, const char *value, const void *context)
{
	const struct tare_container *c = row;
	cleanup_free char *names = strdup(c->network ? c->network : "");
	char *rest = names;

	(void)context;
	if (strcmp(value, "bridge") == 0 || strcmp(value, "default") == 0)
		value = "tare0";
	for (char *name; (name = text_next_part(&rest, ","));)
		if (strcmp(name, value) == 0)
			return true;
	return false;
}

/* "80", "8000-8010/tcp": the ports in it, of one protocol. */
struct port_range {
	uint16_t from, to;
	int protocol;
};

static int port_range_parse(const char *text, struct port_range *r, struct err *e)
{
	cleanup_free char *first = strdup(text);
	char *dash = first ? strchr(first, '-') : NULL;

	if (!first)
		return err_no_memory(e);
	if (!dash) {
		int rc = tare_port_parse(text, &r->from, &r->protocol, e);

		r->to = r->from;
		return rc;
	}
	*dash = 0;
	if (tare_port_parse(first, &r->from, &r->protocol, e) < 0 ||
	        tare_port_parse(dash + 1, &r->to, &r->protocol, e) < 0)
		return -1;
	return 0;
}

static int check_ports(const char *value, const void *context, struct err *e)
{
	struct port_range r;

	(void)context;
	return port_range_parse(value, &r, e);
}

static bool in_range(const struct port_range *r, int protocol, uint16_t port)
{
	return r->protocol == protocol && r->from <= port && port <= r->to;
}

/* By the port inside, as Docker has it, or by that of this host, which is what a client knows. */
static bool match_publish(const void *row, const char *value, const void *context)
{
	const struct tare_container *c = row;
	struct port_range r;

	(void)context;
	if (port_range_parse(value, &r, NULL) < 0)
		return false;
	for (const struct tare_port *p = c->ports; p < c->ports + c->n_ports; p++)
		if (p->host_ip && (in_range(&r, p->protocol, p->container_port) ||
		                          in_range(&r, p->protocol, p->host_port)))
			return true;
	return false;
}

static bool match_expose(const void *row, const char *value, const void *context)
{
	const struct tare_container *c = row;
	struct port_range r;

	(void)context;
	if (port_range_parse(value, &r, NULL) < 0)
		return false;
	for (const struct tare_port *p = c->ports; p < c->ports + c->n_ports; p++)
		if (in_range(&r, p->protocol, p->container_port))
			return true;
	return false;
}

static bool match_health(const void *row, const char *value, const void *context)
{
	(void)context;
	return strcmp(tare_health_name(((const struct tare_container *)row)->health), value) == 0;
}

static int check_health(const char *value, const void *context, struct err *e)
{
	(void)context;
	for (int h = TARE_HEALTH_NONE; h <= TARE_HEALTH_UNHEALTHY; h++)
		if (strcmp(tare_health_name((enum tare_health)h), value) == 0)
			return 0;
	return err_set(
	        e, ERR_USAGE, "unknown health \"%s\"; one of none, starting, healthy, unhealthy", value);
}

static const struct filter_key ps_filters[] = {
        {"status", match_status, false, check_status},
        {"name", match_name, false, filter_check_regex},
        {"id", match_id, false, NULL},
        {"label", match_label, true, NULL},
        {"ancestor", match_ancestor, false, NULL},
        {"exited", match_exited, false, check_exited},
        {"before", match_before, false, check_container},
        {"since", match_since, false, check_container},
        {"volume", match_volume, false, NULL},
        {"network", match_network, false, NULL},
        {"publish", match_publish, false, check_ports},
        {"expose", match_expose, false, check_ports},
        {"health", match_health, false, check_health},
        {NULL, NULL, false, NULL},
};

/* ------------------------------------------------------------------ rows */

/* Docker's words behind "Up …". */
static const char *health_text(const struct tare_container *c)
{
	switch (c->health) {
	case TARE_HEALTH_STARTING:
		return " (health: starting)";
	case TARE_HEALTH_HEALTHY:
		return " (healthy)";
	case TARE_HEALTH_UNHEALTHY:
		return " (unhealthy)";
	case TARE_HEALTH_NONE:
		break;
	}
	return "";
}

static void status_text(const struct tare_container *c, int64_t now, struct buf *out)
{
	char words[AGO_TEXT_SIZE];

	switch (c->state) {
	case TARE_CREATED:
		buf_str_add(out, "Created");
		break;
	case TARE_RUNNING:
	case TARE_PAUSED:
		buf_printf(out, "Up %s%s%s", duration_words(now - c->started, words),
		        c->state == TARE_PAUSED ? " (Paused)" : health_text(c),
		        c->monitor_lost ? " (no monitor)" : "");
		break;
	case TARE_RESTARTING:
		buf_printf(out, "Restarting (%d) %s ago", c->exit_code,
		        duration_words(now - c->finished, words));
		break;
	case TARE_EXITED:
		buf_printf(out, "Exited (%d) %s ago%s", c->exit_code,
		        duration_words(now - c->finished, words), c->oom_killed ? " (out of memory)" : "");
		break;
	case TARE_DEAD:
		buf_printf(out, "Dead%s", c->error ? " (damaged)" : "");
		break;
	}
}

static enum tone row_tone(const struct tare_container *c)
{
	switch (c->state) {
	case TARE_RUNNING:
		return c->health == TARE_HEALTH_UNHEALTHY                     ? TONE_BAD
		       : c->monitor_lost || c->health == TARE_HEALTH_STARTING ? TONE_WARN
		                                                              : TONE_GOOD;
	case TARE_PAUSED:
	case TARE_RESTARTING:
		return TONE_WARN;
	case TARE_CREATED:
		return TONE_DIM;
	case TARE_EXITED:
		return c->exit_code || c->oom_killed ? TONE_BAD : TONE_DIM;
	case TARE_DEAD:
		return TONE_BAD;
	}
	return TONE_PLAIN;
}

static void set_buf(json *row, const char *key, struct buf *text)
{
	json_set_str(row, key, buf_str(text));
	buf_reset(text);
}

/* As Docker shows it: the whole in double quotes with Go's escapes, and words in single ones where it would
 * not be seen otherwise where they end. */
static void add_argument(struct buf *text, const char *s)
{
	bool quote = !*s || s[strcspn(s, " \t\n\r\v\f'\"")];

	if (quote)
		buf_char(text, '\'');
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			buf_char(text, '\\');
		if (*s == '\n' || *s == '\t')
			buf_str_add(text, *s == '\n' ? "\\n" : "\\t");
		else
			buf_char(text, *s);
	}
	if (quote)
		buf_char(text, '\'');
}

static void set_command(json *row, const struct tare_container *c)
{
	cleanup_buf struct buf text = BUF_INIT;

	buf_char(&text, '"');
	strv_foreach (s, c->command) {
		if (s != c->command)
			buf_char(&text, ' ');
		add_argument(&text, *s);
	}
	buf_char(&text, '"');
	json_set_str(row, "Command", buf_str(&text));
}

static void set_mounts(json *row, const struct tare_container *c)
{
	cleanup_buf struct buf text = BUF_INIT;
	size_t volumes = 0;
	char number[24];

	strv_foreach (s, c->mounts) {
		buf_printf(&text, "%s%s", s == c->mounts ? "" : ",", *s);
		volumes += **s != '/';
	}
	json_set_str(row, "Mounts", buf_str(&text));
	snprintf(number, sizeof(number), "%zu", volumes);
	json_set_str(row, "LocalVolumes", number);
}

static bool is_active(const struct tare_container *c)
{
	return c->state == TARE_RUNNING || c->state == TARE_PAUSED || c->state == TARE_RESTARTING;
}

/* Is this port there for the other family too? Rows of one port of the container stand together. */
static bool has_twin(const struct tare_container *c, const struct tare_port *p, const char *host_ip)
{
	const struct tare_port *q = p;

	while (q > c->ports && q[-1].container_port == p->container_port)
		q--;
	for (; q < c->ports + c->n_ports && q->container_port == p->container_port; q++)
		if (q->host_port == p->host_port && q->protocol == p->protocol && q->host_ip &&
		        strcmp(q->host_ip, host_ip) == 0)
			return true;
	return false;
}

/* "*" for both families at once: a column that is cut behind "0.0.0.0:" says nothing. */
static void short_ports(const struct tare_container *c, struct buf *out)
{
	static char any[] = "*";
	cleanup_free struct tare_port *rows = calloc(c->n_ports + 1, sizeof *rows);
	size_t n = 0;

	for (const struct tare_port *p = c->ports; rows && p < c->ports + c->n_ports; p++) {
		if (p->host_ip && strcmp(p->host_ip, "::") == 0 && has_twin(c, p, "0.0.0.0"))
			continue;
		rows[n] = *p;
		if (p->host_ip && strcmp(p->host_ip, "0.0.0.0") == 0 && has_twin(c, p, "::"))
			rows[n].host_ip = any;
		n++;
	}
	tare_ports_text(rows, n, out);
}

static json *ps_row(const struct tare_container *c, const struct ps_options *o, int64_t now)
{
	json *row = json_object_new_object();
	cleanup_buf struct buf text = BUF_INIT;
	char moment[MOMENT_SIZE], words[AGO_TEXT_SIZE];

	buf_printf(&text, "%.*s", o->list.no_trunc ? TARE_ID_LEN : SHORT_ID, c->id);
	set_buf(row, "ID", &text);
	json_set_str(row, "Names", c->name);
	json_set_str(row, "Image", c->image);
	set_command(row, c);
	json_set_str(row, "CreatedAt", c->created ? moment_local(c->created, moment) : "");
	if (c->created) /* not known of one whose record cannot be read */
		buf_printf(&text, "%s ago", duration_words(now - c->created, words));
	set_buf(row, "RunningFor", &text);
	json_set_str(row, "State", tare_state_name(c->state));
	status_text(c, now, &text);
	set_buf(row, "Status", &text);
	if (is_active(c) && o->short_ports)
		short_ports(c, &text);
	else if (is_active(c))
		tare_ports_text(c->ports, c->n_ports, &text);
	set_buf(row, "Ports", &text);
	labels_text(c->labels, &text);
	set_buf(row, "Labels", &text);
	set_mounts(row, c);
	json_set_str(row, "Networks", c->network ? c->network : "none");
	return row;
}

static int set_size(struct tare_engine *engine, json *row, const char *id, struct err *e)
{
	uint64_t rw, rootfs;
	char written[SIZE_TEXT_SIZE], all[SIZE_TEXT_SIZE];
	cleanup_free char *text = NULL;

	if (engine->container_size(engine, id, &rw, &rootfs, e) < 0)
		return -1;
	text = str_printf(
	        "%s (virtual %s)", size_format_decimal(rw, written), size_format_decimal(rootfs, all));
	json_set_str(row, "Size", text);
	return 0;
}

static int add_row(struct tare_engine *engine, const struct ps_options *o, const struct tare_container *c,
        struct rows *rows, struct err *e)
{
	json *row = ps_row(c, o, engine->now(engine)), *hidden = json_object_new_object();

	json_set(hidden, "Label", c->labels ? json_object_get(c->labels) : json_object_new_object());
	json_set_str(hidden, "Size", "");
	/* One that was removed meanwhile has no size any more; that is no reason to fail. */
	if (o->size && set_size(engine, row, c->id, e) < 0 && e && e->kind != ERR_NOT_FOUND) {
		json_object_put(row);
		json_object_put(hidden);
		return -1;
	}
	return rows_add(rows, row, hidden, row_tone(c), e);
}

/* A container says its networks by name; a filter may name one by its id. */
static int networks_by_name(struct tare_engine *engine, char **filters, struct err *e)
{
	__attribute__((cleanup(tare_network_list_free))) struct tare_network_list list = {0};

	if (!filter_value(filters, "network"))
		return 0;
	if (engine->network_list(engine, &list, e) < 0)
		return -1;
	for (char **f = filters; *f; f++) {
		const char *value = strncmp(*f, "network=", 8) == 0 ? *f + 8 : NULL;
		const struct tare_network *named = NULL;

		for (const struct tare_network *n = list.rows; value && *value && n < list.rows + list.n; n++)
			if (strcmp(n->name, value) == 0)
				value = NULL;
			else if (strncmp(n->id, value, strlen(value)) == 0)
				named = n;
		if (!value || !named)
			continue;
		char *text = str_printf("network=%s", named->name);
		if (!text)
			return err_no_memory(e);
		free(*f);
		*f = text;
	}
	return 0;
}

static int ps_rows(struct tare_engine *engine, const struct ps_options *o, struct rows *rows, struct err *e)
{
	__attribute__((cleanup(tare_container_list_free))) struct tare_container_list list = {0};
	int64_t left = o->latest ? 1 : o->last < 0 ? INT64_MAX : o->last;
	bool all = o->all || o->latest || o->last >= 0;

	/* Filters that speak of states or of order are meant for all states. */
	all = all || filter_value(o->filters, "status") || filter_value(o->filters, "exited");
	if (engine->list(engine, all || o->filters, &list, e) < 0 ||
	        filter_check(o->filters, ps_filters, &list, e) < 0 ||
	        networks_by_name(engine, o->filters, e) < 0)
		return -1;
	for (size_t i = 0; i < list.n && left > 0; i++) {
		const struct tare_container *c = &list.rows[i];

		if ((!all && !is_active(c)) || !filters_match(o->filters, ps_filters, c, &list))
			continue;
		if (add_row(engine, o, c, rows, e) < 0)
			return -1;
		left--;
	}
	return 0;
}

static int ps_run(struct cli *cli, void *options, char **operands)
{
	struct ps_options *o = options;
	struct err e = ERR_INIT;
	struct tare_engine *engine = cli_engine(cli, &e);
	cleanup_rows struct rows rows = ROWS_INIT;

	(void)operands;
	o->short_ports = output_is_terminal() && !cli->json && !o->list.format && !o->list.no_trunc;
	/* A template that shows sizes asks for them. */
	o->size = o->size || (o->list.format && strstr(o->list.format, ".Size"));
	if (o->size)
		o->list.columns = COLUMNS_WITH_SIZE;
	if (!engine || ps_rows(engine, o, &rows, &e) < 0 ||
	        list_print(cli, &ps_view, &o->list, &rows, &e) < 0)
		return cli_fail(cli, &e);
	return 0;
}

const struct command container_list_commands[] = {
        {
                .words = "ps",
                .aliases = "list, container ls, container ps, container list",
                .group = GROUP_CONTAINERS,
                .summary = "List containers",
                .details = "Those that run, the newest first; with --all all of them. On a terminal, *:8080 "
                           "stands for 0.0.0.0:8080 and [::]:8080.",
                .examples = "tare ps -a\ntare ps -q --filter label=tier=web\n"
                            "tare ps --format 'table {{.Names}}\\t{{.Status}}'",
                .options = ps_options,
                .size = sizeof(struct ps_options),
                .init = ps_init,
                .run = ps_run,
        },
        {0},
};
