#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/container_box.h"
#include "engine/security_profile.h"

struct home {
	char dir[40], beside[PATH_MAX];
};

/* Shipped data is found beside the running binary: for the length of this program that is
 * build/unit/profiles. */
static int group_setup(void **state)
{
	static struct home h = {.dir = "/dev/shm/tare-unit-XXXXXX"};
	char path[PATH_MAX];

	*state = &h;
	assert_non_null(mkdtemp(h.dir));
	build_path(path, "profiles");
	ssize_t n = readlink("/proc/self/exe", h.beside, sizeof h.beside - 16);
	h.beside[n] = 0;
	strcpy(strrchr(h.beside, '/'), "/profiles");
	unlink(h.beside);
	assert_int_equal(symlink(path, h.beside), 0);
	setenv("XDG_CONFIG_HOME", h.dir, 1);
	return 0;
}

static int group_teardown(void **state)
{
	struct home *h = *state;

	unlink(h->beside);
	return nftw(h->dir, box_remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static void write_profile(struct home *h, const char *name, const char *text)
{
	char path[PATH_MAX];

	snprintf(path, sizeof path, "%s/tare", h->dir);
	mkdir(path, 0755);
	snprintf(path, sizeof path, "%s/tare/profiles", h->dir);
	mkdir(path, 0755);
	snprintf(path, sizeof path, "%s/tare/profiles/%s.json", h->dir, name);
	cleanup_fd int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write_all(fd, text, strlen(text)), 0);
}

static void shipped_ones(void **state)
{
	struct security_profile p;
	struct err e = ERR_INIT;

	(void)state;
	if (security_profile_load(NULL, &p, &e))
		fail_msg("%s", e.msg);
	assert_string_equal(p.name, "default");
	assert_int_equal(p.capabilities, DOCKER_CAPS);
	assert_true(p.no_new_privileges && !p.readonly_rootfs && !p.all_devices && !p.writable_system);
	assert_non_null(strstr(p.seccomp, "profiles/seccomp.json"));
	assert_true(
	        strv_has(p.masked_paths, "/proc/kcore") && strv_has(p.readonly_paths, "/proc/sysrq-trigger"));
	strv_foreach (path, p.masked_paths)
		assert_null(strchr(*path, '*'));
	security_profile_free(&p);

	assert_int_equal(security_profile_load("restricted", &p, &e), 0);
	assert_int_equal(p.capabilities, 1 << 0 | 1 << 5 | 1 << 6 | 1 << 7); /* chown, kill, setgid, setuid */
	assert_string_equal(p.userns, "auto");
	assert_true(
	        p.no_new_privileges && p.readonly_rootfs && p.pids_limit > 0 && strv_has(p.tmpfs, "/tmp"));
	assert_non_null(strstr(p.seccomp, "seccomp-restricted.json"));
	security_profile_free(&p);

	assert_int_equal(security_profile_load("privileged", &p, &e), 0);
	assert_int_equal(p.capabilities, CAPABILITY_ALL);
	assert_true(!p.no_new_privileges && p.all_devices && p.writable_system && !p.masked_paths &&
	            !p.readonly_paths);
	assert_string_equal(p.seccomp, "unconfined");
	assert_string_equal(p.apparmor, "unconfined");
	security_profile_free(&p);
}

static void a_users_own_comes_first(void **state)
{
	struct home *h = *state;
	struct security_profile p;
	char path[PATH_MAX];
	struct err e = ERR_INIT;

	write_profile(h, "mine",
	        "{\"capabilities\":[\"net_raw\",\"CAP_CHOWN\"],\"seccomp\":\"unconfined\",\"pidsLimit\":9}");
	assert_int_equal(security_profile_load("mine", &p, &e), 0);
	assert_string_equal(p.name, "mine");
	assert_int_equal(p.capabilities, 1 << 13 | 1);
	assert_int_equal(p.pids_limit, 9);
	assert_true(p.no_new_privileges); /* unless it says otherwise */
	security_profile_free(&p);
	/* A copy of a shipped one, changed, under its own name and by path; its filter is still found. */
	write_profile(h, "restricted", "{\"name\":\"theirs\",\"seccomp\":\"seccomp-restricted.json\"}");
	assert_int_equal(security_profile_load("restricted", &p, &e), 0);
	assert_string_equal(p.name, "theirs");
	assert_non_null(strstr(p.seccomp, "seccomp-restricted.json"));
	security_profile_free(&p);
	snprintf(path, sizeof path, "%s/tare/profiles/restricted.json", h->dir);
	assert_int_equal(security_profile_load(path, &p, &e), 0);
	security_profile_free(&p);
	unlink(path);
	/* What says nothing about system calls gets the default filter, not none. */
	write_profile(h, "silent", "{}");
	assert_int_equal(security_profile_load("silent", &p, &e), 0);
	assert_non_null(strstr(p.seccomp, "seccomp.json"));
	security_profile_free(&p);
}

static void bad_ones_are_quoted(void **state)
{
	static const struct {
		const char *text, *word;
	} table[] = {
	        {"[]", "not a JSON object"},
	        {"{\"capabilitys\":[]}", "did you mean capabilities?"},
	        {"{\"capabilities\":[\"CAP_FLY\"]}", "CAP_FLY"},
	        {"{\"capabilities\":\"ALL\"}", "must be of type array"},
	        {"{\"noNewPrivileges\":\"yes\"}", "noNewPrivileges"},
	        {"{\"maskedPaths\":[\"proc\"]}", "\"proc\""},
	        {"{\"maskedPaths\":[7]}", "maskedPaths[0]"},
	        {"{\"pidsLimit\":-1}", "pidsLimit"},
	        {"{\"seccomp\":\"gone.json\"}", "gone.json"},
	        {"{\"seccomp\":\"\"}", "seccomp"},
	        {"{", "bad.json"},
	};
	struct home *h = *state;

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		struct security_profile p;
		struct err e = ERR_INIT;
		write_profile(h, "bad", table[i].text);
		assert_int_equal(security_profile_load("bad", &p, &e), -1);
		if (!strstr(e.msg, table[i].word))
			fail_msg("%s: %s", table[i].text, e.msg);
		assert_null(strchr(e.msg, '\n'));
	}
}

static void names_lead_nowhere_else(void **state)
{
	static const char *const names[] = {
	        "", "nosuch", ".", "..", ".hidden", "a b", "x\n", "/no/such/file.json", "../default/"};

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		struct security_profile p;
		struct err e = ERR_INIT;
		assert_int_equal(security_profile_load(names[i], &p, &e), -1);
		assert_true(e.msg[0]);
		assert_null(strchr(e.msg, '\n'));
	}
}

static void seccomp_names(void **state)
{
	char *path = NULL;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(security_seccomp_path("unconfined", &path, &e), 0);
	assert_string_equal(path, "unconfined");
	assert_int_equal(security_seccomp_path("builtin", &path, &e), 0);
	assert_non_null(strstr(path, "/seccomp.json"));
	assert_int_equal(security_seccomp_path("/dev/../dev/null", &path, &e), 0);
	assert_string_equal(path, "/dev/null");
	assert_int_equal(security_seccomp_path("no/such.json", &path, &e), -1);
	assert_non_null(strstr(e.msg, "no/such.json"));
	free(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(shipped_ones),
	        cmocka_unit_test(a_users_own_comes_first),
	        cmocka_unit_test(bad_ones_are_quoted),
	        cmocka_unit_test(names_lead_nowhere_else),
	        cmocka_unit_test(seccomp_names),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
