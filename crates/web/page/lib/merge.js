// @ts-check
// How what comes live joins what is kept: repeats change nothing, and nothing kept grows without limit.

/** Anomalies that are kept for the lists. */
export const ALARMS_MAX = 500;
/** Buckets of a series that are kept: 15 minutes of seconds. */
export const BUCKETS_MAX = 900;

/**
 * Puts fresh anomalies (oldest first) before those that are kept (newest first); the same id replaces.
 * @param {Api.Anomaly[]} kept @param {Api.Anomaly[]} fresh @param {number} [most]
 */
export function merge(kept, fresh, most = ALARMS_MAX) {
  /** @type {Map<string, Api.Anomaly>} */
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
 * @param {Api.Series | null} kept @param {Api.Series} fresh
 */
export function extend(kept, fresh) {
  if (fresh.full || !kept || kept.key !== fresh.key || kept.step_s !== fresh.step_s) return { ...fresh, full: true };
  const from = (fresh.start_s - kept.start_s) / kept.step_s;
  const length = Object.values(kept.columns)[0]?.count.length ?? 0;
  if (from < 0 || from > length) return { ...fresh, full: true };
  const cut = Math.max(0, from + (Object.values(fresh.columns)[0]?.count.length ?? 0) - BUCKETS_MAX);
  /** @type {Record<string, Api.Buckets>} */
  const columns = {};
  for (const [name, added] of Object.entries(fresh.columns)) {
    const before = kept.columns[name] ?? added;
    const join = (/** @type {keyof Api.Buckets} */ part) => [...before[part].slice(cut, from), ...added[part]];
    columns[name] = /** @type {any} */ ({ count: join('count'), first: join('first'), min: join('min'), max: join('max'), last: join('last') });
  }
  return { ...kept, start_s: kept.start_s + cut * kept.step_s, columns };
}

/**
 * The same anomalies, with what notes say of them.
 * @param {Api.Anomaly[]} anomalies @param {Api.Note[]} notes newest first
 */
export function noted(anomalies, notes) {
  /** @type {Map<string, Api.Note>} */
  const byAnomaly = new Map();
  for (const note of notes.toReversed()) if (note.kind === 'acknowledgement') for (const id of note.anomalies) byAnomaly.set(id, note);
  if (!anomalies.some(({ id }) => byAnomaly.has(id))) return anomalies;
  return anomalies.map((each) => {
    const note = byAnomaly.get(each.id);
    return note ? { ...each, acknowledged: { author: note.author, at: note.at, text: note.text } } : each;
  });
}
