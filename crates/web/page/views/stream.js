// @ts-check
// A stream's numbers as they come: a row a column, with its series and its distribution; the map, the keys, the windows.
import { address, change, local } from '../lib/address.js';
import { get, of, sentence } from '../lib/api.js';
import { clock, duration, number, unitOf, zoneName } from '../lib/format.js';
import { density, histograms, keys, overview, paused, series, serverNow, wanted } from '../lib/store.js';
import { classes, html, useEffect, useMemo, useState, useValue } from '../lib/ui.js';
import { Aggregates } from '../parts/aggregates.js';
import { DensityOf } from '../parts/density.js';
import { HistogramOf } from '../parts/histogram.js';
import { Keys } from '../parts/keys.js';
import { Copy, Empty, Failed, Loading } from '../parts/marks.js';
import { Plot } from '../parts/plot.js';
import { command, identifier } from '../lib/command.js';

/** Columns that are drawn where the address names none, and at most. */
const DRAWN = 3;
const DRAWN_MAX = 8;
/** What one sees at once, in seconds, and the buckets it is made of. */
const SPANS = /** @type {const} */ ([
  ['2m', '2 min', 120, 1],
  ['5m', '5 min', 300, 1],
  ['15m', '15 min', 900, 1],
  ['6h', '6 h', 21600, 10],
  ['48h', '48 h', 172800, 60],
]);
const KEPT_S = 900;

/** @typedef {{ start_s: number, step_s: number, columns: Record<string, Api.Buckets> }} Drawn */

/** Which columns, key, span and end the address asks for. @param {Api.Stream} stream @param {Record<string, string>} query */
function choice(stream, query) {
  const named = (query.columns ?? '').split(',').filter((name) => stream.numbers.includes(name));
  const span = SPANS.find(([name]) => name === query.span) ?? SPANS[1];
  return { columns: (named.length ? named : stream.numbers.slice(0, DRAWN)).slice(0, DRAWN_MAX), key: query.key || null, span, until: Number(query.until) || null };
}

/** Longer spans are asked for; the live stream has the last 15 minutes. @param {string} stream @param {ReturnType<typeof choice>} chosen */
function usePast(stream, { columns, key, span }) {
  const [past, setPast] = useState(/** @type {Drawn | null} */ (null));
  const [problem, setProblem] = useState('');
  const [, , seconds, step] = span;
  useEffect(() => {
    setPast(null);
    if (step === 1) return undefined;
    const stop = new AbortController();
    const ask = async () => {
      const from = Math.floor(Date.now() / 1000 / step) * step - seconds;
      try {
        const found = await Promise.all(columns.map((column) => get(of(stream, 'series', { column, key, step: String(step), from_s: String(from) }), stop.signal)));
        setPast({ start_s: found[0].start_s, step_s: step, columns: Object.fromEntries(found.map((each) => [each.column, each])) });
        setProblem('');
      } catch (error) {
        if (!stop.signal.aborted) setProblem(sentence(error));
      }
    };
    ask();
    const timer = setInterval(ask, step * 1000);
    return () => {
      clearInterval(timer);
      stop.abort();
    };
  }, [stream, columns.join(), key, step, seconds]);
  return { past, problem };
}

/** @param {{ stream: Api.Stream }} props */
export function StreamView({ stream }) {
  const { query } = useValue(address);
  const chosen = choice(stream, query);
  const { columns, key, span, until } = chosen;
  useEffect(() => {
    wanted.value = { views: ['overview', 'series', 'histograms', 'keys', ...(stream.map ? ['map'] : [])], key, columns };
  }, [stream.name, key, columns.join()]);
  const live = useValue(series);
  const seen = useValue(histograms);
  const map = useValue(density);
  const top = useValue(keys);
  const { past, problem } = usePast(stream.name, chosen);
  const data = span[3] === 1 ? (live?.key === key ? live : null) : past;
  const [pointed, setPointed] = useState(/** @type {number | null} */ (null));
  if (!stream.numbers.length) return html`<${Empty} title="No column of this stream is a number">Series and distributions are of numbers. <a href="#/query">Ask with SQL</a> instead.<//>`;
  return html`<h1 class="unseen">Stream ${stream.name}</h1>
    <${Controls} stream=${stream} chosen=${chosen} />
    ${problem && html`<${Failed} text=${problem} />`}
    <div class="columns">
      ${columns.map((column) => html`<${Column} key=${column} stream=${stream} column=${column} data=${data} span=${span} until=${until} of=${key}
        histogram=${seen?.find((each) => each.column === column)} pointed=${pointed} point=${setPointed} />`)}
    </div>
    <div class=${classes('trio', !stream.map && 'two')}>
      ${stream.map && (map ? html`<${DensityOf} density=${map} />` : html`<section class="panel"><${Loading} what="the map" /></section>`)}
      <${Keys} stream=${stream} keys=${top} chosen=${key} />
      <${Aggregates} stream=${stream} />
    </div>
    <${Copy} text=${command.query(stream, `SELECT ${[stream.time, stream.key, ...columns].map(identifier).join(', ')} FROM processed_data${key ? ` WHERE ${command.isKey(stream, key)}` : ''} ORDER BY ${identifier(stream.time)} DESC LIMIT 100`)} />`;
}

