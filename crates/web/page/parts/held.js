// @ts-check
// A list that stands still while someone is on it: while the pointer or the focus is there, rows change but do not move.
import { useMemo, useRef, useState } from '../lib/ui.js';

/**
 * @template {{ id: string }} T
 * @param {T[]} list newest first
 */
export function useHeld(list) {
  const [pointer, setPointer] = useState(false);
  const [focus, setFocus] = useState(false);
  const held = pointer || focus;
  const frozen = useRef(list);
  const shown = useMemo(() => {
    if (!held) return (frozen.current = list);
    const byId = new Map(list.map((each) => [each.id, each]));
    return (frozen.current = frozen.current.map((each) => byId.get(each.id) ?? each));
  }, [list, held]);
  const waiting = useMemo(() => {
    if (!held) return 0;
    const known = new Set(shown.map((each) => each.id));
    const last = list.findIndex((each) => known.has(each.id));
    return last < 0 ? list.length : last;
  }, [list, held, shown]);
  const on = {
    onPointerEnter: (/** @type {PointerEvent} */ event) => setPointer(event.pointerType !== 'touch'),
    onPointerLeave: () => setPointer(false),
    onFocusIn: () => setFocus(true),
    onFocusOut: (/** @type {any} */ event) => setFocus(event.currentTarget.contains(event.relatedTarget)),
  };
  /** Shows the newest rows at once. */
  const release = () => {
    setPointer(false);
    setFocus(false);
  };
  return { shown, held, waiting, on, release };
}
