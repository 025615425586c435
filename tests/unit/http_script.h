/* An HTTP server that says exactly what a test wrote: raw bytes by request, cut connections, silences, lies;
 * plain or TLS with a certificate made for it. A thread for each connection. Included after cmocka.h. */
#ifndef TARE_TESTS_UNIT_HTTP_SCRIPT_H
#define TARE_TESTS_UNIT_HTTP_SCRIPT_H

#include <arpa/inet.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/proc.h"

#define SCRIPT_RULES       64
#define SCRIPT_HEARD       256
#define SCRIPT_CONNECTIONS 64

enum script_end {
	SCRIPT_GOES_ON, /* the connection serves the next request */
	SCRIPT_CUT,     /* closed behind what was said */
	SCRIPT_SILENT,  /* open, but nothing more comes */
	SCRIPT_ENDLESS, /* the last bytes again and again */
};

struct script_rule {
	char *match; /* the beginning of the request: "GET /v2/a" */
	char *head;  /* raw, with the empty line */
	char *body;
	size_t body_len, chunk; /* chunk: of an endless one */
	enum script_end end;
	int times; /* left; -1 always */
	int delay_ms;
};

struct script {
	int fd, family;
	unsigned port;
	char host[64]; /* "127.0.0.1:34567" */
	bool tls;
	bool asks_cert; /* of the client; those that came are counted */
	unsigned n_certs;
	bool hangs_up; /* on who wants TLS where there is none, instead of an answer */
	gnutls_certificate_credentials_t cred;
	pthread_t acceptor;
	pthread_mutex_t lock;
	bool stopping;
	struct script_rule rules[SCRIPT_RULES];
	unsigned n_rules;
	char *heard[SCRIPT_HEARD];
	unsigned n_heard, n_connections, now, most;
	pthread_t threads[SCRIPT_CONNECTIONS];
	int sockets[SCRIPT_CONNECTIONS];
	unsigned n_threads;
};

struct script_connection {
	struct script *script;
	int fd;
	unsigned slot;
	gnutls_session_t tls; /* or NULL */
};

/* ---------------------------------------------------------------- bytes */

static inline ssize_t script_recv(struct script_connection *c, void *data, size_t len)
{
	if (c->tls)
		return gnutls_record_recv(c->tls, data, len);
	return recv(c->fd, data, len, 0);
}

static inline bool script_send(struct script_connection *c, const char *data, size_t len)
{
	while (len) {
		ssize_t n =
		        c->tls ? gnutls_record_send(c->tls, data, len) : send(c->fd, data, len, MSG_NOSIGNAL);
		if (n <= 0)
			return false;
		data += n;
		len -= (size_t)n;
	}
	return true;
}

/* ---------------------------------------------------------------- one connection */

static inline struct script_rule *script_find(struct script *s, const char *request)
{
	for (unsigned i = 0; i < s->n_rules; i++) {
		struct script_rule *r = &s->rules[i];
		if (r->times && !strncmp(request, r->match, strlen(r->match))) {
			r->times -= r->times > 0;
			return r;
		}
	}
	return NULL;
}

/* Headers and, by its length or as chunks, the body. */
static inline bool script_hear(struct script_connection *c, struct buf *request)
{
	char *end, *length, *chunked;
	size_t want;
	char block[16384];

	buf_reset(request);
	while (!(end = strstr(buf_str(request), "\r\n\r\n"))) {
		ssize_t n = script_recv(c, block, sizeof(block));
		if (n <= 0)
			return false;
		/* a client that wants TLS where there is none */
		if (!request->len && *block == 0x16) {
			if (!c->script->hangs_up)
				script_send(c, "HTTP/1.0 400 Bad Request\r\n\r\nwrong\n", 34);
			return false;
		}
		buf_add(request, block, (size_t)n);
	}
	length = strcasestr(request->data, "\r\ncontent-length: ");
	chunked = strcasestr(request->data, "\r\ntransfer-encoding: chunked");
	want = (size_t)(end + 4 - request->data) +
	       (length && length < end ? strtoul(length + 18, NULL, 10) : 0);
	while (chunked ? !strstr(request->data, "\r\n0\r\n\r\n") : request->len < want) {
		ssize_t n = script_recv(c, block, sizeof(block));
		if (n <= 0)
			return false;
		buf_add(request, block, (size_t)n);
	}
	return true;
}

static inline bool script_answer(struct script_connection *c, const struct script_rule *r, bool head_only)
{
	struct pollfd quiet = {.fd = c->fd, .events = POLLIN};
	bool good;

	if (r->delay_ms)
		poll(NULL, 0, r->delay_ms);
	good = script_send(c, r->head, strlen(r->head)) &&
	       (head_only || script_send(c, r->body, r->body_len));
	while (good && r->end == SCRIPT_ENDLESS)
		good = script_send(c, r->body, r->body_len);
	if (r->end == SCRIPT_SILENT)
		poll(&quiet, 1, 20000);
	return good && r->end == SCRIPT_GOES_ON;
}

