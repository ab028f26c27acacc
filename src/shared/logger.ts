// Log lines in nats-server's format: `[pid] YYYY/MM/DD HH:MM:SS.ffffff [LVL] text`, local time.
// Whoever logs is given a Logger and asks `isDebug` or `isTrace` before it builds a costly text. Where the lines
// go is the caller's: here is only their form. Source: nats-server 1787eee, logger/log.go.

export interface Logger {
  /** Debug lines are written. */
  readonly isDebug: boolean;
  /** Trace lines are written. */
  readonly isTrace: boolean;
  /** Bytes of a payload that are traced (default: 4,096). */
  readonly tracedMax?: number | undefined;
  /** Of messages only the headers are traced (default false). */
  readonly tracesHeaders?: boolean | undefined;
  info(text: string): void;
  debug(text: string): void;
  trace(text: string): void;
  warn(text: string): void;
  error(text: string): void;
  fatal(text: string): void;
}

export interface LoggerOptions {
  /** Takes one line, its line feed included. */
  readonly write: (line: string) => void;
  readonly isDebug?: boolean;
  readonly isTrace?: boolean;
  readonly tracedMax?: number | undefined;
  readonly tracesHeaders?: boolean | undefined;
  /** The number in front; left out when undefined. */
  readonly pid?: number | undefined;
  /** Begin each line with the time (default true). */
  readonly hasTime?: boolean;
  /** The time in UTC, marked by a `Z` (default: local time). */
  readonly isUtc?: boolean;
  /** Colour the levels with the codes of a terminal. */
  readonly hasColor?: boolean;
  /** Milliseconds since 1970, with a fraction for the microseconds. */
  readonly now: () => number;
}

const COLORS: Readonly<Record<string, number>> = {
  INF: 32,
  DBG: 36,
  TRC: 33,
  WRN: 93,
  ERR: 31,
  FTL: 31,
};

/** A logger that writes lines of nats-server's format. */
export function createLogger(options: LoggerOptions): Logger {
  const { write, now, pid, hasTime = true, isUtc = false, hasColor = false } = options;
  const { isDebug = false, isTrace = false, tracedMax, tracesHeaders } = options;
  const head = pid === undefined ? '' : `[${pid}] `;
  const line = (level: string, text: string): void => {
    const time = hasTime ? `${timestamp(now(), isUtc)} ` : '';
    const label = hasColor ? `\x1b[${COLORS[level]}m${level}\x1b[0m` : level;
    write(`${head}${time}[${label}] ${text}\n`);
  };
  return {
    isDebug,
    isTrace,
    tracedMax,
    tracesHeaders,
    info: (text) => line('INF', text),
    debug: (text) => isDebug && line('DBG', text),
    trace: (text) => isTrace && line('TRC', text),
    warn: (text) => line('WRN', text),
    error: (text) => line('ERR', text),
    fatal: (text) => line('FTL', text),
  };
}

const ignore = (): void => {};

/** Writes nothing. */
export const silentLogger: Logger = {
  isDebug: false,
  isTrace: false,
  info: ignore,
  debug: ignore,
  trace: ignore,
  warn: ignore,
  error: ignore,
  fatal: ignore,
};

/** `YYYY/MM/DD HH:MM:SS.ffffff` of a time in milliseconds, here or in UTC. */
export function timestamp(nowMs: number, isUtc = false): string {
  const micros = Math.floor((nowMs - Math.floor(nowMs / 1000) * 1000) * 1000);
  return `${secondOf(new Date(nowMs), isUtc)}.${String(micros).padStart(6, '0')}`;
}

function secondOf(date: Date, isUtc: boolean): string {
  if (isUtc) return date.toISOString().slice(0, 19).replaceAll('-', '/').replace('T', ' ');
  const day = `${date.getFullYear()}/${two(date.getMonth() + 1)}/${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

function two(value: number): string {
  return value < 10 ? `0${value}` : String(value);
}
