/* Profiles become filters: what the compiled program says is asked of it by a small BPF machine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "engine/runtime/seccomp_prologue.h"
#include "tests/unit/container_box.h"

#define ALLOW     SECCOMP_RET_ALLOW
#define ERRNO(n)  (SECCOMP_RET_ERRNO | (n))
#define SYS_ADMIN (UINT64_C(1) << 21)

/* The instructions that seccomp knows (linux/kernel/seccomp.c: seccomp_check_filter), as far as libseccomp
 * uses them. */
static uint32_t run(const struct seccomp_filter *f, const struct seccomp_data *d)
{
	const struct sock_filter *v = f->insns;
	uint32_t a = 0, word;

	for (size_t pc = 0; pc < f->n_insns; pc++) {
		bool hit;
		switch (v[pc].code) {
		case BPF_LD | BPF_W | BPF_ABS:
			memcpy(&word, (const char *)d + v[pc].k, 4);
			a = word;
			continue;
		case BPF_RET | BPF_K:
			return v[pc].k;
		case BPF_JMP | BPF_JA:
			pc += v[pc].k;
			continue;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= v[pc].k;
			continue;
		case BPF_JMP | BPF_JEQ | BPF_K:
			hit = a == v[pc].k;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			hit = a >= v[pc].k;
			break;
		case BPF_JMP | BPF_JGT | BPF_K:
			hit = a > v[pc].k;
			break;
		default:
			fail_msg("instruction %zu: code %#x", pc, v[pc].code);
			return 0;
		}
		pc += hit ? v[pc].jt : v[pc].jf;
	}
	fail_msg("fell off the end");
	return 0;
}

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#endif

static uint32_t ask(const struct seccomp_filter *f, long nr, uint64_t arg0, uint64_t arg2)
{
	struct seccomp_data d = {.nr = (int)nr, .arch = ARCH, .args = {arg0, 0, arg2}};

	return run(f, &d);
}

static void load(const char *name, uint64_t caps, struct seccomp_filter *f)
{
	char path[PATH_MAX];
	struct err e = ERR_INIT;

	build_path(path, name);
	if (seccomp_filter_load(path, caps, -1, f, &e))
		fail_msg("%s", e.msg);
	assert_true(f->n_insns > 10);
}

static void default_rules(void **state)
{
	struct seccomp_filter f;

	(void)state;
	load("profiles/seccomp.json", DOCKER_CAPS, &f);
	assert_int_equal(ask(&f, SYS_read, 0, 0), ALLOW);
	assert_int_equal(ask(&f, SYS_openat2, 0, 0), ALLOW);
	assert_int_equal(ask(&f, SYS_chroot, 0, 0), ALLOW); /* by CAP_SYS_CHROOT */
	assert_int_equal(ask(&f, SYS_ptrace, 0, 0), ALLOW);
	static const long refused[] = {SYS_mount, SYS_unshare, SYS_setns, SYS_bpf, SYS_keyctl, SYS_add_key,
	        SYS_userfaultfd, SYS_open_by_handle_at, SYS_perf_event_open, SYS_io_uring_setup,
	        SYS_kexec_load, SYS_reboot, SYS_init_module, SYS_umount2, SYS_pivot_root, SYS_move_mount,
	        SYS_syslog};
	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
		assert_int_equal(ask(&f, refused[i], 0, 0), ERRNO(EPERM));
	seccomp_filter_free(&f);
}

