/* Copying files out of containers and volumes to this machine, and into them. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "tui/app.h"
#include "tui/dialog.h"
#include "tui/request.h"
#include "tui/volume_actions.h"

#define CANDIDATES_MOST 200
#define PATH_SIZE       4096

/* ------------------------------------------------------------------ paths of this machine */

void complete_host_path(const char *text, char ***candidates)
{
	const char *blank = strrchr(text, ' '), *word = blank ? blank + 1 : text, *slash = strrchr(word, '/');
	size_t n = 0, len = slash ? (size_t)(slash - word) + 1 : 0;
	cleanup_free char *dir = len ? strndup(word, len) : strdup("."), *path = NULL;
	DIR *d = dir ? opendir(dir) : NULL;
	struct stat st;

	for (struct dirent *entry; d && n < CANDIDATES_MOST && (entry = readdir(d));) {
		const char *typed = word + len;

		if (strncmp(entry->d_name, typed, strlen(typed)) != 0 ||
		        (entry->d_name[0] == '.' && *typed != '.') || !strcmp(entry->d_name, ".") ||
		        !strcmp(entry->d_name, ".."))
			continue;
		free(path);
		path = str_printf("%.*s%s", (int)len, word, entry->d_name);
		if (path && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
			strv_take(candidates, str_printf("%s/", path));
		else if (path)
			strv_add(candidates, path);
		n++;
	}
	if (d)
		closedir(d);
}

static void complete(struct app *a, const char *text, char ***candidates, void *arg)
{
	(void)a;
	(void)arg;
	complete_host_path(text, candidates);
}

/* ------------------------------------------------------------------ what is copied */

/* What a prompt was opened for, whatever is selected when it is answered. */
struct copying {
	enum tare_tree tree;
	char *name, *path;
};

static void copying_free(void *arg)
{
	struct copying *c = arg;

	if (!c)
		return;
	free(c->name);
	free(c->path);
	free(c);
}

static struct copying *copying_new(enum tare_tree tree, const char *name, const char *path)
{
	struct copying *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->tree = tree;
	c->name = strdup(name);
	c->path = strdup(path);
	if (c->name && c->path)
		return c;
	copying_free(c);
	return NULL;
}

/* `tare cp [--volume] FROM TO`, of which one is NAME:PATH. */
static struct request *request_of(const struct copying *c, const char *host, bool out)
{
	struct request *r = request_new(c->tree == TARE_TREE_VOLUME ? "cp --volume" : "cp");
	cleanup_free char *inside = str_printf("%s:%s", c->name, c->path);
	/* not taken for one in a container, or an option */
	cleanup_free char *outside = *host == '/' || *host == '.' ? strdup(host) : str_printf("./%s", host);

	request_word(r, out ? (inside ? inside : "") : (outside ? outside : ""));
	request_word(r, out ? (outside ? outside : "") : (inside ? inside : ""));
	return r;
}

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

/* ------------------------------------------------------------------ out */

static bool is_directory(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* "/a/b" of "b" in the working directory "/a". */
static char *full_path(const char *path)
{
	cleanup_free char *here = *path == '/' ? NULL : getcwd(NULL, 0);

	while (!strncmp(path, "./", 2))
		path += 2 + strspn(path + 2, "/");
	return here ? str_printf("%s/%s", strcmp(here, "/") ? here : "", path) : strdup(path);
}

struct landing {
	char *host; /* what `tare cp` is told */
	char *path; /* where it will be: the full path */
};

/* A directory that is there gets it inside, as cp does it; but one of the same name, without a slash at its
 * end, is meant itself: to copy the same twice should not make etc/etc. */
static struct landing land(const char *text, const char *path)
{
	const char *base = base_of(path);
	bool is_root = !strcmp(path, "/");
	cleanup_free char *full = full_path(text);
	struct landing l = {NULL, NULL};

	if (!full)
		return l;
	if (is_root || !is_directory(full)) {
		l.host = strdup(text);
		l.path = strdup(full);
	} else if (text[strlen(text) - 1] != '/' && !strcmp(base_of(full), base)) {
		l.host = str_printf("%.*s", (int)(strlen(full) - strlen(base)), full);
		l.path = strdup(full);
	} else {
		l.host = strdup(text);
		l.path = str_printf("%s%s%s", full, full[strlen(full) - 1] == '/' ? "" : "/", base);
	}
	return l;
}

static void take_out(struct app *a, const char *text, void *arg)
{
	const struct copying *c = arg;
	struct landing l;
	struct request *r;

	if (!text || !*text)
		return;
	l = land(text, c->path);
	if (l.host && l.path) {
		r = request_of(c, l.host, true);
		request_title(r, "copy %s out of %s", c->path, c->name);
		request_said(r, "copied %s of %s to %s", c->path, c->name, l.path);
		if (is_directory(l.path))
			request_confirm(a, r, NULL, "Copy", true,
			        "Copy into %s of this machine, which is there? Files of the same names are "
			        "replaced.",
			        l.path);
		else if (access(l.path, F_OK) == 0)
			request_confirm(a, r, NULL, "Replace", true, "Replace %s of this machine?", l.path);
		else
			request_start(a, r);
	}
	free(l.host);
	free(l.path);
}

static void ask(struct app *a, const struct prompt_options *o)
{
	struct view *v = prompt_new(a, o);

	if (v)
		app_push(a, v);
}

void file_copy_out(struct app *a, enum tare_tree tree, const char *name, const char *path)
{
	struct copying *c = copying_new(tree, name, path);
	cleanup_free char *text = full_path(strcmp(path, "/") ? base_of(path) : name);
	char label[200];

	if (!c || !text) {
		copying_free(c);
		return;
	}
	snprintf(label, sizeof label, "Copy %.80s of %.60s to, on this machine", path, name);
	ask(a, &(struct prompt_options){.label = label,
	               .text = text,
	               .history = "copy-out",
	               .complete = complete,
	               .ok = take_out,
	               .arg = c,
	               .free_arg = copying_free});
}

/* ------------------------------------------------------------------ in */

static bool check_source(struct app *a, const char *text, char *error, size_t size, void *arg)
{
	struct stat st;

	(void)a;
	(void)arg;
	if (stat(text, &st) == 0)
		return true;
	snprintf(error, size, "there is no such file here; Tab completes");
	return false;
}

static void bring_in(struct app *a, const char *text, void *arg)
{
	const struct copying *c = arg;
	struct request *r;

	if (!text || !*text)
		return;
	r = request_of(c, text, false);
	request_title(r, "copy %s into %s", text, c->name);
	request_said(r, "copied %s into %s:%s", text, c->name, c->path);
	if (r)
		r->refresh = MODEL_FILES;
	request_start(a, r);
}

void file_copy_in(struct app *a, enum tare_tree tree, const char *name, const char *directory)
{
	/* with a slash at its end it can be nothing else than a directory */
	cleanup_free char *path =
	        str_printf("%s%s", directory, directory[strlen(directory) - 1] == '/' ? "" : "/");
	struct copying *c = path ? copying_new(tree, name, path) : NULL;
	char label[200];

	if (!c)
		return;
	snprintf(label, sizeof label, "Copy which file of this machine into %.60s:%.80s", name, path);
	ask(a, &(struct prompt_options){.label = label,
	               .history = "copy-in",
	               .check = check_source,
	               .complete = complete,
	               .ok = bring_in,
	               .arg = c,
	               .free_arg = copying_free});
}
