/* Actions: each is checked against the world as it is now and then becomes one line of the journal. */
#include "engine/simulation.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/proc.h"

#define STOP_TIMEOUT 3 /* seconds that one which ignores its stop signal is given */
#define WAIT_MS      100

static int act(struct simulation *s, const struct sim_container *c, const char *verb, struct err *e)
{
	return sim_journal_add(s, sim_action(verb, c->id), e);
}

static bool is_up(const struct sim_status *st)
{
	return st->state == TARE_RUNNING || st->state == TARE_PAUSED || st->state == TARE_RESTARTING;
}

/* A container that runs now; NULL with e. */
static struct sim_container *need_up(struct simulation *s, const char *ref, struct err *e)
{
	struct sim_container *c = sim_find(s, ref, e);
	struct sim_status st;

	if (!c)
		return NULL;
	st = sim_at(c, sim_now(s));
	if (!is_up(&st))
		return err_set_null(e, ERR_CONFLICT,
		        "container %s does not run; start it with: tare start %s", c->name, c->name);
	return c;
}

/* ------------------------------------------------------------------ create */

/* An id and a name that no other process comes to at the same time: the clock and the pid differ. */
static void new_id(const struct simulation *s, char id[TARE_ID_LEN + 1])
{
	static unsigned count;

	sim_hex(sim_hash(sim_hash((uint64_t)now_realtime(), (uint64_t)getpid()), s->journal_read + count++),
	        id, TARE_ID_LEN);
}

static char *new_name(struct simulation *s, const char *id)
{
	static const char *const manner[] = {"amber", "brisk", "calm", "deft", "eager", "fond", "glad",
	        "keen", "light", "mild", "neat", "quick", "sunny", "tidy", "vivid", "warm"};
	static const char *const thing[] = {"acorn", "birch", "comet", "dune", "fern", "heron", "ibis",
	        "lark", "maple", "otter", "pine", "quartz", "robin", "stoat", "tern", "wren"};
	uint64_t seed = sim_hash_text(id);
	char *name = str_printf("%s_%s", manner[seed % 16], thing[seed / 16 % 16]);

	if (name && !sim_by_name(s, name))
		return name;
	free(name);
	return str_printf("%s_%s_%.4s", manner[seed % 16], thing[seed / 16 % 16], id);
}

static void set_mounts(json *line, const struct tare_create *q, const char *id)
{
	json *mounts = json_object_new_array();
	char anonymous[TARE_ID_LEN + 1];

	for (size_t i = 0; i < q->n_mounts; i++) {
		const struct tare_mount *m = &q->mounts[i];
		cleanup_free char *text = NULL;

		sim_hex(sim_hash(sim_hash_text(id), i), anonymous, TARE_ID_LEN);
		if (m->kind == TARE_MOUNT_TMPFS)
			continue;
		text = str_printf(
		        "%s:%s%s", m->source ? m->source : anonymous, m->target, m->read_only ? ":ro" : "");
		if (text)
			json_add_str(mounts, text);
	}
	json_set(line, "mounts", mounts);
}

static void set_resources(json *line, const struct resources *r)
{
	json *more = sim_limits_document(r);

	if (more)
		json_set(line, "limits", more);
	json_set_int(line, "memory", r->memory);
	json_set_int(line, "pids", r->pids);
	if (r->cpu_quota_us > 0 && r->cpu_period_us)
		json_set_int(line, "cpus", r->cpu_quota_us * 100 / (int64_t)r->cpu_period_us);
}

static char **command_of(const struct tare_create *q, const struct sim_image *image)
{
	cleanup_strv char **v = strv_copy(q->has_entrypoint ? q->entrypoint : NULL);

	strv_foreach (a, q->args)
		if (strv_add(&v, *a) < 0)
			return NULL;
	if (v && !*v && !q->has_entrypoint) {
		strv_free(v);
		v = sim_words(image->role->command);
	}
	return steal_ptr(&v);
}

static json *create_line(struct simulation *s, const struct tare_create *q, const struct sim_image *image,
        const char *id, const char *name)
{
	json *line = sim_action("create", id);
	cleanup_strv char **args = command_of(q, image);

	json_set_str(line, "name", name);
	json_set_str(line, "image", q->image);
	json_set_str(line, "imageID", image->id);
	json_set_strv(line, "args", args);
	json_set_strv(line, "env", q->env);
	if (q->labels)
		json_set(line, "labels", json_object_get(q->labels));
	set_mounts(line, q, id);
	set_resources(line, &q->resources);
	json_set_bool(line, "rm", q->auto_remove);
	json_set_int(line, "restart", q->restart);
	json_set_int(line, "restartMax", q->restart_max);
	if (health_check_is_on(&q->health))
		json_set_strv(line, "probe", q->health.test);
	json_set_bool(line, "tty", q->tty);
	json_set_bool(line, "stdin", q->interactive);
	json_set_str(line, "hostname", q->hostname);
	json_set_str(line, "user", q->user);
	json_set_str(line, "workdir", q->workdir);
	sim_outcome(s, line, args);
	return line;
}

