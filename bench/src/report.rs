//! The tables and the JSON that come of the runs. Medians stand with the least and the most; a ratio is the median of
//! the ratios of runs that were made one after the other, so that it holds when the machine's speed drifts.

use serde_json::{Value, json};

use crate::load::Measured;
use crate::meter::Used;
use crate::rows::{self, Figure};
use crate::runs::Ran;

/// The median of some runs, the least and the most.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Spread {
    median: f64,
    min: f64,
    max: f64,
}

impl Spread {
    fn of(values: impl Iterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.collect();
        values.sort_by(f64::total_cmp);
        let (min, max) = (*values.first()?, *values.last()?);
        let middle = values.len() / 2;
        let median = match values.len() % 2 {
            0 => (values[middle - 1] + values[middle]) / 2.0,
            _ => values[middle],
        };
        Some(Self { median, min, max })
    }

    fn json(self) -> Value {
        let Self { median, min, max } = self;
        json!({ "median": median, "min": min, "max": max })
    }
}

/// A line of the table.
struct Line<'a> {
    ran: &'a Ran,
    figure: Figure,
}

impl Line<'_> {
    fn base(&self) -> Option<Spread> {
        match self.figure.is_ours_alone() {
            true => None,
            false => self.spread(&self.ran.base),
        }
    }

    fn ours(&self) -> Option<Spread> {
        self.spread(&self.ran.ours)
    }

    fn spread(&self, runs: &[Measured]) -> Option<Spread> {
        Spread::of(runs.iter().map(|run| self.figure.of(run)))
    }

    /// Ours to A, run by run.
    fn ratio(&self) -> Option<f64> {
        match self.figure.is_ours_alone() {
            true => None,
            false => self.ratio_to(self.ran, self.figure),
        }
    }

    fn ratio_to(&self, base: &Ran, figure: Figure) -> Option<f64> {
        let pairs = self.ran.ours.iter().zip(&base.base);
        let ratios = pairs.map(|(ours, base)| self.figure.of(ours) / figure.of(base));
        let median = Spread::of(ratios)?.median;
        median.is_finite().then_some(median)
    }
}

fn lines(all: &[Ran]) -> impl Iterator<Item = Line<'_>> {
    all.iter().flat_map(|ran| {
        let figures = ran.row.figures.iter();
        figures.map(move |&figure| Line { ran, figure })
    })
}

/// The rows as a Markdown table.
pub(crate) fn table(all: &[Ran]) -> String {
    table_of(["A, bare echo", "robot-server"], all)
}

/// The same where something else was compared.
pub(crate) fn table_of([base, ours]: [&str; 2], all: &[Ran]) -> String {
    let mut table = format!(
        "| row | unit | {base} | {ours} | ratio | CPU s of the former: server + client | of the latter |\n\
         | --- | --- | ---: | ---: | ---: | ---: | ---: |\n"
    );
    for line in lines(all) {
        let Ran { row, base, ours } = line.ran;
        let cells = [
            row.name.clone(),
            line.figure.unit().to_owned(),
            line.base().map(shown).unwrap_or_default(),
            line.ours().map(shown).unwrap_or_default(),
            line.ratio()
                .map(|ratio| format!("{ratio:.2}"))
                .unwrap_or_default(),
            cpu(base),
            cpu(ours),
        ];
        table += &format!("| {} |\n", cells.join(" | "));
    }
    table
}

fn shown(spread: Spread) -> String {
    let Spread { median, min, max } = spread;
    let digits = match median {
        100.0.. => 0,
        10.0.. => 1,
        _ => 2,
    };
    format!("{median:.digits$} ({min:.digits$} - {max:.digits$})")
}

fn cpu(runs: &[Measured]) -> String {
    let median = |used: fn(&Measured) -> Used| {
        Spread::of(runs.iter().map(|run| used(run).cpu_seconds)).map(|spread| spread.median)
    };
    match (median(|run| run.server), median(|run| run.client)) {
        (Some(server), Some(client)) if client > 0.0 => format!("{server:.2} + {client:.2}"),
        _ => String::new(),
    }
}

