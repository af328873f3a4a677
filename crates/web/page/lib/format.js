// @ts-check
// Numbers, times and durations as people read them: thin separators, units, UTC unless the address asks for the browser's zone.

const THIN = '\u202f';
const NONE = '–';

/** A whole number with thin separators. @param {number | null | undefined} value */
export function count(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return NONE;
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, THIN);
}

/** The server's sentences with the separators of this page. @param {string} text */
export function thin(text) {
  return text.replace(/(\d),(?=\d{3}(?!\d))/g, `$1${THIN}`);
}

/** A number with six significant digits at most. @param {number | null | undefined} value */
export function number(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return NONE;
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e9 || size < 1e-4)) return value.toExponential(3).replace('-', '−').replace('e+', 'e');
  const digits = size >= 1000 ? 1 : size >= 100 ? 2 : size >= 1 ? 3 : 4;
  const [whole, part] = String(+size.toFixed(digits)).split('.');
  return (value < 0 ? '−' : '') + count(Number(whole)) + (part ? `.${part}` : '');
}

/** What a score is. */
export const BITS = 'minus log2 of the chance of an ordinary event at least as odd: 10 bits are about 1 in 1,024';

/** A score; nothing where an event has none. @param {number | string | null | undefined} score @returns {string} */
export function bits(score) {
  return typeof score === 'number' && score > 0 ? `${score.toFixed(1)} bits` : '';
}

/** A number beside others in a column: as many decimals as its size leaves. @param {number | null | undefined} value */
export function rate(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return NONE;
  if (value >= 1e6) return `${(value / 1e6).toFixed(2)}${THIN}M`;
  return value >= 20 || value === 0 ? count(value) : value.toFixed(value >= 1 ? 1 : 2);
}

/** A share as per cent. @param {number | null | undefined} share */
export function percent(share) {
  if (share === null || share === undefined || !Number.isFinite(share)) return NONE;
  const value = 100 * share;
  if (value === 0) return `0${THIN}%`;
  if (value < 0.001) return `<${THIN}0.001${THIN}%`;
  return `${+value.toPrecision(value >= 10 ? 3 : 2)}${THIN}%`;
}

/** A column's name, with the unit of its numbers where that is known. @param {string} name @param {string | null} [unit] */
export const labelled = (name, unit) => (unit ? `${name} [${unit}]` : name);

/** The unit of a column; empty where it is not known. @param {{ columns: Api.Column[] }} stream @param {string} column */
export const unitOf = (stream, column) => stream.columns.find(({ name }) => name === column)?.unit ?? '';

/** A duration, as value and unit. @param {number | null | undefined} ms @returns {[string, string]} */
export function span(ms) {
  if (ms === null || ms === undefined || !Number.isFinite(ms)) return [NONE, ''];
  if (ms < 1) return [ms.toFixed(2), 'ms'];
  if (ms < 10) return [ms.toFixed(1), 'ms'];
  if (ms < 1000) return [ms.toFixed(0), 'ms'];
  const s = ms / 1000;
  if (s < 10) return [s.toFixed(1), 's'];
  if (s < 120) return [s.toFixed(0), 's'];
  if (s < 7200) return [(s / 60).toFixed(0), 'min'];
  if (s < 172800) return [(s / 3600).toFixed(1), 'h'];
  return [(s / 86400).toFixed(1), 'd'];
}

/** A duration in one string. @param {number | null | undefined} ms */
export function duration(ms) {
  return span(ms).filter(Boolean).join(THIN);
}

/** How long ago, for people: whole seconds from one on. @param {number} ms */
export function ago(ms) {
  return ms < 1000 ? 'just now' : `${duration(ms < 10000 ? Math.floor(ms / 1000) * 1000 : ms).replace('.0', '')} ago`;
}

/** Milliseconds since 1970 of a time of the server, which may have microseconds. @param {string} iso */
export function millis(iso) {
  return Date.parse(iso.replace(/(\.\d{3})\d+/, '$1'));
}

const two = (/** @type {number} */ value) => String(value).padStart(2, '0');

/**
 * The parts of a time in the zone that is shown.
 * @param {number} ms @param {boolean} local
 */
function parts(ms, local) {
  const shifted = new Date(local ? ms - new Date(ms).getTimezoneOffset() * 60000 : ms);
  return {
    date: `${shifted.getUTCFullYear()}-${two(shifted.getUTCMonth() + 1)}-${two(shifted.getUTCDate())}`,
    time: `${two(shifted.getUTCHours())}:${two(shifted.getUTCMinutes())}:${two(shifted.getUTCSeconds())}`,
    fraction: String(shifted.getUTCMilliseconds()).padStart(3, '0'),
  };
}

/** `14:03:07`. @param {number} ms @param {boolean} local */
export const clock = (ms, local) => parts(ms, local).time;

/** `2025-01-01 14:03:07`, or only the time where it is of the day of `beside`. @param {number} ms @param {boolean} local @param {number} [beside] */
export function moment(ms, local, beside) {
  if (!Number.isFinite(ms)) return NONE;
  const at = parts(ms, local);
  return beside !== undefined && parts(beside, local).date === at.date ? at.time : `${at.date} ${at.time}`;
}

/** With milliseconds. @param {number} ms @param {boolean} local */
export function exact(ms, local) {
  const at = parts(ms, local);
  return `${at.date} ${at.time}.${at.fraction}`;
}

/** What the zone of the times is called. @param {boolean} local */
export function zoneName(local) {
  if (!local) return 'UTC';
  const minutes = -new Date().getTimezoneOffset();
  const size = Math.abs(minutes);
  return `UTC${minutes < 0 ? '−' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

/**
 * A cell as text.
 * @param {unknown} value @param {string} [kind] @param {boolean} [local]
 */
export function cell(value, kind, local = false) {
  if (value === null || value === undefined) return NONE;
  if (typeof value === 'number') return kind === 'integer' ? count(value).replace('-', '−') : number(value);
  if (kind === 'time' && typeof value === 'string') return exact(millis(value), local);
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** `1 anomaly`, `2 anomalies`. @param {number} value @param {string} one @param {string} [many] */
export const several = (value, one, many = `${one}s`) => `${count(value)} ${value === 1 ? one : many}`;
