/* What containers say: the lines of one second, made from (container, second), so that every process makes
 * the same ones. Each is a record of the CRI log format: "STAMP stream F text". */
#include "engine/simulation.h"

#include <stdio.h>
#include <string.h>

#include "base/units.h"

#define LINES_MAX 64 /* in a second */

struct speaker {
	const struct simulation *s;
	const struct sim_container *c;
	int64_t second; /* since the birth */
	int64_t begun;  /* of the run under way */
	uint64_t seed;  /* of this line */
	int64_t at;     /* of this line */
	struct buf *out;
};

#define COUNT(a)         (sizeof(a) / sizeof(*(a)))
#define PICK(v, what, a) ((a)[pick(v, what, COUNT(a))]) /* what: another number for each use in a line */

static size_t pick(const struct speaker *v, unsigned what, size_t n)
{
	return (size_t)(sim_hash(v->seed, what) % n);
}

static unsigned number(const struct speaker *v, unsigned what, unsigned from, unsigned to)
{
	return from + (unsigned)(sim_hash(v->seed, 1000 + what) % (to - from));
}

static void record_begin(struct speaker *v, const char *stream)
{
	char stamp[TIME_TEXT_SIZE];

	buf_printf(v->out, "%s %s F ", time_format(sim_wall(v->s, v->at), stamp), stream);
	v->at += 1000; /* the next one of the same burst */
}

__attribute__((format(printf, 3, 4))) static void say(
        struct speaker *v, const char *stream, const char *fmt, ...)
{
	va_list ap;

	record_begin(v, stream);
	va_start(ap, fmt);
	buf_vprintf(v->out, fmt, ap);
	va_end(ap);
	buf_char(v->out, '\n');
}

/* ------------------------------------------------------------------ voices */

static const char *const paths[] = {"/", "/products", "/products/4711", "/cart", "/checkout",
        "/api/v2/orders", "/api/v2/stock?sku=88-213", "/static/app.3f9c.js", "/static/theme.css",
        "/img/hero.avif", "/search?q=kaffee", "/search?q=%E3%81%8A%E8%8C%B6", "/login", "/healthz",
        "/favicon.ico"};
static const char *const agents[] = {"Mozilla/5.0 (X11; Linux x86_64) Firefox/133.0", "curl/8.11.1",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_2) Safari/605.1", "Mozilla/5.0 (Macintosh) Chrome/131.0",
        "Googlebot/2.1", "kube-probe/1.31"};

static void web(struct speaker *v)
{
	static const int codes[] = {
	        200, 200, 200, 200, 200, 200, 200, 304, 304, 301, 404, 200, 200, 499, 200, 502};
	int code = PICK(v, 21, codes);

	say(v, "stdout", "203.0.113.%u - - \"%s %s HTTP/2.0\" %d %u \"-\" \"%s\" rt=0.%03u",
	        number(v, 1, 1, 254), number(v, 2, 0, 9) ? "GET" : "POST", PICK(v, 22, paths), code,
	        number(v, 3, 180, 48000), PICK(v, 23, agents), number(v, 4, 1, 400));
	if (code == 502)
		say(v, "stderr",
		        "[error] 31#31: *%u connect() failed (111: Connection refused) while connecting to "
		        "upstream, upstream: \"http://shop-api:8080\"",
		        number(v, 5, 1000, 99999));
}

static void api(struct speaker *v)
{
	static const char *const levels[] = {
	        "info", "info", "info", "info", "debug", "warn", "info", "error"};
	static const char *const routes[] = {"GET /v2/orders", "POST /v2/orders", "GET /v2/stock",
	        "PUT /v2/cart", "GET /v2/customers/{id}"};
	const char *level = PICK(v, 24, levels);
	char stamp[TIME_TEXT_SIZE];

	say(v, "stdout",
	        "{\"ts\":\"%s\",\"level\":\"%s\",\"route\":\"%s\",\"status\":%u,\"ms\":%u.%u,\"trace\":\"%"
	        "08llx\","
	        "\"user\":{\"id\":%u,\"city\":\"%s\"}%s}",
	        time_format(sim_wall(v->s, v->at), stamp), level, PICK(v, 25, routes),
	        *level == 'e' ? 500u : 200u, number(v, 1, 1, 180), number(v, 2, 0, 9),
	        (unsigned long long)(v->seed & 0xffffffff), number(v, 3, 1000, 9000),
	        number(v, 4, 0, 5) ? "Köln" : "東京",
	        *level == 'e'   ? ",\"err\":\"deadlock detected; retried\""
	        : *level == 'w' ? ",\"msg\":\"slow upstream\""
	                        : "");
}

