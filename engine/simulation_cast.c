/* Who plays in the simulated engine: containers, images, volumes and networks, and what each of them does by
 * itself. */
#include "engine/simulation.h"

#include <netinet/in.h>

#define MINUTE 60
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define MIB    SIM_MIB
#define KB     1e3
#define MB     1e6

/* clang-format off */
#define WEB_NATURE      {.voice = VOICE_WEB, .cpu = 0.28, .net_in = 180 * KB, .net_out = 2.1 * MB, \
			 .block_in = 4 * KB, .memory = 46 * MIB, .pids = 5}
#define API_NATURE      {.voice = VOICE_JSON, .cpu = 0.74, .net_in = 420 * KB, .net_out = 610 * KB, \
			 .block_out = 9 * KB, .memory = 268 * MIB, .pids = 23}
#define WORKER_NATURE   {.voice = VOICE_LOGFMT, .cpu = 0.43, .net_in = 90 * KB, .net_out = 40 * KB, \
			 .block_out = 22 * KB, .memory = 158 * MIB, .pids = 9, .capped = true}
#define DATABASE_NATURE {.voice = VOICE_DATABASE, .cpu = 0.55, .net_in = 510 * KB, .net_out = 870 * KB, \
			 .block_in = 120 * KB, .block_out = 1.4 * MB, .memory = 960 * MIB, .pids = 14, .full = true}
#define CACHE_NATURE    {.voice = VOICE_CACHE, .cpu = 0.06, .net_in = 340 * KB, .net_out = 560 * KB, \
			 .block_out = 30 * KB, .memory = 96 * MIB, .pids = 6}
#define SEARCH_NATURE   {.voice = VOICE_SEARCH, .cpu = 1.12, .net_in = 70 * KB, .net_out = 110 * KB, \
			 .block_in = 640 * KB, .block_out = 90 * KB, .memory = 1450 * MIB, .pids = 41}
#define METRICS_NATURE  {.voice = VOICE_METRICS, .cpu = 0.03, .net_in = 24 * KB, .net_out = 3 * KB, \
			 .block_out = 12 * KB, .memory = 64 * MIB, .pids = 11}
#define BUILD_NATURE    {.voice = VOICE_BUILD, .cpu = 1.85, .net_in = 30 * KB, .net_out = 2 * KB, \
			 .block_in = 800 * KB, .block_out = 2.2 * MB, .memory = 702 * MIB, .pids = 18, .deaf = true}
#define SHELL_NATURE    {.voice = VOICE_NONE, .cpu = 0.002, .memory = 2 * MIB, .pids = 1}

#define SHOP .project = "shop"

