// The parser against the naive one, under any cut.

import fc from 'fast-check';
import { describe, it } from 'vitest';
import { naiveParse, type ParsedOp, type ParserLimits } from '../model/naive-parser.ts';
import { DEFAULT_LIMITS, ParserDriver } from '../wasm/parser-driver.ts';
import { cutBy, cuts, damagedStream, noise, opStream, toBytes } from './arbitraries.ts';
import { check, takeTime } from './check.ts';

takeTime();

const driver = new ParserDriver();
const noiseBehind = fc.constantFrom('\n', '\r\n', ' 1\r\n', 'x', '\0');
const smallLimits = fc.record({
  controlLineMax: fc.integer({ min: 0, max: 80 }),
  payloadMax: fc.integer({ min: 0, max: 20 }),
  takesHeaders: fc.boolean(),
});
const limits: fc.Arbitrary<ParserLimits> = fc.oneof(fc.constant(DEFAULT_LIMITS), smallLimits);

function same(left: readonly ParsedOp[], right: readonly ParsedOp[]): boolean {
  const flat = (ops: readonly ParsedOp[]): string =>
    JSON.stringify(ops.map((op) => Object.entries(op).sort(([a], [b]) => (a < b ? -1 : 1))));
  return flat(left) === flat(right);
}

function agrees(text: string, lengths: number[], behind: string, bounds: ParserLimits): boolean {
  const whole = toBytes(text);
  const expected = naiveParse(whole, bounds);
  driver.setNoise(behind);
  return (
    same(driver.parse([whole], bounds), expected) &&
    same(driver.parse(cutBy(whole, lengths), bounds), expected)
  );
}

const lengthOf = fc.oneof(
  fc.integer({ min: 0, max: 70 }),
  fc.integer({ min: 110, max: 135 }),
  fc.integer({ min: 940, max: 1040 }),
);
const mostly = (usual: string, ...others: string[]): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 9, arbitrary: fc.constant(usual) },
    { weight: 1, arbitrary: fc.constantFrom(...others) },
  );
const blank = mostly(' ', '  ', '\t', '\0', '');
const publish = fc
  .record({
    lengths: fc.tuple(lengthOf, lengthOf),
    blanks: fc.tuple(blank, blank, blank),
    header: fc.constantFrom('', '', '10', '11', '12', '13', '000000012', '0000000012'),
    // Some as long as the right one, so that what follows may still look right.
    lineEnd: mostly('\r\n', '\n', '\r', '\nx', '\rx', '\0x', '\r\r\n', ' \r\n'),
  })
  .map(({ lengths: [subject, reply], blanks, header, lineEnd }) => {
    const verb = header === '' ? 'PUB ' : 'HPUB ';
    const replyText = reply === 0 ? '' : `${blanks[0]}${'r'.repeat(reply)}`;
    const sizes = header === '' ? '12' : `${header}${blanks[1]}12`;
    const front = `${verb}${'s'.repeat(subject)}${replyText}${blanks[2]}${sizes}`;
    return `${front}${lineEnd}NATS/1.0\r\n\r\n\r\n`;
  });

const agreesAll = (texts: string[], lengths: number[], behind: string, bounds: ParserLimits) =>
  agrees(texts.join(''), lengths, behind, bounds);

describe('the parser', () => {
  it('gives the same ops of a valid stream under every cut', () => {
    check(3000, fc.property(opStream, cuts, noiseBehind, fc.constant(DEFAULT_LIMITS), agrees));
  });

  it('gives no fault for a valid stream', () => {
    const isWhole = (text: string): boolean =>
      driver.parse([toBytes(text)]).every(({ verb }) => verb !== 'ERROR');
    check(1000, fc.property(opStream, isWhole));
  });

  it('agrees with the naive parser on streams with a fault in them', () => {
    check(6000, fc.property(damagedStream, cuts, noiseBehind, limits, agrees));
  });

  it('agrees with the naive parser on publishes of any length, long ones among them', () => {
    check(
      3000,
      fc.property(fc.array(publish, { maxLength: 3 }), cuts, noiseBehind, limits, agreesAll),
    );
  });

  it('agrees with the naive parser on any bytes whatever', () => {
    check(6000, fc.property(noise, cuts, noiseBehind, limits, agrees));
  });
});