static void arguments_count(void **state)
{
	struct seccomp_filter f;

	(void)state;
	load("profiles/seccomp.json", DOCKER_CAPS, &f);
	assert_int_equal(ask(&f, SYS_clone, CLONE_VM | SIGCHLD, 0), ALLOW);
	assert_int_equal(ask(&f, SYS_clone, CLONE_NEWUSER | SIGCHLD, 0), ERRNO(EPERM));
	assert_int_equal(ask(&f, SYS_clone, CLONE_NEWNS, 0), ERRNO(EPERM));
	assert_int_equal(ask(&f, SYS_clone3, 0, 0), ERRNO(ENOSYS));
	assert_int_equal(ask(&f, SYS_socket, 1, 0), ALLOW);
	assert_int_equal(ask(&f, SYS_socket, 38, 0), ERRNO(EPERM)); /* AF_ALG */
	assert_int_equal(ask(&f, SYS_socket, 39, 0), ALLOW);
	assert_int_equal(ask(&f, SYS_socket, 40, 0), ERRNO(EPERM)); /* AF_VSOCK */
	assert_int_equal(ask(&f, SYS_personality, 0xffffffff, 0), ALLOW);
	assert_int_equal(ask(&f, SYS_personality, 0x40000, 0), ERRNO(EPERM)); /* ADDR_NO_RANDOMIZE */
	seccomp_filter_free(&f);
}

static void capabilities_open_calls(void **state)
{
	struct seccomp_filter f;

	(void)state;
	load("profiles/seccomp.json", DOCKER_CAPS | SYS_ADMIN, &f);
	assert_int_equal(ask(&f, SYS_mount, 0, 0), ALLOW);
	assert_int_equal(ask(&f, SYS_clone3, 0, 0), ALLOW);
	assert_int_equal(ask(&f, SYS_clone, CLONE_NEWNS, 0), ALLOW);
	assert_int_equal(ask(&f, SYS_reboot, 0, 0), ERRNO(EPERM));
	seccomp_filter_free(&f);
	load("profiles/seccomp.json", 0, &f);
	assert_int_equal(ask(&f, SYS_chroot, 0, 0), ERRNO(EPERM));
	seccomp_filter_free(&f);
}

/* glibc's fchmodat falls back on ENOSYS only: newer calls must be allowed or unknown, not forbidden. */
static void calls_newer_than_libseccomp(void **state)
{
	struct seccomp_filter f;

	(void)state;
	load("profiles/seccomp.json", DOCKER_CAPS, &f);
	assert_int_equal(ask(&f, 452, 0, 0), ALLOW);         /* fchmodat2 */
	assert_int_equal(ask(&f, 462, 0, 0), ALLOW);         /* mseal */
	assert_int_equal(ask(&f, 459, 0, 0), ERRNO(EPERM));  /* lsm_get_self_attr wants CAP_SYS_ADMIN */
	assert_int_equal(ask(&f, 999, 0, 0), ERRNO(ENOSYS)); /* nobody's yet */
	seccomp_filter_free(&f);
}

#if defined(__x86_64__)
static void other_abis(void **state)
{
	struct seccomp_filter f;
	struct seccomp_data i386 = {.nr = 20 /* getpid */, .arch = AUDIT_ARCH_I386},
	                    arm = {.arch = AUDIT_ARCH_ARM};

	(void)state;
	load("profiles/seccomp.json", DOCKER_CAPS, &f);
	assert_int_equal(run(&f, &i386), ALLOW);
	i386.nr = 21; /* mount */
	assert_int_equal(run(&f, &i386), ERRNO(EPERM));
	assert_int_equal(run(&f, &arm), ERRNO(ENOSYS));
	assert_int_equal(ask(&f, 0x40000000 + SYS_read, 0, 0), ERRNO(ENOSYS)); /* x32 */
	seccomp_filter_free(&f);
}
#endif

