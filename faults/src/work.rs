//! The commands that are sent and what the pure library makes of them. Both follow from a command's id alone, so a
//! history needs to keep neither.

use robot::Rejection;
use robot_api::v1::action::Kind;
use robot_api::v1::command_error::Reason;
use robot_api::{v1, wire};

use crate::history::Answer;

/// No command here has more.
const ACTIONS_MAX: usize = 10_000;
/// Sine and cosine of so large a heading take their longest way.
const HEADING_OF_SLOW_COMMANDS: f64 = 1e300;
/// Some 50 microseconds of a core, in 1,400 bytes.
const MOVES_OF_SLOW_COMMANDS: usize = 200;
/// The largest results for the fewest bytes sent: a move of nothing is 4 bytes, its event 22.
const MOVES_OF_TALKATIVE_COMMANDS: usize = 20;

/// A turn and a move from a state that no other id has.
pub(crate) fn command(id: u64) -> v1::RobotCommand {
    let number = id as f64;
    let state = v1::RobotState {
        x: number * 0.1,
        y: number * -0.3,
        heading_degrees: number * 0.7,
        mode: (id % 3) as i32 + 1,
    };
    let turn = Kind::Turn(v1::Turn {
        angle_degrees: number * 0.01,
    });
    let step = Kind::Move(v1::Move { distance: 1.5 });
    v1::RobotCommand {
        id,
        state: Some(state),
        actions: [turn, step]
            .map(|kind| v1::Action { kind: Some(kind) })
            .into(),
        ..Default::default()
    }
}

/// The commands of some ids.
pub(crate) fn commands(ids: impl Iterator<Item = u64>) -> Vec<v1::RobotCommand> {
    ids.map(command).collect()
}

/// What must be the answer to the [`command`] of that id.
pub(crate) fn answer(id: u64) -> Answer {
    let command = command(id);
    let outcome: Result<_, Rejection> =
        wire::command_from(&command, ACTIONS_MAX).and_then(|pure| robot::apply(&pure));
    Answer::of(&wire::result_to(&command, outcome))
}

/// The same from a server that panics on multiples of `every`.
pub(crate) fn answer_with_poison(id: u64, every: u64) -> Answer {
    match id % every {
        0 => Answer::Error(Reason::Internal.into()),
        _ => answer(id),
    }
}

/// A command that takes a worker a while.
pub(crate) fn slow(id: u64) -> v1::RobotCommand {
    let state = v1::RobotState {
        heading_degrees: HEADING_OF_SLOW_COMMANDS,
        ..Default::default()
    };
    v1::RobotCommand {
        id,
        state: Some(state),
        script: "move 1;".repeat(MOVES_OF_SLOW_COMMANDS),
        ..Default::default()
    }
}

/// A command whose result is as large as its bytes allow.
pub(crate) fn talkative(id: u64) -> v1::RobotCommand {
    let kind = Some(Kind::Move(v1::Move::default()));
    // The event of a move holds the position, and leaves out what is 0.
    let state = v1::RobotState {
        x: 0.1,
        y: 0.2,
        ..Default::default()
    };
    v1::RobotCommand {
        id,
        state: Some(state),
        actions: vec![v1::Action { kind }; MOVES_OF_TALKATIVE_COMMANDS],
        with_events: true,
        ..Default::default()
    }
}

/// A command that holds `marker` as the server's eyes never see it: in a comment.
pub(crate) fn marked(id: u64, marker: &str) -> v1::RobotCommand {
    v1::RobotCommand {
        id,
        state: Some(v1::RobotState::default()),
        script: format!("# {marker}"),
        ..Default::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_id_has_a_state_of_its_own_and_so_an_answer_of_its_own() {
        for id in [0, 1, 2, 1000, 999_999] {
            assert!(matches!(answer(id), Answer::State { events: 0, .. }));
            assert_ne!(answer(id), answer(id + 1));
        }
    }

    #[test]
    fn poison_is_expected_of_the_poisoned_only() {
        assert_eq!(answer_with_poison(300, 100), Answer::Error(9));
        assert_eq!(answer_with_poison(301, 100), answer(301));
    }

    #[test]
    fn the_server_accepts_the_slow_the_talkative_and_the_marked() {
        for command in [slow(1), talkative(2), marked(3, "marker")] {
            let pure = wire::command_from(&command, ACTIONS_MAX).unwrap();
            assert!(robot::apply(&pure).is_ok());
        }
    }
}
