// @ts-check
// Records that could not go on: why, how many, what is in them, and putting repaired ones back.
import { address, change, link as to } from '../lib/address.js';
import { get, of, sentence } from '../lib/api.js';
import { useAsked } from '../lib/asked.js';
import { command } from '../lib/command.js';
import { cell, count, several } from '../lib/format.js';
import { classes, html, useEffect, useState, useValue } from '../lib/ui.js';
import { Copy, Empty, Failed, Loading, Mark } from '../parts/marks.js';
import { Redrive } from '../parts/redrive.js';

const EVERY_MS = 5000;
const PAGE = 50;
const ROWS_MAX = 1000;
const HEX_WIDTH = 16;


/** @param {{ stream: Api.Stream }} props */
export function DeadLetters({ stream }) {
  const { query } = useValue(address);
  const { kind = '', rule = '', state = '' } = query;
  const reason = query.reason ?? '';
  const { body, problem, again } = useAsked(of(stream.name, 'dead-letters', { kind, rule, reason, state, limit: String(PAGE) }), EVERY_MS);
  const [older, setOlder] = useState(/** @type {{ letters: Api.Letter[], next: string | null } | null} */ (null));
  const [failed, setFailed] = useState('');
  useEffect(() => setOlder(null), [stream.name, kind, rule, reason, state]);
  if (!body) return problem ? html`<${Failed} text=${problem} retry=${again} />` : html`<${Loading} what="dead letters" />`;
  const known = new Set(body.letters.map((/** @type {Api.Letter} */ letter) => letter.position));
  const letters = [...body.letters, ...(older?.letters ?? []).filter(({ position }) => !known.has(position))];
  const next = older ? older.next : body.next;
  const more = async () => {
    try {
      const found = await get(of(stream.name, 'dead-letters', { kind, rule, reason, state, limit: String(PAGE), cursor: next }));
      setOlder({ letters: [...(older?.letters ?? []), ...found.letters], next: found.next });
    } catch (error) {
      setFailed(sentence(error));
    }
  };
  const filtered = Boolean(kind || rule || reason || state);
  return html`<h1 class="headline">${several(body.open, 'open dead letter')} <small>of ${count(body.total)} in all</small></h1>
    ${(problem || failed) && html`<${Failed} text=${problem || failed} retry=${again} />`}
    <${Reasons} counts=${body.counts} query=${query} />
    <div class=${classes('desk', query.position && 'open')}>
      <section class="panel list" aria-label="Dead letters, newest first">
        <header><p class="news">Newest first</p><label>Show <select value=${state} onChange=${(/** @type {any} */ event) => change({ state: event.target.value || null }, true)}><option value="">all</option><option value="open">open</option><option value="redriven">put back</option></select></label></header>
        ${letters.length === 0 && (filtered ? html`<${Empty} title="No dead letter passes these filters"><a href=${to('dead-letters')}>Take the filters away</a><//>` : html`<${Empty} title="No dead letters">Every record could be read and passed the quality rules.<//>`)}
        <ol class="rows">${letters.map((letter) => html`<li key=${letter.position}><a class=${classes('row letter', letter.position === query.position && 'chosen')} href=${to('dead-letters', { ...query, position: letter.position })} aria-current=${letter.position === query.position ? 'true' : null}>
          <span class="numbers">position ${count(Number(letter.position))}</span><span class="reason">${letter.rule || letter.kind}</span><span class="words">${letter.reason}</span>
          <span class="status">${letter.redriven ? html`<${Mark} level="ok" label="" /> put back` : `${count(letter.bytes)} bytes`}</span><code>${letter.preview}</code></a></li>`)}</ol>
        ${next && letters.length < ROWS_MAX && html`<p class="older"><button type="button" onClick=${more}>Show older</button></p>`}
      </section>
      ${query.position ? html`<${Open} key=${query.position} stream=${stream} position=${query.position} done=${again} />` : html`<section class="panel story none"><${Empty} title="Choose a dead letter">What is in it stands here: decoded as far as it goes, as text, and byte by byte.<//></section>`}
    </div>
    <${Copy} text=${command.deadLetters(stream)} />`;
}

/** @param {{ counts: Api.LetterCount[], query: Record<string, string> }} props */
function Reasons({ counts, query }) {
  if (!counts.length) return null;
  const most = Math.max(...counts.map((each) => each.count));
  return html`<section class="panel causes" aria-labelledby="causes-title"><header><h2 id="causes-title">Why</h2></header>
    <ul>${counts.map((each) => {
      const chosen = query.kind === each.kind && (query.rule ?? '') === each.rule && query.reason === each.reason;
      const next = chosen ? { kind: null, rule: null, reason: null } : { kind: each.kind, rule: each.rule || null, reason: each.reason };
      return html`<li key=${each.kind + each.rule + each.reason}><button type="button" class="quiet" aria-pressed=${chosen} onClick=${() => change({ ...next, position: null })}>
        <span class="numbers">${count(each.count)}</span><b>${each.rule || each.kind}</b><span>${each.reason}</span></button>
        <span class="bar" aria-hidden="true"><span class="seen" style=${{ width: `${(100 * each.count) / most}%` }}></span></span></li>`;
    })}</ul></section>`;
}

/** @param {{ stream: Api.Stream, position: string, done: () => void }} props */
function Open({ stream, position, done }) {
  const { body, problem, again } = useAsked(of(stream.name, `dead-letters/${encodeURIComponent(position)}`));
  const close = () => change({ position: null });
  const found = /** @type {Api.OpenLetter | null} */ (body);
  return html`<article class="panel story" aria-labelledby="letter-title">
    <header><p class="trail"><a class="back" href=${to('dead-letters', { ...address.peek().query, position: null })}>All dead letters</a></p><button type="button" class="quiet" onClick=${close}>Close</button></header>
    ${problem && html`<${Failed} text=${problem} retry=${again} />`}
    ${!found && !problem && html`<${Loading} what="the dead letter" />`}
    ${found && html`
      <div class="head"><h2 id="letter-title">${found.letter.reason}</h2>
        <p class="facts"><span class="reason">${found.letter.rule || found.letter.kind}</span><span class="numbers">position <b>${count(Number(found.letter.position))}</b></span><span class="numbers">partition <b>${found.letter.partition}</b></span><span class="numbers">${count(found.letter.bytes)} bytes</span>
        ${found.letter.redriven ? html`<span><${Mark} level="ok" label="" /> put back${found.letter.redriven.outcome ? `: ${found.letter.redriven.outcome}` : ''}</span>` : html`<span><${Mark} level="watch" label="" /> open</span>`}</p></div>
      <section><h3>Decoded</h3>${found.decoded ? html`<div class="table"><table><tbody>${Object.entries(found.decoded).map(([name, value]) => html`<tr key=${name}><th scope="row">${name}</th><td>${cell(value)}</td></tr>`)}</tbody></table></div>` : ''}${found.decode_error ? html`<p class="aside">${found.decode_error}</p>` : found.decoded ? '' : html`<p class="aside">It cannot be decoded.</p>`}</section>
      ${found.text !== null && html`<section><h3>As text</h3><pre tabindex="0">${found.text}</pre></section>`}
      <section><h3>Byte by byte${found.truncated ? ', the first 64 KiB' : ''}</h3><pre class="hex" tabindex="0" aria-label="hexadecimal">${dump(found.hex)}</pre></section>
      <${Redrive} stream=${stream} letter=${found} done=${() => (again(), done())} />`}
  </article>`;
}

/** Lines of sixteen bytes with their place and their letters. @param {string} hex */
export function dump(hex) {
  const lines = [];
  for (let at = 0; at < hex.length; at += 2 * HEX_WIDTH) {
    const bytes = hex.slice(at, at + 2 * HEX_WIDTH).match(/../g) ?? [];
    const letters = bytes.map((byte) => (byte >= '20' && byte < '7f' ? String.fromCharCode(parseInt(byte, 16)) : '·')).join('');
    lines.push(`${(at / 2).toString(16).padStart(6, '0')}  ${bytes.join(' ').padEnd(3 * HEX_WIDTH - 1)}  ${letters}`);
  }
  return lines.join('\n');
}
