#include "engine/rootless_network.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/rootless.h"
#include "engine/endpoint.h"

#define PROGRAM_FILE "network-program" /* in the container's state directory: "PID START" */
#define NETNS_FILE   "netns" /* there, too: mounted on it is the namespace, for the program to open */
#define PID_FILE     "network-pid"
#define SOCKET_FILE  "network-socket" /* slirp4netns takes orders there */
#define PASTA_DNS    "169.254.1.1"
#define SLIRP_DNS    "10.0.2.3"
#define OUTPUT_MAX   ((size_t)64 << 10)

/* ------------------------------------------------------------------ what is asked */

bool rootless_network_is(const char *mode)
{
	return strcmp(mode, ROOTLESS_NETWORK) == 0;
}

static int refuse(const char *what, const char *name, struct err *e)
{
	return err_set(e, ERR_UNSUPPORTED,
	        "%s%s is root's to have, by a bridge; an ordinary user's containers reach out by pasta or "
	        "slirp4netns: leave it out, or use --network none, host or container:NAME",
	        what, name);
}

int rootless_network_refuse(const char *what, struct err *e)
{
	if (!rootless())
		return 0;
	return err_set(e, ERR_UNSUPPORTED,
	        "cannot %s: bridges and named networks are root's to have; an ordinary user's containers "
	        "each reach out by pasta or slirp4netns, and meet by --network container:NAME or published "
	        "ports",
	        what);
}

int rootless_network_resolve(const struct tare_create *q, char ***names, struct err *e)
{
	for (size_t i = 0; i < q->n_endpoints; i++) {
		const struct tare_endpoint *p = &q->endpoints[i];
		if (strcmp(p->network, "bridge") != 0)
			return refuse("network ", p->network, e);
		if (p->ip || p->ip6 || p->mac || p->aliases)
			return refuse("an address or alias of one's own", "", e);
	}
	return strv_add(names, ROOTLESS_NETWORK) == 0 ? 0 : err_no_memory(e);
}

static bool find_program(char path[256], bool *pasta)
{
	*pasta = host_program("pasta", path, 256) == 0;
	return *pasta || host_program("slirp4netns", path, 256) == 0;
}

const char *rootless_network_resolver(void)
{
	char path[256];
	bool pasta;

	return find_program(path, &pasta) ? pasta ? PASTA_DNS : SLIRP_DNS : NULL;
}

/* The ports are held for a moment only, so that one which is taken is told by who has it; the program binds
 * them anew. */
int rootless_network_prepare(struct endpoint_start *x, struct err *e)
{
	x->by_program = true;
	if (endpoint_ports_hold(x, e) != 0)
		return -1;
	while (x->n_held)
		close_fd(&x->held[--x->n_held]);
	return network_state_write(x->c->state_fd, &x->state, e) != 0 ? -1 : endpoints_write_files(x, e);
}

/* ------------------------------------------------------------------ who is at work */

static int remember(int state_fd, pid_t pid, struct err *e)
{
	struct proc_id id;
	char text[64];

	if (proc_id_of(pid, &id) != 0)
		return err_set(e, ERR_OTHER, "it ended at once");
	int n = snprintf(text, sizeof text, "%d %llu\n", (int)id.pid, (unsigned long long)id.start_time);
	return file_write_at(state_fd, PROGRAM_FILE, text, (size_t)n, 0600, FILE_NO_SYNC, e);
}

void rootless_network_end(int state_fd)
{
	char text[64];
	int pid;
	unsigned long long start;

	if (file_read_small(state_fd, PROGRAM_FILE, text, sizeof text) < 0 ||
	        sscanf(text, "%d %llu", &pid, &start) != 2)
		return;
	cleanup_fd int fd = proc_open(&(struct proc_id){pid, start});
	if (fd >= 0)
		pidfd_signal(fd, SIGKILL);
}

/* By its pid the program could not open the namespace: it gives up the right to look at others first. The
 * mount is in our own mount namespace only. */
