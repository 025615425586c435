/* drive SCRIPT [OUTDIR]: a terminal without a window, for tests and pictures. It runs a program on a pseudo
 * terminal of its own with libvterm behind it, types what the script says, and writes down what a person
 * would see.
 *
 * A script is read line by line; a "#" begins a comment. Words are separated by blanks, quoted as in sh.
 *   size ROWS COLS            before run; later it resizes the terminal
 *   env NAME=VALUE            before run
 *   run PROGRAM ARG...        starts it ($BUILD and such are not expanded: whole paths)
 *
 *   keys KEY...               a j ^P esc enter tab S-tab space up down home pgup f1 bs del ...
 *   type TEXT                 characters as they are
 *   paste TEXT                bracketed
 *   raw TEXT                  with C's escapes
 *   mouse KIND ROW COL        press drag release right wheelup wheeldown
 *
 *   wait TEXT                 until the screen has the text (10 s at most)
 *   waitnot TEXT              until it has not
 *   settle [MS]               until it slept and wrote nothing for so long (default 60), 10 s at most
 *   sleep MS
 *   stopped                   until it is stopped
 *   end CODE                  until it has ended (128+n: by a signal); then "run" may start another
 *
 *   screen NAME               OUTDIR/NAME.txt: the screen as text
 *   styled NAME               the same and its colours, as runs
 *   same NAME                 fails unless the screen reads as OUTDIR/NAME.txt
 *   svg NAME                  OUTDIR/NAME.svg: a picture
 *   state                     prints modes of the terminal and whether its settings are as before
 *   bytes                     prints how many bytes were written since the last "bytes"
 *   signal NAME               to the program (TERM, HUP, SEGV, TSTP, CONT, ...)
 *
 * The first step that fails ends it with exit code 1, the screen on standard error. What still runs after the
 * last line is asked to end (SIGTERM), with exit code 0. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#include <vterm.h>

#include "tests/tui/picture.h"

#define WORDS_MAX   64
#define PATIENCE_MS 10000

struct drive {
	int master, slave;
	struct picture p;
	pid_t leader, child; /* of the session; the program */
	bool ended, stopped;
	int status;
	VTerm *vt;
	bool altscreen, bracketed;
	int mouse;
	struct termios before;
	unsigned long bytes;
	const char *out, *script;
	int line;
	char *env[WORDS_MAX];
	int n_env;
};

/* ------------------------------------------------------------------ the terminal */

static int set_property(VTermProp prop, VTermValue *v, void *user)
{
	struct drive *d = user;

	if (prop == VTERM_PROP_ALTSCREEN)
		d->altscreen = v->boolean;
	else if (prop == VTERM_PROP_CURSORVISIBLE)
		d->p.cursor = v->boolean;
	else if (prop == VTERM_PROP_MOUSE)
		d->mouse = v->number;
	return 1;
}

static int move_cursor(VTermPos to, VTermPos from, int visible, void *user)
{
	struct drive *d = user;

	(void)from;
	(void)visible;
	d->p.cursor_row = to.row;
	d->p.cursor_col = to.col;
	return 1;
}

static void answer(const char *s, size_t len, void *user)
{
	struct drive *d = user;

	if (write(d->master, s, len) < 0)
		return;
}

/* Calm colours for the first sixteen, as people set them. */
static void set_palette(VTerm *vt)
{
	static const uint32_t palette[16] = {0x1d2026, 0xff7b72, 0x56d364, 0xe3b341, 0x79b8ff, 0xd2a8ff,
	        0x56c8d8, 0xc9d1d9, 0x6e7681, 0xffa198, 0x7ee787, 0xf2cc60, 0xa5d6ff, 0xe2c5ff, 0x87deea,
	        0xffffff};

	for (int i = 0; i < 16; i++) {
		VTermColor c;
		vterm_color_rgb(
		        &c, (uint8_t)(palette[i] >> 16), (uint8_t)(palette[i] >> 8), (uint8_t)palette[i]);
		vterm_state_set_palette_color(vterm_obtain_state(vt), i, &c);
	}
}

