/* The keys of a security profile:
 *   name, comment       text for people
 *   capabilities        array of names; "ALL"
 *   seccomp             "default", "unconfined", or a file: absolute, beside the profile, or shipped
 *   noNewPrivileges, readonlyRootfs, allDevices, writableSystem   true or false
 *   tmpfs               array: "/tmp", "/run:size=64m"
 *   pidsLimit           a number, 0 = none
 *   maskedPaths, readonlyPaths   arrays of absolute paths; a * is expanded on this host */
#include "engine/security_profile.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/proc.h"
#include "base/text.h"
#include "engine/oci/capability.h"

#define PROFILE_MAX ((size_t)64 << 10)
#define PATHS_MAX   4096 /* of one list, expanded */

struct load {
	struct security_profile *p;
	char path[PATH_MAX]; /* of the file */
};

/* ------------------------------------------------------------------ where it is */

static bool name_is_plain(const char *name)
{
	return *name != '.' &&
	       !name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")];
}

static bool try_directory(char dst[PATH_MAX], const char *dir, const char *sub, const char *name)
{
	int n = snprintf(dst, PATH_MAX, "%s%s/tare/profiles/%s.json", dir, sub, name);

	return n < PATH_MAX && faccessat(AT_FDCWD, dst, F_OK, 0) == 0;
}

static int find_profile(const char *name, char dst[PATH_MAX], struct err *e)
{
	const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	char shown[128], shipped[160];

	text_harmless_to(shown, sizeof shown, name);
	if (strchr(name, '/')) {
		if (snprintf(dst, PATH_MAX, "%s", name) >= PATH_MAX)
			return err_set(e, ERR_USAGE, "security profile \"%s\": the path is too long", shown);
		return 0;
	}
	if (!*name || !name_is_plain(name) || strlen(name) > 100)
		return err_set(e, ERR_USAGE,
		        "security profile \"%s\": give default, restricted, privileged, the name of your "
		        "own, or a file with "
		        "a slash",
		        shown);
	if (try_directory(dst, "/etc", "", name))
		return 0;
	if (xdg && *xdg == '/' ? try_directory(dst, xdg, "", name)
	                       : home && *home == '/' && try_directory(dst, home, "/.config", name))
		return 0;
	snprintf(shipped, sizeof shipped, "profiles/%s.json", name);
	if (data_path(shipped, dst, PATH_MAX, NULL) == 0)
		return 0;
	return err_set(e, ERR_NOT_FOUND,
	        "no security profile \"%s\" in /etc/tare/profiles, ~/.config/tare/profiles or among the "
	        "shipped ones "
	        "(default, restricted, privileged)",
	        shown);
}

/* ------------------------------------------------------------------ seccomp */

static int set_path(char **path, const char *text, struct err *e)
{
	char *copy = strdup(text);

	if (!copy)
		return err_no_memory(e);
	free(*path);
	*path = copy;
	return 0;
}

static int shipped_path(const char *file, char **path, struct err *e)
{
	char name[PATH_MAX], full[PATH_MAX];

	if (snprintf(name, sizeof name, "profiles/%s", file) >= PATH_MAX)
		return err_set(e, ERR_USAGE, "seccomp: the path is too long");
	return data_path(name, full, sizeof full, e) ? -1 : set_path(path, full, e);
}

int security_seccomp_path(const char *text, char **path, struct err *e)
{
	char full[PATH_MAX];

	if (!strcmp(text, "unconfined"))
		return set_path(path, text, e);
	if (!strcmp(text, "default") || !strcmp(text, "builtin"))
		return shipped_path("seccomp.json", path, e);
	/* The record outlives this working directory. */
	if (!realpath(text, full))
		return err_sys(e, "seccomp profile \"%.200s\" (or give default or unconfined)", text);
	return set_path(path, full, e);
}

/* A file named in a profile: beside it, or shipped, so that a copied profile still finds ours. */
static int profile_seccomp(struct load *l, const char *text, struct err *e)
{
	char beside[PATH_MAX];
	const char *slash = strrchr(l->path, '/');

	if (!*text)
		return err_set(e, ERR_USAGE, "%s: \"seccomp\" is empty; give default, unconfined or a file",
		        l->path);
	if (*text == '/' || !strcmp(text, "unconfined") || !strcmp(text, "default") ||
	        !strcmp(text, "builtin"))
		return security_seccomp_path(text, &l->p->seccomp, e);
	int n = snprintf(
	        beside, sizeof beside, "%.*s%s", slash ? (int)(slash - l->path) + 1 : 0, l->path, text);
	if (n < PATH_MAX && !faccessat(AT_FDCWD, beside, F_OK, 0))
		return security_seccomp_path(beside, &l->p->seccomp, e);
	if (!strchr(text, '/') && !shipped_path(text, &l->p->seccomp, NULL))
		return 0;
	return err_set(e, ERR_NOT_FOUND,
	        "%s: no seccomp profile \"%.200s\" beside it or among the shipped ones", l->path, text);
}

/* ------------------------------------------------------------------ keys */

static int expand(char ***list, const char *pattern, struct err *e)
{
	glob_t g;
	int rc = 0;

	if (!strchr(pattern, '*'))
		return strv_add(list, pattern) ? err_no_memory(e) : 0;
	if (glob(pattern, GLOB_NOSORT, NULL, &g))
		return 0; /* not on this host */
	for (size_t i = 0; !rc && i < g.gl_pathc && i < PATHS_MAX; i++)
		rc = strv_add(list, g.gl_pathv[i]);
	globfree(&g);
	return rc ? err_no_memory(e) : 0;
}

static int add_path(struct load *l, const char *key, const char *text, char ***list, struct err *e)
{
	if (*text != '/')
		return err_set(
		        e, ERR_USAGE, "%s: %s: \"%.200s\" is not an absolute path", l->path, key, text);
	return expand(list, text, e);
}

