/* The finished request as a whole: what no single text of it shows. Everything is refused here, before
 * anything is made. What only the host can tell (a user of the image, a controller) comes later. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/proc.h"
#include "base/text.h"
#include "engine/oci/namespace_mode.h"
#include "engine/oci/sysctl.h"
#include "engine/tare.h"

#define MEMORY_MIN   (INT64_C(6) << 20) /* Docker's; less cannot even start most programs */
#define HOSTNAME_MAX 64                 /* of the kernel's uname(2) */

static int check_hostname(const char *name, struct err *e)
{
	static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";
	size_t len = strlen(name);

	if (len > HOSTNAME_MAX)
		return err_set(e, ERR_USAGE, "invalid hostname \"%.20s…\": %zu characters, at most %d", name,
		        len, HOSTNAME_MAX);
	if (!len || name[0] == '-' || name[0] == '.' || strspn(name, good) < len)
		return err_set(e, ERR_USAGE,
		        "invalid hostname \"%s\": use letters, digits, - and ., as in web-1", name);
	return 0;
}

static int check_rootfs(const char *path, struct err *e)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return err_sys(e, "cannot use %s as root file system", path);
	if (!S_ISDIR(st.st_mode))
		return err_set(e, ERR_USAGE,
		        "cannot use %s as root file system: not a directory; an archive is made "
		        "an image by: tare import",
		        path);
	return 0;
}

static int check_origin(const struct tare_create *c, struct err *e)
{
	if (!c->image && !c->rootfs)
		return err_set(e, ERR_USAGE, "no image given: write its name, or --rootfs DIR");
	if (c->image && c->rootfs)
		return err_set(
		        e, ERR_USAGE, "both an image (%s) and --rootfs are given; use one of them", c->image);
	if (c->rootfs && check_rootfs(c->rootfs, e) < 0)
		return -1;
	if (c->image && !*c->image)
		return err_set(e, ERR_USAGE, "the name of the image is empty");
	if (c->name && tare_name_check(c->name, e) < 0)
		return -1;
	return c->hostname ? check_hostname(c->hostname, e) : 0;
}

static int check_memory(const struct resources *r, struct err *e)
{
	if (r->memory > 0 && r->memory < MEMORY_MIN)
		return err_set(e, ERR_USAGE, "--memory is below the minimum of 6MB; use at least 6m");
	if (r->memory_swap && r->memory <= 0)
		return err_set(
		        e, ERR_USAGE, "--memory-swap needs --memory too: it is memory and swap together");
	if (r->memory_swap > 0 && r->memory_swap < r->memory)
		return err_set(e, ERR_USAGE,
		        "--memory-swap is memory and swap together, so it cannot be less than --memory");
	if (r->memory_reservation > 0 && r->memory_reservation < MEMORY_MIN)
		return err_set(
		        e, ERR_USAGE, "--memory-reservation is below the minimum of 6MB; use at least 6m");
	if (r->memory > 0 && r->memory_reservation > r->memory)
		return err_set(e, ERR_USAGE, "--memory-reservation cannot be more than --memory");
	return 0;
}

/* "3" or "0-3"; the rest of the text, or NULL. */
static const char *cpuset_range(const char *s)
{
	char *end;
	unsigned long from, to;

	if (*s < '0' || *s > '9')
		return NULL;
	from = to = strtoul(s, &end, 10);
	if (*end == '-') {
		s = end + 1;
		if (*s < '0' || *s > '9')
			return NULL;
		to = strtoul(s, &end, 10);
	}
	return from <= to ? end : NULL;
}

/* "0-3,5". */
static int check_cpuset(const char *set, const char *flag, struct err *e)
{
	const char *s = set ? cpuset_range(set) : NULL;

	while (s && *s == ',')
		s = cpuset_range(s + 1);
	if (set && (!s || *s))
		return err_set(e, ERR_USAGE, "invalid %s \"%s\": write a list such as 0-2,4", flag, set);
	return 0;
}

static int check_limits(const struct resources *r, struct err *e)
{
	if (check_memory(r, e) < 0 || check_cpuset(r->cpuset_cpus, "--cpuset-cpus", e) < 0 ||
	        check_cpuset(r->cpuset_mems, "--cpuset-mems", e) < 0)
		return -1;
	return 0;
}

