// @ts-check
// Anomalies, newest first: a list that stands still under the pointer, filters that stand in the address, the story of one beside it.
import { address, change, link as to, local } from '../lib/address.js';
import { aborted, get, of, sentence } from '../lib/api.js';
import { BITS, bits, count, millis, moment, several, zoneName } from '../lib/format.js';
import { merge, noted } from '../lib/merge.js';
import { alarms, missed, notes, overview, replaced, serverNow, stream as chosenStream } from '../lib/store.js';
import { inWords } from '../lib/words.js';
import { classes, html, useEffect, useLayoutEffect, useMemo, useRef, useState, useValue } from '../lib/ui.js';
import { Acknowledge, COVERED_MAX } from '../parts/acknowledge.js';
import { Filters, matches } from '../parts/filters.js';
import { useHeld } from '../parts/held.js';
import { Copy, Empty, Failed, Loading, Mark, Reasons } from '../parts/marks.js';
import { command } from '../lib/command.js';
import { Story } from './story.js';

/** Rows that are drawn at first, and with each "older". */
const PAGE = 50;
/** Rows that a list keeps at most. */
const ROWS_MAX = 1000;
const TYPING_MS = 250;
const GAPS_MS = 5000;


/**
 * The rows that the filters choose: a page of stored ones, and what the live stream brings.
 * @param {string} stream @param {Record<string, string>} query
 */
