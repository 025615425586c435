/* Questions that others answer, and askers who mean harm: the test plays the resolvers. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/unit/dns_box.h"

#define NAME           "example.com"
#define MEMORY_MOST_KB 4000 /* that the tables may take when all of them are full */

/* Asked by `fd`, answered by resolver n: the whole way once. */
static void assert_forwarded(struct dns_box *box, int fd, int n, const char *address)
{
	struct asked *a;
	struct reply *r;

	say(fd, NAME, PACKET_A, 77);
	a = resolver_hear(box->resolver[n], DNS_SOON);
	assert_true(a->len > 0);
	resolver_say(box->resolver[n], a, address);
	r = hear(fd, DNS_SOON);
	assert_true(r->len > 0);
	assert_int_equal(r->id, 77);
	assert_int_equal(r->n_addresses, 1);
	assert_string_equal(r->address[0], address);
}

static void a_question_goes_to_the_hosts_resolver_and_back(void **state)
{
	struct dns_box *box = *state;
	net_box_needs_root();
	unsigned char q[64];
	size_t len = make_query(q, 77, NAME, PACKET_A, 0);
	struct asked *a;

	assert_forwarded(box, box->web, 0, "192.0.2.1");
	say(box->web, NAME, PACKET_A, 77);
	a = resolver_hear(box->resolver[0], DNS_SOON);
	/* as it was asked but for the id */
	assert_int_equal(a->len, len);
	assert_memory_equal(a->data + 2, q + 2, len - 2);
}

/* Sixteen of the same: no two have the same port, nor all the ids a pattern. */
static void each_question_has_a_port_and_an_id_of_its_own(void **state)
{
	struct dns_box *box = *state;
	net_box_needs_root();
	uint32_t seen[16];
	unsigned like_ours = 0;

	for (int i = 0; i < 16; i++) {
		struct asked *a;
		say(box->web, NAME, PACKET_A, 77);
		a = resolver_hear(box->resolver[0], DNS_SOON);
		assert_true(a->len > 0);
		seen[i] = ntohs(((struct sockaddr_in *)&a->from)->sin_port);
		for (int k = 0; k < i; k++)
			assert_int_not_equal(seen[k], seen[i]);
		like_ours += a->data[0] == 0 && a->data[1] == 77;
	}
	assert_true(like_ours < 4);
}

static void what_is_not_the_answer_is_passed_over(void **state)
{
	struct dns_box *box = *state;
	net_box_needs_root();
	unsigned char p[2048];
	size_t len;
	struct asked *a;
	struct reply *r;

	say(box->web, NAME, PACKET_A, 77);
	a = resolver_hear(box->resolver[0], DNS_SOON);
	len = make_answer(p, a, "6.6.6.6");
#define FORGE(fd, change, back)                                                                              \
	do {                                                                                                 \
		change;                                                                                      \
		sendto(fd, p, len, 0, (struct sockaddr *)&a->from, a->from_len);                             \
		back;                                                                                        \
	} while (0)
	FORGE(box->resolver[0], p[1] ^= 1, p[1] ^= 1);                  /* another id */
	FORGE(box->resolver[0], p[14] ^= 1, p[14] ^= 1);                /* another name */
	FORGE(box->resolver[0], p[26] = PACKET_AAAA, p[26] = PACKET_A); /* another type */
	FORGE(box->resolver[0], p[2] &= 0x7f, p[2] |= 0x80);            /* a question */
	FORGE(box->resolver[0], p[5] = 0, p[5] = 1);                    /* no question in it */
	FORGE(box->resolver[1], , );                                    /* of somebody else */
	for (size_t cut = 0; cut < 20; cut++)
		sendto(box->resolver[0], p, cut, 0, (struct sockaddr *)&a->from, a->from_len);
	assert_int_equal(hear(box->web, DNS_LATE)->len, -1);
	resolver_say(box->resolver[0], a, "192.0.2.1");
	r = hear(box->web, DNS_SOON);
	assert_true(r->len > 0);
	assert_string_equal(r->address[0], "192.0.2.1");
	/* and once it is answered nothing more comes */
	FORGE(box->resolver[0], , );
	assert_int_equal(hear(box->web, DNS_LATE)->len, -1);
}

