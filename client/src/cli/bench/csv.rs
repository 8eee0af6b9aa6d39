//! A report as a line of names and a line of numbers, for tables.

use super::report::Report;

/// Two lines. No field needs quotes: names and numbers are all there is.
pub(crate) fn render(report: &Report) -> String {
    let times = [
        ("round_trip", &report.round_trip_us),
        ("server_queue", &report.server_queue_us),
        ("server_run", &report.server_run_us),
    ];
    let mut columns = vec![
        ("streams".to_owned(), report.streams.to_string()),
        ("connections".to_owned(), report.connections.to_string()),
        ("window".to_owned(), report.window.to_string()),
        ("batch".to_owned(), report.batch.to_string()),
        (
            "rate".to_owned(),
            report
                .rate
                .map_or_else(String::new, |rate| rate.to_string()),
        ),
        ("commands".to_owned(), report.commands().to_string()),
        ("answered".to_owned(), report.answered.to_string()),
        ("failed".to_owned(), report.failed.to_string()),
        ("mismatched".to_owned(), report.mismatched.to_string()),
        ("late".to_owned(), report.late.to_string()),
        (
            "elapsed_ms".to_owned(),
            format!("{:.3}", report.elapsed.as_secs_f64() * 1e3),
        ),
        (
            "commands_per_second".to_owned(),
            format!("{:.1}", report.commands_per_second()),
        ),
    ];
    for (name, quantiles) in times {
        let values = [
            ("p50", quantiles.p50),
            ("p90", quantiles.p90),
            ("p99", quantiles.p99),
            ("p999", quantiles.p999),
            ("max", quantiles.max),
        ];
        columns.extend(
            values.map(|(quantile, time)| (format!("{name}_{quantile}_us"), format!("{time:.1}"))),
        );
    }
    let (names, numbers): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
    format!("{}\n{}\n", names.join(","), numbers.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::bench::report::tests::report;

    #[test]
    fn has_a_number_for_each_name() {
        let text = render(&report());
        let lines: Vec<Vec<_>> = text.lines().map(|line| line.split(',').collect()).collect();
        assert_eq!((lines.len(), lines[0].len()), (2, lines[1].len()));
        let of = |name| lines[1][lines[0].iter().position(|other| *other == name).unwrap()];
        assert_eq!(of("answered"), "2000");
        assert_eq!(of("rate"), "");
        assert_eq!(of("round_trip_p999_us"), "3249.4");
    }
}
