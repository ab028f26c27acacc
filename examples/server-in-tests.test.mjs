// A test suite that brings its own server: started in the process on a free port, nothing to download, gone when
// it is closed. The same works under vitest and Jest.
//
//   node --test examples/server-in-tests.test.mjs
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { connect } from '@nats-io/transport-node';
import { startServer } from 'ganglion/testing';

/** What is tested: a service that counts words, written for any NATS server. */
function serveWordCount(connection) {
  connection.subscribe('words.count', {
    queue: 'words',
    callback: (_error, msg) => msg.respond(`${msg.string().split(' ').length}`),
  });
}

describe('the word count service', () => {
  let server;
  let service;

  before(async () => {
    server = await startServer();
    service = await connect({ servers: server.url, name: 'words' });
    serveWordCount(service);
    await service.flush();
  });

  after(async () => {
    await service.close();
    await server.close();
  });

  it('counts the words of a request', async () => {
    // The test needs no client of its own: it is on the bus that is served.
    const answer = await server.bus.request('words.count', 'one two three');
    assert.equal(answer.string(), '3');
  });

  it('has one connection', () => {
    assert.deepEqual(
      server.connections().map(({ name }) => name),
      ['words'],
    );
  });
});
