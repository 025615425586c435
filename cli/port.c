/* port: where the ports of a container can be reached. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "cli/command.h"
#include "cli/command_tables.h"
#include "cli/output.h"
#include "engine/tare.h"

/* What of the ports is wanted: one, or with number 0 all; none of a container that does not run. */
struct wanted {
	uint16_t number;
	int protocol;
	bool none;
};

static bool is_wanted(const struct tare_port *p, const struct wanted *w)
{
	return !w->none && p->host_ip && p->host_port &&
	       (!w->number || (w->number == p->container_port && w->protocol == p->protocol));
}

static void host_text(const struct tare_port *p, struct buf *out)
{
	buf_printf(out, strchr(p->host_ip, ':') ? "[%s]:%u" : "%s:%u", p->host_ip, p->host_port);
}

/* Docker's NetworkSettings.Ports: {"80/tcp": [{"HostIp": …, "HostPort": …}]}. */
static json *port_document(const struct tare_container *c, const struct wanted *w)
{
	json *doc = json_object_new_object();

	for (size_t i = 0; i < c->n_ports; i++) {
		const struct tare_port *p = &c->ports[i];
		cleanup_free char *key =
		        str_printf("%u/%s", p->container_port, tare_protocol_name(p->protocol));
		cleanup_free char *number = str_printf("%u", p->host_port);
		json *binding;

		if (!is_wanted(p, w) || !key)
			continue;
		if (!json_get(doc, key))
			json_set(doc, key, json_object_new_array());
		binding = json_object_new_object();
		json_set_str(binding, "HostIp", p->host_ip);
		json_set_str(binding, "HostPort", number);
		json_object_array_add(json_get(doc, key), binding);
	}
	return doc;
}

static void port_lines(const struct tare_container *c, const struct wanted *w, struct buf *out)
{
	for (size_t i = 0; i < c->n_ports; i++) {
		const struct tare_port *p = &c->ports[i];

		if (!is_wanted(p, w))
			continue;
		if (!w->number)
			buf_printf(out, "%u/%s -> ", p->container_port, tare_protocol_name(p->protocol));
		host_text(p, out);
		buf_char(out, '\n');
	}
}

static int not_published(
        const struct cli *cli, const struct tare_container *c, const struct wanted *w, const char *port)
{
	struct err e = ERR_INIT;

	if (w->none)
		err_set(&e, ERR_CONFLICT,
		        "%s does not run, so no port of it is published; see: tare start %s", c->name,
		        c->name);
	else
		err_set(&e, ERR_NOT_FOUND, "%s does not publish the port %s; see: tare port %s", c->name,
		        port, c->name);
	return cli_fail(cli, &e);
}

static int port_run(struct cli *cli, void *options, char **operands)
{
	struct err e = ERR_INIT;
	struct wanted w = {0};
	struct tare_engine *engine;
	__attribute__((cleanup(tare_container_free))) struct tare_container c = {0};
	cleanup_buf struct buf text = BUF_INIT;
	cleanup_json json *doc = NULL;

	(void)options;
	if (operands[1] && tare_port_parse(operands[1], &w.number, &w.protocol, &e) < 0)
		return cli_fail(cli, &e);
	engine = cli_engine(cli, &e);
	if (!engine || engine->look(engine, operands[0], &c, &e) < 0)
		return cli_fail(cli, &e);
	w.none = c.state != TARE_RUNNING && c.state != TARE_PAUSED;
	port_lines(&c, &w, &text);
	if (operands[1] && !text.len)
		return not_published(cli, &c, &w, operands[1]);
	doc = port_document(&c, &w);
	if (cli->json)
		return document_print(doc, NULL, &e) < 0 ? cli_fail(cli, &e) : 0;
	fwrite(buf_str(&text), 1, text.len, stdout);
	return 0;
}

const struct command port_commands[] = {
        {
                .words = "port",
                .aliases = "container port",
                .group = GROUP_CONTAINERS,
                .operands = "CONTAINER [PORT[/PROTOCOL]]",
                .min_operands = 1,
                .max_operands = 2,
                .summary = "Show where the published ports of a container are",
                .examples = "tare port web\ntare port web 80\ntare port dns 53/udp",
                .complete = "running",
                .complete_rest = "none",
                .run = port_run,
        },
        {0},
};
