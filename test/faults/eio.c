/*
 * A disk that fails once, for LD_PRELOAD.
 *
 *   EIO_CALL   fdatasync, fsync or pwrite
 *   EIO_PATH   a pattern (fnmatch): calls on files of this name are the ones to fail
 *   EIO_ARM    a file: the first such call after somebody has made it removes it and fails with EIO; all others go through
 *   EIO_DROPS  1: what was written since the last good sync of the file is gone when its sync fails. So does Linux, which marks the pages as
 *              clean: the next sync succeeds and nobody has the bytes (https://lwn.net/Articles/752063/).
 *
 * Only what grows a file is dropped, not what is written over: enough for files that are only appended to.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES_MAX 256

/* The size that each file had at its last good sync. */
static struct { dev_t dev; ino_t ino; off_t size; } synced[FILES_MAX];
static int files = 0;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static const char *setting(const char *name) {
  const char *value = getenv(name);
  return value ? value : "";
}

static int is_target(int fd) {
  char link[64], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length <= 0) return 0;
  path[length] = 0;
  return fnmatch(setting("EIO_PATH"), path, 0) == 0;
}

/* Of several threads only one removes the file, so the fault comes once. */
static int fails(int fd, const char *call) {
  if (strcmp(setting("EIO_CALL"), call) != 0 || !is_target(fd)) return 0;
  int before = errno;
  int is_armed = unlink(setting("EIO_ARM")) == 0;
  errno = before;
  return is_armed;
}

static off_t *synced_size(struct stat *file) {
  for (int i = 0; i < files; i++)
    if (synced[i].dev == file->st_dev && synced[i].ino == file->st_ino) return &synced[i].size;
  if (files == FILES_MAX) abort(); /* better than a test that proves nothing */
  synced[files].dev = file->st_dev;
  synced[files].ino = file->st_ino;
  return &synced[files++].size;
}

static void remember(int fd) {
  struct stat file;
  if (!is_target(fd) || fstat(fd, &file) != 0) return;
  pthread_mutex_lock(&lock);
  *synced_size(&file) = file.st_size;
  pthread_mutex_unlock(&lock);
}

static void drop(int fd) {
  struct stat file;
  if (strcmp(setting("EIO_DROPS"), "1") != 0 || fstat(fd, &file) != 0) return;
  pthread_mutex_lock(&lock);
  off_t size = *synced_size(&file); /* 0 for a file that was never synced */
  pthread_mutex_unlock(&lock);
  if (ftruncate(fd, size) != 0) abort();
}

static int sync_by(int fd, const char *call) {
  if (fails(fd, call)) {
    drop(fd);
    errno = EIO;
    return -1;
  }
  int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, call);
  int result = real(fd);
  if (result == 0 && strcmp(setting("EIO_CALL"), call) == 0) remember(fd);
  return result;
}

int fdatasync(int fd) { return sync_by(fd, "fdatasync"); }

int fsync(int fd) { return sync_by(fd, "fsync"); }

static ssize_t write_by(int fd, const void *bytes, size_t count, off64_t at, const char *symbol) {
  if (fails(fd, "pwrite")) {
    errno = EIO;
    return -1;
  }
  ssize_t (*real)(int, const void *, size_t, off64_t) = (ssize_t (*)(int, const void *, size_t, off64_t))dlsym(RTLD_NEXT, symbol);
  return real(fd, bytes, count, at);
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at) { return write_by(fd, bytes, count, at, "pwrite"); }

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at) { return write_by(fd, bytes, count, at, "pwrite64"); }
