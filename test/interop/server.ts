// Starts a server executable for a test: ours, or the one GANGLION_INTEROP_SERVER names, which must take
// nats-server's flags. Where it listens is read from its ports file, so no port is ever guessed.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, watch } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Child, type ChildExit, startChild } from './child.ts';
import { repositoryDir } from './paths.ts';

export interface ServerOptions {
  /** Default: the server under test. */
  readonly executable?: string;
  /** -1 takes a free port, the default. */
  readonly port?: number;
  readonly monitorPort?: number;
  readonly host?: string;
  readonly args?: readonly string[];
  /** Put before the command, such as what enters a network namespace. */
  readonly prefix?: readonly string[];
  /** The command that runs a JavaScript file; this Node unless given. */
  readonly runtime?: readonly string[];
}

export interface Server {
  /** `nats://127.0.0.1:port`. */
  readonly url: string;
  readonly port: number;
  /** `ws://127.0.0.1:port`; empty when it does not listen there. */
  readonly websocketUrl: string;
  /** `http://127.0.0.1:port` of the monitoring listener. */
  readonly monitorUrl: string;
  readonly pid: number;
  readonly child: Child;
  close(): Promise<ChildExit>;
}

interface Ports {
  readonly nats?: readonly string[];
  readonly monitoring?: readonly string[];
  readonly websocket?: readonly string[];
}

const START_TIMEOUT_MS = 20_000;

/** The executable that the tests judge: the built bin of package.json unless the environment names another. */
export function serverUnderTest(): string {
  const named = process.env.GANGLION_INTEROP_SERVER;
  if (named !== undefined && named !== '') return named;
  const manifest = JSON.parse(readFileSync(join(repositoryDir, 'package.json'), 'utf8')) as {
    bin: { ganglion: string };
  };
  return join(repositoryDir, manifest.bin.ganglion);
}

/** Whether the environment names a server that is not of this package. */
export function isForeignServer(): boolean {
  return (process.env.GANGLION_INTEROP_SERVER ?? '') !== '';
}

/** The command line of an executable; a JavaScript file is run by this Node, or by `runtime`. */
export function commandOf(
  executable: string,
  runtime: readonly string[] = [process.execPath],
): string[] {
  return /\.[cm]?js$/.test(executable) ? [...runtime, executable] : [executable];
}

/** Starts a server and resolves when it listens; rejects with its output when it ends before that. */
export async function startServer(options: ServerOptions = {}): Promise<Server> {
  const executable = options.executable ?? serverUnderTest();
  if (!existsSync(executable)) throw new Error(`there is no server at ${executable}: build it`);
  const portsDir = mkdtempSync(join(tmpdir(), 'ganglion-ports-'));
  const [command = '', ...args] = [
    ...(options.prefix ?? []),
    ...commandOf(executable, options.runtime),
    ...['-a', options.host ?? '127.0.0.1'],
    ...['-p', String(options.port ?? -1), '-m', String(options.monitorPort ?? -1)],
    ...['--ports_file_dir', portsDir, ...(options.args ?? [])],
  ];
  const child = startChild(command, args);
  try {
    const ports = await readPorts(portsDir, child);
    const port = portOf(ports.nats);
    return {
      url: `nats://127.0.0.1:${port}`,
      port,
      websocketUrl:
        ports.websocket === undefined ? '' : `ws://127.0.0.1:${portOf(ports.websocket)}`,
      monitorUrl: `http://127.0.0.1:${portOf(ports.monitoring)}`,
      pid: child.pid,
      child,
      close: async () => {
        const exit = await child.close();
        rmSync(portsDir, { recursive: true, force: true });
        return exit;
      },
    };
  } catch (error) {
    await child.close();
    rmSync(portsDir, { recursive: true, force: true });
    throw error;
  }
}

function portOf(urls: readonly string[] | undefined): number {
  const port = Number(/:(\d+)$/.exec(urls?.[0] ?? '')?.[1]);
  if (!(port > 0)) throw new Error(`no port in ${JSON.stringify(urls)}`);
  return port;
}

function readPorts(dir: string, child: Child): Promise<Ports> {
  return new Promise((resolve, reject) => {
    const watcher = watch(dir, () => look());
    const fail = (reason: string): void => {
      done();
      reject(new Error(`the server wrote no ports file: ${reason}\n${child.output()}`));
    };
    const timer = setTimeout(() => fail(`${START_TIMEOUT_MS} ms passed`), START_TIMEOUT_MS);
    const done = (): void => {
      clearTimeout(timer);
      watcher.close();
    };
    const look = (): void => {
      const name = readdirSync(dir).find((file) => file.endsWith('.ports'));
      const ports = name === undefined ? undefined : parsePorts(join(dir, name));
      if (ports === undefined) return;
      done();
      resolve(ports);
    };
    void child.exited.then((exit) => fail(`it ended with ${exit.signal ?? exit.code}`));
    look();
  });
}

/** The ports, or undefined while the file is not whole. */
function parsePorts(file: string): Ports | undefined {
  try {
    const ports = JSON.parse(readFileSync(file, 'utf8')) as Ports;
    return ports.nats !== undefined && ports.monitoring !== undefined ? ports : undefined;
  } catch {
    return undefined;
  }
}
