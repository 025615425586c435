#include "tui/run_form.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/text.h"
#include "engine/tare.h"
#include "tui/actions_state.h"
#include "tui/app.h"
#include "tui/form.h"
#include "tui/image_name.h"
#include "tui/job.h"
#include "tui/model.h"
#include "tui/request.h"
#include "tui/run_check.h"
#include "tui/words.h"

static const char *const modes[] = {"in the background", "in a pane, to type in", NULL};
enum { MODE_BACKGROUND, MODE_PANE };

static const struct form_field fields[RUN_N] = {
        [RUN_IMAGE] = {.label = "Image", .kind = FIELD_TEXT},
        [RUN_NAME] = {.label = "Name", .kind = FIELD_TEXT},
        [RUN_COMMAND] = {.label = "Command", .kind = FIELD_TEXT},
        [RUN_MODE] = {.label = "Run it", .kind = FIELD_CHOICE, .choices = modes},
        [RUN_REMOVE] = {.label = "Remove at its end", .kind = FIELD_FLAG},
        [RUN_ENV] = {.label = "Variables", .kind = FIELD_TEXT},
        [RUN_VOLUMES] = {.label = "Volumes", .kind = FIELD_TEXT},
        [RUN_PORTS] = {.label = "Ports", .kind = FIELD_TEXT},
        [RUN_NETWORK] = {.label = "Network", .kind = FIELD_TEXT},
        [RUN_MEMORY] = {.label = "Memory", .kind = FIELD_TEXT},
        [RUN_CPUS] = {.label = "CPUs", .kind = FIELD_TEXT},
        [RUN_PIDS] = {.label = "Processes", .kind = FIELD_TEXT},
        [RUN_RESTART] = {.label = "Restart policy", .kind = FIELD_TEXT},
        [RUN_HEALTH] = {.label = "Health check", .kind = FIELD_TEXT},
        [RUN_WORKDIR] = {.label = "Directory", .kind = FIELD_TEXT},
        [RUN_USER] = {.label = "User", .kind = FIELD_TEXT},
        [RUN_PROFILE] = {.label = "Security profile", .kind = FIELD_TEXT},
        [RUN_USERNS] = {.label = "User namespace", .kind = FIELD_TEXT},
        [RUN_READ_ONLY] = {.label = "Read-only files", .kind = FIELD_FLAG},
        [RUN_INIT] = {.label = "Init as process 1", .kind = FIELD_FLAG},
        [RUN_TTY] = {.label = "With a terminal", .kind = FIELD_FLAG},
};

struct run_form {
	struct form form; /* first */
	json *image;      /* of the reference typed, when it is here; else NULL */
	char *known;      /* the text that `image` belongs to */
};

/* ------------------------------------------------------------------ the image's defaults */

/* As one would type it, cut where a field would cut it anyway. */
static char *quoted(char *const *words)
{
	cleanup_buf struct buf b = BUF_INIT;

	strv_foreach (s, words) {
		if (b.len)
			buf_char(&b, ' ');
		text_shell_quote(&b, *s);
	}
	return b.len ? buf_take(&b) : NULL;
}

static char *keys_of(json *object)
{
	cleanup_buf struct buf b = BUF_INIT;

	if (!object || !json_object_is_type(object, json_type_object))
		return NULL;
	json_object_object_foreach (object, key, value) {
		(void)value;
		buf_printf(&b, "%s%s", b.len ? " " : "", key);
	}
	return b.len ? buf_take(&b) : NULL;
}

static char *image_note(json *config)
{
	cleanup_strv char **entry = json_strv(config, "Entrypoint");
	cleanup_free char *entrypoint = quoted(entry), *ports = keys_of(json_get(config, "ExposedPorts"));
	cleanup_free char *volumes = keys_of(json_get(config, "Volumes"));
	cleanup_buf struct buf raw = BUF_INIT, clean = BUF_INIT;

	if (entrypoint)
		buf_printf(&raw, "entrypoint %s   ", entrypoint);
	if (ports)
		buf_printf(&raw, "exposes %s   ", ports);
	if (volumes)
		buf_printf(&raw, "volumes %s", volumes);
	text_harmless(&clean, buf_str(&raw), raw.len);
	return clean.len ? buf_take(&clean) : NULL;
}

