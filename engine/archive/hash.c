#include "engine/archive/hash.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

struct hash {
	EVP_MD_CTX *ctx;
	char alg[8];
};

struct hash *hash_new(const char *alg, struct err *e)
{
	const EVP_MD *md = strcmp(alg, "sha512") == 0 ? EVP_sha512() : EVP_sha256();
	struct hash *h = calloc(1, sizeof(*h));
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	if (!h || !ctx || EVP_DigestInit_ex(ctx, md, NULL) != 1) {
		EVP_MD_CTX_free(ctx);
		free(h);
		return err_set_null(
		        e, ERR_OTHER, "cannot compute %s: libcrypto refuses or memory is short", alg);
	}
	h->ctx = ctx;
	strcpy(h->alg, md == EVP_sha512() ? "sha512" : "sha256");
	return h;
}

/* Updates of a started digest cannot fail with OpenSSL's own providers; if one ever did, the digest would
 * simply match nothing, so that the failure is on the safe side. */
void hash_add(struct hash *h, const void *data, size_t len)
{
	EVP_DigestUpdate(h->ctx, data, len);
}

void hash_hex(const char *alg, const unsigned char *raw, size_t len, struct digest *d)
{
	static const char digits[] = "0123456789abcdef";
	memset(d, 0, sizeof(*d));
	snprintf(d->alg, sizeof(d->alg), "%s", alg);
	for (size_t i = 0; i < len && 2 * i + 2 < sizeof(d->hex); i++) {
		d->hex[2 * i] = digits[raw[i] >> 4];
		d->hex[2 * i + 1] = digits[raw[i] & 15];
	}
}

void hash_finish(struct hash *h, struct digest *d)
{
	unsigned char raw[EVP_MAX_MD_SIZE];
	unsigned int len = 0;
	memset(d, 0, sizeof(*d));
	if (EVP_DigestFinal_ex(h->ctx, raw, &len) == 1)
		hash_hex(h->alg, raw, len, d);
}

void hash_next(struct hash *h, unsigned char *raw)
{
	unsigned char dropped[EVP_MAX_MD_SIZE];
	EVP_DigestFinal_ex(h->ctx, raw ? raw : dropped, NULL);
	EVP_DigestInit_ex(h->ctx, NULL, NULL);
}

void hash_free(struct hash *h)
{
	if (!h)
		return;
	EVP_MD_CTX_free(h->ctx);
	free(h);
}

void hash_free_ptr(struct hash **h)
{
	hash_free(*h);
}

int hash_bytes(const char *alg, const void *data, size_t len, struct digest *d, struct err *e)
{
	cleanup_hash struct hash *h = hash_new(alg, e);
	if (!h)
		return -1;
	hash_add(h, data, len);
	hash_finish(h, d);
	return 0;
}
