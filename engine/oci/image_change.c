#include "engine/oci/image_change.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/proc.h"

#define BLANK " \t"

static int wrong(struct err *e, const char *word, const char *args, const char *right)
{
	return err_set(e, ERR_USAGE, "invalid change \"%s %.200s\"; expected like: %s", word, args, right);
}

/* ["a", "b"] into a vector. 1 when it is none. */
static int parse_json_words(const char *args, char ***out)
{
	cleanup_json json *j = args[0] == '[' ? json_parse(args, strlen(args), "list", NULL) : NULL;
	if (!j || !json_object_is_type(j, json_type_array))
		return 1;
	cleanup_strv char **v = NULL;
	for (size_t i = 0; i < json_object_array_length(j); i++) {
		json *item = json_object_array_get_idx(j, i);
		if (!json_object_is_type(item, json_type_string))
			return 1;
		if (strv_add(&v, json_object_get_string(item)) < 0)
			return -1;
	}
	*out = steal_ptr(&v);
	return 0;
}

/* The exec form as it is, the shell form by way of the image's shell. */
static int set_command(char ***target, const struct image_config *c, const char *args, struct err *e)
{
	cleanup_strv char **v = NULL;
	int rc = parse_json_words(args, &v);
	if (rc == 1) {
		static char *const sh[] = {"/bin/sh", "-c", NULL};
		v = strv_copy(c->shell ? c->shell : sh);
		rc = v ? strv_add(&v, args) : -1;
	}
	if (rc < 0)
		return err_no_memory(e);
	strv_free(*target);
	*target = steal_ptr(&v);
	return 0;
}

static int set_string(char **target, const char *value, struct err *e)
{
	char *copy = strdup(value);
	if (!copy)
		return err_no_memory(e);
	free(*target);
	*target = copy;
	return 0;
}

/* The next blank-separated word, quotes and backslashes undone; *p moves behind it. */
static int next_word(const char **p, struct buf *word)
{
	char quote = '\0';
	buf_reset(word);
	*p += strspn(*p, BLANK);
	if (!**p)
		return 0;
	for (; **p && (quote || !strchr(BLANK, **p)); ++*p) {
		char c = **p;
		if (quote ? c == quote : c == '"' || c == '\'') {
			quote = quote ? '\0' : c;
		} else if (c == '\\' && quote != '\'' && (*p)[1]) {
			buf_char(word, *++*p);
		} else {
			buf_char(word, c);
		}
	}
	return 1;
}

static int set_env(struct image_config *c, const char *key, size_t key_len, const char *value)
{
	char *line = str_printf("%.*s=%s", (int)key_len, key, value);
	if (!line)
		return -1;
	for (char **v = c->env; v && *v; v++) {
		if (strncmp(*v, line, key_len + 1) == 0) {
			free(*v);
			*v = line;
			return 0;
		}
	}
	return strv_take(&c->env, line);
}

static int set_label(struct image_config *c, const char *key, size_t key_len, const char *value)
{
	cleanup_free char *name = strndup(key, key_len);
	if (!c->labels)
		c->labels = json_object_new_object();
	if (!name || !c->labels)
		return -1;
	json_set_str(c->labels, name, value);
	return 0;
}

typedef int set_pair(struct image_config *c, const char *key, size_t key_len, const char *value);

/* "K=V K2='V 2'", or the old form "K V with blanks". */
static int change_pairs(
        struct image_config *c, const char *word, const char *args, set_pair *set, struct err *e)
{
	cleanup_buf struct buf b = BUF_INIT_MAX(1 << 20);
	const char *p = args, *right = "ENV NAME=value";
	size_t first = strcspn(args, BLANK "=");
	if (first == 0)
		return wrong(e, word, args, right);
	if (args[first] != '=' && args[first]) {
		const char *value = args + first + strspn(args + first, BLANK);
		return *value ? set(c, args, first, value) < 0 ? err_no_memory(e) : 0
		              : wrong(e, word, args, right);
	}
	while (next_word(&p, &b)) {
		const char *text = buf_str(&b), *equals = strchr(text, '=');
		if (!equals || equals == text)
			return wrong(e, word, args, right);
		if (set(c, text, (size_t)(equals - text), equals + 1) < 0)
			return err_no_memory(e);
	}
	return 0;
}

static int change_cmd(struct image_config *c, const char *word, const char *args, struct err *e)
{
	(void)word;
	return set_command(&c->cmd, c, args, e);
}

static int change_entrypoint(struct image_config *c, const char *word, const char *args, struct err *e)
{
	(void)word;
	return set_command(&c->entrypoint, c, args, e);
}

static int change_env(struct image_config *c, const char *word, const char *args, struct err *e)
{
	return change_pairs(c, word, args, set_env, e);
}

