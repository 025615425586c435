/* For people: which security profiles there are, what is wrong with one, and what holds for a container. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/text.h"
#include "engine/apparmor.h"
#include "engine/engine.h"
#include "engine/runtime/launch.h"
#include "engine/runtime/seccomp_profile.h"
#include "engine/security_profile.h"
#include "engine/user_range.h"

#define SECCOMP_MAX ((size_t)1 << 20)

/* ------------------------------------------------------------------ the list */

static bool is_listed(json *list, const char *name)
{
	for (size_t i = 0; i < json_object_array_length(list); i++)
		if (!strcmp(json_str(json_object_array_get_idx(list, i), "Name", ""), name))
			return true;
	return false;
}

static void add_profile(json *list, const char *place, const char *dir, const char *name)
{
	cleanup_free char *path = str_printf("%s/%s.json", dir, name);
	cleanup_strv char **problems = NULL;
	cleanup_security_profile struct security_profile p = {0};
	struct err e = ERR_INIT;
	cleanup_json json *doc = path ? security_profile_document(path, &e) : NULL;
	json *row = json_object_new_object();

	if (doc)
		(void)security_profile_read(doc, path, &p, &problems, &e);
	json_set_str(row, "Name", name);
	json_set_str(row, "Source", place);
	json_set_str(row, "Comment", !doc ? e.msg : problems ? problems[0] : json_str(doc, "comment", ""));
	json_set_str(row, "Path", path);
	json_set_bool(row, "Valid", doc && !problems);
	json_object_array_add(list, row);
}

static int list_place(json *list, enum security_profile_place place, const char *called, struct err *e)
{
	char dir[PATH_MAX];
	struct dirent **entries = NULL;

	int n = security_profile_place(place, dir) ? -1 : scandir(dir, &entries, NULL, alphasort);
	for (int i = 0; i < n; i++) {
		char *name = entries[i]->d_name;
		size_t len = strlen(name);
		/* The shipped directory holds filters, too. */
		if (len > 5 && *name != '.' && !strcmp(name + len - 5, ".json") &&
		        (place != SECURITY_PLACE_SHIPPED || strncmp(name, "seccomp", 7))) {
			name[len - 5] = '\0';
			if (!is_listed(list, name))
				add_profile(list, called, dir, name);
		}
		free(entries[i]);
	}
	free(entries);
	return n < 0 && errno == ENOMEM ? err_no_memory(e) : 0;
}

int tare_security_profiles(json **out, struct err *e)
{
	cleanup_json json *list = json_object_new_array();

	if (list_place(list, SECURITY_PLACE_HOST, "host", e) ||
	        list_place(list, SECURITY_PLACE_USER, "user", e) ||
	        list_place(list, SECURITY_PLACE_SHIPPED, "shipped", e))
		return -1;
	*out = steal_ptr(&list);
	return 0;
}

int tare_security_profile(const char *name, json **out, struct err *e)
{
	char path[PATH_MAX];

	if (security_profile_find(name, path, e))
		return -1;
	*out = security_profile_document(path, e);
	return *out ? 0 : err_wrap(e, "security profile");
}

/* ------------------------------------------------------------------ the check */

struct check {
	const char *path;
	const struct security_profile *p;
	char **problems, **notes;
};

__attribute__((format(printf, 2, 3))) static void note(char ***list, const char *fmt, ...)
{
	char text[700], clean[800];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	text_harmless_to(clean, sizeof clean, text);
	(void)strv_add(list, clean);
}

static void check_capabilities(struct check *c)
{
	uint64_t may = capability_bounding();

	if (c->p->capabilities == CAPABILITY_ALL)
		return; /* what there is */
	for (unsigned cap = 0; capability_name(cap); cap++) {
		uint64_t bit = UINT64_C(1) << cap;
		if (!(c->p->capabilities & bit) || may & bit)
			continue;
		if (prctl(PR_CAPBSET_READ, (unsigned long)cap, 0, 0, 0) < 0)
			note(&c->notes, "%s: newer than this kernel; it will be left out",
			        capability_name(cap));
		else
			note(&c->notes, "%s: this process does not have it and cannot give it on",
			        capability_name(cap));
	}
}

