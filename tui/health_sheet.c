/* What is known of a container's health: how it is asked, what the last probes said, when the next one is. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/app.h"
#include "tui/care_view.h"
#include "tui/container_columns.h"

#define DURATION_SIZE 24
#define CLOCK_SIZE    16
#define CODE_WIDTH    8
#define OUTPUT_MAX    4096
#define OUTPUT_INDENT 27 /* where the output of probes begins */

static bool is_up(const struct model_container *c)
{
	return c && container_runs(c);
}

/* ------------------------------------------------------------------ how it is */

static void tell_status(struct care_view *v, json *health)
{
	struct state_look look = {0};
	const char *status = json_str(health, "Status", "starting");
	bool is_asked = is_up(v->c);

	sheet_label(&v->sheet, "Status");
	if (!v->c)
		return;
	container_look(v->c, &look);
	sheet_glyph(&v->sheet, look.element, look.glyph);
	sheet_printf(&v->sheet, look.element, " %s", look.word);
	if (is_asked && health && strcmp(look.word, status) != 0)
		sheet_printf(&v->sheet, UI_TEXT, ", %s", status);
	else if (!is_asked)
		sheet_str(&v->sheet, UI_MUTED, ", so nothing is asked");
}

static void tell_streak(struct care_view *v, json *health, json *check)
{
	int64_t streak = json_int(health, "FailingStreak", 0);
	int64_t retries = json_int(check, "Retries", 0);

	if (retries <= 0)
		retries = HEALTH_RETRIES;
	sheet_label(&v->sheet, "Failed");
	sheet_printf(&v->sheet,
	        streak >= retries ? UI_ERROR
	        : streak          ? UI_WARN
	                          : UI_TEXT,
	        "%lld", (long long)streak);
	if (v->width >= WIDTH_WORDS)
		sheet_printf(
		        &v->sheet, UI_MUTED, " in a row; from %lld on it is unhealthy", (long long)retries);
	else
		sheet_printf(&v->sheet, UI_MUTED, " of %lld in a row", (long long)retries);
}

/* ------------------------------------------------------------------ how it is asked */

static int64_t given(json *check, const char *key, int64_t otherwise)
{
	int64_t ns = json_int(check, key, 0);

	return ns > 0 ? ns : otherwise;
}

static void tell_test(struct care_view *v, json *check)
{
	cleanup_strv char **test = json_strv(check, "Test");
	cleanup_buf struct buf words = BUF_INIT_MAX(OUTPUT_MAX);
	bool is_shell = test && test[0] && !strcmp(test[0], "CMD-SHELL");

	sheet_label(&v->sheet, "Command");
	for (size_t i = 1; test && test[0] && test[i]; i++) {
		buf_str_add(&words, i > 1 ? " " : "");
		buf_str_add(&words, test[i]);
	}
	sheet_add(&v->sheet, UI_TEXT, buf_str(&words), words.len);
	if (is_shell && v->width >= WIDTH_WORDS)
		sheet_str(&v->sheet, UI_MUTED, "  in its shell");
}

static void tell_times(struct care_view *v, json *check)
{
	char text[DURATION_SIZE];
	int64_t start = json_int(check, "StartPeriod", 0);

	sheet_label(&v->sheet, "Interval");
	sheet_str(&v->sheet, UI_TEXT,
	        care_duration(given(check, "Interval", HEALTH_INTERVAL_NS), text, sizeof text));
	sheet_label(&v->sheet, "Timeout");
	sheet_str(&v->sheet, UI_TEXT,
	        care_duration(given(check, "Timeout", HEALTH_TIMEOUT_NS), text, sizeof text));
	sheet_label(&v->sheet, "Start period");
	if (start <= 0) {
		sheet_str(&v->sheet, UI_MUTED, "none");
		return;
	}
	sheet_str(&v->sheet, UI_TEXT, care_duration(start, text, sizeof text));
	sheet_printf(&v->sheet, UI_MUTED, " in which failures don't count, asked every %s",
	        care_duration(given(check, "StartInterval", HEALTH_START_INTERVAL_NS), text, sizeof text));
}

static void tell_action(struct care_view *v)
{
	const char *action = json_str(json_get(v->document, "Config"), "HealthcheckOnFailureAction", "none");

	sheet_label(&v->sheet, "On failure");
	if (!strcmp(action, "none"))
		sheet_str(&v->sheet, UI_MUTED, "nothing but its status");
	else
		sheet_printf(&v->sheet, UI_TEXT, "%s", action);
}

/* ------------------------------------------------------------------ the next one */

static json *last_of(json *log)
{
	size_t n = log && json_object_is_type(log, json_type_array) ? json_object_array_length(log) : 0;

	return n ? json_object_array_get_idx(log, n - 1) : NULL;
}

