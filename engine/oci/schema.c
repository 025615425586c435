#include "engine/oci/schema.h"

#include <ctype.h>
#include <string.h>

#include "base/err.h"

enum { OPTIONAL = 0, REQUIRED = 1, NULLABLE = 2, NOT_EMPTY = 4 };

struct member {
	const char *name; /* NULL ends the table */
	enum {
		A_STRING,
		A_TEXT_OF, /* one of `words` */
		A_DATE,
		A_MEDIA_TYPE,
		A_DIGEST,
		A_BOOL,
		A_SIZE,    /* a whole number that fits into 64 bits */
		A_VERSION, /* 2 */
		STRINGS,
		URIS,
		VARIABLES, /* NAME=VALUE */
		MAP_OF_STRINGS,
		MAP_OF_OBJECTS,
		OBJECT,  /* of `shape` */
		OBJECTS, /* an array of them */
	} kind;
	unsigned rule;
	const struct member *shape;
	const char *words;
};

static const struct member descriptor[] = {
        {"mediaType", A_MEDIA_TYPE, REQUIRED, NULL, NULL},
        {"size", A_SIZE, REQUIRED, NULL, NULL},
        {"digest", A_DIGEST, REQUIRED, NULL, NULL},
        {"urls", URIS, OPTIONAL, NULL, NULL},
        {"annotations", MAP_OF_STRINGS, OPTIONAL, NULL, NULL},
        {"data", A_STRING, OPTIONAL, NULL, NULL},
        {"artifactType", A_MEDIA_TYPE, OPTIONAL, NULL, NULL},
        {0},
};

static const struct member platform[] = {
        {"architecture", A_STRING, REQUIRED, NULL, NULL},
        {"os", A_STRING, REQUIRED, NULL, NULL},
        {"os.version", A_STRING, OPTIONAL, NULL, NULL},
        {"os.features", STRINGS, OPTIONAL, NULL, NULL},
        {"variant", A_STRING, OPTIONAL, NULL, NULL},
        {0},
};

static const struct member child[] = {
        {"mediaType", A_MEDIA_TYPE, REQUIRED, NULL, NULL},
        {"size", A_SIZE, REQUIRED, NULL, NULL},
        {"digest", A_DIGEST, REQUIRED, NULL, NULL},
        {"urls", URIS, OPTIONAL, NULL, NULL},
        {"annotations", MAP_OF_STRINGS, OPTIONAL, NULL, NULL},
        {"platform", OBJECT, OPTIONAL, platform, NULL},
        {"artifactType", A_MEDIA_TYPE, OPTIONAL, NULL, NULL},
        {0},
};

#define MANIFEST_MEMBERS                                                                                     \
	{"schemaVersion", A_VERSION, REQUIRED, NULL, NULL},                                                  \
	        {"mediaType", A_MEDIA_TYPE, OPTIONAL, NULL, NULL},                                           \
	        {"artifactType", A_MEDIA_TYPE, OPTIONAL, NULL, NULL},                                        \
	        {"config", OBJECT, REQUIRED, descriptor, NULL},                                              \
	        {"subject", OBJECT, OPTIONAL, descriptor, NULL},                                             \
	{                                                                                                    \
		"annotations", MAP_OF_STRINGS, OPTIONAL, NULL, NULL                                          \
	}

static const struct member manifest[] = {
        MANIFEST_MEMBERS,
        {"layers", OBJECTS, REQUIRED | NOT_EMPTY, descriptor, NULL},
        {0},
};

static const struct member artifact[] = {
        MANIFEST_MEMBERS,
        {"layers", OBJECTS, REQUIRED, descriptor, NULL},
        {0},
};

static const struct member image_index[] = {
        {"schemaVersion", A_VERSION, REQUIRED, NULL, NULL},
        {"mediaType", A_MEDIA_TYPE, OPTIONAL, NULL, NULL},
        {"artifactType", A_MEDIA_TYPE, OPTIONAL, NULL, NULL},
        {"manifests", OBJECTS, REQUIRED, child, NULL},
        {"subject", OBJECT, OPTIONAL, descriptor, NULL},
        {"annotations", MAP_OF_STRINGS, OPTIONAL, NULL, NULL},
        {0},
};

static const struct member run_config[] = {
        {"User", A_STRING, OPTIONAL, NULL, NULL},
        {"ExposedPorts", MAP_OF_OBJECTS, OPTIONAL, NULL, NULL},
        {"Env", VARIABLES, OPTIONAL, NULL, NULL},
        {"Entrypoint", STRINGS, NULLABLE, NULL, NULL},
        {"Cmd", STRINGS, NULLABLE, NULL, NULL},
        {"Volumes", MAP_OF_OBJECTS, NULLABLE, NULL, NULL},
        {"WorkingDir", A_STRING, OPTIONAL, NULL, NULL},
        {"Labels", MAP_OF_STRINGS, NULLABLE, NULL, NULL},
        {"StopSignal", A_STRING, OPTIONAL, NULL, NULL},
        {"ArgsEscaped", A_BOOL, OPTIONAL, NULL, NULL},
        {0},
};

