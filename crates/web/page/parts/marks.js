// @ts-check
// Signs whose shape says as much as their colour, and small parts that every view uses.
import { ago, cell, exact, millis, zoneName } from '../lib/format.js';
import { local } from '../lib/address.js';
import { serverNow } from '../lib/store.js';
import { classes, html, useEffect, useRef, useState, useValue } from '../lib/ui.js';


/** A circle with a tick, a triangle, an octagon, a dash: legible without colour and at a distance. */
const SHAPES = {
  ok: ['M12 2.5a9.5 9.5 0 1 1 0 19 9.5 9.5 0 0 1 0-19Z', 'm7.6 12.4 3 3 5.8-6.4'],
  watch: ['M12 3 22.5 21h-21Z', 'M12 10v5M12 17.7v.3'],
  bad: ['M8 2.5h8l5.5 5.5v8L16 21.5H8L2.5 16V8Z', 'm8.5 8.5 7 7m0-7-7 7'],
  off: ['M12 2.5a9.5 9.5 0 1 1 0 19 9.5 9.5 0 0 1 0-19Z', 'M8 12h8'],
};
/** @type {Record<Api.Level, string>} */
export const WORDS = { ok: 'fine', watch: 'watch', bad: 'bad', off: 'off' };

/** @param {{ level: Api.Level, label?: string }} props an empty label where the words beside it say the same */
export function Mark({ level, label }) {
  const [outline, sign] = SHAPES[level] ?? SHAPES.off;
  const said = label ?? WORDS[level] ?? level;
  return html`<svg class=${`mark ${level}`} viewBox="0 0 24 24" role=${said ? 'img' : null} aria-label=${said || null} aria-hidden=${said ? null : 'true'}>
    <path class="shape" d=${outline} /><path class="sign" d=${sign} />
  </svg>`;
}

/** The names of the layers that fired. @param {{ reasons: string[] }} props */
export function Reasons({ reasons }) {
  return html`<span class="reasons">${reasons.map((name) => html`<span class="reason" key=${name}>${name}</span>`)}</span>`;
}

/** How long ago something was, and exactly when as the title. @param {{ ms: number }} props */
export function Ago({ ms }) {
  const clock = useValue(serverNow);
  const zone = useValue(local);
  if (!Number.isFinite(ms)) return html`<span>–</span>`;
  return html`<time dateTime=${new Date(ms).toISOString()} title=${`${exact(ms, zone)} ${zoneName(zone)}`}>${ago(Math.max(0, clock - ms))}</time>`;
}

/** A cell of a table. @param {{ value: Api.Cell, kind?: string }} props */
export function Cell({ value, kind = '' }) {
  const zone = useValue(local);
  const numeric = kind === 'number' || kind === 'integer';
  return html`<td class=${classes(numeric && 'numeric', kind === 'time' && 'when', kind === 'nested' && 'nested', value === null && 'none')}>${cell(value, kind, zone)}</td>`;
}

/** Copies a command line. @param {{ text: string, label?: string }} props */
export function Copy({ text, label = 'Copy as command' }) {
  const [done, setDone] = useState('');
  const timer = useRef(0);
  useEffect(() => () => clearTimeout(timer.current), []);
  const copy = async () => {
    const worked = await toClipboard(text);
    setDone(worked ? 'Copied' : 'Select the text and copy it by hand');
    clearTimeout(timer.current);
    timer.current = /** @type {any} */ (setTimeout(() => setDone(''), 4000));
  };
  return html`<div class="command">
    <code tabindex="0" aria-label="command">${text}</code>
    <button type="button" class="quiet" onClick=${copy}>${done || label}</button>
    <span class="unseen" role="status">${done}</span>
  </div>`;
}

/** The clipboard's interface is only there over HTTPS and on loopback. @param {string} text */
async function toClipboard(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

/** Says that there is nothing, and what to do. @param {{ title: string, children?: any }} props */
export function Empty({ title, children }) {
  return html`<div class="empty"><p class="lead">${title}</p><p>${children}</p></div>`;
}

/** Says what went wrong. @param {{ text: string, retry?: () => void }} props */
export function Failed({ text, retry }) {
  return html`<div class="failed" role="alert">
    <${Mark} level="bad" label="error" />
    <p>${text}</p>
    ${retry && html`<button type="button" onClick=${retry}>Try again</button>`}
  </div>`;
}

/** @param {{ what: string }} props */
export function Loading({ what }) {
  return html`<p class="loading" role="status">Loading ${what} …</p>`;
}

/** A text of the server about a time becomes a number once. @param {string} iso */
export const at = (iso) => millis(iso);
