/* What the tests of the runtime have in common: a root file system of busybox on a tmpfs, Docker's mounts,
 * and a container that is launched from them. Included after cmocka.h. */
#ifndef TARE_TESTS_UNIT_CONTAINER_BOX_H
#define TARE_TESTS_UNIT_CONTAINER_BOX_H

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "engine/oci/runtime_spec.h"
#include "engine/runtime/create.h"
#include "engine/runtime/launch.h"

#define DOCKER_CAPS UINT64_C(0xa80425fb)

struct box {
	char dir[64]; /* of this test program */
	char init[PATH_MAX];
	struct runtime_spec spec;
	struct seccomp_filter seccomp;
	int rootfs;
	const char *input; /* its standard input, instead of /dev/null */
	struct buf out;    /* what the last command wrote */
	int (*born)(
	        const struct launched *child, void *arg, struct err *e); /* struct launch's; arg: the box */
	struct launched run;
	struct err e;
};

/* A file of the build directory, seen from build/unit/PROGRAM. */
static inline void build_path(char dst[PATH_MAX], const char *name)
{
	char exe[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);

	exe[n < 0 ? 0 : n] = 0;
	*strrchr(exe, '/') = 0;
	assert_true(snprintf(dst, PATH_MAX, "%s/../%s", exe, name) < PATH_MAX);
}

static inline const char *box_path(struct box *b, const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof path, "%s/%s", b->dir, name);
	return path;
}

