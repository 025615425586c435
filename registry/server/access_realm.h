/* The URL of our token issuer as this client can reach it. */
#ifndef TARE_REGISTRY_ACCESS_REALM_H
#define TARE_REGISTRY_ACCESS_REALM_H

#include <stdbool.h>
#include <stddef.h>

struct exchange;
struct sockaddr;
struct tls;

#define REALM_MAX 384

void access_realm(struct exchange *x, const char *configured, const struct tls *tls, char realm[REALM_MAX]);
/* May the Host that a client sent stand in it? local: the address of ours that the client came to. */
bool access_realm_host_ok(const char *host, const struct sockaddr *local, const struct tls *tls);

#endif
