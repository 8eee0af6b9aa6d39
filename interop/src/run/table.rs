//! The table: scenarios by peers, each cell for both accesses; beneath it what failed and what there is to say. It knows
//! nothing of how it came to be.

use std::fmt::Write;

use super::access::ACCESSES;
use super::report::{Report, Verdict};
use crate::vectors::Scenario;

/// What came of one peer.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) peer: String,
    pub(super) version: Option<String>,
    /// Why it was not even built.
    pub(super) skipped: Option<String>,
    /// One an access, unless it was skipped.
    pub(super) reports: Vec<Report>,
}

impl Column {
    pub(super) fn new(peer: &str) -> Self {
        Self {
            peer: peer.to_owned(),
            version: None,
            skipped: None,
            reports: Vec::new(),
        }
    }

    pub(super) fn is_good(&self, require_all: bool) -> bool {
        match self.skipped {
            Some(_) => !require_all,
            None => self
                .reports
                .iter()
                .all(|report| report.is_good(require_all)),
        }
    }

    /// In one line.
    pub(super) fn told(&self) -> String {
        if let Some(why) = &self.skipped {
            return format!("skipped: {why}");
        }
        let passed = |report: &Report| report.count(|verdict| *verdict == Verdict::Ok);
        let told = |report: &Report| format!("{} of {}", passed(report), report.verdicts.len());
        self.of_both(told)
    }

    fn of_both(&self, told: impl Fn(&Report) -> String) -> String {
        match self.skipped {
            Some(_) => "skipped".to_owned(),
            None => self
                .reports
                .iter()
                .map(told)
                .collect::<Vec<_>>()
                .join(" / "),
        }
    }
}

/// All of it.
pub(super) fn markdown(scenarios: &[Scenario], columns: &[Column]) -> String {
    let mut text = String::new();
    row(&mut text, "scenario", columns, |column| column.peer.clone());
    row(&mut text, "---", columns, |_| "---".to_owned());
    for (index, Scenario { name, .. }) in scenarios.iter().enumerate() {
        row(&mut text, name, columns, |column| {
            column.of_both(|report| word(&report.verdicts[index]).to_owned())
        });
    }
    row(&mut text, "passed", columns, |column| {
        match column.skipped {
            Some(_) => "skipped".to_owned(),
            None => column.told(),
        }
    });
    row(&mut text, "runtime", columns, |column| {
        column.version.clone().unwrap_or_default()
    });
    let [one, other] = ACCESSES;
    line(&mut text, "");
    line(
        &mut text,
        &format!("Each cell: {one} / {other}, that is TLS with a token."),
    );
    for column in columns {
        beneath(&mut text, scenarios, column);
    }
    text
}

fn row(text: &mut String, first: &str, columns: &[Column], cell: impl Fn(&Column) -> String) {
    let cells = columns
        .iter()
        .map(|column| cell(column).replace('|', "\\|"));
    let cells: Vec<_> = std::iter::once(first.to_owned()).chain(cells).collect();
    line(text, &format!("| {} |", cells.join(" | ")));
}

fn beneath(text: &mut String, scenarios: &[Scenario], column: &Column) {
    let peer = &column.peer;
    if let Some(why) = &column.skipped {
        line(text, &format!("\n- {peer} was skipped: {why}"));
    }
    for (report, access) in column.reports.iter().zip(ACCESSES) {
        let mut items = Vec::new();
        items.extend(report.problems.iter().map(|it| format!("FAILED: {it}")));
        for (Scenario { name, .. }, verdict) in scenarios.iter().zip(&report.verdicts) {
            match verdict {
                Verdict::Failed(why) => items.push(format!("FAILED {name}: {why}")),
                Verdict::Skipped(why) => items.push(format!("skipped {name}: {why}")),
                Verdict::Ok | Verdict::NotPlayed => {}
            }
        }
        items.extend(report.remarks.iter().cloned());
        if !items.is_empty() {
            line(text, &format!("\n{peer}, {access}:\n"));
        }
        for item in items {
            line(text, &format!("- {}", item.replace('\n', "\n  ")));
        }
    }
}

fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Ok => "ok",
        Verdict::Failed(_) => "**FAILED**",
        Verdict::Skipped(_) => "skipped",
        Verdict::NotPlayed => "-",
    }
}

fn line(text: &mut String, line: &str) {
    writeln!(text, "{line}").expect("a string takes everything");
}
