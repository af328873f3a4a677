// @ts-check
// Putting a repaired record back: first tried without consequences, then for good.
import { of, post, sentence } from '../lib/api.js';
import { several } from '../lib/format.js';
import { session } from '../lib/store.js';
import { html, useState, useValue } from '../lib/ui.js';
import { Failed, Mark } from './marks.js';

/** @param {{ stream: Api.Stream, letter: Api.OpenLetter, done: () => void }} props */
export function Redrive({ stream, letter, done }) {
  const who = useValue(session);
  const start = JSON.stringify(letter.decoded ?? {}, null, 2);
  const [text, setText] = useState(start);
  const [tried, setTried] = useState(/** @type {{ text: string, outcome: string, rejected: string } | null} */ (null));
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);
  if (letter.letter.redriven) return null;
  if (!who?.may.redrive)
    return html`<section><h3>Put back</h3><p class="aside">${who?.access === 'loopback' ? html`Off on this page. Start with <code>--page-redrive</code>, or use <code>beamline dlq redrive</code>.` : 'An operator may put repaired records back.'}</p></section>`;
  const send = async (/** @type {boolean} */ dry) => {
    setBusy(true);
    setProblem('');
    try {
      const answer = await post(of(stream.name, 'dead-letters/redrive'), { dry_run: dry, events: [{ position: letter.letter.position, event: JSON.parse(text) }] });
      const body = await answer.json();
      setTried({ text, outcome: `${several(body.accepted, 'record')} ${body.outcome}`, rejected: body.rejected.map((/** @type {any} */ each) => each.reason).join('; ') });
      if (!dry) done();
    } catch (error) {
      setProblem(error instanceof SyntaxError ? `this is not JSON: ${error.message}` : sentence(error));
    }
    setBusy(false);
  };
  const fits = tried !== null && tried.text === text && !tried.rejected;
  return html`<section class="redrive"><h3>Put back, repaired</h3>
    <label>The record as JSON <textarea rows="8" spellcheck="false" class="hex" value=${text} onInput=${(/** @type {any} */ event) => setText(event.target.value)}></textarea></label>
    <p class="buttons"><button type="button" disabled=${busy} onClick=${() => send(true)}>Try it (changes nothing)</button>
      <button type="button" class="main" disabled=${busy || !fits} onClick=${() => send(false)}>Put it back</button></p>
    ${tried && html`<p role="status"><${Mark} level=${tried.rejected ? 'bad' : 'ok'} label="" /> ${tried.rejected || tried.outcome}</p>`}
    ${problem && html`<${Failed} text=${problem} />`}</section>`;
}
