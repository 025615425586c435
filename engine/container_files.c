/* The files that every container finds in its /etc: hosts, hostname, resolv.conf. Bound from the container's
 * directory, so that the container may change them and they last; but where it has networks of its own, hosts
 * and resolv.conf tell the addresses of a run and are written at each start. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "engine/endpoint.h"
#include "engine/rootless_network.h"

#define FILE_MAX ((size_t)1 << 20)

/* What they are made of, from a request or from a record. */
struct etc {
	char *const *add_hosts, *const *dns, *const *dns_search, *const *dns_options;
	const char *hostname, *domainname, *name;
	bool host_network, by_program;
	const struct network_state *net; /* or NULL */
};

/* ------------------------------------------------------------------ hosts */

static const struct endpoint *first_on_bridge(const struct network_state *n)
{
	for (size_t i = 0; n && i < n->n_endpoints; i++)
		if (n->endpoints[i].bridge[0])
			return &n->endpoints[i];
	return NULL;
}

/* "host-gateway" is the host itself: at the gateway's address in a network of its bridges, and at its
 * loopback address for a container that stands in the host's own. */
static const char *gateway_text(const struct etc *x, char dst[NET_ADDRESS_TEXT])
{
	const struct endpoint *p = first_on_bridge(x->net);

	if (!p)
		return "127.0.0.1";
	return net_address_text(p->gateway[0].family ? &p->gateway[0] : &p->gateway[1], dst);
}

/* HOST:IP or HOST=IP, checked by the parser. */
static void add_hosts(struct buf *b, const struct etc *x)
{
	char gateway[NET_ADDRESS_TEXT];

	strv_foreach (h, x->add_hosts) {
		size_t n = strcspn(*h, ":=");
		const char *ip = (*h)[n] ? *h + n + 1 : "";
		if (strcmp(ip, "host-gateway") == 0)
			ip = gateway_text(x, gateway);
		buf_printf(b, "%s\t%.*s\n", ip, (int)n, *h);
	}
}

static void own_names(struct buf *b, const struct etc *x, const char *address)
{
	buf_printf(b, "%s\t", address);
	if (x->domainname && *x->domainname)
		buf_printf(b, "%s.%s ", x->hostname, x->domainname);
	buf_str_add(b, x->hostname);
	if (x->name && strcmp(x->name, x->hostname) != 0)
		buf_printf(b, " %s", x->name);
	buf_char(b, '\n');
}

static void own_addresses(struct buf *b, const struct etc *x, const struct endpoint *p)
{
	char text[NET_ADDRESS_TEXT];

	for (int f = 0; f < 2; f++)
		if (p->ip[f].family)
			own_names(b, x, net_address_text(&p->ip[f], text));
}

static bool hosts_of_host(struct buf *b)
{
	cleanup_buf struct buf host = BUF_INIT_MAX(FILE_MAX);

	if (file_read_at(AT_FDCWD, "/etc/hosts", &host, NULL) != 0 || !host.len)
		return false;
	buf_add(b, host.data, host.len);
	if (host.data[host.len - 1] != '\n')
		buf_char(b, '\n');
	return true;
}

static void hosts(struct buf *b, const struct etc *x)
{
	if (!x->host_network || !hosts_of_host(b)) {
		buf_str_add(b, "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost "
		               "ip6-loopback\nfe00::\tip6-localnet\n"
		               "ff00::\tip6-mcastprefix\nff02::1\tip6-allnodes\nff02::2\tip6-allrouters\n");
		if (!x->net || !x->net->n_endpoints)
			buf_printf(b, "127.0.0.1\t%s\n", x->hostname);
	}
	for (size_t i = 0; x->net && i < x->net->n_endpoints; i++)
		own_addresses(b, x, &x->net->endpoints[i]);
	add_hosts(b, x);
}

/* ------------------------------------------------------------------ resolv.conf */

/* The host's lines; of its resolvers none where ours answers, and elsewhere but on the host's network none
 * that are on its loopback, which a container could not reach. */
