/* certs.d: CA and client certificates of single registries. */
#ifndef TARE_REGISTRY_CERTS_H
#define TARE_REGISTRY_CERTS_H

struct err;
struct registries;
struct registry_endpoint;

/* Fill in the TLS files of `p` from the first directory that knows `domain` (HOST[:PORT]). */
int certs_find(const struct registries *r, const char *domain, struct registry_endpoint *p, struct err *e);

#endif
