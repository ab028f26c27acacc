// Every operating error, in one table: a stable `code`, the class name and the message template. Class names,
// messages and constructors are those of @nats-io/nats-core where it has the error, so that a program
// may move between the two. `{…}` in a template is filled in by the class. What a peer does wrong is not here:
// it is answered by the bridge with the protocol's own text.

export const ERRORS = {
  authorization: { code: 'ERR_AUTHORIZATION', name: 'AuthorizationError', message: '{text}' },
  capacity: { code: 'ERR_CAPACITY', name: 'CapacityError', message: 'no room for {what}' },
  closedConnection: {
    code: 'ERR_CLOSED_CONNECTION',
    name: 'ClosedConnectionError',
    message: 'closed connection',
  },
  cycle: {
    code: 'ERR_CYCLE',
    name: 'CycleError',
    message: 'more than {count} messages were published by handlers in one turn: {subjects}',
  },
  drainingConnection: {
    code: 'ERR_DRAINING_CONNECTION',
    name: 'DrainingConnectionError',
    message: 'connection draining',
  },
  invalidArgument: {
    code: 'ERR_INVALID_ARGUMENT',
    name: 'InvalidArgumentError',
    message: '{text}',
  },
  invalidOperation: {
    code: 'ERR_INVALID_OPERATION',
    name: 'InvalidOperationError',
    message: '{text}',
  },
  invalidPayload: { code: 'ERR_INVALID_PAYLOAD', name: 'InvalidPayloadError', message: '{text}' },
  invalidSubject: {
    code: 'ERR_INVALID_SUBJECT',
    name: 'InvalidSubjectError',
    message: 'illegal subject: {subject}',
  },
  invariant: { code: 'ERR_INVARIANT', name: 'InvariantError', message: 'broken invariant: {text}' },
  noResponders: {
    code: 'ERR_NO_RESPONDERS',
    // What nats-core puts into `name`; the class is NoRespondersError.
    name: 'NoResponders',
    message: 'no responders: {subject}',
  },
  permissionViolation: {
    code: 'ERR_PERMISSION_VIOLATION',
    name: 'PermissionViolationError',
    message: '{text}',
  },
  request: { code: 'ERR_REQUEST', name: 'RequestError', message: '{text}' },
  service: { code: 'ERR_SERVICE', name: 'ServiceError', message: '{text}' },
  storage: { code: 'ERR_STORAGE', name: 'StorageError', message: '{text}' },
  timeout: { code: 'ERR_TIMEOUT', name: 'TimeoutError', message: 'timeout{what}' },
  wasmUnavailable: {
    code: 'ERR_WASM_UNAVAILABLE',
    name: 'WasmUnavailableError',
    message: 'WebAssembly cannot be used: {text}',
  },
} as const;

/** What is in the way of WebAssembly. */
export type WasmObstacle = 'missing' | 'unsupported' | 'forbidden' | 'memory';

/** Why there is no WebAssembly, and what to do. */
const WASM_OBSTACLES: Readonly<Record<WasmObstacle, string>> = {
  missing:
    'this runtime has none, or it is switched off (node --jitless, a browser in lockdown mode). ' +
    'Start it without that switch',
  unsupported: 'this runtime lacks instructions of WebAssembly 2.0 (SIMD). Take a newer one',
  forbidden:
    "it must not be compiled here. In a page, add 'wasm-unsafe-eval' to script-src of the " +
    'Content-Security-Policy; in a vm context of Node, set codeGeneration.wasm',
  memory:
    'its memory cannot be reserved. Raise the limit of virtual memory (ulimit -v), or run ' +
    'node --disable-wasm-trap-handler, which reserves less',
};

/** The kind of an error: a key of {@link ERRORS}. */
export type ErrorKind = keyof typeof ERRORS;
/** Stable text to switch on; it survives realms and bundles, which `instanceof` does not. */
export type ErrorCode = (typeof ERRORS)[ErrorKind]['code'];

/** What all operating errors are; `code` says which. */
export class GanglionError extends Error {
  readonly code: ErrorCode;

  constructor(kind: ErrorKind, values: Readonly<Record<string, unknown>>, options?: ErrorOptions) {
    const { code, name, message } = ERRORS[kind];
    super(fill(message, values), options);
    this.name = name;
    this.code = (values.code as ErrorCode | undefined) ?? code;
  }
}

/** Credentials were refused, or have expired. */
export class AuthorizationError extends GanglionError {
  constructor(message: string, options?: ErrorOptions) {
    super('authorization', { text: message }, options);
  }
}

/** Memory or a table is full. `what` completes "no room for …". */
export class CapacityError extends GanglionError {
  constructor(what: string, options?: ErrorOptions) {
    super('capacity', { what }, options);
  }
}

/** The bus or connection has been closed. */
export class ClosedConnectionError extends GanglionError {
  constructor(options?: ErrorOptions) {
    super('closedConnection', {}, options);
  }
}

/** Handlers went on publishing in answer to each other; `subjects` are the last ones seen. */
export class CycleError extends GanglionError {
  readonly subjects: readonly string[];

  constructor(count: number, subjects: readonly string[], options?: ErrorOptions) {
    super('cycle', { count, subjects: subjects.map(shortened).join(', ') }, options);
    this.subjects = subjects;
  }
}

/** The bus, connection or subscription is draining. */
export class DrainingConnectionError extends GanglionError {
  constructor(options?: ErrorOptions) {
    super('drainingConnection', {}, options);
  }
}

/** An option or argument is not what it has to be; the message names it. */
export class InvalidArgumentError extends GanglionError {
  constructor(message: string, options?: ErrorOptions) {
    super('invalidArgument', { text: message }, options);
  }

