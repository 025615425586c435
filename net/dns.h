/* The name service as the engine sees it: one unprivileged process, tare-dns, for all networks of a state
 * directory. It is started by whoever needs it first and ends by itself some seconds after the last lease has
 * gone. The engine opens its sockets and hands them over, so it needs no right of its own.
 *
 * It listens at `dns` (SOCK_SEQPACKET, 0600) in the state directory's `networks`; one request a connection:
 *   "serve ID INDEX"  ->  "yes", it has that network with sockets on the bridge of this index; or
 *                         "send", then "SUBNET4 SUBNET6 INTERNAL" ("-": none) with SCM_RIGHTS:
 *                         udp4 tcp4 [udp6 tcp6]  ->  "yes"
 *   "forget ID"       ->  "yes"    the network was removed
 *   "idle"            ->  "yes"    a lease has gone: look whether it was the last one
 *   "pid"             ->  its pid
 * A connection that ends without an answer is a process that was just ending: a new one is started. Leases
 * are read from `ID/leases` beside the socket. What is served stands in `dns-networks`, so that who starts a
 * new one after a crash gives it all networks again. */
#ifndef TARE_NET_DNS_H
#define TARE_NET_DNS_H

#include <stdbool.h>
#include <stdint.h>

#include "net/address.h"

struct err;

struct dns_network {
	const char *id;
	const char *bridge;
	struct net_subnet subnet[2];
	struct net_address gateway[2];
	bool internal; /* names of members only; nothing is forwarded */
};
/* tare-dns runs and serves that network: it is started and given sockets when it doesn't, and the redirect
 * to them is laid in `table` (net/nft.h). networks_fd: the directory that has the socket; program: path of
 * tare-dns; enter (may be NULL): called in the new process, which so leaves the place where it would end with
 * its starter's session. Costs one round trip when all is well. The lease that it is called for is written
 * before. */
typedef void (*dns_enter_fn)(void);
int dns_ensure(int networks_fd, const char *program, dns_enter_fn enter, const char *table,
        const struct dns_network *n, struct err *e);
/* The redirects of all networks that are served, once more: the table was laid anew. */
int dns_redirect(int networks_fd, const char *table, struct err *e);
/* Best effort, nothing is started: a lease has gone / a network has gone, its redirect goes with it. */
void dns_idle(int networks_fd);
void dns_forget(int networks_fd, const char *table, const char *network_id);
/* The pid that serves, 0 when none does. */
int dns_pid(int networks_fd);

#endif
