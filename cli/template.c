/* Walks the tree of a template over JSON values. */
#include "cli/template.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "cli/template_tree.h"

#define ARGS_MAX 32
#define KEYS_MAX 128

/* Variables in force, innermost first; they live in the frames of the functions that open them. */
struct variable {
	const char *name;
	struct value value;
	struct variable *outer;
};

struct run {
	const struct template_run *in;
	struct value dot; /* borrowed by blocks */
	struct variable *variables;
	struct buf *out;
	struct err *e;
};

#define cleanup_value __attribute__((cleanup(value_drop)))

static struct value value_of(json *j)
{
	return (struct value){.j = json_object_get(j)};
}

/* ------------------------------------------------------------------ fields and terms */

static int no_field(struct run *r, const struct value *v, json *of)
{
	const char *names[KEYS_MAX], *nearest;
	size_t n = 0;

	if (of && json_object_is_type(of, json_type_object)) {
		json_object_object_foreach (of, key, ignored) {
			(void)ignored;
			if (n < KEYS_MAX)
				names[n++] = key;
		}
	}
	nearest = text_nearest(v->missing, names, n);
	return err_set(r->e, ERR_USAGE, "there is no field .%s (column %u of the format)%s%s%s", v->missing,
	        v->column, nearest ? "; did you mean ." : "", nearest ? nearest : "", nearest ? "?" : "");
}

/* One step into an object. A step from nothing is nothing; a step into a text is a mistake. */
static int step(struct run *r, struct value *v, const char *field, unsigned column, bool from_root)
{
	json *next = NULL;
	bool there;

	if (v->missing)
		return 0;
	if (v->j && !json_object_is_type(v->j, json_type_object))
		return err_set(r->e, ERR_USAGE,
		        "field .%s is asked of something that has none (column %u of the format)", field,
		        column);
	there = v->j && json_object_object_get_ex(v->j, field, &next);
	if (!there && from_root)
		there = r->in->hidden && json_object_object_get_ex(r->in->hidden, field, &next);
	json_object_get(next);
	json_object_put(v->j);
	v->j = next;
	if (!there) {
		v->missing = field;
		v->column = column;
	}
	return 0;
}

static int eval_pipeline(struct run *r, const struct pipeline *p, struct value *out);

static struct variable *variable_find(struct run *r, const char *name)
{
	for (struct variable *v = r->variables; v; v = v->outer)
		if (strcmp(v->name, name) == 0)
			return v;
	return NULL;
}

static int eval_variable(struct run *r, const struct term *t, struct value *out)
{
	struct variable *v;

	if (strcmp(t->name, "$") == 0) {
		*out = value_of(r->in->data);
		return 0;
	}
	v = variable_find(r, t->name);
	if (!v)
		return err_set(
		        r->e, ERR_USAGE, "unknown variable %s (column %u of the format)", t->name, t->column);
	*out = v->value;
	json_object_get(out->j);
	return 0;
}

static int eval_term(struct run *r, const struct term *t, struct value *out)
{
	bool root;

	*out = (struct value){.column = t->column};
	switch (t->kind) {
	case TERM_DOT:
		*out = r->dot;
		json_object_get(out->j);
		break;
	case TERM_VARIABLE:
		if (eval_variable(r, t, out) < 0)
			return -1;
		break;
	case TERM_CONSTANT:
		*out = value_of(t->constant);
		break;
	case TERM_GROUP:
		if (eval_pipeline(r, t->group, out) < 0)
			return -1;
		break;
	case TERM_FUNCTION:
		return template_call(t->name, t->column, NULL, 0, out, r->e);
	}
	root = out->j == r->in->data && (t->kind == TERM_DOT || t->kind == TERM_VARIABLE);
	strv_foreach (f, t->fields) {
		if (step(r, out, *f, t->column, root) < 0)
			return -1;
		root = false;
	}
	return 0;
}

/* ------------------------------------------------------------------ calls */

static void drop_all(struct value *args, size_t n)
{
	for (size_t i = 0; i < n; i++)
		value_drop(&args[i]);
}

/* `and` and `or` stop at the first operand that decides. */
static int eval_logic(struct run *r, const struct call *c, struct value *last, struct value *out)
{
	bool is_or = strcmp(c->terms->name, "or") == 0;

	for (const struct term *t = c->terms->next; t; t = t->next) {
		value_drop(out);
		if (eval_term(r, t, out) < 0)
			return -1;
		if (value_true(out) == is_or)
			return 0;
	}
	if (last) {
		value_drop(out);
		*out = *last;
		json_object_get(out->j);
	}
	return 0;
}

