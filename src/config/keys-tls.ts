// The keys of TLS blocks, of OCSP, and what a TLS block must say as a whole. The files that it names are looked at,
// as the original does when it only tests a configuration.
// Source: nats-server 2.15.3, server/opts.go, parseTLS, GenTLSConfig; ocsp_peer.go; ocsp_responsecache.go.
import { parseDuration } from '../shared/go-duration.ts';
import { quoteGoText } from '../shared/go-quote.ts';
import { authoritiesMistake, keyPairMistake } from './checks.ts';
import { NO_STRING } from './keys-operator.ts';
import {
  type Block,
  block,
  flag,
  type Kind,
  keyPlace,
  lastKey,
  list,
  mistake,
  printed,
  text,
} from './kinds.ts';
import { type ConfigValue, typeName } from './value.ts';

interface CertPair {
  certFile?: string;
  keyFile?: string;
}

export interface TlsValues extends CertPair {
  caFile?: string;
  isInsecure?: boolean;
  verify?: boolean | 'optional';
  verifyAndMap?: boolean;
  verifyKnownUrls?: boolean;
  allowsInsecureCiphers?: boolean;
  cipherSuites?: readonly string[];
  curvePreferences?: readonly string[];
  timeoutMs?: number;
  connectionRateLimit?: number;
  pinnedCerts?: readonly string[];
  certStore?: string;
  certMatchBy?: string;
  certMatch?: string;
  caCertsMatch?: readonly string[];
  handshakeFirst?: boolean | 'auto' | { delayMs: number };
  skipsInvalidCerts?: boolean;
  ocspPeer?: boolean | object;
  certificates?: readonly CertPair[];
  minVersion?: string;
}

/** A value of one kind; anything else is said to be no `what`. */
function only<T>(kind: Kind<T>, wants: ConfigValue['kind'], what: string): Kind<T> {
  return (value, key, reading, path) => {
    if (value.kind === wants) return kind(value, key, reading, path);
    return mistake(reading, value, `error parsing tls config, expected '${key}' to be ${what}`);
  };
}

const file = only(text, 'string', 'filename');
const switched = only(flag, 'boolean', 'a boolean');

const verify: Kind<boolean | 'optional'> = (value, _key, reading) => {
  if (value.kind === 'boolean') return value.value;
  if (value.kind === 'string' && value.value.toLowerCase() === 'optional') return 'optional';
  const message = "error parsing tls config, expected 'verify' to be a boolean or 'optional'";
  return mistake(reading, value, message);
};

/** Ciphers that Go calls insecure, and those that it does not. */
const INSECURE_CIPHERS = [
  'TLS_RSA_WITH_RC4_128_SHA',
  'TLS_RSA_WITH_3DES_EDE_CBC_SHA',
  'TLS_RSA_WITH_AES_128_CBC_SHA',
  'TLS_RSA_WITH_AES_256_CBC_SHA',
  'TLS_RSA_WITH_AES_128_CBC_SHA256',
  'TLS_RSA_WITH_AES_128_GCM_SHA256',
  'TLS_RSA_WITH_AES_256_GCM_SHA384',
  'TLS_ECDHE_ECDSA_WITH_RC4_128_SHA',
  'TLS_ECDHE_RSA_WITH_RC4_128_SHA',
  'TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA',
  'TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256',
  'TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256',
];
const CIPHERS: ReadonlySet<string> = new Set([
  ...INSECURE_CIPHERS,
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA',
  'TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA',
  'TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA',
  'TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA',
  'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256',
  'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384',
  'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256',
  'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384',
  'TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256',
  'TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256',
]);
const CURVES: ReadonlySet<string> = new Set([
  'SecP384r1MLKEM1024',
  'SecP256r1MLKEM768',
  'X25519MLKEM768',
  'X25519',
  'CurveP256',
  'CurveP384',
  'CurveP521',
]);

