//! A report as one JSON object, for programs.

use std::collections::BTreeMap;

use clap::ValueEnum;
use serde_json::{Value, json};

use super::report::Report;
use super::times::Quantiles;

/// One line. Times are in the unit that their key ends with.
pub(crate) fn render(report: &Report) -> String {
    let mode = report.workload.mode.to_possible_value();
    let workers = report
        .workers
        .iter()
        .map(|(id, commands)| json!({ "id": id, "commands": commands }));
    let object = json!({
        "mode": mode.expect("no mode is hidden").get_name(),
        "commands": report.commands(),
        "answered": report.answered,
        "failed": report.failed,
        "mismatched": report.mismatched,
        "reconnects": report.resumed.reconnects,
        "resent_commands": report.resumed.resent_commands,
        "elapsed_ms": thousandths(report.elapsed.as_secs_f64() * 1e3),
        "commands_per_second": tenths(report.commands_per_second()),
        "round_trip_us": quantiles(&report.round_trip_us),
        "jobs": report.jobs,
        "server_queue_us": quantiles(&report.server_queue_us),
        "server_run_us": quantiles(&report.server_run_us),
        "streams": report.streams,
        "connections": report.connections,
        "loop": match report.rate { Some(_) => "open", None => "closed" },
        "rate": report.rate,
        "late": report.late,
        "interrupted": report.interrupted,
        "errors": report.errors.iter().cloned().collect::<BTreeMap<_, _>>(),
        "workers": workers.collect::<Vec<_>>(),
    });
    format!("{object}\n")
}

fn quantiles(of: &Quantiles) -> Value {
    let Quantiles {
        p50,
        p90,
        p99,
        p999,
        max,
    } = *of;
    json!({
        "p50": tenths(p50),
        "p90": tenths(p90),
        "p99": tenths(p99),
        "p999": tenths(p999),
        "max": tenths(max),
    })
}

fn tenths(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

fn thousandths(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::bench::report::tests::report;

    #[test]
    fn is_one_object_with_every_number() {
        let text = render(&report());
        assert_eq!(text.lines().count(), 1);
        let object: Value = serde_json::from_str(&text).unwrap();
        let expected = json!({
            "mode": "pipelined",
            "commands": 2000,
            "answered": 2000,
            "failed": 0,
            "mismatched": 0,
            "reconnects": 0,
            "resent_commands": 0,
            "elapsed_ms": 4.0,
            "commands_per_second": 500000.0,
            "round_trip_us": { "p50": 812.3, "p90": 1624.7, "p99": 2437.0, "p999": 3249.4, "max": 81234.0 },
            "jobs": 250,
            "server_queue_us": { "p50": 40.0, "p90": 80.0, "p99": 120.0, "p999": 160.0, "max": 4000.0 },
            "server_run_us": { "p50": 2.3, "p90": 4.5, "p99": 6.8, "p999": 9.0, "max": 225.0 },
            "streams": 1,
            "connections": 1,
            "loop": "closed",
            "rate": null,
            "late": 0,
            "interrupted": false,
            "errors": {},
            "workers": [
                { "id": 1, "commands": 1500 },
                { "id": 2, "commands": 500 },
                { "id": 3, "commands": 0 },
            ],
        });
        assert_eq!(object, expected);
    }
}
