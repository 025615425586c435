#include "cli/help.h"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/text.h"
#include "cli/command.h"

#define WIDTH_DEFAULT 80
#define WIDTH_MAX     110 /* longer lines are hard to read */
#define LABEL_MAX     27  /* columns of "-m, --memory SIZE"; wider ones get a line of their own */
#define SUMMARY_AT    22  /* column of the summaries in lists of commands */

static size_t line_width(FILE *out)
{
	struct winsize ws;

	if (ioctl(fileno(out), TIOCGWINSZ, &ws) < 0 || ws.ws_col < 40)
		return WIDTH_DEFAULT;
	return ws.ws_col > WIDTH_MAX ? WIDTH_MAX : ws.ws_col;
}

/* Print text wrapped at `width`, lines after the first indented; the cursor stands at column `indent`. */
static void wrap(FILE *out, const char *text, size_t indent, size_t width)
{
	size_t column = indent;

	for (const char *s = text; *s;) {
		size_t len = strcspn(s, " ");

		if (column > indent && column + 1 + len > width) {
			fprintf(out, "\n%*s", (int)indent, "");
			column = indent;
		} else if (column > indent) {
			fputc(' ', out);
			column++;
		}
		fwrite(s, 1, len, out);
		column += len;
		s += len + (s[len] == ' ');
	}
	fputc('\n', out);
}

void help_synopsis(const struct command *c, char *dst, size_t size)
{
	snprintf(dst, size, "tare %s%s%s%s", c->words, c->options ? " [OPTIONS]" : "", c->operands ? " " : "",
	        c->operands ? c->operands : "");
}

void help_option_label(const struct option *table, const struct option *o, char *dst, size_t size)
{
	const struct option *target = option_target(table, o);
	char letter[8] = "    ";

	if (o->letter)
		snprintf(letter, sizeof(letter), "-%c, ", o->letter);
	snprintf(dst, size, "%s--%s%s%s", letter, o->name, target->value ? " " : "",
	        target->value ? target->value : "");
}

void help_option_text(const struct option *table, const struct option *o, char *dst, size_t size)
{
	if (o->alias_of)
		snprintf(dst, size, "Alias of --%s", option_target(table, o)->name);
	else
		snprintf(dst, size, "%s", o->help);
}

static void print_options(const struct option *table, FILE *out)
{
	size_t width = line_width(out);
	char label[96], text[512];

	for (const struct option *o = table; !OPTION_IS_END(o); o++) {
		if (o->section) {
			fprintf(out, "%s%s:\n", o == table ? "" : "\n", o->section);
			continue;
		}
		if (o->hidden)
			continue;
		help_option_label(table, o, label, sizeof(label));
		help_option_text(table, o, text, sizeof(text));
		if (strlen(label) > LABEL_MAX)
			fprintf(out, "  %s\n  %*s  ", label, LABEL_MAX, "");
		else
			fprintf(out, "  %-*s  ", LABEL_MAX, label);
		wrap(out, text, LABEL_MAX + 4, width);
	}
}

static void print_examples(const char *examples, FILE *out)
{
	fputs("\nExamples:\n", out);
	for (const char *line = examples; *line;) {
		size_t len = strcspn(line, "\n");

		fprintf(out, "  %.*s\n", (int)len, line);
		line += len + (line[len] == '\n');
	}
}

int help_command(const struct command *c, FILE *out)
{
	char synopsis[160];

	help_synopsis(c, synopsis, sizeof(synopsis));
	fprintf(out, "Usage: %s\n\n%s.\n", synopsis, c->summary);
	if (c->details) {
		fputc('\n', out);
		wrap(out, c->details, 0, line_width(out));
	}
	if (c->aliases)
		fprintf(out, "\nOther spellings: %s\n", c->aliases);
	if (c->options) {
		fputs(c->options[0].section ? "\n" : "\nOptions:\n", out);
		print_options(c->options, out);
	}
	if (c->examples)
		print_examples(c->examples, out);
	fputs("\nGlobal options: tare --help\n", out);
	return 0;
}

static void print_row(const char *words, const struct command *c, FILE *out)
{
	fprintf(out, "  %-*s", SUMMARY_AT - 2, words);
	if (strlen(words) > SUMMARY_AT - 4)
		fprintf(out, "\n%*s", SUMMARY_AT, "");
	wrap(out, c->summary, SUMMARY_AT, line_width(out));
}

static void print_group(const struct program *p, enum command_group group, FILE *out)
{
	struct command_iterator it = {0};

	fprintf(out, "\n%s:\n", command_group_titles[group]);
	for (const struct command *c; (c = command_next(p, &it));)
		if (c->group == group && !c->hidden)
			print_row(c->words, c, out);
}

int help_general(const struct program *p, FILE *out)
{
	fputs("Usage: tare [OPTIONS] COMMAND\n\n"
	      "Runs containers, without a daemon. The words are Docker's.\n",
	        out);
	for (int g = 0; command_group_titles[g]; g++)
		print_group(p, (enum command_group)g, out);
	fputs("\nGlobal options:\n", out);
	print_options(global_options, out);
	fprintf(out, "  -v, %-*s  Print the version\n", LABEL_MAX - 4, "--version");
	fputs("\nOne command in full: tare COMMAND --help, or tare help COMMAND\n"
	      "A first container:   tare run busybox echo hello\n",
	        out);
	return 0;
}

int help_family(const struct program *p, const char *word, FILE *out)
{
	size_t len = strlen(word);
	char spelling[COMMAND_SPELLING_SIZE];
	struct command_iterator it = {0};

	fprintf(out, "Usage: tare %s COMMAND\n\nCommands:\n", word);
	for (const struct command *c; (c = command_next(p, &it));)
		for (unsigned n = 0; command_spelling(c, n, spelling); n++)
			if (strncmp(spelling, word, len) == 0 && spelling[len] == ' ')
				print_row(spelling, c, out);
	fprintf(out, "\nOne command in full: tare %s COMMAND --help\n", word);
	return 0;
}
