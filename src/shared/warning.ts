// A warning to whoever looks after this process, where there is no log.

/** As a warning of Node, or on the console of what has none. */
export function emitWarning(text: string): void {
  if (typeof globalThis.process?.emitWarning === 'function') {
    globalThis.process.emitWarning(text, 'GanglionWarning');
  } else {
    console.warn(text);
  }
}
