/* The text of a file of leases: read, printed and looked up. No lock is taken and nothing is written, since
 * the name service is linked with this too.
 *
 * A start reads and writes the whole file, so a row costs no allocation: all texts of a file are in two
 * pieces of memory, one with the lines as they are, which are printed again as they are, one cut up into
 * strings. */
#include "net/lease.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"

#define NONE        "-"
#define MAGIC       "tare-leases"
#define VERSION     "1"
#define LISTS       2 /* fields of a line that are lists */
#define DECIMAL_LEN 20

/* ---------------------------------------------------------------- memory */

void lease_free(struct lease *l)
{
	free(l->hostname);
	strv_free(l->names);
	strv_free(l->resolvers);
	*l = (struct lease){0};
}

void leases_close(struct leases *l)
{
	free(l->rows);
	strv_free_ptr(&l->memory);
	close_fd(&l->lock_fd);
	close_fd(&l->dir_fd);
	*l = (struct leases)LEASES_INIT;
}

const struct lease *leases_find(const struct leases *l, const char *id)
{
	for (size_t i = 0; i < l->n; i++)
		if (!strcmp(l->rows[i].id, id))
			return &l->rows[i];
	return NULL;
}

/* ---------------------------------------------------------------- reading */

/* What is left of the text; what has been read of it is cut into strings. */
struct cursor {
	char *at;
	char **words; /* room for the lists that are still to come */
};

static bool is_word_byte(char c)
{
	return c > ' ' && c <= '~' && c != ',';
}

/* The word at the cursor, and the byte behind it; NULL when there is none. */
static char *cut_word(struct cursor *c, char *end)
{
	char *word = c->at, *s = word;

	while (is_word_byte(*s))
		s++;
	*end = *s;
	if (s == word || !*s)
		return NULL;
	*s = '\0';
	c->at = s + 1;
	return word;
}

static char *cut_field(struct cursor *c, char end)
{
	char found, *word = cut_word(c, &found);

	return found == end ? word : NULL;
}

static bool cut_into(struct cursor *c, char *dst, size_t size)
{
	const char *word = cut_field(c, ' ');
	size_t len = word ? strlen(word) : size;

	if (len >= size)
		return false;
	if (!strcmp(word, NONE))
		len = 0;
	memcpy(dst, word, len);
	dst[len] = '\0';
	return true;
}

static bool cut_address(struct cursor *c, int family, struct net_address *a)
{
	const char *word = cut_field(c, ' ');

	*a = (struct net_address){0};
	if (word && !strcmp(word, NONE))
		return true;
	return word && net_address_parse(word, a, NULL) == 0 && a->family == family;
}

static bool cut_list(struct cursor *c, char end, char ***list)
{
	char **first = c->words, found, *word;

	do {
		word = cut_word(c, &found);
		if (!word)
			return false;
		*c->words++ = word;
	} while (found == ',');
	if (found != end)
		return false;
	if (c->words == first + 1 && !strcmp(word, NONE)) {
		c->words = first;
		first = NULL;
	} else {
		*c->words++ = NULL;
	}
	*list = first;
	return true;
}

static bool cut_line(struct cursor *c, struct lease *row)
{
	const char *mac;

	*row = (struct lease){0};
	if (!cut_into(c, row->id, sizeof(row->id)) || !*row->id || !cut_into(c, row->link, sizeof(row->link)))
		return false;
	mac = cut_field(c, ' ');
	if (!mac || net_mac_parse(mac, row->mac, NULL) < 0 || !cut_address(c, AF_INET, &row->ip[0]) ||
	        !cut_address(c, AF_INET6, &row->ip[1]))
		return false;
	row->hostname = cut_field(c, ' ');
	if (!row->hostname)
		return false;
	if (!strcmp(row->hostname, NONE))
		row->hostname = NULL;
	return cut_list(c, ' ', &row->names) && cut_list(c, '\n', &row->resolvers);
}

