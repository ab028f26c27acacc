// The digest of a configuration: SHA-256 over its values as JSON, in the form that Go writes, and a line feed. Where
// they stand, comments and the order of keys do not count.
// Source: nats-server 2.15.3, conf/parse.go, configDigest; Go, encoding/json.
import { createHash } from 'node:crypto';
import type { ConfigMap, ConfigValue } from './value.ts';

/** `sha256:` and 64 hexadecimal digits. */
export function configDigest(map: ConfigMap): string {
  const hash = createHash('sha256');
  let pending = '';
  const write = (text: string): void => {
    pending += text;
    if (pending.length < 65_536) return;
    hash.update(pending, 'utf8');
    pending = '';
  };
  writeMap(map, write);
  write('\n');
  return `sha256:${hash.update(pending, 'utf8').digest('hex')}`;
}

type Write = (text: string) => void;

function writeMap(map: ConfigMap, write: Write): void {
  const entries = [...map].map(([key, value]) => ({ key, bytes: Buffer.from(key), value }));
  entries.sort((a, b) => a.bytes.compare(b.bytes));
  write('{');
  entries.forEach(({ key, value }, index) => {
    write(`${index === 0 ? '' : ','}${text(key)}:`);
    writeValue(value, write);
  });
  write('}');
}

function writeValue(value: ConfigValue, write: Write): void {
  switch (value.kind) {
    case 'map':
      writeMap(value.value, write);
      break;
    case 'list':
      write('[');
      value.value.forEach((element, index) => {
        if (index > 0) write(',');
        writeValue(element, write);
      });
      write(']');
      break;
    case 'string':
      write(text(value.value));
      break;
    case 'date':
      write(text(value.value.toISOString().replace('.000Z', 'Z')));
      break;
    case 'float':
      write(Object.is(value.value, -0) ? '-0' : String(value.value));
      break;
    default:
      write(String(value.value));
  }
}

/** Go escapes what could end a script, too; a byte that is no UTF-8 is a replacement character, escaped. */
function text(value: string): string {
  const pieces = value.split(/[\ud800-\udfff]/u).map((piece) => JSON.stringify(piece).slice(1, -1));
  const escaped = pieces.join('\\ufffd').replace(/[<>&\u2028\u2029]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
  return `"${escaped}"`;
}
