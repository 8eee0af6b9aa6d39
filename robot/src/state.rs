//! What a robot is between two actions: [`State`] and the cleaning [`Mode`] in it.
//!
//! It is here as the value that goes into a command and comes out of it. It must not know which
//! actions change it.

use core::fmt;

use crate::Finite;

/// Where a robot is, where it looks and what it cleans with. The default is the initial state: 0,
/// 0, 0, water.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct State {
    /// Position along the x axis, in the caller's unit of length.
    pub x: Finite,
    /// Position along the y axis, in the same unit.
    pub y: Finite,
    /// Degrees counter-clockwise from the x axis; never brought back into one circle.
    pub heading_degrees: Finite,
    /// What it cleans with.
    pub mode: Mode,
}

/// What a robot cleans with. The discriminants are the numbers that the wire format uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Mode {
    /// Clear water, the initial mode.
    #[default]
    Water = 1,
    /// Water with soap.
    Soap = 2,
    /// The brush.
    Brush = 3,
}

impl Mode {
    /// Every mode, in the order of their numbers.
    pub const ALL: [Mode; 3] = [Mode::Water, Mode::Soap, Mode::Brush];

    /// The mode that prints as `name`, exactly: lower case, no spaces.
    pub fn from_name(name: &str) -> Option<Mode> {
        Mode::ALL.into_iter().find(|mode| mode.name() == name)
    }

    const fn name(self) -> &'static str {
        match self {
            Mode::Water => "water",
            Mode::Soap => "soap",
            Mode::Brush => "brush",
        }
    }
}

/// The word that scripts use: `water`, `soap` or `brush`.
impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn modes_keep_their_numbers_and_names() {
        let table = [
            (Mode::Water, 1, "water"),
            (Mode::Soap, 2, "soap"),
            (Mode::Brush, 3, "brush"),
        ];
        assert_eq!(table.map(|(mode, _, _)| mode), Mode::ALL);
        for (mode, number, name) in table {
            assert_eq!(mode as u8, number);
            assert_eq!(mode.to_string(), name);
            assert_eq!(Mode::from_name(name), Some(mode));
        }
        for name in ["", "Water", " soap", "1"] {
            assert_eq!(Mode::from_name(name), None, "{name:?}");
        }
    }
}
