/* The name service as the engine sees it: one unprivileged process, tare-dns, for all networks of a state
 * directory. It is started by whoever needs it first and ends by itself some seconds after the last lease has
 * gone. The engine opens its sockets and hands them over, so it needs no right of its own.
 *
 * It listens at `dns` (SOCK_SEQPACKET, 0600) in the state directory's `networks`; one request a connection:
 *   "serve NETWORK-ID"  ->  "yes" (it has it already) or "send", then
 *   "BRIDGE SUBNET4 SUBNET6 INTERNAL" with SCM_RIGHTS: the network's directory (O_PATH|O_DIRECTORY is not
 * enough: O_RDONLY), then udp4 tcp4 [udp6 tcp6]  ->  "yes" "forget NETWORK-ID" ->  "yes"     a network was
 * removed "idle"              ->  "yes"     a lease has gone: look whether all are "stop"              ->
 * "yes" A connection that ends without an answer is a process that was just ending: start a new one. */
#ifndef TARE_NET_DNS_H
#define TARE_NET_DNS_H

#include <stdbool.h>
#include <stdint.h>

#include "net/address.h"
#include "net/nft.h"

struct err;

struct dns_network {
	const char *id;
	const char *bridge;
	int dir_fd; /* where its leases are */
	struct net_subnet subnet[2];
	struct net_address gateway[2];
	bool internal; /* names of members only; nothing is forwarded */
};
/* tare-dns runs and serves that network: started and given sockets when it doesn't. networks_fd: the
 * directory that has the socket; program: path of tare-dns; table: where the redirect goes (net/nft.h). Costs
 * one round trip when all is well. */
int dns_ensure(
        int networks_fd, const char *program, const char *table, const struct dns_network *n, struct err *e);
/* Best effort, nothing is started: a lease has gone / a network has gone. */
void dns_idle(int networks_fd);
void dns_forget(int networks_fd, const char *network_id);
/* The pid that serves, 0 when none does. */
int dns_pid(int networks_fd);

#endif
