//! A progress bar on stderr, for people who wait: only on a terminal, and only once a run takes long.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Runs that are over sooner show nothing.
const SHOWN_AFTER: Duration = Duration::from_secs(1);

/// Hidden at first; gone when dropped.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
    show_at: Instant,
    shown: bool,
}

impl Progress {
    pub(crate) fn new(commands: u64, start: Instant) -> Self {
        let style = ProgressStyle::with_template(
            "{bar:40} {human_pos} of {human_len} answered, {eta} left",
        );
        let bar = ProgressBar::with_draw_target(Some(commands), ProgressDrawTarget::hidden());
        bar.set_style(style.expect("the template is valid"));
        Self {
            bar,
            show_at: start + SHOWN_AFTER,
            shown: false,
        }
    }

    /// So many are answered by now.
    pub(crate) fn answered(&mut self, commands: u64, now: Instant) {
        if !self.shown && now >= self.show_at {
            self.shown = true;
            // Draws nothing unless stderr is a terminal.
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        if self.shown {
            self.bar.set_position(commands);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
