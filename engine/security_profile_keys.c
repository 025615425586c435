/* The keys of a security profile:
 *   name, comment       text for people
 *   capabilities        array of names; "ALL"
 *   seccomp             "default", "unconfined", or a file: absolute, beside the profile, or shipped
 *   apparmor            "tare-default", "unconfined", or a profile that is loaded
 *   userns              as in --userns: "host", "auto", or a map
 *   noNewPrivileges, readonlyRootfs, allDevices, writableSystem, seccompLog   true or false
 *   tmpfs               array: "/tmp", "/run:size=64m"
 *   pidsLimit           a number, 0 = none
 *   maskedPaths, readonlyPaths   arrays of absolute paths; a * is expanded on this host */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/proc.h"
#include "base/text.h"
#include "engine/oci/capability.h"
#include "engine/security_profile.h"
#include "engine/userns_mode.h"

#define PATHS_MAX 4096 /* of one list, expanded */

struct load {
	struct security_profile *p;
	const char *path; /* of the file */
	char ***problems; /* or NULL: the first one ends it */
};

/* One thing that is wrong. */
__attribute__((format(printf, 3, 4))) static int wrong(struct load *l, struct err *e, const char *fmt, ...)
{
	char text[600], clean[700];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	if (!l->problems)
		return err_set(e, ERR_USAGE, "%s: %s", l->path, text);
	text_harmless_to(clean, sizeof clean, text);
	return strv_add(l->problems, clean) ? err_no_memory(e) : 0;
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
	struct err why = ERR_INIT;

	if (!*text)
		return wrong(l, e, "\"seccomp\" is empty; give default, unconfined or a file");
	if (*text == '/' || !strcmp(text, "unconfined") || !strcmp(text, "default") ||
	        !strcmp(text, "builtin"))
		return security_seccomp_path(text, &l->p->seccomp, &why) ? wrong(l, e, "%s", why.msg) : 0;
	int n = snprintf(
	        beside, sizeof beside, "%.*s%s", slash ? (int)(slash - l->path) + 1 : 0, l->path, text);
	if (n < PATH_MAX && !faccessat(AT_FDCWD, beside, F_OK, 0))
		return security_seccomp_path(beside, &l->p->seccomp, e);
	if (!strchr(text, '/') && !shipped_path(text, &l->p->seccomp, NULL))
		return 0;
	return wrong(l, e, "no seccomp profile \"%.200s\" beside it or among the shipped ones", text);
}

/* ------------------------------------------------------------------ keys */

int security_path_expand(char ***list, const char *pattern, struct err *e)
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
		return wrong(l, e, "%s: \"%.200s\" is not an absolute path", key, text);
	return security_path_expand(list, text, e);
}

static int add_capability(struct load *l, const char *text, struct err *e)
{
	uint64_t bit = capability_parse(text);

	if (!bit)
		return wrong(l, e, "capabilities: \"%.80s\" is not known; a right one is CAP_NET_RAW", text);
	l->p->capabilities |= bit;
	return 0;
}

static int take_texts(struct load *l, const char *key, json *val, struct err *e)
{
	struct security_profile *p = l->p;
	int rc = 0;

	for (size_t i = 0; !rc && i < json_object_array_length(val); i++) {
		json *item = json_object_array_get_idx(val, i);
		const char *text = json_object_get_string(item);
		if (!json_object_is_type(item, json_type_string))
			rc = wrong(l, e, "%s[%zu] is not a text", key, i);
		else if (!strcmp(key, "capabilities"))
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

	if (strlen(text) != (size_t)json_object_get_string_len(val))
		return wrong(l, e, "\"%s\" has a zero byte in it", key);
	if (!strcmp(key, "comment"))
		return 0;
	if (!strcmp(key, "name"))
		return set_path(&l->p->name, text, e);
	if (!strcmp(key, "seccomp"))
		return profile_seccomp(l, text, e);
	if (!*text)
		return wrong(l, e, "\"%s\" is empty; leave it out, or give %s", key,
		        !strcmp(key, "userns") ? "auto or host" : "tare-default or unconfined");
	if (!strcmp(key, "apparmor") && !security_apparmor_name_ok(text))
		return wrong(l, e,
		        "\"apparmor\" is no name of a profile: blanks, quotes and line ends are in none");
	struct userns_mode mode;
	struct err why = ERR_INIT;
	if (!strcmp(key, "userns") && userns_mode_parse(&mode, text, &why))
		return wrong(l, e, "\"userns\": %s", why.msg);
	return set_path(!strcmp(key, "userns") ? &l->p->userns : &l->p->apparmor, text, e);
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
	else if (!strcmp(key, "seccompLog"))
		l->p->seccomp_log = on;
	else
		l->p->writable_system = on;
	return 0;
}

static int take_number(struct load *l, const char *key, json *val, struct err *e)
{
	l->p->pids_limit = json_object_get_int64(val);
	if (l->p->pids_limit < 0)
		return wrong(l, e, "%s is negative; 0 means no limit", key);
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
        {"seccompLog", json_type_boolean, take_flag},
        {"apparmor", json_type_string, take_text},
        {"userns", json_type_string, take_text},
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
	return wrong(l, e, "\"%s\" is not a key of a security profile%s%s%s", shown,
	        nearest ? "; did you mean " : "", nearest ? nearest : "", nearest ? "?" : "");
}

static int take_key(struct load *l, const char *key, json *val, struct err *e)
{
	for (size_t i = 0; i < N_KEYS; i++) {
		if (strcmp(keys[i].key, key))
			continue;
		if (!json_object_is_type(val, keys[i].type))
			return wrong(l, e, "\"%s\" must be of type %s", key, json_type_to_name(keys[i].type));
		return keys[i].take(l, key, val, e);
	}
	return unknown_key(l, key, e);
}

/* A mistyped member would otherwise leave a container with less protection than its writer believes: nothing
 * in a profile is ignored. Test: test_security_profile.c, "bad_ones_are_quoted". */
int security_profile_read(
        json *doc, const char *path, struct security_profile *p, char ***problems, struct err *e)
{
	struct load l = {p, path, problems};

	if (!json_object_is_type(doc, json_type_object))
		return wrong(&l, e, "not a JSON object");
	json_object_object_foreach (doc, key, val) {
		if (take_key(&l, key, val, e))
			return -1;
	}
	/* What a profile doesn't say must not mean "no filter". */
	return p->seccomp ? 0 : shipped_path("seccomp.json", &p->seccomp, e);
}
