/* Fuzz target: a message of any bytes to the name service, as a question and as the answer of another server.
 * What is read stays within it, and what is written within the asker's size. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "net/dns/packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_answer(const struct packet_query *q, size_t max, const struct net_address *a)
{
	unsigned char *out = malloc(max);
	struct packet_query back;
	struct packet_answer answer;

	if (!out)
		abort();
	packet_begin(&answer, q, out, max);
	for (int i = 0; i < 50; i++) {
		packet_add_address(&answer, a, 5);
		packet_add_name(&answer, q->name, 5);
	}
	size_t len = packet_end(&answer, PACKET_NOERROR);
	if (len > max || answer.len != len)
		abort();
	if (packet_parse(out, len, &back) != -1)
		abort();
	if (q->question_len && !packet_answers(out, len, q, q->id))
		abort();
	free(out);
}

/* The second half of the bytes comes back as an answer. */
static void check_others(const struct packet_query *q, const uint8_t *data, size_t size)
{
	unsigned char *copy = malloc(size + 1);

	if (!copy)
		abort();
	memcpy(copy, data, size);
	if (packet_answers(copy, size, q, q->id)) {
		size_t len = packet_pass_on(copy, size, q, PACKET_UDP_MIN);
		if (len > size || len > PACKET_UDP_MIN || packet_rcode(copy) > 15)
			abort();
	}
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t first = size < 2 ? size : data[0] % size;
	struct net_address a = {.family = 2, .bytes = {10, 0, 0, 1}};
	struct packet_query q;

	if (packet_parse(data + (size > 0), size - (size > 0), &q) < 0)
		return 0;
	if (q.len > size || strlen(q.name) > PACKET_NAME_MAX || q.question_len > size)
		abort();
	packet_reverse(q.name, &a);
	if (!a.family)
		a = (struct net_address){.family = 2};
	check_answer(&q, q.udp_size, &a);
	check_answer(&q, PACKET_UDP_MIN, &a);
	if (q.question_len) {
		check_others(&q, data + first, size - first);
		check_others(&q, data + 1, size - 1);
	}
	return 0;
}
