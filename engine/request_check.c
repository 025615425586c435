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
#include "engine/request.h"
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

int request_check_limits(const struct resources *r, struct err *e)
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

/* ------------------------------------------------------------------ networks and ports */

static int check_endpoints(const struct tare_create *c, struct err *e)
{
	if (!c->network || !c->n_endpoints)
		return 0;
	if (c->endpoints[0].unnamed)
		return err_set(e, ERR_USAGE,
		        "--ip, --ip6, --mac-address and --network-alias need a network of the container's "
		        "own, "
		        "which it has none of with --network %s",
		        c->network);
	return err_set(e, ERR_USAGE, "--network %s and --network %s exclude each other; use one of them",
	        c->network, c->endpoints[0].network);
}

/* Another's network comes with its hosts and resolv.conf. */
static int check_resolving(const struct tare_create *c, struct err *e)
{
	if (!c->network || strncmp(c->network, "container:", strlen("container:")) != 0)
		return 0;
	if (c->add_hosts || c->dns || c->dns_search || c->dns_options)
		return err_set(e, ERR_USAGE,
		        "--add-host, --dns, --dns-search and --dns-option belong to the container whose "
		        "network "
		        "it is: give them there, as --network %s shares its files",
		        c->network);
	return 0;
}

static bool is_single(const struct tare_publish *p)
{
	return p->host_port && p->host_port == p->host_port_to;
}

static int compare_host_port(const void *a, const void *b)
{
	const struct tare_publish *p = *(const struct tare_publish *const *)a,
	                          *q = *(const struct tare_publish *const *)b;

	return p->protocol != q->protocol ? p->protocol - q->protocol : p->host_port - q->host_port;
}

/* The same address, or one of them is all of its family. */
static bool share_address(const char *a, const char *b)
{
	if (!a || !b || strcmp(a, b) == 0)
		return true;
	if (!strchr(a, ':') != !strchr(b, ':'))
		return false;
	return strcmp(a, "0.0.0.0") == 0 || strcmp(b, "0.0.0.0") == 0 || strcmp(a, "::") == 0 ||
	       strcmp(b, "::") == 0;
}

/* A port of the host can be given once. */
static int check_host_ports(const struct tare_create *c, struct err *e)
{
	cleanup_free const struct tare_publish **rows = calloc(c->n_publish + 1, sizeof *rows);
	size_t n = 0;

	if (!rows)
		return err_no_memory(e);
	for (size_t i = 0; i < c->n_publish; i++)
		if (is_single(&c->publish[i]))
			rows[n++] = &c->publish[i];
	qsort(rows, n, sizeof *rows, compare_host_port);
	for (size_t i = 1; i < n; i++)
		for (size_t k = i; k-- > 0 && compare_host_port(&rows[k], &rows[i]) == 0;)
			if (share_address(rows[k]->host_ip, rows[i]->host_ip))
				return err_set(e, ERR_USAGE,
				        "the port %u/%s of this host is published twice; choose another one "
				        "for one of them",
				        rows[i]->host_port, tare_protocol_name(rows[i]->protocol));
	return 0;
}

/* With the host's network the ports are there anyway: whoever asks for them is warned, as Docker does it. */
static int check_ports(const struct tare_create *c, struct err *e)
{
	bool publishes = c->n_publish || c->publish_all;

	if (publishes && c->network && strcmp(c->network, "host") != 0)
		return err_set(e, ERR_USAGE,
		        "ports cannot be published with --network %s: %s; leave out --network, or -p",
		        c->network,
		        strcmp(c->network, "none") == 0
		                ? "there is no network to reach them by"
		                : "publish them on the container whose network it is");
	if (c->publish_group && !publishes)
		return err_set(e, ERR_USAGE,
		        "--publish-group %s needs a port to share; add it with -p, as in -p 8080:80",
		        c->publish_group);
	if (c->publish_group && tare_name_check(c->publish_group, e) < 0)
		return err_wrap(e, "--publish-group");
	return check_host_ports(c, e);
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
	        {"the network", c->network}, {"the group", c->publish_group}};

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
	        check_utf8_of("the health command", c->health.test, e) < 0 ||
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
	if (check_origin(c, e) < 0 || request_check_limits(&c->resources, e) < 0 || check_modes(c, e) < 0)
		return -1;
	if (check_endpoints(c, e) < 0 || check_resolving(c, e) < 0 || check_ports(c, e) < 0)
		return -1;
	if (tare_check_health(c, e) < 0 || request_check_id_maps(c, e) < 0)
		return -1;
	return check_process(c, e);
}
