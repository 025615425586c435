#include "registry/client/push_target.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "base/proc.h"
#include "registry/client/credential.h"

#define RECORD_MAX ((size_t)16 << 10)

bool push_target_has_host(const char *name)
{
	size_t len = strcspn(name, "/");

	if (name[len] != '/')
		return false;
	return memchr(name, '.', len) || memchr(name, ':', len) ||
	       (len == 9 && memcmp(name, "localhost", 9) == 0);
}

/* ------------------------------------------------------------------ the registry that runs here */

/* "127.0.0.1:5000" out of STATE/registry/PORT.json, as long as its process lives. */
static char *read_record(int dir, const char *name)
{
	cleanup_json json *j = json_read_at(dir, name, RECORD_MAX, NULL);
	const struct proc_id id = {
	        .pid = (pid_t)json_int(j, "pid", 0), .start_time = (uint64_t)json_int(j, "start_time", 0)};
	const char *address = json_str(j, "address", "");
	int64_t port = json_int(j, "port", 0);

	if (!*address || port <= 0 || port > 65535 || strcmp(json_str(j, "boot", ""), boot_id()) != 0 ||
	        !proc_alive(&id))
		return NULL;
	/* One that listens everywhere listens here, too. */
	if (strcmp(address, "0.0.0.0") == 0 || strcmp(address, "::") == 0)
		address = "127.0.0.1";
	return str_printf(strchr(address, ':') ? "[%s]:%d" : "%s:%d", address, (int)port);
}

static int lowest_port(const void *a, const void *b)
{
	return atoi(*(char *const *)a) - atoi(*(char *const *)b);
}

/* Of several the one with the lowest port; NULL: none. */
static char *running_registry(const struct store *s)
{
	cleanup_fd int fd = openat(s->state_fd, "registry", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	cleanup_dir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	cleanup_strv char **names = NULL;
	char *found = NULL;

	if (!dir)
		return NULL;
	fd = -1;
	for (struct dirent *d; (d = readdir(dir));)
		if (strlen(d->d_name) > 5 && strcmp(d->d_name + strlen(d->d_name) - 5, ".json") == 0)
			strv_add(&names, d->d_name);
	if (names)
		qsort(names, strv_len(names), sizeof(*names), lowest_port);
	for (char **name = names; name && *name && !found; name++)
		found = read_record(dirfd(dir), *name);
	return found;
}

static bool logged_in(const char *authfile)
{
	struct credential c = CREDENTIAL_INIT;
	bool found = credential_find(authfile, "docker.io", "", &c, NULL) == 0 && credential_is_set(&c);

	credential_free(&c);
	return found;
}

/* docker.io/library/app:1 becomes 127.0.0.1:5000/app:1. */
static int go_local(struct reference *target, const char *registry, struct err *e)
{
	const char *path = strncmp(target->path, "library/", 8) == 0 ? target->path + 8 : target->path;
	char *new_domain = strdup(registry), *new_path = strdup(path);

	if (!new_domain || !new_path) {
		free(new_domain);
		free(new_path);
		return err_no_memory(e);
	}
	free(target->domain);
	free(target->path);
	target->domain = new_domain;
	target->path = new_path;
	return 0;
}

int push_target(const struct store *s, const char *name, const char *authfile, bool has_credential,
        struct reference *target, bool *local, struct err *e)
{
	*local = false;
	if (strncmp(name, "docker://", 9) == 0)
		name += 9;
	if (reference_parse(name, target, e) < 0)
		return -1;
	if (digest_is_set(&target->digest))
		return err_set(e, ERR_USAGE,
		        "\"%.300s\" names a digest; an image is pushed by a name like app:1", name);
	if (push_target_has_host(name) || has_credential)
		return 0;
	cleanup_free char *registry = running_registry(s);
	if (!registry || logged_in(authfile))
		return 0;
	*local = true;
	return go_local(target, registry, e);
}
