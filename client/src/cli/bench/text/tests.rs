//! The report as people see it.

use super::*;
use crate::cli::bench::report::tests::report;

#[test]
fn is_aligned_and_ends_with_the_verdict() {
    let expected = "\
2,000 turns, pipelined: 1 command a message, at most 1,000 unanswered
robot-server 1.2.3 at 127.0.0.1:50051, 3 workers

commands      2,000 sent, 2,000 answered
elapsed       4.0 ms
throughput    500,000 commands a second
server jobs   250, 8.0 commands each on average

microseconds                      p50         p90         p99         max
a command's round trip          812.3      1624.7      2437.0     81234.0
a job's wait in the queue        40.0        80.0       120.0      4000.0
a job's run                       2.2         4.5         6.8       225.0

round trips (closed loop, from when a command was sent), p99.9 3249.4 microseconds
 500 us to    1 ms       1,500  ████████████████████████████████████████
   1 ms to    2 ms         500  █████████████▍

worker    commands   share
     1       1,500  75.0 %  ████████████████████████████████████████
     2         500  25.0 %  █████████████▍
     3           0   0.0 %

ok: 2000 of 2000 answered, 0 failed, 0 mismatched
";
    assert_eq!(render(&report()), expected);
}

#[test]
fn shows_the_first_complaint_above_a_bad_verdict() {
    let bad = Report {
        failed: 2,
        first_complaint: Some("command 1 failed: REASON_INTERNAL: x".to_owned()),
        ..report()
    };
    let end = "
first complaint: command 1 failed: REASON_INTERNAL: x

failed: 2000 of 2000 answered, 2 failed, 0 mismatched
";
    assert!(render(&bad).ends_with(end));
}

#[test]
fn says_how_an_open_loop_went_and_what_failed() {
    let text = render(&Report {
        rate: Some(1000),
        late: 7,
        streams: 4,
        connections: 2,
        duration: Some(Duration::from_secs(3)),
        interrupted: true,
        errors: vec![("REASON_INTERNAL".to_owned(), 2)],
        ..report()
    });
    for line in [
        "turns for 3s, pipelined: 1 command a message, at most 1,000 unanswered\n",
        "4 streams over 2 connections\n",
        "interrupted   nothing more was sent\n",
        "asked for     1,000 commands a second\n",
        "late          7 sent more than 1 ms after they were due, or not at all\n",
        "round trips (open loop, from when a command was due)",
        "          2  REASON_INTERNAL\n",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
}

#[test]
fn says_what_the_session_got_over() {
    let resumed = Resumed {
        reconnects: 1,
        resent_commands: 1234,
    };
    let text = render(&Report {
        resumed,
        ..report()
    });
    let lines = "
commands      2,000 sent, 2,000 answered
reconnected   1 time, 1,234 commands sent again
elapsed       4.0 ms
";
    assert!(text.contains(lines), "{text}");
}

#[test]
fn bars_are_proportional_and_never_empty_for_something() {
    assert_eq!(bar(0, 0), "");
    assert_eq!(bar(0, 10), "");
    assert_eq!(bar(1, 1_000_000), "▏");
    assert_eq!(bar(10, 10).chars().count() as u64, BAR_CELLS);
    assert_eq!(bar(5, 10).chars().count() as u64, BAR_CELLS / 2);
}
