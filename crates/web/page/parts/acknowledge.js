// @ts-check
// Acknowledging: a note with author and time that covers exactly the anomalies that were shown.
import { of, post, sentence } from '../lib/api.js';
import { several } from '../lib/format.js';
import { acknowledge, session } from '../lib/store.js';
import { html, useState, useValue } from '../lib/ui.js';
import { Failed } from './marks.js';

const AUTHOR = 'beamline-author';
/** Anomalies that one note covers, and bytes of its text: limits of the server. */
export const COVERED_MAX = 500;
const TEXT_MAX = 4096;
const AUTHOR_MAX = 64;

/** @param {{ stream: string, ids: string[], done?: () => void, close?: () => void }} props */
export function Acknowledge({ stream, ids, done, close }) {
  const who = useValue(session);
  const [text, setText] = useState('');
  const [author, setAuthor] = useState(localStorage.getItem(AUTHOR) ?? who?.author ?? '');
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);
  if (!who?.may.acknowledge) return html`<p class="aside">${who?.access === 'proxy' ? 'To acknowledge, be in a group of operators.' : 'To acknowledge, open the page with the token of an operator.'}</p>`;
  const send = async (/** @type {Event} */ event) => {
    event.preventDefault();
    setBusy(true);
    setProblem('');
    try {
      const body = { kind: 'acknowledgement', text: text.trim(), anomalies: ids, ...(author.trim() && who.access !== 'proxy' ? { author: author.trim() } : {}) };
      const answer = await post(of(stream, 'notes'), body);
      if (who.access !== 'proxy') localStorage.setItem(AUTHOR, author.trim());
      acknowledge([await answer.json()]);
      setText('');
      done?.();
    } catch (error) {
      setProblem(sentence(error));
    }
    setBusy(false);
  };
  const value = (/** @type {any} */ event) => event.target.value;
  return html`<form class="acknowledge" onSubmit=${send}>
    <label class="note">Note <textarea rows="2" required maxlength=${TEXT_MAX} placeholder="What was it? What did you do?" value=${text} onInput=${(/** @type {Event} */ event) => setText(value(event))}></textarea></label>
    ${who.access === 'proxy' ? html`<p class="aside">as <b>${who.author}</b></p>` : html`<label>Your name <input maxlength=${AUTHOR_MAX} autocomplete="name" value=${author} onInput=${(/** @type {Event} */ event) => setAuthor(value(event))} /></label>`}
    <button type="submit" class="main" disabled=${busy || !text.trim()}>${ids.length === 1 ? 'Acknowledge' : `Acknowledge ${several(ids.length, 'anomaly', 'anomalies')}`}</button>
    ${close && html`<button type="button" class="quiet" onClick=${close}>Cancel</button>`}
    ${problem && html`<${Failed} text=${problem} />`}
  </form>`;
}
