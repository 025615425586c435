/* What the verbs run, what they ask before, and what they say after. `echo` stands for tare, so that a job's
 * output is its own words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/tui_box.h"
#include "tui/container_command.h"
#include "tui/dialog.h"

static int set_up(void **state)
{
	*state = box_open(30, 100);
	return 0;
}

static int tear_down(void **state)
{
	box_close(*state);
	return 0;
}

static void one_is_stopped_at_once(void **state)
{
	struct app *a = *state;

	box_target_one(a, "shop-db");
	assert_int_equal(actions_perform(a, ACTION_CTR_STOP), VIEW_DONE);
	assert_int_equal(a->n_dialogs, 0);
	assert_string_equal(box_command(a), "tare --demo stop shop-db");
	assert_string_equal(a->toast, "stopped shop-db");
}

static void what_does_not_fit_is_said(void **state)
{
	struct app *a = *state;

	box_target_one(a, "shop-migrate");
	actions_perform(a, ACTION_CTR_STOP);
	assert_string_equal(box_command(a), "");
	assert_string_equal(a->toast, "shop-migrate does not run; S starts it");
	box_target_one(a, "shop-db");
	actions_perform(a, ACTION_CTR_START);
	assert_string_equal(a->toast, "shop-db runs already; s stops it");
	a->n_targets = 0;
	actions_perform(a, ACTION_CTR_STOP);
	assert_string_equal(a->toast, "no container is selected; 1 shows them");
}

static void several_are_asked_about_once(void **state)
{
	struct app *a = *state;

	box_target(a, (const char *const[]){"shop-db", "shop-migrate", "shop-web", NULL});
	actions_perform(a, ACTION_CTR_STOP);
	assert_int_equal(a->n_dialogs, 1);
	assert_non_null(strstr(box_text(a), "Stop 2 containers?"));
	assert_non_null(strstr(box_text(a), "shop-web"));
	assert_null(strstr(box_text(a), "shop-migrate"));
	box_key(a, KEYC_ENTER, 0);
	assert_string_equal(box_command(a), "tare --demo stop shop-db shop-web");
	assert_int_equal(a->n_dialogs, 0);
}

static void pause_is_a_toggle(void **state)
{
	struct app *a = *state;

	box_target_one(a, "shop-db");
	actions_perform(a, ACTION_CTR_PAUSE);
	assert_string_equal(box_command(a), "tare --demo pause shop-db");
	box_target_one(a, "backup");
	actions_perform(a, ACTION_CTR_PAUSE);
	assert_string_equal(box_command(a), "tare --demo unpause backup");
}

static void removing_always_asks(void **state)
{
	struct app *a = *state;

	box_target_one(a, "shop-db");
	actions_perform(a, ACTION_CTR_REMOVE);
	assert_non_null(strstr(box_text(a), "Kill and remove with volumes"));
	assert_null(strstr(box_text(a), "Remove with volumes"));
	box_key(a, KEYC_DOWN, 0);
	box_key(a, KEYC_ENTER, 0);
	assert_int_equal(a->n_dialogs, 1);
	assert_non_null(strstr(box_text(a), "[ Cancel ]"));
	assert_non_null(strstr(box_text(a), "shop-db"));
	/* it starts on Cancel */
	box_key(a, KEYC_ENTER, 0);
	assert_string_equal(box_command(a), "");
	actions_perform(a, ACTION_CTR_REMOVE);
	box_key(a, KEYC_ENTER, 0);
	box_key(a, 'y', 0);
	assert_string_equal(box_command(a), "tare --demo rm -f shop-db");
}

static void a_stopped_one_needs_no_force(void **state)
{
	struct app *a = *state;

	box_target_one(a, "shop-migrate");
	actions_perform(a, ACTION_CTR_REMOVE);
	assert_null(strstr(box_text(a), "Kill"));
	box_key(a, KEYC_ENTER, 0);
	box_key(a, 'y', 0);
	assert_string_equal(box_command(a), "tare --demo rm shop-migrate");
}

