//! What changed, and what has ended, without looking at all that is open.

use crate::slots::Slots;

fn indices(slots: &[(u32, &crate::slots::Slot)]) -> Vec<u32> {
    slots.iter().map(|(index, _)| *index).collect()
}

#[test]
fn a_slot_that_is_used_again_is_given_once() {
    let mut slots = Slots::default();
    let first = slots.window(0, 10, b"b").unwrap();
    slots.count_event(first);
    slots.close(first);
    let (again, other) = (slots.window(10, 20, b"b").unwrap(), slots.window(10, 20, b"a").unwrap());
    assert_eq!(again, first);
    for slot in [again, other, again] {
        slots.count_event(slot);
    }
    assert_eq!(indices(&slots.changed()), [other, again], "in the order of their groups");
    slots.flushed();
    assert!(slots.changed().is_empty());
    assert_eq!(indices(&slots.dirty()), [other, again], "a flush is not a snapshot");
    slots.written();
    slots.count_event(again);
    assert_eq!((indices(&slots.changed()), indices(&slots.dirty())), (vec![again], vec![again]));
    assert_eq!(slots.get_mut(again).map(|slot| (slot.events, slot.added)), Some((3, 1)));
}

#[test]
fn what_has_ended_is_found_whatever_ended_before() {
    let mut slots = Slots::default();
    let (late, soon) = (slots.window(10, 20, b"a").unwrap(), slots.window(0, 10, b"a").unwrap());
    let session = slots.session(0, 10, b"a").unwrap();
    slots.get_mut(session).unwrap().end = 30;
    assert!(slots.closed(9).is_empty());
    assert_eq!(indices(&slots.closed(10)), [soon]);
    slots.close(soon);
    slots.settled(10);
    assert!(slots.closed(19).is_empty());
    assert_eq!(indices(&slots.closed(30)), [session, late]);
    slots.close(late);
    slots.settled(20);
    assert!(slots.closed(29).is_empty());
    assert_eq!(indices(&slots.closed(30)), [session]);
    let earlier = slots.window(0, 25, b"b").unwrap();
    assert_eq!(indices(&slots.closed(25)), [earlier]);
}
