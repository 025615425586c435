/* The programs that the pretend shell knows. */
#include "engine/simulation_shell.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/units.h"

#define YES_UNATTENDED 100 /* lines of `yes` when nobody is there to end it */

/* True: it was ended before. */
static bool nap(struct sim_shell *sh, int64_t ms)
{
	if (!sh->t->io) {
		sh->seconds = sh->seconds > INT64_MAX - ms / 1000 ? INT64_MAX : sh->seconds + ms / 1000;
		return true;
	}
	for (int64_t left = ms; left > 0; left -= 1000) {
		int c = sim_key(sh->t, left < 1000 ? (int)left : 1000);

		if (c == 3 || sh->t->gone || sh->t->detached || sh->t->ended)
			return true;
		if (c != SIM_KEY_NONE && c != SIM_KEY_END)
			left += 1000; /* a key that means nothing takes no time */
	}
	return false;
}

static char *absolute(const struct sim_shell *sh, const char *path)
{
	return *path == '/' ? strdup(path) : str_printf("%s/%s", sh->cwd, path);
}

/* ------------------------------------------------------------------ small ones */

static int run_true(struct sim_shell *sh, char *const *args)
{
	(void)sh;
	(void)args;
	return 0;
}

static int run_false(struct sim_shell *sh, char *const *args)
{
	(void)sh;
	(void)args;
	return 1;
}

static int run_echo(struct sim_shell *sh, char *const *args)
{
	bool newline = !(args[1] && strcmp(args[1], "-n") == 0);

	for (size_t i = newline ? 1 : 2; args[i]; i++)
		sim_say(sh->t, "%s%s", args[i], args[i + 1] ? " " : "");
	sim_say(sh->t, newline ? "\n" : "");
	return 0;
}

static int run_exit(struct sim_shell *sh, char *const *args)
{
	sh->leave = true;
	return args[1] ? atoi(args[1]) & 255 : 0;
}

static int run_pwd(struct sim_shell *sh, char *const *args)
{
	(void)args;
	sim_say(sh->t, "%s\n", sh->cwd);
	return 0;
}

static int run_clear(struct sim_shell *sh, char *const *args)
{
	(void)args;
	sim_say(sh->t, "\033[H\033[2J\033[3J");
	return 0;
}

static int run_hostname(struct sim_shell *sh, char *const *args)
{
	(void)args;
	sim_say(sh->t, "%s\n", json_str(sh->c->asked, "hostname", sh->c->name));
	return 0;
}

static int run_id(struct sim_shell *sh, char *const *args)
{
	if (strcmp(args[0], "whoami") == 0)
		sim_say(sh->t, "%s\n", sh->user ? sh->user : "root");
	else
		sim_say(sh->t, "uid=%d(%s) gid=0(root)\n", sh->user ? 1000 : 0, sh->user ? sh->user : "root");
	return 0;
}

static int run_uname(struct sim_shell *sh, char *const *args)
{
	sim_say(sh->t, args[1] ? "Linux %s 6.1.0-demo x86_64\n" : "Linux\n", sh->c->name);
	return 0;
}

static int run_date(struct sim_shell *sh, char *const *args)
{
	char text[TIME_TEXT_SIZE];

	(void)args;
	sim_say(sh->t, "%.19sZ\n", time_format(sim_wall(sh->s, sim_now(sh->s)), text));
	return 0;
}

static int run_sleep(struct sim_shell *sh, char *const *args)
{
	int64_t ns = 0;

	if (!args[1] || strcmp(args[1], "infinity") == 0)
		ns = INT64_MAX;
	else if (duration_parse(args[1], &ns, NULL) < 0) {
		sim_complain(sh->t, "sleep: invalid time \"%.40s\"\n", args[1]);
		return 1;
	}
	if (!sh->t->io && ns == INT64_MAX)
		sh->seconds = INT64_MAX;
	else
		return nap(sh, ns / 1000000) && sh->t->io ? 130 : 0;
	return 0;
}

static int run_env(struct sim_shell *sh, char *const *args)
{
	(void)args;
	sim_say(sh->t, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\nHOSTNAME=%s\n",
	        sh->c->name);
	if (sh->t->io && sh->t->io->tty)
		sim_say(sh->t, "TERM=xterm\n");
	sim_say(sh->t, "HOME=/root\n");
	strv_foreach (v, sh->c->env)
		sim_say(sh->t, "%s\n", *v);
	for (const char *const *v = sh->env; v && *v; v++)
		sim_say(sh->t, "%s\n", *v);
	return 0;
}

