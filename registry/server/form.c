#include "registry/server/form.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* In place. */
static int unescape(char *s)
{
	char *out = s;

	for (; *s; s++) {
		if (*s != '%') {
			*out++ = (char)(*s == '+' ? ' ' : *s);
			continue;
		}
		int high = hex_digit(s[1]), low = high < 0 ? -1 : hex_digit(s[2]);

		if (low < 0 || high * 16 + low == 0)
			return -1;
		*out++ = (char)(high * 16 + low);
		s += 2;
	}
	*out = '\0';
	return 0;
}

int form_parse(struct form *f, const char *text, size_t len)
{
	f->text = strndup(text, len);
	if (!f->text || strlen(f->text) != len)
		return -1;
	for (char *rest = f->text, *field; (field = strsep(&rest, "&"));) {
		char *value = field + strcspn(field, "=");

		if (!*field)
			continue;
		if (*value)
			*value++ = '\0';
		if (f->n == FORM_FIELDS_MAX || unescape(field) < 0 || unescape(value) < 0)
			return -1;
		f->fields[f->n].name = field;
		f->fields[f->n++].value = value;
	}
	return 0;
}

void form_free(struct form *f)
{
	free(f->text);
	f->text = NULL;
	f->n = 0;
}

const char *form_get(const struct form *f, const char *name, unsigned nth)
{
	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->fields[i].name, name) == 0 && nth-- == 0)
			return f->fields[i].value;
	return NULL;
}
