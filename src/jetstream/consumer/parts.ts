// What the parts of a consumer share: its stream, what its configuration means, and where it stands.
import type { Advisories } from './advisories.ts';
import type { Cursor } from './cursor.ts';
import type { ConsumerHost } from './host.ts';
import type { Progress } from './progress.ts';
import type { ConsumerRules } from './rules.ts';

export interface ConsumerParts {
  readonly host: ConsumerHost;
  readonly cursor: Cursor;
  readonly progress: Progress;
  readonly advisories: Advisories;
  /** Changes with the configuration. */
  rules: ConsumerRules;
}
