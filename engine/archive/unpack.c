#include "engine/archive/unpack.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/defence.h"
#include "base/err.h"
#include "base/file.h"
#include "base/progress.h"
#include "engine/archive/layer_path.h"
#include "engine/archive/tar_reader.h"

#define LAYER_FILE_MAX ((uint64_t)1 << 40) /* holes cost nothing, but who copies such a file would pay */
#define PROGRESS_EVERY 256
#define JOINED         (PATH_MAX + NAME_MAX + 1) /* a layer_path in one piece */

_Static_assert(TAR_MAX_XATTRS >= TREE_XATTRS_MAX, "what is packed can be unpacked");

struct unpack {
	struct unpack_tree_options options;
	struct tar_reader *tar;
	struct tree_make *make;
	struct layer_path at, target;     /* of the entry at hand */
	char path[JOINED], first[JOINED]; /* the same, in one piece */
	struct tree_xattr xattrs[TAR_MAX_XATTRS];
	struct unpack_result result;
};

static int refuse(struct err *e, const char *why)
{
	return err_set(e, ERR_CORRUPT, "the archive is damaged or hostile: it %s", why);
}

static void report(const struct unpack *u)
{
	const struct unpack_tree_options *o = &u->options;
	if (o->progress)
		progress_step(o->progress, o->label, o->doing ? o->doing : "unpacking",
		        inflate_position(u->tar->in), o->total);
}

/* ------------------------------------------------------------------ data */

