/* A container's place in its networks: what is asked as Docker's documents, what it has as network.json, its
 * leases and the files that tell of them. Its ports: test_endpoint_port.c. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/file.h"
#include "engine/oci/image_config.h"
#include "tests/unit/endpoint_box.h"

/* ------------------------------------------------------------------ what is asked */

static void record_request(struct endpoint_box *f, const struct tare_create *q, char *const *names)
{
	json *host = json_get(f->c.record.config, "HostConfig");
	struct image_config image = {.exposed_ports = (char *[]){(char[]){"80/tcp"}, (char[]){"90"}, NULL}};

	json_set_str(host, "NetworkMode", names ? names[0] : q->network);
	json_set(host, "PortBindings", port_bindings_document(q));
	json_set_bool(host, "PublishAllPorts", q->publish_all);
	json_set_str(host, "PublishGroup", q->publish_group ? q->publish_group : "");
	json_set(json_get(f->c.record.config, "Config"), "ExposedPorts", exposed_ports_document(q, &image));
	if (names)
		json_set(f->c.record.config, "NetworkingConfig", endpoints_document(q, names));
}

static void requests_come_back(void **state)
{
	struct endpoint_box *f = *state;
	struct tare_endpoint endpoints[] = {
	        {.network = (char[]){"web"}, .ip = (char[]){"10.1.0.9"}, .ip6 = (char[]){"fd00::9"}},
	        {.network = (char[]){"lan"},
	                .mac = (char[]){"02:00:00:00:00:09"},
	                .aliases = (char *[]){(char[]){"db"}, NULL}}};
	struct tare_publish ports[] = {
	        {.protocol = IPPROTO_TCP, .host_port = 8080, .host_port_to = 8080, .container_port = 80},
	        {.protocol = IPPROTO_TCP,
	                .host_ip = (char[]){"127.0.0.1"},
	                .host_port = 9000,
	                .host_port_to = 9010,
	                .container_port = 80},
	        {.protocol = IPPROTO_UDP, .container_port = 53}};
	struct tare_create q = {.endpoints = endpoints,
	        .n_endpoints = 2,
	        .publish = ports,
	        .n_publish = 3,
	        .publish_group = (char[]){"pool"}};
	struct network_request r;
	unsigned char mac[NET_MAC_LEN] = {2, 0, 0, 0, 0, 9};

	record_request(f, &q, (char *[]){(char[]){"web"}, (char[]){"lan"}, NULL});
	assert_int_equal(network_request_read(&f->c.record, &r, &f->e), 0);
	assert_int_equal(r.n_endpoints, 2);
	assert_string_equal(r.endpoints[0].network, "web");
	assert_true(net_address_equal(&r.endpoints[0].ip[0], &(struct net_address){AF_INET, {10, 1, 0, 9}}));
	assert_int_equal(r.endpoints[0].ip[1].family, AF_INET6);
	assert_string_equal(r.endpoints[1].aliases[0], "db");
	assert_memory_equal(r.endpoints[1].mac, mac, sizeof mac);
	assert_int_equal(r.endpoints[1].ip[0].family, 0);
	assert_int_equal(r.n_ports, 3);
	assert_int_equal(r.ports[0].host_port_to, 8080);
	assert_null(r.ports[0].host_ip);
	assert_string_equal(r.ports[1].host_ip, "127.0.0.1");
	assert_int_equal(r.ports[1].host_port_to, 9010);
	assert_int_equal(r.ports[2].protocol, IPPROTO_UDP);
	assert_int_equal(r.ports[2].host_port, 0);
	assert_string_equal(r.group, "pool");
	network_request_free(&r);
}

