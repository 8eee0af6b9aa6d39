//! What each rejection says, word for word, and where it points.

use robot::script::{Position, parse};
use robot::{Location, Rejection};

fn check(rejection: Rejection, location: Option<Location>, message: &str) {
    assert_eq!(rejection.to_string(), message);
    assert_eq!(rejection.location(), location, "{message}");
    assert!(message.len() <= 160, "{message}");
}

#[test]
fn says_what_is_wrong_with_the_command() {
    check(
        Rejection::StateMissing,
        None,
        "state is missing, expected one in every command (an empty one is the initial state)",
    );
    check(
        Rejection::ActionsAndScript,
        None,
        "both actions and script are set, expected at most one of them",
    );
    check(
        Rejection::TooManyActions { max: 10_000 },
        None,
        "too many actions, expected at most 10000 in one command",
    );
}

#[test]
fn says_which_number_is_not_finite() {
    check(
        Rejection::NotFinite {
            field: "heading_degrees",
            value: f64::NAN,
            action: None,
        },
        None,
        "state: heading_degrees is NaN, expected a finite number",
    );
    check(
        Rejection::NotFinite {
            field: "distance",
            value: f64::NEG_INFINITY,
            action: Some(3),
        },
        Some(Location::Action(3)),
        "actions[3]: distance is -inf, expected a finite number",
    );
}

#[test]
fn says_which_mode_or_action_is_unknown() {
    check(
        Rejection::ModeUnknown {
            found: 7,
            action: None,
        },
        None,
        "state: mode is 7, expected 1 (water), 2 (soap) or 3 (brush)",
    );
    check(
        Rejection::ModeUnknown {
            found: -1,
            action: Some(0),
        },
        Some(Location::Action(0)),
        "actions[0]: mode is -1, expected 1 (water), 2 (soap) or 3 (brush)",
    );
    check(
        Rejection::ActionUnknown { action: 5 },
        Some(Location::Action(5)),
        "actions[5]: no known action is set, expected move, turn, set_mode, start or stop",
    );
}

#[test]
fn says_what_would_overflow() {
    check(
        Rejection::Overflow {
            field: "heading_degrees",
            action: 12,
        },
        Some(Location::Action(12)),
        "actions[12]: heading_degrees would overflow, \
         expected a result between -1.79e308 and 1.79e308",
    );
}

#[test]
fn the_longest_quotations_fit_into_a_message() {
    let longest_escapes = "\u{10ffff}".repeat(24);
    for before in ["", "move ", "set ", "start "] {
        let text = format!("{before}{longest_escapes}");
        let Err(Rejection::Script(mut error)) = parse(&text, 10) else {
            panic!("{text:?} has no script error");
        };
        error.position = Position {
            line: u32::MAX,
            column: u32::MAX,
        };
        let message = error.to_string();
        assert!(message.len() <= 160, "{} bytes: {message}", message.len());
        assert!(message.contains(r#"\u{10ffff}"...,"#), "{message}");
    }
}
