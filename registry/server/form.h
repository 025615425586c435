/* A form: what application/x-www-form-urlencoded means. */
#ifndef TARE_REGISTRY_FORM_H
#define TARE_REGISTRY_FORM_H

#include <stddef.h>

#define FORM_FIELDS_MAX 64

struct form {
	char *text; /* names and values are in it */
	size_t n;
	struct {
		const char *name, *value;
	} fields[FORM_FIELDS_MAX];
};

/* -1: a bad escape, a NUL, or too many fields. */
int form_parse(struct form *f, const char *text, size_t len);
void form_free(struct form *f);
#define cleanup_form __attribute__((cleanup(form_free)))
/* The nth value of that name, or NULL. */
const char *form_get(const struct form *f, const char *name, unsigned nth);

#endif
