/* The texts that make a request for a container, and the request as a whole. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "engine/tare.h"
#include "tests/unit/request_box.h"

static void volumes(void **state)
{
	struct tare_create *c = *state;

	good(c, tare_parse_volume, "cache:/var/cache");
	assert_int_equal(c->mounts[0].kind, TARE_MOUNT_VOLUME);
	assert_string_equal(c->mounts[0].source, "cache");
	assert_string_equal(c->mounts[0].target, "/var/cache");
	assert_false(c->mounts[0].read_only);

	good(c, tare_parse_volume, "/tmp/../tmp//:/a/./b/../c/:ro,rshared,Z");
	assert_int_equal(c->mounts[1].kind, TARE_MOUNT_BIND);
	assert_string_equal(c->mounts[1].source, "/tmp");
	assert_string_equal(c->mounts[1].target, "/a/c");
	assert_string_equal(c->mounts[1].propagation, "rshared");
	assert_true(c->mounts[1].read_only);

	good(c, tare_parse_volume, "/anonymous");
	assert_int_equal(c->mounts[2].kind, TARE_MOUNT_VOLUME);
	assert_null(c->mounts[2].source);

	good(c, tare_parse_volume, "data:/d:nocopy");
	assert_true(c->mounts[3].no_copy);
	assert_int_equal(c->n_mounts, 4);
}

static void relative_binds_are_made_absolute(void **state)
{
	struct tare_create *c = *state;
	cleanup_free char *here = getcwd(NULL, 0);

	good(c, tare_parse_volume, ".:/here");
	assert_string_equal(c->mounts[0].source, here);
	good(c, tare_parse_volume, "./.:/also");
	assert_string_equal(c->mounts[1].source, here);
}

static void bad_volumes(void **state)
{
	struct tare_create *c = *state;

	bad(c, tare_parse_volume, "", "write SOURCE:TARGET");
	bad(c, tare_parse_volume, ":", "write SOURCE:TARGET");
	bad(c, tare_parse_volume, "a:/b:ro:x", "write SOURCE:TARGET");
	bad(c, tare_parse_volume, "/tmp:x", "\"x\" must be absolute");
	bad(c, tare_parse_volume, "/tmp:/", "nothing can be mounted over /");
	bad(c, tare_parse_volume, "/tmp:/a/..", "nothing can be mounted over /");
	bad(c, tare_parse_volume, "/tmp:/../..", "nothing can be mounted over /");
	bad(c, tare_parse_volume, "/does/not/exist:/x", "cannot bind /does/not/exist: it does not exist");
	bad(c, tare_parse_volume, "a/b:/x", "for a directory write ./a/b");
	bad(c, tare_parse_volume, "~/b:/x", "for a directory write");
	bad(c, tare_parse_volume, "-v:/x", "invalid name \"-v\"");
	bad(c, tare_parse_volume, "v:/x:rx", "unknown option \"rx\"");
	bad(c, tare_parse_volume, "v:/x:", "write SOURCE:TARGET");
	assert_int_equal(c->n_mounts, 0);
	good(c, tare_parse_volume, "v:/x");
	bad(c, tare_parse_volume, "w:/x/", "two mounts have the target /x");
	bad(c, tare_parse_tmpfs, "/x", "two mounts have the target /x");
	bad(c, tare_parse_mount, "target=/x", "two mounts have the target /x");
	assert_int_equal(c->n_mounts, 1);
}

static void mounts(void **state)
{
	struct tare_create *c = *state;

	good(c, tare_parse_mount, "type=bind,source=/tmp,target=/a,readonly,bind-propagation=rslave");
	assert_int_equal(c->mounts[0].kind, TARE_MOUNT_BIND);
	assert_true(c->mounts[0].read_only);
	assert_string_equal(c->mounts[0].propagation, "rslave");
	good(c, tare_parse_mount, "src=vol,dst=/b,volume-nocopy=true,ro=false");
	assert_int_equal(c->mounts[1].kind, TARE_MOUNT_VOLUME);
	assert_string_equal(c->mounts[1].source, "vol");
	assert_true(c->mounts[1].no_copy);
	assert_false(c->mounts[1].read_only);
	good(c, tare_parse_mount, "type=tmpfs,destination=/c,tmpfs-size=64m,tmpfs-mode=1770");
	assert_int_equal(c->mounts[2].kind, TARE_MOUNT_TMPFS);
	assert_int_equal(c->mounts[2].tmpfs_size, 64 << 20);
	assert_int_equal(c->mounts[2].tmpfs_mode, 01770);
	good(c, tare_parse_mount, "type=bind,bind-recursive=disabled,\"source=/tmp\",target=/d");
	assert_true(c->mounts[3].non_recursive);
	good(c, tare_parse_mount, "type=volume,\"target=/with,comma\"");
	assert_string_equal(c->mounts[4].target, "/with,comma");
	good(c, tare_parse_mount,
	        "src=v,dst=/e,volume-subpath=a/b..c,\"volume-opt=o=size=1m,mode=700\",volume-opt=type=tmpfs,"
	        "volume-label=x=y");
	assert_string_equal(c->mounts[5].subpath, "a/b..c");
	assert_string_equal(c->mounts[5].volume_options[0], "o=size=1m,mode=700");
	assert_string_equal(c->mounts[5].volume_options[1], "type=tmpfs");
	assert_string_equal(c->mounts[5].volume_labels[0], "x=y");
	good(c, tare_parse_mount,
	        "type=bind,source=/nope,target=/f,bind-create-src,ro,bind-recursive=writable");
	assert_true(c->mounts[6].make_source);
	assert_true(c->mounts[6].submounts_writable);
	assert_null(c->mounts[4].source);
}

static void bad_mounts(void **state)
{
	struct tare_create *c = *state;

	bad(c, tare_parse_mount, "", "unknown key \"\"");
	bad(c, tare_parse_mount, "type=tmpfs,zzzzzzzz=1", "those of type=tmpfs are type, source");
	bad(c, tare_parse_mount, "type=tmpfs,zzzzzzzz=1", "consistency, tmpfs-size, tmpfs-mode");
	bad(c, tare_parse_mount, "type=bind,source=/tmp", "the target is missing");
	bad(c, tare_parse_mount, "type=bind,target=/a", "a bind needs a source");
	bad(c, tare_parse_mount, "type=floppy,target=/a", "unknown type \"floppy\"");
	bad(c, tare_parse_mount, "typ=bind", "did you mean type?");
	bad(c, tare_parse_mount, "target", "target needs a value");
	bad(c, tare_parse_mount, "target=", "target needs a value");
	bad(c, tare_parse_mount, "type=tmpfs,source=/tmp,target=/a", "a tmpfs has no source");
	bad(c, tare_parse_mount, "type=bind,source=/nope,target=/a", "cannot bind /nope");
	bad(c, tare_parse_mount, "type=volume,target=/a,tmpfs-size=1m", "belongs to type=tmpfs");
	bad(c, tare_parse_mount, "type=tmpfs,target=/a,tmpfs-mode=9", "invalid mode \"9\"");
	bad(c, tare_parse_mount, "type=tmpfs,target=/a,tmpfs-size=-1", "invalid size \"-1\"");
	bad(c, tare_parse_mount, "target=/a,ro=perhaps", "takes true or false");
	bad(c, tare_parse_mount, "target=/", "nothing can be mounted over /");
	bad(c, tare_parse_mount, "target=/a,volume-subpath=/b", "must stay within the volume");
	bad(c, tare_parse_mount, "target=/a,volume-subpath=b/..", "must stay within the volume");
	bad(c, tare_parse_mount, "target=/a,volume-subpath=b/../c", "must stay within the volume");
	bad(c, tare_parse_mount, "target=/a,volume-opt=tmpfs", "volume-opt takes KEY=VALUE");
	bad(c, tare_parse_mount, "target=/a,volume-label==x", "volume-label takes KEY=VALUE");
	bad(c, tare_parse_mount, "type=bind,source=/tmp,target=/a,bind-recursive=readonly", "add readonly");
	bad(c, tare_parse_mount, "type=bind,source=/tmp,target=/a,bind-recursive=no", "not \"no\"");
	assert_int_equal(c->n_mounts, 0);
}

static void tmpfs(void **state)
{
	struct tare_create *c = *state;

	good(c, tare_parse_tmpfs, "/run");
	good(c, tare_parse_tmpfs, "/tmp:size=64m,mode=755,noexec,ro,uid=5");
	assert_int_equal(c->mounts[1].tmpfs_size, 64 << 20);
	assert_int_equal(c->mounts[1].tmpfs_mode, 0755);
	assert_true(c->mounts[1].read_only);
	assert_string_equal(c->mounts[1].tmpfs_options[0], "noexec");
	assert_string_equal(c->mounts[1].tmpfs_options[1], "uid=5");
	good(c, tare_parse_tmpfs, "/half:size=50%");
	assert_string_equal(c->mounts[2].tmpfs_options[0], "size=50%");
	bad(c, tare_parse_tmpfs, "run", "must be absolute");
	bad(c, tare_parse_tmpfs, "/", "nothing can be mounted over /");
	bad(c, tare_parse_tmpfs, "/x:lowerdir=/etc", "unknown option");
	bad(c, tare_parse_tmpfs, "/x:size=lots", "invalid size \"lots\"");
}

static void devices(void **state)
{
	struct tare_create *c = *state;

	good(c, tare_parse_device, "/dev/null");
	good(c, tare_parse_device, "/dev/null:/dev/nothing:r");
	good(c, tare_parse_device, "/dev/zero:rw");
	assert_int_equal(c->n_devices, 3);
	assert_string_equal(c->devices[0].access, "rwm");
	assert_string_equal(c->devices[1].container_path, "/dev/nothing");
	assert_string_equal(c->devices[1].access, "r");
	assert_string_equal(c->devices[2].container_path, "/dev/zero");
	assert_string_equal(c->devices[2].access, "rw");
	bad(c, tare_parse_device, "/dev/does-not-exist", "No such file");
	bad(c, tare_parse_device, "null", "invalid device");
	bad(c, tare_parse_device, "/dev/null:/dev/x:rwx", "invalid device");
	bad(c, tare_parse_device, "/etc/passwd", "not a device");

	good(c, tare_parse_device_rule, "c 1:3 mr");
	good(c, tare_parse_device_rule, "b 8:* r");
	assert_int_equal(c->resources.devices[0].major, 1);
	assert_int_equal(c->resources.devices[0].minor, 3);
	assert_int_equal(c->resources.devices[1].minor, -1);
	assert_true(c->resources.devices[1].allow);
	bad(c, tare_parse_device_rule, "d 1:3 r", "invalid device rule");
	bad(c, tare_parse_device_rule, "c 1 r", "invalid device rule");
	bad(c, tare_parse_device_rule, "c 1:3", "invalid device rule");
	bad(c, tare_parse_device_rule, "c 1:3 x", "invalid device rule");
	bad(c, tare_parse_device_rule, "", "invalid device rule");
}

static void ulimits(void **state)
{
	struct tare_create *c = *state;

	good(c, tare_parse_ulimit, "nofile=1024:2048");
	good(c, tare_parse_ulimit, "core=-1");
	good(c, tare_parse_ulimit, "nofile=10");
	assert_int_equal(c->n_ulimits, 2);
	assert_int_equal(c->ulimits[0].resource, RLIMIT_NOFILE);
	assert_int_equal(c->ulimits[0].soft, 10);
	assert_int_equal(c->ulimits[0].hard, 10);
	assert_true(c->ulimits[1].hard == UINT64_MAX);
	bad(c, tare_parse_ulimit, "nofile", "write NAME=SOFT");
	bad(c, tare_parse_ulimit, "files=1", "unknown limit \"files\"");
	bad(c, tare_parse_ulimit, "nofile=2:1", "above the hard one");
	bad(c, tare_parse_ulimit, "nofile=-2", "invalid limit \"-2\"");
	bad(c, tare_parse_ulimit, "nofile=99999999999999999999", "invalid limit");
}

static void environment(void **state)
{
	struct tare_create *c = *state;

	setenv("TARE_TEST_SET", "here", 1);
	unsetenv("TARE_TEST_UNSET");
	good(c, tare_parse_env, "A=1=2");
	good(c, tare_parse_env, "EMPTY=");
	good(c, tare_parse_env, "TARE_TEST_SET");
	good(c, tare_parse_env, "TARE_TEST_UNSET");
	assert_string_equal(c->env[0], "A=1=2");
	assert_string_equal(c->env[1], "EMPTY=");
	assert_string_equal(c->env[2], "TARE_TEST_SET=here");
	assert_string_equal(c->env[3], "TARE_TEST_UNSET");
	bad(c, tare_parse_env, "=x", "write NAME=value");
	bad(c, tare_parse_env, "", "write NAME=value");
}

/* A file with this content, for the length of a test. */
static char *temporary(const char *content, size_t len)
{
	static char path[] = "/tmp/tare-request-XXXXXX";
	int fd;

	strcpy(path + strlen(path) - 6, "XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write_all(fd, content, len), 0);
	close(fd);
	return path;
}

static void environment_files(void **state)
{
	static const char text[] =
	        "\xef\xbb\xbf# comment\n\n  A=1\r\nB=two words \nTARE_TEST_SET\nTARE_TEST_UNSET\nC=";
	struct tare_create *c = *state;
	char *path = temporary(text, strlen(text));

	setenv("TARE_TEST_SET", "here", 1);
	unsetenv("TARE_TEST_UNSET");
	good(c, tare_parse_env_file, path);
	unlink(path);
	assert_int_equal(strv_len(c->env), 4);
	assert_string_equal(c->env[0], "A=1");
	assert_string_equal(c->env[1], "B=two words ");
	assert_string_equal(c->env[2], "TARE_TEST_SET=here");
	assert_string_equal(c->env[3], "C=");
	path = temporary("A=1\nB C=2\n", 10);
	bad(c, tare_parse_env_file, path, "line 2: variable name \"B C\" contains a blank");
	unlink(path);
	path = temporary("A\0B", 3);
	bad(c, tare_parse_env_file, path, "not a text file");
	unlink(path);
	bad(c, tare_parse_env_file, "/does/not/exist", "cannot read /does/not/exist");
}

static void labels(void **state)
{
	struct tare_create *c = *state;

	good(c, tare_parse_label, "a=1");
	good(c, tare_parse_label, "b");
	good(c, tare_parse_label, "a=2=3");
	assert_string_equal(json_str(c->labels, "a", NULL), "2=3");
	assert_string_equal(json_str(c->labels, "b", NULL), "");
	bad(c, tare_parse_label, "=x", "write KEY=value");
	good(c, tare_parse_annotation, "k=v");
	assert_string_equal(json_str(c->annotations, "k", NULL), "v");
	bad(c, tare_parse_annotation, "k", "write KEY=value");
}

static void logs_and_hosts(void **state)
{
	struct tare_create *c = *state;

	good(c, tare_parse_log_opt, "max-size=10m");
	good(c, tare_parse_log_opt, "max-file=3");
	assert_int_equal(c->log_max_size, 10 << 20);
	assert_int_equal(c->log_max_files, 3);
	bad(c, tare_parse_log_opt, "max-file=0", "invalid max-file");
	bad(c, tare_parse_log_opt, "max-size", "write max-size=10m");
	bad(c, tare_parse_log_opt, "mode=blocking", "unknown log option \"mode\"");
	good(c, tare_parse_add_host, "db:192.0.2.7");
	good(c, tare_parse_add_host, "v6:2001:db8::1");
	good(c, tare_parse_add_host, "b6=[::1]");
	good(c, tare_parse_add_host, "gate:host-gateway");
	assert_string_equal(c->add_hosts[1], "v6:2001:db8::1");
	assert_string_equal(c->add_hosts[2], "b6:::1");
	bad(c, tare_parse_add_host, "db", "write HOST:ADDRESS");
	bad(c, tare_parse_add_host, ":1.2.3.4", "write HOST:ADDRESS");
	bad(c, tare_parse_add_host, "db:1.2.3", "not an address");
	bad(c, tare_parse_add_host, "d b:1.2.3.4", "write HOST:ADDRESS");
}

static int cpus(struct tare_create *c, const char *text, struct err *e)
{
	return tare_parse_cpus(&c->resources, text, e);
}

static int cpu_percent(struct tare_create *c, const char *text, struct err *e)
{
	return tare_parse_cpu_percent(&c->resources, text, e);
}

static int read_bps(struct tare_create *c, const char *text, struct err *e)
{
	return tare_parse_io_limit(&c->resources, IO_READ_BPS, text, e);
}

static int io_weight(struct tare_create *c, const char *text, struct err *e)
{
	return tare_parse_io_limit(&c->resources, IO_WEIGHT, text, e);
}

static void cpu_limits(void **state)
{
	struct tare_create *c = *state;

	good(c, cpus, "0.5");
	assert_int_equal(c->resources.cpu_quota_us, 50000);
	assert_int_equal(c->resources.cpu_period_us, 100000);
	good(c, cpus, "0");
	assert_int_equal(c->resources.cpu_quota_us, 0);
	good(c, cpu_percent, "20");
	assert_int_equal(c->resources.cpu_quota_us, 20000);
	good(c, cpu_percent, "1");
	assert_int_equal(c->resources.cpu_quota_us, 1000);
	good(c, cpu_percent, "33.3%");
	assert_int_equal(c->resources.cpu_quota_us, 33300);
	bad(c, cpus, "-1", "invalid number of CPUs \"-1\"");
	bad(c, cpus, "100000", "cannot be had");
	bad(c, cpus, "0.001", "cannot be had");
	bad(c, cpus, "1e3", "invalid number");
	bad(c, cpu_percent, "0.5", "cannot be had");
	bad(c, cpu_percent, "10000000", "cannot be had");
	bad(c, cpu_percent, "much", "invalid percentage \"much\"");
}

static void io_limits(void **state)
{
	struct tare_create *c = *state;

	bad(c, read_bps, "/dev/null:1m", "not a block device");
	bad(c, read_bps, "/dev/does-not-exist:1m", "No such file");
	bad(c, read_bps, "/dev/sda", "write DEVICE:VALUE");
	bad(c, read_bps, "sda:1m", "write DEVICE:VALUE");
	bad(c, read_bps, "/dev/null:fast", "invalid size \"fast\"");
	bad(c, io_weight, "/dev/null:5", "invalid weight \"5\"");
	assert_int_equal(c->resources.n_io, 0);
}

static void names(void **state)
{
	static const char *const right[] = {"a", "web-1", "A.b_c", "0"};
	static const char *const wrong[] = {"", "-a", ".", "a/b", "a b", "\xc3\xa4", "a\n"};
	char longest[130];
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(right) / sizeof(*right); i++)
		assert_int_equal(tare_name_check(right[i], &e), 0);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_int_equal(tare_name_check(wrong[i], &e), -1);
	memset(longest, 'a', sizeof(longest));
	longest[128] = 0;
	assert_int_equal(tare_name_check(longest, &e), 0);
	longest[128] = 'a';
	longest[129] = 0;
	assert_int_equal(tare_name_check(longest, &e), -1);
}