/** A list, not empty, of known names. */
function names(known: ReadonlySet<string>, what: string): Kind<readonly string[]> {
  const one: Kind<string> = (value, key, reading, path) => {
    const name = text(value, key, reading, path);
    if (name === undefined || known.has(name)) return name;
    return mistake(reading, value, `unrecognized ${what} ${name}`);
  };
  return (value, key, reading, path) => {
    if (value.kind !== 'list' || value.value.length > 0) {
      return list(one)(value, key, reading, path);
    }
    return mistake(reading, value, `error parsing tls config, '${key}' cannot be empty`);
  };
}

/** Seconds as a number, or a duration. */
function seconds(before: string | undefined, wrong: string): Kind<number> {
  return (value, _key, reading) => {
    if (value.kind === 'integer' || value.kind === 'float') return Number(value.value) * 1000;
    if (value.kind !== 'string') return mistake(reading, value, wrong);
    try {
      return Number(parseDuration(value.value)) / 1e6;
    } catch (error) {
      const text = before === undefined ? wrong : before + (error as Error).message;
      return mistake(reading, value, text);
    }
  };
}

const rateLimit: Kind<number> = (value, key, reading) => {
  if (value.kind === 'integer') return Number(value.value);
  return mistake(reading, value, `error parsing tls config, '${key}' wrong type`);
};

const FINGERPRINT = 'hex-encoded sha256 of DER encoded SubjectPublicKeyInfo';

const pinnedCert: Kind<string> = (value, key, reading, path) => {
  const pin = text(value, key, reading, path)?.toLowerCase();
  if (pin === undefined || /^[a-f0-9]{64}$/.test(pin)) return pin;
  const message = `error parsing tls config, 'pinned_certs' key ${pin} does not look like ${FINGERPRINT}`;
  return mistake(reading, value, message);
};

/** Windows alone has such stores. */
const windowsOnly: Kind<string> = (value, key, reading) => {
  if (value.kind === 'string' && value.value !== '') {
    const message = `${key} is of Windows' certificate stores, which are not supported`;
    return mistake(reading, value, message);
  }
  return mistake(reading, value, `expected '${key}' to be a valid non-empty string`);
};

/** Anything but a string or a list counts for nothing, and is no mistake. */
const caCertsMatch: Kind<readonly string[]> = (value, _key, reading) => {
  const elements = value.kind === 'list' ? value.value : [value];
  if (value.kind === 'list' && elements.some(({ kind }) => kind !== 'string')) {
    return mistake(reading, value, `error parsing ca_cert_match: ${NO_STRING}`);
  }
  return elements.flatMap((element) => (element.kind === 'string' ? [element.value] : []));
};

const handshakeFirst: Kind<boolean | 'auto' | { delayMs: number }> = (value, key, reading) => {
  if (value.kind === 'boolean') return value.value;
  if (value.kind !== 'string') {
    const got = typeName(value);
    return mistake(
      reading,
      value,
      `field ${quoteGoText(key)} should be a boolean or a string, got ${got}`,
    );
  }
  const word = value.value.toLowerCase();
  if (word === 'true' || word === 'on') return true;
  if (word === 'false' || word === 'off') return false;
  if (word === 'auto' || word === 'auto_fallback') return 'auto';
  try {
    return { delayMs: Number(parseDuration(value.value)) / 1e6 };
  } catch {
    const message = `field ${quoteGoText(key)}'s value ${quoteGoText(value.value)} is invalid`;
    return mistake(reading, value, message);
  }
};

const tlsVersion: Kind<string> = (value, _key, reading) => {
  const before = 'error parsing tls config: ';
  if (value.kind !== 'string')
    return mistake(reading, value, `${before}'min_version' wrong type: ${printed(value)}`);
  if (/^1\.[23]$/.test(value.value)) return value.value;
  const old = /^1\.[01]$/.test(value.value);
  const reason = old
    ? `unsupported TLS version: TLS ${value.value}`
    : `unknown version: ${value.value}`;
  return mistake(reading, value, before + reason);
};

