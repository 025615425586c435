/* A restore from an archive, in one pass: while its entries are made, their digests are computed; in the end
 * they have to be those of its list of files. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/progress.h"
#include "engine/archive/tar_reader.h"
#include "engine/archive/unpack.h"
#include "engine/backup/tar_check.h"
#include "engine/backup/tar_verify.h"
#include "engine/volume_restore.h"

struct archive {
	struct volume_restore *restore;
	const char *file;
	uint64_t size; /* of the file, 0: not known */
	struct tar_reader tar;
	struct tar_check check;
	uint64_t left_out; /* entries that are read only */
	bool found;        /* something of --path */
};

/* What a verification says: the first line, and how many. */
struct damage {
	char first[512];
	uint64_t n;
};

static void remember(void *arg, const char *line)
{
	struct damage *d = arg;
	if (d->n++ == 0)
		snprintf(d->first, sizeof(d->first), "%s", line);
}

/* ------------------------------------------------------------------ entries */

/* Whether the entry belongs to --path: it, what is in it, and the directories that lead to it. */
static bool is_wanted(const struct archive *a, const struct tree_entry *entry)
{
	const char *path = a->restore->path;
	size_t len = path ? strlen(path) : 0, own = strlen(entry->path);
	if (!path)
		return true;
	if (strncmp(entry->path, path, len) == 0 && (entry->path[len] == '/' || !entry->path[len]))
		return true;
	return S_ISDIR(entry->mode) &&
	       (own == 0 || (strncmp(path, entry->path, own) == 0 && path[own] == '/'));
}

/* A hard link whose first name is outside cannot be made: its content is not there. */
static int check_link(const struct archive *a, const struct tree_entry *entry, struct err *e)
{
	const struct tree_entry first = {.path = entry->first ? entry->first : ""};
	if (!entry->first || !a->restore->path || is_wanted(a, &first))
		return 0;
	return err_set(e, ERR_UNSUPPORTED,
	        "\"%.200s\" is a hard link to \"%.200s\", which is not in %s; restore --into a new volume "
	        "and copy "
	        "it from there",
	        entry->path, entry->first, a->restore->path);
}

static int look(void *arg, struct tree_entry *entry, struct err *e)
{
	struct archive *a = arg;
	int mine = tar_check_entry(&a->check, &a->tar, entry, e);
	if (mine < 0)
		return -1;
	bool wanted = !mine && is_wanted(a, entry);
	if (wanted && check_link(a, entry, e) < 0)
		return -1;
	if (wanted && !entry->path[0])
		a->restore->rooted = true;
	a->found |= wanted && (!a->restore->path || strlen(entry->path) >= strlen(a->restore->path));
	a->left_out += !wanted;
	return wanted && a->restore->dir_fd >= 0 ? UNPACK_MAKE : UNPACK_READ;
}

static int keep_list(void *arg, const struct tree_entry *entry, const void *data, size_t len, struct err *e)
{
	struct archive *a = arg;
	if (!tar_manifest_is(entry) || !a->check.has_manifest || a->check.behind)
		return 0;
	return tar_check_data(&a->check, data, len, e);
}

static int unpack(struct archive *a, struct err *e)
{
	struct volume_restore *r = a->restore;
	struct unpack_result made;
	const struct unpack_tree_options o = {.make = {.xattrs = TREE_XATTRS_ALL,
	                                              .any_parents = false,
	                                              .dropped = volume_restore_dropped,
	                                              .arg = r},
	        .progress = r->progress,
	        .label = r->result->volume,
	        .doing = r->dir_fd < 0 ? "checking" : "restoring",
	        .total = a->size,
	        .entry = look,
	        .data = keep_list,
	        .arg = a};
	int rc = unpack_tree(&a->tar, r->dir_fd, &o, &made, e);
	r->result->bytes = made.bytes - (a->check.has_manifest ? a->check.last_size : 0);
	r->result->entries = made.entries - a->left_out;
	return rc;
}

/* ------------------------------------------------------------------ the end */

static int damaged(const struct archive *a, const struct damage *d, struct err *e)
{
	cleanup_buf struct buf more = BUF_INIT;
	if (d->n > 1)
		buf_printf(&more, " and %llu more; `tare volume verify` names them",
		        (unsigned long long)d->n - 1);
	return err_set(e, ERR_CORRUPT, "%s is damaged: %s%s", a->file, d->first, buf_str(&more));
}

/* Not a byte of the archive is left unread, and each belongs to what the list says. */
static int check_end(struct archive *a, struct inflate *in, struct err *e)
{
	uint64_t behind;
	bool zeros;
	struct damage d = {0};
	if (tar_rest(&a->tar, &behind, &zeros, e) < 0)
		return -1;
	inflate_parts_end(in);
	a->restore->result->unverified = !a->check.has_manifest;
	if (!a->check.has_manifest)
		return 0;
	int rc = tar_check_end(&a->check, remember, &d, e);
	if (rc < 0)
		return -1;
	if (a->tar.dirty)
		remember(&d, "what fills up a last block");
	if (behind > 0)
		remember(&d, "there are bytes behind its end");
	if (rc == 0 && d.n == 0)
		remember(&d, "it is not what its list of files says");
	return d.n ? damaged(a, &d, e) : 0;
}

static int read_archive(struct archive *a, int fd, struct err *e)
{
	const struct inflate_options o = {
	        .copy_fd = -1, .backup = true, .part = tar_check_digest, .part_arg = &a->check};
	cleanup_inflate struct inflate *in = inflate_open(fd, &o, e);
	if (!in || tar_check_begin(&a->check, e) < 0)
		return -1;
	a->tar = (struct tar_reader)TAR_READER_INIT(in);
	a->tar.parts = a->tar.endless = true;
	int rc = unpack(a, e);
	if (rc == 0)
		rc = check_end(a, in, e);
	if (rc == 0 && !a->found)
		rc = err_set(e, ERR_NOT_FOUND, "%s has no %s", a->file,
		        a->restore->path ? a->restore->path : "files");
	tar_reader_free(&a->tar);
	return rc;
}

/* The first thing that was wrong ended it; where the archive can be read again, all is looked at, and the
 * file is named. */
static int name_damage(const struct archive *a, struct err *e)
{
	struct damage d = {0};
	uint64_t n = 0;
	if (!e || e->kind != ERR_CORRUPT || a->size == 0)
		return -1;
	if (tar_verify(a->file, NULL, remember, &d, &n, NULL) < 0 || n == 0)
		return -1;
	d.n = n;
	return damaged(a, &d, e);
}

static int open_archive(struct archive *a, struct err *e)
{
	struct stat st;
	bool input = strcmp(a->file, "-") == 0;
	if (input && isatty(STDIN_FILENO))
		return err_set(e, ERR_USAGE, "standard input is a terminal; name a FILE or redirect it");
	int fd = input ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : open(a->file, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, "cannot open %s", a->file);
	if (input)
		a->file = "standard input";
	else if (S_ISREG(st.st_mode))
		a->size = (uint64_t)st.st_size;
	return fd;
}

int volume_restore_from_archive(struct volume_restore *r, const char *file, struct err *e)
{
	struct archive a = {.restore = r, .file = file, .check = TAR_CHECK_INIT};
	cleanup_fd int fd = open_archive(&a, e);
	int rc = fd < 0 ? -1 : read_archive(&a, fd, e);
	tar_check_free(&a.check);
	return rc < 0 && fd >= 0 ? name_damage(&a, e) : rc;
}
