//! A number that is always usable: [`Finite`], the type of every coordinate, distance and angle.
//!
//! It is here so that the check happens once, where a number enters, and no later step has to think
//! of NaN, infinities or the sign of zero. It must not know what a number stands for.

use core::fmt;

/// A double that is never NaN, never infinite and never -0.0, so equality of two is equality of
/// their bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Finite(f64);

impl Finite {
    /// Zero; there is only +0.0.
    pub const ZERO: Finite = Finite(0.0);

    /// Wraps `value`, with -0.0 becoming +0.0; `None` if it is NaN or infinite.
    pub const fn new(value: f64) -> Option<Finite> {
        // Adding +0.0 changes -0.0 into +0.0 and nothing else.
        if value.is_finite() {
            Some(Finite(value + 0.0))
        } else {
            None
        }
    }

    /// The number itself.
    pub const fn get(self) -> f64 {
        self.0
    }

    /// The sum, rounded once; `None` if it overflows or `addend` is not finite.
    pub(crate) fn plus(self, addend: f64) -> Option<Finite> {
        // Invariant: a sum is -0.0 only if both of its terms are, and `self` never is, so nothing
        // needs normalising.
        let sum = self.0 + addend;
        sum.is_finite().then_some(Finite(sum))
    }
}

/// The shortest decimal text that scripts read back as the same bits, at most 24 bytes long: `100`,
/// `-12.5`, `1e300`.
impl fmt::Display for Finite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let magnitude = self.0.abs();
        if magnitude == 0.0 || (1e-5..1e16).contains(&magnitude) {
            fmt::Display::fmt(&self.0, f)
        } else {
            fmt::LowerExp::fmt(&self.0, f)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn refuses_what_is_not_finite_and_drops_the_sign_of_zero() {
        for value in [f64::NAN, -f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(Finite::new(value), None, "{value}");
        }
        for value in [0.0, -0.0] {
            assert_eq!(Finite::new(value).unwrap().get().to_bits(), 0, "{value}");
        }
        for value in [f64::MIN, f64::MAX, f64::MIN_POSITIVE, 5e-324, -5e-324, 0.1] {
            assert_eq!(
                Finite::new(value).unwrap().get().to_bits(),
                value.to_bits(),
                "{value}"
            );
        }
    }

    #[test]
    fn no_sum_is_minus_zero() {
        for (term, addend) in [
            (0.0, -0.0),
            (1.5, -1.5),
            (-1.5, 1.5),
            (5e-324, -5e-324),
            (-0.0, -0.0),
        ] {
            let sum = Finite::new(term).unwrap().plus(addend).unwrap();
            assert_eq!(sum.get().to_bits(), 0, "{term} + {addend}");
        }
        assert_eq!(Finite(f64::MAX).plus(f64::MAX), None);
        assert_eq!(Finite::ZERO.plus(f64::NAN), None);
    }

    #[test]
    fn prints_short_numbers() {
        let check =
            |value: f64, text: &str| assert_eq!(Finite::new(value).unwrap().to_string(), text);
        check(-0.0, "0");
        check(100.0, "100");
        check(-12.5, "-12.5");
        check(0.1, "0.1");
        check(1e-5, "0.00001");
        check(9.9e-6, "9.9e-6");
        check(9_999_999_999_999_998.0, "9999999999999998");
        check(1e16, "1e16");
        check(1e300, "1e300");
        check(5e-324, "5e-324");
        check(f64::MIN, "-1.7976931348623157e308");
    }
}
