/* TLS: the certificate that the worker shows, replaced while it runs. */
#ifndef TARE_REGISTRY_TLS_H
#define TARE_REGISTRY_TLS_H

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <stdbool.h>
#include <stddef.h>

struct err;
struct tls;

/* TLS 1.2 and newer, with the library's own choice of ciphers. */
#define TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

/* PEM texts: the certificate with its chain, and its key without a password. NULL with e when one can't be
 * read, or they don't belong together. */
struct tls *tls_new(const char *certificate, const char *key, struct err *e);
void tls_free(struct tls *t);
/* New connections get these. -1 with e: the old ones stay. */
int tls_reload(struct tls *t, const char *certificate, const char *key, struct err *e);
/* Is `host` one of the certificate's names? */
bool tls_covers(const struct tls *t, const char *host);
/* Seconds since the epoch when it ends. */
long tls_expires(const struct tls *t);
/* MHD_OPTION_HTTPS_CERT_CALLBACK2, which hands no pointer along: the one that connections of this process
 * show. */
void tls_use(struct tls *t);
int tls_retrieve(gnutls_session_t session, const struct gnutls_cert_retr_st *info,
        gnutls_pcert_st **certificates, unsigned *n, gnutls_ocsp_data_st **ocsp, unsigned *n_ocsp,
        gnutls_privkey_t *key, unsigned *flags);

#endif
