//! `robot-client watch`, the real binary: without a terminal, and in one.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![cfg(feature = "embedded")]

#[path = "support/command.rs"]
mod command;
#[cfg(unix)]
#[path = "support/pty.rs"]
mod pty;
#[path = "support/mod.rs"]
mod support;

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use robot_api::v1;
use robot_server::Config;
use tokio::task::block_in_place;

use command::run;
use support::Server;

fn config() -> Config {
    Config {
        workers: Some(2),
        ..Config::default()
    }
}

/// It runs until somebody ends it.
fn start(address: &str, more: &[&str]) -> Child {
    let args = ["watch", "--interval", "100ms", "--server", address];
    Command::new(env!("CARGO_BIN_EXE_robot-client"))
        .args(args)
        .args(more)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_terminal_it_prints_a_line_for_each_snapshot() {
    let server = Server::start(config()).await;
    let address = server.address.to_string();
    let args = [
        "watch",
        "--interval",
        "100ms",
        "--count",
        "3",
        "--server",
        &address,
    ];
    let ran = block_in_place(|| run(&args));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let lines: Vec<_> = ran.stdout.lines().collect();
    assert_eq!(lines.len(), 3, "{}", ran.stdout);
    assert!(lines[0].contains(": - commands/s"), "{}", lines[0]);
    let idle = "0 commands/s, 0 so far, 0% busy, 2 of 2 workers idle, queue 0 of ";
    assert!(lines[2].contains(idle), "{}", lines[2]);
    assert!(lines[2].ends_with("0 open calls"), "{}", lines[2]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn as_json_each_line_is_a_snapshot() {
    let server = Server::start(config()).await;
    let address = server.address.to_string();
    let ran = block_in_place(|| {
        run(&[
            "watch",
            "--json",
            "--interval",
            "100ms",
            "--count",
            "2",
            "--server",
            &address,
        ])
    });
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let snapshots: Vec<v1::WatchWorkersResponse> = ran
        .stdout
        .lines()
        .map(|line| robot_api::json::from_str(line).unwrap())
        .collect();
    assert_eq!(snapshots.len(), 2);
    assert_eq!(snapshots[0].workers.len(), 2);
    assert!(snapshots[0].uptime_nanos < snapshots[1].uptime_nanos);
    server.stop().await;
}

#[test]
fn a_server_that_was_never_there_is_an_error_at_once() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let ran = run(&["watch", "--server", &address]);
    assert_eq!(ran.code, 78, "{}", ran.stderr);
    assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
    assert!(ran.stderr.contains("refused"), "{}", ran.stderr);
}

#[test]
fn intervals_that_no_server_takes_are_wrong_usage() {
    for interval in ["99ms", "61s", "often"] {
        let ran = run(&["watch", "--interval", interval]);
        assert_eq!(ran.code, 2, "{}", ran.stderr);
        assert!(ran.stderr.contains("--interval"), "{}", ran.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_comes_back_is_watched_again() {
    let server = Server::start(config()).await;
    let address = server.address;
    let mut child = start(&address.to_string(), &["--count", "1000"]);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut complaints = BufReader::new(child.stderr.take().unwrap()).lines();
    let first = block_in_place(|| lines.next()).unwrap().unwrap();
    assert!(first.contains("commands/s"), "{first}");
    server.stop().await;
    let complaint = block_in_place(|| complaints.next()).unwrap().unwrap();
    assert!(complaint.contains("trying again in 250ms"), "{complaint}");
    let server = Server::start_at(address, config()).await;
    // A server that began anew has no rate yet.
    block_in_place(|| {
        lines
            .find(|line| line.as_ref().unwrap().contains(": - commands/s"))
            .unwrap()
            .unwrap()
    });
    child.kill().unwrap();
    child.wait().unwrap();
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stays_away_is_given_up() {
    let server = Server::start(config()).await;
    let mut child = start(&server.address.to_string(), &["--reconnect-for", "400ms"]);
    let mut stdout = BufReader::new(child.stdout.take().unwrap()).lines();
    block_in_place(|| stdout.next()).unwrap().unwrap();
    server.stop().await;
    let mut complaints = String::new();
    let mut stderr = child.stderr.take().unwrap();
    block_in_place(|| stderr.read_to_string(&mut complaints)).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(78), "{complaints}");
    let last = complaints.lines().last().unwrap();
    assert!(
        last.starts_with("error: the server went away, and "),
        "{complaints}"
    );
    assert!(last.contains("refused"), "{complaints}");
    assert!(complaints.contains("trying again in 250ms"), "{complaints}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_reading_is_no_error() {
    let server = Server::start(config()).await;
    let mut child = start(&server.address.to_string(), &[]);
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    block_in_place(|| stdout.read_line(&mut String::new())).unwrap();
    drop(stdout);
    let status = block_in_place(|| child.wait()).unwrap();
    assert_eq!(status.code(), Some(0));
    server.stop().await;
}

#[cfg(unix)]
mod in_a_terminal {
    use super::pty::Pty;
    use super::*;

    fn watch(address: SocketAddr, more: &[&str]) -> Pty {
        let address = address.to_string();
        let mut args = vec!["watch", "--interval", "100ms", "--server", &address];
        args.extend(more);
        Pty::start(&args, &[])
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn it_fills_the_screen_until_a_key_quits() {
        let server = Server::start(config()).await;
        // Ctrl-C and Esc do what q does.
        for quit in ["q", "\x03", "\x1b"] {
            block_in_place(|| {
                let mut pty = watch(server.address, &[]);
                pty.wait_for(&format!("workers of {}", server.address));
                pty.wait_for("2 of 2 workers idle");
                pty.wait_for("commands/s, peak 0");
                assert!(pty.is_full_screen());
                pty.press(quit);
                let ended = pty.end();
                assert_eq!(ended.code, 0, "{}", ended.text);
                assert!(ended.restored, "{}", ended.text);
            });
        }
        server.stop().await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_smaller_screen_is_drawn_anew() {
        let server = Server::start(config()).await;
        block_in_place(|| {
            let mut pty = watch(server.address, &[]);
            pty.wait_for("2 of 2 workers idle");
            pty.resize(40, 10);
            pty.wait_for("idle 2/2  calls 0");
            pty.press("q");
            assert_eq!(pty.end().code, 0);
        });
        server.stop().await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn an_error_is_told_on_the_former_screen() {
        let server = Server::start(config()).await;
        let mut pty = watch(server.address, &["--reconnect-for", "2s"]);
        block_in_place(|| pty.wait_for("2 of 2 workers idle"));
        server.stop().await;
        block_in_place(|| {
            // Whichever try it is when this test looks.
            pty.wait_for("lost the server; try ");
            let ended = pty.end();
            assert_eq!(ended.code, 78, "{}", ended.text);
            assert!(ended.restored, "{}", ended.text);
            let error = "error: the server went away";
            assert!(ended.text.contains(error), "{}", ended.text);
        });
    }
}
