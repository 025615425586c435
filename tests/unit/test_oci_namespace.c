/* Namespace options and the kernel settings that a namespace of its own allows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "engine/oci/namespace_mode.h"
#include "engine/oci/sysctl.h"

static const struct spec_namespace own[NS_KIND_COUNT] = {
        [NS_NETWORK] = {NS_PRIVATE, NULL}, [NS_IPC] = {NS_PRIVATE, NULL}, [NS_UTS] = {NS_PRIVATE, NULL}};

static void allowed(const char *text, const char *dir, const char *path, const char *value)
{
	struct sysctl s;

	assert_int_equal(sysctl_parse(text, own, &s, NULL), 0);
	assert_string_equal(s.dir, dir);
	assert_string_equal(s.path, path);
	assert_string_equal(s.value, value);
}

static void test_sysctl_names_become_paths(void **state)
{
	(void)state;
	allowed("net.ipv4.ip_forward=1", "net", "ipv4/ip_forward", "1");
	allowed("net/ipv4/ip_forward=1", "net", "ipv4/ip_forward", "1");
	allowed("net.ipv4.conf.eth0/1.rp_filter=0", "net", "ipv4/conf/eth0.1/rp_filter", "0");
	allowed("net/ipv4/conf/eth0.1/rp_filter=0", "net", "ipv4/conf/eth0.1/rp_filter", "0");
	allowed("kernel.sem=1 2=3", "kernel", "sem", "1 2=3");
	allowed("fs.mqueue.msg_max=100", "fs/mqueue", "msg_max", "100");
	allowed("kernel.domainname=x", "kernel", "domainname", "x");
}

/* Two slashes in a row stand for "..": each of these would leave the namespace's own settings. */
static void test_sysctls_of_the_host_are_refused(void **state)
{
	static const char *const bad[] = {"net.//.vm.swappiness=61", "net.//.kernel.core_pattern=|/x",
	        "net.ipv4.//.//.vm.swappiness=61", "fs.mqueue.//.file-max=1", "net/../vm/swappiness=61",
	        "net./.core.somaxconn=1", "net..core=1", "net//core=1", "net.=1", ".net.core=1", "net=1",
	        "kernel.sem.x=1", "kernel.sem/=1", "kernel.core_pattern=x", "kernel.msg=1", "vm.swappiness=1",
	        "network.x=1", "fs.mqueue=1", "", "=1", "net.core.somaxconn", "net.core.somaxconn="};
	struct sysctl s;
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		if (sysctl_parse(bad[i], own, &s, &e) != -1)
			fail_msg("%s is taken as %s/%s", bad[i], s.dir, s.path);
		assert_int_equal(e.kind, ERR_USAGE);
	}
}

static void test_sysctl_needs_a_namespace_of_its_own(void **state)
{
	static const char *const texts[] = {"net.core.somaxconn=1", "kernel.sem=1", "kernel.domainname=x"};
	static const enum spec_namespace_kind kinds[] = {NS_NETWORK, NS_IPC, NS_UTS};
	struct sysctl s;

	(void)state;
	for (size_t i = 0; i < 3; i++)
		for (size_t m = 0; m < 2; m++) {
			struct spec_namespace ns[NS_KIND_COUNT];
			memcpy(ns, own, sizeof ns);
			ns[kinds[i]].mode = m ? NS_HOST : NS_JOIN;
			assert_int_equal(sysctl_parse(texts[i], ns, &s, NULL), -1);
		}
}

static void test_long_sysctl_names_are_refused(void **state)
{
	char text[600];
	struct sysctl s;

	(void)state;
	snprintf(text, sizeof text, "net.%0252d=1", 0);
	assert_int_equal(sysctl_parse(text, own, &s, NULL), -1);
	snprintf(text, sizeof text, "net.%0251d=1", 0);
	assert_int_equal(sysctl_parse(text, own, &s, NULL), 0);
}

static void mode_is(enum spec_namespace_kind kind, const char *value, enum spec_namespace_mode want)
{
	enum spec_namespace_mode mode;
	const char *ref;

	assert_int_equal(namespace_mode_parse(kind, value, &mode, &ref, NULL), 0);
	assert_int_equal(mode, want);
	if (want == NS_JOIN)
		assert_string_equal(ref, "a");
	else
		assert_null(ref);
}

static void test_namespace_modes(void **state)
{
	static const char *const ipc[] = {NULL, "none", "private", "shareable"};
	enum spec_namespace_mode mode;
	const char *ref;

	(void)state;
	for (size_t i = 0; i < 4; i++)
		mode_is(NS_IPC, ipc[i], NS_PRIVATE);
	mode_is(NS_IPC, "host", NS_HOST);
	mode_is(NS_IPC, "container:a", NS_JOIN);
	mode_is(NS_NETWORK, "none", NS_PRIVATE);
	mode_is(NS_PID, "container:a", NS_JOIN);
	mode_is(NS_UTS, "host", NS_HOST);
	assert_int_equal(namespace_mode_parse(NS_UTS, "container:a", &mode, &ref, NULL), -1);
	assert_int_equal(namespace_mode_parse(NS_PID, "container:", &mode, &ref, NULL), -1);
	assert_int_equal(namespace_mode_parse(NS_NETWORK, "", &mode, &ref, NULL), -1);
	assert_int_equal(namespace_mode_parse(NS_NETWORK, "shareable", &mode, &ref, NULL), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_sysctl_names_become_paths),
	        cmocka_unit_test(test_sysctls_of_the_host_are_refused),
	        cmocka_unit_test(test_sysctl_needs_a_namespace_of_its_own),
	        cmocka_unit_test(test_long_sysctl_names_are_refused),
	        cmocka_unit_test(test_namespace_modes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