static int check(struct tare_create *c, const char *text, struct err *e)
{
	(void)text;
	return tare_create_check(c, e);
}

/* Set one text of the request, see it refused with these words, take it back. */
static void refuses(struct tare_create *c, char **field, const char *value, const char *words)
{
	*field = strdup(value);
	bad(c, check, value, words);
	free_ptr(field);
	good(c, check, "after");
}

static void the_whole_is_judged(void **state)
{
	struct tare_create *c = *state;

	bad(c, check, "", "no image given");
	c->image = strdup("busybox");
	good(c, check, "busybox");
	refuses(c, &c->rootfs, "/tmp", "use one of them");
	refuses(c, &c->name, "a/b", "invalid name");
	refuses(c, &c->hostname, "a b", "invalid hostname");
	refuses(c, &c->hostname, "", "invalid hostname");
	refuses(c, &c->network, "bridge0",
	        "unknown --network \"bridge0\"; one of: none host bridge container:NAME");
	refuses(c, &c->network, "container:", "unknown --network");
	refuses(c, &c->pid_mode, "hos", "unknown --pid");
	refuses(c, &c->ipc_mode, "x", "unknown --ipc");
	refuses(c, &c->uts_mode, "container:a", "unknown --uts");
	refuses(c, &c->cgroupns_mode, "x", "unknown --cgroupns");
	refuses(c, &c->log_driver, "syslog", "unknown --log-driver");
	refuses(c, &c->workdir, "srv", "must be absolute");
	refuses(c, &c->stop_signal, "SIGFOO", "unknown signal \"SIGFOO\"");
	refuses(c, &c->resources.cpuset_cpus, "3-1", "invalid --cpuset-cpus");
	refuses(c, &c->resources.cpuset_cpus, "1,", "invalid --cpuset-cpus");
	refuses(c, &c->resources.cpuset_cpus, "", "invalid --cpuset-cpus");
	refuses(c, &c->resources.cpuset_mems, "a", "invalid --cpuset-mems");
	c->network = strdup("container:db");
	c->resources.cpuset_cpus = strdup("0-2,4");
	good(c, check, "container:db");
	c->uts_mode = strdup("host");
	refuses(c, &c->hostname, "web", "--uts is host");
}

