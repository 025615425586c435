#include "cli/backup_options.h"

#define FORMATS    "tar tar.gz tar.zst"
#define KEY_ROW(h) OPT_STRING("key-file", 0, key_file, "FILE", "files", h)
#define KEY_HELP   "The key of an encrypted repository"
#define KEEP_MAX   100000
#define KEEP_ROW(name, member, what)                                                                         \
	OPT_INT("keep-" name, 0, keep.member, 0, KEEP_MAX, "N", "Keep the newest backup of " what)
#define KEEP_ROWS                                                                                            \
	OPT_INT("keep-last", 0, keep.last, 0, KEEP_MAX, "N", "Keep the last N backups"),                     \
	        KEEP_ROW("hourly", hourly, "each of the last N hours that have one"),                        \
	        KEEP_ROW("daily", daily, "each of the last N days that have one"),                           \
	        KEEP_ROW("weekly", weekly, "each of the last N weeks that have one"),                        \
	        KEEP_ROW("monthly", monthly, "each of the last N months that have one"),                     \
	        KEEP_ROW("yearly", yearly, "each of the last N years that have one")

#define OPTIONS struct volume_backup_options
static const struct option backup_options[] = {
        OPT_STRING("to", 0, to, "DIR", "directories",
                "Add a backup to the repository DIR, which is made when missing"),
        OPT_FLAG("pause", 'p', pause, "Freeze the containers that use the volume while it is read"),
        OPT_LIST("exclude", 0, excludes, "PATTERN", "none",
                "Leave out what PATTERN fits: a path in the volume, or a name when it has no slash"),
        OPT_STRING("format", 0, format, "FORMAT", FORMATS,
                "tar, tar.gz or tar.zst (default: what the name of FILE says)"),
        OPT_INT("level", 0, level, 1, 19, "N", "Of the compression: gzip 1 to 3, zstd 1 to 19"),
        OPT_INT("threads", 0, threads, 1, 256, "N", "How many compress (default: one for each processor)"),
        KEY_ROW("Encrypt a new repository with the key in FILE, which is made when missing"),
        OPT_SECTION("Schedule"),
        OPT_STRING("schedule", 0, schedule, "WHEN", "hourly daily weekly monthly none",
                "Do not back up now, but hourly, daily, weekly, monthly, at a time of systemd's calendar, "
                "or, with none, no more"),
        KEEP_ROWS,
        OPT_SECTION("Progress"),
        PROGRESS_ROWS,
        OPTION_END,
};
#undef OPTIONS

#define OPTIONS struct volume_restore_options
static const struct option restore_options[] = {
        OPT_STRING("into", 0, into, "NEW", "none", "Make the volume NEW of it, and leave VOLUME as it is"),
        OPT_STRING("path", 0, path, "PATH", "none", "Restore only PATH, a file or directory of the volume"),
        OPT_FLAG("dry-run", 0, dry_run, "Read and check everything, but change nothing"),
        OPT_FLAG("force", 'f', force,
                "Though a running container may write to it: it sees the old files until it is restarted"),
        KEY_ROW(KEY_HELP),
        PROGRESS_ROWS,
        OPTION_END,
};
#undef OPTIONS

#define OPTIONS struct volume_backups_options
static const struct option list_options[] = {
        OPT_STRING("volume", 0, volume, "VOLUME", "volumes", "Only backups of VOLUME"),
        OPT_STRING("format", 0, list.format, "FORMAT", "json table", FORMAT_HELP),
        OPT_FLAG("quiet", 'q', list.quiet, "Print only ids, or paths"),
        KEY_ROW(KEY_HELP),
        OPTION_END,
};
#undef OPTIONS

#define OPTIONS struct volume_verify_options
static const struct option verify_options[] = {
        KEY_ROW(KEY_HELP),
        PROGRESS_ROWS,
        OPTION_END,
};
#undef OPTIONS

#define OPTIONS struct volume_forget_options
static const struct option forget_options[] = {
        OPT_STRING("volume", 0, volume, "VOLUME", "volumes", "Only backups of VOLUME"),
        KEEP_ROWS,
        OPT_FLAG("prune", 0, prune, "Free what only they needed, as volume prune DIR does"),
        OPT_FLAG("dry-run", 0, dry_run, "Only say which would go"),
        KEY_ROW(KEY_HELP),
        PROGRESS_ROWS,
        OPTION_END,
};
#undef OPTIONS

#define OPTIONS struct volume_prune_options
const struct option volume_prune_options[] = {
        OPT_FLAG("all", 'a', all, "All that no container uses, not only those without a name"),
        OPT_LIST("filter", 0, filters, "KEY=VALUE", "label= label!= all=true",
                "Only some: label, label!; all=true is --all"),
        OPT_FLAG("dry-run", 0, dry_run, "Only say what would go, and how much that frees"),
        OPT_FLAG("force", 'f', force, "Do not ask"),
        OPT_SECTION("With DIR"),
        KEY_ROW(KEY_HELP),
        PROGRESS_ROWS,
        OPTION_END,
};
#undef OPTIONS

static void backup_init(void *options)
{
	struct volume_backup_options *o = options;

	o->progress.fd = -1;
	o->level = -1;
}