static void a_signal_is_picked_by_letters(void **state)
{
	struct app *a = *state;

	box_target_one(a, "shop-db");
	actions_perform(a, ACTION_CTR_KILL);
	box_type(a, "hup");
	box_key(a, KEYC_ENTER, 0);
	assert_string_equal(box_command(a), "tare --demo kill -s SIGHUP shop-db");
	/* again, elsewhere, without being asked again */
	box_target_one(a, "shop-web");
	actions_perform(a, ACTION_REPEAT);
	assert_string_equal(box_command(a), "tare --demo kill -s SIGHUP shop-web");
}

static void a_menu_is_for_what_it_was_opened_on(void **state)
{
	struct app *a = *state;

	box_target_one(a, "shop-db");
	actions_perform(a, ACTION_CTR_KILL);
	box_target_one(a, "shop-web"); /* the selection moves while the menu is open */
	box_key(a, KEYC_ENTER, 0);
	assert_string_equal(box_command(a), "tare --demo kill -s SIGTERM shop-db");
}

static void a_name_is_checked_as_one_types(void **state)
{
	struct app *a = *state;

	box_target_one(a, "shop-db");
	actions_perform(a, ACTION_CTR_RENAME);
	box_key(a, 'u', MOD_CTRL);
	box_type(a, "shop-web");
	assert_non_null(strstr(box_text(a), "another container is called so"));
	box_key(a, KEYC_ENTER, 0);
	assert_int_equal(a->n_dialogs, 1);
	box_type(a, "2");
	box_key(a, KEYC_ENTER, 0);
	assert_string_equal(box_command(a), "tare --demo rename shop-db shop-web2");
}

static void a_failure_says_why(void **state)
{
	struct app *a = *state;

	strv_free(a->tare);
	a->tare = NULL;
	strv_add(&a->tare, "/bin/sh");
	strv_add(&a->tare, "-c");
	strv_add(&a->tare, "echo 'tare: it is stuck' >&2; exit 1");
	box_target_one(a, "shop-db");
	actions_perform(a, ACTION_CTR_STOP);
	box_run_jobs(a);
	assert_int_equal(a->toast_kind, TOAST_ERROR);
	assert_string_equal(a->toast, "stop shop-db failed: it is stuck (! shows the log, ^R tries again)");
}

static void shells_need_a_running_container(void **state)
{
	struct app *a = *state;

	box_target_one(a, "shop-migrate");
	actions_perform(a, ACTION_CTR_SHELL);
	assert_string_equal(a->shell, "");
	assert_string_equal(a->toast, "shop-migrate does not run; S starts it");
	box_target_one(a, "shop-db");
	actions_perform(a, ACTION_CTR_SHELL);
	assert_string_equal(a->shell, "exec -it shop-db sh"); /* a simulated one has but this */
	actions_perform(a, ACTION_CTR_ATTACH);
	assert_string_equal(a->shell, "attach shop-db");
}

static void bulk_names_all(void **state)
{
	struct app *a = *state;

	actions_perform(a, ACTION_CTR_BULK);
	box_type(a, "remove");
	box_key(a, KEYC_ENTER, 0);
	assert_non_null(strstr(box_text(a), "shop-migrate"));
	box_key(a, 'y', 0);
	assert_int_equal(strncmp(box_command(a), "tare --demo rm ", 15), 0);
	assert_non_null(strstr(box_last_job(a)->command, "shop-migrate"));
	assert_null(strstr(box_last_job(a)->command, "shop-db"));
}

static void prune_shows_what_it_frees(void **state)
{
	struct app *a = *state;

	strv_free(a->tare);
	a->tare = NULL;
	strv_add(&a->tare, "/bin/sh");
	strv_add(&a->tare, "-c");
	strv_add(&a->tare,
	        "[ \"$*\" = 'image prune --dry-run' ] && echo '{\"Removed\": [\"old:1\", \"old:2\"], "
	        "\"SpaceReclaimed\": 12000000}'");
	actions_perform(a, ACTION_IMG_PRUNE);
	box_key(a, KEYC_ENTER, 0);
	assert_int_equal(a->n_dialogs, 0);
	assert_string_equal(box_command(a), "tare --demo --json image prune --dry-run");
	assert_int_equal(a->n_dialogs, 1);
	assert_non_null(strstr(box_text(a), "removes 2 and frees 12MB"));
	assert_non_null(strstr(box_text(a), "old:2"));
	box_key(a, 'y', 0);
	assert_string_equal(box_command(a), "tare --demo image prune --force");
}

