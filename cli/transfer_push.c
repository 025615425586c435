/* push. */
#include "cli/transfer.h"

const struct transfer_verb transfer_push_verbs[] = {
        {0},
};
