#include "tui/port_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "tui/filter.h"

static bool is_any(const char *ip)
{
	return !ip || !*ip || !strcmp(ip, "0.0.0.0") || !strcmp(ip, "::");
}

static bool same_place(const struct tare_port *a, const struct tare_port *b)
{
	if (a->protocol != b->protocol)
		return false;
	return is_any(a->host_ip) ? is_any(b->host_ip) : b->host_ip && !strcmp(a->host_ip, b->host_ip);
}

static bool is_published(const struct tare_port *p)
{
	return p->host_ip && p->host_port;
}

/* One of the ports before, at the same place, with numbers that are smaller by `step`: 0 finds the other
 * family's, 1 the one whose range this port continues. */
static bool has_before(const struct tare_port *ports, size_t i, unsigned step)
{
	const struct tare_port *p = &ports[i];

	for (size_t k = 0; k < i; k++)
		if (is_published(&ports[k]) && same_place(&ports[k], p) &&
		        ports[k].host_port + step == p->host_port &&
		        ports[k].container_port + step == p->container_port)
			return true;
	return false;
}

/* How many more follow it, one by one. */
static unsigned range_of(const struct tare_port *ports, size_t n, size_t i)
{
	unsigned more = 0;

	for (size_t k = i + 1; k < n; k++)
		if (is_published(&ports[k]) && same_place(&ports[k], &ports[i]) &&
		        ports[k].host_port == ports[i].host_port + more + 1 &&
		        ports[k].container_port == ports[i].container_port + more + 1)
			more++;
	return more;
}

static void add_number(struct buf *out, unsigned first, unsigned more)
{
	if (more)
		buf_printf(out, "%u-%u", first, first + more);
	else
		buf_printf(out, "%u", first);
}

static void add_port(struct buf *out, const struct tare_port *p, unsigned more)
{
	if (out->len)
		buf_char(out, ' ');
	if (!is_any(p->host_ip))
		buf_printf(out, strchr(p->host_ip, ':') ? "[%s]:" : "%s:", p->host_ip);
	add_number(out, p->host_port, more);
	buf_str_add(out, "->");
	add_number(out, p->container_port, more);
	buf_printf(out, "/%s", tare_protocol_name(p->protocol));
}

char *port_text(const struct tare_port *ports, size_t n)
{
	cleanup_buf struct buf out = BUF_INIT;

	for (size_t i = 0; i < n; i++)
		if (is_published(&ports[i]) && !has_before(ports, i, 0) && !has_before(ports, i, 1))
			add_port(&out, &ports[i], range_of(ports, n, i));
	return out.len ? buf_take(&out) : NULL;
}

const char *port_short(const struct tare_port *ports, size_t n, char *dst, size_t size)
{
	size_t at = 0;

	*dst = '\0';
	for (size_t i = 0; i < n && at < size; i++) {
		const char *protocol = tare_protocol_name(ports[i].protocol);
		bool is_tcp = !strcmp(protocol, "tcp");
		int len;

		if (!is_published(&ports[i]) || has_before(ports, i, 0))
			continue;
		len = snprintf(dst + at, size - at, "%s%u%s%s", at ? " " : "", ports[i].host_port,
		        is_tcp ? "" : "/", is_tcp ? "" : protocol);
		at += len > 0 ? (size_t)len : 0;
	}
	return dst;
}

bool port_matches(const struct tare_port *ports, size_t n, const char *text, const char *value)
{
	bool is_number = *value && strspn(value, "0123456789") == strlen(value);
	unsigned long number = is_number ? strtoul(value, NULL, 10) : 0;

	if (!strcmp(value, "no"))
		return !text;
	if (!strcmp(value, "yes"))
		return text;
	for (size_t i = 0; is_number && i < n; i++)
		if (ports[i].host_port == number || ports[i].container_port == number)
			return true;
	return !is_number && text && filter_contains(text, value);
}

bool port_clashes(const struct tare_port *a, const struct tare_publish *b)
{
	unsigned to = b->host_port_to ? b->host_port_to : b->host_port;

	/* of a range the first free one is taken */
	return is_published(a) && b->host_port && to == b->host_port && a->host_port == b->host_port &&
	       a->protocol == b->protocol &&
	       (is_any(a->host_ip) || is_any(b->host_ip) || !strcmp(a->host_ip, b->host_ip));
}
