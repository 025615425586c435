/* Text: UTF-8 by hand, since what we print must not depend on the caller's locale. */
#include "base/text.h"

#include <limits.h>
#include <string.h>

#include "base/buf.h"
#include "base/defence.h"
#include "base/width_table.h"

#define REPLACEMENT   0xfffdu
#define MAX_COMBINING 4 /* more in a row draw over the lines above and below */
#define MAX_WORD      64

size_t utf8_decode(const char *s, size_t len, uint32_t *cp)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char *u = (const unsigned char *)s;
	size_t n = u[0] < 0x80 ? 1 : u[0] >= 0xf0 ? 4 : u[0] >= 0xe0 ? 3 : 2;
	uint32_t v;

	*cp = u[0];
	if (n == 1)
		return 1;
	*cp = REPLACEMENT;
	if (u[0] < 0xc2 || u[0] > 0xf4 || n > len)
		return 1;
	v = u[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((u[i] & 0xc0) != 0x80)
			return 1;
		v = v << 6 | (u[i] & 0x3fu);
	}
	if (v < least[n] || v > 0x10ffff || (v >= 0xd800 && v <= 0xdfff))
		return 1;
	*cp = v;
	return n;
}

size_t utf8_encode(uint32_t cp, char dst[4])
{
	size_t n = 0;

	if (cp < 0x80) {
		dst[n++] = (char)cp;
		return n;
	}
	if (cp < 0x800) {
		dst[n++] = (char)(0xc0 | cp >> 6);
	} else {
		if (cp < 0x10000) {
			dst[n++] = (char)(0xe0 | cp >> 12);
		} else {
			dst[n++] = (char)(0xf0 | (cp >> 18 & 7));
			dst[n++] = (char)(0x80 | (cp >> 12 & 0x3f));
		}
		dst[n++] = (char)(0x80 | (cp >> 6 & 0x3f));
	}
	dst[n++] = (char)(0x80 | (cp & 0x3f));
	return n;
}

bool utf8_valid(const char *s, size_t len)
{
	size_t n;
	uint32_t cp;

	for (size_t i = 0; i < len; i += n) {
		n = utf8_decode(s + i, len - i, &cp);
		/* U+FFFD itself takes three bytes; one byte means ill-formed. */
		if (cp == REPLACEMENT && n == 1)
			return false;
	}
	return true;
}

static bool in_table(uint32_t cp, const struct cp_range *table, size_t n)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (cp > table[mid].last)
			low = mid + 1;
		else if (cp < table[mid].first)
			high = mid;
		else
			return true;
	}
	return false;
}

int cp_width(uint32_t cp)
{
	if (cp < 0x20 || (cp >= 0x7f && cp < 0xa0))
		return -1;
	if (cp < zero_width[0].first)
		return 1;
	if (in_table(cp, zero_width, sizeof(zero_width) / sizeof(*zero_width)))
		return 0;
	return in_table(cp, wide, sizeof(wide) / sizeof(*wide)) ? 2 : 1;
}

size_t text_width(const char *s)
{
	size_t len = strlen(s), width = 0;
	uint32_t cp;

	for (size_t i = 0; i < len;) {
		int w;
		i += utf8_decode(s + i, len - i, &cp);
		w = cp_width(cp);
		width += w > 0 ? (size_t)w : 0;
	}
	return width;
}

size_t text_prefix(const char *s, size_t cols)
{
	size_t len = strlen(s), width = 0, i = 0;
	uint32_t cp;

	while (i < len) {
		size_t n = utf8_decode(s + i, len - i, &cp);
		int w = cp_width(cp);
		width += w > 0 ? (size_t)w : 0;
		if (width > cols)
			break;
		i += n;
	}
	return i;
}

/* Marks that reorder what a person reads (CVE-2021-42574, "Trojan Source"), and the two separators
 * that some terminals and most viewers take for a new line. */
bool cp_is_reordering(uint32_t cp)
{
	return cp == 0x061c || cp == 0x200e || cp == 0x200f || (cp >= 0x2028 && cp <= 0x202e) ||
	       (cp >= 0x2066 && cp <= 0x2069);
}

/* The harmless form of the character at s, as `*out_len` bytes (0: dropped) at *out; the bytes consumed. */
static size_t harmless_next(const char *s, size_t len, unsigned *marks, const char **out, size_t *out_len)
{
	uint32_t cp;
	size_t n = utf8_decode(s, len, &cp);
	int width = cp_width(cp);

	*out = s;
	*out_len = n;
	if (!DEFENCE("harmless-text"))
		return n;
	if (cp == '\n' || cp == '\t') {
		*out = " ";
	} else if (width < 0 || cp_is_reordering(cp) || (cp == REPLACEMENT && n == 1)) {
		*out = "\xef\xbf\xbd";
		*out_len = 3;
	} else if (width == 0) {
		if (++*marks > MAX_COMBINING)
			*out_len = 0;
		return n;
	}
	*marks = 0;
	return n;
}

/* Printable ASCII at the start of s, which is nearly everything. */
static size_t plain_run(const char *s, size_t len)
{
	size_t n = 0;

	while (n < len && s[n] >= 0x20 && s[n] < 0x7f)
		n++;
	return n;
}

void text_harmless(struct buf *out, const char *s, size_t len)
{
	unsigned marks = 0;
	const char *piece;
	size_t piece_len, run;

	for (size_t i = 0; i < len && !out->failed;) {
		run = plain_run(s + i, len - i);
		if (run) {
			buf_add(out, s + i, run);
			i += run;
			marks = 0;
			continue;
		}
		i += harmless_next(s + i, len - i, &marks, &piece, &piece_len);
		buf_add(out, piece, piece_len);
	}
}

