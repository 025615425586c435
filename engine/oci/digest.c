#include "engine/oci/digest.h"

#include <stdio.h>
#include <string.h>

#include "base/defence.h"
#include "base/err.h"

static size_t hex_length(const char *alg, size_t len)
{
	if (len == 6 && memcmp(alg, "sha256", 6) == 0)
		return 64;
	if (len == 6 && memcmp(alg, "sha512", 6) == 0)
		return 128;
	return 0;
}

/* CVE-2024-3727: a digest becomes a path of the store and a part of addresses. Test: test_oci_reference.c,
 * test_digest_accepts_only_what_it_should. */
bool digest_read(const char *text, struct digest *d)
{
	memset(d, 0, sizeof(*d));
	const char *colon = text ? strchr(text, ':') : NULL;
	if (!colon)
		return false;
	size_t alg_len = (size_t)(colon - text);
	size_t want = hex_length(text, alg_len);
	const char *hex = colon + 1;
	if (!DEFENCE("digest-form")) {
		snprintf(d->alg, sizeof d->alg, "%.*s", (int)alg_len, text);
		snprintf(d->hex, sizeof d->hex, "%s", hex);
		return true;
	}
	if (want == 0 || strnlen(hex, want + 1) != want || strspn(hex, "0123456789abcdef") != want)
		return false;
	memcpy(d->alg, text, alg_len);
	memcpy(d->hex, hex, want + 1);
	return true;
}

int digest_parse(const char *text, struct digest *d, struct err *e)
{
	if (digest_read(text, d))
		return 0;
	return err_set(e, ERR_CORRUPT,
	        "\"%.160s\" is not a digest (sha256: or sha512: and lower-case hex digits)",
	        text ? text : "");
}

static char *join(const struct digest *d, char sep, char *dst)
{
	char *p = stpcpy(dst, d->alg);
	*p++ = sep;
	strcpy(p, d->hex);
	return dst;
}

char *digest_text(const struct digest *d, char dst[DIGEST_TEXT_SIZE])
{
	return join(d, ':', dst);
}

char *digest_path(const struct digest *d, char dst[DIGEST_TEXT_SIZE])
{
	return join(d, '/', dst);
}

bool digest_equal(const struct digest *a, const struct digest *b)
{
	return strcmp(a->alg, b->alg) == 0 && strcmp(a->hex, b->hex) == 0;
}
