// @ts-check
// The story of one anomaly: what was measured, what was expected of its key, which layers fired and by how much, what the key did
// before, who else alarmed then, and what people said of it.
import { address, change, link as to, local } from '../lib/address.js';
import { aborted, get, of, Problem, sentence } from '../lib/api.js';
import { BITS, bits, cell, exact, labelled, millis, moment, number, several, unitOf, zoneName } from '../lib/format.js';
import { noted } from '../lib/merge.js';
import { alarms, notes } from '../lib/store.js';
import { traceUrl } from '../lib/trace.js';
import { inWords } from '../lib/words.js';
import { classes, html, useEffect, useRef, useState, useValue } from '../lib/ui.js';
import { Acknowledge } from '../parts/acknowledge.js';
import { History } from '../parts/history.js';
import { Ago, Copy, Failed, Loading, Mark, Reasons } from '../parts/marks.js';
import { Range } from '../parts/range.js';

/** An anomaly that is not committed yet is not stored yet: its story is asked for again, so many times. */
const TRIES_MAX = 10;
const AGAIN_MS = 1000;


/** @param {{ stream: Api.Stream, id: string, known: Api.Anomaly | undefined }} props */
export function Story({ stream, id, known }) {
  const [story, setStory] = useState(/** @type {Api.Story | null} */ (null));
  const [problem, setProblem] = useState('');
  const [tries, setTries] = useState(0);
  const live = useValue(alarms).find((each) => each.id === id);
  const first = useRef(known ?? live);
  useEffect(() => {
    const stop = new AbortController();
    let timer = 0;
    get(of(stream.name, `anomalies/${encodeURIComponent(id)}`), stop.signal)
      .then((found) => {
        setStory(found);
        setProblem('');
        // Its history is what is stored: that comes with the commit.
        if (!found.anomaly.committed && tries < TRIES_MAX) timer = /** @type {any} */ (setTimeout(() => setTries(tries + 1), AGAIN_MS));
      })
      .catch((error) => {
        if (aborted(error)) return;
        // Not there yet, or the server has its hands full for a moment.
        const soon = error instanceof Problem && tries < TRIES_MAX && ((error.status === 404 && first.current) || [429, 503].includes(error.status));
        if (soon) timer = /** @type {any} */ (setTimeout(() => setTries(tries + 1), Math.max(AGAIN_MS, error.retryMs)));
        else setProblem(sentence(error));
      });
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [id, tries]);
  const best = story?.anomaly ?? live ?? known ?? first.current;
  const said = useValue(notes);
  const anomaly = best && noted([best], said)[0];
  const heard = said.filter((note) => note.anomalies.includes(id) && !story?.notes.some((each) => each.id === note.id));
  const again = () => setTries(tries + 1);
  return html`<article class="panel story" aria-labelledby="story-title">
    <header><p class="trail"><a class="back" href=${to('anomalies', { ...address.peek().query, id: null })}>All anomalies</a></p>
      <button type="button" class="quiet" onClick=${() => change({ id: null })}>Close <kbd>Esc</kbd></button></header>
    ${problem && html`<${Failed} text=${problem} retry=${again} />`}
    ${anomaly && html`<${Head} anomaly=${anomaly} stream=${stream} />`}
    ${!story && !problem && html`<${Loading} what=${anomaly ? 'its history; it is committed within a second or so' : 'the story'} />`}
    ${story && html`
      <${Layers} layers=${story.layers} />
      <${History} key=${id} story=${story} stream=${stream} />
      <${Also} story=${story} />
      <${Notes} stream=${stream} notes=${[...heard, ...story.notes]} anomaly=${anomaly ?? story.anomaly} again=${again} />
      <${Values} story=${story} />
      <${Copy} text=${story.command} />`}
  </article>`;
}

/** @param {{ anomaly: Api.Anomaly, stream: Api.Stream }} props */
function Head({ anomaly, stream }) {
  const zone = useValue(local);
  const ms = millis(anomaly.time);
  const ranges = anomaly.causes.filter((cause) => cause.value !== null && cause.expected_low !== null && cause.expected_high !== null);
  const trace = traceUrl(stream.jaeger, anomaly.trace);
  return html`<div class="head">
    <h2 id="story-title">${inWords(anomaly, stream)}</h2>
    <p class="facts"><${Reasons} reasons=${anomaly.reasons} />
      <span>${stream.key} <b>${anomaly.key}</b></span>
      <span class="numbers">${exact(ms, zone)} ${zoneName(zone)} (<${Ago} ms=${ms} />)</span>
      ${bits(anomaly.score) && html`<span class="numbers" title=${BITS}>${bits(anomaly.score)}</span>`}
      <span>${anomaly.acknowledged ? html`<${Mark} level="ok" label="" /> acknowledged by <b>${anomaly.acknowledged.author}</b>` : html`<${Mark} level="watch" label="" /> open`}</span>
      ${!anomaly.committed && html`<span>not yet committed</span>`}
      ${trace && html`<a href=${trace} rel="noreferrer" target="_blank">trace in Jaeger</a>`}</p>
    ${ranges.length > 0 && html`<section class="ranges" aria-label="Measured beside expected">
      ${ranges.map((cause) => html`<${Range} key=${cause.layer + cause.feature} name=${labelled(cause.feature ?? cause.layer, unitOf(stream, cause.feature ?? ''))} value=${cause.value} low=${cause.expected_low} high=${cause.expected_high} deviation=${cause.deviation} />`)}
    </section>`}
  </div>`;
}

/** @param {{ layers: Api.Story['layers'] }} props */
function Layers({ layers }) {
  return html`<section class="layers"><h3>Which layers fired</h3>
    <ul>${layers.map(({ name, kind, fired, score, ratio, what }) => html`<li key=${name} class=${classes(fired && 'fired')}>
      <${Mark} level=${fired ? 'bad' : 'ok'} label=${fired ? 'fired' : 'quiet'} /><b>${name}</b>
      ${ratio === null ? html`<span class="numbers by">${fired ? 'fired' : 'quiet'}</span>` : html`<span class="numbers by">${fired ? 'fired' : 'quiet'}${kind === 'rule' ? '' : `, ${ratio.toFixed(2)} of its threshold`}</span>`}
      ${ratio !== null && kind !== 'rule' ? html`<span class="bar half" aria-hidden="true"><span class="seen" style=${{ width: `${Math.min(100, 50 * ratio).toFixed(1)}%` }}></span><span class="asked"></span></span>` : html`<span></span>`}
      <small>${what}${score !== null && kind !== 'rule' ? ` (score ${number(score)})` : ''}</small>
    </li>`)}</ul></section>`;
}

/** @param {{ story: Api.Story }} props */
function Also({ story }) {
  const zone = useValue(local);
  return html`<section class="also"><h3>Other keys that alarmed within ${several(story.window_s, 'second')}</h3>
    ${story.also.length === 0 ? html`<p class="aside">None: this key alarmed alone.</p>` : html`<ul>${story.also.map(({ key, count, first, reasons }) => html`<li key=${key}>
      <a href=${to('anomalies', { key })}>key ${key}</a> <span class="numbers">${several(count, 'alarm')} from ${moment(millis(first), zone, millis(story.anomaly.time))}</span> <${Reasons} reasons=${reasons} /></li>`)}</ul>`}
  </section>`;
}

/** @param {{ stream: Api.Stream, notes: Api.Note[], anomaly: Api.Anomaly, again: () => void }} props */
function Notes({ stream, notes: all, anomaly, again }) {
  return html`<section class="notes"><h3>Notes</h3>
    ${all.map((note) => html`<blockquote key=${note.id}><p>${note.text}</p><footer>${note.author}, <${Ago} ms=${millis(note.at)} />${note.anomalies.length > 1 ? `, for ${several(note.anomalies.length, 'anomaly', 'anomalies')}` : ''}</footer></blockquote>`)}
    ${all.length === 0 && anomaly.acknowledged && html`<blockquote><p>${anomaly.acknowledged.text}</p><footer>${anomaly.acknowledged.author}, <${Ago} ms=${millis(anomaly.acknowledged.at)} /></footer></blockquote>`}
    <${Acknowledge} stream=${stream.name} ids=${[anomaly.id]} done=${again} />
  </section>`;
}

/** @param {{ story: Api.Story }} props */
function Values({ story }) {
  const zone = useValue(local);
  return html`<section class="values"><h3>The event</h3><div class="table"><table>
    <thead><tr><th scope="col">column</th><th scope="col" class="numeric">value</th><th scope="col">unit</th><th scope="col" class="numeric">expected</th></tr></thead>
    <tbody>${story.event.map(({ column, value, expected_low: low, expected_high: high }) => {
      const off = typeof value === 'number' && low !== null && high !== null && (value < low || value > high);
      return html`<tr key=${column.name} class=${classes(off && 'off')}><th scope="row" title=${column.doc}>${column.name}</th><td class="numeric">${off && html`<${Mark} level="bad" label="not as expected" /> `}${cell(value, column.kind, zone)}</td><td>${column.unit ?? ''}</td><td class="numeric">${low === null || high === null ? '' : `${number(low)} to ${number(high)}`}</td></tr>`;
    })}</tbody></table></div></section>`;
}
