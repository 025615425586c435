/* certs.d: CA and client certificates of single registries. In the first of TARE_ETC/tare/certs.d,
 * ~/.config/containers/certs.d, /etc/containers/certs.d and /etc/docker/certs.d that has a directory
 * HOST[:PORT]: *.crt are CAs, NAME.cert with NAME.key the client's. --cert-dir names such a directory itself.
 */
#ifndef TARE_REGISTRY_CERTS_H
#define TARE_REGISTRY_CERTS_H

struct err;
struct registries;
struct registry_endpoint;

/* Fill in the TLS files of `p` for `domain` (HOST[:PORT], "docker.io" for the hub). */
int certs_find(const struct registries *r, const char *domain, struct registry_endpoint *p, struct err *e);

/* Several CA files are given as one: a file in memory that lives as long as its registries. */
struct cert_bundles;
struct cert_bundles *cert_bundles_new(void);
void cert_bundles_free(struct cert_bundles *b);
/* The one file itself, or the path of a bundle of them, allocated; *path stays NULL without files. */
int certs_bundle(const struct registries *r, char *const *files, char **path, struct err *e);

#endif