static void restore_init(void *options)
{
	struct volume_restore_options *o = options;

	o->progress.fd = -1;
}

static void verify_init(void *options)
{
	struct volume_verify_options *o = options;

	o->progress.fd = -1;
}

static void forget_init(void *options)
{
	struct volume_forget_options *o = options;

	o->progress.fd = -1;
}

void volume_prune_init(void *options)
{
	struct volume_prune_options *o = options;

	o->progress.fd = -1;
}

const struct command backup_commands[] = {
        {
                .words = "volume backup",
                .aliases = "volume-backup",
                .group = GROUP_VOLUMES,
                .operands = "VOLUME [FILE|-]",
                .min_operands = 1,
                .max_operands = 2,
                .summary = "Back up a volume, to an archive or into a repository",
                .details =
                        "FILE gets a tar archive, compressed as its name says (.tar, .tar.gz, .tar.zst), "
                        "with a "
                        "digest of every file inside; - is standard output. With --to the backup goes into a "
                        "repository, which keeps many backups of many volumes and each content only once. A "
                        "backup that is cut off never stands under its name. An encrypted repository is "
                        "worth "
                        "nothing without its key: keep a copy of it elsewhere.",
                .examples = "tare volume backup data data.tar.zst\n"
                            "tare volume backup --pause db --to /srv/backup\n"
                            "tare volume backup data --to /srv/backup --schedule daily --keep-daily 7 "
                            "--keep-weekly 5\n"
                            "tare volume backup data - | ssh other tare volume restore data -",
                .complete = "volumes",
                .complete_rest = "files",
                .options = backup_options,
                .size = sizeof(struct volume_backup_options),
                .init = backup_init,
        },
        {
                .words = "volume restore",
                .aliases = "volume-restore",
                .group = GROUP_VOLUMES,
                .operands = "VOLUME FILE|-|DIR[@ID]",
                .min_operands = 2,
                .max_operands = 2,
                .summary = "Put back what a backup of a volume has",
                .details =
                        "Everything is unpacked beside the live files and checked to the last byte, then "
                        "takes "
                        "their place at once; when anything is wrong, the old files stay. DIR is a "
                        "repository: "
                        "its newest backup of the volume, or the one with that ID. A volume that is missing "
                        "is made.",
                .examples = "tare volume restore data data.tar.zst\n"
                            "tare volume restore data /srv/backup@latest --into look\n"
                            "tare volume restore data /srv/backup@1f2e --path etc/app.conf",
                .complete = "volumes",
                .complete_rest = "files",
                .options = restore_options,
                .size = sizeof(struct volume_restore_options),
                .init = restore_init,
        },
        {
                .words = "volume backups",
                .group = GROUP_VOLUMES,
                .operands = "DIR [ID [ID]]",
                .min_operands = 1,
                .max_operands = 3,
                .summary = "List backups, the files of one, or what two differ in",
                .details =
                        "With two ids each line begins with A for what was added, D deleted, C changed, or "
                        "M for attributes only. An id may be shortened; latest is the newest of the volume "
                        "that --volume or the other id names.",
                .examples = "tare volume backups /srv/backup\n"
                            "tare volume backups /srv/backup latest --volume data\n"
                            "tare volume backups /srv/backup 1f2e latest",
                .complete = "directories",
                .complete_rest = "none",
                .options = list_options,
                .size = sizeof(struct volume_backups_options),
        },
        {
                .words = "volume verify",
                .group = GROUP_VOLUMES,
                .operands = "FILE|-|DIR[@ID]",
                .min_operands = 1,
                .max_operands = 1,
                .summary = "Read a backup again and find what is damaged",
                .details = "All of an archive, of a repository, or of one backup in it is compared with its "
                           "digests. "
                           "Each thing that is damaged is named, with the file that it belongs to; the exit "
                           "code is 1 then.",
                .examples = "tare volume verify data.tar.zst\n"
                            "tare volume verify /srv/backup",
                .complete = "files",
                .options = verify_options,
                .size = sizeof(struct volume_verify_options),
                .init = verify_init,
        },
        {
                .words = "volume forget",
                .group = GROUP_VOLUMES,
                .operands = "DIR [ID...]",
                .min_operands = 1,
                .max_operands = -1,
                .summary = "Remove backups by their ids, or all but those to keep",
                .details = "The rules count for the backups of each volume by itself, and a backup that any "
                           "of them "
                           "keeps stays. The space is freed by --prune, or by volume prune DIR.",
                .examples = "tare volume forget /srv/backup 1f2e\n"
                            "tare volume forget /srv/backup --keep-last 3 --keep-daily 7 --keep-weekly 5 "
                            "--prune",
                .complete = "directories",
                .complete_rest = "none",
                .options = forget_options,
                .size = sizeof(struct volume_forget_options),
                .init = forget_init,
        },
        {0},
};

const struct command repository_prune_commands[] = {
        {
                .words = "volume prune",
                .group = GROUP_VOLUMES,
                .operands = "DIR",
                .min_operands = 1,
                .max_operands = 1,
                .summary = "Free what no backup in a repository needs",
                .options = volume_prune_options,
                .size = sizeof(struct volume_prune_options),
                .init = volume_prune_init,
        },
        {0},
};
