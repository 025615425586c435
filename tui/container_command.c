#include "tui/container_command.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"

static void word(struct buf *out, const char *text)
{
	if (out->len)
		buf_char(out, ' ');
	text_shell_quote(out, text);
}

static void option(struct buf *out, const char *flag, const char *value)
{
	word(out, flag);
	word(out, value);
}

static void string_option(struct buf *out, json *from, const char *key, const char *flag, const char *dflt)
{
	const char *value = json_str(from, key, "");

	if (*value && strcmp(value, dflt) != 0)
		option(out, flag, value);
}

static void flag_option(struct buf *out, json *from, const char *key, const char *flag)
{
	if (json_bool(from, key, false))
		word(out, flag);
}

static void number_option(struct buf *out, json *from, const char *key, const char *flag, int64_t dflt)
{
	int64_t value = json_int(from, key, dflt);
	char text[24];

	if (value == dflt)
		return;
	snprintf(text, sizeof(text), "%" PRId64, value);
	option(out, flag, text);
}

/* A size as people write it where that says the same. */
static void size_option(struct buf *out, json *from, const char *key, const char *flag, int64_t dflt)
{
	static const char units[] = "kmg";
	int64_t value = json_int(from, key, 0);
	char text[24];
	int unit = -1;

	if (!value || value == dflt)
		return;
	while (value > 0 && value % 1024 == 0 && unit < 2) {
		value /= 1024;
		unit++;
	}
	snprintf(text, sizeof(text), "%" PRId64 "%.*s", value, unit >= 0, unit >= 0 ? units + unit : "");
	option(out, flag, text);
}

/* Each string of a list that is not in the image's list too. */
static void list_option(struct buf *out, json *from, const char *key, const char *flag, json *image)
{
	cleanup_strv char **values = json_strv(from, key), **known = json_strv(image, key);

	strv_foreach (v, values)
		if (!strv_has(known, *v))
			option(out, flag, *v);
}

/* ------------------------------------------------------------------ the parts of the document */

static void environment(struct buf *out, json *config, json *image)
{
	cleanup_strv char **values = json_strv(config, "Env"), **known = json_strv(image, "Env");

	strv_foreach (v, values) {
		/* what tare itself sets when nobody else does */
		bool is_usual = !strncmp(*v, "HOSTNAME=", 9) || !strncmp(*v, "HOME=", 5) ||
		                !strncmp(*v, "TERM=", 5) || (!strncmp(*v, "PATH=", 5) && !strv_len(known));

		if (!strv_has(known, *v) && !is_usual)
			option(out, "-e", *v);
	}
}

static void labels(struct buf *out, json *config, json *image)
{
	json *ours = json_get(config, "Labels"), *known = json_get(image, "Labels");

	if (!ours || !json_object_is_type(ours, json_type_object))
		return;
	json_object_object_foreach (ours, key, value) {
		cleanup_free char *text = str_printf("%s=%s", key, json_object_get_string(value));

		if (text && strcmp(json_str(known, key, "\1"), json_str(ours, key, "")) != 0)
			option(out, "--label", text);
	}
}

/* A name that was made up for a volume: 64 hexadecimal digits. */
static bool is_anonymous(const char *name)
{
	return strlen(name) == 64 && strspn(name, "0123456789abcdef") == 64;
}

static void mount(struct buf *out, json *m)
{
	const char *type = json_str(m, "Type", ""), *target = json_str(m, "Destination", "");
	const char *source = json_str(m, strcmp(type, "volume") ? "Source" : "Name", "");
	const char *ro = json_bool(m, "RW", true) ? "" : ":ro";
	cleanup_free char *text = NULL;

	if (!strcmp(type, "tmpfs")) {
		option(out, "--tmpfs", target);
		return;
	}
	if (!strcmp(type, "volume") && is_anonymous(source))
		text = str_printf("%s", target);
	else
		text = str_printf("%s:%s%s", source, target, ro);
	if (text)
		option(out, "-v", text);
}

static void mounts(struct buf *out, json *container)
{
	json *all = json_get(container, "Mounts");

	if (!all || !json_object_is_type(all, json_type_array))
		return;
	for (size_t i = 0; i < json_object_array_length(all); i++)
		mount(out, json_object_array_get_idx(all, i));
}

