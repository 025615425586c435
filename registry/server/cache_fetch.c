/* Fetching: the worker asks, the supervisor runs tare-transfer. The answer is a line of JSON, then the
 * content:
 * {"mediaType":…,"digest":…,"size":…}, {"same":true}, {"unknown":true} or {"error":text}. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/proc.h"
#include "base/signal.h"
#include "registry/server/cache_private.h"
#include "registry/server/channel.h"

#define HEAD_MAX 4096

/* ------------------------------------------------------------------ in the worker */

/* A client that asks for a thousand blobs at once waits for all of them, instead of being told that most
 * failed because the supervisor starts no more. tests/e2e/registry-cache.bats "many at once" */
static void take_turn(struct cache *c)
{
	pthread_mutex_lock(&c->lock);
	while (c->fetches >= CACHE_FETCHES)
		pthread_cond_wait(&c->change, &c->lock);
	c->fetches++;
	pthread_mutex_unlock(&c->lock);
}

void cache_fetch_end(struct cache *c, int *fd)
{
	if (*fd < 0)
		return;
	close_fd(fd);
	pthread_mutex_lock(&c->lock);
	c->fetches--;
	pthread_cond_broadcast(&c->change);
	pthread_mutex_unlock(&c->lock);
}

int cache_fetch(struct cache *c, const struct upstream *u, const char *kind, const char *path,
        const char *reference, const char *known, struct err *e)
{
	int ends[2];
	cleanup_json json *j = json_object_new_object();

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(e, "cannot make a pipe");
	json_set_str(j, "do", "fetch");
	json_set_str(j, "kind", kind);
	json_set_str(j, "host", u->host);
	json_set_str(j, "path", path);
	json_set_str(j, "reference", reference);
	json_set_str(j, "known", known ? known : "");
	json_set_str(j, "via", c->id);
	take_turn(c);
	int rc = channel_send(c->channel_fd, j, &ends[1], 1);
	close(ends[1]);
	if (rc == 0)
		return ends[0];
	err_sys(e, "cannot ask for %s", path);
	cache_fetch_end(c, &ends[0]);
	return -1;
}

json *cache_fetch_head(int fd, struct err *e)
{
	char line[HEAD_MAX];

	for (size_t n = 0; n < sizeof(line); n++) {
		ssize_t got = read_full(fd, line + n, 1);
		if (got <= 0)
			break;
		if (line[n] == '\n')
			return json_parse(line, n, "the answer of tare-transfer", e);
	}
	return err_set_null(e, ERR_OTHER, "the upstream could not be asked; see the server's log");
}

/* ------------------------------------------------------------------ in the supervisor */

static void become_fetcher(char *const *argv, const char *via, int fd)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	signal_default_all();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(fd, STDOUT_FILENO) < 0)
		_exit(125);
	setenv("TARE_VIA", via, 1);
	execv(argv[0], argv);
	_exit(125);
}

static bool reference_ok(const char *text)
{
	struct digest d;

	return tag_ok(text) || digest_read(text, &d);
}

/* A worker that was taken over must not make the supervisor, which has all rights, run what it likes or ask
 * whom it likes: hosts are those of the command line, names and references have their grammar, and everything
 * goes as an argument of its own behind the words of one fixed command. tests/unit/test_registry_cache.c */
static bool message_ok(const struct upstreams *u, json *m)
{
	const char *kind = json_str(m, "kind", ""), *known = json_str(m, "known", "");

	return (strcmp(kind, "manifest") == 0 || strcmp(kind, "blob") == 0) &&
	       upstream_of_host(u, json_str(m, "host", "")) && repository_name_ok(json_str(m, "path", "")) &&
	       reference_ok(json_str(m, "reference", "")) && (!*known || reference_ok(known)) &&
	       upload_id_ok(json_str(m, "via", ""));
}

bool cache_fetch_start(const struct upstreams *u, json *message, int fd)
{
	cleanup_fd int out = fd;
	char helper[4096];
	struct err e = ERR_INIT;

	if (!message_ok(u, message)) {
		log_line(LOG_LEVEL_WARN, "the worker asked to fetch what can't be fetched");
		return false;
	}
	cleanup_free char *name =
	        str_printf("%s/%s", json_str(message, "host", ""), json_str(message, "path", ""));
	if (!name || helper_path("tare-transfer", helper, sizeof(helper), &e) < 0) {
		log_line(LOG_LEVEL_WARN, "%s", name ? e.msg : "out of memory");
		return false;
	}
	char *argv[] = {helper, "--internal", "fetch", (char *)(uintptr_t)json_str(message, "kind", ""), name,
	        (char *)(uintptr_t)json_str(message, "reference", ""),
	        (char *)(uintptr_t)json_str(message, "known", ""), NULL};
	pid_t pid = fork();
	if (pid == 0)
		become_fetcher(argv, json_str(message, "via", ""), out);
	if (pid < 0)
		log_line(LOG_LEVEL_WARN, "cannot start tare-transfer: %s", strerror(errno));
	return pid > 0;
}