static void host_resolv(struct buf *b, const struct etc *x, bool nameservers)
{
	cleanup_buf struct buf host = BUF_INIT_MAX(FILE_MAX);
	bool search = !x->dns_search, options = !x->dns_options;
	char *rest = NULL;

	if (file_read_at(AT_FDCWD, "/etc/resolv.conf", &host, NULL) != 0 || !host.len)
		return;
	for (char *line = strtok_r(host.data, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		bool ns = strncmp(line, "nameserver", 10) == 0;
		const char *address = ns ? line + 10 + strspn(line + 10, " \t") : "";
		bool loopback = strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0;
		if ((ns && nameservers && (x->host_network || !loopback)) ||
		        (strncmp(line, "search", 6) == 0 && search) ||
		        (strncmp(line, "options", 7) == 0 && options))
			buf_printf(b, "%s\n", line);
	}
}

static void resolv(struct buf *b, const struct etc *x)
{
	char gateway[NET_ADDRESS_TEXT];
	bool ours = first_on_bridge(x->net) != NULL; /* --dns is its matter then */

	host_resolv(b, x, !ours && !x->dns && !x->by_program);
	if (x->dns_search && strcmp(x->dns_search[0], ".") != 0) {
		buf_str_add(b, "search");
		strv_foreach (s, x->dns_search)
			buf_printf(b, " %s", *s);
		buf_char(b, '\n');
	}
	if (ours)
		buf_printf(b, "nameserver %s\n", gateway_text(x, gateway));
	else if (x->by_program && !x->dns && rootless_network_resolver())
		buf_printf(b, "nameserver %s\n", rootless_network_resolver());
	else
		strv_foreach (d, x->dns)
			buf_printf(b, "nameserver %s\n", *d);
	/* A neighbour's name has no dot: with ndots it would be asked for in the domains of `search` first,
	 * and that is upstream. What the host says of ndots is about its own names. */
	bool ndots = !ours;
	strv_foreach (o, x->dns_options)
		ndots |= strncmp(*o, "ndots:", strlen("ndots:")) == 0;
	if (!x->dns_options && ndots)
		return;
	buf_str_add(b, "options");
	strv_foreach (o, x->dns_options)
		buf_printf(b, " %s", *o);
	buf_str_add(b, ndots ? "\n" : " ndots:0\n");
}

/* ------------------------------------------------------------------ files */

static int put(int dir_fd, const char *name, const struct buf *b, struct err *e)
{
	if (b->failed)
		return err_no_memory(e);
	return file_write_at(dir_fd, name, buf_str(b), b->len, 0644, FILE_NO_SYNC, e);
}

static int put_both(int dir_fd, const struct etc *x, struct err *e)
{
	cleanup_buf struct buf h = BUF_INIT, r = BUF_INIT;

	hosts(&h, x);
	resolv(&r, x);
	return put(dir_fd, "hosts", &h, e) != 0 ? -1 : put(dir_fd, "resolv.conf", &r, e);
}

int container_files_write(int dir_fd, const struct tare_create *q, const char *hostname, struct err *e)
{
	cleanup_buf struct buf n = BUF_INIT;
	const struct etc x = {.add_hosts = q->add_hosts,
	        .dns = q->dns,
	        .dns_search = q->dns_search,
	        .dns_options = q->dns_options,
	        .hostname = hostname,
	        .host_network = q->network && strcmp(q->network, "host") == 0};

	buf_printf(&n, "%s\n", hostname);
	if (put(dir_fd, "hostname", &n, e) != 0)
		return -1;
	return q->network && network_mode_is_shared(q->network) ? put_both(dir_fd, &x, e) : 0;
}

/* Of a record; the vectors are its caller's to free. */
struct recorded {
	char **vectors[4];
	struct etc etc;
};

static void recorded_read(
        struct recorded *r, const struct container_record *record, const struct network_state *n)
{
	static const char *const keys[4] = {"ExtraHosts", "Dns", "DnsSearch", "DnsOptions"};
	json *config = json_get(record->config, "Config"), *host = json_get(record->config, "HostConfig");

	for (int i = 0; i < 4; i++)
		r->vectors[i] = json_strv(host, keys[i]);
	r->etc = (struct etc){.add_hosts = r->vectors[0],
	        .dns = r->vectors[1],
	        .dns_search = r->vectors[2],
	        .dns_options = r->vectors[3],
	        .hostname = json_str(config, "Hostname", ""),
	        .domainname = json_str(config, "Domainname", NULL),
	        .name = record->name,
	        .net = n};
}

static void recorded_free(struct recorded *r)
{
	for (int i = 0; i < 4; i++)
		strv_free(r->vectors[i]);
}

int endpoints_write_files(const struct endpoint_start *x, struct err *e)
{
	struct recorded r;

	recorded_read(&r, &x->c->record, &x->state);
	r.etc.by_program = x->by_program;
	int rc = put_both(x->c->dir_fd, &r.etc, e);
	recorded_free(&r);
	return rc;
}

/* ------------------------------------------------------------------ while it runs */

static bool is_line_of(const char *line, const struct endpoint *p)
{
	char text[NET_ADDRESS_TEXT];

	for (int f = 0; f < 2; f++) {
		if (!p->ip[f].family)
			continue;
		size_t len = strlen(net_address_text(&p->ip[f], text));
		if (strncmp(line, text, len) == 0 && (line[len] == '\t' || line[len] == ' '))
			return true;
	}
	return false;
}

/* In place, since the container has this very file mounted, and beside what it may have written there. */
void endpoint_hosts_change(const struct container *c, const struct endpoint *add, const struct endpoint *drop)
{
	cleanup_buf struct buf old = BUF_INIT_MAX(FILE_MAX), fresh = BUF_INIT_MAX(FILE_MAX);
	cleanup_fd int fd = openat(c->dir_fd, "hosts", O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	struct recorded r;
	char *rest = NULL;

	if (fd < 0 || read_to_buf(fd, &old) != 0)
		return;
	for (char *line = old.len ? strtok_r(old.data, "\n", &rest) : NULL; line;
	        line = strtok_r(NULL, "\n", &rest))
		if (!drop || !is_line_of(line, drop))
			buf_printf(&fresh, "%s\n", line);
	recorded_read(&r, &c->record, NULL);
	if (add)
		own_addresses(&fresh, &r.etc, add);
	recorded_free(&r);
	if (!fresh.failed && lseek(fd, 0, SEEK_SET) == 0 && write_all(fd, fresh.data, fresh.len) == 0)
		(void)!ftruncate(fd, (off_t)fresh.len);
}
