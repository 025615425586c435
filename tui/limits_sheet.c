/* A container's limits, each beside what it uses of it, and what follows its end. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "tui/app.h"
#include "tui/care_view.h"
#include "tui/container_columns.h"
#include "tui/figures.h"

#define BAR_WIDE   28
#define BAR_MIDDLE 16
#define BAR_NARROW 8
#define TEXT_SIZE  64
#define SHARE_HIGH 0.9
#define SHARE_WARN 0.7

static json *host(const struct care_view *v)
{
	return json_get(v->document, "HostConfig");
}

/* What it uses is known. */
static bool is_measured(const struct care_view *v)
{
	return v->c && container_runs(v->c) && v->c->now.time != 0;
}

/* ------------------------------------------------------------------ one limit */

/* A figure without the blanks that hold its place in a column. */
static const char *trimmed(const char *figure)
{
	return figure + strspn(figure, " ");
}

static const char *bytes_text(uint64_t bytes, char dst[FIGURE_SIZE])
{
	return trimmed(figure_bytes(bytes, dst));
}

/* "━━━━────  251M of 512M  49.0 %"; what is not known is left out. */
static void tell_use(struct care_view *v, const char *used, const char *limit, double share)
{
	int width = v->width >= 72 ? BAR_WIDE : v->width >= 48 ? BAR_MIDDLE : BAR_NARROW;
	enum theme_element el = share >= SHARE_HIGH   ? GRAPH_HIGH
	                        : share >= SHARE_WARN ? GRAPH_MIDDLE
	                                              : GRAPH_LOW;
	char percent[FIGURE_SIZE];

	if (!is_measured(v)) {
		sheet_printf(&v->sheet, limit ? UI_TEXT : UI_MUTED, "%s", limit ? limit : "no limit");
		return;
	}
	if (!limit) {
		sheet_printf(&v->sheet, UI_TEXT, "%s", used);
		sheet_str(&v->sheet, UI_MUTED, ", no limit");
		return;
	}
	sheet_bar(&v->sheet, share, width, el);
	sheet_printf(&v->sheet, UI_TEXT, " %s", used);
	sheet_printf(&v->sheet, UI_MUTED, " of %s", limit);
	if (isfinite(share) && v->width >= 40)
		sheet_printf(&v->sheet,
		        share >= SHARE_HIGH   ? UI_ERROR
		        : share >= SHARE_WARN ? UI_WARN
		                              : UI_MUTED,
		        "  %s %%", trimmed(figure_percent(share * 100, percent)));
}

/* A setting that is not measured against anything; "" or NULL: `otherwise` holds. */
static void tell_setting(struct care_view *v, const char *label, const char *text, const char *otherwise)
{
	sheet_label(&v->sheet, label);
	sheet_printf(&v->sheet, text && *text ? UI_TEXT : UI_MUTED, "%s", text && *text ? text : otherwise);
}

static void tell_number(struct care_view *v, const char *label, const char *key, const char *otherwise)
{
	int64_t n = json_int(host(v), key, 0);
	char text[TEXT_SIZE] = "";

	if (n > 0)
		snprintf(text, sizeof text, "%lld", (long long)n);
	tell_setting(v, label, text, otherwise);
}

/* ------------------------------------------------------------------ memory */

static void tell_swap(struct care_view *v)
{
	int64_t memory = json_int(host(v), "Memory", 0), both = json_int(host(v), "MemorySwap", 0);
	char text[FIGURE_SIZE];

	sheet_label(&v->sheet, "  swap");
	if (is_measured(v) && v->c->now.memory_swap != UINT64_MAX)
		sheet_printf(&v->sheet, UI_TEXT, "%s used, ", bytes_text(v->c->now.memory_swap, text));
	if (both > memory && memory > 0)
		sheet_printf(&v->sheet, UI_MUTED, "%s at most", bytes_text((uint64_t)(both - memory), text));
	else if (both > 0)
		sheet_str(&v->sheet, UI_MUTED, "none allowed");
	else if (memory > 0 && both == 0)
		sheet_str(&v->sheet, UI_MUTED,
		        v->width >= WIDTH_WORDS ? "as much again as memory" : "as memory");
	else
		sheet_str(&v->sheet, UI_MUTED, "no limit");
}