function useRows(stream, query) {
  const chosen = ['reason', 'key', 'from', 'to', 'acknowledged', 'text'];
  const filters = Object.fromEntries(chosen.map((name) => [name, query[name] ?? '']));
  const name = JSON.stringify([stream, filters]);
  const live = useValue(alarms);
  const said = useValue(notes);
  const lost = useValue(missed);
  const gaps = `${lost} ${useValue(replaced)}`;
  const last = useRef({ name: '', asked: 0, at: 0 });
  const [stored, setStored] = useState(/** @type {{ name: string, rows: Api.Anomaly[], more: boolean } | null} */ (null));
  const [problem, setProblem] = useState('');
  const rows = useRef(/** @type {{ name: string, list: Api.Anomaly[] }} */ ({ name, list: [] }));
  const [asked, ask] = useState(0);
  useEffect(() => {
    const stop = new AbortController();
    const before = last.current;
    // Typing into a filter asks once, when it pauses; where more alarms come than are sent, now and then.
    const wait = before.name !== name || before.asked !== asked ? (before.name ? TYPING_MS : 0) : Math.max(0, before.at + GAPS_MS - Date.now());
    const timer = setTimeout(() => {
      last.current = { name, asked, at: Date.now() };
      get(of(stream, 'anomalies', { ...filters, limit: String(PAGE) }), stop.signal)
        .then((found) => {
          setStored({ name, rows: found.anomalies, more: found.next !== null });
          setProblem('');
        })
        .catch((error) => aborted(error) || setProblem(sentence(error)));
    }, wait);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [name, asked, gaps]);
  const list = useMemo(() => {
    const before = rows.current.name === name ? rows.current.list : [];
    const page = stored?.name === name ? stored.rows : [];
    const fresh = [...page, ...live.filter((each) => matches(each, filters))];
    rows.current = { name, list: noted(merge(before, fresh, ROWS_MAX), said).filter((each) => matches(each, filters)) };
    return rows.current.list;
  }, [name, stored, live, said]);
  const older = async () => {
    const oldest = list.at(-1);
    if (!oldest) return;
    try {
      const found = await get(of(stream, 'anomalies', { ...filters, to: oldest.time, limit: String(PAGE + 1) }));
      setStored({ name, rows: found.anomalies, more: found.next !== null });
    } catch (error) {
      setProblem(sentence(error));
    }
  };
  return { list, name, lost, known: stored?.name === name, more: Boolean(stored?.more) && list.length < ROWS_MAX, problem, older, filters, retry: () => ask((times) => times + 1) };
}

/** @param {{ stream: Api.Stream }} props */
export function Anomalies({ stream }) {
  const { query } = useValue(address);
  const seen = useValue(overview);
  const { list, name, lost, known, more, problem, older, filters, retry } = useRows(stream.name, query);
  const { shown, held, waiting, on, release } = useHeld(list, name);
  const [size, setSize] = useState(PAGE);
  const [noting, setNoting] = useState(/** @type {string[] | null} */ (null));
  const drawn = shown.slice(0, size);
  const open = drawn.filter((each) => !each.acknowledged).slice(0, COVERED_MAX);
  const grow = () => {
    setSize(size + PAGE);
    if (size + PAGE > shown.length) older();
  };
  const chosen = query.id ?? '';
  useListKeys(Boolean(chosen));
  return html`
    <h1 class="unseen">Anomalies of ${stream.name}</h1>
    <${Filters} stream=${stream} filters=${filters} layers=${seen?.alarms.layers ?? []} />
    <div class=${classes('desk', chosen && 'open')}>
      <section class="panel list" aria-label="Anomalies, newest first" tabindex="-1" ...${on}>
        <header>
          <p class=${classes('news', waiting > 0 && 'some')} role="status">
            ${waiting > 0 ? html`<button type="button" onClick=${release}>Show ${several(waiting, 'newer anomaly', 'newer anomalies')}</button>` : held ? 'Held while you are on the list' : 'Newest first, live'}
          </p>
          ${open.length > 0 && html`<button type="button" class="quiet" onClick=${() => setNoting(open.map(({ id }) => id))}>Acknowledge the ${count(open.length)} shown …</button>`}
        </header>
        ${noting && html`<${Acknowledge} stream=${stream.name} ids=${noting} done=${() => setNoting(null)} close=${() => setNoting(null)} />`}
        ${problem && html`<${Failed} text=${problem} retry=${retry} />`}
        ${drawn.length > 0 && html`<ol class="rows">${drawn.map((each) => html`<${Row} key=${each.id} anomaly=${each} chosen=${each.id === chosen} />`)}</ol>`}
        ${!drawn.length && !problem && (known ? html`<${Nothing} filtered=${Object.values(filters).some(Boolean)} />` : html`<${Loading} what="anomalies" />`)}
        ${(more || shown.length > size) && html`<p class="older"><button type="button" onClick=${grow}>Show older</button></p>`}
        ${lost > 0 && html`<p class="aside older">${count(lost)} came too fast to be listed here as they came; counts are exact, and a filter or a query finds all.</p>`}
        ${list.length >= ROWS_MAX && html`<p class="aside older">The newest ${count(ROWS_MAX)} are kept here; the filters find older ones.</p>`}
      </section>
      ${chosen ? html`<${Story} key=${chosen} stream=${stream} id=${chosen} known=${list.find((each) => each.id === chosen)} />` : html`<section class="panel story none"><${Empty} title="Choose an anomaly">Its story stands here: what was measured, what was expected, which layers fired. <kbd>j</kbd> and <kbd>k</kbd> go through the list.<//></section>`}
    </div>
    <${Copy} text=${command.anomalies(stream, filters)} />`;
}

/** @param {{ filtered: boolean }} props */
function Nothing({ filtered }) {
  return filtered
    ? html`<${Empty} title="No anomaly passes these filters"><a href=${to('anomalies')}>Take the filters away</a><//>`
    : html`<${Empty} title="No anomaly yet">The detectors learn from the first events of each key; rules alarm at once. New ones appear here by themselves.<//>`;
}

/** @param {{ anomaly: Api.Anomaly, chosen: boolean }} props */
function Row({ anomaly, chosen }) {
  const zone = useValue(local);
  const { query } = useValue(address);
  const ms = millis(anomaly.time);
  return html`<li><a class=${classes('row', chosen && 'chosen')} href=${to('anomalies', { ...query, id: anomaly.id })} aria-current=${chosen ? 'true' : null}>
    <time class="numbers" dateTime=${anomaly.time} title=${zoneName(zone)}>${moment(ms, zone, serverNow.peek())}</time>
    <span class="key">key <b>${anomaly.key}</b></span>
    <${Reasons} reasons=${anomaly.reasons} />
    <span class="numbers score" title=${BITS}>${bits(anomaly.score) || 'rule'}</span>
    <span class="words">${inWords(anomaly, chosenStream.peek())}</span>
    <span class="status">${anomaly.acknowledged ? html`<${Mark} level="ok" label="acknowledged" /> ${anomaly.acknowledged.author}` : anomaly.committed ? '' : 'not yet committed'}</span>
  </a></li>`;
}

/** j and k go through the rows, Escape closes the story. @param {boolean} open */
function useListKeys(open) {
  useLayoutEffect(() => {
    const pressed = (/** @type {KeyboardEvent} */ event) => {
      const target = /** @type {HTMLElement} */ (event.target);
      if (target.closest('input, textarea, select') || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === 'Escape' && open) change({ id: null });
      if ((event.key !== 'j' && event.key !== 'k') || localStorage.getItem('beamline-keys-off') !== null) return;
      const rows = /** @type {HTMLElement[]} */ ([...document.querySelectorAll('.rows .row')]);
      const at = rows.indexOf(/** @type {HTMLElement} */ (document.activeElement));
      const next = at < 0 ? Math.max(0, rows.findIndex((row) => row.classList.contains('chosen'))) : at + (event.key === 'j' ? 1 : -1);
      rows[Math.min(rows.length - 1, Math.max(0, next))]?.focus();
    };
    addEventListener('keydown', pressed);
    return () => removeEventListener('keydown', pressed);
  }, [open]);
}
