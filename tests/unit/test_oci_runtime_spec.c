#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "engine/oci/capability.h"
#include "engine/oci/runtime_spec.h"

static void add_texts(char ***v, const char *a, const char *b)
{
	assert_int_equal(strv_add(v, a), 0);
	assert_int_equal(strv_add(v, b), 0);
}

/* Every field has a value that its default isn't. */
static void fill(struct runtime_spec *s)
{
	s->terminal = true;
	s->rows = 24;
	s->cols = 80;
	add_texts(&s->args, "sh", "-c");
	add_texts(&s->env, "A=1", "B=\xc3\xa4=x");
	s->cwd = strdup("/srv");
	s->user = strdup("web:staff");
	add_texts(&s->groups, "audio", "100");
	s->caps = (struct spec_capabilities){0x3ff, 0x1, 0x3, 0x4, 0x8};
	runtime_spec_add_rlimit(s, (struct spec_rlimit){RLIMIT_NOFILE, 1024, UINT64_MAX});
	runtime_spec_add_rlimit(s, (struct spec_rlimit){RLIMIT_CORE, 0, 0});
	s->no_new_privileges = true;
	s->oom_score_adj = -5;
	s->has_oom_score_adj = true;
	s->umask = 027;
	s->apparmor = strdup("tare-default");
	s->apparmor_optional = true;
	s->seccomp_log = true;
	s->root_readonly = true;
	s->hostname = strdup("box");
	s->domainname = strdup("example.org");
	struct spec_mount *m = runtime_spec_add_mount(s);
	m->destination = strdup("/data");
	m->type = strdup("bind");
	m->source = strdup("/var/lib/tare/volumes/v/data");
	m->copy_up = true;
	m->volume = strdup("v");
	m->subpath = strdup("a \"b\"/c");
	add_texts(&m->options, "rbind", "ro");
	m = runtime_spec_add_mount(s);
	m->destination = strdup("/proc");
	m->type = strdup("proc");
	s->ns[NS_MOUNT].mode = s->ns[NS_PID].mode = s->ns[NS_IPC].mode = NS_PRIVATE;
	s->ns[NS_NETWORK].mode = NS_JOIN;
	s->ns[NS_NETWORK].path = strdup("/proc/42/ns/net");
	s->ns[NS_USER].mode = NS_PRIVATE;
	assert_int_equal(id_map_parse(&s->ids.uid, "0:100000:65536", NULL), 0);
	assert_int_equal(id_map_parse(&s->ids.gid, "0:200000:10,10:10:1", NULL), 0);
	s->cgroup_path = strdup("tare/0123");
	struct spec_device *d = runtime_spec_add_device(s);
	*d = (struct spec_device){strdup("/dev/fuse"), 'c', 10, 229, 0660, 1, 2};
	add_texts(&s->masked_paths, "/proc/kcore", "/proc/keys");
	add_texts(&s->readonly_paths, "/proc/sys", "/proc/bus");
	add_texts(&s->sysctl, "net.ipv4.ip_forward=1", "kernel.sem=1 2 3");
	s->seccomp = strdup("/etc/x.json");
	s->init = true;
	s->cgroup_writable = true;
	s->annotations = json_object_new_object();
	json_set_str(s->annotations, "org.example.key", "value");
	json_set_str(s->annotations, "tare.seccomp", "unconfined"); /* a user may not speak for us */
}

static void fill_resources(struct resources *r)
{
	*r = (struct resources){.memory = 1 << 26,
	        .memory_swap = -1,
	        .memory_reservation = 1 << 25,
	        .swappiness = 1,
	        .oom_kill_disable = true,
	        .cpu_shares = 512,
	        .cpu_quota_us = 50000,
	        .cpu_period_us = 100000,
	        .cpuset_cpus = strdup("0-1"),
	        .cpuset_mems = strdup("0"),
	        .pids = -1,
	        .blkio_weight = 300};
	for (int k = IO_READ_BPS; k <= IO_WEIGHT; k++)
		resources_add_io(
		        r, (struct io_limit){(enum io_limit_kind)k, 254, (unsigned)k, 1000u + (unsigned)k});
	resources_add_device(r, (struct device_rule){false, 'a', -1, -1, "rwm"});
	resources_add_device(r, (struct device_rule){true, 'c', 1, 3, "rw"});
}

static void print(struct buf *b, const struct runtime_spec *s)
{
	json *j = runtime_spec_to_json(s);

	assert_non_null(j);
	json_print(b, j, JSON_PRETTY);
	json_object_put(j);
}

static void round_trip(void **state)
{
	struct runtime_spec a = RUNTIME_SPEC_INIT, b;
	struct buf one = BUF_INIT, two = BUF_INIT;
	struct err e = ERR_INIT;

	(void)state;
	fill(&a);
	fill_resources(&a.resources);
	print(&one, &a);
	json *j = json_parse(buf_str(&one), one.len, "test", &e);
	assert_non_null(j);
	if (runtime_spec_from_json(j, &b, &e))
		fail_msg("%s", e.msg);
	json_object_put(j);
	print(&two, &b);
	assert_string_equal(buf_str(&one), buf_str(&two));
	/* and what a text comparison can't see */
	assert_string_equal(b.user, "web:staff");
	assert_string_equal(b.seccomp, "/etc/x.json");
	assert_true(b.init && b.cgroup_writable && b.mounts[0].copy_up && !b.mounts[1].copy_up);
	assert_string_equal(b.mounts[0].volume, "v");
	assert_string_equal(b.mounts[0].subpath, "a \"b\"/c");
	assert_null(b.mounts[1].volume);
	assert_int_equal(b.mounts[0].source_fd, -1);
	assert_int_equal(b.ns[NS_UTS].mode, NS_HOST);
	assert_int_equal(b.ns[NS_PID].mode, NS_PRIVATE);
	assert_int_equal(b.resources.swappiness, 1);
	assert_int_equal(b.resources.pids, -1);
	assert_int_equal(b.rlimits[0].hard, UINT64_MAX);
	assert_memory_equal(&a.caps, &b.caps, sizeof a.caps);
	assert_int_equal(strv_len(b.groups), 2);
	buf_free(&one);
	buf_free(&two);
	runtime_spec_free(&a);
	runtime_spec_free(&b);
}

