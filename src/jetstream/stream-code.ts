// What a stream is made of, its consumers and its store included: loaded when the first stream of this process is made or
// found, for it is more than half of what JetStream is made of, and a start without a stream needs none of it.
import { OnDemand } from '../shared/on-demand.ts';

type StreamClass = typeof import('./stream/stream.ts').Stream;

export const streamClass: OnDemand<StreamClass> = new OnDemand(async () => {
  const { Stream } = await import('./stream/stream.ts');
  return Stream;
});
