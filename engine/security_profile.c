/* Where the security profiles are. What is in one: security_profile_keys.c. */
#include "engine/security_profile.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/proc.h"
#include "base/text.h"

#define PROFILE_MAX ((size_t)64 << 10)

static bool name_is_plain(const char *name)
{
	return *name != '.' &&
	       !name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")];
}

int security_profile_place(enum security_profile_place place, char dst[PATH_MAX])
{
	const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	int n = PATH_MAX;

	if (place == SECURITY_PLACE_HOST)
		n = snprintf(dst, PATH_MAX, "/etc/tare/profiles");
	else if (place == SECURITY_PLACE_SHIPPED)
		return data_path("profiles", dst, PATH_MAX, NULL);
	else if (xdg && *xdg == '/')
		n = snprintf(dst, PATH_MAX, "%s/tare/profiles", xdg);
	else if (home && *home == '/')
		n = snprintf(dst, PATH_MAX, "%s/.config/tare/profiles", home);
	return n < PATH_MAX ? 0 : -1;
}

static bool find_in(enum security_profile_place place, const char *name, char dst[PATH_MAX])
{
	char dir[PATH_MAX];

	if (security_profile_place(place, dir))
		return false;
	int n = snprintf(dst, PATH_MAX, "%s/%s.json", dir, name);
	return n < PATH_MAX && faccessat(AT_FDCWD, dst, F_OK, 0) == 0;
}

int security_profile_find(const char *name, char dst[PATH_MAX], struct err *e)
{
	char shown[128];

	text_harmless_to(shown, sizeof shown, name);
	if (strchr(name, '/')) {
		if (snprintf(dst, PATH_MAX, "%s", name) >= PATH_MAX)
			return err_set(e, ERR_USAGE, "security profile \"%s\": the path is too long", shown);
		return 0;
	}
	if (!*name || !name_is_plain(name) || strlen(name) > 100)
		return err_set(e, ERR_USAGE,
		        "security profile \"%s\": give default, restricted, privileged, the name of your "
		        "own, or a file with a slash",
		        shown);
	/* The shipped directory holds filters, too. */
	if (find_in(SECURITY_PLACE_HOST, name, dst) || find_in(SECURITY_PLACE_USER, name, dst) ||
	        (strncmp(name, "seccomp", 7) && find_in(SECURITY_PLACE_SHIPPED, name, dst)))
		return 0;
	return err_set(e, ERR_NOT_FOUND,
	        "no security profile \"%s\" in /etc/tare/profiles, ~/.config/tare/profiles or among the "
	        "shipped ones (default, restricted, privileged)",
	        shown);
}

bool security_apparmor_name_ok(const char *name)
{
	const unsigned char *c = (const unsigned char *)name;

	while (*c > ' ' && *c != 0x7f && *c != '"' && *c != '\'' && *c != '\\')
		c++;
	return *name && !*c && strlen(name) <= 200;
}

json *security_profile_document(const char *path, struct err *e)
{
	return json_read_at(AT_FDCWD, path, PROFILE_MAX, e);
}

int security_profile_load(const char *name, struct security_profile *p, struct err *e)
{
	char path[PATH_MAX];

	*p = (struct security_profile){.no_new_privileges = true};
	if (security_profile_find(name ? name : "default", path, e))
		return -1;
	cleanup_json json *doc = security_profile_document(path, e);
	if (!doc)
		return err_wrap(e, "security profile");
	int rc = security_profile_read(doc, path, p, NULL, e);
	if (!rc && !p->name && !(p->name = strdup(name ? name : "default")))
		rc = err_no_memory(e);
	if (!rc)
		return 0;
	security_profile_free(p);
	return err_wrap(e, "security profile");
}

void security_profile_free(struct security_profile *p)
{
	free(p->name);
	free(p->seccomp);
	free(p->apparmor);
	free(p->userns);
	strv_free(p->tmpfs);
	strv_free(p->masked_paths);
	strv_free(p->readonly_paths);
	*p = (struct security_profile){0};
}
