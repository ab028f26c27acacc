// The port for leaf nodes: it is open where it is asked for, since programs wait for it, and refuses who dials.
import { type RefusalListener, refuseAll } from '../net/refusal.ts';
import type { Logger } from '../shared/logger.ts';
import { hostPort, listenErrorText } from './addresses.ts';
import type { ServerSettings } from './options.ts';

const REFUSAL = "-ERR 'leaf nodes are not supported'\r\n";

/** Opens the port when the settings name one. A failure is logged and thrown. */
export async function startLeafnodes(
  { leafnodes }: ServerSettings,
  logger: Logger,
): Promise<RefusalListener | undefined> {
  if (leafnodes === undefined) return undefined;
  const { host, port } = leafnodes;
  try {
    const listener = await refuseAll({
      host,
      port,
      line: REFUSAL,
      onError: (error) => logger.error(`Leafnode listener: ${error.message}`),
    });
    logger.info(`Listening for leafnode connections on ${hostPort(host, listener.port)}`);
    return listener;
  } catch (error) {
    const reason = listenErrorText(error, host, port);
    logger.fatal(`Error listening on leafnode port: ${port} - ${reason}`);
    throw error;
  }
}
