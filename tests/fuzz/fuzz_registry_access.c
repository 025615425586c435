/* What a client sends to say who it is: the Authorization header (Basic, Bearer), a token's scope, a form. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "registry/server/access.h"
#include "registry/server/form.h"
#include "registry/server/identity.h"
#include "registry/server/token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct access *make(void)
{
	static const struct access_options o = {
	        .htpasswd = "a:$2y$04$abcdefghijklmnopqrstuuabcdefghijklmnopqrstuvwxyzabcde\n", .key = "k"};

	return access_new(&o, NULL);
}

static void look_at_header(struct access *a, const char *text)
{
	struct identity *i = access_read_header(a, text);

	/* nobody knows the key, nor a password */
	if (i)
		abort();
}

static void look_at_scope(const char *text, size_t len)
{
	struct token *t = calloc(1, sizeof *t);

	token_scope_add(t, text, len);
	if (t->n > 1 || (t->n && !repository_name_ok(t->scopes[0].repository)))
		abort();
	free(t);
}

static void look_at_form(const char *text, size_t len)
{
	struct form f = {0};

	if (form_parse(&f, text, len) == 0)
		for (size_t i = 0; i < f.n; i++)
			if (!form_get(&f, f.fields[i].name, 0))
				abort();
	form_free(&f);
}

/* The first byte chooses what the rest is. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct access *a;
	char *text;

	if (!a)
		a = make();
	if (size < 1 || !(text = strndup((const char *)data + 1, size - 1)))
		return 0;
	if (data[0] % 4 == 0)
		look_at_header(a, text);
	else if (data[0] % 4 == 1)
		look_at_scope((const char *)data + 1, size - 1);
	else if (data[0] % 4 == 2)
		look_at_form((const char *)data + 1, size - 1);
	else {
		struct token t;

		if (token_verify((const unsigned char *)"0123456789abcdef0123456789abcdef", "x",
		            (const char *)data + 1, size - 1, 1795000000, &t) == 0)
			abort();
	}
	free(text);
	return 0;
}
