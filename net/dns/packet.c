/* Messages: see packet.h. */
#include "net/dns/packet.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "base/defence.h"
#include "base/text.h"

#define FLAG_ANSWER        0x8000 /* RFC 1035, 4.1.1 */
#define FLAG_AUTHORITATIVE 0x0400
#define FLAG_TRUNCATED     0x0200
#define FLAG_RECURSE       0x0100
#define FLAG_CAN_RECURSE   0x0080
#define FLAG_UNCHECKED     0x0010 /* RFC 4035, 3.2.2 */
#define OPCODE(flags)      ((flags) >> 11 & 15)
#define LABEL_MAX          63
#define POINTER            0xc0 /* the two highest bits of a length: an offset follows */
#define FIXED_LEN          10   /* of a record behind its name: type, class, TTL, length */
#define OPT_LEN            (1 + FIXED_LEN)
#define QUESTION_AT        (POINTER << 8 | PACKET_HEADER)

static unsigned get16(const unsigned char *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static void put16(unsigned char *p, unsigned v)
{
	p[0] = (unsigned char)(v >> 8);
	p[1] = (unsigned char)v;
}

/* ---------------------------------------------------------------- reading */

struct reader {
	const unsigned char *data;
	size_t len, at;
};

static bool take(struct reader *r, size_t n, const unsigned char **p)
{
	if (r->len - r->at < n)
		return false;
	*p = r->data + r->at;
	r->at += n;
	return true;
}

static char lower(unsigned char c)
{
	return (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
}

static void add_label(struct packet_query *q, size_t *len, const unsigned char *label, size_t n)
{
	if (*len)
		q->name[(*len)++] = '.';
	for (size_t i = 0; i < n; i++) {
		if (label[i] <= ' ' || label[i] > '~' || label[i] == '.')
			q->printable = false;
		q->name[(*len)++] = lower(label[i]);
	}
}

/* The name of a question has nothing before it that a pointer could mean, so one that has a pointer is wrong:
 * there is nothing to follow, and no loop. */
static bool take_question_name(struct reader *r, struct packet_query *q)
{
	size_t start = r->at, len = 0;
	const unsigned char *n, *label;

	q->printable = true;
	while (take(r, 1, &n) && *n <= LABEL_MAX) {
		if (r->at - start + *n > PACKET_NAME_MAX)
			return false;
		if (!*n) {
			q->name[len] = '\0';
			return true;
		}
		if (!take(r, *n, &label))
			return false;
		add_label(q, &len, label, *n);
	}
	return false;
}

static bool take_question(struct reader *r, struct packet_query *q)
{
	size_t start = r->at;
	const unsigned char *p;

	if (!take_question_name(r, q) || !take(r, 4, &p))
		return false;
	q->type = (uint16_t)get16(p);
	q->class = (uint16_t)get16(p + 2);
	q->question = r->data + start;
	q->question_len = r->at - start;
	return true;
}

/* Past the name of a record: what it is doesn't matter. */
static bool skip_name(struct reader *r)
{
	const unsigned char *n, *rest;

	while (take(r, 1, &n)) {
		if (!*n)
			return true;
		if ((*n & POINTER) == POINTER)
			return take(r, 1, &rest);
		if (*n > LABEL_MAX || !take(r, *n, &rest))
			return false;
	}
	return false;
}

/* The records behind a question: of them only that of EDNS is looked at (RFC 6891, 6.1.1: at most one, of the
 * root). */
static int take_additional(struct reader *r, unsigned n, struct packet_query *q)
{
	int rcode = PACKET_NOERROR;
	const unsigned char *p, *rest;

	while (n--) {
		bool root = r->at < r->len && !r->data[r->at];
		if (!skip_name(r) || !take(r, FIXED_LEN, &p) || !take(r, get16(p + 8), &rest))
			return PACKET_FORMERR;
		if (get16(p) != PACKET_OPT)
			continue;
		if (!root || q->edns)
			return PACKET_FORMERR;
		q->edns = true;
		q->udp_size = (uint16_t)get16(p + 2);
		if (q->udp_size < PACKET_UDP_MIN)
			q->udp_size = PACKET_UDP_MIN;
		if (p[5]) /* version */
			rcode = PACKET_BADVERS;
	}
	return rcode;
}

int packet_parse(const unsigned char *data, size_t len, struct packet_query *q)
{
	struct reader r = {data, len, PACKET_HEADER};
	int rcode;

	*q = (struct packet_query){.udp_size = PACKET_UDP_MIN, .len = PACKET_HEADER};
	if (len < PACKET_HEADER)
		return -1;
	q->id = (uint16_t)get16(data);
	q->flags = (uint16_t)get16(data + 2);
	/* An answer is never answered: two servers would talk for ever. */
	if (q->flags & FLAG_ANSWER)
		return -1;
	if (OPCODE(q->flags))
		return PACKET_NOTIMP;
	if (get16(data + 4) != 1 || get16(data + 6) || get16(data + 8) || !take_question(&r, q))
		return PACKET_FORMERR;
	rcode = take_additional(&r, get16(data + 10), q);
	q->len = r.at;
	return rcode;
}

/* "b.a.9.…" : thirty-two digits, the last first (RFC 3596, 2.5). */
static bool reverse6(const char *name, size_t len, struct net_address *a)
{
	if (len != 64 - 1)
		return false;
	a->family = AF_INET6;
	for (size_t i = 0; i < 32; i++) {
		int digit = hex_digit(name[2 * i]);
		if (digit < 0 || (i < 31 && name[2 * i + 1] != '.'))
			return false;
		a->bytes[15 - i / 2] |= (unsigned char)(i % 2 ? digit << 4 : digit);
	}
	return true;
}

static bool reverse4(const char *name, size_t len, struct net_address *a)
{
	char text[INET_ADDRSTRLEN];
	unsigned char bytes[4];

	if (len >= sizeof text)
		return false;
	memcpy(text, name, len);
	text[len] = '\0';
	if (inet_pton(AF_INET, text, bytes) != 1)
		return false;
	a->family = AF_INET;
	for (int i = 0; i < 4; i++)
		a->bytes[i] = bytes[3 - i];
	return true;
}

static bool ends_with(const char *name, const char *end, size_t *before)
{
	size_t n = strlen(name), k = strlen(end);

	if (n <= k || strcmp(name + n - k, end) != 0)
		return false;
	*before = n - k;
	return true;
}

bool packet_reverse(const char *name, struct net_address *a)
{
	size_t len;

	*a = (struct net_address){0};
	if (ends_with(name, ".in-addr.arpa", &len))
		return reverse4(name, len, a);
	return ends_with(name, ".ip6.arpa", &len) && reverse6(name, len, a);
}

/* ---------------------------------------------------------------- writing */

void packet_begin(struct packet_answer *a, const struct packet_query *q, unsigned char *data, size_t max)
{
	*a = (struct packet_answer){.data = data, .max = max, .query = q};
	memset(data, 0, PACKET_HEADER);
	if (q->question_len)
		memcpy(data + PACKET_HEADER, q->question, q->question_len);
	a->len = PACKET_HEADER + q->question_len;
	if (q->edns)
		a->max -= OPT_LEN;
}

/* A record of the name that was asked for: room for its data, NULL when there is none. */
static unsigned char *add_record(struct packet_answer *a, unsigned type, uint32_t ttl, size_t len)
{
	unsigned char *p = a->data + a->len;

	if (a->truncated || a->len + 2 + FIXED_LEN + len > a->max) {
		a->truncated = true;
		return NULL;
	}
	put16(p, QUESTION_AT);
	put16(p + 2, type);
	put16(p + 4, PACKET_IN);
	put16(p + 6, ttl >> 16);
	put16(p + 8, ttl & 0xffff);
	put16(p + 10, (unsigned)len);
	a->len += 2 + FIXED_LEN + len;
	a->count++;
	return p + 2 + FIXED_LEN;
}

void packet_add_address(struct packet_answer *a, const struct net_address *address, uint32_t ttl)
{
	size_t len = net_address_len(address);
	unsigned char *p = add_record(a, address->family == AF_INET ? PACKET_A : PACKET_AAAA, ttl, len);

	if (p)
		memcpy(p, address->bytes, len);
}

/* As labels; 0 when it is no name that fits. */
static size_t name_to_labels(const char *name, unsigned char dst[PACKET_NAME_MAX])
{
	size_t at = 0;

	while (*name) {
		size_t n = strcspn(name, ".");
		if (!n || n > LABEL_MAX || at + 1 + n + 1 > PACKET_NAME_MAX)
			return 0;
		dst[at++] = (unsigned char)n;
		memcpy(dst + at, name, n);
		at += n;
		name += n + (name[n] == '.');
	}
	dst[at++] = 0;
	return at;
}

void packet_add_name(struct packet_answer *a, const char *name, uint32_t ttl)
{
	unsigned char labels[PACKET_NAME_MAX];
	size_t len = name_to_labels(name, labels);
	unsigned char *p = len ? add_record(a, PACKET_PTR, ttl, len) : NULL;

	if (p)
		memcpy(p, labels, len);
}

static void add_opt(struct packet_answer *a, unsigned rcode)
{
	unsigned char *p = a->data + a->len;

	memset(p, 0, OPT_LEN);
	put16(p + 1, PACKET_OPT);
	put16(p + 3, PACKET_UDP_OWN);
	p[5] = (unsigned char)(rcode >> 4);
	a->len += OPT_LEN;
	put16(a->data + 10, 1);
}

size_t packet_end(struct packet_answer *a, enum packet_rcode rcode)
{
	const struct packet_query *q = a->query;
	unsigned flags = FLAG_ANSWER | FLAG_CAN_RECURSE | (q->flags & (FLAG_RECURSE | FLAG_UNCHECKED)) |
	                 (q->flags & 15u << 11) | (rcode & 15);

	if (rcode == PACKET_NOERROR || rcode == PACKET_NXDOMAIN)
		flags |= FLAG_AUTHORITATIVE;
	if (a->truncated)
		flags |= FLAG_TRUNCATED;
	put16(a->data, q->id);
	put16(a->data + 2, flags);
	put16(a->data + 4, q->question_len ? 1 : 0);
	put16(a->data + 6, a->count);
	if (q->edns)
		add_opt(a, rcode);
	return a->len;
}

/* ---------------------------------------------------------------- others' answers */

/* Length bytes are no letters and come out the same in both. */
static bool same_question(const unsigned char *a, const unsigned char *b, size_t len)
{
	size_t name = len - 4;

	for (size_t i = 0; i < name; i++)
		if (lower(a[i]) != lower(b[i]))
			return false;
	return !memcmp(a + name, b + name, 4);
}

bool packet_answers(const unsigned char *data, size_t len, const struct packet_query *q, uint16_t id)
{
	return len >= PACKET_HEADER + q->question_len && (!DEFENCE("dns-answer") || get16(data) == id) &&
	       get16(data + 2) & FLAG_ANSWER && !OPCODE(get16(data + 2)) && get16(data + 4) == 1 &&
	       (!DEFENCE("dns-answer") || same_question(data + PACKET_HEADER, q->question, q->question_len));
}

enum packet_rcode packet_rcode(const unsigned char *data)
{
	return data[3] & 15;
}

void packet_set_id(unsigned char *data, uint16_t id)
{
	put16(data, id);
}

size_t packet_pass_on(unsigned char *data, size_t len, const struct packet_query *q, size_t max)
{
	put16(data, q->id);
	memcpy(data + PACKET_HEADER, q->question, q->question_len);
	if (len <= max)
		return len;
	put16(data + 2, get16(data + 2) | FLAG_TRUNCATED);
	memset(data + 6, 0, 6);
	return PACKET_HEADER + q->question_len;
}
