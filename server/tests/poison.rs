//! One command in a hundred panics: that one gets its error, all others their results, and no worker is lost.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../../client/tests/support/mod.rs"]
mod support;

use std::collections::BTreeSet;
use std::num::NonZeroU64;

use robot_api::v1;
use robot_api::v1::command_error::Reason;
use robot_server::Config;
use support::*;

const COMMANDS: u64 = 20_000;
const BATCH: u64 = 50;
const POISON_EVERY: u64 = 100;
const WORKERS: u32 = 4;

#[tokio::test(flavor = "multi_thread")]
async fn one_percent_poison_costs_nobody_else_a_result_or_a_worker() {
    let config = Config {
        workers: Some(WORKERS),
        panic_on_multiples_of: NonZeroU64::new(POISON_EVERY),
        ..Config::default()
    };
    // What a panic prints, two hundred times, hides what a test has to say.
    std::panic::set_hook(Box::new(|_panic| {}));
    let server = Server::start(config).await;
    let messages = (0..COMMANDS / BATCH).map(|batch| {
        let ids = batch * BATCH + 1..=batch * BATCH + BATCH;
        encoded(ids.map(|id| turn(id, id as f64)).collect())
    });
    let messages = tokio_stream::iter(messages.collect::<Vec<_>>());
    let (results, end) = call_raw(server.channel().await, EXECUTE_STREAM, messages).await;
    let _default = std::panic::take_hook();

    end.expect("all were answered");
    assert_eq!(ids(&results), (1..=COMMANDS).collect::<Vec<_>>());
    for result in &results {
        match result.id % POISON_EVERY {
            0 => assert_eq!(reason(result), Reason::Internal),
            _ => assert_eq!(state(result).heading_degrees, result.id as f64),
        }
    }
    assert_eq!(workers_at_work(&server).await, (1..=WORKERS).collect());
    let summary = server.stop().await;
    assert_eq!(
        (summary.accepted, summary.answered),
        (summary.answered, summary.accepted)
    );
}

/// Sends work until each worker has done some more than before.
async fn workers_at_work(server: &Server) -> BTreeSet<u32> {
    let mut at_work = BTreeSet::new();
    let mut client = server.client().await;
    while at_work.len() < WORKERS as usize {
        // Long enough that one worker cannot run them all before the others have woken up.
        let commands = (0..64)
            .map(|id| program(id * POISON_EVERY + 1, 1000))
            .collect();
        let response = client
            .execute(v1::ExecuteRequest { commands })
            .await
            .unwrap();
        let results = response.into_inner().results;
        assert!(
            results
                .iter()
                .all(|result| state(result).heading_degrees == 1000.0)
        );
        at_work.extend(
            results
                .iter()
                .map(|result| result.execution.unwrap().worker),
        );
    }
    at_work
}
