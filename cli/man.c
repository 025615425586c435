#include "cli/man.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "cli/command.h"
#include "cli/help.h"
#include "engine/tare.h"

/* Text for troff: dashes that can be copied, no accidental requests, UTF-8 spelled out where it is used. */
static void roff(struct buf *out, const char *s)
{
	bool line_start = true;

	for (; *s; s++) {
		if (line_start && (*s == '.' || *s == '\''))
			buf_str_add(out, "\\&");
		line_start = *s == '\n';
		if (*s == '\\')
			buf_str_add(out, "\\e");
		else if (*s == '-')
			buf_str_add(out, "\\-");
		else if (strncmp(s, "\xe2\x80\xa6", 3) == 0) {
			buf_str_add(out, "...");
			s += 2;
		} else
			buf_char(out, *s);
	}
}

/* "tare-container-prune" */
static void page_name(const char *words, char *dst, size_t size)
{
	snprintf(dst, size, "tare-%s", words);
	for (char *c = dst; *c; c++)
		if (*c == ' ')
			*c = '-';
}

static void heading(struct buf *out, const char *name, const char *summary)
{
	char upper[64];

	snprintf(upper, sizeof(upper), "%s", name);
	for (char *c = upper; *c; c++)
		if (*c >= 'a' && *c <= 'z')
			*c = (char)(*c - 'a' + 'A');
	buf_str_add(out, ".TH ");
	roff(out, upper);
	buf_printf(out, " 1 \"\" \"tare %s\" \"Tare\"\n.SH NAME\n", TARE_VERSION);
	roff(out, name);
	buf_str_add(out, " \\- ");
	roff(out, summary);
	buf_char(out, '\n');
}

static void option_rows(struct buf *out, const struct option *table)
{
	for (const struct option *o = table; !OPTION_IS_END(o); o++) {
		const struct option *target;
		char text[512];

		if (o->section) {
			buf_printf(out, ".SS %s\n", o->section);
			continue;
		}
		if (o->hidden)
			continue;
		target = option_target(table, o);
		buf_str_add(out, ".TP\n");
		if (o->letter)
			buf_printf(out, "\\fB\\-%c\\fR, ", o->letter);
		buf_str_add(out, "\\fB\\-\\-");
		roff(out, o->name);
		buf_str_add(out, "\\fR");
		if (target->value) {
			buf_str_add(out, " \\fI");
			roff(out, target->value);
			buf_str_add(out, "\\fR");
		}
		buf_char(out, '\n');
		help_option_text(table, o, text, sizeof(text));
		roff(out, text);
		buf_str_add(out, ".\n");
	}
}

static void examples(struct buf *out, const char *text)
{
	buf_str_add(out, ".SH EXAMPLES\n.nf\n");
	roff(out, text);
	buf_str_add(out, "\n.fi\n");
}

void man_page(const struct command *c, struct buf *out)
{
	char name[64], synopsis[160];

	page_name(c->words, name, sizeof(name));
	help_synopsis(c, synopsis, sizeof(synopsis));
	heading(out, name, c->summary);
	buf_str_add(out, ".SH SYNOPSIS\n");
	roff(out, synopsis);
	buf_str_add(out, "\n.SH DESCRIPTION\n");
	roff(out, c->summary);
	buf_str_add(out, ".\n");
	if (c->details) {
		buf_str_add(out, ".PP\n");
		roff(out, c->details);
		buf_char(out, '\n');
	}
	if (c->aliases) {
		buf_str_add(out, ".PP\nOther spellings: ");
		roff(out, c->aliases);
		buf_str_add(out, ".\n");
	}
	if (c->options) {
		buf_str_add(out, ".SH OPTIONS\n");
		option_rows(out, c->options);
	}
	if (c->examples)
		examples(out, c->examples);
	buf_str_add(out, ".SH SEE ALSO\n.BR tare (1)\n");
}

static void overview_group(const struct program *p, int group, struct buf *out)
{
	struct command_iterator it = {0};
	char name[64];

	buf_printf(out, ".SS %s\n", command_group_titles[group]);
	for (const struct command *c; (c = command_next(p, &it));) {
		if ((int)c->group != group || c->hidden)
			continue;
		page_name(c->words, name, sizeof(name));
		buf_str_add(out, ".TP\n.BR ");
		roff(out, name);
		buf_str_add(out, " (1)\n");
		roff(out, c->summary);
		buf_str_add(out, ".\n");
	}
}

void man_overview(const struct program *p, struct buf *out)
{
	heading(out, "tare", "runs containers, without a daemon");
	buf_str_add(out,
	        ".SH SYNOPSIS\ntare [OPTIONS] COMMAND\n.SH DESCRIPTION\n"
	        "Tare makes, runs and looks after Linux containers. There is no daemon: each command does "
	        "its "
	        "work itself,\nand one small monitor stays with each container that runs. The words are "
	        "Docker's.\n.SH COMMANDS\n");
	for (int g = 0; command_group_titles[g]; g++)
		overview_group(p, g, out);
	buf_str_add(out, ".SH OPTIONS\nUnderstood before and behind the command.\n");
	option_rows(out, global_options);
	buf_str_add(out,
	        ".TP\n\\fB\\-v\\fR, \\fB\\-\\-version\\fR\nPrint the version.\n"
	        ".SH EXIT STATUS\nThat of the container for run, start \\-a, attach and exec; otherwise\n"
	        ".TP\n125\nthe command line is wrong, or the engine could not do it;\n"
	        ".TP\n126\nthe command of the container cannot be executed;\n"
	        ".TP\n127\nthe command of the container is not there;\n"
	        ".TP\n1\none of several things could not be done.\n"
	        ".SH ENVIRONMENT\n.TP\nNO_COLOR\nNo colours when it is set.\n"
	        ".SH FILES\n.TP\n/var/lib/tare\nImages, containers, volumes, networks; without root "
	        "$XDG_DATA_HOME/tare.\n"
	        ".TP\n/run/tare\nWhat runs now; without root $XDG_RUNTIME_DIR/tare.\n");
	examples(out, "tare run --rm busybox echo hello\ntare run -d --name web -p 8080:80 busybox httpd -f\n"
	              "tare ps\ntare exec -it web sh\ntare rm -f web");
}

static int write_page(int dir, const char *name, const struct buf *page, struct err *e)
{
	char file[80];

	snprintf(file, sizeof(file), "%s.1", name);
	if (page->failed)
		return err_no_memory(e);
	return file_write_at(dir, file, page->data, page->len, 0644, FILE_NO_SYNC, e);
}

int man_write(const struct program *p, const char *dir, struct err *e)
{
	cleanup_fd int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_buf struct buf page = BUF_INIT;
	struct command_iterator it = {0};
	char name[64];

	if (fd < 0)
		return err_sys(e, "cannot write man pages to %s", dir);
	man_overview(p, &page);
	if (write_page(fd, "tare", &page, e) < 0)
		return -1;
	for (const struct command *c; (c = command_next(p, &it));) {
		if (c->hidden)
			continue;
		buf_reset(&page);
		man_page(c, &page);
		page_name(c->words, name, sizeof(name));
		if (write_page(fd, name, &page, e) < 0)
			return -1;
	}
	return 0;
}
