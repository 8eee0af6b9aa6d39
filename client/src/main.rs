//! The client's command line: parse, run, print one error.

mod cli;

use std::process::ExitCode;

use cli::{Cli, RunError};

fn main() -> ExitCode {
    match Cli::parse_from_args(std::env::args_os()) {
        Ok(cli) => run(cli),
        Err(error) if error.use_stderr() => {
            eprintln!("{}", first_paragraph(&error));
            ExitCode::from(RunError::EXIT_USAGE)
        }
        Err(help) => help.exit(),
    }
}

fn run(cli: Cli) -> ExitCode {
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: cannot start threads: {error}");
            return ExitCode::FAILURE;
        }
    };
    let ran = runtime.block_on(cli.run());
    // A read of stdin that is under way would be waited for until somebody types.
    runtime.shutdown_background();
    match ran {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        // Whoever read the output has read enough of it.
        Err(error) if error.is_closed_pipe() => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}

/// What is wrong and what is allowed, as one line, without the usage and the hints that follow it.
fn first_paragraph(error: &clap::Error) -> String {
    let text = error.to_string();
    let lines = text.lines().map(str::trim);
    let paragraph: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
    paragraph.join(" ")
}
