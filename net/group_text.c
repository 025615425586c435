/* Shares of a group's ports, and the text of its file. */
#include "net/group_shares.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/text.h"
#include "base/units.h"
#include "net/port.h"

#define FIELDS 7

/* ---------------------------------------------------------------- rows */

void shares_free(struct shares *s)
{
	free(s->rows);
	*s = (struct shares){0};
}

void shares_own(struct shares *s)
{
	for (size_t i = 0; i < s->n; i++)
		s->rows[i].port.owner = s->rows[i].owner;
}

struct share *shares_add(struct shares *s, const struct nft_port *p, struct err *e)
{
	struct share *grown = realloc(s->rows, (s->n + 1) * sizeof(*grown));

	if (!grown)
		return err_no_memory(e), NULL;
	s->rows = grown;
	grown[s->n] = (struct share){.port = *p};
	snprintf(grown[s->n].owner, sizeof(grown->owner), "%s", p->owner);
	s->n++;
	shares_own(s);
	return &s->rows[s->n - 1];
}

bool share_is_of_port(const struct share *s, const struct nft_port *p)
{
	return s->port.protocol == p->protocol && s->port.host_port == p->host_port &&
	       net_address_equal(&s->port.host, &p->host);
}

/* ---------------------------------------------------------------- reading */

static int damaged(const char *why, struct err *e)
{
	return err_set(e, ERR_CORRUPT, "%s", why);
}

static bool slots_scan(const char *hex, unsigned char slots[GROUP_SLOT_BYTES])
{
	if (strlen(hex) != 2 * GROUP_SLOT_BYTES || strspn(hex, "0123456789abcdef") != 2 * GROUP_SLOT_BYTES)
		return false;
	for (size_t i = 0; i < GROUP_SLOT_BYTES; i++) {
		char byte[3] = {hex[2 * i], hex[2 * i + 1], '\0'};

		slots[i] = (unsigned char)strtoul(byte, NULL, 16);
	}
	return true;
}

static bool port_scan(const char *text, uint16_t *port)
{
	int64_t v;

	if (int_parse(text, 1, UINT16_MAX, "port", &v, NULL) < 0)
		return false;
	*port = (uint16_t)v;
	return true;
}

bool share_is_owner(const char *text)
{
	size_t len = strspn(text, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_.-");

	return len && len <= GROUP_OWNER_LEN && !text[len];
}

/* No owner twice on a port, no slot twice. */
static bool fits(const struct shares *s, const struct share *row)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct share *other = &s->rows[i];

		if (!share_is_of_port(other, &row->port))
			continue;
		if (!strcmp(other->owner, row->owner))
			return false;
		for (size_t k = 0; k < GROUP_SLOT_BYTES; k++)
			if (other->slots[k] & row->slots[k])
				return false;
	}
	return true;
}

static int line_scan(char *line, struct shares *s, struct err *e)
{
	char *field[FIELDS], *rest = line;
	struct share row = {0}, *added;
	size_t n = 0;

	for (char *f; (f = text_next_part(&rest, " "));) {
		if (n == FIELDS)
			return damaged("a line has too many fields", e);
		field[n++] = f;
	}
	if (n != FIELDS)
		return damaged("a line has too few fields", e);
	row.port.protocol = port_protocol_parse(field[0]);
	if (row.port.protocol < 0 || net_address_parse(field[1], &row.port.host, NULL) < 0 ||
	        !port_scan(field[2], &row.port.host_port) || !share_is_owner(field[3]) ||
	        net_address_parse(field[4], &row.port.to, NULL) < 0 ||
	        row.port.to.family != row.port.host.family || !port_scan(field[5], &row.port.to_port) ||
	        !slots_scan(field[6], row.slots))
		return damaged("a line has a field that cannot be read", e);
	snprintf(row.owner, sizeof(row.owner), "%s", field[3]);
	if (!fits(s, &row))
		return damaged("a slot or a member is there twice", e);
	row.port.owner = row.owner;
	added = shares_add(s, &row.port, e);
	if (!added)
		return -1;
	memcpy(added->slots, row.slots, sizeof(row.slots));
	return 0;
}

int shares_parse(const struct buf *text, struct shares *s, struct err *e)
{
	cleanup_free char *copy = strdup(buf_str(text));
	char *rest = copy;

	if (!copy)
		return err_no_memory(e);
	if (strlen(copy) != text->len || (text->len && copy[text->len - 1] != '\n'))
		return damaged("it is cut off", e);
	if (text->len)
		copy[text->len - 1] = '\0';
	else
		rest = NULL;
	for (char *line; (line = text_next_part(&rest, "\n"));)
		if (line_scan(line, s, e) < 0)
			return -1;
	return 0;
}

/* ---------------------------------------------------------------- writing */

void shares_print(const struct shares *s, struct buf *out)
{
	char host[NET_ADDRESS_TEXT], to[NET_ADDRESS_TEXT];

	for (size_t i = 0; i < s->n; i++) {
		const struct nft_port *p = &s->rows[i].port;

		buf_printf(out, "%s %s %u %s %s %u ", port_protocol_name(p->protocol),
		        net_address_text(&p->host, host), p->host_port, p->owner,
		        net_address_text(&p->to, to), p->to_port);
		for (size_t k = 0; k < GROUP_SLOT_BYTES; k++)
			buf_printf(out, "%02x", s->rows[i].slots[k]);
		buf_char(out, '\n');
	}
}