static const struct member root_fs[] = {
        {"diff_ids", STRINGS, REQUIRED, NULL, NULL},
        {"type", A_TEXT_OF, REQUIRED, NULL, "layers"},
        {0},
};

static const struct member history_step[] = {
        {"created", A_DATE, OPTIONAL, NULL, NULL},
        {"author", A_STRING, OPTIONAL, NULL, NULL},
        {"created_by", A_STRING, OPTIONAL, NULL, NULL},
        {"comment", A_STRING, OPTIONAL, NULL, NULL},
        {"empty_layer", A_BOOL, OPTIONAL, NULL, NULL},
        {0},
};

static const struct member config[] = {
        {"created", A_DATE, OPTIONAL, NULL, NULL},
        {"author", A_STRING, OPTIONAL, NULL, NULL},
        {"architecture", A_STRING, REQUIRED, NULL, NULL},
        {"variant", A_STRING, OPTIONAL, NULL, NULL},
        {"os", A_STRING, REQUIRED, NULL, NULL},
        {"os.version", A_STRING, OPTIONAL, NULL, NULL},
        {"os.features", STRINGS, OPTIONAL, NULL, NULL},
        {"config", OBJECT, OPTIONAL, run_config, NULL},
        {"rootfs", OBJECT, REQUIRED, root_fs, NULL},
        {"history", OBJECTS, OPTIONAL, history_step, NULL},
        {0},
};

static const struct member layout[] = {
        {"imageLayoutVersion", A_TEXT_OF, REQUIRED, NULL, "1.0.0"},
        {0},
};

static int refuse(struct err *e, const char *must)
{
	return err_set(e, ERR_CORRUPT, "must be %s", must);
}

/* ------------------------------------------------------------------ strings */

/* RFC 6838, 4.2: restricted-name, at most 127 characters. */
static size_t media_name(const char *s)
{
	size_t n = 0;

	if (!isalnum((unsigned char)*s))
		return 0;
	while (s[n] && (isalnum((unsigned char)s[n]) || strchr("!#$&-^_.+", s[n])))
		n++;
	return n > 127 ? 0 : n;
}

static bool is_media_type(const char *s)
{
	size_t type = media_name(s), sub = type && s[type] == '/' ? media_name(s + type + 1) : 0;

	return sub && s[type + 1 + sub] == '\0';
}

#define LOWER_DIGITS "abcdefghijklmnopqrstuvwxyz0123456789"
#define UPPER        "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* algorithm ":" encoded; of a registered algorithm, just as many lower-case hex digits as it has. */
static bool is_digest(const char *s)
{
	static const struct {
		const char *prefix;
		size_t digits;
	} known[] = {{"sha256:", 64}, {"sha384:", 96}, {"sha512:", 128}};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (strncmp(s, known[i].prefix, 7) == 0)
			return strlen(s + 7) == known[i].digits &&
			       strspn(s + 7, "0123456789abcdef") == known[i].digits;
	for (;;) {
		size_t part = strspn(s, LOWER_DIGITS);
		if (!part)
			return false;
		s += part;
		if (*s == ':')
			break;
		if (!*s || !strchr("+._-", *s))
			return false;
		s++;
	}
	size_t encoded = strspn(s + 1, LOWER_DIGITS UPPER "=_-");
	return encoded && s[1 + encoded] == '\0';
}

static bool digits_at(const char *s, const char *pattern)
{
	for (; *pattern; s++, pattern++)
		if (*pattern == '0' ? !isdigit((unsigned char)*s) : toupper((unsigned char)*s) != *pattern)
			return false;
	return true;
}

/* RFC 3339, 5.6. */
static bool is_date(const char *s)
{
	if (!digits_at(s, "0000-00-00T00:00:00"))
		return false;
	s += 19;
	if (*s == '.') {
		size_t fraction = strspn(s + 1, "0123456789");
		if (!fraction)
			return false;
		s += 1 + fraction;
	}
	if (*s == '+' || *s == '-')
		return digits_at(s + 1, "00:00") && s[6] == '\0';
	return (*s == 'Z' || *s == 'z') && s[1] == '\0';
}

