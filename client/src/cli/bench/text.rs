//! A report as text, for people.

use std::fmt::Display;
use std::time::Duration;

use robot_client::Resumed;

use super::histogram;
use super::report::Report;
use super::times::Quantiles;
use super::workload::{Content, Mode};
use crate::cli::words::{counted, grouped};

/// Cells of the longest bar.
const BAR_CELLS: u64 = 40;
/// An eighth of a cell, two eighths, and so on.
const EIGHTHS: [char; 7] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/// Some lines, the verdict last.
pub(crate) fn render(report: &Report) -> String {
    let mut paragraphs = vec![
        heading(report),
        totals(report),
        times(report),
        distribution(report),
        workers(report),
    ];
    if !report.errors.is_empty() {
        paragraphs.push(errors(report));
    }
    paragraphs.extend(
        report
            .first_complaint
            .as_ref()
            .map(|complaint| format!("first complaint: {complaint}\n")),
    );
    paragraphs.push(verdict(report));
    paragraphs.join("\n")
}

fn heading(report: &Report) -> String {
    let Report {
        address,
        version,
        window,
        batch,
        ..
    } = report;
    let what = match report.workload.content {
        Content::Turns => "turn",
        Content::Random { .. } => "random program",
        Content::File(_) => "file command",
    };
    let turns = match report.duration {
        Some(duration) => format!("{what}s for {}", humantime::format_duration(duration)),
        None => counted(report.workload.turns, what),
    };
    let batch = counted(*batch as u64, "command");
    let window = grouped(*window as u64);
    let how = match report.workload.mode {
        Mode::Pipelined => format!("pipelined: {batch} a message, at most {window} unanswered"),
        Mode::Chained => "chained: each command starts from the result before it".to_owned(),
        Mode::Program => "one program: a single command with every turn as an action".to_owned(),
    };
    let workers = counted(report.workers.len() as u64, "worker");
    let streams = match (report.streams, report.connections) {
        (1, _) => String::new(),
        (streams, connections) => {
            let streams = counted(streams.into(), "stream");
            let connections = counted(connections.into(), "connection");
            format!("{streams} over {connections}\n")
        }
    };
    format!("{turns}, {how}\n{streams}robot-server {version} at {address}, {workers}\n")
}

fn totals(report: &Report) -> String {
    let sent = grouped(report.sent);
    let answered = grouped(report.answered);
    let elapsed = elapsed(report.elapsed);
    let rate = grouped(report.commands_per_second().round() as u64);
    let jobs = grouped(report.jobs);
    let per_job = report.commands_per_job;
    let resumed = resumed(report.resumed);
    let late = match report.rate {
        Some(asked) => format!(
            "asked for     {} commands a second\n\
             late          {} sent more than 1 ms after they were due, or not at all\n",
            grouped(asked.into()),
            grouped(report.late)
        ),
        None => String::new(),
    };
    let interrupted = match report.interrupted {
        true => "interrupted   nothing more was sent\n",
        false => "",
    };
    format!(
        "commands      {sent} sent, {answered} answered\n{interrupted}{resumed}\
         elapsed       {elapsed}\n\
         throughput    {rate} commands a second\n{late}\
         server jobs   {jobs}, {per_job:.1} commands each on average\n"
    )
}

/// A line, if the session had to get over anything.
fn resumed(resumed: Resumed) -> String {
    let Resumed {
        reconnects,
        resent_commands,
    } = resumed;
    if reconnects == 0 {
        return String::new();
    }
    let reconnects = counted(reconnects, "time");
    let resent_commands = counted(resent_commands, "command");
    format!("reconnected   {reconnects}, {resent_commands} sent again\n")
}

fn times(report: &Report) -> String {
    let mut text = row("microseconds", ["p50", "p90", "p99", "max"]);
    for (name, quantiles) in [
        ("a command's round trip", &report.round_trip_us),
        ("a job's wait in the queue", &report.server_queue_us),
        ("a job's run", &report.server_run_us),
    ] {
        let Quantiles {
            p50, p90, p99, max, ..
        } = *quantiles;
        text += &row(name, [p50, p90, p99, max].map(|time| format!("{time:.1}")));
    }
    text
}

/// The round trips, drawn, and what they are counted from.
fn distribution(report: &Report) -> String {
    let how = match report.rate {
        Some(_) => "open loop, from when a command was due",
        None => "closed loop, from when a command was sent",
    };
    let p999 = report.round_trip_us.p999;
    let steps = histogram::render(&report.round_trip_steps);
    format!("round trips ({how}), p99.9 {p999:.1} microseconds\n{steps}")
}

fn errors(report: &Report) -> String {
    let mut text = "errors by kind\n".to_owned();
    for (kind, count) in &report.errors {
        text += &format!("{:>11}  {kind}\n", grouped(*count));
    }
    text
}

fn row<T: Display>(name: &str, columns: [T; 4]) -> String {
    let [p50, p90, p99, max] = columns;
    format!("{name:<25} {p50:>11} {p90:>11} {p99:>11} {max:>11}\n")
}

fn workers(report: &Report) -> String {
    let commands = || report.workers.iter().map(|(_, commands)| *commands);
    let most = commands().max().unwrap_or_default();
    let total = commands().sum::<u64>().max(1);
    let mut text = "worker    commands   share\n".to_owned();
    for (worker, commands) in &report.workers {
        let share = *commands as f64 * 100.0 / total as f64;
        let line = format!(
            "{worker:>6} {:>11} {share:>5.1} %  {}",
            grouped(*commands),
            bar(*commands, most)
        );
        text += line.trim_end();
        text.push('\n');
    }
    text
}

/// As long as `part` is of `most`; something if it is not 0.
pub(super) fn bar(part: u64, most: u64) -> String {
    let eighths = (part * BAR_CELLS * 8)
        .div_ceil(most.max(1))
        .min(BAR_CELLS * 8);
    let (full, rest) = (eighths / 8, eighths % 8);
    let mut bar = "█".repeat(full as usize);
    bar.extend(rest.checked_sub(1).map(|index| EIGHTHS[index as usize]));
    bar
}

fn verdict(report: &Report) -> String {
    let Report {
        answered,
        failed,
        mismatched,
        ..
    } = report;
    let word = match report.is_good() {
        true => "ok",
        false => "failed",
    };
    let commands = report.commands();
    format!("{word}: {answered} of {commands} answered, {failed} failed, {mismatched} mismatched\n")
}

fn elapsed(elapsed: Duration) -> String {
    match elapsed.as_secs_f64() {
        seconds if seconds < 1.0 => format!("{:.1} ms", seconds * 1e3),
        seconds => format!("{seconds:.2} s"),
    }
}

#[cfg(test)]
mod tests;
