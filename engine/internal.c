/* The verbs that only Tare itself uses, each by a process of its own: `tare --internal VERB ID`. */
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/proc.h"
#include "engine/engine.h"
#include "engine/health.h"
#include "engine/monitor/handoff.h"
#include "engine/restart.h"

void verb_words(const char *path, const struct store *s, const char *word, const char *id,
        const char *argv[VERB_WORDS + 1])
{
	const char *words[VERB_WORDS + 1] = {
	        path, "--root", s->root, "--state", s->state, "--internal", word, id, NULL};

	memcpy(argv, words, sizeof words);
}

void verb_fill(struct verb *v, const struct store *s, const char *word, const char *id)
{
	tare_path(v->path, sizeof v->path);
	verb_words(v->path, s, word, id, v->argv);
}

/* Only system calls: the caller may have threads. */
static _Noreturn void become_verb(const struct verb *v)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = 0; null >= 0 && fd <= 2; fd++)
		dup2(null, fd);
	close_fd_range(3, ~0u, 0);
	execv(v->argv[0], (char *const *)(uintptr_t)v->argv);
	_exit(127);
}

pid_t verb_spawn(const struct verb *v)
{
	int ends[2];
	pid_t pid = -1;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return -1;
	cleanup_fd int in = ends[0], out = ends[1];
	pid_t between = fork();
	if (between == 0) {
		pid = fork();
		if (pid == 0)
			become_verb(v);
		_exit(write_all(out, &pid, sizeof pid) != 0);
	}
	close_fd(&out);
	if (between > 0 && read_full(in, &pid, sizeof pid) != (ssize_t)sizeof pid)
		pid = -1;
	if (between > 0)
		waitpid(between, NULL, 0);
	return pid;
}

pid_t verb_child(const struct verb *v)
{
	pid_t pid = fork();

	if (pid == 0)
		become_verb(v);
	return pid;
}

/* The monitor asks by this whether it has to wait for another run. */
static int cleanup(const struct store *s, const char *id, struct err *e)
{
	cleanup_container struct container c = CONTAINER_INIT;
	struct exit_record how;

	if (cleanup_run(s, id, &how, e) != 0)
		return -1;
	if (container_open_id(s, id, &c, NULL) != 0 || !container_is_restarting(&c) ||
	        c.state.monitor.pid != getppid())
		return 0;
	return restart_exit_code(&c);
}

int engine_internal(struct tare_engine *t, const char *verb, const char *ref, struct err *e)
{
	const struct store *s = engine_store(t);

	if (strcmp(verb, "cleanup") == 0)
		return cleanup(s, ref, e);
	if (strcmp(verb, "restart") == 0)
		return restart_run(s, ref, e);
	if (strcmp(verb, "health") == 0)
		return health_run(t, ref, e);
	if (strcmp(verb, "unhealthy") == 0)
		return health_act(t, ref, e);
	if (strcmp(verb, "shutdown") == 0)
		return container_stop(s, ref, RESTART_NOTE_HOST, TARE_TIMEOUT_DEFAULT, 0, e);
	return err_set(e, ERR_USAGE, "no such internal verb: %s", verb);
}
