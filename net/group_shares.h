/* A group's members from within: each one's share of each port, and the file that has them all. */
#ifndef TARE_NET_GROUP_SHARES_H
#define TARE_NET_GROUP_SHARES_H

#include <stdbool.h>
#include <stddef.h>

#include "net/nft.h"

struct buf;
struct err;

#define GROUP_SLOT_BYTES (NFT_GROUP_SLOTS / 8)
#define GROUP_OWNER_LEN  64

/* One member's part of one port. */
struct share {
	struct nft_port port; /* its owner points to the row's: shares_own() after each move */
	char owner[GROUP_OWNER_LEN + 1];
	unsigned char slots[GROUP_SLOT_BYTES];
};
struct shares {
	struct share *rows;
	size_t n;
};
void shares_free(struct shares *s);
#define cleanup_shares __attribute__((cleanup(shares_free)))
void shares_own(struct shares *s);
/* A row without slots; borrowed until the next change. */
struct share *shares_add(struct shares *s, const struct nft_port *p, struct err *e);
bool share_is_of_port(const struct share *s, const struct nft_port *p);

/* A line a row: "PROTOCOL HOST PORT OWNER TO TO-PORT SLOTS\n", the slots as 64 hexadecimal digits. What
 * cannot be read is CORRUPT. */
int shares_parse(const struct buf *text, struct shares *s, struct err *e);
void shares_print(const struct shares *s, struct buf *out);
/* What a line can hold as an owner. */
bool share_is_owner(const char *text);

#endif