static inline bool script_serve(struct script_connection *c, struct buf *request)
{
	static const struct script_rule nothing = {
	        .head = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", .body = ""};
	struct script *s = c->script;
	const struct script_rule *r;
	bool more;

	if (!script_hear(c, request))
		return false;
	pthread_mutex_lock(&s->lock);
	if (s->n_heard < SCRIPT_HEARD)
		s->heard[s->n_heard++] = strdup(request->data);
	r = script_find(s, request->data);
	if (++s->now > s->most)
		s->most = s->now;
	pthread_mutex_unlock(&s->lock);
	more = script_answer(c, r ? r : &nothing, !strncmp(request->data, "HEAD ", 5));
	pthread_mutex_lock(&s->lock);
	s->now--;
	pthread_mutex_unlock(&s->lock);
	return more;
}

static inline bool script_handshake(struct script_connection *c)
{
	unsigned n = 0;
	int r;

	if (!c->script->tls)
		return true;
	gnutls_init(&c->tls, GNUTLS_SERVER);
	gnutls_set_default_priority(c->tls);
	gnutls_credentials_set(c->tls, GNUTLS_CRD_CERTIFICATE, c->script->cred);
	gnutls_certificate_server_set_request(
	        c->tls, c->script->asks_cert ? GNUTLS_CERT_REQUEST : GNUTLS_CERT_IGNORE);
	gnutls_transport_set_int(c->tls, c->fd);
	do
		r = gnutls_handshake(c->tls);
	while (r < 0 && !gnutls_error_is_fatal(r));
	if (r == 0 && gnutls_certificate_get_peers(c->tls, &n) && n) {
		pthread_mutex_lock(&c->script->lock);
		c->script->n_certs++;
		pthread_mutex_unlock(&c->script->lock);
	}
	return r == 0;
}

static inline void *script_talk(void *arg)
{
	struct script_connection *c = arg;
	cleanup_buf struct buf request = BUF_INIT;

	if (script_handshake(c))
		while (script_serve(c, &request))
			continue;
	if (c->tls)
		gnutls_deinit(c->tls);
	/* closed by script_stop(), which may still shut it down; the other side learns of the end now */
	shutdown(c->fd, SHUT_RDWR);
	free(c);
	return NULL;
}

static inline void *script_accept(void *arg)
{
	struct script *s = arg;
	int fd;

	while ((fd = accept(s->fd, NULL, NULL)) >= 0) {
		struct script_connection *c = calloc(1, sizeof(*c));
		pthread_mutex_lock(&s->lock);
		if (s->stopping || s->n_threads == SCRIPT_CONNECTIONS) {
			pthread_mutex_unlock(&s->lock);
			close(fd);
			free(c);
			continue;
		}
		s->n_connections++;
		c->script = s;
		c->fd = fd;
		c->slot = s->n_threads;
		s->sockets[c->slot] = fd;
		if (pthread_create(&s->threads[c->slot], NULL, script_talk, c) == 0)
			s->n_threads++;
		pthread_mutex_unlock(&s->lock);
	}
	return NULL;
}

/* ---------------------------------------------------------------- TLS */

static inline void script_write(const char *path, gnutls_datum_t *pem, const char *mode)
{
	FILE *f = fopen(path, mode);

	assert_non_null(f);
	fwrite(pem->data, 1, pem->size, f);
	fclose(f);
	gnutls_free(pem->data);
}

/* A certificate for 127.0.0.1 and localhost that signs itself. Written to `file` when given; with its key
 * behind it when `cred` is NULL: then it is a client's. */
static inline void script_certify(gnutls_certificate_credentials_t *cred, const char *file)
{
	gnutls_x509_privkey_t key;
	gnutls_x509_crt_t crt;
	gnutls_datum_t pem;
	unsigned char ip[4] = {127, 0, 0, 1};

	gnutls_x509_privkey_init(&key);
	gnutls_x509_privkey_generate(
	        key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
	gnutls_x509_crt_init(&crt);
	gnutls_x509_crt_set_version(crt, 3);
	gnutls_x509_crt_set_serial(crt, "\001", 1);
	gnutls_x509_crt_set_activation_time(crt, time(NULL) - 60);
	gnutls_x509_crt_set_expiration_time(crt, time(NULL) + 3600);
	gnutls_x509_crt_set_key(crt, key);
	gnutls_x509_crt_set_basic_constraints(crt, 1, -1);
	gnutls_x509_crt_set_dn(crt, "CN=script", NULL);
	gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_IPADDRESS, ip, sizeof(ip), GNUTLS_FSAN_SET);
	gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_DNSNAME, "localhost", 9, GNUTLS_FSAN_APPEND);
	gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0);
	if (cred) {
		gnutls_certificate_allocate_credentials(cred);
		gnutls_certificate_set_x509_key(*cred, &crt, 1, key);
	}
	if (file && gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &pem) == 0)
		script_write(file, &pem, "we");
	if (!cred && gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &pem) == 0)
		script_write(file, &pem, "ae");
	gnutls_x509_crt_deinit(crt);
	gnutls_x509_privkey_deinit(key);
}

