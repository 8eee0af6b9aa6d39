//! What is known of each replica, and which of them gets the next call: one that says that it takes calls, and of those
//! the one with the fewest open. No I/O and no clock: whoever calls says what time it is.

use std::time::Duration;

use tokio::time::Instant;
use tonic::transport::Channel;

/// A replica that did not take a call gets none for so long, unless there is no other.
const AVOIDED_FOR: Duration = Duration::from_secs(5);

/// Whether a replica takes calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Health {
    /// It was not heard of yet.
    Unknown,
    Serving,
    /// Why not, for people.
    NotServing(String),
}

/// All replicas, by their index.
#[derive(Debug)]
pub(crate) struct Standings(Vec<Standing>);

#[derive(Debug)]
struct Standing {
    health: Health,
    /// The connection that its health was last heard on: calls share it, streams have their own.
    shared: Option<Channel>,
    /// Calls and streams that are open, or being opened.
    open: usize,
    avoided_until: Option<Instant>,
}

impl Standings {
    pub(crate) fn new(replicas: usize) -> Self {
        let standing = |_index| Standing {
            health: Health::Unknown,
            shared: None,
            open: 0,
            avoided_until: None,
        };
        Self((0..replicas).map(standing).collect())
    }

    /// What it says of itself, or what its silence says. False: that was known.
    pub(crate) fn heard(&mut self, index: usize, health: Health) -> bool {
        let known = &mut self.0[index].health;
        let changed = *known != health;
        *known = health;
        changed
    }

    pub(crate) fn share(&mut self, index: usize, channel: Channel) {
        self.0[index].shared = Some(channel);
    }

    pub(crate) fn shared(&self, index: usize) -> Option<Channel> {
        self.0[index].shared.clone()
    }

    /// Some replica takes calls, or it is known of each that it does not.
    pub(crate) fn is_settled(&self) -> bool {
        let serves = |one: &Standing| one.health == Health::Serving;
        self.is_known() || self.0.iter().any(serves)
    }

    /// All have been heard of.
    pub(crate) fn is_known(&self) -> bool {
        self.0.iter().all(|one| one.health != Health::Unknown)
    }

    /// Takes a seat at one that was not tried; `chance`, from 0 to 1, decides between equals, so that many clients do
    /// not all begin with the same one. `None`: none takes calls.
    pub(crate) fn sit(&mut self, tried: &[usize], now: Instant, chance: f64) -> Option<usize> {
        let rank = |one: &Standing| (one.avoided_until.is_some_and(|until| now < until), one.open);
        let candidates = || {
            let all = self.0.iter().enumerate();
            all.filter(|(index, one)| one.health == Health::Serving && !tried.contains(index))
        };
        let best = candidates().map(|(_, one)| rank(one)).min()?;
        let equals: Vec<_> = candidates()
            .filter(|(_, one)| rank(one) == best)
            .map(|(index, _)| index)
            .collect();
        let chosen = ((chance * equals.len() as f64) as usize).min(equals.len() - 1);
        let index = equals[chosen];
        self.0[index].open += 1;
        Some(index)
    }

    /// Leaves it, after the call was taken or not.
    pub(crate) fn leave(&mut self, index: usize, taken: bool, now: Instant) {
        let standing = &mut self.0[index];
        standing.open -= 1;
        standing.avoided_until = match taken {
            true => None,
            false => Some(now + AVOIDED_FOR),
        };
    }

    /// Why nobody takes calls, with what each replica is called.
    pub(crate) fn reasons(&self, names: impl Iterator<Item = String>) -> String {
        let reason = |health: &Health| match health {
            Health::Unknown => "it has not answered yet".to_owned(),
            Health::Serving => "it was tried".to_owned(),
            Health::NotServing(reason) => reason.clone(),
        };
        let all = self.0.iter().zip(names);
        let reasons = all.map(|(one, name)| format!("{name}: {}", reason(&one.health)));
        reasons.collect::<Vec<_>>().join("; ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn serving(replicas: usize) -> Standings {
        let mut standings = Standings::new(replicas);
        for index in 0..replicas {
            assert!(standings.heard(index, Health::Serving));
        }
        standings
    }

    fn not_serving() -> Health {
        Health::NotServing("it says so".to_owned())
    }

    #[test]
    fn thirty_streams_are_ten_for_each_of_three_whatever_chance_says() {
        for chance in [0.0, 0.5, 1.0] {
            let mut standings = serving(3);
            let mut seats = [0; 3];
            for _ in 0..30 {
                seats[standings.sit(&[], Instant::now(), chance).unwrap()] += 1;
            }
            assert_eq!(seats, [10; 3], "{chance}");
        }
    }

    #[test]
    fn who_leaves_makes_the_next_seat() {
        let now = Instant::now();
        let mut standings = serving(3);
        for _ in 0..6 {
            standings.sit(&[], now, 0.0);
        }
        standings.leave(2, true, now);
        assert_eq!(standings.sit(&[], now, 0.0), Some(2));
    }

    #[test]
    fn nothing_goes_to_who_does_not_serve_or_is_not_known() {
        let now = Instant::now();
        let mut standings = Standings::new(3);
        assert_eq!(standings.sit(&[], now, 0.0), None);
        standings.heard(1, Health::Serving);
        standings.heard(2, not_serving());
        for _ in 0..10 {
            assert_eq!(standings.sit(&[], now, 0.9), Some(1));
        }
        assert_eq!(standings.sit(&[1], now, 0.0), None);
        assert!(standings.heard(1, not_serving()));
        assert!(!standings.heard(1, not_serving()));
        assert_eq!(standings.sit(&[], now, 0.0), None);
    }

    #[test]
    fn who_did_not_take_a_call_is_the_last_choice_for_a_while() {
        let now = Instant::now();
        let mut standings = serving(2);
        assert_eq!(standings.sit(&[], now, 0.0), Some(0));
        standings.leave(0, false, now);
        for _ in 0..3 {
            assert_eq!(standings.sit(&[], now, 0.0), Some(1));
        }
        assert_eq!(standings.sit(&[1], now, 0.0), Some(0));
        assert_eq!(standings.sit(&[], now + AVOIDED_FOR, 0.0), Some(0));
    }

    #[test]
    fn it_is_settled_once_one_serves_or_all_are_known() {
        let mut standings = Standings::new(2);
        assert!(!standings.is_settled());
        standings.heard(0, not_serving());
        assert!(!standings.is_settled());
        standings.heard(1, not_serving());
        assert!(standings.is_settled());
        let mut standings = Standings::new(2);
        standings.heard(1, Health::Serving);
        assert!(standings.is_settled());
    }

    #[test]
    fn says_of_each_why_not() {
        let mut standings = Standings::new(2);
        standings.heard(1, not_serving());
        let names = ["a", "b"].map(str::to_owned).into_iter();
        let reasons = standings.reasons(names);
        assert_eq!(reasons, "a: it has not answered yet; b: it says so");
    }
}
