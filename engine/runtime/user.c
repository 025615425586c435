#include "engine/runtime/user.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#ifdef TARE_TEST_SWITCHES
#include <pwd.h>
#endif
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/defence.h"
#include "base/err.h"
#include "base/file.h"
#include "base/text.h"
#include "engine/init/handoff.h"
#include "engine/oci/id_map.h"

#define ACCOUNT_FILE_MAX ((size_t)1 << 20)
#define NAME_SHOWN       80

/* CVE-2026-30892: digits and nothing else, no sign, no base prefix, and not (uid_t)-1, which means "leave as
 * it is". Test: test_runtime_user.c, bad_users. */
static bool parse_id(const char *s, size_t len, uint32_t *id)
{
	uint64_t v = 0;

	if (!DEFENCE("user-number")) {
		*id = (uint32_t)strtol(s, NULL, 0);
		return len > 0;
	}
	if (!len || len > 10)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9')
			return false;
		v = v * 10 + (uint64_t)(s[i] - '0');
	}
	*id = (uint32_t)v;
	return v < UINT32_MAX;
}

struct field {
	const char *s;
	size_t len;
};

/* Split one line at colons into exactly n fields (the last takes the rest). Advances *at. */
static bool next_line(const char **at, struct field *f, size_t n)
{
	while (**at) {
		const char *s = *at, *end = strchrnul(s, '\n');
		size_t i = 0;

		*at = *end ? end + 1 : end;
		for (; i < n; i++) {
			const char *stop = i + 1 < n ? memchr(s, ':', (size_t)(end - s)) : end;
			if (!stop)
				break;
			f[i] = (struct field){s, (size_t)(stop - s)};
			s = stop < end ? stop + 1 : end;
		}
		if (i == n)
			return true;
	}
	return false;
}

static bool field_is(const struct field *f, const char *s, size_t len)
{
	return f->len == len && !memcmp(f->s, s, len);
}

static bool list_has(const struct field *list, const char *name, size_t len)
{
	const char *s = list->s, *end = s + list->len;

	while (s < end) {
		const char *stop = memchr(s, ',', (size_t)(end - s));
		if (!stop)
			stop = end;
		if ((size_t)(stop - s) == len && !memcmp(s, name, len))
			return true;
		s = stop + 1;
	}
	return false;
}

static int unknown(struct err *e, const char *what, const char *file, const char *name, size_t len)
{
	char copy[NAME_SHOWN + 1], shown[NAME_SHOWN * 3 + 1];

	if (len > NAME_SHOWN)
		len = NAME_SHOWN;
	memcpy(copy, name, len);
	copy[len] = 0;
	text_harmless_to(shown, sizeof shown, copy);
	return err_set(e, ERR_OTHER, "no %s \"%s\" in %s of the image; use a number", what, shown, file);
}

static int find_group(const char *group, const char *name, size_t len, gid_t *gid, struct err *e)
{
	struct field f[4];

	if (parse_id(name, len, gid))
		return 0;
	for (const char *at = group; next_line(&at, f, 4);)
		if (len && field_is(&f[0], name, len) && parse_id(f[2].s, f[2].len, gid))
			return 0;
	return unknown(e, "group", "/etc/group", name, len);
}

static int add_group(struct identity *out, gid_t gid, struct err *e)
{
	for (size_t i = 0; i < out->n_groups; i++)
		if (out->groups[i] == gid)
			return 0;
	if (out->n_groups >= INIT_GROUPS_MAX)
		return err_set(e, ERR_OTHER, "more than %u supplementary groups", INIT_GROUPS_MAX);
	gid_t *v = reallocarray(out->groups, out->n_groups + 1, sizeof *v);
	if (!v)
		return err_no_memory(e);
	out->groups = v;
	v[out->n_groups++] = gid;
	return 0;
}

/* Find the account; *name is its login name, empty when only a number is known. */
static int find_user(const char *passwd, const char *user, size_t len, struct identity *out,
        struct field *name, struct err *e)
{
	uint32_t number = 0, uid, gid;
	bool numeric = len == 0 || parse_id(user, len, &number);
	struct field f[7];

