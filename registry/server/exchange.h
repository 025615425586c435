/* An exchange: one HTTP request and its answer. Each connection has a thread of its own (libmicrohttpd), so a
 * handler may wait for the disk. The router has checked the grammar of repository names before a handler sees
 * them; a reference is a tag, a digest or neither. */
#ifndef TARE_REGISTRY_EXCHANGE_H
#define TARE_REGISTRY_EXCHANGE_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/json.h"
#include "registry/server/metrics.h"
#include "registry/server/storage.h"

#define REFERENCE_MAX 255

struct err;
struct server;
struct verb;
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

/* Where the body goes. */
enum body_kind {
	BODY_NONE,    /* read and thrown away */
	BODY_COLLECT, /* into `body`, at most body.max bytes; more is 413 */
	BODY_STREAM,  /* into `upload` */
};

struct exchange {
	struct server *server;
	struct MHD_Connection *connection;
	const char *method, *url; /* as sent; the router decodes the path */
	enum route route;
	char repository[REPOSITORY_NAME_MAX + 1];
	char reference[REFERENCE_MAX + 1]; /* tag, digest or upload id: the last part of the path */
	struct identity *identity;         /* set by access_identify() */
	bool hidden;                       /* for who asks this repository does not exist */
	int64_t started;                   /* CLOCK_BOOTTIME ns */
	/* the body */
	enum body_kind body_kind;
	int64_t content_length; /* -1: none was said */
	struct buf body;
	struct repository *held; /* put at the end, after `upload` is closed */
	struct upload *upload;
	uint64_t body_bytes;
	/* the answer: made at any time, given to libmicrohttpd when it may be; and for log and metrics */
	struct MHD_Response *response;
	unsigned status;
	uint64_t sent;
	bool answered;
	struct buf headers;              /* "name\0value\0" each */
	char etag[DIGEST_TEXT_SIZE + 2]; /* "" none */
	void *handler_state;             /* of the route's handler, freed at the end by free() */
	const struct verb *verb;         /* the handler's */
	bool begun, must_close;
};

/* Answers. Every one bears Docker-Distribution-API-Version, X-Content-Type-Options: nosniff, and no CORS.
 * Headers are added before by exchange_header(). The first answer counts. */
void exchange_header(struct exchange *x, const char *name, const char *fmt, ...)
        __attribute__((format(printf, 3, 4)));
enum MHD_Result exchange_empty(struct exchange *x, unsigned status);
enum MHD_Result exchange_json(
        struct exchange *x, unsigned status, const char *type, json *document); /* borrows it */
enum MHD_Result exchange_bytes(
        struct exchange *x, unsigned status, const char *type, const void *data, size_t len);
/* A file by sendfile, with Range (206, 416) and HEAD; takes fd. */
enum MHD_Result exchange_file(struct exchange *x, const char *type, int fd, uint64_t size);
/* The same without ranges. */
enum MHD_Result exchange_document(struct exchange *x, const char *type, int fd, uint64_t size);
/* What reader gives, of that size; free_arg is called at the end, in any case. */
enum MHD_Result exchange_stream(struct exchange *x, const char *type, uint64_t size,
        MHD_ContentReaderCallback reader, void *arg, MHD_ContentReaderFreeCallback free_arg);
/* {"errors":[{code,message,detail}]}; status 0: the code's own. */
enum MHD_Result exchange_error(struct exchange *x, unsigned status, enum api_error code, const char *fmt, ...)
        __attribute__((format(printf, 4, 5)));
/* The same with several: a list to fill, and the answer (takes the list). */
void exchange_error_add(json *list, enum api_error code, json *detail, const char *fmt, ...)
        __attribute__((format(printf, 4, 5)));
enum MHD_Result exchange_errors(struct exchange *x, unsigned status, json *list);
/* The storage failed: 507 when the disk is full, else 500 (and a line in the log); what happened is not told
 * to strangers. */
enum MHD_Result exchange_failed(struct exchange *x, const struct err *e);
/* Set the entity tag; true when the client has that already, and 304 is the answer. */
bool exchange_unchanged(struct exchange *x, const struct digest *d);
/* One query parameter, decoded, or NULL; the nth of that name. */
const char *exchange_query(struct exchange *x, const char *name, unsigned n);
/* A request header or NULL. */
const char *exchange_request_header(struct exchange *x, const char *name);
/* Location: of that path, absolute when the client said a host that can be believed. */
void exchange_location(struct exchange *x, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Warning: 299 - "…" */
void exchange_warn(struct exchange *x, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
