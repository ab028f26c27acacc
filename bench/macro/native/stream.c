/*
 * Streams: one connection that publishes into a stream and waits for the acknowledgements, pulls what lies
 * in it, or reads single messages of it, with a number of requests under way.
 *
 *   publish   PUB with a reply; each PubAck lets the next one go
 *   pull      two pulls of half the number under way each; `ack` acknowledges every message
 *   push      an ordered consumer pushes; its questions of flow control are answered
 *   get       direct gets of the last message of a subject
 *   kv-put    publish, into a stream as clients make it for a bucket that keeps one value of each key
 *   kv-get    get, from such a stream
 *
 * What is read is published before the measured time begins.
 */
#define _GNU_SOURCE
#include "common.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { INBOX_BYTES = 4 << 20, OUT_BYTES = 4 << 20, FULL_BYTES = 1 << 18, SUBJECT_BYTES = 64 };

typedef enum { PUBLISH, PULL, ACK, GET, PUSH } Operation;

/* What the subjects begin with, the stream that keeps them, and how it is made, but its storage. */
typedef struct {
  const char *prefix, *name, *config;
} Kept;

static const Kept STREAM = {
    "bench.", "BENCH",
    "{\"name\":\"BENCH\",\"subjects\":[\"bench.*\"],\"storage\":\"%s\",\"retention\":\"limits\","
    "\"discard\":\"old\",\"num_replicas\":1,\"allow_direct\":true}"};
static const Kept BUCKET = {
    "$KV.BENCH.", "KV_BENCH",
    "{\"name\":\"KV_BENCH\",\"subjects\":[\"$KV.BENCH.>\"],\"storage\":\"%s\",\"retention\":\"limits\","
    "\"discard\":\"new\",\"num_replicas\":1,\"allow_direct\":true,\"allow_rollup_hdrs\":true,\"deny_delete\":true,"
    "\"max_msgs_per_subject\":1,\"duplicate_window\":120000000000}"};

typedef struct {
  const Options *options;
  const Kept *kept;
  int fd;
  Inbox inbox;
  char *out;
  size_t out_start, out_end;
  char *payload;
  uint64_t asked, answered;
  uint64_t in_pull; /* messages of the pulls under way that have not come */
} Run;

/* A message that has come; the texts point into the inbox. */
typedef struct {
  const char *reply, *body;
  size_t reply_len, body_len;
} Delivery;

static char *room(Run *run, size_t bytes) {
  if (run->out_end + bytes > OUT_BYTES) die("the server takes nothing");
  return run->out + run->out_end;
}

static void put(Run *run, const char *subject, const char *reply, const char *body, size_t len) {
  char *at = room(run, len + 512);
  int head = sprintf(at, "PUB %s %s %zu\r\n", subject, reply, len);
  memcpy(at + head, body, len);
  memcpy(at + head + len, "\r\n", 2);
  run->out_end += (size_t)head + len + 2;
}

/* Of this process: pulls of one before may still wait when a new one has come. */
static char reply_to[SUBJECT_BYTES], answer_to[SUBJECT_BYTES];

/* "MSG subject sid [reply] bytes", or "HMSG … head bytes". False: there is no whole one yet. */
static bool take_delivery(Run *run, Delivery *delivery) {
  Inbox *inbox = &run->inbox;
  for (;;) {
    size_t line_start = inbox->start, len;
    char *line = take_line(inbox, &len);
    if (line == NULL) return false;
    if (len >= 4 && memcmp(line, "PING", 4) == 0) memcpy(room(run, PONG_LEN), PONG, PONG_LEN), run->out_end += PONG_LEN;
    bool has_head = len >= 5 && memcmp(line, "HMSG ", 5) == 0;
    if (!has_head && (len < 4 || memcmp(line, "MSG ", 4) != 0)) continue;
    char *words[7] = {line};
    int count = 1;
    for (char *at = line; at < line + len && count < 7; at += 1) {
      if (*at == ' ') words[count++] = at + 1;
    }
    size_t bytes = strtoull(words[count - 1], NULL, 10);
    if (inbox->end - inbox->start < bytes + 2) {
      inbox->start = line_start;
      return false;
    }
    bool has_reply = count == (has_head ? 6 : 5);
    delivery->reply = has_reply ? words[3] : NULL;
    delivery->reply_len = has_reply ? (size_t)(words[4] - words[3] - 1) : 0;
    delivery->body = inbox->bytes + inbox->start;
    delivery->body_len = bytes;
    inbox->start += bytes + 2;
    return true;
  }
}

static void flush(Run *run) {
  if (run->out_start == run->out_end) return;
  ssize_t written = write(run->fd, run->out + run->out_start, run->out_end - run->out_start);
  if (written < 0 && errno != EAGAIN) die("write: %s", strerror(errno));
  if (written > 0) run->out_start += (size_t)written;
  if (run->out_start < run->out_end) return;
  run->out_start = run->out_end = 0;
}

