/* A batch from within: how its messages are written. */
#ifndef TARE_NET_NFT_BATCH_H
#define TARE_NET_NFT_BATCH_H

#include "net/nft.h"
#include "net/nft_wire.h"

struct nlattr;

/* A key or a value: fields one after another, each padded to four bytes as the kernel's registers are. */
#define NFT_VALUE_MAX 64
struct nft_value {
	unsigned char bytes[NFT_VALUE_MAX];
	size_t len;
};
void nft_value_add(struct nft_value *v, const void *field, size_t len);
void nft_value_link(struct nft_value *v, const char *name);
void nft_value_address(struct nft_value *v, const struct net_address *a);
void nft_value_port(struct nft_value *v, uint16_t port); /* host byte order */

/* One element of a set (data NULL) or map; owner may be NULL. A removal that names one passes over an element
 * that is another's by then. */
void nft_element(struct nft_batch *b, enum nft_change c, unsigned family, const char *set,
        const struct nft_value *key, const struct nft_value *data, const char *owner);
/* The removal of an element whose key and comment stand in a dump. */
void nft_element_remove_key(struct nft_batch *b, unsigned family, const char *set, const struct nlattr *key,
        const struct nlattr *comment);
/* The removal of the whole table of that family. */
void nft_table_remove(struct nft_batch *b, unsigned family);

/* libnftnl's NFTNL_UDATA_SET_ELEM_COMMENT: what nft shows as a comment. */
#define NFT_UDATA_COMMENT 0

/* ---- nft_owner.c ---- */

/* The numbers (uint32_t each) of those removals that name an owner whose the element is not, or that are
 * about nothing. -1 with errno. */
int nft_find_others(int fd, const struct buf *messages, struct buf *others);

/* The set in the inet table that says: laid on a kernel without the bridge family. */
#define NFT_NO_BRIDGE_SET "without_bridge"
/* 1 it is there, 0 it isn't, -1 with errno. */
int nft_has_table(int fd, const char *table, unsigned family);
int nft_has_set(int fd, const char *table, unsigned family, const char *set);

#endif