static void tell_memory(struct care_view *v)
{
	int64_t limit = json_int(host(v), "Memory", 0), soft = json_int(host(v), "MemoryReservation", 0);
	uint64_t used = is_measured(v) ? v->c->now.memory : 0;
	char limit_text[FIGURE_SIZE], used_text[FIGURE_SIZE], text[FIGURE_SIZE] = "";

	sheet_label(&v->sheet, "Memory");
	bytes_text((uint64_t)(limit > 0 ? limit : 0), limit_text);
	figure_bytes(used, used_text);
	tell_use(v, trimmed(used_text), limit > 0 ? trimmed(limit_text) : NULL,
	        limit > 0 ? (double)used / (double)limit : 0);
	if (is_measured(v) && v->c->now.memory_peak != UINT64_MAX && v->c->now.memory_peak && v->width >= 72)
		sheet_printf(&v->sheet, UI_MUTED, "  peak %s", bytes_text(v->c->now.memory_peak, text));
	*text = '\0';
	if (soft > 0)
		figure_bytes((uint64_t)soft, text);
	tell_setting(v, "  reserved", trimmed(text), "nothing");
	if (soft > 0)
		sheet_str(&v->sheet, UI_MUTED, " when the host runs short");
	tell_swap(v);
}

/* ------------------------------------------------------------------ processors */

static double cpus_limit(const struct care_view *v)
{
	int64_t nano = json_int(host(v), "NanoCpus", 0), quota = json_int(host(v), "CpuQuota", 0);
	int64_t period = json_int(host(v), "CpuPeriod", 0);

	if (nano > 0)
		return (double)nano / 1e9;
	return quota > 0 ? (double)quota / (double)(period > 0 ? period : 100000) : 0;
}

static void tell_cpus(struct care_view *v)
{
	double limit = cpus_limit(v), used = v->c ? v->c->cpu : NAN;
	char limit_text[TEXT_SIZE], used_text[TEXT_SIZE], times[FIGURE_SIZE];

	snprintf(limit_text, sizeof limit_text, "%.4g core%s", limit, limit > 1 ? "s" : "");
	if (isnan(used))
		snprintf(used_text, sizeof used_text, "-");
	else
		snprintf(used_text, sizeof used_text, "%.2f%s", used, limit > 0 ? "" : " cores");
	sheet_label(&v->sheet, "CPUs");
	tell_use(v, used_text, limit > 0 ? limit_text : NULL,
	        limit > 0 && !isnan(used) ? used / limit
	        : limit > 0               ? NAN
	                                  : 0);
	if (is_measured(v) && v->c->now.n_throttled && v->c->now.n_throttled != UINT64_MAX && v->width >= 72)
		sheet_printf(&v->sheet, UI_MUTED, "  held back %s times",
		        trimmed(figure_count(v->c->now.n_throttled, times)));
	tell_number(v, "  shares", "CpuShares", "1024, as all have");
	tell_setting(v, "  cpuset", json_str(host(v), "CpusetCpus", ""), "all CPUs");
	if (*json_str(host(v), "CpusetMems", ""))
		tell_setting(v, "  nodes", json_str(host(v), "CpusetMems", ""), "");
}

/* ------------------------------------------------------------------ processes, disks */

static void tell_pids(struct care_view *v)
{
	int64_t limit = json_int(host(v), "PidsLimit", 0);
	char limit_text[TEXT_SIZE], used_text[TEXT_SIZE];
	uint64_t used = is_measured(v) ? v->c->now.pids : 0;

	snprintf(limit_text, sizeof limit_text, "%lld", (long long)limit);
	snprintf(used_text, sizeof used_text, "%llu", (unsigned long long)used);
	sheet_label(&v->sheet, "Processes");
	tell_use(v, used_text, limit > 0 ? limit_text : NULL, limit > 0 ? (double)used / (double)limit : 0);
}

static void tell_disk(struct care_view *v)
{
	tell_number(v, "Disk weight", "BlkioWeight", "as all have");
}

