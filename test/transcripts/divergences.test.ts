// The list of what we do differently on purpose is made from the transcripts: it cannot be out of date.

import { expect, test } from 'vitest';
import { loadTranscripts } from './load.ts';

test('DIVERGENCES.md lists every case that diverges, with its reason', async () => {
  const rows = loadTranscripts()
    .filter(({ diverges }) => diverges !== undefined)
    .map(
      ({ feature, title, diverges }) => `- ${title} ([${feature}](${feature}.md)): ${diverges}.`,
    );
  const text = [
    '# Divergences from nats-server on the wire',
    '',
    'Made from the transcripts beside this file, where each is shown from both sides.',
    '',
    ...rows,
    '',
  ].join('\n');
  await expect(text).toMatchFileSnapshot(`${import.meta.dirname}/DIVERGENCES.md`);
});
