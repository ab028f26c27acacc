// A bus with JetStream, for tests: a clock that stands still, requests with their answers as objects, and what comes
// to an inbox.

import { internalsOf } from '../../src/bus/internals.ts';
import { type Bus, createBus, headers as headersOf, type Message } from '../../src/index.ts';
import { enableJetStream, type JetStream, startJetStream } from '../../src/jetstream/jetstream.ts';
import type { JetStreamOptions } from '../../src/jetstream/options.ts';
import { diskCode } from '../../src/jetstream/place/disk-code.ts';
import { Keeping, type KeepingPlace } from '../../src/jetstream/place/keeping.ts';
import type { Place, StreamPlace } from '../../src/jetstream/place/place.ts';
import { createMemoryStore } from '../../src/jetstream/store/memory-store.ts';
import type { Store } from '../../src/jetstream/store/store.ts';
import { streamClass } from '../../src/jetstream/stream-code.ts';
import type { Work } from '../../src/jetstream/work.ts';
import { FakeClock } from './fake-clock.ts';

// Most of these tests begin at once, and make streams where nothing waits.
await Promise.all([streamClass.load(), diskCode.load()]);

export interface Received {
  readonly subject: string;
  readonly text: string;
  readonly reply: string;
  /** The status of the headers; 0 = none. */
  readonly status: number;
  readonly description: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** There is nothing to be read. */
const NOTHING = function* (): Work<void> {};

export class JetStreamBus implements AsyncDisposable {
  readonly clock: FakeClock = new FakeClock();
  readonly bus: Bus;
  readonly errors: unknown[] = [];
  jetstream!: JetStream;

  static async open(options: JetStreamOptions = {}): Promise<JetStreamBus> {
    const opened = new JetStreamBus();
    opened.jetstream = await enableJetStream(opened.bus, options);
    return opened;
  }

  /** With a place of the test's own for its streams. */
  static in(
    place: Place,
    options: JetStreamOptions = {},
    bed: JetStreamBus = new JetStreamBus(),
  ): JetStreamBus {
    bed.jetstream = startJetStream(internalsOf(bed.bus), options, () => {}, place);
    return bed;
  }

  /** With stores of the test's own for messages, and nothing else that is kept. */
  static withStores(
    open: (...asked: Parameters<StreamPlace['openMessages']>) => Store,
  ): JetStreamBus {
    const bed = new JetStreamBus();
    const kept: KeepingPlace = {
      meta: {
        save: () => {},
        replace: async () => {},
        forget: async () => {},
        commit: (done) => done(),
      },
      openConsumers: () => ({ store: createMemoryStore({ storage: 'file' }), reading: NOTHING() }),
      forget: () => {},
      destroy: async () => {},
    };
    const keep: StreamPlace['keep'] = (isFound, onTouched) =>
      new Keeping(kept, bed.clock, isFound, onTouched);
    const openMessages: StreamPlace['openMessages'] = (...asked) => ({
      store: open(...asked),
      reading: NOTHING(),
    });
    const place = { openMessages, keep, destroy: async () => {} };
    const found = { found: () => [], unread: [], load: () => undefined };
    return JetStreamBus.in({ ...found, of: () => place, commit: (done) => done() }, {}, bed);
  }

  constructor() {
    this.bus = createBus({ clock: this.clock, onError: (error) => void this.errors.push(error) });
  }

  /** A request of the API without its prefix; answers with the object. */
  async api<T = Record<string, unknown>>(subject: string, body?: object): Promise<T> {
    const payload = body === undefined ? '' : JSON.stringify(body);
    const { string } = await this.ask(`$JS.API.${subject}`, payload);
    return JSON.parse(string) as T;
  }

  /** Makes a stream in memory; throws what the API refuses. */
  async stream(name: string, subjects: string[], config: object = {}): Promise<void> {
    const body = { name, subjects, storage: 'memory', ...config };
    const answer = await this.api(`STREAM.CREATE.${name}`, body);
    if ('error' in answer) throw new Error(JSON.stringify(answer.error));
  }

  /** State of a stream. */
  async state(name: string): Promise<Record<string, unknown>> {
    const { state } = await this.api<{ state: Record<string, unknown> }>(`STREAM.INFO.${name}`);
    return state;
  }

  /** Publishes with a reply; answers with what the stream says. */
  async publish(subject: string, text = '', headers?: Record<string, string>): Promise<string> {
    return (await this.ask(subject, text, headers)).string;
  }

  async ask(
    subject: string,
    text = '',
    headers?: Record<string, string>,
  ): Promise<{ string: string; message: Message }> {
    const block = headersOf();
    for (const [key, value] of Object.entries(headers ?? {})) block.set(key, value);
    const message = await this.bus.request(subject, text, {
      timeout: 1000,
      ...(headers !== undefined && { headers: block }),
    });
    return { string: message.string(), message };
  }

  /** Everything that comes on a subject from now on. */
  inbox(subject: string): Received[] {
    const received: Received[] = [];
    this.bus.subscribe(subject, (message: Message) => {
      const { headers } = message;
      received.push({
        subject: message.subject,
        text: message.string(),
        reply: message.reply ?? '',
        status: headers?.code ?? 0,
        description: headers?.description ?? '',
        headers: Object.fromEntries(
          [...(headers ?? [])].map(([key, values]) => [key, values.join()]),
        ),
      });
    });
    return received;
  }

  /** Lets everything that is due in this turn of the loop happen. */
  async settle(): Promise<void> {
    for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.jetstream.close();
    await this.bus.close();
  }
}
