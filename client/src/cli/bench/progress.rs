//! A progress bar on stderr, for people who wait: only on a terminal, and only once a run takes long.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::args::Plan;
use super::drive::{SharedTally, lock};
use super::times::Times;
use crate::cli::words::grouped;

/// Runs that are over sooner show nothing.
const SHOWN_AFTER: Duration = Duration::from_secs(1);
const REDRAWN_EVERY: Duration = Duration::from_millis(250);

/// Gone when dropped.
pub(crate) struct Progress<'a> {
    bar: ProgressBar,
    start: Instant,
    timed: bool,
    tallies: &'a [SharedTally],
}

impl<'a> Progress<'a> {
    pub(crate) fn new(plan: &Plan, start: Instant, tallies: &'a [SharedTally]) -> Self {
        let (length, template) = match plan.duration {
            Some(duration) => (
                (plan.warmup + duration).as_millis() as u64,
                "{bar:40} {eta} left, {msg}",
            ),
            None => (
                plan.workload.commands(),
                "{bar:40} {human_pos} of {human_len} answered, {eta} left, {msg}",
            ),
        };
        let bar = ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::hidden());
        bar.set_style(ProgressStyle::with_template(template).expect("the templates are valid"));
        Self {
            bar,
            start,
            timed: plan.duration.is_some(),
            tallies,
        }
    }

    /// Draws, and never returns.
    pub(crate) async fn show(&self) {
        if !std::io::stderr().is_terminal() {
            return std::future::pending().await;
        }
        tokio::time::sleep(SHOWN_AFTER).await;
        self.bar.set_draw_target(ProgressDrawTarget::stderr());
        let (mut answered_before, mut drawn_at) = (self.answered(), Instant::now());
        loop {
            tokio::time::sleep(REDRAWN_EVERY).await;
            let (answered, now) = (self.answered(), Instant::now());
            let seconds = now.duration_since(drawn_at).as_secs_f64();
            let rate = (answered - answered_before) as f64 / seconds.max(1e-9);
            (answered_before, drawn_at) = (answered, now);
            let p99_ms = self.p99_us() / 1e3;
            let rate = grouped(rate.round() as u64);
            self.bar
                .set_message(format!("{rate} a second, p99 {p99_ms:.2} ms"));
            self.bar.set_position(match self.timed {
                true => self.start.elapsed().as_millis() as u64,
                false => answered,
            });
        }
    }

    fn answered(&self) -> u64 {
        self.tallies.iter().map(|tally| lock(tally).answered).sum()
    }

    fn p99_us(&self) -> f64 {
        let mut times = Times::default();
        for tally in self.tallies {
            times.merge(&lock(tally).round_trip);
        }
        times.quantiles_us().p99
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
