/* Everything a key can do. One row: X(id, context, "name", "hint", "help", key, key, chord).
 *
 * name: for key files, the ":" line and the action log. hint: one word for the hint bar, NULL: not shown
 * there. Hints stand in the order of the rows. A chord is two keys with a space between. Help, hint bar, key
 * files and completion are made from these rows. */
/* clang-format off */
#define ACTIONS(X) \
	/* everywhere */ \
	X(QUIT, GLOBAL, "quit", NULL, "Leave Tare; containers go on running", "Q", NULL, NULL) \
	X(LEAVE, GLOBAL, "leave", NULL, "Back; at the top, leave Tare", "q", NULL, NULL) \
	X(BACK, GLOBAL, "back", NULL, "Close what is open, one step back", "esc", NULL, NULL) \
	X(INTERRUPT, GLOBAL, "interrupt", NULL, "Cancel the running job; with none, ask to leave", "ctrl-c", NULL, NULL) \
	X(SUSPEND, GLOBAL, "suspend", NULL, "Stop Tare as the shell's ^Z does", "ctrl-z", NULL, NULL) \
	X(PANEL_1, GLOBAL, "containers", NULL, "Containers", "1", NULL, NULL) \
	X(PANEL_2, GLOBAL, "images", NULL, "Images", "2", NULL, NULL) \
	X(PANEL_3, GLOBAL, "volumes", NULL, "Volumes", "3", NULL, NULL) \
	X(PANEL_4, GLOBAL, "networks", NULL, "Networks", "4", NULL, NULL) \
	X(PANEL_5, GLOBAL, "events", NULL, "Events", "5", NULL, NULL) \
	X(PANEL_6, GLOBAL, "shells", NULL, "Shells", "6", NULL, NULL) \
	X(PANE_NEXT, GLOBAL, "pane-next", NULL, "Next pane", "tab", NULL, NULL) \
	X(PANE_PREVIOUS, GLOBAL, "pane-previous", NULL, "Previous pane", "shift-tab", NULL, NULL) \
	X(PANE_LEFT, GLOBAL, "pane-left", NULL, "Pane to the left", NULL, NULL, "ctrl-w h") \
	X(PANE_DOWN, GLOBAL, "pane-down", NULL, "Pane below", NULL, NULL, "ctrl-w j") \
	X(PANE_UP, GLOBAL, "pane-up", NULL, "Pane above", NULL, NULL, "ctrl-w k") \
	X(PANE_RIGHT, GLOBAL, "pane-right", NULL, "Pane to the right", NULL, NULL, "ctrl-w l") \
	X(PANE_NARROWER, GLOBAL, "pane-narrower", NULL, "Make the pane narrower", NULL, NULL, "ctrl-w <") \
	X(PANE_WIDER, GLOBAL, "pane-wider", NULL, "Make the pane wider", NULL, NULL, "ctrl-w >") \
	X(PANE_TALLER, GLOBAL, "pane-taller", NULL, "Make the pane taller", NULL, NULL, "ctrl-w +") \
	X(PANE_SHORTER, GLOBAL, "pane-shorter", NULL, "Make the pane shorter", NULL, NULL, "ctrl-w -") \
	X(PANE_CLOSE, GLOBAL, "pane-close", NULL, "Close this split", NULL, NULL, "ctrl-w c") \
	X(SPLIT_RIGHT, GLOBAL, "split-right", NULL, "Split: a second pane beside this one", "|", NULL, "ctrl-w v") \
	X(SPLIT_BELOW, GLOBAL, "split-below", NULL, "Split: a second pane below this one", "-", NULL, "ctrl-w s") \
	X(ZOOM, GLOBAL, "zoom", NULL, "This pane on the whole screen, and back", "z", "+", NULL) \
	X(UNZOOM, GLOBAL, "unzoom", NULL, "All panes again", "_", NULL, NULL) \
	X(TAB_NEXT, GLOBAL, "tab-next", NULL, "Next tab of the detail", "]", "ctrl-right", NULL) \
	X(TAB_PREVIOUS, GLOBAL, "tab-previous", NULL, "Previous tab of the detail", "[", "ctrl-left", NULL) \
	X(JUMP, GLOBAL, "jump", NULL, "Jump to anything by a few letters of its name", "ctrl-p", NULL, NULL) \
	X(THEMES, GLOBAL, "themes", NULL, "Pick a theme, with a live preview", "T", NULL, NULL) \
	X(ACTION_LOG, GLOBAL, "log-actions", NULL, "What is being done, with bars, and what was done before", "!", NULL, NULL) \
	X(AGAIN, GLOBAL, "again", NULL, "Try again what failed last, or was cancelled", "ctrl-r", NULL, NULL) \
	X(ALERTS, GLOBAL, "alerts", NULL, "What called for attention", "ctrl-g", NULL, NULL) \
	X(REPEAT, GLOBAL, "repeat", NULL, "Do the last action again, here", ".", NULL, NULL) \
	X(FREEZE, GLOBAL, "freeze", NULL, "Stop updating what is shown, and go on", "Z", NULL, NULL) \
	X(REDRAW, GLOBAL, "redraw", NULL, "Paint the screen anew", "ctrl-l", NULL, NULL) \
	X(SAVE_VIEW, GLOBAL, "save-view", NULL, "Save this view as text to a file", "ctrl-s", NULL, NULL) \
	X(MOUSE, GLOBAL, "mouse", NULL, "Give the mouse to the terminal, and take it back", "M", NULL, NULL) \
	X(YANK_ID, GLOBAL, "copy-id", NULL, "Copy the id", NULL, NULL, "y i") \
	X(YANK_NAME, GLOBAL, "copy-name", NULL, "Copy the name", NULL, NULL, "y n") \
	X(YANK_ROW, GLOBAL, "copy-row", NULL, "Copy the line", NULL, NULL, "y y") \
	X(YANK_COMMAND, GLOBAL, "copy-command", NULL, "Copy the tare command that made it", NULL, NULL, "y c") \
	/* any list */ \
	X(DOWN, LIST, "down", NULL, "Down", "j", "down", NULL) \
	X(UP, LIST, "up", NULL, "Up", "k", "up", NULL) \
	X(TOP, LIST, "top", NULL, "First", "g", "home", NULL) \
	X(BOTTOM, LIST, "bottom", NULL, "Last", "G", "end", NULL) \
	X(HALF_DOWN, LIST, "half-down", NULL, "Half a page down", "ctrl-d", NULL, NULL) \
	X(HALF_UP, LIST, "half-up", NULL, "Half a page up", "ctrl-u", NULL, NULL) \
	X(PAGE_DOWN, LIST, "page-down", NULL, "A page down", "pgdn", "ctrl-f", NULL) \
	X(PAGE_UP, LIST, "page-up", NULL, "A page up", "pgup", "ctrl-b", NULL) \
	X(OPEN, LIST, "open", NULL, "Open the detail", "enter", NULL, NULL) \
	X(MARK, LIST, "mark", "mark", "Mark, for an action on several", "space", NULL, NULL) \
	X(MARK_RANGE, LIST, "mark-range", NULL, "Mark from the last mark to here", "V", "ctrl-space", NULL) \
	X(MARK_INVERT, LIST, "mark-invert", NULL, "Mark what is not, and the other way round", "*", NULL, NULL) \
	X(MARK_NONE, LIST, "mark-none", NULL, "Unmark all", "ctrl-\\", NULL, NULL) \
	X(SORT_NEXT, LIST, "sort-next", NULL, "Sort by the next column", ">", "f6", NULL) \
	X(SORT_PREVIOUS, LIST, "sort-previous", NULL, "Sort by the column before", "<", NULL, NULL) \
	X(SORT_REVERSE, LIST, "sort-reverse", NULL, "Reverse the order", "I", NULL, NULL) \
	X(COLUMNS, LIST, "columns", NULL, "Choose columns", "C", NULL, NULL) \
	/* containers */ \
	X(CTR_LOGS, CONTAINERS, "logs", "logs", "Its log", "l", "m", NULL) \
	X(CTR_SHELL, CONTAINERS, "shell", "shell", "A shell in it, in a pane that stays", "e", "E", NULL) \
	X(CTR_STOP, CONTAINERS, "stop", "stop", "Stop", "s", NULL, NULL) \
	X(CTR_START, CONTAINERS, "start", "start", "Start", "S", NULL, NULL) \
	X(CTR_RESTART, CONTAINERS, "restart", "restart", "Restart", "r", NULL, NULL) \
	X(CTR_REMOVE, CONTAINERS, "remove", "delete", "Remove, after asking", "d", "delete", NULL) \
	X(CTR_RUN, CONTAINERS, "run", "run", "Run a new one: a form", "c", "insert", NULL) \
	X(CTR_PAUSE, CONTAINERS, "pause", NULL, "Pause, and go on", "p", NULL, NULL) \
	X(CTR_KILL, CONTAINERS, "kill", NULL, "Send a signal", "K", "f9", NULL) \
	X(CTR_UPDATE, CONTAINERS, "update", NULL, "Change its limits and restart policy: a form", "L", NULL, NULL) \
	X(CTR_RENAME, CONTAINERS, "rename", NULL, "Rename", "R", NULL, NULL) \
	X(CTR_ATTACH, CONTAINERS, "attach", NULL, "Attach to its process, in a pane", "a", NULL, NULL) \
	X(CTR_SHELL_OUTSIDE, CONTAINERS, "shell-outside", NULL, "A shell in it on the whole terminal", "ctrl-e", NULL, NULL) \
	X(CTR_STATS, CONTAINERS, "stats", NULL, "What it uses", "u", NULL, NULL) \
	X(CTR_HEALTH, CONTAINERS, "health", NULL, "Its health: how it is asked, and what the last probes said", "h", NULL, NULL) \
	X(CTR_LIMITS, CONTAINERS, "limits", NULL, "Its limits beside what it uses, and its restart policy", "H", NULL, NULL) \
	X(CTR_INSPECT, CONTAINERS, "inspect", NULL, "All about it", "i", NULL, NULL) \
	X(CTR_ENV, CONTAINERS, "env", NULL, "Its environment", "v", NULL, NULL) \
	X(CTR_PROCESSES, CONTAINERS, "processes", NULL, "Its processes", "P", NULL, NULL) \
	X(CTR_FILES, CONTAINERS, "files", NULL, "Its files", "f", NULL, NULL) \
	X(CTR_NETWORKS, CONTAINERS, "its-networks", NULL, "Go to its network", "o", NULL, NULL) \
	X(CTR_ALL, CONTAINERS, "all", NULL, "All, or only those that run", "A", NULL, NULL) \
	X(CTR_GROUP, CONTAINERS, "group", NULL, "Group by project, or one flat list", "t", NULL, NULL) \
	X(CTR_COMMIT, CONTAINERS, "commit", NULL, "Make an image of it: a form", "W", NULL, NULL) \
	X(CTR_CHANGES, CONTAINERS, "changes", NULL, "What it changed in its root", "D", NULL, NULL) \
	X(CTR_COPY_OUT, CONTAINERS, "copy-from", NULL, "Copy files out of it, to this machine", "f5", NULL, NULL) \
	X(CTR_COPY_IN, CONTAINERS, "copy-to", NULL, "Copy files of this machine into it", "f7", NULL, NULL) \
	X(CTR_EXPORT, CONTAINERS, "export-root", NULL, "Save its root as a tar archive", "f4", NULL, NULL) \
	X(CTR_BULK, CONTAINERS, "bulk", NULL, "Act on many: stop all, remove stopped, prune", "b", NULL, NULL) \
	X(CTR_WATCH, CONTAINERS, "watch", NULL, "Ring the bell when it ends", "w", NULL, NULL) \
	/* images */ \
	X(IMG_RUN, IMAGES, "image-run", "run", "Run a container of it", "c", "insert", NULL) \
	X(IMG_PULL, IMAGES, "pull", "pull", "Pull one from a registry", "p", NULL, NULL) \
	X(IMG_PUSH, IMAGES, "push", "push", "Push it to a registry", "P", NULL, NULL) \
	X(IMG_SEARCH, IMAGES, "search", "search", "Search a registry for images", "s", NULL, NULL) \
	X(IMG_LAYERS, IMAGES, "image-layers", "layers", "Its layers and their files", "L", "f", NULL) \
	X(IMG_INSPECT, IMAGES, "image-inspect", "inspect", "All about it", "i", NULL, NULL) \
	X(IMG_TAG, IMAGES, "image-tag", "tag", "Give it another name", "t", NULL, NULL) \
	X(IMG_REMOVE, IMAGES, "image-remove", "delete", "Remove, after asking", "d", "delete", NULL) \
	X(IMG_PRUNE, IMAGES, "image-prune", "prune", "Remove unused ones, after showing what that frees", "b", NULL, NULL) \
	X(IMG_LOGIN, IMAGES, "login", NULL, "Log in to a registry", "l", NULL, NULL) \
	/* volumes */ \
	X(VOL_FILES, VOLUMES, "volume-files", "files", "Its files: look, copy in and out", "f", NULL, NULL) \
	X(VOL_BACKUP, VOLUMES, "backup", "backup", "Back it up, to a file or into a repository", "B", NULL, NULL) \
	X(VOL_RESTORE, VOLUMES, "restore", "restore", "Restore it from a backup", "O", NULL, NULL) \
	X(VOL_BACKUPS, VOLUMES, "backups", "backups", "Its backups, and what changed between them", "l", NULL, NULL) \
	X(VOL_CREATE, VOLUMES, "volume-create", "create", "Make a new one: a form", "c", "insert", NULL) \
	X(VOL_INSPECT, VOLUMES, "volume-inspect", NULL, "All about it", "i", NULL, NULL) \
	X(VOL_REMOVE, VOLUMES, "volume-remove", "delete", "Remove, after asking", "d", "delete", NULL) \
	X(VOL_PRUNE, VOLUMES, "volume-prune", "prune", "Remove unused ones, after showing what that frees", "b", NULL, NULL) \
	/* the backups of a volume */ \
	X(BACKUP_CHANGES, BACKUPS, "backup-changes", "changes", "What changed between two marked ones, or up to the newest", "enter", NULL, NULL) \
	X(BACKUP_FILES, BACKUPS, "backup-files", "files", "The files in it", "f", NULL, NULL) \
	X(BACKUP_RESTORE, BACKUPS, "backup-restore", "restore", "Restore the volume from it", "O", NULL, NULL) \
	X(BACKUP_MAKE, BACKUPS, "backup-make", "backup", "Back up the volume now", "B", NULL, NULL) \
	X(BACKUP_VERIFY, BACKUPS, "backup-verify", "verify", "Read all of it again, and compare with its digests", "v", NULL, NULL) \
	X(BACKUP_FORGET, BACKUPS, "backup-forget", "forget", "Remove it from the repository, after asking", "d", "delete", NULL) \
	X(BACKUP_WHERE, BACKUPS, "backup-where", "where", "Say where the repository is, and its key", "w", NULL, NULL) \
	X(REPOSITORY_VERIFY, BACKUPS, "repository-verify", NULL, "Verify the whole repository", "V", NULL, NULL) \
	X(REPOSITORY_PRUNE, BACKUPS, "repository-prune", NULL, "Free what no backup needs", "b", NULL, NULL) \
	X(BACKUP_READ, BACKUPS, "backup-read", NULL, "Read the list again", "r", NULL, NULL) \
	/* networks */ \
	X(NET_CREATE, NETWORKS, "network-create", "create", "Make a new one: a form", "c", "insert", NULL) \
	X(NET_MEMBERS, NETWORKS, "network-members", "members", "Who is in it", "m", NULL, NULL) \
	X(NET_INSPECT, NETWORKS, "network-inspect", "inspect", "All about it", "i", NULL, NULL) \
	X(NET_CONNECT, NETWORKS, "network-connect", "connect", "Put a container into it", "a", NULL, NULL) \
	X(NET_DISCONNECT, NETWORKS, "network-disconnect", "disconnect", "Take a container out of it", "x", NULL, NULL) \
	X(NET_REMOVE, NETWORKS, "network-remove", "delete", "Remove, after asking", "d", "delete", NULL) \
	X(NET_PRUNE, NETWORKS, "network-prune", "prune", "Remove unused ones, after showing which", "b", NULL, NULL) \
	X(NET_RELOAD, NETWORKS, "network-reload", NULL, "All rules anew, after the firewall was flushed", "R", NULL, NULL) \
	/* events */ \
	X(EVENT_JUMP, EVENTS, "event-jump", "go there", "Go to what it is about", "enter", NULL, NULL) \
	/* the list of shells */ \
	X(SHELL_ENTER, SHELLS, "shell-enter", "enter", "Type in this shell", "enter", "e", NULL) \
	X(SHELL_END, SHELLS, "shell-end", "end", "End this shell", "d", "delete", NULL) \
	/* every detail */ \
	X(SCROLL_DOWN, DETAIL, "scroll-down", NULL, "Down", "j", "down", NULL) \
	X(SCROLL_UP, DETAIL, "scroll-up", NULL, "Up", "k", "up", NULL) \
	X(SCROLL_LEFT, DETAIL, "scroll-left", NULL, "Left", "h", "left", NULL) \
	X(SCROLL_RIGHT, DETAIL, "scroll-right", NULL, "Right", "l", "right", NULL) \
	X(SCROLL_TOP, DETAIL, "scroll-top", NULL, "To the beginning", "g", "home", NULL) \
	X(SCROLL_BOTTOM, DETAIL, "scroll-bottom", NULL, "To the end", "G", "end", NULL) \
	X(SCROLL_HALF_DOWN, DETAIL, "scroll-half-down", NULL, "Half a page down", "ctrl-d", NULL, NULL) \
	X(SCROLL_HALF_UP, DETAIL, "scroll-half-up", NULL, "Half a page up", "ctrl-u", NULL, NULL) \
	X(SCROLL_PAGE_DOWN, DETAIL, "scroll-page-down", NULL, "A page down", "pgdn", "ctrl-f", NULL) \
	X(SCROLL_PAGE_UP, DETAIL, "scroll-page-up", NULL, "A page up", "pgup", "ctrl-b", NULL) \
	X(DETAIL_OPEN, DETAIL, "detail-open", NULL, "Open what is selected", "enter", NULL, NULL) \
	X(DETAIL_COPY, DETAIL, "detail-copy", NULL, "Copy what is selected", "c", NULL, NULL) \
	/* logs */ \
	X(LOG_FOLLOW, LOGS, "log-follow", "follow", "Follow the end, and stop", "F", NULL, NULL) \
	X(LOG_KEEP, LOGS, "log-keep", "keep", "Show only lines that match", "&", NULL, NULL) \
	X(LOG_DROP, LOGS, "log-drop", "drop", "Hide lines that match", "^", NULL, NULL) \
	X(LOG_CONTEXT, LOGS, "log-context", NULL, "Lines around each match: 0, 3, 10", "C", NULL, NULL) \
	X(LOG_TIMES, LOGS, "log-times", "times", "Time stamps: off, absolute, relative, between lines", "t", NULL, NULL) \
	X(LOG_WRAP, LOGS, "log-wrap", "wrap", "Wrap long lines", "w", NULL, NULL) \
	X(LOG_JSON, LOGS, "log-json", NULL, "Lay out JSON lines", "J", NULL, NULL) \
	X(LOG_GOTO, LOGS, "log-goto", NULL, "Jump to a time", "@", NULL, NULL) \
	X(LOG_MARK, LOGS, "log-mark", NULL, "Mark this line", "m", NULL, NULL) \
	X(LOG_MARK_NEXT, LOGS, "log-mark-next", NULL, "To the next marked line", "'", NULL, NULL) \
	X(LOG_UNFILTER, LOGS, "log-unfilter", NULL, "Remove the last filter", "backspace", NULL, NULL) \
	X(LOG_SAVE, LOGS, "log-save", NULL, "Save the log, as shown, to a file", "s", NULL, NULL) \
	X(LOG_ADD, LOGS, "log-add", NULL, "Add another container's log, in time order", "a", NULL, NULL) \
	/* stats */ \
	X(STATS_SPAN, STATS, "stats-span", "span", "Time shown: 1, 5, 15, 60 minutes", "t", NULL, NULL) \
	X(STATS_SCALE, STATS, "stats-scale", "scale", "Of the limit, of one core, of the host", "s", NULL, NULL) \
	/* health and limits */ \
	X(CARE_CHANGE, CARE, "change", "change", "Change its limits and restart policy: a form", "L", NULL, NULL) \
	/* text: inspect, environment */ \
	X(TEXT_WRAP, TEXT, "text-wrap", "wrap", "Wrap long lines", "w", NULL, NULL) \
	X(TEXT_CLOSE, TEXT, "text-close", NULL, "Back to the directory of this file", "backspace", "u", NULL) \
	X(TEXT_REVEAL, TEXT, "text-reveal", "reveal", "Show values that look like secrets, and hide them", "r", NULL, NULL) \
	/* processes */ \
	X(PROC_SIGNAL, PROCESSES, "process-signal", "signal", "Send a signal to this process", "K", "f9", NULL) \
	X(PROC_TREE, PROCESSES, "process-tree", "tree", "As a tree, or by CPU time", "t", NULL, NULL) \
	/* members of a network */ \
	X(MEMBER_JUMP, MEMBERS, "member-jump", "go there", "Go to the container", "enter", "space", NULL) \
	X(MEMBER_DISCONNECT, MEMBERS, "member-disconnect", "disconnect", "Take it out of the network", "d", "delete", NULL) \
	/* files and layers */ \
	X(FILES_UP, FILES, "files-up", "up", "To the directory above", "backspace", "u", NULL) \
	X(FILES_SORT, FILES, "files-sort", "sort", "Sort by name, size or time", "s", "f6", NULL) \
	X(FILES_HIDDEN, FILES, "files-hidden", "hidden", "Show names that begin with a dot", ".", NULL, NULL) \
	X(FILES_COPY_OUT, FILES, "copy-out", "copy out", "Copy what is selected to this machine", "o", "f5", NULL) \
	X(FILES_COPY_IN, FILES, "copy-in", "copy in", "Copy files of this machine into this directory", "i", "f7", NULL) \
	/* what changed */ \
	X(CHANGES_RESTORE, COMPARISON, "changes-restore", "restore it", "Restore this one from the backup", "O", "enter", NULL) \
	X(CHANGES_CLOSE, COMPARISON, "changes-close", "back", "Back to the list of backups", "backspace", "u", NULL) \
	X(CHANGES_KIND, CHANGES, "changes-kind", "kind", "All, or only what was added, removed, changed", "t", NULL, NULL) \
	/* a terminal in a pane: after the prefix key */ \
	X(SHELL_LEAVE, SHELL, "shell-leave", "leave", "Leave the shell running and go back", "q", "esc", NULL) \
	X(SHELL_SCROLL, SHELL, "shell-scroll", "scroll", "Scroll back with the usual keys", "[", "pgup", NULL) \
	X(SHELL_NEXT, SHELL, "shell-next", NULL, "Next shell", "n", NULL, NULL) \
	X(SHELL_RECORD, SHELL, "shell-record", NULL, "Record to an asciicast file, and stop", "r", NULL, NULL) \
	X(SHELL_KILL, SHELL, "shell-kill", NULL, "End this shell", "x", NULL, NULL) \
	X(SHELL_PANE, SHELL, "shell-pane", NULL, "Next pane", "tab", NULL, NULL) \
	X(SHELL_ZOOM, SHELL, "shell-zoom", NULL, "On the whole screen, and back", "z", NULL, NULL) \
	/* last in every hint bar */ \
	X(FILTER, GLOBAL, "filter", "filter", "Filter or search here", "/", "\\", NULL) \
	X(MATCH_NEXT, GLOBAL, "match-next", NULL, "Next match", "n", NULL, NULL) \
	X(MATCH_PREVIOUS, GLOBAL, "match-previous", NULL, "Match before", "N", NULL, NULL) \
	X(HELP, GLOBAL, "help", "help", "What the keys do here", "?", "f1", NULL) \
	X(COMMAND, GLOBAL, "command", "command", "A command line", ":", NULL, NULL)
/* clang-format on */
