//! Parity with the original: the same programs give the same states and messages in `original.py`.
//!
//! Sine and cosine may differ from Python's by 1 ulp, as no library promises their last bit. So
//! each question carries ours: Python measures how far its own are from them, then uses ours, and
//! the rest must be equal bit for bit.

use std::f64::consts::PI;
use std::io::{self, BufRead, BufReader, BufWriter, ErrorKind, Write};
use std::process::{Child, Command as Process, Stdio};
use std::{env, thread};

use robot::script::Program;
use robot::{Action, Command, Event, Finite, Mode, Outcome, State, apply};
use support::Random;

mod support;

const PROGRAMS: usize = 100_000;
const ACTIONS_MAX: u64 = 16;

#[test]
fn states_and_messages_are_those_of_the_original() {
    let Some(mut python) = start_python() else {
        return;
    };
    let mut random = Random(2);
    let cases: Vec<Case> = (0..PROGRAMS)
        .map(|_| Case::new(&random_command(&mut random)))
        .collect();

    let questions = python.stdin.take().expect("stdin is a pipe");
    let answers = BufReader::new(python.stdout.take().expect("stdout is a pipe"));
    // Both ends at once: a pipe that nobody reads would fill and stop the other.
    let answered = thread::scope(|scope| {
        let asking = scope.spawn(|| ask(questions, &cases));
        let answered = cases
            .iter()
            .zip(answers.lines())
            .map(|(case, answer)| case.check(&answer.unwrap()))
            .count();
        asking.join().unwrap().unwrap();
        answered
    });
    assert!(python.wait().unwrap().success());
    assert_eq!(answered, PROGRAMS);
}

/// Python with the original, or `None` where there is no Python; in CI there has to be one.
fn start_python() -> Option<Child> {
    let original = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/original.py");
    let started = Process::new("python3")
        .arg(original)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    match started {
        Ok(python) => Some(python),
        Err(error) if error.kind() == ErrorKind::NotFound && env::var_os("CI").is_none() => {
            eprintln!("skipped: no python3 to run the original with");
            None
        }
        Err(error) => panic!("python3 does not start: {error}"),
    }
}

fn ask(questions: impl Write, cases: &[Case]) -> io::Result<()> {
    let mut questions = BufWriter::new(questions);
    for case in cases {
        writeln!(questions, "{}", case.question)?;
    }
    questions.flush()
}

fn random_command(random: &mut Random) -> Command {
    let [x, y, heading_degrees] = [(); 3].map(|()| random.number());
    let state = State {
        x,
        y,
        heading_degrees,
        mode: random_mode(random),
    };
    let length = random.below(ACTIONS_MAX + 1);
    let actions = (0..length).map(|_| random_action(random)).collect();
    Command {
        state,
        actions,
        with_events: true,
    }
}

fn random_action(random: &mut Random) -> Action {
    match random.below(8) {
        0..3 => Action::Move {
            distance: random.number(),
        },
        3..5 => Action::Turn {
            angle_degrees: random.number(),
        },
        5 => Action::SetMode {
            mode: random_mode(random),
        },
        6 => Action::Start,
        _ => Action::Stop,
    }
}

fn random_mode(random: &mut Random) -> Mode {
    Mode::ALL[random.below(3) as usize]
}

/// A line for the original and what it must answer, in the form that original.py describes.
struct Case {
    question: String,
    state_after: String,
    messages: String,
}

impl Case {
    fn new(command: &Command) -> Case {
        let outcome = apply(command).expect("the generator's sums are finite");
        let (messages, trigonometry) = original_view(command, &outcome);
        let (before, program) = (printed(command.state), Program(&command.actions));
        Case {
            question: format!("{before}\t{program}\t{}", trigonometry.join(" ")),
            state_after: printed(outcome.state),
            messages: messages.join("; "),
        }
    }

    fn check(&self, answer: &str) {
        let [ulps, state_after, messages] = answer.split('\t').collect::<Vec<_>>()[..] else {
            panic!("{answer:?} is no answer to {}", self.question);
        };
        assert!(
            matches!(ulps, "0" | "1"),
            "{ulps} ulps from Python's math: {}",
            self.question
        );
        assert_eq!(
            self.state_after, state_after,
            "state after {}",
            self.question
        );
        assert_eq!(self.messages, messages, "messages of {}", self.question);
    }
}

/// Our events as the original's messages, and the sine and cosine of each move.
fn original_view(command: &Command, outcome: &Outcome) -> (Vec<String>, Vec<String>) {
    let mut heading = command.state.heading_degrees;
    let mut messages = Vec::new();
    let mut trigonometry = Vec::new();
    for event in &outcome.events {
        messages.push(match *event {
            Event::Moved { x, y } => {
                let radians = heading.get() * (PI / 180.0);
                trigonometry.extend([libm::sin(radians), libm::cos(radians)].map(bits));
                format!("POS {} {}", bits(x.get()), bits(y.get()))
            }
            Event::Turned { heading_degrees } => {
                // The original reports the heading before the turn, an oversight; ours is the one
                // after it.
                let before = std::mem::replace(&mut heading, heading_degrees);
                format!("ANGLE {}", bits(before.get()))
            }
            Event::ModeSet { mode } => format!("STATE {}", mode as u8),
            Event::Started { mode } => format!("START WITH {}", mode as u8),
            Event::Stopped => "STOP".to_owned(),
        });
    }
    assert_eq!(
        heading, outcome.state.heading_degrees,
        "the last turn's event is the last heading"
    );
    (messages, trigonometry)
}

fn printed(state: State) -> String {
    let State {
        x,
        y,
        heading_degrees,
        mode,
    } = state;
    let [x, y, heading] = [x, y, heading_degrees].map(|number: Finite| bits(number.get()));
    format!("{x} {y} {heading} {}", mode as u8)
}

fn bits(value: f64) -> String {
    format!("{:016x}", value.to_bits())
}
