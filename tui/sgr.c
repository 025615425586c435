#include "tui/sgr.h"

#include <string.h>

#include "base/text.h"

#define ESCAPE        0x1b
#define SEQUENCE_MAX  256  /* a longer CSI is no CSI */
#define STRING_MAX    4096 /* OSC, DCS, … are looked through this far for their end */
#define PARAMETERS    32
#define PARAMETER_MAX 65535u

/* ------------------------------------------------------------------ parameters */

struct parameters {
	unsigned v[PARAMETERS];
	size_t n;
};

/* "1;38;5;9" or with colons; an empty one is 0. */
static struct parameters parameters_read(const char *s, size_t len)
{
	struct parameters p = {.n = 1};

	for (size_t i = 0; i < len; i++) {
		if (s[i] == ';' || s[i] == ':') {
			if (p.n == PARAMETERS)
				break;
			p.n++;
			continue;
		}
		unsigned *v = &p.v[p.n - 1];
		*v = *v * 10 + (unsigned)(s[i] - '0');
		if (*v > PARAMETER_MAX)
			*v = PARAMETER_MAX;
	}
	return p;
}

/* 38 and 48 take more parameters: 5;N or 2;R;G;B. The number of them used besides the first. */
static size_t extended_colour(const struct parameters *p, size_t i, colour *c)
{
	if (i + 2 < p->n && p->v[i + 1] == 5) {
		if (p->v[i + 2] < 256)
			*c = COLOUR_INDEX(p->v[i + 2]);
		return 2;
	}
	if (i + 4 < p->n && p->v[i + 1] == 2) {
		if (p->v[i + 2] < 256 && p->v[i + 3] < 256 && p->v[i + 4] < 256)
			*c = COLOUR_RGB(p->v[i + 2], p->v[i + 3], p->v[i + 4]);
		return 4;
	}
	return p->n - i - 1;
}

static void set_attribute(struct style *s, unsigned v)
{
	static const uint32_t on[] = {
	        [1] = ATTR_BOLD,
	        [2] = ATTR_DIM,
	        [3] = ATTR_ITALIC,
	        [4] = ATTR_UNDERLINE,
	        [7] = ATTR_REVERSE,
	        [9] = ATTR_STRIKE,
	};
	static const uint32_t off[] = {
	        [1] = ATTR_BOLD,
	        [2] = ATTR_BOLD | ATTR_DIM,
	        [3] = ATTR_ITALIC,
	        [4] = ATTR_UNDERLINE,
	        [7] = ATTR_REVERSE,
	        [9] = ATTR_STRIKE,
	};

	if (v < 10)
		s->attr |= on[v];
	else
		s->attr &= ~off[v - 20];
}

static void apply(struct sgr *g, const struct parameters *p)
{
	for (size_t i = 0; i < p->n; i++) {
		unsigned v = p->v[i];

		if (v == 0)
			g->style = (struct style){0};
		else if (v < 10 || (v >= 21 && v <= 29))
			set_attribute(&g->style, v);
		else if (v >= 30 && v <= 37)
			g->style.fg = COLOUR_INDEX(v - 30);
		else if (v == 38)
			i += extended_colour(p, i, &g->style.fg);
		else if (v == 39)
			g->style.fg = COLOUR_DEFAULT;
		else if (v >= 40 && v <= 47)
			g->style.bg = COLOUR_INDEX(v - 40);
		else if (v == 48)
			i += extended_colour(p, i, &g->style.bg);
		else if (v == 49)
			g->style.bg = COLOUR_DEFAULT;
		else if (v >= 90 && v <= 97)
			g->style.fg = COLOUR_INDEX(v - 90 + 8);
		else if (v >= 100 && v <= 107)
			g->style.bg = COLOUR_INDEX(v - 100 + 8);
	}
	g->touched = true;
}

/* ------------------------------------------------------------------ sequences */

