// The transcripts against our server on the Wasm with its assertions.

import { readFileSync } from 'node:fs';
import { playTranscripts } from './ours.ts';

const wasm = readFileSync(`${import.meta.dirname}/../../build/debug.wasm`);

playTranscripts({ name: 'the debug Wasm', wasm: new Uint8Array(wasm), everyCutBytes: 24 });
