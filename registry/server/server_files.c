#include "registry/server/server_files.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "registry/server/server.h"

#define SERVER_FILE_MAX ((size_t)4 << 20)

static const char *const keys[FILE_COUNT] = {"certificate", "key", "htpasswd", "acl"};

static const char *path_of(const struct server_options *o, enum server_file which)
{
	const char *const paths[FILE_COUNT] = {o->certificate, o->key, o->htpasswd, o->acl};

	return paths[which];
}

static uint64_t stamp_of(const char *path)
{
	struct stat st;
	uint64_t h = 0;

	if (!path || stat(path, &st) < 0)
		return 0;
	h = (uint64_t)st.st_mtim.tv_sec * 1000000007u + (uint64_t)st.st_mtim.tv_nsec;
	return h * 31 + (uint64_t)st.st_ino * 17 + (uint64_t)st.st_size + (uint64_t)st.st_ctim.tv_nsec;
}

int server_files_read(const struct server_options *o, struct server_files *f, struct err *e)
{
	struct server_files next = {0};

	for (enum server_file i = 0; i < FILE_COUNT; i++) {
		const char *path = path_of(o, i);
		struct buf text = BUF_INIT_MAX(SERVER_FILE_MAX);

		if (!path)
			continue;
		next.stamp[i] = stamp_of(path);
		if (file_read_at(AT_FDCWD, path, &text, e) < 0) {
			server_files_free(&next);
			/* What is bad is said once, not every second. */
			for (enum server_file k = 0; k < FILE_COUNT; k++)
				f->stamp[k] = stamp_of(path_of(o, k));
			return -1;
		}
		if (!text.data)
			buf_str_add(&text, "");
		next.text[i] = buf_take(&text);
	}
	server_files_free(f);
	*f = next;
	return 0;
}

bool server_files_changed(const struct server_options *o, const struct server_files *f)
{
	for (enum server_file i = 0; i < FILE_COUNT; i++)
		if (path_of(o, i) && stamp_of(path_of(o, i)) != f->stamp[i])
			return true;
	return false;
}

void server_files_free(struct server_files *f)
{
	for (enum server_file i = 0; i < FILE_COUNT; i++) {
		if (f->text[i])
			explicit_bzero(f->text[i], strlen(f->text[i]));
		free(f->text[i]);
		f->text[i] = NULL;
	}
}

int server_files_pack(const struct server_files *f)
{
	cleanup_json json *j = json_object_new_object();
	cleanup_buf struct buf text = BUF_INIT;
	cleanup_fd int fd = memfd_create("registry", MFD_CLOEXEC);

	for (enum server_file i = 0; i < FILE_COUNT; i++)
		if (f->text[i])
			json_set_str(j, keys[i], f->text[i]);
	json_print(&text, j, JSON_COMPACT);
	if (fd < 0 || text.failed || write_all(fd, text.data, text.len) < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return -1;
	return steal_fd(&fd);
}

int server_files_unpack(int fd, struct server_files *f)
{
	cleanup_buf struct buf text = BUF_INIT;

	if (read_to_buf(fd, &text) < 0)
		return -1;
	cleanup_json json *j = json_parse(buf_str(&text), text.len, "files", NULL);
	if (!j)
		return -1;
	for (enum server_file i = 0; i < FILE_COUNT; i++) {
		const char *s = json_str(j, keys[i], NULL);

		f->text[i] = s ? strdup(s) : NULL;
	}
	return 0;
}
