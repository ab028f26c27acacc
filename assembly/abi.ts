// The ABI: every number that AssemblyScript and TypeScript must agree on. Imported by both sides as it
// stands, so it holds nothing but plain constants.
//
// A handle is a record number and its generation in one u32: `generation << HANDLE_NUMBER_BITS | number`.
// 0 is never a handle. Pointers are byte addresses of linear memory; only src/core reads them.

// ── Answers ───────────────────────────────────────────────────────────────────────────────────────
// An exported function that answers i32 gives zero or more for success and one of these otherwise.

export const STATUS_OK = 0;
/** An op wants a decision: the op record says which. */
export const STATUS_OP = -1;
/** The result region is full: drain the records, then call again. */
export const STATUS_AGAIN_RESULT = -2;
/** The chunk pool is spent: drain, flush, then call again. */
export const STATUS_AGAIN_POOL = -3;
/** Linear memory cannot grow any more, or an arena is full. */
export const STATUS_NO_MEMORY = -4;
/** The handle's record has been freed. */
export const STATUS_STALE = -5;
/** Not a valid subject for this use. */
export const STATUS_BAD_SUBJECT = -6;
/** The session has a subscription with that sid: nothing was done. */
export const STATUS_DUPLICATE = -7;
/** The budget of the read is spent: the rest comes with another one, when others have had their turn. */
export const STATUS_SPENT = -8;

// ── Limits ────────────────────────────────────────────────────────────────────────────────────────

export const HANDLE_NUMBER_BITS = 22;
export const HANDLE_NUMBER_MASK = 0x3fffff;
/** Nine bits, so that a handle is a positive i32 and never looks like a STATUS. */
export const HANDLE_GENERATION_MASK = 0x1ff;

/** Longest subject, filter, reply or queue name, in bytes. */
export const SUBJECT_MAX = 4096;
/** Most tokens in a subject. */
export const TOKENS_MAX = 2048;
/** 65,535 pages: at 65,536 the end address would be 0. */
export const PAGES_MAX = 65535;
/** Bytes of all subscriptions of peers, unless `quotaSet` says less; those of one may take half of it. */
export const SUBSCRIPTION_BYTES_MAX = 0x80000000;
/** Most subscriptions of one session: half of the handles that there are. */
export const SUBSCRIPTION_COUNT_MAX = 0x200000;
/** Bytes past the end of any span that may be read (never judged). */
export const SLACK_BYTES = 64;

// ── Regions ───────────────────────────────────────────────────────────────────────────────────────
// `regionPtr(REGION_*)` tells where each begins. They never move.

/** Room in front of the inbox for the unfinished tail of the read before. */
export const HEADROOM_BYTES = 65536;
/** One inbox serves all sockets. */
export const INBOX_BYTES = 1048576;
/** Delivery and other records of one call. */
export const RESULT_BYTES = 262144;
/** Text that JS hands over: subject, reply, queue, header block of small messages. */
export const SCRATCH_BYTES = 65536;

export const REGION_INBOX = 0;
export const REGION_RESULT = 1;
export const REGION_SCRATCH = 2;
export const REGION_OP = 3;
export const REGION_TAKE = 4;
export const REGION_PUBLISH = 5;

// ── Op record ─────────────────────────────────────────────────────────────────────────────────────
// Written by every `ingest`.
//
//   offset  size  field        meaning
//        0     4  VERB         OP_*; 0 = none
//        4     4  CONSUMED     bytes of the chunk that are done with, the op's own included
//        8     4  NEED         bytes without which the unfinished frame gets no further, 0 = not known
//       12     4  ERROR        PARSE_* when VERB is OP_ERROR
//       16     4  ARGS_PTR     text after verb and blanks (CONNECT, INFO, -ERR)
//       20     4  ARGS_LEN
//       24     4  SUBJECT_PTR  SUB, refused PUB
//       28     4  SUBJECT_LEN
//       32     4  REPLY_PTR    queue of a SUB, reply of a refused PUB; LEN 0 = none
//       36     4  REPLY_LEN
//       40     4  SID_PTR      SUB
//       44     4  SID_LEN
//       48     4  PRESSURE     session of a recipient that is above half of its pending limit, 0 = none
//       52     4  BACKLOG      most bytes pending for one session that this call appended to

