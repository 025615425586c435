#include "tui/login_form.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "engine/tare.h"
#include "tui/app.h"
#include "tui/form.h"
#include "tui/job.h"
#include "tui/model.h"
#include "tui/request.h"

#define HOST_CHARACTERS                                                                                      \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:/[]" /* a path may follow a host  \
	                                                                         */

enum { LOGIN_REGISTRY, LOGIN_USER, LOGIN_PASSWORD, LOGIN_N };

static const struct form_field fields[LOGIN_N] = {
        [LOGIN_REGISTRY] = {.label = "Registry", .kind = FIELD_TEXT},
        [LOGIN_USER] = {.label = "User", .kind = FIELD_TEXT},
        [LOGIN_PASSWORD] = {.label = "Password", .kind = FIELD_TEXT, .is_secret = true},
};

struct login_form {
	struct form form; /* first */
	unsigned again;
};

/* ------------------------------------------------------------------ when it is asked for */

bool login_wanted(const struct job *j, char registry[static LOGIN_REGISTRY_SIZE])
{
	static const char words[] = "tare login";
	const char *s = j->state == JOB_FAILED && j->messages ? strstr(j->messages, words) : NULL;
	size_t n;

	*registry = '\0';
	if (!s)
		return false;
	s += sizeof(words) - 1;
	s += strspn(s, " ");
	n = strspn(s, HOST_CHARACTERS);
	while (n && strchr(".:", s[n - 1])) /* of the sentence */
		n--;
	if (n < LOGIN_REGISTRY_SIZE)
		snprintf(registry, LOGIN_REGISTRY_SIZE, "%.*s", (int)n, s);
	return true;
}

/* ------------------------------------------------------------------ the command */

static char **command_of(const struct form *f)
{
	char **args = NULL;

	strv_add(&args, "login");
	strv_add(&args, "--username");
	strv_add(&args, *form_text(f, LOGIN_USER) ? form_text(f, LOGIN_USER) : "USER");
	strv_add(&args, "--password-stdin");
	if (*form_text(f, LOGIN_REGISTRY))
		strv_add(&args, form_text(f, LOGIN_REGISTRY));
	return args;
}

static void show_command(struct form *f)
{
	cleanup_strv char **args = command_of(f);

	form_set_summary(f, job_command_text(f->v.app, args));
}

/* ------------------------------------------------------------------ what is right */

static const char *wrong(const struct form *f, size_t field)
{
	const char *text = form_text(f, field);

	switch (field) {
	case LOGIN_REGISTRY:
		if (strstr(text, "://"))
			return "its name alone, as in registry.example.com:5000";
		return text[strspn(text, HOST_CHARACTERS)] ? "a registry is HOST[:PORT], as in quay.io" : "";
	case LOGIN_USER:
		return *text ? "" : "who are you there?";
	default:
		return *text ? "" : "a password, or a token in its place";
	}
}

static void changed(struct form *f, size_t field)
{
	snprintf(f->fields[field].error, FORM_ERROR_SIZE, "%s", wrong(f, field));
	show_command(f);
}

static void offer(char ***candidates, const char *typed, const char *host)
{
	strv_foreach (s, *candidates)
		if (!strcmp(*s, host))
			return;
	if (strstr(host, typed))
		strv_add(candidates, host);
}

/* The registries that the images here came from. */
static void complete(struct form *f, size_t field, const char *text, char ***candidates)
{
	const struct tare_image_list *images = model_images(app_model(f->v.app));

	if (field != LOGIN_REGISTRY)
		return;
	offer(candidates, text, "docker.io");
	for (size_t i = 0; i < images->n; i++) {
		const char *ref = images->rows[i].reference;
		cleanup_free char *host = ref ? str_printf("%.*s", (int)strcspn(ref, "/"), ref) : NULL;

		if (host)
			offer(candidates, text, host);
	}
}

/* ------------------------------------------------------------------ its end */

static void logged_in(struct app *a, const struct job *j, int again)
{
	app_toast(a, TOAST_OK, "%s: done", j->title);
	if (again)
		request_again(a, (unsigned)again);
}

static unsigned submit(struct form *f)
{
	const struct login_form *l = (struct login_form *)f;
	const char *registry = form_text(f, LOGIN_REGISTRY);
	cleanup_strv char **args = command_of(f);
	struct request *r = request_new("");

	strv_foreach (s, args)
		request_word(r, *s);
	request_title(r, "log in to %s", *registry ? registry : "docker.io");
	request_input(r, form_text(f, LOGIN_PASSWORD));
	if (r) {
		r->done = logged_in;
		r->value = (int)l->again;
	}
	request_start(f->v.app, r);
	return VIEW_DONE | VIEW_CLOSE;
}

static void nothing_added(struct form *f)
{
	(void)f;
}

static const struct form_ops ops = {changed, complete, submit, nothing_added};

/* What waits for it. */
static void set_note(struct form *f, unsigned again)
{
	const struct job *const *jobs;
	size_t n = jobs_list(app_jobs(f->v.app), &jobs);

	for (size_t i = 0; i < n; i++)
		if (jobs[i]->number == again)
			form_set_note(
			        f, LOGIN_REGISTRY, str_printf("then it goes on with: %s", jobs[i]->title));
}

struct view *login_form_new(struct app *a, const char *registry, unsigned again)
{
	struct login_form *l = calloc(1, sizeof(*l));
	struct form *f = &l->form;

	if (!l || form_init(f, a, &ops, "Log in to a registry", "Log in", fields, LOGIN_N) < 0)
		return NULL;
	l->again = again;
	form_set_placeholder(f, LOGIN_REGISTRY, strdup("docker.io"));
	form_set_placeholder(f, LOGIN_PASSWORD, strdup("or an access token"));
	if (*registry) {
		form_set_text(f, LOGIN_REGISTRY, registry);
		f->focus = LOGIN_USER;
	}
	set_note(f, again);
	show_command(f);
	return &f->v;
}
