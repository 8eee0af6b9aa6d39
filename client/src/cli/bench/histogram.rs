//! A distribution of times, drawn with characters.

use super::text::bar;
use super::times::Step;
use crate::cli::words::grouped;

/// A line a step.
pub(super) fn render(steps: &[Step]) -> String {
    let most = steps
        .iter()
        .map(|step| step.count)
        .max()
        .unwrap_or_default();
    let mut text = String::new();
    for Step { from, to, count } in steps {
        let line = format!(
            "{:>7} to {:>7} {:>11}  {}",
            time(*from),
            time(*to),
            grouped(*count),
            bar(*count, most)
        );
        text += line.trim_end();
        text.push('\n');
    }
    text
}

/// Of a round number of nanoseconds, in the largest unit that leaves it whole.
fn time(nanos: u64) -> String {
    for (unit, nanos_of_unit) in [("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000)] {
        if nanos > 0 && nanos.is_multiple_of(nanos_of_unit) {
            return format!("{} {unit}", nanos / nanos_of_unit);
        }
    }
    format!("{nanos} ns")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_a_line_for_each_step() {
        let step = |from, to, count| Step { from, to, count };
        let drawn = render(&[
            step(500_000, 1_000_000, 4),
            step(1_000_000, 2_000_000, 0),
            step(2_000_000, 5_000_000, 1),
        ]);
        let expected = " 500 us to    1 ms           4  ████████████████████████████████████████
   1 ms to    2 ms           0
   2 ms to    5 ms           1  ██████████
";
        assert_eq!(drawn, expected);
        assert_eq!(time(0), "0 ns");
        assert_eq!(time(20_000_000_000), "20 s");
    }
}
