/* Device rules: as a program (interpreted here, and attached to a real cgroup) and as v1 text. The rules'
 * meaning is stated once, as a table of questions, and asked of both. Needs root. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "engine/runtime/cgroup.h"
#include "engine/runtime/cgroup_driver.h"
#include "engine/runtime/device.h"

/* ------------------------------------------------------------------ an interpreter of what we emit */

static int run(const struct bpf_insn *p, int len, const struct bpf_cgroup_dev_ctx *ctx)
{
	uint64_t r[11] = {0};
	int steps = 0;
	for (int pc = 0; pc < len; pc++) {
		const struct bpf_insn *i = &p[pc];
		assert_true(++steps <= len); /* no way back: it ends */
		uint64_t *dst = &r[i->dst_reg], src = r[i->src_reg], imm = (uint64_t)(int64_t)i->imm;
		switch (i->code) {
		case BPF_LDX | BPF_MEM | BPF_W:
			assert_int_equal(i->src_reg, 1);
			*dst = *(const uint32_t *)((const char *)ctx + i->off);
			break;
		case BPF_ALU64 | BPF_MOV | BPF_X:
			*dst = src;
			break;
		case BPF_ALU64 | BPF_MOV | BPF_K:
			*dst = imm;
			break;
		case BPF_ALU64 | BPF_AND | BPF_K:
			*dst &= imm;
			break;
		case BPF_ALU64 | BPF_RSH | BPF_K:
			*dst >>= imm;
			break;
		case BPF_JMP | BPF_JNE | BPF_K:
			pc += *dst != imm ? i->off : 0;
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
			pc += *dst == imm ? i->off : 0;
			break;
		case BPF_JMP | BPF_JNE | BPF_X:
			pc += *dst != src ? i->off : 0;
			break;
		case BPF_JMP | BPF_EXIT:
			return (int)r[0];
		default:
			fail_msg("instruction %#x is none of ours", i->code);
		}
	}
	fail_msg("the program runs off its end");
	return -1;
}

static bool allowed(const struct device_rule *rules, size_t n, char type, unsigned major, unsigned minor,
        const char *access)
{
	cleanup_free struct bpf_insn *p = NULL;
	struct err e = ERR_INIT;
	int len = device_program(rules, n, &p, &e);
	if (len < 0)
		fail_msg("%s", e.msg);
	unsigned bits = 0;
	for (; *access; access++)
		bits |= *access == 'r'   ? BPF_DEVCG_ACC_READ
		        : *access == 'w' ? BPF_DEVCG_ACC_WRITE
		                         : BPF_DEVCG_ACC_MKNOD;
	struct bpf_cgroup_dev_ctx ctx = {
	        .access_type = bits << 16 | (type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR),
	        .major = major,
	        .minor = minor,
	};
	return run(p, len, &ctx);
}

static void defaults(void **state)
{
	(void)state;
	assert_true(allowed(NULL, 0, 'c', 1, 3, "rw"));    /* null */
	assert_true(allowed(NULL, 0, 'c', 136, 77, "rw")); /* a terminal */
	assert_true(allowed(NULL, 0, 'c', 5, 2, "rw"));    /* ptmx */
	assert_true(allowed(NULL, 0, 'b', 8, 0, "m"));     /* the node alone does no harm */
	assert_false(allowed(NULL, 0, 'b', 8, 0, "r"));    /* the host's disk */
	assert_false(allowed(NULL, 0, 'b', 8, 0, "rm"));
	assert_false(allowed(NULL, 0, 'c', 1, 1, "r"));    /* mem */
	assert_false(allowed(NULL, 0, 'b', 1, 3, "r"));    /* not the char device of that number */
	assert_false(allowed(NULL, 0, 'c', 10, 200, "r")); /* tun */
	assert_false(allowed(NULL, 0, 'c', 5, 3, "r"));    /* ttyprintk */
}

static void the_last_match_wins(void **state)
{
	(void)state;
	const struct device_rule r[] = {
	        {true, 'b', 8, -1, "rwm"},
	        {false, 'b', 8, 1, "w"},
	        {true, 'c', 10, 200, "rw"},
	        {false, 'c', 1, 3, "rwm"},
	};
	assert_true(allowed(r, 4, 'b', 8, 0, "rw"));
	assert_true(allowed(r, 4, 'b', 8, 1, "r"));
	assert_false(allowed(r, 4, 'b', 8, 1, "w"));
	assert_false(allowed(r, 4, 'b', 8, 1, "rw")); /* a denial of a part denies the whole */
	assert_true(allowed(r, 4, 'c', 10, 200, "rw"));
	assert_false(allowed(r, 3, 'c', 10, 229, "r"));
	assert_false(allowed(r, 4, 'c', 1, 3, "r"));
	assert_true(allowed(r, 3, 'c', 1, 3, "r"));
	/* two permissions do not add up: one must cover what is asked */
	const struct device_rule halves[] = {{true, 'b', 9, 0, "r"}, {true, 'b', 9, 0, "w"}};
	assert_false(allowed(halves, 2, 'b', 9, 0, "rw"));
	assert_true(allowed(halves, 2, 'b', 9, 0, "r"));
}

