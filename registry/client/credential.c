/* Credentials: found, kept and forgotten in files and helpers. */
#include "registry/client/credential.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "registry/client/credential_entry.h"
#include "registry/client/credential_file.h"
#include "registry/client/credential_helper.h"
#include "registry/client/registries.h"

#define HUB        "docker.io"
#define HUB_SERVER "https://index.docker.io/v1/" /* what Docker calls it */
#define AUTH_FILES "containers-auth.json"        /* among credential-helpers: the files */

static void wipe(char *s)
{
	if (s)
		explicit_bzero(s, strlen(s));
	free(s);
}

void credential_free(struct credential *c)
{
	wipe(c->username);
	wipe(c->password);
	wipe(c->identity_token);
	free(c->source);
	memset(c, 0, sizeof(*c));
}

int credential_from_text(const char *text, struct credential *c, struct err *e)
{
	const char *colon = strchr(text, ':');

	*c = (struct credential){
	        .username = colon ? strndup(text, (size_t)(colon - text)) : strdup(text),
	        .password = strdup(colon ? colon + 1 : ""),
	        .source = strdup("--creds"),
	};
	if (c->username && c->password && c->source)
		return 0;
	credential_free(c);
	return err_no_memory(e);
}

/* `domain` or domain/repository in the spelling of keys. */
static int make_key(const char *domain, const char *repository, char key[CREDENTIAL_KEY_SIZE], struct err *e)
{
	cleanup_free char *name =
	        repository && *repository ? str_printf("%s/%s", domain, repository) : strdup(domain);
	if (!name)
		return err_no_memory(e);
	if (!credential_key(name, key))
		return err_set(e, ERR_USAGE, "\"%.300s\" is no registry; expected HOST[:PORT]", domain);
	return 0;
}

/* ------------------------------------------------------------------ finding */

/* Docker knows its hub to helpers by a URL, podman by name. */
static int helper_get(const char *helper, const char *host, struct credential *c, struct err *e)
{
	if (strcmp(host, HUB) == 0 && credential_helper_get(helper, HUB_SERVER, c, e) < 0)
		return -1;
	return credential_is_set(c) ? 0 : credential_helper_get(helper, host, c, e);
}

static const char *string_of(json *value)
{
	return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
}

/* A store for everything that isn't installed is a left-over of another desktop, and no reason to refuse
 * what needs no credentials. */
static int store_get(json *doc, const char *path, const char *host, struct credential *c, struct err *e)
{
	const char *name = json_str(doc, "credsStore", NULL);
	cleanup_free char *program = NULL;
	struct err why = ERR_INIT;
	if (!name || !*name)
		return 0;
	if (credential_helper_find(name, &program, &why) < 0) {
		log_line(LOG_LEVEL_WARN, "%s (credsStore of %s)", why.msg, path);
		return 0;
	}
	return helper_get(name, host, c, e);
}

static int entries_get(json *auths, const char *path, const char *full, struct credential *c, struct err *e)
{
	char key[CREDENTIAL_KEY_SIZE];
	snprintf(key, sizeof(key), "%s", full);
	do {
		json *entry = credential_map_get(auths, key, NULL);
		if (entry && credential_entry_read(entry, path, key, c, e) < 0)
			return -1;
		if (credential_is_set(c)) {
			c->source = strdup(path);
			return c->source ? 0 : err_no_memory(e);
		}
	} while (credential_key_up(key));
	return 0;
}

/* What one file says of `full`, a key with its repository. */
static int document_get(json *doc, const char *path, const char *full, struct credential *c, struct err *e)
{
	char host[CREDENTIAL_KEY_SIZE];
	snprintf(host, sizeof(host), "%.*s", (int)strcspn(full, "/"), full);
	const char *helper = string_of(credential_map_get(json_get(doc, "credHelpers"), host, NULL));
	if (helper && *helper && helper_get(helper, host, c, e) < 0)
		return err_wrap(e, "%s", path);
	if (credential_is_set(c))
		return 0;
	if (entries_get(json_get(doc, "auths"), path, full, c, e) < 0 || credential_is_set(c))
		return credential_is_set(c) ? 0 : -1;
	return store_get(doc, path, host, c, e);
}

static int files_get(const char *authfile, const char *full, struct credential *c, struct err *e)
{
	cleanup_strv char **files = credential_files(authfile);
	if (!files)
		return err_no_memory(e);
	strv_foreach (path, files) {
		cleanup_json json *doc = credential_file_read(*path, authfile != NULL, e);
		if (!doc && e->msg[0])
			return -1;
		if (doc && document_get(doc, *path, full, c, e) < 0)
			return -1;
		if (credential_is_set(c))
			return 0;
	}
	return 0;
}

