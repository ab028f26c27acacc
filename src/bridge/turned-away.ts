// Who is not served, because there are as many connections as may be: he is told so, and why, and let go.
import type { PeerFacts, Transport } from '../net/transport.ts';
import type { Logger } from '../shared/logger.ts';
import { ClosedReason, errorLine, farewell } from './closing.ts';
import type { Endings } from './endings.ts';
import type { Inbox } from './pacing/inbox.ts';
import { PeerLog } from './peer-log.ts';

interface Door {
  readonly options: { readonly logger: Logger };
  readonly endings: Endings;
  readonly pacing: { readonly inbox: Inbox };
  infoLine(cid: number, peer: PeerFacts): string;
}

/** Says INFO and why not. */
export function turnAway(door: Door, transport: Transport, cid: number): void {
  const { endings, pacing, options } = door;
  const log = new PeerLog(options.logger, transport.peer, cid);
  log.debug('Client connection created');
  const info = door.infoLine(cid, transport.peer);
  const words = new TextEncoder().encode(`${info}${errorLine('maxConnections')}`);
  transport.start({
    staysInPlace: false,
    view: () => pacing.inbox.view(0),
    onFilled: () => {},
    onClose: () => endings.lingered(transport),
  });
  transport.pause();
  const reason = ClosedReason.MaxConnectionsExceeded;
  const end = (): void => transport.end(farewell(reason));
  endings.linger(transport);
  if (transport.write([words], end) === 'taken') end();
  log.error('maximum connections exceeded');
  log.debug(`Client connection closed: ${reason}`);
}
