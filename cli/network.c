/* Networks: making and removing them, who is in them, and putting rules and bridges up again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/command_tables.h"
#include "cli/filter.h"
#include "cli/moment.h"
#include "cli/not_yet.h"
#include "cli/output.h"
#include "engine/tare.h"

#define SHORT_ID 12

/* ------------------------------------------------------------------ create */

struct create_options {
	struct tare_network_create create;
	char **subnets, **gateways, **ranges, **labels;
};

#define OPTIONS struct create_options
static const struct option create_options[] = {
        OPT_STRING("driver", 'd', create.driver, "DRIVER", "bridge macvlan",
                "bridge (default), or macvlan on a card of this host"),
        OPT_LIST("subnet", 0, subnets, "SUBNET", "none",
                "Its addresses, as in 10.5.0.0/16; once more for IPv6 (default: a free one)"),
        OPT_LIST(
                "gateway", 0, gateways, "ADDRESS", "none", "Address of this host in it (default: the first)"),
        OPT_LIST("ip-range", 0, ranges, "SUBNET", "none", "Give containers addresses of this part only"),
        OPT_FLAG("ipv6", 0, create.ipv6, "Give IPv6 addresses too"),
        OPT_FLAG("internal", 0, create.internal, "No way out of it, and no published ports"),
        OPT_LIST("opt", 'o', create.options, "KEY=VALUE",
                "isolate=false icc=false masquerade=false antispoof=false mtu= parent= mode=",
                "isolate=false, icc=false, masquerade=false, antispoof=false, mtu=, parent=, …"),
        OPT_LIST("label", 0, labels, "KEY=VALUE", "none", "Set a label"),
        OPTION_END,
};
#undef OPTIONS

/* Which of the two families a text is of: colons are only in IPv6. */
static int by_family(char *const *texts, const char *flag, const char *out[2], struct err *e)
{
	strv_foreach (s, texts) {
		bool six = strchr(*s, ':');

		if (out[six])
			return err_set(e, ERR_USAGE,
			        "--%s is given twice for IPv%d: %s and %s; a network has one of each family",
			        flag, six ? 6 : 4, out[six], *s);
		out[six] = *s;
	}
	return 0;
}

static int create_labels(struct create_options *o, struct tare_create *scratch, struct err *e)
{
	strv_foreach (s, o->labels)
		if (tare_parse_label(scratch, *s, e) < 0)
			return err_wrap(e, "--label");
	o->create.labels = scratch->labels;
	return 0;
}

static int create_run(struct cli *cli, void *options, char **operands)
{
	struct create_options *o = options;
	struct err e = ERR_INIT;
	__attribute__((cleanup(tare_create_free))) struct tare_create scratch;
	struct tare_engine *engine;
	char id[TARE_ID_LEN + 1];

	tare_create_init(&scratch);
	o->create.name = operands[0];
	if (tare_name_check(operands[0], &e) < 0 || create_labels(o, &scratch, &e) < 0 ||
	        by_family(o->subnets, "subnet", o->create.subnet, &e) < 0 ||
	        by_family(o->gateways, "gateway", o->create.gateway, &e) < 0 ||
	        by_family(o->ranges, "ip-range", o->create.range, &e) < 0)
		return cli_fail(cli, &e);
	engine = cli_engine(cli, &e);
	if (!engine || engine->network_create(engine, &o->create, id, &e) < 0)
		return cli_fail(cli, &e);
	printf("%s\n", id);
	return 0;
}

/* ------------------------------------------------------------------ ls */

struct ls_options {
	struct list_format list;
	char **filters;
};

#define OPTIONS struct ls_options
static const struct option ls_options[] = {
        OPT_LIST("filter", 'f', filters, "KEY=VALUE",
                "name= id= driver=bridge driver=macvlan label= type=custom type=builtin dangling=true",
                "Show only some: name, id, driver, label, scope, type, dangling"),
        OPT_STRING("format", 0, list.format, "FORMAT", "json table", FORMAT_HELP),
        OPT_FLAG("no-trunc", 0, list.no_trunc, "Show ids in full"),
        OPT_FLAG("quiet", 'q', list.quiet, "Print only ids"),
        OPTION_END,
};
#undef OPTIONS

