/* The inside of a template: what the parser makes and the evaluation walks. */
#ifndef TARE_CLI_TEMPLATE_TREE_H
#define TARE_CLI_TEMPLATE_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/json.h"

struct buf;
struct err;

struct pipeline;

enum term_kind { TERM_DOT, TERM_VARIABLE, TERM_CONSTANT, TERM_FUNCTION, TERM_GROUP };

/* One operand: a start and the fields that follow it. */
struct term {
	enum term_kind kind;
	unsigned column;
	char *name;             /* of a variable (with $) or function */
	json *constant;         /* NULL is nil */
	struct pipeline *group; /* in parentheses */
	char **fields;          /* ".A.B": {"A", "B"} */
	struct term *next;      /* of the same call */
};

/* A function or value, with arguments. */
struct call {
	struct term *terms;
	struct call *next; /* behind a "|" */
};

struct pipeline {
	char *variables[2]; /* "$i, $v :=" */
	unsigned n_variables;
	bool assign; /* "=" instead of ":=" */
	struct call *calls;
};

enum node_kind { NODE_TEXT, NODE_PRINT, NODE_IF, NODE_WITH, NODE_RANGE };

struct node {
	enum node_kind kind;
	unsigned column;
	char *text;
	struct pipeline *pipeline;
	struct node *body, *otherwise;
	struct node *next;
};

struct template
{
	struct node *nodes;
	void *arena; /* all of the above */
};

/* A value under way: `j` is owned, NULL is nil. */
struct value {
	json *j;
	const char *missing; /* the field that was not there, or NULL */
	unsigned column;
};
void value_drop(struct value *v);
bool value_true(const struct value *v);
/* As Go prints it. */
void value_print(struct buf *out, json *j, bool harmless);

/* Call function `name`; values are borrowed. -1 with e. */
int template_call(
        const char *name, unsigned column, struct value *args, size_t n, struct value *out, struct err *e);
bool template_has_function(const char *name);

#endif
