#include "tui/network_form.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/units.h"
#include "engine/tare.h"
#include "tui/actions_state.h"
#include "tui/app.h"
#include "tui/form.h"
#include "tui/job.h"
#include "tui/model.h"
#include "tui/request.h"
#include "tui/words.h"

enum { NET_NAME, NET_DRIVER, NET_SUBNET, NET_IPV6, NET_INTERNAL, NET_PARENT, NET_OPTIONS, NET_N };

static const char *const drivers[] = {"bridge", "macvlan", NULL};
enum { DRIVER_BRIDGE, DRIVER_MACVLAN };

static const struct form_field fields[NET_N] = {
        [NET_NAME] = {.label = "Name", .kind = FIELD_TEXT},
        [NET_DRIVER] = {.label = "Driver", .kind = FIELD_CHOICE, .choices = drivers},
        [NET_SUBNET] = {.label = "Subnets", .kind = FIELD_TEXT},
        [NET_IPV6] = {.label = "IPv6 too", .kind = FIELD_FLAG},
        [NET_INTERNAL] = {.label = "No way out", .kind = FIELD_FLAG},
        [NET_PARENT] = {.label = "Parent", .kind = FIELD_TEXT},
        [NET_OPTIONS] = {.label = "Options", .kind = FIELD_TEXT},
};

/* ------------------------------------------------------------------ the command */

static void add_each(char ***args, const char *flag, const char *text)
{
	cleanup_strv char **words = words_split(text, NULL);

	strv_foreach (s, words) {
		strv_add(args, flag);
		strv_add(args, *s);
	}
}

static char **command_of(const struct form *f)
{
	bool macvlan = f->fields[NET_DRIVER].value == DRIVER_MACVLAN;
	char **args = NULL;

	strv_add(&args, "network");
	strv_add(&args, "create");
	if (macvlan) {
		cleanup_free char *parent = str_printf("parent=%s", form_text(f, NET_PARENT));

		strv_add(&args, "--driver");
		strv_add(&args, "macvlan");
		strv_add(&args, "--opt");
		strv_add(&args, parent ? parent : "");
	}
	add_each(&args, "--subnet", form_text(f, NET_SUBNET));
	if (f->fields[NET_IPV6].value)
		strv_add(&args, "--ipv6");
	if (f->fields[NET_INTERNAL].value)
		strv_add(&args, "--internal");
	add_each(&args, "--opt", form_text(f, NET_OPTIONS));
	if (*form_text(f, NET_NAME))
		strv_add(&args, form_text(f, NET_NAME));
	return args;
}

static void show_command(struct form *f)
{
	cleanup_strv char **args = command_of(f);
	cleanup_free char *text = job_command_text(f->v.app, args);

	form_set_summary(f, str_printf("%s%s", text ? text : "", *form_text(f, NET_NAME) ? "" : " NAME"));
}

/* ------------------------------------------------------------------ what is right */

static int check_name(const struct form *f, const char *text, struct err *e)
{
	if (!*text)
		return err_set(e, ERR_USAGE, "a network needs a name");
	if (tare_name_check(text, e) < 0)
		return -1;
	if (model_network_called(app_model(f->v.app), text))
		return err_set(e, ERR_CONFLICT, "another network is called so");
	return 0;
}

/* "10.20.0.0/24": whether it is free is seen when it is made. */
static int check_subnet(const char *text, struct err *e)
{
	size_t len = strcspn(text, "/");
	cleanup_free char *address = strndup(text, len);
	int64_t prefix;

	if (!address)
		return err_no_memory(e);
	if (!text[len])
		return err_set(e, ERR_USAGE, "\"%.60s\" has no size; write %.60s/24", text, text);
	if (tare_parse_address(address, e) < 0)
		return -1;
	return int_parse(
	        text + len + 1, 1, strchr(address, ':') ? 127 : 31, "length of the prefix", &prefix, e);
}

