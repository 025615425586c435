/* What those who look for others' firewalls share. */
#ifndef TARE_NET_NFT_FOREIGN_H
#define TARE_NET_NFT_FOREIGN_H

#include <stdbool.h>

struct buf;
struct err;

/* "iptables -I FORWARD -i tare0 -j ACCEPT && …". Into the host itself (not `forward`) only questions to the
 * name service have to get, which were translated. */
void nft_iptables_command(struct buf *b, const char *program, bool forward, const char *bridge);
/* Tables of iptables-legacy, which nftables knows nothing of: their drops, as nft_foreign_drops(). */
int nft_legacy_drops(const char *bridge, char ***advice, struct err *e);

#endif
