/*
 * Request and reply: a number of requesters, each on its own connection with one request under way,
 * and one responder that answers every request with a payload of the same size. The latency is the
 * time from the write of a request to the moment its reply has been read and parsed.
 */
#define _GNU_SOURCE
#include "common.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { MAX_REQUESTERS = 256, MAX_EVENTS = 256, OUTBOX_BYTES = 1 << 20, REQUEST_BYTES = 4096 };

typedef struct {
  int fd;
  Inbox inbox;
  char *request;
  size_t request_len;
  uint64_t sent_ns;
  bool is_waiting;
} Requester;

typedef struct {
  const Options *options;
  int epoll;
  int responder;
  Inbox responder_inbox;
  char *outbox;
  Requester requesters[MAX_REQUESTERS];
  int waiting;
  float *latencies_us;
  size_t latency_count;
  size_t latency_capacity;
} Run;

/* A delivered message; the reply subject points into the inbox. */
typedef struct {
  const char *reply;
  size_t reply_len;
} Delivery;

/*
 * Takes the next delivery, answering PINGs on the way. False: there is no whole one yet.
 * "MSG subject sid [reply] bytes": with a reply the line has four blanks, without it three.
 */
static bool take_delivery(Inbox *inbox, int fd, Delivery *delivery) {
  for (;;) {
    size_t line_start = inbox->start, len;
    char *line = take_line(inbox, &len);
    if (line == NULL) return false;
    if (len >= 4 && memcmp(line, "PING", 4) == 0) write_all(fd, PONG, PONG_LEN);
    if (len < 4 || memcmp(line, "MSG ", 4) != 0) continue;
    char *words[5] = {line};
    int count = 1;
    for (char *at = line; at < line + len && count < 5; at += 1) {
      if (*at == ' ') words[count++] = at + 1;
    }
    size_t payload_bytes = strtoull(words[count - 1], NULL, 10);
    if (inbox->end - inbox->start < payload_bytes + 2) {
      inbox->start = line_start;
      return false;
    }
    inbox->start += payload_bytes + 2;
    delivery->reply = count == 5 ? words[3] : "";
    delivery->reply_len = count == 5 ? (size_t)(words[4] - words[3] - 1) : 0;
    return true;
  }
}

static void watch(const Run *run, int fd, uint32_t id) {
  struct epoll_event event = {.events = EPOLLIN, .data.u32 = id};
  if (epoll_ctl(run->epoll, EPOLL_CTL_ADD, fd, &event) != 0) die("epoll_ctl: %s", strerror(errno));
}

static void connect_responder(Run *run) {
  static const char line[] = "SUB svc.echo 1\r\n";
  run->responder = connect_client(run->options->port);
  send_and_confirm(run->responder, line, sizeof line - 1);
  run->responder_inbox = new_inbox(OUTBOX_BYTES);
  run->outbox = allocate(2 * OUTBOX_BYTES);
  watch(run, run->responder, (uint32_t)run->options->in_flight);
}

static void connect_requester(Run *run, int index) {
  Requester *requester = &run->requesters[index];
  size_t payload_bytes = run->options->payload_bytes;
  char line[64];
  int len = snprintf(line, sizeof line, "SUB _INBOX.c%03d.* 1\r\n", index);
  requester->fd = connect_client(run->options->port);
  send_and_confirm(requester->fd, line, (size_t)len);
  requester->inbox = new_inbox(65536);
  requester->request = allocate(REQUEST_BYTES);
  len = snprintf(requester->request, 128, "PUB svc.echo _INBOX.c%03d.1 %zu\r\n", index, payload_bytes);
  memset(requester->request + len, 'y', payload_bytes);
  memcpy(requester->request + len + payload_bytes, "\r\n", 2);
  requester->request_len = (size_t)len + payload_bytes + 2;
  watch(run, requester->fd, (uint32_t)index);
}

static void send_request(Run *run, Requester *requester) {
  requester->sent_ns = now_ns();
  requester->is_waiting = true;
  run->waiting += 1;
  write_all(requester->fd, requester->request, requester->request_len);
}

