/* Fuzz target: what is asked of networks and ports, by a command line, a form, or an image's ExposedPorts. A
 * refusal leaves the request as it was; what is taken names real ports, each written as it can be read. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "engine/tare.h"

#define TEXT_MAX 300

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_publish(const char *text)
{
	struct tare_create c;
	struct err e = ERR_INIT;

	tare_create_init(&c);
	if (tare_parse_publish(&c, text, &e) < 0 ? c.n_publish || !*e.msg : !c.n_publish)
		abort();
	for (size_t i = 0; i < c.n_publish; i++) {
		const struct tare_publish *p = &c.publish[i];
		if (!p->container_port || p->host_port > p->host_port_to || !p->host_port != !p->host_port_to)
			abort();
		if (*tare_protocol_name(p->protocol) == '?' || (p->host_ip && !*p->host_ip))
			abort();
	}
	tare_create_free(&c);
}

static void check_expose(const char *text)
{
	struct tare_create c;
	uint16_t port;
	int protocol;

	tare_create_init(&c);
	if (tare_parse_expose(&c, text, NULL) < 0 && c.expose)
		abort();
	strv_foreach (one, c.expose)
		if (tare_port_parse(*one, &port, &protocol, NULL) < 0 || !port)
			abort();
	if (tare_port_parse(text, &port, &protocol, NULL) == 0 && strv_len(c.expose) != 1)
		abort();
	tare_create_free(&c);
}

static void check_network(const char *text)
{
	struct tare_create c;

	tare_create_init(&c);
	if (tare_parse_network(&c, text, NULL) == 0 ? !c.network == !c.n_endpoints
	                                            : c.n_endpoints || c.network)
		abort();
	for (size_t i = 0; i < c.n_endpoints; i++)
		if (tare_name_check(c.endpoints[i].network, NULL) < 0)
			abort();
	tare_parse_ip(&c, text, NULL);
	tare_parse_mac(&c, text, NULL);
	tare_parse_network_alias(&c, text, NULL);
	tare_create_check(&c, NULL);
	tare_create_free(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[TEXT_MAX + 1];

	if (size > TEXT_MAX)
		return 0;
	memcpy(text, data, size);
	text[size] = 0;
	check_publish(text);
	check_expose(text);
	check_network(text);
	return 0;
}
