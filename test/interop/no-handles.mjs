// Loaded before a server: takes from Node's socket handles the method by which memory for reads is given, as in a
// runtime or a later Node that has no such thing.
import { Socket } from 'node:net';

const socket = new Socket();
socket.on('error', () => {});
socket.connect(1, '127.0.0.1');
let owner = socket._handle;
while (owner !== null && !Object.hasOwn(owner, 'useUserBuffer'))
  owner = Object.getPrototypeOf(owner);
Object.defineProperty(owner, 'useUserBuffer', { value: undefined });
socket.destroy();
