/* Blobs: GET, HEAD, DELETE. */
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/file.h"
#include "registry/server/cache.h"
#include "registry/server/handler_verb.h"
#include "registry/server/quota.h"
#include "registry/server/server.h"

static enum MHD_Result unknown(struct exchange *x)
{
	return exchange_error(x, 0, API_BLOB_UNKNOWN, "no such blob in this repository");
}

static enum MHD_Result bad_digest(struct exchange *x)
{
	return exchange_error(
	        x, 0, API_DIGEST_INVALID, "not a digest: sha256: or sha512: and lower-case hex digits");
}

/* Where local images are served beside the storage, a repository can be in both. */
static int open_blob(struct exchange *x, const struct digest *d, uint64_t *size)
{
	int fd = handler_open(x) ? blob_get(x->held, d, size) : -1;
	/* Who asks by HEAD may be about to rely on it in a manifest: if that is not too late. */
	if (fd >= 0 && strcmp(x->method, "HEAD") == 0 && !blob_stat(x->held, d, size))
		close_fd(&fd);
	if (fd >= 0 || x->hidden)
		return fd;
	cleanup_repository struct repository *local = repository_get_local(x->server->storage, x->repository);
	return local ? blob_get(local, d, size) : -1;
}

static void describe(struct exchange *x, const struct digest *d)
{
	exchange_header(x, "Docker-Content-Digest", "%s:%s", d->alg, d->hex);
	/* What a digest names never changes. */
	exchange_header(x, MHD_HTTP_HEADER_CACHE_CONTROL, "max-age=31536000");
}

enum MHD_Result blob_answer(struct exchange *x)
{
	struct digest d;
	uint64_t size;
	if (!digest_read(x->reference, &d))
		return bad_digest(x);
	int fd = open_blob(x, &d, &size);
	if (fd < 0 && cache_blob(x->server->cache, x, &d))
		return MHD_YES;
	if (fd < 0)
		return unknown(x);
	describe(x, &d);
	if (!exchange_unchanged(x, &d))
		return exchange_file(x, "application/octet-stream", fd, size);
	close_fd(&fd);
	return exchange_empty(x, MHD_HTTP_NOT_MODIFIED);
}

enum MHD_Result blob_remove_answer(struct exchange *x)
{
	struct digest d;
	struct err e = ERR_INIT;
	uint64_t size = 0;
	if (!digest_read(x->reference, &d))
		return bad_digest(x);
	if (!handler_open(x))
		return unknown(x);
	if (blob_delete(x->held, &d, &size, &e) < 0)
		return e.kind == ERR_NOT_FOUND  ? unknown(x)
		       : e.kind == ERR_CONFLICT ? exchange_error(x, 0, API_UNSUPPORTED, "%s", e.msg)
		                                : exchange_failed(x, &e);
	if (x->server->quota)
		quota_give(x->server->quota, QUOTA_REPOSITORY, x->repository, size);
	exchange_header(x, "Docker-Content-Digest", "%s:%s", d.alg, d.hex);
	return exchange_empty(x, MHD_HTTP_ACCEPTED);
}
