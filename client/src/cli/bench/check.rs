//! Compares a result with what it must be, bit for bit, and puts into words what is wrong with it.

use robot_api::v1;
use robot_api::v1::robot_result::Outcome;

use crate::cli::show::error_text;

/// What a result is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The same bits.
    Same,
    /// The server rejected the command.
    Failed,
    /// Other bits, or no outcome at all.
    Differs,
}

/// Compares all of a result but its execution.
pub(crate) fn verdict(expected: &v1::RobotResult, result: &v1::RobotResult) -> Verdict {
    let v1::RobotResult {
        id,
        outcome,
        events,
        execution: _,
    } = result;
    let same = match (&expected.outcome, outcome) {
        (_, Some(Outcome::Error(_))) => return Verdict::Failed,
        (Some(Outcome::State(expected)), Some(Outcome::State(state))) => {
            same_state(expected, state)
        }
        _ => false,
    };
    // No command asks for events.
    match same && *id == expected.id && events.is_empty() {
        true => Verdict::Same,
        false => Verdict::Differs,
    }
}

fn same_state(expected: &v1::RobotState, state: &v1::RobotState) -> bool {
    let bits = |state: &v1::RobotState| {
        let v1::RobotState {
            x,
            y,
            heading_degrees,
            mode,
        } = *state;
        ([x, y, heading_degrees].map(f64::to_bits), mode)
    };
    bits(expected) == bits(state)
}

/// What is wrong with a result that is not [`Verdict::Same`], for people.
pub(crate) fn complaint(expected: Option<&v1::RobotResult>, result: &v1::RobotResult) -> String {
    let id = result.id;
    let Some(expected) = expected else {
        return format!("result {id} is of a command that was not waited for");
    };
    match &result.outcome {
        None => format!("command {id} was answered with neither a state nor an error"),
        Some(Outcome::Error(error)) => format!("command {id} failed: {}", error_text(error)),
        Some(Outcome::State(state)) => {
            let expected = match &expected.outcome {
                Some(Outcome::State(expected)) => state_text(expected),
                _ => "an error".to_owned(),
            };
            let events = result.events.len();
            let state = state_text(state);
            format!(
                "command {id} gave {state} and {events} events; it must give {expected} and 0 events"
            )
        }
    }
}

/// `{:?}` prints as many digits as the bits need.
fn state_text(state: &v1::RobotState) -> String {
    let v1::RobotState {
        x,
        y,
        heading_degrees,
        mode,
    } = state;
    format!("x {x:?}, y {y:?}, heading {heading_degrees:?}, mode {mode}")
}

#[cfg(test)]
mod tests {
    use robot_api::v1::command_error::{Location, Reason};

    use super::*;

    fn result(x: f64, mode: i32) -> v1::RobotResult {
        let state = v1::RobotState {
            x,
            mode,
            ..Default::default()
        };
        v1::RobotResult {
            id: 7,
            outcome: Some(Outcome::State(state)),
            ..Default::default()
        }
    }

    #[test]
    fn compares_bits() {
        let expected = result(0.1, 1);
        let check = |result: &v1::RobotResult, verdict_expected| {
            assert_eq!(verdict(&expected, result), verdict_expected, "{result:?}");
        };
        let executed = v1::RobotResult {
            execution: Some(v1::Execution::default()),
            ..result(0.1, 1)
        };
        check(&executed, Verdict::Same);
        check(&result(0.1_f64.next_up(), 1), Verdict::Differs);
        check(&result(0.1, 2), Verdict::Differs);
        check(
            &v1::RobotResult {
                id: 8,
                ..result(0.1, 1)
            },
            Verdict::Differs,
        );
        check(
            &v1::RobotResult {
                outcome: None,
                ..result(0.1, 1)
            },
            Verdict::Differs,
        );
        let events = vec![v1::Event::default()];
        check(
            &v1::RobotResult {
                events,
                ..result(0.1, 1)
            },
            Verdict::Differs,
        );
        assert_eq!(verdict(&result(0.0, 1), &result(-0.0, 1)), Verdict::Differs);
    }

    #[test]
    fn shows_the_reason_the_message_and_the_place_of_a_rejection() {
        let rejected = v1::RobotResult {
            outcome: Some(Outcome::Error(v1::CommandError {
                reason: Reason::TooManyActions.into(),
                message: "at most 3 are allowed".to_owned(),
                location: Some(Location::ActionIndex(3)),
            })),
            ..result(0.0, 1)
        };
        assert_eq!(verdict(&result(0.0, 1), &rejected), Verdict::Failed);
        assert_eq!(
            complaint(Some(&result(0.0, 1)), &rejected),
            "command 7 failed: REASON_TOO_MANY_ACTIONS: at most 3 are allowed (action 3)"
        );
    }

    #[test]
    fn shows_every_digit_of_a_difference() {
        assert_eq!(
            complaint(Some(&result(0.1, 1)), &result(0.1_f64.next_up(), 1)),
            "command 7 gave x 0.10000000000000002, y 0.0, heading 0.0, mode 1 and 0 events; \
             it must give x 0.1, y 0.0, heading 0.0, mode 1 and 0 events"
        );
    }
}
