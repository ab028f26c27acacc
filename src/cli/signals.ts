// What the signals do. Source: nats-server 1787eee, server/signal.go, handleSignals; probed on 2.15.3.

import type { Server } from '../server/index.ts';
import { toError } from '../shared/errors.ts';
import type { Logging } from './logging.ts';
import type { Reloads } from './reload.ts';

/** What Go's runtime exits with when SIGQUIT kills it. */
const QUIT_STATUS = 2;

const WAITING_TEXT = 'Server is still starting, config reload will run once startup completes';

/** Names of the signals as Go prints them. */
const TEXTS = {
  SIGINT: 'interrupt',
  SIGTERM: 'terminated',
  SIGUSR1: 'user defined signal 1',
  SIGUSR2: 'user defined signal 2',
  SIGHUP: 'hangup',
} as const;

type SignalName = keyof typeof TEXTS;

interface Signalled {
  readonly starting: Promise<Server>;
  readonly logging: Logging;
  readonly reloads: Reloads;
  readonly exit: (status: number) => void;
}

/**
 * Listens for signals until the process ends; `exit` is called with the status when it is to end.
 * `starting` may still be on its way: what a signal wants of the server waits until it is there.
 */
export function handleSignals({ starting, logging, reloads, exit }: Signalled): void {
  const { logger } = logging;
  let [isStarted, isLame] = [false, false];
  void starting.then(
    () => {
      isStarted = true;
    },
    () => {},
  );
  const end = async (stop: (server: Server) => Promise<void>): Promise<void> => {
    // A start that fails ends the program by itself.
    const server = await starting.catch(() => undefined);
    if (server === undefined) return;
    try {
      await stop(server);
      exit(0);
    } catch (error) {
      logger.error(`Error shutting down: ${toError(error).message}`);
      exit(1);
    }
  };
  const close = (): void => void end((server) => server.close());
  const actions: Readonly<Record<SignalName, () => void>> = {
    SIGINT: close,
    // A second wish to stop must not cut the first, gentle one short.
    SIGTERM: () => {
      if (!isLame) close();
    },
    SIGUSR1: () => reopen(logging),
    SIGUSR2: () => {
      if (isLame) return;
      isLame = true;
      void end((server) => server.lameDuck());
    },
    SIGHUP: () => {
      if (!isStarted) logger.info(WAITING_TEXT);
      void starting.then(
        (server) => reloads.reload(server),
        () => {},
      );
    },
  };
  for (const name of Object.keys(TEXTS) as SignalName[]) {
    process.on(name, () => {
      logger.info(`Trapped ${JSON.stringify(TEXTS[name])} signal`);
      actions[name]();
    });
  }
  process.on('SIGQUIT', () => {
    process.stderr.write('SIGQUIT: quit\n');
    process.exit(QUIT_STATUS);
  });
}

function reopen({ logger, sink }: Logging): void {
  try {
    if (sink.reopen()) logger.info('File log re-opened');
    else logger.info('File log re-open ignored, not a file logger');
  } catch (error) {
    logger.error(`Unable to re-open log file: ${toError(error).message}`);
  }
}