static int eval_function(struct run *r, const struct call *c, struct value *last, struct value *out)
{
	struct value args[ARGS_MAX];
	size_t n = 0;
	int rc = 0;

	for (const struct term *t = c->terms->next; t && rc == 0; t = t->next) {
		if (n == ARGS_MAX - 1)
			rc = err_set(r->e, ERR_USAGE, "%s has too many arguments", c->terms->name);
		else
			rc = eval_term(r, t, &args[n++]);
	}
	if (rc == 0 && last) {
		args[n] = *last;
		json_object_get(args[n++].j);
	}
	if (rc == 0)
		rc = template_call(c->terms->name, c->terms->column, args, n, out, r->e);
	drop_all(args, n);
	return rc;
}

/* ".Label "key"": in Docker a method, here an object that is looked into. */
static int eval_method(struct run *r, const struct call *c, struct value *out)
{
	cleanup_value struct value object = {0}, key = {0};
	json *found = NULL;

	if (eval_term(r, c->terms, &object) < 0 || eval_term(r, c->terms->next, &key) < 0)
		return -1;
	if (object.missing)
		return no_field(r, &object, r->dot.j);
	if (!object.j || !json_object_is_type(object.j, json_type_object) || c->terms->next->next)
		return err_set(r->e, ERR_USAGE, "a value takes no arguments (column %u of the format)",
		        c->terms->column);
	/* A label that is not there is empty, as in Docker. */
	if (key.j && json_object_object_get_ex(object.j, json_object_get_string(key.j), &found))
		*out = value_of(found);
	else
		out->j = json_object_new_string("");
	return 0;
}

static int eval_call(struct run *r, const struct call *c, struct value *last, struct value *out)
{
	*out = (struct value){.column = c->terms->column};
	if (c->terms->kind == TERM_FUNCTION) {
		if (strcmp(c->terms->name, "and") == 0 || strcmp(c->terms->name, "or") == 0)
			return eval_logic(r, c, last, out);
		return eval_function(r, c, last, out);
	}
	if (last)
		return err_set(r->e, ERR_USAGE, "what follows | must be a function (column %u of the format)",
		        c->terms->column);
	if (c->terms->next)
		return eval_method(r, c, out);
	return eval_term(r, c->terms, out);
}

static int eval_pipeline(struct run *r, const struct pipeline *p, struct value *out)
{
	struct value value = {0};
	bool first = true;

	for (const struct call *c = p->calls; c; c = c->next) {
		struct value next = {0};

		if (eval_call(r, c, first ? NULL : &value, &next) < 0) {
			value_drop(&next);
			value_drop(&value);
			return -1;
		}
		value_drop(&value);
		value = next;
		first = false;
	}
	*out = value;
	return 0;
}

/* ------------------------------------------------------------------ nodes */

static int run_nodes(struct run *r, const struct node *n);

/* Run a body with a new dot. */
static int run_with_dot(struct run *r, const struct node *body, struct value dot)
{
	struct value outer = r->dot;
	int rc;

	r->dot = dot;
	rc = run_nodes(r, body);
	r->dot = outer;
	return rc;
}

static void open_variable(struct run *r, struct variable *v, const char *name, json *j)
{
	*v = (struct variable){.name = name, .value = value_of(j), .outer = r->variables};
	r->variables = v;
}

static void close_variables(struct run *r, struct variable *outer)
{
	while (r->variables != outer) {
		value_drop(&r->variables->value);
		r->variables = r->variables->outer;
	}
}

static int run_condition(struct run *r, const struct node *n)
{
	cleanup_value struct value v = {0};
	struct variable *outer = r->variables, declared;
	int rc;

	if (eval_pipeline(r, n->pipeline, &v) < 0)
		return -1;
	if (n->pipeline->n_variables)
		open_variable(r, &declared, n->pipeline->variables[0], v.j);
	if (!value_true(&v))
		rc = run_nodes(r, n->otherwise);
	else
		rc = n->kind == NODE_WITH ? run_with_dot(r, n->body, v) : run_nodes(r, n->body);
	close_variables(r, outer);
	return rc;
}