static void make_terminal(struct drive *d)
{
	static const VTermScreenCallbacks callbacks = {
	        .settermprop = set_property, .movecursor = move_cursor};

	d->vt = vterm_new(d->p.rows, d->p.cols);
	vterm_set_utf8(d->vt, 1);
	vterm_output_set_callback(d->vt, answer, d);
	d->p.screen = vterm_obtain_screen(d->vt);
	vterm_screen_enable_altscreen(d->p.screen, 1);
	vterm_screen_set_callbacks(d->p.screen, &callbacks, d);
	vterm_screen_reset(d->p.screen, 1);
	set_palette(d->vt);
	d->p.cursor = true;
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ll + t.tv_nsec / 1000000;
}

/* libvterm does not tell this mode. */
static void note_paste_mode(struct drive *d, const char *s, size_t len)
{
	if (memmem(s, len, "\033[?2004h", 8))
		d->bracketed = true;
	if (memmem(s, len, "\033[?2004l", 8))
		d->bracketed = false;
}

/* The program is a grandchild: ^Z stops it only where its parent is of the same session, as a shell is. */
static void look_at_child(struct drive *d)
{
	char path[64], stat[256] = "";
	int status;

	if (d->leader <= 0 || d->ended)
		return;
	if (waitpid(d->leader, &status, WNOHANG) == d->leader) {
		d->ended = true;
		d->stopped = false;
		d->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
		return;
	}
	snprintf(path, sizeof path, "/proc/%d/stat", (int)d->child);
	FILE *f = fopen(path, "re");
	if (!f)
		return;
	const char *name_end = fgets(stat, sizeof stat, f) ? strrchr(stat, ')') : NULL;
	d->stopped = name_end && name_end[1] && name_end[2] == 'T';
	fclose(f);
}

/* Take what it writes for at most `ms`; true when something came. */
static bool pump(struct drive *d, int ms)
{
	struct pollfd p = {.fd = d->master, .events = POLLIN};
	char bytes[65536];

	look_at_child(d);
	if (d->master < 0 || poll(&p, 1, ms) <= 0 || !(p.revents & POLLIN))
		return false;
	ssize_t n = read(d->master, bytes, sizeof bytes);
	if (n <= 0)
		return false;
	d->bytes += (unsigned long)n;
	note_paste_mode(d, bytes, (size_t)n);
	vterm_input_write(d->vt, bytes, (size_t)n);
	return true;
}

/* ------------------------------------------------------------------ failing */

static void fail(struct drive *d, const char *what, const char *about)
{
	fprintf(stderr, "%s:%d: %s: %s\n", d->script, d->line, what, about);
	if (d->vt)
		picture_text(&d->p, stderr);
	if (d->child > 0 && !d->ended)
		kill(d->child, SIGKILL);
	exit(1);
}

/* ------------------------------------------------------------------ steps: starting, waiting */

