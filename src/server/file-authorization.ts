// What a configuration file, with flags over it, says about who may come in: as options of `serve`, and with the secrets
// that are empty and so let in whoever comes.
// Source: nats-server 2.15.3, server/auth.go, configureAuthorization, processClientOrLeafAuthentication.
import type { ServerValues } from '../config/keys-server.ts';
import type { AuthorizationOptions, SimpleAuthorization } from './authorization.ts';

type Mentioned = Pick<ServerValues, 'authorization' | 'noAuthUser' | 'websocket'>;

/** Undefined when whoever comes may come in. A token goes before the only user; only flags put them together. */
export function authorizationOf(values: Mentioned): AuthorizationOptions | undefined {
  const { user = '', password = '', token = '', users = [] } = values.authorization ?? {};
  const { noAuthUser = '' } = values;
  if (users.length > 0) {
    return {
      users: users.map(({ user = '', password = '' }) => ({ user, pass: password })),
      ...(noAuthUser === '' ? {} : { noAuthUser }),
      ...(token === '' ? {} : { token }),
    };
  }
  if (token !== '') return { token };
  return user === '' ? undefined : { user, pass: password };
}

/** Who may come in by WebSocket, where that is said there. */
export function websocketAuthorizationOf({
  websocket = {},
}: Mentioned): SimpleAuthorization | undefined {
  const { user = '', password = '', token = '' } = websocket.authorization ?? {};
  if (user !== '') return { user, pass: password };
  return token === '' ? undefined : { token };
}

/** Secrets that are there and empty, each as a line that says who comes in by it. */
export function emptySecretTexts(values: Mentioned): string[] {
  return [...plainTexts(values), ...websocketTexts(values)];
}

function plainTexts(values: Mentioned): string[] {
  const { user, password, token, users } = values.authorization ?? {};
  const options = authorizationOf(values);
  if (options === undefined) {
    return emptyTexts('Whoever comes', 'authorization', { user: user ?? password, token, users });
  }
  if ('token' in options && !('users' in options)) return [];
  const all = 'users' in options ? options.users : [options];
  const where = 'users' in options ? 'authorization.users.password' : 'authorization.password';
  return all
    .filter((each) => each.pass === '' && each.user !== values.noAuthUser)
    .map((each) => withoutPassword(each.user, where));
}

function websocketTexts(values: Mentioned): string[] {
  const { user, password, token } = values.websocket?.authorization ?? {};
  const options = websocketAuthorizationOf(values);
  if (options === undefined) {
    if (authorizationOf(values) !== undefined) return [];
    const given = { user: user ?? password, token };
    return emptyTexts('Whoever comes by WebSocket', 'websocket.authorization', given);
  }
  if ('token' in options || options.pass !== '') return [];
  return [withoutPassword(options.user, 'websocket.authorization.password')];
}

function emptyTexts(
  who: string,
  block: string,
  given: Readonly<Record<string, unknown>>,
): string[] {
  return Object.entries(given).flatMap(([key, value]) =>
    value === undefined ? [] : `${who} is let in: ${block}.${key} is empty`,
  );
}

function withoutPassword(user: string, where: string): string {
  return `User ${JSON.stringify(user)} is let in without a password: ${where} is empty`;
}
