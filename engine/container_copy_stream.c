/* Tar archives: out of a container to standard output, and from standard input into one. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "engine/archive/inflate.h"
#include "engine/archive/tar_reader.h"
#include "engine/archive/tree_pack.h"
#include "engine/archive/unpack.h"
#include "engine/container_copy.h"

/* ------------------------------------------------------------------ out */

struct stream_out {
	struct copy *copy;
	int source;
};

static int write_out(void *arg, const void *data, size_t len, struct err *e)
{
	const struct stream_out *o = arg;

	if (write_all(STDOUT_FILENO, data, len) != 0)
		return err_sys(e, "cannot write the archive");
	return container_tree_check(&o->copy->tree, e);
}

static void tell_skipped(void *arg, const char *path, const char *why)
{
	copy_skipped(((struct stream_out *)arg)->copy, path, why);
}

static bool is_left_out(void *arg, const char *path)
{
	const struct stream_out *o = arg;

	return copy_is_kernels(o->copy, o->source, path);
}

static void tell_progress(void *arg, uint64_t bytes)
{
	struct copy *c = ((struct stream_out *)arg)->copy;

	c->bytes = bytes;
	copy_progress(c);
}

int copy_to_stream(struct copy *c, int source, const char *name, struct err *e)
{
	struct stream_out out = {c, source};
	struct tree_pack_result result;
	const struct tree_pack_options options = {
	        .write = write_out,
	        .prefix = name,
	        .skipped = tell_skipped,
	        .excluded = is_left_out,
	        .progress = tell_progress,
	        .arg = &out,
	        .xattrs = TREE_XATTRS_LAYER,
	        .ids = container_tree_ids(&c->tree),
	        .one_fs = c->tree.one_fs,
	};

	return tree_pack(source, &options, &result, e) != 0 ? -1 : container_tree_check(&c->tree, e);
}

/* ------------------------------------------------------------------ in */

struct stream_in {
	struct copy *copy;
	const char *prefix; /* of the directory, within the root */
};

static int take_entry(void *arg, struct tree_entry *entry, struct err *e)
{
	struct stream_in *in = arg;

	if (container_tree_check(&in->copy->tree, e) != 0)
		return -1;
	/* What the archive says of the directory itself is not taken over. */
	if (!entry->path[0] || !copy_entry_filter(in->copy, entry))
		return UNPACK_LEAVE;
	return copy_entry_rename(in->copy, in->prefix, entry, e) != 0 ? -1 : UNPACK_MAKE;
}

/* "a/b" of "/a//./b"; NULL where only the file system knows what it is (".."), or out of memory. */
static char *plain_path(const char *path)
{
	cleanup_buf struct buf out = BUF_INIT;

	for (const char *p = path; *p;) {
		size_t n = strcspn(p, "/");
		if (n == 2 && strncmp(p, "..", 2) == 0)
			return NULL;
		if (n && !(n == 1 && p[0] == '.')) {
			if (out.len)
				buf_char(&out, '/');
			buf_add(&out, p, n);
		}
		p += n + (p[n] == '/');
	}
	return out.len ? buf_take(&out) : strdup("");
}

/* Links on the way to an entry are the container's: they lead to places in its root, so that is what names
 * are resolved in, not the directory that was named. Nothing of a hostile archive gets out of there, and no
 * link that the container flips meanwhile leads there. tests/e2e/cp.bats */
int copy_from_stream(struct copy *c, int dir, const char *path, struct err *e)
{
	const struct inflate_options how = {.copy_fd = -1};
	struct inflate_result read;
	struct unpack_result result;
	cleanup_free char *prefix = plain_path(path);
	struct stream_in in = {c, prefix ? prefix : ""};
	struct unpack_tree_options options = {.progress = c->progress,
	        .label = c->label,
	        .doing = "copying",
	        .entry = take_entry,
	        .arg = &in};
	copy_make_options(c, &options.make);
	options.make.any_parents = false;
	options.make.in_root = true;

	cleanup_inflate struct inflate *stream = inflate_open(STDIN_FILENO, &how, e);
	if (!stream)
		return -1;
	cleanup_tar_reader struct tar_reader tar = TAR_READER_INIT(stream);
	if (unpack_tree(&tar, prefix ? c->tree.root : dir, &options, &result, e) != 0 ||
	        inflate_finish(stream, &read, e) != 0)
		return -1;
	return container_tree_check(&c->tree, e);
}
