/* Records of networks, their locks, and the directories beneath the state directory that belong to them. */
#include "engine/store/network_record.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/lock.h"
#include "base/text.h"

#define RECORD_MAX ((size_t)1 << 20)
#define SUFFIX     ".json"
#define OPEN_DIR   (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

void network_record_free(struct network_record *r)
{
	free(r->name);
	free(r->driver);
	free(r->link);
	for (int i = 0; i < 2; i++) {
		free(r->subnet[i]);
		free(r->gateway[i]);
		free(r->range[i]);
	}
	free(r->macvlan_mode);
	json_free(&r->labels);
	json_free(&r->options);
	*r = (struct network_record){0};
}

/* ------------------------------------------------------------------ directories and locks */

/* root/networks; its descriptor is not the store's, since most commands never look at a network. */
static int open_records(const struct store *s, struct err *e)
{
	int fd = openat(s->root_fd, "networks", OPEN_DIR);

	if (fd < 0 && errno == ENOENT)
		fd = open_dir_make(s->root_fd, "networks", 0700);
	return fd < 0 ? err_sys(e, "cannot open %s/networks", s->root) : fd;
}

int networks_lock(const struct store *s, struct err *e)
{
	cleanup_fd int fd = open_records(s, e);

	return fd < 0 ? -1 : lock_take(fd, ".", LOCK_EXCLUSIVE, e);
}

/* The mode is set without regard to the umask: the name service, which is nobody, goes through. */
static int open_state(const struct store *s, int dir_fd, const char *name, mode_t mode, struct err *e)
{
	cleanup_fd int fd = openat(dir_fd, name, OPEN_DIR);

	if (fd < 0 && errno == ENOENT) {
		fd = open_dir_make(dir_fd, name, 0700);
		if (fd >= 0 && fchmod(fd, mode) != 0)
			close_fd(&fd);
	}
	return fd < 0 ? err_sys(e, "cannot open %s of networks beneath %s", name, s->state) : steal_fd(&fd);
}

int networks_state_dir(const struct store *s, struct err *e)
{
	return open_state(s, s->state_fd, "networks", 0755, e);
}

int network_state_dir(const struct store *s, const char *id, struct err *e)
{
	char path[NETWORK_ID_LEN + 16];

	snprintf(path, sizeof path, "networks/%s", id);
	int fd = openat(s->state_fd, path, OPEN_DIR); /* hot path: it is nearly always there */
	if (fd >= 0)
		return fd;
	cleanup_fd int dir = networks_state_dir(s, e);
	return dir < 0 ? -1 : open_state(s, dir, id, 0755, e);
}

int groups_state_dir(const struct store *s, struct err *e)
{
	return open_state(s, s->state_fd, "groups", 0700, e);
}

/* ------------------------------------------------------------------ reading */

static char *dup_str(json *j, const char *key)
{
	const char *s = json_str(j, key, NULL);

	return s ? strdup(s) : NULL;
}

static void read_addresses(json *j, struct network_record *r)
{
	static const char *const families[2] = {"ipv4", "ipv6"};

	for (int i = 0; i < 2; i++) {
		json *family = json_get(j, families[i]);
		r->subnet[i] = dup_str(family, "subnet");
		r->gateway[i] = dup_str(family, "gateway");
		r->range[i] = dup_str(family, "range");
	}
}

static bool is_id(const char *s)
{
	return strlen(s) == NETWORK_ID_LEN && strspn(s, "0123456789abcdef") == NETWORK_ID_LEN;
}

static int read_record(const struct store *s, const char *name, struct network_record *r, struct err *e)
{
	char path[NETWORK_NAME_MAX + 32];

	*r = (struct network_record){0};
	snprintf(path, sizeof path, "networks/%.*s" SUFFIX, NETWORK_NAME_MAX, name);
	cleanup_json json *j = json_read_at(s->root_fd, path, RECORD_MAX, e);
	if (!j)
		return err_wrap(e, "network %s: its record cannot be read", name);
	snprintf(r->id, sizeof r->id, "%s", json_str(j, "id", ""));
	r->name = strdup(name);
	r->driver = dup_str(j, "driver");
	r->link = dup_str(j, "link");
	r->created = json_int(j, "created", 0);
	r->internal = json_bool(j, "internal", false);
	r->isolated = json_bool(j, "isolated", true);
	r->icc = json_bool(j, "icc", true);
	r->masquerade = json_bool(j, "masquerade", true);
	r->antispoof = json_bool(j, "antispoof", true);
	read_addresses(j, r);
	r->mtu = (unsigned)json_int(j, "mtu", 0);
	r->macvlan_mode = dup_str(j, "macvlanMode");
	r->labels = json_object_get(json_get(j, "labels"));
	r->options = json_object_get(json_get(j, "options"));
	if (r->name && r->driver && r->link && is_id(r->id) && (r->subnet[0] || r->subnet[1]))
		return 0;
	network_record_free(r);
	return err_set(e, ERR_CORRUPT,
	        "network %s: its record is damaged; remove %s/networks/%s" SUFFIX " and create it again",
	        name, s->root, name);
}

