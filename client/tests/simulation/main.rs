//! A session under deterministic simulation: the network, the clocks and the server's crashes come from a seed, one
//! run after another. Each must give every result once, with the very bits that the pure library computes, or say that
//! it gave up.
//!
//! 1,000 seeds: `cargo test --release -p robot-client --test simulation`; a debug build is some twenty times slower and
//! runs a quarter of them. Ten thousand: the same with `ROBOT_SIMULATION_SEEDS=10000` before it. One alone, such as one
//! that has failed: with `ROBOT_SIMULATION_SEED=4711`.

mod chaos;
mod server;
mod session;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use session::{End, Outcome};

const SEEDS: u64 = if cfg!(debug_assertions) { 250 } else { 1000 };

/// Of many runs.
#[derive(Debug, Default)]
struct Tally {
    done: u64,
    gave_up: u64,
    poisoned: u64,
    reconnects: u64,
    resent_commands: u64,
    failed: Vec<u64>,
}

impl Tally {
    fn add(&mut self, outcome: &Outcome) {
        match outcome.end {
            End::Done => self.done += 1,
            End::GaveUp => self.gave_up += 1,
            End::Poisoned => self.poisoned += 1,
        }
        self.reconnects += outcome.resumed.reconnects;
        self.resent_commands += outcome.resumed.resent_commands;
    }

    fn merge(&mut self, other: Self) {
        self.done += other.done;
        self.gave_up += other.gave_up;
        self.poisoned += other.poisoned;
        self.reconnects += other.reconnects;
        self.resent_commands += other.resent_commands;
        self.failed.extend(other.failed);
    }
}

#[test]
fn every_command_is_surfaced_once_or_the_session_says_that_it_gave_up() {
    let (first, end) = match number("ROBOT_SIMULATION_SEED") {
        Some(seed) => (seed, seed + 1),
        None => (0, number("ROBOT_SIMULATION_SEEDS").unwrap_or(SEEDS)),
    };
    let next = AtomicU64::new(first);
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let mut tally = Tally::default();
    thread::scope(|scope| {
        let running: Vec<_> = (0..threads)
            .map(|_| scope.spawn(|| run_seeds(&next, end)))
            .collect();
        for thread in running {
            tally.merge(thread.join().expect("what panics in a run is caught"));
        }
    });
    println!("{tally:?}");
    assert!(
        tally.failed.is_empty(),
        "these seeds failed: {:?}; again with ROBOT_SIMULATION_SEED={}",
        tally.failed,
        tally.failed[0]
    );
    if end - first >= SEEDS {
        assert!(tally.reconnects > SEEDS && tally.resent_commands > SEEDS);
        assert!(tally.done > tally.gave_up * 9, "most get over it");
        assert!(tally.poisoned > SEEDS / 50, "poison is found");
    }
}

#[test]
fn a_seed_gives_the_same_run_each_time() {
    for seed in 0..10 {
        let (once, again) = (session::run(seed), session::run(seed));
        assert_eq!(once, again, "seed {seed}");
    }
}

fn run_seeds(next: &AtomicU64, end: u64) -> Tally {
    let mut tally = Tally::default();
    loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= end {
            return tally;
        }
        match catch_unwind(AssertUnwindSafe(|| session::run(seed))) {
            Ok(outcome) => tally.add(&outcome),
            Err(_panic) => {
                eprintln!("seed {seed} failed");
                tally.failed.push(seed);
            }
        }
    }
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().expect("the variable is a number"))
}
