// @ts-check
// Series over time, drawn by uPlot in the colours of the theme, with UTC or the browser's zone on the axis.
import { address, local } from '../lib/address.js';
import { clock, exact, moment, number, zoneName } from '../lib/format.js';
import { computed, html, signal, useEffect, useLayoutEffect, useRef, useValue } from '../lib/ui.js';

/** @typedef {import('uplot')} Chart */
/** @typedef {import('uplot').Options} Options */

const system = matchMedia('(prefers-color-scheme: light)');
const systemLight = signal(system.matches);
system.addEventListener('change', () => (systemLight.value = system.matches));
/** The theme that is drawn now: charts are made again when it changes. */
export const scheme = computed(() => address.value.query.theme ?? (systemLight.value ? 'light' : 'dark'));

/** The value of a colour of the style sheet. @param {string} name */
export const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/** @returns {typeof import('uplot')} */
const library = () => /** @type {any} */ (globalThis).uPlot;

/** Ticks of a time axis. @param {boolean} zone @returns {(chart: Chart, splits: number[], axis: number, space: number, step: number) => string[]} */
const ticks = (zone) => (_chart, splits, _axis, _space, step) =>
  splits.map((s, index) => {
    if (step >= 86400) return moment(s * 1000, zone).slice(0, 10);
    const text = step < 1 ? exact(s * 1000, zone).slice(11) : clock(s * 1000, zone).slice(0, step < 60 ? 8 : 5);
    return index === 0 ? `${text}\n${zoneName(zone)}` : text;
  });

/**
 * @typedef {object} Line
 * @property {string} label
 * @property {string} colour a name of the style sheet
 * @property {number} [width]
 * @property {boolean} [points] points instead of a line
 * @property {string} [fill]
 */

/**
 * @typedef {object} PlotProps
 * @property {(number | null)[][]} data times in seconds, then one array a line
 * @property {Line[]} lines
 * @property {[number, number][]} [bands] pairs of lines, counted from 1, with the room between them filled
 * @property {string} unit of the vertical axis
 * @property {string} label what the picture shows, in words
 * @property {number} [height] in pixels
 * @property {string} [sync] charts with the same name share their cursor
 * @property {(chart: Chart) => void} [draw] draws over the lines
 * @property {(chart: Chart) => void} [under] draws below the lines
 * @property {(index: number | null) => void} [onCursor]
 * @property {(chart: Chart, low: number, high: number) => [number, number]} [range] of the vertical axis
 */

/** @param {PlotProps} props */
export function Plot(props) {
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  const chart = useRef(/** @type {Chart | null} */ (null));
  const latest = useRef(props);
  latest.current = props;
  const theme = useValue(scheme);
  const zone = useValue(local);
  const shape = props.lines.map(({ label, colour: name }) => `${label} ${name}`).join('|') + props.unit;
  useLayoutEffect(() => {
    const place = box.current;
    if (!place) return undefined;
    const made = new (library())(options(latest, place.clientWidth, zone), /** @type {any} */ (latest.current.data), place);
    chart.current = made;
    const watch = new ResizeObserver(() => made.setSize({ width: place.clientWidth, height: latest.current.height ?? 200 }));
    watch.observe(place);
    return () => {
      watch.disconnect();
      made.destroy();
      chart.current = null;
    };
  }, [theme, zone, shape]);
  useEffect(() => chart.current?.setData(/** @type {any} */ (props.data)), [props.data]);
  return html`<div class="chart" role="img" aria-label=${props.label} ref=${box}></div>`;
}

/** @param {{ current: PlotProps }} props @param {number} width @param {boolean} zone @returns {Options} */
function options(props, width, zone) {
  const { lines, unit, height = 200, sync, bands = [], range } = props.current;
  const axis = { stroke: colour('muted'), grid: { stroke: colour('line'), width: 1 }, ticks: { stroke: colour('line'), width: 1, size: 5 }, font: font() };
  const hooks = {
    drawClear: [(/** @type {Chart} */ made) => props.current.under?.(made)],
    draw: [(/** @type {Chart} */ made) => props.current.draw?.(made)],
    setCursor: [(/** @type {Chart} */ made) => props.current.onCursor?.(made.cursor.idx ?? null)],
  };
  return {
    width,
    height,
    padding: [10, 12, 0, 0],
    legend: { show: false },
    cursor: { ...(sync ? { sync: { key: sync } } : {}), drag: { x: false, y: false }, points: { size: 7 } },
    scales: { x: { time: true }, ...(range ? { y: { range } } : {}) },
    series: [{}, ...lines.map(line)],
    bands: bands.map(([upper, lower]) => ({ series: /** @type {[number, number]} */ ([upper, lower]), fill: colour('beam-soft') })),
    axes: [
      { ...axis, values: ticks(zone), space: 84, size: 42 },
      { ...axis, label: unit, labelFont: font(), labelSize: unit ? 20 : 0, size: 58, values: (_chart, splits) => splits.map((value) => number(value)) },
    ],
    hooks,
  };
}

/** Charts follow the size of the page's text. */
function font() {
  const size = Math.round(0.76 * parseFloat(getComputedStyle(document.documentElement).fontSize));
  return `${size}px ${getComputedStyle(document.body).fontFamily}`;
}

/** @param {Line} props */
function line({ label, colour: name, width = 1.6, points = false }) {
  const stroke = colour(name);
  return points
    ? { label, stroke, paths: () => null, points: { show: true, size: 6, fill: stroke } }
    : { label, stroke, width, points: { show: false }, spanGaps: false };
}
