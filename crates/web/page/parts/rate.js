// @ts-check
// Events a second over the last minutes, as an area from zero; a gap is where nothing is known.
import { clock, rate, zoneName } from '../lib/format.js';
import { local } from '../lib/address.js';
import { html, useValue } from '../lib/ui.js';

const WIDTH = 600;
const HEIGHT = 100;

/** The smallest of 1, 2, 5 times a power of ten that is not below. @param {number} value */
export function ceiling(value) {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 1.25, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10].find((step) => step * power >= value) ?? 10) * power;
}

/**
 * The outline of each unbroken run of values, and the area below it.
 * @param {(number | null)[]} counts @param {number} top
 */
export function outline(counts, top) {
  let line = '';
  let area = '';
  let run = /** @type {string[]} */ ([]);
  const close = (/** @type {number} */ end) => {
    if (!run.length) return;
    line += `M${run.join('L')}`;
    area += `M${run.join('L')}L${x(end)},${HEIGHT}L${x(end - run.length + 1)},${HEIGHT}Z`;
    run = [];
  };
  const x = (/** @type {number} */ index) => ((index / Math.max(1, counts.length - 1)) * WIDTH).toFixed(1);
  counts.forEach((value, index) => {
    if (value === null) close(index - 1);
    else run.push(`${x(index)},${(HEIGHT - (value / top) * (HEIGHT - 4)).toFixed(1)}`);
  });
  close(counts.length - 1);
  return { line, area };
}

/** @param {{ rate: Api.Overview['rate'] }} props */
export function Rate({ rate: { counts, start_s, step_s } }) {
  const zone = useValue(local);
  const known = counts.filter((value) => value !== null);
  const top = ceiling(1.05 * Math.max(0, ...known));
  const { line, area } = outline(counts, top);
  const times = [0, 1, 2, 3].map((quarter) => start_s + Math.round((quarter / 3) * counts.length * step_s));
  const range = known.length ? `between ${rate(Math.min(...known))} and ${rate(Math.max(...known))}` : 'not known yet';
  return html`<figure class="rate-chart">
    <div class="plot">
      <span class="y highest numbers">${rate(top)}</span><span class="y half numbers">${rate(top / 2)}</span><span class="y zero numbers">0</span>
      <svg viewBox=${`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img"
        aria-label=${`Events a second over the last ${Math.round((counts.length * step_s) / 60)} minutes: ${range}`}>
        <path class="grid" d=${`M0,2H${WIDTH}M0,${HEIGHT / 2 + 1}H${WIDTH}`} />
        <path class="area" d=${area} /><path class="line" d=${line} />
        <path class="base" d=${`M0,${HEIGHT}H${WIDTH}`} />
      </svg>
    </div>
    <figcaption class="numbers">${times.map((s, index) => html`<span key=${index}>${clock(s * 1000, zone)}${index === 3 ? ` ${zoneName(zone)}` : ''}</span>`)}</figcaption>
  </figure>`;
}