static void check_seccomp(struct check *c)
{
	cleanup_strv char **unknown = NULL;
	struct seccomp_filter f = {0};
	struct err e = ERR_INIT;
	char logged[512] = "";

	if (!c->p->seccomp)
		return;
	if (!strcmp(c->p->seccomp, "unconfined")) {
		if (c->p->seccomp_log)
			note(&c->notes, "seccompLog: there is no filter whose refusals could be logged");
		return;
	}
	cleanup_json json *doc = json_read_at(AT_FDCWD, c->p->seccomp, SECCOMP_MAX, &e);
	if (!doc || seccomp_profile_compile(doc, c->p->seccomp, c->p->capabilities, &f, &e))
		note(&c->problems, "%s", e.msg);
	seccomp_filter_free(&f);
	(void)seccomp_profile_unknown_calls(doc, &unknown);
	strv_foreach (name, unknown)
		note(&c->notes, "%s: system call \"%s\" is not known here and its rule without effect",
		        c->p->seccomp, *name);
	if (c->p->seccomp_log &&
	        file_read_small(AT_FDCWD, "/proc/sys/kernel/seccomp/actions_logged", logged, sizeof logged) >
	                0 &&
	        !strstr(logged, "errno"))
		note(&c->notes,
		        "seccompLog: this kernel logs only: %s (/proc/sys/kernel/seccomp/actions_logged)",
		        logged);
}

static void check_apparmor(struct check *c)
{
	const char *name = c->p->apparmor;

	if (name && strcmp(name, "unconfined") && !apparmor_enabled())
		note(&c->notes, "apparmor: this kernel runs without AppArmor; containers will not start");
}

static void check_userns(struct check *c)
{
	if (c->p->userns && strcmp(c->p->userns, "host") && !user_range_possible(NULL))
		note(&c->notes, "userns: ids of its own need Linux 5.19 and allowed user namespaces%s",
		        strncmp(c->p->userns, "auto", 4) ? "" : "; containers go without");
}

static void check_pids(struct check *c)
{
	struct cgroup_controller_state states[16];
	int n = cgroup_controllers(states, 16);

	for (int i = 0; c->p->pids_limit && i < n; i++)
		if (!strcmp(states[i].name, "pids") && !states[i].present)
			note(&c->notes, "pidsLimit: this host has no pids controller");
}

static void check_file(struct check *c)
{
	struct stat st;

	if (!stat(c->path, &st) && S_ISREG(st.st_mode) && st.st_mode & (S_IWGRP | S_IWOTH))
		note(&c->notes, "%s can be written by others than its owner; try: chmod go-w", c->path);
}

int tare_security_check(const char *name, json **out, struct err *e)
{
	char path[PATH_MAX];
	cleanup_security_profile struct security_profile p = {.no_new_privileges = true};
	struct check c = {.path = path, .p = &p};
	struct err why = ERR_INIT;

	if (security_profile_find(name, path, e))
		return -1;
	if (access(path, R_OK))
		return err_sys(e, "security profile %s", path);
	cleanup_json json *doc = security_profile_document(path, &why);
	if (!doc)
		note(&c.problems, "%s", why.msg);
	else if (security_profile_read(doc, path, &p, &c.problems, e))
		return -1;
	check_capabilities(&c);
	check_seccomp(&c);
	check_apparmor(&c);
	check_userns(&c);
	check_pids(&c);
	check_file(&c);
	json *o = *out = json_object_new_object();
	json_set_str(o, "Name", p.name ? p.name : name);
	json_set_str(o, "Path", path);
	json_set_bool(o, "Valid", !c.problems);
	json_set_strv(o, "Problems", c.problems);
	json_set_strv(o, "Notes", c.notes);
	strv_free(c.problems);
	strv_free(c.notes);
	return 0;
}
