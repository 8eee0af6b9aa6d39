//! Real sessions and real workers over a real, tiny queue, run by a scheduler that polls one of those that were woken,
//! drawn from a seed: orders that a real scheduler comes to once in a thousand years come up here in a second.
//!
//! What must hold for each seed: somebody is always awake until all is done (no wake-up is lost); a session that ends
//! has answered each command that it accepted, once; in the end all room in the queue is there again.
//!
//! More of them: `ROBOT_SCHEDULES=100000 cargo test --release -p robot-server --lib interleaved`.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Wake, Waker};

use bytes::Bytes;
use fastrand::Rng;
use prost::Message;
use robot_api::v1;

use super::*;
use crate::queue::QueueLimits;
use crate::who::Who;
use crate::worker::{WorkerConfig, WorkerCounts, work};

const SESSIONS: usize = 3;
const WORKERS: u32 = 2;
const MESSAGES_MAX: u64 = 6;
const COMMANDS_MAX: u64 = 5;
const QUEUE: QueueLimits = QueueLimits {
    jobs_max: 2,
    bytes_max: 96,
};
/// One command's results, or two's.
const IN_FLIGHT_BYTES_MAX: usize = 600;
const ACTIONS_MAX: usize = 10;
/// No run takes nearly as many polls.
const POLLS_MAX: usize = 100_000;

/// Whether it was woken since it was polled last.
struct Awake(AtomicBool);

impl Wake for Awake {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

struct Task<'a> {
    future: Pin<Box<dyn Future<Output = ()> + 'a>>,
    awake: Arc<Awake>,
    /// Nothing else waits for it.
    is_worker: bool,
}

impl<'a> Task<'a> {
    fn new(is_worker: bool, future: impl Future<Output = ()> + 'a) -> Self {
        Self {
            future: Box::pin(future),
            awake: Arc::new(Awake(AtomicBool::new(true))),
            is_worker,
        }
    }
}

/// Runs all tasks, one of those that are awake at a time. `between` is called before each poll.
fn run(mut tasks: Vec<Task<'_>>, rng: &mut Rng, mut between: impl FnMut(&mut Rng, bool)) {
    for _ in 0..POLLS_MAX {
        between(rng, tasks.iter().all(|task| task.is_worker));
        let is_awake = |task: &Task<'_>| task.awake.0.load(Ordering::Relaxed);
        let awake: Vec<_> = (0..tasks.len())
            .filter(|&at| is_awake(&tasks[at]))
            .collect();
        if tasks.is_empty() {
            return;
        }
        assert!(
            !awake.is_empty(),
            "all {} tasks sleep for ever",
            tasks.len()
        );
        let at = awake[rng.usize(..awake.len())];
        let task = &mut tasks[at];
        task.awake.0.store(false, Ordering::Relaxed);
        let waker = Waker::from(Arc::clone(&task.awake));
        let polled = task.future.as_mut().poll(&mut Context::from_waker(&waker));
        if polled.is_ready() {
            tasks.swap_remove(at);
        }
    }
    panic!(
        "{} tasks are still at it after {POLLS_MAX} polls",
        tasks.len()
    );
}

/// Request messages that come at random times. It counts the commands that were read.
struct Requests<'a> {
    rng: Rng,
    messages: u64,
    next_id: u64,
    read: &'a std::cell::RefCell<BTreeMap<u64, u32>>,
}

impl Stream for Requests<'_> {
    type Item = Result<Bytes, End>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.rng.bool() {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.messages == 0 {
            return Poll::Ready(None);
        }
        self.messages -= 1;
        let ids = self.next_id..self.next_id + self.rng.u64(..=COMMANDS_MAX);
        self.next_id = ids.end;
        self.read.borrow_mut().extend(ids.clone().map(|id| (id, 0)));
        let commands = ids.map(|id| v1::RobotCommand {
            id,
            state: Some(v1::RobotState::default()),
            ..Default::default()
        });
        let commands = commands.collect();
        Poll::Ready(Some(Ok(v1::ExecuteStreamRequest { commands }
            .encode_to_vec()
            .into())))
    }
}

