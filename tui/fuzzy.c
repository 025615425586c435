/* Fuzzy matching by dynamic programming: for each letter of the pattern the best score of having it at each
 * byte of the text. A quick look for a subsequence goes first, since most texts of a long list do not match
 * at all. */
#include "tui/fuzzy.h"

#include <stdbool.h>
#include <string.h>

enum {
	MATCH = 16,      /* a letter found */
	IN_A_ROW = 16,   /* right after the one before */
	WORD_START = 10, /* after a separator, or a capital after a small letter */
	TEXT_START = 2,  /* at the very beginning, beyond WORD_START */
	GAP_FIRST = 3,   /* letters left out between two hits: the first one … */
	GAP_NEXT = 1,    /* … and each further one */
	GAP_MOST = 12,
	WHOLE = 20,       /* the pattern is the text */
	NOWHERE = -30000, /* this letter cannot be here */
};

struct table {
	int16_t best[FUZZY_PATTERN_MAX][FUZZY_TEXT_MAX];
	uint8_t from[FUZZY_PATTERN_MAX][FUZZY_TEXT_MAX]; /* where the letter before was */
};

static unsigned char lower(unsigned char c)
{
	return c >= 'A' && c <= 'Z' ? (unsigned char)(c + 32) : c;
}

static bool same(unsigned char pattern, unsigned char text)
{
	return pattern == text || pattern == lower(text);
}

static bool is_letter(unsigned char c)
{
	return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9') || c >= 0x80;
}

static int place_bonus(const unsigned char *text, size_t j)
{
	if (j == 0)
		return WORD_START + TEXT_START;
	if (!is_letter(text[j - 1]) && is_letter(text[j]))
		return WORD_START;
	if (lower(text[j]) != text[j] && lower(text[j - 1]) == text[j - 1])
		return WORD_START;
	return 0;
}

static bool is_subsequence(const unsigned char *pattern, size_t m, const unsigned char *text, size_t n)
{
	size_t i = 0;

	for (size_t j = 0; j < n && i < m; j++)
		if (same(pattern[i], text[j]))
			i++;
	return i == m;
}

static int gap_cost(size_t left_out)
{
	int cost = left_out ? GAP_FIRST + (int)(left_out - 1) * GAP_NEXT : 0;

	return cost < GAP_MOST ? cost : GAP_MOST;
}

/* The best way to come to text[j] with pattern[i], given the row before. Beyond the reach of the gap's cost
 * all places cost the same, so that only the best of them counts: `far`. */
static void fill_row(
        struct table *t, size_t i, const unsigned char *pattern, const unsigned char *text, size_t n)
{
	int far = NOWHERE;
	size_t far_at = 0;

	for (size_t j = 0; j < n; j++) {
		int score = NOWHERE;
		size_t from = 0;

		if (i && j > GAP_MOST && t->best[i - 1][j - GAP_MOST - 1] > far) {
			far = t->best[i - 1][j - GAP_MOST - 1];
			far_at = j - GAP_MOST - 1;
		}
		t->best[i][j] = NOWHERE;
		if (!same(pattern[i], text[j]))
			continue;
		if (i == 0)
			score = -(j < 4 ? (int)j : 4);
		for (size_t k = j > GAP_MOST ? j - GAP_MOST : 0; i && k < j; k++) {
			int s = t->best[i - 1][k] + (k + 1 == j ? IN_A_ROW : -gap_cost(j - k - 1));

			if (t->best[i - 1][k] > NOWHERE && s > score) {
				score = s;
				from = k;
			}
		}
		if (far > NOWHERE && far - GAP_MOST > score) {
			score = far - GAP_MOST;
			from = far_at;
		}
		if (score == NOWHERE)
			continue;
		t->best[i][j] = (int16_t)(score + MATCH + place_bonus(text, j));
		t->from[i][j] = (uint8_t)from;
	}
}

static void add_hits(struct fuzzy_hits *hits, const struct table *t, size_t m, size_t end)
{
	if (hits->n + m > FUZZY_PATTERN_MAX)
		return;
	for (size_t i = m, j = end; i-- > 0; j = t->from[i][j])
		hits->at[hits->n + i] = (uint16_t)j;
	hits->n += m;
}

/* One word. 0: it is not in there. */
static int score_word(
        const unsigned char *pattern, size_t m, const unsigned char *text, size_t n, struct fuzzy_hits *hits)
{
	struct table t;
	size_t end = 0;
	int best = NOWHERE;

	if (!is_subsequence(pattern, m, text, n))
		return 0;
	for (size_t i = 0; i < m; i++)
		fill_row(&t, i, pattern, text, n);
	for (size_t j = 0; j < n; j++) {
		if (t.best[m - 1][j] > best) {
			best = t.best[m - 1][j];
			end = j;
		}
	}
	if (hits)
		add_hits(hits, &t, m, end);
	if (m == n)
		best += WHOLE;
	return best > 1 ? best : 1;
}

static void sort_hits(struct fuzzy_hits *hits)
{
	for (size_t i = 1; i < hits->n; i++) {
		uint16_t v = hits->at[i];
		size_t j = i;

		for (; j && hits->at[j - 1] > v; j--)
			hits->at[j] = hits->at[j - 1];
		hits->at[j] = v;
	}
}

int fuzzy_score(const char *pattern, const char *text, struct fuzzy_hits *hits)
{
	size_t n = strnlen(text, FUZZY_TEXT_MAX), m = strnlen(pattern, FUZZY_PATTERN_MAX);
	int sum = 0;

	if (hits)
		hits->n = 0;
	for (size_t i = 0; i < m;) {
		size_t len = strcspn(pattern + i, " ");
		int score;

		if (len > m - i)
			len = m - i;
		if (len) {
			score = score_word((const unsigned char *)pattern + i, len,
			        (const unsigned char *)text, n, hits);
			if (!score)
				return 0;
			sum += score;
		}
		i += len + 1;
	}
	if (hits)
		sort_hits(hits);
	if (!sum)
		return 1;
	/* of two equal ones the shorter is meant */
	sum = sum * 8 - (int)(n < 64 ? n : 64) / 8;
	return sum > 1 ? sum : 1;
}
