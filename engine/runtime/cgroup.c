/* The handle: one path in every hierarchy of the host, made, entered, limited and read. What differs
 * between v1 and v2 is in cgroup_v1.c and cgroup_v2.c; ends (kill, freeze, destroy) in cgroup_end.c. */
#include "engine/runtime/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "engine/monitor/sampler.h"
#include "engine/runtime/cgroup_driver.h"
#include "engine/runtime/device.h"

#define MONITORS_PATH "tare/monitors"

/* ------------------------------------------------------------------ paths and files */

/* A path comes from records on disk: one that leads out of its place would make destroy remove, and kill
 * empty, somebody else's cgroup. */
bool cgroup_path_valid(const char *path)
{
	size_t len = strlen(path);
	if (!len || len >= CGROUP_PATH_MAX)
		return false;
	for (const char *p = path;; p++) {
		size_t n = strcspn(p, "/");
		if (!n || (n == 1 && p[0] == '.') || (n == 2 && p[0] == '.' && p[1] == '.'))
			return false;
		for (size_t i = 0; i < n; i++)
			if ((unsigned char)p[i] < 0x20 || p[i] == 0x7f)
				return false;
		p += n;
		if (!*p)
			return true;
	}
}

static int check_path(const char *path, struct err *e)
{
	return cgroup_path_valid(path) ? 0
	                               : err_set(e, ERR_USAGE, "\"%s\" cannot be the path of a cgroup", path);
}

static void join(char dst[CGROUP_DIR_MAX], const struct cgroup_hierarchy *h, const char *path)
{
	snprintf(dst, CGROUP_DIR_MAX, "%.*s/%.*s", CGROUP_MOUNT_MAX - 1, h->mount, CGROUP_PATH_MAX - 1, path);
}

void cgroup_dir(const struct cgroup *g, enum cgroup_controller c, char dst[CGROUP_DIR_MAX])
{
	int i = g->layout->of[c];
	if (i < 0)
		dst[0] = '\0';
	else
		join(dst, &g->layout->h[i], g->path);
}

int64_t cgroup_keyed(const char *text, const char *key)
{
	size_t len = strlen(key);
	while (*text) {
		if (!strncmp(text, key, len) && text[len] == ' ')
			return strtoll(text + len + 1, NULL, 10);
		text = strchrnul(text, '\n');
		text += *text == '\n';
	}
	return -1;
}

int cgroup_set(
        const struct cgroup *g, enum cgroup_controller c, const char *file, const char *value, struct err *e)
{
	int fd = cgroup_fd(g, c);
	if (fd >= 0 && !file_poke(fd, file, value))
		return 0;
	if (fd < 0)
		errno = ENOENT;
	int saved = errno;
	char dir[CGROUP_DIR_MAX];
	cgroup_dir(g, c, dir);
	if (saved == ENOENT)
		err_set(e, ERR_UNSUPPORTED, "cannot set %s: this kernel has no such file in %s", file, dir);
	else if (saved == ENODEV)
		err_set(e, ERR_NOT_FOUND, "cannot set %s in %s to \"%s\": there is no such block device",
		        file, dir, value);
	else
		err_sys(e, "cannot set %s in %s to \"%s\"", file, dir, value);
	errno = saved;
	return -1;
}

int cgroup_set_max(
        const struct cgroup *g, enum cgroup_controller c, const char *file, int64_t value, struct err *e)
{
	char text[32] = "max";
	if (value >= 0)
		snprintf(text, sizeof(text), "%" PRId64, value);
	return cgroup_set(g, c, file, text, e);
}

int cgroup_check_swap(int64_t memory, int64_t memory_swap, struct err *e)
{
	if (memory <= 0)
		return err_set(
		        e, ERR_USAGE, "a limit on memory plus swap needs a limit on memory; add --memory");
	if (memory_swap < memory)
		return err_set(e, ERR_USAGE,
		        "the limit on memory plus swap (%" PRId64 ") is below the limit on memory (%" PRId64
		        ")",
		        memory_swap, memory);
	return 0;
}

