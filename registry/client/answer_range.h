/* The range of a 206 answer (Content-Range), read strictly: where the bytes that come belong is not guessed.
 */
#ifndef TARE_REGISTRY_ANSWER_RANGE_H
#define TARE_REGISTRY_ANSWER_RANGE_H

#include <stdbool.h>
#include <stdint.h>

struct answer_range {
	uint64_t first, last; /* both inclusive, first <= last */
	uint64_t total;       /* UINT64_MAX: "*" */
};
/* "bytes 0-99/200" or an asterisk for the total. False for anything else: signs, spaces, overflow, last <
 * first, last >= total. */
bool answer_range_parse(const char *header, struct answer_range *r);

#endif
