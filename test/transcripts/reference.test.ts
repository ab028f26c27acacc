// The transcripts against the real nats-server, whole only: it answers a pedantic PUB twice when
// its payload comes in a later read. Without the binary the suite says so and plays nothing.

import { afterAll, describe, expect, test } from 'vitest';
import { findReference, REFERENCE_INSTALL, REFERENCE_VERSION } from '../reference.ts';
import { byFeature, loadTranscripts } from './load.ts';
import { play } from './play.ts';
import { startReferenceTarget, TargetPool } from './targets.ts';

/** What nats-server does not do it does not do in this time: a word that never comes is waited for. */
const DIVERGENCE_PATIENCE_MS = 200;

const found = findReference() !== undefined;
const pool = new TargetPool(startReferenceTarget);
afterAll(() => pool.close());

describe.skipIf(!found)(`nats-server ${REFERENCE_VERSION}`, () => {
  for (const [feature, cases] of byFeature(loadTranscripts())) {
    describe(feature, () => {
      for (const { title, reference, conversation } of cases) {
        test(title, async () => {
          const server = await pool.server(reference.options);
          await play(feature, reference, server, { kind: 'whole' });
          await server.idle();
          if (reference === conversation) return;
          // A divergence that is none any more is a mistake on the list.
          const patience = DIVERGENCE_PATIENCE_MS;
          const differs = play(feature, conversation, server, { kind: 'whole' }, patience);
          await expect(differs).rejects.toThrow(`${feature}.md`);
          await server.idle();
        });
      }
    });
  }
});

test.runIf(!found)(`nats-server ${REFERENCE_VERSION} was not found: ${REFERENCE_INSTALL}`, () => {
  expect(findReference()).toBeUndefined();
});
