// The bin as a server: reads the command line as nats-server does, serves a bus, and ends by a signal. Texts and
// exit statuses are nats-server's (2.15.3, main.go), since programs wait for them.
import type { ServerValues } from '../config/keys-server.ts';
import { type Bus, createBus } from '../index.ts';
import { hostPort, isLoopback, listenErrorText } from '../server/addresses.ts';
import { withEmptySecrets } from '../server/authorization.ts';
import { emptySecretTexts } from '../server/file-authorization.ts';
import { serveOptionsOf } from '../server/file-options.ts';
import { type ServeOptions, type Server, serve } from '../server/index.ts';
import { ignoredText, refusedText } from '../server/unsupported.ts';
import { InvalidArgumentError, toError } from '../shared/errors.ts';
import { fileErrorText } from '../shared/file-error.ts';
import type { Logger } from '../shared/logger.ts';
import { ANNOUNCED_VERSION } from '../shared/version.ts';
import { type Configured, configure } from './configure.ts';
import type { Flags } from './flag-values.ts';
import { FlagError, parseFlags, quote } from './go-flags.ts';
import { type Logging, openLogging, secondsTimestamp } from './logging.ts';
import { FLAGS, TLS_USAGE, usage } from './options.ts';
import { programName } from './program-name.ts';
import { sendSignal } from './send-signal.ts';
import { handleSignals } from './signals.ts';

const PORT_MAX = 65_535;
/** Suites wait for a ports file of this name. */
const PORTS_FILE_NAME = 'nats-server';

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
  const { logger, sink } = logging;
  const options = serveOptions(configured, logging);
  checkPorts(options, logger);
  const bus = makeBus(options);
  try {
    const starting = serve(bus, options);
    // Before it is ready: a harness may send one as soon as it reads so.
    handleSignals(starting, logger, sink, configured.config, (status) => process.exit(status));
    const server = await starting;
    if (options.authorization === undefined) warnOfStrangers(server, options);
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
  if (websocket !== undefined && !isLoopback(websocket.host ?? '')) open.push(websocketUrl);
  for (const place of open) {
    logger?.warn(`No authorization is set: whoever reaches ${place} may use this server`);
  }
}

/** Without memory for it, or without WebAssembly, the program ends; nobody has logged that. */
function makeBus(options: ServeOptions): Bus {
  try {
    return createBus(busOptions(options));
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
      return fail(`unrecognized command: ${quote(word)}`);
  }
}

function signalAnother(text: string): never {
  const problem = sendSignal(text);
  return problem === undefined ? process.exit(0) : fail(problem);
}

function openLog(values: ServerValues): Logging {
  const { logFile, debug, trace } = values;
  try {
    return openLogging({
      isDebug: debug === true,
      isTrace: trace === true,
      hasTime: values.logTime !== false,
      isUtc: values.logTimeUtc === true,
      logFile: logFile === '' ? undefined : logFile,
      sizeLimit: values.logSizeLimit ?? 0,
      filesMax: values.logMaxNum ?? 0,
    });
  } catch (error) {
    const reason = fileErrorText(error, 'open', logFile ?? '');
    process.stderr.write(`${secondsTimestamp()} error opening file: ${reason}\n`);
    return process.exit(1);
  }
}

/** What is to be served, or the end of the program when that would lack what it must not. */
function serveOptions({ values, demands, config }: Configured, { logger }: Logging): ServeOptions {
  const refused = refusedText(demands);
  if (refused !== undefined) {
    logger.fatal(refused);
    process.exit(1);
  }
  const warnings = [...ignoredText(demands), ...emptySecretTexts(values)];
  const { file, digest } = config ?? { file: '', digest: '' };
  const { authorization, monitoring, ...others } = serveOptionsOf(values);
  const options: ServeOptions = {
    ...others,
    ...(authorization !== undefined && { authorization: withEmptySecrets(authorization) }),
    // Whoever starts a server by itself asks it by whatever name the machine has.
    ...(monitoring !== undefined && { monitoring: { ...monitoring, hosts: ['*'] } }),
    executableName: PORTS_FILE_NAME,
    logger,
  };
  if (config !== undefined) {
    return { ...options, configuration: { file, digest, warnings } };
  }
  for (const line of warnings) logger.warn(line);
  return options;
}

/** The program's side has the bound of its peers. */
function busOptions({ maxPayload }: ServeOptions): { maxPayload?: number } {
  return maxPayload === undefined ? {} : { maxPayload };
}

/** A port that no listener can have ends the program with the line that a busy one would give. */
function checkPorts({ host = '', port = 0, monitoring }: ServeOptions, logger: Logger): void {
  const httpPort = monitoring?.port ?? 0;
  if (!isPort(httpPort)) {
    const reason = listenErrorText(undefined, monitoring?.host ?? host, httpPort);
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
