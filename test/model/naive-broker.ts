// A broker as simple as can be: it is told what one client did and what everybody was sent for it, and says
// whether that is right. Where the server may choose (the order of one message's recipients, the member of a
// queue group) it takes any choice that the rules allow, and goes on from there.

import {
  SESSION_ECHO,
  SESSION_HEADERS,
  SESSION_NO_RESPONDERS,
  SESSION_PEDANTIC,
  SESSION_VERBOSE,
} from '../../assembly/abi.ts';
import { NaiveSublist } from './matches.ts';
import type { Frame } from './outgoing.ts';

/** What one client does. Text is latin1. */
export type Action =
  | { kind: 'sub'; session: number; filter: string; queue: string; sid: string }
  | { kind: 'unsub'; session: number; sid: string; max: number }
  | {
      kind: 'pub';
      session: number;
      subject: string;
      reply: string;
      header: string;
      payload: string;
    }
  | { kind: 'ping'; session: number }
  | { kind: 'close'; session: number };

/** The action as a client writes it; undefined: closing is no text. */
export function encodeAction(action: Action): string | undefined {
  if (action.kind === 'ping') return 'PING\r\n';
  if (action.kind === 'sub') {
    const queue = action.queue === '' ? '' : `${action.queue} `;
    return `SUB ${action.filter} ${queue}${action.sid}\r\n`;
  }
  if (action.kind === 'unsub') {
    return action.max === 0 ? `UNSUB ${action.sid}\r\n` : `UNSUB ${action.sid} ${action.max}\r\n`;
  }
  if (action.kind === 'close') return undefined;
  const { subject, header, payload } = action;
  const reply = action.reply === '' ? '' : `${action.reply} `;
  const total = header.length + payload.length;
  const sizes = header === '' ? `${total}` : `${header.length} ${total}`;
  return `${header === '' ? 'PUB' : 'HPUB'} ${subject} ${reply}${sizes}\r\n${header}${payload}\r\n`;
}

interface Subscription {
  readonly session: number;
  readonly sid: string;
  delivered: number;
  max: number;
}

/** Why what was sent is wrong. */
export class WrongAnswerError extends Error {}

export class NaiveBroker {
  #flags: readonly number[];
  #closed = new Set<number>();
  #sublist = new NaiveSublist<Subscription>();
  #subscriptions = new Map<string, Subscription>();

  /** One session for each word of SESSION_* flags. */
  constructor(flags: readonly number[]) {
    this.#flags = flags;
  }

  get subscriptionCount(): number {
    return this.#subscriptions.size;
  }

  /** Takes the next action and what each session was sent for it; throws when that is wrong. */
  step(action: Action, sent: readonly (readonly Frame[])[]): void {
    if (this.#closed.has(action.session)) this.#expect(sent, []);
    else if (action.kind === 'pub') this.#publish(action, sent);
    else this.#expect(sent, this.#only(action, this.#change(action)));
  }

  // What whoever did it is answered.
  #change(action: Exclude<Action, { kind: 'pub' }>): Frame[] {
    if (action.kind === 'ping') return [{ kind: 'PONG' }];
    if (action.kind === 'sub') this.#subscribe(action.session, action);
    if (action.kind === 'unsub') this.#unsubscribe(action.session, action.sid, action.max);
    if (action.kind === 'close') this.#close(action.session);
    const isAnswered = action.kind !== 'close' && this.#has(action.session, SESSION_VERBOSE);
    return isAnswered ? [{ kind: '+OK' }] : [];
  }

  #has(session: number, flag: number): boolean {
    return ((this.#flags[session] ?? 0) & flag) !== 0;
  }

  #only(action: Action, frames: Frame[]): Frame[][] {
    return this.#flags.map((_, session) => (session === action.session ? frames : []));
  }

