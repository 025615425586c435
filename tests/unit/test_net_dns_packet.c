/* Messages of the name service, zones and lists of resolvers, without a socket. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "net/dns/packet.h"
#include "net/dns/resolvers.h"
#include "net/dns/zone.h"
#include "net/dns.h"
#include "net/dns_record.h"

/* A question whose name is given as it stands in the message. */
static size_t question(unsigned char *p, const char *labels, size_t len)
{
	memcpy(p, "\x12\x34\1\0\0\1\0\0\0\0\0\0", 12);
	memcpy(p + 12, labels, len);
	memcpy(p + 12 + len, "\0\1\0\1", 4);
	return 12 + len + 4;
}

static void names_are_read_as_text(void **state)
{
	(void)state;
	static const struct {
		const char *labels;
		size_t len;
		const char *name;
		bool printable;
	} rows[] = {
	        {"\2dB", 4, "db", true},
	        {"\1a\2BC\3def", 10, "a.bc.def", true},
	        {"", 1, "", true},
	        {"\3a.b", 5, "a.b", false},
	        {"\2a\0", 4, "a", false},
	        {"\2a\xff", 4, "a\xff", false},
	};
	unsigned char p[64];
	struct packet_query q;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		size_t len = question(p, rows[i].labels, rows[i].len);
		assert_int_equal(packet_parse(p, len, &q), PACKET_NOERROR);
		assert_string_equal(q.name, rows[i].name);
		assert_int_equal(q.printable, rows[i].printable);
		assert_int_equal(q.id, 0x1234);
		assert_int_equal(q.type, PACKET_A);
		assert_int_equal(q.len, len);
		assert_int_equal(q.udp_size, 512);
		for (size_t cut = 12; cut < len; cut++)
			assert_int_equal(packet_parse(p, cut, &q), PACKET_FORMERR);
		for (size_t cut = 0; cut < 12; cut++)
			assert_int_equal(packet_parse(p, cut, &q), -1);
	}
}

/* 255 bytes on the wire are a name, 256 are none. */
static void a_name_has_a_longest_length(void **state)
{
	(void)state;
	unsigned char p[400];
	char labels[300] = {0};
	struct packet_query q;

	for (size_t extra = 0; extra < 3; extra++) {
		size_t at = 0;
		memset(labels, 'x', sizeof labels);
		for (int i = 0; i < 3; i++, at += 64)
			labels[at] = 63;
		labels[at] = (char)(60 + extra);
		at += 61 + extra;
		labels[at++] = 0;
		assert_int_equal(packet_parse(p, question(p, labels, at), &q),
		        at <= PACKET_NAME_MAX ? PACKET_NOERROR : PACKET_FORMERR);
	}
}

static void an_option_is_read(void **state)
{
	(void)state;
	static const char opt[] = "\0\0\x29\x04\xd0\0\0\0\0\0\0";
	unsigned char p[100];
	struct packet_query q;
	size_t len = question(p, "\2db", 4);

	memcpy(p + len, opt, 11);
	p[11] = 1;
	assert_int_equal(packet_parse(p, len + 11, &q), PACKET_NOERROR);
	assert_true(q.edns);
	assert_int_equal(q.udp_size, 1232);
	/* a size below what everybody can take is taken for that */
	p[len + 3] = 0;
	assert_int_equal(packet_parse(p, len + 11, &q), PACKET_NOERROR);
	assert_int_equal(q.udp_size, 512);
	p[len + 6] = 1; /* version */
	assert_int_equal(packet_parse(p, len + 11, &q), PACKET_BADVERS);
	p[len + 6] = 0;
	/* two of them, or one of a name */
	memcpy(p + len + 11, opt, 11);
	p[11] = 2;
	assert_int_equal(packet_parse(p, len + 22, &q), PACKET_FORMERR);
	memcpy(p + len, "\1a", 2);
	memcpy(p + len + 2, opt, 11);
	p[11] = 1;
	assert_int_equal(packet_parse(p, len + 13, &q), PACKET_FORMERR);
	/* what follows the last record isn't part of the question */
	memcpy(p + len, opt, 11);
	assert_int_equal(packet_parse(p, len + 20, &q), PACKET_NOERROR);
	assert_int_equal(q.len, len + 11);
}

static void reversed_names_are_addresses(void **state)
{
	(void)state;
	static const struct {
		const char *name, *address; /* NULL: none */
	} rows[] = {
	        {"3.0.209.10.in-addr.arpa", "10.209.0.3"},
	        {"b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa",
	                "2001:db8::567:89ab"},
	        {"3.0.209.in-addr.arpa", NULL},
	        {"300.0.209.10.in-addr.arpa", NULL},
	        {"03.0.209.10.in-addr.arpa", NULL},
	        {"1.2.3.4.5.in-addr.arpa", NULL},
	        {"in-addr.arpa", NULL},
	        {".in-addr.arpa", NULL},
	        {"b.a.9.ip6.arpa", NULL},
	        {"x.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa", NULL},
	        {"ba.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.4.ip6.arpa", NULL},
	};
	char text[NET_ADDRESS_TEXT];
	struct net_address a;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (packet_reverse(rows[i].name, &a) != !!rows[i].address)
			fail_msg("%s", rows[i].name);
		if (rows[i].address)
			assert_string_equal(net_address_text(&a, text), rows[i].address);
	}
}

