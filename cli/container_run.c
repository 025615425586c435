/* Commands that connect a container to this terminal, or start one. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "cli/command.h"
#include "cli/command_tables.h"
#include "cli/not_yet.h"
#include "cli/run_options.h"
#include "engine/tare.h"

/* ------------------------------------------------------------------ run, create */

static bool wants_stream(const struct run_options *o, const char *stream)
{
	return !o->attach || strv_has(o->attach, stream);
}

static struct tare_io run_io(const struct run_options *o)
{
	return (struct tare_io){
	        .in = o->create.interactive && wants_stream(o, "stdin") ? STDIN_FILENO : -1,
	        .out = wants_stream(o, "stdout") ? STDOUT_FILENO : -1,
	        .err = wants_stream(o, "stderr") ? STDERR_FILENO : -1,
	        .tty = o->create.tty,
	        .detach_keys = o->detach_keys,
	        .sig_proxy = o->sig_proxy,
	};
}

/* A terminal inside fed by something that is none outside behaves strangely: keys echo, lines end twice. */
static int check_terminal(bool tty, bool interactive, struct err *e)
{
	if (tty && interactive && !isatty(STDIN_FILENO))
		return err_set(e, ERR_USAGE,
		        "the input device is not a TTY; leave out -t, or run it from a terminal");
	return 0;
}

/* The file is claimed before anything is made, so that an old id is never mistaken for the new one. */
static int open_cidfile(const char *path, struct err *e)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	if (fd < 0 && errno == EEXIST)
		return err_set(e, ERR_CONFLICT,
		        "the file %s for the id exists; remove it or name another one", path);
	return fd < 0 ? err_sys(e, "cannot write the id to %s", path) : fd;
}

struct started {
	int cidfile; /* -1: none */
	bool print;
};

static void on_started(const char *id, void *arg)
{
	struct started *s = arg;

	if (s->cidfile >= 0 && write_all(s->cidfile, id, strlen(id)) < 0)
		log_line(LOG_LEVEL_WARN, "cannot write the file for the id: %m");
	if (!s->print)
		return;
	printf("%s\n", id);
	fflush(stdout);
}

/* How a connected command ends: with the container's code, or detached with 0, leaving a line that stands
 * below what the container had drawn. `ref` is how to come back; NULL: there is no way. */
static int io_exit_code(enum tare_io_end end, int exit_code, const char *ref)
{
	if (end != TARE_IO_DETACHED)
		return exit_code;
	if (isatty(STDERR_FILENO)) {
		fputc('\n', stderr);
		if (ref)
			log_line(LOG_LEVEL_INFO, "detached; come back with: tare attach %s", ref);
		else
			log_line(LOG_LEVEL_INFO, "detached");
	}
	return 0;
}

static int run_started(struct cli *cli, struct run_options *o, struct started *started)
{
	struct err e = ERR_INIT;
	struct tare_io io = run_io(o);
	struct tare_engine *engine = cli_engine(cli, &e);
	enum tare_io_end end = TARE_IO_EXITED;
	char id[TARE_ID_LEN + 1] = "";
	int exit_code = 0;

	started->print = o->detach;
	if (!engine || engine->run(engine, &o->create, o->detach ? NULL : &io, id, &end, &exit_code,
	                       on_started, started, &e) < 0)
		return cli_fail(cli, &e);
	return o->detach ? 0 : io_exit_code(end, exit_code, o->create.name ? o->create.name : id);
}

/* A file without an id in it would stand in the way of the next try. */
static void drop_empty_cidfile(const char *path, int fd)
{
	struct stat st;

	if (fstat(fd, &st) == 0 && st.st_size == 0)
		unlink(path);
}

static int run_run(struct cli *cli, void *options, char **operands)
{
	struct run_options *o = options;
	struct err e = ERR_INIT;
	struct started started = {.cidfile = -1};
	int code;

	if (run_options_finish(o, operands, &e) < 0)
		return cli_fail(cli, &e);
	if (o->detach && o->attach) {
		err_set(&e, ERR_USAGE, "--detach and --attach exclude each other; use one of them");
		return cli_fail(cli, &e);
	}
	if (!o->detach && check_terminal(o->create.tty, o->create.interactive, &e) < 0)
		return cli_fail(cli, &e);
	if (o->cidfile && (started.cidfile = open_cidfile(o->cidfile, &e)) < 0)
		return cli_fail(cli, &e);
	code = run_started(cli, o, &started);
	if (started.cidfile >= 0)
		drop_empty_cidfile(o->cidfile, started.cidfile);
	close_fd(&started.cidfile);
	return code;
}

