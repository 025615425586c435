/* How a container's health is asked: Docker's "Healthcheck" object of an image config, and what flags make of
 * it. */
#ifndef TARE_OCI_HEALTH_CHECK_H
#define TARE_OCI_HEALTH_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"

struct err;

#define HEALTH_INTERVAL_NS       INT64_C(30000000000)
#define HEALTH_TIMEOUT_NS        INT64_C(30000000000)
#define HEALTH_START_INTERVAL_NS INT64_C(5000000000)
#define HEALTH_RETRIES           3
#define HEALTH_OUTPUT_MAX        4096 /* bytes that are kept of a probe's output */
#define HEALTH_LOG_MAX           5    /* probes that are kept */

/* Docker's meaning of each; 0 and NULL: not given. */
struct health_check {
	char **test; /* {"NONE"}, {"CMD", program, argument…} or {"CMD-SHELL", text}; owned */
	int64_t interval, timeout, start_period, start_interval; /* ns, at least 1 ms when given */
	int retries;
};
void health_check_free(struct health_check *h);
bool health_check_is_given(const struct health_check *h); /* any of it */
bool health_check_is_on(const struct health_check *h);    /* a test that is not NONE */
/* Docker's object; unknown members are ignored, what makes no sense is an error that quotes it. */
int health_check_from_json(json *j, struct health_check *h, struct err *e);
json *health_check_to_json(const struct health_check *h); /* the caller's to put */
/* `h` over `image`, member by member, as Docker's flags are over the image's; then the defaults. */
int health_check_merge(struct health_check *h, const struct health_check *image, struct err *e);

#endif
