// The logger that the flags ask for. A log that nobody reads, or that cannot be written, costs lines and never the
// server: neither its memory nor its life.
import type { ServerValues } from '../config/keys-server.ts';
import {
  type LogSink,
  type LogTrouble,
  openLogFile,
  standardErrorFile,
} from '../server/log-file.ts';
import { systemClock } from '../shared/clock.ts';
import { createLogger, type Logger, timestamp } from '../shared/logger.ts';

export interface LoggingOptions {
  readonly isDebug: boolean;
  readonly isTrace: boolean;
  /** Bytes of a payload that are traced; undefined: as many as are of use. */
  readonly tracedMax: number | undefined;
  readonly tracesHeaders: boolean;
  readonly hasTime: boolean;
  readonly isUtc: boolean;
  readonly logFile: string | undefined;
  /** Bytes at which the file is moved away and another one begun; 0: never. */
  readonly sizeLimit: number;
  /** Files that are kept, the one at hand included; 0: all. */
  readonly filesMax: number;
}

/** The log of the command, whose level and file may change while it runs. */
export interface Logging {
  readonly logger: Logger;
  /** Where lines go now. */
  readonly sink: LogSink;
  /** Opens what another log needs, to be applied or discarded. Throws when its file cannot be opened. */
  prepare(options: LoggingOptions): { apply(): void; discard(): void };
}

/** What a file, with flags over it, says of the log. */
export function loggingOptions(values: ServerValues): LoggingOptions {
  const { logFile, debug, trace } = values;
  return {
    isDebug: debug === true,
    isTrace: trace === true,
    tracedMax: values.maxTracedMsgLen,
    tracesHeaders: values.traceHeaders === true,
    hasTime: values.logTime !== false,
    isUtc: values.logTimeUtc === true,
    logFile: logFile === '' ? undefined : logFile,
    sizeLimit: values.logSizeLimit ?? 0,
    filesMax: values.logMaxNum ?? 0,
  };
}

/** What a stream of log lines is written to. */
interface LogStream {
  /** Bytes that it has been given and has not written. */
  readonly writableLength: number;
  write(line: string): unknown;
  on(event: 'drain', listener: () => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

/** Bytes that may wait for whoever reads the log. */
const UNWRITTEN_MAX = 1_048_576;

/** Opens the log. Throws when its file cannot be opened. */
export function openLogging(options: LoggingOptions): Logging {
  // Whoever read it has gone: that is no reason to end.
  process.stderr.on('error', () => {});
  let [known, current] = [options, open(options)];
  return {
    logger: switched(() => current.logger),
    get sink() {
      return current.sink;
    },
    prepare: (next) => {
      const isSame = next.logFile === known.logFile;
      const { sink } = isSame ? current : open(next);
      return {
        apply: () => {
          if (!isSame) current.sink.close();
          [known, current] = [next, { sink, logger: loggerTo(sink, next) }];
        },
        discard: () => {
          if (!isSame) sink.close();
        },
      };
    },
  };
}

interface Opened {
  readonly logger: Logger;
  readonly sink: LogSink;
}

function open(options: LoggingOptions): Opened {
  const { logFile } = options;
  const trouble: LogTrouble = {
    failed: (error) => {
      if (logFile !== undefined) tell(`error writing log file ${logFile}: ${error.message}`);
    },
    resumed: (lost) => logger.warn(`${lost} lines of the log could not be written`),
  };
  const sink =
    logFile === undefined ? standardError(trouble) : openLogFile(logFile, trouble, options);
  const logger = loggerTo(sink, options);
  return { logger, sink };
}

function loggerTo(sink: LogSink, options: LoggingOptions): Logger {
  const logger = createLogger({
    write: (line) => sink.write(line),
    pid: process.pid,
    now: systemClock.now,
    isDebug: options.isDebug,
    isTrace: options.isTrace,
    tracedMax: options.tracedMax,
    tracesHeaders: options.tracesHeaders,
    hasTime: options.hasTime,
    isUtc: options.isUtc,
    hasColor: options.logFile === undefined && process.stderr.isTTY === true,
  });
  sink.rotated = (text) => logger.info(text);
  return logger;
}

/** The logger of the moment. */
function switched(current: () => Logger): Logger {
  return {
    get isDebug() {
      return current().isDebug;
    },
    get isTrace() {
      return current().isTrace;
    },
    get tracedMax() {
      return current().tracedMax;
    },
    get tracesHeaders() {
      return current().tracesHeaders;
    },
    info: (text) => current().info(text),
    debug: (text) => current().debug(text),
    trace: (text) => current().trace(text),
    warn: (text) => current().warn(text),
    error: (text) => current().error(text),
    fatal: (text) => current().fatal(text),
  };
}

/** Now, to the second, as Go's log package begins a line. */
export function secondsTimestamp(): string {
  return timestamp(systemClock.now()).slice(0, 19);
}

/** Lines to a stream, of which no more wait than there is room for; the others are dropped and counted. */
export function streamSink(stream: LogStream, trouble: LogTrouble): LogSink {
  let lost = 0;
  stream.on('error', trouble.failed);
  stream.on('drain', () => {
    const count = lost;
    lost = 0;
    if (count > 0) trouble.resumed(count);
  });
  return {
    write: (line) => {
      if (stream.writableLength + line.length > UNWRITTEN_MAX) lost += 1;
      else stream.write(line);
    },
    rotated: undefined,
    reopen: () => false,
    close: () => {},
  };
}

function standardError(trouble: LogTrouble): LogSink {
  const file = process.stderr.isTTY === true ? undefined : standardErrorFile(trouble);
  return file ?? streamSink(process.stderr, trouble);
}

function tell(text: string): void {
  try {
    process.stderr.write(`${secondsTimestamp()} ${text}\n`);
  } catch {
    // Standard error is on a full disk, too.
  }
}
