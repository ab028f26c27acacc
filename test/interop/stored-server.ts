// A server with a store on disk that ends in one way or another, and is started again on the same directory and port.
import { ok } from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Server, type ServerOptions, startServer } from './server.ts';

/** What nats-server may not have written yet of what consumers do: it writes that every 100 ms. */
const UNWRITTEN_MS = 300;

/** How a server ends between two parts of a test. */
export const RESTARTS = ['a clean end', 'kill -9'] as const;
export type Restart = (typeof RESTARTS)[number];

/** A file system on which the store is to be, and what runs a command where that is. */
export interface OtherDisk {
  readonly dir: string;
  readonly prefix: readonly string[];
}

export class StoredServer {
  readonly #prefix: readonly string[];
  readonly #executable: string | undefined;
  readonly #dir: string = mkdtempSync(join(tmpdir(), 'ganglion-stored-'));
  readonly #config: string = join(this.#dir, 'server.conf');
  #server: Server | undefined;
  #port = -1;
  #hasEnded = false;
  /** Lines of warnings and errors that it has logged, of all lives. */
  readonly warnings: string[] = [];

  /** @param executable undefined: the server under test; `options`: lines of its `jetstream` block */
  static async start(
    executable: string | undefined,
    options: readonly string[] = [],
    disk?: OtherDisk,
  ): Promise<StoredServer> {
    const server = new StoredServer(executable, options, disk);
    await server.start();
    return server;
  }

  private constructor(
    executable: string | undefined,
    options: readonly string[],
    { dir, prefix }: OtherDisk = { dir: this.#dir, prefix: [] },
  ) {
    this.#executable = executable;
    this.#prefix = prefix;
    const text = [`store_dir: ${JSON.stringify(join(dir, 'store'))}`, ...options].join('\n');
    writeFileSync(this.#config, `jetstream {\n${text}\n}\n`);
  }

  get url(): string {
    return `nats://127.0.0.1:${this.#port}`;
  }

  async start(): Promise<void> {
    this.#server = await startServer({ ...this.#started(), port: this.#port });
    this.#port = this.#server.port;
    this.#hasEnded = false;
    void this.#server.child.exited.then(() => {
      this.#hasEnded = true;
    });
  }

  /** Starts it where nobody finds it, and kills it so many ms later, whether it has come to listen or not. */
  async interruptedStart(ms: number): Promise<void> {
    const prefix = [...this.#prefix, 'timeout', '-s', 'KILL', `${ms / 1000}`];
    try {
      const server = await startServer({ ...this.#started(), prefix });
      await server.child.exited;
      await server.close();
    } catch (error) {
      if (!/ended with (?:SIGKILL|137)/.test(String(error))) throw error;
    }
  }

  #started(): ServerOptions {
    const executable = this.#executable === undefined ? {} : { executable: this.#executable };
    return { ...executable, prefix: this.#prefix, args: ['-c', this.#config] };
  }

  /** `SIGTERM` lets it come to an end; behind it may come a `SIGKILL`, so many ms later. */
  async end(signal: 'SIGKILL' | 'SIGTERM', killedAfterMs = 0): Promise<void> {
    const { child, close } = this.#server as Server;
    ok(!this.#hasEnded, `it has ended by itself\n${child.output()}`);
    child.signal(signal);
    const timer =
      killedAfterMs > 0 ? setTimeout(() => child.signal('SIGKILL'), killedAfterMs) : undefined;
    await child.exited;
    clearTimeout(timer);
    const lines = child.output().split('\n');
    this.warnings.push(...lines.filter((line) => /\[(?:WRN|ERR|FTL)\]/.test(line)));
    await close();
  }

  async restart(how: Restart): Promise<void> {
    if (how === 'kill -9') await new Promise((resolve) => setTimeout(resolve, UNWRITTEN_MS));
    await this.end(how === 'kill -9' ? 'SIGKILL' : 'SIGTERM');
    await this.start();
  }

  async close(): Promise<void> {
    await this.#server?.close();
    rmSync(this.#dir, { recursive: true, force: true, maxRetries: 3 });
  }
}
