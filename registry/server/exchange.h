/* An exchange: one HTTP request and its answer. Each connection has a thread of its own (libmicrohttpd), so a
 * handler may wait for the disk. The router has checked the grammar of all names before a handler sees them.
 */
#ifndef TARE_REGISTRY_EXCHANGE_H
#define TARE_REGISTRY_EXCHANGE_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/json.h"
#include "registry/server/storage.h"

struct server;
struct identity; /* access.h: who asks, as whom; anonymous when nobody said */

/* The error codes of the distribution spec (code-1 to code-14) and Docker's additions. */
enum api_error {
	API_BLOB_UNKNOWN,
	API_BLOB_UPLOAD_INVALID,
	API_BLOB_UPLOAD_UNKNOWN,
	API_DIGEST_INVALID,
	API_MANIFEST_BLOB_UNKNOWN,
	API_MANIFEST_INVALID,
	API_MANIFEST_UNKNOWN,
	API_NAME_INVALID,
	API_NAME_UNKNOWN,
	API_SIZE_INVALID,
	API_UNAUTHORIZED,
	API_DENIED,
	API_UNSUPPORTED,
	API_TOOMANYREQUESTS,
	API_TAG_INVALID,
	API_RANGE_INVALID,
	API_PAGINATION_NUMBER_INVALID,
	API_UNKNOWN,
};

struct exchange {
	struct server *server;
	struct MHD_Connection *connection;
	const char *method, *url; /* as sent, percent-decoded by the router, not by MHD */
	char repository[REPOSITORY_NAME_MAX + 1];
	char reference[256];       /* tag, digest or upload id: the last part of the path */
	struct identity *identity; /* set by access_identify() */
	int64_t started;           /* CLOCK_BOOTTIME ns */
	/* the body: small ones collected up to `body.max`, others streamed into what the handler opened */
	struct buf body;
	struct upload *upload;
	uint64_t body_bytes;
	/* the answer, for log and metrics */
	unsigned status;
	uint64_t sent;
	bool answered;
	void *handler_state; /* of the route's handler, freed by its end() */
};

/* Answers. Every one bears Docker-Distribution-API-Version, X-Content-Type-Options: nosniff, and no CORS.
 * They return MHD's result. Headers are added before by exchange_header(). */
void exchange_header(struct exchange *x, const char *name, const char *fmt, ...)
        __attribute__((format(printf, 3, 4)));
enum MHD_Result exchange_empty(struct exchange *x, unsigned status);
enum MHD_Result exchange_json(struct exchange *x, unsigned status, const char *type, json *document);
enum MHD_Result exchange_bytes(
        struct exchange *x, unsigned status, const char *type, const void *data, size_t len);
/* A file by sendfile, with Range (206, 416) and HEAD; takes fd. */
enum MHD_Result exchange_file(struct exchange *x, const char *type, int fd, uint64_t size);
/* {"errors":[{code,message,detail}]}; status 0: the code's own. */
enum MHD_Result exchange_error(struct exchange *x, unsigned status, enum api_error code, const char *fmt, ...)
        __attribute__((format(printf, 4, 5)));
/* One query parameter, decoded, or NULL; the nth of that name. */
const char *exchange_query(struct exchange *x, const char *name, unsigned n);

#endif