static int mount_netns(const struct endpoint_start *x, pid_t pid, const char *path, struct err *e)
{
	char source[48];
	cleanup_fd int fd =
	        openat(x->c->state_fd, NETNS_FILE, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	snprintf(source, sizeof source, "/proc/%d/ns/net", (int)pid);
	if (fd < 0 || mount(source, path, NULL, MS_BIND, NULL) != 0)
		return err_sys(e, "cannot hold the container's network namespace");
	return 0;
}

static const char *last_line(char *text)
{
	size_t n = strlen(text);

	while (n && text[n - 1] == '\n')
		text[--n] = '\0';
	char *line = strrchr(text, '\n');
	return line ? line + 1 : text;
}

/* ------------------------------------------------------------------ pasta */

/* "127.0.0.1/8080:80" */
static int add_pasta_port(char ***argv, const struct nft_port *p)
{
	char address[NET_ADDRESS_TEXT], spec[NET_ADDRESS_TEXT + 16];

	snprintf(
	        spec, sizeof spec, "%s/%u:%u", net_address_text(&p->host, address), p->host_port, p->to_port);
	return strv_add(argv, p->protocol == IPPROTO_UDP ? "-u" : "-t") != 0 ? -1 : strv_add(argv, spec);
}

/* Nothing is passed on that was not asked for: by default a container would reach the host's loopback (the
 * class of CVE-2020-8558), and the host each of the container's ports. Proved by tests/e2e/rootless.bats. */
static int pasta_argv(const struct endpoint_start *x, const char *path, const char *netns,
        const char *pid_file, char ***argv)
{
	const char *const words[] = {path, "--quiet", "--config-net", "--no-map-gw", "-T", "none", "-U",
	        "none", "--dns-forward", PASTA_DNS, "--pid", pid_file, "--netns", netns};
	bool has[2] = {false, false};

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strv_add(argv, words[i]) != 0)
			return -1;
	for (size_t i = 0; i < x->state.n_ports; i++) {
		has[x->state.ports[i].protocol == IPPROTO_UDP] = true;
		if (add_pasta_port(argv, &x->state.ports[i]) != 0)
			return -1;
	}
	for (int udp = 0; udp < 2; udp++)
		if (!has[udp] && (strv_add(argv, udp ? "-u" : "-t") != 0 || strv_add(argv, "none") != 0))
			return -1;
	return 0;
}

static int run_pasta(
        const struct endpoint_start *x, const char *path, const char *netns, const char *dir, struct err *e)
{
	cleanup_buf struct buf said = BUF_INIT_MAX(OUTPUT_MAX);
	cleanup_strv char **argv = NULL;
	cleanup_free char *pid_file = str_printf("%s/" PID_FILE, dir);
	char pid[32];
	int status;

	if (!pid_file || pasta_argv(x, path, netns, pid_file, &argv) != 0)
		return err_no_memory(e);
	const struct spawn s = {.argv = argv, .out = &said, .out_has_errors = true, .keep_fd = -1};
	if (spawn_wait(&s, &status, e) != 0)
		return -1;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		buf_str(&said);
		return err_set(e, ERR_OTHER, "pasta: %s", said.data ? last_line(said.data) : "it failed");
	}
	if (file_read_small(x->c->state_fd, PID_FILE, pid, sizeof pid) < 0)
		return err_sys(e, "pasta did not say its pid");
	return remember(x->c->state_fd, (pid_t)atoi(pid), e);
}

/* ------------------------------------------------------------------ slirp4netns */

/* It ends when the container's process 1 has ended and was reaped, even where no clean-up comes: a pidfd
 * hangs up then (Linux 6.9; before, the next command's clean-up ends it). */
static _Noreturn void exec_slirp(const struct endpoint_start *x, const char *path, int ready, int alive)
{
	char fd[24], exit_fd[24];

	snprintf(fd, sizeof fd, "--ready-fd=%d", ready);
	snprintf(exit_fd, sizeof exit_fd, "--exit-fd=%d", alive);
	setsid();
	fcntl(ready, F_SETFD, 0);
	fcntl(alive, F_SETFD, 0);
	if (fchdir(x->c->state_fd) == 0) /* the names of sockets are short */
		execl(path, path, "--configure", "--mtu=65520", "--disable-host-loopback", fd, exit_fd,
		        "--api-socket=" SOCKET_FILE, "--netns-type=path", NETNS_FILE, "tap0", (char *)NULL);
	_exit(127);
}