#if defined(__x86_64__)
/* The 32-bit gate has numbers of its own, and socketcall(2), which hides the family behind a pointer. */
static void the_32_bit_gate(void **state)
{
	static const int refused[] = {425, 374, 288, 286, 357, 336, 342, 346, 310, 21, 52};
	static const char *const profiles[] = {"profiles/seccomp.json", "profiles/seccomp-restricted.json"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct seccomp_filter f;
		struct seccomp_data d = {.arch = AUDIT_ARCH_I386};
		load(profiles[i], DOCKER_CAPS, &f);
		for (size_t k = 0; k < sizeof refused / sizeof refused[0]; k++) {
			d.nr = refused[k];
			if (run(&f, &d) != ERRNO(EPERM))
				fail_msg("%s: call %d: %#x", profiles[i], d.nr, run(&f, &d));
		}
		d.nr = 435; /* clone3 */
		assert_int_equal(run(&f, &d), ERRNO(ENOSYS));
		d = (struct seccomp_data){.arch = AUDIT_ARCH_I386, .nr = 359, .args = {38}}; /* socket */
		assert_int_equal(run(&f, &d), ERRNO(EPERM));
		d.args[0] = 40;
		assert_int_equal(run(&f, &d), ERRNO(EPERM));
		d.args[0] = 2;
		assert_int_equal(run(&f, &d), ALLOW);
		d = (struct seccomp_data){
		        .arch = AUDIT_ARCH_I386, .nr = 102, .args = {1}}; /* socketcall: socket */
		assert_int_equal(run(&f, &d), ERRNO(EPERM));
		d.args[0] = 3; /* connect */
		assert_int_equal(run(&f, &d), ALLOW);
		d = (struct seccomp_data){
		        .arch = AUDIT_ARCH_I386, .nr = 120, .args = {CLONE_NEWUSER}}; /* clone */
		assert_int_equal(run(&f, &d), ERRNO(EPERM));
		d = (struct seccomp_data){.arch = AUDIT_ARCH_I386, .nr = 54, .args = {0, 0x5412}}; /* ioctl */
		assert_int_equal(run(&f, &d), ERRNO(EPERM));
		seccomp_filter_free(&f);
	}
}
#endif

#if defined(__aarch64__)
/* arm64's own numbers, and the gate for 32-bit programs of ARM, which has others. */
static void the_numbers_of_arm(void **state)
{
	static const int own[] = {
	        40 /* mount */, 97 /* unshare */, 268 /* setns */, 280 /* bpf */, 219 /* keyctl */};
	static const int gate[] = {
	        21 /* mount */, 337 /* unshare */, 375 /* setns */, 386 /* bpf */, 311 /* keyctl */};
	struct seccomp_filter f;
	struct seccomp_data arm = {.arch = AUDIT_ARCH_ARM}, x86 = {.arch = AUDIT_ARCH_X86_64, .nr = 0};

	(void)state;
	load("profiles/seccomp.json", DOCKER_CAPS, &f);
	for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
		assert_int_equal(ask(&f, own[i], 0, 0), ERRNO(EPERM));
		arm.nr = gate[i];
		assert_int_equal(run(&f, &arm), ERRNO(EPERM));
	}
	assert_int_equal(ask(&f, 63 /* read */, 0, 0), ALLOW);
	arm.nr = 3; /* read */
	assert_int_equal(run(&f, &arm), ALLOW);
	arm.nr = 435; /* clone3 */
	assert_int_equal(run(&f, &arm), ERRNO(ENOSYS));
	assert_int_equal(run(&f, &x86), ERRNO(ENOSYS));
	seccomp_filter_free(&f);
}
#endif

/* TIOCSTI and TIOCLINUX, also with upper bits that the kernel ignores (CVE-2019-10063). */
static void terminals_are_not_typed_into(void **state)
{
	static const char *const profiles[] = {"profiles/seccomp.json", "profiles/seccomp-restricted.json"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct seccomp_filter f;
		struct seccomp_data d = {.nr = SYS_ioctl, .arch = ARCH};
		load(profiles[i], DOCKER_CAPS, &f);
		for (uint64_t high = 0; high < 3; high++) {
			d.args[1] = 0x5412 | high << 32;
			assert_int_equal(run(&f, &d), ERRNO(EPERM));
			d.args[1] = 0x541c | high << 63;
			assert_int_equal(run(&f, &d), ERRNO(EPERM));
			d.args[1] = 0x5413 | high << 32; /* the window's size */
			assert_int_equal(run(&f, &d), ALLOW);
		}
		seccomp_filter_free(&f);
	}
	struct seccomp_filter f;
	struct seccomp_data d = {.nr = SYS_ioctl, .arch = ARCH, .args = {0, 0x5412}};
	load("profiles/seccomp.json", DOCKER_CAPS | SYS_ADMIN, &f);
	assert_int_equal(run(&f, &d), ALLOW);
	seccomp_filter_free(&f);
}

