#include "registry/server/access_realm.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "registry/server/exchange.h"
#include "registry/server/tls.h"

#define HOST_MAX 255

/* The name alone, without brackets and port; false when it is no host. */
static bool host_name(const char *host, char name[HOST_MAX + 1])
{
	bool six = *host == '[';
	size_t len = six ? strcspn(++host, "]") : strcspn(host, ":");
	const char *rest = host + len;

	if (!len || len > HOST_MAX || (six && *rest++ != ']'))
		return false;
	if (*rest && (*rest != ':' || strspn(rest + 1, "0123456789") != strlen(rest + 1) || strlen(rest) > 6))
		return false;
	memcpy(name, host, len);
	name[len] = '\0';
	return strspn(name, six ? "0123456789abcdefABCDEF:."
	                        : "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-") == len;
}

static bool is_loopback(const struct sockaddr *a)
{
	if (a->sa_family == AF_INET)
		return ntohl(((const struct sockaddr_in *)(const void *)a)->sin_addr.s_addr) >> 24 == 127;
	return a->sa_family == AF_INET6 &&
	       IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)a)->sin6_addr);
}

static void address_text(const struct sockaddr *a, char dst[INET6_ADDRSTRLEN])
{
	*dst = '\0';
	if (a->sa_family == AF_INET)
		inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)a)->sin_addr, dst,
		        INET6_ADDRSTRLEN);
	else if (a->sa_family == AF_INET6)
		inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)a)->sin6_addr, dst,
		        INET6_ADDRSTRLEN);
}

/* Attack: a Host of the sender's choice in the realm, kept by a cache in between, sends others' passwords
 * elsewhere. Only names that are surely ours: those of the certificate, localhost on loopback, the address
 * itself. Proven by test_registry_access.c. */
bool access_realm_host_ok(const char *host, const struct sockaddr *local, const struct tls *tls)
{
	char name[HOST_MAX + 1] = "", address[INET6_ADDRSTRLEN] = "";

	if (!host_name(host, name))
		return false;
	address_text(local, address);
	return strcmp(name, address) == 0 || (is_loopback(local) && strcasecmp(name, "localhost") == 0) ||
	       (tls && tls_covers(tls, name));
}

void access_realm(struct exchange *x, const char *configured, const struct tls *tls, char realm[REALM_MAX])
{
	const char *host = MHD_lookup_connection_value(x->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_HOST);
	const union MHD_ConnectionInfo *info =
	        MHD_get_connection_info(x->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct sockaddr_storage local = {0};
	struct sockaddr_in start;
	socklen_t size = sizeof local;
	char address[INET6_ADDRSTRLEN] = "";
	const char *scheme = tls ? "https" : "http";
	bool six;

	if (configured) {
		snprintf(realm, REALM_MAX, "%s", configured);
		return;
	}
	if (!info || getsockname(info->connect_fd, (struct sockaddr *)&local, &size) < 0)
		local.ss_family = AF_UNSPEC;
	if (host && access_realm_host_ok(host, (struct sockaddr *)&local, tls)) {
		snprintf(realm, REALM_MAX, "%s://%s/token", scheme, host);
		return;
	}
	address_text((struct sockaddr *)&local, address);
	six = local.ss_family == AF_INET6;
	/* the port is at the same place in both */
	memcpy(&start, &local, sizeof start);
	snprintf(realm, REALM_MAX, "%s://%s%s%s:%u/token", scheme, six ? "[" : "", address, six ? "]" : "",
	        ntohs(start.sin_port));
}
