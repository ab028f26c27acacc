// The files that a server keeps about itself: its process number, and where it listens.
import { resolve } from 'node:path';
import { InvalidArgumentError } from '../shared/errors.ts';
import { fileErrorText } from '../shared/file-error.ts';
import {
  listenUrls,
  portsFilePath,
  removePortsFile,
  writePidFile,
  writePortsFile,
} from './files.ts';
import type { ServerSettings } from './options.ts';

/** Where it listens. */
export interface Listening {
  readonly port: number;
  readonly monitoring: { readonly port: number } | undefined;
  readonly websocket: { readonly host: string; readonly port: number } | undefined;
}

/** Ports files of servers of this process: the process is in their names, so two of them could have the same. */
const taken: Set<string> = new Set();

export class OwnFiles {
  #portsFile: string | undefined;
  /** Of these nobody else has one. */
  readonly #claims: Set<string> = new Set();

  /** No other server of this process writes its ports there from now on; throws InvalidArgumentError if one does. */
  claimPorts(settings: ServerSettings): void {
    const path = claimOf(settings);
    if (path === undefined || this.#claims.has(path)) return;
    if (taken.has(path)) {
      const reason = `or executableName must be another: a server of this process writes ${path}`;
      throw InvalidArgumentError.format('portsFileDir', reason);
    }
    taken.add(path);
    this.#claims.add(path);
  }

  /** But for where they are written by these settings. */
  releasePorts(kept?: ServerSettings): void {
    for (const path of this.#claims) {
      if (kept !== undefined && path === claimOf(kept)) continue;
      this.#claims.delete(path);
      taken.delete(path);
    }
  }

  /** A file that cannot be written is told, and rejects with the system's error. */
  async writePid({ pidFile, logger }: ServerSettings): Promise<void> {
    if (pidFile === undefined) return;
    try {
      await writePidFile(pidFile);
    } catch (error) {
      logger.fatal(`Could not write pidfile: ${fileErrorText(error, 'open', pidFile)}`);
      throw error;
    }
  }

  /** The same of a server that runs, which goes on without it. */
  async #movePid({ pidFile, logger }: ServerSettings): Promise<void> {
    if (pidFile === undefined) return;
    try {
      await writePidFile(pidFile);
    } catch (error) {
      logger.error(`Failed to write pidfile: ${fileErrorText(error, 'open', pidFile)}`);
    }
  }

  /** What cannot be written is told. */
  async writePorts(settings: ServerSettings, listening: Listening): Promise<void> {
    const { portsFileDir, executableName, host, logger } = settings;
    if (portsFileDir === undefined) return;
    const path = portsFilePath(portsFileDir, executableName);
    this.#portsFile = path;
    const { port, monitoring: http, websocket: ws } = listening;
    const httpHost = settings.monitoring?.host;
    try {
      const nats = settings.listens ? await listenUrls('nats', host, port) : [];
      const monitoring =
        httpHost !== undefined && http !== undefined
          ? { monitoring: await listenUrls('http', httpHost, http.port) }
          : {};
      const websocket =
        ws === undefined ? {} : { websocket: await listenUrls('ws', ws.host, ws.port) };
      writePortsFile(path, { nats, ...monitoring, ...websocket });
    } catch (error) {
      logger.error(`Error writing ports file (${path}): ${fileErrorText(error, 'open', path)}`);
    }
  }

  async removePorts({ logger }: ServerSettings): Promise<void> {
    const path = this.#portsFile;
    this.#portsFile = undefined;
    if (path === undefined) return;
    try {
      await removePortsFile(path);
    } catch (error) {
      const reason = fileErrorText(error, 'remove', path);
      logger.error(`Error cleaning up ports file ${path}: ${reason}`);
    }
  }

  /** They are where they are to be now. What cannot be written is told. */
  async move(
    before: ServerSettings,
    settings: ServerSettings,
    listening: Listening,
  ): Promise<void> {
    if (before.pidFile !== settings.pidFile) await this.#movePid(settings);
    if (before.portsFileDir === settings.portsFileDir) return;
    await this.removePorts(before);
    this.releasePorts(settings);
    await this.writePorts(settings, listening);
  }
}

function claimOf({ portsFileDir, executableName }: ServerSettings): string | undefined {
  return portsFileDir === undefined
    ? undefined
    : portsFilePath(resolve(portsFileDir), executableName);
}