static char *or_else(json *config, const char *key, const char *dflt)
{
	const char *s = json_str(config, key, "");

	return strdup(*s ? s : dflt);
}

static void show_defaults(struct run_form *r)
{
	struct form *f = &r->form;
	json *config = json_get(r->image, "Config");
	cleanup_strv char **cmd = json_strv(config, "Cmd"), **env = json_strv(config, "Env");
	char *command = quoted(cmd), *variables = quoted(env);

	if (!r->image && *form_text(f, RUN_IMAGE) && !app_is_demo(f->v.app))
		form_set_note(f, RUN_IMAGE, strdup("it is not here yet: pulled first"));
	else
		form_set_note(f, RUN_IMAGE, image_note(config));
	form_set_placeholder(f, RUN_COMMAND, command ? command : strdup(r->image ? "" : "the image's"));
	form_set_placeholder(f, RUN_ENV, variables ? variables : strdup("KEY=VALUE KEY='a value'"));
	form_set_placeholder(f, RUN_WORKDIR, or_else(config, "WorkingDir", "/"));
	form_set_placeholder(f, RUN_USER, or_else(config, "User", "root"));
}

static const char *default_network(struct app *a)
{
	const struct tare_network_list *l = model_networks(app_model(a));

	return l->n && l->rows[0].is_default ? l->rows[0].name : "the default one";
}

static void fixed_placeholders(struct form *f)
{
	form_set_placeholder(f, RUN_IMAGE, strdup("type, or Down to choose"));
	form_set_placeholder(f, RUN_NAME, strdup("one is made up"));
	form_set_placeholder(f, RUN_VOLUMES, strdup("data:/var/lib/data /srv/www:/www:ro"));
	form_set_placeholder(f, RUN_MEMORY, strdup("no limit; 256m, 1.5g"));
	form_set_placeholder(f, RUN_CPUS, strdup("no limit; 0.5, 2"));
	form_set_placeholder(f, RUN_PIDS, strdup("no limit; 100"));
	form_set_placeholder(f, RUN_PORTS, strdup("none published; 8080:80 127.0.0.1:5353:53/udp"));
	form_set_placeholder(f, RUN_NETWORK, strdup(default_network(f->v.app)));
	form_set_placeholder(f, RUN_PROFILE, strdup("default"));
	form_set_placeholder(f, RUN_RESTART, strdup("no; always, unless-stopped, on-failure:5"));
	form_set_placeholder(f, RUN_HEALTH, strdup("the image's; wget -qO- localhost/health"));
	form_set_placeholder(f, RUN_USERNS, strdup("the host's; auto: one of its own"));
}

/* Another reference: look for its image, once. */
static void look_up(struct run_form *r)
{
	struct tare_engine *engine = app_engine(r->form.v.app);
	const char *text = form_text(&r->form, RUN_IMAGE);

	if (r->known && !strcmp(r->known, text))
		return;
	free(r->known);
	r->known = strdup(text);
	json_free(&r->image);
	if (*text && engine->image_inspect(engine, text, &r->image, NULL) < 0)
		r->image = NULL;
	show_defaults(r);
}

/* ------------------------------------------------------------------ the command */

static void add_option(char ***args, const char *flag, const char *value)
{
	if (!*value)
		return;
	strv_add(args, flag);
	strv_add(args, value);
}

static void add_each(char ***args, const char *flag, const char *text)
{
	cleanup_strv char **words = words_split(text, NULL);

	strv_foreach (s, words)
		add_option(args, flag, *s);
}

static void add_list(char ***args, const char *flag, const char *text)
{
	cleanup_strv char **words = run_list(text, NULL);

	strv_foreach (s, words)
		add_option(args, flag, *s);
}

