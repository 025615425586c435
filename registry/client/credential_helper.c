/* The protocol of docker's credential helpers: one verb as argument, the server or a JSON document on
 * standard input, a JSON document or a message on standard output. Secrets pass by standard input only. */
#include "registry/client/credential_helper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "base/proc.h"
#include "registry/client/credential.h"
#include "registry/client/secret.h"

#define NAME_MAX_LEN 64
#define ANSWER_MAX   (1 << 20)
#define TIMEOUT_S    30 /* it may ask its user for the key of a store */

extern char **environ;

/* The name comes from a file that others may have a hand in, and becomes part of a program's path: with
 * "../../tmp/x" it would be a program of their choice.
 * Test: test_registry_credential.c, test_helper_names_are_no_paths. */
static bool name_ok(const char *name)
{
	size_t len = strlen(name);
	return len > 0 && len <= NAME_MAX_LEN &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == len;
}

int credential_helper_find(const char *name, char **path, struct err *e)
{
	const char *list = getenv("PATH");
	*path = NULL;
	if (!name_ok(name))
		return err_set(e, ERR_USAGE, "\"%.100s\" cannot be the name of a credential helper", name);
	if (!list || !*list)
		list = "/usr/local/bin:/usr/bin:/bin";
	while (*list) {
		size_t len = strcspn(list, ":");
		/* The working directory is nobody's path to programs that see passwords. */
		cleanup_free char *file =
		        list[0] == '/' ? str_printf("%.*s/docker-credential-%s", (int)len, list, name) : NULL;
		if (file && access(file, X_OK) == 0) {
			*path = steal_ptr(&file);
			return 0;
		}
		list += len + (list[len] == ':');
	}
	return err_set(e, ERR_NOT_FOUND,
	        "the credential helper docker-credential-%s is not installed; install it, or remove its name "
	        "from the file that has it",
	        name);
}

