// The INFO line. Its keys are in nats-server's order; clients insist on server_id, version, go, host, port and
// headers.
// Source: nats-server 1787eee, server/server.go, Info; client.go, generateClientInfoJSON.
import type { Account } from '../bus/account.ts';
import { SYSTEM_ACCOUNT } from '../bus/engine.ts';
import type { PeerFacts } from '../net/transport.ts';
import { API_LEVEL, PROTO } from '../shared/version.ts';
import type { Asked } from './authentication.ts';

/** What is the same for every peer. */
interface InfoFacts {
  readonly serverId: string;
  readonly serverName: string;
  readonly version: string;
  readonly hasJetStream: boolean;
  /** Of JetStream. */
  readonly domain: string | undefined;
  /** What the key `go` says: the runtime. */
  readonly runtime: string;
  readonly host: string;
  readonly port: number;
  readonly hasHeaders: boolean;
  /** Of whom it is asked who he is. */
  readonly asked: (type: PeerFacts['type']) => Asked;
  readonly maxPayload: number;
  readonly connectUrls: readonly string[];
}

/** What differs from peer to peer and from moment to moment. */
interface InfoMoment {
  readonly cid: number;
  readonly peer: PeerFacts;
  /** The second INFO, which answers the first PING, names the account. */
  readonly account?: string;
  readonly isSystemAccount?: boolean;
  readonly isLameDuck?: boolean;
}

/** `INFO {…}`, a blank, CR and LF. */
export function infoLine(facts: InfoFacts, moment: InfoMoment): string {
  const { address, listener } = moment.peer;
  // Other addresses are those of the listener for plain clients, where nobody else gets on.
  const connectUrls = listener === undefined && moment.isLameDuck !== true ? facts.connectUrls : [];
  const isFirst = moment.account === undefined && moment.isLameDuck !== true;
  const json = JSON.stringify({
    server_id: facts.serverId,
    server_name: facts.serverName,
    version: facts.version,
    proto: PROTO,
    go: facts.runtime,
    host: listener?.host ?? facts.host,
    port: listener?.port ?? facts.port,
    headers: facts.hasHeaders,
    auth_required: isAuthRequired(facts, moment.peer.type, isFirst) || undefined,
    max_payload: facts.maxPayload,
    jetstream: facts.hasJetStream || undefined,
    client_id: moment.cid,
    client_ip: address === '' ? undefined : address,
    domain: facts.domain,
    // In lame duck our own addresses are no place to go to.
    connect_urls: connectUrls.length === 0 ? undefined : connectUrls,
    ldm: moment.isLameDuck || undefined,
    connect_info: moment.account === undefined ? undefined : true,
    remote_account: moment.account,
    acc_is_sys: moment.isSystemAccount || undefined,
    api_lvl: API_LEVEL === 0 ? undefined : API_LEVEL,
  });
  return `INFO ${json} \r\n`;
}

/**
 * The first INFO does not ask whoever need not say who he is, unless he comes by WebSocket; every later one is that of
 * the plain listener. Source: nats-server 2.15.3, server.go, createClientEx; websocket.go, createWSClient.
 */
function isAuthRequired({ asked }: InfoFacts, type: PeerFacts['type'], isFirst: boolean): boolean {
  if (!isFirst) return asked('nats') !== 'nobody';
  return type === 'nats' ? asked(type) === 'everybody' : asked(type) !== 'nobody';
}

/** What the second INFO says of the account that a session is in. */
export function accountFacts({ name }: Account): { account: string; isSystemAccount: boolean } {
  return { account: name, isSystemAccount: name === SYSTEM_ACCOUNT };
}
