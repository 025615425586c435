/* Fuzz target: the path of a request, and its ranges. What comes out as a name is one, whatever went in, and
 * a part of a file lies within it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "registry/server/exchange_range.h"
#include "registry/server/router.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
	if (!good)
		abort();
}

static void check_path(const char *uri)
{
	struct router_match m;
	if (router_find(uri, &m) != ROUTER_FOUND) {
		check(!*m.repository && !*m.reference && m.route == ROUTE_OTHER);
		return;
	}
	check(m.route < ROUTE_OTHER);
	check(!*m.repository || (repository_name_ok(m.repository) && !strstr(m.repository, "..") &&
	                                strlen(m.repository) <= REPOSITORY_NAME_MAX));
	check(!strchr(m.reference, '/') && strlen(m.reference) <= REFERENCE_MAX);
}

static void check_range(const char *header, uint64_t size)
{
	uint64_t first = 0, last = 0;
	if (range_parse(header, size, &first, &last) == RANGE_PART)
		check(first <= last && last < size);
	if (content_range_parse(header, &first, &last) == 0)
		check(first <= last && last < UINT64_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[2048];
	uint64_t file = 0;
	if (size < sizeof(file) || size - sizeof(file) >= sizeof(text) - 8)
		return 0;
	memcpy(&file, data, sizeof(file));
	data += sizeof(file);
	size -= sizeof(file);
	memcpy(text, data, size);
	text[size] = '\0';
	check_path(text);
	check_range(text, file);
	memmove(text + 6, text, size + 1);
	memcpy(text, "bytes=", 6);
	check_range(text, file);
	memcpy(text, "xx/v2/", 6);
	check_path(text + 2);
	return 0;
}
