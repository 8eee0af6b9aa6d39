//! The numbers that commands are made of: of every size, with every sign, and with digits in every place. It knows
//! nothing of commands.

use robot::{Finite, Mode, State};

const DISTANCES: [f64; 16] = [
    1.0,
    -2.5,
    100.0,
    0.1,
    1e-300,
    1e15,
    -5e-324,
    12.345678901234567,
    1e300,
    0.0,
    -1e-5,
    3e5,
    2.2250738585072014e-308,
    1.7976931348623157e308,
    -0.7,
    1e22,
];

/// Headings and angles where sines and cosines are hard: the quadrants' edges and beside them, and from the smallest to
/// the largest double.
pub(super) const ANGLES: [f64; 28] = [
    90.0,
    -90.0,
    45.0,
    1.0,
    0.1,
    -137.50776405003785,
    360.0,
    720.5,
    1e-300,
    5e-324,
    89.99999999999999,
    90.00000000000001,
    179.99999999999997,
    180.00000000000003,
    269.99999999999994,
    1e5,
    -123456.789,
    1e10,
    4503599627370497.5,
    1e16,
    9007199254740993.0,
    1e22,
    -1e50,
    1e300,
    1.7976931348623157e308,
    -1.7976931348623157e308,
    2.2250738585072014e-308,
    57.29577951308232,
];

pub(super) fn distance(index: usize) -> Finite {
    finite(DISTANCES[index % DISTANCES.len()])
}

pub(super) fn angle(index: usize) -> Finite {
    finite(ANGLES[index % ANGLES.len()])
}

pub(super) fn mode(index: usize) -> Mode {
    Mode::ALL[index % Mode::ALL.len()]
}

/// A state of its own for each index, with digits in every part of its numbers.
pub(super) fn state(index: usize) -> State {
    let number = index as f64;
    State {
        x: finite(number * 0.1),
        y: finite(number * -0.3),
        heading_degrees: finite(number * 0.7),
        mode: mode(index),
    }
}

pub(super) fn finite(value: f64) -> Finite {
    Finite::new(value).expect("the numbers are finite")
}
