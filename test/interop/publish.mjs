// Publishes to localhost:4222, where the guide's programs connect: `node publish.mjs SUBJECT JSON...`.
import { connect } from 'nats';

const [subject, ...payloads] = process.argv.slice(2);
const connection = await connect({ servers: 'localhost:4222' });
for (const payload of payloads) connection.publish(subject, payload);
await connection.drain();