static const struct field ls_fields[] = {
        {"ID", "NETWORK ID", 0, false},
        {"Name", "NAME", 1, false},
        {"Driver", "DRIVER", 0, false},
        {"Scope", "SCOPE", 0, false},
        {"Subnets", "SUBNETS", 2, false},
        {"Gateways", "GATEWAYS", 2, false},
        {"Containers", "CONTAINERS", 0, false},
        {"Interface", "INTERFACE", 0, false},
        {"IPv6", "IPV6", 0, false},
        {"Internal", "INTERNAL", 0, false},
        {"Labels", "LABELS", 3, false},
        {"CreatedAt", "CREATED AT", 0, false},
        {NULL, NULL, 0, false},
};

static const struct list_view ls_view = {
        .fields = ls_fields,
        .columns = "ID Name Driver Scope",
        .id = "ID",
};

static bool match_name(const void *row, const char *value, const void *context)
{
	(void)context;
	return filter_regex(value, ((const struct tare_network *)row)->name);
}

static bool match_id(const void *row, const char *value, const void *context)
{
	(void)context;
	return strncmp(((const struct tare_network *)row)->id, value, strlen(value)) == 0;
}

static bool match_driver(const void *row, const char *value, const void *context)
{
	(void)context;
	return strcmp(((const struct tare_network *)row)->driver, value) == 0;
}

static bool match_label(const void *row, const char *value, const void *context)
{
	(void)context;
	return filter_has_label(((const struct tare_network *)row)->labels, value);
}

static bool match_scope(const void *row, const char *value, const void *context)
{
	(void)row, (void)context;
	return strcmp(value, "local") == 0;
}

static bool match_type(const void *row, const char *value, const void *context)
{
	(void)context;
	return ((const struct tare_network *)row)->is_default == (strcmp(value, "builtin") == 0);
}

static int check_type(const char *value, const void *context, struct err *e)
{
	(void)context;
	if (strcmp(value, "custom") == 0 || strcmp(value, "builtin") == 0)
		return 0;
	return err_set(e, ERR_USAGE, "unknown type \"%s\"; one of custom, builtin", value);
}

/* context: the names of those that prune would remove. */
static bool match_dangling(const void *row, const char *value, const void *context)
{
	return filter_bool(value) ==
	       strv_has((char *const *)context, ((const struct tare_network *)row)->name);
}

static const struct filter_key ls_filters[] = {
        {"name", match_name, false, filter_check_regex},
        {"id", match_id, false, NULL},
        {"driver", match_driver, false, NULL},
        {"label", match_label, true, NULL},
        {"scope", match_scope, false, NULL},
        {"type", match_type, false, check_type},
        {"dangling", match_dangling, false, filter_check_bool},
        {NULL, NULL, false, NULL},
};

/* The texts of both families that there are, comma-separated. */
static void set_pair(json *row, const char *key, char *const pair[2])
{
	cleanup_buf struct buf text = BUF_INIT;

	for (int i = 0; i < 2; i++)
		if (pair[i])
			buf_printf(&text, "%s%s", text.len ? "," : "", pair[i]);
	json_set_str(row, key, buf_str(&text));
}

static json *ls_row(const struct tare_network *n, bool no_trunc)
{
	json *row = json_object_new_object();
	cleanup_buf struct buf text = BUF_INIT;
	char moment[MOMENT_SIZE];

	buf_printf(&text, "%.*s", no_trunc ? TARE_ID_LEN : SHORT_ID, n->id);
	json_set_str(row, "ID", buf_str(&text));
	json_set_str(row, "Name", n->name);
	json_set_str(row, "Driver", n->driver);
	json_set_str(row, "Scope", "local");
	set_pair(row, "Subnets", n->subnet);
	set_pair(row, "Gateways", n->gateway);
	buf_reset(&text);
	buf_printf(&text, "%zu", n->n_members);
	json_set_str(row, "Containers", buf_str(&text));
	json_set_str(row, "Interface", n->link ? n->link : "");
	json_set_str(row, "IPv6", n->ipv6 ? "true" : "false");
	json_set_str(row, "Internal", n->internal ? "true" : "false");
	buf_reset(&text);
	labels_text(n->labels, &text);
	json_set_str(row, "Labels", buf_str(&text));
	json_set_str(row, "CreatedAt", moment_local(n->created, moment));
	return row;
}

static json *ls_hidden(const struct tare_network *n)
{
	json *hidden = json_object_new_object();

	json_set(hidden, "Label", n->labels ? json_object_get(n->labels) : json_object_new_object());
	return hidden;
}

