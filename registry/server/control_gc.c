#include "registry/server/control_gc.h"

#include "base/err.h"
#include "registry/server/server.h"

json *gc_result_json(const struct gc_result *r, bool dry_run)
{
	json *j = json_object_new_object();

	json_set_bool(j, "dryRun", dry_run);
	json_set_int(j, "tags", r->tags);
	json_set_int(j, "manifests", r->manifests);
	json_set_int(j, "blobs", r->blobs);
	json_set_int(j, "uploads", r->uploads);
	json_set_int(j, "bytes", (int64_t)r->bytes);
	return j;
}

json *gc_control(struct server *s, json *question)
{
	bool dry_run = json_bool(question, "dryRun", false);
	struct gc_result r = {0};
	struct err e = ERR_INIT;
	json *j;

	if (s->gc && gc_now(s->gc, dry_run, json_int(question, "grace", -1), &r, &e) == 0)
		return gc_result_json(&r, dry_run);
	if (!s->gc)
		err_set(&e, ERR_UNSUPPORTED, "this registry is read-only");
	j = json_object_new_object();
	json_set_str(j, "error", e.msg);
	return j;
}
