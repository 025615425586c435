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
	bool counts; /* the entry at hand is what was asked for */
	bool found;  /* something of --path */
	struct adopted *adopted;
	size_t n_adopted;
};

/* A file whose first name is outside --path, and the name in it that stands for it now. */
struct adopted {
	char *first, *path;
	bool made;
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

/* Not one of the directories that only lead to it. */
static bool is_asked_for(const struct archive *a, const struct tree_entry *entry)
{
	return !a->restore->path || strlen(entry->path) >= strlen(a->restore->path);
}

static struct adopted *find_adopted(const struct archive *a, const char *first)
{
	for (size_t i = 0; i < a->n_adopted; i++)
		if (strcmp(a->adopted[i].first, first) == 0)
			return &a->adopted[i];
	return NULL;
}

static bool is_from_outside(const struct archive *a, const struct tree_entry *entry)
{
	const struct tree_entry first = {.path = entry->first ? entry->first : ""};
	return entry->first && a->restore->path && !is_wanted(a, &first);
}

/* Its content went by already, or will: it is looked for once all is known to be right. */
static int adopt(struct archive *a, const struct tree_entry *entry, struct err *e)
{
	if (a->size == 0)
		return err_set(e, ERR_UNSUPPORTED,
		        "\"%.200s\" is a hard link to \"%.200s\", which is not in %s: name a FILE, so that "
		        "it "
		        "can be read twice, or restore all of it --into a new volume, without --path",
		        entry->path, entry->first, a->restore->path);
	if (find_adopted(a, entry->first))
		return UNPACK_READ;
	struct adopted *grown = reallocarray(a->adopted, a->n_adopted + 1, sizeof(*grown));
	if (!grown)
		return err_no_memory(e);
	a->adopted = grown;
	struct adopted *file = &grown[a->n_adopted++];
	*file = (struct adopted){.first = strdup(entry->first), .path = strdup(entry->path)};
	return file->first && file->path ? UNPACK_READ : err_no_memory(e);
}

static int look(void *arg, struct tree_entry *entry, struct err *e)
{
	struct archive *a = arg;
	int mine = tar_check_entry(&a->check, &a->tar, entry, e);
	if (mine < 0)
		return -1;
	bool wanted = !mine && is_wanted(a, entry);
	if (wanted && !entry->path[0])
		a->restore->rooted = true;
	a->counts = wanted && is_asked_for(a, entry);
	a->found |= a->counts;
	a->restore->result->entries += a->counts;
	if (wanted && is_from_outside(a, entry))
		return adopt(a, entry, e);
	return wanted && a->restore->dir_fd >= 0 ? UNPACK_MAKE : UNPACK_READ;
}

static int take_data(void *arg, const struct tree_entry *entry, const void *data, size_t len, struct err *e)
{
	struct archive *a = arg;
	if (a->counts)
		a->restore->result->bytes += len;
	if (!tar_manifest_is(entry) || !a->check.has_manifest || a->check.behind)
		return 0;
	return tar_check_data(&a->check, data, len, e);
}

/* The second time: directories, for their times; files under the names that stand for them; other names of
 * these. */
static int look_again(void *arg, struct tree_entry *entry, struct err *e)
{
	struct archive *a = arg;
	struct adopted *file = find_adopted(a, entry->first ? entry->first : entry->path);
	(void)e;
	a->counts = file && !entry->first;
	if (S_ISDIR(entry->mode))
		return is_wanted(a, entry) ? UNPACK_MAKE : UNPACK_LEAVE;
	if (!file || (entry->first && (!is_wanted(a, entry) || strcmp(entry->path, file->path) == 0)))
		return UNPACK_LEAVE;
	if (entry->first)
		entry->first = file->path;
	else
		entry->path = file->path;
	file->made = true;
	return UNPACK_MAKE;
}

static int count_data(void *arg, const struct tree_entry *entry, const void *data, size_t len, struct err *e)
{
	struct archive *a = arg;
	(void)entry;
	(void)data;
	(void)e;
	if (a->counts)
		a->restore->result->bytes += len;
	return 0;
}

static int unpack(struct archive *a, bool again, struct err *e)
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
	        .entry = again ? look_again : look,
	        .data = again ? count_data : take_data,
	        .arg = a};
	return unpack_tree(&a->tar, r->dir_fd, &o, &made, e);
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
	int rc = unpack(a, false, e);
	if (rc == 0)
		rc = check_end(a, in, e);
	if (rc == 0 && !a->found)
		rc = err_set(e, ERR_NOT_FOUND, "%s has no %s", a->file,
		        a->restore->path ? a->restore->path : "files");
	tar_reader_free(&a->tar);
	return rc;
}

/* What --path has of files whose first name is outside of it. */
static int read_adopted(struct archive *a, int fd, off_t begin, struct err *e)
{
	const struct inflate_options o = {.copy_fd = -1, .backup = true};
	if (!a->n_adopted || a->restore->dir_fd < 0)
		return 0;
	if (lseek(fd, begin, SEEK_SET) < 0)
		return err_sys(e, "cannot read %s again", a->file);
	cleanup_inflate struct inflate *in = inflate_open(fd, &o, e);
	if (!in)
		return -1;
	a->tar = (struct tar_reader)TAR_READER_INIT(in);
	a->tar.endless = true;
	int rc = unpack(a, true, e);
	tar_reader_free(&a->tar);
	for (size_t i = 0; rc == 0 && i < a->n_adopted; i++)
		if (!a->adopted[i].made)
			rc = err_set(e, ERR_CORRUPT,
			        "\"%.200s\" is a hard link to \"%.200s\", which %s has not",
			        a->adopted[i].path, a->adopted[i].first, a->file);
	return rc;
}

static void free_adopted(struct archive *a)
{
	for (size_t i = 0; i < a->n_adopted; i++) {
		free(a->adopted[i].first);
		free(a->adopted[i].path);
	}
	free(a->adopted);
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
	off_t begin = a.size ? lseek(fd, 0, SEEK_CUR) : 0;
	int rc = fd < 0 ? -1 : read_archive(&a, fd, e);
	if (rc == 0)
		rc = read_adopted(&a, fd, begin, e);
	tar_check_free(&a.check);
	free_adopted(&a);
	return rc < 0 && fd >= 0 ? name_damage(&a, e) : rc;
}
