/* What a container gets from the host's file system: binds, volumes, tmpfs and devices, from the texts
 * -v, --mount, --tmpfs, --device and --device-cgroup-rule. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/text.h"
#include "base/units.h"
#include "engine/request_mount.h"
#include "engine/volume.h"

void request_mount_drop(struct tare_mount *m)
{
	free(m->source);
	free(m->target);
	free(m->propagation);
	strv_free(m->tmpfs_options);
	free(m->subpath);
	strv_free(m->volume_options);
	strv_free(m->volume_labels);
	*m = (struct tare_mount){0};
}

/* ------------------------------------------------------------------ paths */

/* An absolute path without "//", "." and ".."; by its letters only, as nothing here is ours to resolve. */
static char *path_clean(const char *path)
{
	cleanup_buf struct buf out = BUF_INIT;

	for (const char *s = path; *s;) {
		size_t len;

		s += strspn(s, "/");
		len = strcspn(s, "/");
		if (len == 2 && strncmp(s, "..", 2) == 0) {
			while (out.len && out.data[--out.len] != '/')
				;
			if (out.data)
				out.data[out.len] = 0;
		} else if (len && !(len == 1 && *s == '.')) {
			buf_char(&out, '/');
			buf_add(&out, s, len);
		}
		s += len;
	}
	if (!out.len)
		buf_char(&out, '/');
	return buf_take(&out);
}

static char *path_absolute(const char *path)
{
	cleanup_free char *here = NULL, *joined = NULL;

	if (*path == '/')
		return path_clean(path);
	here = getcwd(NULL, 0);
	joined = here ? str_printf("%s/%s", here, path) : NULL;
	return joined ? path_clean(joined) : NULL;
}

int request_mount_set_target(struct tare_mount *m, const char *path, const char *text, struct err *e)
{
	if (*path != '/')
		return err_set(e, ERR_USAGE,
		        "invalid mount \"%s\": the target \"%s\" must be absolute, as in /data", text, path);
	free(m->target);
	m->target = path_clean(path);
	if (!m->target)
		return err_no_memory(e);
	if (strcmp(m->target, "/") == 0)
		return err_set(e, ERR_USAGE,
		        "invalid mount \"%s\": nothing can be mounted over /; name a directory", text);
	return 0;
}

/* A bind's source must exist: Docker's habit of making a directory hides typing errors. */
int request_mount_set_bind(struct tare_mount *m, const char *path, struct err *e)
{
	m->kind = TARE_MOUNT_BIND;
	free(m->source);
	m->source = path_absolute(path);
	if (!m->source)
		return err_no_memory(e);
	if (m->make_source || access(m->source, F_OK) == 0)
		return 0;
	if (errno == ENOENT)
		return err_set(e, ERR_NOT_FOUND,
		        "cannot bind %s: it does not exist; make it first, or name a volume instead",
		        m->source);
	return err_sys(e, "cannot bind %s", m->source);
}

int request_mount_set_volume(struct tare_mount *m, const char *name, struct err *e)
{
	m->kind = TARE_MOUNT_VOLUME;
	if (strchr(name, '/') || *name == '~')
		return err_set(e, ERR_USAGE,
		        "\"%s\" is neither an absolute path nor the name of a volume; for a directory write "
		        "./%s",
		        name, name);
	if (tare_name_check(name, e) < 0)
		return err_wrap(e, "volume");
	free(m->source);
	m->source = strdup(name);
	return m->source ? 0 : err_no_memory(e);
}

/* Takes over what m holds. */
int request_mount_add(struct tare_create *c, struct tare_mount *m, struct err *e)
{
	struct tare_mount *grown;

	for (size_t i = 0; i < c->n_mounts; i++)
		if (strcmp(c->mounts[i].target, m->target) == 0)
			return err_set(
			        e, ERR_USAGE, "two mounts have the target %s; remove one of them", m->target);
	grown = realloc(c->mounts, (c->n_mounts + 1) * sizeof(*grown));
	if (!grown)
		return err_no_memory(e);
	c->mounts = grown;
	c->mounts[c->n_mounts++] = *m;
	*m = (struct tare_mount){0};
	return 0;
}

bool request_mount_is_propagation(const char *word)
{
	static const char *const words[] = {
	        "rprivate", "private", "rshared", "shared", "rslave", "slave", NULL};

	return strv_has((char *const *)words, word);
}

int request_mount_set_propagation(struct tare_mount *m, const char *word, struct err *e)
{
	free(m->propagation);
	m->propagation = strdup(word);
	return m->propagation ? 0 : err_no_memory(e);
}

