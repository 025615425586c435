/* What the registries of the simulated engine offer. */
#include <string.h>

#include "engine/simulation_registry.h"

#define DAY   86400
#define MB(n) ((uint64_t)((n)*1e6))

/* clang-format off */
#define SHELL  {.voice = VOICE_NONE, .cpu = 0.002, .memory = 2 * SIM_MIB, .pids = 1}
#define SERVER {.voice = VOICE_WEB, .cpu = 0.11, .net_in = 60e3, .net_out = 900e3, .memory = 38 * SIM_MIB, .pids = 6}
#define STORE  {.voice = VOICE_DATABASE, .cpu = 0.2, .net_in = 90e3, .net_out = 180e3, .block_out = 200e3, \
		.memory = 340 * SIM_MIB, .pids = 12}

const struct sim_offer sim_offers[] = {
	{"alpine", "A small Linux: musl, busybox, apk", 11240, true, "latest edge 3.22 3.21 3.20",
	 {.name = "alpine:latest", .created = 19 * DAY, .command = "/bin/sh",
	  .layers = {{"ADD alpine-minirootfs.tar.gz /", MB(8.3), 0, 94}}, .nature = SHELL}},
	{"ubuntu", "Ubuntu's base system", 17390, true, "latest 26.04 24.04 22.04",
	 {.name = "ubuntu:latest", .created = 11 * DAY, .command = "/bin/bash",
	  .layers = {{"ADD ubuntu-base.tar.gz /", MB(78.1), 0, 3410}}, .nature = SHELL}},
	{"debian", "Debian's base system", 5210, true, "latest trixie 13 12 12-slim",
	 {.name = "debian:latest", .base = "debian:12", .created = 9 * DAY, .command = "bash", .nature = SHELL}},
	{"fedora", "Fedora's base system", 1270, true, "latest 43 42 rawhide",
	 {.name = "fedora:latest", .created = 16 * DAY, .command = "/bin/bash",
	  .layers = {{"ADD fedora-container-base.tar.xz /", MB(168), 0, 7930}}, .nature = SHELL}},
	{"busybox", "Many small programs in one", 3400, true, "latest 1.37 musl uclibc",
	 {.name = "busybox:1.37", .created = 40 * DAY, .command = "sh",
	  .layers = {{"ADD busybox-1.37.tar.xz /", MB(4.3), 0, 421}}, .nature = SHELL}},
	{"nginx", "A web server and reverse proxy", 20850, true, "latest 1.29 1.28 1.27 alpine",
	 {.name = "nginx:latest", .base = "debian:12", .created = 6 * DAY, .command = "nginx -g daemon_off;",
	  .port = "80/tcp",
	  .layers = {{"RUN apt-get update && apt-get install -y nginx", MB(118), MB(17), 2119},
		     {"COPY docker-entrypoint.sh /", 1620, 0, 1}, {"COPY 30-tune-worker-processes.sh /docker-entrypoint.d", 4620, 0, 1}},
	  .nature = SERVER}},
	{"httpd", "A web server, modular and old", 4900, true, "latest 2.4 alpine",
	 {.name = "httpd:latest", .base = "debian:12", .created = 12 * DAY, .command = "httpd-foreground", .port = "80/tcp",
	  .layers = {{"RUN mkdir -p /usr/local/apache2", 0, 0, 1}, {"RUN make install", MB(61), MB(4), 1480},
		     {"COPY httpd-foreground /usr/local/bin/", 138, 0, 1}}, .nature = SERVER}},
	{"caddy", "A web server that gets its certificates itself", 860, true, "latest 2 2-alpine",
	 {.name = "caddy:latest", .base = "alpine:latest", .created = 8 * DAY, .command = "caddy run", .port = "443/tcp",
	  .layers = {{"RUN apk add --no-cache ca-certificates libcap mailcap", MB(1.4), 0, 210},
		     {"RUN wget -O /usr/bin/caddy", MB(41), 0, 1}}, .nature = SERVER}},
	{"traefik", "A reverse proxy that finds its backends", 3510, true, "latest v3 v2.11",
	 {.name = "traefik:latest", .base = "alpine:latest", .created = 5 * DAY, .command = "traefik", .port = "80/tcp",
	  .layers = {{"RUN apk --no-cache add ca-certificates tzdata", MB(2.1), 0, 640},
		     {"COPY traefik /usr/local/bin/", MB(183), 0, 1}}, .nature = SERVER}},
	{"postgres", "A relational database", 14480, true, "latest 18 17 16 16-alpine",
	 {.name = "postgres:latest", .base = "debian:12", .created = 10 * DAY, .command = "postgres", .port = "5432/tcp",
	  .layers = {{"RUN apt-get install -y gnupg less locales xz-utils", MB(41), MB(9), 1190},
		     {"RUN localedef -i en_US -c -f UTF-8 en_US.UTF-8", MB(3), 0, 14},
		     {"RUN apt-get install -y postgresql-18", MB(331), MB(25), 1904},
		     {"COPY docker-entrypoint.sh docker-ensure-initdb.sh /usr/local/bin/", 14500, 0, 2}}, .nature = STORE}},
	{"mariadb", "A relational database, child of another", 6030, true, "latest 12 11.8 lts",
	 {.name = "mariadb:latest", .base = "ubuntu:latest", .created = 13 * DAY, .command = "mariadbd", .port = "3306/tcp",
	  .layers = {{"RUN groupadd -r mysql && useradd -r -g mysql mysql", 4100, 0, 6},
		     {"RUN apt-get install -y ca-certificates gpg pwgen tzdata", MB(19), MB(3), 820},
		     {"RUN apt-get install -y mariadb-server", MB(233), MB(12), 1220}}, .nature = STORE}},
	{"redis", "A store of keys and values in memory", 13400, true, "latest 8 7 7-alpine",
	 {.name = "redis:latest", .base = "debian:12", .created = 14 * DAY, .command = "redis-server", .port = "6379/tcp",
	  .layers = {{"RUN make -C /usr/src/redis all install", MB(47), MB(4), 41},
		     {"RUN mkdir /data && chown redis:redis /data", 0, 0, 1}}, .nature = STORE}},
	{"memcached", "A cache in memory", 2340, true, "latest 1.6 alpine",
	 {.name = "memcached:latest", .base = "debian:12", .created = 14 * DAY, .command = "memcached", .port = "11211/tcp",
	  .layers = {{"RUN apt-get install -y libevent-2.1-7 libsasl2-modules", MB(4.4), 0, 88},
		     {"RUN make install", MB(1.2), 0, 9}}, .nature = STORE}},
	{"python", "The language, with its package manager", 10560, true, "latest 3.14 3.13 3.12-slim",
	 {.name = "python:latest", .base = "debian:12", .created = 7 * DAY, .command = "python3",
	  .layers = {{"RUN apt-get install -y git mercurial openssh-client", MB(192), MB(11), 7120},
		     {"RUN apt-get install -y autoconf g++ gcc make", MB(561), MB(38), 14210},
		     {"RUN make -j install", MB(58), 0, 3390}, {"RUN ln -s python3 /usr/local/bin/python", 36, 0, 5}},
	  .nature = SHELL}},
	{"node", "JavaScript outside of browsers", 14110, true, "latest 25 24 22 lts-slim",
	 {.name = "node:latest", .base = "debian:12", .created = 4 * DAY, .command = "node",
	  .layers = {{"RUN apt-get install -y git python3 g++ make", MB(602), MB(41), 16020},
		     {"RUN curl -fsSL node.tar.xz | tar -xJ", MB(172), 0, 5240}, {"RUN npm install -g yarn", MB(5.3), 0, 27}},
	  .nature = SHELL}},
	{"golang", "The language and its tools", 5190, true, "latest 1.25 1.24-alpine",
	 {.name = "golang:latest", .base = "debian:12", .created = 6 * DAY, .command = "bash",
	  .layers = {{"RUN apt-get install -y g++ gcc libc6-dev make", MB(225), MB(18), 6900},
		     {"COPY /usr/local/go/ /usr/local/go/", MB(241), 0, 13400}}, .nature = SHELL}},
	{"hello-world", "Says hello, and is done", 2570, true, "latest linux",
	 {.name = "hello-world:latest", .created = 120 * DAY, .command = "/hello",
	  .layers = {{"COPY hello /", 10070, 0, 1}}, .nature = {.plot = SIM_ONCE, .up = 1, .pids = 1, .memory = SIM_MIB}}},
	{"grafana/grafana", "Dashboards for metrics", 3620, false, "latest 12.2 main",
	 {.name = "grafana/grafana:latest", .base = "alpine:latest", .created = 3 * DAY, .command = "/run.sh", .port = "3000/tcp",
	  .layers = {{"RUN apk add --no-cache ca-certificates bash curl tzdata", MB(9.8), 0, 812},
		     {"COPY /tmp/grafana /usr/share/grafana", MB(531), MB(22), 9240}, {"COPY run.sh /run.sh", 3200, 0, 1}},
	  .nature = SERVER}},
	{"prom/prometheus", "Collects metrics and keeps them", 2090, false, "latest v3.6 v2.53",
	 {.name = "prom/prometheus:latest", .base = "busybox:latest", .created = 12 * DAY, .command = "prometheus",
	  .port = "9090/tcp",
	  .layers = {{"COPY prometheus promtool /bin/", MB(293), 0, 2}, {"COPY consoles /etc/prometheus", 310000, 0, 22}},
	  .nature = SERVER}},
};
const size_t sim_n_offers = sizeof(sim_offers) / sizeof(*sim_offers);
/* clang-format on */

static const struct sim_offer *offer_of(const char *familiar, size_t len)
{
	for (size_t i = 0; i < sim_n_offers; i++)
		if (strlen(sim_offers[i].name) == len && strncmp(sim_offers[i].name, familiar, len) == 0)
			return &sim_offers[i];
	return NULL;
}

const struct sim_image_role *sim_offered(const char *familiar)
{
	const char *slash = strrchr(familiar, '/');
	size_t len = (size_t)(slash ? slash - familiar : 0);
	const struct sim_offer *o;

	len += strcspn(familiar + len, ":@");
	o = offer_of(familiar, len);
	if (o)
		return &o->image;
	/* Somebody's own: one of those that have some layers. */
	return slash ? &sim_offers[5 + sim_hash_text(familiar) % 12].image : NULL;
}
