/* Ranges: what a client wants of a blob, and what it brings of an upload. */
#ifndef TARE_REGISTRY_EXCHANGE_RANGE_H
#define TARE_REGISTRY_EXCHANGE_RANGE_H

#include <stdint.h>

enum range {
	RANGE_WHOLE,         /* none asked for, or in a form that is not understood: the whole */
	RANGE_PART,          /* first to last, both included */
	RANGE_UNSATISFIABLE, /* 416 */
};
/* The header Range (RFC 9110) for a file of that size. Several ranges in one request are not served: the
 * whole is (a request of a thousand that overlap costs no more than one). */
enum range range_parse(const char *header, uint64_t size, uint64_t *first, uint64_t *last);

/* The header Content-Range of an upload: "FIRST-LAST", without a unit (distribution-spec, "pushing a blob in
 * chunks"). 0, or -1 when it is not that. */
int content_range_parse(const char *header, uint64_t *first, uint64_t *last);

#endif
