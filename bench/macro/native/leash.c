/*
 * Runs a command that dies with its parent, however the parent ends: no process outlives a bench.
 *
 *   leash COMMAND [ARGUMENT ...]
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

int main(int count, char **words) {
  pid_t parent = getppid();
  if (count < 2) return 2;
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) perror("prctl");
  if (getppid() != parent) return 1; /* It ended before the leash was on. */
  execvp(words[1], words + 1);
  perror(words[1]);
  return 127;
}