/* Names of all records, sorted; strv. */
static int record_names(const struct store *s, char ***names, struct err *e)
{
	*names = NULL;
	int fd = openat(s->root_fd, "networks", OPEN_DIR);
	if (fd < 0 && errno == ENOENT)
		return 0;
	cleanup_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	if (!d)
		return err_sys(e, "cannot read %s/networks", s->root);
	errno = 0;
	for (struct dirent *entry; (entry = readdir(d)); errno = 0) {
		size_t len = strlen(entry->d_name), suffix = strlen(SUFFIX);
		if (!isalnum((unsigned char)entry->d_name[0]) || len <= suffix ||
		        len - suffix > NETWORK_NAME_MAX || strcmp(entry->d_name + len - suffix, SUFFIX) != 0)
			continue;
		if (strv_take(names, strndup(entry->d_name, len - suffix)) != 0)
			return err_no_memory(e);
	}
	/* half a list would be taken for all: a check removes the state of what is not on it */
	return errno ? err_sys(e, "cannot read %s/networks", s->root) : 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct network_record *)a)->name, ((const struct network_record *)b)->name);
}

int network_record_list(const struct store *s, struct network_records *out, struct err *e)
{
	cleanup_strv char **names = NULL;

	*out = (struct network_records){0};
	if (record_names(s, &names, e) != 0)
		return -1;
	size_t room = strv_len(names);
	if (!room)
		return 0;
	out->rows = calloc(room, sizeof *out->rows);
	if (!out->rows)
		return err_no_memory(e);
	strv_foreach (name, names) {
		struct err why = ERR_INIT;
		if (read_record(s, *name, &out->rows[out->n], &why) == 0)
			out->n++;
		else if (why.kind != ERR_NOT_FOUND) { /* removed meanwhile */
			log_line(LOG_LEVEL_WARN, "%s", why.msg);
			strv_add(&out->damaged, *name);
		}
	}
	if (out->n)
		qsort(out->rows, out->n, sizeof *out->rows, by_name);
	return 0;
}

void network_records_free(struct network_records *l)
{
	for (size_t i = 0; i < l->n; i++)
		network_record_free(&l->rows[i]);
	free(l->rows);
	strv_free(l->damaged);
	*l = (struct network_records){0};
}

/* ------------------------------------------------------------------ finding */

static int not_found(const struct store *s, const char *ref, struct err *e)
{
	cleanup_strv char **names = NULL;
	const char *near = NULL;

	if (record_names(s, &names, NULL) == 0 && names)
		near = text_nearest(ref, (const char *const *)names, strv_len(names));
	if (near)
		return err_set(e, ERR_NOT_FOUND, "no such network: %s; did you mean %s?", ref, near);
	return err_set(e, ERR_NOT_FOUND, "no such network: %s; see which there are: tare network ls", ref);
}

static int find_by_id(const struct store *s, const char *ref, struct network_record *r, struct err *e)
{
	cleanup_network_records struct network_records all = {0};
	size_t found = 0, at = 0;

	if (network_record_list(s, &all, e) != 0)
		return -1;
	for (size_t i = 0; i < all.n; i++)
		if (strncmp(all.rows[i].id, ref, strlen(ref)) == 0) {
			found++;
			at = i;
		}
	if (found > 1)
		return err_set(e, ERR_CONFLICT, "\"%s\" is the start of %zu network ids; give more digits",
		        ref, found);
	if (!found)
		return not_found(s, ref, e);
	*r = all.rows[at];
	all.rows[at] = (struct network_record){0};
	return 0;
}