static int run_yes(struct sim_shell *sh, char *const *args)
{
	const char *word = args[1] && strspn(args[1], "0123456789") != strlen(args[1]) ? args[1] : "y";
	int64_t lines = args[1] && word != args[1] ? atoll(args[1]) : INT64_MAX;

	if (!sh->t->io && lines > YES_UNATTENDED) {
		lines = YES_UNATTENDED;
		sh->seconds = INT64_MAX;
	}
	for (int64_t i = 0; i < lines; i++) {
		sim_say(sh->t, "%s\n", word);
		/* looks for ^C without waiting */
		if (i % 256 == 255 && sh->t->io) {
			int c = sim_key(sh->t, 0);

			if (c == 3 || sh->t->gone || sh->t->detached || sh->t->ended)
				return 130;
		}
	}
	return 0;
}

static int run_seq(struct sim_shell *sh, char *const *args)
{
	long long to = args[1] ? atoll(args[1]) : 0;

	for (long long i = 1; i <= to && !sh->t->gone && i <= 1000000; i++)
		sim_say(sh->t, "%lld\n", i);
	return 0;
}

static int run_shell(struct sim_shell *sh, char *const *args)
{
	if (args[1] && strncmp(args[1], "-", 1) == 0 && strchr(args[1], 'c') && args[2]) {
		/* loops are beyond it: such a script runs for ever and says nothing */
		if (!sh->t->io && (strstr(args[2], "while ") || strstr(args[2], "for "))) {
			sh->seconds = INT64_MAX;
			return 0;
		}
		int code = sim_line(sh, args[2]);
		sh->leave = false;
		return code;
	}
	return sim_interactive(sh);
}

/* ------------------------------------------------------------------ files */

static int run_cd(struct sim_shell *sh, char *const *args)
{
	const struct sim_file *sets[SIM_SETS_MAX];
	size_t n = sim_sets_of_container(sh->c, sets);
	cleanup_free char *path = absolute(sh, args[1] ? args[1] : "/root");
	char real[PATH_MAX] = "";
	bool directory = false;

	if (path)
		sim_file_at(sets, n, path, &directory, real, sizeof(real));
	if (!directory || strlen(real) + 2 > sizeof(sh->cwd)) {
		sim_complain(sh->t, "cd: %.200s: no such directory\n", args[1] ? args[1] : "/root");
		return 1;
	}
	snprintf(sh->cwd, sizeof(sh->cwd), "/%.200s", real);
	return 0;
}

static const char *file_colour(const struct tare_file *f)
{
	return S_ISDIR(f->mode)   ? "\033[1;34m"
	       : S_ISLNK(f->mode) ? "\033[36m"
	       : f->mode & 0111   ? "\033[32m"
	                          : "";
}

static void show_long(struct sim_shell *sh, const struct tare_file *f)
{
	char mode[11] = "----------", size[SIZE_TEXT_SIZE];

	mode[0] = S_ISDIR(f->mode) ? 'd' : S_ISLNK(f->mode) ? 'l' : '-';
	for (int i = 0; i < 9; i++)
		if (f->mode & (0400u >> i))
			mode[1 + i] = "rwx"[i % 3];
	sim_say(sh->t, "%s root root %9s ", mode, size_format_decimal(f->size, size));
}

static int run_ls(struct sim_shell *sh, char *const *args)
{
	const struct sim_file *sets[SIM_SETS_MAX];
	size_t n = sim_sets_of_container(sh->c, sets);
	bool all_lines = args[1] && args[1][0] == '-' && strchr(args[1], 'l');
	const char *named = args[1] && args[1][0] != '-' ? args[1] : args[1] && args[2] ? args[2] : ".";
	cleanup_free char *path = absolute(sh, named);
	struct tare_file_list list;
	struct err e = ERR_INIT;
	bool tty = sh->t->io && sh->t->io->tty;

	if (!path || sim_directory(sets, n, path, sim_wall(sh->s, 0), &list, &e) < 0) {
		sim_complain(sh->t, "ls: %.200s: no such directory\n", named);
		return 1;
	}
	for (size_t i = 0; i < list.n; i++) {
		const struct tare_file *f = &list.rows[i];

		if (f->removed)
			continue;
		if (all_lines)
			show_long(sh, f);
		sim_say(sh->t, "%s%s%s", tty ? file_colour(f) : "", f->name, tty ? "\033[0m" : "");
		if (all_lines && f->target)
			sim_say(sh->t, " -> %s", f->target);
		sim_say(sh->t, all_lines || !tty ? "\n" : "  ");
	}
	sim_say(sh->t, tty && !all_lines ? "\n" : "");
	tare_file_list_free(&list);
	return 0;
}

static int cat_input(struct sim_shell *sh)
{
	for (;;) {
		int c = sim_key(sh->t, -1);
		char byte = (char)(c == '\r' ? '\n' : c);

		if (c < 0 || (sh->t->raw && (c == 3 || c == 4)))
			return 0;
		sim_put(sh->t, &byte, 1);
	}
}

