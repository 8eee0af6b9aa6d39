//! A small seeded generator, so that the long tests try the same inputs on every machine.

use robot::Finite;

/// SplitMix64: every seed gives its own fixed sequence.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A whole number from 0 to `end` - 1, near enough to even.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.bits() % end
    }

    /// From -1 to 1 with a full mantissa.
    fn fraction(&mut self) -> f64 {
        self.bits() as i64 as f64 / i64::MAX as f64
    }

    /// A number of any kind that programs hold, from round angles to the very large and very small;
    /// sums of a few hundred of them stay finite.
    pub(crate) fn number(&mut self) -> Finite {
        let value = match self.below(8) {
            0 => self.below(721) as f64 - 360.0,
            1 => (self.below(33) as f64 - 16.0) * 45.0,
            2 => (self.below(20_001) as f64 - 10_000.0) / 10.0,
            3 | 4 => self.fraction() * 1000.0,
            5 => self.fraction() * 1e15,
            6 => self.fraction() * 1e-300,
            _ => self.fraction() * 2f64.powi(self.below(1990) as i32 - 1070),
        };
        Finite::new(value).expect("every kind is finite")
    }
}
