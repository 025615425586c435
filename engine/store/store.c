/* Opening the directories of the engine: everything is made 0700, checked to be ours, and held. */
#include "engine/store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/defence.h"
#include "base/err.h"
#include "base/file.h"
#include "base/units.h"
#include "engine/store/rootless_entry.h"

/* A directory that another user owns or may write to could be swapped beneath us (the class of
 * CVE-2020-15257's planted directories): refuse it instead of repairing it. */
static int check_ours(int fd, const char *path, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return err_sys(e, "cannot look at %s", path);
	if (!DEFENCE("own-directories"))
		return 0;
	if (st.st_uid != geteuid())
		return err_set(e, ERR_PERMISSION, "%s belongs to user %u; it must belong to user %u", path,
		        (unsigned)st.st_uid, (unsigned)geteuid());
	if (st.st_mode & 022)
		return err_set(
		        e, ERR_PERMISSION, "%s can be written by others; do: chmod 700 %s", path, path);
	return 0;
}

static int open_top(const char *path, struct err *e)
{
	cleanup_fd int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT) {
		if (mkdir_all(path, 0700) != 0)
			return err_sys(e, "cannot make %s", path);
		fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	}
	if (fd < 0)
		return err_sys(e, "cannot open %s", path);
	if (check_ours(fd, path, e) != 0)
		return -1;
	return steal_fd(&fd);
}

/* A link in its place, planted by who could write there once, would have us write elsewhere. Test:
 * test_store_containers.c, test_planted_link_is_refused. */
static int open_sub(int top, const char *top_path, const char *name, int *out, struct err *e)
{
	/* hot path: it is nearly always there */
	*out = openat(
	        top, name, O_RDONLY | O_DIRECTORY | (DEFENCE("planted-link") ? O_NOFOLLOW : 0) | O_CLOEXEC);
	if (*out < 0 && errno == ENOENT)
		*out = open_dir_make(top, name, 0700);
	return *out < 0 ? err_sys(e, "cannot open %s/%s", top_path, name) : 0;
}

static int check_format(struct store *s, struct err *e)
{
	char text[32];
	int64_t format;

	ssize_t len = file_read_small(s->root_fd, "format", text, sizeof text);
	if (len < 0 && errno != ENOENT)
		return err_sys(e, "cannot read %s/format", s->root);
	if (len <= 0) /* a new store, or a power cut has emptied it */
		return file_write_at(s->root_fd, "format", "1\n", 2, 0600, FILE_SYNC, e);
	if (int_parse(text, 1, INT64_MAX, "format", &format, NULL) != 0)
		return err_set(e, ERR_CORRUPT,
		        "%s/format is damaged: it holds no number; the store is of format 1 if this tare or "
		        "an "
		        "older one made it: echo 1 >%s/format",
		        s->root, s->root);
	if (format > STORE_FORMAT)
		return err_set(e, ERR_UNSUPPORTED,
		        "%s was made by a newer tare (format %s, this one knows %d); upgrade tare", s->root,
		        text, STORE_FORMAT);
	return 0;
}

static char *absolute(const char *path)
{
	if (path[0] == '/')
		return strdup(path);
	cleanup_free char *cwd = getcwd(NULL, 0);
	return cwd ? str_printf("%s/%s", cwd, path) : NULL;
}

#define STORE_CLOSED                                                                                         \
	{                                                                                                    \
		.root_fd = -1, .state_fd = -1, .containers_fd = -1, .names_fd = -1,                          \
		.state_containers_fd = -1, .volumes_fd = -1, .layers_fd = -1, .blobs_fd = -1,                \
		.seccomp_fd = -1                                                                             \
	}

static int open_root(struct store *s, struct err *e)
{
	const struct {
		const char *name;
		int *fd;
	} subs[] = {{"containers", &s->containers_fd}, {"names", &s->names_fd}, {"volumes", &s->volumes_fd},
	        {"layers", &s->layers_fd}, {"blobs", &s->blobs_fd}, {"seccomp", &s->seccomp_fd}};

	s->root_fd = open_top(s->root, e);
	if (s->root_fd < 0 || check_format(s, e) != 0)
		return -1;
	for (size_t i = 0; i < sizeof subs / sizeof subs[0]; i++)
		if (open_sub(s->root_fd, s->root, subs[i].name, subs[i].fd, e) != 0)
			return -1;
	return 0;
}

static int open_state(struct store *s, struct err *e)
{
	s->state_fd = open_top(s->state, e);
	return s->state_fd < 0 ? -1
	                       : open_sub(s->state_fd, s->state, "containers", &s->state_containers_fd, e);
}

int store_open(struct store *out, const char *root, const char *state, struct err *e)
{
	cleanup_store struct store s = STORE_CLOSED;

	*out = (struct store)STORE_CLOSED; /* may be closed after a failure as well */
	cleanup_free char *root_path = NULL, *state_path = NULL;
	if (rootless_enter(root, state, &root_path, &state_path, e) != 0)
		return -1;
	s.root = absolute(root_path);
	s.state = absolute(state_path);
	if (!s.root || !s.state)
		return err_no_memory(e);
	if (open_root(&s, e) != 0 || open_state(&s, e) != 0)
		return -1;
	*out = s;
	s = (struct store)STORE_CLOSED;
	return 0;
}

void store_close(struct store *s)
{
	close_fd(&s->root_fd);
	close_fd(&s->state_fd);
	close_fd(&s->containers_fd);
	close_fd(&s->names_fd);
	close_fd(&s->state_containers_fd);
	close_fd(&s->volumes_fd);
	close_fd(&s->layers_fd);
	close_fd(&s->blobs_fd);
	close_fd(&s->seccomp_fd);
	free(s->root);
	free(s->state);
	s->root = s->state = NULL;
}
