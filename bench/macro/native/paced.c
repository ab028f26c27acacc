/*
 * One publisher that sends at fixed times, a rate that the server can keep, and its subscriber: how long after it was
 * due each batch has arrived. A batch is what came due since the last one, a millisecond or more. Those that have not
 * arrived when patience ends count as late as they are then.
 *
 * Bytes tell messages, since all frames are of one length; a PING between them is not counted, nor answered: a run is
 * shorter than the patience of servers. A batch that does not fit into the socket is written on when it does.
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

enum { TICK_MS = 1, READ_BYTES = 1 << 20, RING_BYTES = 1 << 20, PATIENCE_MS = 2000 };

typedef struct {
  uint64_t due_ns;
  uint64_t end_bytes; /* delivered bytes with which it has arrived */
} Batch;

typedef struct {
  int epoll;
  int publisher;
  int subscriber;
  char *ring;
  size_t frame_len;
  size_t delivered_len;
  size_t ring_len;
  uint64_t due_bytes; /* of what has come due, and of that what is written */
  uint64_t sent_bytes;
  uint64_t received;
  Batch *batches;
  size_t begun;
  size_t arrived;
  double *waits_ms; /* of the batches, in their order */
} Pair;

static void make_frames(Pair *pair, size_t payload_bytes) {
  char head[32];
  size_t head_len = (size_t)snprintf(head, sizeof head, "PUB pair %zu\r\n", payload_bytes);
  pair->frame_len = head_len + payload_bytes + 2;
  pair->delivered_len = pair->frame_len + 2; /* MSG pair 1 n */
  size_t frames = RING_BYTES / pair->frame_len + 1;
  pair->ring_len = frames * pair->frame_len;
  pair->ring = allocate(pair->ring_len);
  for (size_t at = 0; at < pair->ring_len; at += pair->frame_len) {
    memcpy(pair->ring + at, head, head_len);
    memset(pair->ring + at + head_len, 'x', payload_bytes);
    memcpy(pair->ring + at + pair->frame_len - 2, "\r\n", 2);
  }
}

static void watch(const Pair *pair, int fd) {
  struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
  set_nonblocking(fd);
  if (epoll_ctl(pair->epoll, EPOLL_CTL_ADD, fd, &event) != 0) die("epoll_ctl: %s", strerror(errno));
}

static void come_due(Pair *pair, const Options *options, uint64_t start_ns, uint64_t now) {
  double spacing_ns = 1e9 / options->rate;
  uint64_t due = (uint64_t)((double)(now - start_ns) / spacing_ns);
  if (due * pair->frame_len <= pair->due_bytes) return;
  if (pair->begun > 0 && now - pair->batches[pair->begun - 1].due_ns < TICK_MS * 1000000u) return;
  pair->due_bytes = due * pair->frame_len;
  pair->batches[pair->begun++] = (Batch){
      .due_ns = start_ns + (uint64_t)((double)due * spacing_ns),
      .end_bytes = due * pair->delivered_len,
  };
}

static void write_due(Pair *pair) {
  while (pair->sent_bytes < pair->due_bytes) {
    size_t at = pair->sent_bytes % pair->ring_len;
    uint64_t left = pair->due_bytes - pair->sent_bytes;
    size_t len = left < pair->ring_len - at ? (size_t)left : pair->ring_len - at;
    ssize_t written = write(pair->publisher, pair->ring + at, len);
    if (written < 0 && errno == EAGAIN) return;
    if (written < 0) die("write: %s", strerror(errno));
    pair->sent_bytes += (uint64_t)written;
  }
}

/* How many bytes were there that are no PING. */
static size_t take_bytes(int fd) {
  static char bytes[READ_BYTES];
  ssize_t got = read(fd, bytes, sizeof bytes);
  if (got == 0) die("the server closed a connection");
  if (got < 0 && errno != EAGAIN) die("read: %s", strerror(errno));
  if (got <= 0) return 0;
  bool has_ping = memmem(bytes, (size_t)got, PING, sizeof PING - 1) != NULL;
  return (size_t)got - (has_ping ? sizeof PING - 1 : 0);
}

static void note_wait(Pair *pair, size_t batch, uint64_t now) {
  uint64_t due_ns = pair->batches[batch].due_ns;
  pair->waits_ms[batch] = now > due_ns ? (double)(now - due_ns) * 1e-6 : 0;
}

static void read_arrived(Pair *pair) {
  pair->received += take_bytes(pair->subscriber);
  uint64_t now = now_ns();
  while (pair->arrived < pair->begun && pair->batches[pair->arrived].end_bytes <= pair->received) {
    note_wait(pair, pair->arrived++, now);
  }
}

static void drive(Pair *pair, const Options *options) {
  uint64_t start_ns = now_ns();
  uint64_t end_ns = start_ns + (uint64_t)(options->seconds * 1e9);
  uint64_t limit_ns = end_ns + PATIENCE_MS * 1000000ull;
  uint64_t now = start_ns;
  for (; now < end_ns || (now < limit_ns && pair->arrived < pair->begun); now = now_ns()) {
    if (now < end_ns) come_due(pair, options, start_ns, now);
    write_due(pair);
    struct epoll_event events[2];
    int count = epoll_wait(pair->epoll, events, 2, TICK_MS);
    for (int index = 0; index < count; index += 1) {
      if (events[index].data.fd == pair->subscriber) read_arrived(pair);
      else if (take_bytes(pair->publisher) > 0) die("the server says something to the publisher");
    }
  }
  for (size_t batch = pair->arrived; batch < pair->begun; batch += 1) note_wait(pair, batch, now);
}

static int by_value(const void *one, const void *other) {
  double left = *(const double *)one, right = *(const double *)other;
  return (left > right) - (left < right);
}

void run_paced(const Options *options) {
  Pair pair = {.epoll = epoll_create1(EPOLL_CLOEXEC)};
  if (options->rate <= 0) die("--rate is missing");
  make_frames(&pair, options->payload_bytes);
  /* A message is due at the end of its time: batches are more than half a tick apart. */
  size_t batches_most = (size_t)(options->seconds * 2000 / TICK_MS) + 2;
  pair.batches = allocate(batches_most * sizeof(Batch));
  pair.waits_ms = allocate(batches_most * sizeof(double));
  pair.subscriber = connect_client(options->port);
  send_and_confirm(pair.subscriber, "SUB pair 1\r\n", 12);
  pair.publisher = connect_client(options->port);
  watch(&pair, pair.subscriber);
  watch(&pair, pair.publisher);
  Snapshot before = take_snapshot(options->pid);
  drive(&pair, options);
  Snapshot after = take_snapshot(options->pid);
  if (pair.begun == 0) die("nothing came due");
  uint64_t owed = pair.sent_bytes / pair.frame_len * pair.delivered_len;
  bool is_whole = pair.arrived == pair.begun;
  if (is_whole && pair.received != owed) die("%" PRIu64 " bytes of %" PRIu64, pair.received, owed);
  qsort(pair.waits_ms, pair.begun, sizeof(double), by_value);
  printf("{\"messages\":%" PRIu64 ",\"whole\":%s,\"p50\":%.3f,\"p99\":%.3f,\"max\":%.3f,",
         pair.received / pair.delivered_len, is_whole ? "true" : "false", pair.waits_ms[pair.begun / 2],
         pair.waits_ms[pair.begun * 99 / 100], pair.waits_ms[pair.begun - 1]);
  print_cost(options, &before, &after);
}