static int find(const char *authfile, const char *full, struct credential *c, struct err *e)
{
	cleanup_strv char **helpers = NULL;
	char host[CREDENTIAL_KEY_SIZE];
	snprintf(host, sizeof(host), "%.*s", (int)strcspn(full, "/"), full);
	if (registries_helpers(&helpers, e) < 0)
		return -1;
	if (!strv_len(helpers))
		return files_get(authfile, full, c, e);
	strv_foreach (name, helpers) {
		int rc = strcmp(*name, AUTH_FILES) == 0 ? files_get(authfile, full, c, e)
		                                        : helper_get(*name, host, c, e);
		if (rc < 0 || credential_is_set(c))
			return rc;
	}
	return 0;
}

int credential_find(
        const char *authfile, const char *domain, const char *repository, struct credential *c, struct err *e)
{
	char key[CREDENTIAL_KEY_SIZE];
	struct err own = ERR_INIT;
	memset(c, 0, sizeof(*c));
	e = e ? e : &own;
	if (make_key(domain, repository, key, e) < 0)
		return -1;
	int rc = find(authfile, key, c, e);
	if (rc < 0)
		credential_free(c);
	return rc;
}

/* ------------------------------------------------------------------ keeping and forgetting */

struct change {
	const char *domain; /* as keys are spelt; NULL: all */
	const struct credential *credential;
	char **where;
	bool found;
};

static int say_helper(const struct change *change, const char *name, struct err *e)
{
	free(*change->where);
	*change->where = str_printf("docker-credential-%s", name);
	return *change->where ? 0 : err_no_memory(e);
}

static int say_file(const struct change *change, const char *path, struct err *e)
{
	free(*change->where);
	*change->where = strdup(path);
	return *change->where ? 0 : err_no_memory(e);
}

/* The helper that this file wants for the domain, or NULL. */
static const char *helper_of(json *doc, const char *domain)
{
	const char *name = string_of(credential_map_get(json_get(doc, "credHelpers"), domain, NULL));
	if (!name || !*name)
		name = json_str(doc, "credsStore", NULL);
	return name && *name ? name : NULL;
}

static const char *server_of(const char *domain)
{
	return strcmp(domain, HUB) == 0 ? HUB_SERVER : domain;
}

static json *auths_of(json *doc)
{
	json *auths = json_get(doc, "auths");
	if (json_object_is_type(auths, json_type_object))
		return auths;
	json_set(doc, "auths", json_object_new_object());
	return json_get(doc, "auths");
}

/* Remove every spelling of the domain but `keep`. How many. */
static unsigned remove_spellings(json *auths, const char *domain, const char *keep)
{
	for (unsigned n = 0;; n++) {
		const char *written = NULL;
		json_object_object_foreach (auths, name, value) {
			char normal[CREDENTIAL_KEY_SIZE];
			(void)value;
			if (credential_key(name, normal) && strcmp(normal, domain) == 0 &&
			        !(keep && strcmp(name, keep) == 0))
				written = name;
		}
		if (!written)
			return n;
		json_object_object_del(auths, written);
	}
}

/* Under the key that is there already, so that nothing older hides it. */
static int keep_entry(json *doc, const char *path, void *arg, struct err *e)
{
	struct change *change = arg;
	const char *helper = helper_of(doc, change->domain);
	const char *written = NULL;
	json *auths = auths_of(doc);
	if (helper) {
		if (credential_helper_store(helper, server_of(change->domain), change->credential, e) < 0 ||
		        say_helper(change, helper, e) < 0)
			return -1;
		return remove_spellings(auths, change->domain, NULL) > 0;
	}
	json *entry = credential_map_get(auths, change->domain, &written);
	cleanup_free char *key = strdup(written ? written : change->domain);
	if (!key)
		return err_no_memory(e);
	if (!json_object_is_type(entry, json_type_object)) {
		json_set(auths, key, json_object_new_object());
		entry = json_get(auths, key);
	}
	if (credential_entry_write(entry, change->credential, e) < 0 || say_file(change, path, e) < 0)
		return -1;
	remove_spellings(auths, change->domain, key);
	return 1;
}

int credential_store(
        const char *authfile, const char *domain, const struct credential *c, char **where, struct err *e)
{
	cleanup_strv char **helpers = NULL, **files = NULL;
	char key[CREDENTIAL_KEY_SIZE];
	struct change change = {.domain = key, .credential = c, .where = where};
	struct err own = ERR_INIT;
	*where = NULL;
	e = e ? e : &own;
	if (make_key(domain, NULL, key, e) < 0 || registries_helpers(&helpers, e) < 0)
		return -1;
	if (strv_len(helpers) && strcmp(helpers[0], AUTH_FILES) != 0) {
		if (credential_helper_store(helpers[0], server_of(key), c, e) < 0)
			return -1;
		return say_helper(&change, helpers[0], e);
	}
	files = credential_own_files(authfile);
	if (!files || !files[0])
		return err_no_memory(e);
	return credential_file_change(files[0], true, keep_entry, &change, e) < 0 ? -1 : 0;
}