static int change_label(struct image_config *c, const char *word, const char *args, struct err *e)
{
	return change_pairs(c, word, args, set_label, e);
}

static int change_shell(struct image_config *c, const char *word, const char *args, struct err *e)
{
	cleanup_strv char **v = NULL;
	int rc = parse_json_words(args, &v);
	if (rc < 0)
		return err_no_memory(e);
	if (rc == 1 || strv_len(v) == 0)
		return wrong(e, word, args, "SHELL [\"/bin/sh\", \"-c\"]");
	strv_free(c->shell);
	c->shell = steal_ptr(&v);
	return 0;
}

static bool port_ok(const char *text)
{
	char *end;
	unsigned long port = strtoul(text, &end, 10);
	return isdigit((unsigned char)text[0]) && port >= 1 && port <= 65535 &&
	       (strcmp(end, "/tcp") == 0 || strcmp(end, "/udp") == 0 || strcmp(end, "/sctp") == 0);
}

static int change_expose(struct image_config *c, const char *word, const char *args, struct err *e)
{
	cleanup_buf struct buf b = BUF_INIT_MAX(4096);
	for (const char *p = args; next_word(&p, &b);) {
		cleanup_free char *port =
		        str_printf("%s%s", buf_str(&b), strchr(buf_str(&b), '/') ? "" : "/tcp");
		if (!port)
			return err_no_memory(e);
		if (!port_ok(port))
			return wrong(e, word, args, "EXPOSE 80 or EXPOSE 53/udp");
		if (!strv_has(c->exposed_ports, port) && strv_add(&c->exposed_ports, port) < 0)
			return err_no_memory(e);
	}
	return 0;
}

static int change_volume(struct image_config *c, const char *word, const char *args, struct err *e)
{
	cleanup_strv char **v = NULL;
	cleanup_buf struct buf b = BUF_INIT_MAX(1 << 16);
	int rc = parse_json_words(args, &v);
	for (const char *p = args; rc == 1 && next_word(&p, &b);)
		if (strv_add(&v, buf_str(&b)) < 0)
			return err_no_memory(e);
	strv_foreach (path, v) {
		if ((*path)[0] != '/')
			return wrong(e, word, args, "VOLUME /data");
		if (!strv_has(c->volumes, *path) && strv_add(&c->volumes, *path) < 0)
			return err_no_memory(e);
	}
	return rc < 0 ? err_no_memory(e) : 0;
}

static int change_user(struct image_config *c, const char *word, const char *args, struct err *e)
{
	if (strpbrk(args, BLANK))
		return wrong(e, word, args, "USER www-data or USER 1000:1000");
	return set_string(&c->user, args, e);
}

static int change_workdir(struct image_config *c, const char *word, const char *args, struct err *e)
{
	(void)word;
	if (args[0] == '/')
		return set_string(&c->workdir, args, e);
	cleanup_free char *path = str_printf("%s/%s", c->workdir ? c->workdir : "", args);
	return path ? set_string(&c->workdir, path, e) : err_no_memory(e);
}

static int change_stopsignal(struct image_config *c, const char *word, const char *args, struct err *e)
{
	if (signal_parse(args) < 0)
		return wrong(e, word, args, "STOPSIGNAL SIGTERM");
	return set_string(&c->stop_signal, args, e);
}

static const struct change {
	const char *word;
	int (*apply)(struct image_config *c, const char *word, const char *args, struct err *e);
} changes[] = {
        {"CMD", change_cmd},
        {"ENTRYPOINT", change_entrypoint},
        {"ENV", change_env},
        {"EXPOSE", change_expose},
        {"LABEL", change_label},
        {"SHELL", change_shell},
        {"STOPSIGNAL", change_stopsignal},
        {"USER", change_user},
        {"VOLUME", change_volume},
        {"WORKDIR", change_workdir},
};

int image_config_change(struct image_config *c, const char *text, struct err *e)
{
	text += strspn(text, BLANK);
	size_t len = strcspn(text, BLANK "=");
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		if (strlen(changes[i].word) != len || strncasecmp(changes[i].word, text, len) != 0)
			continue;
		/* "CMD=sh" is accepted as "CMD sh", as Docker's own examples write it. */
		const char *args = text + len + (text[len] == '=');
		args += strspn(args, BLANK);
		if (!*args)
			return wrong(e, changes[i].word, "", "CMD [\"sh\"], ENV NAME=value, USER www-data");
		return changes[i].apply(c, changes[i].word, args, e);
	}
	return err_set(e, ERR_USAGE,
	        "invalid change \"%.200s\": expected CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, SHELL, STOPSIGNAL, "
	        "USER, VOLUME or "
	        "WORKDIR and its value",
	        text);
}
