// The transcripts against our server as it ships.

import { playTranscripts } from './ours.ts';

playTranscripts({ name: 'the release Wasm', everyCutBytes: 48 });
