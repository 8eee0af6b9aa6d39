//! The queue's core under shuttle: sessions that reserve, submit, take results back and leave, workers that take jobs,
//! complete them, give them up or drop them, and a queue that is closed, in thousands of random interleavings. It is the
//! server's own `queue.rs`, compiled once more over shuttle's atomics and its models of tokio's semaphore and channel.
//! The channel that carries the jobs stays the real one: each of its operations is one step here.
//!
//! What must hold in each of them: every job is answered, once, or its session has left; nobody waits for ever (shuttle
//! fails on a deadlock); in the end all room is there again.
//!
//! More of them: `ROBOT_SCHEDULES=100000 cargo test --release -p robot-server --test schedules`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[allow(dead_code, unreachable_pub, reason = "the server uses all of it")]
#[path = "../src/queue.rs"]
mod queue;

/// As the server's, over shuttle.
mod sync {
    pub(crate) use shuttle::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    pub(crate) use shuttle_tokio::sync::mpsc::OwnedPermit;
    pub(crate) use shuttle_tokio::sync::{OwnedSemaphorePermit, Semaphore};
}

use std::collections::BTreeSet;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use bytes::Bytes;
use shuttle::rand::{Rng, thread_rng};
use shuttle_tokio::sync::mpsc;

use queue::{Abandon, Completion, Failure, Job, Lease, Queue, QueueClosed, QueueLimits, Slot};

const SESSIONS: u32 = 3;
const JOBS: u32 = 4;
const WORKERS: u32 = 2;
/// Places for completions of one session.
const IN_FLIGHT_MAX: usize = 2;
const JOBS_MAX: usize = 2;
const BYTES_MAX: usize = 10;

fn schedules() -> usize {
    let asked = std::env::var("ROBOT_SCHEDULES").ok();
    asked.map_or(3000, |count| {
        count.parse().expect("ROBOT_SCHEDULES is a number")
    })
}

fn chance(one_in: u32) -> bool {
    thread_rng().gen_range(0..one_in) == 0
}

/// How a session came out.
#[derive(Debug, PartialEq)]
enum Outcome {
    AllAnswered,
    Left,
    Closed,
}

struct Session {
    queue: Queue,
    abandon: Abandon,
    reply: mpsc::Sender<Completion>,
    completions: mpsc::Receiver<Completion>,
    open: BTreeSet<u32>,
}

impl Session {
    fn new(queue: Queue) -> Self {
        let (reply, completions) = mpsc::channel(IN_FLIGHT_MAX);
        Self {
            queue,
            abandon: Abandon::default(),
            reply,
            completions,
            open: BTreeSet::new(),
        }
    }

    /// Submits its jobs and takes their results, as the server's session does: it waits for room and for results at
    /// the same time. If it `may_leave`, it may do so at any time.
    async fn run(mut self, may_leave: bool) -> Outcome {
        for sequence in 0..JOBS {
            if may_leave && chance(6) {
                return Outcome::Left;
            }
            let job = job(sequence);
            let place = loop {
                match self.reply.clone().try_reserve_owned() {
                    Ok(place) => break place,
                    Err(_full) => self.take_one().await,
                }
            };
            let Ok(slot) = self.slot(job.bytes.len()).await else {
                return self.finish(Outcome::Closed).await;
            };
            assert!(self.open.insert(sequence));
            self.queue.submit(job, slot, place, &self.abandon);
        }
        if may_leave && chance(3) {
            return Outcome::Left;
        }
        self.finish(Outcome::AllAnswered).await
    }

    async fn slot(&mut self, bytes: usize) -> Result<Slot, QueueClosed> {
        if let Some(slot) = self.queue.try_reserve(bytes) {
            return Ok(slot);
        }
        let mut slot = pin!(self.queue.clone().reserve(bytes));
        loop {
            let next = poll_fn(|cx| {
                if let Poll::Ready(slot) = slot.as_mut().poll(cx) {
                    return Poll::Ready(Ok(slot));
                }
                self.completions.poll_recv(cx).map(Err)
            });
            match next.await {
                Ok(slot) => return slot,
                Err(completion) => {
                    let completion = completion.expect("it holds a sender itself");
                    assert!(self.open.remove(&completion.sequence), "answered twice");
                }
            }
        }
    }