static void all_exposed_ports_but_once(void **state)
{
	struct endpoint_box *f = *state;
	struct tare_publish ports[] = {
	        {.protocol = IPPROTO_TCP, .host_port = 8080, .host_port_to = 8080, .container_port = 80}};
	struct tare_create q = {.publish = ports,
	        .n_publish = 1,
	        .publish_all = true,
	        .expose = (char *[]){(char[]){"53/udp"}, NULL}};
	struct network_request r;

	record_request(f, &q, (char *[]){(char[]){NETWORK_DEFAULT}, NULL});
	assert_int_equal(network_request_read(&f->c.record, &r, &f->e), 0);
	assert_int_equal(r.n_ports, 3); /* 80 is there by -p; 90 by the image, 53 by --expose */
	assert_int_equal(r.ports[1].container_port, 90);
	assert_int_equal(r.ports[1].host_port, 0);
	assert_int_equal(r.ports[2].container_port, 53);
	assert_int_equal(r.ports[2].protocol, IPPROTO_UDP);
	network_request_free(&r);
}

static void records_without_networks(void **state)
{
	static const char *const shared[] = {"none", "host", ("container:" ID_B)};
	struct endpoint_box *f = *state;
	json *host = json_get(f->c.record.config, "HostConfig");
	struct network_request r;

	for (size_t i = 0; i < 3; i++) {
		json_set_str(host, "NetworkMode", shared[i]);
		assert_int_equal(network_request_read(&f->c.record, &r, &f->e), 0);
		assert_int_equal(r.n_endpoints, 0);
	}
	json_set_str(host, "NetworkMode", "web"); /* the mode alone names one */
	assert_int_equal(network_request_read(&f->c.record, &r, &f->e), 0);
	assert_int_equal(r.n_endpoints, 1);
	assert_string_equal(r.endpoints[0].network, "web");
	network_request_free(&r);
	json *networking = json_object_new_object();
	json_set(networking, "EndpointsConfig", json_object_new_object());
	json_set(f->c.record.config, "NetworkingConfig", networking); /* it left the only one */
	assert_int_equal(network_request_read(&f->c.record, &r, &f->e), 0);
	assert_int_equal(r.n_endpoints, 0);
	network_request_free(&r);
}

static void damaged_requests_are_errors(void **state)
{
	struct endpoint_box *f = *state;
	struct network_request r;
	static const char *const bad[] = {
	        "{\"HostConfig\":{\"NetworkMode\":\"web\"},\"NetworkingConfig\":{\"EndpointsConfig\":"
	        "{\"web\":{\"IPAMConfig\":{\"IPv4Address\":\"10.1.0\"}}}}}",
	        "{\"HostConfig\":{\"NetworkMode\":\"web\"},\"NetworkingConfig\":{\"EndpointsConfig\":"
	        "{\"web\":{\"MacAddress\":\"x\"}}}}",
	        "{\"HostConfig\":{\"NetworkMode\":\"web\",\"PortBindings\":{\"80/icmp\":[{}]}}}",
	        "{\"HostConfig\":{\"NetworkMode\":\"web\",\"PortBindings\":{\"80/"
	        "tcp\":[{\"HostPort\":\"70000\"}]}}}"};

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		json_free(&f->c.record.config);
		f->c.record.config = json_parse(bad[i], strlen(bad[i]), "test", &f->e);
		assert_non_null(f->c.record.config);
		if (network_request_read(&f->c.record, &r, &f->e) != -1)
			fail_msg("taken: %s", bad[i]);
		assert_non_null(strstr(f->e.msg, "container first"));
	}
}

/* ------------------------------------------------------------------ what it has */

