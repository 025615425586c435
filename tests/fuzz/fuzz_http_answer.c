/* Fuzz target: what the headers of an answer may say, one a line: Content-Range, Retry-After, Location. What
 * is taken is within its bounds, and a range that is taken prints as what was read. */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "registry/client/answer_range.h"
#include "registry/client/http_url.h"
#include "registry/client/retry.h"

#define NOW  ((int64_t)1700000000 * 1000000000)
#define BASE "https://registry.example/v2/a/blobs/uploads/?x=y"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
	if (!good)
		abort();
}

/* Leading zeros are the only thing that may differ. */
static void check_range(const char *line)
{
	struct answer_range r, again;
	char text[128];

	if (!answer_range_parse(line, &r))
		return;
	check(r.first <= r.last && r.last < r.total);
	if (r.total == UINT64_MAX)
		snprintf(text, sizeof(text), "bytes %" PRIu64 "-%" PRIu64 "/*", r.first, r.last);
	else
		snprintf(text, sizeof(text), "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, r.first, r.last,
		        r.total);
	check(answer_range_parse(text, &again));
	check(again.first == r.first && again.last == r.last && again.total == r.total);
}

static void check_location(const char *line)
{
	cleanup_free char *to = http_url_resolve(BASE, line, NULL);
	cleanup_http_url struct http_url u = HTTP_URL_INIT;

	if (!to)
		return;
	check(!strncmp(to, "https://", 8) || !strncmp(to, "http://", 7));
	check(!strpbrk(to, " \r\n"));
	if (http_url_parse(to, &u, NULL) == 0)
		check(*u.host && u.tls == !strncmp(to, "https://", 8));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free char *text = malloc(size + 1);
	char *rest = text, *line;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	while ((line = strsep(&rest, "\n"))) {
		int64_t wait = retry_after(line, NOW);
		check(wait >= -1 && wait <= RETRY_AFTER_MOST);
		check_range(line);
		check_location(line);
	}
	return 0;
}
