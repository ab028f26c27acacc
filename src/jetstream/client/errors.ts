// What a client of the API throws, under the names that nats.js has for it.

/** The API has refused: `code` is NATS' number of the reason, `status` its class as of HTTP. */
export class JetStreamApiError extends Error {
  override readonly name: string = 'JetStreamApiError';
  readonly code: number;
  readonly status: number;

  constructor({ code, err_code, description }: ApiRefusal) {
    super(description);
    this.code = err_code;
    this.status = code;
  }
}

/** A pull has been refused, or ended before its time: `code` is its status. */
export class JetStreamStatusError extends Error {
  override readonly name: string = 'JetStreamStatusError';
  readonly code: number;

  constructor(code: number, description: string) {
    super(description);
    this.code = code;
  }
}

/** An error of an answer of the API. */
export interface ApiRefusal {
  readonly code: number;
  readonly err_code: number;
  readonly description: string;
}