int sim_create(struct tare_engine *t, const struct tare_create *q, char *id, struct err *e)
{
	struct simulation *s = sim_of(t);
	struct sim_image *image;
	cleanup_free char *name = NULL;
	cleanup_json json *line = NULL;

	if (!q->image)
		return err_set(e, ERR_UNSUPPORTED,
		        "the demo runs only images, no --rootfs; see: tare --demo images");
	image = sim_find_image(s, q->image, e);
	if (q->auto_remove && q->restart != TARE_RESTART_NO)
		return err_set(e, ERR_USAGE,
		        "--restart and --rm exclude each other: it cannot be removed and started again");
	if (!image || (q->name && tare_name_check(q->name, e) < 0))
		return -1;
	new_id(s, id);
	name = q->name ? strdup(q->name) : new_name(s, id);
	if (!name)
		return err_no_memory(e);
	if (sim_by_name(s, name))
		return err_set(e, ERR_CONFLICT, "the name %s is taken; choose another one or: tare rm %s",
		        name, name);
	line = create_line(s, q, image, id, name);
	if (sim_endpoints_ask(s, line, q, image->role, e) < 0 || sim_journal_add(s, steal_ptr(&line), e) < 0)
		return -1;
	return sim_by_id(s, id) ? 0
	                        : err_set(e, ERR_CONFLICT, "the name %s was taken at the same moment", name);
}

/* ------------------------------------------------------------------ stop, kill, restart */

static int end_run(struct simulation *s, const struct sim_container *c, const char *how, int code, int signal,
        bool restarts, struct err *e)
{
	json *line = sim_action("end", c->id);

	json_set_str(line, "how", how);
	json_set_int(line, "code", code);
	json_set_int(line, "signal", signal);
	if (restarts)
		json_set_bool(line, "restarts", true);
	return sim_journal_add(s, line, e);
}

static int stop_run(struct simulation *s, const struct sim_container *c, int timeout, int signal,
        bool restarts, struct err *e)
{
	struct sim_status st = sim_at(c, sim_now(s));
	int seconds = timeout == TARE_TIMEOUT_DEFAULT ? STOP_TIMEOUT : timeout;
	bool deaf = c->nature.deaf && signal != SIGKILL && st.state == TARE_RUNNING;

	if (deaf && seconds < 0)
		return err_set(e, ERR_CONFLICT, "container %s ignores its stop signal; use: tare kill %s",
		        c->name, c->name);
	if (deaf && sim_runs(s) && seconds > 0 && poll(NULL, 0, seconds < 60 ? seconds * 1000 : 60000) < 0)
		return err_set(e, ERR_INTERRUPTED, "interrupted");
	return end_run(s, c, "stop",
	        deaf || signal == SIGKILL ? 137
	        : c->output               ? 143
	                                  : 0,
	        deaf ? SIGKILL : signal, restarts, e);
}

static int stop(struct tare_engine *t, const char *ref, int timeout, int signal, bool restarts, struct err *e)
{
	struct simulation *s = sim_of(t);
	const struct sim_container *c = sim_find(s, ref, e);
	struct sim_status st;

	if (!c)
		return -1;
	st = sim_at(c, sim_now(s));
	return is_up(&st) ? stop_run(s, c, timeout, signal ? signal : SIGTERM, restarts, e) : 0;
}

int sim_stop(struct tare_engine *t, const char *ref, int timeout, int signal, struct err *e)
{
	return stop(t, ref, timeout, signal, false, e);
}

int sim_shutdown(struct tare_engine *t, char ***stopped, char ***failed, struct err *e)
{
	struct simulation *s = sim_of(t);

	(void)failed; /* nothing can */
	if (sim_refresh(s, e) < 0)
		return -1;
	for (size_t i = 0; i < s->n_containers; i++) {
		const struct sim_container *c = s->containers[i];
		struct sim_status st = sim_at(c, sim_now(s));

		if (!is_up(&st))
			continue;
		strv_add(stopped, c->name);
		if (end_run(s, c, "host", c->nature.deaf ? 137 : 143, SIGTERM, false, e) < 0)
			return -1;
	}
	return sim_journal_add(s, sim_action("shutdown", NULL), e);
}

int sim_restart(struct tare_engine *t, const char *ref, int timeout, int signal, struct err *e)
{
	struct simulation *s = sim_of(t);
	const struct sim_container *c = sim_find(s, ref, e);

	if (!c || sim_ports_check(s, c, e) < 0 || stop(t, c->id, timeout, signal, true, e) < 0 ||
	        act(s, c, "start", e) < 0)
		return -1;
	return act(s, c, "restarted", e);
}

/* What a process that has no handler for it dies of. */
static bool is_deadly(const struct sim_container *c, int signal)
{
	if (signal == SIGKILL)
		return true;
	if (signal == SIGTERM || signal == SIGINT || signal == SIGQUIT)
		return !c->nature.deaf;
	return signal == SIGABRT || signal == SIGSEGV;
}

