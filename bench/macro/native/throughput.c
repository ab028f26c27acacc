/*
 * Publishers that write as fast as the server takes it, and subscribers that count bytes.
 *
 * A publisher owns a ring of ready-made PUB frames, all of one length, and writes from it round and
 * round. A subscriber does not look at what it gets: the kernel discards the bytes (MSG_TRUNC) and
 * reports how many there were. Every frame has the same length, so bytes tell messages exactly.
 * Publishers and the subscribers that hear them form a group: one group of all, or a group for each
 * pair. A publisher pauses while the slowest subscriber of its group is a window behind.
 *
 *   PUBLISHING ──time or count is up──► PINGING ──written──► WAITING ──PONG──► DONE
 *
 * The run ends when all publishers are done and all subscribers have every byte; then each
 * subscriber's stream is checked up to the answer to a last PING: nothing more may have come.
 */
#define _GNU_SOURCE
#include "common.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_EVENTS = 256, DISCARD_BYTES = 1 << 20, MAX_WRITES = 64, TURN_BYTES = 64 * 1024 };

typedef enum { PUBLISHING, PINGING, WAITING, DONE } PublisherState;

typedef struct {
  int fd;
  int group;
  PublisherState state;
  bool wants_to_write; /* epoll reports when the socket is writable */
  char *ring;
  uint64_t sent;   /* bytes of frames */
  uint64_t target; /* where publishing ends; UINT64_MAX until that is known */
  size_t ping_sent;
  Inbox inbox;
} Publisher;

typedef struct {
  int fd;
  int group;
  uint64_t received;
  bool complete;
} Subscriber;

typedef struct {
  const Options *options;
  int epoll;
  size_t frame_len;
  size_t write_len;
  size_t ring_len;
  int writes_per_turn;
  Publisher *publishers;
  Subscriber *subscribers;
  int unfinished; /* publishers and subscribers */
  uint64_t last_progress_ns;
} Run;

static const char *group_filter(const Options *options, int subscriber) {
  static char filter[32];
  if (!options->pairs) return "bench.>";
  snprintf(filter, sizeof filter, "bench.%02d%s", subscriber, options->subjects > 1 ? ".>" : "");
  return filter;
}

static size_t write_head(const Options *options, char *head, size_t capacity, int publisher, int subject) {
  char token[16] = "";
  if (options->subjects > 1) snprintf(token, sizeof token, ".k%06d", subject);
  return (size_t)snprintf(head, capacity, "PUB bench.%02d%s %zu\r\n", publisher, token,
                          options->payload_bytes);
}

/* Frames of all subjects in a scattered order: neighbours in the ring are not neighbours by name. */
static char *make_ring(const Run *run, int publisher) {
  const Options *options = run->options;
  char *ring = allocate(run->ring_len);
  char head[64];
  for (size_t at = 0, index = 0; at < run->ring_len; at += run->frame_len, index += 1) {
    int subject = (int)(index * 7919 % (size_t)options->subjects);
    size_t head_len = write_head(options, head, sizeof head, publisher, subject);
    memcpy(ring + at, head, head_len);
    memset(ring + at + head_len, 'x', options->payload_bytes);
    memcpy(ring + at + run->frame_len - 2, "\r\n", 2);
  }
  return ring;
}

static void watch(const Run *run, int operation, int fd, uint32_t events, uint32_t id) {
  struct epoll_event event = {.events = events, .data.u32 = id};
  if (epoll_ctl(run->epoll, operation, fd, &event) != 0) die("epoll_ctl: %s", strerror(errno));
}

static uint32_t publisher_id(const Run *run, const Publisher *publisher) {
  return (uint32_t)(run->options->subscribers + (publisher - run->publishers));
}

static void want_to_write(Run *run, Publisher *publisher, bool wants) {
  if (publisher->wants_to_write == wants) return;
  publisher->wants_to_write = wants;
  watch(run, EPOLL_CTL_MOD, publisher->fd, wants ? EPOLLIN | EPOLLOUT : EPOLLIN,
        publisher_id(run, publisher));
}

