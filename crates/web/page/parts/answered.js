// @ts-check
// The answer to a query, as a table or as a picture.
import { labelled, millis, number } from '../lib/format.js';
import { html, useMemo, useState } from '../lib/ui.js';
import { Cell, Empty } from './marks.js';
import { Plot } from './plot.js';

/** Rows that are put into the document; the files have all. */
const DRAWN_MAX = 500;
const BARS_MAX = 60;


const numeric = (/** @type {Api.Column} */ { kind }) => kind === 'number' || kind === 'integer';

/** @param {{ answer: Api.Answer }} props */
export function Answered({ answer }) {
  const [picture, setPicture] = useState(false);
  const drawable = answer.columns.some(numeric) && answer.rows.length > 1 && answer.columns.length > 1;
  if (!answer.rows.length) return html`<section class="panel"><${Empty} title="No rows">The query ran, and nothing passed it.<//></section>`;
  return html`<section class="panel answer" aria-label="Answer">
    <header><p class="aside">${answer.rows.length > DRAWN_MAX ? `The first ${DRAWN_MAX} rows are drawn; CSV and Parquet have all.` : ''}</p>
      ${drawable && html`<span><button type="button" class="quiet" aria-pressed=${!picture} onClick=${() => setPicture(false)}>Table</button><button type="button" class="quiet" aria-pressed=${picture} onClick=${() => setPicture(true)}>Plot</button></span>`}</header>
    ${picture && drawable ? html`<${Picture} answer=${answer} />` : html`<${Table} answer=${answer} />`}
  </section>`;
}

/** @param {{ answer: Api.Answer }} props */
function Table({ answer: { columns, rows } }) {
  return html`<div class="table tall" tabindex="0" role="region" aria-label="Rows"><table><thead><tr>${columns.map((column, index) => html`<th scope="col" key=${index} class=${numeric(column) ? 'numeric' : ''} title=${column.type}>${labelled(column.name, column.unit)}</th>`)}</tr></thead>
    <tbody>${rows.slice(0, DRAWN_MAX).map((row, index) => html`<tr key=${index}>${row.map((value, place) => html`<${Cell} key=${place} value=${value} kind=${columns[place]?.kind} />`)}</tr>`)}</tbody></table></div>`;
}

/** Bars for few groups, lines over time or a number. @param {{ answer: Api.Answer }} props */
function Picture({ answer: { columns, rows } }) {
  const values = columns.map((column, index) => ({ ...column, index })).filter(numeric);
  const [across, setAcross] = useState(0);
  const [up, setUp] = useState((values.find(({ index }) => index > 0) ?? values[0])?.index ?? 0);
  const time = columns[across]?.kind === 'time';
  const data = useMemo(() => {
    const points = rows.map((row) => [millis(String(row[across])) / 1000, typeof row[up] === 'number' ? row[up] : null]).filter(([x]) => Number.isFinite(x));
    points.sort((a, b) => Number(a[0]) - Number(b[0]));
    return /** @type {(number | null)[][]} */ ([points.map(([x]) => x), points.map(([, y]) => y)]);
  }, [rows, across, up]);
  const choose = (/** @type {(index: number) => void} */ set) => (/** @type {any} */ event) => set(Number(event.target.value));
  const name = columns[up]?.name ?? '';
  return html`<div class="picture"><p class="buttons">
      <label>Across <select value=${across} onChange=${choose(setAcross)}>${columns.map((column, index) => html`<option key=${index} value=${index}>${column.name}</option>`)}</select></label>
      <label>Up <select value=${up} onChange=${choose(setUp)}>${values.map((column) => html`<option key=${column.index} value=${column.index}>${column.name}</option>`)}</select></label></p>
    ${time ? html`<${Plot} data=${data} lines=${[{ label: name, colour: 'beam', points: rows.length < 3 }]} unit=${labelled(name, columns[up]?.unit)} height=${320} label=${`${name} over ${columns[across]?.name}, ${rows.length} rows`} />` : html`<${Bars} rows=${rows} across=${across} up=${up} />`}
  </div>`;
}

/** @param {{ rows: any[][], across: number, up: number }} props */
function Bars({ rows, across, up }) {
  const shown = rows.slice(0, BARS_MAX);
  const most = Math.max(...shown.map((row) => Math.abs(Number(row[up]) || 0)), Number.MIN_VALUE);
  return html`<ul class="bars">${shown.map((row, index) => {
    const value = Number(row[up]) || 0;
    return html`<li key=${index}><span class="label">${String(row[across] ?? '–')}</span><span class="bar" aria-hidden="true"><span class="seen" style=${{ width: `${((100 * Math.abs(value)) / most).toFixed(2)}%` }}></span></span><span class="numbers">${number(value)}</span></li>`;
  })}</ul>${rows.length > BARS_MAX && html`<p class="aside">The first ${BARS_MAX} rows are drawn.</p>`}`;
}
