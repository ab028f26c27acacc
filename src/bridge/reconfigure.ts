// What becomes of those who are here when the limits change, and the door: who is too many is closed, the others have
// the new limits, and everybody is decided anew. Where the original closes whoever has credentials that still hold (as
// the only user of a server, or as any user where nobody is asked), and all when there is no limit of connections any
// more, they stay.
// Source: nats-server 2.15.3, server/reload.go, maxConnOption, reloadAuthorization, clientHasMovedToDifferentAccount.
import type { Limits } from '../shared/limits.ts';
import type { Entrance } from './authentication.ts';
import type { SessionHost } from './host.ts';
import type { Session } from './session.ts';

/** @param sessions those that are open; `host.options` has the new values already */
export function reconfigure(
  host: SessionHost,
  sessions: readonly Session[],
  options: Limits & Entrance,
): void {
  const { authentication: door, endings, turn } = host;
  const known = new Set(sessions.map(({ user }) => user).filter((user) => door.knows(user)));
  door.reconfigure(options);
  endings.writeDeadlines.delayMs = options.writeDeadlineMs;
  const { maxConnections: max } = options;
  const spare = max === 0 ? 0 : Math.max(0, sessions.length - max);
  for (const [index, session] of sessions.entries()) {
    turn.within(() => session.reconfigured());
    const decide = (): void => {
      if (index < sessions.length - spare) session.review(known.has(session.user));
      else session.refuse('maxConnections');
    };
    endings.slices.run(() => turn.within(decide));
  }
  if (spare === 0) return;
  host.options.logger.info(`Closed ${spare} connections to fall within max_connections`);
}