/* When it is asked again; 0: not known. Within its start period it is asked more often. */
static int64_t next_probe(const struct care_view *v, json *health, json *check)
{
	int64_t started = care_time(json_get(v->document, "State"), "StartedAt");
	int64_t start = json_int(check, "StartPeriod", 0),
	        last = care_time(last_of(json_get(health, "Log")), "End");
	int64_t interval = given(check, "Interval", HEALTH_INTERVAL_NS);

	if (start > 0 &&
	        (!last || (last < started + start && !strcmp(json_str(health, "Status", ""), "starting"))))
		interval = given(check, "StartInterval", HEALTH_START_INTERVAL_NS);
	if (!last)
		last = started;
	return last ? last + interval : 0;
}

static void tell_next(struct care_view *v, json *health, json *check)
{
	int64_t due = next_probe(v, health, check), left = due - app_now(v->view.app);
	char text[DURATION_SIZE];

	if (!is_up(v->c) || !due)
		return;
	sheet_label(&v->sheet, "Next probe");
	if (v->c->row.monitor_lost)
		sheet_str(&v->sheet, UI_WARN, "none: its monitor is gone; the next command starts another");
	else if (v->c->row.state == TARE_PAUSED)
		sheet_str(&v->sheet, UI_MUTED, "when it goes on");
	else if (left < 1000000000)
		sheet_str(&v->sheet, UI_TEXT, "now");
	else
		sheet_printf(&v->sheet, UI_TEXT, "in %s",
		        care_duration(left / 1000000000 * 1000000000, text, sizeof text));
}

/* ------------------------------------------------------------------ what was said */

/* What it wrote: its first line beside the figures, the others beneath. */
static void tell_output(struct care_view *v, const char *text)
{
	size_t len = strcspn(text, "\n");

	sheet_add(&v->sheet, UI_TEXT, text, len);
	for (text += len; *text; text += len) {
		text++;
		len = strcspn(text, "\n");
		if (!*text)
			break;
		sheet_line(&v->sheet);
		sheet_printf(&v->sheet, UI_MUTED, "%*s", v->width < 60 ? 2 : OUTPUT_INDENT, "");
		sheet_add(&v->sheet, UI_TEXT, text, len);
	}
}

static void tell_probe(struct care_view *v, json *probe)
{
	int64_t start = care_time(probe, "Start"), end = care_time(probe, "End");
	int64_t code = json_int(probe, "ExitCode", 0);
	char when[CLOCK_SIZE], took[DURATION_SIZE], how[CODE_WIDTH + 16];

	if (code < 0)
		snprintf(how, sizeof how, "killed");
	else if (code)
		snprintf(how, sizeof how, "exit %d", (int)code);
	else
		snprintf(how, sizeof how, "ok");
	sheet_line(&v->sheet);
	sheet_printf(&v->sheet, UI_MUTED, " %s", care_clock(start, when, sizeof when));
	sheet_printf(&v->sheet, UI_TEXT, " %6s  ",
	        care_duration(end > start ? end - start : 0, took, sizeof took));
	sheet_printf(&v->sheet, code ? UI_ERROR : UI_OK, "%-*s ", CODE_WIDTH, how);
	tell_output(v, json_str(probe, "Output", ""));
}

static void tell_probes(struct care_view *v, json *log)
{
	size_t n = log && json_object_is_type(log, json_type_array) ? json_object_array_length(log) : 0;

	sheet_line(&v->sheet);
	sheet_heading(&v->sheet, n ? "Last probes" : "Not asked yet");
	for (size_t i = n; i-- > 0;)
		tell_probe(v, json_object_array_get_idx(log, i));
}

/* ------------------------------------------------------------------ all of it */

static bool is_on(json *check)
{
	cleanup_strv char **test = json_strv(check, "Test");

	return test && test[0] && strcmp(test[0], "NONE") != 0;
}

void health_tell(struct care_view *v)
{
	json *check = json_path(v->document, "Config.Healthcheck");
	json *health = json_path(v->document, "State.Health");

	sheet_line(&v->sheet);
	tell_status(v, is_on(check) ? health : NULL);
	if (!is_on(check)) {
		sheet_label(&v->sheet, "Command");
		sheet_str(&v->sheet, UI_MUTED, "none: neither its image nor --health-cmd says how to ask");
		return;
	}
	tell_streak(v, health, check);
	tell_next(v, health, check);
	sheet_line(&v->sheet);
	tell_test(v, check);
	tell_times(v, check);
	tell_action(v);
	tell_probes(v, json_get(health, "Log"));
}