/* ------------------------------------------------------------------ what follows its end */

static bool has_policy(const struct care_view *v)
{
	const char *name = json_str(json_get(host(v), "RestartPolicy"), "Name", "no");

	return *name && strcmp(name, "no") != 0;
}

static void tell_policy(struct care_view *v)
{
	json *policy = json_get(host(v), "RestartPolicy");
	const char *name = json_str(policy, "Name", "no");
	int64_t most = json_int(policy, "MaximumRetryCount", 0);

	sheet_label(&v->sheet, "Restart");
	if (!has_policy(v)) {
		sheet_str(&v->sheet, UI_TEXT, "no");
		sheet_printf(&v->sheet, UI_MUTED, "%s",
		        json_bool(host(v), "AutoRemove", false) ? ": it is removed when it ends" : "");
		return;
	}
	sheet_printf(&v->sheet, UI_TEXT, "%s", name);
	if (most > 0)
		sheet_printf(&v->sheet, UI_MUTED, ", at most %lld times", (long long)most);
}

/* When it is started next, or how long it would wait. */
static void tell_wait(struct care_view *v)
{
	char text[TEXT_SIZE];
	int64_t left;

	if (!has_policy(v))
		return;
	sheet_label(&v->sheet, "  back-off");
	if (v->c && v->c->row.state == TARE_RESTARTING && v->c->row.restart_due) {
		left = v->c->row.restart_due - app_now(v->view.app);
		if (left < 1000000000)
			sheet_str(&v->sheet, STATE_RESTARTING, "starts now");
		else
			sheet_printf(&v->sheet, STATE_RESTARTING, "starts in %s",
			        care_duration(left / 1000000000 * 1000000000, text, sizeof text));
		sheet_str(&v->sheet, UI_MUTED, "; ");
	}
	sheet_str(&v->sheet, UI_MUTED,
	        v->width >= WIDTH_WORDS ? "100ms, doubled each time, 1m at most; anew after a run of 10s"
	                                : "100ms to 1m");
}

static void tell_restarts(struct care_view *v)
{
	int64_t n = json_int(v->document, "RestartCount", 0);

	if (!n && !has_policy(v))
		return;
	sheet_label(&v->sheet, "  restarted");
	sheet_printf(&v->sheet, n ? UI_TEXT : UI_MUTED, n == 1 ? "%lld time" : "%lld times", (long long)n);
	if (v->width >= WIDTH_WORDS)
		sheet_str(&v->sheet, UI_MUTED, " since it was started by hand");
}

static void tell_end(struct care_view *v)
{
	json *state = json_get(v->document, "State");
	int64_t at = care_time(state, "FinishedAt"), ago = app_now(v->view.app) - at;
	char text[TEXT_SIZE];

	if (!at || (v->c && container_runs(v->c)))
		return;
	sheet_label(&v->sheet, "Last end");
	if (json_bool(state, "OOMKilled", false))
		sheet_str(&v->sheet, STATE_OOM, "out of memory, ");
	sheet_printf(&v->sheet, UI_TEXT, "exit code %lld, ", (long long)json_int(state, "ExitCode", 0));
	sheet_printf(&v->sheet, UI_MUTED, "%s ago",
	        care_duration(ago > 1000000000 ? ago / 1000000000 * 1000000000 : 0, text, sizeof text));
}

static void tell_supervision(struct care_view *v)
{
	if (!v->c || !v->c->row.monitor_lost)
		return;
	sheet_label(&v->sheet, "Monitor");
	sheet_str(&v->sheet, UI_ERROR, "gone");
	sheet_str(&v->sheet, UI_MUTED,
	        "; the next command on it, or tare system check --repair, starts another");
}

void limits_tell(struct care_view *v)
{
	sheet_line(&v->sheet);
	tell_memory(v);
	tell_cpus(v);
	tell_pids(v);
	tell_disk(v);
	sheet_line(&v->sheet);
	tell_policy(v);
	tell_restarts(v);
	tell_wait(v);
	tell_end(v);
	tell_supervision(v);
}
