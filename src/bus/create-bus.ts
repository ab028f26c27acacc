// The way to a bus.

import { createCore } from '../core/index.ts';
import { checkOptions } from './arguments.ts';
import { Bus } from './bus.ts';
import { Engine, GLOBAL_ACCOUNT } from './engine.ts';
import { checkInboxPrefix } from './request.ts';
import type { TypedBus } from './typed-bus.ts';
import type { BusOptions } from './types.ts';

/** No arguments fit where no map is named, so that such a call is the untyped one. */
type OptionsOf<M> = [M] extends [never] ? [unnamed: never] : [options?: BusOptions];

/**
 * A bus of this process: synchronous, with no socket. With a map of types, `createBus<Subjects>()`, its
 * subjects have types: the keys are subjects and filters, the values what is published there, or
 * `{ request: A; reply: B }` where requests are answered.
 *
 * Throws TypeError, InvalidArgumentError or InvalidSubjectError for an `inboxPrefix` that no inbox can have, and
 * WasmUnavailableError, which says what is in the way of WebAssembly; nothing is left behind then, and a
 * later call may succeed.
 */
export function createBus<M extends object = never>(...args: OptionsOf<M>): TypedBus<M>;
export function createBus(options?: BusOptions): Bus;
export function createBus(given: BusOptions = {}): Bus {
  const options = checkOptions(given);
  const { wasm, poolMax, inboxPrefix = '' } = options;
  checkInboxPrefix(inboxPrefix);
  const core = createCore({
    ...(wasm !== undefined && { wasm }),
    ...(poolMax !== undefined && { poolMax }),
  });
  return new Bus(new Engine(core, options), GLOBAL_ACCOUNT, options);
}