/* Sends what waits and reads what there is; ends the process when neither goes on. */
static void turn(Run *run) {
  bool has_more = run->out_start < run->out_end;
  struct pollfd fd = {.fd = run->fd, .events = (short)(POLLIN | (has_more ? POLLOUT : 0))};
  if (poll(&fd, 1, STALL_MS) <= 0) {
    die("no progress: %" PRIu64 " of %" PRIu64 " answered", run->answered, run->asked);
  }
  if (fd.revents & POLLOUT) flush(run);
  if (fd.revents & POLLIN) fill_inbox(&run->inbox, run->fd);
}

static void subject_of(const Run *run, uint64_t index, char *subject) {
  sprintf(subject, "%s%" PRIu64, run->kept->prefix, index % (uint64_t)run->options->subjects);
}

/* Asks the API and waits for the answer, which must be no error unless it may be one. */
static void ask(Run *run, const char *subject, const char *body, bool may_fail) {
  Delivery delivery;
  put(run, subject, reply_to, body, strlen(body));
  flush(run);
  while (!take_delivery(run, &delivery)) turn(run);
  if (!may_fail && memmem(delivery.body, delivery.body_len, "\"error\"", 7) != NULL) {
    die("%s: %.*s", subject, (int)delivery.body_len, delivery.body);
  }
}

static void publish_some(Run *run, uint64_t until) {
  char subject[SUBJECT_BYTES];
  uint64_t most = (uint64_t)run->options->in_flight;
  while (run->asked < until && run->asked - run->answered < most &&
         run->out_end < FULL_BYTES) {
    subject_of(run, run->asked, subject);
    put(run, subject, reply_to, run->payload, run->options->payload_bytes);
    run->asked += 1;
  }
}

static void get_some(Run *run, uint64_t until) {
  char subject[2 * SUBJECT_BYTES];
  char *end = subject + sprintf(subject, "$JS.API.DIRECT.GET.%s.", run->kept->name);
  uint64_t most = (uint64_t)run->options->in_flight;
  while (run->asked < until && run->asked - run->answered < most) {
    subject_of(run, run->asked, end);
    put(run, subject, reply_to, "", 0);
    run->asked += 1;
  }
}

static void pull_some(Run *run) {
  char body[64];
  uint64_t half = (uint64_t)run->options->in_flight / 2;
  if (half == 0) half = 1;
  while (run->in_pull <= half) {
    int len = sprintf(body, "{\"batch\":%" PRIu64 "}", half);
    put(run, "$JS.API.CONSUMER.MSG.NEXT.BENCH.C", reply_to, body, (size_t)len);
    run->in_pull += half;
  }
}

/* As clients make an ordered consumer. The answer comes among the first messages. */
static void begin_push(Run *run) {
  char config[512];
  int len = sprintf(config,
      "{\"stream_name\":\"BENCH\",\"config\":{\"name\":\"P\",\"deliver_subject\":\"%s\",\"ack_policy\":\"none\","
      "\"max_deliver\":1,\"flow_control\":true,\"idle_heartbeat\":5000000000,\"mem_storage\":true,\"num_replicas\":1}}",
      reply_to);
  put(run, "$JS.API.CONSUMER.CREATE.BENCH.P", answer_to, config, (size_t)len);
}

/* What a push consumer sends beside messages: the answer that it is there, heartbeats, questions of flow control. */
static bool is_beside(Run *run, const Delivery *delivery) {
  if (delivery->reply == NULL) {
    if (memmem(delivery->body, delivery->body_len, "\"error\"", 7) != NULL) {
      die("push: %.*s", (int)delivery->body_len, delivery->body);
    }
    return true;
  }
  if (memcmp(delivery->reply, "$JS.FC.", 7) != 0) return false;
  char *at = room(run, delivery->reply_len + 32);
  run->out_end += (size_t)sprintf(at, "PUB %.*s 0\r\n\r\n", (int)delivery->reply_len, delivery->reply);
  return true;
}

static void acknowledge(Run *run, const Delivery *delivery) {
  char *at = room(run, delivery->reply_len + 32);
  int len = sprintf(at, "PUB %.*s 4\r\n+ACK\r\n", (int)delivery->reply_len, delivery->reply);
  run->out_end += (size_t)len;
}

static void check(Operation operation, const Delivery *delivery) {
  bool is_good = true;
  if (operation == PUBLISH) is_good = delivery->body_len > 9 && memcmp(delivery->body, "{\"stream\"", 9) == 0;
  if (operation == PULL || operation == ACK) is_good = delivery->reply != NULL;
  if (operation == GET) is_good = memcmp(delivery->body, "NATS/1.0\r\n", 10) == 0;
  if (!is_good) die("answered: %.*s", (int)delivery->body_len, delivery->body);
}

