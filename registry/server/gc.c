#include "registry/server/gc.h"

#include <string.h>

#include "base/err.h"
#include "base/proc.h"
#include "registry/server/quota.h"
#include "registry/server/repository.h"

struct collection {
	struct storage *storage;
	const struct gc_options *options;
	struct gc_result *result;
	int64_t now, limit;
};

int64_t gc_limit(const struct gc_options *o, int64_t now)
{
	return o->alone && o->grace == 0 ? INT64_MAX : now - o->grace;
}

static int collect_repository(void *arg, struct repository *r)
{
	struct collection *c = arg;
	struct err why = ERR_INIT;
	if (gc_repository(r, c->options, c->now, c->result, &why) < 0)
		log_line(LOG_LEVEL_WARN, "gc: %s", why.msg);
	return 0;
}

static int drop_unlinked(void *arg, const struct digest *d, uint64_t size, unsigned links, int64_t touched)
{
	struct collection *c = arg;
	if (links > 1 || touched >= c->limit)
		return 0;
	c->result->bytes += size;
	if (c->options->dry_run || blob_drop(c->storage, NULL, d, NULL) < 0)
		return 0;
	if (c->options->quota)
		quota_give(c->options->quota, QUOTA_STORAGE, "", size);
	return 0;
}

int gc_run(struct storage *s, const struct gc_options *o, struct gc_result *r, struct err *e)
{
	int64_t now = now_realtime();
	struct collection c = {s, o, r, now, gc_limit(o, now)};
	memset(r, 0, sizeof(*r));
	if (s->read_only)
		return err_set(e, ERR_CONFLICT, "the storage is read only; nothing is collected");
	if (o->upload_age && !o->dry_run &&
	        uploads_purge(s, c.now - o->upload_age, o->quota, &r->uploads, e) < 0)
		return -1;
	if (repositories_each(s, collect_repository, &c, e) < 0)
		return -1;
	storage_collect_begin(s);
	int rc = blobs_each(s, NULL, drop_unlinked, &c, e);
	storage_collect_end(s);
	return rc;
}
