//! Who is connected, and what each holds: so that no client, and no address, keeps the others out.
//!
//! A connection takes a seat. Where all are taken, the quietest connection (the one that has gone longest without a
//! request being worked on) loses its own, first among those of the newcomer's address where that has too many.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

use super::HttpLimits;

/// All seats of an endpoint.
pub(crate) struct Seats {
    limits: HttpLimits,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    /// By the number of the last sign of work, so that the quietest comes first.
    seats: BTreeMap<u64, Held>,
    next: u64,
}

/// What one connection holds.
struct Held {
    address: IpAddr,
    /// Bytes of a body that is still coming in.
    bytes: usize,
    working: bool,
    close: Arc<Notify>,
}

/// A connection's seat; free again when it is dropped.
pub(crate) struct Seat {
    seats: Arc<Seats>,
    number: Mutex<u64>,
    close: Arc<Notify>,
}

impl Seats {
    pub(crate) fn new(limits: HttpLimits) -> Arc<Self> {
        Arc::new(Self { limits, taken: Mutex::default() })
    }

    /// Takes a seat for a connection from `address`; `None` where all are taken by requests that are being worked on.
    pub(crate) fn take(self: &Arc<Self>, address: IpAddr) -> Option<Seat> {
        let address = network(address);
        let mut taken = self.locked();
        let of_address = taken.seats.values().filter(|held| held.address == address).count();
        let evicted = if of_address >= self.limits.address_connections_max.max(1) {
            Some(taken.quietest(|held| held.address == address)?)
        } else if taken.seats.len() >= self.limits.connections_max.max(1) {
            Some(taken.quietest(|_| true)?)
        } else {
            None
        };
        // It is no longer counted although its task may take a moment to end.
        if let Some(held) = evicted.and_then(|number| taken.seats.remove(&number)) {
            held.close.notify_one();
        }
        let close = Arc::new(Notify::new());
        let held = Held { address, bytes: 0, working: false, close: close.clone() };
        let number = taken.insert(held);
        Some(Seat { seats: self.clone(), number: Mutex::new(number), close })
    }

    fn locked(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    fn insert(&mut self, held: Held) -> u64 {
        let number = self.next;
        self.next += 1;
        self.seats.insert(number, held);
        number
    }

    fn quietest(&self, may_go: impl Fn(&Held) -> bool) -> Option<u64> {
        self.seats.iter().find(|(_, held)| !held.working && may_go(held)).map(|(number, _)| *number)
    }
}

impl Seat {
    /// Comes when the connection has lost its seat and must be closed.
    pub(crate) async fn lost(&self) {
        self.close.notified().await;
    }

    /// Makes room for `bytes` more of a body; false where there is none, or the seat is lost.
    pub(crate) fn hold(&self, bytes: usize) -> bool {
        let number = *self.number();
        let mut taken = self.seats.locked();
        let limits = &self.seats.limits;
        let Some(address) = taken.seats.get(&number).map(|held| held.address) else { return false };
        let of_all: usize = taken.seats.values().map(|held| held.bytes).sum();
        let of_address: usize =
            taken.seats.values().filter(|held| held.address == address).map(|held| held.bytes).sum();
        let fits = of_all + bytes <= limits.bodies_bytes_max && of_address + bytes <= limits.address_bodies_bytes_max;
        if let Some(held) = taken.seats.get_mut(&number).filter(|_| fits) {
            held.bytes += bytes;
        }
        fits
    }

    /// Says whether a request of this connection is being worked on. After that it holds nothing.
    pub(crate) fn set_working(&self, working: bool) {
        let mut number = self.number();
        let mut taken = self.seats.locked();
        let Some(held) = taken.seats.remove(&number) else { return };
        let bytes = if working { held.bytes } else { 0 };
        *number = taken.insert(Held { working, bytes, ..held });
    }

    fn number(&self) -> MutexGuard<'_, u64> {
        self.number.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let number = *self.number();
        self.seats.locked().seats.remove(&number);
    }
}

/// What counts as one address: an IPv6 client has a network of 64 bits to itself.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    fn seats(connections_max: usize, address_connections_max: usize) -> Arc<Seats> {
        Seats::new(HttpLimits {
            connections_max,
            address_connections_max,
            bodies_bytes_max: 100,
            address_bodies_bytes_max: 60,
            ..HttpLimits::default()
        })
    }

    fn is_lost(seat: &Seat) -> bool {
        seat.lost().now_or_never().is_some()
    }

    #[test]
    fn the_quietest_connection_gives_way() {
        let (seats, address) = (seats(3, 3), |n: u8| IpAddr::from([10, 0, 0, n]));
        let first = seats.take(address(1)).unwrap();
        let second = seats.take(address(2)).unwrap();
        let third = seats.take(address(3)).unwrap();
        first.set_working(true);
        first.set_working(false);
        third.set_working(true);
        let fourth = seats.take(address(4)).unwrap();
        assert_eq!([is_lost(&first), is_lost(&second), is_lost(&third)], [false, true, false]);
        first.set_working(true);
        fourth.set_working(true);
        assert!(seats.take(address(5)).is_none(), "everyone is being worked for");
        drop(third);
        assert!(seats.take(address(5)).is_some());
    }

    #[test]
    fn an_address_with_too_many_gives_way_itself() {
        let (seats, greedy, other) = (seats(10, 2), IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        let oldest = seats.take(other).unwrap();
        let taken: Vec<_> = (0..3).map(|_| seats.take(greedy).unwrap()).collect();
        assert!(!is_lost(&oldest));
        assert_eq!(taken.iter().map(is_lost).collect::<Vec<_>>(), [true, false, false]);
        let mapped = seats.take("::ffff:10.0.0.1".parse().unwrap()).unwrap();
        assert!(is_lost(&taken[1]) && !is_lost(&mapped), "the same address written as IPv6");
        let (near, far) = ("2001:db8::1".parse().unwrap(), "2001:db8::ffff:2".parse().unwrap());
        assert_eq!(network(near), network(far));
    }

    #[test]
    fn bodies_share_what_may_be_held() {
        let (seats, greedy, other) = (seats(10, 10), IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        let (a, b, c) = (seats.take(greedy).unwrap(), seats.take(greedy).unwrap(), seats.take(other).unwrap());
        assert!(a.hold(40) && !b.hold(30) && b.hold(20), "60 for one address");
        assert!(!c.hold(41) && c.hold(40), "100 in all");
        a.set_working(true);
        assert!(!b.hold(1), "a body that is being worked on is still held");
        a.set_working(false);
        assert!(b.hold(40));
        drop(b);
        assert!(c.hold(20));
    }
}
