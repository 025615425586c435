/* Ports of a container in Docker's form, as lists show them: neighbours are one range. */
#include <string.h>

#include "base/buf.h"
#include "engine/tare.h"

/* Does b continue what a (the last of a range) begins? */
static bool continues(const struct tare_port *a, const struct tare_port *b)
{
	if (a->protocol != b->protocol || b->container_port != a->container_port + 1 ||
	        !a->host_ip != !b->host_ip)
		return false;
	return !a->host_ip || (b->host_port == a->host_port + 1 && strcmp(a->host_ip, b->host_ip) == 0);
}

static void add_range(struct buf *out, unsigned from, unsigned to)
{
	if (from == to)
		buf_printf(out, "%u", from);
	else
		buf_printf(out, "%u-%u", from, to);
}

static void add_ports(struct buf *out, const struct tare_port *first, const struct tare_port *last)
{
	if (out->len)
		buf_str_add(out, ", ");
	if (first->host_ip) {
		buf_printf(out, strchr(first->host_ip, ':') ? "[%s]:" : "%s:", first->host_ip);
		add_range(out, first->host_port, last->host_port);
		buf_str_add(out, "->");
	}
	add_range(out, first->container_port, last->container_port);
	buf_printf(out, "/%s", tare_protocol_name(first->protocol));
}

/* The rows are sorted by the container's port, those of both families side by side: what continues a range is
 * found among the rows of the next port. */
static const struct tare_port *range_end(const struct tare_port *first, const struct tare_port *end)
{
	const struct tare_port *last = first;

	for (const struct tare_port *p = first + 1; p < end; p++) {
		if (p->container_port > last->container_port + 1)
			break;
		if (continues(last, p))
			last = p;
	}
	return last;
}

/* Is it in a range that began before? */
static bool is_inside(const struct tare_port *ports, const struct tare_port *p)
{
	for (const struct tare_port *before = p; before > ports;) {
		before--;
		if (before->container_port + 1 < p->container_port)
			break;
		if (continues(before, p))
			return true;
	}
	return false;
}

void tare_ports_text(const struct tare_port *ports, size_t n, struct buf *out)
{
	for (const struct tare_port *p = ports; p < ports + n; p++)
		if (!is_inside(ports, p))
			add_ports(out, p, range_end(p, ports + n));
}
