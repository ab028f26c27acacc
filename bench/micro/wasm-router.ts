// The core as a router of the micro bench, driven as src/bridge drives it.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type AccountHandle,
  type Core,
  createCore,
  peersOf,
  SESSION_AUTHENTICATED,
  SESSION_ECHO,
  SESSION_HEADERS,
  type SessionHandle,
  STATUS_OK,
  STATUS_OP,
} from '../../src/core/index.ts';
import { ROOT } from '../shared/root.ts';
import { layOut, type Placed, type Router, SESSIONS } from './router.ts';

/** The release build and beside it the parser alone (assembly/testing.ts). */
export const PARSER_WASM: string = join(ROOT, 'build', 'bench', 'parser.wasm');

interface ParserExports {
  parseAll(ptr: number, end: number): number;
}

const LIMITS = { payloadMax: 1 << 20, controlLineMax: 4096, pendingMax: 64 << 20 };

export class WasmRouter implements Router {
  readonly name = 'ganglion';
  readonly isOurs = true;
  readonly #core: Core;
  readonly #account: AccountHandle;
  readonly #sessions: readonly SessionHandle[];
  #readBytes = 0;
  #placed: Placed = layOut([]);
  #placedPtr = 0;

  /** @param isParserOnly of the build that can parse without routing; it routes as well */
  constructor(isParserOnly = false) {
    this.#core = createCore(isParserOnly ? { wasm: parserWasm() } : {});
    this.#account = this.#core.accounts.create();
    this.#sessions = Array.from({ length: SESSIONS }, () => {
      const session = peersOf(this.#core).sessions.open(this.#account);
      peersOf(this.#core).sessions.setFlags(
        session,
        SESSION_AUTHENTICATED | SESSION_ECHO | SESSION_HEADERS,
      );
      peersOf(this.#core).sessions.setLimits(session, LIMITS);
      return session;
    });
  }

  say(session: number, text: string): void {
    const core = this.#core;
    const bytes = Buffer.from(text, 'latin1');
    core.writeBytes(core.inbox.ptr, bytes);
    for (let at = 0; at < bytes.length; at += core.op.consumed) {
      const handle = this.#sessions[session]!;
      const status = peersOf(core).sessions.ingest(handle, core.inbox.ptr + at, bytes.length - at);
      if (status === STATUS_OP) {
        if (peersOf(core).sessions.subscribe(handle) !== STATUS_OK)
          throw new Error('not subscribed');
      } else if (status !== STATUS_OK || core.op.consumed === 0) {
        throw new Error(`the core answers ${status}`);
      }
    }
    core.turnEnd();
  }

  load(bytes: Uint8Array): void {
    this.#core.writeBytes(this.#core.inbox.ptr, bytes);
    this.#readBytes = bytes.length;
  }

  route(): number {
    const core = this.#core;
    const status = peersOf(core).sessions.ingest(
      this.#sessions[0]!,
      core.inbox.ptr,
      this.#readBytes,
    );
    if (status !== STATUS_OK || core.op.consumed !== this.#readBytes) {
      throw new Error(`the core answers ${status} after ${core.op.consumed} bytes`);
    }
    let sent = 0;
    for (
      let take = peersOf(core).outbound.take();
      take !== undefined;
      take = peersOf(core).outbound.take()
    ) {
      for (const { ptr, length } of take.segments) sent += core.view(ptr, length).length;
      peersOf(core).outbound.release(take.session);
      peersOf(core).outbound.settle(take.session, take.bytes);
    }
    core.turnEnd();
    return sent;
  }

  parse(): number {
    const { inbox, exports } = this.#core;
    const parser = exports as unknown as ParserExports;
    return parser.parseAll(inbox.ptr, inbox.ptr + this.#readBytes);
  }

  place(subjects: readonly string[]): void {
    this.#placed = layOut(subjects);
    const { bytes } = this.#placed;
    this.#placedPtr = this.#core.exports.blockAllocate(bytes.length + 64) >>> 0;
    this.#core.writeBytes(this.#placedPtr, bytes);
  }

  match(start: number, end: number): number {
    const { exports } = this.#core;
    const { offsets, lengths } = this.#placed;
    const account = this.#account;
    const placedPtr = this.#placedPtr;
    let count = 0;
    for (let index = start; index < end; index += 1) {
      const ptr = placedPtr + offsets[index]!;
      count += exports.routeInterest(account, ptr, lengths[index]!, 0, 0);
    }
    return count;
  }

  lookUp(start: number, end: number): number {
    const { exports } = this.#core;
    const { offsets, lengths } = this.#placed;
    const account = this.#account;
    const placedPtr = this.#placedPtr;
    let count = 0;
    for (let index = start; index < end; index += 1) {
      const ptr = placedPtr + offsets[index]!;
      if (exports.routeResolve(account, ptr, lengths[index]!) !== 0) count += 1;
    }
    return count;
  }
}

function parserWasm(): Uint8Array {
  if (!existsSync(PARSER_WASM)) throw new Error(`${PARSER_WASM} is missing`);
  return readFileSync(PARSER_WASM);
}
