#include "tui/log_record.h"

#include <string.h>

#define STAMP_LEAST  20 /* "2026-01-31T10:00:00Z" */
#define STAMP_MOST   35 /* nine digits and an offset */
#define LEVEL_WITHIN 160

/* ------------------------------------------------------------------ time */

static bool digits(const char *s, size_t n, int *value)
{
	int v = 0;

	for (size_t i = 0; i < n; i++) {
		if (s[i] < '0' || s[i] > '9')
			return false;
		v = v * 10 + (s[i] - '0');
	}
	*value = v;
	return true;
}

/* Days since 1970-01-01 of a date of the Gregorian calendar. */
static int64_t days(int year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = y / 400, of_era = y - era * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* ".123456789" and what ends the stamp, "Z" or "+01:00"; false: something else. */
static bool fraction_and_zone(const char *s, size_t len, int64_t *ns)
{
	int64_t scale = 100000000, value = 0;
	size_t i = 0;
	int hours, minutes;

	if (i < len && s[i] == '.')
		for (i++; i < len && s[i] >= '0' && s[i] <= '9'; i++, scale /= 10)
			value += (s[i] - '0') * scale;
	*ns += value;
	if (i + 1 == len && s[i] == 'Z')
		return true;
	if (i + 6 != len || (s[i] != '+' && s[i] != '-') || s[i + 3] != ':' ||
	        !digits(s + i + 1, 2, &hours) || !digits(s + i + 4, 2, &minutes))
		return false;
	*ns += (s[i] == '-' ? 1 : -1) * (int64_t)(hours * 60 + minutes) * 60 * 1000000000;
	return true;
}

static bool stamp_parse(const char *s, size_t len, int64_t *time)
{
	int year, month, day, hour, minute, second;

	if (len < STAMP_LEAST || len > STAMP_MOST || s[4] != '-' || s[7] != '-' || s[10] != 'T' ||
	        s[13] != ':' || s[16] != ':')
		return false;
	if (!digits(s, 4, &year) || !digits(s + 5, 2, &month) || !digits(s + 8, 2, &day) ||
	        !digits(s + 11, 2, &hour) || !digits(s + 14, 2, &minute) || !digits(s + 17, 2, &second))
		return false;
	/* beyond these years 64 bits of nanoseconds end */
	if (year < 1970 || year > 2200 || month < 1 || month > 12 || day < 1 || day > 31)
		return false;
	*time = (((days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second) * 1000000000;
	return fraction_and_zone(s + 19, len - 19, time);
}

struct log_head log_head_parse(const char *s, size_t len)
{
	static const struct log_head foreign = {0};
	struct log_head h = {0};
	size_t most = len < STAMP_MOST + 1 ? len : STAMP_MOST + 1;
	const char *space = most ? memchr(s, ' ', most) : NULL;
	size_t at;

	if (!space || !stamp_parse(s, (size_t)(space - s), &h.time))
		return foreign;
	at = (size_t)(space - s) + 1;
	if (len < at + 8 || (memcmp(s + at, "stdout ", 7) && memcmp(s + at, "stderr ", 7)))
		return foreign;
	h.err = s[at + 3] == 'e';
	at += 7;
	if ((s[at] != 'F' && s[at] != 'P') || (at + 1 < len && s[at + 1] != ' ' && s[at + 1] != ':'))
		return foreign;
	h.partial = s[at] == 'P';
	/* the format allows further tags after a colon */
	while (at < len && s[at] != ' ')
		at++;
	h.text = at < len ? at + 1 : len;
	return h;
}

/* ------------------------------------------------------------------ level */

static const struct {
	const char *word; /* lower case */
	enum log_level_word level;
} level_words[] = {
        {"error", LOG_WORD_ERROR},
        {"err", LOG_WORD_ERROR},
        {"fatal", LOG_WORD_ERROR},
        {"panic", LOG_WORD_ERROR},
        {"critical", LOG_WORD_ERROR},
        {"crit", LOG_WORD_ERROR},
        {"emerg", LOG_WORD_ERROR},
        {"alert", LOG_WORD_ERROR},
        {"severe", LOG_WORD_ERROR},
        {"warning", LOG_WORD_WARN},
        {"warn", LOG_WORD_WARN},
        {"wrn", LOG_WORD_WARN},
        {"info", LOG_WORD_INFO},
        {"inf", LOG_WORD_INFO},
        {"notice", LOG_WORD_INFO},
        {"debug", LOG_WORD_DEBUG},
        {"dbg", LOG_WORD_DEBUG},
        {"trace", LOG_WORD_DEBUG},
        {"verbose", LOG_WORD_DEBUG},
};

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_word(char c)
{
	return is_letter(c) || (c >= '0' && c <= '9') || c == '_';
}

static enum log_level_word level_of(const char *s, size_t n)
{
	for (size_t i = 0; i < sizeof(level_words) / sizeof(*level_words); i++) {
		const char *w = level_words[i].word;
		size_t k = 0;

		while (k < n && w[k] && (s[k] | 0x20) == w[k])
			k++;
		if (k == n && !w[k])
			return level_words[i].level;
	}
	return LOG_WORD_NONE;
}

static bool is_upper(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (s[i] < 'A' || s[i] > 'Z')
			return false;
	return true;
}

/* A word of prose is no level ("no error here"): it counts in capitals, in brackets, before a colon, first in
 * the line, or as the value of a key that is called level. */
static bool stands_as_level(const char *text, size_t len, size_t at, size_t n)
{
	char before = at ? text[at - 1] : '\0', after = at + n < len ? text[at + n] : '\0';

	if (is_upper(text + at, n) || before == '[' || before == '<' || before == '(' || before == '|')
		return true;
	if (before == '"' && at >= 3)
		return text[at - 2] == ':' || text[at - 2] == '=' || text[at - 3] == ':';
	if (before == '=' || at == 0)
		return true;
	return after == ':' && (before == ' ' || before == 'm');
}

enum log_level_word log_level_find(const char *text, size_t len, size_t *at, size_t *n)
{
	size_t end = len < LEVEL_WITHIN ? len : LEVEL_WITHIN;

	for (size_t i = 0; i < end;) {
		size_t from = i;

		while (i < len && is_word(text[i]) && i - from < 16)
			i++;
		/* "\e[31mERROR": the m belongs to the sequence, not to the word */
		if (from >= 2 && text[from] >= '0' && text[from] <= '9')
			while (from < i && !is_letter(text[from]))
				from++;
		if (from < i && text[from] == 'm' && from && text[from - 1] >= '0' && text[from - 1] <= '9')
			from++;
		enum log_level_word level = i - from >= 3 ? level_of(text + from, i - from) : LOG_WORD_NONE;
		if (level != LOG_WORD_NONE && stands_as_level(text, len, from, i - from)) {
			*at = from;
			*n = i - from;
			return level;
		}
		i += i == from || (i < len && !is_word(text[i]));
	}
	return LOG_WORD_NONE;
}