/* One round: the key (or index) and the member. */
static int run_round(struct run *r, const struct node *n, json *key, json *member)
{
	const struct pipeline *p = n->pipeline;
	struct variable *outer = r->variables, first, second;
	int rc;

	if (p->n_variables == 2)
		open_variable(r, &first, p->variables[0], key);
	if (p->n_variables)
		open_variable(r, &second, p->variables[p->n_variables - 1], member);
	rc = run_with_dot(r, n->body, (struct value){.j = member});
	close_variables(r, outer);
	return rc;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Members of an object in the order of their keys, as Go has it. */
static int range_object(struct run *r, const struct node *n, json *object)
{
	size_t count = (size_t)json_object_object_length(object), i = 0;
	cleanup_free const char **keys = calloc(count + 1, sizeof(*keys));
	int rc = 0;

	if (!keys)
		return err_set(r->e, ERR_OTHER, "out of memory");
	json_object_object_foreach (object, name, ignored) {
		(void)ignored;
		keys[i++] = name;
	}
	qsort(keys, count, sizeof(*keys), compare_names);
	for (i = 0; i < count && rc == 0; i++) {
		json *key = json_object_new_string(keys[i]);

		rc = run_round(r, n, key, json_get(object, keys[i]));
		json_object_put(key);
	}
	return rc;
}

static int range_array(struct run *r, const struct node *n, json *array)
{
	size_t count = json_object_array_length(array);
	int rc = 0;

	for (size_t i = 0; i < count && rc == 0; i++) {
		json *key = json_object_new_int64((int64_t)i);

		rc = run_round(r, n, key, json_object_array_get_idx(array, i));
		json_object_put(key);
	}
	return rc;
}

static int run_range(struct run *r, const struct node *n)
{
	cleanup_value struct value v = {0};

	if (eval_pipeline(r, n->pipeline, &v) < 0)
		return -1;
	if (!value_true(&v))
		return run_nodes(r, n->otherwise);
	if (json_object_is_type(v.j, json_type_array))
		return range_array(r, n, v.j);
	if (json_object_is_type(v.j, json_type_object))
		return range_object(r, n, v.j);
	return err_set(r->e, ERR_USAGE, "range needs a list or a map (column %u of the format)",
	        n->pipeline->calls->terms->column);
}

/* {{.A}} prints; {{$x := .A}} keeps. `kept` is a variable of the caller's frame. */
static int run_print(struct run *r, const struct node *n, struct variable *kept)
{
	cleanup_value struct value v = {0};
	const struct pipeline *p = n->pipeline;
	struct variable *known;

	if (eval_pipeline(r, p, &v) < 0)
		return -1;
	if (p->n_variables && p->assign) {
		known = variable_find(r, p->variables[0]);
		if (!known)
			return err_set(r->e, ERR_USAGE, "unknown variable %s (column %u of the format)",
			        p->variables[0], n->column);
		json_object_put(known->value.j);
		known->value = value_of(v.j);
		return 0;
	}
	if (p->n_variables) {
		open_variable(r, kept, p->variables[0], v.j);
		kept->value.missing = v.missing;
		return 0;
	}
	if (v.missing)
		return no_field(r, &v, r->dot.j);
	value_print(r->out, v.j, r->in->harmless);
	return 0;
}

static int run_node(struct run *r, const struct node *n, struct variable *kept)
{
	switch (n->kind) {
	case NODE_TEXT:
		buf_str_add(r->out, n->text);
		return 0;
	case NODE_PRINT:
		return run_print(r, n, kept);
	case NODE_IF:
	case NODE_WITH:
		return run_condition(r, n);
	case NODE_RANGE:
		return run_range(r, n);
	}
	return 0;
}

/* A declared variable is in force until the end of its block, so each that declares one gets a frame. */
static int run_nodes(struct run *r, const struct node *n)
{
	for (; n; n = n->next) {
		struct variable *outer = r->variables, kept;
		int rc = run_node(r, n, &kept);

		if (rc < 0)
			return -1;
		if (r->variables == outer)
			continue;
		rc = run_nodes(r, n->next);
		close_variables(r, outer);
		return rc;
	}
	return 0;
}

int template_execute(const struct template *t, const struct template_run *run, struct buf *out, struct err *e)
{
	struct run r = {.in = run, .dot = {.j = run->data}, .out = out, .e = e};

	if (run_nodes(&r, t->nodes) < 0)
		return -1;
	return out->failed ? err_set(e, ERR_OTHER, "the output of the format is too long") : 0;
}
