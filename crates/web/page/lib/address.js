// @ts-check
// The address is the state that can be shared: view, stream, filters, theme and zone stand behind its `#`.
import { computed, signal } from './ui.js';

/** @typedef {{ view: string, query: Record<string, string> }} Address */

/** What stays in the address when the view changes. */
const KEPT = ['stream', 'theme', 'zone'];

/** @param {string} hash @returns {Address} */
export function parse(hash) {
  const [path, search = ''] = hash.replace(/^#\/?/, '').split('?');
  /** @type {Record<string, string>} */
  const query = {};
  for (const [name, value] of new URLSearchParams(search)) query[name] = value;
  return { view: path || 'overview', query };
}

/** @param {string} view @param {Record<string, string | null | undefined>} query */
export function text(view, query) {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value) search.set(name, value);
  const tail = search.toString();
  return `#/${view}${tail ? `?${tail}` : ''}`;
}

export const address = signal(parse(location.hash));
addEventListener('hashchange', () => {
  address.value = parse(location.hash);
});

/** Whether times are of the browser's zone. */
export const local = computed(() => address.value.query.zone === 'local');

/** The address of a view; what is kept is kept. @param {string} view @param {Record<string, string | null | undefined>} [query] */
export function link(view, query = {}) {
  /** @type {Record<string, string | null | undefined>} */
  const all = {};
  for (const name of KEPT) all[name] = address.value.query[name];
  return text(view, { ...all, ...query });
}

/**
 * Changes some of the address's values; null takes one away.
 * @param {Record<string, string | null>} patch @param {boolean} [replace] whether the browser's "back" skips this change
 */
export function change(patch, replace = false) {
  const { view, query } = address.value;
  const next = text(view, { ...query, ...patch });
  if (replace) history.replaceState(null, '', next);
  else history.pushState(null, '', next);
  address.value = parse(next);
}

/** Opens a view. @param {string} href an address that `link` made */
export function go(href) {
  location.hash = href;
}
