#include "registry/client/http_url.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <ctype.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/err.h"

#define HOST_MAX 256

void http_url_free(struct http_url *u)
{
	free(u->text);
	free(u->host);
	free(u->place);
	*u = (struct http_url)HTTP_URL_INIT;
}

static void url_handle_free(CURLU **u)
{
	curl_url_cleanup(*u);
}
#define cleanup_url_handle __attribute__((cleanup(url_handle_free)))

static void curl_text_free(char **s)
{
	curl_free(*s);
}
#define cleanup_curl_text __attribute__((cleanup(curl_text_free)))

static bool is_plain_text(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s <= ' ' || (unsigned char)*s >= 0x7f)
			return false;
	return true;
}

static char *lower_copy(const char *s)
{
	char *copy = strdup(s);

	for (char *p = copy; p && *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return copy;
}

/* What was read from a handle: its parts, checked. */
static int take_parts(CURLU *handle, struct http_url *u, struct err *e)
{
	cleanup_curl_text char *scheme = NULL, *host = NULL, *port = NULL, *text = NULL;

	if (curl_url_get(handle, CURLUPART_SCHEME, &scheme, 0) ||
	        curl_url_get(handle, CURLUPART_HOST, &host, 0) ||
	        curl_url_get(handle, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) ||
	        curl_url_get(handle, CURLUPART_URL, &text, 0))
		return err_set(e, ERR_CORRUPT, "it has no host");
	if (strcmp(scheme, "https") != 0 && strcmp(scheme, "http") != 0)
		return err_set(e, ERR_CORRUPT, "only http and https are followed, not %.16s", scheme);
	u->tls = !strcmp(scheme, "https");
	u->port = (unsigned)strtoul(port, NULL, 10);
	u->host = lower_copy(host);
	u->text = strdup(text);
	u->place = u->port == (u->tls ? 443U : 80U) ? strdup(u->host) : str_printf("%s:%u", host, u->port);
	return u->host && u->text && u->place ? 0 : err_no_memory(e);
}

static int parse_into(CURLU *handle, const char *text, struct err *e)
{
	if (strlen(text) > HTTP_URL_MAX)
		return err_set(e, ERR_CORRUPT, "a URL of more than %d bytes", HTTP_URL_MAX);
	if (!is_plain_text(text))
		return err_set(e, ERR_CORRUPT, "bad bytes in the URL %.128s", text);
	if (curl_url_set(handle, CURLUPART_URL, text, CURLU_DISALLOW_USER | CURLU_NON_SUPPORT_SCHEME))
		return err_set(e, ERR_CORRUPT, "not a URL: %.128s", text);
	return 0;
}

int http_url_parse(const char *text, struct http_url *u, struct err *e)
{
	cleanup_url_handle CURLU *handle = curl_url();

	if (!handle)
		return err_no_memory(e);
	/* libcurl would take a text without a scheme for a relative one, and fail; so do we, sooner */
	if (!strstr(text, "://"))
		return err_set(e, ERR_CORRUPT, "not a URL: %.128s", text);
	if (parse_into(handle, text, e) < 0 || take_parts(handle, u, e) < 0) {
		http_url_free(u);
		return -1;
	}
	return 0;
}

char *http_url_resolve(const char *base, const char *ref, struct err *e)
{
	cleanup_url_handle CURLU *handle = curl_url();
	cleanup_http_url struct http_url u = HTTP_URL_INIT;

	if (!handle)
		return err_no_memory(e), NULL;
	if (parse_into(handle, base, e) < 0 || parse_into(handle, ref, e) < 0 ||
	        take_parts(handle, &u, e) < 0)
		return NULL;
	return steal_ptr(&u.text);
}

bool http_url_same_origin(const struct http_url *a, const struct http_url *b)
{
	return a->tls == b->tls && a->port == b->port && !strcmp(a->host, b->host);
}

char *http_url_query(char *text, const char *name, const char *value)
{
	cleanup_curl_text char *escaped = text ? curl_easy_escape(NULL, value, (int)strlen(value)) : NULL;
	char *out =
	        escaped ? str_printf("%s%c%s=%s", text, strchr(text, '?') ? '&' : '?', name, escaped) : NULL;

	free(text);
	return out;
}

/* RFC 1918, 6598 (carriers), 3927 (link-local, with the metadata services of clouds), and "this network". */
static enum http_reach reach_of_ipv4(uint32_t ip)
{
	static const struct {
		uint32_t base;
		unsigned prefix;
	} private_nets[] = {{0x00000000, 8}, {0x0a000000, 8}, {0x64400000, 10}, {0xa9fe0000, 16},
	        {0xac100000, 12}, {0xc0a80000, 16}};

	if (ip >> 24 == 127)
		return HTTP_REACH_LOOPBACK;
	for (size_t i = 0; i < sizeof(private_nets) / sizeof(*private_nets); i++)
		if (ip >> (32 - private_nets[i].prefix) ==
		        private_nets[i].base >> (32 - private_nets[i].prefix))
			return HTTP_REACH_PRIVATE;
	return HTTP_REACH_PUBLIC;
}

static enum http_reach reach_of_ipv6(const struct in6_addr *a)
{
	static const unsigned char nat64[12] = {0x00, 0x64, 0xff, 0x9b};
	uint32_t low;

	memcpy(&low, a->s6_addr + 12, sizeof(low));
	if (IN6_IS_ADDR_LOOPBACK(a))
		return HTTP_REACH_LOOPBACK;
	if (IN6_IS_ADDR_V4MAPPED(a) || !memcmp(a->s6_addr, nat64, sizeof(nat64)))
		return reach_of_ipv4(ntohl(low));
	/* fc00::/7 unique local, fe80::/10 link-local, :: itself */
	if ((a->s6_addr[0] & 0xfe) == 0xfc || IN6_IS_ADDR_LINKLOCAL(a) || IN6_IS_ADDR_UNSPECIFIED(a))
		return HTTP_REACH_PRIVATE;
	return HTTP_REACH_PUBLIC;
}

enum http_reach http_address_reach(const struct sockaddr *a)
{
	if (a->sa_family == AF_INET)
		return reach_of_ipv4(ntohl(((const struct sockaddr_in *)(const void *)a)->sin_addr.s_addr));
	if (a->sa_family == AF_INET6)
		return reach_of_ipv6(&((const struct sockaddr_in6 *)(const void *)a)->sin6_addr);
	return HTTP_REACH_PRIVATE;
}

/* "host", "host:port", "[::1]:5000" and "::1" become the bare host. */
static void bare_host(const char *host, char dst[HOST_MAX])
{
	char *end;

	snprintf(dst, HOST_MAX, "%s", host + (*host == '['));
	if (*host == '[')
		end = strpbrk(dst, "]%");
	else
		end = strchr(dst, ':') == strrchr(dst, ':') ? strchr(dst, ':') : NULL;
	if (end)
		*end = '\0';
}

enum http_reach http_host_reach(const char *host)
{
	char name[HOST_MAX];
	struct in_addr four;
	struct in6_addr six;
	size_t len;

	bare_host(host, name);
	len = strlen(name);
	if (len && name[len - 1] == '.')
		name[--len] = '\0';
	if (inet_pton(AF_INET6, name, &six) == 1)
		return reach_of_ipv6(&six);
	/* aton, not pton: "127.1", "0x7f000001" and "2130706433" are addresses to the resolver too */
	if (inet_aton(name, &four))
		return reach_of_ipv4(ntohl(four.s_addr));
	if (!strcasecmp(name, "localhost") || (len > 10 && !strcasecmp(name + len - 10, ".localhost")))
		return HTTP_REACH_LOOPBACK;
	return HTTP_REACH_PUBLIC;
}