static void worker(struct speaker *v)
{
	static const char *const jobs[] = {"invoice", "stock-sync", "mail-digest", "payout", "refund"};
	unsigned kind = number(v, 1, 0, 14);
	const char *job = PICK(v, 26, jobs);
	unsigned n = number(v, 2, 10000, 99999);

	if (kind == 0)
		say(v, "stderr",
		        "level=warn msg=\"retrying job\" job=%s id=%u attempt=%u err=\"upstream timed out "
		        "after 5s\"",
		        job, n, number(v, 3, 2, 5));
	else if (kind == 1)
		say(v, "stderr", "level=error msg=\"job failed\" job=%s id=%u err=\"no such order\"", job, n);
	else if (kind < 5)
		say(v, "stdout", "level=debug msg=\"took lease\" job=%s id=%u lease=30s", job, n);
	else
		say(v, "stdout", "level=info msg=\"job done\" job=%s id=%u took=%ums queue=%u", job, n,
		        number(v, 4, 3, 900), number(v, 5, 0, 40));
}

static void database(struct speaker *v)
{
	unsigned kind = number(v, 1, 0, 8), pid = number(v, 2, 40, 99);

	if (kind == 0)
		say(v, "stderr",
		        "[%u] LOG:  checkpoint complete: wrote %u buffers (%u.%u%%); write=%u.%03u s", pid,
		        number(v, 3, 100, 4000), number(v, 4, 0, 20), number(v, 5, 0, 9), number(v, 6, 1, 29),
		        number(v, 7, 0, 999));
	else if (kind < 3) {
		say(v, "stderr", "[%u] LOG:  duration: %u.%03u ms  statement: SELECT o.id, o.total", pid,
		        number(v, 3, 200, 1900), number(v, 4, 0, 999));
		say(v, "stderr", "\tFROM orders o JOIN customers c ON c.id = o.customer_id");
		say(v, "stderr", "\tWHERE c.city = 'København' ORDER BY o.placed_at DESC LIMIT 50;");
	} else if (kind == 3)
		say(v, "stderr",
		        "[%u] ERROR:  duplicate key value violates unique constraint \"orders_pkey\"", pid);
	else
		say(v, "stderr", "[%u] LOG:  connection authorized: user=shop database=shop", pid);
}

static void cache(struct speaker *v)
{
	say(v, "stdout", "1:M * %u changes in 60 seconds. Saving...", number(v, 1, 100, 10000));
	say(v, "stdout", "1:M * Background saving terminated with success");
}

static void crash(struct speaker *v)
{
	int64_t since = v->second - v->begun;

	if (since < 1)
		say(v, "stdout", "INFO mailer: starting, pid 1, 3 templates");
	else if (since % 4 == 0)
		say(v, "stderr", "WARNING mailer: mx.shop.internal:587 did not answer, attempt %u of 5",
		        (unsigned)(since / 4));
	else if (since == v->c->nature.up - 1) {
		say(v, "stderr", "Traceback (most recent call last):");
		say(v, "stderr",
		        "  File \"/usr/lib/python3/dist-packages/mailer/__main__.py\", line 88, in <module>");
		say(v, "stderr", "    sys.exit(main())");
		say(v, "stderr", "             ^^^^^^");
		say(v, "stderr",
		        "  File \"/usr/lib/python3/dist-packages/mailer/smtp.py\", line 41, in connect");
		say(v, "stderr", "    self.sock = socket.create_connection(address, timeout)");
		say(v, "stderr",
		        "ConnectionRefusedError: [Errno 111] Connection refused: mx.shop.internal:587");
	}
}