static int ls_rows(struct tare_engine *engine, const struct ls_options *o, struct rows *rows, struct err *e)
{
	__attribute__((cleanup(tare_network_list_free))) struct tare_network_list list = {0};
	__attribute__((cleanup(tare_prune_result_free))) struct tare_prune_result unused = {0};

	if (filter_check(o->filters, ls_filters, NULL, e) < 0 || engine->network_list(engine, &list, e) < 0)
		return -1;
	if (filter_value(o->filters, "dangling") &&
	        engine->prune(engine, TARE_PRUNE_NETWORKS, TARE_PRUNE_DRY_RUN, &unused, e) < 0)
		return -1;
	for (size_t i = 0; i < list.n; i++) {
		const struct tare_network *n = &list.rows[i];

		if (filters_match(o->filters, ls_filters, n, unused.removed) &&
		        rows_add(rows, ls_row(n, o->list.no_trunc), ls_hidden(n), TONE_PLAIN, e) < 0)
			return -1;
	}
	return 0;
}

static int ls_run(struct cli *cli, void *options, char **operands)
{
	struct ls_options *o = options;
	struct err e = ERR_INIT;
	struct tare_engine *engine = cli_engine(cli, &e);
	cleanup_rows struct rows rows = ROWS_INIT;

	(void)operands;
	if (!engine || ls_rows(engine, o, &rows, &e) < 0 ||
	        list_print(cli, &ls_view, &o->list, &rows, &e) < 0)
		return cli_fail(cli, &e);
	return 0;
}

/* ------------------------------------------------------------------ rm */

struct rm_options {
	bool force;
};

#define OPTIONS struct rm_options
static const struct option rm_options[] = {
        OPT_FLAG("force", 'f', force, "Be content when there is no such network"),
        OPTION_END,
};
#undef OPTIONS

static int rm_run(struct cli *cli, void *options, char **operands)
{
	const struct rm_options *o = options;
	struct err e = ERR_INIT;
	struct tare_engine *engine = cli_engine(cli, &e);
	int code = 0;

	if (!engine)
		return cli_fail(cli, &e);
	strv_foreach (name, operands) {
		e = (struct err)ERR_INIT;
		if (engine->network_remove(engine, *name, &e) == 0) {
			printf("%s\n", *name);
		} else if (!o->force || e.kind != ERR_NOT_FOUND) {
			cli_fail(cli, &e);
			code = 1;
		}
	}
	return code;
}

/* ------------------------------------------------------------------ connect, disconnect */

struct connect_options {
	struct tare_endpoint endpoint;
};

static int parse_ip(void *options, const char *text, struct err *e)
{
	return tare_endpoint_set_ip(&((struct connect_options *)options)->endpoint, text, e);
}

static int parse_ip6(void *options, const char *text, struct err *e)
{
	if (!strchr(text, ':'))
		return err_set(e, ERR_USAGE, "invalid IPv6 address \"%s\": write one like fd00::5", text);
	return parse_ip(options, text, e);
}

static int parse_alias(void *options, const char *text, struct err *e)
{
	return tare_endpoint_add_alias(&((struct connect_options *)options)->endpoint, text, e);
}

#define OPTIONS struct connect_options
static const struct option connect_options[] = {
        OPT_CALL("alias", 0, parse_alias, "NAME", "none", "A further name of the container in this network"),
        OPT_CALL("ip", 0, parse_ip, "ADDRESS", "none", "Its IPv4 address"),
        OPT_CALL("ip6", 0, parse_ip6, "ADDRESS", "none", "Its IPv6 address"),
        OPTION_END,
};
#undef OPTIONS

static void connect_fini(void *options)
{
	tare_endpoint_free(&((struct connect_options *)options)->endpoint);
}

static int connect_run(struct cli *cli, void *options, char **operands)
{
	const struct connect_options *o = options;
	struct err e = ERR_INIT;
	struct tare_engine *engine = cli_engine(cli, &e);

	if (!engine || engine->network_connect(engine, operands[0], operands[1], &o->endpoint, &e) < 0)
		return cli_fail(cli, &e);
	return 0;
}

struct disconnect_options {
	bool force;
};

#define OPTIONS struct disconnect_options
static const struct option disconnect_options[] = {
        OPT_FLAG("force", 'f', force, "Take it out of the records even when its interface cannot be removed"),
        OPTION_END,
};
#undef OPTIONS

