// A server's id: a public Ed25519 key in the text form of nkeys, which for a server begins with `N`. Peers
// check its form. With the private half a server could sign, which this one never does: so 32 random bytes stand in
// the place of a key, which would be a twentieth of a start to make.
// Form: kind byte, key, CRC-16 (little endian), in base32 without padding: 35 bytes, 56 characters.
// Source: nats-io/nkeys, strkey.go and crc16.go.
import { fillRandom } from '../shared/entropy.ts';

const KIND_SERVER = 13 << 3;
const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** A new id, `N` and 55 base32 characters. */
export function createServerId(): string {
  return encodeServerId(fillRandom(new Uint8Array(32)));
}

/** The text form of a server's public key of 32 bytes. */
export function encodeServerId(key: Uint8Array): string {
  const body = Uint8Array.of(KIND_SERVER, ...key);
  const crc = crc16(body);
  return base32(Uint8Array.of(...body, crc & 0xff, crc >> 8));
}

/** CRC-16/XMODEM: polynomial 0x1021, start 0. */
function crc16(bytes: Uint8Array): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++)
      crc = (crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1) & 0xffff;
  }
  return crc;
}

function base32(bytes: Uint8Array): string {
  let text = '';
  let bits = 0;
  let held = 0;
  for (const byte of bytes) {
    held = (held << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += DIGITS[(held >> bits) & 31];
    }
    held &= (1 << bits) - 1;
  }
  return bits === 0 ? text : text + DIGITS[(held << (5 - bits)) & 31];
}
