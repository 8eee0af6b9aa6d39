//! Snapshots as lines, where there is no terminal: results to stdout, outages to stderr.

use std::time::Duration;

use tokio::sync::mpsc::Receiver;

use super::feed::Update;
use super::meter::Meter;
use super::times::{JobTimes, Percentiles};
use crate::cli::RunError;
use crate::cli::words::{counted, grouped, write_out};

pub(super) async fn show(mut updates: Receiver<Update>, json: bool) -> Result<(), RunError> {
    let mut meter = Meter::default();
    while let Some(update) = updates.recv().await {
        match update {
            Update::Snapshot(snapshot) if json => {
                write_out(&(robot_api::json::to_string(&snapshot) + "\n"))?;
            }
            Update::Snapshot(snapshot) => {
                meter.take(snapshot);
                write_out(&line(&meter))?;
            }
            Update::Outage(outage) => {
                meter.interrupt();
                let wait = humantime::format_duration(outage.wait);
                eprintln!("{}; trying again in {wait}", outage.reason);
            }
        }
    }
    Ok(())
}

fn line(meter: &Meter) -> String {
    let Some(snapshot) = meter.last() else {
        return String::new();
    };
    let queue = snapshot.queue.unwrap_or_default();
    let workers = snapshot.workers.len() as u64;
    let up = Duration::from_nanos(snapshot.uptime_nanos).as_secs_f64();
    let commands: u64 = snapshot.workers.iter().map(|worker| worker.commands).sum();
    // Rates need two snapshots.
    let (rate, busy) = match meter.total() {
        None => ("-".to_owned(), "-".to_owned()),
        Some(total) => (
            grouped(total.commands.round() as u64),
            format!("{:.0}%", total.busy * 100.0),
        ),
    };
    format!(
        "up {up:.1}s: {rate} commands/s, {} so far, {busy} busy, {} of {} idle, queue {} of {}, {}{}\n",
        grouped(commands),
        queue.idle_workers,
        counted(workers, "worker"),
        queue.jobs,
        counted(queue.jobs_max.into(), "job"),
        counted(snapshot.open_calls.into(), "open call"),
        times(meter.times()),
    )
}

fn times(times: JobTimes) -> String {
    let JobTimes { queue, run } = times;
    let part = |name, percentiles: Option<Percentiles>| {
        let some = |Percentiles { p50, p99 }| format!(", {name} p50 {p50} p99 {p99}");
        percentiles.map_or_else(String::new, some)
    };
    part("jobs waited", queue) + &part("ran", run)
}

#[cfg(test)]
mod tests {
    use super::super::meter::tests::snapshot;
    use super::*;

    #[test]
    fn a_line_says_what_there_is() {
        let mut meter = Meter::default();
        meter.take(snapshot(10, &[(1000, 1.0), (50, 0.0)]));
        assert_eq!(
            line(&meter),
            "up 10.0s: - commands/s, 1,050 so far, - busy, 1 of 2 workers idle, queue 3 of 1,024 jobs, 4 open calls\n"
        );
        meter.take(snapshot(12, &[(9000, 2.0), (50, 0.0)]));
        let text = line(&meter);
        let expected = "up 12.0s: 4,000 commands/s, 9,050 so far, 25% busy, ";
        assert!(text.starts_with(expected), "{text}");
        let expected = ", jobs waited p50 <1.1 us p99 <1.1 us, ran p50 <4.1 us p99 <4.1 us\n";
        assert!(text.ends_with(expected), "{text}");
    }
}