static int disconnect_run(struct cli *cli, void *options, char **operands)
{
	const struct disconnect_options *o = options;
	struct err e = ERR_INIT;
	struct tare_engine *engine = cli_engine(cli, &e);

	if (!engine || engine->network_disconnect(engine, operands[0], operands[1], o->force, &e) < 0)
		return cli_fail(cli, &e);
	return 0;
}

/* ------------------------------------------------------------------ reload */

static int reload_run(struct cli *cli, void *options, char **operands)
{
	struct err e = ERR_INIT;
	struct tare_engine *engine = cli_engine(cli, &e);
	cleanup_strv char **notes = NULL;
	cleanup_json json *doc = json_object_new_object();

	(void)options, (void)operands;
	if (!engine || engine->network_reload(engine, &notes, &e) < 0)
		return cli_fail(cli, &e);
	json_set_strv(doc, "Notes", notes);
	if (cli->json)
		return document_print(doc, NULL, &e) < 0 ? cli_fail(cli, &e) : 0;
	if (notes)
		printf("The host's firewall drops what containers send or get; to let it pass:\n");
	strv_foreach (note, notes) {
		cleanup_buf struct buf text = BUF_INIT;

		text_harmless(&text, *note, strlen(*note));
		printf("  %s\n", buf_str(&text));
	}
	return 0;
}

/* ------------------------------------------------------------------ the rows */

const struct command network_commands[] = {
        {
                .words = "network create",
                .group = GROUP_NETWORKS,
                .operands = "NETWORK",
                .min_operands = 1,
                .max_operands = 1,
                .summary = "Make a network",
                .details =
                        "Containers in it reach each other by name and address; those of other networks "
                        "only by published ports, unless both say --opt isolate=false. Options: "
                        "isolate=false, icc=false (members do not reach each other), masquerade=false, "
                        "antispoof=false, mtu=BYTES, and with macvlan parent=INTERFACE. The id is printed.",
                .examples = "tare network create web\n"
                            "tare network create --subnet 10.5.0.0/16 --subnet fd05::/64 --internal data\n"
                            "tare network create -d macvlan -o parent=eth0 --subnet 192.168.1.0/24 "
                            "--ip-range 192.168.1.192/26 lan",
                .complete = "none",
                .options = create_options,
                .size = sizeof(struct create_options),
                .flag_hint = not_yet_network_flag,
                .run = create_run,
        },
        {
                .words = "network ls",
                .aliases = "network list",
                .group = GROUP_NETWORKS,
                .summary = "List networks",
                .details = "The default one, tare0, comes first.",
                .examples = "tare network ls\n"
                            "tare network ls --format 'table {{.Name}}\\t{{.Subnets}}\\t{{.Containers}}'",
                .options = ls_options,
                .size = sizeof(struct ls_options),
                .run = ls_run,
        },
        {
                .words = "network rm",
                .aliases = "network remove",
                .group = GROUP_NETWORKS,
                .operands = "NETWORK [NETWORK...]",
                .min_operands = 1,
                .max_operands = -1,
                .summary = "Remove networks that no running container is in",
                .examples = "tare network rm web",
                .complete = "networks",
                .options = rm_options,
                .size = sizeof(struct rm_options),
                .run = rm_run,
        },
        {
                .words = "network connect",
                .group = GROUP_NETWORKS,
                .operands = "NETWORK CONTAINER",
                .min_operands = 2,
                .max_operands = 2,
                .summary = "Put a container into a further network, running or not",
                .examples = "tare network connect --alias db data postgres",
                .complete = "networks",
                .complete_rest = "containers",
                .options = connect_options,
                .size = sizeof(struct connect_options),
                .flag_hint = not_yet_network_flag,
                .fini = connect_fini,
                .run = connect_run,
        },
        {
                .words = "network disconnect",
                .group = GROUP_NETWORKS,
                .operands = "NETWORK CONTAINER",
                .min_operands = 2,
                .max_operands = 2,
                .summary = "Take a container out of a network",
                .complete = "networks",
                .complete_rest = "containers",
                .options = disconnect_options,
                .size = sizeof(struct disconnect_options),
                .run = disconnect_run,
        },
        {
                .words = "network reload",
                .group = GROUP_NETWORKS,
                .summary = "Put all rules, bridges and the name service up again",
                .details = "After somebody flushed the firewall. Says what of the host's firewall stands in "
                           "the way of containers, and the command that lets them through.",
                .run = reload_run,
        },
        {0},
};
