/* Whether this host forwards packets: net.ipv4.ip_forward and net.ipv6.conf.all.forwarding. */
#ifndef TARE_NET_FORWARDING_H
#define TARE_NET_FORWARDING_H

#include <stdbool.h>

struct err;

bool forwarding_on(int family);
/* Turn it on; 1 when it was off, 0 when it was on, -1 with e. IPv6: interfaces that listen to routers
 * (accept_ra 1) get accept_ra 2 first, or the host would lose its own address and route. */
int forwarding_enable(int family, struct err *e);

#endif
