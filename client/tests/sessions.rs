//! Sessions across the ends of real servers: one that drains and one that is cut off, each started again on the same
//! port in the middle of a run.

mod support;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::num::NonZeroUsize;

use tokio::net::TcpListener;

use robot_api::v1;
use robot_client::{Client, CommandSender, ResultReceiver, SessionConfig};
use robot_server::{Config, Shutdown, Summary};
use support::*;

const COMMANDS: u64 = 20_000;
const RESTARTS: u64 = 5;

/// A server on the port that another one has left.
async fn start_at(address: SocketAddr) -> (Shutdown, tokio::task::JoinHandle<Summary>) {
    let listener = TcpListener::bind(address).await.expect("the port is free");
    let shutdown = Shutdown::default();
    let server = robot_server::run(listener, Config::default(), shutdown.clone());
    let running = tokio::spawn(async { server.await.expect("the settings are valid") });
    (shutdown, running)
}

async fn send_all(mut sender: CommandSender) {
    for first in (0..COMMANDS).step_by(10) {
        let commands = (first..first + 10).map(|id| turn(id, id as f64));
        sender.send(commands.collect()).await.expect("it goes on");
    }
}

/// Ends the server with `end` each time that so many more results have come, and starts another.
async fn receive_all(
    receiver: &mut ResultReceiver,
    address: SocketAddr,
    end: impl Fn(&Shutdown),
) -> Vec<v1::RobotResult> {
    let (mut shutdown, mut running) = start_at(address).await;
    let mut results = Vec::new();
    let mut restarts = 0;
    while let Some(some) = receiver.next().await.expect("it goes on") {
        results.extend(some);
        if restarts < RESTARTS && results.len() as u64 > (restarts + 1) * COMMANDS / 10 {
            restarts += 1;
            end(&shutdown);
            let summary = running.await.expect("the server does not panic");
            assert!(summary.accepted > 0);
            (shutdown, running) = start_at(address).await;
        }
    }
    assert_eq!(restarts, RESTARTS);
    shutdown.drain.cancel();
    running.await.expect("the server does not panic");
    results
}

/// Runs a session across the ends of servers, and checks that each command was surfaced once, with its own state.
async fn survives(end: impl Fn(&Shutdown)) {
    let first = Server::start(Config::default()).await;
    let address = first.uri.trim_start_matches("http://");
    let address: SocketAddr = address.parse().expect("it is an address");
    let client = Client::connect(&first.uri).await.expect("it listens");
    let window = NonZeroUsize::new(500).expect("500 is not 0");
    let session = client.session(SessionConfig::new(window)).await;
    let (sender, mut receiver) = session.expect("it opens").split();
    // The stream is open, and nothing was sent: the session has to notice by itself.
    first.stop().await;

    let ((), results) = tokio::join!(send_all(sender), receive_all(&mut receiver, address, end));
    for result in &results {
        assert_eq!(state(result).heading_degrees, result.id as f64);
    }
    let ids: BTreeSet<_> = results.iter().map(|result| result.id).collect();
    assert_eq!(results.len() as u64, COMMANDS, "each was surfaced once");
    assert!(ids.into_iter().eq(0..COMMANDS));
    assert!(receiver.resumed().reconnects >= RESTARTS);
    assert!(receiver.unanswered().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_survives_drains_and_surfaces_each_result_once() {
    survives(|shutdown| shutdown.drain.cancel()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_survives_being_cut_off_and_surfaces_each_result_once() {
    survives(|shutdown| shutdown.at_once.cancel()).await;
}
