//! What came of each scenario: a row of the table, as Markdown for people and as JSON for programs.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::healthy::Latency;
use crate::history::{End, Findings};

/// One scenario's figures, and what is wrong with them.
#[derive(Debug, Default)]
pub(crate) struct Row {
    pub(crate) fault: String,
    pub(crate) load: String,
    /// How often the fault was tried.
    pub(crate) tried: u64,
    pub(crate) sent: u64,
    pub(crate) lost: u64,
    pub(crate) duplicated: u64,
    pub(crate) mismatched: u64,
    pub(crate) peak_rss_bytes: u64,
    /// The healthy client's round trips.
    pub(crate) before: Option<Latency>,
    pub(crate) during: Option<Latency>,
    /// How often its session had to reconnect, where that is counted.
    pub(crate) healthy_reconnects: u64,
    /// Further figures.
    pub(crate) notes: Vec<String>,
    /// Why the scenario has failed; none: it has not.
    pub(crate) problems: Vec<String>,
}

impl Row {
    pub(crate) fn new(fault: impl Into<String>, load: impl Into<String>) -> Self {
        Self {
            fault: fault.into(),
            load: load.into(),
            ..Self::default()
        }
    }

    /// Counts what a client was told; it may have ended before all was answered, but not with an OK.
    pub(crate) fn judge(&mut self, who: &str, findings: &Findings) {
        self.sent += findings.sent;
        self.lost += findings.lost();
        self.duplicated += findings.duplicated + findings.unasked;
        self.mismatched += findings.mismatched;
        if !findings.is_kept() {
            self.problem(format!("{who}: {findings:?}"));
        }
    }

    /// The same of a client that must have come to a good end.
    pub(crate) fn judge_finished(&mut self, who: &str, findings: &Findings) {
        self.judge(who, findings);
        if findings.end != Some(End::Ok) {
            self.lost += findings.unanswered - findings.lost();
            self.problem(format!("{who} did not end OK: {findings:?}"));
        }
    }

    /// The fault must have been tried so often.
    pub(crate) fn judge_tried(&mut self, times: u64) {
        if self.tried != times {
            self.problem(format!("tried {} times of {times}", self.tried));
        }
    }

    pub(crate) fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    pub(crate) fn problem(&mut self, problem: impl Into<String>) {
        self.problems.push(problem.into());
    }

    pub(crate) fn is_good(&self) -> bool {
        self.problems.is_empty()
    }

    /// How many times longer the healthy client waits than before.
    pub(crate) fn latency_ratio(&self) -> Option<f64> {
        let (before, during) = (self.before?, self.during?);
        Some(during.p99_nanos as f64 / before.p99_nanos.max(1) as f64)
    }
}

/// The table, and under it what does not fit into it.
pub(crate) fn markdown(rows: &[Row]) -> String {
    let mut text = String::from(
        "| fault | load held | times | sent | lost | duplicated | mismatched | peak RSS, MiB | healthy p99 before, ms | during, ms | verdict |\n\
         | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |\n",
    );
    for row in rows {
        let mib = mib(row.peak_rss_bytes);
        let [before, during] = [row.before, row.during].map(latency_text);
        let Row {
            fault,
            load,
            tried,
            sent,
            lost,
            duplicated,
            mismatched,
            ..
        } = row;
        let verdict = if row.is_good() { "kept" } else { "FAILED" };
        let _infallible = writeln!(
            text,
            "| {fault} | {load} | {tried} | {sent} | {lost} | {duplicated} | {mismatched} | {mib} | {before} | {during} \
             | {verdict} |"
        );
    }
    let noted = rows.iter().map(|row| (row, &row.notes, ""));
    let failed = rows.iter().map(|row| (row, &row.problems, "FAILED: "));
    for (row, lines, mark) in noted.chain(failed) {
        for line in lines {
            let _infallible = write!(text, "\n- {mark}{}: {line}", row.fault);
        }
    }
    text + "\n"
}

/// The same for programs.
pub(crate) fn json(rows: &[Row]) -> Value {
    let latency = |latency: Option<Latency>| {
        latency.map(|latency| {
            json!({
                "p99_nanos": latency.p99_nanos,
                "round_trips": latency.round_trips,
            })
        })
    };
    let rows = rows.iter().map(|row| {
        let Row {
            fault,
            load,
            tried,
            sent,
            lost,
            duplicated,
            mismatched,
            peak_rss_bytes,
            before,
            during,
            healthy_reconnects,
            notes,
            problems,
        } = row;
        json!({
            "fault": fault,
            "load": load,
            "tried": tried,
            "sent": sent,
            "lost": lost,
            "duplicated": duplicated,
            "mismatched": mismatched,
            "peak_rss_bytes": peak_rss_bytes,
            "healthy_before": latency(*before),
            "healthy_during": latency(*during),
            "healthy_reconnects": healthy_reconnects,
            "notes": notes,
            "problems": problems,
        })
    });
    json!({ "rows": rows.collect::<Vec<_>>() })
}

/// Bytes as mebibytes.
pub(crate) fn mib(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / f64::from(1 << 20))
}

fn latency_text(latency: Option<Latency>) -> String {
    latency.map_or("-".to_owned(), |latency| {
        format!("{:.2}", latency.p99_nanos as f64 / 1e6)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(end: End, unanswered: u64) -> Findings {
        Findings {
            sent: 10,
            answered: 10 - unanswered,
            unanswered,
            end: Some(end),
            ..Findings::default()
        }
    }

    #[test]
    fn a_client_that_must_finish_loses_what_is_unanswered_whatever_its_end() {
        for end in [End::Ok, End::Other("gave up".to_owned())] {
            let mut row = Row::new("fault", "load");
            row.judge_finished("a client", &findings(end, 3));
            assert_eq!((row.sent, row.lost), (10, 3));
            assert!(!row.is_good());
        }
    }

    #[test]
    fn a_client_that_was_told_to_send_again_has_lost_nothing() {
        let mut row = Row::new("fault", "load");
        let end = End::Status(tonic::Code::Unavailable);
        row.judge("a client", &findings(end, 3));
        assert_eq!(row.lost, 0);
        assert!(row.is_good());
    }

    #[test]
    fn a_failure_stands_in_the_table_and_under_it() {
        let mut row = Row::new("resets", "4 sessions");
        row.judge_tried(6);
        let text = markdown(&[row]);
        assert!(
            text.contains("| resets | 4 sessions | 0 | 0 | 0 | 0 | 0 | 0.0 | - | - | FAILED |")
        );
        assert!(text.contains("- FAILED: resets: tried 0 times of 6"));
    }
}
