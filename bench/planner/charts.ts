// The charts of docs/: what methods evict and leave waiting, and what waiting longer saves.

import type { Comparison } from './compare.ts';
import type { TradeOff } from './prove.ts';
import { circle, line, logScale, path, svg, text, type Scale } from './svg.ts';

const ROW = 24;
const LABELS = 170;
const BAR = 250;
const GAP = 70;

/** One group of rows for each mix: a method a row, evictions on the left, waiting on the right. */
export function drawMethods(mixes: Readonly<Record<string, Comparison>>): string {
  const groups = Object.values(mixes).map((comparison) => ({
    title: `${comparison.workload}, ${comparison.days} days`,
    rows: [
      ...Object.entries(comparison.methods).map(([name, score]) => ({ name, ...score })),
      { name: 'bound (hindsight)', ...comparison.bound },
    ],
  }));
  const all = groups.flatMap(({ rows }) => rows);
  const evicted = logScale(Math.max(...all.map((row) => row.unchangedEvicted)), BAR);
  const waiting = logScale(Math.max(...all.map((row) => row.waitingOverReset)), BAR);
  const parts: string[] = [];
  let y = 34;
  for (const { title, rows } of groups) {
    parts.push(text(16, y, title, 'title'));
    y += 24;
    parts.push(text(LABELS, y, 'unchanged objects evicted', 'says'));
    parts.push(text(LABELS + BAR + GAP, y, 'changes waiting over a reset', 'says'));
    for (const { name, unchangedEvicted, waitingOverReset } of rows) {
      y += ROW;
      const kind = name === 'planner' ? 'ours' : 'others';
      parts.push(text(LABELS - 10, y, name, name === 'planner' ? 'name end bold' : 'name end'));
      parts.push(bar(LABELS, y, unchangedEvicted, evicted, kind));
      parts.push(bar(LABELS + BAR + GAP, y, waitingOverReset, waiting, kind));
    }
    y += 46;
  }
  return svg({
    width: LABELS + 2 * (BAR + GAP),
    height: y - 20,
    title: 'Purge methods on 40 hosts',
    description:
      'Unchanged objects evicted and changes waiting over a reset, by method, on logarithmic scales. Made by npm run bench:planner.',
    body: parts.join('\n'),
  });
}

function bar(x: number, y: number, value: number, scale: Scale, kind: 'ours' | 'others'): string {
  const width = scale(value);
  return [
    `<rect class="${kind}" x="${x}" y="${y - 13}" width="${width.toFixed(1)}" height="16" rx="2"/>`,
    text(x + width + 6, y, value.toLocaleString('en'), 'says'),
  ].join('');
}

const PANEL = { width: 400, height: 280, left: 58, top: 48, right: 24, bottom: 44 };

/** One panel for each workload and budget: the curve over staleCost, and the methods that know no prices. */
export function drawTradeOff(tradeOffs: readonly TradeOff[]): string {
  const panels = tradeOffs.map((tradeOff, index) => {
    const x = (index % 2) * PANEL.width;
    const y = 20 + Math.floor(index / 2) * PANEL.height;
    return `<g transform="translate(${x} ${y})">${drawPanel(tradeOff)}</g>`;
  });
  return svg({
    width: 2 * PANEL.width,
    height: 30 + Math.ceil(tradeOffs.length / 2) * PANEL.height,
    title: 'What waiting saves',
    description:
      'Unchanged objects evicted against mean stale hours of a change, for several costs of a stale hour. Made by npm run bench:planner.',
    body: panels.join('\n'),
  });
}

function drawPanel({ workload, limits, comparison, points }: TradeOff): string {
  const others = ['exact-without-prices', 'day-end'].flatMap((name) => {
    const score = comparison.methods[name];
    return score === undefined ? [] : [{ name, x: score.staleHours.mean, y: score.unchangedEvicted }];
  });
  const curve = points.map(({ staleCost, meanStaleHours, unchangedEvicted }) => ({
    name: `${staleCost}`,
    x: meanStaleHours,
    y: unchangedEvicted,
  }));
  const all = [...others, ...curve];
  const width = PANEL.width - PANEL.left - PANEL.right;
  const height = PANEL.height - PANEL.top - PANEL.bottom;
  const mostHours = Math.max(...all.map((point) => point.x), 0.1);
  const most = Math.max(...all.map((point) => point.y), comparison.bound.unchangedEvicted, 1);
  // In seconds, so that even a short wait is more than one on a logarithmic scale.
  const scale = logScale(mostHours * 3600, width);
  const toX = (hours: number): number => PANEL.left + scale(hours * 3600);
  const toY = (count: number): number => PANEL.top + height * (1 - count / most);
  const boundY = toY(comparison.bound.unchangedEvicted);
  return [
    text(PANEL.left, 22, `${workload}, ${limits.files}/${limits.directories}`, 'title'),
    line(PANEL.left, PANEL.top + height, PANEL.left + width, PANEL.top + height, 'axis'),
    line(PANEL.left, PANEL.top, PANEL.left, PANEL.top + height, 'axis'),
    ...[0, most].map((count) => text(PANEL.left - 6, toY(count) + 4, count.toLocaleString('en'), 'says end')),
    text(PANEL.left, PANEL.top - 8, 'evicted', 'says'),
    ...hourMarks(mostHours).flatMap(([hours, label]) => [
      line(toX(hours), PANEL.top + height, toX(hours), PANEL.top + height + 4, 'axis'),
      text(toX(hours), PANEL.top + height + 17, label, 'says middle'),
    ]),
    text(PANEL.left + width / 2, PANEL.top + height + 34, 'mean staleness of a change', 'says middle'),
    line(PANEL.left, boundY, PANEL.left + width, boundY, 'bound'),
    text(PANEL.left + width, boundY - 4, 'hindsight', 'says end'),
    path(
      curve.map(({ x, y }) => [toX(x), toY(y)]),
      'curve',
    ),
    ...curve.flatMap(({ name, x, y }) => [
      circle(toX(x), toY(y), 3.5, 'ours'),
      text(toX(x) + 6, toY(y) - 6, name, 'says'),
    ]),
    ...others.flatMap(({ name, x, y }) => [
      circle(toX(x), toY(y), 4.5, 'others'),
      text(
        toX(x) + (toX(x) > PANEL.left + width / 2 ? -8 : 8),
        toY(y) - 8,
        name,
        toX(x) > PANEL.left + width / 2 ? 'says end' : 'says',
      ),
    ]),
  ].join('\n');
}

function hourMarks(mostHours: number): [number, string][] {
  const marks: [number, string][] = [
    [0, '0'],
    [10 / 3600, '10 s'],
    [1 / 60, '1 min'],
    [0.1, '6 min'],
    [1, '1 h'],
    [10, '10 h'],
  ];
  return marks.filter(([hours]) => hours <= mostHours);
}