static int run_cat(struct sim_shell *sh, char *const *args)
{
	const struct sim_file *sets[SIM_SETS_MAX];
	size_t n = sim_sets_of_container(sh->c, sets);
	int code = 0;

	if (!args[1])
		return sh->t->io && sh->t->io->in >= 0 ? cat_input(sh) : 0;
	for (size_t i = 1; args[i]; i++) {
		cleanup_free char *path = absolute(sh, args[i]);
		char real[PATH_MAX];
		bool directory = false;
		const struct sim_file *f =
		        path ? sim_file_at(sets, n, path, &directory, real, sizeof(real)) : NULL;

		if (f && S_ISREG(f->mode)) {
			sim_say(sh->t, "%s", f->text ? f->text : "(a binary file)\n");
			continue;
		}
		sim_complain(
		        sh->t, "cat: %.200s: %s\n", args[i], directory ? "is a directory" : "no such file");
		code = 1;
	}
	return code;
}

/* ------------------------------------------------------------------ processes */

static void show_processes(struct sim_shell *sh, bool with_use)
{
	cleanup_json json *doc = NULL;
	json *rows;

	if (sim_top(&sh->s->api, sh->c->id, &doc, NULL) < 0)
		return;
	rows = json_get(doc, "Processes");
	for (size_t i = 0; i < json_object_array_length(rows); i++) {
		json *row = json_object_array_get_idx(rows, i);
		const char *user = json_object_get_string(json_object_array_get_idx(row, 0));
		const char *use = json_object_get_string(json_object_array_get_idx(row, 3));
		const char *took = json_object_get_string(json_object_array_get_idx(row, 6));
		const char *command = json_object_get_string(json_object_array_get_idx(row, 7));

		if (with_use)
			sim_say(sh->t, "%5zu %-8s %4s%% %s %.50s\n", i + 1, user, use, took, command);
		else
			sim_say(sh->t, "%5zu %-8s %s %.60s\n", i + 1, user, took, command);
	}
}

static int run_ps(struct sim_shell *sh, char *const *args)
{
	(void)args;
	sim_say(sh->t, "  PID USER     TIME     COMMAND\n");
	show_processes(sh, false);
	return 0;
}

/* One screen, as `top -n 1` gives it. */
static int run_top(struct sim_shell *sh, char *const *args)
{
	struct tare_stats now = {0};
	char used[SIZE_TEXT_SIZE], limit[SIZE_TEXT_SIZE];

	(void)args;
	sim_stats(&sh->s->api, sh->c->id, &now, NULL);
	sim_say(sh->t, "Mem: %s used of %s\n", size_format_binary(now.memory, used),
	        size_format_binary(now.memory_limit, limit));
	sim_say(sh->t, "\033[7m  PID USER     %%CPU TIME     COMMAND\033[0m\n");
	show_processes(sh, true);
	return 0;
}

static int run_help(struct sim_shell *sh, char *const *args)
{
	cleanup_buf struct buf names = BUF_INIT;

	(void)args;
	sim_program_names(&names);
	sim_say(sh->t,
	        "There is no container behind this: a pretend shell that knows\n  %s\n"
	        "life and colors fill the screen; ^C or q ends them.\n",
	        buf_str(&names));
	return 0;
}

/* ------------------------------------------------------------------ table */

static const struct entry {
	const char *name;
	sim_program *run;
} programs[] = {
        {"bash", run_shell},
        {"cat", run_cat},
        {"cd", run_cd},
        {"clear", run_clear},
        {"colors", sim_run_colors},
        {"date", run_date},
        {"echo", run_echo},
        {"env", run_env},
        {"exit", run_exit},
        {"false", run_false},
        {"help", run_help},
        {"hostname", run_hostname},
        {"id", run_id},
        {"life", sim_run_life},
        {"ls", run_ls},
        {"printenv", run_env},
        {"ps", run_ps},
        {"pwd", run_pwd},
        {"seq", run_seq},
        {"sh", run_shell},
        {"sleep", run_sleep},
        {"top", run_top},
        {"true", run_true},
        {"uname", run_uname},
        {"whoami", run_id},
        {"yes", run_yes},
};

sim_program *sim_program_named(const char *name)
{
	const char *slash = strrchr(name, '/');

	name = slash ? slash + 1 : name;
	for (size_t i = 0; i < sizeof(programs) / sizeof(*programs); i++)
		if (strcmp(programs[i].name, name) == 0)
			return programs[i].run;
	return NULL;
}

void sim_program_names(struct buf *out)
{
	for (size_t i = 0; i < sizeof(programs) / sizeof(*programs); i++)
		buf_printf(out, "%s%s", i ? " " : "", programs[i].name);
}
