/* Device access of a container. Without it, root in a container that may mknod (Docker's default set
 * allows that) could make a node of the host's disk and write to it; the rules deny opening whatever was
 * not given. Proved by tests/unit/test_device.c. */
#include "engine/runtime/device.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/defence.h"
#include "base/err.h"
#include "base/file.h"
#include "base/rootless.h"

const struct device_rule device_defaults[] = {
        {true, 'c', -1, -1, "m"}, {true, 'b', -1, -1, "m"}, {true, 'c', 1, 3, "rwm"}, /* null */
        {true, 'c', 1, 5, "rwm"},                                                     /* zero */
        {true, 'c', 1, 7, "rwm"},                                                     /* full */
        {true, 'c', 1, 8, "rwm"},                                                     /* random */
        {true, 'c', 1, 9, "rwm"},                                                     /* urandom */
        {true, 'c', 5, 0, "rwm"},                                                     /* tty */
        {true, 'c', 5, 1, "rwm"},                                                     /* console */
        {true, 'c', 5, 2, "rwm"},                                                     /* ptmx */
        {true, 'c', 136, -1, "rwm"},                                                  /* pts */
};
const size_t device_n_defaults = sizeof(device_defaults) / sizeof(device_defaults[0]);

/* access as the kernel's bits */
static unsigned access_bits(const char *access)
{
	unsigned bits = 0;
	for (; *access; access++)
		bits |= *access == 'r'   ? BPF_DEVCG_ACC_READ
		        : *access == 'w' ? BPF_DEVCG_ACC_WRITE
		                         : BPF_DEVCG_ACC_MKNOD;
	return bits;
}
#define ACCESS_ALL ((unsigned)(BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE | BPF_DEVCG_ACC_MKNOD))

static bool matches_all(const struct device_rule *r)
{
	return r->type == 'a' && r->major < 0 && r->minor < 0 && access_bits(r->access) == ACCESS_ALL;
}

bool device_allows_all(const struct device_rule *rules, size_t n)
{
	/* Denials after it make it partial again. */
	bool all = false;
	for (size_t i = 0; i < n; i++)
		all = rules[i].allow ? all || matches_all(&rules[i]) : false;
	return all;
}

static int check_rules(const struct device_rule *rules, size_t n, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		const struct device_rule *r = &rules[i];
		bool access_ok = r->access[0] && strspn(r->access, "rwm") == strlen(r->access);
		if (!strchr("abc", r->type) || !r->type || !access_ok || r->major > INT32_MAX ||
		        r->minor > INT32_MAX)
			return err_set(e, ERR_USAGE,
			        "device rule %zu is neither a type of a, b or c nor access of r, w, m",
			        i + 1);
	}
	return 0;
}

/* ------------------------------------------------------------------ v1: text */

static void number_text(char dst[16], int64_t v)
{
	if (v < 0)
		strcpy(dst, "*");
	else
		snprintf(dst, 16, "%" PRId32, (int32_t)v);
}

void device_rule_text(const struct device_rule *r, char dst[DEVICE_TEXT_SIZE])
{
	char major[16], minor[16];
	number_text(major, r->major);
	number_text(minor, r->minor);
	snprintf(dst, DEVICE_TEXT_SIZE, "%c %s:%s %.3s", r->type, major, minor, r->access);
}

static bool same_devices(const struct device_rule *a, const struct device_rule *b)
{
	return a->type == b->type && a->major == b->major && a->minor == b->minor;
}

static bool overlap(const struct device_rule *a, const struct device_rule *b)
{
	return (a->type == 'a' || b->type == 'a' || a->type == b->type) &&
	       (a->major < 0 || b->major < 0 || a->major == b->major) &&
	       (a->minor < 0 || b->minor < 0 || a->minor == b->minor) &&
	       (access_bits(a->access) & access_bits(b->access));
}

/* Defaults first, then the container's. */
static const struct device_rule *rule_at(const struct device_rule *rules, size_t i)
{
	return i < device_n_defaults ? &device_defaults[i] : &rules[i - device_n_defaults];
}

/* v1 keeps a list of exceptions to one default, and takes an exception off only where type and numbers are
 * the very same. A denial that cuts a piece out of a wider permission would be accepted and do nothing:
 * better to refuse it. After "allow all" the list holds denials, and then it is the other way round. */
