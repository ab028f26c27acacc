// Handlers whose result is the answer, and errors that are answers.
import { ServiceError as NatsServiceError } from 'nats';
import { describe, expect, it } from 'vitest';
import { internalsOf } from '../../src/bus/internals.ts';
import {
  type Bus,
  connect,
  createBus,
  headers,
  type Message,
  ServiceError,
} from '../../src/index.ts';
import { startServer } from '../../src/testing/index.ts';
import { CorePeer } from '../support/core-peer.ts';

interface Setup {
  bus: Bus;
  errors: unknown[];
}

function setup(): Setup {
  const errors: unknown[] = [];
  return { bus: createBus({ onError: (error) => errors.push(error) }), errors };
}

function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function reasonOf(promise: Promise<unknown>): Promise<ServiceError> {
  return promise.then(
    () => {
      throw new Error('it did not reject');
    },
    (error) => error,
  );
}

const failing = (error: unknown) => (): never => {
  throw error;
};

describe('a responder', () => {
  it('answers what its function returns, by reference', async () => {
    const { bus } = setup();
    const user = { name: 'Ada' };
    const asked: unknown[] = [];
    bus.responder('users.*', (value, msg) => {
      asked.push(value, msg.subject);
      return user;
    });
    expect((await bus.request('users.get', { id: 7 })).value).toBe(user);
    expect(asked).toEqual([{ id: 7 }, 'users.get']);
  });

  it('answers what it resolves to, and undefined as well', async () => {
    const { bus } = setup();
    bus.responder('a', async (value) => value);
    bus.responder('none', () => {});
    bus.responder('late', async () => undefined);
    expect((await bus.request('a', 1)).value).toBe(1);
    for (const subject of ['none', 'late']) {
      const answer = await bus.request(subject);
      expect([answer.value, answer.data.length]).toEqual([undefined, 0]);
    }
  });

  it('answers peers', async () => {
    const { bus } = setup();
    const peer = new CorePeer(internalsOf(bus));
    peer.originOf = () => ({ cid: 1 }) as never;
    peer.say('SUB r 1\n');
    bus.responder<{ id: number }>('a', async ({ id }) => ({ name: `user ${id}` }));
    peer.say('PUB a r 8\n{"id":7}\n');
    await settled();
    expect(peer.heard()).toBe('MSG r 1 17\n{"name":"user 7"}\n');
  });

  it('is a subscription: with a queue, a concurrency and an end', async () => {
    const { bus } = setup();
    const seen: unknown[] = [];
    const holds: (() => void)[] = [];
    const respond = (value: unknown): Promise<unknown> => {
      seen.push(value);
      return new Promise((resolve) => holds.push(() => resolve(value)));
    };
    const sub = bus.responder('a', respond, { queue: 'q', concurrency: 1 });
    bus.subscribe('a', () => seen.push('no'), { queue: 'q' }).unsubscribe();
    const answers = [bus.request('a', 1), bus.request('a', 2)];
    expect(seen).toEqual([1]);
    holds[0]?.();
    expect((await answers[0])?.value).toBe(1);
    await settled();
    expect(seen).toEqual([1, 2]);
    sub.unsubscribe();
    holds[1]?.();
    expect((await answers[1])?.value).toBe(2);
    expect((await reasonOf(bus.request('a'))).code).toBe('ERR_NO_RESPONDERS');
  });

  it('says nothing where nobody has asked, and reports what it throws there', async () => {
    const { bus, errors } = setup();
    const own = new Error('own');
    bus.responder('a', () => 1);
    bus.responder('b', failing(own));
    bus.responder('c', async () => failing(own)());
    for (const subject of ['a', 'b', 'c']) bus.publish(subject);
    await settled();
    expect(errors).toEqual([own, own]);
    await expect(bus.publishSettled('c')).rejects.toMatchObject({ errors: [own] });
  });

  it('judges its arguments', () => {
    const { bus } = setup();
    const never = undefined as never;
    expect(() => bus.responder('a', never)).toThrow(/'handler' must be a function/);
    expect(() => bus.responder('a', () => 1, { callback: () => {} } as never)).toThrow(
      /'callback' is one too many/,
    );
    expect(() => bus.responder('a..b', () => 1)).toThrow(/illegal subject/);
    expect(bus.hasInterest('a')).toBe(false);
  });
});

