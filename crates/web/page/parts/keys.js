// @ts-check
// The keys with the most events. Counts are of a bounded sketch: where one may be too high, it says by how much.
import { change, link as to } from '../lib/address.js';
import { count, percent } from '../lib/format.js';
import { classes, html } from '../lib/ui.js';
import { Ago, Loading } from './marks.js';

const SHOWN_MAX = 20;

/** @param {{ stream: Api.Stream, keys: Api.Keys | null, chosen: string | null }} props */
export function Keys({ stream, keys, chosen }) {
  if (!keys) return html`<section class="panel"><${Loading} what="the keys" /></section>`;
  const total = keys.keys.reduce((sum, each) => sum + each.count, 0) + keys.others.count;
  return html`<section class="panel keys" aria-labelledby="keys-title"><header><h2 id="keys-title">Top keys (${stream.key})</h2></header>
    <div class="table" tabindex="0" role="region" aria-label="Top keys"><table><thead><tr><th scope="col">key</th><th scope="col" class="numeric">events</th><th scope="col" class="numeric">share</th><th scope="col" class="numeric">anomalies</th><th scope="col">last</th></tr></thead>
      <tbody>${keys.keys.slice(0, SHOWN_MAX).map(({ key, count: events, error, anomalies, last_ms, series }) => html`<tr key=${key} class=${classes(key === chosen && 'chosen')}>
        <td>${series ? html`<button type="button" class="quiet" aria-pressed=${key === chosen} onClick=${() => change({ key: key === chosen ? null : key })}>${key}</button>` : key}</td>
        <td class="numeric">${count(events)}${error ? html`<small> −${count(error)} at most</small>` : ''}</td><td class="numeric">${percent(events / Math.max(1, total))}</td>
        <td class="numeric"><a href=${to('anomalies', { key })}>${count(anomalies)}</a></td><td><${Ago} ms=${last_ms} /></td></tr>`)}</tbody></table></div>
    ${keys.others.count > 0 && html`<p class="aside">and ${count(keys.others.count)} events of other keys</p>`}</section>`;
}