void text_harmless_lines(struct buf *out, const char *s, size_t len)
{
	while (len) {
		const char *end = memchr(s, '\n', len);
		size_t line = end ? (size_t)(end - s) : len;

		text_harmless(out, s, line);
		if (end) {
			buf_char(out, '\n');
			line++;
		}
		s += line;
		len -= line;
	}
}

void text_note(char ***notes, size_t most, const char *path, const char *what)
{
	cleanup_buf struct buf line = BUF_INIT;
	size_t n = strv_len(*notes);

	if (n >= most)
		return;
	text_harmless(&line, path, strlen(path));
	buf_printf(&line, ": %s", n + 1 < most ? what : "and more like it");
	strv_add(notes, buf_str(&line));
}

void text_harmless_to(char *dst, size_t size, const char *s)
{
	size_t len = strlen(s), at = 0, piece_len;
	unsigned marks = 0;
	const char *piece;

	if (!size)
		return;
	for (size_t i = 0; i < len;) {
		i += harmless_next(s + i, len - i, &marks, &piece, &piece_len);
		if (at + piece_len >= size)
			break;
		memcpy(dst + at, piece, piece_len);
		at += piece_len;
	}
	dst[at] = '\0';
}

static unsigned least_of(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

unsigned text_distance(const char *a, const char *b)
{
	size_t la = strnlen(a, MAX_WORD), lb = strnlen(b, MAX_WORD);
	unsigned rows[3][MAX_WORD + 1];
	unsigned *before = rows[0], *last = rows[1], *row = rows[2], *spare;

	for (size_t j = 0; j <= lb; j++)
		last[j] = (unsigned)j;
	for (size_t i = 1; i <= la; i++) {
		row[0] = (unsigned)i;
		for (size_t j = 1; j <= lb; j++) {
			row[j] = least_of(last[j] + 1, row[j - 1] + 1);
			row[j] = least_of(row[j], last[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = least_of(row[j], before[j - 2] + 1);
		}
		spare = before;
		before = last;
		last = row;
		row = spare;
	}
	return last[lb];
}

bool text_is_near(const char *word, unsigned distance)
{
	unsigned len = (unsigned)strnlen(word, MAX_WORD), most = len / 3 ? len / 3 : 1;

	return distance <= most && distance < len;
}

const char *text_nearest(const char *word, const char *const *words, size_t n)
{
	unsigned best = UINT_MAX;
	const char *nearest = NULL;

	for (size_t i = 0; i < n; i++) {
		unsigned distance = text_distance(word, words[i]);
		if (distance < best && text_is_near(word, distance)) {
			best = distance;
			nearest = words[i];
		}
	}
	return nearest;
}

/* One code point of a NUL-terminated string; an ill-formed byte stands for itself, out of Unicode's range. */
static size_t glob_char(const char *s, uint32_t *cp)
{
	size_t n = utf8_decode(s, strnlen(s, 4), cp);

	if (*cp == REPLACEMENT && n == 1)
		*cp = 0x110000u + (unsigned char)*s;
	return n;
}

/* A class at p, which points behind the '['. The bytes up to and with ']', or 0 when it is not closed. */
static size_t glob_class(const char *p, uint32_t cp, bool *match)
{
	const char *start = p;
	bool negated = *p == '!' || *p == '^', found = false;
	uint32_t low, high;

	p += negated;
	for (const char *first = p; *p && (*p != ']' || p == first);) {
		if (*p == '\\' && p[1])
			p++;
		p += glob_char(p, &low);
		high = low;
		if (*p == '-' && p[1] && p[1] != ']') {
			p++;
			if (*p == '\\' && p[1])
				p++;
			p += glob_char(p, &high);
		}
		if (cp >= low && cp <= high)
			found = true;
	}
	*match = found != negated;
	return *p == ']' ? (size_t)(p - start) + 1 : 0;
}

/* Match one pattern element (not '*') against cp; the element's bytes, 0 when it does not match. */
static size_t glob_element(const char *p, uint32_t cp)
{
	uint32_t want;
	bool match;
	size_t n, escape;

	if (*p == '?')
		return 1;
	if (*p == '[') {
		n = glob_class(p + 1, cp, &match);
		if (n)
			return match ? n + 1 : 0;
	}
	if (!*p)
		return 0;
	escape = *p == '\\' && p[1];
	n = glob_char(p + escape, &want);
	return want == cp ? n + escape : 0;
}

/* Going back to the last star only is enough and keeps the work at |pattern| x |s|. */
bool text_glob(const char *pattern, const char *s)
{
	const char *star = NULL, *retry = NULL;
	uint32_t cp;
	size_t taken, used;

	while (*s) {
		if (*pattern == '*') {
			star = ++pattern;
			retry = s;
			continue;
		}
		taken = glob_char(s, &cp);
		used = glob_element(pattern, cp);
		if (used) {
			pattern += used;
			s += taken;
		} else if (star) {
			retry += glob_char(retry, &cp);
			s = retry;
			pattern = star;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}

int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

void text_shell_quote(struct buf *out, const char *s)
{
	static const char safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_@%+=:,./-";

	if (*s && !s[strspn(s, safe)]) {
		buf_str_add(out, s);
		return;
	}
	buf_char(out, '\'');
	for (; *s; s++) {
		if (*s == '\'')
			buf_str_add(out, "'\\''");
		else
			buf_char(out, *s);
	}
	buf_char(out, '\'');
}

char *text_next_part(char **rest, const char *separators)
{
	char *part = *rest;
	size_t len;

	if (!part)
		return NULL;
	len = strcspn(part, separators);
	*rest = part[len] ? part + len + 1 : NULL;
	part[len] = '\0';
	return part;
}
