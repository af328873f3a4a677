//! Logins of some users, each with a home, a place to travel to and two devices: guessed passwords, a stolen account, a new
//! country.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, StringArray};

use super::{
    block::{BLOCK_EVENTS, Block, Place, Profile},
    random::{Random, hash},
};

const COUNTRIES: [&str; 16] =
    ["CH", "DE", "FR", "IT", "AT", "GB", "US", "ES", "NL", "SE", "PL", "JP", "BR", "IN", "CA", "AU"];
const DEVICES: [&str; 8] = ["laptop", "phone", "tablet", "desktop", "watch", "terminal", "kiosk", "television"];

/// Events of somebody who guesses a password, and of somebody who has stolen one.
const GUESSES: usize = 40;
const STOLEN: usize = 6;

/// Logins of some users.
pub(crate) struct Logins {
    names: Vec<String>,
    seed: u64,
    keys: usize,
    share: f64,
}

impl Logins {
    pub(crate) fn new(definition: &stream::Synthetic) -> Self {
        let names = ["country", "device", "success", "duration_ms"].map(str::to_owned).to_vec();
        let keys = definition.keys.max(1) as usize;
        Self { names, seed: definition.seed, keys, share: definition.anomalies }
    }

    /// One of `of`, the same for a user whenever it is asked for; of each `what` below their number another one.
    fn own<'t>(&self, user: usize, what: u64, of: &[&'t str]) -> &'t str {
        let first = hash(&[self.seed, user as u64]) as usize % of.len();
        of[(first + what as usize * 3) % of.len()]
    }
}

impl Profile for Logins {
    fn prefixes(&self) -> [&'static str; 2] {
        ["login", "user"]
    }

    fn key(&self) -> &'static str {
        "user_id"
    }

    fn columns(&self) -> &[String] {
        &self.names
    }

    fn block(&self, random: &mut Random, place: Place) -> Block {
        let each = self.share / 3.0;
        let (guessing, stolen) = (each / GUESSES as f64, each / STOLEN as f64);
        let (mut keys, mut anomalies) = (Vec::with_capacity(BLOCK_EVENTS), Vec::with_capacity(BLOCK_EVENTS));
        let (mut countries, mut devices) = (Vec::new(), Vec::new());
        let (mut successes, mut durations) = (Vec::new(), Vec::new());
        // What goes on, whose account it is, and for how many events more.
        let mut run: (Option<&'static str>, usize, usize) = (None, 0, 0);
        for _ in 0..BLOCK_EVENTS {
            if run.2 == 0 {
                run = match random.unit() {
                    at if at < guessing => (Some("guessing"), random.below(self.keys), GUESSES),
                    at if at < guessing + stolen => (Some("stolen_account"), random.below(self.keys), STOLEN),
                    at if at < guessing + stolen + each => (Some("new_country"), random.below(self.keys), 1),
                    _ => (None, random.below(self.keys), 1),
                };
            }
            run.2 -= 1;
            let (kind, user) = (run.0, run.1);
            let travels = random.chance(0.02);
            countries.push(match kind {
                Some("stolen_account" | "new_country") => {
                    self.own(user, 2 + random.below(COUNTRIES.len() - 2) as u64, &COUNTRIES)
                }
                _ => self.own(user, u64::from(travels), &COUNTRIES),
            });
            let second = random.chance(0.3);
            devices.push(match kind {
                Some("stolen_account") => self.own(user, 2 + random.below(DEVICES.len() - 2) as u64, &DEVICES),
                _ => self.own(user, u64::from(second), &DEVICES),
            });
            successes.push(if kind == Some("guessing") { random.chance(0.02) } else { random.chance(0.96) });
            let median = if kind == Some("guessing") { 90.0 } else { 400.0 };
            durations.push(median * libm::exp(0.4 * random.normal()));
            keys.push(user as u32);
            anomalies.push(kind);
        }
        let columns: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from_iter_values(countries)),
            Arc::new(StringArray::from_iter_values(devices)),
            Arc::new(BooleanArray::from(successes)),
            Arc::new(Float64Array::from(durations)),
        ];
        Block { keys, times: place.times, anomalies, columns }
    }
}
