// One SVG of two panels side by side: how many times the messages per second, and what share of the CPU per
// message. Ratios are drawn as bars from 1 on a logarithmic axis, so that twice and half look alike; the better
// direction has one colour, the worse another.
//
//   case        ←slower   messages/s   faster→      ←less   CPU a message   more→
//   1-1 128 B             ├──────●── 5.2×             ──●──────┤ 0.18×
//
// The picture is shown by <img>, where neither scripts nor the page's styles reach it: its colours follow the
// colour scheme by a media query of its own, on a ground of its own.

import type { Spread } from '../shared/statistics.ts';

/** One line of the chart: ratios of ours to the reference. */
export interface ChartRow {
  readonly name: string;
  readonly speed: Spread;
  readonly cpu: Spread;
}

export interface Chart {
  readonly title: string;
  readonly rows: readonly ChartRow[];
  readonly footer: readonly string[];
}

interface Panel {
  readonly heading: string;
  readonly worse: string;
  readonly better: string;
  /** Larger ratios are better. */
  readonly isMoreBetter: boolean;
  readonly left: number;
  readonly width: number;
  /** Powers of two at its edges. */
  readonly from: number;
  readonly to: number;
  spread(row: ChartRow): Spread;
}

const WIDTH = 880;
const MARGIN = 24;
const NAMES_WIDTH = 224;
const PANEL_WIDTH = 250;
const GAP = 60;
const ROW_HEIGHT = 26;
const BAR_HEIGHT = 12;
const TOP = 108;
/** Room for a value at the end of its bar. */
const VALUE_WIDTH = 46;

const STYLE = `
    svg { font: 13px -apple-system, "Segoe UI", "Noto Sans", Helvetica, Arial, sans-serif; }
    .ground { fill: #ffffff; stroke: #d0d7de; }
    text { fill: #1f2328; }
    .title { font-size: 16px; font-weight: 600; }
    .heading { font-weight: 600; }
    .quiet { fill: #59636e; font-size: 11.5px; }
    .stripe { fill: #f6f8fa; }
    .grid { stroke: #d8dee4; }
    .one { stroke: #59636e; stroke-width: 1.5; }
    .range { stroke: #1f2328; stroke-width: 1.5; }
    .better { fill: #2f81c9; }
    .worse { fill: #d1791b; }
    @media (prefers-color-scheme: dark) {
      .ground { fill: #0d1117; stroke: #3d444d; }
      text { fill: #e6edf3; }
      .quiet { fill: #9aa5b1; }
      .stripe { fill: #161b22; }
      .grid { stroke: #2a313a; }
      .one { stroke: #9aa5b1; }
      .range { stroke: #e6edf3; }
      .better { fill: #3f8fd6; }
      .worse { fill: #d98a33; }
    }`;