/* At every size an answer has as many records as there is place for, and says when some have none. */
static void an_answer_never_passes_its_size(void **state)
{
	(void)state;
	unsigned char p[64], out[1024];
	struct packet_query q;
	struct packet_answer a;
	struct net_address four = {.family = AF_INET}, six = {.family = AF_INET6};

	assert_int_equal(packet_parse(p, question(p, "\2db", 4), &q), 0);
	for (int edns = 0; edns < 2; edns++)
		for (size_t max = 512; max < 600; max++) {
			q.edns = edns;
			memset(out, 0xee, sizeof out);
			packet_begin(&a, &q, out, max);
			for (int i = 0; i < 10; i++) {
				packet_add_address(&a, &four, 5);
				packet_add_address(&a, &six, 5);
				packet_add_name(&a, "some.name", 5);
			}
			size_t len = packet_end(&a, PACKET_NOERROR);
			assert_true(len <= max && max - len < 28);
			assert_int_equal(out[max], 0xee);
			assert_true(a.truncated && out[2] & 2);
			assert_int_equal(out[7], a.count);
		}
}

static void a_name_that_is_none_is_left_out(void **state)
{
	(void)state;
	unsigned char p[64], out[512];
	struct packet_query q;
	struct packet_answer a;
	char longest[400];

	memset(longest, 'a', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	assert_int_equal(packet_parse(p, question(p, "\2db", 4), &q), 0);
	packet_begin(&a, &q, out, sizeof out);
	packet_add_name(&a, longest, 5);
	packet_add_name(&a, "a..b", 5);
	packet_add_name(&a, ".a", 5);
	assert_int_equal(a.count, 0);
	packet_add_name(&a, "a.b", 5);
	assert_int_equal(a.count, 1);
}

static void only_its_own_answer_belongs_to_a_question(void **state)
{
	(void)state;
	unsigned char p[64], answer[64];
	struct packet_query q;
	size_t len = question(p, "\2dB\2de", 7);

	assert_int_equal(packet_parse(p, len, &q), 0);
	memcpy(answer, p, len);
	answer[2] |= 0x80;
	assert_true(packet_answers(answer, len, &q, 0x1234));
	answer[13] = 'D'; /* spelled otherwise */
	assert_true(packet_answers(answer, len, &q, 0x1234));
	assert_false(packet_answers(answer, len, &q, 0x1235));
	for (size_t i = 0; i < len; i++) {
		if (i == 3 || (i > 5 && i < 12)) /* rcode, counts of what follows */
			continue;
		answer[i] ^= i == 2 ? 0x80 : 1;
		assert_false(packet_answers(answer, len, &q, 0x1234));
		answer[i] ^= i == 2 ? 0x80 : 1;
		assert_false(packet_answers(answer, i, &q, 0x1234));
	}
	packet_pass_on(answer, len, &q, 512);
	assert_memory_equal(answer + 12, p + 12, len - 12);
}

/* ---------------------------------------------------------------- zones */

static void replace(int dir, const char *text)
{
	cleanup_fd int n = open_dir_make(dir, "n", 0755);
	assert_int_equal(file_write_at(n, "leases", text, strlen(text), 0644, FILE_NO_SYNC, NULL), 0);
}

static size_t count(const struct zone *z, const char *name)
{
	uint32_t place = 0;
	size_t n = 0;

	while (zone_by_name(z, name, &place))
		n++;
	return n;
}

static void a_zone_follows_its_leases(void **state)
{
	(void)state;
	char dir[] = "/tmp/tare-zone-XXXXXX";
	struct zone z = ZONE_INIT;
	cleanup_buf struct buf many = BUF_INIT;
	struct net_address a;

	assert_non_null(mkdtemp(dir));
	cleanup_fd int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	zone_refresh(&z, fd, "n");
	assert_int_equal(count(&z, "db"), 0);
	replace(fd, "tare-leases 1 2 2\n"
	            "0123456789abcdef - 02:00:00:00:00:01 10.0.0.2 fd00::2 DB db,Db,all,all -\n"
	            "1123456789abcdef - 02:00:00:00:00:02 10.0.0.3 - db2 all -\n");
	zone_refresh(&z, fd, "n");
	assert_int_equal(count(&z, "db"), 1);
	assert_int_equal(count(&z, "dB"), 1);
	assert_int_equal(count(&z, "ALL"), 2);
	assert_int_equal(count(&z, "0123456789ab"), 1);
	assert_int_equal(count(&z, "0123456789a"), 0);
	assert_int_equal(count(&z, "10.0.0.2"), 0);
	net_address_parse("fd00::2", &a, NULL);
	assert_string_equal(zone_by_address(&z, &a)->id, "0123456789abcdef");
	assert_null(zone_by_id(&z, "0123456789ab"));
	assert_non_null(zone_by_id(&z, "0123456789abcdef"));
	buf_str_add(&many, "tare-leases 1 2 2\n");
	for (int i = 0; i < 5000; i++)
		buf_printf(&many, "%d - 02:00:00:00:00:01 10.0.%d.%d - host%d name%d,all -\n", i, i / 250,
		        i % 250 + 1, i, i);
	replace(fd, many.data);
	zone_refresh(&z, fd, "n");
	assert_int_equal(count(&z, "all"), 5000);
	assert_int_equal(count(&z, "name4999"), 1);
	assert_int_equal(count(&z, "0123456789ab"), 0);
	remove_tree_at(fd, "n");
	zone_refresh(&z, fd, "n");
	assert_int_equal(count(&z, "all"), 0);
	zone_close(&z);
	rmdir(dir);
}

static void resolvers_are_addresses(void **state)
{
	(void)state;
	char *texts[] = {"1.1.1.1", "nonsense", "fe80::1%3", "::1", "1.1.1.300", "2.2.2.2", "3.3.3.3", NULL};
	struct resolvers r;

	resolvers_parse(&r, texts);
	assert_int_equal(r.n, RESOLVERS_MAX);
	assert_int_equal(r.scope[0], 0);
	assert_int_equal(r.scope[1], 3);
	assert_int_equal(r.address[2].family, AF_INET6);
	assert_int_equal(r.address[3].bytes[0], 2);
	resolvers_parse(&r, NULL);
	assert_int_equal(r.n, 0);
}

/* ---------------------------------------------------------------- the record */

static void what_is_served_is_remembered(void **state)
{
	(void)state;
	char dir[] = "/tmp/tare-record-XXXXXX", text[512];
	struct dns_record r = {0};
	struct dns_network n = {.id = "one", .bridge = "br1", .internal = true};
	struct dns_served *row;

	assert_non_null(mkdtemp(dir));
	cleanup_fd int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(dns_record_read(fd, &r, NULL), 0);
	assert_int_equal(r.n, 0);
	net_subnet_parse("10.1.0.0/16", &n.subnet[0], NULL);
	net_address_parse("10.1.0.1", &n.gateway[0], NULL);
	row = dns_record_put(&r, &n, NULL);
	row->port[0][0] = 1053;
	row->port[0][1] = 1054;
	n.id = "two";
	n.internal = false;
	dns_record_put(&r, &n, NULL);
	assert_int_equal(dns_record_write(fd, &r, NULL), 0);
	assert_true(file_read_small(fd, "dns-networks", text, sizeof text) > 0);
	assert_string_equal(text, "one br1 10.1.0.0/16 - 10.1.0.1 - 1 1053 1054 0 0\n"
	                          "two br1 10.1.0.0/16 - 10.1.0.1 - 0 0 0 0 0");
	assert_int_equal(dns_record_read(fd, &r, NULL), 0);
	assert_int_equal(r.n, 2);
	n.id = "one";
	assert_int_equal(dns_record_put(&r, &n, NULL)->port[0][0], 1053);
	assert_int_equal(r.n, 2);
	dns_record_remove(&r, "one");
	assert_null(dns_record_find(&r, "one"));
	assert_non_null(dns_record_find(&r, "two"));
	/* what isn't a line of it is passed over */
	static const char damaged[] = "one br1 10.1.0.0/16 - 10.1.0.1 - 1 1053 1054 0 70000\n\n \n"
	                              "one br1 10.1.0.1/16 - 10.1.0.1 - 1 1 1 1 1\n"
	                              "one br1 - - - - 1 1 1 1 1 1\n"
	                              "one a-bridge-with-too-long-a-name - - - - 1 1 1 1 1\n"
	                              "two br2 - - - - 1 1 1 1 1\n";
	assert_int_equal(
	        file_write_at(fd, "dns-networks", damaged, sizeof damaged - 1, 0600, FILE_NO_SYNC, NULL), 0);
	assert_int_equal(dns_record_read(fd, &r, NULL), 0);
	assert_int_equal(r.n, 1);
	assert_string_equal(r.rows[0].bridge, "br2");
	dns_record_free(&r);
	remove_tree_at(AT_FDCWD, dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(names_are_read_as_text),
	        cmocka_unit_test(a_name_has_a_longest_length),
	        cmocka_unit_test(an_option_is_read),
	        cmocka_unit_test(reversed_names_are_addresses),
	        cmocka_unit_test(an_answer_never_passes_its_size),
	        cmocka_unit_test(a_name_that_is_none_is_left_out),
	        cmocka_unit_test(only_its_own_answer_belongs_to_a_question),
	        cmocka_unit_test(a_zone_follows_its_leases),
	        cmocka_unit_test(resolvers_are_addresses),
	        cmocka_unit_test(what_is_served_is_remembered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