static void a_change_of_resolv_conf_is_seen(void **state)
{
	struct dns_box *box = *state;
	net_box_needs_root();

	assert_forwarded(box, box->web, 0, "192.0.2.1");
	write_file("/etc/resolv.conf", "# one\nsearch x\n nameserver\t127.0.0.2 # two\n");
	assert_forwarded(box, box->web, 1, "192.0.2.2");
	/* replaced by another file, then missing for a moment */
	write_file("/etc/new", "nameserver nonsense\nnameserver 127.0.0.3\n");
	assert_int_equal(rename("/etc/new", "/etc/resolv.conf"), 0);
	assert_forwarded(box, box->web, 2, "192.0.2.3");
	assert_int_equal(unlink("/etc/resolv.conf"), 0);
	assert_forwarded(box, box->web, 2, "192.0.2.3");
}

/* As systemd, NetworkManager and others have it; what is written there later is seen too. */
static void a_link_into_run_is_followed(void **state)
{
	struct dns_box *box = *state;
	net_box_needs_root();

	dns_kill(box);
	mkdir("/run/some", 0755);
	write_file("/run/some/resolv.conf", "nameserver 127.0.0.2\n");
	unlink("/etc/resolv.conf");
	assert_int_equal(symlink("../run/some/resolv.conf", "/etc/resolv.conf"), 0);
	dns_up(box);
	assert_forwarded(box, box->web, 1, "192.0.2.2");
	write_file("/run/some/new", "nameserver 127.0.0.3\n");
	assert_int_equal(rename("/run/some/new", "/run/some/resolv.conf"), 0);
	assert_forwarded(box, box->web, 2, "192.0.2.3");
	unlink("/etc/resolv.conf");
}

static void without_a_resolver_it_says_so_at_once(void **state)
{
	struct dns_box *box = *state;
	net_box_needs_root();

	write_file("/etc/resolv.conf", "options ndots:0\n");
	assert_rcode(box->web, NAME, PACKET_A, PACKET_SERVFAIL);
	assert_answer(box->web, "db", PACKET_A, "10.209.0.3");
}

static void a_container_may_have_its_own_resolvers(void **state)
{
	struct dns_box *box = *state;
	net_box_needs_root();

	write_leases(box, "net1",
	        WEB " tv0 02:00:00:00:01:00 10.209.0.2 - - web 127.0.0.2,127.0.0.3\n" DB
	            " tv1 02:00:00:00:01:01 10.209.0.3 - - db -\n");
	assert_forwarded(box, box->web, 1, "192.0.2.2");
	assert_forwarded(box, box->db, 0, "192.0.2.1");
}

static void a_silent_resolver_is_followed_by_the_next(void **state)
{
	struct dns_box *box = *state;
	net_box_needs_root();

	write_file("/etc/resolv.conf", "nameserver 127.0.0.1\nnameserver 127.0.0.2\n");
	assert_forwarded(box, box->web, 1, "192.0.2.2");
	/* one that isn't there costs no time */
	close_fd(&box->resolver[0]);
	assert_forwarded(box, box->web, 1, "192.0.2.2");
}

static void a_resolver_that_refuses_is_followed_by_the_next(void **state)
{
	struct dns_box *box = *state;
	net_box_needs_root();
	unsigned char p[2048];
	struct asked *a;
	struct reply *r;
	size_t len;

	write_file("/etc/resolv.conf", "nameserver 127.0.0.1\nnameserver 127.0.0.2\n");
	for (int n = 0; n < 2; n++) {
		if (!n)
			say(box->web, NAME, PACKET_A, 77);
		a = resolver_hear(box->resolver[n], 500);
		assert_true(a->len > 0);
		len = make_answer(p, a, "0.0.0.0") - 16;
		p[7] = 0;
		p[3] |= n ? PACKET_REFUSED : PACKET_SERVFAIL;
		sendto(box->resolver[n], p, len, 0, (struct sockaddr *)&a->from, a->from_len);
	}
	/* the last word */
	r = hear(box->web, 500);
	assert_int_equal(r->rcode, PACKET_REFUSED);
}

