// The store on disk under the contract of all stores: as it is, in segments that are full after a few messages, and where
// a commit waits for the disk.
import { afterAll } from 'vitest';
import { openStore, removeDirectories } from '../support/file-stores.ts';
import { SimDisk } from '../support/sim-disk.ts';
import { storeContract } from './store.ts';

afterAll(removeDirectories);

storeContract('file', (setting) => openStore(setting).store, false);
storeContract(
  'file in small pieces',
  (setting) => openStore({ ...setting, segmentBytes: 512, chunkRows: 4, slabBytes: 64 }).store,
  false,
);
storeContract(
  'file that is synced always',
  (setting) => openStore({ ...setting, sync: 'always' }).store,
  false,
);
storeContract(
  'file on a simulated disk',
  (setting) => openStore({ ...setting, disk: new SimDisk(), dir: '/s', segmentBytes: 512 }).store,
  false,
);