const struct sim_role sim_roles[] = {
	{.name = "shop-web", .restart = TARE_RESTART_UNLESS_STOPPED, .probe = "wget -qO- http://localhost/health",
	 .image = "nginx:1.27", .command = "nginx -g daemon_off;", SHOP, .service = "web",
	 .mounts = "/srv/shop/nginx.conf:/etc/nginx/nginx.conf", .env = "NGINX_VERSION=1.27.4 TZ=UTC",
	 .health = "healthy", .created = 3 * DAY + 4 * HOUR, .begun = 3 * DAY + 4 * HOUR - 2,
	 .memory_limit = 128 * MIB, .networks = "shop",
	 .ports = {{IPPROTO_TCP, NULL, 8080, 80}, {IPPROTO_TCP, NULL, 8443, 443}}, .nature = WEB_NATURE},
	{.name = "shop-api", .restart = TARE_RESTART_ON_FAILURE, .restart_max = 5, .probe = "wget -qO- http://localhost:8080/ready",
	 .image = "shop/api:2.4", .command = "/usr/local/bin/api --listen :8080 --workers 8",
	 SHOP, .service = "api", .env = "DATABASE_URL=postgres://shop@shop-db/shop LOG_FORMAT=json PORT=8080",
	 .health = "healthy", .created = 26 * HOUR, .begun = 26 * HOUR - 3, .memory_limit = 512 * MIB, .cpus = 200,
	 .networks = "shop shop-data",
	 .ports = {{IPPROTO_TCP, "127.0.0.1", 9000, 8080}},
	 .nature = API_NATURE},
	{.name = "shop-worker", .restart = TARE_RESTART_ON_FAILURE, .image = "shop/worker:2.4", .command = "/usr/local/bin/worker --queue orders",
	 SHOP, .service = "worker", .env = "QUEUE=orders CONCURRENCY=4", .created = 26 * HOUR,
	 .begun = 26 * HOUR - 4, .memory_limit = 384 * MIB, .cpus = 50, .networks = "shop:jobs shop-data",
	 .nature = WORKER_NATURE},
	{.name = "shop-db", .restart = TARE_RESTART_ALWAYS, .probe = "pg_isready -U shop",
	 .image = "postgres:16", .command = "postgres -c shared_buffers=640MB", SHOP,
	 .service = "db", .mounts = "shop-db-data:/var/lib/postgresql/data",
	 .env = "POSTGRES_DB=shop POSTGRES_USER=shop PGDATA=/var/lib/postgresql/data", .health = "healthy",
	 .created = 11 * DAY, .begun = 3 * DAY + 4 * HOUR, .memory_limit = 1024 * MIB, .networks = "shop-data:postgres",
	 .nature = DATABASE_NATURE},
	{.name = "shop-cache", .restart = TARE_RESTART_UNLESS_STOPPED, .probe = "redis-cli ping",
	 .image = "redis:7", .command = "redis-server --appendonly yes", SHOP,
	 .service = "cache", .mounts = "shop-cache-data:/data", .health = "healthy", .created = 11 * DAY,
	 .begun = 3 * DAY + 4 * HOUR, .memory_limit = 256 * MIB, .networks = "shop-data:redis",
	 .nature = CACHE_NATURE},
	{.name = "shop-mailer", .restart = TARE_RESTART_ALWAYS, .image = "shop/worker:2.4", .command = "python3 -m mailer --smtp mx.shop.internal",
	 SHOP, .service = "mailer", .env = "SMTP_HOST=mx.shop.internal SMTP_PORT=587", .created = 5 * HOUR,
	 .begun = 2 * HOUR + 11, .memory_limit = 128 * MIB,
	 .networks = "shop:jobs",
	 .nature = {.plot = SIM_CRASH, .voice = VOICE_CRASH, .up = 19, .period = 47, .code = 1, .cpu = 0.31,
		    .net_in = 2 * KB, .net_out = 2 * KB, .memory = 38 * MIB, .pids = 3}},
	{.name = "thumbnailer", .restart = TARE_RESTART_ON_FAILURE, .image = "shop/worker:2.4", .command = "/usr/local/bin/thumbs --jobs 2", SHOP,
	 .service = "thumbnailer", .created = 8 * HOUR, .begun = 6 * HOUR + 100, .memory_limit = 256 * MIB,
	 .networks = "shop:jobs",
	 .nature = {.plot = SIM_OOM, .voice = VOICE_IMAGES, .up = 412, .period = 420, .code = 137, .cpu = 0.62,
		    .net_in = 240 * KB, .net_out = 130 * KB, .block_in = 90 * KB, .block_out = 160 * KB,
		    .memory = 120 * MIB, .pids = 7}},
	{.name = "search-index", .restart = TARE_RESTART_UNLESS_STOPPED, .probe = "wget -T 2 -qO- http://localhost:9200/_health",
	 .image = "search:9.1", .command = "search --辞書 /data/日本語.dic --port 9200",
	 .label = "team", .label_value = "検索チーム 🔎", .mounts = "search-index:/data",
	 .env = "LANG=ja_JP.UTF-8 HEAP=1g", .health = "unhealthy", .created = 9 * DAY, .begun = 2 * DAY,
	 .memory_limit = 2048 * MIB, .cpus = 300, .ports = {{IPPROTO_TCP, NULL, 9200, 9200}}, .nature = SEARCH_NATURE},
	{.name = "metrics", .restart = TARE_RESTART_ALWAYS, .image = "metrics:2.53", .command = "metrics --retention 30d", .label = "team",
	 .label_value = "plattform-übersicht", .created = 40 * DAY, .begun = 12 * DAY, .networks = "tare0 lan",
	 .ports = {{IPPROTO_UDP, NULL, 8125, 8125}, {IPPROTO_TCP, "127.0.0.1", 9090, 9090}}, .nature = METRICS_NATURE},
	{.name = "build-agent", .image = "debian:12", .command = "/opt/agent/run --name agent-7 --once=false",
	 .label = "team", .label_value = "ci", .env = "JAVA_OPTS=-Xmx512m AGENT=agent-7", .created = 7 * HOUR,
	 .begun = 7 * HOUR - 1, .memory_limit = 1536 * MIB, .cpus = 400, .nature = BUILD_NATURE},
	{.name = "odd-one", .image = "busybox:latest", .command = "sh -c while_:;do_cat_/dev/urandom;sleep_1;done",
	 .label = "warning", .label_value = "prints\x1b[31m anything", .created = 90 * MINUTE, .begun = 90 * MINUTE - 1,
	 .networks = "none", .nature = {.voice = VOICE_HOSTILE, .cpu = 0.02, .memory = 3 * MIB, .pids = 2}},
	{.name = "backup", .image = "debian:12", .command = "/opt/backup/run --to s3://backups/nightly",
	 .mounts = "backups:/backups shop-db-data:/source:ro", .created = 3 * HOUR, .begun = 100 * MINUTE,
	 .paused = 12 * MINUTE, .nature = {.voice = VOICE_BACKUP, .cpu = 0.4, .net_out = 3 * MB,
	 .block_in = 3 * MB, .memory = 88 * MIB, .pids = 4}},
	{.name = "shop-migrate", .image = "shop/api:2.4", .command = "/usr/local/bin/api migrate --to 118", SHOP,
	 .service = "migrate", .env = "DATABASE_URL=postgres://shop@shop-db/shop", .created = 26 * HOUR + 40,
	 .begun = 26 * HOUR + 39, .networks = "shop-data", .nature = {.plot = SIM_ONCE, .voice = VOICE_LOGFMT, .up = 14, .code = 3, .cpu = 0.3,
	 .memory = 60 * MIB, .pids = 4}},
	{.name = "report-draft", .image = "busybox:latest", .command = "httpd -f -p 8000 -h /srv/reports",
	 .mounts = "/srv/reports:/srv/reports:ro", .created = 35 * MINUTE,
	 .ports = {{IPPROTO_TCP, NULL, 8000, 8000}},
	 .nature = {.voice = VOICE_WEB, .cpu = 0.01, .net_out = 8 * KB, .memory = 4 * MIB, .pids = 1}},
};
const size_t sim_n_roles = sizeof(sim_roles) / sizeof(*sim_roles);

