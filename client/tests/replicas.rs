//! Several servers that are all the same behind one client, with no proxy between: where streams and calls go, what
//! happens when replicas drain, die and come back, and sessions of several streams.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "support/command.rs"]
mod command;
mod support;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_stream::StreamExt;

use robot_api::v1;
use robot_client::{Client, ClientError, Credentials, Session, SessionConfig, SpreadSession};
use robot_server::{Config, Shutdown, Summary};
use support::*;

const REPLICAS: usize = 3;
const COMMANDS: u64 = 30_000;
/// Nothing here takes so long unless it hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server that can be ended and started again on its port.
struct Replica {
    address: SocketAddr,
    shutdown: Shutdown,
    running: JoinHandle<Summary>,
}

impl Replica {
    async fn start(config: Config) -> Self {
        Self::start_at(([127, 0, 0, 1], 0).into(), config).await
    }

    async fn start_at(address: SocketAddr, config: Config) -> Self {
        let listener = TcpListener::bind(address).await.expect("the port is free");
        let address = listener.local_addr().expect("it is bound");
        let shutdown = Shutdown::default();
        let server = robot_server::run(listener, config, shutdown.clone());
        Self {
            address,
            shutdown,
            running: tokio::spawn(async { server.await.expect("the settings are valid") }),
        }
    }

    async fn ended(&mut self) -> Summary {
        let ended = tokio::time::timeout(PATIENCE, &mut self.running).await;
        ended.expect("it ends").expect("it does not panic")
    }

    async fn restart(&mut self, config: Config) {
        *self = Self::start_at(self.address, config).await;
    }

    /// Calls that run commands.
    async fn open_calls(&self) -> u32 {
        self.snapshot().await.open_calls
    }

    async fn commands_run(&self) -> u64 {
        let workers = self.snapshot().await.workers;
        workers.iter().map(|worker| worker.commands).sum()
    }

    async fn snapshot(&self) -> v1::WatchWorkersResponse {
        let client = Client::connect(&self.address.to_string()).await;
        let client = client.expect("it listens");
        let mut snapshots = client.watch_workers(0).await.expect("it serves");
        let first = snapshots.next().await.expect("it is not over");
        first.expect("it is a snapshot")
    }
}

async fn replicas(config: impl Fn(usize) -> Config) -> Vec<Replica> {
    let mut all = Vec::new();
    for number in 0..REPLICAS {
        all.push(Replica::start(config(number)).await);
    }
    all
}

async fn connect(all: &[Replica]) -> Client {
    let addresses: Vec<_> = all.iter().map(|one| one.address.to_string()).collect();
    let addresses: Vec<_> = addresses.iter().map(String::as_str).collect();
    let connected = Client::connect_to_any(&addresses, Credentials::default()).await;
    connected.expect("they listen")
}

async fn stop(all: Vec<Replica>) {
    for mut one in all {
        one.shutdown.drain.cancel();
        one.ended().await;
    }
}

fn number(number: usize) -> NonZeroUsize {
    NonZeroUsize::new(number).expect("it is not 0")
}

async fn sessions(client: &Client, count: usize) -> Vec<Session> {
    let mut all = Vec::new();
    for _ in 0..count {
        let session = client.session(SessionConfig::default()).await;
        all.push(session.expect("it opens"));
    }
    all
}

/// Waits for what the client has to learn first; each try is an event of its own, not a wait.
async fn until(mut is_so: impl AsyncFnMut() -> bool) {
    let repeated = async { while !is_so().await {} };
    let so = tokio::time::timeout(PATIENCE, repeated).await;
    so.expect("it comes to be so");
}

