//! What shells and `man` want to know of the command line, made from its definition.

use std::io::Write;

use clap::CommandFactory;
pub(super) use clap_complete::Shell;

use super::Outcome;

pub(super) fn completions<C: CommandFactory>(shell: Shell) -> Outcome {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut C::command(), "robot-client", &mut text);
    print(&text)
}

/// One page, in troff: the subcommands' flags are in sections of it.
pub(super) fn man<C: CommandFactory>() -> Outcome {
    let mut text = Vec::new();
    clap_mangen::Man::new(C::command()).render(&mut text)?;
    print(&text)
}

fn print(text: &[u8]) -> Outcome {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(text)?;
    stdout.flush()?;
    Ok(true)
}