static void add_other_subscriptions(const Options *options) {
  if (options->other_subscriptions == 0) return;
  int fd = connect_client(options->port); /* Stays open as long as this process lives. */
  char *lines = allocate((size_t)options->other_subscriptions * 48);
  size_t len = 0;
  for (int index = 0; index < options->other_subscriptions; index += 1) {
    len += (size_t)sprintf(lines + len, "SUB other.a%d.b%d %d\r\n", index % 1000, index, index + 1);
  }
  send_and_confirm(fd, lines, len);
  free(lines);
}

static void connect_subscribers(Run *run) {
  const Options *options = run->options;
  run->subscribers = allocate((size_t)options->subscribers * sizeof(Subscriber));
  for (int index = 0; index < options->subscribers; index += 1) {
    Subscriber *subscriber = &run->subscribers[index];
    char line[64];
    int len = snprintf(line, sizeof line, "SUB %s 1\r\n", group_filter(options, index));
    subscriber->fd = connect_client(options->port);
    subscriber->group = options->pairs ? index : 0;
    send_and_confirm(subscriber->fd, line, (size_t)len);
    set_nonblocking(subscriber->fd);
    watch(run, EPOLL_CTL_ADD, subscriber->fd, EPOLLIN, (uint32_t)index);
  }
}

static void connect_publishers(Run *run) {
  const Options *options = run->options;
  run->publishers = allocate((size_t)options->publishers * sizeof(Publisher));
  for (int index = 0; index < options->publishers; index += 1) {
    Publisher *publisher = &run->publishers[index];
    publisher->fd = connect_client(options->port);
    publisher->group = options->pairs ? index : 0;
    publisher->ring = make_ring(run, index);
    publisher->target = options->messages > 0 ? options->messages * run->frame_len : UINT64_MAX;
    publisher->inbox = new_inbox(65536);
    publisher->wants_to_write = true;
    set_nonblocking(publisher->fd);
    watch(run, EPOLL_CTL_ADD, publisher->fd, EPOLLIN | EPOLLOUT, publisher_id(run, publisher));
  }
}

static void lay_out(Run *run) {
  const Options *options = run->options;
  char head[64];
  run->frame_len = write_head(options, head, sizeof head, 0, 0) + options->payload_bytes + 2;
  size_t frames_per_write = options->write_bytes / run->frame_len;
  if (frames_per_write == 0) frames_per_write = 1;
  run->write_len = frames_per_write * run->frame_len;
  size_t writes = ((size_t)options->subjects + frames_per_write - 1) / frames_per_write;
  run->ring_len = writes * run->write_len;
  size_t turn_writes = TURN_BYTES / run->write_len;
  run->writes_per_turn = turn_writes < 1 ? 1 : turn_writes > MAX_WRITES ? MAX_WRITES : (int)turn_writes;
}

/* What every subscriber of the group must get of the bytes sent so far, counting begun frames. */
static uint64_t owed_bytes(const Run *run, int group) {
  uint64_t frames = 0;
  for (int index = 0; index < run->options->publishers; index += 1) {
    const Publisher *publisher = &run->publishers[index];
    if (publisher->group == group) frames += (publisher->sent + run->frame_len - 1) / run->frame_len;
  }
  return frames * (run->frame_len + (size_t)run->options->frame_growth);
}

static uint64_t backlog_bytes(const Run *run, int group) {
  uint64_t owed = owed_bytes(run, group), least = owed;
  for (int index = 0; index < run->options->subscribers; index += 1) {
    const Subscriber *subscriber = &run->subscribers[index];
    if (subscriber->group == group && subscriber->received < least) least = subscriber->received;
  }
  return owed - least;
}

static bool group_has_published(const Run *run, int group) {
  for (int index = 0; index < run->options->publishers; index += 1) {
    const Publisher *publisher = &run->publishers[index];
    if (publisher->group == group && publisher->state == PUBLISHING) return false;
  }
  return true;
}

static void complete_if_served(Run *run, Subscriber *subscriber) {
  if (subscriber->complete || subscriber->received < owed_bytes(run, subscriber->group)) return;
  subscriber->complete = true;
  run->unfinished -= 1;
}

