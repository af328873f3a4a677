// @ts-check
// The windows of an aggregate, newest first, as they close.
import { of } from '../lib/api.js';
import { useAsked } from '../lib/asked.js';
import { html, useState } from '../lib/ui.js';
import { Cell, Empty, Failed, Loading } from './marks.js';

const EVERY_MS = 5000;
const ROWS = 40;

/** @param {{ stream: Api.Stream }} props */
export function Aggregates({ stream }) {
  const [name, setName] = useState(stream.aggregates[0]?.name ?? '');
  const { body: found, problem } = useAsked(name ? of(stream.name, 'aggregates', { name, limit: String(ROWS) }) : null, EVERY_MS);
  if (!name) return html`<section class="panel"><${Empty} title="No aggregates">The definition has no <code>aggregate</code>; one makes windows such as counts a minute.<//></section>`;
  return html`<section class="panel aggregates" aria-labelledby="aggregates-title"><header><h2 id="aggregates-title">Windows as they close</h2>
    <label>Aggregate <select value=${name} onChange=${(/** @type {any} */ event) => setName(event.target.value)}>${stream.aggregates.map((each) => html`<option key=${each.name} value=${each.name}>${each.name}</option>`)}</select></label></header>
    ${problem && html`<${Failed} text=${problem} />`}
    ${!found && !problem && html`<${Loading} what=${name} />`}
    ${found && !found.rows.length && html`<${Empty} title="No window yet">A window appears here once it is committed.<//>`}
    ${found?.rows.length > 0 && html`<div class="table" tabindex="0" role="region" aria-label=${name}><table><thead><tr>${found.columns.map((/** @type {any} */ column) => html`<th scope="col" key=${column.name} class=${column.kind === 'number' || column.kind === 'integer' ? 'numeric' : ''}>${column.name}${column.unit ? ` [${column.unit}]` : ''}</th>`)}</tr></thead>
      <tbody>${found.rows.map((/** @type {any[]} */ row, /** @type {number} */ index) => html`<tr key=${index}>${row.map((value, place) => html`<${Cell} key=${place} value=${value} kind=${found.columns[place].kind} />`)}</tr>`)}</tbody></table></div>`}
  </section>`;
}
