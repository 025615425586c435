/* Names and ids of containers. A name is a link names/NAME whose target is the id; making it claims the name.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/lock.h"
#include "engine/store/container_record.h"

#define OPEN_DIR (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

static bool is_hex(const char *s)
{
	for (; *s; s++)
		if (!isdigit((unsigned char)*s) && (*s < 'a' || *s > 'f'))
			return false;
	return true;
}

bool container_is_id(const char *name)
{
	return strlen(name) == TARE_ID_LEN && is_hex(name);
}

/* A directory without a record is a create or a removal under way (or cut short): not a container. */
static bool has_record(const struct store *s, const char *id)
{
	char path[TARE_ID_LEN + 32];

	snprintf(path, sizeof path, "%s/container.json", id);
	return faccessat(s->containers_fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

int container_ids(const struct store *s, char ***ids, struct err *e)
{
	*ids = NULL;
	int fd = openat(s->containers_fd, ".", OPEN_DIR);
	cleanup_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	if (!d)
		return err_sys(e, "cannot read %s/containers", s->root);
	errno = 0;
	for (struct dirent *entry; (entry = readdir(d)); errno = 0)
		if (container_is_id(entry->d_name) && strv_add(ids, entry->d_name) != 0)
			return err_no_memory(e);
	/* half a list would be taken for all, and what those use that are not on it for unused */
	return errno ? err_sys(e, "cannot read %s/containers", s->root) : 0;
}

static ssize_t name_owner(const struct store *s, const char *name, char id[TARE_ID_LEN + 1])
{
	ssize_t n = readlinkat(s->names_fd, name, id, TARE_ID_LEN + 1);

	if (n != TARE_ID_LEN)
		return -1;
	id[n] = '\0';
	return container_is_id(id) ? n : -1;
}

static int resolve_prefix(const struct store *s, const char *ref, char id[TARE_ID_LEN + 1], struct err *e)
{
	cleanup_strv char **ids = NULL;
	unsigned found = 0;

	if (container_ids(s, &ids, e) != 0)
		return -1;
	strv_foreach (i, ids) {
		if (strncmp(*i, ref, strlen(ref)) != 0 || !has_record(s, *i))
			continue;
		found++;
		snprintf(id, TARE_ID_LEN + 1, "%s", *i);
	}
	if (found > 1)
		return err_set(e, ERR_CONFLICT, "\"%s\" is the start of %u container ids; give more digits",
		        ref, found);
	if (!found)
		return err_set(e, ERR_NOT_FOUND, "no such container: %s", ref);
	return 0;
}

int container_resolve(const struct store *s, const char *ref, char id[TARE_ID_LEN + 1], struct err *e)
{
	if (ref[0] == '/') /* Docker's names may carry one */
		ref++;
	if (!*ref || strchr(ref, '/') || strlen(ref) > 128)
		return err_set(e, ERR_NOT_FOUND, "no such container: %s", ref);
	errno = 0;
	if (name_owner(s, ref, id) > 0 && has_record(s, id))
		return 0;
	/* "no such container" would be taken for "removed"; EINVAL: a file that is no name */
	if (errno && errno != ENOENT && errno != EINVAL)
		return err_sys(e, "cannot look up the container %s", ref);
	if (container_is_id(ref) && has_record(s, ref)) {
		snprintf(id, TARE_ID_LEN + 1, "%s", ref);
		return 0;
	}
	if (!is_hex(ref))
		return err_set(e, ERR_NOT_FOUND, "no such container: %s", ref);
	return resolve_prefix(s, ref, id, e);
}

/* ------------------------------------------------------------------ claims */

/* A link is taken away only under this lock; it is made without one, since symlinkat(2) claims atomically. */
static int lock_names(const struct store *s, struct err *e)
{
	return lock_take(s->names_fd, ".", LOCK_EXCLUSIVE, e);
}

/* A record that cannot be read might bear the name. */
static bool record_bears(const struct store *s, const char *id, const char *name)
{
	struct container_record r;

	if (container_record_read(s, id, &r, NULL) != 0)
		return true;
	bool bears = strcmp(r.name, name) == 0;
	container_record_free(&r);
	return bears;
}

/* Whether the owner of a claim still needs it, asked under the names' lock. A claim without a container, or
 * of one that is called otherwise, is what a killed create or rename left behind, unless somebody holds the
 * container's lock: then that is still under way. The lock is only tried, since its holder may be waiting for
 * the names. */
static bool claim_is_live(const struct store *s, const char *name, const char *owner, bool reap)
{
	cleanup_fd int dir = container_dir_open(s, owner);

	if (dir < 0)
		return errno != ENOENT;
	if (has_record(s, owner) && record_bears(s, owner, name))
		return true;
	cleanup_fd int lock = lock_try(dir, ".", LOCK_EXCLUSIVE);
	if (lock < 0)
		return true;
	if (has_record(s, owner))
		return record_bears(s, owner, name);
	if (reap)
		remove_tree_at(s->containers_fd, owner); /* a create cut short */
	return false;
}

static int name_taken(const struct store *s, const char *name, struct err *e)
{
	char owner[TARE_ID_LEN + 1];

	if (errno != EEXIST || name_owner(s, name, owner) < 0)
		return err_sys(e, "cannot claim the name \"%s\"", name);
	return err_set(e, ERR_CONFLICT,
	        "the name \"%s\" is in use by container %.12s; remove it (tare rm %s) or choose another name",
	        name, owner, name);
}

int container_name_claim(const struct store *s, const char *name, const char *id, struct err *e)
{
	char owner[TARE_ID_LEN + 1];

	if (symlinkat(id, s->names_fd, name) == 0)
		return 0;
	if (errno != EEXIST)
		return err_sys(e, "cannot claim the name \"%s\"", name);
	cleanup_fd int lock = lock_names(s, e);
	if (lock < 0)
		return -1;
	bool owned = name_owner(s, name, owner) > 0;
	if (owned && strcmp(owner, id) == 0)
		return 0; /* a rename to it was cut short */
	if (!owned || !claim_is_live(s, name, owner, true))
		unlinkat(s->names_fd, name, 0);
	return symlinkat(id, s->names_fd, name) == 0 ? 0 : name_taken(s, name, e);
}

void container_name_release(const struct store *s, const char *name, const char *id)
{
	char owner[TARE_ID_LEN + 1];
	cleanup_fd int lock = lock_names(s, NULL);

	(void)lock; /* a name that cannot be locked is freed all the same */
	if (name && name_owner(s, name, owner) > 0 && strcmp(owner, id) == 0)
		unlinkat(s->names_fd, name, 0);
}

static bool is_orphan(const struct store *s, const char *name, bool reap)
{
	char owner[TARE_ID_LEN + 1];

	/* what is no link to an id leads nowhere */
	return name_owner(s, name, owner) < 0 || !claim_is_live(s, name, owner, reap);
}

bool container_name_is_orphan(const struct store *s, const char *name)
{
	cleanup_fd int lock = lock_names(s, NULL);

	return lock >= 0 && is_orphan(s, name, false);
}

bool container_name_reap(const struct store *s, const char *name)
{
	cleanup_fd int lock = lock_names(s, NULL);

	return lock >= 0 && is_orphan(s, name, true) && unlinkat(s->names_fd, name, 0) == 0;
}

void container_names_release(const struct store *s, const char *id)
{
	int fd = openat(s->names_fd, ".", OPEN_DIR);
	cleanup_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);

	for (struct dirent *entry; d && (entry = readdir(d));)
		if (entry->d_name[0] != '.')
			container_name_release(s, entry->d_name, id);
}

char *container_name_of(const struct store *s, const char *id)
{
	int fd = openat(s->names_fd, ".", OPEN_DIR);
	cleanup_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	char owner[TARE_ID_LEN + 1];

	for (struct dirent *entry; d && (entry = readdir(d));)
		if (name_owner(s, entry->d_name, owner) > 0 && strcmp(owner, id) == 0)
			return strdup(entry->d_name);
	return NULL;
}
