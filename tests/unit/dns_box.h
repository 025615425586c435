/* The name service with a host and two containers around it: namespaces, a bridge, leases, resolvers that the
 * test itself plays at 127.0.0.1 to 127.0.0.3, and an /etc of its own. Included after cmocka.h. */
#ifndef TARE_TESTS_UNIT_DNS_BOX_H
#define TARE_TESTS_UNIT_DNS_BOX_H

#include <signal.h>
#include <sys/wait.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/proc.h"
#include "net/dns.h"
#include "net/dns/packet.h"
#include "net/dns_record.h"
#include "net/nft.h"
#include "tests/unit/net_box.h"

#define DNS_SOON     2000 /* ms in which an answer arrives */
#define DNS_LATE     150  /* ms after which none will */
#define DNS_RESOLVES 3
#define WEB          "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define DB           "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define TABLE        "tare-dns" /* whose ports begin with "tdns": the containers here are no members */

struct dns_box {
	struct net_box *net;
	char dir[64], program[4096];
	int networks_fd, web, db; /* sockets of the two containers, connected to the gateway's port 53 */
	int resolver[DNS_RESOLVES];
	struct dns_network network;
	struct err e;
};

struct reply {
	ssize_t len; /* -1: none came */
	unsigned id, flags, rcode, answers;
	unsigned char data[PACKET_MAX];
	char address[64][NET_ADDRESS_TEXT]; /* of the A and AAAA records, in their order */
	unsigned n_addresses;
};

/* ---------------------------------------------------------------- files */

static inline void write_file(const char *path, const char *text)
{
	cleanup_fd int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write_all(fd, text, strlen(text)), 0);
}

