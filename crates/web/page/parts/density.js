// @ts-check
// Where events lie in two columns: a map of squares, darker or brighter with the logarithm of their count.
import { count, labelled, number } from '../lib/format.js';
import { html, useLayoutEffect, useRef, useState, useValue } from '../lib/ui.js';
import { colour, scheme } from './plot.js';


/** @param {string} hex `#rrggbb` @returns {number[]} */
const rgb = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));

/** A colour between three. @param {number} share from 0 to 1 @param {number[][]} stops */
function mix(share, stops) {
  const place = share * (stops.length - 1);
  const index = Math.min(stops.length - 2, Math.floor(place));
  const from = stops[index] ?? [0, 0, 0];
  const to = stops[index + 1] ?? from;
  return from.map((value, each) => Math.round(value + (place - index) * ((to[each] ?? value) - value)));
}

/** @param {{ density: Api.Density }} props */
export function DensityOf({ density }) {
  const canvas = useRef(/** @type {HTMLCanvasElement | null} */ (null));
  const theme = useValue(scheme);
  const [what, setWhat] = useState(/** @type {'counts' | 'anomalies'} */ ('counts'));
  const [cell, setCell] = useState(-1);
  const { x, y, size } = density;
  const values = density[what];
  const top = Math.max(1, ...values);
  useLayoutEffect(() => {
    const context = canvas.current?.getContext('2d');
    if (!context) return;
    const stops = [colour('raised'), what === 'counts' ? colour('beam') : colour('watch'), colour('text')].map(rgb);
    const picture = context.createImageData(size, size);
    values.forEach((value, index) => {
      // The rows come from below, the picture goes from above.
      const at = 4 * ((size - 1 - Math.floor(index / size)) * size + (index % size));
      const [red = 0, green = 0, blue = 0] = value ? mix(0.12 + (0.88 * Math.log1p(value)) / Math.log1p(top), stops) : (stops[0] ?? []);
      picture.data.set([red, green, blue, 255], at);
    });
    context.putImageData(picture, 0, 0);
  }, [density, what, theme]);
  const point = (/** @type {PointerEvent} */ event) => {
    const box = /** @type {HTMLElement} */ (event.currentTarget).getBoundingClientRect();
    const column = Math.floor(((event.clientX - box.left) / box.width) * size);
    const row = size - 1 - Math.floor(((event.clientY - box.top) / box.height) * size);
    setCell(column >= 0 && column < size && row >= 0 && row < size ? row * size + column : -1);
  };
  const middle = (/** @type {Api.MapAxis} */ axis, /** @type {number} */ index) => number(axis.low + ((index + 0.5) / size) * (axis.high - axis.low));
  const total = values.reduce((sum, value) => sum + value, 0);
  const [right, up] = [labelled(x.column, x.unit), labelled(y.column, y.unit)];
  return html`<section class="panel density" aria-labelledby="density-title"><header><h2 id="density-title">${x.column} and ${y.column}</h2>
    <label>Show <select value=${what} onChange=${(/** @type {any} */ event) => setWhat(event.target.value)}><option value="counts">events</option><option value="anomalies">anomalies</option></select></label></header>
    <div class="board"><span class="axis-y">${up}</span><span class="high-y numbers">${number(y.high)}</span><span class="low-y numbers">${number(y.low)}</span>
      <canvas width=${size} height=${size} ref=${canvas} role="img" onPointerMove=${point} onPointerLeave=${() => setCell(-1)}
        aria-label=${`${count(total)} ${what === 'counts' ? 'events' : 'anomalies'} by ${right} and ${up}; most in one square: ${count(Math.max(...values))}`}></canvas>
      <span class="low-x numbers">${number(x.low)}</span><span class="axis-x">${right}</span><span class="high-x numbers">${number(x.high)}</span></div>
    <p class="aside numbers">${cell < 0 ? `${count(total)} in all, ${count(density.outside)} outside` : `${x.column} ${middle(x, cell % size)}, ${y.column} ${middle(y, Math.floor(cell / size))}: ${count(density.counts[cell])} events, ${count(density.anomalies[cell])} anomalies`}</p>
  </section>`;
}