static void complete_group_if_served(Run *run, int group) {
  if (!group_has_published(run, group)) return;
  for (int index = 0; index < run->options->subscribers; index += 1) {
    Subscriber *subscriber = &run->subscribers[index];
    if (subscriber->group == group) complete_if_served(run, subscriber);
  }
}

static void resume_publishers(Run *run, int group) {
  for (int index = 0; index < run->options->publishers; index += 1) {
    Publisher *publisher = &run->publishers[index];
    if (publisher->group != group || publisher->state != PUBLISHING || publisher->wants_to_write) continue;
    if (backlog_bytes(run, group) > run->options->window_bytes / 2) return;
    want_to_write(run, publisher, true);
  }
}

/* Writes up to the end of the current unit. False: the socket takes no more. */
static bool write_frames(Run *run, Publisher *publisher) {
  uint64_t len = run->write_len - publisher->sent % run->write_len;
  if (len > publisher->target - publisher->sent) len = publisher->target - publisher->sent;
  ssize_t written = write(publisher->fd, publisher->ring + publisher->sent % run->ring_len, len);
  if (written < 0) {
    if (errno == EAGAIN) return false;
    die("a publisher's write: %s", strerror(errno));
  }
  publisher->sent += (uint64_t)written;
  return (uint64_t)written == len;
}

static void write_ping(Run *run, Publisher *publisher) {
  ssize_t written = write(publisher->fd, PING + publisher->ping_sent, PONG_LEN - publisher->ping_sent);
  if (written > 0) publisher->ping_sent += (size_t)written;
  if (publisher->ping_sent < PONG_LEN) return;
  publisher->state = WAITING;
  want_to_write(run, publisher, false);
}

static void on_publisher_writable(Run *run, Publisher *publisher) {
  for (int turn = 0; publisher->state == PUBLISHING && turn < run->writes_per_turn; turn += 1) {
    if (publisher->sent >= publisher->target) {
      publisher->state = PINGING;
      complete_group_if_served(run, publisher->group);
      break;
    }
    bool is_due = publisher->target != UINT64_MAX && run->options->messages == 0;
    if (!is_due && run->options->subscribers > 0 &&
        backlog_bytes(run, publisher->group) > run->options->window_bytes) {
      want_to_write(run, publisher, false);
      return;
    }
    if (!write_frames(run, publisher)) return;
  }
  if (publisher->state == PINGING) write_ping(run, publisher);
}

/* The time is up: each publisher ends with the frame it has begun. */
static void stop_publishing(Run *run) {
  for (int index = 0; index < run->options->publishers; index += 1) {
    Publisher *publisher = &run->publishers[index];
    uint64_t frames = (publisher->sent + run->frame_len - 1) / run->frame_len;
    if (publisher->state != PUBLISHING || publisher->target != UINT64_MAX) continue;
    publisher->target = frames * run->frame_len;
    want_to_write(run, publisher, true);
  }
}

/* A PING is not answered: it would fall into the middle of a frame, and the server allows for two. */
static void on_publisher_readable(Run *run, Publisher *publisher) {
  if (!fill_inbox(&publisher->inbox, publisher->fd)) return;
  size_t len;
  for (char *line; (line = take_line(&publisher->inbox, &len)) != NULL;) {
    if (len != 4 || memcmp(line, "PONG", 4) != 0 || publisher->state != WAITING) continue;
    publisher->state = DONE;
    run->unfinished -= 1;
  }
}

static void on_subscriber_readable(Run *run, Subscriber *subscriber) {
  static char discarded[DISCARD_BYTES];
  ssize_t got = recv(subscriber->fd, discarded, sizeof discarded, MSG_TRUNC);
  if (got < 0 && errno == EAGAIN) return;
  if (got <= 0) {
    die("the server closed a subscriber after %" PRIu64 " of %" PRIu64 " bytes", subscriber->received,
        owed_bytes(run, subscriber->group));
  }
  subscriber->received += (uint64_t)got;
  if (group_has_published(run, subscriber->group)) complete_if_served(run, subscriber);
  else resume_publishers(run, subscriber->group);
}

