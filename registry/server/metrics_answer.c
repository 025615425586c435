/* /metrics and /healthz. Neither tells names, so neither asks for credentials. */
#include <errno.h>
#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "registry/server/exchange.h"
#include "registry/server/metrics.h"
#include "registry/server/server.h"

#define METRICS_TEXT_MAX ((size_t)1 << 20)

static bool reads(const struct exchange *x)
{
	return x->method[0] == 'G' || x->method[0] == 'H'; /* GET, HEAD */
}

enum MHD_Result metrics_answer(struct exchange *x)
{
	cleanup_buf struct buf out = BUF_INIT_MAX(METRICS_TEXT_MAX);

	if (!reads(x))
		return exchange_error(
		        x, MHD_HTTP_METHOD_NOT_ALLOWED, API_UNSUPPORTED, "metrics are read by GET");
	metrics_print(x->server, &out);
	return exchange_bytes(
	        x, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", buf_str(&out), out.len);
}

/* What keeps the server from its work, or NULL. */
static const char *complaint(const struct server *s)
{
	struct statvfs fs;

	if (fstatvfs(s->storage_fd, &fs) < 0)
		return "the storage can't be read";
	if (s->options->read_only)
		return NULL;
	cleanup_fd int fd = openat(s->storage_fd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	/* Not every file system has files without a name. */
	if (fd < 0 && (errno != EOPNOTSUPP || fs.f_flag & ST_RDONLY))
		return "the storage can't be written";
	if (s->options->min_free && (uint64_t)fs.f_bavail * fs.f_frsize < s->options->min_free)
		return "the disk is nearly full";
	return NULL;
}

enum MHD_Result health_answer(struct exchange *x)
{
	const char *bad = reads(x) ? complaint(x->server) : NULL;

	if (!reads(x))
		return exchange_error(
		        x, MHD_HTTP_METHOD_NOT_ALLOWED, API_UNSUPPORTED, "health is read by GET");
	if (!bad && x->server->draining)
		bad = "the server is about to end";
	cleanup_json json *answer = json_object_new_object();
	json_set_str(answer, "status", bad ? bad : "ok");
	json_set_bool(answer, "readOnly", x->server->options->read_only);
	return exchange_json(x, bad ? MHD_HTTP_SERVICE_UNAVAILABLE : MHD_HTTP_OK, "application/json", answer);
}
