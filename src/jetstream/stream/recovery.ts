// What a stream that was found on disk must know again of its messages: the ids of its window, and who of them lives how
// long. Both are in their headers.
// Source: nats-server 2.15.3, server/stream.go, rebuildDedupe.
import type { Clock } from '../../shared/clock.ts';
import type { Store } from '../store/store.ts';
import { emptyMessage } from '../store/stored-message.ts';
import type { Work } from '../work.ts';
import type { DedupWindow } from './dedup.ts';
import { headerOf } from './header-block.ts';
import type { StreamRules } from './rules.ts';
import { ttlSeconds } from './ttl.ts';

/** Messages that are read in a step, and rows that are looked at for one with headers. */
const MESSAGES_A_STEP = 256;
const ROWS_A_STEP = 16_384;

/** @param onLife called for each message that says how many seconds it lives */
export function* recoverHeaders(
  store: Store,
  clock: Clock,
  rules: StreamRules,
  dedup: DedupWindow,
  onLife: (seq: number, seconds: number) => void,
): Work<void> {
  const nowMs = clock.now();
  const windowFrom = nowMs - rules.duplicateWindowMs;
  const message = emptyMessage();
  // Times do not fall, and of messages that say how long they live each counts.
  let at = rules.allowsTtl ? 1 : store.seqAtTime(windowFrom);
  let count = 0;
  while (at > 0) {
    const seq = store.nextWithHeaders(at, ROWS_A_STEP);
    at = seq > 0 ? seq + 1 : -seq;
    if (seq < 0 || ++count % MESSAGES_A_STEP === 0) yield;
    if (seq <= 0 || !store.read(seq, message) || message.headers === undefined) continue;
    const { headers, timeMs } = message;
    if (rules.allowsTtl) {
      const seconds = ttlSeconds(headerOf(headers, 'Nats-TTL')) ?? 0;
      if (seconds > 0) onLife(seq, seconds);
    }
    const id = timeMs > windowFrom ? headerOf(headers, 'Nats-Msg-Id') : '';
    if (id !== '') dedup.add(id, seq, nowMs - timeMs);
  }
}
