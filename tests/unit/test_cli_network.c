/* The commands of networks and ports over an engine that only remembers what it was asked. */
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
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <termios.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "cli/command.h"
#include "cli/command_tables.h"
#include "engine/tare.h"

/* ------------------------------------------------------------------ the engine */

static struct {
	char asked[512];     /* the last call, as text */
	size_t n_findings;   /* of the next check */
	bool repairs, stops; /* check mends; the container does not run */
	bool terminal;       /* the output is one */
} fake;

static void asked(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void asked(const char *fmt, ...)
{
	size_t len = strlen(fake.asked);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(fake.asked + len, sizeof fake.asked - len, fmt, ap);
	va_end(ap);
}

static const char *or_none(const char *s)
{
	return s ? s : "-";
}

static int fake_create(struct tare_engine *t, const struct tare_network_create *n, char *id, struct err *e)
{
	(void)t, (void)e;
	asked("create %s %s %s,%s %s,%s %s,%s ipv6=%d internal=%d %s %s", n->name, or_none(n->driver),
	        or_none(n->subnet[0]), or_none(n->subnet[1]), or_none(n->gateway[0]), or_none(n->gateway[1]),
	        or_none(n->range[0]), or_none(n->range[1]), n->ipv6, n->internal,
	        n->options ? n->options[0] : "-", json_str(n->labels, "tier", "-"));
	memset(id, 'f', 64);
	id[64] = 0;
	return 0;
}

static void fill_network(struct tare_network *n, const char *name, char digit, bool is_default)
{
	*n = (struct tare_network){.name = strdup(name),
	        .id = calloc(1, 65),
	        .driver = strdup("bridge"),
	        .link = strdup("tare0"),
	        .is_default = is_default,
	        .ipv6 = is_default,
	        .internal = !is_default};
	memset(n->id, digit, 64);
	n->subnet[0] = strdup("10.5.0.0/16");
	n->subnet[1] = is_default ? strdup("fd05::/64") : NULL;
}

static int fake_networks(struct tare_engine *t, struct tare_network_list *l, struct err *e)
{
	(void)t, (void)e;
	l->rows = calloc(2, sizeof *l->rows);
	l->n = 2;
	fill_network(&l->rows[0], "tare0", 'a', true);
	fill_network(&l->rows[1], "web", 'b', false);
	l->rows[1].labels = json_object_new_object();
	json_set_str(l->rows[1].labels, "tier", "front");
	l->rows[1].members = calloc(1, sizeof *l->rows[1].members);
	l->rows[1].n_members = 1;
	return 0;
}

static int fake_inspect(struct tare_engine *t, const char *net, json **doc, struct err *e)
{
	(void)t;
	if (strcmp(net, "web") != 0)
		return err_set(e, ERR_NOT_FOUND, "there is no network \"%s\"", net);
	*doc = json_object_new_object();
	json_set_str(*doc, "Name", net);
	return 0;
}

static int no_container(struct tare_engine *t, const char *ref, bool size, json **doc, struct err *e)
{
	(void)t, (void)size, (void)doc;
	return err_set(e, ERR_NOT_FOUND, "there is no container \"%s\"", ref);
}

static int no_image(struct tare_engine *t, const char *ref, json **doc, struct err *e)
{
	(void)t, (void)doc;
	return err_set(e, ERR_NOT_FOUND, "there is no image \"%s\"", ref);
}

static int no_volume(struct tare_engine *t, const char *name, json **doc, struct err *e)
{
	(void)t, (void)doc;
	return err_set(e, ERR_NOT_FOUND, "no such volume: %s", name);
}

static int fake_remove(struct tare_engine *t, const char *net, struct err *e)
{
	(void)t;
	asked("remove %s;", net);
	if (strcmp(net, "gone") == 0)
		return err_set(e, ERR_NOT_FOUND, "there is no network \"gone\"");
	return strcmp(net, "used") == 0 ? err_set(e, ERR_CONFLICT, "the network used has members") : 0;
}

static int fake_connect(
        struct tare_engine *t, const char *net, const char *ref, const struct tare_endpoint *p, struct err *e)
{
	(void)t, (void)e;
	asked("connect %s %s %s %s %s", net, ref, or_none(p->ip), or_none(p->ip6),
	        p->aliases ? p->aliases[0] : "-");
	return 0;
}

static int fake_disconnect(struct tare_engine *t, const char *net, const char *ref, bool force, struct err *e)
{
	(void)t, (void)e;
	asked("disconnect %s %s %d", net, ref, force);
	return 0;
}

static int fake_reload(struct tare_engine *t, char ***notes, struct err *e)
{
	(void)t, (void)e;
	return strv_add(notes, "ip filter FORWARD drops\033; run: nft …");
}

static int fake_prune(struct tare_engine *t, enum tare_prune_what what, unsigned flags,
        struct tare_prune_result *r, struct err *e)
{
	(void)t, (void)e;
	asked("prune %d %u;", what, flags);
	return what == TARE_PRUNE_NETWORKS ? strv_add(&r->removed, "web") : 0;
}

static int fake_check(struct tare_engine *t, bool repair, struct tare_check_result *r, struct err *e)
{
	(void)t, (void)e;
	asked("check %d", repair);
	for (size_t i = 0; i < fake.n_findings; i++)
		if (tare_check_result_add(r, repair && (fake.repairs || i), "interface tv01",
		            "belongs to no container", i || !repair ? NULL : "ip link del tv01") < 0)
			return -1;
	return 0;
}

static void fill_ports(struct tare_container *c)
{
	static const struct {
		int protocol;
		const char *ip;
		uint16_t host, container;
	} rows[] = {{IPPROTO_UDP, "0.0.0.0", 5353, 53}, {IPPROTO_TCP, "0.0.0.0", 8080, 80},
	        {IPPROTO_TCP, "::", 8080, 80}, {IPPROTO_TCP, NULL, 0, 443}};

	c->n_ports = sizeof rows / sizeof *rows;
	c->ports = calloc(c->n_ports, sizeof *c->ports);
	for (size_t i = 0; i < c->n_ports; i++)
		c->ports[i] = (struct tare_port){rows[i].protocol, rows[i].ip ? strdup(rows[i].ip) : NULL,
		        rows[i].host, rows[i].container};
}

static int fake_look(struct tare_engine *t, const char *ref, struct tare_container *c, struct err *e)
{
	(void)t, (void)e;
	*c = (struct tare_container){.name = strdup(ref), .state = fake.stops ? TARE_EXITED : TARE_RUNNING};
	memset(c->id, 'c', TARE_ID_LEN);
	c->image = strdup("busybox");
	c->network = strdup("tare0,web");
	fill_ports(c);
	return 0;
}

static int fake_list(struct tare_engine *t, bool all, struct tare_container_list *l, struct err *e)
{
	(void)all;
	l->rows = calloc(1, sizeof *l->rows);
	l->n = 1;
	return fake_look(t, "c", &l->rows[0], e);
}

static int64_t fake_now(struct tare_engine *t)
{
	(void)t;
	return 1;
}

static struct tare_engine engine = {
        .network_create = fake_create,
        .network_list = fake_networks,
        .network_inspect = fake_inspect,
        .network_remove = fake_remove,
        .network_connect = fake_connect,
        .network_disconnect = fake_disconnect,
        .network_reload = fake_reload,
        .prune = fake_prune,
        .check = fake_check,
        .look = fake_look,
        .list = fake_list,
        .now = fake_now,
        .inspect = no_container,
        .image_inspect = no_image,
        .volume_inspect = no_volume,
};

/* ------------------------------------------------------------------ a command line */

static const struct program program = {.name = "tare", .tables = command_tables};

static char *taken(int fd)
{
	cleanup_buf struct buf text = BUF_INIT;

	lseek(fd, 0, SEEK_SET);
	read_to_buf(fd, &text);
	close(fd);
	return text.len ? buf_take(&text) : strdup("");
}

/* A terminal of 140 columns for the output; its other side in *master. */
static int open_terminal(int *master)
{
	struct winsize size = {.ws_row = 24, .ws_col = 140};
	struct termios raw;
	int fd;

	*master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	assert_true(*master >= 0);
	assert_int_equal(grantpt(*master) | unlockpt(*master), 0);
	fd = open(ptsname(*master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(fd >= 0);
	tcgetattr(fd, &raw);
	cfmakeraw(&raw);
	tcsetattr(fd, TCSANOW, &raw);
	ioctl(fd, TIOCSWINSZ, &size);
	return fd;
}

static char *printed_on_terminal(int master)
{
	char text[4096];
	ssize_t n = read(master, text, sizeof text - 1);

	close(master);
	text[n > 0 ? n : 0] = 0;
	return strdup(text);
}

/* Words parted by single blanks; the exit code, and what was printed: errors behind the output. */
static int run_line(const char *line, char **text)
{
	struct cli cli = {.program = &program, .engine = &engine};
	cleanup_free char *copy = strdup(line);
	char *words[24] = {0}, *rest = copy;
	int saved[2] = {dup(STDOUT_FILENO), dup(STDERR_FILENO)}, master = -1, code;
	int fd = fake.terminal ? open_terminal(&master) : memfd_create("output", MFD_CLOEXEC);

	for (size_t n = 0; rest && n < 23; n++)
		words[n] = strsep(&rest, " ");
	*fake.asked = 0;
	fflush(stdout);
	dup2(fd, STDOUT_FILENO);
	dup2(fd, STDERR_FILENO);
	code = program_run(&cli, words);
	fflush(stdout);
	dup2(saved[0], STDOUT_FILENO);
	dup2(saved[1], STDERR_FILENO);
	close(saved[0]);
	close(saved[1]);
	*text = fake.terminal ? printed_on_terminal(master) : taken(fd);
	if (fake.terminal)
		close(fd);
	return code;
}

/* The exit code, and the whole of what is printed. */
static void assert_prints(const char *line, int code, const char *expected)
{
	cleanup_free char *text = NULL;
	int rc = run_line(line, &text);

	if (rc != code || strcmp(text, expected) != 0)
		fail_msg("%s: %d, not %d; printed:\n%s", line, rc, code, text);
}

static void assert_says(const char *line, int code, const char *words)
{
	cleanup_free char *text = NULL;
	int rc = run_line(line, &text);

	if (rc != code || !strstr(text, words))
		fail_msg("%s: %d, not %d; printed:\n%s", line, rc, code, text);
}

#define F64 "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"

static void networks_are_created(void **state)
{
	(void)state;
	assert_prints("network create web", 0, F64 "\n");
	assert_string_equal(fake.asked, "create web - -,- -,- -,- ipv6=0 internal=0 - -");
	assert_prints("network create -d macvlan --subnet fd05::/64 --subnet 10.5.0.0/16 --gateway 10.5.0.1 "
	              "--gateway fd05::1 --ip-range 10.5.1.0/24 --ipv6 --internal -o parent=eth0 --label "
	              "tier=front lan",
	        0, F64 "\n");
	assert_string_equal(fake.asked,
	        "create lan macvlan 10.5.0.0/16,fd05::/64 10.5.0.1,fd05::1 10.5.1.0/24,- ipv6=1 internal=1 "
	        "parent=eth0 front");
	assert_says("network create --subnet 10.1.0.0/16 --subnet 10.2.0.0/16 n", 125,
	        "--subnet is given twice for IPv4: 10.1.0.0/16 and 10.2.0.0/16");
	assert_says("network create --gateway fd00::1 --gateway fd00::2 n", 125,
	        "--gateway is given twice for IPv6");
	assert_says("network create a/b", 125, "invalid name \"a/b\"");
	assert_says("network create --label =x n", 125, "--label: invalid label \"=x\"");
	assert_says("network create --ipam-driver x n", 125, "use --subnet, --gateway and --ip-range");
	assert_string_equal(fake.asked, "");
}

static void networks_are_listed(void **state)
{
	(void)state;
	assert_prints("network ls", 0,
	        "NETWORK ID     NAME    DRIVER   SCOPE\n"
	        "aaaaaaaaaaaa   tare0   bridge   local\n"
	        "bbbbbbbbbbbb   web     bridge   local\n");
	assert_prints("network ls -q --no-trunc --filter name=web", 0,
	        "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\n");
	assert_prints("network ls --format {{.Name}}={{.Subnets}},{{.Containers}},{{.IPv6}},{{.Internal}}", 0,
	        "tare0=10.5.0.0/16,fd05::/64,0,true,false\nweb=10.5.0.0/16,1,false,true\n");
	assert_prints("network ls --format {{.Label.tier}} --filter label=tier=front", 0, "front\n");
	assert_prints("network ls -q --filter type=builtin", 0, "aaaaaaaaaaaa\n");
	assert_prints("network ls -q --filter driver=macvlan", 0, "");
	assert_prints("network ls -q --filter id=bb --filter scope=local", 0, "bbbbbbbbbbbb\n");
	assert_prints("network ls -q --filter dangling=true", 0, "bbbbbbbbbbbb\n");
	assert_prints("network ls -q --filter dangling=false", 0, "aaaaaaaaaaaa\n");
	assert_says("network ls --filter type=x", 125, "unknown type \"x\"; one of custom, builtin");
}

static void networks_are_inspected(void **state)
{
	(void)state;
	assert_prints("network inspect -f {{.Name}} web", 0, "web\n");
	assert_prints("inspect -f {{.Name}} web", 0, "web\n");
	assert_prints("inspect --type network -f {{.Name}} web", 0, "web\n");
	assert_says("inspect --type image web", 1, "there is no image \"web\"");
	assert_says("inspect nothing", 1, "there is no container, image, network or volume \"nothing\"");
	assert_says("network inspect -f {{.Name}} nothing web", 1, "web\n");
}

static void networks_are_removed(void **state)
{
	(void)state;
	assert_says("network rm web used data", 1, "the network used has members");
	assert_string_equal(fake.asked, "remove web;remove used;remove data;");
	assert_says("network rm gone", 1, "there is no network \"gone\"");
	assert_prints("network rm -f gone web", 0, "web\n");
}

static void containers_come_and_go(void **state)
{
	(void)state;
	assert_prints("network connect --ip 10.5.0.7 --ip6 fd05::7 --alias db web c", 0, "");
	assert_string_equal(fake.asked, "connect web c 10.5.0.7 fd05::7 db");
	assert_prints("network disconnect -f web c", 0, "");
	assert_string_equal(fake.asked, "disconnect web c 1");
	assert_says("network connect --ip6 10.5.0.7 web c", 125, "invalid IPv6 address \"10.5.0.7\"");
	assert_says("network connect --alias -x web c", 125, "invalid alias \"-x\"");
	assert_says("network connect web", 125, "");
}

static void reload_shows_what_is_in_the_way(void **state)
{
	(void)state;
	assert_prints("network reload", 0,
	        "The host's firewall drops what containers send or get; to let it pass:\n"
	        "  ip filter FORWARD drops\xef\xbf\xbd; run: nft \xe2\x80\xa6\n");
}

static void prune_takes_networks_along(void **state)
{
	char all[64];

	(void)state;
	assert_prints("network prune -f", 0, "Deleted Networks:\nweb\n\n");
	snprintf(all, sizeof all, "prune %d 0;", TARE_PRUNE_NETWORKS);
	assert_string_equal(fake.asked, all);
	assert_says("system prune -f", 0, "Deleted Networks:\nweb\n");
	/* Containers go first: what they had been in is free then. */
	snprintf(all, sizeof all, "prune %d 0;prune %d %d;", TARE_PRUNE_CONTAINERS, TARE_PRUNE_NETWORKS,
	        TARE_PRUNE_FOR_RUNNING_ONLY);
	assert_ptr_equal(strstr(fake.asked, all), fake.asked);
}

static void findings_are_told(void **state)
{
	(void)state;
	assert_prints("system check", 0, "All is in order.\n");
	fake.n_findings = 2;
	assert_says("system check", 1, "tare system check --repair");
	assert_says("system check --repair", 1, "ip link del tv01");
	assert_string_equal(fake.asked, "check 1");
	fake.repairs = true;
	assert_says("system check --repair --format {{.Object}}:{{.State}}", 0,
	        "interface tv01:repaired\ninterface tv01:repaired\n");
	fake.n_findings = 0;
}

static void ports_are_told(void **state)
{
	(void)state;
	assert_prints("port web", 0, "53/udp -> 0.0.0.0:5353\n80/tcp -> 0.0.0.0:8080\n80/tcp -> [::]:8080\n");
	assert_prints("port web 80", 0, "0.0.0.0:8080\n[::]:8080\n");
	assert_prints("container port web 53/udp", 0, "0.0.0.0:5353\n");
	assert_says("port web 443", 125, "web does not publish the port 443; see: tare port web");
	assert_says("port web 80/icmp", 125, "one of tcp, udp, sctp");
	assert_says("port web 80-81", 125, "one port such as 80/tcp");
	fake.stops = true;
	assert_prints("port web", 0, "");
	assert_says("port web 80", 125, "web does not run");
	fake.stops = false;
}

static void ps_shows_and_finds_ports(void **state)
{
	(void)state;
	assert_prints("ps --format {{.Ports}}|{{.Networks}}", 0,
	        "0.0.0.0:5353->53/udp, 0.0.0.0:8080->80/tcp, [::]:8080->80/tcp, 443/tcp|tare0,web\n");
	assert_prints("ps -q --filter publish=80", 0, "cccccccccccc\n");
	assert_prints("ps -q --filter publish=8000-9000", 0, "cccccccccccc\n");
	assert_prints("ps -q --filter publish=53/udp", 0, "cccccccccccc\n");
	assert_prints("ps -q --filter publish=53", 0, "");
	assert_prints("ps -q --filter publish=443", 0, "");
	assert_prints("ps -q --filter expose=443", 0, "cccccccccccc\n");
	assert_prints("ps -q --filter expose=8080", 0, "");
	assert_prints("ps -q --filter network=web", 0, "cccccccccccc\n");
	assert_prints("ps -q --filter network=bridge", 0, "cccccccccccc\n");
	assert_prints("ps -q --filter network=we", 0, "");
	assert_says("ps --filter publish=x", 125, "--filter publish: invalid port \"x\"");
	assert_says("ps --filter publish=1-x", 125, "invalid port \"x\"");
	fake.stops = true;
	assert_prints("ps -a --format <{{.Ports}}>", 0, "<>\n");
	fake.stops = false;
}

static void a_terminal_gets_short_ports(void **state)
{
	(void)state;
	setenv("TERM", "dumb", 1);
	fake.terminal = true;
	assert_says("ps", 0, "0.0.0.0:5353->53/udp, *:8080->80/tcp, 443/tcp");
	assert_says("ps --no-trunc", 0, "0.0.0.0:8080->80/tcp, [::]:8080->80/tcp, 443/tcp");
	assert_says("ps --format {{.Ports}}", 0, "0.0.0.0:8080->80/tcp, [::]:8080->80/tcp, 443/tcp");
	fake.terminal = false;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(networks_are_created),
	        cmocka_unit_test(networks_are_listed),
	        cmocka_unit_test(networks_are_inspected),
	        cmocka_unit_test(networks_are_removed),
	        cmocka_unit_test(containers_come_and_go),
	        cmocka_unit_test(reload_shows_what_is_in_the_way),
	        cmocka_unit_test(prune_takes_networks_along),
	        cmocka_unit_test(findings_are_told),
	        cmocka_unit_test(ports_are_told),
	        cmocka_unit_test(ps_shows_and_finds_ports),
	        cmocka_unit_test(a_terminal_gets_short_ports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
