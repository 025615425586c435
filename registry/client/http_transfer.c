/* One exchange in libcurl's hands: its options, what comes and goes, how it ended, where it is sent on to. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/defence.h"
#include "registry/client/http_exchange.h"

#define AGENT          "tare"
#define MAX_DEFAULT    ((size_t)1 << 20)
#define ERROR_BODY_MAX ((size_t)64 << 10)  /* kept of an answer that is none of 2xx */
#define ERROR_READ_MAX ((uint64_t)4 << 20) /* and read of it */
#define REDIRECTS_MAX  5
#define STALL_BYTES    100L /* per second; less is still */
#define CHUNK          (256L << 10)
#define SYSTEM_CERTS   "/etc/ssl/certs"

static int refuse(struct http_exchange *x)
{
	x->refused = true;
	return -1;
}

static bool is_redirect(const struct http_exchange *x)
{
	int s = x->answer.status;

	return x->request.follow && (s == 301 || s == 302 || s == 303 || s == 307 || s == 308) &&
	       http_header(&x->answer, "location");
}

static bool has_proxy(void)
{
	static const char *const names[] = {
	        "https_proxy", "HTTPS_PROXY", "http_proxy", "all_proxy", "ALL_PROXY"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const char *value = getenv(names[i]);
		if (value && *value)
			return true;
	}
	return false;
}

/* A proxy's address says nothing about where the server is. */
static void note_peer(struct http_exchange *x)
{
	char *peer = NULL;

	x->answer.peer = "";
	if (has_proxy() && http_host_reach(x->url.host) != HTTP_REACH_LOOPBACK)
		return;
	if (!curl_easy_getinfo(x->easy, CURLINFO_PRIMARY_IP, &peer) && peer)
		x->answer.peer = peer;
}

/* ------------------------------------------------------------------ what libcurl calls */

static size_t on_header(char *line, size_t size, size_t n, void *arg)
{
	struct http_exchange *x = arg;
	int r = http_headers_add(x, line, size * n);

	if (r > 0 && !is_redirect(x) && x->request.begin) {
		note_peer(x);
		r = x->request.begin(x->request.arg, &x->answer, &x->why) < 0 ? refuse(x) : 0;
	}
	return r < 0 ? 0 : size * n;
}

/* An attack on our memory: bodies without an end where a small one was asked for (test:
 * endless_bodies_are_refused). */
static int collect(struct http_exchange *x, const void *data, size_t len)
{
	size_t max = x->request.max ? x->request.max : MAX_DEFAULT;

	if (!DEFENCE("body-size"))
		max = (size_t)64 << 20; /* so that the test ends */
	if (x->passed + len > max) {
		err_set(&x->why, ERR_CORRUPT, "%s answers with more than %zu bytes", x->url.place, max);
		return refuse(x);
	}
	x->answer.body.max = max + 1;
	buf_add(&x->answer.body, data, len);
	return x->answer.body.failed ? (err_no_memory(&x->why), refuse(x)) : 0;
}

static int collect_error(struct http_exchange *x, const void *data, size_t len)
{
	size_t kept = x->answer.body.len;

	if (x->passed + len > ERROR_READ_MAX) {
		err_set(&x->why, ERR_CORRUPT, "%s answers %d with an endless text", x->url.place,
		        x->answer.status);
		return refuse(x);
	}
	x->answer.body.max = ERROR_BODY_MAX + 1;
	buf_add(&x->answer.body, data, len < ERROR_BODY_MAX - kept ? len : ERROR_BODY_MAX - kept);
	return 0;
}

static size_t on_data(char *data, size_t size, size_t n, void *arg)
{
	struct http_exchange *x = arg;
	size_t len = size * n;
	int r;

	if (x->answer.status / 100 != 2)
		r = collect_error(x, data, len);
	else if (x->request.data)
		r = x->request.data(x->request.arg, data, len, &x->why) < 0 ? refuse(x) : 0;
	else
		r = collect(x, data, len);
	x->passed += len;
	return r < 0 ? 0 : len;
}

