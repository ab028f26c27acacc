// One line on a terminal that says where the bench is, and goes away when it is done. Without a terminal
// nothing is written.

export interface ProgressStream {
  readonly isTTY?: boolean;
  /** 0 or undefined where nobody knows. */
  readonly columns?: number;
  write(text: string): unknown;
}

export interface Progress {
  /** Shows `text` instead of what was there. */
  show(text: string): void;
  /** Makes the line blank. */
  clear(): void;
}

const COLUMNS = 80;
const ERASE_LINE = '\r\x1b[K';

export function createProgress(stream: ProgressStream): Progress {
  let isShown = false;
  const clear = (): void => {
    if (isShown) stream.write(ERASE_LINE);
    isShown = false;
  };
  return {
    clear,
    show: (text) => {
      if (stream.isTTY !== true) return;
      // In the last column some terminals begin a new line.
      stream.write(`${ERASE_LINE}${text.slice(0, (stream.columns || COLUMNS) - 1)}`);
      isShown = true;
    },
  };
}
