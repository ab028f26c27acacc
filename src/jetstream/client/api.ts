// Requests of the API: an object goes, an object comes, and a refusal is thrown.
import { type ApiRefusal, JetStreamApiError } from './errors.ts';
import type { Publisher } from './types.ts';

export interface JetStreamOptions {
  /** What stands before requests instead of `$JS.API`. */
  readonly apiPrefix?: string;
  /** That of a domain is `$JS.<domain>.API`. */
  readonly domain?: string;
  /** Milliseconds that an answer may take (default 5,000). */
  readonly timeout?: number;
}

const TIMEOUT_MS = 5000;

export class Api {
  readonly connection: Publisher;
  readonly prefix: string;
  readonly timeoutMs: number;

  constructor(connection: Publisher, { apiPrefix, domain, timeout }: JetStreamOptions = {}) {
    this.connection = connection;
    this.prefix = apiPrefix ?? (domain === undefined ? '$JS.API' : `$JS.${domain}.API`);
    this.timeoutMs = timeout ?? TIMEOUT_MS;
  }

  /** Rejects with JetStreamApiError, and with what a request rejects with. */
  async ask<T>(subject: string, body?: object): Promise<T> {
    const payload = body === undefined ? '' : JSON.stringify(body);
    const timeout = this.timeoutMs;
    const answer = await this.connection.request(`${this.prefix}.${subject}`, payload, { timeout });
    const { error, ...rest } = answer.json<{ error?: ApiRefusal }>();
    if (error !== undefined) throw new JetStreamApiError(error);
    return rest as T;
  }

  /** Everything that a list has, page after page. */
  async *all<T>(subject: string, key: string, body: object = {}): AsyncGenerator<T> {
    for (let offset = 0, total = 1; offset < total; ) {
      const page = await this.ask<Page>(subject, { ...body, offset });
      const items = (page[key] as T[] | null | undefined) ?? [];
      if (items.length === 0) return;
      yield* items;
      offset += items.length;
      total = page.total;
    }
  }
}

interface Page {
  readonly total: number;
  readonly [key: string]: unknown;
}
