/* Answers: see exchange.h. They are made here and given to libmicrohttpd by the handler, which knows when it
 * takes one. */
#include "registry/server/exchange.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/text.h"
#include "registry/server/exchange_range.h"
#include "registry/server/server.h"

#define HEADERS_MAX ((size_t)64 << 10)
#define SMALL_FILE                                                                                           \
	((uint64_t)32 << 10) /* read and sent with the header in one piece; a bigger one by sendfile */
#define STREAM_BLOCK ((size_t)64 << 10)
#define WARNINGS_MAX 4096 /* bytes of all of them together, says the spec */

static const struct {
	const char *name;
	unsigned status;
} errors[] = {
        [API_BLOB_UNKNOWN] = {"BLOB_UNKNOWN", MHD_HTTP_NOT_FOUND},
        [API_BLOB_UPLOAD_INVALID] = {"BLOB_UPLOAD_INVALID", MHD_HTTP_BAD_REQUEST},
        [API_BLOB_UPLOAD_UNKNOWN] = {"BLOB_UPLOAD_UNKNOWN", MHD_HTTP_NOT_FOUND},
        [API_DIGEST_INVALID] = {"DIGEST_INVALID", MHD_HTTP_BAD_REQUEST},
        [API_MANIFEST_BLOB_UNKNOWN] = {"MANIFEST_BLOB_UNKNOWN", MHD_HTTP_BAD_REQUEST},
        [API_MANIFEST_INVALID] = {"MANIFEST_INVALID", MHD_HTTP_BAD_REQUEST},
        [API_MANIFEST_UNKNOWN] = {"MANIFEST_UNKNOWN", MHD_HTTP_NOT_FOUND},
        [API_NAME_INVALID] = {"NAME_INVALID", MHD_HTTP_BAD_REQUEST},
        [API_NAME_UNKNOWN] = {"NAME_UNKNOWN", MHD_HTTP_NOT_FOUND},
        [API_SIZE_INVALID] = {"SIZE_INVALID", MHD_HTTP_BAD_REQUEST},
        [API_UNAUTHORIZED] = {"UNAUTHORIZED", MHD_HTTP_UNAUTHORIZED},
        [API_DENIED] = {"DENIED", MHD_HTTP_FORBIDDEN},
        [API_UNSUPPORTED] = {"UNSUPPORTED", MHD_HTTP_METHOD_NOT_ALLOWED},
        [API_TOOMANYREQUESTS] = {"TOOMANYREQUESTS", MHD_HTTP_TOO_MANY_REQUESTS},
        [API_TAG_INVALID] = {"TAG_INVALID", MHD_HTTP_BAD_REQUEST},
        [API_RANGE_INVALID] = {"RANGE_INVALID", MHD_HTTP_RANGE_NOT_SATISFIABLE},
        [API_PAGINATION_NUMBER_INVALID] = {"PAGINATION_NUMBER_INVALID", MHD_HTTP_BAD_REQUEST},
        [API_UNKNOWN] = {"UNKNOWN", MHD_HTTP_INTERNAL_SERVER_ERROR},
};

/* ------------------------------------------------------------------ what was asked */

struct wanted {
	const char *name, *value;
	unsigned n;
};

static enum MHD_Result see(
        void *cls, enum MHD_ValueKind kind, const char *key, size_t key_size, const char *value, size_t size)
{
	struct wanted *w = cls;
	(void)kind;
	if (strlen(w->name) != key_size || memcmp(w->name, key, key_size) != 0 || w->n-- > 0)
		return MHD_YES;
	/* With a zero byte in it it is not what it seems. */
	w->value = !value ? "" : strlen(value) == size ? value : "\x7f";
	return MHD_NO;
}

const char *exchange_query(struct exchange *x, const char *name, unsigned n)
{
	struct wanted w = {name, NULL, n};
	MHD_get_connection_values_n(x->connection, MHD_GET_ARGUMENT_KIND, see, &w);
	return w.value;
}

const char *exchange_request_header(struct exchange *x, const char *name)
{
	return MHD_lookup_connection_value(x->connection, MHD_HEADER_KIND, name);
}

/* ------------------------------------------------------------------ headers */

void exchange_header(struct exchange *x, const char *name, const char *fmt, ...)
{
	va_list ap;
	x->headers.max = HEADERS_MAX;
	buf_add(&x->headers, name, strlen(name) + 1);
	va_start(ap, fmt);
	buf_vprintf(&x->headers, fmt, ap);
	va_end(ap);
	buf_char(&x->headers, '\0');
}

