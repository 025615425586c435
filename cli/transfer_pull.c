/* pull. */
#include "cli/transfer.h"

const struct transfer_verb transfer_pull_verbs[] = {
        {0},
};
