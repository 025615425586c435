/* The image that a run or create needs, from wherever it may come: the store, what is shipped, a registry. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "base/proc.h"
#include "engine/image.h"
#include "engine/store/pull.h"

#define RESULT_MAX ((size_t)64 << 10)

static const char *policy_name(enum tare_pull pull)
{
	return pull == TARE_PULL_ALWAYS ? "always" : pull == TARE_PULL_NEWER ? "newer" : "missing";
}

/* For a person who waits: what takes so long. A script's standard error has only what went wrong. */
static void say_why(const struct image_want *want)
{
	if (want->pull == TARE_PULL_MISSING && !want->quiet && isatty(STDERR_FILENO))
		fprintf(stderr, "The image %s is not here yet; pulling it.\n", want->ref);
}

/* The child has said on standard error what went wrong: an error without words. */
static int child_error(int status, struct err *e)
{
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	return err_set(e, code > 128 ? ERR_INTERRUPTED : ERR_OTHER, "%s", "");
}

static int run_pull(const struct store *s, const struct image_want *want, struct buf *out, struct err *e)
{
	char helper[4096];
	int status;
	size_t n = 0;
	if (helper_path("tare-transfer", helper, sizeof(helper), e) < 0)
		return -1;
	char *argv[16] = {0};
	const char *const words[] = {helper, "pull", "--json", "--root", s->root, "--state", s->state,
	        "--policy", policy_name(want->pull)};
	for (; n < sizeof(words) / sizeof(*words); n++)
		argv[n] = (char *)(uintptr_t)words[n];
	if (want->quiet)
		argv[n++] = (char *)(uintptr_t) "--quiet";
	if (want->platform) {
		argv[n++] = (char *)(uintptr_t) "--platform";
		argv[n++] = (char *)(uintptr_t)want->platform;
	}
	argv[n++] = (char *)(uintptr_t) "--";
	argv[n] = (char *)(uintptr_t)want->ref;
	const struct spawn spawn = {.argv = argv, .out = out, .keep_fd = -1};
	if (spawn_wait(&spawn, &status, e) < 0)
		return -1;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : child_error(status, e);
}

/* The name under which it is here now, the caller's to free; a short name may have meant another registry. */
static char *pull(const struct store *s, const struct image_want *want, struct err *e)
{
	cleanup_buf struct buf out = BUF_INIT_MAX(RESULT_MAX);
	say_why(want);
	if (run_pull(s, want, &out, e) < 0)
		return NULL;
	cleanup_json json *list = json_parse(buf_str(&out), out.len, "the pull's result", e);
	if (!list)
		return NULL;
	json *row = json_object_is_type(list, json_type_array) ? json_object_array_get_idx(list, 0) : NULL;
	char *name = strdup(json_str(row, "Reference", want->ref));
	return name ? name : (err_no_memory(e), NULL);
}

/* ------------------------------------------------------------------ what will do */

/* Is the image for the platform that was asked for? Only what is spelled as the config spells it counts; for
 * all else tare-transfer knows the rules. */
static bool is_for(const struct image *i, const char *platform)
{
	const char *slash = platform ? strchr(platform, '/') : NULL;
	size_t os = slash ? (size_t)(slash - platform) : 0;
	if (!platform)
		return true;
	return slash && i->config.os && i->config.architecture && !i->config.variant &&
	       strncmp(i->config.os, platform, os) == 0 && !i->config.os[os] &&
	       strcmp(i->config.architecture, slash + 1) == 0;
}

/* Is it here, or shipped? Then nobody has to be asked. */
static bool is_here(const struct store *s, const struct image_want *want, struct err *e)
{
	cleanup_image struct image i = IMAGE_INIT;
	return image_ensure(s, want->ref, &i, e) == 0 && is_for(&i, want->platform);
}

/* NULL with e, or the name to look for, allocated. */
static char *provide(const struct store *s, const struct image_want *want, struct err *e)
{
	struct err why = ERR_INIT;
	bool ask = want->pull == TARE_PULL_ALWAYS || want->pull == TARE_PULL_NEWER;
	if (!ask && is_here(s, want, &why)) {
		char *name = strdup(want->ref);
		return name ? name : (err_no_memory(e), NULL);
	}
	if (want->pull == TARE_PULL_NEVER || (why.msg[0] && why.kind != ERR_NOT_FOUND)) {
		if (!why.msg[0])
			err_set(&why, ERR_NOT_FOUND, "the image %.300s is here, but not for %.100s",
			        want->ref, want->platform);
		if (e)
			*e = why;
		return NULL;
	}
	return pull(s, want, e);
}

/* Nothing is held while tare-transfer is waited for, since it sweeps too. */
int image_ensure_held(
        const struct store *s, const struct image_want *want, struct image *out, int *hold, struct err *e)
{
	bool ask = want->pull == TARE_PULL_ALWAYS || want->pull == TARE_PULL_NEWER || want->platform;
	cleanup_free char *name = NULL;
	for (int tries = 0; tries < 4; tries++) {
		*hold = pull_hold(s, e);
		if (*hold < 0)
			return -1;
		if ((name || !ask) && image_find(s, name ? name : want->ref, out, NULL) == 0)
			return 0;
		close_fd(hold);
		free(name);
		name = provide(s, want, e);
		if (!name)
			return -1;
	}
	return err_set(e, ERR_NOT_FOUND, "the image \"%.300s\" was removed while it was opened", want->ref);
}