static int add_capability(struct load *l, const char *text, struct err *e)
{
	uint64_t bit = capability_parse(text);

	if (!bit)
		return err_set(e, ERR_USAGE,
		        "%s: capabilities: \"%.80s\" is not known; a right one is CAP_NET_RAW", l->path,
		        text);
	l->p->capabilities |= bit;
	return 0;
}

static int take_texts(struct load *l, const char *key, json *val, struct err *e)
{
	struct security_profile *p = l->p;
	int rc = 0;

	for (size_t i = 0; !rc && i < json_object_array_length(val); i++) {
		json *item = json_object_array_get_idx(val, i);
		if (!json_object_is_type(item, json_type_string))
			return err_set(e, ERR_USAGE, "%s: %s[%zu] is not a text", l->path, key, i);
		const char *text = json_object_get_string(item);
		if (!strcmp(key, "capabilities"))
			rc = add_capability(l, text, e);
		else if (!strcmp(key, "tmpfs"))
			rc = add_path(l, key, text, &p->tmpfs, e);
		else if (!strcmp(key, "maskedPaths"))
			rc = add_path(l, key, text, &p->masked_paths, e);
		else
			rc = add_path(l, key, text, &p->readonly_paths, e);
	}
	return rc;
}

static int take_text(struct load *l, const char *key, json *val, struct err *e)
{
	const char *text = json_object_get_string(val);

	if (!strcmp(key, "seccomp"))
		return profile_seccomp(l, text, e);
	return !strcmp(key, "name") ? set_path(&l->p->name, text, e) : 0;
}

static int take_flag(struct load *l, const char *key, json *val, struct err *e)
{
	bool on = json_object_get_boolean(val);

	(void)e;
	if (!strcmp(key, "noNewPrivileges"))
		l->p->no_new_privileges = on;
	else if (!strcmp(key, "readonlyRootfs"))
		l->p->readonly_rootfs = on;
	else if (!strcmp(key, "allDevices"))
		l->p->all_devices = on;
	else
		l->p->writable_system = on;
	return 0;
}

static int take_number(struct load *l, const char *key, json *val, struct err *e)
{
	l->p->pids_limit = json_object_get_int64(val);
	if (l->p->pids_limit < 0)
		return err_set(e, ERR_USAGE, "%s: %s is negative; 0 means no limit", l->path, key);
	return 0;
}

static const struct profile_key {
	const char *key;
	enum json_type type;
	int (*take)(struct load *l, const char *key, json *val, struct err *e);
} keys[] = {
        {"name", json_type_string, take_text},
        {"comment", json_type_string, take_text},
        {"capabilities", json_type_array, take_texts},
        {"seccomp", json_type_string, take_text},
        {"noNewPrivileges", json_type_boolean, take_flag},
        {"readonlyRootfs", json_type_boolean, take_flag},
        {"allDevices", json_type_boolean, take_flag},
        {"writableSystem", json_type_boolean, take_flag},
        {"tmpfs", json_type_array, take_texts},
        {"pidsLimit", json_type_int, take_number},
        {"maskedPaths", json_type_array, take_texts},
        {"readonlyPaths", json_type_array, take_texts},
};
#define N_KEYS (sizeof keys / sizeof keys[0])

static int unknown_key(struct load *l, const char *key, struct err *e)
{
	const char *words[N_KEYS], *nearest;
	char shown[128];

	for (size_t i = 0; i < N_KEYS; i++)
		words[i] = keys[i].key;
	text_harmless_to(shown, sizeof shown, key);
	nearest = text_nearest(key, words, N_KEYS);
	return err_set(e, ERR_USAGE, "%s: \"%s\" is not a key of a security profile%s%s%s", l->path, shown,
	        nearest ? "; did you mean " : "", nearest ? nearest : "", nearest ? "?" : "");
}

static int take_key(struct load *l, const char *key, json *val, struct err *e)
{
	for (size_t i = 0; i < N_KEYS; i++) {
		if (strcmp(keys[i].key, key))
			continue;
		if (!json_object_is_type(val, keys[i].type))
			return err_set(e, ERR_USAGE, "%s: \"%s\" must be of type %s", l->path, key,
			        json_type_to_name(keys[i].type));
		return keys[i].take(l, key, val, e);
	}
	return unknown_key(l, key, e);
}

static int take_all(struct load *l, json *doc, struct err *e)
{
	if (!json_object_is_type(doc, json_type_object))
		return err_set(e, ERR_USAGE, "%s: not a JSON object", l->path);
	json_object_object_foreach (doc, key, val) {
		if (take_key(l, key, val, e))
			return -1;
	}
	/* What a profile doesn't say must not mean "no filter". */
	return l->p->seccomp ? 0 : shipped_path("seccomp.json", &l->p->seccomp, e);
}

int security_profile_load(const char *name, struct security_profile *p, struct err *e)
{
	struct load l = {.p = p};

	*p = (struct security_profile){.no_new_privileges = true};
	if (find_profile(name ? name : "default", l.path, e))
		return -1;
	cleanup_json json *doc = json_read_at(AT_FDCWD, l.path, PROFILE_MAX, e);
	if (!doc)
		return err_wrap(e, "security profile");
	if (!take_all(&l, doc, e) && (p->name || !set_path(&p->name, name ? name : "default", e)))
		return 0;
	security_profile_free(p);
	return err_wrap(e, "security profile");
}

void security_profile_free(struct security_profile *p)
{
	free(p->name);
	free(p->seccomp);
	strv_free(p->tmpfs);
	strv_free(p->masked_paths);
	strv_free(p->readonly_paths);
	*p = (struct security_profile){0};
}