/* ---------------------------------------------------------------- its life */

static inline struct script *script_open(const char *ip, bool tls, const char *ca_file)
{
	struct script *s = calloc(1, sizeof(*s));
	struct sockaddr_in a = {.sin_family = AF_INET};
	socklen_t len = sizeof(a);

	assert_non_null(s);
	signal(SIGPIPE, SIG_IGN);
	pthread_mutex_init(&s->lock, NULL);
	s->tls = tls;
	if (tls)
		script_certify(&s->cred, ca_file);
	assert_int_equal(inet_pton(AF_INET, ip, &a.sin_addr), 1);
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(s->fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(s->fd, 64), 0);
	assert_int_equal(getsockname(s->fd, (struct sockaddr *)&a, &len), 0);
	s->port = ntohs(a.sin_port);
	snprintf(s->host, sizeof(s->host), "%s:%u", ip, s->port);
	assert_int_equal(pthread_create(&s->acceptor, NULL, script_accept, s), 0);
	return s;
}

static inline struct script *script_start(void)
{
	return script_open("127.0.0.1", false, NULL);
}

static inline void script_stop(struct script *s)
{
	pthread_mutex_lock(&s->lock);
	s->stopping = true;
	for (unsigned i = 0; i < s->n_threads; i++)
		shutdown(s->sockets[i], SHUT_RDWR);
	pthread_mutex_unlock(&s->lock);
	shutdown(s->fd, SHUT_RDWR);
	pthread_join(s->acceptor, NULL);
	close(s->fd);
	for (unsigned i = 0; i < s->n_threads; i++) {
		pthread_join(s->threads[i], NULL);
		close(s->sockets[i]);
	}
	for (unsigned i = 0; i < s->n_rules; i++) {
		free(s->rules[i].match);
		free(s->rules[i].head);
		free(s->rules[i].body);
	}
	for (unsigned i = 0; i < s->n_heard; i++)
		free(s->heard[i]);
	if (s->tls)
		gnutls_certificate_free_credentials(s->cred);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

/* ---------------------------------------------------------------- words for what it says and heard */

/* What is said once to a request that begins so, in the order of these calls: headers as given (lines ended
 * by \r\n, without the empty one) and bytes, whose length is announced unless the headers do or `end` isn't
 * SCRIPT_GOES_ON. */
static inline struct script_rule *script_bytes(struct script *s, const char *match, const char *status,
        const char *headers, const void *body, size_t len, enum script_end end)
{
	struct script_rule *r = &s->rules[s->n_rules];
	char length[48] = "";

	assert_true(s->n_rules < SCRIPT_RULES);
	if (end == SCRIPT_GOES_ON && !strcasestr(headers, "content-length"))
		snprintf(length, sizeof(length), "Content-Length: %zu\r\n", len);
	r->match = strdup(match);
	r->head = str_printf("HTTP/1.1 %s\r\n%s%s\r\n", status, headers, length);
	r->body = malloc(len + 1);
	memcpy(r->body, body, len);
	r->body_len = len;
	r->end = end;
	r->times = 1;
	pthread_mutex_lock(&s->lock);
	s->n_rules++;
	pthread_mutex_unlock(&s->lock);
	return r;
}

static inline struct script_rule *script_says(
        struct script *s, const char *match, const char *status, const char *headers, const char *body)
{
	return script_bytes(s, match, status, headers, body, strlen(body), SCRIPT_GOES_ON);
}

/* How many requests began so. */
static inline unsigned script_count(struct script *s, const char *match)
{
	unsigned n = 0;

	pthread_mutex_lock(&s->lock);
	for (unsigned i = 0; i < s->n_heard; i++)
		n += !strncmp(s->heard[i], match, strlen(match));
	pthread_mutex_unlock(&s->lock);
	return n;
}

/* The nth one that began so, whole; "" when there was none. */
static inline const char *script_heard(struct script *s, const char *match, unsigned n)
{
	const char *found = "";

	pthread_mutex_lock(&s->lock);
	for (unsigned i = 0; i < s->n_heard && !*found; i++)
		if (!strncmp(s->heard[i], match, strlen(match)) && n-- == 0)
			found = s->heard[i];
	pthread_mutex_unlock(&s->lock);
	return found;
}

/* Did anything that it heard hold this? */
static inline bool script_knows(struct script *s, const char *secret)
{
	bool found = false;

	pthread_mutex_lock(&s->lock);
	for (unsigned i = 0; i < s->n_heard; i++)
		found |= strcasestr(s->heard[i], secret) != NULL;
	pthread_mutex_unlock(&s->lock);
	return found;
}

#endif