static void thumbnails(struct speaker *v)
{
	int64_t since = v->second - v->begun;

	say(v, "stdout", "level=info msg=\"scaled\" image=IMG_%04u.jpg from=%ux%u to=640x480 cached=%u",
	        number(v, 1, 0, 9999), number(v, 2, 3000, 8000), number(v, 3, 2000, 6000),
	        (unsigned)since * 3);
	if (since > v->c->nature.up * 8 / 10)
		say(v, "stderr", "level=warn msg=\"cache is large\" entries=%u hint=\"set --cache-limit\"",
		        (unsigned)since * 3);
}

static void search(struct speaker *v)
{
	static const char *const lines[] = {"索引を更新しました: %u 件",
	        "クエリ「日本酒 辛口」 → %u 件 (12 ms)", "[情報] セグメント結合が完了しました (%u MB)",
	        "Wörterbuch geladen: größe=%u Einträge ✓", "⚠️  警告: ヒープ使用率 %u%%",
	        "检索完成：共 %u 条结果 🔎", "café crème naïve résumé → %u hits", "검색 색인 %u 개 문서"};
	cleanup_free char *text = NULL;
	size_t which = pick(v, 1, COUNT(lines));
	const char *percent = strstr(lines[which], "%u");

	text = str_printf("%.*s%u%s", (int)(percent - lines[which]), lines[which], number(v, 2, 1, 95),
	        percent[2] == '%' ? percent + 3 : percent + 2);
	say(v, "stdout", "%s%s", text ? text : "", which == 4 ? "" : "");
}

static void build(struct speaker *v)
{
	static const char *const units[] = {"core", "parser", "render", "net", "store", "cli"};
	unsigned kind = number(v, 1, 0, 24);

	if (kind == 0) {
		say(v, "stderr", "\033[1;31mFAIL\033[0m  ParserTest.survivesGarbage (\033[33m%u ms\033[0m)",
		        number(v, 2, 3, 90));
		say(v, "stderr", "java.lang.IllegalStateException: unexpected token '»' at 17:4");
		say(v, "stderr", "\tat org.shop.parse.Lexer.next(Lexer.java:212)");
		say(v, "stderr", "\tat org.shop.parse.Parser.expression(Parser.java:97)");
		say(v, "stderr", "Caused by: java.io.EOFException: end of input");
		say(v, "stderr", "\t... 14 more");
	} else if (kind < 4)
		say(v, "stdout", "\033[33mwarning\033[0m: unused import in %s.java:%u", PICK(v, 27, units),
		        number(v, 3, 3, 400));
	else if (kind < 12)
		say(v, "stdout", "\033[32m  ok\033[0m  %s: %u tests in \033[1m%u ms\033[0m",
		        PICK(v, 28, units), number(v, 4, 3, 90), number(v, 5, 10, 900));
	else
		say(v, "stdout", "[%3u%%] compiling \033[36m%s\033[0m/Module%u.java",
		        (unsigned)(v->second % 101 + 101) % 101, PICK(v, 29, units), number(v, 6, 1, 90));
}

/* What must never reach a terminal as it is. */
static void hostile(struct speaker *v)
{
	static const char *const lines[] = {"clipboard: \033]52;c;cm0gLXJmIH4K\a done",
	        "title: \033]0;you have been renamed\a", "clear: \033[2J\033[H\033[3J and home",
	        "C1 controls: \302\23331m \302\2350;x\302\234", "reset: \033c\033[!p",
	        "bad UTF-8: \xff\xfe\xc3\x28\xed\xa0\x80", "right-to-left override: \342\200\256gnp.exe",
	        "alt screen: \033[?1049h\033[?25l", "bell\a\a\a, back\b\b\b, VT\v, FF\f",
	        "DCS: \033P+q544e\033\\ and answer: \033[c\033[6n\033]11;?\a",
	        "mouse: \033[?1003h\033[?1006h",
	        "combining: a\xcc\x81\xcc\x82\xcc\x83\xcc\x84\xcc\x85\xcc\x86\xcc\x87 zalgo",
	        "a\rb\rc overwritten",
	        "key remap: \033[>4;2m\033=", "colour that never ends: \033[1;5;41;33mand on"};

	say(v, "stdout", "%s", PICK(v, 30, lines));
}

