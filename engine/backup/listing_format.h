/* What the bytes of a listing (listing.h) stand for. */
#ifndef TARE_BACKUP_LISTING_FORMAT_H
#define TARE_BACKUP_LISTING_FORMAT_H

#define LISTING_VERSION 1
#define LISTING_XATTRS  16 /* of the kind */
#define LISTING_LINK    32

enum { LISTING_END, LISTING_HOLE, LISTING_GOES_ON, LISTING_SAME_CHUNK, LISTING_CHUNK };

#endif
