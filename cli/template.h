/* Templates: the part of Go's text/template that people use with Docker's --format, over JSON values.
 *
 *   {{.A.B}} {{$x := .A}} {{$x.B}} {{index .M "k" 0}} {{json .}} {{.A | upper}} {{(index .L 0).B}}
 *   {{if}} {{else if}} {{else}} {{with}} {{range $k, $v := .M}} {{end}} {{- trims -}} {{/ * comments * /}}
 *   functions: and or not eq ne lt le gt ge len index json join split lower upper title pad truncate print
 *   printf println
 *
 * In the text outside of {{}}, \t and \n stand for tab and newline, as Docker has it. A field that is not
 * there is an error where it would be printed and false where it is asked for. */
#ifndef TARE_CLI_TEMPLATE_H
#define TARE_CLI_TEMPLATE_H

#include <stdbool.h>

#include "base/json.h"

struct buf;
struct err;
struct template;

/* NULL with e (ERR_USAGE, with the column of the mistake). */
struct template *template_parse(const char *text, struct err *e);
void template_free(struct template **t);
#define cleanup_template __attribute__((cleanup(template_free)))

struct template_run {
	json *data;    /* what "." and "$" are at first */
	json *hidden;  /* an object with further fields of the root that {{json .}} does not show, or NULL */
	bool harmless; /* values go to a terminal: no control characters */
};
int template_execute(
        const struct template *t, const struct template_run *run, struct buf *out, struct err *e);

#endif
