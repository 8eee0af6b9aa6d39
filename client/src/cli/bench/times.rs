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
    pub(crate) max: f64,
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

    pub(crate) fn quantiles_us(&self) -> Quantiles {
        let at = |quantile| self.nanos.value_at_quantile(quantile) as f64 / 1000.0;
        Quantiles {
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
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
            max: 1.0,
        };
        assert_eq!(times.quantiles_us(), expected);
    }

    #[test]
    fn takes_any_time() {
        let mut times = Times::default();
        times.record(0);
        times.record(u64::MAX);
        assert!(times.quantiles_us().max >= 3.6e9);
    }
}