static inline void write_leases(struct dns_box *box, const char *network, const char *lines)
{
	cleanup_buf struct buf text = BUF_INIT;
	int mode = mkdirat(box->networks_fd, network, 0755);
	cleanup_fd int dir = openat(box->networks_fd, network, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(mode == 0 || errno == EEXIST);
	buf_printf(&text, "tare-leases 1 4 4\n%s", lines);
	assert_int_equal(file_write_at(dir, "leases", text.data, text.len, 0644, FILE_NO_SYNC, NULL), 0);
}

static const char usual_leases[] = WEB " tv0 02:00:00:00:01:00 10.209.0.2 fd00:209::2 web-host web,www -\n" DB
                                       " tv1 02:00:00:00:01:01 10.209.0.3 fd00:209::3 db-host db,www,a.b -\n";

static inline void dns_box_program(char dst[4096])
{
	ssize_t n = readlink("/proc/self/exe", dst, 4000);

	assert_true(n > 0);
	dst[n] = '\0';
	for (int i = 0; i < 2; i++)
		*strrchr(dst, '/') = '\0';
	strcat(dst, "/tare-dns");
}

/* ---------------------------------------------------------------- messages */

static inline size_t put_name(unsigned char *p, const char *name)
{
	size_t at = 0;

	while (*name) {
		size_t n = strcspn(name, ".");
		p[at++] = (unsigned char)n;
		memcpy(p + at, name, n);
		at += n;
		name += n + (name[n] == '.');
	}
	p[at++] = 0;
	return at;
}

/* A question with recursion desired; edns: the size that the asker can take, 0 for none. */
static inline size_t make_query(unsigned char *p, unsigned id, const char *name, unsigned type, unsigned edns)
{
	unsigned char head[12] = {
	        (unsigned char)(id >> 8), (unsigned char)id, 1, 0, 0, 1, 0, 0, 0, 0, 0, edns > 0};
	unsigned char opt[11] = {0, 0, PACKET_OPT, (unsigned char)(edns >> 8), (unsigned char)edns};
	size_t at;

	memcpy(p, head, 12);
	at = 12 + put_name(p + 12, name);
	memcpy(p + at, (unsigned char[]){(unsigned char)(type >> 8), (unsigned char)type, 0, 1}, 4);
	at += 4;
	if (edns)
		memcpy(p + at, opt, 11);
	return at + (edns ? 11 : 0);
}

static inline size_t skip_any_name(const unsigned char *p, size_t at)
{
	while (p[at] && p[at] < 0xc0)
		at += p[at] + 1u;
	return at + (p[at] ? 2 : 1);
}

static inline void read_reply(struct reply *r)
{
	size_t at = 12;
	unsigned char *p = r->data;

	r->n_addresses = 0;
	if (r->len < 12)
		return;
	r->id = (unsigned)p[0] << 8 | p[1];
	r->flags = (unsigned)p[2] << 8 | p[3];
	r->rcode = p[3] & 15;
	r->answers = (unsigned)p[6] << 8 | p[7];
	if (p[5])
		at = skip_any_name(p, at) + 4;
	for (unsigned i = 0; i < r->answers && r->n_addresses < 64; i++) {
		struct net_address a = {0};
		at = skip_any_name(p, at);
		unsigned type = p[at + 1], len = (unsigned)p[at + 8] << 8 | p[at + 9];
		a.family = type == PACKET_A ? AF_INET : type == PACKET_AAAA ? AF_INET6 : 0;
		if (a.family) {
			memcpy(a.bytes, p + at + 10, len);
			net_address_text(&a, r->address[r->n_addresses++]);
		}
		at += 10 + len;
	}
}

static inline struct reply *hear(int fd, int ms)
{
	static struct reply r;
	struct pollfd p = {.fd = fd, .events = POLLIN};

	r.len = poll(&p, 1, ms) == 1 ? recv(fd, r.data, sizeof r.data, 0) : -1;
	read_reply(&r);
	return &r;
}

static inline void say(int fd, const char *name, unsigned type, unsigned id)
{
	unsigned char q[600];
	size_t len = make_query(q, id, name, type, 0);

	assert_int_equal(send(fd, q, len, 0), len);
}

static inline struct reply *ask(int fd, const char *name, unsigned type)
{
	static unsigned id = 1000;
	struct reply *r;

	say(fd, name, type, ++id);
	r = hear(fd, DNS_SOON);
	assert_true(r->len > 0);
	assert_int_equal(r->id, id & 0xffff);
	return r;
}

#define assert_answer(fd, name, type, text)                                                                  \
	do {                                                                                                 \
		struct reply *r_ = ask(fd, name, type);                                                      \
		assert_int_equal(r_->rcode, PACKET_NOERROR);                                                 \
		assert_int_equal(r_->n_addresses, 1);                                                        \
		assert_string_equal(r_->address[0], text);                                                   \
	} while (0)
#define assert_rcode(fd, name, type, code) assert_int_equal(ask(fd, name, type)->rcode, code)

/* ---------------------------------------------------------------- sockets */

/* Of a container, to port 53 of the gateway. */
static inline int dns_socket(struct dns_box *box, int ns, int type, const struct net_address *gateway)
{
	int fd = net_socket(ns, gateway->family, type, 0);
	struct sockaddr_storage to;
	socklen_t len = net_sockaddr(gateway, 53, &to);

	(void)box;
	assert_int_equal(connect(fd, (struct sockaddr *)&to, len), 0);
	return fd;
}

static inline int resolver_socket(struct dns_box *box, int n, int type)
{
	char text[24];
	struct net_address a;
	struct sockaddr_storage at;
	socklen_t len;
	int fd = net_socket(box->net->host, AF_INET, type, 0), on = 1;

	snprintf(text, sizeof text, "127.0.0.%d", n + 1);
	a = net_address_of(text);
	len = net_sockaddr(&a, 53, &at);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, len), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 64), 0);
	return fd;
}

/* A question that a resolver was asked, and who asked. */
struct asked {
	ssize_t len;
	unsigned char data[2048];
	struct sockaddr_storage from;
	socklen_t from_len;
};
static inline struct asked *resolver_hear(int fd, int ms)
{
	static struct asked a;
	struct pollfd p = {.fd = fd, .events = POLLIN};

	a.from_len = sizeof a.from;
	a.len = poll(&p, 1, ms) == 1
	                ? recvfrom(fd, a.data, sizeof a.data, 0, (struct sockaddr *)&a.from, &a.from_len)
	                : -1;
	return &a;
}

/* The question made an answer with one address; its length. */
static inline size_t make_answer(unsigned char *p, const struct asked *a, const char *address)
{
	struct net_address to = net_address_of(address);
	unsigned char record[16] = {0xc0, 12, 0, PACKET_A, 0, 1, 0, 0, 0, 60, 0, 4};
	size_t len = skip_any_name(a->data, 12) + 4;

	memcpy(p, a->data, len);
	p[2] |= 0x80;
	p[3] = 0x80;
	p[6] = p[8] = p[9] = p[10] = p[11] = 0;
	p[7] = 1;
	memcpy(record + 12, to.bytes, 4);
	memcpy(p + len, record, 16);
	return len + 16;
}