static void states_come_back(void **state)
{
	struct endpoint_box *f = *state;
	cleanup_network_state struct network_state n = {.nft_fd = 7}, back = {0};

	assert_int_equal(network_state_read(f->c.state_fd, ID_A, &back, &f->e), 0); /* missing: none */
	assert_int_equal(back.n_endpoints, 0);
	assert_int_equal(back.nft_fd, -1);
	add_endpoint(&n, "web", WEB, "tv0", "10.1.0.2", "fd00::2")->link_index = 42;
	n.endpoints[0].internal = true;
	strv_add(&n.endpoints[0].aliases, "db");
	add_endpoint(&n, "lan", LAN, "", "192.0.2.2", NULL);
	for (unsigned i = 0; i < 2000; i++)
		add_port(&n, "0.0.0.0", (uint16_t)(2000 + i), "10.1.0.2", (uint16_t)(i + 1));
	add_port(&n, "::1", 80, "fd00::2", 80);
	n.group = strdup("pool");
	assert_int_equal(network_state_write(f->c.state_fd, &n, &f->e), 0);
	network_state_free(&back);
	assert_int_equal(network_state_read(f->c.state_fd, ID_A, &back, &f->e), 0);
	assert_int_equal(back.n_endpoints, 2);
	assert_string_equal(back.endpoints[0].network_id, WEB);
	assert_int_equal(back.endpoints[0].link_index, 42);
	assert_true(back.endpoints[0].internal);
	assert_string_equal(back.endpoints[0].aliases[0], "db");
	assert_true(net_address_equal(&back.endpoints[0].ip[1], &n.endpoints[0].ip[1]));
	assert_int_equal(back.endpoints[0].prefix[1], 64);
	assert_string_equal(back.endpoints[1].driver, "macvlan");
	assert_string_equal(back.endpoints[1].bridge, "");
	assert_int_equal(back.n_ports, 2001);
	assert_int_equal(back.ports[1999].host_port, 3999);
	assert_int_equal(back.ports[1999].to_port, 2000);
	assert_int_equal(back.ports[2000].host.family, AF_INET6);
	assert_string_equal(back.ports[7].owner, ID_A);
	assert_string_equal(back.group, "pool");
	assert_int_equal(back.nft_fd, 7);
}

static void damaged_states_are_errors(void **state)
{
	static const char *const bad[] = {"", "{", "[]x", "{\"endpoints\":[{}]}",
	        "{\"endpoints\":[{\"network\":\"a\",\"driver\":\"b\"}]}",
	        "{\"endpoints\":[{\"network\":\"a\",\"driver\":\"b\",\"ip\":\"x\"}]}",
	        "{\"ports\":[\"tcp\"]}", "{\"ports\":[7]}", "{\"ports\":[\"tcp a 1 b 2\"]}"};
	struct endpoint_box *f = *state;
	struct network_state n;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_int_equal(file_write_at(f->c.state_fd, "network.json", bad[i], strlen(bad[i]), 0600,
		                         FILE_NO_SYNC, NULL),
		        0);
		if (network_state_read(f->c.state_fd, ID_A, &n, &f->e) != -1)
			fail_msg("taken: %s", bad[i]);
		assert_int_equal(n.n_endpoints, 0);
	}
}

/* ------------------------------------------------------------------ leases */

static void start_open(struct endpoint_box *f, struct container *c, struct endpoint_start *x)
{
	static const char *const subnets[2] = {"10.2.0.0/16", "10.1.0.0/16"}, *const ids[2] = {LAN, WEB},
	                         *const names[2] = {"lan", "web"};

	*x = (struct endpoint_start){.store = f->store, .c = c, .nft_fd = -1, .state.nft_fd = -1};
	x->request.endpoints = calloc(2, sizeof *x->request.endpoints);
	x->request.n_endpoints = 2;
	for (size_t i = 0; i < 2; i++) {
		x->records[i] = (struct network_record){.name = strdup(names[i]),
		        .driver = strdup("bridge"),
		        .subnet = {strdup(subnets[i])},
		        .gateway = {strdup(i ? "10.1.0.1" : "10.2.0.1")}};
		snprintf(x->records[i].id, sizeof x->records[i].id, "%s", ids[i]);
		add_endpoint(&x->state, names[i], ids[i], i ? "tv1" : "tv0", NULL, NULL);
	}
}

static void start_close(struct endpoint_start *x)
{
	network_request_free(&x->request);
	network_state_free(&x->state);
	for (size_t i = 0; i < 2; i++)
		network_record_free(&x->records[i]);
}

static void check_lease(
        struct endpoint_box *f, const char *network_id, const char *id, const char *ip, const char *name)
{
	cleanup_fd int dir = network_state_dir(f->store, network_id, NULL);
	cleanup_leases struct leases l = LEASES_INIT;
	char text[NET_ADDRESS_TEXT];

	assert_int_equal(leases_read(dir, &l, NULL), 0);
	const struct lease *row = leases_find(&l, id);
	if (!ip) {
		assert_null(row);
		return;
	}
	assert_non_null(row);
	assert_string_equal(net_address_text(&row->ip[0], text), ip);
	assert_true(strv_has(row->names, name));
	assert_string_equal(row->hostname, "box");
}

