// What the API answers when it refuses: a code as of HTTP, NATS' own number, and the sentence.

/** A refusal of the API. Never crosses the public doors but as the client's error. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: number;
  readonly errCode: number;
  readonly description: string;

  constructor(code: number, errCode: number, description: string) {
    super(description);
    this.code = code;
    this.errCode = errCode;
    this.description = description;
  }
}
