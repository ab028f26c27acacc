// Streams and consumers made, looked at and changed by a program, under the names that nats.js has for it.
import { MessageHeaders } from '../../bus/headers.ts';
import type { MsgHdrs } from '../../bus/types.ts';
import { Api, type JetStreamOptions } from './api.ts';
import { JetStreamApiError } from './errors.ts';
import type {
  AccountInfo,
  ConsumerConfig,
  ConsumerInfo,
  MessageRequest,
  Publisher,
  PurgeOptions,
  StreamConfig,
  StreamInfo,
} from './types.ts';

const NO_MESSAGE = 10_037;
const STREAM_NOT_FOUND = 10_059;

/** A message as it lies in a stream. */
export interface StoredMsg {
  subject: string;
  seq: number;
  header: MsgHdrs;
  data: Uint8Array;
  time: Date;
  timestamp: string;
  json<T>(): T;
  string(): string;
}

/**
 * The manager of the streams of a bus, or of a connection to one; it rejects where there is no JetStream. Each of its
 * methods rejects with JetStreamApiError when the API refuses.
 */
export async function jetstreamManager(
  connection: Publisher,
  options: JetStreamOptions = {},
): Promise<JetStreamManager> {
  const manager = new JetStreamManager(new Api(connection, options));
  await manager.getAccountInfo();
  return manager;
}

export class JetStreamManager {
  readonly #api: Api;
  readonly streams: StreamApi;
  readonly consumers: ConsumerApi;

  constructor(api: Api) {
    this.#api = api;
    this.streams = new StreamApi(api);
    this.consumers = new ConsumerApi(api);
  }

  getAccountInfo(): Promise<AccountInfo> {
    return this.#api.ask('INFO');
  }
}

export class StreamApi {
  readonly #api: Api;

  constructor(api: Api) {
    this.#api = api;
  }

  add(config: StreamConfig): Promise<StreamInfo> {
    return this.#api.ask(`STREAM.CREATE.${config.name}`, config);
  }

  /** Changes what is named; the rest stays as it is. */
  async update(name: string, changes: Partial<StreamConfig>): Promise<StreamInfo> {
    const { config } = await this.info(name);
    return this.#api.ask(`STREAM.UPDATE.${name}`, { ...config, ...changes });
  }

  info(
    name: string,
    options?: Partial<{ subjects_filter: string; deleted_details: boolean }>,
  ): Promise<StreamInfo> {
    return this.#api.ask(`STREAM.INFO.${name}`, options);
  }

  async delete(name: string): Promise<boolean> {
    return (await this.#api.ask<{ success: boolean }>(`STREAM.DELETE.${name}`)).success;
  }

  purge(name: string, options?: PurgeOptions): Promise<{ success: boolean; purged: number }> {
    return this.#api.ask(`STREAM.PURGE.${name}`, options);
  }

  /** Of those that take a subject, if one is given. */
  names(subject?: string): AsyncGenerator<string> {
    return this.#api.all('STREAM.NAMES', 'streams', subject === undefined ? {} : { subject });
  }

  list(subject?: string): AsyncGenerator<StreamInfo> {
    return this.#api.all('STREAM.LIST', 'streams', subject === undefined ? {} : { subject });
  }

  /** The name of the stream that takes a subject. Rejects with JetStreamApiError when there is none. */
  async find(subject: string): Promise<string> {
    for await (const name of this.names(subject)) return name;
    throw new JetStreamApiError({
      code: 404,
      err_code: STREAM_NOT_FOUND,
      description: 'no stream matches subject',
    });
  }

  /** null: there is no such message. */
  async getMessage(name: string, request: MessageRequest): Promise<StoredMsg | null> {
    try {
      const answer = await this.#api.ask<{ message: Stored }>(`STREAM.MSG.GET.${name}`, request);
      return storedMsg(answer.message);
    } catch (error) {
      if (error instanceof JetStreamApiError && error.code === NO_MESSAGE) return null;
      throw error;
    }
  }

  async deleteMessage(name: string, seq: number, erase = true): Promise<boolean> {
    const body = erase ? { seq } : { seq, no_erase: true };
    return (await this.#api.ask<{ success: boolean }>(`STREAM.MSG.DELETE.${name}`, body)).success;
  }
}

export class ConsumerApi {
  readonly #api: Api;

  constructor(api: Api) {
    this.#api = api;
  }

  add(stream: string, config: ConsumerConfig): Promise<ConsumerInfo> {
    return this.#create(stream, config, 'create');
  }

  /** Changes what is named; the rest stays as it is. */
  async update(
    stream: string,
    name: string,
    changes: Partial<ConsumerConfig>,
  ): Promise<ConsumerInfo> {
    const { config } = await this.info(stream, name);
    return this.#create(stream, { ...config, ...changes, name }, 'update');
  }

  #create(stream: string, config: ConsumerConfig, action: string): Promise<ConsumerInfo> {
    const name = config.name ?? config.durable_name;
    const { filter_subject: filter } = config;
    const tail = name === undefined ? '' : `.${name}${filter === undefined ? '' : `.${filter}`}`;
    const body = { stream_name: stream, config, action };
    return this.#api.ask(`CONSUMER.CREATE.${stream}${tail}`, body);
  }

  info(stream: string, name: string): Promise<ConsumerInfo> {
    return this.#api.ask(`CONSUMER.INFO.${stream}.${name}`);
  }

  async delete(stream: string, name: string): Promise<boolean> {
    const subject = `CONSUMER.DELETE.${stream}.${name}`;
    return (await this.#api.ask<{ success: boolean }>(subject)).success;
  }

  list(stream: string): AsyncGenerator<ConsumerInfo> {
    return this.#api.all(`CONSUMER.LIST.${stream}`, 'consumers');
  }
}

/** As the API shows it: headers and data are base64. */
interface Stored {
  readonly subject: string;
  readonly seq: number;
  readonly hdrs?: string;
  readonly data?: string;
  readonly time: string;
}

const decoder = new TextDecoder();

function storedMsg({ subject, seq, hdrs, data = '', time }: Stored): StoredMsg {
  const bytes = bytesOf(data);
  return {
    subject,
    seq,
    header: headersOf(hdrs === undefined ? '' : decoder.decode(bytesOf(hdrs))),
    data: bytes,
    time: new Date(time),
    timestamp: time,
    json: <T>() => JSON.parse(decoder.decode(bytes)) as T,
    string: () => decoder.decode(bytes),
  };
}

function bytesOf(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
}

function headersOf(block: string): MsgHdrs {
  const headers = new MessageHeaders();
  for (const line of block.split('\r\n').slice(1)) {
    const colon = line.indexOf(':');
    if (colon > 0) headers.append(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  return headers;
}
