#include "engine/archive/hash.h"

#include <openssl/evp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL /* no library to find at run time for one function */
#include <xxhash.h>

#include "base/err.h"

struct hash {
	EVP_MD_CTX *ctx; /* or */
	XXH3_state_t *xxh;
	char alg[8];
};

static bool open_xxh(struct hash *h)
{
	h->xxh = XXH3_createState();
	return h->xxh && XXH3_128bits_reset(h->xxh) == XXH_OK;
}

static bool open_sha(struct hash *h)
{
	h->ctx = EVP_MD_CTX_new();
	return h->ctx && EVP_DigestInit_ex(h->ctx,
	                         strcmp(h->alg, "sha512") == 0 ? EVP_sha512() : EVP_sha256(), NULL) == 1;
}

struct hash *hash_new(const char *alg, struct err *e)
{
	struct hash *h = calloc(1, sizeof(*h));
	if (!h)
		return err_set_null(e, ERR_OTHER, "out of memory");
	bool known = strcmp(alg, "sha512") == 0 || strcmp(alg, "xxh128") == 0;
	strcpy(h->alg, known ? alg : "sha256");
	if (strcmp(h->alg, "xxh128") == 0 ? open_xxh(h) : open_sha(h))
		return h;
	hash_free(h);
	return err_set_null(e, ERR_OTHER, "cannot compute %s: libcrypto refuses or memory is short", alg);
}

/* Updates of a started digest cannot fail with OpenSSL's own providers; if one ever did, the digest would
 * simply match nothing, so that the failure is on the safe side. */
void hash_add(struct hash *h, const void *data, size_t len)
{
	if (h->xxh)
		XXH3_128bits_update(h->xxh, data, len);
	else
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

/* The length of the digest, 0: there is none. */
static unsigned end(struct hash *h, unsigned char raw[EVP_MAX_MD_SIZE])
{
	unsigned len = 0;
	if (!h->xxh)
		return EVP_DigestFinal_ex(h->ctx, raw, &len) == 1 ? len : 0;
	XXH128_canonicalFromHash((XXH128_canonical_t *)raw, XXH3_128bits_digest(h->xxh));
	return HASH_XXH128_SIZE;
}

void hash_finish(struct hash *h, struct digest *d)
{
	unsigned char raw[EVP_MAX_MD_SIZE];
	unsigned len = end(h, raw);
	memset(d, 0, sizeof(*d));
	if (len)
		hash_hex(h->alg, raw, len, d);
}

void hash_next(struct hash *h, unsigned char *raw)
{
	unsigned char made[EVP_MAX_MD_SIZE];
	unsigned len = end(h, made);
	if (raw)
		memcpy(raw, made, len);
	if (h->xxh)
		XXH3_128bits_reset(h->xxh);
	else
		EVP_DigestInit_ex(h->ctx, NULL, NULL);
}

void hash_free(struct hash *h)
{
	if (!h)
		return;
	EVP_MD_CTX_free(h->ctx);
	XXH3_freeState(h->xxh);
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
