/* The name service as one value: one thread, one epoll loop, and tables of fixed size, so that nobody can
 * make it grow.
 *
 * loop.c       who is to do something   control.c   the engine's requests (net/dns.h)
 * network.c    what is served           answer.c    names that are ours
 * forward.c    all others               stream.c    askers by TCP
 * source.c     each asker's share       resolvers.c where others are asked
 * zone.c       a network's leases       packet.c    messages
 * sandbox.c    what it may do at all    main.c      start */
#ifndef TARE_NET_DNS_SERVICE_H
#define TARE_NET_DNS_SERVICE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "net/dns/packet.h"
#include "net/dns/resolvers.h"
#include "net/dns/zone.h"

#define NETWORKS_MAX       512
#define QUERIES_MAX        1024 /* being forwarded */
#define QUERIES_PER_SOURCE 128
#define STREAMS_MAX        64 /* TCP connections of askers */
#define STREAMS_PER_SOURCE 8
#define RELAYS_MAX         64 /* TCP connections to resolvers, of QUERIES_MAX */
#define RELAYS_PER_SOURCE  16
#define CONTROLS_MAX       32
#define SOURCES_MAX        2048
#define TICK_MS            100
#define LOOK_MS            60000 /* whether there are leases left, when nobody says that one has gone */

/* What an event is about: the place in its table, and which of the users of that place it was meant for, as
 * one that was closed may have events left in the batch. */
enum event_kind {
	EVENT_CONTROL_LISTEN,
	EVENT_CONTROL,
	EVENT_UDP,
	EVENT_TCP_LISTEN,
	EVENT_STREAM,
	EVENT_QUERY,
};
static inline uint64_t event_tag(enum event_kind kind, uint16_t generation, uint32_t place)
{
	return (uint64_t)kind << 48 | (uint64_t)generation << 32 | place;
}

struct network {
	char id[LEASE_ID_LEN + 1]; /* "": a free place */
	unsigned bridge_index;
	struct net_subnet subnet[2];
	bool internal;
	int udp[2], tcp[2]; /* -1: none */
	struct zone zone;
};

/* Who gets the answer. */
struct client {
	unsigned network;
	int source;          /* place in sources */
	int stream;          /* place in streams; -1: by UDP */
	int family;          /* place in network.udp: 0, 1 */
	uint16_t generation; /* of the stream */
	struct sockaddr_storage address;
};

/* An asker's share of what there is. */
struct source {
	struct net_address address; /* family 0: a free place */
	unsigned queries, streams, relays;
	int64_t refilled; /* ms */
	unsigned tokens;
};

/* A question on its way. */
struct query {
	bool used, by_tcp, is_sent;
	uint16_t generation, id; /* id: ours */
	int fd, relay;           /* relay: place in relays, -1 */
	unsigned attempt;
	int64_t attempt_until, until; /* ms */
	struct client client;
	struct packet_query question; /* points into message */
	struct resolvers resolvers;
	unsigned char message[PACKET_QUERY_MAX];
};

/* What goes over a TCP connection with its length before it (RFC 1035, 4.2.2). */
struct frame {
	size_t len, done; /* with the two bytes */
	unsigned char data[2 + PACKET_MAX];
};

struct relay {
	bool used;
	int source; /* whose question it is for */
	struct frame frame;
};

enum stream_state { STREAM_FREE, STREAM_READING, STREAM_WAITING, STREAM_WRITING };
struct stream {
	enum stream_state state;
	uint32_t watched; /* events */
	uint16_t generation;
	int fd;
	int64_t until; /* ms */
	struct client client;
	size_t in_len;
	unsigned char in[2 + PACKET_QUERY_MAX];
	struct frame out;
};

/* A request of the engine. */
struct control {
	int fd; /* -1: a free place */
	uint16_t generation;
	char network_id[LEASE_ID_LEN + 1]; /* whose sockets are awaited, or "" */
	unsigned bridge_index;
};

struct service {
	int epoll_fd, control_fd, networks_fd;
	bool control_paused, end;
	int64_t now, tick_at, look_at, linger, idle_at; /* ms; idle_at 0: somebody is there */
	unsigned queries_most, queries_used, rotation;
	unsigned queries_top;               /* places from here on were never taken */
	uint16_t queries_free[QUERIES_MAX]; /* places, the one that is taken next last */
	unsigned queries_n_free;
	struct host_resolvers host;
	unsigned networks_top; /* places from here on were never taken */
	struct network networks[NETWORKS_MAX];
	struct source sources[SOURCES_MAX];
	struct control controls[CONTROLS_MAX];
	struct stream streams[STREAMS_MAX];
	struct query queries[QUERIES_MAX];
	struct relay relays[RELAYS_MAX];
};

/* loop.c */
void service_run(struct service *s); /* until there is nothing to serve */
int service_watch(struct service *s, int fd, uint32_t events, uint64_t tag);
int service_rewatch(struct service *s, int fd, uint32_t events, uint64_t tag);

/* network.c */
struct network *network_served(struct service *s, const char *id);
/* A place for it; NULL when all are taken. */
struct network *network_place(struct service *s, const char *id);
int network_watch(struct service *s, struct network *n);
void network_close(struct service *s, struct network *n);
bool network_any_lease(struct service *s);
void network_receive(struct service *s, unsigned place, int family);
/* Whose address it is, when he may ask here; borrowed until the network is looked at again. */
const struct lease *network_asker(
        struct service *s, const struct network *n, const struct net_address *address);
bool address_of(const struct sockaddr_storage *from, struct net_address *a);
/* A question of any bytes: answered, forwarded or dropped. False: dropped. */
bool network_ask(struct service *s, const struct client *c, const struct lease *asker,
        const unsigned char *data, size_t len);
void network_reply(struct service *s, const struct client *c, const unsigned char *data, size_t len);

/* control.c */
void control_accept(struct service *s);
void control_event(struct service *s, unsigned place);

/* answer.c: an answer from what is known here, its length; 0: others are to be asked. */
size_t answer_find(struct service *s, const struct network *n, const struct lease *asker,
        const struct packet_query *q, unsigned char *out, size_t max);
size_t answer_error(const struct packet_query *q, enum packet_rcode rcode, unsigned char *out, size_t max);

/* forward.c */
void forward_init(struct service *s, unsigned queries_most);
bool forward_start(struct service *s, const struct client *c, const struct lease *asker,
        const struct packet_query *q, const unsigned char *data);
void forward_event(struct service *s, unsigned place);
void forward_tick(struct service *s);
void forward_forget_stream(struct service *s, const struct client *c);
void forward_forget_network(struct service *s, unsigned place);

/* stream.c */
void stream_accept(struct service *s, unsigned network, int family);
void stream_event(struct service *s, unsigned place, uint32_t events);
void stream_reply(struct service *s, const struct client *c, const unsigned char *data, size_t len);
void stream_tick(struct service *s);
void stream_forget_network(struct service *s, unsigned place);

/* source.c: the place of this asker; -1 when too many others are busy. */
int source_find(struct service *s, const struct net_address *a);
/* Takes one from what he may ask when more is waiting than can be served; false: nothing is left. */
bool source_spend(struct service *s, int source);

#endif
