//! Reads the vectors back, as a client in any language does.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, ensure};
use robot_api::{json, v1};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{Bits, Entry, Scenario};

/// All scenarios, and the commands that they name.
#[derive(Debug)]
pub(crate) struct Vectors {
    pub(crate) scenarios: Vec<Scenario>,
    commands: HashMap<String, Vec<Expected>>,
}

/// A command and what must come of it.
#[derive(Debug)]
pub(crate) struct Expected {
    pub(crate) command: v1::RobotCommand,
    /// Without an execution.
    pub(crate) result: v1::RobotResult,
    pub(crate) bits: Option<Bits>,
}

#[derive(Deserialize)]
struct Scenarios {
    scenarios: Vec<Scenario>,
}

#[derive(Deserialize)]
struct CommandFile {
    commands: Vec<Entry>,
}

impl Vectors {
    pub(crate) fn load(folder: &Path) -> anyhow::Result<Self> {
        let scenarios = scenarios(folder)?;
        let mut commands = HashMap::new();
        for Scenario { commands: name, .. } in &scenarios {
            if !name.is_empty() && !commands.contains_key(name) {
                let file = folder.join("commands").join(format!("{name}.json"));
                let CommandFile { commands: entries } = read(&file)?;
                let expected = entries.iter().map(expected_from);
                let expected: Result<Vec<_>, _> = expected.collect();
                let expected = expected.with_context(|| file.display().to_string())?;
                commands.insert(name.clone(), expected);
            }
        }
        Ok(Self {
            scenarios,
            commands,
        })
    }

    /// What the scenario sends; nothing, if it names no commands.
    pub(crate) fn commands(&self, scenario: &Scenario) -> &[Expected] {
        self.commands
            .get(&scenario.commands)
            .map_or(&[], Vec::as_slice)
    }
}

/// The scenarios without their commands.
pub(crate) fn scenarios(folder: &Path) -> anyhow::Result<Vec<Scenario>> {
    let Scenarios { scenarios } = read(&folder.join("scenarios.json"))?;
    Ok(scenarios)
}

fn read<T: DeserializeOwned>(path: &Path) -> anyhow::Result<T> {
    let text = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_slice(&text).with_context(|| path.display().to_string())
}

fn expected_from(entry: &Entry) -> anyhow::Result<Expected> {
    let command: v1::RobotCommand = json::from_str(entry.command.get())?;
    let result: v1::RobotResult = json::from_str(entry.result.get())?;
    let id = command.id;
    ensure!(
        result.id == id && super::bits_of(&result) == entry.bits,
        "the result of id {id} does not fit its bits and its command"
    );
    Ok(Expected {
        command,
        result,
        bits: entry.bits.clone(),
    })
}
