/* Challenges: WWW-Authenticate headers (RFC 9110, 11.6.1), of which Basic and Bearer are understood. */
#ifndef TARE_REGISTRY_CHALLENGE_H
#define TARE_REGISTRY_CHALLENGE_H

#include <stddef.h>

#define CHALLENGE_TEXT_MAX 2048 /* of a realm, a service, a scope: longer ones are no challenge */

enum challenge_kind { CHALLENGE_NONE, CHALLENGE_BASIC, CHALLENGE_BEARER };

/* Texts are "" where they weren't given. */
struct challenge {
	enum challenge_kind kind;
	char realm[CHALLENGE_TEXT_MAX + 1], service[CHALLENGE_TEXT_MAX + 1], scope[CHALLENGE_TEXT_MAX + 1];
	char error[64]; /* "invalid_token", "insufficient_scope", … */
};

/* Read one header, which may hold several challenges, and keep the best in *c (which holds the best of the
 * headers before: Bearer with a realm, then Basic). Ill-formed ones are passed over. */
void challenge_read(const char *header, struct challenge *c);

#endif