    async fn take_one(&mut self) {
        let completion = self.completions.recv().await;
        let Completion {
            sequence,
            failure,
            answered,
            results_bytes_max,
            ..
        } = completion.expect("it holds a sender itself");
        assert!(self.open.remove(&sequence), "{sequence} was answered twice");
        assert_eq!(results_bytes_max, job(sequence).results_bytes_max);
        match failure {
            None => assert_eq!(answered, 1),
            Some(failure) => assert_eq!((answered, failure), (0, Failure::Lost)),
        }
    }

    async fn finish(mut self, outcome: Outcome) -> Outcome {
        while !self.open.is_empty() {
            self.take_one().await;
        }
        outcome
    }
}

fn job(sequence: u32) -> Job {
    Job {
        // The largest takes all the room that there is.
        bytes: Bytes::from_static(&[0; BYTES_MAX]).slice(..[3, BYTES_MAX, 1, 6][sequence as usize]),
        commands: 1,
        sequence,
        results_bytes_max: 100 + sequence as usize,
    }
}

/// Takes jobs until the queue is closed and empty. Some are held back and handed back together, some are given up, and
/// some are dropped, as when a worker goes away.
async fn work(queue: Queue, may_lose: bool) {
    let mut held: Vec<Lease> = Vec::new();
    loop {
        let lease = match queue.try_take() {
            Some(lease) => lease,
            None => {
                held.drain(..).for_each(complete);
                match queue.take().await {
                    Some(lease) => lease,
                    None => return,
                }
            }
        };
        if lease.is_abandoned() || may_lose && chance(8) {
            continue;
        }
        held.push(lease);
        if chance(2) {
            held.drain(..).for_each(complete);
        }
    }
}

fn complete(lease: Lease) {
    lease.complete(Bytes::from_static(b"results"), 1, None);
}

/// Three sessions and two workers; each session's outcome.
fn run(may_leave: bool, may_lose: bool, close_early: bool) -> Vec<Outcome> {
    let queue = Queue::new(QueueLimits {
        jobs_max: JOBS_MAX,
        bytes_max: BYTES_MAX,
    });
    let workers: Vec<_> = (0..WORKERS)
        .map(|_| shuttle::future::spawn(work(queue.clone(), may_lose)))
        .collect();
    let sessions: Vec<_> = (0..SESSIONS)
        .map(|_| shuttle::future::spawn(Session::new(queue.clone()).run(may_leave)))
        .collect();
    shuttle::future::block_on(async {
        if close_early {
            queue.close();
        }
        let mut outcomes = Vec::new();
        for session in sessions {
            outcomes.push(session.await.unwrap());
        }
        if !close_early {
            all_room_is_there(&queue).await;
        }
        queue.close();
        for worker in workers {
            worker.await.unwrap();
        }
        let refused = queue.clone().reserve(1).await;
        assert!(matches!(refused, Err(QueueClosed)) && queue.try_reserve(1).is_none());
        assert_eq!(queue.len(), 0);
        assert_eq!(queue.idle_workers(), 0);
        outcomes
    })
}

/// Jobs that were abandoned still hold room until a worker has seen them, so this waits; if some were lost, for ever.
async fn all_room_is_there(queue: &Queue) {
    let all = queue.clone().reserve(BYTES_MAX).await.unwrap();
    drop(all);
    let mut slots = Vec::new();
    for _ in 0..JOBS_MAX {
        slots.push(queue.clone().reserve(1).await.unwrap());
    }
    assert!(queue.try_reserve(1).is_none(), "room for one job too many");
    drop(slots);
    assert!(
        queue.try_reserve(BYTES_MAX + 1).is_none(),
        "room for one byte too many"
    );
}

#[test]
fn every_job_is_answered_once_and_all_room_comes_back() {
    shuttle::check_random(
        || {
            let outcomes = run(false, false, false);
            assert!(
                outcomes
                    .iter()
                    .all(|outcome| *outcome == Outcome::AllAnswered)
            );
        },
        schedules(),
    );
}

#[test]
fn sessions_that_leave_and_workers_that_lose_jobs_cost_nobody_else_anything() {
    shuttle::check_random(
        || {
            let outcomes = run(true, true, false);
            assert!(!outcomes.contains(&Outcome::Closed));
        },
        schedules(),
    );
}

#[test]
fn a_queue_that_is_closed_at_any_time_answers_what_it_has_taken() {
    shuttle::check_random(
        || {
            run(true, true, true);
        },
        schedules(),
    );
}

#[test]
fn rare_orders_of_few_steps_hold_too() {
    shuttle::check_pct(
        || {
            run(true, true, false);
        },
        schedules(),
        3,
    );
}
