//! A distribution of times in bounded memory. It knows nothing of what took the time.

use hdrhistogram::Histogram;

/// Longer times count as this: an hour.
const NANOS_MAX: u64 = 3_600_000_000_000;
/// Three digits: a quantile is at most 0.1 % off.
const DIGITS: u8 = 3;

/// Times, recorded in nanoseconds.
#[derive(Debug)]
pub(crate) struct Times {
    nanos: Histogram<u64>,
}

/// Of a distribution, in microseconds. All are 0 if nothing was recorded.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Quantiles {
    pub(crate) p50: f64,
    pub(crate) p90: f64,
    pub(crate) p99: f64,
    pub(crate) p999: f64,
    pub(crate) max: f64,
}

/// So many took so long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Step {
    /// In nanoseconds.
    pub(crate) from: u64,
    /// In nanoseconds; it is not included.
    pub(crate) to: u64,
    pub(crate) count: u64,
}

impl Default for Times {
    fn default() -> Self {
        let nanos = Histogram::new_with_bounds(1, NANOS_MAX, DIGITS);
        Self {
            nanos: nanos.expect("the bounds are in order and the digits at most 5"),
        }
    }
}

impl Times {
    pub(crate) fn record(&mut self, nanos: u64) {
        self.nanos.saturating_record(nanos);
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        let merged = self.nanos.add(&other.nanos);
        merged.expect("all have the same bounds");
    }

    /// How many took at least the first time and less than the second, in nanoseconds, for times of 1, 2, 5, 10, 20 and
    /// so on: from the shortest that was recorded to the longest.
    pub(crate) fn steps(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut recorded = self.nanos.iter_recorded().peekable();
        let edges = (0..14).flat_map(|power| [1, 2, 5].map(|edge| edge * 10_u64.pow(power)));
        let mut from = 0;
        for to in edges {
            let mut count = 0;
            while let Some(value) = recorded.next_if(|value| value.value_iterated_to() < to) {
                count += value.count_since_last_iteration();
            }
            if count > 0 || !steps.is_empty() {
                steps.push(Step { from, to, count });
            }
            if recorded.peek().is_none() {
                break;
            }
            from = to;
        }
        steps
    }

    pub(crate) fn quantiles_us(&self) -> Quantiles {
        let at = |quantile| self.nanos.value_at_quantile(quantile) as f64 / 1000.0;
        Quantiles {
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            max: at(1.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_quantiles_in_microseconds() {
        let mut times = Times::default();
        assert_eq!(times.quantiles_us(), Quantiles::default());
        for nanos in 1..=100 {
            times.record(nanos * 10);
        }
        let expected = Quantiles {
            p50: 0.5,
            p90: 0.9,
            p99: 0.99,
            p999: 1.0,
            max: 1.0,
        };
        assert_eq!(times.quantiles_us(), expected);
    }

    #[test]
    fn sorts_times_into_steps_without_a_gap() {
        let mut times = Times::default();
        assert_eq!(times.steps(), []);
        for nanos in [1_100, 1_200, 7_000, 10_000] {
            times.record(nanos);
        }
        let steps = times.steps().into_iter();
        let steps: Vec<_> = steps.map(|step| (step.from, step.to, step.count)).collect();
        let expected = [
            (1_000, 2_000, 2),
            (2_000, 5_000, 0),
            (5_000, 10_000, 1),
            (10_000, 20_000, 1),
        ];
        assert_eq!(steps, expected);
    }

    #[test]
    fn takes_any_time() {
        let mut times = Times::default();
        times.record(0);
        times.record(u64::MAX);
        assert!(times.quantiles_us().max >= 3.6e9);
    }
}
