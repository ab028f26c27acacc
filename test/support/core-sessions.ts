// Sessions of a bare core, without a bus: opened as greeted ones, and what they have been sent, as text.
import {
  type AccountHandle,
  type Core,
  peersOf,
  SESSION_AUTHENTICATED,
  SESSION_ECHO,
  SESSION_HEADERS,
  SESSION_NO_RESPONDERS,
  type SessionHandle,
} from '../../src/core/index.ts';

/** The flags of a session that `openSession` has opened. */
export const GREETED: number =
  SESSION_AUTHENTICATED | SESSION_ECHO | SESSION_HEADERS | SESSION_NO_RESPONDERS;
export const LIMITS = { payloadMax: 1_048_576, controlLineMax: 4096, pendingMax: 67_108_864 };

export function openSession(
  core: Core,
  account: AccountHandle,
  limits: Partial<typeof LIMITS> = {},
): SessionHandle {
  const { sessions } = peersOf(core);
  const session = sessions.open(account);
  sessions.setFlags(session, GREETED);
  sessions.setLimits(session, { ...LIMITS, ...limits });
  return session;
}

/** What a session has been sent since the last time. */
export function sentTo(core: Core, session: SessionHandle): string {
  const { outbound } = peersOf(core);
  let text = '';
  for (let take = outbound.takeFrom(session); take; take = outbound.takeFrom(session)) {
    for (const { ptr, length } of take.segments) text += core.text(ptr, length);
    outbound.release(session);
    outbound.settle(session, take.bytes);
  }
  return text;
}
