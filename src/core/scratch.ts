// The scratch region: the subjects of a publish and its body if it is small, then two texts of any other call.
// A publish that has stopped is read again when it goes on, and handlers make other calls meanwhile.
import { SCRATCH_BYTES, SLACK_BYTES, SUBJECT_MAX } from '../../assembly/abi.ts';

/** Room for one text. */
export const SCRATCH_TEXT: number = SUBJECT_MAX + SLACK_BYTES;
export const SCRATCH_SHOWN: number = SCRATCH_TEXT;
export const SCRATCH_REPLY: number = SCRATCH_TEXT * 2;
export const SCRATCH_BODY: number = SCRATCH_TEXT * 3;
export const SCRATCH_ASK: number = SCRATCH_BYTES - SCRATCH_TEXT * 2;
export const SCRATCH_ASK_SECOND: number = SCRATCH_ASK + SCRATCH_TEXT;
/** A batch may lie where the texts and the body of a publish do. */
export const SCRATCH_BATCH_MAX: number = SCRATCH_ASK - SLACK_BYTES;
export const SCRATCH_BODY_MAX: number = SCRATCH_ASK - SCRATCH_BODY - 2;