static inline void resolver_say(int fd, const struct asked *a, const char *address)
{
	unsigned char p[2048];
	size_t len = make_answer(p, a, address);

	assert_int_equal(sendto(fd, p, len, 0, (const struct sockaddr *)&a->from, a->from_len), len);
}

/* ---------------------------------------------------------------- the box */

static inline void dns_up(struct dns_box *box)
{
	if (dns_ensure(box->networks_fd, box->program, NULL, TABLE, &box->network, &box->e) < 0)
		fail_msg("%s", box->e.msg);
}

static inline void dns_lay_network(struct dns_box *box, const struct dns_network *n)
{
	cleanup_nft_batch struct nft_batch *b = nft_batch_open(TABLE, &box->e);
	struct nft_network in = {.bridge = n->bridge, .gateway = {n->gateway[0], n->gateway[1]}};

	nft_network(b, NFT_ADD, &in);
	if (nft_batch_commit(b, &box->e) < 0)
		fail_msg("%s", box->e.msg);
}

static inline int dns_box_setup(void **state)
{
	bool no_bridge;
	struct dns_box *box = calloc(1, sizeof *box);
	char networks[80];

	assert_int_equal(net_box_setup(state), 0);
	box->net = *state;
	*state = box;
	box->networks_fd = box->web = box->db = -1;
	for (int i = 0; i < DNS_RESOLVES; i++)
		box->resolver[i] = -1;
	if (geteuid())
		return 0;
	dns_box_program(box->program);
	strcpy(box->dir, "/tmp/tare-dns-XXXXXX");
	assert_non_null(mkdtemp(box->dir));
	snprintf(networks, sizeof networks, "%s/networks", box->dir);
	assert_int_equal(mkdir(networks, 0755), 0);
	box->networks_fd = open(networks, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(box->networks_fd >= 0);
	link_interface_setup(box->net->h, box->net->host, &(struct link_interface){.name = "lo"}, NULL);
	if (nft_lay(TABLE, false, &no_bridge, &box->e) < 0)
		fail_msg("%s", box->e.msg);
	box->network = (struct dns_network){.id = "net1",
	        .bridge = "br0",
	        .gateway = {box->net->bridge.address[0], box->net->bridge.address[1]}};
	net_subnet_parse("10.209.0.0/16", &box->network.subnet[0], NULL);
	net_subnet_parse("fd00:209::/64", &box->network.subnet[1], NULL);
	dns_lay_network(box, &box->network);
	box->web = dns_socket(
	        box, net_box_join(box->net, 0, false, NULL)->ns, SOCK_DGRAM, &box->network.gateway[0]);
	box->db = dns_socket(
	        box, net_box_join(box->net, 1, false, NULL)->ns, SOCK_DGRAM, &box->network.gateway[0]);
	write_leases(box, box->network.id, usual_leases);
	write_file("/etc/resolv.conf", "nameserver 127.0.0.1\n");
	for (int i = 0; i < DNS_RESOLVES; i++)
		box->resolver[i] = resolver_socket(box, i, SOCK_DGRAM);
	dns_up(box);
	return 0;
}

/* One that nobody has waited for yet is gone too. */
static inline bool dns_is_gone(int pid)
{
	struct proc_id id;

	return proc_id_of(pid, &id) < 0;
}

static inline void dns_kill(struct dns_box *box)
{
	int pid = dns_pid(box->networks_fd);

	if (pid <= 0)
		return;
	kill(pid, SIGKILL);
	for (int i = 0; i < 1000 && !dns_is_gone(pid); i++)
		net_nap(1);
}

static inline int dns_box_teardown(void **state)
{
	struct dns_box *box = *state;

	if (box->networks_fd >= 0)
		dns_kill(box);
	for (int i = 0; i < DNS_RESOLVES; i++)
		close_fd(&box->resolver[i]);
	close_fd(&box->web);
	close_fd(&box->db);
	close_fd(&box->networks_fd);
	if (*box->dir)
		remove_tree_at(AT_FDCWD, box->dir);
	*state = box->net;
	free(box);
	return net_box_teardown(state);
}

/* Once for a program of tests: an /etc and a /run that nobody else sees. */
static inline int dns_box_program_setup(void **state)
{
	(void)state;
	if (geteuid())
		return 0;
	return unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	       mount("tare-etc", "/etc", "tmpfs", 0, "mode=755") ||
	       mount("tare-run", "/run", "tmpfs", 0, "mode=755");
}

#endif
