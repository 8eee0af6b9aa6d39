//! What each action does to the state and reports, by tables; and what an overflow leaves behind.

use std::f64::consts::FRAC_1_SQRT_2;

use Action::{Move, SetMode, Start, Stop, Turn};
use robot::{Action, Command, Event, Finite, Mode, Outcome, Rejection, State, advance, apply};

fn finite(value: f64) -> Finite {
    Finite::new(value).expect("a finite number")
}

fn state(x: f64, y: f64, heading: f64, mode: Mode) -> State {
    State {
        x: finite(x),
        y: finite(y),
        heading_degrees: finite(heading),
        mode,
    }
}

fn check(before: State, action: Action, after: State, event: Event) {
    let mut command = Command {
        state: before,
        actions: vec![action],
        with_events: false,
    };
    let silent = Outcome {
        state: after,
        events: vec![],
        applied: 1,
    };
    assert_eq!(apply(&command), Ok(silent), "{action}");
    command.with_events = true;
    let reported = Outcome {
        state: after,
        events: vec![event],
        applied: 1,
    };
    assert_eq!(apply(&command), Ok(reported), "{action}, with events");
}

#[test]
fn a_move_goes_along_the_heading() {
    let check = |heading: f64, distance: f64, x: f64, y: f64| {
        check(
            state(1.0, 2.0, heading, Mode::Soap),
            Move {
                distance: finite(distance),
            },
            state(x, y, heading, Mode::Soap),
            Event::Moved {
                x: finite(x),
                y: finite(y),
            },
        );
    };
    check(0.0, 100.0, 101.0, 2.0);
    check(0.0, -1.0, 0.0, 2.0);
    check(0.0, 0.0, 1.0, 2.0);
    check(90.0, 10.0, 1.0 + 10.0 * 6.123233995736766e-17, 12.0);
    check(180.0, 10.0, -9.0, 2.0 + 10.0 * 1.2246467991473532e-16);
    check(-90.0, 2.0, 1.0 + 2.0 * 6.123233995736766e-17, 0.0);
    check(
        45.0,
        2.0,
        1.0 + 2.0 * FRAC_1_SQRT_2,
        2.0 + 2.0 * FRAC_1_SQRT_2,
    );
}

#[test]
fn a_turn_adds_to_the_heading_and_never_normalises_it() {
    let check = |heading: f64, angle: f64, after: f64| {
        check(
            state(1.0, 2.0, heading, Mode::Brush),
            Turn {
                angle_degrees: finite(angle),
            },
            state(1.0, 2.0, after, Mode::Brush),
            Event::Turned {
                heading_degrees: finite(after),
            },
        );
    };
    check(0.0, 90.0, 90.0);
    check(350.0, 20.0, 370.0);
    check(-350.0, -20.0, -370.0);
    check(90.0, -90.0, 0.0);
    check(0.1, 0.2, 0.30000000000000004);
    check(1e15, 0.1, 1000000000000000.1);
    check(1e300, 1.0, 1e300);
}

#[test]
fn a_set_changes_the_mode_only() {
    for before in Mode::ALL {
        for mode in Mode::ALL {
            let (before, after) = (state(1.0, 2.0, 3.0, before), state(1.0, 2.0, 3.0, mode));
            check(before, SetMode { mode }, after, Event::ModeSet { mode });
        }
    }
}

#[test]
fn start_and_stop_change_nothing() {
    for mode in Mode::ALL {
        let state = state(1.0, 2.0, 3.0, mode);
        check(state, Start, state, Event::Started { mode });
        check(state, Stop, state, Event::Stopped);
    }
}

#[test]
fn an_empty_program_gives_the_state_back() {
    let state = state(1.0, 2.0, 3.0, Mode::Brush);
    for with_events in [false, true] {
        let command = Command {
            state,
            actions: vec![],
            with_events,
        };
        assert_eq!(apply(&command), Ok(Outcome::start(&command)));
        assert_eq!(
            advance(&mut Outcome::start(&command), &command, 1),
            Ok(false)
        );
    }
}

#[test]
fn an_overflow_rejects_the_whole_command_and_leaves_the_outcome_as_it_was() {
    let most = finite(f64::MAX);
    let check = |before: State, action: Action, field: &'static str| {
        let actions = vec![Start, Stop, action];
        let command = Command {
            state: before,
            actions,
            with_events: true,
        };
        let overflow = Rejection::Overflow { field, action: 2 };
        assert_eq!(apply(&command), Err(overflow.clone()));

        let mut outcome = Outcome::start(&command);
        assert_eq!(advance(&mut outcome, &command, 1), Ok(true));
        let after_start = outcome.clone();
        assert_eq!(advance(&mut outcome, &command, 2), Err(overflow));
        assert_eq!(outcome, after_start);
    };
    check(
        state(f64::MAX, 0.0, 0.0, Mode::Water),
        Move { distance: most },
        "x",
    );
    check(
        state(-f64::MAX, 0.0, 180.0, Mode::Water),
        Move { distance: most },
        "x",
    );
    check(
        state(0.0, f64::MAX, 90.0, Mode::Water),
        Move { distance: most },
        "y",
    );
    check(
        state(0.0, 0.0, f64::MAX, Mode::Water),
        Turn {
            angle_degrees: most,
        },
        "heading_degrees",
    );
}

#[test]
fn a_slice_of_none_applies_none() {
    let command = Command {
        actions: vec![Start],
        ..Command::default()
    };
    let mut outcome = Outcome::start(&command);
    assert_eq!(advance(&mut outcome, &command, 0), Ok(true));
    assert_eq!(outcome, Outcome::start(&command));
    assert_eq!(advance(&mut outcome, &command, 1), Ok(false));
    assert_eq!(
        advance(&mut outcome, &command, 1),
        Ok(false),
        "there is nothing after the end"
    );
    assert_eq!(outcome.applied, 1);
}
