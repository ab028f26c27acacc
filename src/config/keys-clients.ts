// The keys of other ways in for clients: WebSocket, MQTT, and the proxies that may stand before them.
// Source: nats-server 2.15.3, server/opts.go, parseWebsocket, parseMQTT, parseSimpleAuth, parseProxies.
import { quoteGoText } from '../shared/go-quote.ts';
import { isNkey } from './checks.ts';
import { LISTENER, type ListenerValues } from './keys-links.ts';
import { type TlsValues, tls } from './keys-tls.ts';
import {
  type Block,
  block,
  duration,
  durationText,
  flag,
  integer,
  type Kind,
  list,
  mapOf,
  mistake,
  text,
  texts,
} from './kinds.ts';
import { located, typeName, wellFormed } from './value.ts';

/** One user or a token for all of one listener. */
export interface SimpleAuthorization {
  user?: string;
  password?: string;
  token?: string;
  timeoutMs?: number;
}

const simpleTimeout: Kind<number> = (value) => {
  // Anything but a number is a second, and no mistake.
  const isNumber = value.kind === 'integer' || value.kind === 'float';
  return isNumber ? Number(value.value) * 1000 : 1000;
};

export const SIMPLE: Block<SimpleAuthorization> = {
  user: { names: ['user', 'username'], kind: text, about: 'Name of the only user.' },
  password: { names: ['pass', 'password'], kind: text, about: 'Its password.' },
  token: { names: ['token'], kind: text, about: 'Token that all show.' },
  timeoutMs: { names: ['timeout'], kind: simpleTimeout, about: 'Time to authenticate in.' },
};
const simpleAuthorization = block(SIMPLE);

export interface WebsocketValues extends ListenerValues {
  advertise?: string;
  noTls?: boolean;
  tls?: TlsValues;
  sameOrigin?: boolean;
  allowedOrigins?: readonly string[];
  handshakeTimeoutMs?: number;
  compression?: boolean;
  authorization?: SimpleAuthorization;
  jwtCookie?: string;
  userCookie?: string;
  passwordCookie?: string;
  tokenCookie?: string;
  noAuthUser?: string;
  headers?: ReadonlyMap<string, string>;
  pingIntervalMs?: number;
}

const handshakeTimeout: Kind<number> = (value, key, reading, path) => {
  if (value.kind === 'integer') return Number(value.value) * 1000;
  if (value.kind === 'string') return durationText('')(value, key, reading, path);
  const message = `error parsing handshake timeout: unsupported type ${typeName(value)}`;
  return mistake(reading, value, message);
};

const header: Kind<string> = (value, key, reading) => {
  if (value.kind === 'string') return wellFormed(value.value);
  const message = `error parsing header key ${key}: unsupported type ${typeName(value)}`;
  return mistake(reading, value, message);
};

export const WEBSOCKET: Block<WebsocketValues> = {
  ...LISTENER,
  advertise: {
    names: ['advertise'],
    kind: text,
    about: 'Address that monitoring tells.',
  },
  noTls: { names: ['no_tls'], kind: flag, about: 'Plain; else there must be a TLS block.' },
  tls: {
    names: ['tls'],
    kind: tls(true),
    about: 'Encryption.',
    effect: 'refused',
    asks: () => true,
  },
  sameOrigin: { names: ['same_origin'], kind: flag, about: 'Only pages from the same host.' },
  allowedOrigins: {
    names: [
      'allowed_origins',
      'allowed_origin',
      'allow_origins',
      'allow_origin',
      'origins',
      'origin',
    ],
    kind: texts('allowed origins'),
    about: 'Only pages from these.',
  },
  handshakeTimeoutMs: {
    names: ['handshake_timeout'],
    kind: handshakeTimeout,
    about: 'Time for the handshake.',
  },
  compression: { names: ['compress', 'compression'], kind: flag, about: 'Frames may be.' },
  authorization: {
    names: ['authorization', 'authentication'],
    kind: simpleAuthorization,
    about: 'Who may come in here.',
  },
  jwtCookie: { names: ['jwt_cookie'], kind: text, about: 'Cookie with a JWT.' },
  userCookie: { names: ['user_cookie'], kind: text, about: 'Cookie with the name.' },
  passwordCookie: { names: ['pass_cookie'], kind: text, about: 'Cookie with the password.' },
  tokenCookie: { names: ['token_cookie'], kind: text, about: 'Cookie with the token.' },
  noAuthUser: {
    names: ['no_auth_user'],
    kind: text,
    about: 'Who comes in without a name.',
  },
  headers: {
    names: ['headers'],
    kind: mapOf(header, (value) => `error parsing headers: unsupported type ${typeName(value)}`),
    about: 'Headers of the answer to a handshake.',
  },
  pingIntervalMs: {
    names: ['ping_interval'],
    kind: duration(),
    about: 'Between PINGs.',
  },
};