static int ask_slirp(const struct endpoint_start *x, const struct nft_port *p, struct err *e)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	char address[NET_ADDRESS_TEXT], text[512];
	cleanup_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(a.sun_path, sizeof a.sun_path, "/proc/self/fd/%d/" SOCKET_FILE, x->c->state_fd);
	int n = snprintf(text, sizeof text,
	        "{\"execute\":\"add_hostfwd\",\"arguments\":{\"proto\":\"%s\",\"host_addr\":\"%s\",\"host_"
	        "port\":%u,"
	        "\"guest_port\":%u}}",
	        tare_protocol_name(p->protocol), net_address_text(&p->host, address), p->host_port,
	        p->to_port);
	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof a) != 0 ||
	        write_all(fd, text, (size_t)n) != 0)
		return err_sys(e, "slirp4netns takes no orders");
	shutdown(fd, SHUT_WR);
	ssize_t got = read_full(fd, text, sizeof text - 1);
	text[got < 0 ? 0 : got] = '\0';
	return strstr(text, "\"return\"")
	               ? 0
	               : err_set(e, ERR_OTHER, "slirp4netns: cannot publish port %u: %.200s", p->host_port,
	                         text);
}

/* Who starts among another container's processes goes on as another process than this one: then clean-up
 * alone ends the program, and what it is given never hangs up. */
static int watch_process(const struct endpoint_start *x, pid_t process)
{
	const char *mode = json_str(json_get(x->c->record.config, "HostConfig"), "PidMode", "");

	return strncmp(mode, "container:", 10) == 0 ? eventfd(0, EFD_CLOEXEC) : pidfd_open_pid(process);
}

static int run_slirp(const struct endpoint_start *x, const char *path, pid_t process, struct err *e)
{
	cleanup_fd int alive = watch_process(x, process);
	int ends[2];
	char c;

	if (alive < 0)
		return err_sys(e, "cannot watch the container");
	if (pipe2(ends, O_CLOEXEC) != 0)
		return err_sys(e, "pipe");
	pid_t pid = fork();
	if (pid == 0)
		exec_slirp(x, path, ends[1], alive);
	close(ends[1]);
	cleanup_fd int ready = ends[0];
	if (pid < 0)
		return err_sys(e, "fork");
	if (read_full(ready, &c, 1) != 1) {
		waitpid(pid, NULL, 0);
		return err_set(e, ERR_OTHER, "slirp4netns did not start; is /dev/net/tun there for you?");
	}
	if (remember(x->c->state_fd, pid, e) != 0)
		return -1;
	for (size_t i = 0; i < x->state.n_ports; i++)
		if (ask_slirp(x, &x->state.ports[i], e) != 0)
			return -1;
	return 0;
}

/* ------------------------------------------------------------------ the start */

static int attach(const struct endpoint_start *x, pid_t pid, struct err *e)
{
	char path[256];
	bool pasta;
	cleanup_free char *dir = str_printf("%s/containers/%s", x->store->state, x->c->id);
	cleanup_free char *netns = dir ? str_printf("%s/" NETNS_FILE, dir) : NULL;

	if (!netns)
		return err_no_memory(e);
	if (!find_program(path, &pasta))
		return err_set(e, ERR_NOT_FOUND,
		        "neither pasta nor slirp4netns is installed (Debian: apt install passt)");
	if (mount_netns(x, pid, netns, e) != 0)
		return -1;
	return pasta ? run_pasta(x, path, netns, dir, e) : run_slirp(x, path, pid, e);
}

int rootless_network_attach(struct endpoint_start *x, pid_t pid, struct err *e)
{
	struct err why = ERR_INIT;

	if (attach(x, pid, &why) == 0)
		return 0;
	rootless_network_end(x->c->state_fd);
	if (x->state.n_ports)
		return err_set(e, why.kind, "cannot publish ports: %s", why.msg);
	err_set(&x->warning, why.kind, "the container has no network but its loopback: %s", why.msg);
	return 0;
}