export const OP_VERB = 0;
export const OP_CONSUMED = 4;
export const OP_NEED = 8;
export const OP_ERROR_CODE = 12;
export const OP_ARGS_PTR = 16;
export const OP_ARGS_LEN = 20;
export const OP_SUBJECT_PTR = 24;
export const OP_SUBJECT_LEN = 28;
export const OP_REPLY_PTR = 32;
export const OP_REPLY_LEN = 36;
export const OP_SID_PTR = 40;
export const OP_SID_LEN = 44;
export const OP_PRESSURE = 48;
export const OP_BACKLOG = 52;
export const OP_BYTES = 64;

export const OP_NONE = 0;
export const OP_CONNECT = 1;
/** Only while SESSION_WANTS_PING is set; the PONG is not sent yet. */
export const OP_PING = 2;
/** Only while SESSION_WANTS_PONG is set. */
export const OP_PONG = 3;
export const OP_SUB = 4;
export const OP_UNSUB = 5;
export const OP_PUB = 6;
export const OP_HPUB = 7;
export const OP_INFO = 8;
/** `+OK` from a peer: ignored. */
export const OP_PLUS_OK = 9;
/** `-ERR` from a peer. */
export const OP_MINUS_ERR = 10;
/** The bytes are no protocol, or beyond a limit: ERROR says which; the session is to be closed. */
export const OP_ERROR = 11;
/** A publish on a reserved subject (reserved.ts): SUBJECT; not routed, the session goes on. */
export const OP_REFUSED_SUBJECT = 12;
/** A publish with a reserved reply: REPLY; not routed, the session goes on. */
export const OP_REFUSED_REPLY = 13;
/** Anything but CONNECT while SESSION_AUTHENTICATED is not set, known by its first byte: nothing of it is read. */
export const OP_UNAUTHENTICATED = 14;

/** `Unknown Protocol Operation`. */
export const PARSE_UNKNOWN = 1;
/** `maximum control line exceeded`. */
export const PARSE_CONTROL_LINE = 2;
/** `Maximum Payload Violation`. */
export const PARSE_PAYLOAD = 3;
/** Closed without a word (bad counts, bad sizes, HPUB without headers). */
export const PARSE_SILENT = 4;

// States of the parser between two reads.
export const PARSE_LINE = 0;
export const PARSE_SKIP_PING = 1;
export const PARSE_SKIP_PONG = 2;
export const PARSE_SKIP_OK = 3;

// ── Records of the result region ──────────────────────────────────────────────────────────────────
// `recordCount()` of them, RECORD_BYTES each, from REGION_RESULT on.
//
//   offset  size  field        meaning
//        0     4  TYPE         RECORD_*
//        4     4  TARGET       DELIVERY: subscription · SLOW, TRACE: session · SHARED: its id
//        8     4  SUBJECT_PTR  DELIVERY, TRACE
//       12     4  SUBJECT_LEN
//       16     4  REPLY_PTR    LEN 0 = none
//       20     4  REPLY_LEN
//       24     4  BODY_PTR     header block (HEADER_LEN bytes) and payload; SHARED: the bytes to keep
//       28     4  BODY_LEN     both
//       32     4  HEADER_LEN
//       36     4  ORIGIN       session that published, 0 = the program
//       40     4  FLAGS        RECORD_LAST …; SHARED_END: how many references were made; TRACE_OUT: a max

export const RECORD_TYPE = 0;
export const RECORD_TARGET = 4;
export const RECORD_SUBJECT_PTR = 8;
export const RECORD_SUBJECT_LEN = 12;
export const RECORD_REPLY_PTR = 16;
export const RECORD_REPLY_LEN = 20;
export const RECORD_BODY_PTR = 24;
export const RECORD_BODY_LEN = 28;
export const RECORD_HEADER_LEN = 32;
export const RECORD_ORIGIN = 36;
export const RECORD_FLAGS = 40;
export const RECORD_BYTES = 44;

/** One message for one subscription of the process. */
export const RECORD_DELIVERY = 1;
/** A payload that several sessions refer to: copy it out of memory now, under the id. */
export const RECORD_SHARED = 2;
/** All references to a shared payload have been made. */
export const RECORD_SHARED_END = 3;
/** A session went over its pending limit: close it as a slow consumer. */
export const RECORD_SLOW = 4;
/** An op that arrived (SUBJECT: its line without CRLF; BODY of a publish) while SESSION_TRACE is set. */
export const RECORD_TRACE_IN = 5;
/**
 * A line that was sent (SUBJECT), with its BODY if it is a message's, while SESSION_TRACE is set. FLAGS: the max of the
 * subscription, if it was the last message that it allows.
 */
export const RECORD_TRACE_OUT = 6;
/** A subscription ended, by UNSUB or by its max (SUBJECT: its sid), while SESSION_TRACE is set. */
export const RECORD_TRACE_END = 7;