static void addresses_are_leased_and_recorded(void **state)
{
	struct endpoint_box *f = *state;
	cleanup_network_state struct network_state n = {0};
	struct endpoint_start x;

	start_open(f, &f->c, &x);
	x.request.endpoints[1].ip[0] = address("10.1.0.77");
	assert_int_equal(endpoints_lease(&x, &f->e), 0);
	assert_int_equal(x.state.endpoints[0].prefix[0], 16);
	assert_true(net_address_equal(
	        &x.state.endpoints[0].gateway[0], &(struct net_address){AF_INET, {10, 2, 0, 1}}));
	assert_int_equal(network_state_read(f->c.state_fd, ID_A, &n, &f->e), 0);
	assert_true(net_address_equal(&n.endpoints[1].ip[0], &x.state.endpoints[1].ip[0]));
	check_lease(f, LAN, ID_A, "10.2.0.2", "first");
	check_lease(f, WEB, ID_A, "10.1.0.77", "first");
	endpoint_lease_drop(f->store, WEB, ID_A);
	check_lease(f, WEB, ID_A, NULL, NULL);
	start_close(&x);
}

/* Whoever is killed between the two leaves a network.json that names what there may be, never a lease that
 * nothing names. */
static void the_state_comes_before_the_leases(void **state)
{
	struct endpoint_box *f = *state;
	struct endpoint_start x;

	start_open(f, &f->c, &x);
	close_fd(&f->c.state_fd);
	assert_int_equal(endpoints_lease(&x, &f->e), -1); /* cannot be recorded */
	check_lease(f, LAN, ID_A, NULL, NULL);
	check_lease(f, WEB, ID_A, NULL, NULL);
	start_close(&x);
}

static void a_taken_address_names_who_has_it(void **state)
{
	struct endpoint_box *f = *state;
	struct container other;
	struct endpoint_start x;

	make_container(f, ID_B, "second", &other);
	run_container(f, &other);
	start_open(f, &other, &x);
	x.request.endpoints[0].ip[0] = address("10.2.0.5");
	assert_int_equal(endpoints_lease(&x, &f->e), 0);
	start_close(&x);
	start_open(f, &f->c, &x);
	x.request.endpoints[0].ip[0] = address("10.2.0.5");
	assert_int_equal(endpoints_lease(&x, &f->e), -1);
	assert_int_equal(f->e.kind, ERR_CONFLICT);
	assert_non_null(strstr(f->e.msg, "container second"));
	assert_non_null(strstr(f->e.msg, "network lan"));
	check_lease(f, WEB, ID_A, NULL, NULL); /* nothing of a start that failed */
	/* its run is over: the address is free */
	remove_tree_at(f->store->state_containers_fd, ID_B);
	assert_true(endpoint_holder_is_dead(ID_B, f->store));
	assert_int_equal(endpoints_lease(&x, &f->e), 0);
	check_lease(f, LAN, ID_A, "10.2.0.5", "first");
	start_close(&x);
	container_close(&other);
}

static void holders_that_start_are_alive(void **state)
{
	struct endpoint_box *f = *state;
	struct container other;

	make_container(f, ID_B, "second", &other);
	assert_int_equal(container_record_write(other.dir_fd, &other.record, false, &f->e), 0);
	assert_true(endpoint_holder_is_dead(ID_B, f->store));
	assert_int_equal(container_lock(f->store, &other, &f->e), 0);
	assert_false(endpoint_holder_is_dead(ID_B, f->store)); /* somebody is at it */
	container_unlock(&other);
	other.state_fd = container_state_dir_open(f->store, ID_B, true);
	run_container(f, &other);
	assert_false(endpoint_holder_is_dead(ID_B, f->store));
	assert_true(endpoint_holder_is_dead(WEB, f->store)); /* no such container */
	container_close(&other);
}

