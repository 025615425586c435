#include "registry/server/server_storage.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "engine/store/store.h"
#include "registry/server/token.h"

#define KEY_DIRECTORY "tokens"
#define KEY_FILE      "key"

int server_storage_open(
        const char *root, const char *path, bool read_only, char *name, size_t size, struct err *e)
{
	cleanup_free char *dflt = str_printf("%s/registry", root ? root : STORE_ROOT_DEFAULT);
	char absolute[PATH_MAX];
	struct stat st;

	if (!path)
		path = dflt;
	if (!path)
		return err_no_memory(e);
	if (!read_only && mkdir_all(path, 0700) < 0)
		return err_sys(e, "cannot make the storage %s", path);
	cleanup_fd int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, "cannot open the storage %s", path);
	/* The worker has no capability: it writes as the owner, or not at all. */
	if (!read_only && st.st_uid != geteuid())
		return err_set(e, ERR_PERMISSION,
		        "the storage %s belongs to user %u, not to the one that runs the registry (%u); "
		        "chown it",
		        path, st.st_uid, geteuid());
	snprintf(name, size, "%s", realpath(path, absolute) ? absolute : path);
	return steal_fd(&fd);
}

int server_storage_key(int dirfd, bool read_only, unsigned char key[32], struct err *e)
{
	cleanup_fd int dir = -1;
	cleanup_buf struct buf text = BUF_INIT_MAX(4096);

	if (getrandom(key, TOKEN_KEY_SIZE, 0) != TOKEN_KEY_SIZE)
		return err_sys(e, "no random bytes");
	dir = read_only ? openat(dirfd, KEY_DIRECTORY, O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
	                : open_dir_make(dirfd, KEY_DIRECTORY, 0700);
	if (dir < 0)
		return read_only ? 0 : err_sys(e, "cannot make the storage's directory %s", KEY_DIRECTORY);
	if (file_read_at(dir, KEY_FILE, &text, NULL) == 0) {
		if (text.len != TOKEN_KEY_SIZE)
			return err_set(e, ERR_CORRUPT,
			        "the storage's %s/%s is not a key; remove it, and a new one is made",
			        KEY_DIRECTORY, KEY_FILE);
		memcpy(key, text.data, TOKEN_KEY_SIZE);
		return 0;
	}
	if (read_only)
		return 0;
	return file_write_at(dir, KEY_FILE, key, TOKEN_KEY_SIZE, 0600, FILE_SYNC, e);
}
