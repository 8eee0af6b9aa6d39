//! What shells and `man` want to know of the command line, made from its definition.

use std::io::Write;

use clap::CommandFactory;
pub(super) use clap_complete::Shell;

use super::Outcome;
use super::error::UsageError;

pub(super) fn completions<C: CommandFactory>(shell: Shell) -> Outcome {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut C::command(), "robot-client", &mut text);
    print(&text)
}

/// The page of a subcommand, or of the program as a whole, in troff.
pub(super) fn man<C: CommandFactory>(subcommand: Option<&str>) -> Outcome {
    let mut command = C::command();
    command.build();
    if let Some(name) = subcommand {
        let found = command.find_subcommand(name).cloned();
        let found = found.ok_or_else(|| UsageError::NoSubcommand(name.to_owned()))?;
        command = found.display_name(format!("robot-client-{name}"));
    }
    let mut text = Vec::new();
    clap_mangen::Man::new(command).render(&mut text)?;
    print(&text)
}

fn print(text: &[u8]) -> Outcome {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(text)?;
    stdout.flush()?;
    Ok(true)
}
