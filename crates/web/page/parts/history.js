// @ts-check
// What a key did before and after an alarm, with the alarm marked and what was expected as a band.
import { local } from '../lib/address.js';
import { cell, clock, labelled, millis, number, unitOf, zoneName } from '../lib/format.js';
import { html, useMemo, useState, useValue } from '../lib/ui.js';
import { colour, Plot } from './plot.js';

/** @param {{ story: Api.Story, stream: Api.Stream }} props */
export function History({ story, stream }) {
  const { columns, rows, at } = story.history;
  const zone = useValue(local);
  const choices = columns.filter((name, index) => index > 0 && name !== 'anomalous' && rows.some((row) => typeof row[index] === 'number'));
  const named = story.anomaly.causes.map((cause) => cause.feature).find((feature) => feature && choices.includes(feature));
  const outside = story.event.find(({ value, expected_low: low, expected_high: high, column }) => typeof value === 'number' && low !== null && high !== null && (value < low || value > high) && choices.includes(column.name));
  const rules = stream.layers.filter(({ name, kind }) => kind === 'rule' && story.anomaly.reasons.includes(name)).map(({ what }) => what);
  const told = choices.find((name) => [story.anomaly.words, ...rules].some((text) => text?.includes(name)));
  const [column, setColumn] = useState(named ?? outside?.column.name ?? told ?? choices[0] ?? '');
  const [table, setTable] = useState(false);
  const [index, setIndex] = useState(/** @type {number | null} */ (null));
  const place = columns.indexOf(column);
  const unit = unitOf(stream, column);
  const flag = columns.indexOf('anomalous');
  const data = useMemo(() => {
    const times = rows.map((row) => millis(String(row[0])) / 1000);
    const values = rows.map((row) => (typeof row[place] === 'number' ? /** @type {number} */ (row[place]) : null));
    return [times, values, values.map((value, each) => (each !== at && flag >= 0 && rows[each]?.[flag] === true ? value : null))];
  }, [story, place]);
  if (!choices.length) return null;
  const expected = story.event.find((each) => each.column.name === column);
  const low = expected?.expected_low ?? null;
  const high = expected?.expected_high ?? null;
  const pointed = rows[index ?? at];
  return html`<section class="history">
    <header><h3>What key ${story.anomaly.key} did</h3>
      <label>Column <select value=${column} onChange=${(/** @type {any} */ event) => setColumn(event.target.value)}>${choices.map((name) => html`<option key=${name} value=${name}>${name}</option>`)}</select></label>
      <button type="button" class="quiet" aria-pressed=${table} onClick=${() => setTable(!table)}>${table ? 'As a picture' : 'As a table'}</button></header>
    ${table ? html`<${Rows} story=${story} column=${column} zone=${zone} />` : html`
      <${Plot} data=${data} unit=${labelled(column, unit)} height=${210}
        lines=${[{ label: column, colour: 'beam' }, { label: 'other alarms', colour: 'watch', points: true }]}
        label=${`${column} of key ${story.anomaly.key}, ${rows.length} events around the alarm; at the alarm ${number(data[1]?.[at])}`}
        under=${(/** @type {any} */ chart) => band(chart, low, high)} draw=${(/** @type {any} */ chart) => alarm(chart, data, at)} onCursor=${setIndex}
        range=${(/** @type {any} */ _chart, /** @type {number} */ least, /** @type {number} */ most) => room(least, most, low, high)} />
      <p class="readout numbers"><span>${pointed ? `${clock(millis(String(pointed[0])), zone)} ${zoneName(zone)}` : ''}</span> <b>${pointed ? cell(pointed[place]) : ''}${unit ? ` ${unit}` : ''}</b>
        <span class="key-to"><i class="sign alarm"></i>this alarm</span><span class="key-to"><i class="sign other"></i>other alarms</span>${low !== null && html`<span class="key-to"><i class="sign band"></i>expected</span>`}</p>`}
  </section>`;
}

/** Space above and below, with what was expected in sight. @param {number} least @param {number} most @param {number | null} low @param {number | null} high @returns {[number, number]} */
function room(least, most, low, high) {
  const bottom = Math.min(least ?? 0, low ?? Infinity);
  const top = Math.max(most ?? 1, high ?? -Infinity);
  const edge = 0.08 * (top - bottom || Math.abs(top) || 1);
  return [bottom - edge, top + edge];
}

/** @param {any} chart @param {number | null} low @param {number | null} high */
function band(chart, low, high) {
  if (low === null || high === null) return;
  const { ctx, bbox } = chart;
  const top = Math.max(bbox.top, chart.valToPos(high, 'y', true));
  const bottom = Math.min(bbox.top + bbox.height, chart.valToPos(low, 'y', true));
  ctx.save();
  ctx.fillStyle = colour('beam-soft');
  ctx.fillRect(bbox.left, top, bbox.width, Math.max(1, bottom - top));
  ctx.restore();
}

/** @param {any} chart @param {(number | null)[][]} data @param {number} at */
function alarm(chart, data, at) {
  const time = data[0]?.[at];
  const value = data[1]?.[at];
  if (time === undefined || time === null) return;
  const { ctx, bbox } = chart;
  const x = chart.valToPos(time, 'x', true);
  const scale = devicePixelRatio;
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = colour('bad');
  ctx.lineWidth = scale;
  ctx.setLineDash([4 * scale, 4 * scale]);
  ctx.beginPath();
  ctx.moveTo(x, bbox.top);
  ctx.lineTo(x, bbox.top + bbox.height);
  ctx.stroke();
  if (typeof value === 'number') {
    const y = chart.valToPos(value, 'y', true);
    const size = 7 * scale;
    ctx.beginPath();
    ctx.moveTo(x, y - size);
    ctx.lineTo(x + size, y);
    ctx.lineTo(x, y + size);
    ctx.lineTo(x - size, y);
    ctx.fill();
  }
  ctx.restore();
}

/** @param {{ story: Api.Story, column: string, zone: boolean }} props */
function Rows({ story: { history }, column, zone }) {
  const place = history.columns.indexOf(column);
  const flag = history.columns.indexOf('anomalous');
  return html`<div class="table short" tabindex="0" role="region" aria-label="History as a table"><table><thead><tr><th scope="col">time [${zoneName(zone)}]</th><th scope="col" class="numeric">${column}</th><th scope="col"></th></tr></thead>
    <tbody>${history.rows.map((row, index) => html`<tr key=${index}><td class="when">${cell(row[0], 'time', zone)}</td><td class="numeric">${cell(row[place])}</td><td>${index === history.at ? 'this alarm' : row[flag] === true ? 'alarm' : ''}</td></tr>`)}</tbody></table></div>`;
}