static void when_nobody_answers_it_says_so_before_the_asker_gives_up(void **state)
{
	struct dns_box *box = *state;
	net_box_needs_root();
	int listener[DNS_RESOLVES];
	struct reply *r;

	/* three that take questions both ways, and say nothing */
	write_file("/etc/resolv.conf", "nameserver 127.0.0.1\nnameserver 127.0.0.2\nnameserver 127.0.0.3\n");
	for (int i = 0; i < DNS_RESOLVES; i++)
		listener[i] = resolver_socket(box, i, SOCK_STREAM);
	say(box->web, NAME, PACKET_A, 77);
	r = hear(box->web, 4950);
	assert_true(r->len > 0);
	assert_int_equal(r->rcode, PACKET_SERVFAIL);
	assert_int_equal(r->id, 77);
	for (int i = 0; i < DNS_RESOLVES; i++)
		close_fd(&listener[i]);
}

/* ---------------------------------------------------------------- by TCP */

static void frame_read(int fd, void *data, size_t len)
{
	struct timeval patience = {.tv_sec = 2};

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	assert_int_equal(read_full(fd, data, len), len);
}

static struct reply *hear_tcp(int fd)
{
	static struct reply r;
	unsigned char len[2];

	frame_read(fd, len, 2);
	r.len = len[0] << 8 | len[1];
	frame_read(fd, r.data, (size_t)r.len);
	read_reply(&r);
	return &r;
}

static void say_tcp(int fd, const char *name, unsigned id)
{
	unsigned char q[600];
	size_t len = make_query(q + 2, id, name, PACKET_A, 0);

	q[0] = 0;
	q[1] = (unsigned char)len;
	assert_int_equal(send(fd, q, len + 2, MSG_NOSIGNAL), len + 2);
}

static int tcp_socket(struct dns_box *box, int container)
{
	return dns_socket(box, box->net->container[container].ns, SOCK_STREAM, &box->network.gateway[0]);
}

/* One connection is taken, its question read; where the answer goes. */
static int resolver_accept(int listener, struct asked *a)
{
	struct pollfd p = {.fd = listener, .events = POLLIN};
	unsigned char len[2];
	int fd;

	assert_int_equal(poll(&p, 1, DNS_SOON), 1);
	fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(fd >= 0);
	frame_read(fd, len, 2);
	a->len = len[0] << 8 | len[1];
	frame_read(fd, a->data, (size_t)a->len);
	return fd;
}

static void resolver_say_tcp(int fd, const struct asked *a, size_t padding)
{
	static unsigned char p[2 + PACKET_MAX];
	size_t len = make_answer(p + 2, a, "192.0.2.9");

	memset(p + 2 + len, 0, padding);
	len += padding;
	p[0] = (unsigned char)(len >> 8);
	p[1] = (unsigned char)len;
	/* in pieces, as a network does it */
	assert_int_equal(write_all(fd, p, 1), 0);
	net_nap(5);
	assert_int_equal(write_all(fd, p + 1, 20), 0);
	net_nap(5);
	assert_int_equal(write_all(fd, p + 21, len - 19), 0);
}

static void a_resolver_with_tcp_alone_is_asked_by_tcp(void **state)
{
	struct dns_box *box = *state;
	net_box_needs_root();
	struct asked a;
	struct reply *r;

	close_fd(&box->resolver[0]);
	cleanup_fd int listener = resolver_socket(box, 0, SOCK_STREAM);
	say(box->web, NAME, PACKET_A, 77);
	cleanup_fd int fd = resolver_accept(listener, &a);
	resolver_say_tcp(fd, &a, 0);
	r = hear(box->web, DNS_SOON);
	assert_true(r->len > 0);
	assert_string_equal(r->address[0], "192.0.2.9");
}

