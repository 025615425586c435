#include "engine/image_archive_legacy.h"

#include <string.h>

#include "base/err.h"
#include "base/file.h"
#include "engine/store/blob.h"

#define REPOSITORIES_MAX ((size_t)1 << 20)
#define LAYER_JSON_MAX   ((size_t)1 << 20)

/* ID/NAME of the archive. An id is 64 hex digits and nothing else. */
static const struct member *layer_file(
        const struct members *m, const char *id, const char *name, struct err *e)
{
	if (strlen(id) != 64 || strspn(id, "0123456789abcdef") != 64)
		return err_set_null(
		        e, ERR_CORRUPT, "the archive is damaged: \"%.100s\" is not the id of a layer", id);
	cleanup_free char *path = str_printf("%s/%s", id, name);
	const struct member *file = path ? members_find(m, path) : NULL;
	return file ? file
	            : err_set_null(e, ERR_CORRUPT, "the archive is damaged: %.64s/%s is missing", id, name);
}

static json *layer_json(const struct arrival *a, const struct members *m, const char *id, struct err *e)
{
	cleanup_buf struct buf b = BUF_INIT_MAX(LAYER_JSON_MAX);
	const struct member *file = layer_file(m, id, "json", e);
	if (!file || member_read(a, file, &b, e) < 0)
		return NULL;
	return json_parse(buf_str(&b), b.len, "json of a layer", e);
}

static int diff_id(const struct arrival *a, const struct member *file, struct digest *d, struct err *e)
{
	struct inflate_result r;
	const struct inflate_options o = {.out_alg = "sha256", .copy_fd = -1};
	cleanup_fd int fd = blob_open(&a->store, &file->digest);
	if (fd < 0)
		return err_sys(e, "cannot open a layer");
	cleanup_inflate struct inflate *in = inflate_open(fd, &o, e);
	if (!in || inflate_finish(in, &r, e) < 0)
		return -1;
	*d = r.out;
	return 0;
}

/* The ids from the top layer down, by way of the parents. */
static int walk(const struct arrival *a, const struct members *m, const char *top, char ***ids, struct err *e)
{
	cleanup_free char *id = strdup(top);
	if (!id)
		return err_no_memory(e);
	while (id) {
		if (strv_has(*ids, id) || strv_len(*ids) >= MANIFEST_MAX_LAYERS)
			return err_set(e, ERR_CORRUPT,
			        "the archive is damaged: layer %.64s is its own parent, or there are too "
			        "many",
			        id);
		if (strv_add(ids, id) < 0)
			return err_no_memory(e);
		cleanup_json json *j = layer_json(a, m, id, e);
		if (!j)
			return -1;
		const char *parent = json_str(j, "parent", NULL);
		char *next = parent && *parent ? strdup(parent) : NULL;
		free_ptr(&id);
		id = next;
	}
	return 0;
}

/* The config: what the top layer says, and the diffIDs. */
static json *make_config(const struct arrival *a, const struct members *m, char *const *ids, struct err *e)
{
	static const char *const kept[] = {"architecture", "author", "config", "created", "os"};
	char text[DIGEST_TEXT_SIZE];
	struct digest d;
	cleanup_json json *top = layer_json(a, m, ids[0], e);
	if (!top)
		return NULL;
	cleanup_json json *config = json_object_new_object();
	json *rootfs = json_object_new_object(), *diff_ids = json_object_new_array();
	json_set_str(rootfs, "type", "layers");
	json_set(rootfs, "diff_ids", diff_ids);
	json_set(config, "rootfs", rootfs);
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		if (json_get(top, kept[i]))
			json_set(config, kept[i], json_object_get(json_get(top, kept[i])));
	for (size_t i = strv_len(ids); i-- > 0;) {
		const struct member *file = layer_file(m, ids[i], "layer.tar", e);
		if (!file || diff_id(a, file, &d, e) < 0)
			return NULL;
		json_add_str(diff_ids, digest_text(&d, text));
	}
	return steal_ptr(&config);
}

static json *make_entry(
        struct arrival *a, const struct members *m, const char *top, const char *name, struct err *e)
{
	char text[DIGEST_TEXT_SIZE];
	struct digest digest;
	uint64_t size;
	cleanup_strv char **ids = NULL;
	if (walk(a, m, top, &ids, e) < 0 || !ids)
		return NULL;
	cleanup_json json *config = make_config(a, m, ids, e);
	if (!config || arrival_add_document(a, config, &digest, &size, e) < 0)
		return NULL;
	json *entry = json_object_new_object(), *tags = json_object_new_array(),
	     *layers = json_object_new_array();
	json_set_str(entry, "Config", digest_text(&digest, text));
	json_set_int(entry, "ConfigSize", (int64_t)size);
	json_add_str(tags, name);
	json_set(entry, "RepoTags", tags);
	for (size_t i = strv_len(ids); i-- > 0;) {
		cleanup_free char *path = str_printf("%s/layer.tar", ids[i]);
		json_add_str(layers, path);
	}
	json_set(entry, "Layers", layers);
	return entry;
}

/* {"NAME": {"TAG": "ID", …}, …} */
json *legacy_manifest(
        struct arrival *a, const struct members *m, const struct member *repositories, struct err *e)
{
	cleanup_buf struct buf b = BUF_INIT_MAX(REPOSITORIES_MAX);
	if (member_read(a, repositories, &b, e) < 0)
		return NULL;
	cleanup_json json *j = json_parse(buf_str(&b), b.len, "repositories", e);
	cleanup_json json *list = json_object_new_array();
	if (!j)
		return NULL;
	if (!json_object_is_type(j, json_type_object))
		return err_set_null(e, ERR_CORRUPT, "the archive is damaged: repositories is not an object");
	json_object_object_foreach (j, repository, tags) {
		if (!json_object_is_type(tags, json_type_object))
			return err_set_null(
			        e, ERR_CORRUPT, "the archive is damaged: repositories has no tags");
		json_object_object_foreach (tags, tag, top) {
			cleanup_free char *name = str_printf("%s:%s", repository, tag);
			const char *id =
			        json_object_is_type(top, json_type_string) ? json_object_get_string(top) : "";
			json *entry = name ? make_entry(a, m, id, name, e) : NULL;
			if (!entry)
				return NULL;
			json_object_array_add(list, entry);
		}
	}
	return steal_ptr(&list);
}
