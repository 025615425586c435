/* Asking and waiting: one request, its answer kept. */
#include <stdlib.h>
#include <string.h>

#include "registry/client/remote_private.h"

void remote_reply_free(struct remote_reply *r)
{
	buf_free(&r->body);
	free(r->type);
	free(r->digest);
	*r = (struct remote_reply)REMOTE_REPLY_INIT;
}

struct wait {
	struct remote *remote;
	const char *doing;
	struct remote_reply *reply;
	bool over;
};

static char *header_copy(const struct http_answer *a, const char *name)
{
	const char *value = http_header(a, name);

	return value ? strdup(value) : NULL;
}

static void wait_done(void *arg, const struct http_answer *a, enum http_failure f, const struct err *why)
{
	struct wait *w = arg;
	struct remote_reply *reply = w->reply;

	w->over = true;
	if (f != HTTP_OK_SO_FAR) {
		reply->why = *why;
		err_wrap(&reply->why, "cannot %s", w->doing);
		return;
	}
	reply->status = a->status;
	reply->length = a->length;
	if (a->status / 100 != 2) {
		remote_error(w->remote, w->doing, a, &reply->why);
		return;
	}
	reply->body.max = a->body.len + 1;
	buf_add(&reply->body, buf_str(&a->body), a->body.len);
	reply->type = header_copy(a, "content-type");
	reply->digest = header_copy(a, "docker-content-digest");
}

int remote_ask(struct remote *r, const struct remote_request *q, const char *doing,
        struct remote_reply *reply, struct err *e)
{
	struct wait w = {.remote = r, .doing = doing, .reply = reply};
	struct remote_request own = *q;

	remote_reply_free(reply);
	own.http.done = wait_done;
	own.http.arg = &w;
	if (remote_request(r, &own, e) < 0)
		return -1;
	/* the wait's frame must outlive its request: an error of the loop ends all requests */
	while (!w.over)
		if (http_step(r->http, -1, &reply->why) < 0)
			remote_calls_end(r);
	if (reply->status / 100 == 2 && !reply->body.failed)
		return 0;
	if (e)
		*e = reply->why;
	return -1;
}
