// The chart of the macro bench, and targets beside figures.
import { describe, expect, test } from 'vitest';
import { drawChart } from '../../bench/chart/svg.ts';
import { reportCase } from '../../bench/macro/report.ts';
import { judgeMacro } from '../../bench/macro/targets.ts';
import { spreadOf } from '../../bench/shared/statistics.ts';
import { formatJudgements, judge } from '../../bench/shared/targets.ts';

const row = (name: string, speed: number, cpu: number) => ({
  name,
  speed: spreadOf([speed]),
  cpu: spreadOf([cpu]),
});

describe('the chart', () => {
  const svg = drawChart({
    title: 'A & B',
    rows: [row('fast <1>', 5.25, 0.125), row('slow', 0.5, 3)],
    footer: ['one', 'two'],
  });

  test('is well formed', () => {
    const open: string[] = [];
    for (const [, slash, name, empty] of svg.matchAll(/<(\/?)([a-z]+)[^>]*?(\/?)>/g)) {
      if (slash === '/') expect(open.pop()).toBe(name);
      else if (empty !== '/') open.push(name ?? '');
    }
    expect(open).toEqual([]);
    expect(svg).toContain('fast &#60;1&#62;');
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
  });

  test('has colours for both schemes', () => {
    expect(svg).toContain('@media (prefers-color-scheme: dark)');
  });

  test('says in words what it shows', () => {
    expect(svg).toContain('slow: 0.50× the messages per second, 3.0× the CPU.');
  });

  test('shows by colour what is better', () => {
    const bars = [...svg.matchAll(/<rect class="(better|worse)"/g)].map(([, kind]) => kind);
    expect(bars).toEqual(['better', 'worse', 'better', 'worse']);
  });
});

describe('targets', () => {
  test('are judged by the median', () => {
    const target = { what: 'speed', bound: 'at least', limit: 2, unit: 'x' } as const;
    expect(judge(target, spreadOf([1, 2, 9])).verdict).toBe('met');
    expect(judge(target, spreadOf([1, 1.9, 9])).verdict).toBe('missed');
    expect(judge({ ...target, bound: 'at most' }, spreadOf([1, 2, 9])).verdict).toBe('met');
    expect(judge(target, undefined).verdict).toBe('not measured');
  });

  test('of the macro bench find the ratio of their case', () => {
    const sample = (messages: number) => ({
      ...{ messages, deliveries: messages, seconds: 1, serverCpuNs: 1e9 },
      ...{ rssKib: 1024, peakRssKib: 1024 },
    });
    const lane = (name: string, messages: number) => ({
      name,
      restKib: 1024,
      samples: [sample(messages)],
    });
    const report = reportCase('1-1 128 B', [
      lane('ganglion', 800),
      lane('nats-server', 100),
      lane('relay', 2000),
    ]);
    const all = judgeMacro([report]);
    const judged = all.filter(({ verdict }) => verdict !== 'not measured');
    expect(judged.map(({ what, measured, verdict }) => [what, measured?.median, verdict])).toEqual([
      ['1-1 128 B: messages/s / nats-server', 8, 'met'],
      ['1-1 128 B: messages/s / relay', 0.4, 'missed'],
      ['1-1 128 B: server CPU per message / nats-server', 1 / 8, 'met'],
    ]);
    expect(formatJudgements(all)).toContain(`${all.length - judged.length} not measured`);
  });
});