/* The next "N" or "N-M" of a list; false at its end or for anything else (then *list is not at the end). */
static bool next_range(const char **list, unsigned long *first, unsigned long *last)
{
	char *end;
	if (**list < '0' || **list > '9')
		return false;
	*first = *last = strtoul(*list, &end, 10);
	if (*end == '-' && end[1] >= '0' && end[1] <= '9')
		*last = strtoul(end + 1, &end, 10);
	if ((*end && *end != ',') || *first > *last)
		return false;
	*list = end + (*end == ',');
	return true;
}

bool cgroup_list_within(const char *want, const char *have)
{
	unsigned long first, last;
	if (!*want)
		return false;
	while (next_range(&want, &first, &last)) {
		/* Kernel lists are sorted and merged, so one range of theirs must cover one of ours. */
		const char *h = have;
		unsigned long from, to;
		bool found = false;
		while (!found && next_range(&h, &from, &to))
			found = first >= from && last <= to;
		if (!found)
			return false;
	}
	return !*want;
}

int cgroup_check_list(int fd, const char *have_file, const char *want, const char *what, struct err *e)
{
	char have[4096];
	if (file_read_small(fd, have_file, have, sizeof(have)) <= 0 || cgroup_list_within(want, have))
		return 0;
	return err_set(e, ERR_USAGE, "%s \"%s\" are not available here; there are %s", what, want, have);
}

unsigned cgroup_needs(const struct resources *r)
{
	unsigned set = 0;
	if (r->memory || r->memory_swap || r->memory_reservation || r->swappiness || r->oom_kill_disable)
		set |= CG_BIT(CG_MEMORY);
	if (r->cpu_shares || r->cpu_quota_us || r->cpu_period_us)
		set |= CG_BIT(CG_CPU);
	if (r->cpuset_cpus || r->cpuset_mems)
		set |= CG_BIT(CG_CPUSET);
	if (r->blkio_weight || r->n_io)
		set |= CG_BIT(CG_BLKIO);
	if (r->pids)
		set |= CG_BIT(CG_PIDS);
	return set;
}

/* ------------------------------------------------------------------ making */

/* The parents of `dir` beneath the mount point. Each one that is new gets what its children inherit. */
static int make_parents(char *dir, const struct cgroup_hierarchy *h)
{
	for (char *p = dir + strlen(h->mount) + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		int rc = mkdir(dir, 0755);
		if (!rc)
			cgroup_v1_parent_made(dir, cgroup_layout()->mode == CGROUP_V2 ? 0 : h->controllers);
		int saved = errno;
		*p = '/';
		if (rc < 0 && saved != EEXIST)
			return -1;
	}
	return 0;
}

