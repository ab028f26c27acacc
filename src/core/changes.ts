// Which filters come and go in an account, where somebody has asked for it.
import { STATUS_NO_MEMORY } from '../../assembly/abi.ts';
import { CapacityError } from '../shared/errors.ts';
import type { AccountHandle } from './accounts.ts';
import type { Core } from './core.ts';
import { readText } from './records.ts';

/**
 * Has the changes of an account noted from now on, for `takeChanges`, or no more. Throws CapacityError. An account
 * that is closed has none.
 */
export function watchChanges({ exports }: Core, account: AccountHandle, isWatched: boolean): void {
  const status = exports.accountWatch(account, isWatched ? 1 : 0);
  if (status === STATUS_NO_MEMORY) throw new CapacityError('a watch of interest');
}

/**
 * Calls `visit` for each filter that came or went in a watched account since the last time; bytes that are no UTF-8
 * are replaced.
 *
 * @returns false, without a call: there were too many to note
 */
export function takeChanges(
  { exports, views }: Core,
  visit: (account: AccountHandle, filter: string) => void,
): boolean {
  const bytes = exports.changesTake();
  if (bytes < 0) return false;
  const start = exports.changesLogPtr() >>> 0;
  for (let ptr = start; ptr < start + bytes; ) {
    const account = views.word(ptr);
    const length = views.word(ptr + 4);
    visit(account, readText(views, ptr + 8, length));
    ptr += 8 + ((length + 3) & ~3);
  }
  return true;
}