static void restricted_rules(void **state)
{
	struct seccomp_filter f;

	(void)state;
	load("profiles/seccomp-restricted.json", DOCKER_CAPS | SYS_ADMIN, &f);
	assert_int_equal(ask(&f, SYS_read, 0, 0), ALLOW);
	assert_int_equal(ask(&f, SYS_mount, 0, 0), ERRNO(EPERM));
	assert_int_equal(ask(&f, SYS_ptrace, 0, 0), ERRNO(EPERM));
	assert_int_equal(ask(&f, SYS_mknodat, 0, 0), ERRNO(EPERM));
	assert_int_equal(ask(&f, SYS_clone, CLONE_NEWNS, 0), ERRNO(EPERM));
	assert_int_equal(ask(&f, SYS_socket, 2, 0), ALLOW);
	assert_int_equal(ask(&f, SYS_socket, 16, 0), ALLOW);         /* NETLINK_ROUTE */
	assert_int_equal(ask(&f, SYS_socket, 16, 12), ERRNO(EPERM)); /* NETLINK_NETFILTER */
	assert_int_equal(ask(&f, SYS_socket, 17, 0), ERRNO(EPERM));  /* AF_PACKET */
	seccomp_filter_free(&f);
}

/* ------------------------------------------------------------------ profiles of others */

static int load_text(const char *text, int cache, struct seccomp_filter *f, struct err *e)
{
	char path[] = "/dev/shm/tare-unit-XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write_all(fd, text, strlen(text)), 0);
	close(fd);
	int rc = seccomp_filter_load(path, DOCKER_CAPS, cache, f, e);
	unlink(path);
	return rc;
}

/* Several comparisons of one argument mean "any of them". */
static void one_argument_twice_is_or(void **state)
{
	struct seccomp_filter f;

	(void)state;
	assert_int_equal(load_text("{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[{\"names\":["
	                           "\"close\",\"of_no_kernel\"],"
	                           "\"action\":\"SCMP_ACT_ALLOW\",\"args\":[{\"index\":0,\"value\":1,\"op\":"
	                           "\"SCMP_CMP_EQ\"},"
	                           "{\"index\":0,\"value\":5,\"op\":\"SCMP_CMP_EQ\"}]}]}",
	                         -1, &f, NULL),
	        0);
	assert_int_equal(ask(&f, SYS_close, 1, 0), ALLOW);
	assert_int_equal(ask(&f, SYS_close, 5, 0), ALLOW);
	assert_int_equal(ask(&f, SYS_close, 2, 0), ERRNO(EPERM));
	seccomp_filter_free(&f);
}