const certPair: Kind<CertPair> = (value, _key, reading) => {
  const before = 'error parsing certificates config';
  const unsupported = (found: ConfigValue): undefined =>
    mistake(reading, found, `${before}: unsupported type ${typeName(found)}`);
  if (value.kind !== 'map') return unsupported(value);
  const pair: CertPair = {};
  for (const [key, element] of value.value) {
    if (element.kind !== 'string') return unsupported(element);
    if (key === 'cert_file') pair.certFile = element.value;
    else if (key === 'key_file') pair.keyFile = element.value;
    else
      return mistake(
        reading,
        element,
        `error parsing tls certs config, unknown field ${quoteGoText(key)}`,
      );
  }
  if (pair.certFile && pair.keyFile) return pair;
  return mistake(
    reading,
    lastKey(value),
    `${before}: both 'cert_file' and 'cert_key' options are required`,
  );
};

export const TLS: Block<TlsValues> = {
  certFile: { names: ['cert_file'], kind: file, about: 'Certificate of the server, PEM.' },
  keyFile: { names: ['key_file'], kind: file, about: 'Its private key, PEM.' },
  caFile: { names: ['ca_file'], kind: file, about: 'Authorities that peers are verified by.' },
  isInsecure: { names: ['insecure'], kind: switched, about: 'Peers are not verified.' },
  verify: { names: ['verify'], kind: verify, about: 'Peers must, or may, show a certificate.' },
  verifyAndMap: {
    names: ['verify_and_map'],
    kind: switched,
    about: 'A certificate names the user.',
  },
  verifyKnownUrls: {
    names: ['verify_cert_and_check_known_urls'],
    kind: switched,
    about: 'A server must have a name that is among the known URLs.',
  },
  allowsInsecureCiphers: {
    names: ['allow_insecure_cipher_suites'],
    kind: switched,
    about: 'Cipher suites that are called insecure may be listed.',
  },
  cipherSuites: {
    names: ['cipher_suites'],
    kind: names(CIPHERS, 'cipher'),
    about: 'Cipher suites, best first.',
  },
  curvePreferences: {
    names: ['curve_preferences'],
    kind: names(CURVES, 'curve preference'),
    about: 'Curves, best first.',
  },
  timeoutMs: {
    names: ['timeout'],
    kind: seconds(
      "error parsing tls config, 'timeout' ",
      "error parsing tls config, 'timeout' wrong type",
    ),
    about: 'Time for the handshake.',
  },
  connectionRateLimit: {
    names: ['connection_rate_limit'],
    kind: rateLimit,
    about: 'Handshakes a second.',
  },
  pinnedCerts: {
    names: ['pinned_certs'],
    kind: list(
      pinnedCert,
      () => `error parsing tls config, expected 'pinned_certs' to be a list of ${FINGERPRINT}`,
    ),
    about: 'Fingerprints of the certificates that are let in.',
  },
  certStore: { names: ['cert_store'], kind: windowsOnly, about: 'Store of Windows.' },
  certMatchBy: { names: ['cert_match_by'], kind: windowsOnly, about: 'What is searched there.' },
  certMatch: { names: ['cert_match'], kind: windowsOnly, about: 'What it must be.' },
  caCertsMatch: {
    names: ['ca_certs_match'],
    kind: caCertsMatch,
    about: 'Authorities in the store of Windows.',
  },
  handshakeFirst: {
    names: ['handshake_first', 'first', 'immediate'],
    kind: handshakeFirst,
    about: 'The handshake comes before INFO, always or when the peer begins with it in time.',
  },
  skipsInvalidCerts: {
    names: ['cert_match_skip_invalid'],
    kind: (value, key, reading) =>
      value.kind === 'boolean'
        ? value.value
        : mistake(reading, value, `expected '${key}' to be a boolean`),
    about: 'Expired ones in the store of Windows are passed over.',
  },
  ocspPeer: {
    names: ['ocsp_peer'],
    kind: (value, key, reading, path) =>
      value.kind === 'boolean' ? value.value : ocspPeer(value, key, reading, path),
    about: 'Peers are asked about at their authority.',
  },
  certificates: {
    names: ['certs', 'certificates'],
    kind: list(
      certPair,
      // The type is that of the block, in the original.
      () => 'error parsing certificates config: unsupported type map[string]interface {}',
    ),
    about: 'Several certificates with their keys.',
  },
  minVersion: { names: ['min_version'], kind: tlsVersion, about: '1.2 or 1.3.' },
};