static int write_at(int fd, const void *data, size_t len, uint64_t offset)
{
	for (const char *p = data; len > 0;) {
		ssize_t n = pwrite(fd, p, len, (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		p += n;
		len -= (size_t)n;
		offset += (uint64_t)n;
	}
	return 0;
}

/* The next of the entry's data, shown to who wants to see it. As tar_data(). */
static int next_data(
        struct unpack *u, const struct tree_entry *entry, const void **data, size_t *len, struct err *e)
{
	int rc = tar_data(u->tar, data, len, e);
	if (rc > 0 && u->options.data && u->options.data(u->options.arg, entry, *data, *len, e) < 0)
		return -1;
	return rc;
}

/* Data of a sparse file goes piece by piece to where it belongs. */
static int write_pieces(
        struct unpack *u, const struct tar_entry *t, const struct tree_entry *entry, int fd, struct err *e)
{
	const void *data = NULL;
	size_t len = 0;
	for (size_t i = 0; i < t->n_pieces; i++) {
		/* tar_data() does not know pieces: cut its blocks at their ends. */
		for (uint64_t done = 0; done < t->pieces[i].len;) {
			int rc = len > 0 ? 1 : next_data(u, entry, &data, &len, e);
			if (rc <= 0)
				return rc < 0 ? -1 : refuse(e, "is shorter than its map says");
			uint64_t room = t->pieces[i].len - done;
			size_t n = len < room ? len : (size_t)room;
			if (write_at(fd, data, n, t->pieces[i].offset + done) < 0)
				return err_sys(e, "cannot write it");
			data = (const char *)data + n;
			len -= n;
			done += n;
			u->result.bytes += n;
		}
		report(u);
	}
	return 0;
}

/* fd -1: it is only read. */
static int write_data(struct unpack *u, const struct tree_entry *entry, int fd, struct err *e)
{
	const void *data = NULL;
	size_t len = 0;
	int rc;
	while ((rc = next_data(u, entry, &data, &len, e)) > 0) {
		if (fd >= 0 && write_all(fd, data, len) < 0)
			return err_sys(e, "cannot write it");
		u->result.bytes += len;
		report(u);
	}
	return rc;
}

/* ------------------------------------------------------------------ entries */

static const char *join(const struct layer_path *p, char room[JOINED])
{
	size_t len = strlen(p->parent);
	memcpy(room, p->parent, len);
	if (len)
		room[len++] = '/';
	memcpy(room + len, p->name, strlen(p->name) + 1);
	return room;
}

static mode_t kind_of(enum tar_type type)
{
	static const mode_t kinds[] = {[TAR_FILE] = S_IFREG,
	        [TAR_HARDLINK] = S_IFREG,
	        [TAR_SYMLINK] = S_IFLNK,
	        [TAR_CHAR] = S_IFCHR,
	        [TAR_BLOCK] = S_IFBLK,
	        [TAR_DIR] = S_IFDIR,
	        [TAR_FIFO] = S_IFIFO};
	return kinds[type];
}

void unpack_describe(const struct tar_entry *t, struct tree_entry *entry)
{
	*entry = (struct tree_entry){.mode = kind_of(t->type) | t->mode,
	        .uid = t->uid,
	        .gid = t->gid,
	        .size = t->type == TAR_FILE ? t->size : 0,
	        .mtime = t->mtime,
	        .major = t->major,
	        .minor = t->minor,
	        .target = t->type == TAR_SYMLINK ? t->link : NULL};
}

/* What the archive says, with names in the form of tree_entry.h. */
static int describe(struct unpack *u, const struct tar_entry *t, struct tree_entry *entry, struct err *e)
{
	unpack_describe(t, entry);
	entry->path = join(&u->at, u->path);
	entry->xattrs = u->xattrs;
	entry->n_xattrs = t->n_xattrs;
	for (size_t i = 0; i < t->n_xattrs; i++)
		u->xattrs[i] = (struct tree_xattr){t->xattrs[i].name, t->xattrs[i].value, t->xattrs[i].len};
	if (t->type != TAR_HARDLINK)
		return 0;
	if (layer_path_parse_link(t->link, &u->target, e) < 0)
		return err_wrap(e, "\"%.300s\": its link target", t->path);
	entry->first = join(&u->target, u->first);
	return 0;
}

static int make_entry(
        struct unpack *u, const struct tar_entry *t, const struct tree_entry *entry, struct err *e)
{
	cleanup_fd int file = -1;
	if (tree_make_entry(u->make, entry, &file, e) < 0)
		return -1;
	if (file < 0)
		return 0;
	if ((t->sparse ? write_pieces(u, t, entry, file, e) : write_data(u, entry, file, e)) < 0)
		return err_wrap(e, "\"%.300s\"", entry->path);
	return tree_make_file_end(u->make, entry, &file, e);
}

static int unpack_plain(struct unpack *u, const struct tar_entry *t, struct err *e)
{
	const struct unpack_tree_options *o = &u->options;
	struct tree_entry entry;
	if (layer_path_parse_plain(t->path, &u->at, e) < 0 || describe(u, t, &entry, e) < 0)
		return -1;
	int next = o->entry ? o->entry(o->arg, &entry, e) : UNPACK_MAKE;
	if (next == UNPACK_LEAVE || next < 0)
		return next < 0 ? -1 : 0;
	if ((next == UNPACK_READ ? write_data(u, &entry, -1, e) : make_entry(u, t, &entry, e)) < 0)
		return -1;
	return o->done ? o->done(o->arg, &entry, e) : 0;
}

/* A character device 0:0 is overlayfs' whiteout: as an entry it would hide files without saying so.
 * tests/e2e/archives-hostile.bats */
static int check_layer_entry(const struct tar_entry *t, struct err *e)
{
	if (DEFENCE("whiteout-device") && t->type == TAR_CHAR && t->major == 0 && t->minor == 0)
		return refuse(e, "is a character device 0:0, overlayfs' mark for a removed file");
	if (t->type == TAR_FILE && t->size > LAYER_FILE_MAX)
		return refuse(e, "is a file of more than 1 TiB");
	return 0;
}

static int make_whiteout(struct unpack *u, const struct tar_entry *t, struct tree_entry *entry, struct err *e)
{
	if (t->type != TAR_FILE && t->type != TAR_HARDLINK)
		return refuse(e, "is a whiteout that is not a plain file");
	entry->mode = S_IFCHR;
	entry->first = NULL;
	entry->major = entry->minor = 0;
	return make_entry(u, t, entry, e);
}

static int unpack_layer_entry(struct unpack *u, const struct tar_entry *t, struct err *e)
{
	struct tree_entry entry;
	int kind = layer_path_parse(t->path, &u->at, e);
	if (kind < 0)
		return -1;
	if (kind == LAYER_PATH_IGNORED)
		return 0;
	if (describe(u, t, &entry, e) < 0)
		return -1;
	if (kind == LAYER_PATH_OPAQUE)
		return tree_make_opaque(u->make, u->at.parent, e);
	if (check_layer_entry(t, e) < 0)
		return err_wrap(e, "\"%.300s\"", t->path);
	return kind == LAYER_PATH_WHITEOUT ? make_whiteout(u, t, &entry, e) : make_entry(u, t, &entry, e);
}

/* ------------------------------------------------------------------ the whole */

typedef int unpack_entry(struct unpack *u, const struct tar_entry *t, struct err *e);

static int unpack_all(struct unpack *u, unpack_entry *one, struct err *e)
{
	const struct tar_entry *t;
	int rc;
	while ((rc = tar_next(u->tar, &t, e)) > 0) {
		if (one(u, t, e) < 0)
			return -1;
		if (++u->result.entries % PROGRESS_EVERY == 0)
			report(u);
	}
	return rc < 0 ? -1 : tree_make_end(u->make, e);
}

static int unpack(struct tar_reader *t, int dirfd, const struct unpack_tree_options *o, unpack_entry *one,
        struct unpack_result *r, struct err *e)
{
	cleanup_free struct unpack *u = calloc(1, sizeof(*u));
	*r = (struct unpack_result){0};
	if (!u)
		return err_no_memory(e);
	cleanup_tree_make struct tree_make *make = tree_make_new(dirfd, &o->make, e);
	if (!make)
		return -1;
	u->options = *o;
	u->tar = t;
	u->make = make;
	int rc = unpack_all(u, one, e);
	*r = u->result;
	return rc;
}

int unpack_tree(struct tar_reader *t, int dirfd, const struct unpack_tree_options *o, struct unpack_result *r,
        struct err *e)
{
	return unpack(t, dirfd, o, unpack_plain, r, e);
}

int unpack_layer(
        struct inflate *in, int dirfd, const struct unpack_options *o, struct unpack_result *r, struct err *e)
{
	cleanup_tar_reader struct tar_reader t = TAR_READER_INIT(in);
	const struct unpack_tree_options tree = {
	        .make = {.xattrs = TREE_XATTRS_LAYER, .overlay_marks = true},
	        .progress = o->progress,
	        .label = o->label,
	        .total = o->total,
	};
	t.open_end = o->open_end;
	return unpack(&t, dirfd, &tree, unpack_layer_entry, r, e);
}