int network_record_find(const struct store *s, const char *ref, struct network_record *r, struct err *e)
{
	struct err local = ERR_INIT;

	*r = (struct network_record){0};
	if (!isalnum((unsigned char)ref[0]) || strchr(ref, '/') || strlen(ref) > NETWORK_ID_LEN)
		return not_found(s, ref, e);
	if (strlen(ref) <= NETWORK_NAME_MAX && read_record(s, ref, r, &local) == 0)
		return 0;
	if (local.kind != ERR_NOT_FOUND && *local.msg) {
		if (e)
			*e = local;
		return -1;
	}
	if (strspn(ref, "0123456789abcdef") != strlen(ref))
		return not_found(s, ref, e);
	return find_by_id(s, ref, r, e);
}

/* ------------------------------------------------------------------ writing */

static void write_addresses(json *j, const struct network_record *r)
{
	static const char *const families[2] = {"ipv4", "ipv6"};

	for (int i = 0; i < 2; i++) {
		if (!r->subnet[i])
			continue;
		json *family = json_object_new_object();
		json_set_str(family, "subnet", r->subnet[i]);
		if (r->gateway[i])
			json_set_str(family, "gateway", r->gateway[i]);
		if (r->range[i])
			json_set_str(family, "range", r->range[i]);
		json_set(j, families[i], family);
	}
}

static json *record_json(const struct network_record *r)
{
	json *j = json_object_new_object();

	json_set_str(j, "id", r->id);
	json_set_str(j, "name", r->name);
	json_set_str(j, "driver", r->driver);
	json_set_str(j, "link", r->link);
	json_set_int(j, "created", r->created);
	json_set_bool(j, "internal", r->internal);
	json_set_bool(j, "isolated", r->isolated);
	json_set_bool(j, "icc", r->icc);
	json_set_bool(j, "masquerade", r->masquerade);
	json_set_bool(j, "antispoof", r->antispoof);
	write_addresses(j, r);
	if (r->mtu)
		json_set_int(j, "mtu", r->mtu);
	if (r->macvlan_mode)
		json_set_str(j, "macvlanMode", r->macvlan_mode);
	if (r->labels)
		json_set(j, "labels", json_object_get(r->labels));
	if (r->options)
		json_set(j, "options", json_object_get(r->options));
	return j;
}

static void file_name(char dst[NETWORK_NAME_MAX + 8], const char *name)
{
	snprintf(dst, NETWORK_NAME_MAX + 8, "%.*s" SUFFIX, NETWORK_NAME_MAX, name);
}

int network_name_free(const struct store *s, const char *name, struct err *e)
{
	char file[NETWORK_NAME_MAX + 8];
	cleanup_fd int fd = open_records(s, e);

	if (fd < 0)
		return -1;
	file_name(file, name);
	if (faccessat(fd, file, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
		return 0;
	return err_set(e, ERR_CONFLICT,
	        "there is a network %s already; remove it (tare network rm %s) or choose another name", name,
	        name);
}

int network_record_write(const struct store *s, const struct network_record *r, bool is_new, struct err *e)
{
	char file[NETWORK_NAME_MAX + 8];
	cleanup_buf struct buf text = BUF_INIT;
	cleanup_json json *j = record_json(r);
	cleanup_fd int fd = open_records(s, e);

	if (fd < 0)
		return -1;
	file_name(file, r->name);
	if (is_new && network_name_free(s, r->name, e) != 0)
		return -1;
	json_print(&text, j, JSON_COMPACT);
	buf_char(&text, '\n');
	if (text.failed)
		return err_no_memory(e);
	if (text.len > RECORD_MAX)
		return err_set(e, ERR_USAGE, "network %s: its labels and options are too large", r->name);
	if (file_write_at(fd, file, text.data, text.len, 0600, FILE_SYNC, e) != 0)
		return err_wrap(e, "network %s: cannot write its record", r->name);
	return 0;
}

int network_record_remove(const struct store *s, const char *name, struct err *e)
{
	char file[NETWORK_NAME_MAX + 8];
	cleanup_fd int fd = open_records(s, e);

	if (fd < 0)
		return -1;
	file_name(file, name);
	if (unlinkat(fd, file, 0) != 0)
		return errno == ENOENT ? not_found(s, name, e)
		                       : err_sys(e, "cannot remove the record of network %s", name);
	fsync(fd);
	return 0;
}
