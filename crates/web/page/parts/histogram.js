// @ts-check
// How the values of a column are distributed in this hour, over the same hour of the day before.
import { count, number } from '../lib/format.js';
import { html } from '../lib/ui.js';

const WIDTH = 384;
const HEIGHT = 120;

/** The range of bins that have something in them. @param {Api.Histogram} histogram */
export function occupied({ counts, low, width }) {
  const first = counts.findIndex((value) => value > 0);
  if (first < 0) return { low, high: low + width };
  const last = counts.findLastIndex((value) => value > 0);
  return { low: low + first * width, high: low + (last + 1) * width };
}

/**
 * The outline of bins as steps.
 * @param {{ low: number, width: number, counts: number[] }} bins @param {{ low: number, high: number }} range @param {number} top the density at the upper edge @param {number} total
 */
export function steps({ low, width, counts }, range, top, total) {
  const x = (/** @type {number} */ value) => (((value - range.low) / (range.high - range.low)) * WIDTH).toFixed(1);
  const y = (/** @type {number} */ value) => (HEIGHT - (value / (total * width * top)) * HEIGHT).toFixed(1);
  let path = '';
  counts.forEach((value, index) => {
    const from = low + index * width;
    if (from + width <= range.low || from >= range.high) return;
    path += `${path ? 'L' : 'M'}${x(from)},${y(value)}H${x(from + width)}`;
  });
  return path;
}

/** @param {{ histogram: Api.Histogram }} props */
export function HistogramOf({ histogram }) {
  const { column, unit, counts, low, width, total, missing, ghost } = histogram;
  if (!total) return html`<p class="aside hollow">No value of ${column} in this hour yet.</p>`;
  const own = occupied(histogram);
  const past = ghost && ghost.total > 0 ? ghost : null;
  const before = past ? occupied({ ...histogram, ...past }) : own;
  const range = { low: Math.min(own.low, before.low), high: Math.max(own.high, before.high) };
  const top = 1.05 * Math.max(Math.max(...counts) / (total * width), past ? Math.max(...past.counts) / (past.total * past.width) : 0);
  const line = steps({ low, width, counts }, range, top, total);
  const ends = /M([\d.-]+)/.exec(line)?.[1] ?? '0';
  const said = `Distribution of ${column} this hour: ${count(total)} values from ${number(own.low)} to ${number(own.high)} ${unit ?? ''}`;
  return html`<figure class="histogram">
    <svg viewBox=${`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label=${said}>
      <path class="area" d=${`${line}V${HEIGHT}H${ends}Z`} />
      ${past && html`<path class="ghost" d=${steps(past, range, top, past.total)} />`}
      <path class="line" d=${line} /><path class="base" d=${`M0,${HEIGHT}H${WIDTH}`} />
    </svg>
    <div class="ends numbers"><span>${number(range.low)}</span><span>${number((range.low + range.high) / 2)}</span><span>${number(range.high)}${unit ? ` ${unit}` : ''}</span></div>
    <figcaption class="aside numbers">${count(total)} values this hour${missing ? `, ${count(missing)} missing` : ''} · ${past ? html`<span class="key-to"><i class="sign past"></i>same hour yesterday</span>` : 'nothing of yesterday yet'}</figcaption>
  </figure>`;
}
