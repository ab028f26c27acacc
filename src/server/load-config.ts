// A configuration file for a program that embeds the server: checked as the command checks it, as options of `serve`.

import { readConfig } from '../config/read.ts';
import { brokenRule } from '../config/validate.ts';
import { ConfigError } from '../config/value.ts';
import { emptySecretTexts } from './file-authorization.ts';
import { serveOptionsOf } from './file-options.ts';
import { othersOf } from './file-others.ts';
import type { ServeOptions } from './options.ts';
import { ignoredText, refusedText } from './unsupported.ts';

/** Reads the file; throws ConfigError. */
export function readServeOptions(file: string): ServeOptions {
  const { values, digest, warnings, demands } = readConfig(file, (name) => process.env[name]);
  const broken = brokenRule(values);
  if (broken !== undefined) throw new ConfigError([broken], warnings);
  const refused = refusedText(demands);
  if (refused !== undefined) throw new ConfigError([refused], warnings);
  const empty = emptySecretTexts(values);
  if (empty.length > 0) throw new ConfigError(empty, warnings);
  return {
    ...serveOptionsOf(values),
    configuration: {
      file,
      digest,
      warnings: [...warnings, ...ignoredText(demands)],
      others: othersOf(values),
    },
  };
}
