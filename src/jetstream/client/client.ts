// A program's way to streams: publishes that are acknowledged, and the consumers that it takes messages from, under the
// names that nats.js has for it.
import { MessageHeaders } from '../../bus/headers.ts';
import { Api, type JetStreamOptions } from './api.ts';
import { type ApiRefusal, JetStreamApiError } from './errors.ts';
import { type JetStreamManager, jetstreamManager } from './manager.ts';
import { Consumer } from './pulls.ts';
import type { ConsumerInfo, JetStreamPublishOptions, PubAck, Publisher } from './types.ts';

/** A client of the streams of a bus, or of a connection to one. */
export function jetstream(connection: Publisher, options: JetStreamOptions = {}): JetStreamClient {
  return new JetStreamClient(connection, options);
}

export class JetStreamClient {
  readonly #api: Api;
  readonly #options: JetStreamOptions;
  readonly consumers: Consumers;

  constructor(connection: Publisher, options: JetStreamOptions) {
    this.#api = new Api(connection, options);
    this.#options = options;
    this.consumers = new Consumers(this.#api);
  }

  jetstreamManager(): Promise<JetStreamManager> {
    return jetstreamManager(this.#api.connection, this.#options);
  }

  /**
   * Resolves when the message is stored. Rejects with JetStreamApiError when the stream refuses it, and as a request does
   * when no stream has the subject.
   */
  async publish(
    subject: string,
    payload: string | Uint8Array = '',
    options: Partial<JetStreamPublishOptions> = {},
  ): Promise<PubAck> {
    const { timeout = this.#api.timeoutMs } = options;
    const headers = headersOf(options);
    const answer = await this.#api.connection.request(subject, payload, {
      timeout,
      ...(headers !== undefined && { headers }),
    });
    const { error, ...ack } = answer.json<PubAck & { error?: ApiRefusal }>();
    if (error !== undefined) throw new JetStreamApiError(error);
    return { ...ack, duplicate: ack.duplicate === true };
  }
}

export class Consumers {
  readonly #api: Api;

  constructor(api: Api) {
    this.#api = api;
  }

  /** A consumer that is there. Rejects with JetStreamApiError when it is not. */
  async get(stream: string, name: string): Promise<Consumer> {
    const info = await this.#api.ask<ConsumerInfo>(`CONSUMER.INFO.${stream}.${name}`);
    return new Consumer(this.#api, info);
  }
}

function headersOf({
  msgID,
  expect = {},
  headers,
}: Partial<JetStreamPublishOptions>): MessageHeaders | undefined {
  const asked: [key: string, value: string | number | undefined][] = [
    ['Nats-Msg-Id', msgID],
    ['Nats-Expected-Last-Msg-Id', expect.lastMsgID],
    ['Nats-Expected-Stream', expect.streamName],
    ['Nats-Expected-Last-Sequence', expect.lastSequence],
    ['Nats-Expected-Last-Subject-Sequence', expect.lastSubjectSequence],
    ['Nats-Expected-Last-Subject-Sequence-Subject', expect.lastSubjectSequenceSubject],
  ];
  const given = asked.filter(([, value]) => value !== undefined && value !== '');
  if (given.length === 0 && headers === undefined) return undefined;
  const all = new MessageHeaders();
  for (const [key, values] of headers ?? []) for (const value of values) all.append(key, value);
  for (const [key, value] of given) all.set(key, `${value}`);
  return all;
}