static int create_run(struct cli *cli, void *options, char **operands)
{
	struct run_options *o = options;
	struct err e = ERR_INIT;
	struct started started = {.cidfile = -1, .print = true};
	struct tare_engine *engine;
	char id[TARE_ID_LEN + 1] = "";
	int code = 0;

	if (run_options_finish(o, operands, &e) < 0)
		return cli_fail(cli, &e);
	if (o->cidfile && (started.cidfile = open_cidfile(o->cidfile, &e)) < 0)
		return cli_fail(cli, &e);
	engine = cli_engine(cli, &e);
	if (!engine || engine->create(engine, &o->create, id, &e) < 0)
		code = cli_fail(cli, &e);
	else
		on_started(id, &started);
	if (started.cidfile >= 0)
		drop_empty_cidfile(o->cidfile, started.cidfile);
	close_fd(&started.cidfile);
	return code;
}

/* ------------------------------------------------------------------ start, attach */

struct connect_options {
	bool attach, interactive, no_stdin, sig_proxy, boot;
	const char *detach_keys;
};

static void connect_init(void *options)
{
	((struct connect_options *)options)->sig_proxy = true;
}

#define OPTIONS struct connect_options
static const struct option start_options[] = {
        OPT_FLAG("attach", 'a', attach, "Connect to its output and wait for its end"),
        OPT_FLAG("boot", 0, boot, "Start what the restart policies ask for after a boot"),
        OPT_FLAG("interactive", 'i', interactive, "Connect standard input too"),
        OPT_STRING("detach-keys", 0, detach_keys, "KEYS", "none",
                "Keys that detach: ctrl-p,ctrl-q by default, \"\" for none"),
        OPT_FLAG("sig-proxy", 0, sig_proxy, "Pass signals on to the container (default true)"),
        OPTION_END,
};

static const struct option attach_options[] = {
        OPT_STRING("detach-keys", 0, detach_keys, "KEYS", "none",
                "Keys that detach: ctrl-p,ctrl-q by default, \"\" for none"),
        OPT_FLAG("no-stdin", 0, no_stdin, "Do not connect standard input"),
        OPT_FLAG("sig-proxy", 0, sig_proxy, "Pass signals on to the container (default true)"),
        OPTION_END,
};
#undef OPTIONS

/* Whether it has a terminal and reads input is its own affair, decided when it was made. */
static int connect_io(struct tare_engine *engine, const char *ref, const struct connect_options *o,
        bool input, struct tare_io *io, struct err *e)
{
	cleanup_json json *doc = NULL;
	json *config;

	if (engine->inspect(engine, ref, false, &doc, e) < 0)
		return -1;
	config = json_get(doc, "Config");
	*io = (struct tare_io){
	        .in = input && json_bool(config, "OpenStdin", false) ? STDIN_FILENO : -1,
	        .out = STDOUT_FILENO,
	        .err = STDERR_FILENO,
	        .tty = json_bool(config, "Tty", false),
	        .detach_keys = o->detach_keys,
	        .sig_proxy = o->sig_proxy,
	};
	return 0;
}

static int start_connected(
        struct cli *cli, struct tare_engine *engine, const struct connect_options *o, const char *ref)
{
	struct err e = ERR_INIT;
	struct tare_io io;
	enum tare_io_end end = TARE_IO_EXITED;
	int exit_code = 0;

	if (connect_io(engine, ref, o, o->interactive, &io, &e) < 0 ||
	        check_terminal(io.tty, io.in >= 0, &e) < 0 ||
	        engine->start(engine, ref, &io, &end, &exit_code, &e) < 0)
		return cli_fail(cli, &e);
	return io_exit_code(end, exit_code, ref);
}

/* What a service runs once after a boot: it may not fail because one container does. */
static int start_boot(struct cli *cli, struct tare_engine *engine)
{
	struct err e = ERR_INIT;
	cleanup_strv char **started = NULL, **failed = NULL;

	if (!engine->boot) {
		err_set(&e, ERR_UNSUPPORTED, "start: --boot cannot be had here");
		return cli_fail(cli, &e);
	}
	int rc = engine->boot(engine, &started, &failed, &e);
	return cli_tell_each(cli, rc, started, failed, &e);
}

