/* Ports of this host that are given to containers: held by bound sockets that the container's monitor
 * inherits, so that no other program gets them; and who has one that is taken. */
#ifndef TARE_NET_PORT_H
#define TARE_NET_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/address.h"

struct err;

#define PORT_OWNER_TEXT 128

/* IPPROTO_…: "tcp", "udp", "sctp"; -1 unknown. */
int port_protocol_parse(const char *text);
const char *port_protocol_name(int protocol);

/* Bind a socket that never listens; the descriptor (close-on-exec), or -1 with e: CONFLICT "address in use by
 * pid 4242 (nginx)". first == 0: any port that is free; else the first free one of [first, last]. *port gets
 * it. `shared`: a group's, which other groups' members may hold too. -2: this kernel lacks the protocol
 * (nothing to hold). */
int port_hold(int protocol, const struct net_address *host, uint16_t first, uint16_t last, bool shared,
        uint16_t *port, struct err *e);

/* ---- port_owner.c ---- */

/* "pid 4242 (nginx)" of whoever is bound there, or "". Reads /proc/net and the descriptors in /proc. */
const char *port_owner(
        int protocol, const struct net_address *host, uint16_t port, char dst[PORT_OWNER_TEXT]);
/* Nothing is there but TCP connections that are over (TIME_WAIT). */
bool port_is_lingering(const struct net_address *host, uint16_t port);

#endif
