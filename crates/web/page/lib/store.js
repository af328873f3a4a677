// @ts-check
// What the page knows: filled by the live stream, read by the views through signals. Everything kept has a limit.
import { address } from './address.js';
import { get, tokenNeeded } from './api.js';
import { follow } from './live.js';
import { batch, computed, effect, signal } from './ui.js';

/** @typedef {import('./types.js').Anomaly} Anomaly */
/** @typedef {import('./types.js').Overview} Overview */

/** Anomalies that are kept for the lists. */
export const ALARMS_MAX = 500;
/** Buckets of a series that are kept: 15 minutes of seconds. */
const BUCKETS_MAX = 900;
/** Without a tick for so long, what is shown counts as stale. */
const STALE_MS = 5000;

/** @typedef {'connecting' | 'live' | 'broken' | 'ended'} Phase */

export const session = signal(/** @type {import('./types.js').Session | null} */ (null));
export const streams = signal(/** @type {import('./types.js').Stream[] | null} */ (null));
export const failure = signal(/** @type {unknown} */ (null));

export const overview = signal(/** @type {Overview | null} */ (null));
export const alarms = signal(/** @type {Anomaly[]} */ ([]));
/** Anomalies of this run that came too fast to be sent. */
export const missed = signal(0);
/** How often the anomalies came whole: each time, what was collected before may have a gap. */
export const replaced = signal(0);
export const notes = signal(/** @type {import('./types.js').Note[]} */ ([]));
export const series = signal(/** @type {import('./types.js').Series | null} */ (null));
export const histograms = signal(/** @type {import('./types.js').Histogram[] | null} */ (null));
export const density = signal(/** @type {import('./types.js').Density | null} */ (null));
export const keys = signal(/** @type {import('./types.js').Keys | null} */ (null));

/** How the connection is. */
export const link = signal({ phase: /** @type {Phase} */ ('connecting'), reason: '', retryAt: 0, attempt: 0 });
/** The server's time of the last whole batch, and the browser's time when it came. */
export const ticked = signal(/** @type {{ at: number, came: number } | null} */ (null));
export const paused = signal(false);
/** The browser's clock, twice a second. */
export const now = signal(Date.now());
setInterval(() => (now.value = Date.now()), 500);
document.addEventListener('visibilitychange', () => (now.value = Date.now()));

/** The server's clock, carried on by the browser's. */
export const serverNow = computed(() => (ticked.value ? ticked.value.at + Math.max(0, now.value - ticked.value.came) : now.value));
/** How old what is shown is, in milliseconds; null before anything came. */
export const age = computed(() => (overview.value && ticked.value ? Math.max(0, serverNow.value - overview.value.at_ms) : null));
export const stale = computed(() => ticked.value !== null && !paused.value && now.value - ticked.value.came > STALE_MS);

/** The stream that the address names, or the first. */
export const stream = computed(() => {
  const all = streams.value;
  return all?.find((each) => each.name === address.value.query.stream) ?? all?.[0] ?? null;
});

/** What the view that is open needs from the live stream. */
export const wanted = signal(/** @type {{ views: string[], key?: string | null, columns?: string[] }} */ ({ views: [] }));

/**
 * Puts fresh anomalies (oldest first) before those that are kept (newest first); the same id replaces.
 * @param {Anomaly[]} kept @param {Anomaly[]} fresh @param {number} [most]
 */
export function merge(kept, fresh, most = ALARMS_MAX) {
  /** @type {Map<string, Anomaly>} */
  const byId = new Map();
  for (const each of fresh) byId.set(each.id, each);
  const known = kept.map((each) => {
    const newer = byId.get(each.id);
    byId.delete(each.id);
    return newer ?? each;
  });
  const added = [...byId.values()];
  if (!added.length) return known;
  return [...added, ...known].sort((a, b) => (a.time < b.time ? 1 : a.time > b.time ? -1 : a.id < b.id ? 1 : -1)).slice(0, most);
}

/**
 * Puts buckets behind those that are kept; where both have one, the new one counts.
 * @param {import('./types.js').Series | null} kept @param {import('./types.js').Series} fresh
 */
