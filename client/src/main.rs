//! The client's command line: parse, validate, run, print one error.

mod cli;

use std::process::ExitCode;

use clap::Parser;

use cli::{Args, Plan, RunError};

/// A flag or an environment variable was wrong, or asks for more than the server allows.
const EXIT_USAGE: u8 = 2;

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) if error.use_stderr() => return usage_error(&first_paragraph(&error)),
        Err(help) => help.exit(),
    };
    match Plan::new(args) {
        Ok(plan) => run(&plan),
        Err(error) => usage_error(&format!("error: {error}")),
    }
}

#[tokio::main]
async fn run(plan: &Plan) -> ExitCode {
    match cli::run(plan).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(RunError::Usage(error)) => usage_error(&format!("error: {error}")),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn usage_error(line: &str) -> ExitCode {
    eprintln!("{line}");
    ExitCode::from(EXIT_USAGE)
}

/// What is wrong and what is allowed, as one line, without the usage and the hints that follow it.
fn first_paragraph(error: &clap::Error) -> String {
    let text = error.to_string();
    let lines = text.lines().map(str::trim);
    let paragraph: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
    paragraph.join(" ")
}