static void add_latency(Run *run, uint64_t ns) {
  if (run->latency_count == run->latency_capacity) {
    run->latency_capacity = run->latency_capacity * 2 + 65536;
    run->latencies_us = realloc(run->latencies_us, run->latency_capacity * sizeof(float));
    if (run->latencies_us == NULL) die("no memory for the latencies");
  }
  run->latencies_us[run->latency_count++] = (float)ns * 1e-3f;
}

/* Answers everything that has come with one write. */
static void on_responder_readable(Run *run) {
  size_t payload_bytes = run->options->payload_bytes, len = 0;
  Delivery delivery;
  if (!fill_inbox(&run->responder_inbox, run->responder)) return;
  while (take_delivery(&run->responder_inbox, run->responder, &delivery)) {
    len += (size_t)sprintf(run->outbox + len, "PUB %.*s %zu\r\n", (int)delivery.reply_len,
                           delivery.reply, payload_bytes);
    memset(run->outbox + len, 'z', payload_bytes);
    memcpy(run->outbox + len + payload_bytes, "\r\n", 2);
    len += payload_bytes + 2;
  }
  write_all(run->responder, run->outbox, len);
}

static void on_requester_readable(Run *run, Requester *requester, bool is_time_left) {
  Delivery delivery;
  if (!fill_inbox(&requester->inbox, requester->fd)) return;
  while (take_delivery(&requester->inbox, requester->fd, &delivery)) {
    if (!requester->is_waiting) die("a reply came twice");
    add_latency(run, now_ns() - requester->sent_ns);
    requester->is_waiting = false;
    run->waiting -= 1;
    if (is_time_left) send_request(run, requester);
  }
}

static void drive(Run *run, uint64_t started_ns) {
  struct epoll_event events[MAX_EVENTS];
  uint64_t stop_ns = started_ns + (uint64_t)(run->options->seconds * 1e9);
  for (int index = 0; index < run->options->in_flight; index += 1) {
    send_request(run, &run->requesters[index]);
  }
  while (run->waiting > 0) {
    int count = epoll_wait(run->epoll, events, MAX_EVENTS, STALL_MS);
    if (count == 0) die("no reply for %d ms; %d requests under way", STALL_MS, run->waiting);
    bool is_time_left = now_ns() < stop_ns;
    for (int index = 0; index < count; index += 1) {
      uint32_t id = events[index].data.u32;
      if (id == (uint32_t)run->options->in_flight) on_responder_readable(run);
      else on_requester_readable(run, &run->requesters[id], is_time_left);
    }
  }
}

static int compare_floats(const void *left, const void *right) {
  float a = *(const float *)left, b = *(const float *)right;
  return a < b ? -1 : a > b;
}

static void report(Run *run, const Snapshot *before, const Snapshot *after, uint64_t ended_ns) {
  size_t count = run->latency_count;
  qsort(run->latencies_us, count, sizeof(float), compare_floats);
  printf("{\"messages\":%zu,\"deliveries\":%zu,\"seconds\":%.6f,", count, count,
         (double)(ended_ns - before->at_ns) * 1e-9);
  printf("\"p50Us\":%.1f,\"p90Us\":%.1f,\"p99Us\":%.1f,\"maxUs\":%.1f,", run->latencies_us[count / 2],
         run->latencies_us[count * 9 / 10], run->latencies_us[count * 99 / 100],
         run->latencies_us[count - 1]);
  print_cost(run->options, before, after);
}

void run_requests(const Options *options) {
  static Run run;
  if (options->in_flight < 1 || options->in_flight > MAX_REQUESTERS) die("--in-flight is out of range");
  if (options->payload_bytes > REQUEST_BYTES / 2) die("--payload is too large for requests");
  run.options = options;
  run.epoll = epoll_create1(EPOLL_CLOEXEC);
  connect_responder(&run);
  for (int index = 0; index < options->in_flight; index += 1) connect_requester(&run, index);
  Snapshot before = take_snapshot(options->pid);
  drive(&run, before.at_ns);
  uint64_t ended_ns = now_ns();
  usleep(20000); /* What the server still has to do for these messages counts as its cost. */
  Snapshot after = take_snapshot(options->pid);
  report(&run, &before, &after, ended_ns);
}