static void a_rename_changes_the_name_and_keeps_the_address(void **state)
{
	struct endpoint_box *f = *state;
	struct endpoint_start x;
	struct network_record r = {.name = strdup("lan"),
	        .driver = strdup("bridge"),
	        .link = strdup("br0"),
	        .subnet = {strdup("10.2.0.0/16")},
	        .gateway = {strdup("10.2.0.1")}};

	snprintf(r.id, sizeof r.id, "%s", LAN);
	assert_int_equal(network_record_write(f->store, &r, true, &f->e), 0);
	network_record_free(&r);
	start_open(f, &f->c, &x);
	strv_add(&x.state.endpoints[0].aliases, "db");
	network_state_drop(&x.state, 1);
	assert_int_equal(endpoints_lease(&x, &f->e), 0);
	check_lease(f, LAN, ID_A, "10.2.0.2", "first");
	free(f->c.record.name);
	f->c.record.name = strdup("anew");
	endpoints_rename(f->store, &f->c);
	check_lease(f, LAN, ID_A, "10.2.0.2", "anew");
	check_lease(f, LAN, ID_A, "10.2.0.2", "db");
	start_close(&x);
}

/* ------------------------------------------------------------------ files */

static void check_file(int dir_fd, const char *name, const char *const *has, const char *lacks)
{
	cleanup_buf struct buf b = BUF_INIT;

	assert_int_equal(file_read_at(dir_fd, name, &b, NULL), 0);
	for (; *has; has++)
		if (!strstr(buf_str(&b), *has))
			fail_msg("no \"%s\" in %s:\n%s", *has, name, buf_str(&b));
	if (lacks && strstr(buf_str(&b), lacks))
		fail_msg("\"%s\" in %s:\n%s", lacks, name, buf_str(&b));
}
#define CHECK_FILE(f, name, lacks, ...)                                                                      \
	check_file((f)->c.dir_fd, name, (const char *const[]){__VA_ARGS__, NULL}, lacks)

static void hosts_and_resolvers_are_of_this_start(void **state)
{
	struct endpoint_box *f = *state;
	struct endpoint_start x = {.store = f->store, .c = &f->c};
	json *host = json_get(f->c.record.config, "HostConfig");

	json_set_strv(
	        host, "ExtraHosts", (char *[]){(char[]){"db:10.9.9.9"}, (char[]){"up:host-gateway"}, NULL});
	json_set_strv(host, "Dns", (char *[]){(char[]){"9.9.9.9"}, NULL});
	json_set_strv(host, "DnsSearch", (char *[]){(char[]){"example.org"}, NULL});
	add_endpoint(&x.state, "web", WEB, "tv0", "10.1.0.2", "fd00::2");
	assert_int_equal(endpoints_write_files(&x, &f->e), 0);
	CHECK_FILE(f, "hosts", "127.0.0.1\tbox", "127.0.0.1\tlocalhost\n", "\n10.1.0.2\tbox first\n",
	        "\nfd00::2\tbox first\n", "\n10.9.9.9\tdb\n", "\n10.1.0.1\tup\n");
	CHECK_FILE(f, "resolv.conf", "9.9.9.9", "nameserver 10.1.0.1\n", "search example.org\n");
	snprintf(x.state.endpoints[0].bridge, IFNAMSIZ, "%s", ""); /* no name service of ours there */
	assert_int_equal(endpoints_write_files(&x, &f->e), 0);
	CHECK_FILE(f, "resolv.conf", "10.1.0.1", "nameserver 9.9.9.9\n");
	network_state_free(&x.state);
}

