//! The command line as people run it: the real binary, against a server that it starts itself or one of the test's own.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![cfg(feature = "embedded")]

#[path = "support/command.rs"]
mod command;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;

use serde_json::{Value, json};

use command::{run, run_with};

#[test]
fn bare_it_turns_a_thousand_times() {
    let ran = run(&["--workers", "2"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let verdict = "ok: 1000 of 1000 answered, 0 failed, 0 mismatched\n";
    assert!(ran.stdout.ends_with(verdict), "{}", ran.stdout);
}

#[test]
fn runs_a_program_and_prints_what_it_did() {
    let ran = run_with(
        &["run", "-", "--state", "1,2,0,soap"],
        "move 3; start\nset brush",
    );
    let transcript = "\
move 3                   x 4, y 2
start                    cleaning with soap
set brush                mode brush
state                    x 4, y 2, heading 0, mode brush
";
    assert_eq!((ran.code, &*ran.stdout), (0, transcript), "{}", ran.stderr);
    let quiet = run_with(&["run", "--quiet", "-"], "turn 90");
    assert_eq!(
        quiet.stdout,
        "state                    x 0, y 0, heading 90, mode water\n"
    );
}

#[test]
fn a_program_may_be_longer_than_a_command() {
    let ran = run_with(&["run", "--quiet", "-"], &"turn 1; turn 1\n".repeat(10_000));
    assert_eq!(
        ran.stdout,
        "state                    x 0, y 0, heading 20000, mode water\n"
    );
}

#[test]
fn a_program_stops_where_it_is_wrong() {
    let ran = run_with(&["run", "-"], "move 1\n\nturn 1; fly 3\nmove 1");
    assert_eq!(ran.code, 1);
    assert_eq!(ran.stdout.lines().count(), 2, "{}", ran.stdout);
    assert!(
        ran.stderr.contains("line 3, column 9: found \"fly\""),
        "{}",
        ran.stderr
    );
}

#[test]
fn runs_commands_one_a_line() {
    let commands = r#"{"id": 7, "state": {"x": 1}, "script": "move 1", "withEvents": true}

{"state": {}, "actions": [{"turn": {"angleDegrees": 9}}]}
{"id": 0}
"#;
    let ran = run_with(&["run", "-"], commands);
    // The third has no state.
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    let mut results: Vec<Value> = ran
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    results.sort_by_key(|result| result["id"].as_str().map(str::to_owned));
    let water = "CLEANING_MODE_WATER";
    assert_eq!(results[0]["error"]["reason"], "REASON_STATE_MISSING");
    assert_eq!(
        (&results[1]["id"], &results[1]["state"]),
        (&json!("3"), &json!({"headingDegrees": 9.0, "mode": water}))
    );
    assert_eq!(
        (&results[2]["id"], &results[2]["state"]),
        (&json!("7"), &json!({"x": 2.0, "mode": water}))
    );
    assert_eq!(results[2]["events"], json!([{"moved": {"x": 2.0}}]));
}

#[test]
fn names_the_line_that_is_no_command_and_answers_those_before_it() {
    let ran = run_with(
        &["run", "-"],
        "{\"id\": 1, \"state\": {}}\n{\"speed\": 1}\n",
    );
    assert_eq!(
        (ran.code, ran.stdout.lines().count()),
        (2, 1),
        "{}",
        ran.stdout
    );
    assert!(
        ran.stderr.starts_with("error: line 2 is no RobotCommand"),
        "{}",
        ran.stderr
    );
}

#[test]
fn draws_into_the_terminal_and_into_files() {
    let ran = run(&["draw", "examples/square.robot", "--width", "20"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(
        ran.stdout.contains("cleaning, soap") && ran.stdout.contains('○'),
        "{}",
        ran.stdout
    );
    let folder = tempfile::tempdir().unwrap();
    for (name, begin) in [("a.svg", b"<svg"), ("a.png", b"\x89PNG")] {
        let file = folder.path().join(name);
        let ran = run(&["draw", "examples/sweep.robot", "-o", file.to_str().unwrap()]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert!(std::fs::read(&file).unwrap().starts_with(begin));
    }
    let other = run(&["draw", "examples/square.robot", "-o", "a.gif"]);
    assert_eq!(other.code, 2);
    assert!(other.stderr.contains(".svg or .png"), "{}", other.stderr);
}

#[test]
fn the_pictures_in_the_readme_are_those_of_the_examples() {
    let folder = tempfile::tempdir().unwrap();
    let drawn = folder.path().join("drawn.svg");
    for name in ["square", "spiral", "sweep", "rosette"] {
        let program = format!("examples/{name}.robot");
        let ran = run(&["draw", &program, "-o", drawn.to_str().unwrap()]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let kept = root.join(format!("docs/pictures/{name}.svg"));
        let kept = std::fs::read_to_string(kept).unwrap();
        assert!(
            std::fs::read_to_string(&drawn).unwrap() == kept,
            "draw {program} again"
        );
    }
}

#[test]
fn says_in_one_line_that_nobody_answers() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    for subcommand in ["bench", "info", "health"] {
        let ran = run(&[subcommand, "--server", &address]);
        assert_eq!(ran.code, 78, "{}", ran.stderr);
        assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
        assert!(ran.stderr.contains("refused"), "{}", ran.stderr);
    }
}

/// Answers as a web server does that speaks HTTP/1 only, in the clear, for as long as the tests run.
fn web_server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 64]);
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
        }
    });
    address
}

#[test]
fn a_server_that_is_something_else_is_one_helpful_line() {
    let address = web_server();
    let ran = run(&["info", "--server", &address]);
    assert!(ran.code > 64, "{}", ran.stderr);
    assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
    assert!(
        ran.stderr.contains("is that a gRPC server?"),
        "{}",
        ran.stderr
    );

    let address = web_server();
    let ca = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(ca.cert.pem().as_bytes()).unwrap();
    let server = format!("https://{address}");
    let ran = run(&[
        "info",
        "--server",
        &server,
        "--ca",
        file.path().to_str().unwrap(),
    ]);
    assert_eq!(
        (ran.code, ran.stderr.lines().count()),
        (78, 1),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("begins with http://"), "{}", ran.stderr);
}

#[test]
fn gives_up_after_the_timeout() {
    // Accepts, and says nothing.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let ran = run(&["info", "--server", &address, "--timeout", "50ms"]);
    assert_eq!(ran.code, 68, "{}", ran.stderr);
    assert!(ran.stderr.contains("50ms"), "{}", ran.stderr);
}

#[test]
fn wrong_usage_is_one_line_and_a_code_of_its_own() {
    for args in [
        &["--turns", "0"][..],
        &["fly"],
        &["run"],
        &["run", "no such file"],
        &["info", "--timeout", "soon"],
    ] {
        let ran = run(args);
        assert_eq!(ran.code, 2, "{args:?}: {}", ran.stderr);
        assert_eq!(ran.stderr.lines().count(), 1, "{args:?}: {}", ran.stderr);
    }
}

#[test]
fn prints_completions_and_a_manual_page() {
    assert!(
        run(&["completions", "bash"])
            .stdout
            .contains("robot-client")
    );
    assert!(run(&["man"]).stdout.contains(".TH robot-client 1"));
    let page = run(&["man", "bench"]).stdout;
    assert!(
        page.contains(".TH robot-client-bench 1") && page.contains("rate"),
        "{page}"
    );
    assert_eq!(run(&["man", "fly"]).code, 2);
}
