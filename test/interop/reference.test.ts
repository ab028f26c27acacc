// The server under test beside nats-server of the pinned version: the same conversation with the same client,
// and what both announce and report, compared. Identifiers, addresses and ports are normalised away.
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { officialClients, titled } from './clients.ts';
import type { Client, PeerMessage } from './peer.ts';
import { converse } from './raw.ts';
import { type Server, startServer } from './server.ts';
import { missing, pathOf } from './tools.ts';

const { reference } = inject('tools');
type Json = Record<string, unknown>;

/**
 * Keys of INFO that only the reference needs: `api_lvl` is the level of a JetStream interface, `xkey` the key
 * for authentication callout, `git_commit` of its build. They are left out while the feature is.
 */
const OPTIONAL_INFO = ['api_lvl', 'git_commit', 'xkey'];
/** They differ between any two servers. */
const OWN_INFO = ['client_id', 'go', 'port', 'server_id', 'server_name'];

describe.skipIf(missing(reference) !== undefined)(
  titled('beside nats-server', missing(reference)),
  () => {
    let ours: Server;
    let theirs: Server;
    beforeAll(async () => {
      ours = await startServer();
      theirs = await startServer({ executable: pathOf(reference) });
    });
    afterAll(async () => {
      await ours?.close();
      await theirs?.close();
    });
    const both = async <T>(ask: (server: Server) => Promise<T>): Promise<[T, T]> => [
      await ask(ours),
      await ask(theirs),
    ];

    test('INFO has the same keys, types and values', async () => {
      const [our, their] = await both(async ({ port }) => (await infos(port, '', /\n/))[0] ?? {});
      expect(types(our)).toEqual(types(their));
      expect(values(our)).toEqual(values(their));
      expect(our.server_id).toMatch(/^N[A-Z2-7]{55}$/);
      expect(our.port).toBe(ours.port);
    });

    test('a client of protocol 1 gets the second INFO after its first PONG', async () => {
      const hello = 'CONNECT {"verbose":false,"protocol":1}\r\nPING\r\n';
      const [our, their] = await both(({ port }) => infos(port, hello, /PONG\r\nINFO .*\r\n/));
      expect(our).toHaveLength(2);
      expect(types(our[1] ?? {})).toEqual(types(their[1] ?? {}));
      expect(values(our[1] ?? {})).toEqual(values(their[1] ?? {}));
    });

    const hello = 'CONNECT {"verbose":false,"pedantic":false,"headers":true}\r\n';
    test.each([
      ['a payload above max_payload', `${hello}PUB a 1048577\r\n`],
      ['an unknown verb', `${hello}HELLO\r\n`],
      ['a control line that is too long', `${hello}SUB ${'a'.repeat(5000)} 1\r\n`],
      ['a subject that is none', `${hello}SUB a..b 1\r\nSUB a.>.b 2\r\nPING\r\n`],
      ['a reserved subject', `${hello}PUB $NRG.x 0\r\n\r\nPUB a _R_.x 0\r\n\r\nPING\r\n`],
      ['pedantic publishing', 'CONNECT {}\r\nPUB a.* 0\r\n\r\nPING\r\n'],
    ])('answers %s in the same words', async (_title, text) => {
      const [our, their] = await both(async ({ port }) => {
        const answer = await converse(port, text, /PONG\r\n/);
        return { ...answer, text: answer.text.replace(/^INFO.*\r\n/, '') };
      });
      expect(our).toEqual(their);
      expect(our.text).toMatch(/-ERR '/);
    });

    test('/varz has no key and no type that nats-server has not', async () => {
      const [our, their] = await both(async ({ monitorUrl }) => {
        const response = await fetch(`${monitorUrl}/varz`);
        expect(response.status).toBe(200);
        expect(response.headers.get('content-type')).toBe('application/json');
        return (await response.json()) as Json;
      });
      const expected = Object.keys(our).map((key) => [key, typeof their[key]]);
      expect(Object.entries(our).map(([key, value]) => [key, typeof value])).toEqual(expected);
      expect(our).toMatchObject({ version: their.version, max_payload: their.max_payload });
    });

    for (const client of officialClients()) {
      test.skipIf(client.missing !== undefined)(
        titled(`${client.title} has the same conversation`, client.missing),
        async () => {
          const [our, their] = await both(({ url }) => conversation(client, url));
          expect(our).toEqual(their);
          expect(our.received).toHaveLength(5);
        },
      );
    }
  },
);

/** All INFO lines of a conversation, parsed; a line ends in blank, CR and LF. */
async function infos(port: number, text: string, end: RegExp): Promise<Json[]> {
  const { text: received } = await converse(port, text, end);
  return [...received.matchAll(/INFO (\{.*\}) \r\n/g)].map((line) => JSON.parse(line[1] ?? ''));
}

function types(info: Json): Record<string, string> {
  const entries = Object.entries(info).filter(([key]) => !OPTIONAL_INFO.includes(key));
  return Object.fromEntries(entries.map(([key, value]) => [key, typeof value]));
}

function values(info: Json): Json {
  const ignored = [...OPTIONAL_INFO, ...OWN_INFO];
  return Object.fromEntries(Object.entries(info).filter(([key]) => !ignored.includes(key)));
}

/** A bit of everything with two connections of one client; what can be seen of it, normalised. */
async function conversation(client: Client, url: string): Promise<Record<string, unknown>> {
  const [one, two] = [await client.connect(url, 'one'), await client.connect(url, 'two')];
  try {
    const seen = await two.subscribe('talk.>');
    const limited = await two.subscribe('talk.*');
    await limited.unsubscribe(1);
    await two.respond('serve');
    await one.publish('talk.a', Buffer.from('plain'));
    await one.publish('talk.b', Buffer.from([0, 13, 10, 255]), { reply: 'r.s' });
    await one.publish('talk.b.c', new Uint8Array(), { headers: { 'X-A': ['1'], 'x-a': ['2'] } });
    await one.publish('talk..empty');
    await one.publish('talk.*', Buffer.from('wildcards are literal here'));
    const silence = one.request('talk.silent', Buffer.from('?'), { timeoutMs: 100 });
    const errors = [
      await failure(silence),
      await failure(one.request('nobody', new Uint8Array())),
      await failure(one.publish('talk.big', new Uint8Array(one.maxPayload + 1))),
    ];
    const answer = await one.request('serve', Buffer.from('x'), { headers: { H: ['v'] } });
    await seen.received(5);
    await two.flush();
    return {
      version: one.serverVersion,
      maxPayload: one.maxPayload,
      received: seen.messages.map(normalised),
      limited: limited.messages.map(normalised),
      answer: normalised(answer),
      errors,
    };
  } finally {
    await Promise.all([one.close(), two.close()]);
  }
}

function normalised({ subject, reply, data, headers }: PeerMessage): object {
  const hideInbox = (text: string): string => text.replace(/^_INBOX\..*/, '_INBOX…');
  return { subject: hideInbox(subject), reply: hideInbox(reply), data: [...data], headers };
}

async function failure(action: Promise<unknown>): Promise<string> {
  try {
    await action;
    return 'no error';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