export function extend(kept, fresh) {
  if (fresh.full || !kept || kept.key !== fresh.key || kept.step_s !== fresh.step_s) return { ...fresh, full: true };
  const from = (fresh.start_s - kept.start_s) / kept.step_s;
  const length = Object.values(kept.columns)[0]?.count.length ?? 0;
  if (from < 0 || from > length) return { ...fresh, full: true };
  const cut = Math.max(0, from + (Object.values(fresh.columns)[0]?.count.length ?? 0) - BUCKETS_MAX);
  /** @type {Record<string, import('./types.js').Buckets>} */
  const columns = {};
  for (const [name, added] of Object.entries(fresh.columns)) {
    const before = kept.columns[name] ?? added;
    const join = (/** @type {keyof import('./types.js').Buckets} */ part) => [...before[part].slice(cut, from), ...added[part]];
    columns[name] = /** @type {any} */ ({ count: join('count'), first: join('first'), min: join('min'), max: join('max'), last: join('last') });
  }
  return { ...kept, start_s: kept.start_s + cut * kept.step_s, columns };
}

/** @type {Record<string, (data: any) => void>} */
const APPLY = {
  hello(data) {
    if (!data.resumed) forget();
  },
  overview(data) {
    overview.value = data;
  },
  anomalies(data) {
    alarms.value = merge(data.full ? [] : alarms.value, data.anomalies);
    missed.value = data.missed;
    if (data.full) replaced.value += 1;
  },
  committed(data) {
    const open = (/** @type {Anomaly} */ each) => !each.committed && each.position !== null && each.position < data.position;
    if (alarms.value.some(open)) alarms.value = alarms.value.map((each) => (open(each) ? { ...each, committed: true } : each));
  },
  notes(data) {
    acknowledge(data.notes);
  },
  series(data) {
    series.value = extend(series.value, data);
  },
  histograms(data) {
    histograms.value = data.histograms;
  },
  map(data) {
    density.value = data;
  },
  keys(data) {
    keys.value = data;
  },
  tick(data) {
    ticked.value = { at: data.at_ms, came: Date.now() };
  },
};

/** Takes in notes: a row that one acknowledges says so. @param {import('./types.js').Note[]} fresh */
export function acknowledge(fresh) {
  const known = new Set(notes.value.map((note) => note.id));
  const added = fresh.filter((note) => !known.has(note.id));
  if (!added.length) return;
  notes.value = [...added, ...notes.value].slice(0, ALARMS_MAX);
  /** @type {Map<string, import('./types.js').Note>} */
  const byAnomaly = new Map();
  for (const note of added) if (note.kind === 'acknowledgement') for (const id of note.anomalies) byAnomaly.set(id, note);
  alarms.value = alarms.value.map((each) => {
    const note = byAnomaly.get(each.id);
    return note ? { ...each, acknowledged: { author: note.author, at: note.at, text: note.text } } : each;
  });
}

function forget() {
  alarms.value = [];
  notes.value = [];
  series.value = null;
  histograms.value = null;
  density.value = null;
  keys.value = null;
}

/** Asks who this is and which streams there are; again until the server answers. */
export async function start() {
  try {
    const [who, all] = await Promise.all([get('/session'), get('/streams')]);
    batch(() => {
      session.value = who;
      streams.value = all.streams;
      failure.value = null;
    });
  } catch (error) {
    failure.value = error;
    if (!tokenNeeded.value) setTimeout(start, 3000);
  }
}

/** @type {ReturnType<typeof follow> | null} */
let following = null;
export const retryNow = () => following?.now();

// One live stream a tab: what it carries follows the view that is open.
const subscription = computed(() => JSON.stringify(stream.value ? { stream: stream.value.name, ...wanted.value } : null));
effect(() => {
  const asked = JSON.parse(subscription.value);
  const hold = paused.value;
  following?.close();
  following = null;
  if (!asked || !asked.views.length || hold) return;
  following = follow(asked, {
    batch: (frames) =>
      batch(() => {
        for (const { event, data } of frames) APPLY[event]?.(data);
        link.value = { phase: 'live', reason: '', retryAt: 0, attempt: 0 };
      }),
    connecting: () => {
      if (link.peek().phase !== 'broken') link.value = { phase: 'connecting', reason: '', retryAt: 0, attempt: 0 };
    },
    broken: (reason, waitMs, attempt) => {
      const ended = link.peek().phase === 'ended' && attempt === 1 ? link.peek().reason : '';
      link.value = { phase: 'broken', reason: ended || reason, retryAt: Date.now() + waitMs, attempt };
    },
    ending: (reason) => {
      link.value = { phase: 'ended', reason: `the server is ${reason || 'ending'}`, retryAt: 0, attempt: 0 };
    },
  });
});