static void cpus(struct buf *out, json *host)
{
	int64_t nano = json_int(host, "NanoCpus", 0);
	char text[32];

	if (!nano)
		return;
	snprintf(text, sizeof(text), "%.9f", (double)nano / 1e9);
	for (size_t n = strlen(text); n && text[n - 1] == '0'; n--)
		text[n - 1] = '\0';
	if (text[strlen(text) - 1] == '.')
		text[strlen(text) - 1] = '\0';
	option(out, "--cpus", text);
}

static void limits(struct buf *out, json *host)
{
	size_option(out, host, "Memory", "-m", 0);
	size_option(out, host, "MemoryReservation", "--memory-reservation", 0);
	cpus(out, host);
	number_option(out, host, "CpuShares", "--cpu-shares", 0);
	string_option(out, host, "CpusetCpus", "--cpuset-cpus", "");
	number_option(out, host, "PidsLimit", "--pids-limit", 0);
	number_option(out, host, "BlkioWeight", "--blkio-weight", 0);
	size_option(out, host, "ShmSize", "--shm-size", (int64_t)64 << 20);
	number_option(out, host, "OomScoreAdj", "--oom-score-adj", 0);
}

static void security(struct buf *out, json *host)
{
	bool privileged = json_bool(host, "Privileged", false);

	flag_option(out, host, "Privileged", "--privileged");
	string_option(
	        out, host, "SecurityProfile", "--security-profile", privileged ? "privileged" : "default");
	flag_option(out, host, "ReadonlyRootfs", "--read-only");
	list_option(out, host, "CapAdd", "--cap-add", NULL);
	list_option(out, host, "CapDrop", "--cap-drop", NULL);
	list_option(out, host, "SecurityOpt", "--security-opt", NULL);
	list_option(out, host, "Sysctls", "--sysctl", NULL);
}

/* The addresses and names that were asked for in one network, as options of their own or, beside others, as
 * "name=…,ip=…". */
static void endpoint(struct buf *out, const char *name, json *settings, json *container, bool is_first)
{
	json *ipam = json_get(settings, "IPAMConfig");
	const char *ip = json_str(ipam, "IPv4Address", ""), *ip6 = json_str(ipam, "IPv6Address", "");
	cleanup_strv char **aliases = json_strv(settings, "Aliases");
	cleanup_buf struct buf text = BUF_INIT;
	const char *id = json_str(container, "Id", "");

	if (is_first && *ip)
		option(out, "--ip", ip);
	if (is_first && *ip6)
		option(out, "--ip6", ip6);
	buf_printf(&text, "name=%s%s%s%s%s", name, *ip ? ",ip=" : "", ip, *ip6 ? ",ip6=" : "", ip6);
	strv_foreach (s, aliases) {
		if (strlen(*s) == 12 && !strncmp(id, *s, 12))
			continue; /* which every container has */
		if (is_first)
			option(out, "--network-alias", *s);
		buf_printf(&text, ",alias=%s", *s);
	}
	if (!is_first)
		option(out, "--network", strchr(buf_str(&text), ',') ? buf_str(&text) : name);
}

static bool is_default_network(const char *name)
{
	return !*name || !strcmp(name, "tare0") || !strcmp(name, "bridge") || !strcmp(name, "default");
}

static void networks(struct buf *out, json *container)
{
	json *host = json_get(container, "HostConfig");
	json *all = json_path(container, "NetworkSettings.Networks");
	const char *first = json_str(host, "NetworkMode", "");

	if (!json_object_is_type(all, json_type_object))
		all = NULL;
	/* with others beside it the default one must be named, too */
	if (!is_default_network(first) || (all && json_object_object_length(all) > 1))
		option(out, "--network", *first ? first : "tare0");
	if (all && json_get(all, first))
		endpoint(out, first, json_get(all, first), container, true);
	if (!all)
		return;
	json_object_object_foreach (all, name, settings)
		if (strcmp(name, first) != 0 && !(is_default_network(name) && is_default_network(first)))
			endpoint(out, name, settings, container, false);
}

/* {"80/tcp": [{"HostIp": "", "HostPort": "8080"}]} */
static void publish(struct buf *out, const char *key, json *binding)
{
	const char *ip = json_str(binding, "HostIp", ""), *port = json_str(binding, "HostPort", "");
	bool is_any = !*ip || !strcmp(ip, "0.0.0.0") || !strcmp(ip, "::");
	size_t len = strlen(key);
	cleanup_free char *text = NULL;

	if (len > 4 && !strcmp(key + len - 4, "/tcp"))
		len -= 4;
	text = str_printf("%s%s%s%s%s%s%.*s", !is_any && strchr(ip, ':') ? "[" : "", is_any ? "" : ip,
	        !is_any && strchr(ip, ':') ? "]" : "", is_any ? "" : ":", port, *port || !is_any ? ":" : "",
	        (int)len, key);
	if (text)
		option(out, "-p", text);
}