static void who_asks_by_tcp_has_long_answers_by_tcp(void **state)
{
	struct dns_box *box = *state;
	net_box_needs_root();
	struct asked a;
	struct reply *r;
	cleanup_fd int listener = resolver_socket(box, 0, SOCK_STREAM), fd = tcp_socket(box, 0);

	for (int i = 0; i < 3; i++) {
		say_tcp(fd, NAME, 99);
		cleanup_fd int to = resolver_accept(listener, &a);
		resolver_say_tcp(to, &a, 60000);
		r = hear_tcp(fd);
		assert_int_equal(r->len, a.len + 16 + 60000);
		assert_int_equal(r->id, 99);
		assert_string_equal(r->address[0], "192.0.2.9");
	}
	/* a resolver that has UDP alone */
	close_fd(&listener);
	say_tcp(fd, NAME, 98);
	struct asked *u = resolver_hear(box->resolver[0], DNS_SOON);
	assert_true(u->len > 0);
	resolver_say(box->resolver[0], u, "192.0.2.8");
	assert_string_equal(hear_tcp(fd)->address[0], "192.0.2.8");
}

static void a_cut_answer_is_passed_on_as_cut(void **state)
{
	struct dns_box *box = *state;
	net_box_needs_root();
	unsigned char p[4096] = {0};
	struct asked *a;
	struct reply *r;
	size_t len;

	say(box->web, NAME, PACKET_A, 77);
	a = resolver_hear(box->resolver[0], DNS_SOON);
	len = make_answer(p, a, "192.0.2.1");
	p[2] |= 2;
	sendto(box->resolver[0], p, len, 0, (struct sockaddr *)&a->from, a->from_len);
	r = hear(box->web, DNS_SOON);
	assert_true(r->flags & 0x200);
	/* longer than he can take */
	say(box->web, NAME, PACKET_A, 77);
	a = resolver_hear(box->resolver[0], DNS_SOON);
	make_answer(p, a, "192.0.2.1");
	sendto(box->resolver[0], p, 1000, 0, (struct sockaddr *)&a->from, a->from_len);
	r = hear(box->web, DNS_SOON);
	assert_true(r->flags & 0x200);
	assert_true(r->len > 0 && r->len <= PACKET_UDP_MIN);
	assert_int_equal(r->answers, 0);
}

static void many_members_fill_an_answer_by_tcp_alone(void **state)
{
	struct dns_box *box = *state;
	net_box_needs_root();
	cleanup_buf struct buf lines = BUF_INIT;
	unsigned char q[64];
	struct reply *r;
	cleanup_fd int fd = tcp_socket(box, 0);

	buf_str_add(&lines, usual_leases);
	for (int i = 0; i < 500; i++)
		buf_printf(&lines, "c%d - 02:00:00:00:01:00 10.209.%d.%d - - many -\n", i, 2 + i / 250,
		        i % 250 + 1);
	write_leases(box, "net1", lines.data);
	r = ask(box->web, "many", PACKET_A);
	assert_true(r->flags & 0x200);
	assert_true(r->len <= PACKET_UDP_MIN && r->answers > 20);
	send(box->web, q, make_query(q, 5, "many", PACKET_A, 4096), 0);
	r = hear(box->web, DNS_SOON);
	assert_true(r->len <= 4096 && r->answers > 200);
	say_tcp(fd, "many", 99);
	r = hear_tcp(fd);
	assert_int_equal(r->answers, 500);
	assert_false(r->flags & 0x200);
}

static void questions_may_follow_each_other_on_a_connection(void **state)
{
	struct dns_box *box = *state;
	net_box_needs_root();
	cleanup_fd int fd = tcp_socket(box, 0);
	unsigned char q[2048];
	size_t at = 0;

	for (unsigned i = 0; i < 20; i++) {
		size_t len = make_query(q + at + 2, i, i == 7 ? NAME : "db", PACKET_A, 0);
		q[at] = 0;
		q[at + 1] = (unsigned char)len;
		at += len + 2;
	}
	/* byte by byte at first, the rest at once */
	for (size_t i = 0; i < 10; i++) {
		assert_int_equal(send(fd, q + i, 1, MSG_NOSIGNAL), 1);
		net_nap(1);
	}
	assert_int_equal(send(fd, q + 10, at - 10, MSG_NOSIGNAL), at - 10);
	for (unsigned i = 0; i < 20; i++) {
		if (i == 7) {
			struct asked *a = resolver_hear(box->resolver[0], DNS_SOON);
			assert_true(a->len > 0);
			resolver_say(box->resolver[0], a, "192.0.2.1");
		}
		struct reply *r = hear_tcp(fd);
		assert_int_equal(r->id, i);
		assert_string_equal(r->address[0], i == 7 ? "192.0.2.1" : "10.209.0.3");
	}
}

