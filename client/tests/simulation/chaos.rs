//! What goes wrong outside: the server's host crashes, the network holds messages back or loses them. One trouble after
//! another, and peace in the end.

use std::time::Duration;

use fastrand::Rng;
use turmoil::Sim;

/// Nothing happens before: the client must be able to connect.
const PEACE_MS: u64 = 60;
const TROUBLES_MAX: u64 = 6;

#[derive(Debug, Clone, Copy)]
enum Trouble {
    /// Everything in the server is gone, and nobody listens until it is started again.
    Crash,
    /// Messages arrive late, in the order in which they were sent.
    Hold,
    /// Messages are lost, and so are the connections that they belonged to.
    Partition,
}

/// What goes wrong in one run.
#[derive(Debug)]
pub(crate) struct Chaos {
    /// The last one first: when it begins and ends, in milliseconds, and what.
    to_come: Vec<(u64, u64, Trouble)>,
    /// When it ends.
    present: Option<(u64, Trouble)>,
}

impl Chaos {
    pub(crate) fn new(rng: &mut Rng) -> Self {
        let mut to_come = Vec::new();
        let mut now_ms = PEACE_MS;
        for _ in 0..rng.u64(0..=TROUBLES_MAX) {
            let start_ms = now_ms + rng.u64(0..400);
            let (trouble, ms_max) = match rng.u8(0..10) {
                0..6 => (Trouble::Crash, 1500),
                6..8 => (Trouble::Hold, 500),
                _ => (Trouble::Partition, 3000),
            };
            now_ms = start_ms + rng.u64(1..=ms_max);
            to_come.push((start_ms, now_ms, trouble));
        }
        to_come.reverse();
        Self {
            to_come,
            present: None,
        }
    }

    /// Begins and ends what is due.
    pub(crate) fn step(&mut self, sim: &mut Sim<'_>) {
        let now = sim.elapsed();
        let due = |ms| now >= Duration::from_millis(ms);
        if let Some((_, trouble)) = self.present.take_if(|(end_ms, _)| due(*end_ms)) {
            match trouble {
                Trouble::Crash => sim.bounce("server"),
                Trouble::Hold => sim.release("client", "server"),
                Trouble::Partition => sim.repair("client", "server"),
            }
        }
        if self.present.is_some() {
            return;
        }
        let Some((_, end_ms, trouble)) = self.to_come.pop_if(|(start_ms, _, _)| due(*start_ms))
        else {
            return;
        };
        self.present = Some((end_ms, trouble));
        match trouble {
            Trouble::Crash => sim.crash("server"),
            Trouble::Hold => sim.hold("client", "server"),
            Trouble::Partition => sim.partition("client", "server"),
        }
    }
}
