// The logger that the flags ask for.
import { type LogSink, openLogFile } from '../server/log-file.ts';
import { systemClock } from '../shared/clock.ts';
import { createLogger, type Logger, timestamp } from '../shared/logger.ts';

export interface LoggingOptions {
  readonly isDebug: boolean;
  readonly isTrace: boolean;
  readonly hasTime: boolean;
  readonly isUtc: boolean;
  readonly logFile: string | undefined;
  /** Bytes at which the file is moved away and another one begun; 0: never. */
  readonly sizeLimit: number;
  /** Files that are kept, the one at hand included; 0: all. */
  readonly filesMax: number;
}

export interface Logging {
  readonly logger: Logger;
  readonly sink: LogSink;
}

/** Opens the log. Throws when its file cannot be opened. */
export function openLogging(options: LoggingOptions): Logging {
  const sink =
    options.logFile === undefined ? standardError() : openLogFile(options.logFile, options);
  const logger = createLogger({
    write: (line) => sink.write(line),
    pid: process.pid,
    now: systemClock.now,
    isDebug: options.isDebug,
    isTrace: options.isTrace,
    hasTime: options.hasTime,
    isUtc: options.isUtc,
    hasColor: options.logFile === undefined && process.stderr.isTTY === true,
  });
  sink.rotated = (text) => logger.info(text);
  return { logger, sink };
}

/** Now, to the second, as Go's log package begins a line. */
export function secondsTimestamp(): string {
  return timestamp(systemClock.now()).slice(0, 19);
}

function standardError(): LogSink {
  // Whoever read our log has gone: that is no reason to end.
  process.stderr.on('error', () => {});
  return {
    write: (line) => void process.stderr.write(line),
    rotated: undefined,
    reopen: () => false,
    close: () => {},
  };
}
