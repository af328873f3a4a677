// @ts-check
// How things are, in one sentence and a few figures that are legible from across the room.
import { count, percent, rate, several, span, thin } from '../lib/format.js';
import { link as to } from '../lib/address.js';
import { command } from '../lib/command.js';
import { alarms, overview, streams } from '../lib/store.js';
import { classes, html, useValue } from '../lib/ui.js';
import { Beam } from '../parts/beam.js';
import { Detectors } from '../parts/detectors.js';
import { Ledger } from '../parts/ledger.js';
import { Copy, Failed, Loading, Mark } from '../parts/marks.js';
import { Others } from '../parts/others.js';
import { Rate } from '../parts/rate.js';

/** From so many seconds behind, the lag is shown as something to watch. */
const LAG_WATCH_S = 5;
const LAG_BAD_S = 30;

/** @param {{ stream: Api.Stream }} props */
export function Overview({ stream }) {
  const seen = useValue(overview);
  const list = useValue(alarms);
  const all = useValue(streams);
  if (!seen || seen.stream !== stream.name) return html`<${Loading} what=${stream.name} />`;
  return html`
    <h1 class=${`sentence ${seen.level}`}><${Mark} level=${seen.level} /><span>${thin(seen.sentence)}</span></h1>
    ${seen.failure && html`<${Failed} text=${seen.failure} />`}
    ${all && all.length > 1 && html`<${Others} streams=${all.filter(({ name }) => name !== stream.name)} />`}
    <${Figures} seen=${seen} />
    <${HotKeys} keys=${seen.hot_keys} />
    <${Stores} stores=${seen.stores} />
    <${Detectors} layers=${seen.alarms.layers} alarms=${list} />
    <div class="pair"><${Beam} stages=${seen.stages} /><${Ledger} ledger=${seen.ledger} /></div>
    <${Drawn} seen=${seen} />
    <${Copy} text=${command.verify(stream)} />
  `;
}

/** @param {{ seen: Api.Overview }} props */
function Figures({ seen }) {
  const lag = seen.lag.seconds;
  const level = lag === null ? 'off' : lag >= LAG_BAD_S ? 'bad' : lag >= LAG_WATCH_S ? 'watch' : 'ok';
  const [lagValue, lagUnit] = lag !== null && lag < 1 ? [lag.toFixed(1), 's'] : span(lag === null ? null : lag * 1000);
  const done = seen.source.total > 0 ? seen.source.done / seen.source.total : null;
  return html`<div class="figures">
    <section class="figure wide" aria-label="Rate">
      <div><h2>Rate</h2><p class="value numbers">${rate(seen.rate.now)}<small> events/s</small></p>
      <p class="aside">${done === null ? `${count(seen.ledger.records)} so far` : `${percent(done)} of the source`}</p></div>
      <${Rate} rate=${seen.rate} />
    </section>
    <section class=${classes('figure', level)} aria-label="Lag">
      <h2>Lag ${level !== 'ok' && html`<${Mark} level=${level} />`}</h2>
      <p class="value numbers">${lagValue}<small> ${lagUnit}</small></p>
      <p class="aside">${seen.lag.records === null ? 'behind the source' : several(seen.lag.records, 'record')}</p>
    </section>
    <section class="figure" aria-label="Latency">
      <h2>${capital(seen.latency.from)} to ${seen.latency.to}</h2>
      <div class="two"><${Percentile} name="p50" ms=${seen.latency.p50_ms} /><${Percentile} name="p99" ms=${seen.latency.p99_ms} /></div>
      <p class="aside">of ${several(seen.latency.events, 'event')} in 5 min</p>
    </section>
    <a class="figure" href=${to('anomalies')}>
      <h2>Anomalies</h2><p class="value numbers">${count(seen.alarms.total)}</p>
      <p class="aside">${percent(seen.alarms.share)} of events${seen.alarms.open === null ? '' : ` · ${count(seen.alarms.open)} open`}</p>
    </a>
    <a class=${classes('figure', seen.dead_letters.open > 0 && 'watch')} href=${to('dead-letters')}>
      <h2>Dead letters ${seen.dead_letters.open > 0 && html`<${Mark} level="watch" label="open" />`}</h2><p class="value numbers">${count(seen.dead_letters.open)}<small> open</small></p>
      <p class="aside">${reasons(seen.dead_letters)}</p>
    </a>
  </div>`;
}

/** @param {{ name: string, ms: number | null }} props */
function Percentile({ name, ms }) {
  const [value, unit] = span(ms);
  return html`<p class="value numbers"><small>${name} </small>${value}<small> ${unit}</small></p>`;
}

/** Keys that have far more than their part of a partition: more workers do not help it. @param {{ keys: Api.Overview['hot_keys'] }} props */
function HotKeys({ keys }) {
  if (!keys.length) return null;
  return html`<ul class="stores numbers" aria-label="Hot keys">${keys.map((hot) => html`<li key=${hot.partition}>
    <${Mark} level="watch" label="hot key" /> Partition ${hot.partition}: key ${hot.key} has ${percent(hot.share)} of the events</li>`)}</ul>`;
}

/** How long an event takes until each store has it, as probes say. @param {{ stores: Api.StoreAge[] }} props */
function Stores({ stores }) {
  if (!stores.length) return null;
  const text = (/** @type {number} */ ms) => span(ms).join(' ');
  return html`<ul class="stores numbers" aria-label="Until a store has an event">${stores.map((of) => html`<li key=${of.store}>
    ${of.level !== 'ok' && html`<${Mark} level=${of.level} label="no probe comes back" />`}
    Until ${of.store} has an event: p50 ${text(of.p50_ms)}, p99 ${text(of.p99_ms)}; newest probe ${text(of.since_ms)} ago</li>`)}</ul>`;
}

/** @param {string} word */
const capital = (word) => word.charAt(0).toUpperCase() + word.slice(1);

/** @param {Api.Overview['dead_letters']} letters */
function reasons(letters) {
  if (!letters.total) return 'none so far';
  const first = letters.rules[0];
  return first ? `most: ${first.rule || 'no rule'} ${count(first.count)}` : `${count(letters.total)} in all`;
}

/** Says which share of the rows the pictures are of; counts are exact whatever it is. @param {{ seen: Api.Overview }} props */
function Drawn({ seen: { drawn } }) {
  if (drawn.share >= 0.9995) return null;
  const one = Math.max(2, Math.round(1 / Math.max(drawn.share, 1e-9)));
  return html`<p class="honest"><${Mark} level="watch" label="" /> ${drawn.share >= 0.5 ? `${percent(drawn.share)} of the rows are drawn` : `1 in ${count(one)} rows is drawn`}; counts are exact.</p>`;
}