/* RFC 3986, 3: a scheme and something behind it. */
static bool is_uri(const char *s)
{
	size_t scheme = isalpha((unsigned char)*s) ? strspn(s, LOWER_DIGITS UPPER "+-.") : 0;

	return scheme && s[scheme] == ':' && s[scheme + 1] && !strpbrk(s, " <>\"{}|\\^`");
}

static bool is_variable(const char *s)
{
	size_t name = strcspn(s, "=");

	return name && s[name];
}

static int check_string(const struct member *m, json *value, struct err *e)
{
	const char *s = json_object_get_string(value);

	if (!json_object_is_type(value, json_type_string))
		return refuse(e, "a string");
	if (m->kind == A_TEXT_OF && strcmp(s, m->words) != 0)
		return err_set(e, ERR_CORRUPT, "must be \"%s\"", m->words);
	if (m->kind == A_DATE && !is_date(s))
		return refuse(e, "a date of RFC 3339");
	if (m->kind == A_MEDIA_TYPE && !is_media_type(s))
		return refuse(e, "a media type");
	if (m->kind == A_DIGEST && !is_digest(s))
		return refuse(e, "a digest");
	return 0;
}

/* ------------------------------------------------------------------ collections */

static int check_object(const struct member *shape, json *value, struct err *e);

static int check_item(const struct member *m, json *item, struct err *e)
{
	if (m->kind == OBJECTS)
		return check_object(m->shape, item, e);
	if (!json_object_is_type(item, json_type_string))
		return refuse(e, "a string");
	if (m->kind == VARIABLES && !is_variable(json_object_get_string(item)))
		return refuse(e, "NAME=VALUE");
	return m->kind == URIS && !is_uri(json_object_get_string(item)) ? refuse(e, "a URI") : 0;
}

static int check_array(const struct member *m, json *value, struct err *e)
{
	if (!json_object_is_type(value, json_type_array))
		return refuse(e, "a list");
	size_t n = json_object_array_length(value);
	if (n == 0 && m->rule & NOT_EMPTY)
		return refuse(e, "a list of at least one");
	for (size_t i = 0; i < n; i++)
		if (check_item(m, json_object_array_get_idx(value, i), e) < 0)
			return err_wrap(e, "[%zu]", i);
	return 0;
}

static int check_map(const struct member *m, json *value, struct err *e)
{
	enum json_type want = m->kind == MAP_OF_STRINGS ? json_type_string : json_type_object;

	if (!json_object_is_type(value, json_type_object))
		return refuse(e, "an object");
	json_object_object_foreach (value, key, member) {
		(void)key;
		if (!json_object_is_type(member, want))
			return refuse(e,
			        want == json_type_string ? "an object of strings" : "an object of objects");
	}
	return 0;
}

static int check_number(const struct member *m, json *value, struct err *e)
{
	if (!json_object_is_type(value, json_type_int))
		return refuse(e, "a whole number");
	if (m->kind == A_VERSION && json_object_get_int64(value) != 2)
		return refuse(e, "2");
	return 0;
}

static int check_member(const struct member *m, json *value, struct err *e)
{
	switch (m->kind) {
	case A_BOOL:
		return json_object_is_type(value, json_type_boolean) ? 0 : refuse(e, "true or false");
	case A_SIZE:
	case A_VERSION:
		return check_number(m, value, e);
	case STRINGS:
	case URIS:
	case VARIABLES:
	case OBJECTS:
		return check_array(m, value, e);
	case MAP_OF_STRINGS:
	case MAP_OF_OBJECTS:
		return check_map(m, value, e);
	case OBJECT:
		return check_object(m->shape, value, e);
	default:
		return check_string(m, value, e);
	}
}

static int check_object(const struct member *shape, json *value, struct err *e)
{
	if (!json_object_is_type(value, json_type_object))
		return refuse(e, "an object");
	for (const struct member *m = shape; m->name; m++) {
		json *member;
		if (!json_object_object_get_ex(value, m->name, &member)) {
			if (m->rule & REQUIRED)
				return err_set(e, ERR_CORRUPT, "%s: is missing", m->name);
			continue;
		}
		if (!member && m->rule & NULLABLE)
			continue;
		if (check_member(m, member, e) < 0)
			return err_wrap(e, "%s", m->name);
	}
	return 0;
}

int schema_check(enum schema_document kind, json *document, struct err *e)
{
	static const struct member *const shapes[] = {
	        [SCHEMA_DESCRIPTOR] = descriptor,
	        [SCHEMA_MANIFEST] = manifest,
	        [SCHEMA_ARTIFACT] = artifact,
	        [SCHEMA_INDEX] = image_index,
	        [SCHEMA_CONFIG] = config,
	        [SCHEMA_LAYOUT] = layout,
	};

	return check_object(shapes[kind], document, e);
}
