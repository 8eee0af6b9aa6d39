//! Runs against a real server in this process.

use std::num::NonZeroU64;

use robot_client::{Client, SessionConfig};
use robot_server::{Config, Shutdown};
use tokio::net::TcpListener;
use tonic::Code;

use super::*;
use crate::cli::bench::args::tests::plan;

/// Runs what the flags ask for against a server of that configuration; both have ended when it returns.
async fn ran(flags: &[&str], config: Config) -> Ran {
    let plan = plan(flags).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let workers = config.worker_count();
    let shutdown = Shutdown::default();
    let server = tokio::spawn(robot_server::run(listener, config, shutdown.clone()));

    let client = Client::connect(&address).await.unwrap();
    let mut sessions = Vec::new();
    for _ in 0..plan.streams {
        let config = SessionConfig::new(plan.window);
        sessions.push(client.session(config).await.unwrap());
    }
    let ran = run(sessions, &plan, workers).await;

    drop(client);
    shutdown.drain.cancel();
    server.await.unwrap().unwrap();
    ran
}

/// Commands whose ids are multiples of `id` fail.
fn panicking_on_multiples_of(id: u64) -> Config {
    Config {
        panic_on_multiples_of: NonZeroU64::new(id),
        ..Config::default()
    }
}

#[tokio::test]
async fn every_shape_is_answered_with_the_bits_that_it_must_have() {
    for flags in [
        &["--turns", "1"][..],
        &["--turns", "1000", "--window", "1"],
        &["--turns", "1000", "--window", "64", "--batch", "64"],
        &["--turns", "1001", "--window", "100", "--batch", "64"],
        &["--turns", "20000", "--window", "20000", "--batch", "4096"],
        &["--turns", "100", "--mode", "chained"],
        &["--turns", "10000", "--mode", "program"],
        &["--turns", "1000", "--streams", "7", "--batch", "10"],
        &["--turns", "3", "--streams", "5"],
        &["--turns", "100", "--streams", "20", "--mode", "chained"],
        &["--turns", "1000", "--workload", "random", "--seed", "7"],
        &["--turns", "200", "--rate", "10000", "--streams", "3"],
        &["--duration", "50ms", "--streams", "2"],
        &["--duration", "50ms", "--mode", "chained"],
    ] {
        let Ran { tally, error, .. } = ran(flags, Config::default()).await;
        let sent = tally.sent;
        assert!(error.is_none(), "{flags:?}: {error:?}");
        assert_eq!(tally.first_complaint, None, "{flags:?}");
        assert_eq!(tally.answered, sent, "{flags:?}");
        assert_eq!(tally.workers.values().sum::<u64>(), sent, "{flags:?}");
        assert_eq!(tally.jobs.commands, sent, "{flags:?}");
    }
}

#[tokio::test]
async fn a_command_that_fails_is_counted_and_shown() {
    let Ran { tally, error, .. } = ran(&["--turns", "10"], panicking_on_multiples_of(4)).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!((tally.answered, tally.failed, tally.mismatched), (10, 2, 0));
    assert!(
        tally
            .reasons
            .iter()
            .eq([(&"REASON_INTERNAL".to_owned(), &2)])
    );
    let complaint = tally.first_complaint.unwrap();
    assert!(complaint.contains("REASON_INTERNAL"), "{complaint}");
}

#[tokio::test]
async fn a_command_that_fails_ends_the_chain() {
    let flags = ["--turns", "10", "--mode", "chained"];
    let Ran { tally, error, .. } = ran(&flags, panicking_on_multiples_of(4)).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!((tally.sent, tally.answered, tally.failed), (4, 4, 1));
}

#[tokio::test]
async fn a_broken_stream_leaves_what_was_answered_and_the_reason() {
    let config = Config {
        commands_per_message_max: 10,
        ..Config::default()
    };
    let Ran { tally, error, .. } = ran(&["--turns", "100000", "--batch", "11"], config).await;
    assert_eq!(tally.answered, 0);
    let Some(ClientError::Status(status)) = error else {
        panic!("{error:?}");
    };
    assert_eq!(status.code(), Code::ResourceExhausted);
}
