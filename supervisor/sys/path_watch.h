/* path_watch: tells when something happens to names in a folder (inotify(7)). */
#ifndef BERTH_SYS_PATH_WATCH_H
#define BERTH_SYS_PATH_WATCH_H

/* An inotify descriptor, CLOEXEC and non-blocking; or negative errno. */
int path_watch_new(void);
/* Watches the folder of PATH for names that go or come. A watch number (the same for the same folder), or negative errno. */
int path_watch_add(int fd, const char *path);
/* Reads all that is there. 1: something happened; 0: nothing. What exactly is not told: the caller looks. */
int path_watch_drain(int fd);

#endif