#define BOOKWORM {"/bin/sh -c #(nop) ADD file:bookworm.tar.xz in /", 74800000, 0, 3287}

const struct sim_image_role sim_image_roles[] = {
	{.name = "debian:12", .created = 21 * DAY, .command = "bash", .maintainer = "Debian",
	 .layers = {BOOKWORM}, .nature = SHELL_NATURE},
	{.name = "busybox:latest", .created = 90 * DAY, .command = "sh",
	 .layers = {{"ADD busybox.tar.xz /", 4260000, 0, 418}}, .nature = SHELL_NATURE},
	{.name = "nginx:1.27", .base = "debian:12", .created = 18 * DAY, .command = "nginx -g daemon_off;",
	 .env = "NGINX_VERSION=1.27.4", .port = "80/tcp", .maintainer = "web team",
	 .layers = {{"RUN apt-get update && apt-get install -y nginx gettext-base", 117300000, 18900000, 2104},
		    {"COPY 30-tune-worker-processes.sh /docker-entrypoint.d", 4620, 0, 1},
		    {"RUN ln -sf /dev/stdout /var/log/nginx/access.log && rm -rf /var/lib/apt/lists/*", 2300, 0, 9}},
	 .nature = WEB_NATURE},
	{.name = "postgres:16", .base = "debian:12", .created = 30 * DAY, .command = "postgres",
	 .env = "PGDATA=/var/lib/postgresql/data PG_MAJOR=16", .port = "5432/tcp", .maintainer = "data team",
	 .layers = {{"RUN apt-get install -y gnupg less locales xz-utils zstd", 41200000, 9100000, 1190},
		    {"RUN localedef -i en_US -c -f UTF-8 en_US.UTF-8", 3030000, 0, 14},
		    {"RUN apt-get install -y postgresql-16", 312000000, 24600000, 1822},
		    {"COPY docker-entrypoint.sh /usr/local/bin/", 14500, 0, 2}},
	 .nature = DATABASE_NATURE},
	{.name = "redis:7", .base = "debian:12", .created = 33 * DAY, .command = "redis-server", .port = "6379/tcp",
	 .layers = {{"RUN make -C /usr/src/redis install && rm -r /usr/src/redis", 41800000, 3600000, 38},
		    {"RUN mkdir /data && chown redis:redis /data", 0, 0, 1}},
	 .nature = CACHE_NATURE},
	{.name = "shop/api:2.4", .base = "debian:12", .created = 27 * HOUR,
	 .command = "/usr/local/bin/api --listen :8080", .env = "PORT=8080", .port = "8080/tcp",
	 .maintainer = "shop team",
	 .layers = {{"RUN apt-get update && apt-get install -y ca-certificates tzdata", 28400000, 17200000, 466},
		    {"COPY . /src", 186000000, 179000000, 5210},
		    {"RUN make -C /src install && rm -rf /src", 24900000, 0, 61}},
	 .nature = API_NATURE},
	{.name = "shop/worker:2.4", .base = "debian:12", .created = 27 * HOUR,
	 .command = "/usr/local/bin/worker", .maintainer = "shop team",
	 .layers = {{"RUN apt-get update && apt-get install -y python3 python3-pil", 141000000, 21700000, 6023},
		    {"COPY mailer /usr/lib/python3/dist-packages/mailer", 88000, 0, 17},
		    {"COPY worker thumbs /usr/local/bin/", 19400000, 0, 2}},
	 .nature = WORKER_NATURE},
	{.name = "search:9.1", .base = "debian:12", .created = 12 * DAY, .command = "search --port 9200",
	 .env = "HEAP=512m", .port = "9200/tcp",
	 .layers = {{"RUN apt-get install -y openjdk-17-jre-headless", 221000000, 8400000, 712},
		    {"COPY search /opt/search", 364000000, 41000000, 1404},
		    {"RUN /opt/search/bin/plugin remove samples", 21000, 0, 3}},
	 .nature = SEARCH_NATURE},
	{.name = "metrics:2.53", .created = 44 * DAY, .command = "metrics", .port = "9090/tcp",
	 .layers = {{"COPY metrics /bin/metrics", 134000000, 0, 1}, {"COPY consoles /etc/metrics", 310000, 0, 22}},
	 .nature = METRICS_NATURE},
	{.name = NULL, .base = "debian:12", .created = 8 * DAY, .command = "/usr/local/bin/api --listen :8080",
	 .layers = {{"RUN apt-get update && apt-get install -y ca-certificates", 24100000, 15800000, 402},
		    {"COPY . /src", 171000000, 165000000, 5002}},
	 .nature = API_NATURE},
};
const size_t sim_n_images = sizeof(sim_image_roles) / sizeof(*sim_image_roles);

