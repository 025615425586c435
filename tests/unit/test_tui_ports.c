/* Published ports as the dashboard writes them, finds them, and sees that two want the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "tui/port_text.h"

#define TCP IPPROTO_TCP
#define UDP IPPROTO_UDP
#define ANY (char *)"0.0.0.0"
#define SIX (char *)"::"
#define LO  (char *)"127.0.0.1"

static void check(const struct tare_port *ports, size_t n, const char *text, const char *brief)
{
	cleanup_free char *got = port_text(ports, n);
	char dst[64];

	if (text)
		assert_string_equal(got, text);
	else
		assert_null(got);
	assert_string_equal(port_short(ports, n, dst, sizeof dst), brief);
}
#define CHECK(text, brief, ...)                                                                              \
	check((const struct tare_port[]){__VA_ARGS__},                                                       \
	        sizeof((const struct tare_port[]){__VA_ARGS__}) / sizeof(struct tare_port), text, brief)

static void they_are_written_briefly(void **state)
{
	(void)state;
	check(NULL, 0, NULL, "");
	CHECK("8080->80/tcp", "8080", {TCP, ANY, 8080, 80}, {TCP, SIX, 8080, 80});
	CHECK("127.0.0.1:53->53/udp 53->53/tcp", "53/udp 53", {UDP, LO, 53, 53}, {TCP, ANY, 53, 53});
	CHECK("[fd00::1]:443->8443/tcp", "443", {TCP, (char *)"fd00::1", 443, 8443});
	/* exposed, not published */
	CHECK(NULL, "", {TCP, NULL, 0, 80});
	/* a port of the one family alone stands beside that of both */
	CHECK("80->80/tcp 81->80/tcp", "80 81", {TCP, ANY, 80, 80}, {TCP, SIX, 80, 80}, {TCP, SIX, 81, 80});
}

static void neighbours_are_a_range(void **state)
{
	(void)state;
	CHECK("8000-8002->80-82/tcp", "8000 8001 8002", {TCP, ANY, 8000, 80}, {TCP, SIX, 8000, 80},
	        {TCP, ANY, 8001, 81}, {TCP, SIX, 8001, 81}, {TCP, ANY, 8002, 82}, {TCP, SIX, 8002, 82});
	CHECK("8000->80/tcp 8001->82/tcp", "8000 8001", {TCP, ANY, 8000, 80}, {TCP, ANY, 8001, 82});
	CHECK("8000->80/tcp 8001->81/udp", "8000 8001/udp", {TCP, ANY, 8000, 80}, {UDP, ANY, 8001, 81});
	CHECK("8000->80/tcp 127.0.0.1:8001->81/tcp", "8000 8001", {TCP, ANY, 8000, 80}, {TCP, LO, 8001, 81});
}

static void the_short_form_ends_where_there_is_no_room(void **state)
{
	const struct tare_port ports[] = {{TCP, ANY, 11111, 1}, {TCP, ANY, 22222, 2}, {TCP, ANY, 33333, 4}};
	char dst[9];

	(void)state;
	memset(dst, 'x', sizeof dst);
	assert_string_equal(port_short(ports, 3, dst, sizeof dst), "11111 22");
}

static void a_filter_finds_numbers_whole(void **state)
{
	const struct tare_port ports[] = {{TCP, ANY, 8080, 80}, {UDP, LO, 5353, 53}};
	cleanup_free char *text = port_text(ports, 2);

	(void)state;
	assert_true(port_matches(ports, 2, text, "8080"));
	assert_true(port_matches(ports, 2, text, "80"));
	assert_true(port_matches(ports, 2, text, "53"));
	assert_false(port_matches(ports, 2, text, "808"));
	assert_false(port_matches(ports, 2, text, "5"));
	assert_true(port_matches(ports, 2, text, "udp"));
	assert_true(port_matches(ports, 2, text, "127.0.0.1"));
	assert_false(port_matches(ports, 2, text, "sctp"));
	assert_true(port_matches(ports, 2, text, "yes"));
	assert_false(port_matches(ports, 2, text, "no"));
	assert_true(port_matches(NULL, 0, NULL, "no"));
	assert_false(port_matches(NULL, 0, NULL, "80"));
	assert_false(port_matches(NULL, 0, NULL, "udp"));
}

static void two_cannot_publish_the_same(void **state)
{
	const struct tare_port all = {TCP, ANY, 8080, 80}, local = {TCP, LO, 8080, 80};
	struct tare_publish want = {.protocol = TCP, .host_port = 8080, .container_port = 1};

	(void)state;
	assert_true(port_clashes(&all, &want));
	assert_true(port_clashes(&local, &want));
	want.host_ip = LO;
	assert_true(port_clashes(&all, &want));
	want.host_ip = (char *)"10.0.0.1";
	assert_false(port_clashes(&local, &want));
	want.host_ip = NULL;
	want.protocol = UDP;
	assert_false(port_clashes(&all, &want));
	want.protocol = TCP;
	want.host_port_to = 8090; /* another one of the range is taken then */
	assert_false(port_clashes(&all, &want));
	want.host_port = want.host_port_to = 0; /* any */
	assert_false(port_clashes(&all, &want));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(they_are_written_briefly),
	        cmocka_unit_test(neighbours_are_a_range),
	        cmocka_unit_test(the_short_form_ends_where_there_is_no_room),
	        cmocka_unit_test(a_filter_finds_numbers_whole),
	        cmocka_unit_test(two_cannot_publish_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
