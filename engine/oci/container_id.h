/* The length of a container's id: what the public header, the store and whoever names a container agree on.
 */
#ifndef TARE_OCI_CONTAINER_ID_H
#define TARE_OCI_CONTAINER_ID_H

#define TARE_ID_LEN 64 /* hex digits; the first 12 are the short form */

#endif