int sim_kill(struct tare_engine *t, const char *ref, int signal, struct err *e)
{
	struct simulation *s = sim_of(t);
	const struct sim_container *c = need_up(s, ref, e);
	int sig = signal ? signal : SIGKILL;
	json *line;

	if (!c)
		return -1;
	if (is_deadly(c, sig))
		return end_run(s, c, "kill", 128 + sig, sig, false, e);
	line = sim_action("signal", c->id);
	json_set_int(line, "signal", sig);
	return sim_journal_add(s, line, e);
}

int sim_process_signal(struct tare_engine *t, const char *ref, pid_t pid, int signal, struct err *e)
{
	struct simulation *s = sim_of(t);
	const struct sim_container *c = need_up(s, ref, e);
	struct sim_status st;
	unsigned n;

	if (!c)
		return -1;
	st = sim_at(c, sim_now(s));
	n = c->nature.pids;
	if (pid == sim_pid(c, &st))
		return sim_kill(t, c->id, signal, e);
	if (pid < sim_pid(c, &st) || pid >= sim_pid(c, &st) + (pid_t)n)
		return err_set(e, ERR_NOT_FOUND, "container %s has no process %d", c->name, (int)pid);
	return 0;
}

/* ------------------------------------------------------------------ pause, rename, remove */

int sim_pause(struct tare_engine *t, const char *ref, struct err *e)
{
	struct simulation *s = sim_of(t);
	const struct sim_container *c = need_up(s, ref, e);
	struct sim_status st;

	if (!c)
		return -1;
	st = sim_at(c, sim_now(s));
	if (st.state == TARE_RESTARTING)
		return err_set(
		        e, ERR_CONFLICT, "container %s is about to start again; try once more", c->name);
	return st.state == TARE_PAUSED ? err_set(e, ERR_CONFLICT, "container %s is paused already", c->name)
	                               : act(s, c, "pause", e);
}

int sim_unpause(struct tare_engine *t, const char *ref, struct err *e)
{
	struct simulation *s = sim_of(t);
	const struct sim_container *c = need_up(s, ref, e);
	struct sim_status st;

	if (!c)
		return -1;
	st = sim_at(c, sim_now(s));
	return st.state != TARE_PAUSED ? err_set(e, ERR_CONFLICT, "container %s is not paused", c->name)
	                               : act(s, c, "unpause", e);
}

int sim_rename(struct tare_engine *t, const char *ref, const char *name, struct err *e)
{
	struct simulation *s = sim_of(t);
	const struct sim_container *c = sim_find(s, ref, e);
	json *line;

	if (!c || tare_name_check(name, e) < 0)
		return -1;
	if (sim_by_name(s, name))
		return err_set(e, ERR_CONFLICT, "the name %s is taken; choose another one", name);
	line = sim_action("rename", c->id);
	json_set_str(line, "name", name);
	return sim_journal_add(s, line, e);
}

/* Its volumes without a name that nothing else uses. */
static int remove_volumes(struct simulation *s, const struct sim_container *c, struct err *e)
{
	strv_foreach (m, c->mounts) {
		cleanup_free char *name = strndup(*m, strcspn(*m, ":"));
		struct sim_volume *v = name ? sim_find_volume(s, name, NULL) : NULL;
		json *line;

		if (!v || !v->anonymous)
			continue;
		line = sim_action("volume-remove", NULL);
		json_set_str(line, "name", name);
		if (sim_journal_add(s, line, e) < 0)
			return -1;
	}
	return 0;
}

int sim_remove(struct tare_engine *t, const char *ref, const struct tare_remove *how, struct err *e)
{
	struct simulation *s = sim_of(t);
	const struct sim_container *c = sim_find(s, ref, e);
	struct sim_status st;
	bool gone;

	if (!c)
		return -1;
	st = sim_at(c, sim_now(s));
	if (is_up(&st) && !how->force)
		return err_set(e, ERR_CONFLICT, "container %s is %s; stop it first, or use: tare rm -f %s",
		        c->name, tare_state_name(st.state), c->name);
	gone = is_up(&st) && c->auto_remove;
	if (is_up(&st) && end_run(s, c, "kill", 137, SIGKILL, false, e) < 0)
		return -1;
	if ((how->volumes || c->auto_remove) && remove_volumes(s, c, e) < 0)
		return -1;
	return gone ? 0 : act(s, c, "remove", e);
}

/* ------------------------------------------------------------------ wait */

int sim_wait(struct tare_engine *t, const char *ref, bool removed, int *exit_code, struct err *e)
{
	struct simulation *s = sim_of(t);
	const struct sim_container *c = sim_find(s, ref, e);
	char id[TARE_ID_LEN + 1];

	if (!c)
		return -1;
	memcpy(id, c->id, sizeof(id));
	for (;;) {
		struct sim_status st = sim_at(c, sim_now(s));

		*exit_code = st.code;
		if (!st.there || (!removed && !is_up(&st)))
			return 0;
		if (poll(NULL, 0, WAIT_MS) < 0 && errno != EINTR)
			return err_sys(e, "cannot wait for container %s", c->name);
		if (sim_refresh(s, e) < 0)
			return -1;
		c = sim_by_id(s, id);
		if (!c)
			return 0;
	}
}
