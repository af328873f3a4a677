// @ts-check
// What every part of the page draws with: preact's h as a tagged template, its hooks, and a hook that follows a signal.
import * as preact from '../vendor/preact/preact.js';
import * as hooks from '../vendor/preact/hooks.js';
import htm from '../vendor/htm/htm.js';
import * as signals from '../vendor/signals/signals-core.js';

// The vendored files are minified: their types are those of the packages that they come from.
export const { Fragment, h, render } = /** @type {typeof import('preact')} */ (/** @type {unknown} */ (preact));
export const { useEffect, useLayoutEffect, useMemo, useRef, useState } = /** @type {typeof import('preact/hooks')} */ (/** @type {unknown} */ (hooks));
export const { batch, computed, effect, signal } = /** @type {typeof import('@preact/signals-core')} */ (/** @type {unknown} */ (signals));

/** Makes elements of a template. Values become text or properties, never markup. @type {(strings: TemplateStringsArray, ...values: any[]) => any} */
export const html = htm.bind(h);

/**
 * The value of a signal; the component is drawn again when it changes.
 * @template T
 * @param {import('@preact/signals-core').ReadonlySignal<T>} source
 * @returns {T}
 */
export function useValue(source) {
  const [, redraw] = useState(0);
  const drawn = source.peek();
  const last = useRef(drawn);
  last.current = drawn;
  useLayoutEffect(
    () =>
      effect(() => {
        const value = source.value;
        if (value !== last.current) redraw((count) => count + 1);
      }),
    [source],
  );
  return drawn;
}

/** Class names of those parts that are not empty. @param {...(string | false | null | undefined)} names */
export function classes(...names) {
  return names.filter(Boolean).join(' ');
}
