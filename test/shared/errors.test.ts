// The table of errors, beside the classes of @nats-io/nats-core.
import { errors as natsErrors } from '@nats-io/nats-core';
import { describe, expect, test } from 'vitest';
import * as errors from '../../src/shared/errors.ts';

type Constructor = new (...args: never[]) => Error;

const ARGUMENTS: Readonly<Record<string, readonly unknown[]>> = {
  AuthorizationError: ['Authorization Violation'],
  ClosedConnectionError: [],
  DrainingConnectionError: [],
  InvalidArgumentError: ['bad'],
  InvalidOperationError: ['bad'],
  InvalidSubjectError: ['a b'],
  NoRespondersError: ['a'],
  PermissionViolationError: ['no', 'subscription', 'a', 'q'],
  RequestError: ['failed'],
  TimeoutError: [],
};

function make(table: object, name: string, args: readonly unknown[]): Error {
  const Named = (table as Record<string, Constructor>)[name]!;
  return new Named(...(args as never[]));
}

describe('errors', () => {
  test.each(Object.keys(ARGUMENTS))(
    '%s has the name, text and fields of the class of nats-core',
    (name) => {
      const ours = make(errors, name, ARGUMENTS[name]!);
      const theirs = make(natsErrors, name, ARGUMENTS[name]!);
      expect({ ...ours, code: undefined, name: ours.name, message: ours.message }).toEqual({
        ...theirs,
        code: undefined,
        name: theirs.name,
        message: theirs.message,
      });
      expect(ours).toBeInstanceOf(errors.GanglionError);
    },
  );

  test('every row has a code of its own that says the same as its name', () => {
    const codes = Object.values(errors.ERRORS).map(({ code }) => code);
    expect(new Set(codes).size).toBe(codes.length);
    for (const { code, name } of Object.values(errors.ERRORS)) {
      expect(code.slice('ERR_'.length).replaceAll('_', '')).toBe(
        name.replace(/Error$/, '').toUpperCase(),
      );
    }
  });

  test('the cause is kept', () => {
    const cause = new Error('why');
    expect(new errors.TimeoutError({ cause }).cause).toBe(cause);
    expect(new errors.CapacityError('a subscription', { cause }).cause).toBe(cause);
    const request = new errors.RequestError('x', { cause: new errors.NoRespondersError('a') });
    expect(request.isNoResponders()).toBe(true);
    expect(new errors.RequestError().isNoResponders()).toBe(false);
  });

  test('texts that hold a template say what they were given', () => {
    expect(new errors.InvalidSubjectError('a{b}$&').message).toBe("illegal subject: 'a{b}$&'");
    expect(new errors.CapacityError('a subscription').message).toBe('no room for a subscription');
    expect(new errors.CycleError(1_000_000, ['a', 'b']).message).toContain('a, b');
    expect(new errors.InvalidPayloadError('a cycle').message).toBe('a cycle');
    expect(errors.InvalidArgumentError.format(['a', 'b'], 'differ').message).toBe("'a','b' differ");
    expect(errors.InvalidArgumentError.format('a', 'is bad').message).toBe("'a' is bad");
  });

  test('what was broken inside is an error that nobody is meant to catch', () => {
    expect(() => errors.assert(true, 'x')).not.toThrow();
    expect(() => errors.assert(false, 'count is negative')).toThrow(errors.InvariantError);
  });

  test('anything thrown becomes an error', () => {
    const error = new Error('x');
    expect(errors.toError(error)).toBe(error);
    expect(errors.toError('text')).toMatchObject({ message: 'thrown: text', cause: 'text' });
  });
});