/* ---------------------------------------------------------------- attacks */

static long memory_kb(int pid)
{
	char path[64], text[8192], *at;
	snprintf(path, sizeof path, "/proc/%d/status", pid);
	assert_true(file_read_small(AT_FDCWD, path, text, sizeof text) > 0);
	at = strstr(text, "VmRSS:");
	assert_non_null(at);
	return strtol(at + 6, NULL, 10);
}

/* Every message of up to 300 bytes that a small change makes of a right one, and what tricks are known. */
static void what_is_no_question_does_no_harm(void **state)
{
	struct dns_box *box = *state;
	net_box_needs_root();
	unsigned char good[600], p[1200];
	size_t len = make_query(good, 5, "a.name.that.is.nobodys", PACKET_A, 1232);
	int pid = dns_pid(box->networks_fd);
	static const struct {
		const char *what;
		size_t at;
		unsigned char bytes[4];
		size_t n;
		int rcode;
	} rows[] = {
	        {"an update", 2, {0x28}, 1, PACKET_NOTIMP},
	        {"no question", 4, {0, 0}, 2, PACKET_FORMERR},
	        {"many questions", 4, {0xff, 0xff}, 2, PACKET_FORMERR},
	        {"answers in it", 6, {0xff, 0xff}, 2, PACKET_FORMERR},
	        {"authorities in it", 8, {0xff, 0xff}, 2, PACKET_FORMERR},
	        {"more records than there are", 10, {0xff, 0xff}, 2, PACKET_FORMERR},
	        {"a name that points to itself", 12, {0xc0, 12}, 2, PACKET_FORMERR},
	        {"a name that points on", 12, {0xc0, 0xff}, 2, PACKET_FORMERR},
	        {"a label of a kind that isn't", 12, {0x40}, 1, PACKET_FORMERR},
	        {"a label of the other kind", 12, {0x80}, 1, PACKET_FORMERR},
	        {"a label past the end", 12, {63}, 1, PACKET_FORMERR},
	        {"the class of servers", 38, {0, 3}, 2, PACKET_REFUSED},
	        {"a whole zone", 36, {0, PACKET_AXFR}, 2, PACKET_REFUSED},
	        {"EDNS 7", 40 + 6, {7}, 1, 0},
	        {"an option past the end", 40 + 9, {0xff, 0xff}, 2, PACKET_FORMERR},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		memcpy(p, good, len);
		memcpy(p + rows[i].at, rows[i].bytes, rows[i].n);
		assert_int_equal(send(box->web, p, len, 0), len);
		struct reply *r = hear(box->web, DNS_SOON);
		if (r->len < 0 || (int)r->rcode != rows[i].rcode)
			fail_msg("%s: %zd bytes, rcode %u", rows[i].what, r->len, r->rcode);
	}
	/* an answer, even to what is known here */
	size_t known = make_query(p, 5, "db", PACKET_A, 0);
	p[2] |= 0x80;
	assert_int_equal(send(box->web, p, known, 0), known);
	assert_int_equal(hear(box->web, DNS_LATE)->len, -1);
	for (size_t cut = 0; cut < len; cut++)
		send(box->web, good, cut, 0);
	for (size_t i = 0; i < len; i++)
		for (unsigned v = 0; v < 256; v += 15) {
			memcpy(p, good, len);
			p[i] = (unsigned char)v;
			send(box->web, p, len, 0);
		}
	/* a name of 300 bytes, and a packet of 1200 */
	memset(p, 0, sizeof p);
	memcpy(p, good, 12);
	for (size_t i = 12; i < 312; i += 50)
		p[i] = 49;
	send(box->web, p, 400, 0);
	send(box->web, p, sizeof p, 0);
	while (hear(box->web, DNS_LATE)->len > 0)
		;
	assert_answer(box->web, "db", PACKET_A, "10.209.0.3");
	assert_int_equal(dns_pid(box->networks_fd), pid);
}

