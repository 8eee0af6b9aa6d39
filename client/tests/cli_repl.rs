//! `robot-client repl`: with lines from a pipe, and in a terminal.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![cfg(feature = "embedded")]

#[path = "support/command.rs"]
mod command;
#[cfg(unix)]
#[path = "support/pty.rs"]
mod pty;

use command::run_with;

#[test]
fn each_line_runs_from_the_state_before() {
    let lines = "turn 90; start\nmove 2\n:undo\n\n:state 1,1,0,soap\nmove 1\n:reset\n";
    let ran = run_with(&["repl"], lines);
    let expected = [
        "  heading 90",
        "  cleaning with water",
        "x 0, y 0, heading 90, mode water",
        "  x 1.2246467991473532e-16, y 2",
        "x 1.2246467991473532e-16, y 2, heading 90, mode water",
        "x 0, y 0, heading 90, mode water",
        "x 1, y 1, heading 0, mode soap",
        "  x 2, y 1",
        "x 2, y 1, heading 0, mode soap",
        "x 0, y 0, heading 0, mode water",
    ];
    let shown: Vec<_> = ran.stdout.lines().collect();
    assert_eq!((ran.code, &shown[..]), (0, &expected[..]), "{}", ran.stderr);
}

#[test]
fn a_line_that_is_wrong_shows_where_and_leaves_the_state() {
    let ran = run_with(&["repl"], "move 1; fly 3\n:fly\nmove 1\n");
    assert_eq!(ran.code, 1);
    assert!(
        ran.stderr.contains("move 1; fly 3\n        ^\nerror: "),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains(":help"), "{}", ran.stderr);
    assert!(
        ran.stdout.ends_with("x 1, y 0, heading 0, mode water\n"),
        "{}",
        ran.stdout
    );
}

#[cfg(unix)]
#[test]
fn in_a_terminal_it_has_a_prompt_completion_and_a_history() {
    let folder = tempfile::tempdir().unwrap();
    let history = folder.path().join("kept/history");
    let history = history.to_str().unwrap();
    let mut pty = pty::Pty::start(&["repl", "--history", history], &[]);
    pty.wait_for_prompt("> ");
    // Tab makes the words whole.
    pty.press("mo\t5; tu\t90\r");
    pty.wait_for("x 5, y 0, heading 90, mode water");
    pty.wait_for_prompt("> ");
    pty.press("\x04");
    assert_eq!(pty.end().code, 0);
    let mut pty = pty::Pty::start(
        &["repl", "--history", history, "--state", "1,0,0,soap"],
        &[],
    );
    pty.wait_for("x 1, y 0, heading 0, mode soap");
    pty.wait_for_prompt("> ");
    // The arrow up brings back the line of the conversation before.
    pty.press("\x1b[A\r");
    pty.wait_for("x 6, y 0, heading 90, mode soap");
    pty.wait_for_prompt("> ");
    pty.press(":quit\r");
    assert_eq!(pty.end().code, 0);
}