static void add_flag(char ***args, const struct form *f, size_t field, const char *flag)
{
	if (f->fields[field].value)
		strv_add(args, flag);
}

/* tare's words; the caller's to strv_free. */
static char **command_of(const struct form *f)
{
	bool in_pane = f->fields[RUN_MODE].value == MODE_PANE;
	char **args = NULL;

	strv_add(&args, "run");
	strv_add(&args, in_pane ? "-it" : "-d");
	if (!in_pane)
		add_flag(&args, f, RUN_TTY, "-t");
	add_flag(&args, f, RUN_REMOVE, "--rm");
	add_option(&args, "--name", form_text(f, RUN_NAME));
	add_each(&args, "-e", form_text(f, RUN_ENV));
	add_each(&args, "-v", form_text(f, RUN_VOLUMES));
	add_list(&args, "-p", form_text(f, RUN_PORTS));
	add_list(&args, "--network", form_text(f, RUN_NETWORK));
	add_option(&args, "-m", form_text(f, RUN_MEMORY));
	add_option(&args, "--cpus", form_text(f, RUN_CPUS));
	add_option(&args, "--pids-limit", form_text(f, RUN_PIDS));
	add_option(&args, "--restart", form_text(f, RUN_RESTART));
	add_option(&args, "--health-cmd", form_text(f, RUN_HEALTH));
	add_option(&args, "-w", form_text(f, RUN_WORKDIR));
	add_option(&args, "-u", form_text(f, RUN_USER));
	add_option(&args, "--security-profile", form_text(f, RUN_PROFILE));
	add_option(&args, "--userns", form_text(f, RUN_USERNS));
	add_flag(&args, f, RUN_READ_ONLY, "--read-only");
	add_flag(&args, f, RUN_INIT, "--init");
	if (*form_text(f, RUN_IMAGE)) {
		cleanup_strv char **words = words_split(form_text(f, RUN_COMMAND), NULL);

		strv_add(&args, form_text(f, RUN_IMAGE));
		strv_foreach (s, words)
			strv_add(&args, *s);
	}
	return args;
}

static void show_command(struct form *f)
{
	cleanup_strv char **args = command_of(f);
	cleanup_free char *text = quoted(args);

	form_set_summary(f, str_printf("%s %s%s", app_tare_text(f->v.app), text ? text : "",
	                            *form_text(f, RUN_IMAGE) ? "" : " IMAGE"));
}

/* ------------------------------------------------------------------ the form's questions */

/* One that could still become a known image while it is being typed is not wrong yet. */
static void check_image(struct run_form *r)
{
	struct form *f = &r->form;
	char *error = f->fields[RUN_IMAGE].error;

	*error = '\0';
	if (r->image || (f->focus == RUN_IMAGE && f->candidates))
		return;
	if (!*form_text(f, RUN_IMAGE))
		snprintf(error, FORM_ERROR_SIZE, "a container needs an image");
	else if (app_is_demo(f->v.app)) /* there a run pulls nothing */
		snprintf(error, FORM_ERROR_SIZE,
		        "there is no such image here; 2 shows those that are, and pulls one");
	else
		image_name_check(form_text(f, RUN_IMAGE), error, FORM_ERROR_SIZE);
}

/* What is removed at its end cannot start again. */
static void check_again(struct run_form *r)
{
	struct form *f = &r->form;
	const char *policy = form_text(f, RUN_RESTART);
	char *error = f->fields[RUN_RESTART].error;

	if (run_check(f->v.app, RUN_RESTART, policy, error, FORM_ERROR_SIZE) && *policy &&
	        strcmp(policy, "no") != 0 && f->fields[RUN_REMOVE].value)
		snprintf(error, FORM_ERROR_SIZE, "it is removed at its end, and cannot start again");
}