/* The container has the file mounted: another inode would not be seen. */
static void hosts_change_in_place(void **state)
{
	struct endpoint_box *f = *state;
	struct endpoint_start x = {.store = f->store, .c = &f->c};
	struct stat before, after;

	add_endpoint(&x.state, "web", WEB, "tv0", "10.1.0.2", NULL);
	assert_int_equal(endpoints_write_files(&x, &f->e), 0);
	assert_int_equal(fstatat(f->c.dir_fd, "hosts", &before, 0), 0);
	add_endpoint(&x.state, "lan", LAN, "tv1", "10.2.0.22", "fd02::2");
	endpoint_hosts_change(&f->c, &x.state.endpoints[1], NULL);
	CHECK_FILE(f, "hosts", NULL, "\n10.1.0.2\tbox first\n", "\n10.2.0.22\tbox first\n",
	        "\nfd02::2\tbox first\n");
	cleanup_fd int fd = openat(f->c.dir_fd, "hosts", O_WRONLY | O_APPEND | O_CLOEXEC);
	assert_int_equal(write_all(fd, "10.2.0.220\tits own\n", 19), 0);
	endpoint_hosts_change(&f->c, NULL, &x.state.endpoints[1]);
	CHECK_FILE(f, "hosts", "10.2.0.22\t", "\n10.1.0.2\tbox first\n", "10.2.0.220\tits own\n");
	assert_int_equal(fstatat(f->c.dir_fd, "hosts", &after, 0), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	network_state_free(&x.state);
}

/* ------------------------------------------------------------------ lists */

static void lists_and_inspection(void **state)
{
	struct endpoint_box *f = *state;
	struct tare_endpoint endpoints[] = {{.network = (char[]){"web"}}, {.network = (char[]){"lan"}}};
	struct tare_create q = {.endpoints = endpoints, .n_endpoints = 2};
	struct tare_container row = {.pid = 1};
	cleanup_network_state struct network_state n = {.nft_fd = -1};

	record_request(f, &q, (char *[]){(char[]){"web"}, (char[]){"lan"}, NULL});
	add_endpoint(&n, "web", WEB, "tv0", "10.1.0.2", "fd00::2");
	add_endpoint(&n, "lan", LAN, "", "192.0.2.2", NULL);
	add_port(&n, "::", 8080, "fd00::2", 80);
	add_port(&n, "0.0.0.0", 8080, "10.1.0.2", 80);
	assert_int_equal(network_state_write(f->c.state_fd, &n, &f->e), 0);
	assert_int_equal(endpoints_fill(f->store, &f->c, &row, &f->e), 0);
	assert_string_equal(row.network, "web,lan");
	assert_int_equal(row.n_attachments, 2);
	assert_string_equal(row.attachments[0].ip6, "fd00::2");
	assert_string_equal(row.attachments[1].ip6, "");
	assert_int_equal(row.n_ports, 3); /* by port: two of 80, and 90 is exposed only */
	assert_string_equal(row.ports[0].host_ip, "0.0.0.0");
	assert_string_equal(row.ports[1].host_ip, "::");
	assert_int_equal(row.ports[2].container_port, 90);
	assert_null(row.ports[2].host_ip);
	tare_container_free(&row);
	run_container(f, &f->c);
	cleanup_json json *o = endpoints_inspect(f->store, &f->c);
	assert_string_equal(json_str(o, "IPAddress", ""), "10.1.0.2");
	assert_string_equal(json_str(json_path(o, "Networks.lan"), "NetworkID", ""), LAN);
	assert_string_equal(json_str(json_path(o, "Networks.web"), "GlobalIPv6Address", ""), "fd00::2");
	json *bindings = json_get(json_get(o, "Ports"), "80/tcp");
	assert_int_equal(json_object_array_length(bindings), 2);
	assert_true(json_object_object_get_ex(json_get(o, "Ports"), "90/tcp", NULL));
	row = (struct tare_container){0}; /* not running */
	assert_int_equal(endpoints_fill(f->store, &f->c, &row, &f->e), 0);
	assert_string_equal(row.network, "web,lan");
	assert_int_equal(row.n_attachments + row.n_ports, 0);
	tare_container_free(&row);
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, endpoint_box_setup, endpoint_box_teardown)
	const struct CMUnitTest tests[] = {
	        TEST(requests_come_back),
	        TEST(all_exposed_ports_but_once),
	        TEST(records_without_networks),
	        TEST(damaged_requests_are_errors),
	        TEST(states_come_back),
	        TEST(damaged_states_are_errors),
	        TEST(addresses_are_leased_and_recorded),
	        TEST(the_state_comes_before_the_leases),
	        TEST(a_taken_address_names_who_has_it),
	        TEST(holders_that_start_are_alive),
	        TEST(a_rename_changes_the_name_and_keeps_the_address),
	        TEST(hosts_and_resolvers_are_of_this_start),
	        TEST(hosts_change_in_place),
	        TEST(lists_and_inspection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