/// Runs all commands over a session; `between` is told how many results there were so far.
async fn run(session: SpreadSession, mut between: impl AsyncFnMut(u64)) -> BTreeSet<u64> {
    let (mut sender, mut receiver) = session.split();
    let send = async move {
        for first in (0..COMMANDS).step_by(10) {
            let commands = (first..first + 10).map(|id| turn(id, id as f64));
            sender.send(commands.collect()).await.expect("it goes on");
        }
    };
    let receive = async {
        let (mut ids, mut results) = (BTreeSet::new(), 0);
        while let Some(some) = receiver.next().await.expect("it goes on") {
            for result in some {
                assert_eq!(state(&result).heading_degrees, result.id as f64);
                assert!(ids.insert(result.id), "{} came twice", result.id);
                results += 1;
            }
            between(results).await;
        }
        assert!(receiver.unanswered().is_empty());
        ids
    };
    let ((), ids) = tokio::join!(send, receive);
    ids
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_streams_are_ten_on_each_of_three_replicas() {
    let all = replicas(|_| Config::default()).await;
    let client = connect(&all).await;
    // Until all three are known to serve, streams go to those that are.
    until(async || {
        let probes = sessions(&client, REPLICAS).await;
        let mut open = Vec::new();
        for one in &all {
            open.push(one.open_calls().await);
        }
        drop(probes);
        open == [1; REPLICAS]
    })
    .await;
    // The probes' ends have to reach their servers.
    for one in &all {
        until(async || one.open_calls().await == 0).await;
    }
    let opened = sessions(&client, 30).await;
    for one in &all {
        assert_eq!(one.open_calls().await, 10);
    }
    drop(opened);
    drop(client);
    stop(all).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_says_not_serving_gets_nothing_new_and_answers_what_it_has() {
    // The first stays in its delay, in which it would still take calls, until the test is over.
    let delayed = |number| match number {
        0 => Config {
            drain_delay_ms: 600_000,
            drain_ms_max: 600_000,
            ..Config::default()
        },
        _ => Config::default(),
    };
    let all = replicas(delayed).await;
    let client = connect(&all).await;
    let mut streams = sessions(&client, 1).await;
    until(async || {
        streams.extend(sessions(&client, 1).await);
        all[0].open_calls().await > 0
    })
    .await;
    let begun = streams.len();
    all[0].shutdown.drain.cancel();
    until(async || {
        let before = all[0].open_calls().await;
        streams.extend(sessions(&client, 1).await);
        let probe = client.execute(vec![turn(0, 1.0)]).await;
        assert_eq!(probe.expect("somebody answers").len(), 1);
        all[0].open_calls().await == before && streams.len() > begun + 2 * REPLICAS
    })
    .await;
    let before = all[0].open_calls().await;
    streams.extend(sessions(&client, 30).await);
    assert_eq!(all[0].open_calls().await, before);
    // What it has is answered.
    for (id, session) in streams.into_iter().enumerate() {
        let (mut sender, mut receiver) = session.split();
        let sent = sender.send(vec![turn(id as u64, 5.0)]).await;
        sent.expect("it goes on");
        let results = receiver.next().await.expect("it goes on").expect("one");
        assert_eq!(state(&results[0]).heading_degrees, 5.0);
        assert_eq!(receiver.resumed().reconnects, 0);
    }
    all[0].shutdown.at_once.cancel();
    drop(client);
    stop(all).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_restart_is_seen_by_nobody() {
    let delayed = || Config {
        drain_delay_ms: 100,
        ..Config::default()
    };
    let mut all = replicas(|_| delayed()).await;
    let client = connect(&all).await;
    let session = client.spread_session(SessionConfig::new(number(300)), number(6));
    let session = session.await.expect("it opens");
    let calls = client.clone();
    // One call after the other, until it is told to stop.
    let (stop_calls, stopped) = tokio::sync::watch::channel(false);
    let calling = tokio::spawn(async move {
        let mut made = 0;
        while !*stopped.borrow() {
            let results = calls.execute(vec![turn(made, 1.0)]).await;
            assert_eq!(results.expect("somebody answers").len(), 1);
            made += 1;
        }
        made
    });
    // Restarts go on beside the session, which has to be read for its streams to find other places.
    let (progress, mut reached) = tokio::sync::watch::channel(0);
    let restart_all = async {
        let mut accepted = 0;
        for (number, one) in (1..).zip(&mut all) {
            let enough = reached.wait_for(|&results| results > number * COMMANDS / 5);
            drop(enough.await.expect("results go on"));
            one.shutdown.drain.cancel();
            let summary = one.ended().await;
            assert_eq!(summary.cut_off, 0);
            accepted += summary.accepted;
            one.restart(delayed()).await;
            // Before the next one goes, this one has to be used again: calls go to it, as it has no streams.
            until(async || one.commands_run().await > 0).await;
        }
        accepted
    };
    let (ids, accepted) = tokio::join!(
        run(session, async |results| {
            progress.send_replace(results);
        }),
        restart_all
    );
    stop_calls.send_replace(true);
    assert!(calling.await.expect("no call has failed") > 0);
    assert!(accepted > 0);
    assert!(ids.into_iter().eq(0..COMMANDS));
    drop(client);
    stop(all).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_command_is_answered_once_while_replicas_are_cut_off_in_turn() {
    let mut all = replicas(|_| Config::default()).await;
    let client = connect(&all).await;
    let session = client.spread_session(SessionConfig::new(number(500)), number(5));
    let session = session.await.expect("it opens");
    let mut ends = 0;
    let ids = run(session, async |results| {
        if ends < 6 && results > (ends + 1) * COMMANDS / 8 {
            let one = &mut all[ends as usize % REPLICAS];
            one.shutdown.at_once.cancel();
            one.ended().await;
            one.restart(Config::default()).await;
            ends += 1;
        }
    })
    .await;
    assert_eq!(ends, 6);
    assert!(ids.into_iter().eq(0..COMMANDS));
    drop(client);
    stop(all).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_holds_several_streams_to_one_server_behind_one_window() {
    let server = Replica::start(Config::default()).await;
    let client = Client::connect(&server.address.to_string()).await;
    let client = client.expect("it listens");
    let session = client.spread_session(SessionConfig::new(number(100)), number(4));
    let session = session.await.expect("it opens");
    assert_eq!(server.open_calls().await, 4);
    let ids = run(session, async |_results| {}).await;
    assert!(ids.into_iter().eq(0..COMMANDS));

    let session = client.spread_session(SessionConfig::new(number(100)), number(4));
    let (mut sender, mut receiver) = session.await.expect("it opens").split();
    sender.send(vec![turn(7, 1.0)]).await.expect("it goes on");
    // Another stream's turn, and yet it is known.
    let refused = sender.send(vec![turn(8, 1.0), turn(7, 1.0)]).await;
    assert!(matches!(refused, Err(ClientError::DuplicateId { id: 7 })));
    assert_eq!(receiver.unanswered(), [7]);
    let results = receiver.next().await.expect("it goes on").expect("one");
    assert_eq!(results[0].id, 7);
    sender.finish();
    assert!(receiver.next().await.expect("it goes on").is_none());
    stop(vec![server]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn says_of_each_server_why_it_takes_no_calls() {
    let mut addresses = Vec::new();
    for _ in 0..2 {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        addresses.push(listener.local_addr().expect("it is bound").to_string());
    }
    let given: Vec<_> = addresses.iter().map(String::as_str).collect();
    let error = Client::connect_to_any(&given, Credentials::default()).await;
    let error = error.expect_err("nobody listens").to_string();
    assert!(
        error.starts_with("none of 2 servers takes calls: "),
        "{error}"
    );
    for address in addresses {
        assert!(error.contains(&format!("http://{address}: ")), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn goes_on_with_those_that_are_there_and_finds_the_one_that_comes_later() {
    let late = Replica::start(Config::default()).await;
    let mut all = vec![Replica::start(Config::default()).await, late];
    all[1].shutdown.drain.cancel();
    all[1].ended().await;
    let client = connect(&all).await;
    let info: Result<v1::GetServerInfoResponse, _> = client.server_info().await;
    info.expect("the first one answers");
    let streams = sessions(&client, 4).await;
    assert_eq!(all[0].open_calls().await, 4);
    all[1].restart(Config::default()).await;
    let mut more = Vec::new();
    until(async || {
        more.extend(sessions(&client, 1).await);
        all[1].open_calls().await > 0
    })
    .await;
    drop((streams, more, client));
    stop(all).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_takes_several_servers() {
    let all = replicas(|_| Config::default()).await;
    let mut addresses: Vec<_> = all.iter().map(|one| one.address.to_string()).collect();
    // Nobody listens there; the others do.
    let nobody = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    addresses.push(nobody.local_addr().expect("it is bound").to_string());
    drop(nobody);
    let servers = addresses.join(",");
    let ran = tokio::task::spawn_blocking(move || {
        let bench = ["--turns", "600", "--streams", "6", "--connections", "2"];
        let (first, others) = servers.split_once(',').expect("there are four");
        [
            command::run(&[&["--server", &servers], &bench[..]].concat()),
            command::run(&["info", "--server", first, "--server", others]),
            command::run(&["health", "--server", &servers]),
            command::run_with(&["run", "-q", "-", "--server", &servers], "turn 90"),
        ]
    });
    for ran in ran.await.expect("it does not panic") {
        assert_eq!(ran.code, 0, "{}", ran.stderr);
    }
    let mut accepted = 0;
    for mut one in all {
        one.shutdown.drain.cancel();
        accepted += one.ended().await.accepted;
    }
    assert!(accepted > 600, "{accepted}");
}