static bool is_parameter(char c)
{
	return (c >= '0' && c <= '9') || c == ';' || c == ':';
}

/* s begins with "\e[". Returns its length; 0: it is none. */
static size_t csi(struct sgr *g, const char *s, size_t len)
{
	size_t max = len < SEQUENCE_MAX ? len : SEQUENCE_MAX;
	bool plain = true;

	for (size_t i = 2; i < max; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c >= 0x40 && c <= 0x7e) {
			if (c == 'm' && plain) {
				struct parameters p = parameters_read(s + 2, i - 2);
				apply(g, &p);
			}
			return i + 1;
		}
		if (c < 0x20 || c > 0x3f)
			return 0;
		plain = plain && is_parameter(s[i]);
	}
	return max == len ? len : 0;
}

/* OSC, DCS, SOS, PM, APC: up to BEL or ST. A string whose end is not near is not taken for one: what follows
 * must not vanish. */
static size_t control_string(const char *s, size_t len)
{
	size_t max = len < STRING_MAX ? len : STRING_MAX;

	for (size_t i = 2; i < max; i++) {
		if (s[i] == '\a')
			return i + 1;
		if (s[i] == ESCAPE && i + 1 < max && s[i + 1] == '\\')
			return i + 2;
	}
	return 0;
}

static size_t sequence(struct sgr *g, const char *s, size_t len)
{
	if (len < 2)
		return len;
	switch (s[1]) {
	case '[':
		return csi(g, s, len);
	case ']':
	case 'P':
	case 'X':
	case '^':
	case '_':
		return control_string(s, len);
	case '(':
	case ')':
	case '*':
	case '+':
	case '#':
	case '%':
	case ' ':
		return len >= 3 && s[2] >= 0x30 && s[2] <= 0x7e ? 3 : 0;
	default:
		return s[1] >= 0x30 && s[1] <= 0x7e ? 2 : 0;
	}
}

/* ------------------------------------------------------------------ text */

static bool is_plain(char c)
{
	return c >= 0x20 && c < 0x7f;
}

static bool is_bidirectional(uint32_t cp)
{
	return cp == 0x61c || cp == 0x200e || cp == 0x200f || (cp >= 0x202a && cp <= 0x202e) ||
	       (cp >= 0x2066 && cp <= 0x2069);
}

static uint32_t picture(uint32_t cp)
{
	if (cp < 0x20)
		return 0x2400 + cp;
	return cp == 0x7f ? 0x2421 : 0xfffd;
}

struct sgr_part sgr_next(struct sgr *g, const char *s, size_t len)
{
	struct sgr_part part = {SGR_PLAIN, 0, 0};

	while (part.len < len && is_plain(s[part.len]))
		part.len++;
	if (part.len)
		return part;
	if (*s == '\t')
		return (struct sgr_part){SGR_TAB, 1, '\t'};
	if (*s == ESCAPE) {
		size_t n = sequence(g, s, len);
		if (n)
			return (struct sgr_part){SGR_NOTHING, n, 0};
	}
	part.kind = SGR_CHAR;
	part.len = utf8_decode(s, len, &part.cp);
	if (cp_width(part.cp) < 0)
		part.cp = picture(part.cp);
	else if (is_bidirectional(part.cp))
		part.cp = 0xfffd;
	return part;
}

size_t sgr_strip(char *dst, size_t size, const char *s, size_t len)
{
	struct sgr g = {0};
	struct sgr_part part;
	size_t n = 0;

	for (size_t i = 0; i < len && n + 5 < size; i += part.len) {
		part = sgr_next(&g, s + i, len - i);
		if (part.kind == SGR_PLAIN) {
			if (part.len > size - n - 1)
				part.len = size - n - 1;
			memcpy(dst + n, s + i, part.len);
			n += part.len;
		} else if (part.kind != SGR_NOTHING) {
			n += utf8_encode(part.cp, dst + n);
		}
	}
	if (size)
		dst[n] = '\0';
	return n;
}