static void all_and_none(void **state)
{
	(void)state;
	const struct device_rule all[] = {{true, 'a', -1, -1, "rwm"}, {false, 'b', 8, 0, "rwm"}};
	assert_true(device_allows_all(all, 1));
	assert_false(device_allows_all(all, 2));
	assert_false(device_allows_all(NULL, 0));
	assert_true(allowed(all, 2, 'b', 8, 1, "rw"));
	assert_false(allowed(all, 2, 'b', 8, 0, "r"));
	const struct device_rule read_all = {true, 'a', -1, -1, "r"};
	assert_false(device_allows_all(&read_all, 1));
	assert_true(allowed(&read_all, 1, 'b', 8, 0, "r"));
	assert_false(allowed(&read_all, 1, 'b', 8, 0, "w"));
	const struct device_rule none = {false, 'a', -1, -1, "rwm"};
	assert_false(allowed(&none, 1, 'c', 1, 3, "r"));
	assert_false(allowed(&none, 1, 'c', 200, 3, "m"));
}

static void rules_are_checked(void **state)
{
	(void)state;
	const struct device_rule bad[] = {{true, 'x', 1, 1, "r"}, {true, 'c', 1, 1, ""},
	        {true, 'c', 1, 1, "rx"}, {true, 'c', INT64_MAX, 1, "r"}};
	struct bpf_insn *p;
	for (size_t i = 0; i < 4; i++) {
		struct err e = ERR_INIT;
		assert_int_equal(device_program(&bad[i], 1, &p, &e), -1);
		assert_int_equal(e.kind, ERR_USAGE);
		assert_null(p);
	}
	struct device_rule *many = calloc(5000, sizeof(*many));
	for (size_t i = 0; i < 5000; i++)
		many[i] = (struct device_rule){true, 'c', (int64_t)i, 1, "r"};
	assert_true(device_program(many, 1000, &p, NULL) > 4000);
	free(p);
	assert_int_equal(device_program(many, 5000, &p, NULL), -1);
	free(many);
}

static void text(void **state)
{
	(void)state;
	char t[DEVICE_TEXT_SIZE];
	device_rule_text(&(struct device_rule){true, 'c', 1, 3, "rwm"}, t);
	assert_string_equal(t, "c 1:3 rwm");
	device_rule_text(&(struct device_rule){true, 'b', -1, -1, "m"}, t);
	assert_string_equal(t, "b *:* m");
	device_rule_text(&(struct device_rule){true, 'c', INT32_MAX, INT32_MAX, "rwm"}, t);
	assert_string_equal(t, "c 2147483647:2147483647 rwm");
}

/* ------------------------------------------------------------------ the kernel's own answer */

static char path[CGROUP_PATH_MAX];

/* Bits of what a process in the cgroup may do: 1 open null, 2 make a node of a RAM or loop disk, 4 open it
 * for reading, 8 open /dev/kmsg (1:11), 16 open zero for writing. */
