// @ts-check
// A list that stands still while someone is on it: while the pointer is on its panel or the focus on a row, rows change but do not move.
import { useMemo, useRef, useState } from '../lib/ui.js';

/**
 * @template {{ id: string }} T
 * @param {T[]} list newest first @param {string} name of what is listed: another list is shown at once
 */
export function useHeld(list, name) {
  const [pointer, setPointer] = useState(false);
  const [focus, setFocus] = useState(false);
  const held = pointer || focus;
  const frozen = useRef({ name, list });
  const shown = useMemo(() => {
    const before = frozen.current;
    if (!held || before.name !== name || !before.list.length) frozen.current = { name, list };
    else {
      const byId = new Map(list.map((each) => [each.id, each]));
      frozen.current = { name, list: before.list.map((each) => byId.get(each.id) ?? each) };
    }
    return frozen.current.list;
  }, [list, held, name]);
  const waiting = useMemo(() => {
    if (!held) return 0;
    const known = new Set(shown.map((each) => each.id));
    const last = list.findIndex((each) => known.has(each.id));
    return last < 0 ? list.length : last;
  }, [list, held, shown]);
  const on = {
    onPointerEnter: (/** @type {PointerEvent} */ event) => setPointer(event.pointerType !== 'touch'),
    onPointerLeave: () => setPointer(false),
    onFocusIn: (/** @type {any} */ event) => setFocus(event.target.closest('.rows') !== null),
    onFocusOut: (/** @type {any} */ event) => setFocus(event.relatedTarget?.closest('.rows') === event.currentTarget.querySelector('.rows')),
  };
  /** Shows the newest rows at once; the focus goes to the panel, because the button that was pressed goes away. */
  const release = (/** @type {any} */ event) => {
    setPointer(false);
    setFocus(false);
    event.target.closest('section')?.focus();
  };
  return { shown, held, waiting, on, release };
}
