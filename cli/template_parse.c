/* From the text of a template to its tree. Nothing here is a loop over foreign input: it is what the user
 * typed, but nesting is bounded all the same. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "cli/template.h"
#include "cli/template_tree.h"

#define DEPTH_MAX 64

/* Everything lives as long as the template: one chain of allocations. */
struct chunk {
	struct chunk *next;
	enum { CHUNK_PLAIN, CHUNK_STRV, CHUNK_JSON } kind;
	void *held; /* a vector or a value to free */
	_Alignas(max_align_t) char data[];
};

struct parser {
	const char *text, *at;
	struct template *t;
	unsigned depth;
	struct err *e;
};

static void *chunk_new(struct parser *p, size_t size)
{
	struct chunk *c = calloc(1, sizeof(*c) + size);

	if (!c) {
		err_set(p->e, ERR_OTHER, "out of memory");
		return NULL;
	}
	c->next = p->t->arena;
	p->t->arena = c;
	return c->data;
}

static char *keep_text(struct parser *p, const char *s, size_t len)
{
	char *copy = chunk_new(p, len + 1);

	if (copy)
		memcpy(copy, s, len);
	return copy;
}

void template_free(struct template **t)
{
	struct chunk *c = *t ? (*t)->arena : NULL;

	while (c) {
		struct chunk *next = c->next;

		if (c->kind == CHUNK_STRV)
			strv_free(c->held);
		if (c->kind == CHUNK_JSON)
			json_object_put(c->held);
		free(c);
		c = next;
	}
	free(*t);
	*t = NULL;
}

static unsigned column(const struct parser *p)
{
	return (unsigned)(p->at - p->text) + 1;
}

/* What stands at the cursor, for errors: a few characters. */
static int fail(struct parser *p, const char *what)
{
	if (!*p->at)
		return err_set(p->e, ERR_USAGE, "%s at the end of the format", what);
	return err_set(p->e, ERR_USAGE, "%s at column %u of the format: \"%.12s\"", what, column(p), p->at);
}

static void skip_blanks(struct parser *p)
{
	p->at += strspn(p->at, " \t\r\n");
}

