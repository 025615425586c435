/* login, logout, search. */
#include "cli/transfer.h"

const struct transfer_verb transfer_login_verbs[] = {
        {0},
};
