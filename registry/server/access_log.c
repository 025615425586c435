#include "registry/server/access_log.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/proc.h"
#include "base/text.h"
#include "registry/server/access.h"
#include "registry/server/exchange.h"

#define FIELD_MAX 512 /* bytes of what a client says of itself */

struct access_log {
	pthread_rwlock_t lock;
	int fd;
};

struct access_log *access_log_new(int fd)
{
	struct access_log *l = calloc(1, sizeof *l);

	if (!l) {
		close_fd(&fd);
		return NULL;
	}
	pthread_rwlock_init(&l->lock, NULL);
	l->fd = fd;
	return l;
}

void access_log_reopen(struct access_log *l, int fd)
{
	pthread_rwlock_wrlock(&l->lock);
	close_fd(&l->fd);
	l->fd = fd;
	pthread_rwlock_unlock(&l->lock);
}

/* Attack: a name or a User-Agent with terminal controls, or with a quote and a newline that forge a line.
 * Proven by test_registry_limits.c. */
static void field(char dst[FIELD_MAX], const char *s)
{
	text_harmless_to(dst, FIELD_MAX, s ? s : "-");
	for (char *p = dst; *p; p++)
		if (*p == '"' || *p == '\\')
			*p = '\'';
}

static void address(const struct exchange *x, char dst[INET6_ADDRSTRLEN])
{
	const union MHD_ConnectionInfo *info =
	        MHD_get_connection_info(x->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *a = info ? info->client_addr : NULL;

	snprintf(dst, INET6_ADDRSTRLEN, "-");
	if (a && a->sa_family == AF_INET)
		inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)a)->sin_addr, dst,
		        INET6_ADDRSTRLEN);
	else if (a && a->sa_family == AF_INET6)
		inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)a)->sin6_addr, dst,
		        INET6_ADDRSTRLEN);
}

/* ADDRESS - USER [TIME] "METHOD URL HTTP" STATUS BYTES "REFERER" "AGENT" MILLISECONDS */
void access_log_write(struct access_log *l, const struct exchange *x)
{
	char line[4 * FIELD_MAX], url[FIELD_MAX], agent[FIELD_MAX], user[FIELD_MAX], method[FIELD_MAX];
	char from[INET6_ADDRSTRLEN], when[40];
	const char *name = x->identity ? identity_name(x->identity) : "";
	time_t now = time(NULL);
	struct tm tm;
	int n;

	if (!l)
		return;
	gmtime_r(&now, &tm);
	strftime(when, sizeof when, "%d/%b/%Y:%H:%M:%S +0000", &tm);
	address(x, from);
	field(user, *name ? name : NULL);
	field(method, x->method);
	field(url, x->url);
	field(agent, MHD_lookup_connection_value(x->connection, MHD_HEADER_KIND, "User-Agent"));
	n = snprintf(line, sizeof line,
	        "%s - %s [%s] \"%s %s HTTP/1.1\" %u %" PRIu64 " \"-\" \"%s\" %" PRId64 "\n", from, user, when,
	        method, url, x->status, x->sent, agent, (now_boottime() - x->started) / 1000000);
	pthread_rwlock_rdlock(&l->lock);
	write_all(l->fd, line, (size_t)n < sizeof line ? (size_t)n : sizeof line - 1);
	pthread_rwlock_unlock(&l->lock);
}