static bool cut_number(struct cursor *c, char end, uint64_t *v)
{
	const char *word = cut_field(c, end);

	*v = 0;
	if (!word)
		return false;
	for (; *word; word++)
		if (*word < '0' || *word > '9' || __builtin_mul_overflow(*v, 10, v) ||
		        __builtin_add_overflow(*v, (uint64_t)(*word - '0'), v))
			return false;
	return true;
}

static bool cut_heading(struct cursor *c, uint64_t next[2])
{
	const char *magic = cut_field(c, ' '), *version = magic ? cut_field(c, ' ') : NULL;

	return version && !strcmp(magic, MAGIC) && !strcmp(version, VERSION) &&
	       cut_number(c, ' ', &next[0]) && cut_number(c, '\n', &next[1]);
}

static size_t count_byte(const char *text, size_t len, char byte)
{
	const char *end = text + len;
	size_t n = 0;

	/* memchr(3) looks at many bytes at once, and there are few to find. */
	for (; (text = memchr(text, byte, (size_t)(end - text))) != NULL; text++)
		n++;
	return n;
}

/* Where `len` bytes of lines go: as they are, cut up, and their lists. */
struct pieces {
	const char *whole;
	struct cursor cut;
	const char *cut_start;
};

static int pieces_make(struct leases *l, const char *text, size_t len, size_t lines, struct pieces *p)
{
	/* A list ends with a NULL; the last line may lack its end. */
	size_t words = count_byte(text, len, ',') + 2 * LISTS * (lines + 1);
	size_t words_size = words * sizeof(*p->cut.words);
	char *whole = malloc(len + 1), *cut = malloc(words_size + len + 1);

	/* Both have an owner before either is looked at. */
	int rc = strv_take(&l->memory, whole);

	rc |= strv_take(&l->memory, cut);
	if (rc < 0)
		return -1;
	p->cut = (struct cursor){.words = (char **)(void *)cut, .at = cut + words_size};
	p->cut_start = p->cut.at;
	p->whole = whole;
	memcpy(whole, text, len);
	memcpy(p->cut.at, text, len);
	whole[len] = p->cut.at[len] = '\0';
	return 0;
}

/* Rows for all lines from the cursor on; the number of the line (from 1) that is none, or 0. */
static size_t rows_cut(struct leases *l, struct pieces *p, const char *end)
{
	size_t first = l->n;

	while (p->cut.at < end) {
		const char *start = p->cut.at;
		struct lease *row = &l->rows[l->n];

		if (!cut_line(&p->cut, row))
			return l->n - first + 1;
		row->line = p->whole + (start - p->cut_start);
		row->line_len = (size_t)(p->cut.at - start) - 1;
		l->n++;
	}
	return 0;
}

static int rows_room(struct leases *l, size_t more, struct err *e)
{
	struct lease *grown = realloc(l->rows, (l->n + more) * sizeof(*grown));

	if (!grown)
		return err_no_memory(e);
	l->rows = grown;
	return 0;
}

static void leases_forget(struct leases *l)
{
	free(l->rows);
	l->rows = NULL;
	strv_free_ptr(&l->memory);
	l->n = 0;
	l->next[0] = l->next[1] = 0;
}

int leases_parse(const char *text, size_t len, struct leases *l, struct err *e)
{
	size_t lines = count_byte(text, len, '\n'), bad;
	struct pieces p;

	leases_forget(l);
	if (len > LEASE_TEXT_MAX)
		return err_set(e, ERR_CORRUPT, "the file of leases is too long: %zu bytes", len);
	if (pieces_make(l, text, len, lines, &p) < 0 || rows_room(l, lines + 1, e) < 0) {
		leases_forget(l);
		return err_no_memory(e);
	}
	if (!cut_heading(&p.cut, l->next)) {
		leases_forget(l);
		return err_set(e, ERR_CORRUPT, "this is no file of leases: its first line is wrong");
	}
	bad = rows_cut(l, &p, p.cut_start + len);
	if (bad) {
		leases_forget(l);
		return err_set(e, ERR_CORRUPT, "line %zu of the leases cannot be read", bad + 1);
	}
	return 0;
}

