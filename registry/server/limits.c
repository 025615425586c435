#include "registry/server/limits.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/proc.h"
#include "registry/server/exchange.h"
#include "registry/server/metrics.h"
#include "registry/server/server.h"

#define SECOND INT64_C(1000000000)
/* The rate of each address is kept in one of so many slots, found by its hash: two that share one share their
 * rate, which a client can't choose without knowing the seed. Nothing grows. */
#define SLOTS        1024
#define REAPER_STACK ((size_t)64 << 10)

struct place {
	struct place *next, *before; /* in the list of all, oldest wait first */
	int fd;
	int64_t since; /* waits for a request's header since; 0: a request runs */
	bool ended;    /* by us */
};

struct slot {
	uint64_t address;
	int64_t at;
	double left; /* requests */
};

struct limits {
	struct limits_options options;
	struct metrics *metrics;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	pthread_t reaper;
	bool reaping, ending;
	struct place *first, *last;
	unsigned n;
	pthread_mutex_t rates;
	uint64_t seed;
	struct slot slots[SLOTS];
};

/* ---------------------------------------------------------------- connections */

static void unlink_place(struct limits *l, struct place *p)
{
	*(p->before ? &p->before->next : &l->first) = p->next;
	*(p->next ? &p->next->before : &l->last) = p->before;
	p->next = p->before = NULL;
}

static void append_place(struct limits *l, struct place *p)
{
	p->before = l->last;
	*(l->last ? &l->last->next : &l->first) = p;
	l->last = p;
}

/* The thread of the connection sees the end of its stream and cleans up; the descriptor stays its own. */
static void end_place(struct limits *l, struct place *p)
{
	if (p->ended)
		return;
	p->ended = true;
	shutdown(p->fd, SHUT_RDWR);
	metrics_count(l->metrics, METRICS_CLOSED, 1);
}

/* Attack: slow-loris, hundreds of connections that send a byte of a header now and then. libmicrohttpd's
 * time-out begins anew with each byte; this one doesn't. Proven by registry.bats "limits: half-open". */
static void reap(struct limits *l, int64_t now)
{
	/* the list is in the order of `since` but for those in a request */
	for (struct place *p = l->first; p; p = p->next)
		if (p->since && now - p->since > (int64_t)l->options.timeout * SECOND)
			end_place(l, p);
}

/* When nearly all places are taken, the one that waits longest makes room. */
static void make_room(struct limits *l)
{
	if (l->n < l->options.connections - l->options.connections / 8)
		return;
	for (struct place *p = l->first; p; p = p->next)
		if (p->since && !p->ended) {
			end_place(l, p);
			return;
		}
}

static void *reaper(void *arg)
{
	struct limits *l = arg;

	pthread_mutex_lock(&l->lock);
	while (!l->ending) {
		int64_t now = now_boottime();
		struct timespec until;

		reap(l, now);
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec += 1;
		pthread_cond_timedwait(&l->wake, &l->lock, &until);
	}
	pthread_mutex_unlock(&l->lock);
	return NULL;
}

struct limits *limits_new(const struct limits_options *o, struct metrics *m)
{
	struct limits *l = calloc(1, sizeof *l);

	if (!l)
		return NULL;
	l->options = *o;
	if (!l->options.pace_grace)
		l->options.pace_grace = LIMITS_PACE_GRACE;
	l->metrics = m;
	l->seed = (uint64_t)(uintptr_t)l ^ (uint64_t)now_realtime() * UINT64_C(0x9e3779b97f4a7c15);
	pthread_mutex_init(&l->lock, NULL);
	pthread_mutex_init(&l->rates, NULL);
	pthread_cond_init(&l->wake, NULL);
	return l;
}

int limits_start(struct limits *l)
{
	pthread_attr_t small;

	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, REAPER_STACK);
	l->reaping = pthread_create(&l->reaper, &small, reaper, l) == 0;
	pthread_attr_destroy(&small);
	return l->reaping ? 0 : -1;
}

void limits_free(struct limits *l)
{
	if (!l)
		return;
	pthread_mutex_lock(&l->lock);
	l->ending = true;
	pthread_cond_signal(&l->wake);
	pthread_mutex_unlock(&l->lock);
	if (l->reaping)
		pthread_join(l->reaper, NULL);
	for (struct place *p = l->first, *next; p; p = next) {
		next = p->next;
		free(p);
	}
	free(l);
}

