// What the log says of a line that is refused: why, in nats-server's words, and enough of the line to know it again.
// Some refusals close without a word to the peer, so that this is the only clue. What may hold a secret, the JSON of a
// CONNECT, is left out even where the verb is misspelt.
// Source: nats-server 2.15.3, server/parser.go, protoSnippet; client.go, processPub, processHeaderPub, processSub.
import { PARSE_CONTROL_LINE, PARSE_PAYLOAD, PARSE_UNKNOWN } from '../core/index.ts';
import { quoteGoStart } from '../shared/go-quote.ts';

/** Bytes of a line that are shown. Source: nats-server, MAX_CONTROL_LINE_SNIPPET_SIZE. */
const SHOWN_MAX = 128;
/** A line is looked at as far as that: a size stands at its end. */
const LOOKED_AT_MAX = 8192;
const LF = 10;
const CR = 13;
const BRACE = 123;
const DIGITS = /^\d+$/;
const latin1 = new TextDecoder('latin1');

interface RefusalLimits {
  readonly maxControlLine: number;
  readonly maxPayload: number;
  readonly takesHeaders: boolean;
}

/**
 * The log's text for bytes that the core refuses.
 *
 * @param error PARSE_*
 * @param bytes what has come, from the first byte of the op on
 */
export function refusedLineText(error: number, bytes: Uint8Array, limits: RefusalLimits): string {
  const line = firstLine(bytes);
  switch (error) {
    case PARSE_UNKNOWN:
      return `Client parser ERROR, proto=${shown(line)}`;
    case PARSE_CONTROL_LINE: {
      const snippet = shown(line);
      return `maximum control line exceeded - max_control_line ${limits.maxControlLine} (snip: ${snippet})`;
    }
    case PARSE_PAYLOAD: {
      const size = latin1
        .decode(line)
        .trimEnd()
        .split(/[ \t]+/)
        .at(-1);
      return `maximum payload exceeded: ${size} vs ${limits.maxPayload}`;
    }
    default:
      return malformedText(line, limits);
  }
}

/** The arguments do not fit the verb. */
function malformedText(line: Uint8Array, { takesHeaders }: RefusalLimits): string {
  const [verb = '', ...args] = latin1
    .decode(line)
    .trim()
    .split(/[ \t]+/);
  const start = line.findIndex((byte, at) => at >= verb.length && byte !== 32 && byte !== 9);
  const text = start < 0 ? '""' : shown(line.subarray(start));
  const size = args.at(-1) ?? '';
  switch (verb.toUpperCase()) {
    case 'SUB':
      return `processSub Parse Error: ${text}`;
    case 'UNSUB':
      return `processUnsub Parse Error: ${text}`;
    case 'PUB':
      if (args.length < 2 || args.length > 3) return `processPub Parse Error: ${text}`;
      return `processPub Bad or Missing Size: ${text}`;
    case 'HPUB': {
      if (!takesHeaders) return 'message headers not supported';
      if (args.length < 3 || args.length > 4) return `processHeaderPub Parse Error: ${text}`;
      if (!DIGITS.test(args.at(-2) ?? ''))
        return `processHeaderPub Bad or Missing Header Size: ${text}`;
      if (!DIGITS.test(size)) return `processHeaderPub Bad or Missing Total Size: ${text}`;
      return `processHeaderPub Header Size larger then TotalSize: ${text}`;
    }
    default:
      return `Client parser ERROR, proto=${shown(line)}`;
  }
}

function firstLine(bytes: Uint8Array): Uint8Array {
  const start = bytes.subarray(0, LOOKED_AT_MAX);
  const lineFeed = start.indexOf(LF);
  if (lineFeed < 0) return start;
  return start.subarray(0, start[lineFeed - 1] === CR ? lineFeed - 1 : lineFeed);
}

/** Up to a JSON object, which may hold what is secret. */
function shown(line: Uint8Array): string {
  const brace = line.indexOf(BRACE);
  return quoteGoStart(brace < 0 ? line : line.subarray(0, brace), SHOWN_MAX);
}