/* That it had none is fine. */
static int helper_forget(const char *helper, const char *domain, struct change *change, struct err *e)
{
	const char *servers[] = {domain, strcmp(domain, HUB) == 0 ? HUB_SERVER : NULL};
	for (size_t i = 0; i < 2 && servers[i]; i++) {
		cleanup_credential struct credential had = CREDENTIAL_INIT;
		struct err why = ERR_INIT;
		/* Many helpers erase what isn't there without a word. */
		if (credential_helper_get(helper, servers[i], &had, e) < 0)
			return -1;
		if (!credential_is_set(&had))
			continue;
		if (credential_helper_erase(helper, servers[i], &why) < 0 && why.kind != ERR_NOT_FOUND) {
			*e = why;
			return -1;
		}
		change->found = true;
		if (say_helper(change, helper, e) < 0)
			return -1;
	}
	return 0;
}

static int forget_all_of_helper(const char *helper, struct change *change, struct err *e)
{
	cleanup_strv char **servers = NULL;
	if (credential_helper_list(helper, &servers, e) < 0)
		return -1;
	strv_foreach (server, servers) {
		if (credential_helper_erase(helper, *server, e) < 0)
			return -1;
		change->found = true;
	}
	return change->found ? say_helper(change, helper, e) : 0;
}

/* Those of the helpers that the file names for single hosts. */
static int forget_mapped(json *map, struct change *change, struct err *e)
{
	if (!json_object_is_type(map, json_type_object))
		return 0;
	json_object_object_foreach (map, host, value) {
		char domain[CREDENTIAL_KEY_SIZE];
		const char *helper = string_of(value);
		if (helper && *helper && credential_key(host, domain) &&
		        helper_forget(helper, domain, change, e) < 0)
			return -1;
	}
	return 0;
}

static int forget_all(json *doc, const char *path, struct change *change, struct err *e)
{
	const char *store = json_str(doc, "credsStore", NULL);
	json *auths = auths_of(doc);
	if (store && *store && forget_all_of_helper(store, change, e) < 0)
		return -1;
	if (forget_mapped(json_get(doc, "credHelpers"), change, e) < 0)
		return -1;
	if (json_object_object_length(auths) == 0)
		return 0;
	json_set(doc, "auths", json_object_new_object());
	change->found = true;
	return say_file(change, path, e) < 0 ? -1 : 1;
}

static int forget_entry(json *doc, const char *path, void *arg, struct err *e)
{
	struct change *change = arg;
	if (!change->domain)
		return forget_all(doc, path, change, e);
	const char *helper = helper_of(doc, change->domain);
	if (helper && helper_forget(helper, change->domain, change, e) < 0)
		return -1;
	if (remove_spellings(auths_of(doc), change->domain, NULL) == 0)
		return 0;
	change->found = true;
	return say_file(change, path, e) < 0 ? -1 : 1;
}

static int not_logged_in(const char *authfile, const char *domain, struct err *e)
{
	cleanup_credential struct credential c = CREDENTIAL_INIT;
	if (!domain)
		return err_set(e, ERR_NOT_FOUND, "there are no credentials to remove");
	if (credential_find(authfile, domain, NULL, &c, NULL) == 0 && credential_is_set(&c))
		return err_set(e, ERR_NOT_FOUND,
		        "not logged in to %s by tare; %s has credentials for it: remove them with the tool "
		        "that "
		        "stored them",
		        domain, c.source);
	return err_set(e, ERR_NOT_FOUND, "not logged in to %s", domain);
}

static int forget_in_helpers(struct change *change, struct err *e)
{
	cleanup_strv char **helpers = NULL;
	if (registries_helpers(&helpers, e) < 0)
		return -1;
	strv_foreach (name, helpers) {
		if (strcmp(*name, AUTH_FILES) == 0)
			continue;
		if ((change->domain ? helper_forget(*name, change->domain, change, e)
		                    : forget_all_of_helper(*name, change, e)) < 0)
			return -1;
	}
	return 0;
}

int credential_erase(const char *authfile, const char *domain, char **where, struct err *e)
{
	cleanup_strv char **files = credential_own_files(authfile);
	char key[CREDENTIAL_KEY_SIZE];
	struct change change = {.domain = domain ? key : NULL, .where = where};
	struct err own = ERR_INIT;
	*where = NULL;
	e = e ? e : &own;
	if (!files)
		return err_no_memory(e);
	if ((domain && make_key(domain, NULL, key, e) < 0) || forget_in_helpers(&change, e) < 0)
		return -1;
	strv_foreach (path, files)
		if (credential_file_change(*path, false, forget_entry, &change, e) < 0)
			return -1;
	return change.found ? 0 : not_logged_in(authfile, domain, e);
}
