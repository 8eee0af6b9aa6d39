//! A client that counts: each id is answered once, and every state is what the command says.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;

use robot_api::v1;
use robot_api::v1::command_error::Reason;
use robot_api::v1::robot_result::Outcome;

use crate::processes::PATIENCE;
use crate::support::{Server, turns};

/// Commands in one message.
pub(crate) const BATCH: u64 = 10;

/// What a client was told.
#[derive(Debug)]
pub(crate) struct Told {
    /// The ids that were answered with an error.
    pub(crate) errors: BTreeMap<u64, Reason>,
    /// From handing a message to the client's stream to its last answer, at the most.
    pub(crate) longest: Duration,
}

/// Sends so many commands on one stream and reads the answers; `answered` is told how many have come.
pub(crate) async fn carry(gateway: &Server, commands: u64, answered: watch::Sender<u64>) -> Told {
    let mut client = gateway.connect().await;
    let (requests, receiver) = mpsc::channel(1);
    let begun = Instant::now();
    let sending = tokio::spawn(async move {
        let mut sent = Vec::new();
        for first in (0..commands).step_by(BATCH as usize) {
            let batch = turns(1 + first, BATCH.min(commands - first));
            if requests.send(batch).await.is_err() {
                break;
            }
            sent.push(begun.elapsed());
        }
        sent
    });
    let responses = client.execute_stream(ReceiverStream::new(receiver)).await;
    let mut responses = responses.unwrap().into_inner();
    let mut told = BTreeMap::new();
    let mut came = BTreeMap::new();
    while let Some(response) = timeout(PATIENCE, responses.message())
        .await
        .unwrap_or_else(|_| panic!("no answer for a minute, {} of {commands}", told.len()))
        .expect("the stream ends OK")
    {
        for result in response.results {
            let id = result.id;
            let before = told.insert(id, judge(result));
            assert!(before.is_none(), "{id} was answered twice");
            came.insert((id - 1) / BATCH, begun.elapsed());
        }
        answered.send_replace(told.len() as u64);
    }
    let sent = sending.await.unwrap();
    let times = sent.iter().zip(came.into_values());
    let longest = times.map(|(sent, came)| came.saturating_sub(*sent)).max();
    let ids: Vec<_> = told.keys().copied().collect();
    assert_eq!(ids, Vec::from_iter(1..=commands), "each was answered");
    let errors = told.into_iter();
    Told {
        errors: errors
            .filter_map(|(id, error)| Some((id, error?)))
            .collect(),
        longest: longest.unwrap_or_default(),
    }
}

/// The reason of an error; a state must be the right one.
fn judge(result: v1::RobotResult) -> Option<Reason> {
    match result.outcome.expect("there is an outcome") {
        Outcome::State(state) => {
            assert_eq!(state.heading_degrees, 90.0);
            None
        }
        Outcome::Error(error) => Some(error.reason()),
    }
}

/// Waits until so many are answered.
pub(crate) async fn reached(answered: &mut watch::Receiver<u64>, count: u64) {
    let reached = answered.wait_for(|&answered| answered >= count);
    timeout(PATIENCE, reached)
        .await
        .expect("answers come")
        .expect("it is not all over yet");
}