const struct sim_volume_role sim_volume_roles[] = {
	{"shop-db-data", 33 * DAY, 2914000000, 0, "io.tare.project=shop tier=data"},
	{"shop-cache-data", 33 * DAY, 83200000, UINT64_C(1) << 29, "io.tare.project=shop"},
	{"search-index", 38 * DAY, 7310000000, 0, "team=検索チーム"},
	{"backups", 40 * DAY, 18760000000, UINT64_C(50) << 30, NULL},
	{NULL, 6 * DAY, 12400000, 0, NULL},
};
const size_t sim_n_volumes = sizeof(sim_volume_roles) / sizeof(*sim_volume_roles);

const struct sim_network_role sim_network_roles[] = {
	{.name = SIM_NETWORK_DEFAULT, .driver = "bridge", .link = SIM_NETWORK_DEFAULT, .created = 40 * DAY,
	 .subnet = {"10.209.0.0/16", "fd5a:9d1c:40e2::/64"}},
	{.name = "shop", .driver = "bridge", .created = 11 * DAY, .project = "shop",
	 .subnet = {"10.210.0.0/16", "fd5a:9d1c:40e2:1::/64"}},
	{.name = "shop-data", .driver = "bridge", .created = 11 * DAY, .internal = true, .project = "shop",
	 .subnet = {"10.211.0.0/16"}},
	{.name = "lan", .driver = "macvlan", .link = "enp3s0", .created = 12 * DAY, .subnet = {"192.168.1.0/24"},
	 .range = "192.168.1.192/27", .options = "parent=enp3s0"},
	{.name = "staging", .driver = "bridge", .created = 5 * DAY, .subnet = {"172.20.8.0/24"},
	 .options = "icc=false mtu=1400"},
};
const size_t sim_n_networks = sizeof(sim_network_roles) / sizeof(*sim_network_roles);
/* clang-format on */