/* Until so many are answered, or the time is up and all that was asked is. */
static void drive(Run *run, Operation operation, uint64_t count, uint64_t stop_ns) {
  Delivery delivery;
  run->asked = run->answered = run->in_pull = 0;
  bool is_pull = operation == PULL || operation == ACK;
  if (operation == PUSH) begin_push(run);
  for (uint64_t until = count; run->answered < until;) {
    if (now_ns() >= stop_ns) until = run->asked < until ? run->asked : until;
    if (operation == PUBLISH) publish_some(run, until);
    else if (operation == GET) get_some(run, until);
    else if (is_pull) pull_some(run);
    flush(run);
    if (run->answered >= until) break;
    turn(run);
    while (take_delivery(run, &delivery)) {
      if (operation == PUSH && is_beside(run, &delivery)) continue;
      check(operation, &delivery);
      if (operation == ACK) acknowledge(run, &delivery);
      if (is_pull) run->in_pull -= 1;
      run->answered += 1;
    }
  }
}

static Operation operation_of(const char *name, const Kept **kept) {
  static const struct {
    const char *name;
    Operation operation;
    const Kept *kept;
  } names[] = {{"publish", PUBLISH, &STREAM}, {"pull", PULL, &STREAM},   {"ack", ACK, &STREAM},
               {"get", GET, &STREAM},         {"kv-put", PUBLISH, &BUCKET}, {"kv-get", GET, &BUCKET},    {"push", PUSH, &STREAM}};
  for (size_t index = 0; index < sizeof names / sizeof *names; index += 1) {
    if (name == NULL || strcmp(name, names[index].name) != 0) continue;
    *kept = names[index].kept;
    return names[index].operation;
  }
  die("no such operation");
}

void run_stream(const Options *options) {
  const Kept *kept;
  Operation operation = operation_of(options->operation, &kept);
  uint64_t stop_ns = UINT64_MAX;
  uint64_t count = options->messages > 0 ? options->messages : UINT64_MAX;
  Run run = {
      .options = options, .kept = kept, .fd = connect_client(options->port), .inbox = new_inbox(INBOX_BYTES)};
  char lines[2 * SUBJECT_BYTES];
  int inbox = (int)getpid() % 10000;
  /* A consumer pushes to who subscribes to that very subject. */
  int len = sprintf(lines, "SUB _INBOX.%04d.1 1\r\nSUB _INBOX.%04d.2 2\r\n", inbox, inbox);
  sprintf(reply_to, "_INBOX.%04d.1", inbox);
  sprintf(answer_to, "_INBOX.%04d.2", inbox);
  run.out = allocate(OUT_BYTES);
  run.payload = allocate(options->payload_bytes);
  memset(run.payload, 'x', options->payload_bytes);
  send_and_confirm(run.fd, lines, (size_t)len);
  set_nonblocking(run.fd);
  char api[SUBJECT_BYTES];
  sprintf(api, "$JS.API.STREAM.DELETE.%s", kept->name);
  ask(&run, api, "", true);
  sprintf(api, "$JS.API.STREAM.CREATE.%s", kept->name);
  char config[1024];
  snprintf(config, sizeof config, kept->config, options->storage);
  ask(&run, api, config, false);
  if (operation != PUBLISH) {
    uint64_t stored = operation == GET ? (uint64_t)options->subjects : count;
    int in_flight = options->in_flight;
    Options filling = *options;
    filling.in_flight = 1024;
    run.options = &filling;
    drive(&run, PUBLISH, stored, UINT64_MAX);
    filling.in_flight = in_flight;
    if (operation == PULL || operation == ACK) ask(&run, "$JS.API.CONSUMER.DURABLE.CREATE.BENCH.C",
        operation == ACK
            ? "{\"stream_name\":\"BENCH\",\"config\":{\"durable_name\":\"C\",\"ack_policy\":\"explicit\",\"max_ack_pending\":100000}}"
            : "{\"stream_name\":\"BENCH\",\"config\":{\"durable_name\":\"C\",\"ack_policy\":\"none\"}}",
        false);
  }
  Snapshot before = take_snapshot(options->pid);
  if (operation == PUBLISH || operation == GET) stop_ns = before.at_ns + (uint64_t)(options->seconds * 1e9);
  drive(&run, operation, count, stop_ns);
  uint64_t ended_ns = now_ns();
  usleep(20000); /* What the server still has to do for these messages counts as its cost. */
  Snapshot after = take_snapshot(options->pid);
  printf("{\"messages\":%" PRIu64 ",\"deliveries\":%" PRIu64 ",\"seconds\":%.6f,", run.answered, run.answered,
         (double)(ended_ns - before.at_ns) * 1e-9);
  print_cost(options, &before, &after);
}
