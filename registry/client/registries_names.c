/* Short names: what "alpine" may mean. */
#include "registry/client/registries.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "engine/oci/reference.h"
#include "registry/client/registry_rules.h"

/* As reference_parse() tells a host from the first part of a path. */
bool registry_in_name(const char *name)
{
	size_t len = strcspn(name, "/");
	if (name[len] != '/')
		return false;
	if (len == 9 && strncmp(name, "localhost", 9) == 0)
		return true;
	for (size_t i = 0; i < len; i++)
		if (strchr(".:[", name[i]) || isupper((unsigned char)name[i]))
			return true;
	return false;
}

/* The length of a short name's repository: without tag and digest. */
static size_t repository_len(const char *name)
{
	size_t end = strcspn(name, "@");
	for (size_t i = end; i-- > 0 && name[i] != '/';)
		if (name[i] == ':')
			end = i;
	return end;
}

/* Appends HEAD[/]NAME in its full form. */
static int add_name(char ***out, const char *head, const char *between, const char *tail, struct err *e)
{
	cleanup_reference struct reference ref = REFERENCE_INIT;
	cleanup_free char *text = str_printf("%s%s%s", head, between, tail);
	if (!text)
		return err_no_memory(e);
	if (reference_parse(text, &ref, e) < 0)
		return -1;
	char *full = reference_full(&ref);
	return full && strv_take(out, full) == 0 ? 0 : err_no_memory(e);
}

static const char *alias_of(const struct registries *r, const char *name, size_t len)
{
	for (size_t i = 0; i < r->n_aliases; i++)
		if (r->aliases[i].value[0] && strlen(r->aliases[i].name) == len &&
		        strncmp(r->aliases[i].name, name, len) == 0)
			return r->aliases[i].value;
	return NULL;
}

static int ambiguous(const struct registries *r, const char *name, struct err *e)
{
	cleanup_buf struct buf list = BUF_INIT;
	strv_foreach (host, r->search)
		buf_printf(&list, "%s%s/%.*s", list.len ? ", " : "", *host, (int)repository_len(name), name);
	return err_set(e, ERR_USAGE,
	        "\"%.200s\" is a short name, and short-name-mode is enforcing (%s): write one of %.500s, or "
	        "give it a meaning in [aliases]",
	        name, r->search_source ? r->search_source : "registries.conf", buf_str(&list));
}

/* Other tools try docker.io, too, or ask; a name is never looked for where nobody wrote down to look. */
static int short_names(const struct registries *r, const char *name, char ***out, struct err *e)
{
	const char *alias = alias_of(r, name, repository_len(name));
	if (alias)
		return add_name(out, alias, "", name + repository_len(name), e);
	if (!r->search_given)
		return add_name(out, name, "", "", e);
	if (!strv_len(r->search))
		return err_set(e, ERR_USAGE,
		        "\"%.200s\" is a short name, and unqualified-search-registries is empty (%s): write "
		        "the registry as well, like docker.io/%.200s",
		        name, r->search_source, name);
	if (strv_len(r->search) > 1 && r->short_names == SHORT_NAME_ENFORCING)
		return ambiguous(r, name, e);
	strv_foreach (host, r->search)
		if (add_name(out, *host, "/", name, e) < 0)
			return -1;
	return 0;
}

int registries_names(const struct registries *r, const char *name, char ***out, struct err *e)
{
	cleanup_reference struct reference ref = REFERENCE_INIT;
	cleanup_strv char **names = NULL;
	*out = NULL;
	if (reference_parse(name, &ref, e) < 0)
		return -1;
	if ((registry_in_name(name) ? add_name(&names, name, "", "", e) : short_names(r, name, &names, e)) <
	        0)
		return -1;
	*out = steal_ptr(&names);
	return 0;
}
