// @ts-check
// Filters of the anomalies; all of them stand in the address, so that a link shows the same list.
import { change } from '../lib/address.js';
import { count } from '../lib/format.js';
import { classes, html } from '../lib/ui.js';

const NAMES = /** @type {const} */ (['reason', 'key', 'from', 'to', 'acknowledged', 'text']);

/**
 * Whether an anomaly passes: the same as the server does with stored ones.
 * @param {Api.Anomaly} anomaly @param {Record<string, string>} filters
 */
export function matches(anomaly, { reason, key, from, to, acknowledged, text }) {
  if (reason && !anomaly.reasons.includes(reason)) return false;
  if (key && anomaly.key !== key) return false;
  if (from && anomaly.time < from) return false;
  if (to && anomaly.time > to) return false;
  if (acknowledged && (acknowledged === 'yes') !== Boolean(anomaly.acknowledged)) return false;
  const said = `${anomaly.id} ${anomaly.words ?? ''} ${anomaly.reasons.join(' ')} ${anomaly.acknowledged?.text ?? ''}`.toLowerCase();
  return !text || said.includes(text.toLowerCase());
}

/** What a time that someone types looks like: a date, and as much of the time as one cares for. */
const TYPED = '\\d{4}-\\d\\d-\\d\\d([T ]\\d\\d:\\d\\d(:\\d\\d)?)?';
/** A time that someone typed, as the server writes times; nothing where it is none. @param {string} typed */
const iso = (typed) => (new RegExp(`^${TYPED}$`).test(typed) ? `${typed.replace(' ', 'T')}${'T00:00:00'.slice(typed.length - 10)}.000000Z` : '');
/** @param {string | undefined} time */
const typed = (time) => (time ?? '').slice(0, 19).replace('T', ' ');

/** @param {{ stream: Api.Stream, filters: Record<string, string>, layers: Api.LayerCount[] }} props */
export function Filters({ stream, filters, layers }) {
  const set = (/** @type {string} */ name) => (/** @type {any} */ event) => change({ [name]: event.target.value || null, id: null }, true);
  const setTime = (/** @type {string} */ name) => (/** @type {any} */ event) => change({ [name]: iso(event.target.value) || null, id: null }, true);
  const any = Object.values(filters).some(Boolean);
  const counts = new Map(layers.map((layer) => [layer.name, layer.alarms]));
  const clear = () => change({ ...Object.fromEntries(NAMES.map((name) => [name, null])), id: null });
  return html`<form class="filters" role="search" aria-label="Filters" onSubmit=${(/** @type {Event} */ event) => event.preventDefault()}>
    <fieldset><legend class="unseen">Detector</legend>
      ${[{ name: '' }, ...stream.layers].map(({ name }) => html`<button type="button" key=${name} class=${classes('chip', filters.reason === name && 'on')} aria-pressed=${filters.reason === name}
        onClick=${() => change({ reason: name || null, id: null })}>${name || 'all detectors'}${name && counts.has(name) ? html` <small class="numbers">${count(counts.get(name))}</small>` : ''}</button>`)}
    </fieldset>
    <details class="more-filters" open=${any || matchMedia('(min-width: 40rem)').matches}><summary>More filters</summary>
    <label>Key <input size="8" value=${filters.key} onInput=${set('key')} placeholder=${stream.key} /></label>
    <label>State <select value=${filters.acknowledged} onChange=${set('acknowledged')}><option value="">all</option><option value="no">open</option><option value="yes">acknowledged</option></select></label>
    <label>From (UTC) <input size="16" inputmode="numeric" placeholder="yyyy-mm-dd hh:mm" pattern=${TYPED} value=${typed(filters.from)} onChange=${setTime('from')} /></label>
    <label>To (UTC) <input size="16" inputmode="numeric" placeholder="yyyy-mm-dd hh:mm" pattern=${TYPED} value=${typed(filters.to)} onChange=${setTime('to')} /></label>
    <label>Words <input type="search" size="12" value=${filters.text} onInput=${set('text')} /></label></details>
    ${any && html`<button type="button" class="quiet" onClick=${clear}>Clear</button>`}
  </form>`;
}