/* Its input as a file in memory: nothing to be written while it runs, no pipe to break. */
static int make_input(const char *text, size_t len, struct err *e)
{
	cleanup_fd int fd = memfd_create("tare-credential", MFD_CLOEXEC);
	if (fd < 0 || write_all(fd, text, len) < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return err_sys(e, "cannot pass input to a credential helper");
	return steal_fd(&fd);
}

static void set_signals(posix_spawnattr_t *attr)
{
	sigset_t none, usual;
	sigemptyset(&none);
	sigemptyset(&usual);
	sigaddset(&usual, SIGPIPE);
	sigaddset(&usual, SIGINT);
	sigaddset(&usual, SIGTERM);
	posix_spawnattr_setsigmask(attr, &none);
	posix_spawnattr_setsigdefault(attr, &usual);
	posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

/* 0 or an errno. */
static int start(const char *path, const char *verb, int in, int out, pid_t *pid)
{
	char *argv[] = {(char *)path, (char *)verb, NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	if (posix_spawn_file_actions_init(&actions) != 0)
		return ENOMEM;
	if (posix_spawnattr_init(&attr) != 0) {
		posix_spawn_file_actions_destroy(&actions);
		return ENOMEM;
	}
	set_signals(&attr);
	posix_spawn_file_actions_adddup2(&actions, in, 0);
	posix_spawn_file_actions_adddup2(&actions, out, 1);
	int rc = posix_spawn(pid, path, &actions, &attr, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	return rc;
}

/* Until it closes its output, says too much or takes too long.
 * Test: test_registry_credential.c, test_helper_is_bounded. */
static int read_answer(int fd, struct buf *out, int64_t deadline, const char *path, struct err *e)
{
	for (;;) {
		int64_t left = (deadline - now_boottime()) / 1000000;
		struct pollfd p = {.fd = fd, .events = POLLIN};
		int n = left > 0 ? poll(&p, 1, (int)left) : 0;
		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			return err_set(e, ERR_OTHER, "%s has not answered in time", path);
		if (n < 0 || out->len >= ANSWER_MAX)
			return err_set(e, ERR_CORRUPT, "%s says more than %d bytes", path, ANSWER_MAX);
		char *room = buf_reserve(out, 4096);
		ssize_t got = room ? read(fd, room, 4096) : -1;
		if (got < 0 && errno != EINTR)
			return err_sys(e, "cannot read what %s says", path);
		if (got == 0)
			return 0;
		if (got > 0)
			out->len += (size_t)got;
	}
}

/* The end of its output is not its own end; that gets the rest of the time. */
static int wait_end(pid_t pid, int64_t deadline, bool give_up, int *status)
{
	for (;;) {
		pid_t got = waitpid(pid, status, WNOHANG);
		if (got == pid)
			return 0;
		if (got < 0 && errno != EINTR)
			return -1;
		if (give_up || now_boottime() >= deadline) {
			kill(pid, SIGKILL);
			while (waitpid(pid, status, 0) < 0 && errno == EINTR)
				;
			return give_up ? 0 : -1;
		}
		poll(NULL, 0, 2);
	}
}

static int64_t deadline_of(void)
{
	const char *text = getenv("TARE_CREDENTIAL_HELPER_SECONDS"); /* shorter, for tests */
	long seconds = text ? strtol(text, NULL, 10) : 0;
	return now_boottime() +
	       (seconds > 0 && seconds < TIMEOUT_S ? seconds : TIMEOUT_S) * INT64_C(1000000000);
}

/* Run `docker-credential-NAME VERB`; its output into `out` and its exit code as the result. */
static int ask(
        const char *name, const char *verb, const char *input, size_t len, struct buf *out, struct err *e)
{
	cleanup_free char *path = NULL;
	int pipes[2], status = 0;
	pid_t pid = -1;
	if (credential_helper_find(name, &path, e) < 0)
		return -1;
	cleanup_fd int in = make_input(input, len, e);
	if (in < 0)
		return -1;
	if (pipe2(pipes, O_CLOEXEC) < 0)
		return err_sys(e, "cannot run %s", path);
	cleanup_fd int from = pipes[0];
	errno = start(path, verb, in, pipes[1], &pid);
	close_fd(&pipes[1]);
	if (errno)
		return err_sys(e, "cannot run %s", path);
	int64_t deadline = deadline_of();
	buf_reserve(out, ANSWER_MAX + 4096);
	int rc = read_answer(from, out, deadline, path, e);
	if (wait_end(pid, deadline, rc < 0, &status) < 0 && rc == 0)
		return err_set(e, ERR_OTHER, "%s does not end", path);
	if (rc < 0)
		return -1;
	if (out->data)
		out->data[out->len] = '\0';
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* A failed helper says why on its standard output; a secret it says only when it succeeds. */
static int failed(const char *name, const char *verb, const struct buf *out, int code, struct err *e)
{
	size_t len = strcspn(buf_str(out), "\r\n");
	if (strstr(buf_str(out), "credentials not found") || strstr(buf_str(out), "no such credentials"))
		return err_set(e, ERR_NOT_FOUND, "docker-credential-%s has no such credentials", name);
	if (len == 0)
		return err_set(
		        e, ERR_OTHER, "docker-credential-%s %s failed with exit code %d", name, verb, code);
	return err_set(e, ERR_OTHER, "docker-credential-%s %s: %.*s", name, verb,
	        (int)(len > 200 ? 200 : len), buf_str(out));
}

/* Its answer as JSON; what is wrong with it is not quoted. */
static json *answer(const char *name, const char *verb, const struct buf *out, struct err *e)
{
	json *doc = json_parse(buf_str(out), out->len, "answer", NULL);
	if (doc && json_object_is_type(doc, json_type_object))
		return doc;
	json_object_put(doc);
	return err_set_null(
	        e, ERR_CORRUPT, "docker-credential-%s %s has not answered with a JSON object", name, verb);
}

static int set(char **dst, const char *text, struct err *e)
{
	*dst = strdup(text);
	return *dst ? 0 : err_no_memory(e);
}

static int take_answer(json *doc, const char *name, struct credential *c, struct err *e)
{
	const char *user = json_str(doc, "Username", ""), *secret = json_str(doc, "Secret", "");
	if (!*user && !*secret)
		return 0;
	c->source = str_printf("docker-credential-%s", name);
	if (!c->source)
		return err_no_memory(e);
	if (strcmp(user, "<token>") == 0)
		return set(&c->identity_token, secret, e);
	return set(&c->username, user, e) < 0 ? -1 : set(&c->password, secret, e);
}

int credential_helper_get(const char *name, const char *server, struct credential *c, struct err *e)
{
	cleanup_secret struct buf out = BUF_INIT_MAX(2 * ANSWER_MAX);
	struct err why = ERR_INIT;
	int code = ask(name, "get", server, strlen(server), &out, e);
	if (code < 0)
		return -1;
	if (code > 0) {
		failed(name, "get", &out, code, &why);
		if (why.kind == ERR_NOT_FOUND)
			return 0;
		*e = why;
		return -1;
	}
	cleanup_json json *doc = answer(name, "get", &out, e);
	if (!doc)
		return -1;
	int rc = take_answer(doc, name, c, e);
	if (rc < 0)
		credential_free(c);
	return rc;
}

int credential_helper_store(const char *name, const char *server, const struct credential *c, struct err *e)
{
	cleanup_secret struct buf in = BUF_INIT_MAX(ANSWER_MAX), out = BUF_INIT_MAX(2 * ANSWER_MAX);
	cleanup_json json *doc = json_object_new_object();
	json_set_str(doc, "ServerURL", server);
	json_set_str(doc, "Username", c->identity_token ? "<token>" : c->username);
	json_set_str(doc, "Secret", c->identity_token ? c->identity_token : c->password);
	buf_reserve(&in, ANSWER_MAX / 2);
	json_print(&in, doc, JSON_COMPACT);
	if (in.failed)
		return err_no_memory(e);
	int code = ask(name, "store", in.data, in.len, &out, e);
	return code > 0 ? failed(name, "store", &out, code, e) : code;
}

int credential_helper_erase(const char *name, const char *server, struct err *e)
{
	cleanup_secret struct buf out = BUF_INIT_MAX(2 * ANSWER_MAX);
	int code = ask(name, "erase", server, strlen(server), &out, e);
	return code > 0 ? failed(name, "erase", &out, code, e) : code;
}

int credential_helper_list(const char *name, char ***servers, struct err *e)
{
	cleanup_secret struct buf out = BUF_INIT_MAX(2 * ANSWER_MAX);
	*servers = NULL;
	int code = ask(name, "list", "", 0, &out, e);
	if (code != 0)
		return code > 0 ? failed(name, "list", &out, code, e) : -1;
	cleanup_json json *doc = answer(name, "list", &out, e);
	if (!doc)
		return -1;
	json_object_object_foreach (doc, server, user) {
		(void)user;
		if (strv_add(servers, server) < 0)
			return err_no_memory(e);
	}
	return 0;
}
