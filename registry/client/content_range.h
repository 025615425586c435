/* Content-Range of a 206 answer, read strictly: where the bytes that come belong is not guessed. */
#ifndef TARE_REGISTRY_CONTENT_RANGE_H
#define TARE_REGISTRY_CONTENT_RANGE_H

#include <stdbool.h>
#include <stdint.h>

struct content_range {
	uint64_t first, last; /* both inclusive, first <= last */
	uint64_t total;       /* UINT64_MAX: "*" */
};
/* "bytes 0-99/200" or an asterisk for the total. False for anything else: signs, spaces, overflow, last <
 * first, last >= total. */
bool content_range_parse(const char *header, struct content_range *r);

#endif
