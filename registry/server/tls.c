#include "registry/server/tls.h"

#include <gnutls/x509.h>
#include <pthread.h>
#include <stdint.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

#define CHAIN_MAX 16

struct tls {
	pthread_rwlock_t lock;
	gnutls_x509_crt_t chain[CHAIN_MAX];
	unsigned n;
	gnutls_x509_privkey_t key;
};

static struct tls *_Atomic shown;

static void drop(struct tls *t)
{
	for (unsigned i = 0; i < t->n; i++)
		gnutls_x509_crt_deinit(t->chain[i]);
	t->n = 0;
	if (t->key)
		gnutls_x509_privkey_deinit(t->key);
	t->key = NULL;
}

static int refuse(struct err *e, const char *what, int rc)
{
	return err_set(e, ERR_USAGE, "%s: %s", what, gnutls_strerror(rc));
}

/* The first of the chain is for the key's public half, or every handshake would fail. */
static bool belong_together(gnutls_x509_crt_t certificate, gnutls_x509_privkey_t key)
{
	unsigned char a[64], b[64];
	size_t a_size = sizeof a, b_size = sizeof b;

	return gnutls_x509_crt_get_key_id(certificate, GNUTLS_KEYID_USE_SHA256, a, &a_size) == 0 &&
	       gnutls_x509_privkey_get_key_id(key, GNUTLS_KEYID_USE_SHA256, b, &b_size) == 0 &&
	       a_size == b_size && memcmp(a, b, a_size) == 0;
}

static int read_pem(struct tls *t, const char *certificate, const char *key, struct err *e)
{
	gnutls_datum_t c = {(unsigned char *)(uintptr_t)certificate, (unsigned)strlen(certificate)};
	gnutls_datum_t k = {(unsigned char *)(uintptr_t)key, (unsigned)strlen(key)};
	int rc;

	t->n = CHAIN_MAX;
	rc = gnutls_x509_crt_list_import(t->chain, &t->n, &c, GNUTLS_X509_FMT_PEM, 0);
	if (rc <= 0) {
		t->n = 0;
		return rc < 0 ? refuse(e, "the TLS certificate can't be read", rc)
		              : err_set(e, ERR_USAGE, "the TLS certificate can't be read: it has none");
	}
	t->n = (unsigned)rc;
	rc = gnutls_x509_privkey_init(&t->key);
	if (rc == 0)
		rc = gnutls_x509_privkey_import2(t->key, &k, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN);
	if (rc < 0)
		return refuse(e, "the TLS key can't be read (it must be PEM without a password)", rc);
	if (!belong_together(t->chain[0], t->key))
		return err_set(e, ERR_USAGE, "the TLS key is not that of the certificate");
	return 0;
}

struct tls *tls_new(const char *certificate, const char *key, struct err *e)
{
	struct tls *t = calloc(1, sizeof *t);

	if (!t)
		return err_no_memory(e), NULL;
	pthread_rwlock_init(&t->lock, NULL);
	if (read_pem(t, certificate, key, e) == 0)
		return t;
	tls_free(t);
	return NULL;
}

void tls_free(struct tls *t)
{
	if (!t)
		return;
	drop(t);
	pthread_rwlock_destroy(&t->lock);
	free(t);
}

int tls_reload(struct tls *t, const char *certificate, const char *key, struct err *e)
{
	struct tls next = {0};

	if (read_pem(&next, certificate, key, e) < 0) {
		drop(&next);
		return -1;
	}
	pthread_rwlock_wrlock(&t->lock);
	drop(t);
	memcpy(t->chain, next.chain, sizeof t->chain);
	t->n = next.n;
	t->key = next.key;
	pthread_rwlock_unlock(&t->lock);
	return 0;
}

bool tls_covers(const struct tls *t, const char *host)
{
	pthread_rwlock_t *lock = (pthread_rwlock_t *)(uintptr_t)&t->lock;
	bool covers;

	pthread_rwlock_rdlock(lock);
	covers = gnutls_x509_crt_check_hostname(t->chain[0], host);
	pthread_rwlock_unlock(lock);
	return covers;
}

long tls_expires(const struct tls *t)
{
	pthread_rwlock_t *lock = (pthread_rwlock_t *)(uintptr_t)&t->lock;
	long when;

	pthread_rwlock_rdlock(lock);
	when = (long)gnutls_x509_crt_get_expiration_time(t->chain[0]);
	pthread_rwlock_unlock(lock);
	return when;
}

void tls_use(struct tls *t)
{
	atomic_store(&shown, t);
}

/* Copies, which the library frees: a connection's handshake may last longer than a certificate here. */
static int copy(struct tls *t, gnutls_pcert_st **certificates, unsigned *n, gnutls_privkey_t *key)
{
	gnutls_pcert_st *list = gnutls_calloc(t->n, sizeof *list);
	int rc = list ? gnutls_pcert_import_x509_list(list, t->chain, &t->n, 0) : GNUTLS_E_MEMORY_ERROR;

	if (rc == 0)
		rc = gnutls_privkey_init(key);
	if (rc == 0)
		rc = gnutls_privkey_import_x509(*key, t->key, GNUTLS_PRIVKEY_IMPORT_COPY);
	if (rc < 0) {
		gnutls_free(list);
		return rc;
	}
	*certificates = list;
	*n = t->n;
	return 0;
}

int tls_retrieve(gnutls_session_t session, const struct gnutls_cert_retr_st *info,
        gnutls_pcert_st **certificates, unsigned *n, gnutls_ocsp_data_st **ocsp, unsigned *n_ocsp,
        gnutls_privkey_t *key, unsigned *flags)
{
	struct tls *t = atomic_load(&shown);
	int rc;

	(void)session;
	(void)info;
	*ocsp = NULL;
	*n_ocsp = 0;
	*flags = GNUTLS_CERT_RETR_DEINIT_ALL;
	pthread_rwlock_rdlock(&t->lock);
	rc = copy(t, certificates, n, key);
	pthread_rwlock_unlock(&t->lock);
	return rc < 0 ? -1 : 0;
}