/* An abandoned cgroup may have empty children. Looked at first: one that is in use keeps all of them. */
static int remove_abandoned(const char *dir)
{
	if (!rmdir(dir) || errno == ENOENT)
		return 0;
	if (errno != EBUSY)
		return -1;
	cleanup_fd int fd = open(dir, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	cleanup_free pid_t *pids = NULL;
	if (fd < 0 || cgroup_pids_in(fd, &pids) != 0) {
		errno = EBUSY;
		return -1;
	}
	return cgroup_remove_tree(dir);
}

/* A fresh directory: one that exists is removed first (which fails while anything lives in it), so that
 * no limit of an earlier life stays. */
static int make_dir(const char *path, const struct cgroup_hierarchy *h, struct err *e)
{
	char dir[CGROUP_DIR_MAX];
	join(dir, h, path);
	for (int tries = 0;; tries++) {
		if (!mkdir(dir, 0755))
			return 0;
		if (tries < 3 && errno == ENOENT && !make_parents(dir, h))
			continue;
		if (tries < 3 && errno == EEXIST && !remove_abandoned(dir))
			continue;
		if (errno == EBUSY)
			return err_set(e, ERR_CONFLICT, "cgroup %s exists and is in use", dir);
		return err_sys(e, "cannot make cgroup %s", dir);
	}
}

static struct cgroup *handle_new(const char *path)
{
	struct cgroup *g = calloc(1, sizeof(*g));
	if (!g)
		return NULL;
	g->layout = cgroup_layout();
	for (int i = 0; i < CG_COUNT; i++)
		g->fd[i] = -1;
	g->leaf_fd = -1;
	snprintf(g->path, sizeof(g->path), "%s", path);
	return g;
}

/* Open what exists; the number of hierarchies that have it. -1 when one cannot be opened for another reason:
 * without it a freezer would be thawed where it isn't frozen. */
static int handle_open(struct cgroup *g)
{
	int n = 0;
	for (int i = 0; i < g->layout->n; i++) {
		char dir[CGROUP_DIR_MAX];
		join(dir, &g->layout->h[i], g->path);
		g->fd[i] = open(dir, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (g->fd[i] < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM))
			return -1;
		n += g->fd[i] >= 0;
	}
	return n;
}

void cgroup_close(struct cgroup **g)
{
	if (!*g)
		return;
	for (int i = 0; i < CG_COUNT; i++)
		close_fd(&(*g)->fd[i]);
	close_fd(&(*g)->leaf_fd);
	free(*g);
	*g = NULL;
}

/* Take back the first n directories of a cgroup that nothing has entered yet. Never by force: should
 * somebody else live there after all, rmdir fails and that is right. */
static void unmake(const char *path, int n)
{
	while (n-- > 0) {
		char dir[CGROUP_DIR_MAX];
		join(dir, &cgroup_layout()->h[n], path);
		rmdir(dir);
	}
}

static struct cgroup *make(const char *path, struct err *e)
{
	cleanup_cgroup struct cgroup *g = handle_new(path);
	if (!g)
		return err_set_null(e, ERR_OTHER, "out of memory");
	for (int i = 0; i < g->layout->n; i++)
		if (make_dir(path, &g->layout->h[i], e) < 0) {
			unmake(path, i);
			return NULL;
		}
	if (handle_open(g) != g->layout->n) {
		err_sys(e, "cannot open the new cgroup %s", path);
		unmake(path, g->layout->n);
		return NULL;
	}
	return steal_ptr(&g);
}

/* ------------------------------------------------------------------ limits */

static int missing_v1(enum cgroup_controller c, struct err *e)
{
	return err_set(e, ERR_UNSUPPORTED,
	        "cgroup controller \"%s\" is missing: no hierarchy in /proc/self/mountinfo has it (mount it, "
	        "or "
	        "boot with cgroup v2)",
	        cgroup_controller_name(c, false));
}

/* On a hybrid host a controller may be on either side. */
static int apply(const struct cgroup *g, const struct resources *r, bool fresh, struct err *e)
{
	const struct cgroup_layout *l = g->layout;
	unsigned needs = cgroup_needs(r), on_v1 = 0;
	if (l->mode != CGROUP_V2)
		for (int c = 0; c < CG_UNIFIED; c++)
			on_v1 |= l->of[c] >= 0 ? needs & CG_BIT(c) : 0;
	unsigned on_v2 = needs & ~on_v1;
	if (on_v2 && l->of[CG_UNIFIED] < 0)
		for (int c = CG_COUNT; c-- > 0;)
			if (on_v2 & CG_BIT(c))
				return missing_v1(c, e);
	if ((on_v2 || (fresh && l->mode == CGROUP_V2)) &&
	        cgroup_v2_enable(g, on_v2, l->mode == CGROUP_V2 ? CG_STATS : 0, e) < 0)
		return -1;
	if (on_v1 && cgroup_v1_apply(g, r, on_v1, e) < 0)
		return -1;
	return on_v2 ? cgroup_v2_apply(g, r, on_v2, e) : 0;
}

static int apply_devices(const struct cgroup *g, const struct resources *r, bool fresh, struct err *e)
{
	if (g->layout->mode != CGROUP_V2 && g->layout->of[CG_DEVICES] >= 0)
		return device_apply_v1(cgroup_fd(g, CG_DEVICES), r->devices, r->n_devices, e);
	if (g->layout->of[CG_UNIFIED] >= 0)
		return device_apply_v2(cgroup_fd(g, CG_UNIFIED), r->devices, r->n_devices, !fresh, e);
	return missing_v1(CG_DEVICES, e);
}

/* An ordinary user without a cgroup of its own: runs all the same, as long as no limit is asked for that
 * nobody would enforce (attack 44). */
static int check_no_limits(const struct resources *r, struct err *e)
{
	if (!cgroup_needs(r))
		return 0;
	return err_set(e, ERR_UNSUPPORTED, "limits need a cgroup that is yours, and %s; %s",
	        cgroup_layout()->outside ? "this session is outside of the one you have"
	                                 : "none is delegated to you here",
	        cgroup_layout()->outside
	                ? "try: systemd-run --user --scope -p Delegate=yes tare …"
	                : "leave them out, or with cgroup v2 and systemd: systemd-run --user --scope "
	                  "-p Delegate=yes tare …; otherwise: sudo tare");
}

bool cgroup_can_limit(void)
{
	const struct cgroup_layout *l = cgroup_layout();

	return !l->rootless || (l->n && !l->outside);
}

static int create_none(const char *path, const struct resources *r, struct cgroup **out, struct err *e)
{
	if (check_no_limits(r, e) < 0)
		return -1;
	*out = handle_new(path);
	return *out ? 0 : err_no_memory(e);
}

int cgroup_create(const char *path, const struct resources *r, struct cgroup **out, struct err *e)
{
	static const struct resources none;
	if (!r)
		r = &none;
	*out = NULL;
	if (check_path(path, e) < 0)
		return -1;
	const struct cgroup_layout *l = cgroup_layout();
	if (!cgroup_can_limit())
		return create_none(path, r, out, e);
	if (!l->n)
		return err_set(e, ERR_UNSUPPORTED,
		        "no cgroup hierarchy is mounted: neither on /sys/fs/cgroup nor in "
		        "/proc/self/mountinfo");
	/* Root of a user namespace is somebody else to the host, and is to see its own. */
	mode_t mask = umask(022);
	cleanup_cgroup struct cgroup *g = make(path, e);
	umask(mask);
	if (!g)
		return -1;
	g->fresh = true;
	if (cgroup_v1_prepare(g, e) < 0 || apply(g, r, true, e) < 0 || apply_devices(g, r, true, e) < 0) {
		unmake(path, g->layout->n);
		return -1;
	}
	*out = steal_ptr(&g);
	return 0;
}

int cgroup_open(const char *path, struct cgroup **out, struct err *e)
{
	*out = NULL;
	if (check_path(path, e) < 0)
		return -1;
	cleanup_cgroup struct cgroup *g = handle_new(path);
	if (!g)
		return err_no_memory(e);
	int n = handle_open(g);
	if (n < 0)
		return err_sys(e, "cannot open cgroup %s", path);
	if (!n && !g->layout->rootless)
		return err_set(e, ERR_NOT_FOUND, "there is no cgroup %s", path);
	*out = steal_ptr(&g);
	return 0;
}

bool cgroup_exists(const char *path)
{
	cleanup_cgroup struct cgroup *g = cgroup_path_valid(path) ? handle_new(path) : NULL;

	return g && handle_open(g) > 0;
}

int cgroup_update(const struct cgroup *g, const struct resources *r, struct err *e)
{
	if (g->layout->rootless && cgroup_fd(g, CG_UNIFIED) < 0)
		return check_no_limits(r, e);
	cleanup_cgroup_saved struct cgroup_saved *before = cgroup_save(g, r, e);
	if (!before)
		return -1;
	if (apply(g, r, false, e) == 0 && (!r->n_devices || apply_devices(g, r, false, e) == 0))
		return 0;
	cgroup_restore(g, before);
	return -1;
}

/* ------------------------------------------------------------------ entering */

int cgroup_clone_fd(const struct cgroup *g)
{
	int fd = cgroup_fd(g, CG_UNIFIED);
	if (fd < 0 || g->layout->outside)
		return -1;
	/* The handle is always heap memory of ours, so that const is only the caller's promise; the leaf is
	 * remembered to be closed with it. */
	struct cgroup *own = (struct cgroup *)g;
	if (own->leaf_fd < 0 && !g->fresh)
		own->leaf_fd = cgroup_v2_leaf(fd);
	return own->leaf_fd >= 0 ? own->leaf_fd : fd;
}

/* `tasks` of v1, not cgroup.procs: a single thread that moves itself takes no lock that waits for a grace
 * period of the kernel (7 to 15 ms). v2 has no such file, so there CLONE_INTO_CGROUP comes first. */
int cgroup_enter_self(const struct cgroup *g, bool all, struct err *e)
{
	int unified = g->layout->of[CG_UNIFIED];
	if (g->layout->outside)
		return 0;
	for (int i = 0; i < g->layout->n; i++) {
		if (i == unified && !all)
			continue;
		int fd = i == unified ? cgroup_clone_fd(g) : g->fd[i];
		if (fd < 0)
			continue;
		if (file_poke(fd, i == unified ? "cgroup.procs" : "tasks", "0") < 0) {
			char dir[CGROUP_DIR_MAX];
			join(dir, &g->layout->h[i], g->path);
			return err_sys(e, "cannot enter cgroup %s", dir);
		}
	}
	return 0;
}

/* An O_PATH descriptor of tare/monitors in that hierarchy, made when missing; -1. */
static int open_monitors(enum cgroup_controller c)
{
	const struct cgroup_layout *l = cgroup_layout();
	if (l->of[c] < 0)
		return -1;
	const struct cgroup_hierarchy *h = &l->h[l->of[c]];
	char dir[CGROUP_DIR_MAX];
	join(dir, h, MONITORS_PATH);
	int fd = open(dir, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 || errno != ENOENT)
		return fd;
	if (make_parents(dir, h) < 0 || (mkdir(dir, 0755) < 0 && errno != EEXIST))
		return -1;
	return open(dir, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

int cgroup_monitors_clone_fd(void)
{
	return open_monitors(CG_UNIFIED);
}

/* Whether the line "N:NAME:PATH" of /proc/self/cgroup names a place where no service manager would look
 * for a process to kill: the root, or already our own. */
static bool is_safe_place(const char *text, const char *name)
{
	const char *own = "/" MONITORS_PATH;
	size_t name_len = strlen(name), own_len = strlen(own);
	for (const char *line = text; *line; line += *line == '\n') {
		size_t len = strcspn(line, "\n");
		const char *p = memchr(line, ':', len);
		if (p && !strncmp(p + 1, name, name_len) && p[1 + name_len] == ':') {
			const char *path = p + 1 + name_len + 1, *end = line + len;
			size_t n = (size_t)(end - path);
			return n <= 1 || (n >= own_len && !memcmp(end - own_len, own, own_len));
		}
		line += len;
	}
	return true;
}

void cgroup_enter_monitors(void)
{
	char text[4096];
	if (file_read_small(AT_FDCWD, "/proc/self/cgroup", text, sizeof(text)) < 0)
		return;
	if (!is_safe_place(text, "name=systemd")) {
		cleanup_fd int fd = open_monitors(CG_SYSTEMD);
		if (fd >= 0)
			file_poke(fd, "tasks", "0");
	}
	/* Only for a caller that was not born there. */
	if (!is_safe_place(text, "")) {
		cleanup_fd int fd = open_monitors(CG_UNIFIED);
		if (fd >= 0)
			file_poke(fd, "cgroup.procs", "0");
	}
}

/* ------------------------------------------------------------------ reading */

int64_t cgroup_oom_kills(const struct cgroup *g)
{
	bool v1 = g->layout->mode != CGROUP_V2 && cgroup_fd(g, CG_MEMORY) >= 0;
	int fd = cgroup_fd(g, v1 ? CG_MEMORY : CG_UNIFIED);
	if (fd < 0)
		return -1;
	char text[512];
	const char *file = v1 ? "memory.oom_control" : "memory.events";
	return file_read_small(fd, file, text, sizeof(text)) < 0 ? -1 : cgroup_keyed(text, "oom_kill");
}

static void source(const struct cgroup *g, enum cgroup_controller c, char dst[SAMPLER_PATH_MAX])
{
	char dir[CGROUP_DIR_MAX] = "";
	if (cgroup_fd(g, c) >= 0)
		cgroup_dir(g, c, dir);
	snprintf(dst, SAMPLER_PATH_MAX, "%s", dir);
}

void cgroup_sampler_sources(const struct cgroup *g, struct sampler_sources *out)
{
	_Static_assert(
	        (int)CGROUP_DIR_MAX <= SAMPLER_PATH_MAX, "every cgroup directory fits a sampler's source");
	*out = (struct sampler_sources){.v2 = g->layout->mode == CGROUP_V2};
	source(g, CG_CPU, out->cpu);
	if (!out->v2)
		source(g, CG_CPUACCT, out->cpuacct);
	source(g, CG_MEMORY, out->memory);
	source(g, CG_PIDS, out->pids);
	source(g, CG_BLKIO, out->blkio);
	source(g, CG_UNIFIED, out->unified);
}

static void add_children(const char *dir, char ***names)
{
	cleanup_dir DIR *d = opendir(dir);
	struct dirent *de;
	while (d && (de = readdir(d)))
		if (de->d_type == DT_DIR && de->d_name[0] != '.' && !strv_has(*names, de->d_name))
			strv_add(names, de->d_name);
}

char **cgroup_children(const char *path)
{
	const struct cgroup_layout *l = cgroup_layout();
	char **names = NULL;
	if (!cgroup_path_valid(path))
		return NULL;
	for (int i = 0; i < l->n; i++) {
		char dir[CGROUP_DIR_MAX];
		join(dir, &l->h[i], path);
		add_children(dir, &names);
	}
	return names;
}

/* ------------------------------------------------------------------ for `tare info` */

static void state_v2(
        const struct cgroup_layout *l, enum cgroup_controller c, struct cgroup_controller_state *s)
{
	const char *mount = l->h[l->of[CG_UNIFIED]].mount;
	char text[512] = "";
	if (c == CG_DEVICES) {
		s->present = device_v2_works();
		snprintf(s->where, sizeof(s->where), "%s", s->present ? "eBPF" : "");
		return;
	}
	cleanup_fd int fd = open(mount, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		file_read_small(fd, "cgroup.controllers", text, sizeof(text));
	s->present = c == CG_FREEZER || (cgroup_v2_controllers(text) & CG_BIT(c));
	if (s->present)
		snprintf(s->where, sizeof(s->where), "%s", mount);
}

int cgroup_controllers(struct cgroup_controller_state *out, int max)
{
	static const enum cgroup_controller shown[] = {
	        CG_MEMORY, CG_CPU, CG_CPUSET, CG_PIDS, CG_BLKIO, CG_DEVICES, CG_FREEZER};
	const struct cgroup_layout *l = cgroup_layout();
	int n = 0;
	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]) && n < max; i++) {
		enum cgroup_controller c = shown[i];
		struct cgroup_controller_state *s = &out[n++];
		*s = (struct cgroup_controller_state){
		        .name = cgroup_controller_name(c, l->mode == CGROUP_V2)};
		if (l->mode != CGROUP_V2 && l->of[c] >= 0) {
			s->present = true;
			snprintf(s->where, sizeof(s->where), "%s", l->h[l->of[c]].mount);
		} else if (l->of[CG_UNIFIED] >= 0) {
			state_v2(l, c, s);
		}
	}
	return n;
}