static bool is_closed(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char c;

	return poll(&p, 1, DNS_SOON) == 1 && recv(fd, &c, 1, MSG_DONTWAIT) <= 0;
}

static void a_long_message_by_tcp_ends_the_connection(void **state)
{
	struct dns_box *box = *state;
	net_box_needs_root();
	static unsigned char p[65537] = {0xff, 0xff};
	cleanup_fd int fd = tcp_socket(box, 0), empty = tcp_socket(box, 0);

	send(fd, p, sizeof p, MSG_NOSIGNAL);
	assert_true(is_closed(fd));
	send(empty, "\0\0\0\0\0\0\0\0", 8, MSG_NOSIGNAL);
	assert_true(is_closed(empty));
	assert_answer(box->web, "db", PACKET_A, "10.209.0.3");
}

static void a_connection_without_a_lease_ends(void **state)
{
	struct dns_box *box = *state;
	net_box_needs_root();
	cleanup_fd int before = tcp_socket(box, 0), after = -1;

	say_tcp(before, "db", 5);
	assert_int_equal(hear_tcp(before)->id, 5);
	write_leases(box, "net1", DB " tv1 02:00:00:00:01:01 10.209.0.3 - - db -\n");
	say_tcp(before, "db", 5);
	assert_true(is_closed(before));
	after = tcp_socket(box, 0);
	assert_true(is_closed(after));
}

/* One takes all connections that he can: another still has his. */
static void connections_of_one_leave_room_for_others(void **state)
{
	struct dns_box *box = *state;
	net_box_needs_root();
	int fds[100], open_ones = 0;
	cleanup_fd int other = -1;

	for (int i = 0; i < 100; i++) {
		fds[i] = tcp_socket(box, 0);
		send(fds[i], "\0", 1, MSG_NOSIGNAL);
	}
	other = tcp_socket(box, 1);
	say_tcp(other, "web", 5);
	assert_string_equal(hear_tcp(other)->address[0], "10.209.0.2");
	for (int i = 0; i < 100; i++) {
		struct pollfd p = {.fd = fds[i], .events = POLLIN};
		open_ones += poll(&p, 1, 0) == 0;
		close(fds[i]);
	}
	assert_true(open_ones <= 8);
}

/* One asks a resolver that is silent, as fast as he can: he is refused soon, another is served. */
static void questions_of_one_leave_room_for_others(void **state)
{
	struct dns_box *box = *state;
	net_box_needs_root();
	int pid = dns_pid(box->networks_fd), refused = 0;
	long before = memory_kb(pid);
	struct reply *r;

	write_leases(box, "net1",
	        WEB " tv0 02:00:00:00:01:00 10.209.0.2 - - web 127.0.0.3\n" DB
	            " tv1 02:00:00:00:01:01 10.209.0.3 - - db -\n");
	for (int i = 0; i < 2000; i++) {
		say(box->web, NAME, PACKET_A, 5);
		if (i % 100 == 0)
			assert_forwarded(box, box->db, 0, "192.0.2.1");
	}
	assert_forwarded(box, box->db, 0, "192.0.2.1");
	while ((r = hear(box->web, 100))->len > 0)
		refused += r->rcode == PACKET_SERVFAIL;
	assert_true(refused > 100);
	assert_true(memory_kb(pid) < before + MEMORY_MOST_KB);
}

/* One asks a resolver that takes connections and says nothing: another's long answers still come by TCP. */
static void connections_to_resolvers_are_shared(void **state)
{
	struct dns_box *box = *state;
	net_box_needs_root();
	struct asked a;

	write_leases(box, "net1",
	        WEB " tv0 02:00:00:00:01:00 10.209.0.2 - - web 127.0.0.3\n" DB
	            " tv1 02:00:00:00:01:01 10.209.0.3 - - db -\n");
	close_fd(&box->resolver[2]);
	cleanup_fd int silent = resolver_socket(box, 2, SOCK_STREAM);
	cleanup_fd int listener = resolver_socket(box, 0, SOCK_STREAM), fd = tcp_socket(box, 1);
	for (int i = 0; i < 100; i++)
		say(box->web, NAME, PACKET_A, 5);
	net_nap(200); /* until it has turned from UDP, where nobody is, to TCP */
	say_tcp(fd, NAME, 99);
	cleanup_fd int to = resolver_accept(listener, &a);
	resolver_say_tcp(to, &a, 60000);
	assert_int_equal(hear_tcp(fd)->len, a.len + 16 + 60000);
}

