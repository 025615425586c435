/* ncurses takes the number of colours and how to set them from terminfo, and hardly any terminal that has
 * true colour says so there. So the loaded description is written out again as ncurses reads it from a file
 * (term(5), "32-bit numbers"), with colours of ours, in the form "hex:..." that TERMINFO may have: nothing
 * touches the disk. */
#include "tui/screen_entry.h"

#include <curses.h>
#include <string.h>
#include <term.h>
/* What term.h defines besides its names. */
#undef buttons
#undef columns
#undef lines
#undef tab

#include "base/buf.h"

#define MAGIC_32BIT 01036
#define MAX_ENTRY   32768 /* ncurses reads no more */
#define MAX_STRINGS 1024
#define N_PAIRS     32767

/* Palette entries below 16 in the short form, below 256 as 38;5, above as 38;2. */
#define SET_COLOUR(normal, bright, extended)                                                                 \
	"\033[%?%p1%{8}%<%t" normal "%p1%d%e%p1%{16}%<%t" bright "%p1%{8}%-%d%e%p1%{256}%<%t" extended       \
	";5;%p1%d%e" extended                                                                                \
	";2;%p1%{256}%-%{65536}%/%d;%p1%{256}%-%{256}%/%{255}%&%d;%p1%{256}%-%{255}%&%d%;m"
#define SET_256(normal, bright, extended)                                                                    \
	"\033[%?%p1%{8}%<%t" normal "%p1%d%e%p1%{16}%<%t" bright "%p1%{8}%-%d%e" extended ";5;%p1%d%;m"

static void add16(struct buf *b, int v)
{
	buf_char(b, (char)(v & 0xff));
	buf_char(b, (char)(v >> 8 & 0xff));
}

static void add32(struct buf *b, int v)
{
	add16(b, v & 0xffff);
	add16(b, v >> 16 & 0xffff);
}

static void align(struct buf *b)
{
	if (b->len & 1)
		buf_char(b, 0);
}

static int count(const char *const *names)
{
	int n = 0;

	while (names[n])
		n++;
	return n;
}

static const char *string_of(const char *name, int colours)
{
	const char *value;

	if (strcmp(name, "setaf") == 0)
		return colours > 256 ? SET_COLOUR("3", "9", "38") : SET_256("3", "9", "38");
	if (strcmp(name, "setab") == 0)
		return colours > 256 ? SET_COLOUR("4", "10", "48") : SET_256("4", "10", "48");
	if (strcmp(name, "op") == 0)
		return "\033[39;49m";
	if (strcmp(name, "setf") == 0 || strcmp(name, "setb") == 0 || strcmp(name, "initc") == 0 ||
	        strcmp(name, "oc") == 0)
		return NULL;
	value = tigetstr(name);
	return value == (char *)-1 ? NULL : value;
}

static int number_of(const char *name, int colours)
{
	int v;

	if (strcmp(name, "colors") == 0)
		return colours;
	if (strcmp(name, "pairs") == 0)
		return N_PAIRS;
	v = tigetnum(name);
	return v < 0 ? -1 : v;
}

static void add_strings(struct buf *b, struct buf *table, int n, int colours)
{
	for (int i = 0; i < n; i++) {
		const char *value = string_of(strnames[i], colours);

		add16(b, value ? (int)table->len : -1);
		if (value)
			buf_add(table, value, strlen(value) + 1);
	}
}

/* The extended flag "RGB" says that colour numbers are no palette: no table is made for them. */
static void add_rgb(struct buf *b)
{
	add16(b, 1); /* flags */
	add16(b, 0); /* numbers */
	add16(b, 0); /* strings */
	add16(b, 1); /* strings and names in the table */
	add16(b, (int)sizeof("RGB"));
	buf_char(b, 1);
	align(b);
	add16(b, 0); /* where the name is */
	buf_add(b, "RGB", sizeof("RGB"));
}

static void add_entry(struct buf *b, const char *term, int colours)
{
	cleanup_buf struct buf offsets = BUF_INIT_MAX(MAX_ENTRY), table = BUF_INIT_MAX(MAX_ENTRY);
	int flags = count(boolnames), numbers = count(numnames), strings = count(strnames);

	add_strings(&offsets, &table, strings, colours);
	add16(b, MAGIC_32BIT);
	add16(b, (int)strlen(term) + 1);
	add16(b, flags);
	add16(b, numbers);
	add16(b, strings);
	add16(b, (int)table.len);
	buf_add(b, term, strlen(term) + 1);
	for (int i = 0; i < flags; i++)
		buf_char(b, strcmp(boolnames[i], "ccc") != 0 && tigetflag(boolnames[i]) > 0);
	align(b);
	for (int i = 0; i < numbers; i++)
		add32(b, number_of(numnames[i], colours));
	buf_add(b, offsets.data, offsets.len);
	buf_add(b, table.data, table.len);
	align(b);
	if (colours > 256)
		add_rgb(b);
	b->failed |= offsets.failed || table.failed;
}

bool screen_entry(struct buf *out, const char *term, int colours)
{
	cleanup_buf struct buf entry = BUF_INIT_MAX(MAX_ENTRY);

	add_entry(&entry, term, colours);
	if (entry.failed)
		return false;
	buf_str_add(out, "hex:");
	for (size_t i = 0; i < entry.len; i++)
		buf_printf(out, "%02X", (unsigned char)entry.data[i]);
	return !out->failed;
}
