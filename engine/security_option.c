/* --security-opt, Docker's and podman's words:
 *   seccomp=FILE|unconfined|builtin, seccomp-log[=BOOL]
 *   apparmor=NAME|unconfined
 *   no-new-privileges[=BOOL], no-new-privs[=BOOL]
 *   systempaths=unconfined, mask=PATH[:PATH…], unmask=ALL|PATH[:PATH…]
 *   label=disable: SELinux labels processes and files; Tare sets none, so there is nothing to disable */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "engine/security_profile.h"

struct option {
	struct security_profile *p;
	const char *text;  /* the whole */
	const char *value; /* behind the first = or :, or NULL */
};

static int take_text(char **dst, const char *text, struct err *e)
{
	free(*dst);
	*dst = strdup(text);
	return *dst ? 0 : err_no_memory(e);
}

static int take_bool(const struct option *o, bool *dst, struct err *e)
{
	if (o->value && strcmp(o->value, "true") && strcmp(o->value, "false"))
		return err_set(e, ERR_USAGE, "--security-opt %.200s: true or false", o->text);
	*dst = !o->value || !strcmp(o->value, "true");
	return 0;
}

static int no_new_privileges(const struct option *o, struct err *e)
{
	return take_bool(o, &o->p->no_new_privileges, e);
}

static int seccomp_log(const struct option *o, struct err *e)
{
	return take_bool(o, &o->p->seccomp_log, e);
}

static int seccomp(const struct option *o, struct err *e)
{
	return security_seccomp_path(o->value, &o->p->seccomp, e);
}

static int apparmor(const struct option *o, struct err *e)
{
	if (!security_apparmor_name_ok(o->value))
		return err_set(e, ERR_USAGE,
		        "--security-opt %.200s: give the name of a loaded profile, tare-default or "
		        "unconfined",
		        o->text);
	return take_text(&o->p->apparmor, strcmp(o->value, "default") ? o->value : "tare-default", e);
}

static int systempaths(const struct option *o, struct err *e)
{
	if (strcmp(o->value, "unconfined"))
		return err_set(
		        e, ERR_USAGE, "--security-opt %.200s: only systempaths=unconfined is known", o->text);
	strv_free(o->p->masked_paths);
	strv_free(o->p->readonly_paths);
	o->p->masked_paths = o->p->readonly_paths = NULL;
	return 0;
}

static int mask(const struct option *o, struct err *e)
{
	cleanup_free char *copy = strdup(o->value);
	char *rest = copy;

	if (!copy)
		return err_no_memory(e);
	for (char *path; (path = text_next_part(&rest, ":"));) {
		if (*path != '/')
			return err_set(e, ERR_USAGE,
			        "--security-opt %.200s: \"%.100s\" is not an absolute path; for example "
			        "mask=/proc/cpuinfo:/sys/block",
			        o->text, path);
		if (security_path_expand(&o->p->masked_paths, path, e))
			return -1;
	}
	return 0;
}

/* Takes what the pattern fits out of the list; how many. */
static int take_out(char **list, const char *pattern)
{
	int n = 0;
	char **to = list;

	for (char **from = list; from && *from; from++) {
		if (text_glob(pattern, *from)) {
			free(*from);
			n++;
		} else {
			*to++ = *from;
		}
	}
	if (to)
		*to = NULL;
	return n;
}

static int unmask(const struct option *o, struct err *e)
{
	cleanup_free char *copy = strdup(o->value);
	char *rest = copy;

	if (!copy)
		return err_no_memory(e);
	for (char *path; (path = text_next_part(&rest, ":"));) {
		const char *pattern = strcmp(path, "ALL") && strcmp(path, "all") ? path : "*";
		if (*pattern != '/' && *pattern != '*')
			return err_set(e, ERR_USAGE,
			        "--security-opt %.200s: \"%.100s\" is not an absolute path; for example "
			        "unmask=/proc/acpi, or unmask=ALL",
			        o->text, path);
		if (!(take_out(o->p->masked_paths, pattern) + take_out(o->p->readonly_paths, pattern)) &&
		        *pattern == '/')
			return err_set(e, ERR_USAGE,
			        "--security-opt %.200s: %.100s is neither masked nor read-only by profile %s",
			        o->text, path, o->p->name);
	}
	return 0;
}

static int label(const struct option *o, struct err *e)
{
	if (!strcmp(o->value, "disable"))
		return 0;
	return err_set(e, ERR_UNSUPPORTED,
	        "--security-opt %.200s: Tare gives no SELinux labels; only label=disable is taken", o->text);
}

static const struct form {
	const char *word;
	bool needs_value;
	int (*apply)(const struct option *o, struct err *e);
} forms[] = {
        {"no-new-privileges", false, no_new_privileges},
        {"no-new-privs", false, no_new_privileges},
        {"seccomp", true, seccomp},
        {"seccomp-log", false, seccomp_log},
        {"apparmor", true, apparmor},
        {"systempaths", true, systempaths},
        {"mask", true, mask},
        {"unmask", true, unmask},
        {"label", true, label},
};
#define N_FORMS (sizeof forms / sizeof forms[0])

int security_option_apply(const char *text, struct security_profile *p, struct err *e)
{
	const char *sep = strpbrk(text, "=:");
	struct option o = {p, text, sep ? sep + 1 : NULL};
	size_t n = sep ? (size_t)(sep - text) : strlen(text);

	for (size_t i = 0; i < N_FORMS; i++)
		if (strlen(forms[i].word) == n && !strncmp(forms[i].word, text, n) &&
		        (o.value || !forms[i].needs_value))
			return forms[i].apply(&o, e);
	return err_set(e, ERR_USAGE,
	        "--security-opt \"%.200s\": give seccomp=FILE|unconfined|builtin, "
	        "apparmor=PROFILE|unconfined, "
	        "no-new-privileges[=false], seccomp-log, systempaths=unconfined, mask=PATH, unmask=PATH|ALL "
	        "or "
	        "label=disable",
	        text);
}
