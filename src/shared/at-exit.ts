// What is still to be done when this process, or this thread, ends by itself: by its last work, by `process.exit`, or by
// an error that nobody caught. A signal that kills it does not come by here.

const works = new Set<() => void>();
let isListening = false;

/** `work` is called then, unless what is returned has been called before. It must not wait for anything. */
export function atExit(work: () => void): () => void {
  if (!isListening) {
    isListening = true;
    process.once('exit', () => {
      for (const each of works) each();
    });
  }
  works.add(work);
  return () => void works.delete(work);
}
