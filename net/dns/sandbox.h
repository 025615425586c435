/* What tare-dns may still do once it has started. */
#ifndef TARE_NET_DNS_SANDBOX_H
#define TARE_NET_DNS_SANDBOX_H

#define SANDBOX_FILES 4096 /* descriptors, where the limit of who started us isn't lower */

/* Of all networks' messages not one byte is read before this. conf: the file of the host's resolvers. 0 or
 * -1 with errno: then nothing is served. */
int dns_sandbox_enter(int networks_fd, const char *conf);

#endif
