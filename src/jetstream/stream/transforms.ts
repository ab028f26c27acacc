// What a stream makes of subjects: of those that come, before anything else, and of those on which it publishes again what
// it has stored.
// Source: nats-server 2.15.3, server/stream.go, checkStreamCfg, processJetStreamMsg.
import { PickSource } from '../../bus/random.ts';
import {
  checkDestination,
  SubjectTransform,
  TransformMistake,
} from '../../shared/subject-transform.ts';
import { refusal } from '../errors.ts';
import { isValidSubject, subjectsCollide } from '../subjects.ts';
import type { RepublishConfig, StreamConfig, StreamRequest } from './config.ts';
import { bytesText, shownText } from './header-block.ts';

export interface Transforms {
  readonly incoming: SubjectTransform | undefined;
  readonly republish:
    | { readonly subjects: SubjectTransform; readonly headersOnly: boolean }
    | undefined;
}

/** They have been checked. */
export function transformsOf({ subject_transform, republish }: StreamConfig): Transforms {
  const incoming = subject_transform && transformOf(subject_transform.src, subject_transform.dest);
  const again = republish && transformOf(republish.src, republish.dest);
  return {
    incoming,
    republish: again && { subjects: again, headersOnly: republish?.headers_only === true },
  };
}

/** The configuration with what the request says of transforms, checked and filled in. Throws ApiError. */
export function withTransforms(config: StreamConfig, request: StreamRequest): StreamConfig {
  const { subject_transform: asked, republish: askedAgain } = request;
  if (asked === undefined && askedAgain === undefined) return config;
  const { src = '', dest = '' } = asked ?? {};
  if (asked !== undefined) checkIncoming(src, dest);
  const again =
    askedAgain && checkAgain(config.subjects, asked && { src, dest }, askedAgain, request.pedantic);
  return inOrder(config, asked && { src, dest }, again);
}

/** With the keys where the original writes them: behind the first sequence. */
function inOrder(
  config: StreamConfig,
  subject_transform: StreamConfig['subject_transform'],
  republish: RepublishConfig | undefined,
): StreamConfig {
  const entries = Object.entries(config);
  const at = entries.findIndex(([key]) => key === 'allow_direct');
  const more = Object.entries({ subject_transform, republish });
  entries.splice(at, 0, ...more.filter(([, value]) => value !== undefined));
  return Object.fromEntries(entries) as unknown as StreamConfig;
}

function checkIncoming(src: string, dest: string): void {
  if (src !== '' && !isValidSubject(src)) {
    throw refusal('transformSource', `invalid subject ${src}`);
  }
  try {
    checkDestination(binary(dest));
    transformOf(src, dest);
  } catch (error) {
    if (!(error instanceof TransformMistake)) throw error;
    throw refusal('transformDestination', shownText(error.message));
  }
}

function checkAgain(
  subjects: readonly string[],
  incoming: StreamConfig['subject_transform'],
  { src: askedSrc = '', dest: askedDest = '', headers_only }: Partial<RepublishConfig>,
  isPedantic = false,
): RepublishConfig {
  if (askedSrc === '' && isPedantic) throw refusal('pedantic', 'republish source can not be empty');
  let src = askedSrc === '' ? '>' : askedSrc;
  let dest = askedDest;
  // What a transform makes of all subjects may be published as it is.
  const isOpen = src === '>' && dest === '>' && subjects.length === 1;
  if (isOpen && incoming !== undefined && incoming.src === subjects[0]) {
    if (isPedantic) throw refusal('pedantic', 'implicit republish based on subject transform');
    src = incoming.dest;
    dest = incoming.dest;
  }
  if (subjects.some((subject) => subjectsCollide(dest, subject))) {
    const text = 'stream configuration for republish destination forms a cycle';
    throw refusal('streamInvalidConfig', text);
  }
  try {
    transformOf(src, dest);
  } catch (error) {
    if (!(error instanceof TransformMistake)) throw error;
    const text = `with transform from '${src}' to '${dest}' not valid`;
    throw refusal('streamInvalidConfig', `stream configuration for republish ${text}`);
  }
  return { src, dest, ...(headers_only && { headers_only }) };
}

let picks: PickSource | undefined;

/** undefined: it has no destination. Throws TransformMistake. */
function transformOf(src: string | undefined, dest: string): SubjectTransform | undefined {
  if (dest === '') return undefined;
  return new SubjectTransform(binary(src ?? ''), binary(dest), (below) => {
    picks ??= new PickSource();
    return picks.below(below);
  });
}

const encoder = new TextEncoder();

function binary(text: string): string {
  return bytesText(encoder.encode(text));
}
