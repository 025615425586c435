/* The request for a container: its default values, and what single texts of a command line or a form add
 * to it. Mounts and devices are parsed in request_mount.c, networks and ports in request_network.c, the whole
 * is judged in request_check.c. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/defence.h"
#include "base/err.h"
#include "base/file.h"
#include "base/text.h"
#include "base/units.h"
#include "engine/oci/rlimit.h"
#include "engine/request_mount.h"
#include "engine/tare.h"

#define NANO            INT64_C(1000000000)
#define CPU_PERIOD_US   100000 /* the kernel's default, and what --cpus is defined over */
#define CPU_QUOTA_MIN   1000   /* us; the kernel refuses less */
#define TEXT_FILE_MAX   ((size_t)1 << 20)
#define ENV_LINE_PREFIX " \t"

void tare_create_init(struct tare_create *c)
{
	*c = (struct tare_create){.stop_timeout = TARE_TIMEOUT_DEFAULT};
}

static void free_vectors(struct tare_create *c)
{
	char ***vectors[] = {&c->args, &c->entrypoint, &c->env, &c->groups, &c->volumes_from, &c->add_hosts,
	        &c->dns, &c->dns_search, &c->dns_options, &c->cap_add, &c->cap_drop, &c->security_opts,
	        &c->sysctls, &c->expose, &c->uid_maps, &c->gid_maps};

	for (size_t i = 0; i < sizeof(vectors) / sizeof(*vectors); i++)
		strv_free_ptr(vectors[i]);
}

static void free_strings(struct tare_create *c)
{
	char **strings[] = {&c->image, &c->platform, &c->rootfs, &c->name, &c->hostname, &c->domainname,
	        &c->user, &c->workdir, &c->stop_signal, &c->network, &c->pid_mode, &c->ipc_mode, &c->uts_mode,
	        &c->cgroupns_mode, &c->userns_mode, &c->cgroup_parent, &c->security_profile, &c->log_driver,
	        &c->detach_keys, &c->publish_group};

	for (size_t i = 0; i < sizeof(strings) / sizeof(*strings); i++)
		free_ptr(strings[i]);
}

void tare_create_free(struct tare_create *c)
{
	free_vectors(c);
	free_strings(c);
	health_check_free(&c->health);
	json_free(&c->labels);
	json_free(&c->annotations);
	for (size_t i = 0; i < c->n_mounts; i++)
		request_mount_drop(&c->mounts[i]);
	free(c->mounts);
	for (size_t i = 0; i < c->n_devices; i++) {
		free(c->devices[i].host_path);
		free(c->devices[i].container_path);
	}
	free(c->devices);
	free(c->ulimits);
	for (size_t i = 0; i < c->n_endpoints; i++)
		tare_endpoint_free(&c->endpoints[i]);
	free(c->endpoints);
	for (size_t i = 0; i < c->n_publish; i++)
		free(c->publish[i].host_ip);
	free(c->publish);
	resources_free(&c->resources);
	tare_create_init(c);
}

/* A name becomes a file's, and a word of other programs' command lines: no path, no option, no control
 * character. Test: badinput.bats, "bad names". */
