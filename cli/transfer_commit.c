/* commit. */
#include "cli/transfer.h"

const struct transfer_verb transfer_commit_verbs[] = {
        {0},
};
