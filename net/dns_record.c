/* The record of what is served: see dns_record.h. */
#include "net/dns_record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/text.h"
#include "net/dns.h"

#define RECORD_FILE "dns-networks"
#define RECORD_MAX  ((size_t)1 << 20)
#define NONE        "-"

void dns_record_free(struct dns_record *r)
{
	free(r->rows);
	*r = (struct dns_record){0};
}

struct dns_served *dns_record_find(const struct dns_record *r, const char *id)
{
	for (size_t i = 0; i < r->n; i++)
		if (!strcmp(r->rows[i].id, id))
			return &r->rows[i];
	return NULL;
}

void dns_record_remove(struct dns_record *r, const char *id)
{
	struct dns_served *n = dns_record_find(r, id);

	if (!n)
		return;
	r->n--;
	memmove(n, n + 1, (size_t)(r->rows + r->n - n) * sizeof *n);
}

static struct dns_served *add_row(struct dns_record *r, struct err *e)
{
	struct dns_served *grown = realloc(r->rows, (r->n + 1) * sizeof *grown);

	if (!grown) {
		err_no_memory(e);
		return NULL;
	}
	r->rows = grown;
	r->rows[r->n] = (struct dns_served){0};
	return &r->rows[r->n++];
}

static bool copy_word(char *dst, size_t size, const char *word)
{
	size_t len = word ? strlen(word) : 0;

	if (!len || len >= size)
		return false;
	memcpy(dst, word, len + 1);
	return true;
}

struct dns_served *dns_record_put(struct dns_record *r, const struct dns_network *n, struct err *e)
{
	struct dns_served *row = dns_record_find(r, n->id);

	if (!row)
		row = add_row(r, e);
	if (!row)
		return NULL;
	if (!copy_word(row->id, sizeof row->id, n->id) ||
	        !copy_word(row->bridge, sizeof row->bridge, n->bridge)) {
		err_set(e, ERR_OTHER, "network %.80s on %.40s: its names are too long", n->id, n->bridge);
		return NULL;
	}
	memcpy(row->subnet, n->subnet, sizeof row->subnet);
	memcpy(row->gateway, n->gateway, sizeof row->gateway);
	row->internal = n->internal;
	return row;
}

/* ---------------------------------------------------------------- text */

static bool take_subnet(char **line, struct net_subnet *s)
{
	const char *word = text_next_part(line, " ");

	return word && (!strcmp(word, NONE) || net_subnet_parse(word, s, NULL) == 0);
}

static bool take_address(char **line, struct net_address *a)
{
	const char *word = text_next_part(line, " ");

	return word && (!strcmp(word, NONE) || net_address_parse(word, a, NULL) == 0);
}

static bool take_number(char **line, unsigned long most, unsigned long *v)
{
	const char *word = text_next_part(line, " ");
	char *end;

	if (!word || *word < '0' || *word > '9')
		return false;
	errno = 0;
	*v = strtoul(word, &end, 10);
	return !errno && !*end && *v <= most;
}

static bool take_line(char *line, struct dns_served *n)
{
	unsigned long v;

	if (!copy_word(n->id, sizeof n->id, text_next_part(&line, " ")) ||
	        !copy_word(n->bridge, sizeof n->bridge, text_next_part(&line, " ")) ||
	        !take_subnet(&line, &n->subnet[0]) || !take_subnet(&line, &n->subnet[1]) ||
	        !take_address(&line, &n->gateway[0]) || !take_address(&line, &n->gateway[1]) ||
	        !take_number(&line, 1, &v))
		return false;
	n->internal = v;
	for (int i = 0; i < 4; i++) {
		if (!take_number(&line, UINT16_MAX, &v))
			return false;
		n->port[i / 2][i % 2] = (uint16_t)v;
	}
	return !line;
}

int dns_record_read(int networks_fd, struct dns_record *r, struct err *e)
{
	cleanup_buf struct buf text = BUF_INIT_MAX(RECORD_MAX);
	struct err why = ERR_INIT;
	char *rest, *line;

	dns_record_free(r);
	if (file_read_at(networks_fd, RECORD_FILE, &text, &why) < 0) {
		if (why.kind == ERR_NOT_FOUND)
			return 0;
		if (e)
			*e = why;
		return err_wrap(e, "what the name service serves");
	}
	rest = text.data;
	while ((line = text_next_part(&rest, "\n"))) {
		struct dns_served *n = add_row(r, e);
		if (!n)
			return -1;
		if (!take_line(line, n))
			r->n--;
	}
	return 0;
}

static void add_line(struct buf *out, const struct dns_served *n)
{
	char text[NET_SUBNET_TEXT];

	buf_printf(out, "%s %s", n->id, n->bridge);
	for (int i = 0; i < 2; i++)
		buf_printf(
		        out, " %s", n->subnet[i].base.family ? net_subnet_text(&n->subnet[i], text) : NONE);
	for (int i = 0; i < 2; i++)
		buf_printf(out, " %s", n->gateway[i].family ? net_address_text(&n->gateway[i], text) : NONE);
	buf_printf(out, " %d %u %u %u %u\n", n->internal, n->port[0][0], n->port[0][1], n->port[1][0],
	        n->port[1][1]);
}

int dns_record_write(int networks_fd, const struct dns_record *r, struct err *e)
{
	cleanup_buf struct buf text = BUF_INIT_MAX(RECORD_MAX);

	for (size_t i = 0; i < r->n; i++)
		add_line(&text, &r->rows[i]);
	if (text.failed)
		return err_no_memory(e);
	return file_write_at(
	        networks_fd, RECORD_FILE, text.data ? text.data : "", text.len, 0600, FILE_NO_SYNC, e);
}
