//! `robot-client plan`, the real binary.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![cfg(feature = "embedded")]

#[path = "support/command.rs"]
mod command;

use command::run;
use serde_json::{Value, json};

#[test]
fn shows_every_future_in_a_table() {
    let ran = run(&["plan", "--sweep", "turn {-90..90/90}; move 2; set {soap}"]);
    let table = "\
-90..90/90  soap  x   y  heading  mode  distance
       -90  soap  0  -2      -90  soap         2
         0  soap  2   0        0  soap         2
        90  soap  0   2       90  soap         2
";
    assert_eq!((ran.code, &*ran.stdout), (0, table), "{}", ran.stderr);
}

#[test]
fn sorts_and_cuts() {
    let sweep = ["--sweep", "turn {0..350/10}; move {1,3}"];
    let ran = run(&[
        &["plan", "--sort", "y", "--reverse", "--top", "2"],
        &sweep[..],
    ]
    .concat());
    let rows: Vec<_> = ran.stdout.lines().skip(1).collect();
    assert_eq!(rows.len(), 2, "{}{}", ran.stdout, ran.stderr);
    assert!(rows[0].trim_start().starts_with("90  "), "{}", ran.stdout);
}

#[test]
fn json_has_the_parameters_the_script_and_the_result() {
    let ran = run(&[
        "plan",
        "--state",
        "1,0,0,brush",
        "--sweep",
        "move {1..2}",
        "--json",
    ]);
    let lines: Vec<Value> = ran
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 2, "{}", ran.stderr);
    assert_eq!(
        (&lines[1]["parameters"], &lines[1]["script"]),
        (&json!(["2"]), &json!("move 2"))
    );
    assert_eq!(
        lines[1]["result"]["state"],
        json!({"x": 3.0, "mode": "CLEANING_MODE_BRUSH"})
    );
}

#[test]
fn a_future_that_fails_is_shown_and_is_an_exit_code() {
    let ran = run(&["plan", "--sweep", "move {1,1e308}; move 1.7e308"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(ran.stdout.contains("REASON_OVERFLOW"), "{}", ran.stdout);
}

#[test]
fn draws_the_fan() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("fan.svg");
    let sweep = ["plan", "--sweep", "turn {-60..60/20}; move 9"];
    let ran = run(&[&sweep[..], &["-o", file.to_str().unwrap()]].concat());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let svg = std::fs::read_to_string(&file).unwrap();
    assert_eq!(svg.matches("class=\"end\"").count(), 7);
    let ran = run(&[&sweep[..], &["--draw"]].concat());
    assert!(ran.stdout.contains('○'), "{}{}", ran.stdout, ran.stderr);
}

#[test]
fn a_template_that_is_wrong_says_where() {
    let ran = run(&["plan", "--sweep", "turn {1..2/0}"]);
    assert_eq!(
        (ran.code, ran.stderr.lines().count()),
        (2, 1),
        "{}",
        ran.stderr
    );
    assert!(
        ran.stderr.contains("in column 6: no step of 0"),
        "{}",
        ran.stderr
    );
}
