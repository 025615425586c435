/* The files that every container finds in its /etc: hosts, hostname, resolv.conf. Bound from the container's
 * directory, so that the container may change them and they last. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "engine/engine.h"

#define HOST_FILE_MAX ((size_t)1 << 20)

static bool network_is_host(const struct tare_create *q)
{
	return q->network && strcmp(q->network, "host") == 0;
}

/* HOST:IP or HOST=IP, checked by the parser; "host-gateway" is the host itself, which a container on the
 * host's network reaches at its loopback address. */
static void add_hosts(struct buf *b, const struct tare_create *q)
{
	strv_foreach (h, q->add_hosts) {
		size_t n = strcspn(*h, ":=");
		const char *ip = (*h)[n] ? *h + n + 1 : "";
		if (strcmp(ip, "host-gateway") == 0)
			ip = "127.0.0.1";
		buf_printf(b, "%s\t%.*s\n", ip, (int)n, *h);
	}
}

static void hosts(struct buf *b, const struct tare_create *q, const char *hostname)
{
	if (network_is_host(q)) {
		cleanup_buf struct buf host = BUF_INIT_MAX(HOST_FILE_MAX);
		if (file_read_at(AT_FDCWD, "/etc/hosts", &host, NULL) == 0 && host.len) {
			buf_add(b, host.data, host.len);
			if (host.data[host.len - 1] != '\n')
				buf_char(b, '\n');
			add_hosts(b, q);
			return;
		}
	}
	buf_str_add(b,
	        "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\nfe00::\tip6-localnet\n"
	        "ff00::\tip6-mcastprefix\nff02::1\tip6-allnodes\nff02::2\tip6-allrouters\n");
	buf_printf(b, "127.0.0.1\t%s\n", hostname);
	add_hosts(b, q);
}

/* The host's resolvers; on the host's network as they are, elsewhere without those on its loopback, which a
 * container could not reach. */
static void host_resolv(struct buf *b, const struct tare_create *q)
{
	cleanup_buf struct buf host = BUF_INIT_MAX(HOST_FILE_MAX);
	bool nameservers = !q->dns, search = !q->dns_search, options = !q->dns_options;
	char *rest = NULL;

	if (file_read_at(AT_FDCWD, "/etc/resolv.conf", &host, NULL) != 0 || !host.len)
		return;
	for (char *line = strtok_r(host.data, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		bool ns = strncmp(line, "nameserver", 10) == 0;
		const char *address = ns ? line + 10 + strspn(line + 10, " \t") : "";
		bool loopback = strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0;
		if ((ns && nameservers && (network_is_host(q) || !loopback)) ||
		        (strncmp(line, "search", 6) == 0 && search) ||
		        (strncmp(line, "options", 7) == 0 && options))
			buf_printf(b, "%s\n", line);
	}
}

static void resolv(struct buf *b, const struct tare_create *q)
{
	host_resolv(b, q);
	if (q->dns_search && strcmp(q->dns_search[0], ".") != 0) {
		buf_str_add(b, "search");
		strv_foreach (s, q->dns_search)
			buf_printf(b, " %s", *s);
		buf_char(b, '\n');
	}
	strv_foreach (d, q->dns)
		buf_printf(b, "nameserver %s\n", *d);
	if (q->dns_options) {
		buf_str_add(b, "options");
		strv_foreach (o, q->dns_options)
			buf_printf(b, " %s", *o);
		buf_char(b, '\n');
	}
}

static int put(int dir_fd, const char *name, const struct buf *b, struct err *e)
{
	if (b->failed)
		return err_no_memory(e);
	return file_write_at(dir_fd, name, buf_str(b), b->len, 0644, FILE_NO_SYNC, e);
}

int container_files_write(int dir_fd, const struct tare_create *q, const char *hostname, struct err *e)
{
	cleanup_buf struct buf h = BUF_INIT, n = BUF_INIT, r = BUF_INIT;

	hosts(&h, q, hostname);
	buf_printf(&n, "%s\n", hostname);
	resolv(&r, q);
	if (put(dir_fd, "hosts", &h, e) != 0 || put(dir_fd, "hostname", &n, e) != 0 ||
	        put(dir_fd, "resolv.conf", &r, e) != 0)
		return -1;
	return 0;
}