static int ask(const struct cgroup *g)
{
	struct clone_args a = {.exit_signal = SIGCHLD};
	int fd = cgroup_clone_fd(g);
	if (fd >= 0) {
		a.flags = CLONE_INTO_CGROUP;
		a.cgroup = (uint64_t)fd;
	}
	pid_t pid = (pid_t)syscall(SYS_clone3, &a, sizeof(a));
	if (!pid) {
		int bits = 0;
		if (cgroup_enter_self(g, false, NULL) < 0 || unshare(CLONE_NEWNS) < 0 ||
		        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		        mount("tmpfs", "/mnt", "tmpfs", 0, NULL) < 0 ||
		        mknod("/mnt/null", S_IFCHR | 0600, makedev(1, 3)) < 0 ||
		        mknod("/mnt/kmsg", S_IFCHR | 0600, makedev(1, 11)) < 0 ||
		        mknod("/mnt/zero", S_IFCHR | 0600, makedev(1, 5)) < 0)
			_exit(255);
		bits |= open("/mnt/null", O_RDWR) >= 0 ? 1 : 0;
		bits |= mknod("/mnt/disk", S_IFBLK | 0600, makedev(7, 0)) == 0 ? 2 : 0;
		/* EPERM is the rules' answer; without such a disk it would be ENXIO */
		bits |= open("/mnt/disk", O_RDONLY | O_NONBLOCK) >= 0 || errno != EPERM ? 4 : 0;
		bits |= open("/mnt/kmsg", O_RDONLY | O_NONBLOCK) >= 0 || errno != EPERM ? 8 : 0;
		bits |= open("/mnt/zero", O_WRONLY) >= 0 ? 16 : 0;
		_exit(bits);
	}
	int status = -1;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int ask_with(struct device_rule *rules, size_t n)
{
	struct err e = ERR_INIT;
	cleanup_cgroup struct cgroup *g = NULL;
	if (cgroup_create(path, &(struct resources){.devices = rules, .n_devices = n}, &g, &e) < 0)
		fail_msg("%s", e.msg);
	int bits = ask(g);
	if (cgroup_destroy(path, &e) < 0)
		fail_msg("%s", e.msg);
	return bits;
}

static void the_kernel_agrees(void **state)
{
	(void)state;
	struct device_rule kmsg[] = {{true, 'c', 1, 11, "r"}, {false, 'c', 1, 5, "w"}};
	struct device_rule all[] = {{true, 'a', -1, -1, "rwm"}, {false, 'b', 7, 0, "r"}};
	struct device_rule both[] = {{true, 'a', 7, 0, "rwm"}};
	assert_int_equal(ask_with(NULL, 0), 1 | 2 | 16);
	assert_int_equal(ask_with(kmsg, 1), 1 | 2 | 8 | 16);
	assert_int_equal(ask_with(kmsg, 2), 1 | 2 | 8);
	assert_int_equal(ask_with(all, 1), 1 | 2 | 4 | 8 | 16);
	assert_int_equal(ask_with(all, 2), 1 | 2 | 8 | 16);
	assert_int_equal(ask_with(both, 1), 1 | 2 | 4 | 16); /* and not everything, as v1 reads "a" */
}

static void an_update_replaces(void **state)
{
	(void)state;
	struct device_rule kmsg[] = {{true, 'c', 1, 11, "r"}};
	struct device_rule all[] = {{true, 'a', -1, -1, "rwm"}};
	struct err e = ERR_INIT;
	cleanup_cgroup struct cgroup *g = NULL;
	assert_int_equal(cgroup_create(path, NULL, &g, &e), 0);
	assert_int_equal(ask(g), 1 | 2 | 16);
	if (cgroup_update(g, &(struct resources){.devices = kmsg, .n_devices = 1}, &e) < 0)
		fail_msg("%s", e.msg);
	assert_int_equal(ask(g), 1 | 2 | 8 | 16);
	assert_int_equal(cgroup_update(g, &(struct resources){.devices = all, .n_devices = 1}, &e), 0);
	assert_int_equal(ask(g), 1 | 2 | 4 | 8 | 16);
	assert_int_equal(cgroup_destroy(path, &e), 0);
}

/* The v2 program on its own, where there is a v2 tree: on a hybrid host the v1 files do the work above. */
static void a_program_holds(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	cleanup_cgroup struct cgroup *g = NULL;
	struct device_rule rules[] = {{true, 'a', -1, -1, "rwm"}};
	struct device_rule kmsg[] = {{true, 'c', 1, 11, "r"}};
	assert_int_equal(
	        cgroup_create(path, &(struct resources){.devices = rules, .n_devices = 1}, &g, &e), 0);
	int fd = cgroup_clone_fd(g);
	if (fd < 0) {
		cgroup_destroy(path, NULL);
		skip();
	}
	assert_true(device_v2_works());
	assert_int_equal(ask(g), 31);
	if (device_apply_v2(fd, NULL, 0, false, &e) < 0)
		fail_msg("%s", e.msg);
	assert_int_equal(ask(g), 1 | 2 | 16);
	assert_int_equal(device_apply_v2(fd, kmsg, 1, true, &e), 0);
	assert_int_equal(ask(g), 1 | 2 | 8 | 16);
	assert_int_equal(device_apply_v2(fd, rules, 1, true, &e), 0);
	assert_int_equal(ask(g), 31);
	assert_int_equal(cgroup_destroy(path, &e), 0);
}

/* v1 would accept these and do nothing. */
static void v1_refuses_what_it_cannot(void **state)
{
	(void)state;
	struct device_rule cut[] = {{true, 'b', 8, -1, "rwm"}, {false, 'b', 8, 1, "w"}};
	struct device_rule back[] = {
	        {true, 'a', -1, -1, "rwm"}, {false, 'b', 8, -1, "w"}, {true, 'b', 8, 1, "w"}};
	struct err e = ERR_INIT;
	assert_int_equal(device_apply_v1(-1, cut, 2, &e), -1);
	assert_int_equal(e.kind, ERR_UNSUPPORTED);
	assert_non_null(strstr(e.msg, "b 8:1 w"));
	assert_int_equal(device_apply_v1(-1, back, 3, &e), -1);
	assert_int_equal(e.kind, ERR_UNSUPPORTED);
}

static int tear_down(void **state)
{
	(void)state;
	cgroup_destroy(path, NULL);
	*strrchr(path, '/') = '\0';
	return cgroup_destroy(path, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(defaults),
	        cmocka_unit_test(the_last_match_wins),
	        cmocka_unit_test(all_and_none),
	        cmocka_unit_test(rules_are_checked),
	        cmocka_unit_test(text),
	        cmocka_unit_test(the_kernel_agrees),
	        cmocka_unit_test(an_update_replaces),
	        cmocka_unit_test(a_program_holds),
	        cmocka_unit_test(v1_refuses_what_it_cannot),
	};
	snprintf(path, sizeof(path), "tare-test-%d/device", getpid());
	return cmocka_run_group_tests_name("device", tests, NULL, tear_down);
}