static void memory_limits_fit_each_other(void **state)
{
	struct tare_create *c = *state;

	c->image = strdup("busybox");
	c->resources.memory = (6 << 20) - 1;
	bad(c, check, "memory", "minimum of 6MB");
	c->resources.memory = 6 << 20;
	good(c, check, "memory");
	c->resources.memory_swap = 5 << 20;
	bad(c, check, "swap", "cannot be less than --memory");
	c->resources.memory_swap = -1;
	good(c, check, "swap");
	c->resources.memory_reservation = 7 << 20;
	bad(c, check, "reservation", "cannot be more than --memory");
	c->resources.memory = 0;
	bad(c, check, "swap", "needs --memory too");
}

static void rootfs_must_be_a_directory(void **state)
{
	struct tare_create *c = *state;

	c->rootfs = strdup("/etc/passwd");
	bad(c, check, c->rootfs, "not a directory");
	free_ptr(&c->rootfs);
	c->rootfs = strdup("/does/not/exist");
	bad(c, check, c->rootfs, "No such file");
	free_ptr(&c->rootfs);
	c->rootfs = strdup("/tmp");
	good(c, check, c->rootfs);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, request_setup, request_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(volumes),
	        TEST(relative_binds_are_made_absolute),
	        TEST(bad_volumes),
	        TEST(mounts),
	        TEST(bad_mounts),
	        TEST(tmpfs),
	        TEST(devices),
	        TEST(ulimits),
	        TEST(environment),
	        TEST(environment_files),
	        TEST(labels),
	        TEST(logs_and_hosts),
	        TEST(cpu_limits),
	        TEST(io_limits),
	        TEST(names),
	        TEST(the_whole_is_judged),
	        TEST(memory_limits_fit_each_other),
	        TEST(rootfs_must_be_a_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