  #expect(sent: readonly (readonly Frame[])[], expected: readonly (readonly Frame[])[]): void {
    for (const [session, frames] of sent.entries()) {
      const [got, want] = [texts(frames), texts(expected[session] ?? [])];
      if (got.join('\n') !== want.join('\n')) {
        throw new WrongAnswerError(`session ${session}: got ${got}, expected ${want}`);
      }
    }
  }

  #subscribe(session: number, { filter, queue, sid }: Record<'filter' | 'queue' | 'sid', string>) {
    const key = `${session} ${sid}`;
    if (this.#subscriptions.has(key)) return;
    const subscription = { session, sid, delivered: 0, max: 0 };
    this.#subscriptions.set(key, subscription);
    this.#sublist.insert(filter, queue, subscription);
  }

  #unsubscribe(session: number, sid: string, max: number): void {
    const found = this.#subscriptions.get(`${session} ${sid}`);
    if (found === undefined) return;
    if (max > found.delivered) found.max = max;
    else this.#remove(found);
  }

  #remove(subscription: Subscription): void {
    this.#subscriptions.delete(`${subscription.session} ${subscription.sid}`);
    this.#sublist.remove(subscription);
  }

  #close(session: number): void {
    this.#closed.add(session);
    for (const found of [...this.#subscriptions.values()]) {
      if (found.session === session) this.#remove(found);
    }
  }

  #publish(action: Action & { kind: 'pub' }, sent: readonly (readonly Frame[])[]): void {
    const left = sent.map((frames) => texts(frames));
    const own = left[action.session] ?? [];
    if (this.#has(action.session, SESSION_PEDANTIC) && !isLiteral(action.subject)) {
      this.#takeFirst(own, { kind: '-ERR', text: 'Invalid Publish Subject' });
    }
    if (this.#has(action.session, SESSION_VERBOSE)) this.#takeFirst(own, { kind: '+OK' });
    const reached = this.#deliver(action, left);
    if (reached === 0) this.#noResponders(action, own);
    for (const [session, frames] of left.entries()) {
      if (frames.length > 0) throw new WrongAnswerError(`session ${session} was sent ${frames}`);
    }
  }

  #takeFirst(frames: string[], frame: Frame): void {
    const [want] = texts([frame]);
    if (frames.shift() !== want) throw new WrongAnswerError(`${want} did not come first`);
  }

  #deliver(action: Action & { kind: 'pub' }, left: string[][]): number {
    if (action.subject.split('.').includes('')) return 0;
    const { plain, groups } = this.#sublist.match(action.subject);
    let reached = 0;
    for (const subscription of plain.filter((one) => this.#hears(one, action.session))) {
      if (!this.#wasSent(subscription, action, left)) {
        throw new WrongAnswerError(`${subscription.session} ${subscription.sid} got nothing`);
      }
      reached++;
    }
    for (const [queue, members] of groups) {
      const able = members.filter((one) => this.#hears(one, action.session));
      if (able.length === 0) continue;
      if (!able.some((one) => this.#wasSent(one, action, left))) {
        throw new WrongAnswerError(`nobody of ${queue} got it`);
      }
      reached++;
    }
    return reached;
  }

  #hears(subscription: Subscription, from: number): boolean {
    return subscription.session !== from || this.#has(from, SESSION_ECHO);
  }

  // Crosses the frame for that subscription off, if it is there, and counts it.
  #wasSent(one: Subscription, action: Action & { kind: 'pub' }, left: string[][]): boolean {
    const frames = left[one.session] ?? [];
    const { subject, reply, payload, header } = action;
    const message = { subject, sid: one.sid, reply, payload };
    const hasBlock = header !== '' && this.#has(one.session, SESSION_HEADERS);
    const [want = ''] = texts([
      hasBlock ? { kind: 'HMSG', ...message, header } : { kind: 'MSG', ...message },
    ]);
    const at = frames.indexOf(want);
    if (at < 0) return false;
    frames.splice(at, 1);
    one.delivered++;
    if (one.max > 0 && one.delivered >= one.max) this.#remove(one);
    return true;
  }

  #noResponders(action: Action & { kind: 'pub' }, own: string[]): void {
    const { session, reply, subject } = action;
    if (reply === '' || !this.#has(session, SESSION_NO_RESPONDERS)) return;
    const hearers = this.#sublist.match(reply).plain.filter((one) => one.session === session);
    if (hearers.length === 0) return;
    const header = `NATS/1.0 503\r\nNats-Subject: ${subject}\r\n\r\n`;
    const frames = hearers.map(({ sid }) => {
      return texts([{ kind: 'HMSG', subject: reply, sid, reply: '', header, payload: '' }])[0];
    });
    const got = own.shift();
    if (!frames.includes(got)) throw new WrongAnswerError(`${got} is not the 503`);
  }
}

function isLiteral(subject: string): boolean {
  return subject.split('.').every((token) => token !== '' && token !== '*' && token !== '>');
}

function texts(frames: readonly Frame[]): string[] {
  return frames.map(({ kind, text, subject, sid, reply, header, payload }) =>
    JSON.stringify([kind, text, subject, sid, reply, header, payload]),
  );
}
