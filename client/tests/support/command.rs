//! Runs the real binary and takes what it prints.

#![allow(dead_code, reason = "each test file uses its own part")]

use std::path::Path;
use std::time::Duration;

use assert_cmd::Command;

/// More than any of these runs takes, so that none hangs for ever.
const RUN_SECONDS_MAX: u64 = 120;

/// How it ended.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

pub(crate) fn run_with(args: &[&str], stdin: &str) -> Ran {
    let mut command = Command::cargo_bin("robot-client").unwrap();
    // What is set where the tests run must not decide what they see.
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("ROBOT_")) {
        command.env_remove(name);
    }
    command.env_remove("COLUMNS").env_remove("NO_COLOR");
    let output = command
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap())
        .timeout(Duration::from_secs(RUN_SECONDS_MAX))
        .args(args)
        .write_stdin(stdin)
        .output()
        .unwrap();
    Ran {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

pub(crate) fn run(args: &[&str]) -> Ran {
    run_with(args, "")
}