static void questions_name_twelve(void **state)
{
	struct app *a = *state;
	struct model_container *const *rows;
	size_t n = model_containers(a->model, &rows);
	const char *names[64] = {0};

	assert_true(n > 13 && n < 64);
	for (size_t i = 0; i < n; i++)
		names[i] = rows[i]->row.name;
	box_target(a, names);
	actions_perform(a, ACTION_CTR_RESTART);
	box_text(a);
	box_key(a, 'j', 0);
	assert_non_null(strstr(box_text(a), "and 2 more"));
}

static void interrupt_cancels_the_job(void **state)
{
	struct app *a = *state;

	assert_int_equal(actions_perform(a, ACTION_INTERRUPT), VIEW_IGNORED);
	strv_free(a->tare);
	a->tare = NULL;
	strv_add(&a->tare, "/bin/sh");
	strv_add(&a->tare, "-c");
	strv_add(&a->tare, "exec sleep 100");
	box_target_one(a, "shop-db");
	actions_perform(a, ACTION_CTR_STOP);
	assert_int_equal(actions_perform(a, ACTION_INTERRUPT), VIEW_DONE);
	box_run_jobs(a);
	assert_string_equal(a->toast, "stop shop-db: cancelled");
}

static void copies_are_what_they_say(void **state)
{
	struct app *a = *state;

	box_target_one(a, "shop-db");
	actions_perform(a, ACTION_YANK_NAME);
	assert_string_equal(a->copied, "shop-db");
	actions_perform(a, ACTION_YANK_ID);
	assert_string_equal(a->copied, a->targets[0].id);
	actions_perform(a, ACTION_YANK_COMMAND);
	assert_non_null(strstr(a->copied, "tare run -d --name shop-db"));
}

static void the_command_leaves_out_what_the_image_says(void **state)
{
	static const char container[] =
	        "{\"Id\":\"0123456789abcdef\",\"Name\":\"/web\",\"Config\":{\"Hostname\":\"0123456789ab\","
	        "\"Env\":[\"PATH=/bin\",\"A=b c\"],\"Image\":\"nginx:1\",\"Cmd\":[\"x\",\"it's\"],"
	        "\"Entrypoint\":[\"/go\"],\"WorkingDir\":\"/srv\",\"User\":\"web\",\"Labels\":{\"k\":\"v\"},"
	        "\"StopSignal\":\"SIGQUIT\"},\"HostConfig\":{\"Memory\":268435456,\"NanoCpus\":1500000000,"
	        "\"PidsLimit\":100,\"ReadonlyRootfs\":true,\"AutoRemove\":true,\"NetworkMode\":\"host\","
	        "\"CapDrop\":[\"ALL\"],\"SecurityProfile\":\"restricted\"},\"Mounts\":["
	        "{\"Type\":\"volume\",\"Name\":\"data\",\"Destination\":\"/d\",\"RW\":true},"
	        "{\"Type\":\"bind\",\"Source\":\"/a b\",\"Destination\":\"/c\",\"RW\":false},"
	        "{\"Type\":\"tmpfs\",\"Destination\":\"/t\",\"RW\":true}]}";
	static const char image[] =
	        "{\"Config\":{\"Env\":[\"PATH=/bin\"],\"Entrypoint\":[\"/go\"],\"Cmd\":[\"y\"],"
	        "\"StopSignal\":\"SIGQUIT\"}}";
	json *c = json_parse(container, sizeof(container) - 1, "c", NULL);
	json *i = json_parse(image, sizeof(image) - 1, "i", NULL);
	struct buf out = BUF_INIT;

	(void)state;
	container_command(c, i, &out);
	assert_string_equal(buf_str(&out),
	        "tare run -d --name web --rm -u web -w /srv -e 'A=b c' --label k=v -v data:/d -v '/a "
	        "b:/c:ro' "
	        "--tmpfs /t -m 256m --cpus 1.5 --pids-limit 100 --security-profile restricted --read-only "
	        "--cap-drop ALL --network host nginx:1 x 'it'\\''s'");
	buf_free(&out);
	json_free(&c);
	json_free(&i);
}