static int check_subnets(const char *text, struct err *e)
{
	cleanup_strv char **words = words_split(text, e);

	if (!words && e->msg[0])
		return -1;
	if (strv_len(words) > 2)
		return err_set(e, ERR_USAGE, "one for IPv4 and one for IPv6 at most");
	strv_foreach (s, words)
		if (check_subnet(*s, e) < 0)
			return -1;
	return 0;
}

static int check_options(const char *text, struct err *e)
{
	cleanup_strv char **words = words_split(text, e);

	if (!words && e->msg[0])
		return -1;
	strv_foreach (s, words)
		if (!strchr(*s, '=') || **s == '=')
			return err_set(e, ERR_USAGE, "\"%.60s\": write NAME=VALUE, as in icc=false", *s);
	return 0;
}

static int check(const struct form *f, size_t field, struct err *e)
{
	const char *text = form_text(f, field);

	switch (field) {
	case NET_NAME:
		return check_name(f, text, e);
	case NET_SUBNET:
		return check_subnets(text, e);
	case NET_PARENT:
		if (f->fields[NET_DRIVER].value == DRIVER_MACVLAN && !*text)
			return err_set(e, ERR_USAGE, "macvlan needs an interface of the host, as in eth0");
		if (f->fields[NET_DRIVER].value != DRIVER_MACVLAN && *text)
			return err_set(
			        e, ERR_USAGE, "only macvlan has one; choose that driver, or leave it empty");
		return 0;
	case NET_OPTIONS:
		return check_options(text, e);
	default:
		return 0;
	}
}

static void check_field(struct form *f, size_t field)
{
	struct err e = ERR_INIT;

	snprintf(f->fields[field].error, FORM_ERROR_SIZE, "%.*s", FORM_ERROR_SIZE - 1,
	        check(f, field, &e) < 0 ? e.msg : "");
}

/* ------------------------------------------------------------------ the form's questions */

static void changed(struct form *f, size_t field)
{
	check_field(f, field);
	if (field == NET_DRIVER)
		check_field(f, NET_PARENT);
	show_command(f);
}

static void complete(struct form *f, size_t field, const char *text, char ***candidates)
{
	static const char *const options[] = {
	        "icc=false", "isolate=false", "masquerade=false", "mtu=1400", "antispoof=false"};

	(void)f;
	for (size_t i = 0; field == NET_OPTIONS && i < sizeof options / sizeof *options; i++)
		if (strstr(options[i], text))
			strv_add(candidates, options[i]);
}

/* The id is what is printed. */
static void created(struct app *a, const struct job *j, int value)
{
	struct object o = {.kind = OBJECT_NETWORK};
	size_t n = j->output ? strcspn(j->output, "\n") : 0;

	(void)value;
	if (n < sizeof o.id)
		memcpy(o.id, j->output ? j->output : "", n);
	actions_await(app_actions(a), &o);
	app_toast(a, TOAST_OK, "%s", j->title);
}

static unsigned submit(struct form *f)
{
	cleanup_strv char **args = command_of(f);
	struct request *r;

	r = request_new("");
	strv_foreach (s, args)
		request_word(r, *s);
	request_title(r, "create network %s", form_text(f, NET_NAME));
	if (r) {
		r->done = created;
		r->refresh = MODEL_NETWORKS;
	}
	request_start(f->v.app, r);
	return VIEW_DONE | VIEW_CLOSE;
}

static void nothing_added(struct form *f)
{
	(void)f;
}

static const struct form_ops ops = {changed, complete, submit, nothing_added};

struct view *network_form_new(struct app *a)
{
	struct form *f = calloc(1, sizeof *f);

	if (!f || form_init(f, a, &ops, "Make a network", "Create", fields, NET_N) < 0)
		return NULL;
	form_set_placeholder(f, NET_NAME, strdup("letters, digits, and _ . -"));
	form_set_placeholder(f, NET_SUBNET, strdup("free ones are chosen; 10.20.0.0/24 fd00:20::/64"));
	form_set_placeholder(f, NET_PARENT, strdup("of macvlan: an interface of the host"));
	form_set_placeholder(f, NET_OPTIONS, strdup("icc=false isolate=false mtu=1400"));
	show_command(f);
	return &f->v;
}
