/* Referrers: per subject one OCI index of what names it, kept when a manifest is put or deleted. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "engine/oci/manifest.h"
#include "registry/server/manifest_check.h"
#include "registry/server/repository.h"

#define REFERRERS_MAX ((size_t)64 << 20)

struct referrer_path {
	char text[sizeof("referrers/") + DIGEST_TEXT_SIZE];
};

static const char *path_of(const struct digest *d, struct referrer_path *p)
{
	char tail[DIGEST_TEXT_SIZE];
	strcpy(stpcpy(p->text, "referrers/"), digest_path(d, tail));
	return p->text;
}

static json *empty_index(void)
{
	json *j = json_object_new_object();
	json_set_int(j, "schemaVersion", 2);
	json_set_str(j, "mediaType", MEDIA_OCI_INDEX);
	json_set(j, "manifests", json_object_new_array());
	return j;
}

/* What is kept of a subject; an empty index when nothing is. */
static json *read_index(struct repository *r, const struct digest *subject, struct err *e)
{
	struct referrer_path path;
	struct err why = ERR_INIT;
	json *j = json_read_at(r->dir, path_of(subject, &path), REFERRERS_MAX, &why);
	if (!j && why.sys == ENOENT)
		return empty_index();
	if (!j && e)
		*e = why;
	return j;
}

static int write_index(struct repository *r, const struct digest *subject, json *j, struct err *e)
{
	char path[sizeof("referrers/sha512")];
	cleanup_buf struct buf b = BUF_INIT_MAX(REFERRERS_MAX);
	strcpy(stpcpy(path, "referrers/"), subject->alg);
	cleanup_fd int dir = openat(r->dir, path, O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0)
		return err_sys(e, "cannot open the referrers");
	if (json_object_array_length(json_get(j, "manifests")) == 0)
		return unlinkat(dir, subject->hex, 0) < 0 && errno != ENOENT
		               ? err_sys(e, "cannot remove the referrers")
		               : 0;
	json_print(&b, j, JSON_COMPACT);
	if (b.failed)
		return err_set(e, ERR_OTHER, "too many manifests refer to one");
	return file_write_at(dir, subject->hex, b.data, b.len, 0644, FILE_SYNC, e);
}

/* Where `text` stands in the list; its length when nowhere. */
static size_t position(json *list, const char *text)
{
	size_t n = json_object_array_length(list);
	for (size_t i = 0; i < n; i++)
		if (strcmp(json_str(json_object_array_get_idx(list, i), "digest", ""), text) == 0)
			return i;
	return n;
}

int referrers_add(struct repository *r, const struct manifest_facts *facts, const struct digest *d,
        uint64_t size, struct err *e)
{
	char text[DIGEST_TEXT_SIZE];
	cleanup_json json *j = read_index(r, &facts->subject, e);
	json *list = json_get(j, "manifests"), *entry;
	if (!j)
		return -1;
	digest_text(d, text);
	if (position(list, text) < json_object_array_length(list))
		return 0;
	entry = json_object_new_object();
	json_set_str(entry, "mediaType", facts->media_type);
	json_set_str(entry, "digest", text);
	json_set_int(entry, "size", (int64_t)size);
	if (facts->artifact_type)
		json_set_str(entry, "artifactType", facts->artifact_type);
	if (facts->annotations)
		json_set(entry, "annotations", json_object_get(facts->annotations));
	json_object_array_add(list, entry);
	return write_index(r, &facts->subject, j, e);
}

int referrers_remove(
        struct repository *r, const struct digest *subject, const struct digest *d, struct err *e)
{
	char text[DIGEST_TEXT_SIZE];
	cleanup_json json *j = read_index(r, subject, e);
	json *list = json_get(j, "manifests");
	if (!j)
		return -1;
	size_t at = position(list, digest_text(d, text));
	if (at == json_object_array_length(list))
		return 0;
	json_object_array_del_idx(list, at, 1);
	return write_index(r, subject, j, e);
}

static bool is_indexed(struct repository *r, json *entry)
{
	struct digest d;
	if (!digest_read(json_str(entry, "digest", NULL), &d))
		return false;
	pthread_rwlock_rdlock(&r->swap);
	bool yes = index_find(&r->index, &d);
	pthread_rwlock_unlock(&r->swap);
	return yes;
}

/* The index decides what is there: a manifest is among the referrers as soon, and as long, as it can be had.
 */
json *referrers_list(
        struct repository *r, const struct digest *subject, const char *artifact_type, struct err *e)
{
	cleanup_json json *all = read_index(r, subject, e);
	json *list = json_get(all, "manifests");
	if (!all)
		return NULL;
	json *out = empty_index(), *kept = json_get(out, "manifests");
	for (size_t i = 0; list && i < json_object_array_length(list); i++) {
		json *entry = json_object_array_get_idx(list, i);
		if ((!artifact_type || strcmp(json_str(entry, "artifactType", ""), artifact_type) == 0) &&
		        is_indexed(r, entry))
			json_object_array_add(kept, json_object_get(entry));
	}
	return out;
}
