// What keeps a stream on disk: loaded when the first one is made there or found there.
import { OnDemand } from '../../shared/on-demand.ts';

export const diskCode: OnDemand<typeof import('./on-disk.ts')> = new OnDemand(
  () => import('./on-disk.ts'),
);