void limits_connection(
        void *cls, struct MHD_Connection *c, void **context, enum MHD_ConnectionNotificationCode code)
{
	struct limits *l = cls;
	const union MHD_ConnectionInfo *info;
	struct place *p = *context;

	pthread_mutex_lock(&l->lock);
	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
		p = info ? calloc(1, sizeof *p) : NULL;
		if (p) {
			p->fd = info->connect_fd;
			p->since = now_boottime();
			make_room(l);
			append_place(l, p);
			l->n++;
			*context = p;
			metrics_count(l->metrics, METRICS_CONNECTIONS, 1);
		}
	} else if (p) {
		unlink_place(l, p);
		l->n--;
		free(p);
		*context = NULL;
	}
	pthread_mutex_unlock(&l->lock);
}

static struct place *place_of(struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

static void set_since(struct limits *l, struct MHD_Connection *c, int64_t since)
{
	struct place *p = place_of(c);

	if (!p)
		return;
	pthread_mutex_lock(&l->lock);
	p->since = since;
	unlink_place(l, p);
	append_place(l, p);
	pthread_mutex_unlock(&l->lock);
}

void limits_begin(struct limits *l, struct MHD_Connection *c)
{
	set_since(l, c, 0);
}

void limits_end(struct limits *l, struct MHD_Connection *c)
{
	set_since(l, c, now_boottime());
}

unsigned limits_connections(struct limits *l)
{
	unsigned n;

	pthread_mutex_lock(&l->lock);
	n = l->n;
	pthread_mutex_unlock(&l->lock);
	return n;
}

unsigned limits_close_idle(struct limits *l)
{
	unsigned n;

	pthread_mutex_lock(&l->lock);
	for (struct place *p = l->first; p; p = p->next)
		if (p->since && !p->ended) {
			p->ended = true;
			shutdown(p->fd, SHUT_RDWR);
		}
	n = l->n;
	pthread_mutex_unlock(&l->lock);
	return n;
}

/* ---------------------------------------------------------------- rate */

/* An IPv6 client has a /64 of addresses. */
static uint64_t address_key(const struct sockaddr *a)
{
	uint64_t key = 0;

	if (a && a->sa_family == AF_INET)
		key = ((const struct sockaddr_in *)(const void *)a)->sin_addr.s_addr | UINT64_C(1) << 32;
	else if (a && a->sa_family == AF_INET6)
		memcpy(&key, &((const struct sockaddr_in6 *)(const void *)a)->sin6_addr, sizeof key);
	return key;
}

static uint64_t mix(uint64_t v)
{
	v = (v ^ v >> 31) * UINT64_C(0x9e3779b97f4a7c15);
	v = (v ^ v >> 29) * UINT64_C(0xbf58476d1ce4e5b9);
	return v ^ v >> 32;
}

/* A bucket of one second's requests, filled all the time. */
static bool take_one(const struct limits *l, struct slot *s, uint64_t address, int64_t now)
{
	double rate = l->options.rate;

	if (s->address != address || now - s->at > SECOND) {
		*s = (struct slot){.address = address, .at = now, .left = rate};
	} else {
		s->left += (double)(now - s->at) / (double)SECOND * rate;
		s->left = s->left > rate ? rate : s->left;
		s->at = now;
	}
	if (s->left < 1)
		return false;
	s->left -= 1;
	return true;
}

bool limits_admit(struct limits *l, struct MHD_Connection *c, unsigned *retry_after)
{
	const union MHD_ConnectionInfo *info;
	uint64_t address;
	bool ok;

	if (!l->options.rate)
		return true;
	info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	address = address_key(info ? info->client_addr : NULL);
	pthread_mutex_lock(&l->rates);
	ok = take_one(l, &l->slots[mix(address ^ l->seed) % SLOTS], address, now_boottime());
	pthread_mutex_unlock(&l->rates);
	*retry_after = 1;
	if (!ok)
		metrics_count(l->metrics, METRICS_RATE_LIMITED, 1);
	return ok;
}

enum MHD_Result limits_refuse(struct exchange *x, unsigned retry_after)
{
	exchange_header(x, "Retry-After", "%u", retry_after);
	return exchange_error(x, MHD_HTTP_TOO_MANY_REQUESTS, API_TOOMANYREQUESTS,
	        "more than %u requests a second from one address", x->server->options->rate);
}

/* ---------------------------------------------------------------- bodies */

/* Attack: a body that drips for days keeps a thread, an upload and a lock. Proven by registry.bats "limits: a
 * slow body". */
bool limits_pace(const struct limits *l, int64_t started, uint64_t bytes)
{
	int64_t took = now_boottime() - started - l->options.pace_grace;

	return took <= 0 || bytes / (LIMITS_PACE / 8) * (SECOND / 8) >= (uint64_t)took;
}
