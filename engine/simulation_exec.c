/* Being connected: exec, attach, and start and run with the caller at the other end. */
#include "engine/simulation_shell.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define ATTACH_MS    200
#define KILLED       137 /* 128 + SIGKILL */
#define REPLAY_LINES 10

static struct sim_shell shell_of(struct simulation *s, struct sim_container *c, struct sim_terminal *t)
{
	return (struct sim_shell){.s = s, .c = c, .t = t, .cwd = "/"};
}

/* ------------------------------------------------------------------ what a command would do */

void sim_outcome(struct simulation *s, json *line, char *const *args)
{
	struct sim_container c = {.name = (char *)json_str(line, "name", ""),
	        .image = (char *)json_str(line, "image", ""),
	        .asked = line,
	        .env = json_strv(line, "env"),
	        .tty = json_bool(line, "tty", false)};
	struct sim_terminal t;
	struct sim_shell sh = shell_of(s, &c, &t);
	int code;

	if (!args || !*args || !sim_program_named(*args)) {
		strv_free(c.env);
		return;
	}
	sim_terminal_open(&t, NULL, NULL);
	code = sim_command(&sh, args);
	json_set_str(line, "output", buf_str(&t.kept));
	json_set_int(line, "code", code);
	if (sh.seconds < 1000000000)
		json_set_int(line, "seconds", sh.seconds);
	else
		json_set_int(line, "seconds", -1);
	sim_terminal_close(&t);
	strv_free(c.env);
}

/* Its image's own, or one that the pretend shell has. */
static int check_command(struct simulation *s, const struct sim_container *c, struct err *e)
{
	const struct sim_image *image = sim_find_image(s, c->image_id, NULL);
	cleanup_strv char **own = sim_words(image ? image->role->command : NULL);
	const char *name = c->command && *c->command ? *c->command : NULL;
	const char *slash = name ? strrchr(name, '/') : NULL, *base = slash ? slash + 1 : name;
	const char *own_slash = own && *own ? strrchr(*own, '/') : NULL;
	const char *own_base = own_slash ? own_slash + 1 : own ? *own : NULL;

	if (!name)
		return err_set(e, ERR_USAGE, "image %s has no command; name one", c->image);
	if (c->role || sim_program_named(name) || (own_base && strcmp(own_base, base) == 0))
		return 0;
	return err_set(e, ERR_NO_COMMAND,
	        "\"%.100s\" is not in the demo's image %s: it has %s, and what its pretend shell knows; see: "
	        "tare "
	        "--demo run --rm busybox help",
	        name, c->image, own_base ? own_base : "no command");
}

/* ------------------------------------------------------------------ connected */

static int say_end(struct simulation *s, const struct sim_container *c, int code, struct err *e)
{
	json *line = sim_action("end", c->id);

	json_set_str(line, "how", "exit");
	json_set_int(line, "code", code);
	return sim_journal_add(s, line, e);
}

/* The container's command is a program of the pretend shell, which runs here. */
static int live(struct simulation *s, struct sim_container *c, const struct tare_io *io,
        enum tare_io_end *end, int *code, struct err *e)
{
	struct sim_terminal t;
	struct sim_shell sh = shell_of(s, c, &t);
	bool detached;

	if (sim_terminal_open(&t, io, e) < 0)
		return -1;
	t.s = s;
	t.id = c->id;
	*code = sim_command(&sh, c->command);
	if (t.ended)
		*code = KILLED;
	detached = t.detached;
	sim_terminal_close(&t);
	*end = detached ? TARE_IO_DETACHED : TARE_IO_EXITED;
	return detached ? 0 : say_end(s, c, *code, e);
}

static volatile sig_atomic_t pending_signal;

static void on_signal(int sig)
{
	pending_signal = sig;
}

/* ^C and the like go to the container. True: the caller has detached. */
static bool pass_input(struct simulation *s, const struct sim_container *c, struct sim_terminal *t)
{
	int key = SIM_KEY_NONE, sig = pending_signal;

	pending_signal = 0;
	do {
		key = sim_key(t, ATTACH_MS);
		if (key == 3 && t->raw)
			sig = SIGINT;
	} while (key >= 0 && !sig);
	if (key == SIM_KEY_NONE && t->in_end)
		poll(NULL, 0, ATTACH_MS);
	if (sig)
		sim_kill(&s->api, c->id, sig, NULL);
	return t->detached || t->gone;
}

static int pass_lines(struct simulation *s, const struct sim_container *c, const struct tare_io *io,
        int64_t *from, int64_t tail, struct err *e)
{
	int64_t now = sim_wall(s, sim_now(s));
	struct tare_log_options o = {.tail = tail,
	        .since = *from,
	        .until = now - 1,
	        .harmless = true,
	        .out = io->out,
	        .err = io->err};

	if (now <= *from)
		return 0;
	*from = now;
	return sim_logs(&s->api, c->id, &o, e);
}

static int follow(struct simulation *s, const char *id, const struct tare_io *io, struct sim_terminal *t,
        int64_t from, int64_t tail, enum tare_io_end *end, int *code, struct err *e)
{
	for (;;) {
		struct sim_container *c;
		struct sim_status st;
		bool up;

		if (sim_refresh(s, e) < 0)
			return -1;
		c = sim_by_id(s, id);
		st = c ? sim_at(c, sim_now(s)) : (struct sim_status){0};
		up = c && (st.state == TARE_RUNNING || st.state == TARE_PAUSED);
		if (c && st.there && pass_lines(s, c, io, &from, tail, e) < 0)
			return -1;
		tail = -1;
		*code = st.code;
		*end = TARE_IO_EXITED;
		if (!up)
			return 0;
		if (pass_input(s, c, t)) {
			*end = TARE_IO_DETACHED;
			return 0;
		}
	}
}

