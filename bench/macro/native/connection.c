/*
 * Connections of the load generator: dialling, the handshake, whole lines out of a byte stream.
 * These are the slow, blocking parts, used before and after the measured time.
 */
#define _GNU_SOURCE
#include "common.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* Whom a server knows that asks; others do not look at it. */
static const char CONNECT[] =
    "CONNECT {\"verbose\":false,\"pedantic\":false,\"tls_required\":false,\"name\":\"loadgen\","
    "\"lang\":\"c\",\"version\":\"1.0.0\",\"protocol\":1,\"echo\":true,\"headers\":true,"
    "\"no_responders\":true,\"user\":\"bench\",\"pass\":\"bench\"}\r\n";

void die(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fputs("loadgen: ", stderr);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  va_end(arguments);
  exit(1);
}

void *allocate(size_t bytes) {
  void *memory = calloc(1, bytes > 0 ? bytes : 1);
  if (memory == NULL) die("no memory for %zu bytes", bytes);
  return memory;
}

uint64_t now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static int dial(int port) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) die("socket: %s", strerror(errno));
  struct sockaddr_in address = {
      .sin_family = AF_INET,
      .sin_port = htons((uint16_t)port),
      .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
  };
  if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
    die("connect to port %d: %s", port, strerror(errno));
  }
  int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  /* The measured part has its own, earlier limit; this one bounds the blocking calls. */
  struct timeval limit = {.tv_sec = STALL_MS / 1000};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  return fd;
}

void set_nonblocking(int fd) {
  if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) != 0) die("fcntl: %s", strerror(errno));
}

void write_all(int fd, const char *bytes, size_t len) {
  while (len > 0) {
    ssize_t written = write(fd, bytes, len);
    if (written < 0) die("write: %s", strerror(errno));
    bytes += written;
    len -= (size_t)written;
  }
}

Inbox new_inbox(size_t capacity) {
  return (Inbox){.bytes = allocate(capacity), .capacity = capacity};
}

bool fill_inbox(Inbox *inbox, int fd) {
  if (inbox->start == inbox->end) inbox->start = inbox->end = 0;
  if (inbox->start > 0) {
    memmove(inbox->bytes, inbox->bytes + inbox->start, inbox->end - inbox->start);
    inbox->end -= inbox->start;
    inbox->start = 0;
  }
  if (inbox->end == inbox->capacity) die("more than %zu bytes without an end", inbox->capacity);
  ssize_t got = read(fd, inbox->bytes + inbox->end, inbox->capacity - inbox->end);
  if (got == 0) die("the server closed a connection");
  if (got < 0) {
    if (errno == EAGAIN) return false;
    die("read: %s", strerror(errno));
  }
  inbox->end += (size_t)got;
  return true;
}

char *take_line(Inbox *inbox, size_t *len) {
  char *line = inbox->bytes + inbox->start;
  char *newline = memchr(line, '\n', inbox->end - inbox->start);
  if (newline == NULL) return NULL;
  inbox->start = (size_t)(newline + 1 - inbox->bytes);
  *len = (size_t)(newline - line);
  if (*len > 0 && line[*len - 1] == '\r') *len -= 1;
  if (*len >= 4 && memcmp(line, "-ERR", 4) == 0) die("the server says %.*s", (int)*len, line);
  return line;
}

static void wait_for_pong(int fd) {
  static char bytes[65536];
  Inbox inbox = {.bytes = bytes, .capacity = sizeof bytes};
  for (;;) {
    if (!fill_inbox(&inbox, fd)) die("no PONG within %d ms", STALL_MS);
    size_t len;
    for (char *line; (line = take_line(&inbox, &len)) != NULL;) {
      if (len == 4 && memcmp(line, "PONG", 4) == 0) return;
    }
  }
}

void send_and_confirm(int fd, const char *lines, size_t len) {
  write_all(fd, lines, len);
  write_all(fd, PING, PONG_LEN);
  wait_for_pong(fd);
}

int connect_client(int port) {
  int fd = dial(port);
  send_and_confirm(fd, CONNECT, sizeof CONNECT - 1);
  return fd;
}
