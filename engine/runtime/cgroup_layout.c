/* Where this host's cgroup hierarchies are: pure v2, v1 with one mount per controller (or several
 * controllers on one), or hybrid. Decided by what is mounted, never by what a distribution usually does. */
#include "engine/runtime/cgroup_driver.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/rootless.h"

#define CGROUP_ROOT "/sys/fs/cgroup"

static const char *const names[CG_COUNT] = {
        [CG_CPU] = "cpu",
        [CG_CPUACCT] = "cpuacct",
        [CG_CPUSET] = "cpuset",
        [CG_MEMORY] = "memory",
        [CG_DEVICES] = "devices",
        [CG_FREEZER] = "freezer",
        [CG_BLKIO] = "blkio",
        [CG_PIDS] = "pids",
        [CG_SYSTEMD] = "name=systemd",
        [CG_UNIFIED] = "unified",
};

const char *cgroup_controller_name(enum cgroup_controller c, bool v2)
{
	return v2 && c == CG_BLKIO ? "io" : names[c];
}

static bool token_is(const char *s, size_t len, const char *name)
{
	return strlen(name) == len && !memcmp(s, name, len);
}

/* The controllers among the super block options of a v1 mount ("rw,cpu,cpuacct"). */
static unsigned v1_controllers(const char *opts)
{
	unsigned set = 0;
	while (*opts && *opts != '\n') {
		size_t len = strcspn(opts, ",\n");
		for (int c = 0; c < CG_UNIFIED; c++)
			if (token_is(opts, len, names[c]))
				set |= CG_BIT(c);
		opts += len + (opts[len] == ',');
	}
	return set;
}

/* Copy a mountinfo field, undoing its octal escapes. False when it does not fit. */
static bool unescape(char *dst, size_t size, const char *s, size_t len)
{
	size_t n = 0;
	for (size_t i = 0; i < len; i++) {
		if (n + 1 >= size)
			return false;
		if (s[i] == '\\' && i + 3 < len) {
			dst[n++] = (char)((s[i + 1] - '0') << 6 | (s[i + 2] - '0') << 3 | (s[i + 3] - '0'));
			i += 3;
		} else {
			dst[n++] = s[i];
		}
	}
	dst[n] = '\0';
	return true;
}

static void layout_add(struct cgroup_layout *l, const char *mount, size_t len, unsigned controllers)
{
	for (int c = 0; c < CG_COUNT; c++)
		if (l->of[c] >= 0)
			controllers &= ~CG_BIT(c); /* a second mount of the same hierarchy */
	if (!controllers || l->n == CG_COUNT)
		return;
	struct cgroup_hierarchy *h = &l->h[l->n];
	if (!unescape(h->mount, sizeof(h->mount), mount, len))
		return;
	h->controllers = controllers;
	for (int c = 0; c < CG_COUNT; c++)
		if (controllers & CG_BIT(c))
			l->of[c] = (signed char)l->n;
	l->n++;
}

/* "31 23 0:28 /root /mount/point rw,opts [optional] - type source superopts" */
static void parse_line(const char *line, struct cgroup_layout *l)
{
	const char *end = strchrnul(line, '\n');
	const char *mount = line;
	for (int i = 0; i < 4; i++) {
		mount = memchr(mount, ' ', (size_t)(end - mount));
		if (!mount)
			return;
		mount++;
	}
	size_t mount_len = strcspn(mount, " \n");
	const char *sep = memmem(mount, (size_t)(end - mount), " - ", 3);
	if (!sep)
		return;
	const char *type = sep + 3;
	size_t type_len = strcspn(type, " \n");
	if (token_is(type, type_len, "cgroup2")) {
		layout_add(l, mount, mount_len, CG_BIT(CG_UNIFIED));
	} else if (token_is(type, type_len, "cgroup")) {
		const char *source = type + type_len + (type[type_len] == ' ');
		const char *opts = source + strcspn(source, " \n");
		layout_add(l, mount, mount_len, v1_controllers(opts + (*opts == ' ')));
	}
}

void cgroup_layout_v2(struct cgroup_layout *l, const char *mount)
{
	struct cgroup_hierarchy h = {.controllers = (CG_BIT(CG_COUNT) - 1) & ~CG_BIT(CG_SYSTEMD)};
	strncpy(h.mount, mount, sizeof(h.mount) - 1);
	memset(l->of, 0, sizeof(l->of));
	l->of[CG_SYSTEMD] = -1;
	l->mode = CGROUP_V2;
	l->h[0] = h;
	l->n = 1;
}

void cgroup_layout_parse(const char *mountinfo, struct cgroup_layout *l)
{
	*l = (struct cgroup_layout){.mode = CGROUP_NONE};
	memset(l->of, -1, sizeof(l->of));
	while (*mountinfo) {
		parse_line(mountinfo, l);
		mountinfo = strchrnul(mountinfo, '\n');
		mountinfo += *mountinfo == '\n';
	}
	unsigned v1 = 0;
	for (int i = 0; i < l->n; i++)
		v1 |= l->h[i].controllers & ~(CG_BIT(CG_UNIFIED) | CG_BIT(CG_SYSTEMD));
	int unified = l->of[CG_UNIFIED];
	if (unified >= 0 && !v1) {
		struct cgroup_hierarchy h = l->h[unified];
		cgroup_layout_v2(l, h.mount);
	} else if (l->n) {
		l->mode = unified >= 0 ? CGROUP_HYBRID : CGROUP_V1;
	}
}

static void layout_detect(struct cgroup_layout *l)
{
	struct statfs fs;
	/* The common case costs one system call, however long the mount table is. */
	if (!statfs(CGROUP_ROOT, &fs) && (unsigned long)fs.f_type == CGROUP2_SUPER_MAGIC) {
		cgroup_layout_v2(l, CGROUP_ROOT);
		return;
	}
	cleanup_fd int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	cleanup_buf struct buf b = BUF_INIT;
	bool whole = fd >= 0 && read_to_buf(fd, &b) == 0;
	cgroup_layout_parse(buf_str(&b), l);
	l->unknown = !whole;
}

const struct cgroup_layout *cgroup_layout(void)
{
	/* Read once per process: after pivot_root the container's mount table would mislead us. */
	static struct cgroup_layout layout;
	static bool known;
	if (!known) {
		layout_detect(&layout);
		if (rootless())
			cgroup_layout_delegate(&layout);
		known = true;
	}
	return &layout;
}

enum cgroup_mode cgroup_mode(void)
{
	return cgroup_layout()->mode;
}

const char *cgroup_mode_name(enum cgroup_mode m)
{
	static const char *const mode_names[] = {
	        [CGROUP_NONE] = "none", [CGROUP_V1] = "v1", [CGROUP_HYBRID] = "hybrid", [CGROUP_V2] = "v2"};
	return mode_names[m];
}