static void on_event(Run *run, const struct epoll_event *event) {
  int subscribers = run->options->subscribers;
  if (event->data.u32 < (uint32_t)subscribers) {
    on_subscriber_readable(run, &run->subscribers[event->data.u32]);
    return;
  }
  Publisher *publisher = &run->publishers[event->data.u32 - (uint32_t)subscribers];
  if (event->events & EPOLLIN) on_publisher_readable(run, publisher);
  if (event->events & EPOLLOUT) on_publisher_writable(run, publisher);
}

static void drive(Run *run, uint64_t started_ns) {
  struct epoll_event events[MAX_EVENTS];
  uint64_t stop_ns = started_ns + (uint64_t)(run->options->seconds * 1e9);
  bool is_stopped = run->options->messages > 0;
  while (run->unfinished > 0) {
    int count = epoll_wait(run->epoll, events, MAX_EVENTS, is_stopped ? STALL_MS : 100);
    if (count == 0 && now_ns() - run->last_progress_ns > STALL_MS * 1000000ull) {
      die("no progress for %d ms; %d connections unfinished", STALL_MS, run->unfinished);
    }
    for (int index = 0; index < count; index += 1) on_event(run, &events[index]);
    uint64_t now = now_ns();
    if (count > 0) run->last_progress_ns = now;
    if (is_stopped || now < stop_ns) continue;
    is_stopped = true;
    stop_publishing(run);
  }
}

/* Up to the PONG nothing may come but PINGs of the server: there are two before it gives up. */
static void check_nothing_more(const Run *run, const Subscriber *subscriber) {
  Inbox inbox = new_inbox(65536);
  uint64_t surplus = subscriber->received - owed_bytes(run, subscriber->group);
  write_all(subscriber->fd, PING, PONG_LEN);
  for (uint64_t since = now_ns(); now_ns() - since < STALL_MS * 1000000ull;) {
    if (!fill_inbox(&inbox, subscriber->fd)) continue;
    /* A PING of the server's own may have come right behind it. */
    size_t come = inbox.end - inbox.start;
    if (memmem(inbox.bytes + inbox.start, come, PONG, PONG_LEN) == NULL) continue;
    surplus += inbox.end - inbox.start - PONG_LEN;
    free(inbox.bytes);
    if (surplus % PONG_LEN == 0 && surplus / PONG_LEN <= 2) return;
    die("a subscriber got %" PRIu64 " bytes that were not for it", surplus);
  }
  die("a subscriber's last PING was not answered");
}

static void report(const Run *run, const Snapshot *before, const Snapshot *after, uint64_t ended_ns) {
  uint64_t messages = 0, deliveries = 0;
  for (int index = 0; index < run->options->publishers; index += 1) {
    messages += run->publishers[index].sent / run->frame_len;
  }
  for (int index = 0; index < run->options->subscribers; index += 1) {
    size_t delivered_len = run->frame_len + (size_t)run->options->frame_growth;
    deliveries += owed_bytes(run, run->subscribers[index].group) / delivered_len;
  }
  printf("{\"messages\":%" PRIu64 ",\"deliveries\":%" PRIu64 ",\"seconds\":%.6f,", messages, deliveries,
         (double)(ended_ns - before->at_ns) * 1e-9);
  print_cost(run->options, before, after);
}

void run_throughput(const Options *options) {
  Run run = {.options = options, .epoll = epoll_create1(EPOLL_CLOEXEC)};
  lay_out(&run);
  add_other_subscriptions(options);
  connect_subscribers(&run);
  connect_publishers(&run);
  run.unfinished = options->publishers + options->subscribers;
  Snapshot before = take_snapshot(options->pid);
  run.last_progress_ns = before.at_ns;
  drive(&run, before.at_ns);
  uint64_t ended_ns = now_ns();
  usleep(20000); /* What the server still has to do for these messages counts as its cost. */
  Snapshot after = take_snapshot(options->pid);
  for (int index = 0; index < options->subscribers; index += 1) {
    check_nothing_more(&run, &run.subscribers[index]);
  }
  report(&run, &before, &after, ended_ns);
}
