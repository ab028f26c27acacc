// What is told of a request that was answered, on `$JS.EVENT.ADVISORY.API`.
// Source: nats-server 2.15.3, server/jetstream_events.go, JSAPIAudit; server/events.go, ClientInfo.
import type { MessageClient } from '../../bus/types.ts';
import { NANOS_PER_MS } from '../../shared/time.ts';
import { timeText } from '../wire-time.ts';
import type { ApiRequest, Fields } from './request.ts';

export function auditOf({ account, subject, body, client }: ApiRequest, response: string): Fields {
  return {
    server: account.serverName,
    client: clientInfo(client),
    subject,
    request: body || undefined,
    response,
  };
}

/** Who asked; nothing is known of this process. */
function clientInfo(client: MessageClient | undefined): Fields {
  if (client === undefined) return {};
  return {
    start: client.start === undefined ? undefined : timeText(client.start),
    host: client.address,
    id: client.cid,
    acc: client.account,
    user: client.user,
    name: client.name,
    lang: client.lang,
    ver: client.version,
    rtt: client.rttMs === undefined ? undefined : Math.round(client.rttMs * NANOS_PER_MS),
    server: client.server,
    kind: client.kind === 'CLIENT' ? 'Client' : client.kind,
    client_type: client.type,
  };
}
