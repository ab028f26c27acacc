// The bin as a server: reads the command line as nats-server does, serves a bus, and ends by a signal. Texts and
// exit statuses are nats-server's (2.15.3, main.go), since programs wait for them.

import type { ServerValues } from '../config/keys-server.ts';
import { type Bus, createBus } from '../index.ts';
import { hostPort, isLoopback, listenErrorText } from '../server/addresses.ts';
import { partsOf } from '../server/advertised.ts';
import { type ServeOptions, type Server, serve } from '../server/index.ts';
import { busOptionsFor } from '../server/options.ts';
import { InvalidArgumentError, toError } from '../shared/errors.ts';
import { fileErrorText } from '../shared/file-error.ts';
import { quoteGoText } from '../shared/go-quote.ts';
import type { Logger } from '../shared/logger.ts';
import { ANNOUNCED_VERSION } from '../shared/version.ts';
import { collectSeldom } from './collector.ts';
import { commandOptions } from './command-options.ts';
import { type Configured, configure } from './configure.ts';
import type { Flags } from './flag-values.ts';
import { FlagError, parseFlags } from './go-flags.ts';
import { type Logging, loggingOptions, openLogging, secondsTimestamp } from './logging.ts';
import { FLAGS, TLS_USAGE, usage } from './options.ts';
import { programName } from './program-name.ts';
import { Reloads } from './reload.ts';
import { sendSignal } from './send-signal.ts';
import { handleSignals } from './signals.ts';

const PORT_MAX = 65_535;

const name: string = programName(process.env.GANGLION_EXECUTABLE, process.argv0, process.argv[1]);

/** Serves what `args` say until a signal; ends the process by itself when there is nothing to serve. */
export async function serverCommand(args: readonly string[]): Promise<void> {
  const flags = readCommandLine(args);
  if (typeof flags.signal === 'string' && flags.signal !== '') signalAnother(flags.signal);
  const configured = await configure(flags);
  if ('status' in configured) {
    // Of mistakes the first line alone has the name, of good news each.
    const between = configured.status === 0 ? `\n${name}: ` : '\n';
    process.stderr.write(`${name}: ${configured.lines.join(between)}\n`);
    return process.exit(configured.status);
  }
  for (const warning of configured.config?.warnings ?? []) process.stderr.write(`${warning}\n`);
  const logging = openLog(configured.values);
  const { logger } = logging;
  const options = serveOptions(configured, logging);
  checkPorts(options, logger);
  const bus = makeBus(options);
  try {
    const starting = serve(bus, options);
    // Before it is ready: a harness may send one as soon as it reads so.
    const reloads = new Reloads(flags, logging, configured);
    handleSignals({ starting, logging, reloads, exit: (status) => process.exit(status) });
    const server = await starting;
    // Not before: what Node keeps of its own modules as compiled is for the flags that V8 started with.
    if (options.authorization === undefined) warnOfStrangers(server, options);
    if (options.jetstream !== undefined && options.jetstream !== false) collectSeldom();
  } catch (error) {
    // Whatever went wrong behind the door has been logged.
    if (error instanceof InvalidArgumentError) fail(error.message);
    process.exit(1);
  }
}

function warnOfStrangers({ port, websocketUrl = '' }: Server, options: ServeOptions): void {
  const { host = '', websocket, logger } = options;
  const open: string[] = [];
  if (!isLoopback(host)) open.push(hostPort(host, port));
  if (websocket !== undefined && websocket.authorization === undefined) {
    if (!isLoopback(websocket.host ?? '')) open.push(websocketUrl);
  }
  for (const place of open) {
    logger?.warn(`No authorization is set: whoever reaches ${place} may use this server`);
  }
}

/** Without memory for it, or without WebAssembly, the program ends; nobody has logged that. */
function makeBus(options: ServeOptions): Bus {
  try {
    return createBus(busOptionsFor(options));
  } catch (error) {
    return fail(toError(error).message);
  }
}

/** The flags, or the end of the program when they ask for no server. */
function readCommandLine(args: readonly string[]): Flags {
  try {
    const { values, words } = parseFlags(FLAGS, args);
    if (values.version === true) printVersion();
    if (values.help === true) printUsage();
    if (values.helpTls === true) print(TLS_USAGE);
    const [word] = words;
    if (word !== undefined) runWord(word);
    return values;
  } catch (error) {
    if (!(error instanceof FlagError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return printUsage();
  }
}

function runWord(word: string): never {
  switch (word.toLowerCase()) {
    case 'version':
      return printVersion();
    case 'help':
      return printUsage();
    case 'bench':
      return fail('bench takes its own flags, behind the word: bench --help lists them');
    default:
      return fail(`unrecognized command: ${quoteGoText(word)}`);
  }
}

function signalAnother(text: string): never {
  const problem = sendSignal(text);
  return problem === undefined ? process.exit(0) : fail(problem);
}

function openLog(values: ServerValues): Logging {
  const { logFile } = values;
  try {
    return openLogging(loggingOptions(values));
  } catch (error) {
    const reason = fileErrorText(error, 'open', logFile ?? '');
    process.stderr.write(`${secondsTimestamp()} error opening file: ${reason}\n`);
    return process.exit(1);
  }
}

/** What is to be served, or the end of the program when that would lack what it must not. */
function serveOptions(configured: Configured, { logger }: Logging): ServeOptions {
  const command = commandOptions(configured);
  if (typeof command === 'string') {
    logger.fatal(command);
    process.exit(1);
  }
  for (const line of command.warnings) logger.warn(line);
  return { ...command.options, logger };
}

/** A port that no listener can have ends the program with the line that a busy one would give; so does no address. */
function checkPorts(
  { host = '', port = 0, monitoring, clientAdvertise = '', websocket }: ServeOptions,
  logger: Logger,
): void {
  const httpPort = monitoring?.port ?? 0;
  if (!isPort(httpPort)) {
    const reason = listenErrorText(undefined, monitoring?.host ?? host, httpPort);
    logger.fatal(`Can't start monitoring: can't listen to the monitor port: ${reason}`);
  } else if (!isPort(port)) {
    const reason = quoteGoText(listenErrorText(undefined, host, port));
    logger.fatal(`Error listening on port: ${hostPort(host, port)}, ${reason}`);
  } else {
    const problem = partsOf(clientAdvertise);
    const webProblem = partsOf(websocket?.advertise ?? '');
    if (typeof problem === 'string') {
      const value = `ClientAdvertise value of ${clientAdvertise}`;
      logger.fatal(`Error setting server INFO with ${value}, err=${problem}`);
    } else if (typeof webProblem === 'string') {
      logger.fatal(`Unable to get websocket connect URLs: ${webProblem}`);
    } else {
      return;
    }
  }
  process.exit(1);
}

function isPort(port: number): boolean {
  return port >= -1 && port <= PORT_MAX;
}

/** A program that asks for a version gets the one whose behaviour this is: suites go by the very text. */
function printVersion(): never {
  return print(`nats-server: v${ANNOUNCED_VERSION}\n`);
}

function printUsage(): never {
  return print(usage(name));
}

function print(text: string): never {
  process.stdout.write(text);
  return process.exit(0);
}

function fail(message: string): never {
  process.stderr.write(`${name}: ${message}\n`);
  return process.exit(1);
}
