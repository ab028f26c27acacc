// Whom --signal may reach. Nothing is really sent here: what means more than one process would end the tests as well.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { sendSignal } from '../../src/cli/send-signal.ts';

const sent: [number, unknown][] = [];

beforeEach(() => {
  sent.length = 0;
  vi.spyOn(process, 'kill').mockImplementation((pid, signal) => {
    sent.push([pid, signal]);
    return true;
  });
});
afterEach(() => vi.restoreAllMocks());

test.each([
  ['stop=5', 'SIGKILL'],
  ['quit=5', 'SIGINT'],
  ['reopen=+5', 'SIGUSR1'],
  ['reload=5', 'SIGHUP'],
  ['ldm=5', 'SIGUSR2'],
  ['term=5', 'SIGTERM'],
])('%s reaches one process', (text, signal) => {
  expect(sendSignal(text)).toBeUndefined();
  expect(sent).toEqual([[5, signal]]);
});

test.each(['0', '-1', '-5', '00', '4294967295', '99999999999', '99999999999999999999', '5\n', 'x'])(
  'what is no number of one process, %j, is sent nothing',
  (pid) => {
    expect(sendSignal(`term=${pid}`)).toBe(`invalid pid: ${pid}`);
    expect(sent).toEqual([]);
  },
);

test.each([
  ['term', 'unable to resolve pid, try providing one'],
  ['term=', 'unable to resolve pid, try providing one'],
  ['term=5*', 'unable to resolve pid, try providing one'],
  ['TERM=5', 'unknown signal "TERM"'],
  ['constructor=5', 'unknown signal "constructor"'],
  ['term=5=6', 'invalid signal parameters: [6]'],
])('%j is sent to nobody', (text, problem) => {
  expect(sendSignal(text)).toBe(problem);
  expect(sent).toEqual([]);
});
