use prost::Message;
use tokio::sync::mpsc;

use robot_api::v1;

use super::*;
use crate::nats::messages::request_of;
use crate::queue::{Abandon, Completion, Job, Queue, QueueLimits};

const ACTIONS_MAX: usize = 10;

/// A session: a queue, and what came back.
struct Session {
    queue: Queue,
    reply: mpsc::Sender<Completion>,
    completions: mpsc::Receiver<Completion>,
    abandon: Abandon,
}

impl Session {
    fn new() -> Self {
        let limits = QueueLimits {
            jobs_max: 16,
            bytes_max: 1 << 20,
        };
        let (reply, completions) = mpsc::channel(16);
        Self {
            queue: Queue::new(limits),
            reply,
            completions,
            abandon: Abandon::default(),
        }
    }

    /// A job of commands with these ids.
    fn lease(&self, sequence: u32, ids: &[u64]) -> Lease {
        self.lease_of(sequence, request_of(ids), ids.len() as u32)
    }

    fn lease_of(&self, sequence: u32, bytes: Bytes, commands: u32) -> Lease {
        let slot = self.queue.try_reserve(bytes.len()).unwrap();
        let place = self.reply.clone().try_reserve_owned().unwrap();
        let job = Job {
            bytes,
            commands,
            sequence,
            results_bytes_max: 1000,
        };
        self.queue.submit(job, slot, place, &self.abandon);
        self.queue.try_take().unwrap()
    }

    /// Of each job, in the order in which they came back: its place, the ids that it was told of, and why not all.
    fn told(&mut self) -> Vec<(u32, Vec<u64>, Option<Failure>)> {
        let mut told = Vec::new();
        while let Ok(completion) = self.completions.try_recv() {
            let response = v1::ExecuteStreamResponse::decode(completion.results).unwrap();
            let ids: Vec<_> = response.results.iter().map(|result| result.id).collect();
            assert_eq!(completion.answered as usize, ids.len());
            told.push((completion.sequence, ids, completion.failure));
        }
        told
    }
}

fn bundle(leases: Vec<Lease>) -> Bundle {
    let mut filling = Filling::default();
    for lease in leases {
        filling.push(lease, BYTES_MAX);
    }
    let (bundle, left_over) = filling.seal();
    assert!(left_over.is_none());
    bundle
}

fn results(ids: &[u64]) -> Bytes {
    let results = ids.iter().map(|&id| v1::RobotResult {
        id,
        ..Default::default()
    });
    let response = v1::ExecuteStreamResponse {
        results: results.collect(),
    };
    response.encode_to_vec().into()
}

#[test]
fn each_job_gets_its_own_results() {
    let mut session = Session::new();
    let bundle = bundle(vec![
        session.lease(0, &[1, 2]),
        session.lease(1, &[3]),
        session.lease(2, &[4, 5, 6]),
    ]);
    assert_eq!((bundle.commands, bundle.results_bytes_max), (6, 3000));
    let request = v1::ExecuteStreamRequest::decode(bundle.bytes.clone()).unwrap();
    let ids: Vec<_> = request.commands.iter().map(|command| command.id).collect();
    assert_eq!(ids, [1, 2, 3, 4, 5, 6]);
    bundle.complete(results(&ids), 6);
    let all = [(0, vec![1, 2], None), (1, vec![3], None)];
    let told = session.told();
    assert_eq!(told[..2], all);
    assert_eq!(told[2], (2, vec![4, 5, 6], None));
}

#[test]
fn results_that_are_too_few_or_too_large_are_those_of_a_lost_job() {
    let mut session = Session::new();
    let jobs = bundle(vec![session.lease(0, &[1, 2]), session.lease(1, &[3])]);
    jobs.complete(results(&[1, 2]), 2);
    let lost = |sequence| (sequence, vec![], Some(Failure::Lost));
    assert_eq!(session.told(), [(0, vec![1, 2], None), lost(1)]);

    let jobs = bundle(vec![session.lease(0, &[1])]);
    let large = v1::RobotResult {
        id: 1,
        events: vec![v1::Event::default(); 1000],
        ..Default::default()
    };
    let response = v1::ExecuteStreamResponse {
        results: vec![large],
    };
    jobs.complete(response.encode_to_vec().into(), 1);
    assert_eq!(session.told(), [lost(0)]);
}

#[test]
fn a_command_that_cannot_be_read_ends_its_own_job_only() {
    let mut session = Session::new();
    // The second command is none on the inside.
    let mut broken = session.lease(9, &[3]).job().bytes.to_vec();
    broken.extend([0x0a, 2, 0x12, 9]);
    session.told();
    let jobs = bundle(vec![
        session.lease(0, &[1, 2]),
        session.lease_of(1, broken.into(), 2),
        session.lease(2, &[5]),
    ]);
    let others = jobs.complete_before_malformed(results(&[1, 2, 3]), 3, ACTIONS_MAX);
    let others = others.expect("one was not run");
    let ids: Vec<_> = others
        .leases()
        .iter()
        .map(|lease| lease.job().sequence)
        .collect();
    assert_eq!((ids, others.commands), (vec![2], 1));
    let told = session.told();
    assert_eq!(told[0], (0, vec![1, 2], None));
    let (sequence, ids, failure) = &told[1];
    assert_eq!((*sequence, &ids[..]), (1, &[3][..]));
    assert!(
        matches!(failure, Some(Failure::Malformed(_))),
        "{failure:?}"
    );
    assert_eq!(told.len(), 2, "the third is not answered yet");
}

#[test]
fn a_job_that_does_not_fit_comes_next() {
    let session = Session::new();
    let mut filling = Filling::of(session.lease(0, &[1]));
    let bytes = session.lease(8, &[1]).job().bytes.len();
    filling.push(session.lease(1, &[2]), 2 * bytes);
    assert!(!filling.is_full());
    filling.push(session.lease(2, &[3]), 2 * bytes);
    assert!(filling.is_full());
    let (bundle, left_over) = filling.seal();
    assert_eq!(bundle.leases().len(), 2);
    assert_eq!(left_over.map(|lease| lease.job().sequence), Some(2));
    let only = Filling::of(session.lease(3, &[4]));
    assert!(!only.is_full(), "the first always fits");
}