static size_t on_read(char *data, size_t size, size_t n, void *arg)
{
	struct http_exchange *x = arg;
	ssize_t got = x->request.read(x->request.arg, data, size * n, &x->why);

	if (got < 0) {
		refuse(x);
		return CURL_READFUNC_ABORT;
	}
	return (size_t)got;
}

static int on_progress(void *arg, curl_off_t dtotal, curl_off_t dnow, curl_off_t utotal, curl_off_t unow)
{
	struct http_exchange *x = arg;

	(void)dtotal, (void)dnow, (void)utotal;
	if ((uint64_t)unow != x->uploaded) {
		x->uploaded = (uint64_t)unow;
		x->request.sent(x->request.arg, x->uploaded);
	}
	return 0;
}

/* The attack: a registry on the internet names something in our own network (a cloud's metadata service, a
 * router) as where our token comes from, by a name that resolves there (ggcr#2193; test:
 * a_public_request_reaches_no_private_address). */
static curl_socket_t on_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
	struct http_exchange *x = arg;

	(void)purpose;
	if (DEFENCE("private-address") && http_address_reach(&a->addr) != HTTP_REACH_PUBLIC) {
		err_set(&x->why, ERR_PERMISSION, "%s is at an address of a private network", x->url.place);
		refuse(x);
		return CURL_SOCKET_BAD;
	}
	x->refused = false;
	return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

/* ------------------------------------------------------------------ options */

static void set_connection(struct http_exchange *x, const struct http_patience *p)
{
	CURL *c = x->easy;

	curl_easy_setopt(c, CURLOPT_URL, x->url.text);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
	curl_easy_setopt(c, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	curl_easy_setopt(c, CURLOPT_PIPEWAIT, x->url.tls ? 1L : 0L);
	curl_easy_setopt(c, CURLOPT_USERAGENT, AGENT);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, x->error);
	curl_easy_setopt(c, CURLOPT_BUFFERSIZE, CHUNK);
	curl_easy_setopt(c, CURLOPT_UPLOAD_BUFFERSIZE, CHUNK);
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)p->connect_ms);
	curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, STALL_BYTES);
	curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, (long)p->stall_s);
	/* a proxy's own answer to CONNECT is nobody's, and our headers aren't for it */
	curl_easy_setopt(c, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	curl_easy_setopt(c, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
	if (http_host_reach(x->url.host) == HTTP_REACH_LOOPBACK)
		curl_easy_setopt(c, CURLOPT_PROXY, "");
	if (x->request.public_only && !has_proxy()) {
		curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, on_socket);
		curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, x);
	}
}

/* A CA of the caller's stands beside the system's: libcurl looks into its file and its directory both. */
static void set_tls(struct http_exchange *x)
{
	const struct http_tls *t = x->request.tls;
	const char *ca = t && t->ca_file ? t->ca_file : getenv("SSL_CERT_FILE");
	char *dir = NULL;
	CURL *c = x->easy;

	curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (ca && *ca) {
		curl_easy_setopt(c, CURLOPT_CAINFO, ca);
		if (curl_easy_getinfo(c, CURLINFO_CAPATH, &dir) || !dir)
			curl_easy_setopt(c, CURLOPT_CAPATH, SYSTEM_CERTS);
	}
	if (t && t->unverified) {
		curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 0L);
	}
	/* the client's certificate is for the registry, not for where it redirects to */
	if (t && t->cert_file && http_url_same_origin(&x->first, &x->url)) {
		curl_easy_setopt(c, CURLOPT_SSLCERT, t->cert_file);
		curl_easy_setopt(c, CURLOPT_SSLKEY, t->key_file ? t->key_file : t->cert_file);
	}
}

