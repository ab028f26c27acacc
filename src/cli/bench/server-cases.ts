// The cases against a server, each a name and how a contender of it is opened.
import type { ServerAddress } from './address.ts';
import type { Contender } from './contender.ts';
import { openRequests } from './requests.ts';
import { openThroughput } from './throughput.ts';

export interface ServerCase {
  readonly name: string;
  open(address: ServerAddress): Promise<Contender>;
}

const FAN_OUT = 5;
const IN_FLIGHT = 50;
/** Requests have one size: theirs is a matter of time, not of bytes. */
const REQUEST_LEN = 16;

/** All cases for these sizes of payloads, in the order of the report. */
export function serverCases(payloadLens: readonly number[]): readonly ServerCase[] {
  const throughput = (name: string, subscribers: number): readonly ServerCase[] =>
    payloadLens.map((payloadLen) => ({
      name: `${name} ${formatBytes(payloadLen)}`,
      open: (address) => openThroughput(address, { name: address.url, subscribers, payloadLen }),
    }));
  const requests = (inFlight: number): ServerCase => ({
    name: `request, ${inFlight} in flight`,
    open: (address) =>
      openRequests(address, { name: address.url, inFlight, payloadLen: REQUEST_LEN }),
  });
  return [
    ...throughput('pub', 0),
    ...throughput('1-1', 1),
    ...throughput(`1-${FAN_OUT}`, FAN_OUT),
    requests(1),
    requests(IN_FLIGHT),
  ];
}

function formatBytes(bytes: number): string {
  if (bytes > 0 && bytes % 2 ** 20 === 0) return `${bytes / 2 ** 20} MiB`;
  return bytes > 0 && bytes % 1024 === 0 ? `${bytes / 1024} KiB` : `${bytes} B`;
}
