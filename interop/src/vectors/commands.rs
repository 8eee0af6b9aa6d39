//! The files of commands: which commands are in each. What comes of them is computed elsewhere.

use robot::Command;
use robot_api::{json, wire};
use serde_json::value::RawValue;

use super::numbers::state;
use super::programs::{action, program};
use super::{programs, raw, rejections};

/// One file.
pub(super) struct Commands {
    pub(super) name: &'static str,
    /// For people.
    pub(super) what: &'static str,
    pub(super) cases: Vec<Case>,
}

/// One command.
pub(super) struct Case {
    id: u64,
    kind: Kind,
}

enum Kind {
    Command(Command),
    /// All fields but the id, as JSON: commands that the pure library cannot hold, and a -0.0, which Rust's messages
    /// leave out.
    Fields(String),
}

impl Case {
    /// Its id is its place in the file.
    pub(super) fn of(command: Command) -> Self {
        let kind = Kind::Command(command);
        Self { id: 0, kind }
    }

    pub(super) fn json(&self) -> Box<RawValue> {
        match &self.kind {
            Kind::Command(command) => raw(json::to_string(&wire::command_to(self.id, command))),
            Kind::Fields(fields) => {
                let comma = if fields.is_empty() { "" } else { "," };
                let text = format!(r#"{{"id":"{}"{comma}{fields}}}"#, self.id);
                raw(text)
            }
        }
    }
}

/// Every file, in the order of the scenarios.
pub(super) fn all() -> Vec<Commands> {
    vec![
        file("nothing", "no command at all", vec![]),
        file(
            "singles",
            "one action or none, of each kind, from states of each kind",
            programs::singles(),
        ),
        file(
            "angles",
            "moves along headings where sines and cosines are hard",
            programs::angles(),
        ),
        file(
            "programs",
            "several actions a command",
            programs::programs(),
        ),
        file(
            "scripts",
            "programs as text, in every spelling that is allowed",
            programs::scripts(),
        ),
        file(
            "rejections",
            "commands that are refused, with each reason in each place",
            rejections::all(),
        ),
        file(
            "too_many_actions",
            "as many actions as the server allows by default, and one more",
            programs::too_many_actions(),
        ),
        file("events", "programs that ask for events", programs::events()),
        file(
            "mixed",
            "a hundred commands, every third of them refused",
            programs::mixed(),
        ),
        ids(),
        file(
            "turns",
            "a thousand turns of one degree on the spot, from a thousand states",
            programs::turns(),
        ),
        file(
            "chain",
            "a thousand commands, each from the state of the result before",
            programs::chain(),
        ),
    ]
}

fn file(name: &'static str, what: &'static str, kinds: Vec<Case>) -> Commands {
    let mut cases = kinds;
    for (index, case) in cases.iter_mut().enumerate() {
        case.id = index as u64 + 1;
    }
    Commands { name, what, cases }
}

/// A command from its fields, all but the id, as JSON.
pub(super) fn fields(fields: impl Into<String>) -> Case {
    let kind = Kind::Fields(fields.into());
    Case { id: 0, kind }
}

/// A script, from the initial state.
pub(super) fn script(text: &str) -> Case {
    let text = serde_json::to_string(text).expect("text has a JSON form");
    fields(format!(r#""state":{{}},"script":{text}"#))
}

/// Numbers that do not fit into a double, or into a signed one, are where other languages go wrong.
fn ids() -> Commands {
    let what = "ids from the smallest to the largest";
    let ids = [
        0,
        1,
        127,
        128,
        u32::MAX.into(),
        (1 << 53) - 1,
        1 << 53,
        (1 << 53) + 1,
        i64::MAX as u64,
        1 << 63,
        u64::MAX - 1,
        u64::MAX,
    ];
    let cases = ids.into_iter().enumerate().map(|(index, id)| {
        let kind = program(state(index), vec![action(index)]).kind;
        Case { id, kind }
    });
    Commands {
        name: "ids",
        what,
        cases: cases.collect(),
    }
}