int leases_read(int dir_fd, struct leases *l, struct err *e)
{
	cleanup_buf struct buf text = BUF_INIT_MAX(LEASE_TEXT_MAX);
	struct err why = ERR_INIT;

	if (file_read_at(dir_fd, LEASES_FILE, &text, &why) == 0)
		return leases_parse(buf_str(&text), text.len, l, e);
	if (errno == ENOENT) {
		leases_forget(l);
		return 0;
	}
	if (errno == EFBIG || errno == EISDIR || errno == EINVAL || errno == ELOOP)
		why.kind = ERR_CORRUPT;
	if (e)
		*e = why;
	return -1;
}

/* ---------------------------------------------------------------- printing */

static void add_text(struct buf *out, const char *text)
{
	buf_str_add(out, text && *text ? text : NONE);
	buf_char(out, ' ');
}

static void add_list(struct buf *out, char *const *list, char end)
{
	if (!list || !*list)
		buf_str_add(out, NONE);
	strv_foreach (s, list) {
		if (s != list)
			buf_char(out, ',');
		buf_str_add(out, *s);
	}
	buf_char(out, end);
}

static void print_line(struct buf *out, const struct lease *row)
{
	char text[NET_ADDRESS_TEXT];

	add_text(out, row->id);
	add_text(out, row->link);
	add_text(out, net_mac_text(row->mac, text));
	add_text(out, net_address_text(&row->ip[0], text));
	add_text(out, net_address_text(&row->ip[1], text));
	add_text(out, row->hostname);
	add_list(out, row->names, ' ');
	add_list(out, row->resolvers, '\n');
}

void leases_print(const struct leases *l, struct buf *out)
{
	size_t room = sizeof(MAGIC VERSION) + 4 + 2 * DECIMAL_LEN;

	for (size_t i = 0; i < l->n; i++)
		room += l->rows[i].line_len + 1;
	buf_reserve(out, room);
	buf_printf(out, MAGIC " " VERSION " %llu %llu\n", (unsigned long long)l->next[0],
	        (unsigned long long)l->next[1]);
	for (size_t i = 0; i < l->n; i++) {
		/* With its newline. */
		buf_add(out, l->rows[i].line, l->rows[i].line_len + 1);
	}
}

/* ---------------------------------------------------------------- one more */

static int check_text(const char *what, const char *text, size_t max, struct err *e)
{
	size_t len = 0;

	while (is_word_byte(text[len]))
		len++;
	if (len == 0 || text[len] || !strcmp(text, NONE))
		return err_set(e, ERR_USAGE,
		        "invalid %s \"%.80s\": printable ASCII without space and comma is allowed", what,
		        text);
	if (len > max)
		return err_set(e, ERR_USAGE, "invalid %s \"%.20s…\": longer than %zu bytes", what, text, max);
	return 0;
}

static int check_list(const char *what, char *const *list, struct err *e)
{
	strv_foreach (s, list)
		if (check_text(what, *s, LEASE_NAME_MAX, e) < 0)
			return -1;
	return 0;
}

/* What would shift the fields of its line or begin another one never gets there. */
static int check_row(const struct lease *row, struct err *e)
{
	if (check_text("container id", row->id, LEASE_ID_LEN, e) < 0 ||
	        (*row->link && check_text("link name", row->link, IFNAMSIZ - 1, e) < 0) ||
	        (row->hostname && *row->hostname &&
	                check_text("hostname", row->hostname, LEASE_NAME_MAX, e) < 0) ||
	        check_list("name", row->names, e) < 0)
		return -1;
	return check_list("name server", row->resolvers, e);
}

int leases_add(struct leases *l, const struct lease *row, struct err *e)
{
	cleanup_buf struct buf line = BUF_INIT_MAX(LEASE_TEXT_MAX);
	struct pieces p;

	if (check_row(row, e) < 0)
		return -1;
	print_line(&line, row);
	if (line.failed || rows_room(l, 1, e) < 0 || pieces_make(l, line.data, line.len, 1, &p) < 0)
		return err_no_memory(e);
	/* Read back: what can be written but not read would take all leases along. */
	if (rows_cut(l, &p, p.cut_start + line.len))
		return err_set(e, ERR_USAGE, "the addresses of container %.12s cannot be used", row->id);
	return 0;
}
