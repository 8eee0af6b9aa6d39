//! Conditions on a run's numbers, such as `p99>5ms`. It knows nothing of how the numbers come about.

use std::fmt;
use std::str::FromStr;

use super::report::Report;

/// The run fails if it holds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Threshold {
    text: String,
    metric: Metric,
    above: bool,
    value: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Metric {
    P50,
    P90,
    P99,
    P999,
    Max,
    Rate,
    Failed,
    Late,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum Malformed {
    #[error("it must be METRIC>VALUE or METRIC<VALUE, such as p99>5ms")]
    NoComparison,
    #[error("the metric is {0:?}; it must be p50, p90, p99, p999, max, rate, failed or late")]
    Metric(String),
    #[error("the value is {0:?}; it must be a time with its unit, such as 5ms")]
    Time(String),
    #[error("the value is {0:?}; it must be a number that is not negative")]
    Number(String),
}

impl FromStr for Threshold {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let at = text.find(['<', '>']).ok_or(Malformed::NoComparison)?;
        let (name, value) = (text[..at].trim(), text[at + 1..].trim());
        let metric = Metric::from_name(name).ok_or_else(|| Malformed::Metric(name.to_owned()))?;
        let value = match metric.is_time() {
            true => humantime::parse_duration(value)
                .map_err(|_reason| Malformed::Time(value.to_owned()))?
                .as_secs_f64(),
            false => value
                .parse()
                .ok()
                .filter(|value: &f64| value.is_finite() && *value >= 0.0)
                .ok_or_else(|| Malformed::Number(value.to_owned()))?,
        };
        Ok(Self {
            text: text.to_owned(),
            metric,
            above: text[at..].starts_with('>'),
            value,
        })
    }
}

impl Threshold {
    /// What to say if it holds.
    pub(crate) fn failure(&self, report: &Report) -> Option<String> {
        let value = self.metric.of(report);
        let holds = match self.above {
            true => value > self.value,
            false => value < self.value,
        };
        let value = match self.metric.is_time() {
            true => format!("{:.3} ms", value * 1e3),
            false => format!("{value:.0}"),
        };
        holds.then(|| format!("threshold failed: {self}: it is {value}"))
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl Metric {
    fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "p50" => Self::P50,
            "p90" => Self::P90,
            "p99" => Self::P99,
            "p999" => Self::P999,
            "max" => Self::Max,
            "rate" => Self::Rate,
            "failed" => Self::Failed,
            "late" => Self::Late,
            _ => return None,
        })
    }

    fn is_time(self) -> bool {
        !matches!(self, Self::Rate | Self::Failed | Self::Late)
    }

    /// Times in seconds.
    fn of(self, report: &Report) -> f64 {
        let times = &report.round_trip_us;
        match self {
            Self::P50 => times.p50 / 1e6,
            Self::P90 => times.p90 / 1e6,
            Self::P99 => times.p99 / 1e6,
            Self::P999 => times.p999 / 1e6,
            Self::Max => times.max / 1e6,
            Self::Rate => report.commands_per_second(),
            Self::Failed => (report.failed + report.mismatched) as f64,
            Self::Late => report.late as f64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::bench::report::tests::report;

    #[test]
    fn says_which_one_failed_and_with_what_value() {
        let failure = |text: &str| text.parse::<Threshold>().unwrap().failure(&report());
        assert_eq!(
            failure("p99 > 2ms").as_deref(),
            Some("threshold failed: p99 > 2ms: it is 2.437 ms")
        );
        assert_eq!(failure("p99>3ms"), None);
        assert_eq!(
            failure("rate<600000").as_deref(),
            Some("threshold failed: rate<600000: it is 500000")
        );
        assert_eq!(failure("failed>0"), None);
        assert_eq!(failure("late<1").map(|_| ()), Some(()));
    }

    #[test]
    fn says_what_is_wrong_with_one() {
        let check = |text: &str, expected: &str| {
            let error = text.parse::<Threshold>().unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        };
        check("p99", "METRIC>VALUE");
        check("p98>5ms", "p999, max");
        check("p99>5", "5ms");
        check("p99>=5ms", "5ms");
        check("rate<-1", "not negative");
        check("rate<NaN", "not negative");
    }
}