	for (const char *at = passwd; next_line(&at, f, 7);) {
		if (!parse_id(f[2].s, f[2].len, &uid) || !parse_id(f[3].s, f[3].len, &gid))
			continue;
		if (numeric ? uid != number : !field_is(&f[0], user, len))
			continue;
		out->uid = uid;
		out->gid = gid;
		if (f[5].len < sizeof out->home)
			memcpy(out->home, f[5].s, f[5].len);
		*name = f[0];
		return 0;
	}
	if (!numeric)
		return unknown(e, "user", "/etc/passwd", user, len);
	out->uid = number;
	return 0;
}

int user_resolve(const char *passwd, const char *group, const char *user, char *const *groups,
        struct identity *out, struct err *e)
{
	const char *text = user ? user : "", *colon = strchr(text, ':');
	size_t user_len = colon ? (size_t)(colon - text) : strlen(text);
	struct field name = {"", 0}, f[4];
	gid_t gid;

	if (colon && (!user_len || !colon[1]))
		return err_set(e, ERR_USAGE,
		        "user \"%.80s\": expected USER or USER:GROUP, for example 1000:1000", text);
	if (find_user(passwd, text, user_len, out, &name, e))
		return -1;
	if (colon) {
		if (find_group(group, colon + 1, strlen(colon + 1), &out->gid, e))
			return -1;
	} else if (name.len) {
		for (const char *at = group; next_line(&at, f, 4);)
			if (list_has(&f[3], name.s, name.len) && parse_id(f[2].s, f[2].len, &gid) &&
			        add_group(out, gid, e))
				return -1;
	}
	strv_foreach (g, groups) {
		if (find_group(group, *g, strlen(*g), &gid, e) || add_group(out, gid, e))
			return -1;
	}
	return 0;
}

/* CVE-2024-9676: the image's file may be a fifo, a link to a device, or terabytes of holes. */
static int read_account_file(int root_fd, const char *path, struct buf *b, struct err *e)
{
	cleanup_fd int fd = open_in_root(root_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0);
	struct stat st;

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (fd < 0 || fstat(fd, &st))
		return err_sys(e, "cannot read /%s in the container", path);
	if (DEFENCE("account-file") && !S_ISREG(st.st_mode))
		return err_set(e, ERR_OTHER, "/%s in the container is not a regular file", path);
	if (DEFENCE("account-file-size") && st.st_size >= (off_t)b->max)
		return err_set(e, ERR_OTHER, "/%s in the container is larger than 1 MiB", path);
	if (read_to_buf(fd, b))
		return err_sys(e, "cannot read /%s in the container", path);
	return 0;
}

/* What a program would do that asks the C library: load what the container says (attack 5). */
static void ask_name_service(const char *user)
{
#ifdef TARE_TEST_SWITCHES
	if (!DEFENCE("no-name-service"))
		getpwnam(user);
#else
	(void)user;
#endif
}

int user_lookup(int root_fd, const char *user, char *const *groups, struct identity *out, struct err *e)
{
	cleanup_buf struct buf passwd = BUF_INIT_MAX(ACCOUNT_FILE_MAX),
	                       group = BUF_INIT_MAX(ACCOUNT_FILE_MAX);

	ask_name_service(user);
	int rc = read_account_file(root_fd, "etc/passwd", &passwd, e);
	if (!rc)
		rc = read_account_file(root_fd, "etc/group", &group, e);
	if (!rc)
		rc = user_resolve(buf_str(&passwd), buf_str(&group), user, groups, out, e);
	buf_free(&group);
	return rc;
}

int user_fit(struct identity *who, const struct id_maps *ids, struct err *e)
{
	uint32_t outside;
	size_t kept = 0;

	if (!id_map_out(&ids->uid, who->uid, &outside) || !id_map_out(&ids->gid, who->gid, &outside))
		return err_set(e, ERR_USAGE,
		        "user %u:%u is not in the container's user namespace; give a larger --uidmap and "
		        "--gidmap",
		        who->uid, who->gid);
	for (size_t i = 0; i < who->n_groups; i++)
		if (id_map_out(&ids->gid, who->groups[i], &outside))
			who->groups[kept++] = who->groups[i];
	who->n_groups = kept;
	return 0;
}
