/* login, logout; search is in transfer_search.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/login_options.h"
#include "cli/transfer.h"
#include "cli/transfer_prompt.h"
#include "cli/transfer_search.h"
#include "registry/client/credential.h"
#include "registry/client/login.h"
#include "registry/client/secret.h"

#define PASSWORD_MAX 65536

/* ------------------------------------------------------------------ who and with what */

static int ask_user(struct credential *c, struct err *e)
{
	char answer[PROMPT_ANSWER_MAX];
	if (transfer_prompt("User name: ", false, answer, e) < 0)
		return -1;
	if (!*answer)
		return err_set(e, ERR_USAGE, "no user name was typed");
	c->username = strdup(answer);
	return c->username ? 0 : err_no_memory(e);
}

static int ask_password(struct credential *c, struct err *e)
{
	char answer[PROMPT_ANSWER_MAX];
	int rc = transfer_prompt("Password: ", true, answer, e);
	if (rc == 0 && !*answer)
		rc = err_set(e, ERR_USAGE, "no password was typed");
	if (rc == 0 && !(c->password = strdup(answer)))
		rc = err_no_memory(e);
	explicit_bzero(answer, sizeof(answer));
	return rc;
}

/* All of standard input but the newline that an echo puts there. */
static int read_password(struct credential *c, struct err *e)
{
	cleanup_secret struct buf text = BUF_INIT_MAX(2 * PASSWORD_MAX);
	char *room = buf_reserve(&text, PASSWORD_MAX + 1);
	ssize_t n = room ? read_full(STDIN_FILENO, room, PASSWORD_MAX + 1) : -1;
	if (n < 0)
		return err_sys(e, "cannot read the password from standard input");
	if (n > PASSWORD_MAX)
		return err_set(e, ERR_USAGE, "a password is at most %d bytes long", PASSWORD_MAX);
	if (n > 0 && room[n - 1] == '\n')
		n--;
	if (n > 0 && room[n - 1] == '\r')
		n--;
	if (n == 0 || memchr(room, '\0', (size_t)n))
		return err_set(e, ERR_USAGE, "there is no password on standard input");
	c->password = strndup(room, (size_t)n);
	return c->password ? 0 : err_no_memory(e);
}

static int take_password(const struct login_options *o, struct credential *c, struct err *e)
{
	if (o->password_stdin)
		return read_password(c, e);
	if (!o->password)
		return ask_password(c, e);
	log_line(LOG_LEVEL_WARN, "others can read a password on the command line; use --password-stdin");
	c->password = strdup(o->password);
	return c->password ? 0 : err_no_memory(e);
}

static int check_options(const struct login_options *o, struct err *e)
{
	if (o->password && o->password_stdin)
		return err_set(e, ERR_USAGE, "give --password or --password-stdin, not both");
	if (o->password_stdin && !o->username)
		return err_set(e, ERR_USAGE, "--password-stdin needs a user name as well: -u USER");
	if (o->username && !*o->username)
		return err_set(e, ERR_USAGE, "the user name is empty");
	bool asks = !o->username || (!o->password && !o->password_stdin);
	if (asks && !o->get_login && !isatty(STDIN_FILENO))
		return err_set(e, ERR_USAGE,
		        "nobody can be asked, since standard input is no terminal; use -u USER "
		        "--password-stdin");
	return 0;
}

/* ------------------------------------------------------------------ login */

static int say_login(struct cli *cli, const char *registry, const char *user, const char *where)
{
	if (cli->json) {
		cleanup_json json *j = json_object_new_object();
		json_set_str(j, "Registry", registry);
		json_set_str(j, "Username", user);
		json_set_str(j, "Stored", where);
		return transfer_print_json(j);
	}
	return printf("Login Succeeded; stored in %s\n", where) < 0 ? -1 : 0;
}