/* ------------------------------------------------------------------ -v */

/* Words that say nothing to us: SELinux labels (no SELinux here) and the consistency of another system. */
static bool is_ignored_volume_option(const char *word)
{
	static const char *const words[] = {
	        "z", "Z", "cached", "delegated", "consistent", "default", "copy", "rbind", NULL};

	return strv_has((char *const *)words, word);
}

static int volume_option(struct tare_mount *m, const char *word, const char *text, struct err *e)
{
	if (strcmp(word, "ro") == 0 || strcmp(word, "rw") == 0) {
		m->read_only = word[1] == 'o';
	} else if (strcmp(word, "nocopy") == 0) {
		m->no_copy = true;
	} else if (strcmp(word, "U") == 0) {
		m->chown = true;
	} else if (strcmp(word, "idmap") == 0 || strcmp(word, "noidmap") == 0) {
		m->ids = word[0] == 'n' ? TARE_IDS_OF_HOST : TARE_IDS_MAPPED;
	} else if (strcmp(word, "bind") == 0) {
		m->non_recursive = true;
	} else if (request_mount_is_propagation(word)) {
		return request_mount_set_propagation(m, word, e);
	} else if (!is_ignored_volume_option(word)) {
		return err_set(e, ERR_USAGE,
		        "invalid volume \"%s\": unknown option \"%s\"; one of ro, rw, nocopy, U, "
		        "idmap, noidmap, bind, [r]private, [r]shared, [r]slave",
		        text, word);
	}
	return 0;
}

static int volume_options(struct tare_mount *m, char *options, const char *text, struct err *e)
{
	const char *word;

	while ((word = text_next_part(&options, ",")))
		if (volume_option(m, word, text, e) < 0)
			return -1;
	return 0;
}

int tare_parse_volume(struct tare_create *c, const char *text, struct err *e)
{
	cleanup_mount struct tare_mount m = {.kind = TARE_MOUNT_VOLUME, .create_source = true};
	cleanup_free char *copy = strdup(text);
	char *rest = copy, *part[4] = {0};
	size_t n = 0;

	if (!copy)
		return err_no_memory(e);
	while (rest && n < 4)
		part[n++] = text_next_part(&rest, ":");
	if (n > 3 || !*part[0] || (n > 1 && !*part[1]) || (n > 2 && !*part[2]))
		return err_set(e, ERR_USAGE,
		        "invalid volume \"%s\": write SOURCE:TARGET[:ro], as in ./data:/data or "
		        "cache:/var/cache:ro",
		        text);
	if (request_mount_set_target(&m, n > 1 ? part[1] : part[0], text, e) < 0)
		return -1;
	if (n > 2 && volume_options(&m, part[2], text, e) < 0)
		return -1;
	if (n > 1) {
		bool is_path = part[0][0] == '/' || strcmp(part[0], ".") == 0 || strcmp(part[0], "..") == 0 ||
		               strncmp(part[0], "./", 2) == 0 || strncmp(part[0], "../", 3) == 0;

		if ((is_path ? request_mount_set_bind(&m, part[0], e)
		             : request_mount_set_volume(&m, part[0], e)) < 0)
			return -1;
	}
	return request_mount_add(c, &m, e);
}

/* ------------------------------------------------------------------ --tmpfs */

int request_mount_mode(const char *text, unsigned *mode, struct err *e)
{
	char *end;
	unsigned long v = strtoul(text, &end, 8);

	if (*text < '0' || *text > '7' || *end || v > 07777)
		return err_set(e, ERR_USAGE, "invalid mode \"%s\": write octal digits, as in 1777", text);
	*mode = (unsigned)v;
	return 0;
}

bool volume_is_tmpfs_option(const char *word)
{
	static const char *const words[] = {"rw", "exec", "noexec", "suid", "nosuid", "dev", "nodev", "sync",
	        "async", "atime", "noatime", "diratime", "nodiratime", "relatime", "norelatime",
	        "strictatime", "nostrictatime", NULL};
	static const char *const keys[] = {
	        "uid=", "gid=", "nr_inodes=", "nr_blocks=", "mpol=", "huge=", NULL};

	if (strv_has((char *const *)words, word))
		return true;
	for (const char *const *k = keys; *k; k++)
		if (strncmp(word, *k, strlen(*k)) == 0 && word[strlen(*k)])
			return true;
	return false;
}