const UNEXPECTED = 'error parsing tls peer config, conversion error: unexpected type';
const peerSeconds = seconds('error parsing tls peer config, conversion error: ', UNEXPECTED);
export const OCSP_PEER: Block<Record<OcspPeerName, unknown>> = {
  verify: { names: ['verify'], kind: flag, about: 'It is done.' },
  skew: {
    names: ['allowed_clockskew'],
    kind: seconds(undefined, UNEXPECTED),
    about: 'Clocks may differ so much.',
  },
  caTimeout: { names: ['ca_timeout'], kind: peerSeconds, about: 'Time for the authority.' },
  cacheTtl: {
    names: ['cache_ttl_when_next_update_unset'],
    kind: peerSeconds,
    about: 'How long an answer without an end of its own is kept.',
  },
  warnOnly: { names: ['warn_only'], kind: flag, about: 'Who fails is let in.' },
  unknownIsGood: { names: ['unknown_is_good'], kind: flag, about: 'Who is unknown is let in.' },
  whenUnreachable: {
    names: ['allow_when_ca_unreachable'],
    kind: flag,
    about: 'Who cannot be asked about is let in.',
  },
};
type OcspPeerName =
  | 'verify'
  | 'skew'
  | 'caTimeout'
  | 'cacheTtl'
  | 'warnOnly'
  | 'unknownIsGood'
  | 'whenUnreachable';

const ocspPeer = block(OCSP_PEER, {
  wrong: () => 'error parsing ocsp peer config: unsupported type map[string]interface {}',
  unknown: (key) => `error parsing tls peer config, unknown field [${quoteGoText(key)}]`,
});

/** A TLS block. `isClientFacing`: of listeners for clients, which know no other servers. */
export function tls(isClientFacing: boolean): Kind<TlsValues> {
  return block(TLS, {
    unknown: (key) => `error parsing tls config, unknown field ${quoteGoText(key)}`,
    check: (read, value, reading) => {
      const name = 'verify_cert_and_check_known_urls';
      if (isClientFacing && read.verifyKnownUrls) {
        mistake(reading, keyPlace(value, name), `${name} not supported in this context`);
        return;
      }
      const found = tlsMistake(read);
      if (found !== undefined) mistake(reading, value, found);
    },
  });
}

function tlsMistake(read: TlsValues): string | undefined {
  const { certFile = '', keyFile = '', caFile = '', certificates = [] } = read;
  const before = 'error parsing tls config, cannot combine';
  if (certificates.length > 0 && certFile !== '') {
    return `${before} 'cert_file' option with 'certs' option`;
  }
  if (read.verify === 'optional' && (read.verifyAndMap || read.verifyKnownUrls)) {
    return `${before} 'verify: optional' with options requiring client certificates`;
  }
  const insecure = (read.cipherSuites ?? []).filter((name) => INSECURE_CIPHERS.includes(name));
  if (insecure.length > 0 && !read.allowsInsecureCiphers) {
    const list = insecure.join(', ');
    return `insecure cipher suites configured without 'allow_insecure_cipher_suites' option set: ${list}`;
  }
  if (certFile !== '' && keyFile === '') return "missing 'key_file' in TLS configuration";
  if (certFile === '' && keyFile !== '') return "missing 'cert_file' in TLS configuration";
  const pairs = certFile === '' ? certificates : [{ certFile, keyFile }];
  for (const [index, pair] of pairs.entries()) {
    const found = keyPairMistake(pair.certFile ?? '', pair.keyFile ?? '');
    const which = certFile === '' ? ` ${index + 1}/${pairs.length}` : '';
    if (found !== undefined) return `error parsing X509 certificate/key pair${which}: ${found}`;
  }
  return caFile === '' ? undefined : authoritiesMistake(caFile);
}