/** In FLAGS of a delivery: it was the last one that the subscription's max allows; it is closed now. */
export const RECORD_LAST = 1;
/** In FLAGS of a delivery: the subscription takes the record itself (SUB_RAW). */
export const RECORD_RAW = 4;

// ── Account record ────────────────────────────────────────────────────────────────────────────────
//
//   offset  size  field           meaning
//        0     4  HANDLE
//        4     4  SESSIONS        sessions that are in it
//        8     8  GENERATION      f64; changes with who is interested in what; no two accounts ever have the same
//       16     4  (root of the trie)
//       20     4  SUBSCRIPTIONS   peers' and the program's
//       24     4  (those with a wildcard)
//       28     4  SLOW_CONSUMERS  counted by the bridge
//       32     8  IN_MSGS         f64 from here on: messages and payload bytes of its peers
//       40     8  IN_BYTES
//       48     8  OUT_MSGS
//       56     8  OUT_BYTES
//       64     8  (whether it is watched)
//       72     8  INSERTS         f64 from here on: subscriptions that have come, and gone
//       80     8  REMOVES
//       88     8  MATCHES         how often the sublist was asked: what the match cache does not know

export const ACCOUNT_HANDLE = 0;
export const ACCOUNT_SESSIONS = 4;
export const ACCOUNT_GENERATION = 8;
export const ACCOUNT_SUBSCRIPTIONS = 20;
export const ACCOUNT_SLOW_CONSUMERS = 28;
export const ACCOUNT_IN_MSGS = 32;
export const ACCOUNT_IN_BYTES = 40;
export const ACCOUNT_OUT_MSGS = 48;
export const ACCOUNT_OUT_BYTES = 56;
export const ACCOUNT_INSERTS = 72;
export const ACCOUNT_REMOVES = 80;
export const ACCOUNT_MATCHES = 88;
export const ACCOUNT_BYTES = 96;

// What `cacheStat` tells of the routes that the match cache holds for an account.
export const CACHE_ENTRIES = 0;
/** How often they were found there. */
export const CACHE_HITS = 1;
/** Most recipients of one of them, a queue group being one; and of all together. */
export const CACHE_FANOUT_MAX = 2;
export const CACHE_FANOUT_TOTAL = 3;

// ── Publish record ────────────────────────────────────────────────────────────────────────────────
// A message of the program, written by JS for `publish`. REGION_PUBLISH has room for one; more may lie elsewhere.
//
//   offset  size  field        meaning
//        0     4  TO_PTR       the subject by which it is routed
//        4     4  TO_LEN
//        8     4  SUBJECT_PTR  the subject that its recipients see
//       12     4  SUBJECT_LEN
//       16     4  REPLY_PTR    LEN 0 = none
//       20     4  REPLY_LEN
//       24     4  BODY_PTR     header block (HEADER_LEN bytes) and payload; two bytes behind it are overwritten
//       28     4  BODY_LEN     both
//       32     4  HEADER_LEN
//       36     4  FLAGS        PUBLISH_LOCAL_ONLY …
//       40     4  REACHED      answer of a batch: how many recipients it reached; before, of a message that
//                              has waited, LAST_SID
//       44     4  PRESSED      answer of a batch: session of a recipient above PRESSED_MAX or half of its limit, 0 = none

export const PUBLISH_TO_PTR = 0;
export const PUBLISH_TO_LEN = 4;
export const PUBLISH_SUBJECT_PTR = 8;
export const PUBLISH_SUBJECT_LEN = 12;
export const PUBLISH_REPLY_PTR = 16;
export const PUBLISH_REPLY_LEN = 20;
export const PUBLISH_BODY_PTR = 24;
export const PUBLISH_BODY_LEN = 28;
export const PUBLISH_HEADER_LEN = 32;
export const PUBLISH_FLAGS = 36;
export const PUBLISH_REACHED = 40;
/** With PUBLISH_HAS_WAITED: who of the program has a higher SID has come too late for it. */
export const PUBLISH_LAST_SID = 40;
export const PUBLISH_PRESSED = 44;
export const PUBLISH_BYTES = 48;

/** In FLAGS: deliver to the program's subscriptions alone. */
export const PUBLISH_LOCAL_ONLY = 1;
export const PUBLISH_HAS_WAITED = 2;
/** Beside it: in a group without anybody else one who has come too late stands in for one who has closed. */
export const PUBLISH_STANDS_IN = 4;

