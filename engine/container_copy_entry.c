#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/progress.h"
#include "base/text.h"
#include "engine/container_copy.h"
#include "engine/file_kinds.h"
#include "engine/oci/id_map.h"

#define TOLD_MAX 20 /* lines about what is left out */

/* ------------------------------------------------------------------ what a person is told */

void copy_skipped(void *arg, const char *path, const char *why)
{
	struct copy *c = arg;
	char shown[512];

	if (c->skipped++ >= TOLD_MAX)
		return;
	text_harmless_to(shown, sizeof shown, path[0] ? path : c->label);
	log_line(LOG_LEVEL_WARN, "\"%s\": %s", shown, why);
}

void copy_tell_more(const struct copy *c)
{
	if (c->skipped > TOLD_MAX)
		log_line(LOG_LEVEL_WARN, "... and %llu more like that",
		        (unsigned long long)(c->skipped - TOLD_MAX));
}

void copy_progress(struct copy *c)
{
	progress_step(c->progress, c->label, "copying", c->bytes, c->total);
}

static void tell_dropped(void *arg, const char *path, const char *what)
{
	char why[160];

	snprintf(why, sizeof why, "its attribute %.100s cannot be kept here", what);
	copy_skipped(arg, path, why);
}

/* ------------------------------------------------------------------ owners, and what they may do */

void copy_make_options(struct copy *c, struct tree_make_options *o)
{
	bool archive = c->request->archive;
	const struct id_maps *ids = c->into ? container_tree_ids(&c->tree) : NULL;
	uint32_t root_uid = 0, root_gid = 0;

	if (ids) {
		id_map_out(&ids->uid, 0, &root_uid);
		id_map_out(&ids->gid, 0, &root_gid);
	}

	*o = (struct tree_make_options){
	        .xattrs = archive ? TREE_XATTRS_ALL : TREE_XATTRS_LAYER,
	        .own = !archive,
	        .uid = c->into ? root_uid : getuid(),
	        .gid = c->into ? root_gid : getgid(),
	        .ids = ids,
	        .keep_kind = true,
	        .live = true,
	        .any_parents = true,
	        .dropped = tell_dropped,
	        .arg = c,
	};
}

/* A program that runs with its owner's rights is not to get another owner. */
static void clear_set_id(const struct copy *c, struct tree_entry *entry)
{
	if (!S_ISDIR(entry->mode) && (!c->into || entry->uid != 0 || entry->gid != 0))
		entry->mode &= ~(mode_t)(S_ISUID | S_ISGID);
}

static void drop_capability(struct copy *c, struct tree_entry *entry)
{
	size_t n = 0;

	for (size_t i = 0; i < entry->n_xattrs && n < TREE_XATTRS_MAX; i++)
		if (strcmp(entry->xattrs[i].name, "security.capability") != 0)
			c->xattrs[n++] = entry->xattrs[i];
	entry->xattrs = c->xattrs;
	entry->n_xattrs = n;
}

/* Root copies a directory out of a container and gets what the container made: as files of root's, its
 * set-user-id programs would be root's on this host for everybody, its programs with capabilities too, and
 * a device that its cgroup kept it from opening would be open to whoever the mode lets. So only -a, which
 * says that all is wanted as it is, brings these along. tests/e2e/cp.bats */
bool copy_entry_filter(struct copy *c, struct tree_entry *entry)
{
	if (c->request->archive)
		return true;
	clear_set_id(c, entry);
	if (c->into)
		return true;
	drop_capability(c, entry);
	if (!S_ISCHR(entry->mode) && !S_ISBLK(entry->mode))
		return true;
	copy_skipped(c, entry->path, "it is a device, which only -a copies out of a container");
	return false;
}

/* ------------------------------------------------------------------ names */

static const char *join(struct buf *b, const char *prefix, const char *path)
{
	buf_reset(b);
	buf_printf(b, "%s%s%s", prefix, *prefix && *path ? "/" : "", path);
	return buf_str(b);
}

int copy_entry_rename(struct copy *c, const char *prefix, struct tree_entry *entry, struct err *e)
{
	entry->path = join(&c->path, prefix, entry->path);
	if (entry->first)
		entry->first = join(&c->first, prefix, entry->first);
	return c->path.failed || c->first.failed ? err_no_memory(e) : 0;
}

/* ------------------------------------------------------------------ file systems */

/* Asked for each name before it is opened, since opening can be too much already. */
bool copy_is_kernels(struct copy *c, int tree, const char *path)
{
	struct stat st;
	cleanup_fd int fd = open_beneath(tree, path, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0);

	if (fd < 0 || fstat(fd, &st) != 0 || st.st_dev == c->plain_dev)
		return false;
	if (files_are_kernels(fd))
		return true;
	c->plain_dev = st.st_dev;
	return false;
}
