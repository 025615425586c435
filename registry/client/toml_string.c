/* TOML's four kinds of strings. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "registry/client/toml_reader.h"

/* \uXXXX and \UXXXXXXXX. A zero would end the string for who reads it. */
static int unicode_escape(struct toml_reader *r, size_t digits, struct buf *out)
{
	uint32_t cp = 0;
	char bytes[4];
	for (size_t i = 0; i < digits; i++) {
		int d = hex_digit(toml_peek(r, 0));
		if (d < 0)
			return toml_wrong(r, "hex digits are expected behind \\u");
		cp = cp << 4 | (uint32_t)d;
		r->at++;
	}
	if (cp == 0 || cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff))
		return toml_wrong(r, "an escape that is no character");
	buf_add(out, bytes, utf8_encode(cp, bytes));
	return 0;
}

static int escape(struct toml_reader *r, struct buf *out)
{
	static const char from[] = "btnfr\"\\", to[] = "\b\t\n\f\r\"\\";
	char c = toml_peek(r, 0);
	const char *at = c ? strchr(from, c) : NULL;
	r->at++;
	if (c == 'u' || c == 'U')
		return unicode_escape(r, c == 'u' ? 4 : 8, out);
	if (!at)
		return toml_wrong(r, "an unknown escape; a backslash is written as \\\\, or in '…'");
	buf_char(out, to[at - from]);
	return 0;
}

/* A backslash at the end of a line takes all white space that follows away. */
static bool line_ending(struct toml_reader *r)
{
	size_t n = 0;
	while (toml_peek(r, n) == ' ' || toml_peek(r, n) == '\t' || toml_peek(r, n) == '\r')
		n++;
	if (toml_peek(r, n) != '\n')
		return false;
	for (r->at += n; r->at < r->len && strchr(" \t\r\n", toml_peek(r, 0)); r->at++)
		r->line += toml_peek(r, 0) == '\n';
	return true;
}

/* One character as it stands. */
static int plain(struct toml_reader *r, bool lines, struct buf *out)
{
	unsigned char c = (unsigned char)toml_peek(r, 0);
	if (r->at >= r->len)
		return toml_wrong(r, "a string that doesn't end");
	if (c == '\n' && !lines)
		return toml_wrong(r, "a string that doesn't end in its line");
	if ((c < 0x20 && c != '\t' && !(lines && (c == '\n' || c == '\r'))) || c == 0x7f)
		return toml_wrong(r, "a control character in a string");
	r->line += c == '\n';
	r->at++;
	buf_char(out, (char)c);
	return 0;
}

static bool at_quotes(const struct toml_reader *r, char quote, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (toml_peek(r, i) != quote)
			return false;
	return true;
}

/* Up to the closing quotes, which are skipped; up to two more may belong to the string. */
static int body(struct toml_reader *r, char quote, bool lines, struct buf *out)
{
	size_t n = lines ? 3 : 1;
	while (!at_quotes(r, quote, n)) {
		int rc = 0;
		if (quote == '"' && toml_peek(r, 0) == '\\') {
			r->at++;
			if (!lines || !line_ending(r))
				rc = escape(r, out);
		} else {
			rc = plain(r, lines, out);
		}
		if (rc < 0)
			return -1;
	}
	for (size_t more = 0; lines && more < 2 && at_quotes(r, quote, n + 1); more++) {
		buf_char(out, quote);
		r->at++;
	}
	r->at += n;
	return 0;
}

char *toml_string(struct toml_reader *r, bool lines)
{
	cleanup_buf struct buf out = BUF_INIT_MAX(TOML_MAX_BYTES + 1);
	char quote = toml_peek(r, 0);
	bool three = lines && at_quotes(r, quote, 3);
	r->at += three ? 3 : 1;
	if (three && toml_peek(r, toml_peek(r, 0) == '\r') == '\n') {
		r->at += toml_peek(r, 0) == '\r' ? 2 : 1;
		r->line++;
	}
	if (body(r, quote, three, &out) < 0)
		return NULL;
	char *s = out.len || out.failed ? buf_take(&out) : strdup("");
	if (!s)
		err_no_memory(r->e);
	return s;
}