/** @param {{ stream: Api.Stream, chosen: ReturnType<typeof choice> }} props */
function Controls({ stream, chosen: { columns, key, span, until } }) {
  const top = useValue(keys);
  const isPaused = useValue(paused);
  const zone = useValue(local);
  const clockNow = Math.floor(useValue(serverNow) / 1000);
  const toggle = (/** @type {string} */ name) => {
    const next = columns.includes(name) ? columns.filter((each) => each !== name) : [...columns, name].slice(-DRAWN_MAX);
    change({ columns: next.join(',') || null }, true);
  };
  const known = top?.keys.filter((each) => each.series).map((each) => each.key) ?? [];
  const offered = key && !known.includes(key) ? [key, ...known] : known;
  const back = until ? Math.max(0, clockNow - until) : 0;
  const rewind = (/** @type {any} */ event) => change({ until: Number(event.target.value) < 0 ? String(clockNow + Number(event.target.value)) : null }, true);
  return html`<form class="filters" aria-label="What is shown" onSubmit=${(/** @type {Event} */ event) => event.preventDefault()}>
    <label>Key <select value=${key ?? ''} onChange=${(/** @type {any} */ event) => change({ key: event.target.value || null })}><option value="">all keys</option>${offered.map((each) => html`<option key=${each} value=${each}>${each}</option>`)}</select></label>
    <fieldset><legend class="unseen">Span</legend>${SPANS.map(([name, text]) => html`<button type="button" key=${name} class=${classes('chip', span[0] === name && 'on')} aria-pressed=${span[0] === name} onClick=${() => change({ span: name, until: null }, true)}>${text}</button>`)}</fieldset>
    <fieldset><legend class="unseen">Columns</legend>${stream.numbers.map((name) => html`<button type="button" key=${name} class=${classes('chip', columns.includes(name) && 'on')} aria-pressed=${columns.includes(name)} onClick=${() => toggle(name)}>${name}</button>`)}</fieldset>
    ${span[2] < KEPT_S && html`<label class="rewind">Rewind <input type="range" min=${span[2] - KEPT_S} max="0" step="5" value=${-back} onInput=${rewind} aria-valuetext=${back ? `${duration(back * 1000)} back` : 'now'} />
      <span class="numbers">${until ? `until ${clock(until * 1000, zone)} ${zoneName(zone)}` : 'now'}</span></label>`}
    ${until && html`<button type="button" onClick=${() => change({ until: null }, true)}>Back to now</button>`}
    <button type="button" class="quiet" aria-pressed=${isPaused} onClick=${() => (paused.value = !isPaused)}>${isPaused ? 'Go on' : 'Pause'}</button>
  </form>`;
}

/**
 * The part of a series that is in sight, as uPlot takes it.
 * @param {Drawn} data @param {string} column @param {number} seconds @param {number | null} until
 */
export function cut({ start_s, step_s, columns }, column, seconds, until) {
  const found = columns[column];
  if (!found) return null;
  const length = found.count.length;
  const end = until ? Math.min(length, Math.max(1, Math.floor((until - start_s) / step_s))) : length;
  const start = Math.max(0, end - Math.ceil(seconds / step_s));
  const times = Array.from({ length: end - start }, (_, index) => start_s + (start + index) * step_s);
  return [times, found.max.slice(start, end), found.min.slice(start, end), found.last.slice(start, end)];
}

/** The newest bucket that has a value: of the last second nothing may have come yet. @param {(number | null)[]} values */
function newest(values) {
  const found = values.findLastIndex((value) => value !== null && value !== undefined);
  return found < 0 ? values.length - 1 : found;
}

const LINES = [
  { label: 'max', colour: 'edge', width: 0.8 },
  { label: 'min', colour: 'edge', width: 0.8 },
  { label: 'last', colour: 'beam' },
];
const BANDS = /** @type {[number, number][]} */ ([[1, 2]]);

/** @param {any} props */
function Column({ stream, column, data, span, until, of: key, histogram, pointed, point }) {
  const zone = useValue(local);
  const old = useValue(overview);
  const drawn = useMemo(() => (data ? cut(data, column, span[2], until) : null), [data, column, span, until]);
  const unit = unitOf(stream, column);
  const size = drawn?.[0]?.length ?? 0;
  const at = pointed !== null && pointed < size ? pointed : newest(drawn?.[3] ?? []);
  return html`<section class="panel column" aria-label=${column}>
    <div class="of"><h2 title=${stream.columns.find((/** @type {any} */ each) => each.name === column)?.doc}>${column}${unit && html` <small>[${unit}]</small>`}</h2>
      ${drawn && html`<p class="value numbers">${number(drawn[3]?.[at])}</p><p class="aside numbers">${number(drawn[2]?.[at])} to ${number(drawn[1]?.[at])}<br />at ${clock((drawn[0]?.[at] ?? 0) * 1000, zone)} ${zoneName(zone)}</p>`}
      ${old && old.drawn.share < 0.9995 && html`<p class="aside">1 in ${Math.max(2, Math.round(1 / old.drawn.share))} drawn</p>`}</div>
    ${drawn ? html`<${Plot} data=${drawn} lines=${LINES} bands=${BANDS} unit=${unit} height=${168} sync="stream" onCursor=${point}
      label=${`${column} of ${key === null ? 'all keys' : `key ${key}`} over ${span[1]}; last ${number(drawn[3]?.at(-1))} ${unit}`} />` : html`<${Loading} what=${column} />`}
    ${histogram ? html`<${HistogramOf} histogram=${histogram} />` : html`<${Loading} what="its distribution" />`}
  </section>`;
}