static void bad_profiles_are_quoted(void **state)
{
	static const struct {
		const char *text, *word;
	} table[] = {
	        {"{\"defaultAction\":\"SCMP_ACT_NONSENSE\"}", "SCMP_ACT_NONSENSE"},
	        {"{}", "defaultAction"},
	        {"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[{\"names\":[\"read\"],\"action\":"
	         "\"SCMP_ACT_NOTIFY\"}]}",
	                "SCMP_ACT_NOTIFY"},
	        {"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[{\"names\":[\"read\"],\"action\":"
	         "\"SCMP_ACT_ALLOW\","
	         "\"args\":[{\"index\":9,\"op\":\"SCMP_CMP_EQ\"}]}]}",
	                "index"},
	        {"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[{\"names\":[\"read\"],\"action\":"
	         "\"SCMP_ACT_ALLOW\","
	         "\"args\":[{\"index\":0,\"op\":\"SCMP_CMP_LIKE\"}]}]}",
	                "SCMP_CMP_LIKE"},
	        {"not json", "seccomp"},
	        {"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"sycalls\":[]}", "did you mean syscalls?"},
	        {"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"flags\":[\"SECCOMP_FILTER_FLAG_TSYNC\","
	         "\"SECCOMP_FILTER_FLAG_LOG\"]}",
	                "seccomp-log"},
	        {"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"flags\":[\"SECCOMP_FILTER_FLAG_NEW\"]}",
	                "SECCOMP_FILTER_FLAG_NEW"},
	        {"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"flags\":\"SECCOMP_FILTER_FLAG_TSYNC\"}",
	                "\"flags\" of the profile is not a list"},
	        {"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":{\"names\":[\"mount\"]}}",
	                "\"syscalls\" of the profile is not a list"},
	        {"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":\"mount\",\"action\":"
	         "\"SCMP_ACT_ERRNO\"}]}",
	                "\"names\" of"},
	        {"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[\"mount\"]}", "is not an object"},
	        {"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[{\"names\":[\"mount\"],\"action\":"
	         "\"SCMP_ACT_ALLOW\",\"exludes\":{\"caps\":[\"CAP_CHOWN\"]}}]}",
	                "did you mean excludes?"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		struct seccomp_filter f;
		struct err e = ERR_INIT;
		assert_int_equal(load_text(table[i].text, -1, &f, &e), -1);
		if (!strstr(e.msg, table[i].word))
			fail_msg("%s", e.msg);
	}
	struct seccomp_filter f;
	assert_int_equal(seccomp_filter_load("/no/such.json", 0, -1, &f, NULL), -1);
	assert_int_equal(seccomp_filter_load("unconfined", 0, -1, &f, NULL), 0);
	assert_int_equal(f.n_insns, 0);
}

/* ------------------------------------------------------------------ the cache */

struct cache {
	char dir[40], file[300];
	int fd;
};

static ino_t cache_file(struct cache *c, struct stat *st)
{
	DIR *d = opendir(c->dir);
	int n = 0;

	for (struct dirent *entry; (entry = readdir(d));)
		if (entry->d_name[0] != '.') {
			n++;
			snprintf(c->file, sizeof c->file, "%s/%s", c->dir, entry->d_name);
		}
	closedir(d);
	assert_int_equal(n, 1);
	assert_int_equal(stat(c->file, st), 0);
	return st->st_ino;
}

static void the_cache_is_used_and_checked(void **state)
{
	struct cache c = {.dir = "/dev/shm/tare-unit-XXXXXX"};
	struct seccomp_filter a, b;
	char profile[PATH_MAX], byte;
	struct stat st;

	(void)state;
	assert_non_null(mkdtemp(c.dir));
	c.fd = open(c.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	build_path(profile, "profiles/seccomp.json");
	assert_int_equal(seccomp_filter_load(profile, DOCKER_CAPS, c.fd, &a, NULL), 0);
	ino_t first = cache_file(&c, &st);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(seccomp_filter_load(profile, DOCKER_CAPS, c.fd, &b, NULL), 0);
	assert_int_equal(a.n_insns, b.n_insns);
	assert_memory_equal(a.insns, b.insns, a.n_insns * sizeof(struct sock_filter));
	assert_int_equal(cache_file(&c, &st), first); /* read, not written again */
	seccomp_filter_free(&b);

	/* damage, and a file that others could have written: compiled anew */
	int fd = open(c.file, O_RDWR | O_CLOEXEC);
	assert_int_equal(pread(fd, &byte, 1, st.st_size / 2), 1);
	byte ^= 1;
	assert_int_equal(pwrite(fd, &byte, 1, st.st_size / 2), 1);
	close(fd);
	assert_int_equal(seccomp_filter_load(profile, DOCKER_CAPS, c.fd, &b, NULL), 0);
	assert_memory_equal(a.insns, b.insns, a.n_insns * sizeof(struct sock_filter));
	ino_t second = cache_file(&c, &st);
	assert_int_not_equal(second, first);
	seccomp_filter_free(&b);
	assert_int_equal(chmod(c.file, 0666), 0);
	assert_int_equal(seccomp_filter_load(profile, DOCKER_CAPS, c.fd, &b, NULL), 0);
	assert_int_not_equal(cache_file(&c, &st), second);
	assert_int_equal(st.st_mode & 0777, 0600);
	seccomp_filter_free(&b);
	seccomp_filter_free(&a);
	close(c.fd);
	assert_int_equal(nftw(c.dir, box_remove_entry, 4, FTW_DEPTH | FTW_PHYS), 0);
}

/* A filter made for other capabilities would be a hole. */
static void capabilities_are_part_of_the_key(void **state)
{
	char dir[] = "/dev/shm/tare-unit-XXXXXX", profile[PATH_MAX];
	struct seccomp_filter f;

	(void)state;
	assert_non_null(mkdtemp(dir));
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	build_path(profile, "profiles/seccomp.json");
	assert_int_equal(seccomp_filter_load(profile, DOCKER_CAPS | SYS_ADMIN, fd, &f, NULL), 0);
	seccomp_filter_free(&f);
	assert_int_equal(seccomp_filter_load(profile, DOCKER_CAPS, fd, &f, NULL), 0);
	assert_int_equal(ask(&f, SYS_mount, 0, 0), ERRNO(EPERM));
	seccomp_filter_free(&f);
	close(fd);
	assert_int_equal(nftw(dir, box_remove_entry, 4, FTW_DEPTH | FTW_PHYS), 0);
}

/* What stands before the filter of who joins: his own birth, session and terminal pass a profile that refuses
 * everything, and nothing else does that is like them. */
static void the_birth_passes_before_the_filter(void **state)
{
	const uint64_t secret[2] = {0x1122334455667788, 0x99aabbccddeeff00};
	struct sock_filter program[SECCOMP_BIRTH_INSNS + 1];
	const struct seccomp_filter f = {program, SECCOMP_BIRTH_INSNS + 1};
	const struct seccomp_data right[] = {
	        {.nr = SYS_clone, .args = {CLONE_PARENT | SIGCHLD, 0, secret[0], secret[1]}},
	        {.nr = SYS_setsid, .args = {0, 0, secret[0], secret[1]}},
	        {.nr = SYS_ioctl, .args = {0, TIOCSCTTY, secret[0], secret[1]}},
	};

	(void)state;
	assert_int_equal(seccomp_prologue_birth(secret, program), SECCOMP_BIRTH_INSNS);
	program[SECCOMP_BIRTH_INSNS] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, ERRNO(EPERM));
	for (size_t i = 0; i < sizeof right / sizeof right[0]; i++) {
		struct seccomp_data d = right[i];
		d.arch = ARCH;
		assert_int_equal(run(&f, &d), ALLOW);
		d.arch = AUDIT_ARCH_I386;
		assert_int_equal(run(&f, &d), ERRNO(EPERM));
		for (int bit = 0; bit < 128; bit++) {
			d = right[i];
			d.arch = ARCH;
			d.args[2 + bit / 64] ^= UINT64_C(1) << bit % 64;
			assert_int_equal(run(&f, &d), ERRNO(EPERM));
		}
	}
	assert_int_equal(ask(&f, SYS_unshare, 0, 0), ERRNO(EPERM));
	struct seccomp_data other[] = {right[0], right[0], right[2]};
	other[0].nr = SYS_unshare;
	other[1].args[0] |= CLONE_NEWUSER;
	other[2].args[1] = TIOCSTI;
	for (size_t i = 0; i < sizeof other / sizeof other[0]; i++) {
		other[i].arch = ARCH;
		assert_int_equal(run(&f, &other[i]), ERRNO(EPERM));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(default_rules),
		cmocka_unit_test(arguments_count),
		cmocka_unit_test(capabilities_open_calls),
		cmocka_unit_test(calls_newer_than_libseccomp),
#if defined(__x86_64__)
		cmocka_unit_test(other_abis),
		cmocka_unit_test(the_32_bit_gate),
#elif defined(__aarch64__)
		cmocka_unit_test(the_numbers_of_arm),
#endif
		cmocka_unit_test(terminals_are_not_typed_into),
		cmocka_unit_test(the_birth_passes_before_the_filter),
		cmocka_unit_test(restricted_rules),
		cmocka_unit_test(one_argument_twice_is_or),
		cmocka_unit_test(bad_profiles_are_quoted),
		cmocka_unit_test(the_cache_is_used_and_checked),
		cmocka_unit_test(capabilities_are_part_of_the_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