/* What he sent while nothing was served is not all answered, so that the next one's question is reached. */
static void who_sends_too_much_has_his_share(void **state)
{
	struct dns_box *box = *state;
	net_box_needs_root();
	int pid = dns_pid(box->networks_fd), room = 4 << 20, answered = 0;

	assert_int_equal(setsockopt(box->web, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room), 0);
	kill(pid, SIGSTOP);
	for (int i = 0; i < 2500; i++)
		say(box->web, "db", PACKET_A, 5);
	kill(pid, SIGCONT);
	while (hear(box->web, 200)->len > 0)
		answered++;
	assert_in_range(answered, 500, 2000);
	assert_answer(box->web, "db", PACKET_A, "10.209.0.3");
}

/* A hundred thousand of all sorts: memory stays, the other is served within his patience meanwhile. */
static void a_flood_leaves_the_others_theirs(void **state)
{
	struct dns_box *box = *state;
	net_box_needs_root();
	int pid = dns_pid(box->networks_fd), status;
	long before = memory_kb(pid);
	pid_t flood = fork();

	if (!flood) {
		static const char *const names[] = {"db", "www", NAME, "nobody", "a.b.c.d.e"};
		unsigned char q[5][64];
		size_t len[5];
		for (unsigned i = 0; i < 5; i++)
			len[i] = make_query(q[i], i, names[i], PACKET_A, 0);
		for (int i = 0; i < 100000; i++)
			send(box->web, q[i % 5], len[i % 5], MSG_DONTWAIT);
		_exit(0);
	}
	for (int i = 0; i < 20; i++) {
		struct reply *r;
		int tries = 0;
		do {
			say(box->db, "web", PACKET_A, 5);
			r = hear(box->db, 250);
		} while (r->len < 0 && ++tries < 8);
		assert_true(r->len > 0);
	}
	assert_int_equal(waitpid(flood, &status, 0), flood);
	assert_int_equal(dns_pid(box->networks_fd), pid);
	assert_true(memory_kb(pid) < before + MEMORY_MOST_KB);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, dns_box_setup, dns_box_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(a_question_goes_to_the_hosts_resolver_and_back),
	        TEST(each_question_has_a_port_and_an_id_of_its_own),
	        TEST(what_is_not_the_answer_is_passed_over),
	        TEST(a_change_of_resolv_conf_is_seen),
	        TEST(a_link_into_run_is_followed),
	        TEST(without_a_resolver_it_says_so_at_once),
	        TEST(a_container_may_have_its_own_resolvers),
	        TEST(a_silent_resolver_is_followed_by_the_next),
	        TEST(a_resolver_that_refuses_is_followed_by_the_next),
	        TEST(when_nobody_answers_it_says_so_before_the_asker_gives_up),
	        TEST(a_resolver_with_tcp_alone_is_asked_by_tcp),
	        TEST(who_asks_by_tcp_has_long_answers_by_tcp),
	        TEST(a_cut_answer_is_passed_on_as_cut),
	        TEST(many_members_fill_an_answer_by_tcp_alone),
	        TEST(questions_may_follow_each_other_on_a_connection),
	        TEST(what_is_no_question_does_no_harm),
	        TEST(a_long_message_by_tcp_ends_the_connection),
	        TEST(a_connection_without_a_lease_ends),
	        TEST(connections_of_one_leave_room_for_others),
	        TEST(connections_to_resolvers_are_shared),
	        TEST(questions_of_one_leave_room_for_others),
	        TEST(who_sends_too_much_has_his_share),
	        TEST(a_flood_leaves_the_others_theirs),
	};

	return cmocka_run_group_tests(tests, dns_box_program_setup, NULL);
}
