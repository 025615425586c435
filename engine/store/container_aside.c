/* Containers that were set aside, since their records cannot be read: containers/.damaged-ID, with `reason`
 * beside what they had. They are shown, and what they used is kept, until somebody removes them by name of
 * their id. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "engine/store/container_record.h"

#define PREFIX     ".damaged-"
#define REASON_MAX 512

const char *container_aside_entry(const char *id, char entry[CONTAINER_ASIDE_MAX])
{
	snprintf(entry, CONTAINER_ASIDE_MAX, PREFIX "%.*s", TARE_ID_LEN, id);
	return entry;
}

int container_aside_ids(const struct store *s, char ***ids, struct err *e)
{
	*ids = NULL;
	int fd = openat(s->containers_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	if (!d) {
		close_fd(&fd);
		return err_sys(e, "cannot read %s/containers", s->root);
	}
	errno = 0;
	for (struct dirent *entry; (entry = readdir(d)); errno = 0) {
		const char *name = entry->d_name;
		if (strncmp(name, PREFIX, strlen(PREFIX)) == 0 && container_is_id(name + strlen(PREFIX)) &&
		        strv_add(ids, name + strlen(PREFIX)) != 0)
			return err_no_memory(e);
	}
	return errno ? err_sys(e, "cannot read %s/containers", s->root) : 0; /* half a list is none */
}

bool container_aside_find(const struct store *s, const char *ref, char id[TARE_ID_LEN + 1])
{
	cleanup_strv char **ids = NULL;
	unsigned found = 0;

	if (!*ref || container_aside_ids(s, &ids, NULL) != 0)
		return false;
	strv_foreach (i, ids)
		if (strncmp(*i, ref, strlen(ref)) == 0 && found++ == 0)
			snprintf(id, TARE_ID_LEN + 1, "%s", *i);
	return found == 1;
}

char *container_aside_reason(const struct store *s, const char *id)
{
	char entry[CONTAINER_ASIDE_MAX], path[CONTAINER_ASIDE_MAX + 16], text[REASON_MAX];

	snprintf(path, sizeof path, "%s/reason", container_aside_entry(id, entry));
	bool known = file_read_small(s->containers_fd, path, text, sizeof text) > 0;
	return strdup(known ? text : "its record cannot be read");
}

int container_aside_remove(const struct store *s, const char *id, struct err *e)
{
	char entry[CONTAINER_ASIDE_MAX], gone[CONTAINER_ASIDE_MAX];

	snprintf(gone, sizeof gone, ".rm-%.*s", TARE_ID_LEN, id);
	if (renameat(s->containers_fd, container_aside_entry(id, entry), s->containers_fd, gone) != 0)
		return err_sys(e, "cannot remove what is left of container %.12s", id);
	if (remove_tree_at(s->containers_fd, gone) != 0)
		return err_sys(e, "cannot remove %s/containers/%s", s->root, gone);
	return 0;
}
