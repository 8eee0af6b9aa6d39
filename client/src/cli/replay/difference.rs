//! What differs between two results, field by field, numbers by their bits.

use robot_api::v1;
use robot_api::v1::robot_result::Outcome;

use crate::cli::show::{error_text, event_text};

/// A line for each difference; ids and executions are left out.
pub(super) fn differences(recorded: &v1::RobotResult, replayed: &v1::RobotResult) -> Vec<String> {
    let mut lines = match (&recorded.outcome, &replayed.outcome) {
        (Some(Outcome::State(recorded)), Some(Outcome::State(replayed))) => {
            states(recorded, replayed)
        }
        (Some(Outcome::Error(recorded)), Some(Outcome::Error(replayed))) => {
            let v1::CommandError {
                reason,
                message: _,
                location,
            } = recorded;
            match (reason, location) == (&replayed.reason, &replayed.location) {
                true => Vec::new(),
                false => vec![line("error", &error_text(recorded), &error_text(replayed))],
            }
        }
        (recorded, replayed) => {
            vec![line(
                "outcome",
                &outcome_text(recorded),
                &outcome_text(replayed),
            )]
        }
    };
    lines.extend(events(&recorded.events, &replayed.events));
    lines
}

fn states(recorded: &v1::RobotState, replayed: &v1::RobotState) -> Vec<String> {
    let numbers = |state: &v1::RobotState| {
        let v1::RobotState {
            x,
            y,
            heading_degrees,
            mode: _,
        } = *state;
        [("x", x), ("y", y), ("heading_degrees", heading_degrees)]
    };
    let pairs = numbers(recorded).into_iter().zip(numbers(replayed));
    let mut lines: Vec<_> = pairs
        .filter(|((_, recorded), (_, replayed))| recorded.to_bits() != replayed.to_bits())
        .map(|((name, recorded), (_, replayed))| line(name, &bits(recorded), &bits(replayed)))
        .collect();
    if recorded.mode != replayed.mode {
        lines.push(line(
            "mode",
            recorded.mode().as_str_name(),
            replayed.mode().as_str_name(),
        ));
    }
    lines
}

/// The first event that differs: those after it mostly do too.
fn events(recorded: &[v1::Event], replayed: &[v1::Event]) -> Option<String> {
    let (recorded_count, replayed_count) = (recorded.len(), replayed.len());
    if recorded_count != replayed_count {
        let text = |count| format!("{count} of them");
        return Some(line("events", &text(recorded_count), &text(replayed_count)));
    }
    let mut pairs = recorded.iter().zip(replayed).enumerate();
    let (index, (recorded, replayed)) = pairs.find(|(_, (a, b))| encoded(a) != encoded(b))?;
    let name = format!("event {index}");
    Some(line(&name, &event_text(recorded), &event_text(replayed)))
}

/// Equal if all bits are.
fn encoded(event: &v1::Event) -> Vec<u8> {
    prost::Message::encode_to_vec(event)
}

fn line(name: &str, recorded: &str, replayed: &str) -> String {
    format!("{name}: recorded {recorded}, replayed {replayed}")
}

fn bits(number: f64) -> String {
    format!("{number:?} ({:016x})", number.to_bits())
}

fn outcome_text(outcome: &Option<Outcome>) -> String {
    match outcome {
        Some(Outcome::State(_)) => "a state".to_owned(),
        Some(Outcome::Error(error)) => error_text(error),
        None => "nothing".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use robot_api::v1::command_error::{Location, Reason};

    use super::*;

    fn state(x: f64, mode: i32) -> Option<Outcome> {
        Some(Outcome::State(v1::RobotState {
            x,
            mode,
            ..Default::default()
        }))
    }

    fn error(reason: Reason, message: &str, index: u32) -> Option<Outcome> {
        Some(Outcome::Error(v1::CommandError {
            reason: reason.into(),
            message: message.to_owned(),
            location: Some(Location::ActionIndex(index)),
        }))
    }

    fn check(recorded: Option<Outcome>, replayed: Option<Outcome>, expected: &[&str]) {
        let result = |outcome| v1::RobotResult {
            outcome,
            ..Default::default()
        };
        assert_eq!(differences(&result(recorded), &result(replayed)), expected);
    }

    #[test]
    fn names_each_field_that_differs() {
        check(state(0.1, 1), state(0.1, 1), &[]);
        check(
            state(0.1, 1),
            state(0.1_f64.next_up(), 2),
            &[
                "x: recorded 0.1 (3fb999999999999a), replayed 0.10000000000000002 (3fb999999999999b)",
                "mode: recorded CLEANING_MODE_WATER, replayed CLEANING_MODE_SOAP",
            ],
        );
        check(
            state(0.0, 1),
            None,
            &["outcome: recorded a state, replayed nothing"],
        );
    }

    #[test]
    fn errors_are_the_same_by_reason_and_place() {
        let recorded = || error(Reason::Overflow, "x grew", 1);
        check(
            recorded(),
            error(Reason::Overflow, "said otherwise", 1),
            &[],
        );
        check(
            recorded(),
            error(Reason::Overflow, "x grew", 2),
            &["error: recorded REASON_OVERFLOW: x grew (action 1), \
               replayed REASON_OVERFLOW: x grew (action 2)"],
        );
    }

    #[test]
    fn the_first_event_that_differs_is_shown() {
        let moved = |x| v1::Event {
            kind: Some(v1::event::Kind::Moved(v1::Moved { x, y: 0.0 })),
        };
        let result = |events: &[f64]| v1::RobotResult {
            outcome: state(0.0, 1),
            events: events.iter().copied().map(moved).collect(),
            ..Default::default()
        };
        let found = differences(&result(&[1.0, 2.0]), &result(&[1.0, 3.0]));
        assert_eq!(found, ["event 1: recorded x 2, y 0, replayed x 3, y 0"]);
        let found = differences(&result(&[1.0]), &result(&[]));
        assert_eq!(found, ["events: recorded 1 of them, replayed 0 of them"]);
    }
}
