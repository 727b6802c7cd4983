/* A share that cannot: below $SHARE, fsync or (if $CANNOT is "open") opening a folder fails with $ANSWER. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int cannot(const char *call) { return !strcmp(getenv("CANNOT"), call); }

static int is_on_share(const char *path) {
    return !strncmp(path, getenv("SHARE"), strlen(getenv("SHARE")));
}

int fsync(int file) {
    char link[64], path[PATH_MAX + 1] = "";
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    if (cannot("fsync") && readlink(link, path, PATH_MAX) > 0 && is_on_share(path)) {
        errno = atoi(getenv("ANSWER"));
        return -1;
    }
    return ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(file);
}

static int opened(const char *name, const char *path, int flags, int mode) {
    struct stat found;
    if (cannot("open") && is_on_share(path) && !stat(path, &found) && S_ISDIR(found.st_mode)) {
        errno = atoi(getenv("ANSWER"));
        return -1;
    }
    return ((int (*)(const char *, int, int))dlsym(RTLD_NEXT, name))(path, flags, mode);
}

#define OPEN(name)                                        \
    int name(const char *path, int flags, ...) {          \
        va_list more;                                     \
        va_start(more, flags);                            \
        int mode = va_arg(more, int);                     \
        va_end(more);                                     \
        return opened(#name, path, flags, mode);          \
    }
OPEN(open)
OPEN(open64)