static int check_start(const struct connect_options *o, char *const *operands, struct err *e)
{
	if (o->boot && (operands[0] || o->attach || o->interactive))
		return err_set(
		        e, ERR_USAGE, "start: --boot goes alone: restart policies say which containers");
	if (!o->boot && !operands[0])
		return err_set(e, ERR_USAGE, "start: an operand is missing: name a container, or --boot");
	if ((o->attach || o->interactive) && operands[1])
		return err_set(e, ERR_USAGE, "only one container can be started and connected to at a time");
	return 0;
}

static int start_run(struct cli *cli, void *options, char **operands)
{
	struct connect_options *o = options;
	struct err e = ERR_INIT;
	struct tare_engine *engine = check_start(o, operands, &e) < 0 ? NULL : cli_engine(cli, &e);
	enum tare_io_end end;
	int exit_code, code = 0;

	if (!engine)
		return cli_fail(cli, &e);
	if (o->boot)
		return start_boot(cli, engine);
	if (o->attach || o->interactive)
		return start_connected(cli, engine, o, operands[0]);
	for (char **ref = operands; *ref; ref++) {
		e = (struct err)ERR_INIT;
		if (engine->start(engine, *ref, NULL, &end, &exit_code, &e) == 0) {
			printf("%s\n", *ref);
			continue;
		}
		cli_fail(cli, &e);
		code = operands[1] || err_exit_code(&e) == 125 ? 1 : err_exit_code(&e);
	}
	return code;
}

static int attach_run(struct cli *cli, void *options, char **operands)
{
	struct connect_options *o = options;
	struct err e = ERR_INIT;
	struct tare_engine *engine = cli_engine(cli, &e);
	struct tare_io io;
	enum tare_io_end end = TARE_IO_EXITED;
	int exit_code = 0;

	if (!engine || connect_io(engine, operands[0], o, !o->no_stdin, &io, &e) < 0 ||
	        check_terminal(io.tty, io.in >= 0, &e) < 0 ||
	        engine->attach(engine, operands[0], &io, &end, &exit_code, &e) < 0)
		return cli_fail(cli, &e);
	return io_exit_code(end, exit_code, operands[0]);
}

/* ------------------------------------------------------------------ exec */

struct exec_options {
	struct tare_exec exec;
	char **env, **env_files;
	const char *detach_keys;
};

#define OPTIONS struct exec_options
static const struct option exec_options[] = {
        OPT_FLAG("detach", 'd', exec.detach, "Run in the background"),
        OPT_STRING("detach-keys", 0, detach_keys, "KEYS", "none",
                "Keys that detach: ctrl-p,ctrl-q by default, \"\" for none"),
        OPT_LIST("env", 'e', env, "NAME=VALUE", "none",
                "Set a variable; NAME alone takes the value from here"),
        OPT_LIST("env-file", 0, env_files, "FILE", "files", "Read variables from FILE, one a line"),
        OPT_FLAG("interactive", 'i', exec.interactive, "Connect standard input"),
        OPT_FLAG("privileged", 0, exec.privileged, "Give all capabilities"),
        OPT_FLAG("tty", 't', exec.tty, "Give it a terminal"),
        OPT_COPY("user", 'u', exec.user, "USER[:GROUP]", "none", "Run as this user, by name or number"),
        OPT_COPY("workdir", 'w', exec.workdir, "DIR", "none", "Working directory"),
        OPTION_END,
};
#undef OPTIONS

/* The variables go through the same parsers as those of run. */
static int exec_env(struct exec_options *o, struct tare_create *scratch, struct err *e)
{
	strv_foreach (s, o->env_files)
		if (tare_parse_env_file(scratch, *s, e) < 0)
			return err_wrap(e, "--env-file");
	strv_foreach (s, o->env)
		if (tare_parse_env(scratch, *s, e) < 0)
			return err_wrap(e, "--env");
	o->exec.env = scratch->env;
	return 0;
}

