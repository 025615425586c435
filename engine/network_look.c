/* Networks as lists show them, and as Docker's document. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/units.h"
#include "engine/network.h"

/* ------------------------------------------------------------------ list */

static char *copy(const char *s)
{
	return s ? strdup(s) : NULL;
}

static void take_members(struct tare_network *row, struct network_members *members)
{
	row->members = calloc(members->n + 1, sizeof *row->members);
	for (size_t i = 0; row->members && i < members->n; i++) {
		if (strcmp(members->rows[i].network_id, row->id) != 0)
			continue;
		row->members[row->n_members++] = members->rows[i].member;
		members->rows[i].member = (struct tare_member){0};
	}
}

static int fill_row(const struct network_record *r, struct network_members *members, struct tare_network *row)
{
	*row = (struct tare_network){.name = copy(r->name),
	        .id = copy(r->id),
	        .driver = copy(r->driver),
	        .link = copy(r->link),
	        .created = r->created,
	        .internal = r->internal,
	        .is_default = network_is_default(r),
	        .ipv6 = r->subnet[1] != NULL,
	        .labels = json_object_get(r->labels),
	        .options = json_object_get(r->options)};
	for (int f = 0; f < 2; f++) {
		row->subnet[f] = copy(r->subnet[f]);
		row->gateway[f] = copy(r->gateway[f]);
		row->range[f] = copy(r->range[f]);
	}
	if (!row->name || !row->id || !row->driver || !row->link)
		return -1;
	take_members(row, members);
	return row->members ? 0 : -1;
}

static int default_first(const void *a, const void *b)
{
	const struct tare_network *x = a, *y = b;

	return x->is_default != y->is_default ? y->is_default - x->is_default : strcmp(x->name, y->name);
}

int engine_network_list(struct tare_engine *t, struct tare_network_list *out, struct err *e)
{
	const struct store *s = engine_store(t);
	cleanup_network_records struct network_records records = {0};
	cleanup_network_members struct network_members members = {0};
	cleanup_network_record struct network_record made = {0};

	*out = (struct tare_network_list){0};
	if (network_default(s, &made, e) != 0 || network_record_list(s, &records, e) != 0 ||
	        network_members_read(s, &members, e) != 0)
		return -1;
	out->rows = calloc(records.n + 1, sizeof *out->rows);
	for (size_t i = 0; out->rows && i < records.n; i++)
		if (fill_row(&records.rows[i], &members, &out->rows[out->n++]) != 0) {
			tare_network_list_free(out);
			return err_no_memory(e);
		}
	if (!out->rows)
		return err_no_memory(e);
	qsort(out->rows, out->n, sizeof *out->rows, default_first);
	return 0;
}

/* ------------------------------------------------------------------ inspect */

static json *ipam_json(const struct network_record *r)
{
	json *o = json_object_new_object(), *config = json_object_new_array();

	for (int f = 0; f < 2; f++) {
		if (!r->subnet[f])
			continue;
		json *row = json_object_new_object();
		json_set_str(row, "Subnet", r->subnet[f]);
		if (r->range[f])
			json_set_str(row, "IPRange", r->range[f]);
		if (r->gateway[f])
			json_set_str(row, "Gateway", r->gateway[f]);
		json_object_array_add(config, row);
	}
	json_set_str(o, "Driver", "default");
	json_set(o, "Options", json_object_new_object());
	json_set(o, "Config", config);
	return o;
}

/* "10.209.0.2/16"; "" for none. */
static void set_address(json *o, const char *key, const char *ip, unsigned prefix)
{
	char text[NET_ADDRESS_TEXT + 8] = "";

	if (*ip)
		snprintf(text, sizeof text, "%s/%u", ip, prefix);
	json_set_str(o, key, text);
}

static json *containers_json(const struct network_record *r, const struct network_members *members)
{
	json *o = json_object_new_object();
	char endpoint[NETWORK_ID_LEN + 1];

	for (size_t i = 0; i < members->n; i++) {
		const struct network_member *m = &members->rows[i];
		if (strcmp(m->network_id, r->id) != 0)
			continue;
		json *row = json_object_new_object();
		json_set_str(row, "Name", m->member.name);
		json_set_str(row, "EndpointID", network_endpoint_id(m->member.id, r->id, endpoint));
		json_set_str(row, "MacAddress", m->member.mac);
		set_address(row, "IPv4Address", m->member.ip, m->prefix[0]);
		set_address(row, "IPv6Address", m->member.ip6, m->prefix[1]);
		json_set(o, m->member.id, row);
	}
	return o;
}

/* What the record has beside the options that were given: Docker shows the bridge's name as one. */
static json *options_json(const struct network_record *r)
{
	json *o = json_object_new_object();

	if (strcmp(r->driver, "bridge") == 0)
		json_set_str(o, "com.docker.network.bridge.name", r->link);
	if (r->options) {
		json_object_object_foreach (r->options, key, value)
			json_set(o, key, json_object_get(value));
	}
	return o;
}

static json *empty_unless(json *o)
{
	return o ? json_object_get(o) : json_object_new_object();
}

static json *document(const struct network_record *r, const struct network_members *members)
{
	json *o = json_object_new_object(), *from = json_object_new_object();
	char created[TIME_TEXT_SIZE];

	json_set_str(o, "Name", r->name);
	json_set_str(o, "Id", r->id);
	json_set_str(o, "Created", time_format(r->created, created));
	json_set_str(o, "Scope", "local");
	json_set_str(o, "Driver", r->driver);
	json_set_bool(o, "EnableIPv4", r->subnet[0] != NULL);
	json_set_bool(o, "EnableIPv6", r->subnet[1] != NULL);
	json_set(o, "IPAM", ipam_json(r));
	json_set_bool(o, "Internal", r->internal);
	json_set_bool(o, "Attachable", false);
	json_set_bool(o, "Ingress", false);
	json_set_str(from, "Network", "");
	json_set(o, "ConfigFrom", from);
	json_set_bool(o, "ConfigOnly", false);
	json_set(o, "Containers", containers_json(r, members));
	json_set(o, "Options", options_json(r));
	json_set(o, "Labels", empty_unless(r->labels));
	return o;
}

int engine_network_inspect(struct tare_engine *t, const char *ref, json **out, struct err *e)
{
	const struct store *s = engine_store(t);
	cleanup_network_record struct network_record r = {0};
	cleanup_network_members struct network_members members = {0};

	if (network_find(s, ref, &r, e) != 0 || network_members_read(s, &members, e) != 0)
		return -1;
	*out = document(&r, &members);
	return 0;
}