static void the_command_names_networks_and_ports(void **state)
{
	static const struct {
		const char *host, *networks, *options;
	} of[] = {
	        {"\"NetworkMode\":\"tare0\"", "\"tare0\":{}", ""},
	        {"\"NetworkMode\":\"bridge\"", "\"tare0\":{}", ""},
	        {"\"NetworkMode\":\"none\"", "", " --network none"},
	        {"\"NetworkMode\":\"shop\"", "\"shop\":{\"Aliases\":[\"db\",\"0123456789ab\"]}",
	                " --network shop --network-alias db"},
	        {"\"NetworkMode\":\"shop\"",
	                "\"shop\":{\"IPAMConfig\":{\"IPv4Address\":\"10.0.0.9\"}},\"lan\":{},"
	                "\"x\":{\"Aliases\":[\"a\"],\"IPAMConfig\":{\"IPv6Address\":\"fd00::9\"}}",
	                " --network shop --ip 10.0.0.9 --network lan --network name=x,ip6=fd00::9,alias=a"},
	        {"\"NetworkMode\":\"tare0\"", "\"tare0\":{},\"shop\":{}", " --network tare0 --network shop"},
	        {"\"PortBindings\":{\"80/tcp\":[{\"HostIp\":\"\",\"HostPort\":\"8080\"}],"
	         "\"53/udp\":[{\"HostIp\":\"127.0.0.1\",\"HostPort\":\"\"},{\"HostIp\":\"::1\","
	         "\"HostPort\":\"54\"}],\"9/tcp\":[{\"HostIp\":\"\",\"HostPort\":\"\"}]}",
	                "", " -p 8080:80 -p 127.0.0.1::53/udp -p '[::1]:54:53/udp' -p 9"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(of) / sizeof(*of); i++) {
		cleanup_free char *text = str_printf(
		        "{\"Id\":\"0123456789abcdef\",\"Config\":{\"Image\":\"a\"},\"HostConfig\":{%s},"
		        "\"NetworkSettings\":{\"Networks\":{%s}}}",
		        of[i].host, of[i].networks);
		cleanup_free char *expected = str_printf("tare run -d%s a", of[i].options);
		cleanup_json json *c = json_parse(text, strlen(text), "c", NULL);
		cleanup_buf struct buf out = BUF_INIT;

		assert_non_null(c);
		container_command(c, NULL, &out);
		assert_string_equal(buf_str(&out), expected);
	}
}

static void target_network(struct app *a, const char *name)
{
	const struct tare_network *n = model_network_called(app_model(a), name);

	assert_non_null(n);
	free(a->targets);
	a->targets = calloc(64, sizeof(*a->targets));
	a->n_targets = 1;
	a->targets[0].kind = OBJECT_NETWORK;
	snprintf(a->targets[0].id, sizeof(a->targets[0].id), "%s", n->id);
}

static void networks_are_removed_after_asking(void **state)
{
	struct app *a = *state;

	target_network(a, "staging");
	actions_perform(a, ACTION_NET_REMOVE);
	assert_non_null(strstr(box_text(a), "Remove network staging?"));
	box_key(a, KEYC_ENTER, 0); /* it starts on Cancel */
	assert_string_equal(box_command(a), "");
	actions_perform(a, ACTION_NET_REMOVE);
	box_key(a, 'y', 0);
	assert_string_equal(box_command(a), "tare --demo network rm staging");
	target_network(a, "tare0");
	actions_perform(a, ACTION_NET_REMOVE);
	assert_int_equal(a->n_dialogs, 0);
	assert_non_null(strstr(a->toast, "the default network stays"));
}

static void the_command_that_made_a_network_is_copied(void **state)
{
	struct app *a = *state;

	target_network(a, "shop-data");
	actions_perform(a, ACTION_YANK_COMMAND);
	assert_string_equal(a->copied, "tare network create --subnet 10.211.0.0/16 --internal --label "
	                               "com.docker.compose.project=shop shop-data");
	actions_perform(a, ACTION_YANK_NAME);
	assert_string_equal(a->copied, "shop-data");
	target_network(a, "lan");
	actions_perform(a, ACTION_YANK_COMMAND);
	assert_string_equal(a->copied,
	        "tare network create --driver macvlan --subnet 192.168.1.0/24 --ip-range 192.168.1.192/27 "
	        "--opt parent=enp3s0 lan");
	target_network(a, "tare0");
	actions_perform(a, ACTION_YANK_COMMAND);
	assert_non_null(strstr(a->toast, "made by itself"));
}

static void a_container_is_connected_and_disconnected(void **state)
{
	struct app *a = *state;

	target_network(a, "shop");
	actions_perform(a, ACTION_NET_CONNECT);
	/* neither those that are in it, nor one that can be in none */
	assert_null(strstr(box_text(a), "shop-web"));
	assert_null(strstr(box_text(a), "odd-one"));
	box_type(a, "metrics");
	box_key(a, KEYC_ENTER, 0);
	assert_string_equal(box_command(a), "tare --demo network connect shop metrics");
	actions_perform(a, ACTION_NET_DISCONNECT);
	assert_null(strstr(box_text(a), "metrics"));
	box_type(a, "shop-web");
	box_key(a, KEYC_ENTER, 0);
	assert_non_null(strstr(box_text(a), "Disconnect shop-web from network shop?"));
	box_key(a, 'y', 0);
	assert_string_equal(box_command(a), "tare --demo network disconnect shop shop-web");
}

static void foreign_names_stay_harmless(void **state)
{
	struct app *a = *state;
	struct view *v = confirm_new(a, "Remove \x1b[31mred\x07?",
	        (char *const[]){"a\x1b]52;c;eA==\x07", NULL}, "Remove", true, NULL, NULL, NULL);

	app_push(a, v);
	assert_null(strchr(box_text(a), '\x1b'));
	assert_null(strchr(box_text(a), '\x07'));
}

static void alerts_ring_for_what_nobody_asked_for(void **state)
{
	struct app *a = *state;
	struct model_event ev = {.time = 1000000000,
	        .type = "container",
	        .action = "die",
	        .id = "abc",
	        .name = (char *)"web",
	        .detail = (char *)"exit code 137"};

	alerts_event(a->alerts, &ev);
	assert_int_equal(alerts_unread(a->alerts), 1);
	assert_string_equal(alerts_get(a->alerts, 0)->text, "web ended with exit code 137");
	ev.time += 600000000000;
	strcpy(ev.action, "kill");
	ev.detail = (char *)"signal 15";
	alerts_event(a->alerts, &ev);
	strcpy(ev.action, "die");
	ev.detail = (char *)"exit code 143";
	alerts_event(a->alerts, &ev);
	assert_int_equal(alerts_unread(a->alerts), 1);
	/* but a watched one always rings */
	assert_true(alerts_watch(a->alerts, "abc", true));
	ev.detail = (char *)"exit code 0";
	alerts_event(a->alerts, &ev);
	assert_int_equal(alerts_unread(a->alerts), 2);
	alerts_mark_read(a->alerts);
	assert_int_equal(alerts_unread(a->alerts), 0);
	assert_int_equal(alerts_count(a->alerts), 2);
}

static void a_crash_loop_is_told_once(void **state)
{
	struct app *a = *state;
	struct model_event ev = {.time = 1000000000,
	        .type = "container",
	        .action = "die",
	        .id = "abc",
	        .name = (char *)"web",
	        .detail = (char *)"exit code 1"};

	for (int i = 0; i < 8; i++) {
		alerts_event(a->alerts, &ev);
		ev.time += 5000000000;
	}
	assert_int_equal(alerts_count(a->alerts), 3);
	assert_non_null(strstr(alerts_get(a->alerts, 2)->text, "again and again"));
}

static void a_restart_loop_is_told_once_however_slow(void **state)
{
	struct app *a = *state;
	struct model_container *const *rows;
	struct model_container *c = NULL;
	size_t n = model_containers(a->model, &rows), before;
	struct model_event ev = {.time = 1000000000000,
	        .type = "container",
	        .action = "die",
	        .name = (char *)"shop-mailer",
	        .detail = (char *)"exit code 1"};

	for (size_t i = 0; i < n; i++)
		if (!strcmp(rows[i]->row.name, "shop-mailer"))
			c = rows[i];
	assert_non_null(c);
	assert_true(c->row.restart_count > 3);
	strcpy(ev.id, c->row.id);
	before = alerts_count(a->alerts);
	for (int i = 0; i < 5; i++) {
		alerts_event(a->alerts, &ev);
		ev.time += 300000000000;
	}
	assert_int_equal(alerts_count(a->alerts), before + 1);
	ev.time += 3600000000000; /* it ran well in between */
	alerts_event(a->alerts, &ev);
	assert_int_equal(alerts_count(a->alerts), before + 2);
}

static void failing_health_is_told(void **state)
{
	struct app *a = *state;
	struct model_event ev = {.time = 1000000000,
	        .type = "container",
	        .action = "health_status: unhealthy",
	        .id = "abc",
	        .name = (char *)"web"};

	alerts_event(a->alerts, &ev);
	assert_int_equal(alerts_unread(a->alerts), 1);
	assert_string_equal(alerts_get(a->alerts, 0)->text, "web is unhealthy");
	strcpy(ev.action, "health_status: healthy");
	alerts_event(a->alerts, &ev);
	assert_int_equal(alerts_unread(a->alerts), 1);
}

static void limits_are_changed_in_a_form(void **state)
{
	struct app *a = *state;

	box_target_one(a, "shop-web");
	actions_perform(a, ACTION_CTR_UPDATE);
	assert_non_null(strstr(box_text(a), "128m"));
	assert_non_null(strstr(box_text(a), "unless-stopped"));
	assert_non_null(strstr(box_text(a), "nothing is another than before"));
	box_key(a, '1', 0); /* 128m1 */
	assert_non_null(strstr(box_text(a), "128m1"));
	box_key(a, KEYC_BACKSPACE, 0);
	box_key(a, KEYC_BACKSPACE, 0);
	box_key(a, 'k', 0); /* too little */
	assert_non_null(strstr(box_text(a), "at least 6m"));
	box_key(a, KEYC_BACKSPACE, 0);
	box_key(a, 'g', 0);
	assert_null(strstr(box_text(a), "at least 6m"));
	box_key(a, 's', MOD_CTRL);
	assert_string_equal(box_command(a), "tare --demo update --memory 128g shop-web");
	assert_int_equal(a->n_dialogs, 0);
}

static void __attribute__((format(printf, 2, 3))) toast(struct app *a, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	toasts_add(a->toasts, TOAST_OK, fmt, ap);
	va_end(ap);
}

static void three_toasts_are_shown_until_dismissed(void **state)
{
	struct app *a = *state;
	struct canvas c = screen_begin(a->screen);

	assert_false(toasts_dismiss(a->toasts));
	for (int i = 0; i < 5; i++)
		toast(a, "message %d", i);
	toasts_draw(a->toasts, &c);
	screen_flush(a->screen);
	screen_text(a->screen, (struct rect){0, 0, 30, 100}, &a->text);
	assert_null(strstr(buf_str(&a->text), "message 1"));
	assert_non_null(strstr(buf_str(&a->text), "message 2"));
	assert_non_null(strstr(buf_str(&a->text), "message 4"));
	assert_true(toasts_dismiss(a->toasts));
	assert_false(toasts_shown(a->toasts));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(one_is_stopped_at_once, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(what_does_not_fit_is_said, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(several_are_asked_about_once, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(pause_is_a_toggle, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(removing_always_asks, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(a_stopped_one_needs_no_force, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(a_signal_is_picked_by_letters, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(a_menu_is_for_what_it_was_opened_on, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(a_name_is_checked_as_one_types, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(a_failure_says_why, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(shells_need_a_running_container, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(bulk_names_all, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(prune_shows_what_it_frees, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(questions_name_twelve, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(interrupt_cancels_the_job, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(copies_are_what_they_say, set_up, tear_down),
	        cmocka_unit_test(the_command_leaves_out_what_the_image_says),
	        cmocka_unit_test(the_command_names_networks_and_ports),
	        cmocka_unit_test_setup_teardown(networks_are_removed_after_asking, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(the_command_that_made_a_network_is_copied, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(a_container_is_connected_and_disconnected, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(foreign_names_stay_harmless, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(alerts_ring_for_what_nobody_asked_for, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(a_crash_loop_is_told_once, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(a_restart_loop_is_told_once_however_slow, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(failing_health_is_told, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(limits_are_changed_in_a_form, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(three_toasts_are_shown_until_dismissed, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