export const websocket: Kind<WebsocketValues> = block(WEBSOCKET, {
  wrong: (value) => `Expected websocket to be a map, got ${typeName(value)}`,
});

export interface MqttValues extends ListenerValues {
  tls?: TlsValues;
  authorization?: SimpleAuthorization;
  noAuthUser?: string;
  ackWaitMs?: number;
  apiTimeoutMs?: number;
  maxAckPending?: number;
  domain?: string;
  streamReplicas?: number;
  consumerReplicas?: true;
  consumerMemoryStorage?: boolean;
  consumerInactiveMs?: number;
  rejectsQos2?: boolean;
  downgradesQos2?: boolean;
}

const UINT16_MAX = 0xffff;

const ackPending: Kind<number> = (value, key, reading, path) => {
  const number = integer(value, key, reading, path);
  if (number === undefined || (number >= 0 && number <= UINT16_MAX)) return number;
  const message = `invalid value ${number}, should in [0..${UINT16_MAX}] range`;
  return mistake(reading, value, message);
};

const ignored: Kind<true> = (value, key, reading) => {
  const reason = 'consumer replicas setting ignored in this server version';
  const warning = `invalid use of field ${quoteGoText(key)}: ${reason}`;
  reading.warnings.push(located(value.place, warning));
  return true;
};

export const MQTT: Block<MqttValues> = {
  ...LISTENER,
  tls: { names: ['tls'], kind: tls(true), about: 'Encryption.' },
  authorization: {
    names: ['authorization', 'authentication'],
    kind: simpleAuthorization,
    about: 'Who may come in here.',
  },
  noAuthUser: { names: ['no_auth_user'], kind: text, about: 'Who comes in without a name.' },
  ackWaitMs: { names: ['ack_wait', 'ackwait'], kind: duration('ack_wait'), about: 'Of QoS 1.' },
  apiTimeoutMs: {
    names: ['js_api_timeout', 'api_timeout'],
    kind: duration('js_api_timeout'),
    about: 'Time for JetStream.',
  },
  maxAckPending: {
    names: ['max_ack_pending', 'max_pending', 'max_inflight'],
    kind: ackPending,
    about: 'Messages that wait for their acknowledgement.',
  },
  domain: { names: ['js_domain'], kind: text, about: 'Domain of JetStream.' },
  streamReplicas: { names: ['stream_replicas'], kind: integer, about: 'Of its streams.' },
  consumerReplicas: { names: ['consumer_replicas'], kind: ignored, about: 'Means nothing.' },
  consumerMemoryStorage: {
    names: ['consumer_memory_storage'],
    kind: flag,
    about: 'Its consumers are in memory.',
  },
  consumerInactiveMs: {
    names: ['consumer_inactive_threshold', 'consumer_auto_cleanup'],
    kind: duration('consumer_inactive_threshold'),
    about: 'How long an idle one stays.',
  },
  rejectsQos2: { names: ['reject_qos2_publish'], kind: flag, about: 'QoS 2 is refused.' },
  downgradesQos2: {
    names: ['downgrade_qos2_subscribe'],
    kind: flag,
    about: 'A subscription with QoS 2 gets QoS 1.',
  },
};

export const mqtt: Kind<MqttValues> = block(MQTT, {
  wrong: (value) => `Expected mqtt to be a map, got ${typeName(value)}`,
});

const proxyKey: Kind<string> = (value, key, reading, path) => {
  const given = text(value, key, reading, path);
  if (given === undefined || isNkey(given)) return given;
  return mistake(reading, value, `invalid proxy key ${quoteGoText(given)}`);
};

export const PROXY: Block<{ key?: string }> = {
  key: { names: ['key', 'public_key'], kind: proxyKey, about: 'Public key.' },
};

export interface ProxiesValues {
  trusted?: readonly { key?: string }[];
}

export const PROXIES: Block<ProxiesValues> = {
  trusted: {
    names: ['trusted'],
    kind: list(
      block(PROXY, {
        wrong: (value) =>
          `expected proxies' trusted entry to be a map/struct, got ${typeName(value)}`,
      }),
      (value) => `expected proxies' trusted field to be an array, got ${typeName(value)}`,
    ),
    about: 'Proxies that are believed.',
  },
};

export const proxies: Kind<ProxiesValues> = block(PROXIES, {
  wrong: (value) => `expected proxies to be a map/struct, got ${typeName(value)}`,
});
