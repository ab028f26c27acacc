// What a configuration file, with flags over it, says about who may come in: as options of `serve`, with what is not
// carried out, and with the secrets that are empty and so let in whoever comes.
// Source: nats-server 2.15.3, server/auth.go, configureAuthorization, processClientOrLeafAuthentication.
import type { ServerValues } from '../config/keys-server.ts';
import type { UserValues } from '../config/keys-users.ts';
import type { Demand } from '../config/kinds.ts';
import { type AuthorizationOptions, isBcrypt } from './authorization.ts';

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

/** Secrets that are there and empty, each as a line that says who comes in by it. */
export function emptySecretTexts(values: Mentioned): string[] {
  const { user, password, token, users } = values.authorization ?? {};
  const options = authorizationOf(values);
  if (options === undefined) {
    const given = { user: user ?? password, token, users };
    return Object.entries(given).flatMap(([key, value]) =>
      value === undefined ? [] : `Whoever comes is let in: authorization.${key} is empty`,
    );
  }
  if ('token' in options && !('users' in options)) return [];
  const all = 'users' in options ? options.users : [options];
  const where = 'users' in options ? 'authorization.users.password' : 'authorization.password';
  return all
    .filter((each) => each.pass === '' && each.user !== values.noAuthUser)
    .map(
      (each) => `User ${JSON.stringify(each.user)} is let in without a password: ${where} is empty`,
    );
}

/** What is asked for, and is not carried out. */
export function authorizationDemands(values: Mentioned): Demand[] {
  const { users = [], ...only } = values.authorization ?? {};
  const names = [
    ...bcryptNames('authorization', only),
    ...users.flatMap((each) => bcryptNames('authorization.users', each)),
    ...(authorizationOf(values) === undefined ? [] : cookieNames(values)),
  ];
  return names.map((name) => ({ name, effect: 'refused' }));
}

function bcryptNames(path: string, { password = '', token = '' }: UserValues & { token?: string }) {
  const secrets = { password, token };
  return Object.entries(secrets).flatMap(([key, secret]) =>
    isBcrypt(secret) ? `${path}.${key} (bcrypt)` : [],
  );
}

/** They say who somebody is, where CONNECT does not. */
function cookieNames({ websocket = {} }: Mentioned): string[] {
  const { userCookie, passwordCookie, tokenCookie } = websocket;
  const cookies = {
    user_cookie: userCookie,
    pass_cookie: passwordCookie,
    token_cookie: tokenCookie,
  };
  return Object.entries(cookies).flatMap(([key, cookie]) => (cookie ? `websocket.${key}` : []));
}