static void ports(struct buf *out, json *host)
{
	json *all = json_get(host, "PortBindings");

	flag_option(out, host, "PublishAllPorts", "-P");
	if (!json_object_is_type(all, json_type_object))
		return;
	json_object_object_foreach (all, key, list) {
		size_t n = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;

		for (size_t i = 0; i < n; i++)
			publish(out, key, json_object_array_get_idx(list, i));
	}
}

static void namespaces(struct buf *out, json *host)
{
	string_option(out, host, "PidMode", "--pid", "private");
	string_option(out, host, "IpcMode", "--ipc", "private");
	string_option(out, host, "UTSMode", "--uts", "private");
	string_option(out, host, "CgroupnsMode", "--cgroupns", "private");
	list_option(out, host, "Dns", "--dns", NULL);
	list_option(out, host, "DnsSearch", "--dns-search", NULL);
	list_option(out, host, "DnsOptions", "--dns-option", NULL);
	list_option(out, host, "ExtraHosts", "--add-host", NULL);
	list_option(out, host, "GroupAdd", "--group-add", NULL);
	list_option(out, host, "VolumesFrom", "--volumes-from", NULL);
	string_option(out, host, "CgroupParent", "--cgroup-parent", "");
}

/* The entrypoint's first word is an option, its others go before the arguments. */
static void command(struct buf *out, json *config, json *image)
{
	cleanup_strv char **entry = json_strv(config, "Entrypoint"), **cmd = json_strv(config, "Cmd");
	cleanup_strv char **image_entry = json_strv(image, "Entrypoint"),
	                  **image_cmd = json_strv(image, "Cmd");
	size_t n = strv_len(entry), k = strv_len(cmd);
	bool same_entry = n == strv_len(image_entry), same_cmd = k == strv_len(image_cmd);

	for (size_t i = 0; same_entry && i < n; i++)
		same_entry = !strcmp(entry[i], image_entry[i]);
	for (size_t i = 0; same_cmd && i < k; i++)
		same_cmd = !strcmp(cmd[i], image_cmd[i]);
	if (!same_entry)
		option(out, "--entrypoint", n ? entry[0] : "");
	word(out, json_str(config, "Image", ""));
	for (size_t i = 1; !same_entry && i < n; i++)
		word(out, entry[i]);
	for (size_t i = 0; (!same_cmd || !same_entry) && i < k; i++)
		word(out, cmd[i]);
}

void container_command(json *container, json *image_doc, struct buf *out)
{
	json *config = json_get(container, "Config"), *host = json_get(container, "HostConfig");
	json *image = json_get(image_doc, "Config");
	const char *name = json_str(container, "Name", ""), *id = json_str(container, "Id", "");
	const char *hostname = json_str(config, "Hostname", "");

	buf_str_add(out, "tare run");
	word(out, json_bool(config, "OpenStdin", false) && json_bool(config, "Tty", false) ? "-dit" : "-d");
	if (json_bool(config, "OpenStdin", false) != json_bool(config, "Tty", false))
		word(out, json_bool(config, "Tty", false) ? "-t" : "-i");
	if (*name)
		option(out, "--name", name + (*name == '/'));
	flag_option(out, host, "AutoRemove", "--rm");
	flag_option(out, host, "Init", "--init");
	if (*hostname && strncmp(id, hostname, strlen(hostname)) != 0)
		option(out, "--hostname", hostname);
	string_option(out, config, "Domainname", "--domainname", "");
	string_option(out, config, "User", "-u", json_str(image, "User", ""));
	string_option(out, config, "WorkingDir", "-w",
	        *json_str(image, "WorkingDir", "") ? json_str(image, "WorkingDir", "") : "/");
	environment(out, config, image);
	labels(out, config, image);
	mounts(out, container);
	ports(out, host);
	limits(out, host);
	security(out, host);
	networks(out, container);
	namespaces(out, host);
	string_option(out, config, "StopSignal", "--stop-signal",
	        *json_str(image, "StopSignal", "") ? json_str(image, "StopSignal", "") : "SIGTERM");
	number_option(out, config, "StopTimeout", "--stop-timeout", 0);
	command(out, config, image);
}
