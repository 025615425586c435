/* The files that the simulated containers, volumes and layers pretend to have. */
#ifndef _GNU_SOURCE
#define _XOPEN_SOURCE 700 /* the type bits of st_mode */
#endif
#include "engine/simulation_files.h"

#include <string.h>
#include <sys/stat.h>

/* clang-format off */
#define TEXT(p, t)     {.path = (p), .text = (t), .mode = S_IFREG | 0644}
#define PROGRAM(p, n)  {.path = (p), .size = (n), .mode = S_IFREG | 0755}
#define DATA(p, n)     {.path = (p), .size = (n), .mode = S_IFREG | 0600}
#define LINK(p, t)     {.path = (p), .text = (t), .mode = S_IFLNK | 0777}
#define DIRECTORY(p)   {.path = (p), .mode = S_IFDIR | 0755}
#define REMOVED(p)     {.path = (p), .mode = S_IFREG, .removed = true}
#define FILES(...)     (const struct sim_file[]){__VA_ARGS__, {0}}

const struct sim_file_set sim_file_sets[] = {
	{"base", FILES(
		TEXT("etc/hosts", "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost\n"),
		TEXT("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nwww-data:x:33:33:www-data:/var/www:/usr/sbin/nologin\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"),
		TEXT("etc/group", "root:x:0:\nwww-data:x:33:\nnogroup:x:65534:\n"),
		TEXT("etc/resolv.conf", "nameserver 192.0.2.53\nsearch shop.internal\n"),
		TEXT("root/.profile", "export PS1='\\u@\\h:\\w\\$ '\n"),
		DIRECTORY("proc"), DIRECTORY("sys"), DIRECTORY("dev"), DIRECTORY("tmp"), DIRECTORY("run"), DIRECTORY("home"))},
	{"debian:12", FILES(
		TEXT("etc/os-release", "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\nID=debian\n"),
		TEXT("etc/debian_version", "12.9\n"),
		PROGRAM("usr/bin/bash", 1265648), PROGRAM("usr/bin/ls", 151344), PROGRAM("usr/bin/cat", 44016),
		PROGRAM("usr/bin/env", 48536), PROGRAM("usr/bin/ps", 146744), PROGRAM("usr/bin/top", 137624), PROGRAM("usr/bin/perl", 3896400),
		LINK("bin", "usr/bin"), LINK("lib", "usr/lib"), LINK("sbin", "usr/sbin"),
		PROGRAM("usr/lib/x86_64-linux-gnu/libc.so.6", 1922136), PROGRAM("usr/lib/x86_64-linux-gnu/libm.so.6", 907784),
		TEXT("var/lib/dpkg/status", "Package: base-files\nStatus: install ok installed\nVersion: 12.4+deb12u9\n\nPackage: bash\nStatus: install ok installed\nVersion: 5.2.15-2+b7\n"),
		DATA("var/cache/apt/pkgcache.bin", 18211004), TEXT("var/log/dpkg.log", "startup archives unpack\nstatus installed bash:amd64 5.2.15-2+b7\n"))},
	{"busybox:latest", FILES(
		PROGRAM("bin/busybox", 1131168), LINK("bin/sh", "busybox"), LINK("bin/ls", "busybox"), LINK("bin/cat", "busybox"),
		LINK("bin/echo", "busybox"), LINK("bin/ps", "busybox"), LINK("bin/top", "busybox"), LINK("bin/vi", "busybox"),
		LINK("usr/bin/env", "../../bin/busybox"), DIRECTORY("var/www"))},
	{"nginx:1.27", FILES(
		TEXT("etc/nginx/nginx.conf", "user www-data;\nworker_processes 4;\n\nevents {\n\tworker_connections 1024;\n}\n\nhttp {\n\tinclude mime.types;\n\tsendfile on;\n\n\tserver {\n\t\tlisten 80;\n\t\troot /usr/share/nginx/html;\n\t\tlocation /api/ {\n\t\t\tproxy_pass http://shop-api:8080;\n\t\t}\n\t}\n}\n"),
		TEXT("etc/nginx/mime.types", "types {\n\ttext/html html htm;\n\ttext/css css;\n\timage/avif avif;\n}\n"),
		TEXT("usr/share/nginx/html/index.html", "<!doctype html>\n<title>Shop</title>\n<h1>Willkommen, 歓迎, welcome</h1>\n"),
		TEXT("usr/share/nginx/html/robots.txt", "User-agent: *\nDisallow: /cart\n"),
		DATA("usr/share/nginx/html/img/hero.avif", 88412), PROGRAM("usr/sbin/nginx", 1532616),
		LINK("var/log/nginx/access.log", "/dev/stdout"), LINK("var/log/nginx/error.log", "/dev/stderr"),
		REMOVED("var/lib/apt/lists"))},
	{"postgres:16", FILES(
		PROGRAM("usr/lib/postgresql/16/bin/postgres", 9812344), PROGRAM("usr/lib/postgresql/16/bin/psql", 720112),
		TEXT("usr/local/bin/docker-entrypoint.sh", "#!/bin/bash\nset -Eeo pipefail\n# the first argument decides what is started\nexec \"$@\"\n"),
		TEXT("etc/postgresql-common/createcluster.conf", "create_main_cluster = false\n"), DIRECTORY("var/lib/postgresql/data"))},
	{"redis:7", FILES(PROGRAM("usr/local/bin/redis-server", 13421000), PROGRAM("usr/local/bin/redis-cli", 6800120), DIRECTORY("data"))},
	{"shop/api:2.4", FILES(
		PROGRAM("usr/local/bin/api", 24871330), TEXT("etc/shop/api.toml", "[server]\nlisten = \":8080\"\nworkers = 8\n\n[database]\npool = 20\ntimeout = \"5s\"\n"),
		TEXT("etc/shop/feature-flags.json", "{\"fast_checkout\": true, \"recommendations\": false}\n"), REMOVED("src"))},
	{"shop/worker:2.4", FILES(
		PROGRAM("usr/local/bin/worker", 10224116), PROGRAM("usr/local/bin/thumbs", 9188040), PROGRAM("usr/bin/python3", 6831736),
		TEXT("usr/lib/python3/dist-packages/mailer/__main__.py", "import sys\nfrom mailer import smtp\n\n\ndef main():\n    smtp.connect()\n    return 0\n\n\nsys.exit(main())\n"),
		TEXT("usr/lib/python3/dist-packages/mailer/smtp.py", "import socket\n\n\ndef connect(address, timeout=5):\n    return socket.create_connection(address, timeout)\n"))},
	{"search:9.1", FILES(
		PROGRAM("opt/search/bin/search", 8123), DATA("opt/search/lib/search-core.jar", 61244120), DATA("opt/search/lib/lucene.jar", 4181233),
		TEXT("opt/search/config/search.yml", "cluster: demo\nport: 9200\ndictionary: /data/日本語.dic\n"), REMOVED("opt/search/samples"))},
	{"metrics:2.53", FILES(PROGRAM("bin/metrics", 133912004), TEXT("etc/metrics/metrics.yml", "scrape_interval: 15s\ntargets: [shop-api:8080, shop-web:80]\n"))},
	{"odd-one", FILES(
		TEXT("root/name with spaces", "That is a fine name.\n"), TEXT("root/\033[31mred\033[0m", "The name of this file holds escape sequences.\n"),
		TEXT("root/new\nline", "The name of this file holds a line break.\n"), TEXT("root/日本語.txt", "こんにちは\n"),
		TEXT("root/bytes.txt", "escape \033[2J\033[H, clipboard \033]52;c;cm0=\a, bad UTF-8 \xff\xfe\n"),
		TEXT("root/-rf", "A name that looks like an option.\n"), DATA("root/\xff\xfe-not-utf8", 17))},
	{"volume:shop-db-data", FILES(
		TEXT("PG_VERSION", "16\n"), TEXT("postgresql.conf", "shared_buffers = 640MB\nmax_connections = 100\nwal_level = replica\n"),
		TEXT("pg_hba.conf", "local all all trust\nhost all all 10.0.0.0/8 scram-sha-256\n"), DATA("base/16384/16397", 1073741824),
		DATA("base/16384/16397.1", 823443456), DATA("base/16384/2619", 163840), DATA("pg_wal/0000000100000012000000A1", 16777216),
		DATA("pg_wal/0000000100000012000000A2", 16777216), TEXT("postmaster.pid", "1\n/var/lib/postgresql/data\n5432\n"), DIRECTORY("pg_tblspc"))},
	{"volume:shop-cache-data", FILES(DATA("dump.rdb", 41200133), DATA("appendonlydir/appendonly.aof.1.base.rdb", 41200001),
		DATA("appendonlydir/appendonly.aof.1.incr.aof", 812344), TEXT("appendonlydir/appendonly.aof.manifest", "file appendonly.aof.1.base.rdb seq 1 type b\n"))},
	{"volume:search-index", FILES(TEXT("日本語.dic", "日本酒\n抹茶\n寿司\n"), DATA("segments/_0.cfs", 2147483648), DATA("segments/_1.cfs", 1811939328),
		DATA("segments/_2.cfs", 733413312), TEXT("segments/segments_7", "_0 _1 _2\n"), DATA("write.lock", 0))},
	{"volume:backups", FILES(DATA("2026-01-03/shop-db.tar.zst", 6214000000), DATA("2026-01-04/shop-db.tar.zst", 6251000000),
		DATA("2026-01-05/shop-db.tar.zst.part", 812300000), TEXT("README", "Nightly, kept for 30 days. Restore with: restore DATE\n"))},
};
/* clang-format on */
const size_t sim_n_file_sets = sizeof(sim_file_sets) / sizeof(*sim_file_sets);