/* What the container says, until its end. */
static int stream(struct simulation *s, const struct sim_container *c, const struct tare_io *io, int64_t from,
        int64_t tail, enum tare_io_end *end, int *code, struct err *e)
{
	static const int passed[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
	struct sigaction sa = {.sa_handler = on_signal}, old[4];
	struct sim_terminal t;
	int rc;

	if (sim_terminal_open(&t, io, e) < 0)
		return -1;
	pending_signal = 0;
	for (size_t i = 0; i < 4 && io->sig_proxy; i++)
		sigaction(passed[i], &sa, &old[i]);
	rc = follow(s, c->id, io, &t, from, tail, end, code, e);
	for (size_t i = 0; i < 4 && io->sig_proxy; i++)
		sigaction(passed[i], &old[i], NULL);
	sim_terminal_close(&t);
	return rc;
}

/* ------------------------------------------------------------------ the table's functions */

static bool is_program(const struct sim_container *c)
{
	return c->output && c->command && *c->command && sim_program_named(*c->command);
}

int sim_start(struct tare_engine *t, const char *ref, const struct tare_io *io, enum tare_io_end *end,
        int *exit_code, struct err *e)
{
	struct simulation *s = sim_of(t);
	struct sim_container *c = sim_find(s, ref, e);
	struct sim_status st;
	int64_t from;

	if (!c || check_command(s, c, e) < 0)
		return -1;
	st = sim_at(c, sim_now(s));
	if (st.state == TARE_RUNNING || st.state == TARE_PAUSED || st.state == TARE_RESTARTING)
		return err_set(e, ERR_CONFLICT, "container %s runs already; see: tare ps", c->name);
	if (sim_ports_check(s, c, e) < 0)
		return -1;
	from = sim_wall(s, sim_now(s));
	if (sim_journal_add(s, sim_action("start", c->id), e) < 0)
		return -1;
	if (!io)
		return 0;
	if (is_program(c))
		return live(s, c, io, end, exit_code, e);
	return stream(s, c, io, from, -1, end, exit_code, e);
}

int sim_run(struct tare_engine *t, const struct tare_create *q, const struct tare_io *io, char *id,
        enum tare_io_end *end, int *exit_code, void (*started)(const char *id, void *arg), void *arg,
        struct err *e)
{
	struct simulation *s = sim_of(t);
	struct sim_container *c;

	if (sim_create(t, q, id, e) < 0)
		return -1;
	c = sim_by_id(s, id);
	if (c && (check_command(s, c, e) < 0 || sim_ports_check(s, c, e) < 0)) {
		if (q->auto_remove)
			sim_journal_add(s, sim_action("remove", id), NULL);
		return -1;
	}
	if (started)
		started(id, arg);
	return sim_start(t, id, io, end, exit_code, e);
}

static struct sim_container *need_running(struct simulation *s, const char *ref, struct err *e)
{
	struct sim_container *c = sim_find(s, ref, e);
	struct sim_status st;

	if (!c)
		return NULL;
	st = sim_at(c, sim_now(s));
	if (st.state == TARE_PAUSED)
		return err_set_null(
		        e, ERR_CONFLICT, "container %s is paused; first: tare unpause %s", c->name, c->name);
	if (st.state != TARE_RUNNING)
		return err_set_null(e, ERR_CONFLICT,
		        "container %s does not run; start it with: tare start %s", c->name, c->name);
	return c;
}

int sim_attach(struct tare_engine *t, const char *ref, const struct tare_io *io, enum tare_io_end *end,
        int *exit_code, struct err *e)
{
	struct simulation *s = sim_of(t);
	struct sim_container *c = need_running(s, ref, e);

	if (!c)
		return -1;
	if (is_program(c) && c->tty)
		return live(s, c, io, end, exit_code, e);
	return stream(s, c, io, io->no_replay ? sim_wall(s, sim_now(s)) : 1, REPLAY_LINES, end, exit_code, e);
}

int sim_exec(struct tare_engine *t, const char *ref, const struct tare_exec *x, const struct tare_io *io,
        enum tare_io_end *end, int *exit_code, struct err *e)
{
	struct simulation *s = sim_of(t);
	struct sim_container *c = need_running(s, ref, e);
	struct sim_terminal terminal;
	struct sim_shell sh;

	if (!c)
		return -1;
	if (!x->args || !*x->args || !sim_program_named(*x->args))
		return err_set(e, ERR_NO_COMMAND,
		        "\"%.100s\" is not in container %s of the demo; see: tare --demo exec %s help",
		        x->args && *x->args ? *x->args : "", c->name, c->name);
	*exit_code = 0;
	*end = TARE_IO_EXITED;
	if (x->detach || !io)
		return 0;
	if (sim_terminal_open(&terminal, io, e) < 0)
		return -1;
	sh = shell_of(s, c, &terminal);
	sh.env = (const char *const *)x->env;
	sh.user = x->user;
	if (x->workdir)
		snprintf(sh.cwd, sizeof(sh.cwd), "%.200s", x->workdir);
	terminal.s = s;
	terminal.id = c->id;
	*exit_code = sim_command(&sh, x->args);
	if (terminal.ended)
		*exit_code = KILLED;
	*end = terminal.detached ? TARE_IO_DETACHED : TARE_IO_EXITED;
	sim_terminal_close(&terminal);
	return 0;
}