static void set_body(struct http_exchange *x)
{
	const struct http_request *r = &x->request;
	CURL *c = x->easy;

	if (!strcmp(r->method, "HEAD")) {
		curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
		return;
	}
	if (r->read) {
		curl_easy_setopt(c, CURLOPT_UPLOAD, 1L);
		curl_easy_setopt(c, CURLOPT_READFUNCTION, on_read);
		curl_easy_setopt(c, CURLOPT_READDATA, x);
		curl_easy_setopt(c, CURLOPT_INFILESIZE_LARGE,
		        r->read_size == UINT64_MAX ? (curl_off_t)-1 : (curl_off_t)r->read_size);
	} else if (r->body || strcmp(r->method, "GET") != 0) {
		curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)(r->body ? r->body_len : 0));
		curl_easy_setopt(c, CURLOPT_POSTFIELDS, r->body ? (const char *)r->body : "");
	}
	curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, r->method);
	if (r->sent) {
		curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
		curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
		curl_easy_setopt(c, CURLOPT_XFERINFODATA, x);
	}
}

static void set_callbacks(struct http_exchange *x)
{
	curl_easy_setopt(x->easy, CURLOPT_PRIVATE, x);
	curl_easy_setopt(x->easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(x->easy, CURLOPT_HEADERDATA, x);
	curl_easy_setopt(x->easy, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(x->easy, CURLOPT_WRITEDATA, x);
}

static int add_header(struct http_exchange *x, const char *line)
{
	struct curl_slist *more = curl_slist_append(x->sent_headers, line);

	if (!more)
		return -1;
	x->sent_headers = more;
	return 0;
}

/* A header line that no byte can end before its end. */
static bool is_one_line(const char *s)
{
	return !strpbrk(s, "\r\n");
}

/* The attack: a redirect that takes our token or password to another host (ggcr#2349; test:
 * authorization_stays_with_its_host). Another port is another host. */
static bool may_authorize(const struct http_exchange *x)
{
	return x->request.authorization &&
	       (!DEFENCE("authorization-stays") || http_url_same_origin(&x->first, &x->url));
}

static int set_headers(struct http_exchange *x, struct err *e)
{
	bool has_type = false, ok = true;
	const char *via = getenv("TARE_VIA");

	curl_slist_free_all(x->sent_headers);
	x->sent_headers = NULL;
	strv_foreach (h, x->request.headers) {
		has_type |= !strncasecmp(*h, "content-type:", 13);
		ok &= is_one_line(*h) && add_header(x, *h) == 0;
	}
	/* libcurl's own: a form's type, and waiting a second for "100 Continue" */
	ok &= (has_type || add_header(x, "Content-Type:") == 0) && add_header(x, "Expect:") == 0;
	/* a registry that fetches for its own clients knows itself again by that (RFC 9110, 7.6.3) */
	if (via && *via) {
		cleanup_free char *line = str_printf("Via: 1.1 %s", via);
		ok &= line && is_one_line(line) && add_header(x, line) == 0;
	}
	/* what is asked for has a digest: no encoding may be put around it */
	ok &= add_header(x, "Accept-Encoding: identity") == 0;
	if (may_authorize(x)) {
		cleanup_free char *line = str_printf("Authorization: %s", x->request.authorization);
		ok &= line && is_one_line(line) && add_header(x, line) == 0;
	}
	if (!ok)
		return err_set(e, ERR_OTHER, "cannot make the headers of a request to %s", x->url.host);
	curl_easy_setopt(x->easy, CURLOPT_HTTPHEADER, x->sent_headers);
	return 0;
}

int http_transfer_prepare(struct http_exchange *x, const struct http_patience *p, struct err *e)
{
	if (!x->easy && !(x->easy = curl_easy_init()))
		return err_no_memory(e);
	curl_easy_reset(x->easy);
	http_headers_reset(x);
	buf_reset(&x->answer.body);
	x->passed = 0;
	x->answer.url = x->url.text;
	x->answer.peer = "";
	x->answer.plain = false;
	x->answer.exchange = x;
	*x->error = '\0';
	set_connection(x, p);
	set_tls(x);
	set_body(x);
	set_callbacks(x);
	return set_headers(x, e);
}

/* ------------------------------------------------------------------ the end */

static enum http_failure fail(struct http_exchange *x, enum http_failure f, CURLcode code)
{
	long sys = 0;

	/* libcurl's own words for it leave out why */
	if (code == CURLE_COULDNT_CONNECT && !curl_easy_getinfo(x->easy, CURLINFO_OS_ERRNO, &sys) && sys)
		err_set(&x->why, ERR_OTHER, "%s: %s", x->url.place, strerror((int)sys));
	else if (code == CURLE_OUT_OF_MEMORY) /* its lines have at most 100 KB */
		err_set(&x->why, ERR_OTHER, "%s sends a line without end, or memory is short", x->url.place);
	else
		err_set(&x->why, ERR_OTHER, "%s: %s", x->url.place,
		        *x->error ? x->error : curl_easy_strerror(code));
	return f;
}

/* The handshake wasn't answered by something else than TLS, it was cut: by a bad line, or by a server of
 * plain http that says nothing. libcurl with OpenSSL tells the two apart by its words only. */
static bool was_hung_up(const struct http_exchange *x)
{
	return strstr(x->error, "SSL_connect:");
}

enum http_failure http_transfer_verdict(struct http_exchange *x, CURLcode code)
{
	note_peer(x);
	if (code == CURLE_OK)
		return HTTP_OK_SO_FAR;
	if (x->refused)
		return HTTP_REFUSED;
	switch (code) {
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_CONNECT:
	case CURLE_INTERFACE_FAILED:
		return fail(x, HTTP_UNREACHABLE, code);
	case CURLE_OPERATION_TIMEDOUT:
		return fail(x, x->answer.status ? HTTP_BROKEN : HTTP_UNREACHABLE, code);
	case CURLE_SSL_CONNECT_ERROR:
		x->answer.plain = true;
		return fail(x, was_hung_up(x) ? HTTP_UNREACHABLE : HTTP_TLS_FAILED, code);
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_CIPHER:
		return fail(x, HTTP_TLS_FAILED, code);
	case CURLE_PARTIAL_FILE:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
	case CURLE_SEND_FAIL_REWIND:
	case CURLE_GOT_NOTHING:
	case CURLE_HTTP2:
	case CURLE_HTTP2_STREAM:
		return fail(x, HTTP_BROKEN, code);
	default:
		return fail(x, HTTP_REFUSED, code);
	}
}

/* The attacks: Location: file:///etc/shadow, or http:// after https:// so that anybody on the way may change
 * what we get and read what we ask (test: redirects_to_other_schemes_are_refused); a chain without an end. */
static int check_target(struct http_exchange *x, const struct http_url *to)
{
	if (DEFENCE("no-downgrade") && x->url.tls && !to->tls)
		return err_set(&x->why, ERR_PERMISSION, "%s redirects from https to http", x->url.place);
	if (++x->redirects > (DEFENCE("redirects-end") ? REDIRECTS_MAX : 1000000))
		return err_set(&x->why, ERR_CORRUPT, "%s redirects more than %d times", x->first.host,
		        REDIRECTS_MAX);
	return 0;
}

int http_transfer_redirect(struct http_exchange *x)
{
	cleanup_http_url struct http_url to = HTTP_URL_INIT;
	cleanup_free char *text = NULL;

	if (!is_redirect(x))
		return 0;
	text = http_url_resolve(x->url.text, http_header(&x->answer, "location"), &x->why);
	if (!text || http_url_parse(text, &to, &x->why) < 0) {
		err_wrap(&x->why, "%s redirects to a bad place", x->url.place);
		return refuse(x);
	}
	if (check_target(x, &to) < 0)
		return refuse(x);
	http_url_free(&x->url);
	x->url = to;
	to = (struct http_url)HTTP_URL_INIT;
	return 1;
}
