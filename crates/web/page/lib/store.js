// @ts-check
// What the page knows: filled by the live stream, read by the views through signals. Everything kept has a limit.
import { address } from './address.js';
import { get, tokenNeeded } from './api.js';
import { follow } from './live.js';
import { extend, merge, noted } from './merge.js';
import { batch, computed, effect, signal } from './ui.js';


/** Notes that are kept. */
const NOTES_MAX = 500;
/** Without a tick for so long, what is shown counts as stale. */
const STALE_MS = 5000;

/** @typedef {'connecting' | 'live' | 'broken' | 'ended'} Phase */

export const session = signal(/** @type {Api.Session | null} */ (null));
export const streams = signal(/** @type {Api.Stream[] | null} */ (null));
export const failure = signal(/** @type {unknown} */ (null));

export const overview = signal(/** @type {Api.Overview | null} */ (null));
export const alarms = signal(/** @type {Api.Anomaly[]} */ ([]));
/** Anomalies of this run that came too fast to be sent. */
export const missed = signal(0);
/** How often the anomalies came whole: each time, what was collected before may have a gap. */
export const replaced = signal(0);
export const notes = signal(/** @type {Api.Note[]} */ ([]));
export const series = signal(/** @type {Api.Series | null} */ (null));
export const histograms = signal(/** @type {Api.Histogram[] | null} */ (null));
export const density = signal(/** @type {Api.Density | null} */ (null));
export const keys = signal(/** @type {Api.Keys | null} */ (null));

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
    const open = (/** @type {Api.Anomaly} */ each) => !each.committed && each.position !== null && each.position < data.position;
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

/** Takes in notes: what one acknowledges says so. @param {Api.Note[]} fresh */
export function acknowledge(fresh) {
  const known = new Set(notes.value.map((note) => note.id));
  const added = fresh.filter((note) => !known.has(note.id));
  if (!added.length) return;
  notes.value = [...added, ...notes.value].slice(0, NOTES_MAX);
  alarms.value = noted(alarms.value, added);
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
      tokenNeeded.value = false;
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
