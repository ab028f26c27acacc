// What a handler returns. A promise is anything with a `then`, as for `await`; it may be of any library, so whoever
// waits for it does not trust it to keep to the rules.

export interface Thenable {
  then(onDone: () => void, onError: (error: unknown) => void): unknown;
}

export function isPromise(result: unknown): result is Thenable {
  return typeof (result as Partial<Thenable> | null | undefined)?.then === 'function';
}