/* One of `words` (its members end at spaces). */
static int check_word(const char *flag, const char *word, const char *words, struct err *e)
{
	size_t len = word ? strlen(word) : 0;

	if (!word)
		return 0;
	for (const char *w = words; *w;) {
		size_t n = strcspn(w, " ");

		if (n == len && strncmp(w, word, n) == 0)
			return 0;
		w += n + (w[n] == ' ');
	}
	return err_set(e, ERR_USAGE, "unknown %s \"%s\"; one of: %s", flag, word, words);
}

static int check_modes(const struct tare_create *c, struct err *e)
{
	const struct {
		enum spec_namespace_kind kind;
		const char *value;
	} asked[] = {{NS_NETWORK, c->network}, {NS_PID, c->pid_mode}, {NS_IPC, c->ipc_mode},
	        {NS_UTS, c->uts_mode}, {NS_CGROUP, c->cgroupns_mode}};
	struct spec_namespace ns[NS_KIND_COUNT] = {0};
	struct sysctl one;
	const char *container;

	for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++)
		if (namespace_mode_parse(
		            asked[i].kind, asked[i].value, &ns[asked[i].kind].mode, &container, e) < 0)
			return -1;
	strv_foreach (s, c->sysctls)
		if (sysctl_parse(*s, ns, &one, e) < 0)
			return -1;
	if (c->hostname && c->uts_mode && strcmp(c->uts_mode, "host") == 0)
		return err_set(e, ERR_USAGE,
		        "--hostname would change the host's name, as --uts is host; "
		        "leave one of them out");
	return check_word("--log-driver", c->log_driver, "cri none json-file k8s-file local", e);
}

static int check_process(const struct tare_create *c, struct err *e)
{
	if (c->workdir && c->workdir[0] != '/')
		return err_set(e, ERR_USAGE, "the working directory \"%s\" must be absolute, as in /srv",
		        c->workdir);
	if (c->stop_signal && signal_parse(c->stop_signal) <= 0)
		return err_set(e, ERR_USAGE, "unknown signal \"%s\"; write a name or number such as TERM",
		        c->stop_signal);
	return 0;
}

static int check_utf8(const char *what, const char *text, struct err *e)
{
	if (!text || utf8_valid(text, strlen(text)))
		return 0;
	return err_set(e, ERR_USAGE,
	        "%s \"%s\" is not UTF-8, which is all that a record can hold; pass such bytes in a file",
	        what, text);
}

static int check_utf8_of(const char *what, char *const *texts, struct err *e)
{
	strv_foreach (s, texts)
		if (check_utf8(what, *s, e) < 0)
			return -1;
	return 0;
}

static int check_utf8_members(const char *what, json *object, struct err *e)
{
	if (!object)
		return 0;
	json_object_object_foreach (object, key, value)
		if (check_utf8(what, key, e) < 0 || check_utf8(what, json_object_get_string(value), e) < 0)
			return -1;
	return 0;
}

/* What is asked goes into documents in JSON, which are text: one that cannot be read back would be a
 * container that runs and that nobody can name. */
static int check_encoding(const struct tare_create *c, struct err *e)
{
	const struct {
		const char *what, *text;
	} texts[] = {{"the root file system", c->rootfs}, {"the working directory", c->workdir},
	        {"the user", c->user}, {"the host name", c->hostname}, {"the domain name", c->domainname},
	        {"the cgroup parent", c->cgroup_parent}, {"the security profile", c->security_profile},
	        {"the network", c->network}};

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		if (check_utf8(texts[i].what, texts[i].text, e) < 0)
			return -1;
	for (size_t i = 0; i < c->n_mounts; i++)
		if (check_utf8("the mount of", c->mounts[i].source, e) < 0 ||
		        check_utf8("the mount at", c->mounts[i].target, e) < 0)
			return -1;
	if (check_utf8_of("the command's word", c->args, e) < 0 ||
	        check_utf8_of("the entrypoint's word", c->entrypoint, e) < 0 ||
	        check_utf8_of("the variable", c->env, e) < 0 ||
	        check_utf8_of("the security option", c->security_opts, e) < 0 ||
	        check_utf8_of("the host", c->add_hosts, e) < 0 ||
	        check_utf8_of("the group", c->groups, e) < 0)
		return -1;
	return check_utf8_members("the label", c->labels, e) < 0
	               ? -1
	               : check_utf8_members("the annotation", c->annotations, e);
}

int tare_create_check(const struct tare_create *c, struct err *e)
{
	if (check_encoding(c, e) < 0)
		return -1;
	if (check_origin(c, e) < 0 || check_limits(&c->resources, e) < 0 || check_modes(c, e) < 0)
		return -1;
	return check_process(c, e);
}
