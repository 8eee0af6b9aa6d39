//! The vectors of `golden.txt`, bit for bit, so that no compiler, platform or version of libm
//! changes a result unnoticed.
//!
//! To add one, write a line with `?` for its last column, run `ROBOT_GOLDEN_WRITE=1 cargo test -p
//! robot --test golden`, and read the difference before you commit it. A changed result of an old
//! line means a new `SEMANTICS_VERSION`.

use std::{env, fs};

use robot::script::parse;
use robot::{Command, Finite, Mode, State, apply};

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden.txt");
const VECTORS_MIN: usize = 60;

#[test]
fn every_vector_gives_its_bits() {
    let golden = fs::read_to_string(PATH).unwrap();
    let computed: Vec<String> = golden.lines().map(computed).collect();
    if env::var_os("ROBOT_GOLDEN_WRITE").is_some() {
        fs::write(PATH, computed.join("\n") + "\n").unwrap();
        return;
    }
    for (line, computed) in golden.lines().zip(&computed) {
        assert_eq!(line, computed);
    }
    let vectors = golden.lines().filter(|line| is_vector(line)).count();
    assert!(vectors >= VECTORS_MIN, "only {vectors} vectors in {PATH}");
}

fn is_vector(line: &str) -> bool {
    !line.is_empty() && !line.starts_with('#')
}

/// The line as it should be: bits and result computed anew from its readable numbers.
fn computed(line: &str) -> String {
    if !is_vector(line) {
        return line.to_owned();
    }
    let [before, times, program, _] = columns(line, " | ");
    let state = read_state(before);
    let times = times.parse().expect("a count in the second column");
    let actions = parse(program, 100)
        .expect("a script in the third column")
        .repeat(times);
    let command = Command {
        state,
        actions,
        with_events: false,
    };
    let outcome = apply(&command).expect("a program without overflow");
    let (before, after) = (printed(state), printed(outcome.state));
    format!("{before} | {times} | {program} | {after}")
}

fn read_state(text: &str) -> State {
    let [x, y, heading, mode] = columns(text, " ");
    let mode = Mode::from_name(mode).expect("a mode");
    State {
        x: read_number(x),
        y: read_number(y),
        heading_degrees: read_number(heading),
        mode,
    }
}

/// Reads `90` or `90:4056800000000000`; the bits are not trusted but compared, with the whole line.
fn read_number(text: &str) -> Finite {
    let decimal = text
        .split(':')
        .next()
        .and_then(|decimal| decimal.parse().ok());
    decimal.and_then(Finite::new).expect("a finite number")
}

fn printed(state: State) -> String {
    let State {
        x,
        y,
        heading_degrees,
        mode,
    } = state;
    let [x, y, heading] =
        [x, y, heading_degrees].map(|it| format!("{it}:{:016x}", it.get().to_bits()));
    format!("{x} {y} {heading} {mode}")
}

fn columns<'a, const N: usize>(text: &'a str, separator: &str) -> [&'a str; N] {
    let columns: Vec<&str> = text.split(separator).collect();
    columns
        .try_into()
        .unwrap_or_else(|_| panic!("{text:?} has not {N} columns"))
}
