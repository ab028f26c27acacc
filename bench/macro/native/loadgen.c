/*
 * The load generator: one thread, one epoll set, as little work per message as possible, so that
 * what is measured is the server. It runs one case against one port and prints one line of JSON.
 *
 *   loadgen throughput --port P --pid N --publishers 1 --subscribers 1 --payload 128 --seconds 1
 *   loadgen request    --port P --pid N --in-flight 50 --payload 16 --seconds 1
 *   loadgen stream     --port P --pid N --operation publish --in-flight 64 --payload 16 --seconds 1
 *   loadgen paced      --port P --rate 1000000 --payload 128 --seconds 3
 */
#define _GNU_SOURCE
#include "common.h"

#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
  PORT = 1, PID, PUBLISHERS, SUBSCRIBERS, PAIRS, PAYLOAD, SECONDS, MESSAGES, WRITE_BYTES, SUBJECTS,
  OTHER_SUBSCRIPTIONS, WINDOW, FRAME_GROWTH, IN_FLIGHT, OPERATION, STORAGE, RATE
};

static const struct option FLAGS[] = {
    {"port", required_argument, NULL, PORT},
    {"pid", required_argument, NULL, PID},
    {"publishers", required_argument, NULL, PUBLISHERS},
    {"subscribers", required_argument, NULL, SUBSCRIBERS},
    {"pairs", no_argument, NULL, PAIRS},
    {"payload", required_argument, NULL, PAYLOAD},
    {"seconds", required_argument, NULL, SECONDS},
    {"messages", required_argument, NULL, MESSAGES},
    {"write-bytes", required_argument, NULL, WRITE_BYTES},
    {"subjects", required_argument, NULL, SUBJECTS},
    {"other-subscriptions", required_argument, NULL, OTHER_SUBSCRIPTIONS},
    {"window", required_argument, NULL, WINDOW},
    {"frame-growth", required_argument, NULL, FRAME_GROWTH},
    {"in-flight", required_argument, NULL, IN_FLIGHT},
    {"operation", required_argument, NULL, OPERATION},
    {"storage", required_argument, NULL, STORAGE},
    {"rate", required_argument, NULL, RATE},
    {NULL, 0, NULL, 0},
};

static void set_option(Options *options, int flag, const char *value) {
  switch (flag) {
    case PORT: options->port = atoi(value); break;
    case PID: options->pid = atoi(value); break;
    case PUBLISHERS: options->publishers = atoi(value); break;
    case SUBSCRIBERS: options->subscribers = atoi(value); break;
    case PAIRS: options->pairs = true; break;
    case PAYLOAD: options->payload_bytes = strtoull(value, NULL, 10); break;
    case SECONDS: options->seconds = atof(value); break;
    case MESSAGES: options->messages = strtoull(value, NULL, 10); break;
    case WRITE_BYTES: options->write_bytes = strtoull(value, NULL, 10); break;
    case SUBJECTS: options->subjects = atoi(value); break;
    case OTHER_SUBSCRIPTIONS: options->other_subscriptions = atoi(value); break;
    case WINDOW: options->window_bytes = strtoull(value, NULL, 10); break;
    case FRAME_GROWTH: options->frame_growth = atoi(value); break;
    case IN_FLIGHT: options->in_flight = atoi(value); break;
    case OPERATION: options->operation = value; break;
    case STORAGE: options->storage = value; break;
    case RATE: options->rate = atof(value); break;
    default: die("unknown flag");
  }
}

int main(int count, char **words) {
  Options options = {
      .publishers = 1,
      .payload_bytes = 128,
      .seconds = 1,
      .write_bytes = 256 * 1024,
      .subjects = 1,
      .window_bytes = 48u << 20, /* nats-server gives up on a reader that is 64 MiB behind. */
      .frame_growth = 2,         /* "PUB s n" becomes "MSG s 1 n". */
      .in_flight = 1,
      .storage = "memory",
  };
  if (count < 2) die("usage: loadgen throughput|request|stream|paced --port P [flags]");
  optind = 2;
  for (int flag; (flag = getopt_long(count, words, "", FLAGS, NULL)) != -1;) {
    set_option(&options, flag, optarg);
  }
  if (options.port <= 0) die("--port is missing");
  if (options.pairs && options.publishers != options.subscribers) die("pairs need equal numbers");
  signal(SIGPIPE, SIG_IGN);
  if (strcmp(words[1], "throughput") == 0) run_throughput(&options);
  else if (strcmp(words[1], "request") == 0) run_requests(&options);
  else if (strcmp(words[1], "stream") == 0) run_stream(&options);
  else if (strcmp(words[1], "paced") == 0) run_paced(&options);
  else die("no such mode: %s", words[1]);
  return 0;
}
