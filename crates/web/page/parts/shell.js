// @ts-check
// The frame of every view: where one can go, which stream, how fresh what is shown is, theme and zone.
import { address, change, link as to, local } from '../lib/address.js';
import { clock, duration, zoneName } from '../lib/format.js';
import { age, link, now, overview, paused, retryNow, serverNow, stale, stream, streams, ticked } from '../lib/store.js';
import { classes, html, useEffect, useRef, useValue } from '../lib/ui.js';
import { Mark } from './marks.js';

/** Views in the order of the keys 1 to 7. */
export const VIEWS = [
  ['overview', 'Overview'],
  ['anomalies', 'Anomalies'],
  ['stream', 'Stream'],
  ['dead-letters', 'Dead letters'],
  ['query', 'Query'],
  ['pipeline', 'Pipeline'],
  ['hand-over', 'Hand-over'],
];

export function Header() {
  const here = useValue(address);
  const nav = useRef(/** @type {HTMLElement | null} */ (null));
  // On a narrow screen the menu is wider than the screen.
  useEffect(() => nav.current?.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'center' }), [here.view]);
  return html`<header class="top">
    <a class="skip" href="#main" onClick=${skip}>Skip to the content</a>
    <a class="brand" href=${to('overview')} aria-label="Beamline, overview">
      <svg viewBox="0 0 32 20" aria-hidden="true"><path d="M1 14h8l4-12 5 16 3-8h10" /></svg><span>Beamline</span>
    </a>
    <nav aria-label="Views" ref=${nav}>
      ${VIEWS.map(
        ([view, name]) =>
          html`<a key=${view} href=${to(view ?? '')} aria-current=${here.view === view ? 'page' : null}>${name}</a>`,
      )}
    </nav>
    <div class="state"><${StreamChoice} /><${Freshness} /><${Clock} /><${Switches} /></div>
  </header>`;
}

/** @param {Event} event */
function skip(event) {
  event.preventDefault();
  document.getElementById('main')?.focus();
}

function StreamChoice() {
  const all = useValue(streams);
  const chosen = useValue(stream);
  if (!all || all.length < 2) return null;
  const choose = (/** @type {any} */ event) => change({ stream: event.target.value });
  return html`<label class="choice"><span class="unseen">Stream</span>
    <select value=${chosen?.name} onChange=${choose}>${all.map(({ name }) => html`<option key=${name} value=${name}>${name}</option>`)}</select>
  </label>`;
}

/** The age of what is shown; it goes on counting whatever the connection does. */
function Freshness() {
  const connection = useValue(link);
  const old = useValue(age);
  const isStale = useValue(stale);
  const isPaused = useValue(paused);
  useValue(now);
  const seen = old === null ? '' : `${old < 10000 ? (old / 1000).toFixed(1) : Math.round(old / 1000)}\u202fs old`;
  const text = isPaused ? 'Paused' : isStale || connection.phase === 'broken' ? 'Stale' : connection.phase === 'live' ? 'Live' : connection.phase === 'ended' ? 'Ending' : 'Connecting';
  const toggle = () => (paused.value = !paused.peek());
  return html`<button type="button" class=${classes('fresh', text.toLowerCase())} aria-pressed=${isPaused} onClick=${toggle}
    title=${isPaused ? 'Go on (p)' : 'Pause what is shown (p)'}>
    <span class="dot" aria-hidden="true"></span><b>${text}</b> <span class="numbers">${seen}</span>
    <span class="action" aria-hidden="true">${isPaused ? '▶' : '❚❚'}</span>
    <span class="unseen">${isPaused ? ', go on' : ', pause'}</span>
  </button>`;
}

function Clock() {
  const ms = useValue(serverNow);
  const zone = useValue(local);
  const toggle = () => change({ zone: zone ? null : 'local' }, true);
  return html`<button type="button" class="clock" onClick=${toggle} title="Switch between UTC and this browser's zone">
    <span class="numbers">${clock(ms, zone)}</span> <span class="unit">${zoneName(zone)}</span>
  </button>`;
}

