/* The router: from the path of a request to what it is about. It decodes the path once, and lets only names
 * through that have passed their grammar. */
#ifndef TARE_REGISTRY_ROUTER_H
#define TARE_REGISTRY_ROUTER_H

#include "registry/server/exchange.h"

enum router_result {
	ROUTER_FOUND,
	ROUTER_NOTHING,  /* no such path: 404 */
	ROUTER_BAD_NAME, /* it would be one if the repository's name were a name: 400 */
	ROUTER_BAD_PATH, /* too long, or with bytes that no path of ours has: 400 */
};
struct router_match {
	enum route route;
	char repository[REPOSITORY_NAME_MAX + 1]; /* "" where the route has none */
	char reference[REFERENCE_MAX + 1];        /* digest, tag, upload id; "": the uploads as such */
};
/* uri: as sent, a query behind it is ignored. */
enum router_result router_find(const char *uri, struct router_match *m);

#endif
