// @ts-check
// Where a value lies beside what was expected of its key: a band, and a diamond.
import { number } from '../lib/format.js';
import { html } from '../lib/ui.js';

const WIDTH = 400;
const EDGE = 0.12;

/**
 * Where each of three numbers stands on a line with room at both ends, from 0 to 1.
 * @param {number} value @param {number} low @param {number} high
 */
export function places(value, low, high) {
  const least = Math.min(value, low);
  const size = Math.max(value, high) - least || 1;
  const place = (/** @type {number} */ x) => EDGE + ((x - least) / size) * (1 - 2 * EDGE);
  return { value: place(value), low: place(low), high: place(high) };
}

/** @param {{ name: string, value: number, low: number, high: number, deviation?: number | null }} props */
export function Range({ name, value, low, high, deviation = null }) {
  const at = places(value, low, high);
  const outside = value < low ? 'below' : value > high ? 'above' : 'inside';
  const x = (/** @type {number} */ place) => (place * WIDTH).toFixed(1);
  const said = `${name} is ${number(value)}; ${number(low)} to ${number(high)} was expected${deviation === null ? '' : `, ${number(deviation)} deviations off`}`;
  const words = { below: 'below what was expected', above: 'above what was expected', inside: 'as expected' }[outside];
  return html`<figure class=${`range ${outside}`}>
    <figcaption><b>${name}</b> <span class="numbers now">${number(value)}</span>
      <small>${words}: ${number(low)} to ${number(high)}${deviation === null ? '' : ` · ${number(deviation)} deviations`}</small></figcaption>
    <svg viewBox=${`0 0 ${WIDTH} 26`} role="img" aria-label=${said} preserveAspectRatio="none">
      <path class="axis" d=${`M0,13H${WIDTH}`} />
      <rect class="band" x=${x(at.low)} y="4" width=${Math.max(1, (at.high - at.low) * WIDTH)} height="18" />
      <path class="gap" d=${outside === 'below' ? `M${x(at.value)},13H${x(at.low)}` : outside === 'above' ? `M${x(at.high)},13H${x(at.value)}` : ''} />
    </svg>
    <span class="diamond" aria-hidden="true" style=${{ left: `${(100 * at.value).toFixed(2)}%` }}></span>
  </figure>`;
}