/// What has to be reached, and what was.
pub(crate) fn goals(all: &[Ran]) -> String {
    let find = |name: &str, figure: Figure| {
        lines(all).find(|line| line.ran.row.name.starts_with(name) && line.figure == figure)
    };
    let ratio = |name: &str, figure| find(name, figure)?.ratio();
    let median = |name: &str, figure| Some(find(name, figure)?.ours()?.median);
    let (one, four, batched) = (
        rows::name_of(1, 1),
        rows::name_of(4, 1),
        rows::name_of(1, 64),
    );
    let to_single = || {
        let single = find(&one, Figure::Rate)?.ran;
        find(&batched, Figure::Rate)?.ratio_to(single, Figure::Rate)
    };
    let idle = "idle: 10000";
    let metered = "metrics: off in place of A, and on; 1 stream";
    let long = "long: one command of 10000";
    let goals = [
        (one.clone(), ">= 1.5 x A", ratio(&one, Figure::Rate)),
        (
            four.clone(),
            ">= 1.4 x A; stretch 1.6",
            ratio(&four, Figure::Rate),
        ),
        (
            batched.clone(),
            ">= 2.3 x A at 1 command; stretch 3.5",
            to_single(),
        ),
        (
            "ping-pong, p50".to_owned(),
            "<= 1.1 x A",
            ratio("ping-pong", Figure::P50),
        ),
        (
            "light client beside four flooding streams, p99".to_owned(),
            "<= 1.2 x A",
            ratio("light", Figure::P99),
        ),
        (
            "one command of 10,000 turns".to_owned(),
            ">= 50 M actions/s in the worker",
            median(long, Figure::InWorker(10_000)),
        ),
        (
            "2 workers against 1, programs of 10,000 actions".to_owned(),
            ">= 1.8 x",
            ratio("pool", Figure::Rate),
        ),
        (
            "unary Execute, 1 command, 32 in flight".to_owned(),
            ">= 0.9 x A",
            ratio("unary: Execute with 1 ", Figure::Rate),
        ),
        (
            "idle stream, 10,000 of them".to_owned(),
            "<= 13 KiB",
            median(idle, Figure::KibEach(10_000)),
        ),
        (
            "their CPU".to_owned(),
            "0.00 %",
            median(idle, Figure::CpuPercent),
        ),
        (
            "metrics on, 1 stream".to_owned(),
            ">= 0.97 x off",
            ratio(metered, Figure::Rate),
        ),
    ];
    goals_table(&goals)
}

fn goals_table(goals: &[(String, &str, Option<f64>)]) -> String {
    let mut table = String::from("| figure | wanted | measured |\n| --- | --- | ---: |\n");
    for (name, wanted, measured) in goals {
        let measured = measured.map_or("not run".to_owned(), |value| format!("{value:.2}"));
        table += &format!("| {name} | {wanted} | {measured} |\n");
    }
    table
}

/// All that was measured, run by run.
pub(crate) fn json(all: &[Ran]) -> Value {
    let rows = all.iter().map(|ran| {
        let figures = ran.row.figures.iter().map(|&figure| {
            let line = Line { ran, figure };
            json!({
                "unit": figure.unit(),
                "a": line.base().map(Spread::json),
                "ours": line.ours().map(Spread::json),
                "ratio": line.ratio(),
            })
        });
        json!({
            "row": ran.row.name,
            "figures": figures.collect::<Vec<_>>(),
            "a_runs": ran.base,
            "our_runs": ran.ours,
        })
    });
    json!({ "rows": rows.collect::<Vec<_>>() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::Row;

    fn ran(base: &[u64], ours: &[u64]) -> Ran {
        let runs = |commands: &[u64]| {
            let run = |&commands| Measured {
                seconds: 1.0,
                commands,
                ..Measured::default()
            };
            commands.iter().map(run).collect()
        };
        Ran {
            row: Row {
                name: rows::name_of(1, 1),
                ..rows::all().swap_remove(0)
            },
            base: runs(base),
            ours: runs(ours),
        }
    }

    #[test]
    fn a_ratio_is_the_median_of_the_pairs() {
        let all = [ran(
            &[1_000_000, 500_000, 2_000_000],
            &[1_500_000, 900_000, 2_000_000],
        )];
        let text = table(&all);
        let row = "| throughput: 1 stream, 1 command a message | k commands/s | 1000 (500 - 2000) \
                   | 1500 (900 - 2000) | 1.50 |";
        assert!(text.contains(row), "{text}");
        assert!(goals(&all).contains(">= 1.5 x A | 1.50 |"));
        assert_eq!(json(&all)["rows"][0]["figures"][0]["ratio"], 1.5);
    }

    #[test]
    fn a_row_that_was_not_run_has_no_figure() {
        assert!(goals(&[]).contains("| ping-pong, p50 | <= 1.1 x A | not run |"));
    }
}