static void fields_are_ocis(void **state)
{
	struct runtime_spec s = RUNTIME_SPEC_INIT;

	(void)state;
	fill(&s);
	json *j = runtime_spec_to_json(&s);
	assert_string_equal(json_str(j, "ociVersion", ""), "1.1.0");
	json *p = json_get(j, "process"), *caps = json_path(j, "process.capabilities.effective");
	assert_string_equal(json_object_get_string(json_object_array_get_idx(caps, 0)), "CAP_CHOWN");
	assert_int_equal(json_object_array_length(caps), 1);
	json *limit = json_object_array_get_idx(json_get(p, "rlimits"), 0);
	assert_string_equal(json_str(limit, "type", ""), "RLIMIT_NOFILE");
	assert_string_equal(json_str(json_path(j, "process.user"), "username", ""), "web:staff");
	assert_int_equal(json_int(json_path(j, "process.user"), "umask", 0), 027);
	assert_int_equal(json_int(json_path(j, "process.consoleSize"), "height", 0), 24);
	assert_int_equal(json_object_array_length(json_path(j, "linux.namespaces")), 5);
	assert_string_equal(json_str(json_get(j, "annotations"), "tare.user", ""), "web:staff");
	json_object_put(j);
	runtime_spec_free(&s);
}

/* No user given is root with root's groups from the image; "0:0" would be root without them. */
static void an_empty_user_stays_empty(void **state)
{
	struct runtime_spec s = RUNTIME_SPEC_INIT, back;

	(void)state;
	s.user = strdup("");
	json *j = runtime_spec_to_json(&s);
	assert_int_equal(runtime_spec_from_json(j, &back, NULL), 0);
	assert_string_equal(back.user, "");
	json_object_put(j);
	runtime_spec_free(&s);
	runtime_spec_free(&back);
}

static void foreign_document(void **state)
{
	static const char text[] =
	        "{\"ociVersion\":\"1.0\",\"process\":{\"user\":{\"uid\":5,\"gid\":6},\"args\":[\"a\"]},"
	        "\"hooks\":{},\"mounts\":[{\"destination\":\"/x\",\"source\":\"/"
	        "y\",\"options\":[\"bind\"]}]}";
	struct runtime_spec s;
	struct err e = ERR_INIT;
	json *j = json_parse(text, strlen(text), "test", &e);

	(void)state;
	assert_int_equal(runtime_spec_from_json(j, &s, &e), 0);
	assert_string_equal(s.user, "5:6");
	assert_string_equal(s.mounts[0].type, "bind");
	assert_int_equal(s.umask, 022);
	runtime_spec_free(&s);
	json_object_put(j);
}

static void bad_documents(void **state)
{
	static const char *const table[] = {"[]", "{\"linux\":{\"namespaces\":[{\"type\":\"time2\"}]}}",
	        "{\"process\":{\"rlimits\":[{\"type\":\"RLIMIT_X\"}]}}",
	        "{\"mounts\":[{\"type\":\"tmpfs\"}]}",
	        "{\"linux\":{\"devices\":[{\"path\":\"/dev/x\",\"type\":\"q\"}]}}",
	        "{\"linux\":{\"resources\":{\"devices\":[{\"type\":\"c\",\"access\":\"rwmx\"}]}}}",
	        "{\"annotations\":{\"tare.groups\":\"[\"}}"};

	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		struct runtime_spec s;
		struct err e = ERR_INIT;
		json *j = json_parse(table[i], strlen(table[i]), "test", &e);
		assert_non_null(j);
		assert_int_equal(runtime_spec_from_json(j, &s, &e), -1);
		assert_true(e.msg[0]);
		json_object_put(j);
	}
}

static void capability_names(void **state)
{
	(void)state;
	for (unsigned cap = 0; capability_name(cap); cap++)
		assert_int_equal(capability_parse(capability_name(cap)), UINT64_C(1) << cap);
	assert_int_equal(capability_parse("net_raw"), UINT64_C(1) << 13);
	assert_int_equal(capability_parse("Cap_Sys_Admin"), UINT64_C(1) << 21);
	assert_int_equal(capability_parse("all"), CAPABILITY_ALL);
	assert_int_equal(capability_parse("CAP_"), 0);
	assert_int_equal(capability_parse("SYS_ADMI"), 0);
	assert_null(capability_name(41));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(round_trip),
	        cmocka_unit_test(fields_are_ocis),
	        cmocka_unit_test(an_empty_user_stays_empty),
	        cmocka_unit_test(foreign_document),
	        cmocka_unit_test(bad_documents),
	        cmocka_unit_test(capability_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