static void metrics(struct speaker *v)
{
	say(v, "stdout",
	        "level=info component=tsdb msg=\"write block\" mint=%u maxt=%u ulid=%08llX duration=%u.%us",
	        number(v, 1, 1000, 9000), number(v, 2, 9000, 9999),
	        (unsigned long long)(v->seed & 0xffffffff), number(v, 3, 0, 9), number(v, 4, 0, 9));
}

static void backup(struct speaker *v)
{
	unsigned percent = (unsigned)((v->second - v->begun) / 60 % 100);

	say(v, "stdout", "uploaded chunk %08llx, %u MiB/s, %u%% of shop-db-data",
	        (unsigned long long)(v->seed & 0xffffffff), number(v, 1, 18, 44), percent);
}

/* ------------------------------------------------------------------ a second */

static const struct voice {
	void (*speak)(struct speaker *v);
	double rate;   /* lines a second, in the mean */
	double bursts; /* share of the seconds that have five times as many */
} voices[] = {
        [VOICE_NONE] = {NULL, 0, 0},
        [VOICE_WEB] = {web, 3.2, 0.06},
        [VOICE_JSON] = {api, 2.1, 0.05},
        [VOICE_LOGFMT] = {worker, 1.1, 0.03},
        [VOICE_DATABASE] = {database, 0.25, 0.02},
        [VOICE_CACHE] = {cache, 0.03, 0},
        [VOICE_CRASH] = {crash, 1, 0},
        [VOICE_IMAGES] = {thumbnails, 0.7, 0},
        [VOICE_SEARCH] = {search, 0.8, 0.02},
        [VOICE_BUILD] = {build, 2.4, 0.08},
        [VOICE_HOSTILE] = {hostile, 0.5, 0},
        [VOICE_METRICS] = {metrics, 0.02, 0},
        [VOICE_BACKUP] = {backup, 0.2, 0},
};

static unsigned lines_in(const struct voice *w, uint64_t seed)
{
	double mean = w->rate;
	unsigned whole;

	if (w->rate == 1)
		return 1;
	if (sim_unit(seed, 1) < w->bursts)
		mean *= 5;
	mean *= 2 * sim_unit(seed, 2); /* none up to twice as many */
	whole = (unsigned)mean;
	whole += sim_unit(seed, 3) < mean - whole;
	return whole < LINES_MAX ? whole : LINES_MAX;
}

void sim_voice(const struct simulation *s, const struct sim_container *c, int64_t second, struct buf *out)
{
	const struct voice *w = &voices[c->nature.voice];
	uint64_t seed = sim_hash(c->seed, (uint64_t)second ^ UINT64_C(0x5a5a));
	struct sim_status st = sim_at(c, second * SIM_SECOND);
	unsigned n = w->speak ? lines_in(w, seed) : 0;

	if (!w->speak || st.state != TARE_RUNNING)
		return;
	for (unsigned i = 0; i < n; i++) {
		int64_t within = ((int64_t)i * SIM_SECOND + (int64_t)(sim_unit(seed, 100 + i) * 0.9e9)) / n;
		struct speaker v = {.s = s,
		        .c = c,
		        .second = second,
		        .begun = st.started / SIM_SECOND,
		        .seed = sim_hash(seed, 200 + i),
		        .at = second * SIM_SECOND + within,
		        .out = out};

		w->speak(&v);
	}
}

void sim_voice_output(const struct simulation *s, const struct sim_container *c, int64_t at, struct buf *out)
{
	char stamp[TIME_TEXT_SIZE];

	for (const char *line = c->output ? c->output : ""; *line;) {
		size_t len = strcspn(line, "\n");

		buf_printf(out, "%s stdout F %.*s\n", time_format(sim_wall(s, at), stamp), (int)len, line);
		at += 1000;
		line += len + (line[len] == '\n');
	}
}
