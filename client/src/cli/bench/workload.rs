//! What is sent and what must come back. Both are computed from a command's id alone, so that nothing has to be kept
//! for a command while it is away. It knows nothing of streams.

use std::path::PathBuf;
use std::sync::Arc;

use clap::ValueEnum;
use robot::{Action, Command, Finite, Mode as CleaningMode, State};
use robot_api::{v1, wire};

/// How turns become commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Mode {
    /// Each turn is a command from a state of its own; many are under way at once
    Pipelined,
    /// Each turn is a command from the state of the previous result; one is under way at a time
    Chained,
    /// All turns are the actions of one command
    Program,
}

/// What the commands do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    Turns,
    Random,
    /// What the file says.
    File(PathBuf),
}

impl From<&str> for Kind {
    fn from(text: &str) -> Self {
        match text {
            "turns" => Self::Turns,
            "random" => Self::Random,
            path => Self::File(path.into()),
        }
    }
}

/// What the commands do, and which they are.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Content {
    Turns,
    Random {
        seed: u64,
    },
    /// These, over and over; at least one.
    File(Arc<[Command]>),
}

/// Actions of a random program.
const RANDOM_ACTIONS_MAX: usize = 16;

/// So many turns, as commands of ids from 1.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Workload {
    pub(crate) mode: Mode,
    pub(crate) turns: u64,
    pub(crate) content: Content,
}

impl Workload {
    /// How many commands it takes.
    pub(crate) fn commands(&self) -> u64 {
        match self.mode {
            Mode::Pipelined | Mode::Chained => self.turns,
            Mode::Program => 1,
        }
    }

    /// The command of that id.
    pub(crate) fn command(&self, id: u64) -> v1::RobotCommand {
        wire::command_to(id, &self.pure(id))
    }

    /// What must be the result of the command of that id, without an execution. `None`: there is no such command.
    pub(crate) fn expected(&self, id: u64) -> Option<v1::RobotResult> {
        if id == 0 || id > self.commands() {
            return None;
        }
        let command = self.pure(id);
        let outcome = robot::apply(&command);
        Some(wire::result_to(&wire::command_to(id, &command), outcome))
    }

    fn pure(&self, id: u64) -> Command {
        match &self.content {
            Content::Turns => self.turn(id),
            Content::Random { seed } => random(*seed, id),
            Content::File(commands) => {
                let index = (id - 1) % commands.len() as u64;
                commands[index as usize].clone()
            }
        }
    }

    fn turn(&self, id: u64) -> Command {
        let (state, turns) = match self.mode {
            Mode::Pipelined => (varied_state(id), 1),
            // Turns of one degree are exact, so the heading alone says how many there were.
            Mode::Chained => (heading(id - 1), 1),
            Mode::Program => (State::default(), self.turns as usize),
        };
        let angle_degrees = finite(1.0);
        Command {
            state,
            actions: vec![Action::Turn { angle_degrees }; turns],
            with_events: false,
        }
    }
}

/// The same for the same numbers, and another for any other.
fn random(seed: u64, id: u64) -> Command {
    let mut chance = fastrand::Rng::with_seed(seed);
    let mut chance = fastrand::Rng::with_seed(chance.u64(..) ^ id);
    let actions = (0..chance.usize(1..=RANDOM_ACTIONS_MAX))
        .map(|_| random_action(&mut chance))
        .collect();
    Command {
        state: varied_state(id),
        actions,
        with_events: false,
    }
}

fn random_action(chance: &mut fastrand::Rng) -> Action {
    let number = chance.f64() * 720.0 - 360.0;
    match chance.u8(..5) {
        0 => Action::Move {
            distance: finite(number),
        },
        1 => Action::Turn {
            angle_degrees: finite(number),
        },
        2 => Action::SetMode {
            mode: CleaningMode::ALL[chance.usize(..CleaningMode::ALL.len())],
        },
        3 => Action::Start,
        _ => Action::Stop,
    }
}

fn heading(degrees: u64) -> State {
    State {
        heading_degrees: finite(degrees as f64),
        ..State::default()
    }
}

/// A state that no other id has, with digits in every part of its numbers.
fn varied_state(id: u64) -> State {
    let number = id as f64;
    State {
        x: finite(number * 0.1),
        y: finite(number * -0.3),
        heading_degrees: finite(number * 0.7),
        mode: CleaningMode::ALL[(id % 3) as usize],
    }
}

fn finite(value: f64) -> Finite {
    Finite::new(value).expect("ids times constants, and random numbers of a range, are finite")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turns_of(mode: Mode, turns: u64) -> Workload {
        Workload {
            mode,
            turns,
            content: Content::Turns,
        }
    }

    #[test]
    fn random_programs_depend_on_the_seed_and_the_id_alone() {
        assert_eq!(random(7, 1), random(7, 1));
        assert_ne!(random(7, 1).actions, random(8, 1).actions);
        assert_ne!(random(7, 1).actions, random(7, 2).actions);
        let lengths = (1..1000).map(|id| random(7, id).actions.len());
        assert!(lengths.clone().min() == Some(1) && lengths.max() == Some(RANDOM_ACTIONS_MAX));
    }

    fn headings(mode: Mode, turns: u64) -> Vec<f64> {
        let workload = turns_of(mode, turns);
        let state = |id| match workload.expected(id).unwrap().outcome.unwrap() {
            v1::robot_result::Outcome::State(state) => state.heading_degrees,
            v1::robot_result::Outcome::Error(error) => panic!("{error:?}"),
        };
        (1..=workload.commands()).map(state).collect()
    }

    #[test]
    fn the_turns_of_a_chain_and_of_a_program_add_up() {
        assert_eq!(headings(Mode::Chained, 4), [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(headings(Mode::Program, 4), [4.0]);
        assert_eq!(headings(Mode::Pipelined, 2), [1.7, 2.4]);
    }

    #[test]
    fn no_two_states_are_equal() {
        let (mode, turns) = (Mode::Pipelined, 100_000_000);
        let workload = turns_of(mode, turns);
        for id in [1, 2, 3, 1000, turns - 1] {
            let next = workload.command(id + 1).state;
            assert_ne!(workload.command(id).state, next);
        }
    }

    #[test]
    fn expects_nothing_of_ids_that_were_not_sent() {
        let (mode, turns) = (Mode::Pipelined, 10);
        let workload = turns_of(mode, turns);
        assert_eq!(workload.expected(0), None);
        assert_eq!(workload.expected(11), None);
    }
}
