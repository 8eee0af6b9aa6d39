//! A healthy client beside an attack: it sends a few commands, waits for their results, and does so again until the
//! attack is over. It notices if a result is missing or wrong or if its stream ends, and it takes the time.

use std::time::Duration;

use robot_api::v1;
use robot_api::v1::robot_result::Outcome;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

use crate::support::Server;

/// Commands that are sent at once.
const ROUND_COMMANDS: u64 = 3;
/// Rounds before the attack, and at least as many beside it or after it.
const ROUNDS: usize = 100;
const PACE: Duration = Duration::from_millis(1);

/// What the healthy client saw.
#[derive(Debug)]
pub(crate) struct Noticed {
    before: Vec<Duration>,
    during: Vec<Duration>,
}

/// Runs an attack with a healthy client beside it, which must get every answer, and the right one.
pub(crate) async fn beside<T>(server: &Server, attack: impl Future<Output = T>) -> (T, Noticed) {
    let mut client = server.connect().await;
    let (requests, receiver) = mpsc::channel(1);
    let responses = client.execute_stream(ReceiverStream::new(receiver)).await;
    let mut rounds = Rounds {
        requests,
        responses: responses.unwrap().into_inner(),
        next_id: 0,
    };
    let (over, mut attack_is_over) = oneshot::channel::<()>();
    let (begin, began) = oneshot::channel();
    let healthy = tokio::spawn(async move {
        let mut pace = interval(PACE);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut before = Vec::new();
        for _ in 0..ROUNDS {
            pace.tick().await;
            before.push(rounds.run().await);
        }
        begin.send(()).unwrap();
        let mut during = Vec::new();
        while attack_is_over.try_recv() == Err(oneshot::error::TryRecvError::Empty)
            || during.len() < ROUNDS
        {
            pace.tick().await;
            during.push(rounds.run().await);
        }
        rounds.end().await;
        Noticed { before, during }
    });
    began.await.expect("the healthy client is served");
    let attacked = attack.await;
    over.send(()).expect("the healthy client is still served");
    (
        attacked,
        healthy.await.expect("the healthy client noticed nothing"),
    )
}

struct Rounds {
    requests: mpsc::Sender<v1::ExecuteStreamRequest>,
    responses: Streaming<v1::ExecuteStreamResponse>,
    next_id: u64,
}

impl Rounds {
    async fn run(&mut self) -> Duration {
        let ids = self.next_id..self.next_id + ROUND_COMMANDS;
        self.next_id = ids.end;
        let commands = ids.clone().map(command).collect();
        let sent = Instant::now();
        self.requests
            .send(v1::ExecuteStreamRequest { commands })
            .await
            .expect("the stream is open");
        let mut unanswered: Vec<u64> = ids.collect();
        while !unanswered.is_empty() {
            let response = self.responses.message().await.unwrap();
            for result in response.expect("the stream goes on").results {
                let place = unanswered.iter().position(|&id| id == result.id);
                unanswered.swap_remove(place.expect("each id is answered once"));
                let Some(Outcome::State(state)) = result.outcome else {
                    panic!("{result:?}");
                };
                assert_eq!(state.heading_degrees, result.id as f64 + 90.0);
            }
        }
        sent.elapsed()
    }

    async fn end(self) {
        let Self {
            requests,
            mut responses,
            next_id: _,
        } = self;
        drop(requests);
        assert_eq!(responses.message().await.unwrap(), None, "it ends OK");
    }
}

fn command(id: u64) -> v1::RobotCommand {
    v1::RobotCommand {
        id,
        state: Some(v1::RobotState {
            heading_degrees: id as f64,
            ..Default::default()
        }),
        script: "turn 90".to_owned(),
        ..Default::default()
    }
}

impl Noticed {
    /// A line for the table of attacks. The times are reported and not asserted: the machine may be busy.
    pub(crate) fn report(&self, server: &Server, attack: &str, times: usize, outcome: &str) {
        let Self { before, during } = self;
        println!(
            "| {attack} | {times} | {outcome} | {:.1} | {:.2} | {:.2} | {} |",
            peak_rss_bytes(server) as f64 / f64::from(1 << 20),
            p99(before).as_secs_f64() * 1e3,
            p99(during).as_secs_f64() * 1e3,
            during.len() as u64 * ROUND_COMMANDS,
        );
    }
}

fn p99(times: &[Duration]) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    sorted[sorted.len() * 99 / 100]
}

/// The most memory that the server has had so far.
pub(crate) fn peak_rss_bytes(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kib: u64 = line
        .unwrap()
        .split_whitespace()
        .nth(1)
        .unwrap()
        .parse()
        .unwrap();
    kib * 1024
}
