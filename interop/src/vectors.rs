//! The vectors as files: what each holds is computed by the pure library and by nothing else, and whoever changes what
//! a command means sees it here. It knows nothing of how commands get to a server.

mod commands;
mod load;
mod numbers;
mod programs;
mod rejections;
mod scenario;
mod scenarios;

use std::fs;
use std::path::Path;

use anyhow::{Context, ensure};
use robot_api::{json, v1, wire};
use robot_server::Config;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

pub(crate) use load::{Expected, Vectors, scenarios};
pub(crate) use scenario::{Call, HalfClose, Scenario};

use commands::{Case, Commands};

/// Where they are, unless somebody says otherwise.
pub(crate) const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/vectors");

/// A line of a file of commands.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) command: Box<RawValue>,
    pub(crate) result: Box<RawValue>,
    /// Of the state that the result has, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bits: Option<Bits>,
}

/// The doubles of a state as hexadecimal digits, the most significant first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Bits {
    x: String,
    y: String,
    heading_degrees: String,
}

/// Writes all files.
pub(crate) fn write(folder: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(folder.join("commands"))?;
    for (name, text) in files() {
        let path = folder.join(name);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// Compares all files with what would be written.
pub(crate) fn check(folder: &Path) -> anyhow::Result<()> {
    for (name, text) in files() {
        let path = folder.join(name);
        let found =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let differs = found.lines().zip(text.lines()).position(|(a, b)| a != b);
        ensure!(
            found == text,
            "{} is not what the pure library gives, from line {} on; `robot-interop vectors` writes it anew",
            path.display(),
            differs.map_or(1, |index| index + 1)
        );
    }
    Ok(())
}

/// The names of all files and what is in them.
fn files() -> Vec<(String, String)> {
    let mut files = vec![("scenarios.json".to_owned(), scenarios::file())];
    for commands in commands::all() {
        let name = format!("commands/{}.json", commands.name);
        files.push((name, text_of(&commands)));
    }
    files
}

fn text_of(commands: &Commands) -> String {
    let Commands { what, cases, .. } = commands;
    let entries = cases.iter().map(entry_of);
    let entries: Vec<_> = entries.map(|entry| line_of(&entry)).collect();
    format!(
        "{{\"what\": {}, \"commands\": [\n{}\n]}}\n",
        line_of(what),
        entries.join(",\n")
    )
}

fn entry_of(case: &Case) -> Entry {
    let text = case.json();
    let command: v1::RobotCommand =
        json::from_str(text.get()).expect("the cases are valid commands");
    let actions_max = Config::default().actions_per_command_max as usize;
    let outcome = wire::command_from(&command, actions_max).and_then(|pure| robot::apply(&pure));
    let result = wire::result_to(&command, outcome);
    Entry {
        command: text,
        result: raw(json::to_string(&result)),
        bits: bits_of(&result),
    }
}

pub(crate) fn bits_of(result: &v1::RobotResult) -> Option<Bits> {
    let Some(v1::robot_result::Outcome::State(state)) = &result.outcome else {
        return None;
    };
    let hex = |number: f64| format!("{:016x}", number.to_bits());
    Some(Bits {
        x: hex(state.x),
        y: hex(state.y),
        heading_degrees: hex(state.heading_degrees),
    })
}

/// JSON, to go into JSON as it is.
fn raw(json: String) -> Box<RawValue> {
    RawValue::from_string(json).expect("it is valid JSON")
}

fn line_of(value: &(impl Serialize + ?Sized)) -> String {
    serde_json::to_string(value).expect("it has a JSON form")
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use v1::command_error::Reason;

    fn vectors() -> Vectors {
        Vectors::load(Path::new(FOLDER)).expect("they are there")
    }

    #[test]
    fn every_reason_that_a_command_can_give_is_in_the_vectors() {
        let vectors = vectors();
        let entries = vectors.scenarios.iter().flat_map(|it| vectors.commands(it));
        let found: HashSet<_> = entries
            .filter_map(|entry| match &entry.result.outcome {
                Some(v1::robot_result::Outcome::Error(error)) => Some(error.reason()),
                _ => None,
            })
            .collect();
        // All that there are, but for the fault of a server.
        let given = (1..).map_while(|number| Reason::try_from(number).ok());
        let given: HashSet<_> = given.filter(|it| *it != Reason::Internal).collect();
        assert_eq!(found, given);
    }

    #[test]
    fn every_file_of_commands_is_played_and_its_ids_are_unique() {
        let vectors = vectors();
        for Commands { name, .. } in commands::all() {
            let scenario = vectors.scenarios.iter().find(|it| it.commands == name);
            let scenario = scenario.unwrap_or_else(|| panic!("no scenario plays {name}"));
            let entries = vectors.commands(scenario);
            let ids: HashSet<_> = entries.iter().map(|entry| entry.command.id).collect();
            assert_eq!(ids.len(), entries.len(), "{name}");
        }
    }

    #[test]
    fn the_chain_is_one_and_no_scenario_has_the_name_of_another() {
        let vectors = vectors();
        let names: HashSet<_> = vectors.scenarios.iter().map(|it| &it.name).collect();
        assert_eq!(names.len(), vectors.scenarios.len());

        let mut chains = vectors.scenarios.iter().filter(|it| it.call == Call::Chain);
        let chain = vectors.commands(chains.next().expect("there is one"));
        assert_eq!(chain.len(), 1000);
        for pair in chain.windows(2) {
            let state = pair[1].command.state.expect("every command has a state");
            let before = Some(v1::robot_result::Outcome::State(state));
            assert_eq!(pair[0].result.outcome, before);
        }
    }
}