static void changed(struct form *f, size_t field)
{
	struct run_form *r = (struct run_form *)f;

	if (field == RUN_IMAGE) {
		look_up(r);
		check_image(r);
	} else if (f->fields[field].kind == FIELD_TEXT) {
		run_check(f->v.app, (enum run_field)field, form_text(f, field), f->fields[field].error,
		        FORM_ERROR_SIZE);
	}
	if (field == RUN_REMOVE || field == RUN_RESTART)
		check_again(r);
	show_command(f);
}

static void offer(char ***candidates, const char *typed, const char *word)
{
	if (strstr(word, typed))
		strv_add(candidates, word);
}

static void complete(struct form *f, size_t field, const char *text, char ***candidates)
{
	static const char *const networks[] = {"none", "host", "container:", NULL};
	static const char *const profiles[] = {"default", "restricted", "privileged", NULL};
	static const char *const policies[] = {
	        "always", "unless-stopped", "on-failure", "on-failure:5", NULL};
	static const char *const userns[] = {"auto", NULL};
	const char *const *words = field == RUN_NETWORK   ? networks
	                           : field == RUN_PROFILE ? profiles
	                           : field == RUN_RESTART ? policies
	                           : field == RUN_USERNS  ? userns
	                                                  : NULL;
	const struct tare_image_list *images = model_images(app_model(f->v.app));
	const struct tare_network_list *nets = model_networks(app_model(f->v.app));

	for (size_t i = 0; field == RUN_NETWORK && i < nets->n; i++)
		offer(candidates, text, nets->rows[i].name);
	for (; words && *words; words++)
		offer(candidates, text, *words);
	for (size_t i = 0; field == RUN_IMAGE && images && i < images->n; i++) {
		const struct tare_image *row = &images->rows[i];
		cleanup_free char *ref =
		        row->reference ? str_printf("%s:%s", row->repository, row->tag) : NULL;

		if (ref)
			offer(candidates, text, ref);
	}
}

/* The id is what `run -d` prints. */
static void started(struct app *a, const struct job *j, int value)
{
	struct object o = {.kind = OBJECT_CONTAINER};
	size_t n = j->output ? strcspn(j->output, "\n") : 0;

	(void)value;
	if (n < sizeof(o.id))
		memcpy(o.id, j->output ? j->output : "", n);
	actions_await(app_actions(a), &o);
	app_toast(a, TOAST_OK, "%s", j->title);
}

static unsigned submit(struct form *f)
{
	cleanup_strv char **args = command_of(f);
	cleanup_free char *name = strdup(form_text(f, *form_text(f, RUN_NAME) ? RUN_NAME : RUN_IMAGE));
	struct request *r;

	if (!name)
		return VIEW_DONE;
	if (f->fields[RUN_MODE].value == MODE_PANE) {
		/* shows the new pane and may close this dialog: nothing of it is used after this */
		app_open_shell(f->v.app, args, name, &(struct object){.kind = OBJECT_NONE});
		return VIEW_DONE | VIEW_CLOSE;
	}
	r = request_new("");
	strv_foreach (s, args)
		request_word(r, *s);
	request_title(r, "run %s", name);
	if (r) {
		r->done = started;
		r->refresh = MODEL_VOLUMES | MODEL_NETWORKS;
	}
	request_start(f->v.app, r);
	return VIEW_DONE | VIEW_CLOSE;
}

static void run_form_free(struct form *f)
{
	struct run_form *r = (struct run_form *)f;

	json_free(&r->image);
	free(r->known);
}

static const struct form_ops ops = {changed, complete, submit, run_form_free};

struct view *run_form_new(struct app *a, const struct object *image)
{
	struct run_form *r = calloc(1, sizeof(*r));

	if (!r || form_init(&r->form, a, &ops, "Run a container", "Run", fields, RUN_N) < 0)
		return NULL;
	fixed_placeholders(&r->form);
	if (image) {
		form_set_text(&r->form, RUN_IMAGE, model_object_name(app_model(a), image));
		r->form.focus = RUN_NAME;
	}
	look_up(r);
	show_command(&r->form);
	return &r->form.v;
}