  /** The error for one named property: `'port' must be …`; several names are joined by commas. */
  static format(
    property: string | readonly string[],
    message: string,
    options?: ErrorOptions,
  ): InvalidArgumentError {
    const names = typeof property === 'string' ? [property] : property;
    return new InvalidArgumentError(`${names.map((n) => `'${n}'`).join(',')} ${message}`, options);
  }
}

/** The object is not in a state, or not of a kind, that allows the call. */
export class InvalidOperationError extends GanglionError {
  constructor(message: string, options?: ErrorOptions) {
    super('invalidOperation', { text: message }, options);
  }
}

/** A payload cannot be encoded, cannot be decoded, or is too large. */
export class InvalidPayloadError extends GanglionError {
  constructor(message: string, options?: ErrorOptions) {
    super('invalidPayload', { text: message }, options);
  }
}

/** The text is no valid subject for that use, or is no text. */
export class InvalidSubjectError extends GanglionError {
  constructor(subject: unknown, options?: ErrorOptions) {
    super('invalidSubject', { subject: quoted(subject) }, options);
  }
}

/** A mistake of this program itself: nobody is meant to catch it. */
export class InvariantError extends GanglionError {
  constructor(text: string, options?: ErrorOptions) {
    super('invariant', { text }, options);
  }
}

/** Nobody is subscribed to the subject of a request. */
export class NoRespondersError extends GanglionError {
  readonly subject: string;

  constructor(subject: string, options?: ErrorOptions) {
    super('noResponders', { subject: quoted(subject) }, options);
    this.subject = subject;
  }
}

/** The server does not allow that subject. */
export class PermissionViolationError extends GanglionError {
  readonly operation: 'publish' | 'subscription';
  readonly subject: string;
  readonly queue?: string;

  constructor(
    message: string,
    operation: 'publish' | 'subscription',
    subject: string,
    queue?: string,
    options?: ErrorOptions,
  ) {
    super('permissionViolation', { text: message }, options);
    this.operation = operation;
    this.subject = subject;
    if (queue !== undefined) this.queue = queue;
  }
}

/**
 * A request failed; `cause` says why, and its `code` is the code of this error, too. When all its handlers have
 * failed, the cause is what they threw: the one error, or an AggregateError; the code is then ERR_REQUEST.
 */
export class RequestError extends GanglionError {
  constructor(message = '', options?: ErrorOptions & { readonly code?: ErrorCode }) {
    const { code = codeOf(options?.cause) } = options ?? {};
    super('request', { text: message, code }, options);
  }

  isNoResponders(): boolean {
    return this.code === ERRORS.noResponders.code;
  }
}

/** A file or directory of a store cannot be read or written; the message names it. */
export class StorageError extends GanglionError {
  constructor(text: string, options?: ErrorOptions) {
    super('storage', { text }, options);
  }
}

/**
 * A service says that it has failed. A responder throws it to say so with a code of its own; a request rejects with one
 * that was made of the answer.
 */
export class ServiceError extends GanglionError {
  /** As in HTTP: 500, the service's own fault, unless it says another. */
  readonly serviceCode: number;

  constructor(serviceCode: number, message: string, options?: ErrorOptions) {
    super('service', { text: message }, options);
    this.serviceCode = serviceCode;
  }
}

/** Nothing came in time. */
export class TimeoutError extends GanglionError {
  constructor(options?: ErrorOptions, what = '') {
    super('timeout', { what }, options);
  }

  /** The error for what did not come on a subject. */
  static of(what: string, subject: string, ms: number): TimeoutError {
    return new TimeoutError(undefined, `: no ${what} on ${quoted(subject)} within ${ms} ms`);
  }
}

/**
 * Throws {@link InvariantError} when `condition` is false. For what this program made itself; what came
 * from outside is checked and answered, never asserted.
 */
export function assert(condition: boolean, text: string): asserts condition {
  if (!condition) throw new InvariantError(text);
}

/** The error itself, or one that has the thrown value in its message and as its cause. Never throws. */
export function toError(thrown: unknown): Error {
  try {
    if (thrown instanceof Error) return thrown;
    return new Error(`thrown: ${String(thrown)}`, { cause: thrown });
  } catch {
    // An object without a prototype has no text, a proxy may have a trap anywhere.
    return new Error('thrown: a value that has no text', { cause: thrown });
  }
}

/** Characters of a text that an error shows. */
const SHOWN_MAX = 128;

/** A text as an error shows it, in quotes; of what is no text what it is. */
export function quoted(text: unknown): string {
  return typeof text === 'string' ? `'${shortened(text)}'` : `${typeof text} instead of a string`;
}

/** As much of a text as an error shows. */
export function shortened(text: string): string {
  const { length } = text;
  return length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}… (${length} characters)` : text;
}

/** What a value is, for an error, in every realm: `Undefined`, `Number`, `Map`. */
export function kindOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice(8, -1);
}

function codeOf(cause: unknown): ErrorCode | undefined {
  return cause instanceof GanglionError ? cause.code : undefined;
}

/** WebAssembly, which everything here needs, cannot be used; `cause` is the engine's own error. */
export class WasmUnavailableError extends GanglionError {
  readonly obstacle: WasmObstacle;

  constructor(obstacle: WasmObstacle, options?: ErrorOptions) {
    const { cause } = options ?? {};
    const said = cause instanceof Error ? ` (${cause.message})` : '';
    super('wasmUnavailable', { text: WASM_OBSTACLES[obstacle] + said }, options);
    this.obstacle = obstacle;
  }
}

function fill(template: string, values: Readonly<Record<string, unknown>>): string {
  return template.replace(/\{(\w+)\}/g, (_, name: string) => String(values[name]));
}