static void become(struct drive *d, char **words)
{
	sigset_t none;

	setpgid(0, 0);
	tcsetpgrp(d->slave, getpid()); /* the leader ignores SIGTTOU, and so do we until here */
	signal(SIGTTOU, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (int fd = 0; fd < 3; fd++)
		dup2(d->slave, fd);
	setenv("TERM", "xterm-256color", 1);
	for (int i = 0; i < d->n_env; i++)
		putenv(d->env[i]);
	execvp(words[0], words);
	_exit(127);
}

/* Leads the session as a shell would, and ends as the program did. */
static _Noreturn void lead(struct drive *d, int tell, char **words)
{
	int status = 0;

	setsid();
	ioctl(d->slave, TIOCSCTTY, 0);
	signal(SIGTTOU, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	pid_t pid = fork();
	if (pid == 0)
		become(d, words);
	if (write(tell, &pid, sizeof pid) != sizeof pid)
		_exit(126);
	waitpid(pid, &status, 0);
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

static void run_program(struct drive *d, char **words)
{
	struct winsize size = {.ws_row = (unsigned short)d->p.rows, .ws_col = (unsigned short)d->p.cols};

	if (d->vt) {
		vterm_free(d->vt);
		close(d->master);
		close(d->slave);
		d->ended = d->stopped = d->altscreen = d->bracketed = false;
		d->mouse = 0;
	}
	make_terminal(d);
	if (openpty(&d->master, &d->slave, NULL, NULL, &size) != 0)
		fail(d, "openpty", strerror(errno));
	fcntl(d->master, F_SETFD, FD_CLOEXEC);
	fcntl(d->slave, F_SETFD, FD_CLOEXEC);
	tcgetattr(d->slave, &d->before);
	int told[2];
	if (pipe2(told, O_CLOEXEC) != 0)
		fail(d, "pipe", strerror(errno));
	d->leader = fork();
	if (d->leader == 0)
		lead(d, told[1], words);
	close(told[1]);
	if (read(told[0], &d->child, sizeof d->child) != sizeof d->child)
		fail(d, "nothing was started", words[0]);
	close(told[0]);
}

static void resize(struct drive *d, int rows, int cols)
{
	struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)cols};

	d->p.rows = rows;
	d->p.cols = cols;
	if (!d->vt)
		return;
	/* a scroll region beyond the new size is fatal to libvterm 0.1.4 */
	vterm_input_write(d->vt, "\030\033[r", 4);
	vterm_set_size(d->vt, rows, cols);
	ioctl(d->master, TIOCSWINSZ, &size);
}

static void wait_text(struct drive *d, const char *text, bool wanted)
{
	int64_t end = now_ms() + PATIENCE_MS;

	while (picture_has(&d->p, text) != wanted) {
		if (now_ms() > end || (d->ended && !pump(d, 0)))
			fail(d, wanted ? "never on the screen" : "still on the screen", text);
		pump(d, 20);
	}
}

/* Whether one of its threads runs or waits for a processor: so that a busy machine makes the script wait
 * instead of letting it look too early. */
static bool is_busy(const struct drive *d)
{
	char path[64], stat[512];
	bool busy = false;

	if (d->ended || d->stopped)
		return false;
	snprintf(path, sizeof path, "/proc/%d/task", (int)d->child);
	DIR *dir = opendir(path);
	if (!dir)
		return false;
	for (struct dirent *e; !busy && (e = readdir(dir));) {
		int fd = openat(dirfd(dir), e->d_name, O_PATH | O_CLOEXEC);
		int file = openat(fd, "stat", O_RDONLY | O_CLOEXEC);
		ssize_t n = read(file, stat, sizeof stat - 1);
		stat[n > 0 ? n : 0] = '\0';
		const char *name_end = strrchr(stat, ')');
		busy = e->d_name[0] != '.' && name_end && name_end[1] && strchr("RD", name_end[2]);
		close(file);
		close(fd);
	}
	closedir(dir);
	return busy;
}

/* What was typed and not yet read. */
static bool is_unread(const struct drive *d)
{
	int n = 0;

	return !d->ended && !d->stopped && ioctl(d->slave, FIONREAD, &n) == 0 && n > 0;
}

/* A while in which this process itself did not run counts for little: nobody looked then. */
static void settle(struct drive *d, int quiet)
{
	int64_t end = now_ms() + PATIENCE_MS, calm = 0;

	while (now_ms() < end && calm < quiet) {
		int64_t begun = now_ms(), passed;

		if (pump(d, 5) || is_unread(d) || is_busy(d)) {
			calm = 0;
			continue;
		}
		passed = now_ms() - begun;
		calm += passed < 1 ? 1 : passed > 10 ? 10 : passed;
	}
}

static void wait_end(struct drive *d, int code)
{
	int64_t end = now_ms() + PATIENCE_MS;

	while (!d->ended && now_ms() < end)
		pump(d, 20);
	while (pump(d, 20))
		;
	if (!d->ended)
		fail(d, "has not ended", "");
	if (code >= 0 && d->status != code) {
		char got[16];
		snprintf(got, sizeof got, "%d", d->status);
		fail(d, "another exit code", got);
	}
}

/* ------------------------------------------------------------------ steps: typing */

static void send(struct drive *d, const char *s, size_t len)
{
	while (len) {
		ssize_t n = write(d->master, s, len);
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			fail(d, "cannot type", strerror(errno));
		if (n > 0) {
			s += n;
			len -= (size_t)n;
		}
	}
}

static const char *key_bytes(const char *key, char dst[8])
{
	static const struct {
		const char *name, *bytes;
	} table[] = {{"esc", "\033"}, {"enter", "\r"}, {"tab", "\t"}, {"S-tab", "\033[Z"}, {"space", " "},
	        {"bs", "\177"}, {"up", "\033[A"}, {"down", "\033[B"}, {"right", "\033[C"}, {"left", "\033[D"},
	        {"home", "\033[H"}, {"end", "\033[F"}, {"pgup", "\033[5~"}, {"pgdn", "\033[6~"},
	        {"ins", "\033[2~"}, {"del", "\033[3~"}, {"f1", "\033OP"}, {"f2", "\033OQ"}, {"f3", "\033OR"},
	        {"f4", "\033OS"}, {"f5", "\033[15~"}, {"f6", "\033[17~"}, {"f7", "\033[18~"},
	        {"f8", "\033[19~"}, {"f9", "\033[20~"}, {"f10", "\033[21~"}, {"C-left", "\033[1;5D"},
	        {"C-right", "\033[1;5C"}};

	for (unsigned i = 0; i < sizeof table / sizeof *table; i++)
		if (strcmp(key, table[i].name) == 0)
			return table[i].bytes;
	if (key[0] == '^' && key[1]) {
		dst[0] = (char)(toupper((unsigned char)key[1]) & 0x1f);
		dst[1] = '\0';
		return dst;
	}
	return key;
}

/* A key at a time, as a person's arrive; an escape needs its pause. */
static void press(struct drive *d, char **keys)
{
	char dst[8];

	for (; *keys; keys++) {
		const char *bytes = key_bytes(*keys, dst);
		send(d, bytes, strlen(bytes));
		settle(d, strcmp(*keys, "esc") == 0 ? 60 : 15);
	}
}

static void mouse(struct drive *d, char **w)
{
	static const struct {
		const char *name;
		int button;
		char end;
	} kinds[] = {{"press", 0, 'M'}, {"release", 0, 'm'}, {"drag", 32, 'M'}, {"wheelup", 64, 'M'},
	        {"wheeldown", 65, 'M'}, {"right", 2, 'M'}};
	char bytes[48];

	for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (w[1] && w[2] && w[3] && strcmp(w[1], kinds[i].name) == 0) {
			snprintf(bytes, sizeof bytes, "\033[<%d;%d;%d%c", kinds[i].button, atoi(w[3]) + 1,
			        atoi(w[2]) + 1, kinds[i].end);
			send(d, bytes, strlen(bytes));
			settle(d, 15);
			return;
		}
	fail(d, "mouse KIND ROW COL", w[1] ? w[1] : "");
}

static void paste(struct drive *d, const char *text)
{
	if (!d->bracketed)
		fail(d, "bracketed paste is off", text);
	send(d, "\033[200~", 6);
	send(d, text, strlen(text));
	send(d, "\033[201~", 6);
}

static void send_raw(struct drive *d, const char *s)
{
	char bytes[4096];
	size_t n = 0;

	for (; *s && n < sizeof bytes; s++) {
		if (s[0] == '\\' && s[1] == 'e')
			bytes[n++] = '\033', s++;
		else if (s[0] == '\\' && s[1] == 'n')
			bytes[n++] = '\n', s++;
		else if (s[0] == '\\' && s[1] == 'x' && isxdigit((unsigned char)s[2]) &&
		         isxdigit((unsigned char)s[3])) {
			char hex[3] = {s[2], s[3], '\0'};
			bytes[n++] = (char)strtol(hex, NULL, 16), s += 3;
		} else
			bytes[n++] = *s;
	}
	send(d, bytes, n);
}

/* ------------------------------------------------------------------ steps: writing down */

static FILE *out_file(struct drive *d, const char *name, const char *suffix)
{
	char path[4096];

	snprintf(path, sizeof path, "%s/%s%s", d->out, name, suffix);
	FILE *f = fopen(path, "we");
	if (!f)
		fail(d, path, strerror(errno));
	return f;
}

static void write_down(struct drive *d, const char *kind, const char *name)
{
	bool is_picture = strcmp(kind, "svg") == 0;
	FILE *f = out_file(d, name, is_picture ? ".svg" : ".txt");

	if (is_picture)
		picture_svg(&d->p, f);
	else
		picture_text(&d->p, f);
	if (strcmp(kind, "styled") == 0)
		picture_styles(&d->p, f);
	fclose(f);
}

static void expect_same(struct drive *d, const char *name)
{
	char path[4096], *text = NULL, old[65536];
	size_t len = 0;

	snprintf(path, sizeof path, "%s/%s.txt", d->out, name);
	FILE *f = fopen(path, "re"), *now = open_memstream(&text, &len);
	if (!f || !now)
		fail(d, path, strerror(errno));
	picture_text(&d->p, now);
	fclose(now);
	size_t n = fread(old, 1, sizeof old, f);
	fclose(f);
	if (n != len || memcmp(old, text, n) != 0)
		fail(d, "is not the same as", name);
	free(text);
}

static void print_state(struct drive *d)
{
	struct termios now;

	tcgetattr(d->slave, &now);
	bool same = now.c_iflag == d->before.c_iflag && now.c_oflag == d->before.c_oflag &&
	            now.c_lflag == d->before.c_lflag && now.c_cflag == d->before.c_cflag &&
	            memcmp(now.c_cc, d->before.c_cc, sizeof now.c_cc) == 0;
	printf("altscreen=%d cursor=%d mouse=%d paste=%d settings=%s\n", d->altscreen, d->p.cursor, d->mouse,
	        d->bracketed, same ? "same" : "changed");
}

/* ------------------------------------------------------------------ the script */

static void send_signal(struct drive *d, const char *name)
{
	static const struct {
		const char *name;
		int sig;
	} table[] = {{"TERM", SIGTERM}, {"HUP", SIGHUP}, {"INT", SIGINT}, {"SEGV", SIGSEGV}, {"BUS", SIGBUS},
	        {"ABRT", SIGABRT}, {"FPE", SIGFPE}, {"ILL", SIGILL}, {"TSTP", SIGTSTP}, {"CONT", SIGCONT},
	        {"QUIT", SIGQUIT}, {"KILL", SIGKILL}, {"WINCH", SIGWINCH}};

	for (unsigned i = 0; i < sizeof table / sizeof *table; i++)
		if (strcmp(name, table[i].name) == 0) {
			kill(d->child, table[i].sig);
			return;
		}
	fail(d, "no such signal", name);
}

static void wait_stopped(struct drive *d)
{
	int64_t end = now_ms() + PATIENCE_MS;

	while (!d->stopped && now_ms() < end)
		pump(d, 20);
	while (pump(d, 20))
		;
	if (!d->stopped)
		fail(d, "is not stopped", "");
}

static bool do_typing(struct drive *d, char **w)
{
	const char *arg = w[1] ? w[1] : "";

	if (strcmp(w[0], "keys") == 0)
		press(d, w + 1);
	else if (strcmp(w[0], "type") == 0)
		send(d, arg, strlen(arg)), settle(d, 15);
	else if (strcmp(w[0], "paste") == 0)
		paste(d, arg), settle(d, 15);
	else if (strcmp(w[0], "raw") == 0)
		send_raw(d, arg), settle(d, 15);
	else if (strcmp(w[0], "mouse") == 0)
		mouse(d, w);
	else
		return false;
	return true;
}

static bool do_waiting(struct drive *d, char **w)
{
	const char *arg = w[1] ? w[1] : "";

	if (strcmp(w[0], "wait") == 0)
		wait_text(d, arg, true);
	else if (strcmp(w[0], "waitnot") == 0)
		wait_text(d, arg, false);
	else if (strcmp(w[0], "settle") == 0)
		settle(d, *arg ? atoi(arg) : 60);
	else if (strcmp(w[0], "sleep") == 0)
		for (int64_t end = now_ms() + atoi(arg); now_ms() < end;)
			pump(d, 5);
	else if (strcmp(w[0], "stopped") == 0)
		wait_stopped(d);
	else if (strcmp(w[0], "end") == 0)
		wait_end(d, *arg ? atoi(arg) : -1);
	else
		return false;
	return true;
}

static bool do_writing(struct drive *d, char **w)
{
	const char *arg = w[1] ? w[1] : "";

	if (strcmp(w[0], "screen") == 0 || strcmp(w[0], "styled") == 0 || strcmp(w[0], "svg") == 0)
		write_down(d, w[0], arg);
	else if (strcmp(w[0], "same") == 0)
		expect_same(d, arg);
	else if (strcmp(w[0], "state") == 0)
		print_state(d);
	else if (strcmp(w[0], "bytes") == 0)
		printf("%lu\n", d->bytes), d->bytes = 0;
	else
		return false;
	return true;
}

static void step(struct drive *d, char **w)
{
	const char *arg = w[1] ? w[1] : "";

	if (strcmp(w[0], "size") == 0)
		resize(d, atoi(arg), w[1] && w[2] ? atoi(w[2]) : 80);
	else if (strcmp(w[0], "env") == 0 && d->n_env < WORDS_MAX)
		d->env[d->n_env++] = strdup(arg);
	else if (strcmp(w[0], "run") == 0 && w[1])
		run_program(d, w + 1);
	else if (d->child <= 0)
		fail(d, "nothing runs yet", w[0]);
	else if (strcmp(w[0], "signal") == 0)
		send_signal(d, arg);
	else if (!do_typing(d, w) && !do_waiting(d, w) && !do_writing(d, w))
		fail(d, "no such step", w[0]);
	fflush(stdout);
}

/* Split in place: blanks, 'single' and "double" quotes, # at a word's start. */
static int split_words(char *s, char **words)
{
	int n = 0;

	for (;;) {
		s += strspn(s, " \t\n");
		if (!*s || *s == '#' || n == WORDS_MAX - 1)
			break;
		char *to = words[n++] = s, quote = 0;
		for (; *s && (quote || !strchr(" \t\n", *s)); s++) {
			if (quote ? *s == quote : *s == '\'' || *s == '"')
				quote = quote ? 0 : *s;
			else
				*to++ = *s;
		}
		if (*s)
			s++;
		*to = '\0';
	}
	words[n] = NULL;
	return n;
}

int main(int argc, char **argv)
{
	struct drive d = {
	        .p = {.rows = 24, .cols = 80}, .master = -1, .slave = -1, .out = argc > 2 ? argv[2] : "."};
	char *words[WORDS_MAX], line[8192];

	if (argc < 2) {
		fputs("usage: drive SCRIPT|- [OUTDIR]\n", stderr);
		return 2;
	}
	d.script = argv[1];
	FILE *f = strcmp(argv[1], "-") == 0 ? stdin : fopen(argv[1], "re");
	if (!f) {
		perror(argv[1]);
		return 2;
	}
	while (fgets(line, sizeof line, f)) {
		d.line++;
		if (split_words(line, words))
			step(&d, words);
	}
	if (d.child > 0 && !d.ended) {
		/* in good order: what a sanitizer has to say, it says at the end */
		kill(d.child, SIGTERM);
		wait_end(&d, 0);
	}
	if (d.vt)
		vterm_free(d.vt);
	while (d.n_env > 0)
		free(d.env[--d.n_env]);
	fclose(f);
	return 0;
}