function Switches() {
  const { theme = '' } = useValue(address).query;
  const next = { '': 'dark', dark: 'light', light: '' }[theme] ?? '';
  const name = theme || 'as the system';
  return html`<button type="button" class="quiet theme" onClick=${() => change({ theme: next || null }, true)}
    title=${`Theme: ${name}`} aria-label=${`Theme: ${name}; switch to ${next || 'as the system'}`}>
    <svg viewBox="0 0 24 24" aria-hidden="true"><circle cx="12" cy="12" r="8.5" class="ring" /><path d=${theme === 'light' ? 'M12 6a6 6 0 1 0 0 12 6 6 0 0 0 0-12' : theme === 'dark' ? 'M12 3.5a8.5 8.5 0 0 0 0 17 8.5 8.5 0 0 0 0-17m0 0a8.5 8.5 0 0 1 0 17' : 'M12 3.5a8.5 8.5 0 0 0 0 17Z'} /></svg>
  </button>`;
}

/** Where what is shown is not what is now, a line across the page says so and since when. */
export function Banner() {
  const connection = useValue(link);
  const isStale = useValue(stale);
  const isPaused = useValue(paused);
  const zone = useValue(local);
  const seen = useValue(overview);
  const tick = useValue(ticked);
  const time = useValue(now);
  if (isPaused) {
    const since = seen ? ` What is shown is of ${clock(seen.at_ms, zone)} ${zoneName(zone)}.` : '';
    return html`<div class="banner watch" role="status"><${Mark} level="watch" label="paused" /><p><b>Paused.</b>${since} The streams go on.</p>
      <button type="button" onClick=${() => (paused.value = false)}>Go on</button></div>`;
  }
  if (connection.phase !== 'broken' && connection.phase !== 'ended' && !isStale) return null;
  const since = tick ? ` Nothing has come for ${duration(Math.max(1000, Math.round((time - tick.came) / 1000) * 1000)).replace('.0', '')}; what is shown is of ${clock(tick.at, zone)} ${zoneName(zone)}.` : '';
  const wait = connection.retryAt > time ? ` Trying again in ${Math.ceil((connection.retryAt - time) / 1000)}\u202fs.` : ' Trying again now.';
  if (seen && ['finished', 'stopped', 'failed'].includes(seen.state) && connection.phase === 'broken')
    return html`<div class="banner watch" role="status"><${Mark} level="off" label="over" /><p><b>The run is over.</b>${since} Start it again and the page goes on by itself.</p></div>`;
  return html`<div class="banner bad" role="status"><${Mark} level="bad" label="no connection" />
    <p><b>No connection${connection.reason ? `: ${connection.reason}` : ''}.</b>${since}${wait}</p>
    <button type="button" onClick=${retryNow}>Try now</button></div>`;
}

const KEYS = [
  ['1 … 7', 'the views, in the order of the menu'],
  ['p', 'pause, go on'],
  ['t', 'theme: as the system, dark, light'],
  ['u', 'times in UTC or in the zone of this browser'],
  ['j, k', 'next and previous row of a list'],
  ['Enter', 'open the row'],
  ['Escape', 'close the story, or this help'],
  ['/', 'the first filter'],
  ['?', 'this help'],
];

/** @param {{ on: boolean, close: () => void, toggle: () => void }} props */
export function Help({ on, close, toggle }) {
  return html`<div class="sheet" role="dialog" aria-modal="true" aria-labelledby="help-title">
    <h2 id="help-title">Keys</h2>
    <dl>${KEYS.map(([key, what]) => html`<div key=${key}><dt><kbd>${key}</kbd></dt><dd>${what}</dd></div>`)}</dl>
    <label class="check"><input type="checkbox" checked=${on} onChange=${toggle} /> Keys of one character are on</label>
    <button type="button" autofocus onClick=${close}>Close</button>
  </div>`;
}
