// @ts-check
// The page: follows the address, draws the view that it names, and answers keys.
import { address, change, go, link as to } from './lib/address.js';
import { sentence, signIn, tokenNeeded } from './lib/api.js';
import { failure, overview, paused, retryNow, stale, start, stream, wanted } from './lib/store.js';
import { classes, effect, html, render, useEffect, useLayoutEffect, useRef, useState, useValue } from './lib/ui.js';
import { Empty, Failed, Loading } from './parts/marks.js';
import { Banner, Header, Help, VIEWS } from './parts/shell.js';
import { Anomalies } from './views/anomalies.js';
import { DeadLetters } from './views/dead-letters.js';
import { HandOver } from './views/hand-over.js';
import { Overview } from './views/overview.js';
import { Pipeline } from './views/pipeline.js';
import { Query } from './views/query.js';
import { StreamView } from './views/stream.js';

/** What each view is, and what it needs of the live stream where it does not say so itself. @type {Record<string, { view: any, needs?: string[] }>} */
const ROUTES = {
  overview: { view: Overview, needs: ['overview', 'anomalies'] },
  anomalies: { view: Anomalies, needs: ['overview', 'anomalies', 'notes'] },
  stream: { view: StreamView },
  'dead-letters': { view: DeadLetters, needs: ['overview'] },
  query: { view: Query, needs: ['overview'] },
  pipeline: { view: Pipeline, needs: ['overview'] },
  'hand-over': { view: HandOver, needs: ['overview'] },
};
const KEYS_OFF = 'beamline-keys-off';

function App() {
  const here = useValue(address);
  const chosen = useValue(stream);
  const problem = useValue(failure);
  const locked = useValue(tokenNeeded);
  const isStale = useValue(stale);
  const [help, setHelp] = useState(false);
  const [keysOn, setKeysOn] = useState(localStorage.getItem(KEYS_OFF) === null);
  const main = useRef(/** @type {HTMLElement | null} */ (null));
  useKeys(keysOn, help, setHelp);
  const route = ROUTES[here.view];
  const first = useRef(true);
  // With the view itself, not after it is painted: a key that is pressed meanwhile may have moved the focus on.
  useLayoutEffect(() => {
    if (first.current) first.current = false;
    else main.current?.focus({ preventScroll: true });
    scrollTo(0, 0);
  }, [here.view]);
  useEffect(() => {
    if (route?.needs) wanted.value = { views: route.needs };
  }, [here.view]);
  const toggle = () => {
    if (keysOn) localStorage.setItem(KEYS_OFF, 'yes');
    else localStorage.removeItem(KEYS_OFF);
    setKeysOn(!keysOn);
  };
  return html`
    <${Header} />
    <${Banner} />
    <main id="main" tabindex="-1" ref=${main} class=${classes(`view-${here.view}`, isStale && 'stale')}>
      ${locked ? html`<${SignIn} />` : problem ? html`<${Failed} text=${sentence(problem)} retry=${start} />` : !chosen ? html`<${Loading} what="the streams" />` : route ? html`<${route.view} key=${`${here.view} ${chosen.name}`} stream=${chosen} />` : html`<${Empty} title=${`There is no view “${here.view}”.`}><a href=${to('overview')}>Go to the overview</a>${' '}<//>`}
    </main>
    <footer><button type="button" class="quiet" onClick=${() => setHelp(true)}>Keys <kbd>?</kbd></button></footer>
    ${help && html`<${Help} on=${keysOn} toggle=${toggle} close=${() => setHelp(false)} />`}
  `;
}

function SignIn() {
  const [token, setToken] = useState('');
  const [problem, setProblem] = useState('');
  const enter = async (/** @type {Event} */ event) => {
    event.preventDefault();
    setProblem('');
    signIn(token.trim());
    await start();
    if (tokenNeeded.peek()) setProblem('This token is not one that the server knows.');
    else retryNow();
  };
  return html`<form class="sign-in" onSubmit=${enter}>
    <h1>This page needs a token</h1>
    <p>Ask whoever runs Beamline for one. It is kept in this tab only, and forgotten when the tab is closed.</p>
    <label>Token <input type="password" autocomplete="off" required value=${token} onInput=${(/** @type {any} */ event) => setToken(event.target.value)} /></label>
    <button type="submit" class="main">Open the page</button>
    ${problem && html`<${Failed} text=${problem} />`}
  </form>`;
}

/** @param {EventTarget | null} target */
const typing = (target) => target instanceof HTMLElement && (target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName));

/** @param {boolean} on @param {boolean} help @param {(open: boolean) => void} setHelp */
function useKeys(on, help, setHelp) {
  useEffect(() => {
    const pressed = (/** @type {KeyboardEvent} */ event) => {
      if (event.key === 'Escape' && help) return setHelp(false);
      if (!on || typing(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
      const view = VIEWS[Number(event.key) - 1];
      const query = address.peek().query;
      if (view?.[0]) go(to(view[0]));
      else if (event.key === 'p') paused.value = !paused.peek();
      else if (event.key === '?') setHelp(true);
      else if (event.key === 't') change({ theme: query.theme === 'dark' ? 'light' : query.theme === 'light' ? null : 'dark' }, true);
      else if (event.key === 'u') change({ zone: query.zone === 'local' ? null : 'local' }, true);
      else if (event.key === '/') /** @type {HTMLElement | null} */ (document.querySelector('.filters input, .filters select'))?.focus();
      else return;
      event.preventDefault();
    };
    addEventListener('keydown', pressed);
    return () => removeEventListener('keydown', pressed);
  }, [on, help]);
}

effect(() => {
  const { theme } = address.value.query;
  if (theme === 'dark' || theme === 'light') document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
});

/** The tab says how things are where the page itself is not in sight. */
const SIGNS = { ok: '', watch: '▲ ', bad: '✖ ', off: '' };
effect(() => {
  const name = VIEWS.find(([view]) => view === address.value.view)?.[1] ?? 'Beamline';
  const seen = overview.value;
  document.title = `${stale.value ? '✖ stale · ' : SIGNS[seen?.level ?? 'ok']}${name}${seen ? ` · ${seen.stream}` : ''} · Beamline`;
});

start();
const root = document.getElementById('page');
if (root) render(html`<${App} />`, root);