/// Reads a session to its end, slowly, or leaves in the middle.
async fn client(mut session: Session<Requests<'_>>, mut rng: Rng, leaves: bool) {
    let read = session.requests.read;
    loop {
        while rng.u8(..4) == 0 {
            tokio::task::yield_now().await;
        }
        if leaves && rng.u8(..8) == 0 {
            return;
        }
        let Some(item) = tokio_stream::StreamExt::next(&mut session).await else {
            break;
        };
        match item {
            Ok(response) => {
                let response = v1::ExecuteStreamResponse::decode(&response[HEAD_BYTES..])
                    .expect("it is valid");
                for result in response.results {
                    let mut read = read.borrow_mut();
                    *read.get_mut(&result.id).expect("it was sent") += 1;
                }
            }
            Err(end) => {
                assert_eq!(end, End::ShuttingDown);
                break;
            }
        }
    }
    assert_eq!(
        (session.jobs_in_flight, session.results_in_flight_bytes),
        (0, 0)
    );
    assert!(read.borrow().values().all(|&times| times == 1), "{read:?}");
}

fn interleave(seed: u64) {
    let mut rng = Rng::with_seed(seed);
    let queue = Queue::new(QUEUE);
    let drain = Drain::default();
    let limits = SessionLimits {
        message_bytes_max: 1 << 20,
        commands_per_message_max: 100,
        in_flight_bytes_max: IN_FLIGHT_BYTES_MAX,
        job: JobLimits {
            commands_max: rng.u32(1..=4),
            bytes_max: 64,
            actions_max: ACTIONS_MAX,
        },
    };
    let worker = WorkerConfig {
        actions_max: ACTIONS_MAX,
        #[cfg(feature = "fault-injection")]
        panic_on_multiples_of: None,
        #[cfg(feature = "fault-injection")]
        abort_on_multiples_of: None,
        #[cfg(feature = "fault-injection")]
        slow: std::time::Duration::ZERO,
    };
    let counts: Vec<_> = (1..=WORKERS).map(WorkerCounts::new).collect();
    let reads: [_; SESSIONS] = Default::default();
    let mut tasks: Vec<_> = counts
        .iter()
        .map(|counts| Task::new(true, work(queue.clone(), worker, counts)))
        .collect();
    for read in &reads {
        let requests = Requests {
            rng: rng.fork(),
            messages: rng.u64(..=MESSAGES_MAX),
            next_id: 0,
            read,
        };
        let activity = Arc::new(Activity::new(Who::nobody(), true, drain.stopping()));
        let session = Session::new(requests, queue.clone(), limits, None, &drain, activity);
        tasks.push(Task::new(
            false,
            client(session, rng.fork(), rng.u8(..3) == 0),
        ));
    }
    let drains = rng.u8(..3) == 0;
    run(tasks, &mut rng, |rng, sessions_are_done| {
        if drains && rng.u8(..64) == 0 {
            drain.stopping().cancel();
        }
        // If it never is, the workers sleep for ever.
        if sessions_are_done && all_room_is_there(&queue) {
            queue.close();
        }
    });
    assert_eq!((queue.len(), queue.idle_workers()), (0, 0));
}

fn all_room_is_there(queue: &Queue) -> bool {
    let first = queue.try_reserve(QUEUE.bytes_max - 1);
    let second = queue.try_reserve(1);
    first.is_some() && second.is_some()
}

#[test]
fn in_any_order_all_that_was_accepted_is_answered_once_and_nobody_sleeps_for_ever() {
    let asked = std::env::var("ROBOT_SCHEDULES").ok();
    let seeds = asked.map_or(2000, |count| count.parse().expect("it is a number"));
    for seed in 0..seeds {
        let run = std::panic::catch_unwind(|| interleave(seed));
        assert!(run.is_ok(), "seed {seed}");
    }
}
