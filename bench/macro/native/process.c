/*
 * What a run cost the measured process, read from /proc: CPU time in nanoseconds over all its
 * threads (schedstat, not the 10 ms ticks of stat), memory now and at its highest.
 */
#define _GNU_SOURCE
#include "common.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static uint64_t thread_cpu_ns(pid_t pid, const char *thread) {
  char path[300];
  snprintf(path, sizeof path, "/proc/%d/task/%s/schedstat", pid, thread);
  FILE *file = fopen(path, "r");
  if (file == NULL) return 0; /* The thread has ended meanwhile. */
  uint64_t on_cpu_ns = 0;
  if (fscanf(file, "%" SCNu64, &on_cpu_ns) != 1) on_cpu_ns = 0;
  fclose(file);
  return on_cpu_ns;
}

static uint64_t process_cpu_ns(pid_t pid) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/task", pid);
  DIR *threads = opendir(path);
  if (threads == NULL) die("process %d is gone", pid);
  uint64_t total = 0;
  for (struct dirent *entry; (entry = readdir(threads)) != NULL;) {
    if (entry->d_name[0] != '.') total += thread_cpu_ns(pid, entry->d_name);
  }
  closedir(threads);
  return total;
}

Snapshot take_snapshot(pid_t pid) {
  Snapshot snapshot = {.own_cpu_ns = process_cpu_ns(getpid())};
  if (pid > 0) snapshot.cpu_ns = process_cpu_ns(pid);
  snapshot.at_ns = now_ns();
  return snapshot;
}

long memory_kib(pid_t pid, const char *key) {
  if (pid <= 0) return 0;
  char path[64], line[256];
  snprintf(path, sizeof path, "/proc/%d/status", pid);
  FILE *file = fopen(path, "r");
  if (file == NULL) die("process %d is gone", pid);
  long kib = 0;
  while (fgets(line, sizeof line, file) != NULL) {
    if (strncmp(line, key, strlen(key)) == 0) sscanf(line + strlen(key), "%ld", &kib);
  }
  fclose(file);
  return kib;
}

void print_cost(const Options *options, const Snapshot *before, const Snapshot *after) {
  printf("\"serverCpuNs\":%" PRIu64 ",\"loadgenCpuNs\":%" PRIu64 ",\"rssKib\":%ld,\"peakRssKib\":%ld}\n",
         after->cpu_ns - before->cpu_ns, after->own_cpu_ns - before->own_cpu_ns,
         memory_kib(options->pid, "VmRSS:"), memory_kib(options->pid, "VmHWM:"));
}
