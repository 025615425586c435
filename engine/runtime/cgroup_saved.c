/* What the limits of a cgroup are before they are changed, to have them back when one of the changes is
 * refused: the text of each file that a change may touch, as the kernel shows it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "engine/runtime/cgroup_driver.h"

#define TEXT_MAX 4096 /* a list of CPUs, or the devices of io.max */

/* How what is read is written again. */
enum form {
	WHOLE,   /* as it stands */
	DEVICES, /* a line per device, of which only those that are to change count */
	SWITCH,  /* "oom_kill_disable 0" and more, of which the number counts */
};
struct control {
	enum cgroup_controller controller;
	const char *v1, *v2; /* NULL: not there */
	enum form form;
	const char *unset_v1, *unset_v2; /* DEVICES: what a device without a line gets */
};
static const struct control controls[] = {
        {CG_MEMORY, "memory.limit_in_bytes", "memory.max", WHOLE, NULL, NULL},
        {CG_MEMORY, "memory.memsw.limit_in_bytes", "memory.swap.max", WHOLE, NULL, NULL},
        {CG_MEMORY, "memory.soft_limit_in_bytes", "memory.low", WHOLE, NULL, NULL},
        {CG_MEMORY, "memory.swappiness", NULL, WHOLE, NULL, NULL},
        {CG_MEMORY, "memory.oom_control", NULL, SWITCH, NULL, NULL},
        {CG_CPU, "cpu.shares", "cpu.weight", WHOLE, NULL, NULL},
        {CG_CPU, "cpu.cfs_quota_us", "cpu.max", WHOLE, NULL, NULL},
        {CG_CPU, "cpu.cfs_period_us", NULL, WHOLE, NULL, NULL},
        {CG_CPUSET, "cpuset.cpus", "cpuset.cpus", WHOLE, NULL, NULL},
        {CG_CPUSET, "cpuset.mems", "cpuset.mems", WHOLE, NULL, NULL},
        {CG_CPUSET, "cpus", NULL, WHOLE, NULL, NULL}, /* mounted with noprefix */
        {CG_CPUSET, "mems", NULL, WHOLE, NULL, NULL},
        {CG_PIDS, "pids.max", "pids.max", WHOLE, NULL, NULL},
        {CG_BLKIO, "blkio.weight", "io.weight", WHOLE, NULL, NULL},
        {CG_BLKIO, "blkio.bfq.weight", "io.bfq.weight", WHOLE, NULL, NULL},
        {CG_BLKIO, "blkio.weight_device", "io.weight", DEVICES, "0", "default"},
        {CG_BLKIO, "blkio.bfq.weight_device", "io.bfq.weight", DEVICES, "0", "default"},
        {CG_BLKIO, "blkio.throttle.read_bps_device", "io.max", DEVICES, "0",
                "rbps=max wbps=max riops=max wiops=max"},
        {CG_BLKIO, "blkio.throttle.write_bps_device", NULL, DEVICES, "0", NULL},
        {CG_BLKIO, "blkio.throttle.read_iops_device", NULL, DEVICES, "0", NULL},
        {CG_BLKIO, "blkio.throttle.write_iops_device", NULL, DEVICES, "0", NULL},
};
#define N_CONTROLS (sizeof(controls) / sizeof(*controls))

struct cgroup_saved {
	char *text[N_CONTROLS]; /* NULL: not there, or not to be touched */
	struct resources change;
};

void cgroup_saved_free(struct cgroup_saved **s)
{
	if (!*s)
		return;
	for (size_t i = 0; i < N_CONTROLS; i++)
		free((*s)->text[i]);
	resources_free(&(*s)->change);
	free_ptr(s);
}

/* The directory and the name of a control on this host; NULL: there is none. */
static const char *find(const struct cgroup *g, const struct control *c, int *dir_fd)
{
	bool v1 = g->layout->mode != CGROUP_V2 && g->layout->of[c->controller] >= 0;

	*dir_fd = cgroup_fd(g, v1 ? c->controller : CG_UNIFIED);
	return *dir_fd < 0 ? NULL : v1 ? c->v1 : c->v2;
}

struct cgroup_saved *cgroup_save(const struct cgroup *g, const struct resources *r, struct err *e)
{
	struct cgroup_saved *s = calloc(1, sizeof *s);
	unsigned needs = cgroup_needs(r);
	char text[TEXT_MAX];
	int fd;

	if (!s || resources_copy(&s->change, r) != 0) {
		free(s);
		return err_set_null(e, ERR_OTHER, "out of memory");
	}
	for (size_t i = 0; i < N_CONTROLS; i++) {
		const char *file = needs & CG_BIT(controls[i].controller) ? find(g, &controls[i], &fd) : NULL;

		if (!file || file_read_small(fd, file, text, sizeof text) < 0)
			continue;
		s->text[i] = strdup(text);
		if (!s->text[i]) {
			cgroup_saved_free(&s);
			return err_set_null(e, ERR_OTHER, "out of memory");
		}
	}
	return s;
}

/* The line of a device, with its number, from a file of them; or what says that it has none. */
static void device_line(const char *text, const struct io_limit *l, const char *unset, char *dst, size_t size)
{
	char number[32];
	size_t len = (size_t)snprintf(number, sizeof number, "%u:%u ", l->major, l->minor);

	for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n')
		if (strncmp(line, number, len) == 0) {
			snprintf(dst, size, "%.*s", (int)strcspn(line, "\n"), line);
			return;
		}
	snprintf(dst, size, "%s%s", number, unset);
}

static void restore_devices(
        int fd, const char *file, const char *text, const char *unset, const struct resources *change)
{
	char line[128];

	for (size_t i = 0; i < change->n_io; i++) {
		device_line(text, &change->io[i], unset, line, sizeof line);
		file_poke(fd, file, line);
	}
}

static void restore_one(
        const struct cgroup *g, const struct control *c, const char *text, const struct resources *change)
{
	bool v1 = g->layout->mode != CGROUP_V2 && g->layout->of[c->controller] >= 0;
	int fd;
	const char *file = find(g, c, &fd), *space;

	switch (c->form) {
	case WHOLE: /* of io.weight the first line: "default 100" */
		if (c->controller == CG_BLKIO) {
			char line[64];
			snprintf(line, sizeof line, "%.*s", (int)strcspn(text, "\n"), text);
			file_poke(fd, file, line);
		} else {
			file_poke(fd, file, *text ? text : "\n"); /* an empty list */
		}
		break;
	case DEVICES:
		restore_devices(fd, file, text, v1 ? c->unset_v1 : c->unset_v2, change);
		break;
	case SWITCH:
		space = strchr(text, ' ');
		file_poke(fd, file, space && space[1] == '1' ? "1" : "0");
		break;
	}
}

/* Twice: a limit that may not be below another one is refused until that one is back as well. */
void cgroup_restore(const struct cgroup *g, const struct cgroup_saved *s)
{
	for (int round = 0; round < 2; round++)
		for (size_t i = 0; i < N_CONTROLS; i++)
			if (s->text[i])
				restore_one(g, &controls[i], s->text[i], &s->change);
}
