/* Fuzz target: WWW-Authenticate headers of any bytes, one a line. What is kept is terminated, within its
 * bounds, and no worse for what comes after it; a realm that may be asked is a web address, https or near. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "registry/client/challenge.h"
#include "registry/client/http_url.h"
#include "registry/client/token.h"

#define REGISTRY "https://registry.example/v2/"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
	if (!good)
		abort();
}

static void check_realm(const struct challenge *c)
{
	cleanup_http_url struct http_url u = HTTP_URL_INIT;
	cleanup_free char *url = NULL;
	bool public_only = false;

	if (token_check_realm(c->realm, REGISTRY, "", &public_only, NULL) < 0)
		return;
	check(public_only && http_url_parse(c->realm, &u, NULL) == 0);
	check(u.tls && http_host_reach(u.host) == HTTP_REACH_PUBLIC);
	url = token_url(c->realm, c->service, c->scope, "me");
	check(url && !strpbrk(url, "\r\n #"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free char *text = malloc(size + 1);
	struct challenge c = {0};
	char *rest = text, *line;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	while ((line = strsep(&rest, "\n"))) {
		enum challenge_kind before = c.kind;
		challenge_read(line, &c);
		check(c.kind >= before);
	}
	check(memchr(c.realm, '\0', sizeof(c.realm)) && memchr(c.service, '\0', sizeof(c.service)));
	check(memchr(c.scope, '\0', sizeof(c.scope)) && memchr(c.error, '\0', sizeof(c.error)));
	check(c.kind != CHALLENGE_BEARER || *c.realm);
	if (c.kind == CHALLENGE_BEARER)
		check_realm(&c);
	return 0;
}
