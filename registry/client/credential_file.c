/* Credentials files of podman and docker: where they are, reading, and changing one under a lock. */
#include "registry/client/credential_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/lock.h"
#include "base/rootless.h"
#include "registry/client/registry_rules.h"
#include "registry/client/secret.h"

static int add(char ***list, char *path)
{
	return path && strv_take(list, path) == 0 ? 0 : -1;
}

static const char *absolute(const char *variable)
{
	const char *path = getenv(variable);
	return path && path[0] == '/' ? path : NULL;
}

static char *runtime_file(void)
{
	const char *dir = absolute("XDG_RUNTIME_DIR");
	if (dir)
		return str_printf("%s/containers/auth.json", dir);
	return str_printf("/run/containers/%u/auth.json", (unsigned)rootless_user());
}

/* A file that was named is the only one. */
static const char *named_file(const char *authfile)
{
	const char *variable = getenv("REGISTRY_AUTH_FILE");
	return authfile ? authfile : variable && *variable ? variable : NULL;
}

char **credential_own_files(const char *authfile)
{
	cleanup_strv char **list = NULL;
	cleanup_free char *config = registries_home_config();
	char *lasting = config ? str_printf("%s/containers/auth.json", config) : NULL;
	if (named_file(authfile)) {
		free(lasting);
		return add(&list, strdup(named_file(authfile))) < 0 ? NULL : steal_ptr(&list);
	}
	/* A user without a session has no runtime directory to write to. */
	bool lasting_first = lasting && rootless() && !absolute("XDG_RUNTIME_DIR");
	if (lasting_first && add(&list, strdup(lasting)) < 0) {
		free(lasting);
		return NULL;
	}
	if (add(&list, runtime_file()) < 0 ||
	        (lasting && !lasting_first && add(&list, strdup(lasting)) < 0)) {
		free(lasting);
		return NULL;
	}
	free(lasting);
	return steal_ptr(&list);
}

char **credential_files(const char *authfile)
{
	cleanup_strv char **list = credential_own_files(authfile);
	const char *docker = absolute("DOCKER_CONFIG"), *home = absolute("HOME");
	if (!list || named_file(authfile))
		return steal_ptr(&list);
	if (docker && add(&list, str_printf("%s/config.json", docker)) < 0)
		return NULL;
	if (!docker && home && add(&list, str_printf("%s/.docker/config.json", home)) < 0)
		return NULL;
	if (home && add(&list, str_printf("%s/.dockercfg", home)) < 0)
		return NULL;
	return steal_ptr(&list);
}

/* .dockercfg is the map itself. */
static json *as_document(json *doc, const char *path)
{
	const char *name = strrchr(path, '/');
	if (!doc || strcmp(name ? name + 1 : path, ".dockercfg") != 0)
		return doc;
	json *outer = json_object_new_object();
	json_set(outer, "auths", doc);
	return outer;
}

static json *parse(const struct buf *text, const char *path, struct err *e)
{
	if (strspn(buf_str(text), " \t\r\n") == text->len)
		return json_object_new_object();
	json *doc = json_parse(buf_str(text), text->len, path, e);
	if (!doc) {
		err_wrap(e, "cannot read credentials");
		return NULL;
	}
	if (json_object_is_type(doc, json_type_object))
		return as_document(doc, path);
	json_object_put(doc);
	return err_set_null(e, ERR_CORRUPT, "cannot read credentials: %s holds no JSON object", path);
}

json *credential_file_read(const char *path, bool required, struct err *e)
{
	cleanup_secret struct buf text = BUF_INIT_MAX(CREDENTIAL_FILE_MAX);
	struct err why = ERR_INIT;
	e->kind = ERR_OTHER;
	e->msg[0] = '\0';
	if (file_read_at(AT_FDCWD, path, &text, &why) == 0)
		return parse(&text, path, e);
	if (!required && (why.sys == ENOENT || why.sys == ENOTDIR))
		return NULL;
	if (!required && why.sys == EACCES) {
		log_line(LOG_LEVEL_WARN, "no credentials are taken from %s: permission denied", path);
		return NULL;
	}
	*e = why;
	err_wrap(e, "cannot read credentials");
	return NULL;
}

/* The directory and name of what `path` is in the end: a link stays one, and its target is replaced where it
 * is. */
static int open_target(const char *path, bool make, char **name, bool *missing, struct err *e)
{
	char *real = realpath(path, NULL);
	cleanup_free char *file = real ? real : strdup(path);
	if (!file)
		return err_no_memory(e);
	if (!real && errno == ENOENT && readlink(path, (char[1]){0}, 1) >= 0)
		return err_set(e, ERR_CONFLICT, "%s is a symbolic link to a file that isn't there", path);
	char *slash = strrchr(file, '/');
	cleanup_free char *dir = slash ? strndup(file, (size_t)(slash - file)) : strdup(".");
	*name = strdup(slash ? slash + 1 : file);
	if (!dir || !*name)
		return err_no_memory(e);
	const char *at = *dir ? dir : "/";
	if (make && mkdir_all(at, 0700) < 0)
		return err_sys(e, "cannot make %s; name another file with --authfile", at);
	int fd = open(at, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*missing = fd < 0 && !make && errno == ENOENT;
	return fd < 0 ? err_sys(e, "cannot open %s", at) : fd;
}

static int write_back(int dir, const char *name, json *doc, const char *path, struct err *e)
{
	cleanup_secret struct buf text = BUF_INIT_MAX(2 * CREDENTIAL_FILE_MAX);
	buf_reserve(&text, CREDENTIAL_FILE_MAX);
	json_print(&text, doc, JSON_PRETTY);
	buf_char(&text, '\n');
	if (text.failed || text.len > CREDENTIAL_FILE_MAX)
		return err_set(
		        e, ERR_NO_SPACE, "%s would become larger than %d bytes", path, CREDENTIAL_FILE_MAX);
	return file_write_at(dir, name, text.data, text.len, 0600, FILE_SYNC, e) < 0
	               ? err_wrap(e, "cannot write %s", path)
	               : 0;
}

int credential_file_change(const char *path, bool make, credential_change *change, void *arg, struct err *e)
{
	cleanup_free char *name = NULL;
	bool missing = false;
	cleanup_fd int dir = open_target(path, make, &name, &missing, e);
	if (dir < 0)
		return missing ? 0 : -1;
	cleanup_fd int lock = lock_take(dir, ".", LOCK_EXCLUSIVE, e);
	if (lock < 0)
		return -1;
	if (strcmp(name, ".dockercfg") == 0)
		return err_set(
		        e, ERR_UNSUPPORTED, "%s has a form that is read only; use a config.json", path);
	/* What cannot be read is not replaced. */
	cleanup_json json *doc = credential_file_read(path, true, e);
	if (!doc && e->sys != ENOENT)
		return -1;
	if (!doc && !make)
		return 0;
	if (!doc)
		doc = json_object_new_object();
	int rc = change(doc, path, arg, e);
	return rc == 1 && write_back(dir, name, doc, path, e) < 0 ? -1 : rc;
}
