/*
 * The limit: a process that carries bytes from publishers to subscribers and knows nothing of what
 * they mean. It answers the handshake, so that the load generator can talk to it, and a PING that ends a
 * read; else it copies each read to the sockets it is for. No server that reads with read() and writes
 * with write() can cost much less.
 *
 *   relay -a 127.0.0.1 -p -1 --ports_file_dir DIR [--pairs]
 *
 * Subscribers connect first. A connection that has not sent SUB is a publisher; with --pairs the
 * publisher of number i is heard by subscriber i alone, else by all.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_CONNECTIONS = 4096, CHUNK_BYTES = 256 * 1024 };

typedef struct {
  bool is_subscriber;
  int number; /* of the connections that are no subscribers, in the order of their coming */
} Connection;

static Connection connections[MAX_CONNECTIONS]; /* by file descriptor */
static int subscribers[MAX_CONNECTIONS];
static int subscriber_count;
static int connection_count;
static bool has_pairs;
static int epoll;

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static int listen_on_loopback(void) {
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0) fail("bind");
  if (listen(fd, 128) != 0) fail("listen");
  return fd;
}

static void write_ports_file(const char *directory, int listener) {
  struct sockaddr_in address;
  socklen_t len = sizeof address;
  if (getsockname(listener, (struct sockaddr *)&address, &len) != 0) fail("getsockname");
  char path[4096];
  snprintf(path, sizeof path, "%s/relay_%d.ports", directory, getpid());
  FILE *file = fopen(path, "w");
  if (file == NULL) fail("ports file");
  fprintf(file, "{\"nats\":[\"nats://127.0.0.1:%d\"]}\n", ntohs(address.sin_port));
  fclose(file);
}

static void watch(int fd) {
  struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) fail("epoll_ctl");
}

static void write_all(int fd, const char *bytes, size_t len) {
  while (len > 0) {
    ssize_t written = write(fd, bytes, len);
    if (written >= 0) {
      bytes += written;
      len -= (size_t)written;
      continue;
    }
    if (errno != EAGAIN) return; /* The peer has gone; its next read says so. */
    struct pollfd writable = {.fd = fd, .events = POLLOUT};
    poll(&writable, 1, 1000);
  }
}

static void accept_connection(int listener) {
  int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
  if (fd < 0) return;
  if (fd >= MAX_CONNECTIONS) {
    close(fd);
    return;
  }
  int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  connections[fd] = (Connection){.number = connection_count++};
  watch(fd);
}

static void close_connection(int fd) {
  for (int index = 0; index < subscriber_count; index += 1) {
    if (subscribers[index] != fd) continue;
    subscriber_count -= 1;
    memmove(&subscribers[index], &subscribers[index + 1], (size_t)(subscriber_count - index) * sizeof(int));
    break;
  }
  connection_count -= 1;
  close(fd);
}

static void pass_on(const Connection *publisher, const char *bytes, size_t len) {
  if (!has_pairs) {
    for (int index = 0; index < subscriber_count; index += 1) write_all(subscribers[index], bytes, len);
    return;
  }
  int index = publisher->number - subscriber_count;
  if (index >= 0 && index < subscriber_count) write_all(subscribers[index], bytes, len);
}

static bool starts_with(const char *bytes, size_t len, const char *word) {
  return len >= strlen(word) && memcmp(bytes, word, strlen(word)) == 0;
}

static void on_readable(int fd) {
  static char chunk[CHUNK_BYTES];
  Connection *connection = &connections[fd];
  ssize_t got = read(fd, chunk, sizeof chunk);
  if (got < 0 && errno == EAGAIN) return;
  if (got <= 0) {
    close_connection(fd);
    return;
  }
  size_t len = (size_t)got;
  bool wants_pong = len >= 6 && memcmp(chunk + len - 6, "PING\r\n", 6) == 0;
  if (wants_pong) len -= 6;
  if (starts_with(chunk, len, "SUB")) {
    connection->is_subscriber = true;
    subscribers[subscriber_count++] = fd;
  } else if (len > 0 && !connection->is_subscriber && !starts_with(chunk, len, "CONNECT")) {
    pass_on(connection, chunk, len);
  }
  if (wants_pong) write_all(fd, "PONG\r\n", 6);
}

int main(int count, char **words) {
  const char *directory = ".";
  for (int index = 1; index < count; index += 1) {
    if (strcmp(words[index], "--pairs") == 0) has_pairs = true;
    if (strcmp(words[index], "--ports_file_dir") == 0 && index + 1 < count) directory = words[index + 1];
  }
  signal(SIGPIPE, SIG_IGN);
  epoll = epoll_create1(0);
  int listener = listen_on_loopback();
  watch(listener);
  write_ports_file(directory, listener);
  for (;;) {
    struct epoll_event events[64];
    int ready = epoll_wait(epoll, events, 64, -1);
    for (int index = 0; index < ready; index += 1) {
      if (events[index].data.fd == listener) accept_connection(listener);
      else on_readable(events[index].data.fd);
    }
  }
}