static int check_v1(const struct device_rule *rules, size_t n, struct err *e)
{
	bool dflt = false;
	size_t since = 0; /* behind the last rule that reset the list */
	for (size_t i = 0; i < device_n_defaults + n; i++) {
		const struct device_rule *r = rule_at(rules, i);
		if (matches_all(r)) {
			dflt = r->allow;
			since = i + 1;
		}
		for (size_t j = since; r->allow == dflt && j < i; j++) {
			const struct device_rule *old = rule_at(rules, j);
			if (old->allow == dflt || !overlap(old, r) || same_devices(old, r))
				continue;
			char text[DEVICE_TEXT_SIZE];
			device_rule_text(r, text);
			return err_set(e, ERR_UNSUPPORTED,
			        "device rule \"%s\" changes a part of an earlier, wider rule; cgroup v1 "
			        "cannot do that",
			        text);
		}
	}
	return 0;
}

/* To the kernel type "a" means the whole list, whatever numbers follow; a rule for both types of certain
 * numbers is therefore written as two. */
static int write_rule(int allow_fd, int deny_fd, const struct device_rule *r)
{
	int fd = r->allow ? allow_fd : deny_fd;
	if (matches_all(r))
		return write(fd, "a", 1) < 0 ? -1 : 0;
	for (const char *type = r->type == 'a' ? "bc" : ""; *type; type++) {
		struct device_rule one = *r;
		one.type = *type;
		if (write_rule(allow_fd, deny_fd, &one) < 0)
			return -1;
	}
	if (r->type == 'a')
		return 0;
	char text[DEVICE_TEXT_SIZE];
	device_rule_text(r, text);
	return write(fd, text, strlen(text)) < 0 ? -1 : 0;
}

int device_apply_v1(int fd, const struct device_rule *rules, size_t n, struct err *e)
{
	if (check_rules(rules, n, e) < 0 || check_v1(rules, n, e) < 0)
		return -1;
	if (!DEFENCE("device-list"))
		return 0;
	bool all = device_allows_all(rules, n);
	cleanup_fd int allow = openat(fd, "devices.allow", O_WRONLY | O_CLOEXEC);
	cleanup_fd int deny = all || allow < 0 ? -1 : openat(fd, "devices.deny", O_WRONLY | O_CLOEXEC);
	if (allow < 0 || (!all && deny < 0))
		return err_sys(e, "cannot open devices.allow and devices.deny of the container's cgroup");
	if (all)
		return write(allow, "a", 1) < 0
		               ? err_sys(e, "cannot allow all devices to the container's cgroup")
		               : 0;
	if (write(deny, "a", 1) < 0)
		return err_sys(e, "cannot deny all devices to the container's cgroup");
	/* EPERM: our own parent cgroup has less than that (we run in a container); then nobody beneath it
	 * can have it, which is no reason to refuse a container that may not use it. */
	for (size_t i = 0; i < device_n_defaults; i++)
		if (write_rule(allow, deny, &device_defaults[i]) < 0 && errno != EPERM)
			return err_sys(e, "cannot set the device rules of the container's cgroup");
	for (size_t i = 0; i < n; i++)
		if (write_rule(allow, deny, &rules[i]) < 0) {
			char text[DEVICE_TEXT_SIZE];
			device_rule_text(&rules[i], text);
			return err_sys(e, "cannot set device rule \"%s\"", text);
		}
	return 0;
}

/* ------------------------------------------------------------------ v2: a program */

/* Longest code for one rule: type 1, access 3, major 1, minor 1, verdict 2. */
#define RULE_INSNS   8
#define HEADER_INSNS 6
#define FOOTER_INSNS 2
/* The rest of the program is skipped by 16-bit jumps and verified in one pass; ours is far below both. */
#define RULES_MAX 2000

enum { R0, R1, R2_TYPE, R3_ACCESS, R4_MAJOR, R5_MINOR, R6_SCRATCH };

