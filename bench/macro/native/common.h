/*
 * What the parts of the load generator share: its options, connections that speak the client
 * protocol, the clock, and the figures of the measured process. Everything fails by ending the
 * process with a sentence on stderr: a run is valid as a whole or not at all.
 */
#ifndef BENCH_COMMON_H
#define BENCH_COMMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PING "PING\r\n"
#define PONG "PONG\r\n"
#define PONG_LEN (sizeof(PONG) - 1)

/* A run that makes no progress for this long has failed. */
#define STALL_MS 10000

typedef struct {
  int port;
  pid_t pid;            /* the measured process; 0: measure nothing */
  int publishers;
  int subscribers;
  bool pairs;           /* subscriber i hears publisher i alone; else each hears all */
  size_t payload_bytes;
  double seconds;       /* publishing stops after this time */
  uint64_t messages;    /* or after so many messages of each publisher; 0: no limit */
  size_t write_bytes;   /* bytes handed to one write, rounded down to whole messages, at least one */
  int subjects;         /* distinct subjects of each publisher */
  int other_subscriptions;
  uint64_t window_bytes; /* a subscriber is at most this far behind its publishers */
  int frame_growth;     /* a delivered frame is longer than the published one by this much */
  int in_flight;        /* requesters, each with one request under way; of streams, messages */
  double rate;          /* messages a second of the paced publisher */
  const char *storage;   /* of streams: memory or file */
  const char *operation; /* of streams: publish, pull, ack, get, push, kv-put or kv-get */
} Options;

/* Bytes that were read and not yet taken. Whoever declares it owns `bytes`. */
typedef struct {
  char *bytes;
  size_t capacity;
  size_t start;
  size_t end;
} Inbox;

typedef struct {
  uint64_t cpu_ns;
  uint64_t own_cpu_ns;
  uint64_t at_ns;
} Snapshot;

void die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
void *allocate(size_t bytes);
uint64_t now_ns(void);

/* Connects to the loopback, sends CONNECT and returns after the PONG. */
int connect_client(int port);
void set_nonblocking(int fd);
void write_all(int fd, const char *bytes, size_t len);
/* Sends `line` and PING and returns after the PONG: the server has processed `line`. */
void send_and_confirm(int fd, const char *lines, size_t len);

Inbox new_inbox(size_t capacity);
/* Reads what is there. False: nothing was. Ends the process when the peer has closed. */
bool fill_inbox(Inbox *inbox, int fd);
/* The next line without its CRLF, or NULL. Valid until the next call of fill_inbox. */
char *take_line(Inbox *inbox, size_t *len);

/* CPU time of all threads of the process and of the load generator itself, and the time. */
Snapshot take_snapshot(pid_t pid);
/* A line of /proc/PID/status in KiB: "VmRSS:" or "VmHWM:". */
long memory_kib(pid_t pid, const char *key);
/* Prints the members every report ends with, and the closing brace. */
void print_cost(const Options *options, const Snapshot *before, const Snapshot *after);

void run_throughput(const Options *options);
void run_requests(const Options *options);
void run_stream(const Options *options);
void run_paced(const Options *options);

#endif
