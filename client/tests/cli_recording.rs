//! `robot-client record` and `replay`, the real binary.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![cfg(feature = "embedded")]

#[path = "support/command.rs"]
mod command;

use std::path::{Path, PathBuf};

use command::{run, run_with};
use tempfile::TempDir;

const COMMANDS: &str = r#"{"id": "7", "state": {"x": 1}, "script": "move 1; turn 33", "withEvents": true}
{"id": "8", "state": {}, "actions": [{"move": {"distance": 0.1}}]}
{"id": "9"}
"#;

/// The commands recorded into a file of that name.
fn recorded(name: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(name);
    let ran = run_with(&["record", "-", "-o", file.to_str().unwrap()], COMMANDS);
    // One command has no state, which is its result.
    assert_eq!(
        (ran.code, ran.stdout.lines().count()),
        (1, 3),
        "{}",
        ran.stderr
    );
    (folder, file)
}

fn replay(file: &Path, more: &[&str]) -> command::Ran {
    run(&[&["replay", file.to_str().unwrap()], more].concat())
}

#[test]
fn a_recording_is_replayed_bit_by_bit_on_a_server_and_here() {
    for name in ["a.rec", "a.jsonl"] {
        let (_folder, file) = recorded(name);
        for more in [&[][..], &["--local"]] {
            let ran = replay(&file, more);
            assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
            let verdict = "ok: 3 commands replayed, 3 compared, 0 differ";
            assert!(ran.stdout.contains(verdict), "{}", ran.stdout);
        }
    }
}

#[test]
fn a_program_is_recorded_too() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sweep.rec");
    let path = file.to_str().unwrap();
    let ran = run(&["record", "examples/sweep.robot", "--quiet", "-o", path]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(
        replay(&file, &["--local"])
            .stdout
            .contains("ok: 1 command replayed, 1 compared")
    );
    let again = run(&["record", "examples/sweep.robot", "-o", path]);
    assert_eq!(again.code, 2);
    assert!(again.stderr.contains("--force"), "{}", again.stderr);
}

#[test]
fn a_difference_is_shown_with_its_bits() {
    let (_folder, file) = recorded("a.jsonl");
    let text = std::fs::read_to_string(&file).unwrap();
    let changed = text.replace("\"x\":0.1,", "\"x\":0.10000000000000002,");
    assert_ne!(text, changed);
    std::fs::write(&file, changed).unwrap();
    for more in [&[][..], &["--local"]] {
        let ran = replay(&file, more);
        assert_eq!(ran.code, 1, "{}", ran.stderr);
        let difference =
            "x: recorded 0.10000000000000002 (3fb999999999999b), replayed 0.1 (3fb999999999999a)";
        assert!(ran.stdout.contains(difference), "{}", ran.stdout);
        assert!(
            ran.stdout
                .contains("failed: 3 commands replayed, 3 compared, 1 differ")
        );
    }
}

#[test]
fn a_torn_tail_is_reported_and_what_is_before_it_replayed() {
    for name in ["a.rec", "a.jsonl"] {
        let (_folder, file) = recorded(name);
        let bytes = std::fs::read(&file).unwrap();
        std::fs::write(&file, &bytes[..bytes.len() - 3]).unwrap();
        let ran = replay(&file, &["--local"]);
        assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
        assert!(
            ran.stderr
                .contains("6 records whole; the one after them is torn"),
            "{}",
            ran.stderr
        );
        assert!(
            ran.stdout.contains("2 compared, 0 differ, 1 without"),
            "{}",
            ran.stdout
        );
    }
}

#[test]
fn a_record_that_changed_is_an_error() {
    let (_folder, file) = recorded("a.rec");
    let mut bytes = std::fs::read(&file).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let ran = replay(&file, &["--local"]);
    assert_eq!(ran.code, 1, "{}{}", ran.stdout, ran.stderr);
    assert!(
        ran.stderr
            .contains("6 records whole; what follows them is not"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_command_that_was_refused_is_not_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.jsonl");
    let twice = "{\"id\": 5, \"state\": {}}\n".repeat(2);
    let ran = run_with(&["record", "-", "-o", file.to_str().unwrap()], &twice);
    // In one message they are refused, one after the other they may be answered.
    assert!([0, 67].contains(&ran.code), "{}", ran.stderr);
    let text = std::fs::read_to_string(&file).unwrap();
    let count = |key: &str| text.lines().filter(|line| line.starts_with(key)).count();
    assert_eq!(count("{\"command\""), count("{\"result\""), "{text}");
}

#[test]
fn bits_of_another_semantics_are_compared_only_if_asked_for() {
    let (_folder, file) = recorded("a.jsonl");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(
        &file,
        text.replace("\"semantics_version\":1", "\"semantics_version\":0"),
    )
    .unwrap();
    let ran = replay(&file, &["--local"]);
    assert_eq!(ran.code, 73, "{}", ran.stdout);
    assert!(ran.stderr.contains("--anyway"), "{}", ran.stderr);
    assert_eq!(replay(&file, &["--local", "--anyway"]).code, 0);
}

#[test]
fn what_is_no_recording_is_wrong_usage() {
    let ran = run(&["replay", "examples/square.robot"]);
    assert_eq!(
        (ran.code, ran.stderr.lines().count()),
        (2, 1),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("is no recording"), "{}", ran.stderr);
}