static inline void box_file(struct box *b, const char *name, const char *text)
{
	cleanup_fd int fd = open(box_path(b, name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write_all(fd, text, strlen(text)), 0);
}

static inline void box_busybox(struct box *b)
{
	static const char *const applets[] = {"sh", "true", "cat", "ls", "id", "grep", "sleep", "readlink",
	        "umask", "ps", "kill", "hostname", "stat", "tty", "stty", "mkdir", "touch", "env", "mount",
	        "umount", "mknod", "pwd", "unshare", "find", "wc", "seq", "dd", "sysctl"};
	cleanup_fd int from = open("/bin/busybox", O_RDONLY | O_CLOEXEC);
	char chunk[65536];
	ssize_t n;

	if (from < 0)
		from = open("/usr/bin/busybox", O_RDONLY | O_CLOEXEC);
	cleanup_fd int to = open(box_path(b, "rootfs/bin/busybox"), O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	assert_true(from >= 0 && to >= 0);
	while ((n = read(from, chunk, sizeof chunk)) > 0)
		assert_int_equal(write_all(to, chunk, (size_t)n), 0);
	for (size_t i = 0; i < sizeof applets / sizeof applets[0]; i++) {
		char name[64];
		snprintf(name, sizeof name, "rootfs/bin/%s", applets[i]);
		assert_int_equal(symlink("busybox", box_path(b, name)), 0);
	}
}

static inline void box_mount(
        struct box *b, const char *dst, const char *type, const char *src, const char *options)
{
	struct spec_mount *m = runtime_spec_add_mount(&b->spec);
	char copy[256];

	assert_non_null(m);
	m->destination = strdup(dst);
	m->type = strdup(type);
	m->source = src ? strdup(src) : NULL;
	snprintf(copy, sizeof copy, "%s", options);
	for (char *save, *o = strtok_r(copy, ",", &save); o; o = strtok_r(NULL, ",", &save))
		assert_int_equal(strv_add(&m->options, o), 0);
}

/* The spec of a default container; a test changes what it is about. */
static inline void box_spec(struct box *b)
{
	static const char *const masked[] = {"/proc/kcore", "/proc/keys", "/proc/timer_list",
	        "/proc/interrupts", "/sys/firmware", "/proc/nonexistent", NULL};
	static const char *const readonly[] = {
	        "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger", NULL};
	struct runtime_spec *s = &b->spec;

	runtime_spec_free(s);
	for (int k = 0; k < NS_KIND_COUNT; k++)
		s->ns[k].mode = k == NS_USER ? NS_HOST : NS_PRIVATE;
	s->cwd = strdup("/");
	s->user = strdup("");
	s->hostname = strdup("box");
	s->caps = (struct spec_capabilities){DOCKER_CAPS, DOCKER_CAPS, DOCKER_CAPS, 0, 0};
	s->no_new_privileges = true;
	s->masked_paths = strv_copy((char *const *)masked);
	s->readonly_paths = strv_copy((char *const *)readonly);
	strv_add(&s->env, "PATH=/bin");
	box_mount(b, "/proc", "proc", NULL, "nosuid,noexec,nodev");
	box_mount(b, "/dev", "tmpfs", NULL, "nosuid,strictatime,mode=755,size=65536k");
	box_mount(b, "/dev/pts", "devpts", NULL, "nosuid,noexec,newinstance,ptmxmode=0666,mode=0620,gid=5");
	box_mount(b, "/sys", "sysfs", NULL, "nosuid,noexec,nodev,ro");
	box_mount(b, "/dev/mqueue", "mqueue", NULL, "nosuid,noexec,nodev");
	box_mount(b, "/dev/shm", "tmpfs", "shm", "nosuid,noexec,nodev,mode=1777,size=1m");
}

static inline void box_args(struct box *b, const char *script)
{
	strv_free(b->spec.args);
	b->spec.args = NULL;
	strv_add(&b->spec.args, "sh");
	strv_add(&b->spec.args, "-c");
	strv_add(&b->spec.args, script);
}

static inline int box_group_setup(void **state)
{
	static struct box b = {.rootfs = -1};
	char profile[PATH_MAX];

	*state = &b;
	if (geteuid() != 0)
		return 0;
	strcpy(b.dir, "/dev/shm/tare-unit-XXXXXX");
	assert_non_null(mkdtemp(b.dir));
	mkdir(box_path(&b, "rootfs"), 0755);
	mkdir(box_path(&b, "rootfs/bin"), 0755);
	mkdir(box_path(&b, "rootfs/etc"), 0755);
	box_busybox(&b);
	build_path(b.init, "tare-init");
	build_path(profile, "profiles/seccomp.json");
	if (access(b.init, X_OK) || seccomp_filter_load(profile, DOCKER_CAPS, -1, &b.seccomp, &b.e))
		fail_msg("run make build first: %s %s", b.init, b.e.msg);
	return 0;
}

static inline int box_remove_entry(const char *path, const struct stat *st, int type, struct FTW *f)
{
	(void)st;
	(void)type;
	(void)f;
	return remove(path);
}

static inline int box_group_teardown(void **state)
{
	struct box *b = *state;

	runtime_spec_free(&b->spec);
	seccomp_filter_free(&b->seccomp);
	buf_free(&b->out);
	if (*b->dir)
		assert_int_equal(nftw(b->dir, box_remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT), 0);
	return 0;
}

/* Fresh accounts, a fresh spec. */
static inline int box_setup(void **state)
{
	struct box *b = *state;

	if (geteuid() != 0)
		return 0;
	box_file(b, "rootfs/etc/passwd",
	        "root:x:0:0:root:/root:/bin/sh\nweb:x:1000:1001::/home/web:/bin/sh\n");
	box_file(b, "rootfs/etc/group", "root:x:0:\nstaff:x:50:web\n");
	box_spec(b);
	b->born = NULL;
	b->input = NULL;
	b->e = (struct err)ERR_INIT;
	return 0;
}

static inline int box_teardown(void **state)
{
	struct box *b = *state;

	close_fd(&b->rootfs);
	return 0;
}

#define box_needs_root()                                                                                     \
	do {                                                                                                 \
		if (geteuid())                                                                               \
			skip();                                                                              \
	} while (0)

/* `out` takes the command's output. A detached mount can be attached once, so each launch has its own. */
static inline int box_launch_with(struct box *b, const struct launch_fallbacks *f, int out)
{
	close_fd(&b->rootfs);
	b->rootfs = open_tree(AT_FDCWD, box_path(b, "rootfs"), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	assert_true(b->rootfs >= 0);
	cleanup_fd int null = open(b->input ? b->input : "/dev/null", O_RDONLY | O_CLOEXEC);
	struct launch l = {.spec = &b->spec,
	        .rootfs_fd = b->rootfs,
	        .seccomp = &b->seccomp,
	        .stdio = {null, out, out},
	        .init_path = b->init,
	        .born = b->born,
	        .born_arg = b};

	return launch_create_with(&l, f, &b->run, &b->e);
}

static inline int box_reap(struct launched *run)
{
	int status;

	assert_int_equal(waitpid(run->id.pid, &status, 0), run->id.pid);
	close_fd(&run->pidfd);
	close_fd(&run->terminal_fd);
	close_fd(&run->hold_fd);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static inline void box_read(struct box *b, int fd)
{
	buf_free(&b->out);
	/* A terminal's end is EIO. */
	read_to_buf(fd, &b->out);
}

/* Run a shell script; its exit code, its output in b->out. */
static inline int box_run_with(struct box *b, const struct launch_fallbacks *f, const char *script)
{
	int ends[2];

	if (script)
		box_args(b, script);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	if (box_launch_with(b, f, ends[1])) {
		close(ends[0]);
		close(ends[1]);
		return -1;
	}
	close(ends[1]);
	box_read(b, ends[0]);
	close(ends[0]);
	return box_reap(&b->run);
}

static inline int box_run(struct box *b, const char *script)
{
	int code = box_run_with(b, &(struct launch_fallbacks){0}, script);

	if (code < 0)
		print_message("launch: %s\n", b->e.msg);
	return code;
}

#define assert_out(b, text)                                                                                  \
	do {                                                                                                 \
		if (!strstr(buf_str(&(b)->out), text))                                                       \
			fail_msg("no \"%s\" in the output:\n%s", text, buf_str(&(b)->out));                  \
	} while (0)

#endif
