// @ts-check
// A shift for the next one: what alarmed, what was said of it, what is open; and the same as Markdown.
import { address, change, link as to, local } from '../lib/address.js';
import { aborted, of, post, request, sentence } from '../lib/api.js';
import { useAsked } from '../lib/asked.js';
import { bits, cell, count, millis, moment, several, zoneName } from '../lib/format.js';
import { session } from '../lib/store.js';
import { classes, html, useState, useValue } from '../lib/ui.js';
import { Ago, Copy, Empty, Failed, Loading, Mark, Reasons } from '../parts/marks.js';
import { save } from './query.js';
import { command } from '../lib/command.js';

const SHIFT_H = 8;
const SHIFTS = [1, 8, 12, 24];
const EVERY_MS = 15000;

/** The hours before now, to the minute. @param {number} hours */
function last(hours) {
  const to = Math.ceil(Date.now() / 60000) * 60000;
  return { from: new Date(to - hours * 3600000).toISOString(), to: new Date(to).toISOString() };
}

/** @param {{ stream: Api.Stream }} props */
export function HandOver({ stream }) {
  const { query } = useValue(address);
  const zone = useValue(local);
  const hours = SHIFTS.includes(Number(query.hours)) ? Number(query.hours) : SHIFT_H;
  const shift = query.from && query.to ? { from: query.from, to: query.to } : last(hours);
  const path = of(stream.name, 'handover', shift);
  const { body, problem, again } = useAsked(path, EVERY_MS);
  const [failed, setFailed] = useState('');
  const found = /** @type {Api.Handover | null} */ (body);
  const take = async () => {
    setFailed('');
    try {
      const answer = await request(path, { headers: { Accept: 'text/markdown' } });
      save(await answer.blob(), `${stream.name}-${shift.to.slice(0, 16).replace(':', '')}.md`);
    } catch (error) {
      if (!aborted(error)) setFailed(sentence(error));
    }
  };
  return html`<h1 class="headline">Shift <small class="numbers">${moment(millis(shift.from), zone)} to ${moment(millis(shift.to), zone, millis(shift.from))} ${zoneName(zone)}</small></h1>
    <form class="filters" aria-label="The shift" onSubmit=${(/** @type {Event} */ event) => event.preventDefault()}>
      <fieldset><legend class="unseen">Length</legend>${SHIFTS.map((each) => html`<button type="button" key=${each} class=${classes('chip', !query.from && each === hours && 'on')} aria-pressed=${!query.from && each === hours} onClick=${() => change({ hours: String(each), from: null, to: null })}>last ${each === 1 ? 'hour' : `${each} h`}</button>`)}</fieldset>
      <button type="button" onClick=${() => change({ ...shift, hours: null })} disabled=${Boolean(query.from)}>Keep this period in the address</button>
      <button type="button" class="main" onClick=${take}>Download as Markdown</button></form>
    ${(problem || failed) && html`<${Failed} text=${problem || failed} retry=${again} />`}
    ${!found && !problem && html`<${Loading} what="the shift" />`}
    ${found && html`<div class="pair shift"><${Open} open=${found.open} found=${found} /><${Notes} stream=${stream} notes=${found.notes} again=${again} /></div>
      <${Episodes} episodes=${found.episodes} />`}
    <${Copy} text=${command.query(stream, 'SELECT * FROM notes')} />`;
}

/** @param {{ open: string[], found: Api.Handover }} props */
function Open({ open, found }) {
  const facts = (/** @type {string} */ title, /** @type {any} */ values) =>
    values && typeof values === 'object' && Object.entries(values).filter(([, value]) => value === null || typeof value !== 'object').map(([name, value]) => html`<div key=${title + name}><dt>${title}, ${name.replaceAll('_', ' ')}</dt><dd class="numbers">${cell(value)}</dd></div>`);
  return html`<section class="panel" aria-labelledby="open-title"><header><h2 id="open-title">Open matters</h2></header>
    ${open.length ? html`<ul class="matters">${open.map((text) => html`<li key=${text}><${Mark} level="watch" label="open" /> <span>${text}</span></li>`)}</ul>` : html`<p class="matters"><${Mark} level="ok" label="" /> None.</p>`}
    <dl class="facts-of">${facts('dead letters', found.dead_letters)}${facts('lag', found.lag)}</dl></section>`;
}

/** @param {{ episodes: Api.Episode[] }} props */
function Episodes({ episodes }) {
  const zone = useValue(local);
  if (!episodes.length) return html`<section class="panel"><${Empty} title="No alarms in this shift">Choose a longer one to look further back.<//></section>`;
  return html`<section class="panel episodes" aria-labelledby="episodes-title"><header><h2 id="episodes-title">${several(episodes.length, 'episode')}</h2></header>
    <div class="table" tabindex="0" role="region" aria-label="Episodes"><table><thead><tr><th scope="col">from</th><th scope="col">to [${zoneName(zone)}]</th><th scope="col">key</th><th scope="col" class="numeric">alarms</th><th scope="col">layers</th><th scope="col" class="numeric">worst</th><th scope="col">acknowledged</th><th scope="col">notes</th></tr></thead>
    <tbody>${episodes.map((each) => html`<tr key=${each.key + each.first}><td class="when">${moment(millis(each.first), zone)}</td><td class="when">${moment(millis(each.last), zone, millis(each.first))}</td>
      <td><a href=${to('anomalies', { key: each.key, from: each.first, to: each.last })}>${each.key}</a></td><td class="numeric">${count(each.count)}</td><td><${Reasons} reasons=${each.reasons} /></td><td class="numeric">${bits(each.worst) || 'rule'}</td>
      <td>${each.acknowledged >= each.count ? html`<${Mark} level="ok" label="" /> all` : `${count(each.acknowledged)} of ${count(each.count)}`}</td><td>${each.notes.map((note) => html`<p key=${note.id}>${note.text} <small>${note.author}</small></p>`)}</td></tr>`)}</tbody></table></div></section>`;
}

/** @param {{ stream: Api.Stream, notes: Api.Note[], again: () => void }} props */
function Notes({ stream, notes, again }) {
  const who = useValue(session);
  const [text, setText] = useState('');
  const [problem, setProblem] = useState('');
  const send = async (/** @type {Event} */ event) => {
    event.preventDefault();
    try {
      await post(of(stream.name, 'notes'), { kind: 'note', text: text.trim(), anomalies: [], author: localStorage.getItem('beamline-author') || who?.author });
      setText('');
      setProblem('');
      again();
    } catch (error) {
      setProblem(sentence(error));
    }
  };
  return html`<section class="panel" aria-labelledby="notes-title"><header><h2 id="notes-title">Notes of the shift</h2></header><div class="said">
    ${notes.map((note) => html`<blockquote key=${note.id}><p>${note.text}</p><footer>${note.author}, <${Ago} ms=${millis(note.at)} />${note.anomalies.length ? `, for ${several(note.anomalies.length, 'anomaly', 'anomalies')}` : ''}</footer></blockquote>`)}
    ${who?.may.acknowledge && html`<form class="acknowledge" onSubmit=${send}><label class="note">For the next shift <textarea rows="2" required maxlength="4096" value=${text} onInput=${(/** @type {any} */ event) => setText(event.target.value)}></textarea></label><button type="submit" disabled=${!text.trim()}>Add the note</button></form>`}
    ${problem && html`<${Failed} text=${problem} />`}</div></section>`;
}
