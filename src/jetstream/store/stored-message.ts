// Room for a message that is read from a store.
import type { StoredMessage } from './store.ts';

const NOTHING = new Uint8Array(0);

/** To be handed to `Store.read` again and again. */
export function emptyMessage(): StoredMessage {
  return {
    seq: 0,
    timeMs: 0,
    subjectId: -1,
    subject: NOTHING,
    headers: undefined,
    payload: NOTHING,
  };
}