describe('what a responder throws', () => {
  it('rejects the request of a bus as a ServiceError, and is not reported', async () => {
    const { bus, errors } = setup();
    bus.responder('own', failing(new ServiceError(404, 'no such user')));
    bus.responder('other', failing(new TypeError('x is not a function')));
    bus.responder('late', async () => failing('a text')());
    const error = await reasonOf(bus.request('own'));
    expect(error).toBeInstanceOf(ServiceError);
    expect([error.code, error.serviceCode, error.message, error.name]).toEqual([
      'ERR_SERVICE',
      404,
      'no such user',
      'ServiceError',
    ]);
    expect(await reasonOf(bus.request('other'))).toMatchObject({
      serviceCode: 500,
      message: 'x is not a function',
    });
    expect(await reasonOf(bus.request('late'))).toMatchObject({
      serviceCode: 500,
      message: 'thrown: a text',
    });
    expect(errors).toEqual([]);
  });

  it('is an answer with the headers of micro for everybody else', async () => {
    const { bus } = setup();
    bus.responder('a', failing(new ServiceError(404, 'no such user')));
    const connection = await connect({ bus });
    const answers: Message[] = [await connection.request('a', '')];
    for await (const answer of await bus.requestMany('a', '', { strategy: 'all' })) {
      answers.push(answer);
    }
    expect(answers).toHaveLength(2);
    for (const { headers, data } of answers) {
      expect(headers?.get('Nats-Service-Error')).toBe('no such user');
      expect(headers?.get('Nats-Service-Error-Code')).toBe('404');
      expect(data).toHaveLength(0);
    }
    const peer = new CorePeer(internalsOf(bus));
    peer.say('SUB r 1\nPUB a r 0\n\n');
    expect(peer.heard()).toBe(
      'HMSG r 1 76 76\nNATS/1.0\nNats-Service-Error: no such user\nNats-Service-Error-Code: 404\n\n\n',
    );
  });

  it('has a text that a header can hold, whatever it was', async () => {
    const { bus } = setup();
    let thrown: unknown;
    bus.responder('a', () => {
      throw thrown;
    });
    const said: [unknown, string][] = [
      [new Error('two\r\nlines\0'), 'two lines'],
      [new Error('half \ud800 pair'), 'half   pair'],
      [new RangeError(''), 'RangeError'],
      [new Error('x'.repeat(5000)), 'x'.repeat(1024)],
      [Object.create(null), 'thrown: a value that has no text'],
      [undefined, 'thrown: undefined'],
      [Object.assign(new Error('odd'), { serviceCode: '404' }), 'odd'],
      [Object.assign(new Error('7'), { message: 7 }), '7'],
    ];
    for (const [error, text] of said) {
      thrown = error;
      expect(await reasonOf(bus.request('a'))).toMatchObject({ message: text, serviceCode: 500 });
    }
  });

  it('is told to a peer also when its request, or the answer, has no form', async () => {
    const { bus, errors } = setup();
    const peer = new CorePeer(internalsOf(bus));
    peer.originOf = () => ({ cid: 1 }) as never;
    peer.say('SUB r 1\n');
    bus.responder('a', () => new Map());
    bus.responder('b', () => 'x'.repeat(2 << 20));
    peer.say('PUB a r 1\n{\n');
    expect(peer.heard()).toMatch(/Nats-Service-Error: the payload cannot.*\n.*Code: 400\n/);
    peer.say('PUB a r 1\n1\n');
    expect(peer.heard()).toMatch(/Nats-Service-Error: the value cannot.*\n.*Code: 500\n/);
    peer.say('PUB b r 1\n1\n');
    expect(peer.heard()).toMatch(/Nats-Service-Error: answer of 2097152 bytes.*\n.*Code: 500\n/);
    expect(errors).toEqual([]);
  });

  it('is read from whoever answers so, also where it is no number', async () => {
    const { bus } = setup();
    const answering = (code: string, text: string) => (msg: Message) => {
      const h = headers();
      h.set('Nats-Service-Error-Code', code);
      if (text !== '') h.set('Nats-Service-Error', text);
      msg.respond('', { headers: h });
    };
    bus.subscribe('a', answering('418', 'a teapot'));
    bus.subscribe('b', answering('odd', ''));
    expect(await reasonOf(bus.request('a'))).toMatchObject({ serviceCode: 418 });
    expect(await reasonOf(bus.request('b'))).toMatchObject({ serviceCode: 400, message: 'odd' });
  });

  it('has the line of who has asked in its stack', async () => {
    const { bus } = setup();
    bus.responder('a', failing(new Error('own')));
    async function whoAsks(): Promise<void> {
      await bus.request('a');
    }
    expect((await reasonOf(whoAsks())).stack).toContain('whoAsks');
  });

  it("is understood by nats.js, and its services' errors by a bus", async () => {
    const { connect: connectNats } = await import('nats');
    const server = await startServer();
    const client = await connectNats({ servers: server.url });
    try {
      server.bus.responder('a', failing(new ServiceError(404, 'no such user')));
      const answer = await client.request('a', '');
      expect(NatsServiceError.toServiceError(answer)).toMatchObject({
        code: 404,
        message: 'no such user',
      });
      const service = await client.services.add({ name: 'users', version: '1.0.0' });
      service.addEndpoint('get', (_error, msg) => {
        msg.respondError(409, 'taken');
      });
      await client.flush();
      const error = await reasonOf(server.bus.request('get', ''));
      expect([error.serviceCode, error.message]).toEqual([409, 'taken']);
    } finally {
      await client.close();
      await server.close();
    }
  });
});