static struct bpf_insn insn(unsigned code, unsigned dst, unsigned src, int off, int32_t imm)
{
	return (struct bpf_insn){.code = (uint8_t)code,
	        .dst_reg = (uint8_t)(dst & 15),
	        .src_reg = (uint8_t)(src & 15),
	        .off = (int16_t)off,
	        .imm = imm};
}

static int emit_header(struct bpf_insn *p)
{
	const int type = offsetof(struct bpf_cgroup_dev_ctx, access_type);
	int n = 0;
	p[n++] = insn(BPF_LDX | BPF_MEM | BPF_W, R2_TYPE, R1, type, 0);
	p[n++] = insn(BPF_ALU64 | BPF_MOV | BPF_X, R3_ACCESS, R2_TYPE, 0, 0);
	p[n++] = insn(BPF_ALU64 | BPF_AND | BPF_K, R2_TYPE, 0, 0, 0xffff);
	p[n++] = insn(BPF_ALU64 | BPF_RSH | BPF_K, R3_ACCESS, 0, 0, 16);
	p[n++] = insn(BPF_LDX | BPF_MEM | BPF_W, R4_MAJOR, R1, offsetof(struct bpf_cgroup_dev_ctx, major), 0);
	p[n++] = insn(BPF_LDX | BPF_MEM | BPF_W, R5_MINOR, R1, offsetof(struct bpf_cgroup_dev_ctx, minor), 0);
	return n;
}