static int exec_run(struct cli *cli, void *options, char **operands)
{
	struct exec_options *o = options;
	struct err e = ERR_INIT;
	__attribute__((cleanup(tare_create_free))) struct tare_create scratch;
	struct tare_io io = {
	        .in = o->exec.interactive ? STDIN_FILENO : -1,
	        .out = STDOUT_FILENO,
	        .err = STDERR_FILENO,
	        .tty = o->exec.tty,
	        .detach_keys = o->detach_keys,
	        .sig_proxy = true,
	};
	struct tare_engine *engine;
	enum tare_io_end end = TARE_IO_EXITED;
	int exit_code = 0;

	tare_create_init(&scratch);
	o->exec.args = operands + 1;
	o->exec.detach_keys = o->detach_keys;
	if (exec_env(o, &scratch, &e) < 0 ||
	        (!o->exec.detach && check_terminal(o->exec.tty, o->exec.interactive, &e) < 0))
		return cli_fail(cli, &e);
	engine = cli_engine(cli, &e);
	if (!engine || engine->exec(engine, operands[0], &o->exec, o->exec.detach ? NULL : &io, &end,
	                       &exit_code, &e) < 0)
		return cli_fail(cli, &e);
	return o->exec.detach ? 0 : io_exit_code(end, exit_code, NULL);
}

/* ------------------------------------------------------------------ the rows */

const struct command container_run_commands[] = {
        {
                .words = "run",
                .aliases = "container run",
                .group = GROUP_CONTAINERS,
                .operands = "IMAGE [COMMAND [ARG...]]",
                .max_operands = -1,
                .summary = "Run a command in a new container",
                .details = "Options end at the image; what follows belongs to the command. With --image or "
                           "--rootfs "
                           "all operands are the command. The exit code is the command's own; 125 when the "
                           "container "
                           "could not be made, 126 when the command cannot be executed, 127 when it is not "
                           "there.",
                .examples = "tare run --rm -it busybox sh\n"
                            "tare run -d --name web -p 8080:80 busybox httpd -f\n"
                            "tare run --rm --memory 256m --cpus 0.5 -v ./data:/data:ro busybox ls /data\n"
                            "tare run --image busybox --name one --cpu 20 --security-profile restricted",
                .complete = "images",
                .options = run_option_rows,
                .size = sizeof(struct run_options),
                .flag_hint = not_yet_run_flag,
                .init = run_options_init,
                .fini = run_options_fini,
                .stop_at_operand = true,
                .run = run_run,
        },
        {
                .words = "create",
                .aliases = "container create",
                .group = GROUP_CONTAINERS,
                .operands = "IMAGE [COMMAND [ARG...]]",
                .max_operands = -1,
                .summary = "Make a container without starting it",
                .details = "The id is printed. Options are those of run.",
                .examples = "tare create --name web busybox httpd -f\ntare start web",
                .complete = "images",
                .options = CREATE_OPTION_ROWS,
                .size = sizeof(struct run_options),
                .flag_hint = not_yet_run_flag,
                .init = run_options_init,
                .fini = run_options_fini,
                .stop_at_operand = true,
                .run = create_run,
        },
        {
                .words = "start",
                .aliases = "container start",
                .group = GROUP_CONTAINERS,
                .operands = "CONTAINER...|--boot",
                .max_operands = -1,
                .summary = "Start containers that are not running",
                .details =
                        "With --boot those are started whose restart policy asks for it after a boot: "
                        "always, and unless-stopped unless it was stopped by hand, on-failure if it failed; "
                        "once per boot. The service tare.service does that.",
                .examples = "tare start web db\ntare start -ai shell\ntare start --boot",
                .complete = "stopped",
                .options = start_options,
                .size = sizeof(struct connect_options),
                .init = connect_init,
                .run = start_run,
        },
        {
                .words = "attach",
                .aliases = "container attach",
                .group = GROUP_CONTAINERS,
                .operands = "CONTAINER",
                .min_operands = 1,
                .max_operands = 1,
                .summary = "Connect to a running container",
                .details = "The last screen of output is shown at once. The detach keys (ctrl-p,ctrl-q) "
                           "leave it running.",
                .examples = "tare attach shell\ntare attach --detach-keys ctrl-x shell",
                .complete = "running",
                .options = attach_options,
                .size = sizeof(struct connect_options),
                .init = connect_init,
                .run = attach_run,
        },
        {
                .words = "exec",
                .aliases = "container exec",
                .group = GROUP_CONTAINERS,
                .operands = "CONTAINER COMMAND [ARG...]",
                .min_operands = 2,
                .max_operands = -1,
                .summary = "Run a further command in a running container",
                .details = "Options end at the container. The exit code is the command's own.",
                .examples = "tare exec web ls -la\ntare exec -it web sh\ntare exec -u nobody -w /tmp -e A=b "
                            "web env",
                .complete = "running",
                .options = exec_options,
                .size = sizeof(struct exec_options),
                .stop_at_operand = true,
                .run = exec_run,
        },
        {0},
};