int tare_name_check(const char *name, struct err *e)
{
	static const char first[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	size_t len = strlen(name), good = 0;

	if (!DEFENCE("name-form"))
		return 0;
	if (len && strchr(first, name[0]))
		while (name[good] && (strchr(first, name[good]) || strchr("_.-", name[good])))
			good++;
	if (!len || good < len)
		return err_set(e, ERR_USAGE,
		        "invalid name \"%s\": begin with a letter or digit, then letters, digits, _ . -, as "
		        "in web-1",
		        name);
	if (len > 128)
		return err_set(
		        e, ERR_USAGE, "invalid name \"%.20s…\": %zu characters, at most 128", name, len);
	return 0;
}

/* ------------------------------------------------------------------ environment and labels */

int tare_parse_env(struct tare_create *c, const char *text, struct err *e)
{
	const char *value;
	char *pair;

	if (!*text || *text == '=')
		return err_set(e, ERR_USAGE,
		        "invalid environment variable \"%s\": write NAME=value, as in TZ=UTC", text);
	value = strchr(text, '=') ? NULL : getenv(text);
	pair = value ? str_printf("%s=%s", text, value) : strdup(text);
	return pair && strv_take(&c->env, pair) == 0 ? 0 : err_no_memory(e);
}

static int set_label(json **labels, const char *text, struct err *e)
{
	const char *equal = strchr(text, '=');
	cleanup_free char *key = equal ? strndup(text, (size_t)(equal - text)) : strdup(text);

	if (!*text || equal == text)
		return err_set(e, ERR_USAGE,
		        "invalid label \"%s\": write KEY=value, as in com.example.tier=web", text);
	if (!*labels)
		*labels = json_object_new_object();
	if (!key || !*labels)
		return err_no_memory(e);
	json_set_str(*labels, key, equal ? equal + 1 : "");
	return 0;
}

int tare_parse_label(struct tare_create *c, const char *text, struct err *e)
{
	return set_label(&c->labels, text, e);
}

int tare_parse_annotation(struct tare_create *c, const char *text, struct err *e)
{
	if (!strchr(text, '='))
		return err_set(e, ERR_USAGE, "invalid annotation \"%s\": write KEY=value", text);
	return set_label(&c->annotations, text, e);
}

typedef int (*line_fn)(struct tare_create *c, const char *line, struct err *e);

/* Call fn for each line that holds something: no comments, no blank lines, no leading blanks. */
static int each_line(struct tare_create *c, const char *path, line_fn fn, struct err *e)
{
	cleanup_buf struct buf text = BUF_INIT_MAX(TEXT_FILE_MAX);
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	unsigned number = 0;
	char *line;

	/* Not file_read_at(): a shell's <(command) is a pipe. */
	if (fd < 0 || read_to_buf(fd, &text) < 0)
		return err_sys(e, "cannot read %s", path);
	if (!utf8_valid(buf_str(&text), text.len) || strlen(buf_str(&text)) != text.len)
		return err_set(e, ERR_USAGE, "%s is not a text file in UTF-8", path);
	if (!text.len)
		return 0;
	for (char *rest = text.data; (line = text_next_part(&rest, "\n"));) {
		size_t len;

		number++;
		if (number == 1 && strncmp(line, "\xef\xbb\xbf", 3) == 0)
			line += 3; /* a byte order mark */
		line += strspn(line, ENV_LINE_PREFIX);
		len = strlen(line);
		if (len && line[len - 1] == '\r')
			line[len - 1] = 0;
		if (*line && *line != '#' && fn(c, line, e) < 0)
			return err_wrap(e, "%s, line %u", path, number);
	}
	return 0;
}

static int env_line(struct tare_create *c, const char *line, struct err *e)
{
	size_t name = strcspn(line, "=");

	if (strcspn(line, " \t") < name)
		return err_set(e, ERR_USAGE, "variable name \"%.*s\" contains a blank", (int)name, line);
	/* A bare name that is not set here adds nothing, as in Docker. */
	if (!line[name] && !getenv(line))
		return 0;
	return tare_parse_env(c, line, e);
}

int tare_parse_env_file(struct tare_create *c, const char *path, struct err *e)
{
	return each_line(c, path, env_line, e);
}

int tare_parse_label_file(struct tare_create *c, const char *path, struct err *e)
{
	return each_line(c, path, tare_parse_label, e);
}

/* ------------------------------------------------------------------ limits */

static int ulimit_resource(const char *name, size_t len)
{
	char word[16];

	if (len >= sizeof(word))
		return -1;
	snprintf(word, sizeof(word), "%.*s", (int)len, name);
	return rlimit_number(word);
}

static int ulimit_value(const char *text, uint64_t *v, struct err *e)
{
	int64_t n;

	if (strcmp(text, "-1") == 0 || strcmp(text, "unlimited") == 0) {
		*v = UINT64_MAX;
		return 0;
	}
	if (int_parse(text, 0, INT64_MAX, "limit", &n, e) < 0)
		return -1;
	*v = (uint64_t)n;
	return 0;
}

int tare_parse_ulimit(struct tare_create *c, const char *text, struct err *e)
{
	size_t name = strcspn(text, "=");
	struct tare_ulimit u = {.resource = ulimit_resource(text, name)}, *grown;
	cleanup_free char *soft = NULL;
	char *hard;

	if (!text[name])
		return err_set(e, ERR_USAGE,
		        "invalid limit \"%s\": write NAME=SOFT[:HARD], as in nofile=1024:2048", text);
	if (u.resource < 0)
		return err_set(e, ERR_USAGE,
		        "unknown limit \"%.*s\"; one of as, core, cpu, data, fsize, locks, memlock, "
		        "msgqueue, nice, "
		        "nofile, nproc, rss, rtprio, rttime, sigpending, stack",
		        (int)name, text);
	soft = strdup(text + name + 1);
	if (!soft)
		return err_no_memory(e);
	hard = strchr(soft, ':');
	if (hard)
		*hard++ = 0;
	if (ulimit_value(soft, &u.soft, e) < 0 || ulimit_value(hard ? hard : soft, &u.hard, e) < 0)
		return -1;
	if (u.soft > u.hard)
		return err_set(
		        e, ERR_USAGE, "invalid limit \"%s\": the soft value is above the hard one", text);
	for (size_t i = 0; i < c->n_ulimits; i++) {
		if (c->ulimits[i].resource != u.resource)
			continue;
		c->ulimits[i] = u; /* the last one counts */
		return 0;
	}
	grown = realloc(c->ulimits, (c->n_ulimits + 1) * sizeof(*grown));
	if (!grown)
		return err_no_memory(e);
	c->ulimits = grown;
	c->ulimits[c->n_ulimits++] = u;
	return 0;
}

/* `nano` billionths of a core. */
static void set_cpu_quota(struct resources *r, int64_t nano)
{
	r->cpu_period_us = nano ? CPU_PERIOD_US : 0;
	r->cpu_quota_us = nano / (NANO / CPU_PERIOD_US);
	if (nano && r->cpu_quota_us < CPU_QUOTA_MIN)
		r->cpu_quota_us = CPU_QUOTA_MIN;
}

static long cpus_here(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n > 0 ? n : 1;
}

int tare_parse_cpus(struct resources *r, const char *text, struct err *e)
{
	long cpus = cpus_here();
	int64_t nano;

	if (decimal_parse(text, 0, 1e6, "number of CPUs", &nano, NULL) < 0)
		return err_set(e, ERR_USAGE,
		        "invalid number of CPUs \"%s\": write a number such as 0.5 or %ld", text, cpus);
	if (nano && (nano < NANO / 100 || nano > cpus * NANO))
		return err_set(e, ERR_USAGE, "%s CPUs cannot be had: from 0.01 to %ld, as there are only %ld",
		        text, cpus, cpus);
	set_cpu_quota(r, nano);
	return 0;
}

int tare_parse_cpu_percent(struct resources *r, const char *text, struct err *e)
{
	long cpus = cpus_here();
	cleanup_free char *number = strdup(text);
	size_t len = strlen(text);
	int64_t nano;

	if (!number)
		return err_no_memory(e);
	if (len && number[len - 1] == '%')
		number[len - 1] = 0;
	if (decimal_parse(number, 0, 1e8, "percentage", &nano, NULL) < 0)
		return err_set(e, ERR_USAGE,
		        "invalid percentage \"%s\": write percent of one core, such as 20", text);
	if (nano && (nano < NANO || nano > cpus * 100 * NANO))
		return err_set(e, ERR_USAGE,
		        "%s percent of one core cannot be had: from 1 to %ld (%ld cores)", text, cpus * 100,
		        cpus);
	set_cpu_quota(r, nano / 100);
	return 0;
}

static int io_value(enum io_limit_kind kind, const char *text, uint64_t *value, struct err *e)
{
	int64_t n;

	if (kind == IO_READ_BPS || kind == IO_WRITE_BPS)
		return size_parse(text, value, e);
	if (int_parse(text, kind == IO_WEIGHT ? 10 : 0, kind == IO_WEIGHT ? 1000 : INT64_MAX,
	            kind == IO_WEIGHT ? "weight" : "number of operations", &n, e) < 0)
		return -1;
	*value = (uint64_t)n;
	return 0;
}

int tare_parse_io_limit(struct resources *r, enum io_limit_kind kind, const char *text, struct err *e)
{
	static const char *const samples[] = {
	        [IO_READ_BPS] = "10mb",
	        [IO_WRITE_BPS] = "10mb",
	        [IO_READ_IOPS] = "1000",
	        [IO_WRITE_IOPS] = "1000",
	        [IO_WEIGHT] = "500",
	};
	const char *colon = strrchr(text, ':');
	cleanup_free char *path = colon ? strndup(text, (size_t)(colon - text)) : NULL;
	struct io_limit l = {.kind = kind};
	struct stat st;

	if (!path || *path != '/' || !colon[1])
		return err_set(e, ERR_USAGE,
		        "invalid device limit \"%s\": write DEVICE:VALUE, as in /dev/sda:%s", text,
		        samples[kind]);
	if (io_value(kind, colon + 1, &l.value, e) < 0)
		return -1;
	if (stat(path, &st) < 0)
		return err_sys(e, "cannot limit %s", path);
	if (!S_ISBLK(st.st_mode))
		return err_set(e, ERR_USAGE, "cannot limit %s: not a block device", path);
	l.major = major(st.st_rdev);
	l.minor = minor(st.st_rdev);
	return resources_add_io(r, l) < 0 ? err_no_memory(e) : 0;
}

/* ------------------------------------------------------------------ log and hosts */

int tare_parse_log_opt(struct tare_create *c, const char *text, struct err *e)
{
	const char *value = strchr(text, '=');
	size_t key = value ? (size_t)(value - text) : strlen(text);
	int64_t files;

	if (!value || !value[1])
		return err_set(
		        e, ERR_USAGE, "invalid log option \"%s\": write max-size=10m or max-file=3", text);
	value++;
	if (key == strlen("max-size") && strncmp(text, "max-size", key) == 0) {
		if (strcmp(value, "-1") != 0)
			return size_parse(value, &c->log_max_size, e);
		c->log_max_size = 0;
		return 0;
	}
	if (key == strlen("max-file") && strncmp(text, "max-file", key) == 0) {
		if (int_parse(value, 1, 1000, "max-file", &files, e) < 0)
			return -1;
		c->log_max_files = (unsigned)files;
		return 0;
	}
	return err_set(
	        e, ERR_USAGE, "unknown log option \"%.*s\"; known are max-size and max-file", (int)key, text);
}

static bool is_address(const char *text)
{
	struct in6_addr a;

	return inet_pton(AF_INET, text, &a) == 1 || inet_pton(AF_INET6, text, &a) == 1;
}

int tare_parse_address(const char *text, struct err *e)
{
	if (!is_address(text))
		return err_set(e, ERR_USAGE,
		        "invalid address \"%s\": write one such as 192.0.2.1 or 2001:db8::1", text);
	return 0;
}

int tare_parse_add_host(struct tare_create *c, const char *text, struct err *e)
{
	size_t name = strcspn(text, ":=");
	cleanup_free char *address = text[name] ? strdup(text + name + 1) : NULL;
	size_t len = address ? strlen(address) : 0;
	char *entry;

	if (!name || !len || strcspn(text, " \t") < name)
		return err_set(
		        e, ERR_USAGE, "invalid host \"%s\": write HOST:ADDRESS, as in db:192.0.2.7", text);
	if (address[0] == '[' && address[len - 1] == ']') {
		address[len - 1] = 0;
		memmove(address, address + 1, len - 1);
	}
	if (strcmp(address, "host-gateway") != 0 && !is_address(address))
		return err_set(e, ERR_USAGE,
		        "invalid host \"%s\": \"%s\" is not an address such as 192.0.2.7", text, address);
	entry = str_printf("%.*s:%s", (int)name, text, address);
	return entry && strv_take(&c->add_hosts, entry) == 0 ? 0 : err_no_memory(e);
}
