//! `robot-client bench` as people run it, against servers that it starts itself.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![cfg(feature = "embedded")]

#[path = "support/command.rs"]
mod command;

use std::process::{Command, Stdio};

use serde_json::{Value, json};

use command::run;

/// The report of a run that must end well.
fn report(args: &[&str]) -> Value {
    let ran = run(&[&["bench", "--json"], args].concat());
    assert_eq!(ran.code, 0, "{args:?}: {} {}", ran.stdout, ran.stderr);
    serde_json::from_str(&ran.stdout).unwrap()
}

#[test]
fn spreads_turns_over_streams_and_connections() {
    let report = report(&[
        "--turns",
        "5000",
        "--streams",
        "8",
        "--connections",
        "3",
        "--batch",
        "7",
    ]);
    assert_eq!(report["answered"], 5000);
    assert_eq!(
        (&report["streams"], &report["connections"]),
        (&json!(8), &json!(3))
    );
    assert_eq!(report["loop"], "closed");
    assert_eq!(report["errors"], json!({}));
    assert!(report["round_trip_us"]["p999"].as_f64().unwrap() > 0.0);
}

#[test]
fn sends_at_a_rate_for_a_time() {
    let report = report(&[
        "--duration",
        "300ms",
        "--warmup",
        "100ms",
        "--rate",
        "1000",
        "--streams",
        "2",
    ]);
    assert_eq!(
        (&report["loop"], &report["rate"]),
        (&json!("open"), &json!(1000))
    );
    // None is sent before it is due, however long this machine took.
    let sent = report["commands"].as_f64().unwrap();
    let due = report["elapsed_ms"].as_f64().unwrap() * 1000.0 / 1e3 + 1.0;
    assert!(sent > 0.0 && sent <= due.ceil(), "{report}");
    assert_eq!(report["answered"], report["commands"]);
}

#[test]
fn runs_random_programs() {
    let report = report(&["--workload", "random", "--seed", "7", "--turns", "2000"]);
    assert_eq!(
        (&report["answered"], &report["mismatched"]),
        (&json!(2000), &json!(0))
    );
}

#[test]
fn sends_what_is_in_a_file_over_and_over() {
    let report = report(&["--workload", "examples/sweep.robot", "--turns", "300"]);
    assert_eq!(
        (&report["answered"], &report["mismatched"]),
        (&json!(300), &json!(0))
    );
    let none = run(&["bench", "--workload", "no such file"]);
    assert_eq!(none.code, 2);
    assert!(
        none.stderr.contains("--workload: cannot read no such file"),
        "{}",
        none.stderr
    );
}

#[test]
fn a_threshold_that_fails_is_one_line_and_an_exit_code() {
    let ran = run(&[
        "bench",
        "--turns",
        "10",
        "--fail-if",
        "p99>1h",
        "--fail-if",
        "rate>0",
        "--fail-if",
        "max>0ms",
    ]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    let failures: Vec<_> = ran
        .stderr
        .lines()
        .filter(|line| line.starts_with("threshold failed: "))
        .collect();
    assert_eq!(failures.len(), 2, "{}", ran.stderr);
    assert!(failures[0].contains("rate>0: it is ") && failures[1].contains("max>0ms: it is "));
    assert!(
        ran.stdout.contains("ok: 10 of 10 answered"),
        "{}",
        ran.stdout
    );
}

#[test]
fn prints_a_line_of_names_and_a_line_of_numbers() {
    let ran = run(&["bench", "--turns", "10", "--csv"]);
    assert_eq!(
        (ran.code, ran.stdout.lines().count()),
        (0, 2),
        "{}",
        ran.stderr
    );
    assert!(
        ran.stdout.starts_with("streams,connections,"),
        "{}",
        ran.stdout
    );
}

#[test]
fn an_interrupt_stops_it_with_the_report_so_far() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_robot-client"))
        .args(["bench", "--json", "--duration", "60s", "--window", "10"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let pid = child.id().to_string();
    while !catches_interrupts(&pid) {
        assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
        std::thread::yield_now();
    }
    let sent = Command::new("kill").args(["-INT", &pid]).status().unwrap();
    assert!(sent.success());
    let output = child.wait_with_output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["interrupted"], true);
    assert_eq!(report["answered"], report["commands"]);
    assert_eq!(report["mismatched"], 0);
    // A run that had no time to do anything shows nothing.
    let something = report["answered"].as_u64().unwrap() > 0;
    assert_eq!(output.status.success(), something, "{report}");
}

/// Whether the process has a handler for SIGINT, the second signal, by now.
fn catches_interrupts(pid: &str) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    let caught = u64::from_str_radix(caught.unwrap().trim(), 16).unwrap();
    caught & 0b10 != 0
}
