//! When commands are due in an open loop. A thread of its own keeps time: the runtime's timers tick once a millisecond,
//! which would be most of a round trip.

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Messages of all streams in turn, evenly spaced.
#[derive(Debug, Clone)]
pub(crate) struct Schedule {
    start: Instant,
    seconds_per_message: f64,
    streams: u64,
}

/// Wakes one stream when a message of it is due.
#[derive(Debug)]
pub(crate) struct Pace {
    schedule: Schedule,
    stream: u64,
    due: Arc<Notify>,
}

/// The keeper looks whether it is still needed at least so often.
const SLEEP_MAX: Duration = Duration::from_millis(50);

impl Schedule {
    pub(crate) fn new(start: Instant, rate: u32, batch: usize, streams: u32) -> Self {
        Self {
            start,
            seconds_per_message: batch as f64 / f64::from(rate),
            streams: streams.into(),
        }
    }

    /// Starts to keep time, until `stop`. One pace for each stream.
    pub(crate) fn keep(self, stop: CancellationToken) -> Vec<Pace> {
        let paces: Vec<_> = (0..self.streams)
            .map(|stream| Pace {
                schedule: self.clone(),
                stream,
                due: Arc::default(),
            })
            .collect();
        let streams: Vec<_> = paces.iter().map(|pace| Arc::clone(&pace.due)).collect();
        tokio::task::spawn_blocking(move || keep(&self, &streams, &stop));
        paces
    }

    fn due(&self, message: u64) -> Instant {
        self.start + Duration::from_secs_f64(message as f64 * self.seconds_per_message)
    }
}

impl Pace {
    /// When the stream's message of that number is due, from 0.
    pub(crate) fn due(&self, message: u64) -> Instant {
        self.schedule
            .due(message * self.schedule.streams + self.stream)
    }

    /// Returns once that time has come.
    pub(crate) async fn reached(&self, due: Instant) {
        while Instant::now() < due {
            // Invariant: the keeper wakes each stream after each of its messages is due, and a wake-up is kept.
            self.due.notified().await;
        }
    }

    /// How many messages from that number on are due before `end`, of those that there are.
    pub(crate) fn missed(&self, messages: Range<u64>, end: Instant) -> u64 {
        let until_end = end.saturating_duration_since(self.due(messages.start));
        let apart = self.schedule.seconds_per_message * self.schedule.streams as f64;
        let missed = match end > self.due(messages.start) {
            true => (until_end.as_secs_f64() / apart) as u64 + 1,
            false => 0,
        };
        missed.min(messages.end.saturating_sub(messages.start))
    }
}

fn keep(schedule: &Schedule, streams: &[Arc<Notify>], stop: &CancellationToken) {
    for message in 0.. {
        let due = schedule.due(message);
        loop {
            if stop.is_cancelled() {
                return;
            }
            let left = due.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            std::thread::sleep(left.min(SLEEP_MAX));
        }
        streams[(message % streams.len() as u64) as usize].notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_take_turns() {
        let start = Instant::now();
        // A message of 10 commands every 100 ms.
        let schedule = Schedule::new(start, 100, 10, 2);
        let pace = Pace {
            schedule,
            stream: 1,
            due: Arc::default(),
        };
        let at = |ms| start + Duration::from_millis(ms);
        assert_eq!((pace.due(0), pace.due(1)), (at(100), at(300)));
        assert_eq!(pace.missed(1..9, at(250)), 0);
        assert_eq!(pace.missed(1..9, at(350)), 1);
        assert_eq!(pace.missed(1..9, at(550)), 2);
        assert_eq!(pace.missed(1..2, at(550)), 1);
    }

    #[tokio::test]
    async fn nothing_is_due_before_its_time() {
        let stop = CancellationToken::new();
        let start = Instant::now();
        let paces = Schedule::new(start, 1000, 1, 2).keep(stop.clone());
        for message in 0..5 {
            for pace in &paces {
                let due = pace.due(message);
                pace.reached(due).await;
                assert!(Instant::now() >= due);
            }
        }
        stop.cancel();
    }
}
