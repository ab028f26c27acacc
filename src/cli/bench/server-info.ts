// INFO as the bench uses it. It comes from a server that nobody vouches for: types are checked, and texts are made
// fit to be shown.
import { printable } from './printable.ts';

/** What the bench uses of INFO. */
export interface ServerInfo {
  readonly server_id?: string;
  readonly server_name?: string;
  readonly version?: string;
  /** Bytes of a payload at most; a whole number above 0. */
  readonly max_payload?: number;
  readonly tls_required?: boolean;
}

const TEXTS = ['server_id', 'server_name', 'version'] as const;
/** The largest that Go's int32, which nats-server has it in, can be. */
const PAYLOAD_MAX = 2 ** 31 - 1;

/** Reads the JSON of an INFO line. Throws Error when it is not what an INFO has to be. */
export function parseInfo(json: string): ServerInfo {
  const fields = parseObject(json);
  const info: { -readonly [Name in keyof ServerInfo]: ServerInfo[Name] } = {};
  for (const name of TEXTS) {
    const value = fields[name];
    if (value === undefined) continue;
    if (typeof value !== 'string')
      throw new Error(`the server sent an INFO whose ${name} is no text`);
    info[name] = printable(value);
  }
  const { max_payload: payloadMax, tls_required: isTlsRequired } = fields;
  if (payloadMax !== undefined) {
    if (
      !Number.isInteger(payloadMax) ||
      Number(payloadMax) < 1 ||
      Number(payloadMax) > PAYLOAD_MAX
    ) {
      throw new Error('the server sent an INFO whose max_payload is no size');
    }
    info.max_payload = Number(payloadMax);
  }
  if (isTlsRequired === true) info.tls_required = true;
  return info;
}

function parseObject(json: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    value = undefined;
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw new Error('the server sent an INFO that is no JSON object');
}