// ── Session record ────────────────────────────────────────────────────────────────────────────────
// One for each peer, 8-aligned.
//
//   offset  size  field             meaning
//        0     4  HANDLE            number and generation
//        4     4  FLAGS             SESSION_ECHO …
//        8     4  ACCOUNT           where its subscriptions are, and its messages go
//       12     4  PARSE_STATE       PARSE_LINE, or what it skips
//       16     4  SUBS_HEAD         the newest of its subscriptions; in quarantine the next session there
//       20     4  SUBS_COUNT
//       24     4  PAYLOAD_MAX       most bytes of header block and payload
//       28     4  CONTROL_LINE_MAX  most bytes of argument text
//       32     4  PENDING_MAX       who has more pending is a slow consumer
//       36     4  PENDING           bytes queued for the peer: in the region, in flight and in JS memory
//       40     4  OUT_HEAD          the first segment that waits to be written
//       44     4  OUT_TAIL          the last one, of the chunk that is open
//       48     4  OUT_CURSOR        where the next frame goes, 0 = no chunk is open
//       52     4  OUT_END           the end of its room
//       56     4  OUT_CLASS         class of the next chunk
//       60     4  FLIGHT            the first segment that a transport holds, 0 = none
//       64     4  DIRTY_NEXT        the next session with something to send
//       68     4  WALK              the message that it has published in part, 0 = none
//       72     8  IN_MSGS           f64, as the three that follow: messages and their bytes, header blocks
//       80     8  IN_BYTES          included, over all its time
//       88     8  OUT_MSGS
//       96     8  OUT_BYTES
//      104     4  SUBS_BYTES        what its subscriptions count with
//      108     4                    free

export const SESSION_HANDLE = 0;
export const SESSION_FLAGS = 4;
export const SESSION_ACCOUNT = 8;
export const SESSION_PARSE_STATE = 12;
export const SESSION_SUBS_HEAD = 16;
export const SESSION_SUBS_COUNT = 20;
export const SESSION_PAYLOAD_MAX = 24;
export const SESSION_CONTROL_LINE_MAX = 28;
export const SESSION_PENDING_MAX = 32;
export const SESSION_PENDING = 36;
export const SESSION_OUT_HEAD = 40;
export const SESSION_OUT_TAIL = 44;
export const SESSION_OUT_CURSOR = 48;
export const SESSION_OUT_END = 52;
export const SESSION_OUT_CLASS = 56;
export const SESSION_FLIGHT = 60;
export const SESSION_DIRTY_NEXT = 64;
export const SESSION_WALK = 68;
export const SESSION_IN_MSGS = 72;
export const SESSION_IN_BYTES = 80;
export const SESSION_OUT_MSGS = 88;
export const SESSION_OUT_BYTES = 96;
export const SESSION_SUBS_BYTES = 104;
export const SESSION_BYTES = 112;

// Bits of SESSION_FLAGS that `sessionSetFlags` sets. Nobody is plain with a new one until session.ts says so.
export const SESSION_ECHO = 1;
export const SESSION_VERBOSE = 2;
export const SESSION_PEDANTIC = 4;
/** The peer takes header blocks: HMSG. */
export const SESSION_HEADERS = 8;
/** The peer wants 503 when nobody is interested. */
export const SESSION_NO_RESPONDERS = 16;
/** Hand the next PING over instead of answering it. */
export const SESSION_WANTS_PING = 32;
/** Hand the next PONG over (a round trip is being measured). */
export const SESSION_WANTS_PONG = 64;
/** Every op and delivery leaves a record. */
export const SESSION_TRACE = 128;
/** It may say more than CONNECT. */
export const SESSION_AUTHENTICATED = 256;
/** All that `sessionSetFlags` may change; the others are the core's own. */
export const SESSION_FLAGS_SETTABLE = 0xffff;
/** Nothing is delivered to it any more. */
export const SESSION_CLOSED = 0x10000;
/** In the list of sessions with something to send. */
export const SESSION_DIRTY = 0x20000;
/** Over its pending limit. */
export const SESSION_SLOW = 0x40000;
/** What it publishes may take the express lane. */
export const SESSION_PLAIN_IN = 0x80000;
/** What it is sent may take the express lane. */
export const SESSION_PLAIN_OUT = 0x100000;
/** All its subscriptions are being removed, a part at a time; meanwhile nothing is delivered to it. */
export const SESSION_SHEDDING = 0x200000;