/* The Host header goes into answers only when it is one. */
static bool host_ok(const char *host)
{
	static const char ok[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]_";
	size_t len = host ? strlen(host) : 0;
	return len > 0 && len < 256 && strspn(host, ok) == len;
}

static const char *scheme(struct exchange *x)
{
	const char *said = exchange_request_header(x, "X-Forwarded-Proto");
	if (said && (strcmp(said, "http") == 0 || strcmp(said, "https") == 0))
		return said;
	return x->server->options && x->server->options->certificate ? "https" : "http";
}

void exchange_location(struct exchange *x, const char *fmt, ...)
{
	const char *host = exchange_request_header(x, MHD_HTTP_HEADER_HOST);
	cleanup_buf struct buf path = BUF_INIT_MAX(4096);
	va_list ap;
	va_start(ap, fmt);
	buf_vprintf(&path, fmt, ap);
	va_end(ap);
	if (host_ok(host))
		exchange_header(x, "Location", "%s://%s%s", scheme(x), host, buf_str(&path));
	else
		exchange_header(x, "Location", "%s", buf_str(&path));
}

void exchange_warn(struct exchange *x, const char *fmt, ...)
{
	char text[256], *quoted = text;
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	for (char *p = text; *p; p++)
		if (*p == '"' || *p == '\\' || (unsigned char)*p < 0x20 || (unsigned char)*p >= 0x7f)
			*p = '\'';
	if (x->headers.len + strlen(quoted) < WARNINGS_MAX)
		exchange_header(x, "Warning", "299 - \"%s\"", quoted);
}

bool exchange_unchanged(struct exchange *x, const struct digest *d)
{
	const char *has = exchange_request_header(x, MHD_HTTP_HEADER_IF_NONE_MATCH);
	char text[DIGEST_TEXT_SIZE];
	snprintf(x->etag, sizeof(x->etag), "\"%s\"", digest_text(d, text));
	exchange_header(x, MHD_HTTP_HEADER_ETAG, "%s", x->etag);
	return has && (strstr(has, x->etag) || strcmp(has, "*") == 0);
}

/* ------------------------------------------------------------------ answers */

static void add_headers(struct exchange *x, const char *type)
{
	struct MHD_Response *r = x->response;
	MHD_add_response_header(r, "Docker-Distribution-API-Version", "registry/2.0");
	/* A blob must not become a page of this host in a browser that guesses types.
	 * tests/e2e/registry_spec.py "nosniff" */
	MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
	if (type)
		MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	if (x->server->draining || x->must_close)
		MHD_add_response_header(r, MHD_HTTP_HEADER_CONNECTION, "close");
	for (const char *p = x->headers.data, *end = p ? p + x->headers.len : p; p < end;) {
		const char *value = p + strlen(p) + 1;
		MHD_add_response_header(r, p, value);
		p = value + strlen(value) + 1;
	}
}

/* r NULL: libmicrohttpd has no memory, and the connection ends. */
static enum MHD_Result answer(
        struct exchange *x, unsigned status, const char *type, struct MHD_Response *r, uint64_t bytes)
{
	if (!r)
		return MHD_NO;
	if (x->answered) { /* a second answer to one request */
		MHD_destroy_response(r);
		return MHD_YES;
	}
	x->response = r;
	x->status = status;
	x->answered = true;
	x->sent = strcmp(x->method, "HEAD") == 0 ? 0 : bytes;
	add_headers(x, type);
	return MHD_YES;
}

enum MHD_Result exchange_empty(struct exchange *x, unsigned status)
{
	return answer(x, status, NULL, MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT), 0);
}

enum MHD_Result exchange_bytes(
        struct exchange *x, unsigned status, const char *type, const void *data, size_t len)
{
	void *copy = (void *)(uintptr_t)data;
	return answer(
	        x, status, type, MHD_create_response_from_buffer(len, copy, MHD_RESPMEM_MUST_COPY), len);
}

enum MHD_Result exchange_json(struct exchange *x, unsigned status, const char *type, json *document)
{
	cleanup_buf struct buf b = BUF_INIT;
	json_print(&b, document, JSON_COMPACT);
	size_t len = b.len;
	char *text = buf_take(&b);
	if (!text)
		return MHD_NO;
	return answer(
	        x, status, type, MHD_create_response_from_buffer(len, text, MHD_RESPMEM_MUST_FREE), len);
}

/* A part of a file, small enough to travel with its header. */
static struct MHD_Response *read_part(int *fd, uint64_t first, size_t len)
{
	cleanup_free char *data = malloc(len ? len : 1);
	if (!data || pread(*fd, data, len, (off_t)first) != (ssize_t)len)
		return NULL;
	close_fd(fd);
	return MHD_create_response_from_buffer(len, steal_ptr(&data), MHD_RESPMEM_MUST_FREE);
}

