// The bin as a server: reads the command line as nats-server does, serves a bus, and ends by a signal. Texts and
// exit statuses are nats-server's (1787eee, main.go; probed on 2.15.3), since programs wait for them.
import { type Bus, createBus } from '../index.ts';
import { hostPort, isLoopback, listenErrorText } from '../server/addresses.ts';
import { fileErrorText } from '../server/files.ts';
import { type ServeOptions, serve } from '../server/index.ts';
import { InvalidArgumentError, toError } from '../shared/errors.ts';
import { DEFAULT_PORT } from '../shared/limits.ts';
import type { Logger } from '../shared/logger.ts';
import { ANNOUNCED_VERSION, VERSION } from '../shared/version.ts';
import { FlagError, type FlagValue, parseFlags, quote } from './go-flags.ts';
import { type Logging, openLogging, secondsTimestamp } from './logging.ts';
import { FLAGS, type FlagName, usage } from './options.ts';
import { programName } from './program-name.ts';
import { handleSignals } from './signals.ts';

type Values = Readonly<Partial<Record<FlagName, FlagValue>>>;

const PORT_MAX = 65_535;
/** Where the bin listens unless told otherwise, as nats-server. */
const ALL_INTERFACES = '0.0.0.0';

const name: string = programName(process.env.GANGLION_EXECUTABLE, process.argv0, process.argv[1]);

/** Serves what `args` say until a signal; ends the process by itself when there is nothing to serve. */
export async function serverCommand(args: readonly string[]): Promise<void> {
  const values = readCommandLine(args);
  const logging = openLog(values);
  const { logger, sink } = logging;
  const options = serveOptions(values, logging);
  checkPorts(options, logger);
  const bus = makeBus();
  try {
    const starting = serve(bus, options);
    // Before it is ready: a harness may send one as soon as it reads so.
    handleSignals(starting, logger, sink, (status) => process.exit(status));
    const server = await starting;
    if (!isLoopback(options.host ?? '')) {
      const address = hostPort(options.host ?? '', server.port);
      logger.warn(`No authorization is set: whoever reaches ${address} may use this server`);
    }
  } catch (error) {
    // Whatever went wrong behind the door has been logged.
    if (error instanceof InvalidArgumentError) fail(error.message);
    process.exit(1);
  }
}

/** Without memory for it, or without WebAssembly, the program ends; nobody has logged that. */
function makeBus(): Bus {
  try {
    return createBus();
  } catch (error) {
    return fail(toError(error).message);
  }
}

/** The flags, or the end of the program when they ask for no server. */
function readCommandLine(args: readonly string[]): Values {
  try {
    const { values, words } = parseFlags(FLAGS, args);
    if (values.version === true) printVersion();
    if (values.help === true) printUsage();
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
      return fail(`unrecognized command: ${quote(word)}`);
  }
}

function openLog(values: Values): Logging {
  const isVerbose = values.debugAndTrace === true || values.debugAndVerboseTrace === true;
  const logFile = textOf(values.logFile);
  try {
    return openLogging({
      isDebug: values.debug === true || isVerbose,
      isTrace: values.trace === true || values.verboseTrace === true || isVerbose,
      hasTime: values.logTime !== false,
      isUtc: values.logTimeUtc === true,
      logFile,
    });
  } catch (error) {
    const reason = fileErrorText(error, 'open', logFile ?? '');
    process.stderr.write(`${secondsTimestamp()} error opening file: ${reason}\n`);
    return process.exit(1);
  }
}

/** What the flags mean to `serve`: there 0 is a free port, here it is the default one, or none. */
function serveOptions(values: Values, { logger }: Logging): ServeOptions {
  const host = textOf(values.host) ?? ALL_INTERFACES;
  const serverName = textOf(values.serverName);
  if (serverName?.includes(' ')) fail('server name cannot contain spaces');
  const httpPort = values.httpPort ?? 0;
  const portsFileDir = textOf(values.portsFileDir);
  const pidFile = textOf(values.pidFile);
  return {
    host,
    port: Number(values.port ?? 0) || DEFAULT_PORT,
    ...(serverName === undefined ? {} : { serverName }),
    ...(httpPort === 0 ? {} : { monitoring: { host, port: Number(httpPort) } }),
    ...(portsFileDir === undefined ? {} : { portsFileDir }),
    ...(pidFile === undefined ? {} : { pidFile }),
    executableName: name,
    logger,
  };
}

/** A port that no listener can have ends the program with the line that a busy one would give. */
function checkPorts({ host = '', port = 0, monitoring }: ServeOptions, logger: Logger): void {
  const httpPort = monitoring?.port ?? 0;
  if (!isPort(httpPort)) {
    const reason = listenErrorText(undefined, host, httpPort);
    logger.fatal(`Can't start monitoring: can't listen to the monitor port: ${reason}`);
  } else if (!isPort(port)) {
    const reason = quote(listenErrorText(undefined, host, port));
    logger.fatal(`Error listening on port: ${hostPort(host, port)}, ${reason}`);
  } else {
    return;
  }
  process.exit(1);
}

function isPort(port: number): boolean {
  return port >= -1 && port <= PORT_MAX;
}

/** The value of a flag of text; an empty one is as good as none. */
function textOf(value: FlagValue | undefined): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function printVersion(): never {
  // A program that asks nats-server for its version gets the one whose behaviour this is.
  const version = name === 'nats-server' ? ANNOUNCED_VERSION : VERSION;
  process.stdout.write(`${name}: v${version}\n`);
  return process.exit(0);
}

function printUsage(): never {
  process.stdout.write(usage(name));
  return process.exit(0);
}

function fail(message: string): never {
  process.stderr.write(`${name}: ${message}\n`);
  return process.exit(1);
}