static int stored(const char *authfile, const char *registry, struct credential *c, struct err *e)
{
	cleanup_free char *host = strndup(registry, strcspn(registry, "/"));
	const char *rest = registry + strcspn(registry, "/");
	if (!host)
		return err_no_memory(e);
	return credential_find(authfile, host, *rest ? rest + 1 : NULL, c, e);
}

static int get_login(const struct login_options *o, const char *registry, struct err *e)
{
	cleanup_credential struct credential c = CREDENTIAL_INIT;
	if (stored(o->authfile, registry, &c, e) < 0)
		return -1;
	if (!credential_is_set(&c))
		return err_set(e, ERR_NOT_FOUND, "not logged in to %s", registry);
	cleanup_buf struct buf name = BUF_INIT;
	const char *user = c.username ? c.username : "<token>";
	text_harmless(&name, user, strlen(user));
	return puts(buf_str(&name)) < 0 ? -1 : 0;
}

/* As docker and podman do: who is logged in already need not type anything. False: ask. */
static bool login_again(struct cli *cli, const struct login_request *q, int *rc, struct err *e)
{
	cleanup_credential struct credential c = CREDENTIAL_INIT;
	if (q->authfile && access(q->authfile, F_OK) < 0)
		return false;
	if (stored(q->authfile, q->registry, &c, e) < 0 || !credential_is_set(&c))
		return false;
	if (login_check(q, &c, e) < 0) {
		bool old = e->kind == ERR_PERMISSION;
		if (old)
			log_line(LOG_LEVEL_WARN, "the credentials in %s are not accepted any more", c.source);
		*rc = -1;
		return !old;
	}
	if (!cli->json && c.username) {
		cleanup_buf struct buf name = BUF_INIT;
		text_harmless(&name, c.username, strlen(c.username));
		fprintf(stderr, "tare: logged in as %s already; for another user say -u USER\n",
		        buf_str(&name));
	}
	*rc = say_login(cli, q->registry, c.username, c.source);
	return true;
}

static int log_in(struct cli *cli, void *options, char **operands, struct err *e)
{
	const struct login_options *o = options;
	cleanup_credential struct credential c = CREDENTIAL_INIT;
	cleanup_free char *registry = NULL, *where = NULL;
	struct login_request q = {
	        .authfile = o->authfile, .cert_dir = o->cert_dir, .insecure = !o->tls_verify};
	int rc = 0;
	if (login_registry(operands[0], &registry, e) < 0)
		return -1;
	q.registry = registry;
	if (o->get_login)
		return get_login(o, registry, e);
	bool nothing = !o->username && !o->password && !o->password_stdin;
	if (nothing && login_again(cli, &q, &rc, e))
		return rc;
	if (check_options(o, e) < 0)
		return -1;
	rc = o->username ? ((c.username = strdup(o->username)) ? 0 : err_no_memory(e)) : ask_user(&c, e);
	if (rc < 0 || take_password(o, &c, e) < 0 || login(&q, &c, &where, e) < 0)
		return -1;
	return say_login(cli, registry, c.username, where);
}

/* ------------------------------------------------------------------ logout */

static int log_out(struct cli *cli, void *options, char **operands, struct err *e)
{
	const struct logout_options *o = options;
	cleanup_free char *registry = NULL, *where = NULL;
	if (o->all && operands[0])
		return err_set(e, ERR_USAGE, "give a registry or --all, not both");
	if (!o->all && login_registry(operands[0], &registry, e) < 0)
		return -1;
	if (credential_erase(o->authfile, registry, &where, e) < 0)
		return -1;
	if (cli->json) {
		cleanup_json json *j = json_object_new_object();
		json_set_str(j, "Registry", registry);
		json_set_str(j, "Removed", where);
		return transfer_print_json(j);
	}
	return printf("Removed login credentials for %s\n", registry ? registry : "all registries") < 0 ? -1
	                                                                                                : 0;
}

const struct transfer_verb transfer_login_verbs[] = {
        {"login", log_in, "nothing was stored"},
        {"logout", log_out, NULL},
        {"search", transfer_search, NULL},
        {0},
};