static struct MHD_Response *file_part(int *fd, uint64_t first, uint64_t len)
{
	if (len <= SMALL_FILE)
		return read_part(fd, first, (size_t)len);
	struct MHD_Response *r = MHD_create_response_from_fd_at_offset64(len, *fd, first);
	if (r)
		*fd = -1;
	return r;
}

enum MHD_Result exchange_file(struct exchange *x, const char *type, int file, uint64_t size)
{
	cleanup_fd int fd = file;
	uint64_t first = 0, last = 0;
	const char *if_range = exchange_request_header(x, MHD_HTTP_HEADER_IF_RANGE);
	bool get = strcmp(x->method, "GET") == 0;
	enum range range = RANGE_WHOLE;
	if (get && (!if_range || strcmp(if_range, x->etag) == 0))
		range = range_parse(exchange_request_header(x, MHD_HTTP_HEADER_RANGE), size, &first, &last);
	exchange_header(x, MHD_HTTP_HEADER_ACCEPT_RANGES, "bytes");
	if (range == RANGE_UNSATISFIABLE) {
		exchange_header(x, MHD_HTTP_HEADER_CONTENT_RANGE, "bytes */%llu", (unsigned long long)size);
		return exchange_error(
		        x, 0, API_RANGE_INVALID, "the blob has %llu bytes", (unsigned long long)size);
	}
	if (range == RANGE_WHOLE)
		return answer(x, MHD_HTTP_OK, type, file_part(&fd, 0, size), size);
	exchange_header(x, MHD_HTTP_HEADER_CONTENT_RANGE, "bytes %llu-%llu/%llu", (unsigned long long)first,
	        (unsigned long long)last, (unsigned long long)size);
	return answer(
	        x, MHD_HTTP_PARTIAL_CONTENT, type, file_part(&fd, first, last - first + 1), last - first + 1);
}

enum MHD_Result exchange_document(struct exchange *x, const char *type, int file, uint64_t size)
{
	cleanup_fd int fd = file;
	return answer(x, MHD_HTTP_OK, type, file_part(&fd, 0, size), size);
}

enum MHD_Result exchange_stream(struct exchange *x, const char *type, uint64_t size,
        MHD_ContentReaderCallback reader, void *arg, MHD_ContentReaderFreeCallback free_arg)
{
	struct MHD_Response *r = MHD_create_response_from_callback(size, STREAM_BLOCK, reader, arg, free_arg);
	if (!r)
		free_arg(arg);
	return answer(x, MHD_HTTP_OK, type, r, size);
}

/* ------------------------------------------------------------------ errors */

__attribute__((format(printf, 4, 0))) static void add_error(
        json *list, enum api_error code, json *detail, const char *fmt, va_list ap)
{
	cleanup_buf struct buf raw = BUF_INIT_MAX(4096), message = BUF_INIT_MAX(16384);
	json *one = json_object_new_object();
	buf_vprintf(&raw, fmt, ap);
	text_harmless(&message, buf_str(&raw), raw.len);
	json_set_str(one, "code", errors[code].name);
	json_set_str(one, "message", buf_str(&message));
	json_set(one, "detail", detail);
	json_object_array_add(list, one);
}

void exchange_error_add(json *list, enum api_error code, json *detail, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	add_error(list, code, detail, fmt, ap);
	va_end(ap);
}

enum MHD_Result exchange_errors(struct exchange *x, unsigned status, json *list)
{
	cleanup_json json *doc = json_object_new_object();
	json_set(doc, "errors", list);
	return exchange_json(x, status, "application/json", doc);
}

enum MHD_Result exchange_error(struct exchange *x, unsigned status, enum api_error code, const char *fmt, ...)
{
	json *list = json_object_new_array();
	va_list ap;
	va_start(ap, fmt);
	add_error(list, code, NULL, fmt, ap);
	va_end(ap);
	return exchange_errors(x, status ? status : errors[code].status, list);
}

enum MHD_Result exchange_failed(struct exchange *x, const struct err *e)
{
	if (e->kind == ERR_NO_SPACE)
		return exchange_error(x, MHD_HTTP_INSUFFICIENT_STORAGE, API_DENIED,
		        "the registry's disk is full; nothing was stored");
	log_line(LOG_LEVEL_ERROR, "%s %s: %s", x->method, x->repository, e->msg);
	return exchange_error(x, 0, API_UNKNOWN, "the registry failed; its log says why");
}
