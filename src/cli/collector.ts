// How often V8 goes through its whole heap in a process that is a server with streams.

/**
 * Lets the heap become four times what lives there before V8 goes through all of it: its own bound for one that fills
 * quickly. Stored messages lie beside the heap, where they count as growth but not as quick: for every 8 MiB of them V8 went
 * through a heap in which next to nothing had died, some 20 times a second. Of a stream that takes 1 KiB at a time that was
 * a fifth to a third of the processor's time.
 */
export function collectSeldom(): void {
  // Loaded here: no other start needs it.
  process.getBuiltinModule('node:v8').setFlagsFromString('--heap-growing-percent=300');
}