/* A closing "}}" or " -}}". */
static bool at_close(const struct parser *p)
{
	return strncmp(p->at, "}}", 2) == 0 || strncmp(p->at, "-}}", 3) == 0;
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static size_t word_len(const char *s)
{
	size_t n = 0;

	while (is_word(s[n]))
		n++;
	return n;
}

static bool at_word(const struct parser *p, const char *word)
{
	return word_len(p->at) == strlen(word) && strncmp(p->at, word, strlen(word)) == 0;
}

/* ------------------------------------------------------------------ terms */

static struct pipeline *parse_pipeline(struct parser *p);

static int keep_constant(struct parser *p, struct term *t, json *j)
{
	char *data = j ? chunk_new(p, 1) : NULL;
	struct chunk *c;

	if (!data) {
		json_object_put(j);
		return -1;
	}
	c = (struct chunk *)(data - offsetof(struct chunk, data));
	c->kind = CHUNK_JSON;
	c->held = j;
	t->kind = TERM_CONSTANT;
	t->constant = j;
	return 0;
}

static int unescape(struct parser *p, struct buf *out)
{
	static const char from[] = "ntr\\\"'", to[] = "\n\t\r\\\"'";
	const char *known = p->at[1] ? strchr(from, p->at[1]) : NULL;

	if (!known)
		return fail(p, "unknown escape");
	buf_char(out, to[known - from]);
	p->at += 2;
	return 0;
}

static int parse_string(struct parser *p, struct term *t)
{
	cleanup_buf struct buf out = BUF_INIT;
	char quote = *p->at++;

	while (*p->at && *p->at != quote) {
		if (quote == '"' && *p->at == '\\') {
			if (unescape(p, &out) < 0)
				return -1;
			continue;
		}
		buf_char(&out, *p->at++);
	}
	if (!*p->at)
		return fail(p, "a quote is missing");
	p->at++;
	return keep_constant(p, t, json_object_new_string(buf_str(&out)));
}

static int parse_number(struct parser *p, struct term *t)
{
	char *end, *float_end;
	long long whole;
	double number;

	errno = 0;
	whole = strtoll(p->at, &end, 0);
	number = strtod(p->at, &float_end);
	if (errno || is_word(*float_end))
		return fail(p, "bad number");
	if (end >= float_end)
		number = (double)whole;
	p->at = end >= float_end ? end : float_end;
	return keep_constant(
	        p, t, end >= float_end ? json_object_new_int64(whole) : json_object_new_double(number));
}

static int parse_word(struct parser *p, struct term *t)
{
	size_t len = word_len(p->at);

	if (at_word(p, "true") || at_word(p, "false")) {
		bool yes = *p->at == 't';

		p->at += len;
		return keep_constant(p, t, json_object_new_boolean(yes));
	}
	if (at_word(p, "nil")) {
		p->at += len;
		t->kind = TERM_CONSTANT;
		return 0;
	}
	t->kind = TERM_FUNCTION;
	t->name = keep_text(p, p->at, len);
	if (!t->name)
		return -1;
	if (!template_has_function(t->name))
		return fail(p, "unknown function");
	p->at += len;
	return 0;
}

static int parse_group(struct parser *p, struct term *t)
{
	p->at++;
	t->kind = TERM_GROUP;
	t->group = parse_pipeline(p);
	if (!t->group)
		return -1;
	if (*p->at != ')')
		return fail(p, "a ) is missing");
	p->at++;
	return 0;
}

static int add_field(struct parser *p, char ***fields)
{
	size_t len = word_len(p->at);
	char *name = strndup(p->at, len);

	p->at += len;
	if (name && strv_take(fields, name) == 0)
		return 0;
	return err_set(p->e, ERR_OTHER, "out of memory");
}

/* ".A.B" behind the start of a term; the dot of "." alone is already taken. */
static int parse_fields(struct parser *p, struct term *t)
{
	char *data = chunk_new(p, 1);
	struct chunk *c;

	if (!data)
		return -1;
	c = (struct chunk *)(data - offsetof(struct chunk, data));
	c->kind = CHUNK_STRV;
	while (*p->at == '.' || (is_word(*p->at) && p->at > p->text && p->at[-1] == '.')) {
		p->at += *p->at == '.';
		if (!is_word(*p->at))
			return fail(p, "a field's name is missing");
		if (add_field(p, (char ***)&c->held) < 0)
			return -1;
	}
	t->fields = c->held;
	return 0;
}

static int parse_term_start(struct parser *p, struct term *t)
{
	char c = *p->at;

	if (c == '.') {
		t->kind = TERM_DOT;
		p->at++;
		return 0;
	}
	if (c == '$') {
		size_t len = 1 + word_len(p->at + 1);

		t->kind = TERM_VARIABLE;
		t->name = keep_text(p, p->at, len);
		p->at += len;
		return t->name ? 0 : -1;
	}
	if (c == '"' || c == '`')
		return parse_string(p, t);
	if (c == '(')
		return parse_group(p, t);
	if (isdigit((unsigned char)c) || ((c == '-' || c == '+') && isdigit((unsigned char)p->at[1])))
		return parse_number(p, t);
	if (is_word(c))
		return parse_word(p, t);
	return fail(p, "something is wrong");
}

static struct term *parse_term(struct parser *p)
{
	struct term *t = chunk_new(p, sizeof(*t));

	if (!t)
		return NULL;
	t->column = column(p);
	if (parse_term_start(p, t) < 0)
		return NULL;
	if (t->kind == TERM_CONSTANT || t->kind == TERM_FUNCTION)
		return t;
	return parse_fields(p, t) < 0 ? NULL : t;
}

/* ------------------------------------------------------------------ pipelines */

static bool ends_call(const struct parser *p)
{
	return !*p->at || at_close(p) || *p->at == '|' || *p->at == ')';
}

static struct call *parse_call(struct parser *p)
{
	struct call *c = chunk_new(p, sizeof(*c));
	struct term **tail = c ? &c->terms : NULL;

	if (!c)
		return NULL;
	skip_blanks(p);
	if (ends_call(p)) {
		fail(p, "a value is missing");
		return NULL;
	}
	while (!ends_call(p)) {
		*tail = parse_term(p);
		if (!*tail)
			return NULL;
		tail = &(*tail)->next;
		skip_blanks(p);
	}
	return c;
}

/* "$x :=" or "$i, $v :=", if it stands here. */
static int parse_variables(struct parser *p, struct pipeline *out)
{
	const char *s = p->at;
	const char *names[2];
	size_t lens[2];
	unsigned n = 0;

	while (*s == '$' && n < 2) {
		names[n] = s;
		lens[n] = 1 + word_len(s + 1);
		s += lens[n++];
		s += strspn(s, " \t");
		if (*s != ',')
			break;
		s += 1 + strspn(s + 1, " \t");
	}
	if (!n || (strncmp(s, ":=", 2) != 0 && *s != '='))
		return 0;
	out->assign = *s == '=';
	out->n_variables = n;
	for (unsigned i = 0; i < n; i++) {
		out->variables[i] = keep_text(p, names[i], lens[i]);
		if (!out->variables[i])
			return -1;
	}
	p->at = s + (out->assign ? 1 : 2);
	return 0;
}

static struct pipeline *parse_pipeline(struct parser *p)
{
	struct pipeline *pipe = chunk_new(p, sizeof(*pipe));
	struct call **tail = pipe ? &pipe->calls : NULL;

	if (!pipe)
		return NULL;
	if (++p->depth > DEPTH_MAX) {
		fail(p, "nested too deeply");
		return NULL;
	}
	skip_blanks(p);
	if (parse_variables(p, pipe) < 0)
		return NULL;
	for (;;) {
		*tail = parse_call(p);
		if (!*tail)
			return NULL;
		tail = &(*tail)->next;
		if (*p->at != '|')
			break;
		p->at++;
	}
	p->depth--;
	return pipe;
}

/* ------------------------------------------------------------------ nodes */

static int parse_nodes(struct parser *p, struct node **head);

static struct node *node_new(struct parser *p, enum node_kind kind)
{
	struct node *n = chunk_new(p, sizeof(*n));

	if (n) {
		n->kind = kind;
		n->column = column(p);
	}
	return n;
}

/* Behind an action: "}}", or "-}}" which eats the blanks that follow. */
static int parse_close(struct parser *p)
{
	bool trim;

	skip_blanks(p);
	if (!at_close(p))
		return fail(p, "expected }}");
	trim = *p->at == '-';
	p->at += trim ? 3 : 2;
	if (trim)
		skip_blanks(p);
	return 0;
}

/* Text up to the next "{{", with \t and \n made what they stand for. */
static struct node *parse_text(struct parser *p)
{
	cleanup_buf struct buf out = BUF_INIT;
	struct node *n = node_new(p, NODE_TEXT);

	while (*p->at && strncmp(p->at, "{{", 2) != 0) {
		bool escape = p->at[0] == '\\' && (p->at[1] == 't' || p->at[1] == 'n');

		buf_char(&out, !escape ? *p->at : p->at[1] == 't' ? '\t' : '\n');
		p->at += escape ? 2 : 1;
	}
	if (strncmp(p->at, "{{- ", 4) == 0)
		while (out.len && strchr(" \t\r\n", out.data[out.len - 1]))
			out.data[--out.len] = 0;
	if (n)
		n->text = keep_text(p, buf_str(&out), out.len);
	return n && n->text ? n : NULL;
}

static void open_action(struct parser *p)
{
	p->at += strncmp(p->at, "{{-", 3) == 0 && strchr(" \t\n", p->at[3]) ? 3 : 2;
	skip_blanks(p);
}

/* The word of the action at the cursor, which stands at "{{": is it `word`? */
static bool action_is(const struct parser *p, const char *word)
{
	struct parser look = *p;

	if (strncmp(p->at, "{{", 2) != 0)
		return false;
	open_action(&look);
	return at_word(&look, word);
}

static int expect_end(struct parser *p)
{
	if (!action_is(p, "end"))
		return fail(p, "an {{end}} is missing");
	open_action(p);
	p->at += strlen("end");
	return parse_close(p);
}

static struct node *parse_block(struct parser *p, enum node_kind kind, size_t word);

/* What follows the body: {{else}}, {{else if …}} or {{end}}. */
static int parse_rest(struct parser *p, struct node *n)
{
	if (!action_is(p, "else"))
		return expect_end(p);
	open_action(p);
	p->at += strlen("else");
	skip_blanks(p);
	if (at_word(p, "if") || at_word(p, "with")) {
		bool is_if = at_word(p, "if");

		/* The inner block takes the {{end}} that both share. */
		n->otherwise = parse_block(p, is_if ? NODE_IF : NODE_WITH, is_if ? 2 : 4);
		return n->otherwise ? 0 : -1;
	}
	if (parse_close(p) < 0 || parse_nodes(p, &n->otherwise) < 0)
		return -1;
	return expect_end(p);
}

static struct node *parse_block(struct parser *p, enum node_kind kind, size_t word)
{
	struct node *n = node_new(p, kind);

	if (!n)
		return NULL;
	if (++p->depth > DEPTH_MAX) {
		fail(p, "nested too deeply");
		return NULL;
	}
	p->at += word;
	n->pipeline = parse_pipeline(p);
	if (!n->pipeline || parse_close(p) < 0 || parse_nodes(p, &n->body) < 0 || parse_rest(p, n) < 0)
		return NULL;
	p->depth--;
	return n;
}

static struct node *parse_comment(struct parser *p)
{
	const char *end = strstr(p->at, "*/");
	struct node *n = node_new(p, NODE_TEXT);

	if (!end) {
		fail(p, "a comment has no end");
		return NULL;
	}
	p->at = end + 2;
	if (!n || parse_close(p) < 0)
		return NULL;
	n->text = keep_text(p, "", 0);
	return n->text ? n : NULL;
}

static struct node *parse_action(struct parser *p)
{
	static const char *const foreign[] = {"define", "template", "block", "break", "continue"};
	struct node *n;

	open_action(p);
	if (strncmp(p->at, "/*", 2) == 0)
		return parse_comment(p);
	if (at_word(p, "if"))
		return parse_block(p, NODE_IF, 2);
	if (at_word(p, "with"))
		return parse_block(p, NODE_WITH, 4);
	if (at_word(p, "range"))
		return parse_block(p, NODE_RANGE, 5);
	for (size_t i = 0; i < sizeof(foreign) / sizeof(*foreign); i++) {
		if (!at_word(p, foreign[i]))
			continue;
		fail(p, "this word of Go's templates is not understood");
		return NULL;
	}
	n = node_new(p, NODE_PRINT);
	if (!n)
		return NULL;
	n->pipeline = parse_pipeline(p);
	return n->pipeline && parse_close(p) == 0 ? n : NULL;
}

/* Nodes up to the end of the text, or an {{else}} or {{end}}, which stays. */
static int parse_nodes(struct parser *p, struct node **head)
{
	struct node **tail = head;

	while (*p->at && !action_is(p, "end") && !action_is(p, "else")) {
		*tail = strncmp(p->at, "{{", 2) == 0 ? parse_action(p) : parse_text(p);
		if (!*tail)
			return -1;
		tail = &(*tail)->next;
	}
	return 0;
}

struct template *template_parse(const char *text, struct err *e)
{
	struct template *t = calloc(1, sizeof(*t));
	struct parser p = {.text = text, .at = text, .t = t, .e = e};

	if (!t)
		return err_set_null(e, ERR_OTHER, "out of memory");
	if (parse_nodes(&p, &t->nodes) < 0 || (*p.at && fail(&p, "nothing is open to be ended") < 0))
		template_free(&t);
	return t;
}