static int emit_verdict(struct bpf_insn *p, bool allow)
{
	p[0] = insn(BPF_ALU64 | BPF_MOV | BPF_K, R0, 0, 0, allow);
	p[1] = insn(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	return 2;
}

/* A permission must cover all that is wanted; a denial strikes when it covers any of it. */
static int emit_access(struct bpf_insn *p, const struct device_rule *r)
{
	unsigned bits = access_bits(r->access);
	if (bits == ACCESS_ALL)
		return 0;
	p[0] = insn(BPF_ALU64 | BPF_MOV | BPF_X, R6_SCRATCH, R3_ACCESS, 0, 0);
	p[1] = insn(BPF_ALU64 | BPF_AND | BPF_K, R6_SCRATCH, 0, 0, (int32_t)bits);
	p[2] = r->allow ? insn(BPF_JMP | BPF_JNE | BPF_X, R6_SCRATCH, R3_ACCESS, 0, 0)
	                : insn(BPF_JMP | BPF_JEQ | BPF_K, R6_SCRATCH, 0, 0, 0);
	return 3;
}

/* The tests of one rule; each that fails jumps behind the rule's verdict. */
static int emit_rule(struct bpf_insn *p, const struct device_rule *r)
{
	int n = 0;
	if (r->type != 'a')
		p[n++] = insn(BPF_JMP | BPF_JNE | BPF_K, R2_TYPE, 0, 0,
		        r->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR);
	n += emit_access(p + n, r);
	if (r->major >= 0)
		p[n++] = insn(BPF_JMP | BPF_JNE | BPF_K, R4_MAJOR, 0, 0, (int32_t)r->major);
	if (r->minor >= 0)
		p[n++] = insn(BPF_JMP | BPF_JNE | BPF_K, R5_MINOR, 0, 0, (int32_t)r->minor);
	int verdict = n;
	n += emit_verdict(p + n, r->allow);
	for (int i = 0; i < verdict; i++)
		if (BPF_CLASS(p[i].code) == BPF_JMP)
			p[i].off = (int16_t)(n - i - 1);
	return n;
}

int device_program(const struct device_rule *rules, size_t n, struct bpf_insn **out, struct err *e)
{
	*out = NULL;
	if (check_rules(rules, n, e) < 0)
		return -1;
	if (n > RULES_MAX)
		return err_set(e, ERR_USAGE, "%zu device rules are more than the %d that fit", n, RULES_MAX);
	size_t total = n + device_n_defaults;
	struct bpf_insn *p = calloc(total * RULE_INSNS + HEADER_INSNS + FOOTER_INSNS, sizeof(*p));
	if (!p)
		return err_no_memory(e);
	int len = emit_header(p);
	for (size_t i = total; i-- > 0;) {
		const struct device_rule *r = rule_at(rules, i);
		len += emit_rule(p + len, r);
		if (matches_all(r)) { /* nothing gets past it, and the verifier refuses code that is never
			                 reached */
			*out = p;
			return len;
		}
	}
	len += emit_verdict(p + len, false);
	*out = p;
	return len;
}

static int bpf(int cmd, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

static int try_load(const struct bpf_insn *p, int n)
{
	union bpf_attr attr = {
	        .prog_type = BPF_PROG_TYPE_CGROUP_DEVICE,
	        .insns = (uintptr_t)p,
	        .insn_cnt = (uint32_t)n,
	        .license = (uintptr_t) "MIT",
	        .expected_attach_type = BPF_CGROUP_DEVICE,
	};
	return bpf(BPF_PROG_LOAD, &attr);
}

/* A program descriptor (always close-on-exec). Before 5.11 programs count against RLIMIT_MEMLOCK, which is
 * small: it is raised for the moment of loading, where we may. */
static int load(const struct bpf_insn *p, int n)
{
	int fd = try_load(p, n);
	if (fd >= 0 || errno != EPERM)
		return fd;
	struct rlimit old;
	if (getrlimit(RLIMIT_MEMLOCK, &old) < 0 ||
	        setrlimit(RLIMIT_MEMLOCK, &(struct rlimit){RLIM_INFINITY, RLIM_INFINITY}) < 0) {
		errno = EPERM;
		return -1;
	}
	fd = try_load(p, n);
	int saved = errno;
	setrlimit(RLIMIT_MEMLOCK, &old);
	errno = saved;
	return fd;
}

bool device_v2_works(void)
{
	struct bpf_insn p[2];
	cleanup_fd int fd = load(p, emit_verdict(p, true));
	return fd >= 0;
}

#define OLD_PROGRAMS_MAX 16

static uint32_t query(int fd, uint32_t ids[OLD_PROGRAMS_MAX])
{
	union bpf_attr attr = {.query = {.target_fd = (uint32_t)fd,
	                               .attach_type = BPF_CGROUP_DEVICE,
	                               .prog_ids = (uintptr_t)ids,
	                               .prog_cnt = OLD_PROGRAMS_MAX}};
	return bpf(BPF_PROG_QUERY, &attr) < 0 ? 0 : attr.query.prog_cnt;
}

static void detach(int fd, uint32_t id)
{
	union bpf_attr get = {.prog_id = id};
	cleanup_fd int prog = bpf(BPF_PROG_GET_FD_BY_ID, &get);
	union bpf_attr attr = {
	        .target_fd = (uint32_t)fd, .attach_bpf_fd = (uint32_t)prog, .attach_type = BPF_CGROUP_DEVICE};
	if (prog >= 0)
		bpf(BPF_PROG_DETACH, &attr);
}

/* All programs of a directory must agree, so the new one is attached before the old ones go: there is no
 * moment without rules. */
static int attach(int fd, int prog)
{
	union bpf_attr attr = {.target_fd = (uint32_t)fd,
	        .attach_bpf_fd = (uint32_t)prog,
	        .attach_type = BPF_CGROUP_DEVICE,
	        .attach_flags = BPF_F_ALLOW_MULTI};
	return bpf(BPF_PROG_ATTACH, &attr);
}

int device_apply_v2(int fd, const struct device_rule *rules, size_t n, bool replace, struct err *e)
{
	bool all = device_allows_all(rules, n);
	if (all && !replace)
		return check_rules(rules, n, e);
	uint32_t old[OLD_PROGRAMS_MAX] = {0};
	uint32_t n_old = replace ? query(fd, old) : 0;
	if (!all && DEFENCE("device-list")) {
		cleanup_free struct bpf_insn *p = NULL;
		int len = device_program(rules, n, &p, e);
		if (len < 0)
			return -1;
		cleanup_fd int prog = load(p, len);
		if (prog < 0 || attach(fd, prog) < 0) {
			/* There nobody may mknod or load programs, and nobody needs to: only devices that
			 * were bound in from outside can be opened. */
			if (in_user_namespace())
				return 0;
			err_sys(e, "cannot limit the container's device access by an eBPF program");
			if (e)
				e->kind = ERR_UNSUPPORTED;
			return -1;
		}
	}
	for (uint32_t i = 0; i < n_old; i++)
		detach(fd, old[i]);
	return 0;
}
