// What keys say together and cannot: texts that are valid key by key, each with what is wrong of it.
import { expect, test } from 'vitest';
import { readConfig } from '../../src/config/read.ts';
import { brokenRule } from '../../src/config/validate.ts';
import { ConfigError } from '../../src/config/value.ts';
import { useScratch } from '../support/scratch.ts';

const scratch = useScratch('rules');

/** What is wrong of a text, without its place. */
function mistakesOf(text: string): readonly string[] {
  try {
    const broken = brokenRule(readConfig(scratch.write(text), () => undefined).values);
    return broken === undefined ? [] : [broken];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map((problem) => problem.replace(/^.*?:\d+:\d+: /, ''));
  }
}

const remotes = (list: string): string => `leafnodes { remotes: [ ${list} ] }`;
const BAD = 'invalid mapping destination';

test.each([
  [
    'mappings { a: "b.$1" }',
    `Error adding mapping for "a" to "b.$1" : ${BAD}: wildcard index out of range in $1`,
  ],
  [
    'mappings { a: { destination: "b.{{foo(1)}}", weight: 5 } }',
    `Error adding mapping for "a" : ${BAD}: unknown function in {{foo(1)}}`,
  ],
  ['mappings { "a.*": "b.*" }', 'Error adding mapping for "a.*" to "b.*" : invalid subject'],
  [
    'mappings { a: "b.{{account-hash-import()}}" }',
    `Error adding mapping for "a" to "b.{{account-hash-import()}}" : ${BAD}: function is not available in this context in {{account-hash-import()}}`,
  ],
  [
    'mappings { a: [ { destination: b, weight: 1 }, { destination: b, weight: 2 } ] }',
    'Error adding mapping for "a" : duplicate entry for "b"',
  ],
  [
    remotes('{ url: "nats://u:p@a:1" }, { url: "nats://u:p@a:1" }'),
    'duplicate remote urls=["nats://a:1"], account="$G"',
  ],
  [
    remotes('{ url: "nats://a:1", deny_imports: "{{account-hash(x)}}" }'),
    `invalid deny_imports for remote urls=["nats://a:1"], account="$G": permission subject "{{account-hash(x)}}": ${BAD}: too many arguments passed to the function in {{account-hash(x)}}`,
  ],
  [
    remotes('{ url: "wss://u:p@a:1", proxy { url: "http://a" } }'),
    'proxy is configured but remote URL wss://a:1 requires TLS and no TLS configuration is provided. When using proxy with TLS endpoints, ensure TLS is properly configured for the leafnode remote',
  ],
  [
    'leafnodes { port: 1, min_version: "v2.9.0" }',
    "invalid leafnode's minimum version: invalid semver",
  ],
  [
    'leafnodes { port: 1 }\ngateway { name: g, port: 1 }',
    'leaf nodes and gateways (both being defined) require a system account to also be configured',
  ],
  [
    'cluster { port: 1, permissions { export: [ "a b" ] } }',
    'cluster export allow: subject "a b" is not a valid subject',
  ],
  ['jetstream { enabled: false, domain: "x.y" }', 'invalid domain name: may not contain ., * or >'],
])('%s', (text, mistake) => {
  expect(mistakesOf(text)).toEqual([mistake]);
});

test.each([
  'mappings { "a.*": "b.{{wildcard(1)}}", "{{account-hash()}}.*": "b.{{account-hash()}}.$1" }',
  'mappings { a: [ { destination: b, weight: 60, cluster: x }, { destination: c, weight: 60 } ] }',
  remotes('{ url: "nats://a:1", deny_exports: "x.{{account-hash-leaf-remote()}}" }'),
  `${remotes('{ url: "nats://a:1", account: A }, { url: "nats://a:1" }')}\naccounts { A {} }`,
  'leafnodes { port: 1, min_version: "2.9.0-x.1+y" }',
  'leafnodes { port: 1 }\ngateway { name: g, port: 1 }\naccounts { X {} }\nsystem_account: X',
])('%s can be', (text) => {
  expect(mistakesOf(text)).toEqual([]);
});