// ── Subscription record ───────────────────────────────────────────────────────────────────────────
// One line of the processor's cache, and full: what more a subscription needs lies in a table beside it.
//
//   offset  size  field         meaning
//        0     4  SESSION       address of the owner's record, 0 = the program
//        4     4  HANDLE        number and generation
//        8     4  NODE          where its filter ends in the sublist
//       12     4  INDEX         its place in the list of members
//       16     4  GROUP         its queue group in the node, 0 = plain
//       20     4  FLAGS         SUB_CLOSED …
//       24     4  MAX           deliveries before removal, 0 = no limit
//       28     4  DELIVERED     deliveries so far
//       32     4  SESSION_NEXT  the next older one of the session
//       36     4  SESSION_PREV  the next newer one
//       40     4  HELD_OR_NEXT  bytes with which it counts for its session; in quarantine the next one there
//       44     4  SID_LEN       bytes
//       48    16  SID           the sid itself up to 16 bytes; longer, a pointer to it; of the program a number,
//                              written by JS, higher than that of all who came before in the account

export const SUB_SESSION = 0;
export const SUB_HANDLE = 4;
export const SUB_NODE = 8;
export const SUB_INDEX = 12;
export const SUB_GROUP = 16;
export const SUB_FLAGS = 20;
export const SUB_MAX = 24;
export const SUB_DELIVERED = 28;
export const SUB_SESSION_NEXT = 32;
export const SUB_SESSION_PREV = 36;
export const SUB_HELD_OR_NEXT = 40;
export const SUB_SID_LEN = 44;
export const SUB_SID = 48;
export const SUB_BYTES = 64;

// Bits of SUB_FLAGS. It is not plain with a new one until subscription.ts says so.
export const SUB_CLOSED = 1;
/** What it is delivered may take the express lane. */
export const SUB_PLAIN = 2;
/** Of this process: it is handed the record, and no message is made of it. As RECORD_RAW. */
export const SUB_RAW = 4;

// ── Resolved route (answer of `routeResolve`) ─────────────────────────────────────────────────────
// PLAIN_COUNT pointers to subscription records, then for each group: how many members, and their
// pointers. Inside the core a large group may be laid out by reference (match-cache.ts); nothing of that gets out.

export const ROUTE_PLAIN_COUNT = 0;
export const ROUTE_GROUP_COUNT = 4;
/** ROUTE_HAS_* */
export const ROUTE_FLAGS = 8;
/** How often this subject was looked up before, each time soon after the time before. */
export const ROUTE_HITS = 12;
export const ROUTE_MEMBERS = 16;

/** A member takes bytes: a peer, or a raw subscription. */
export const ROUTE_HAS_REMOTE = 1;
/** A member has a max: deliveries must be counted by the core. */
export const ROUTE_HAS_MAX = 2;

// ── Take record (answer of `outboundTake`) ────────────────────────────────────────────────────────

export const TAKE_SESSION = 0;
/** Segments in the table. */
export const TAKE_COUNT = 4;
export const TAKE_TOTAL_BYTES = 8;
export const TAKE_SEGMENTS = 12;
/** Per segment: pointer (0 = shared), length, id of the shared payload. */
export const SEGMENT_TAKE_PTR = 0;
export const SEGMENT_TAKE_LEN = 4;
export const SEGMENT_TAKE_SHARED = 8;
export const SEGMENT_TAKE_BYTES = 12;
export const TAKE_SEGMENTS_MAX = 256;
/** Of what is going to be copied a take ends with the segment that reaches so many bytes: about a millisecond. */
export const TAKE_COPY_BYTES = 1_048_576;

// ── Pool of outbound chunks ───────────────────────────────────────────────────────────────────────

export const POOL_SLAB_BYTES = 1048576;
/** Classes of 4, 16, 64, 256 and 1,024 KiB. */
export const POOL_CLASSES = 5;
export const POOL_CLASS_BYTES_LOG2 = 12;
/**
 * A session with more pending is pressed by what this process delivers, though half of its limit be more: what a socket
 * takes at once holds up all others, and what waits here does not stay in the processor's caches.
 */
export const PRESSED_MAX = 1048576;
/** Payloads from this size on are kept once, not copied into each region. */
export const SHARED_MIN = 32768;

// ── Live counts (`liveCount(LIVE_*)`): all zero after everything is closed ────────────────────────

export const LIVE_SUBSCRIPTIONS = 0;
export const LIVE_SESSIONS = 1;
export const LIVE_NODES = 2;
export const LIVE_GROUPS = 3;
export const LIVE_SEGMENTS = 4;
export const LIVE_CHUNK_BYTES = 5;
export const LIVE_HEAP_BYTES = 6;
export const LIVE_QUARANTINE = 7;
/** These live as long as nobody closes them. */
export const LIVE_ACCOUNTS = 8;
/** Bytes that the match cache holds for use again. */
export const LIVE_CACHE_BYTES = 9;
