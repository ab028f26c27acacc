// `ganglion/jetstream`: streams and consumers on a bus.
export { enableJetStream, type JetStream } from './jetstream.ts';
export type { JetStreamLimits, JetStreamOptions } from './options.ts';
