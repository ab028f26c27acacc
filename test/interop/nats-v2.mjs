// The second generation of nats.js, `nats` 2, by the names of the third, for the program that uses streams.
export { AckPolicy, DeliverPolicy } from 'nats';

export const jetstream = (connection) => connection.jetstream();

/** A message that is not there is an error with this one. */
export async function jetstreamManager(connection) {
  const manager = await connection.jetstreamManager();
  const { streams } = manager;
  const getMessage = streams.getMessage.bind(streams);
  streams.getMessage = (stream, query) => getMessage(stream, query).catch(({ message }) => message);
  return manager;
}