static int tmpfs_option(struct tare_mount *m, const char *word, const char *text, struct err *e)
{
	size_t len = strlen(word);

	if (strcmp(word, "ro") == 0) {
		m->read_only = true;
		return 0;
	}
	if (strncmp(word, "mode=", 5) == 0)
		return request_mount_mode(word + 5, &m->tmpfs_mode, e);
	/* A share of memory stays the kernel's business. */
	if (strncmp(word, "size=", 5) == 0 && word[len - 1] != '%')
		return size_parse(word + 5, &m->tmpfs_size, e);
	if (strncmp(word, "size=", 5) != 0 && !volume_is_tmpfs_option(word))
		return err_set(e, ERR_USAGE,
		        "invalid tmpfs \"%s\": unknown option \"%s\"; sample: /run:size=64m,mode=755,noexec",
		        text, word);
	return strv_add(&m->tmpfs_options, word) < 0 ? err_no_memory(e) : 0;
}

int tare_parse_tmpfs(struct tare_create *c, const char *text, struct err *e)
{
	cleanup_mount struct tare_mount m = {.kind = TARE_MOUNT_TMPFS};
	cleanup_free char *copy = strdup(text);
	char *options = copy, *word;

	if (!copy)
		return err_no_memory(e);
	if (request_mount_set_target(&m, text_next_part(&options, ":"), text, e) < 0)
		return -1;
	while ((word = text_next_part(&options, ",")))
		if (*word && tmpfs_option(&m, word, text, e) < 0)
			return -1;
	return request_mount_add(c, &m, e);
}

/* ------------------------------------------------------------------ devices */

static bool is_access(const char *text)
{
	size_t len = strlen(text);

	return len > 0 && len <= 3 && strspn(text, "rwm") == len;
}

static int add_device(struct tare_create *c, const char *host, const char *container, const char *access_text,
        struct err *e)
{
	struct tare_device d = {.host_path = strdup(host), .container_path = path_clean(container)}, *grown;

	snprintf(d.access, sizeof(d.access), "%s", access_text);
	grown = realloc(c->devices, (c->n_devices + 1) * sizeof(*grown));
	if (grown)
		c->devices = grown;
	if (!grown || !d.host_path || !d.container_path) {
		free(d.host_path);
		free(d.container_path);
		return err_no_memory(e);
	}
	c->devices[c->n_devices++] = d;
	return 0;
}

int tare_parse_device(struct tare_create *c, const char *text, struct err *e)
{
	cleanup_free char *copy = strdup(text);
	char *rest = copy, *part[4] = {0};
	const char *access_text = "rwm", *container;
	size_t n = 0;
	struct stat st;

	if (!copy)
		return err_no_memory(e);
	while (rest && n < 4)
		part[n++] = text_next_part(&rest, ":");
	container = part[0];
	if (n == 2 && is_access(part[1]))
		access_text = part[1];
	else if (n >= 2)
		container = part[1];
	if (n == 3)
		access_text = part[2];
	if (n > 3 || *part[0] != '/' || *container != '/' || !is_access(access_text))
		return err_set(e, ERR_USAGE,
		        "invalid device \"%s\": write /dev/HOST[:/dev/CONTAINER][:rwm], as in /dev/fuse or "
		        "/dev/sdb:r",
		        text);
	if (stat(part[0], &st) < 0)
		return err_sys(e, "cannot give the device %s", part[0]);
	if (!S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode) && !S_ISDIR(st.st_mode))
		return err_set(e, ERR_USAGE, "cannot give %s: it is not a device; bind it with -v %s:%s",
		        part[0], part[0], container);
	return add_device(c, part[0], container, access_text, e);
}

/* "*" or a number; the rest of the text, or NULL. */
static const char *device_number(const char *s, int64_t *v)
{
	size_t len = strspn(s, "0123456789");

	*v = -1;
	if (*s == '*')
		return s + 1;
	if (!len || len > 9)
		return NULL;
	*v = strtol(s, NULL, 10);
	return s + len;
}

int tare_parse_device_rule(struct tare_create *c, const char *text, struct err *e)
{
	struct device_rule d = {.allow = true, .type = text[0]};
	const char *s = NULL;

	if (text[0] && strchr("abc", text[0]) && text[1] == ' ')
		s = device_number(text + 2, &d.major);
	s = s && *s == ':' ? device_number(s + 1, &d.minor) : NULL;
	if (!s || *s != ' ' || !is_access(s + 1))
		return err_set(e, ERR_USAGE,
		        "invalid device rule \"%s\": write TYPE MAJOR:MINOR ACCESS, as in \"c 1:3 mr\" or "
		        "\"b 8:* r\"",
		        text);
	snprintf(d.access, sizeof(d.access), "%s", s + 1);
	return resources_add_device(&c->resources, d) < 0 ? err_no_memory(e) : 0;
}