/** The chart as an SVG document. */
export function drawChart({ title, rows, footer }: Chart): string {
  const panels = panelsOf(rows);
  const bottom = TOP + rows.length * ROW_HEIGHT;
  const height = bottom + 26 + footer.length * 18 + MARGIN / 2;
  const parts = [
    `<rect class="ground" x="0.5" y="0.5" width="${WIDTH - 1}" height="${height - 1}" rx="6"/>`,
    text(MARGIN, 36, title, 'title'),
    ...rows.map((_, index) => stripe(index)),
    ...panels.flatMap((panel) => drawAxis(panel, bottom)),
    ...rows.map(({ name }, index) => text(MARGIN + 8, baseline(index), name)),
    ...panels.flatMap((panel) =>
      rows.map((row, index) => drawBar(panel, panel.spread(row), index)),
    ),
    ...footer.map((line, index) => text(MARGIN, bottom + 32 + index * 18, line, 'quiet')),
  ];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-labelledby="title summary">`,
    `  <title id="title">${escapeXml(title)}</title>`,
    `  <desc id="summary">${escapeXml(summary(rows))}</desc>`,
    `  <style>${STYLE}\n  </style>`,
    ...parts.map((part) => `  ${part}`),
    '</svg>',
    '',
  ].join('\n');
}

function panelsOf(rows: readonly ChartRow[]): readonly Panel[] {
  const left = MARGIN + NAMES_WIDTH;
  const make = (panel: Omit<Panel, 'width' | 'from' | 'to'>): Panel => ({
    ...panel,
    width: PANEL_WIDTH,
    ...reach(rows.map(panel.spread)),
  });
  return [
    make({
      heading: 'Messages per second',
      worse: 'slower',
      better: 'faster',
      isMoreBetter: true,
      left,
      spread: ({ speed }) => speed,
    }),
    make({
      heading: 'Server CPU per message',
      worse: 'more',
      better: 'less',
      isMoreBetter: false,
      left: left + PANEL_WIDTH + GAP,
      spread: ({ cpu }) => cpu,
    }),
  ];
}

/** The powers of two that hold all medians, 1 and a step to each side of it. */
function reach(spreads: readonly Spread[]): { readonly from: number; readonly to: number } {
  const medians = spreads.map(({ median }) => Math.log2(median));
  return {
    from: Math.min(-1, Math.floor(Math.min(...medians))),
    to: Math.max(1, Math.ceil(Math.max(...medians))),
  };
}

/** Where a ratio lies, within the panel. */
function across({ left, width, from, to }: Panel, ratio: number): number {
  const share = (Math.log2(ratio) - from) / (to - from);
  return round(left + Math.min(1, Math.max(0, share)) * width);
}

function drawAxis(panel: Panel, bottom: number): readonly string[] {
  const { heading, worse, better, isMoreBetter, left, width, from, to } = panel;
  const [low, high] = isMoreBetter ? [worse, better] : [better, worse];
  const parts = [
    text(left, TOP - 48, heading, 'heading'),
    text(left, TOP - 30, `← ${low}`, 'quiet'),
    text(left + width, TOP - 30, `${high} →`, 'quiet', 'end'),
  ];
  for (let power = from; power <= to; power += 1) {
    const x = across(panel, 2 ** power);
    const kind = power === 0 ? 'one' : 'grid';
    parts.push(`<line class="${kind}" x1="${x}" y1="${TOP - 6}" x2="${x}" y2="${bottom}"/>`);
    parts.push(
      text(x, TOP - 12, power < 0 ? `1/${2 ** -power}` : `${2 ** power}`, 'quiet', 'middle'),
    );
  }
  return parts;
}

function drawBar(panel: Panel, { median, min, max }: Spread, index: number): string {
  const [one, end] = [across(panel, 1), across(panel, median)];
  const isBetter = panel.isMoreBetter ? median >= 1 : median <= 1;
  const y = TOP + index * ROW_HEIGHT + (ROW_HEIGHT - BAR_HEIGHT) / 2;
  const middle = y + BAR_HEIGHT / 2;
  const bar = `<rect class="${isBetter ? 'better' : 'worse'}" x="${Math.min(one, end)}" y="${y}" width="${round(Math.abs(end - one))}" height="${BAR_HEIGHT}"/>`;
  const range = `<line class="range" x1="${across(panel, min)}" y1="${middle}" x2="${across(panel, max)}" y2="${middle}"/>`;
  const label = text(
    panel.left + panel.width + VALUE_WIDTH,
    baseline(index),
    formatRatio(median),
    '',
    'end',
  );
  return bar + range + label;
}

function stripe(index: number): string {
  if (index % 2 === 1) return '';
  const y = TOP + index * ROW_HEIGHT;
  return `<rect class="stripe" x="${MARGIN}" y="${y}" width="${WIDTH - 2 * MARGIN}" height="${ROW_HEIGHT}"/>`;
}

function baseline(index: number): number {
  return TOP + index * ROW_HEIGHT + ROW_HEIGHT / 2 + 4.5;
}

function text(x: number, y: number, content: string, kind = '', anchor = 'start'): string {
  const attributes = [
    kind === '' ? '' : ` class="${kind}"`,
    anchor === 'start' ? '' : ` text-anchor="${anchor}"`,
  ];
  return `<text x="${round(x)}" y="${round(y)}"${attributes.join('')}>${escapeXml(content)}</text>`;
}

function summary(rows: readonly ChartRow[]): string {
  const lines = rows.map(
    ({ name, speed, cpu }) =>
      `${name}: ${formatRatio(speed.median)} the messages per second, ${formatRatio(cpu.median)} the CPU.`,
  );
  return lines.join(' ');
}

function formatRatio(ratio: number): string {
  const digits = ratio >= 9.95 ? 0 : ratio >= 0.995 ? 1 : 2;
  return `${ratio.toFixed(digits)}×`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escapeXml(content: string): string {
  return content.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
