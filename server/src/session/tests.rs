//! Sessions over a real queue and real workers, without a network: what is read, what is held back, how each ends.

use bytes::Bytes;
use proptest::prelude::*;
use prost::Message;
use robot_api::v1;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;

use super::*;
use crate::config::Config;
use crate::pool::Pool;
use crate::who::Who;

/// Limits that are easy to reach.
fn limits() -> SessionLimits {
    SessionLimits {
        commands_per_message_max: 10,
        ..Config::default().session_limits()
    }
}

fn command(id: u64) -> v1::RobotCommand {
    v1::RobotCommand {
        id,
        state: Some(v1::RobotState::default()),
        ..Default::default()
    }
}

fn message(ids: impl IntoIterator<Item = u64>) -> Bytes {
    let commands = ids.into_iter().map(command).collect();
    v1::ExecuteStreamRequest { commands }.encode_to_vec().into()
}

/// A pool of so many workers; with none, jobs stay in the queue.
fn queue(workers: u32) -> Queue {
    let config = Config::default();
    let (pool, mut tasks) = Pool::start(workers, config.queue_limits(), config.worker_config());
    tasks.detach_all();
    pool.queue().clone()
}

fn activity() -> Arc<Activity> {
    activity_under(&Drain::default())
}

fn activity_under(drain: &Drain) -> Arc<Activity> {
    Arc::new(Activity::new(Who::nobody(), true, drain.stopping()))
}

struct Outcome {
    ids: Vec<u64>,
    end: End,
}

async fn finish<R>(mut session: Session<R>) -> Outcome
where
    R: Messages + Unpin,
{
    let mut ids = Vec::new();
    let end = loop {
        match session.next().await {
            Some(Ok(response)) => {
                let response = v1::ExecuteStreamResponse::decode(&response[HEAD_BYTES..]).unwrap();
                assert!(!response.results.is_empty(), "no empty responses");
                ids.extend(response.results.iter().map(|result| result.id));
            }
            Some(Err(end)) => break end,
            None => break End::Answered,
        }
    };
    assert!(session.next().await.is_none(), "the end is the last item");
    ids.sort_unstable();
    Outcome { ids, end }
}

async fn run(requests: Vec<Result<Bytes, End>>) -> Outcome {
    let requests = tokio_stream::iter(requests);
    finish(Session::new(
        requests,
        queue(2),
        limits(),
        None,
        &Drain::default(),
        activity(),
    ))
    .await
}

#[tokio::test]
async fn answers_all_and_ends_ok() {
    let messages = (0..100).map(|batch| Ok(message(batch * 10..batch * 10 + 10)));
    let Outcome { ids, end } = run(messages.collect()).await;
    assert_eq!(ids, (0..1000).collect::<Vec<_>>());
    assert_eq!(end, End::Answered);
}

#[tokio::test]
async fn a_stream_without_commands_ends_ok() {
    assert_eq!(run(vec![]).await.end, End::Answered);
    assert_eq!(run(vec![Ok(message([]))]).await.end, End::Answered);
}

#[tokio::test]
async fn one_id_twice_is_answered_twice() {
    let Outcome { ids, end } = run(vec![Ok(message([5, 5])), Ok(message([5]))]).await;
    assert_eq!((ids, end), (vec![5, 5, 5], End::Answered));
}

#[tokio::test]
async fn a_broken_stream_is_answered_and_then_ends_with_its_reason() {
    let broken = End::BrokenFraming("half a message");
    let Outcome { ids, end } = run(vec![Ok(message([1, 2])), Err(broken.clone())]).await;
    assert_eq!((ids, end), (vec![1, 2], broken));
}

#[tokio::test]
async fn a_reset_stream_is_never_ok() {
    let Outcome { ids, end } = run(vec![Ok(message([1])), Err(End::Cancelled)]).await;
    assert_eq!((ids, end), (vec![1], End::Cancelled));
}

#[tokio::test]
async fn what_came_before_a_malformed_message_is_answered() {
    // Malformed on the outside: a length without its bytes. On the inside: an id that never ends.
    for malformed in [&[0x0a, 0x05, 0x08][..], &[0x0a, 0x02, 0x08, 0xff]] {
        let malformed = Bytes::from_static(malformed);
        let Outcome { ids, end } = run(vec![Ok(message([1, 2])), Ok(malformed)]).await;
        assert_eq!(ids, [1, 2]);
        assert!(matches!(end, End::Malformed(_)), "{end}");
    }
}

#[tokio::test]
async fn nothing_is_read_after_a_malformed_message() {
    let malformed = Bytes::from_static(&[0x0a, 0x02, 0x08, 0xff]);
    let (sender, receiver) = mpsc::channel(8);
    let requests = ReceiverStream::new(receiver);
    let session = Session::new(
        requests,
        queue(1),
        limits(),
        None,
        &Drain::default(),
        activity(),
    );
    sender.send(Ok(message([1]))).await.unwrap();
    sender.send(Ok(malformed)).await.unwrap();
    let Outcome { ids, end } = finish(session).await;
    assert_eq!(ids, [1]);
    assert!(matches!(end, End::Malformed(_)), "{end}");
    assert!(sender.is_closed());
}

#[tokio::test]
async fn a_message_may_hold_as_many_commands_as_the_limit_and_no_more() {
    let Outcome { ids, end } = run(vec![Ok(message(0..10))]).await;
    assert_eq!((ids.len(), end), (10, End::Answered));
    let Outcome { ids, end } = run(vec![Ok(message([99])), Ok(message(0..11))]).await;
    assert_eq!(
        (ids, end),
        (vec![99], End::TooManyCommands { found: 11, max: 10 })
    );
}

#[tokio::test]
async fn a_command_larger_than_the_budget_goes_alone() {
    let tiny = SessionLimits {
        in_flight_bytes_max: 1,
        ..limits()
    };
    let requests = tokio_stream::iter((0..50).map(|id| Ok(message([id, id + 50]))));
    let session = Session::new(
        requests,
        queue(2),
        tiny,
        None,
        &Drain::default(),
        activity(),
    );
    let Outcome { ids, end } = finish(session).await;
    assert_eq!((ids, end), ((0..100).collect(), End::Answered));
}

#[tokio::test]
async fn stops_reading_when_the_budget_is_used_up() {
    let budget = SessionLimits {
        in_flight_bytes_max: 16 * 1024,
        ..limits()
    };
    let (sender, receiver) = mpsc::channel(1000);
    for id in 0..1000 {
        sender.try_send(Ok(message([id]))).unwrap();
    }
    let requests = ReceiverStream::new(receiver);
    let mut session = Session::new(
        requests,
        queue(0),
        budget,
        None,
        &Drain::default(),
        activity(),
    );
    let polled = tokio::time::timeout(std::time::Duration::ZERO, session.next()).await;
    assert!(polled.is_err(), "no worker, no answer");
    let read = sender.capacity();
    let result_bytes = robot_api::wire::results_bytes_max(1, message([1]).len(), 10_000);
    assert_eq!(
        read,
        16 * 1024 / result_bytes + 1,
        "the budget, and one that waits for room"
    );
    assert!(session.results_in_flight_bytes <= 16 * 1024);
}

#[tokio::test]
async fn stops_reading_when_the_queue_is_full_and_goes_on_when_it_is_not() {
    let config = Config {
        queue_jobs_max: 1,
        job_commands_max: 1,
        ..Config::default()
    };
    let (pool, workers) = Pool::start(1, config.queue_limits(), config.worker_config());
    let requests = tokio_stream::iter((0..500).map(|id| Ok(message([id]))));
    let queue = pool.queue().clone();
    let session = Session::new(
        requests,
        queue,
        config.session_limits(),
        None,
        &Drain::default(),
        activity(),
    );
    let Outcome { ids, end } = finish(session).await;
    assert_eq!((ids, end), ((0..500).collect(), End::Answered));
    pool.queue().close();
    workers.join_all().await;
}

#[tokio::test]
async fn shutdown_answers_what_was_read_and_ends_unavailable() {
    let (sender, receiver) = mpsc::channel(8);
    let drain = Drain::default();
    let requests = ReceiverStream::new(receiver);
    let mut session = Session::new(
        requests,
        queue(1),
        limits(),
        None,
        &drain,
        activity_under(&drain),
    );
    sender.send(Ok(message([1]))).await.unwrap();
    let first = session.next().await.unwrap().unwrap();
    assert_eq!(
        v1::ExecuteStreamResponse::decode(&first[HEAD_BYTES..])
            .unwrap()
            .results
            .len(),
        1
    );
    drain.stopping().cancel();
    assert_eq!(finish(session).await.end, End::ShuttingDown);
}

#[tokio::test(start_paused = true)]
async fn the_deadline_ends_a_session_that_cannot_be_answered() {
    let deadline = Instant::now() + std::time::Duration::from_secs(5);
    let requests = tokio_stream::iter([Ok(message([1]))]).chain(tokio_stream::pending());
    let session = Session::new(
        requests,
        queue(0),
        limits(),
        Some(deadline),
        &Drain::default(),
        activity(),
    );
    assert_eq!(finish(session).await.end, End::DeadlineExceeded);
}

#[tokio::test]
async fn a_dropped_session_abandons_its_jobs() {
    let queue = queue(0);
    let requests = tokio_stream::iter([Ok(message([1]))]).chain(tokio_stream::pending());
    let mut session = Session::new(
        requests,
        queue.clone(),
        limits(),
        None,
        &Drain::default(),
        activity(),
    );
    let polled = tokio::time::timeout(std::time::Duration::ZERO, session.next()).await;
    assert!(polled.is_err(), "no worker, no answer");
    let lease = queue.take().await.unwrap();
    assert!(!lease.is_abandoned());
    drop(session);
    assert!(lease.is_abandoned());
}

#[tokio::test]
async fn a_lost_job_ends_the_session() {
    let queue = queue(0);
    let requests = tokio_stream::iter([Ok(message([1]))]).chain(tokio_stream::pending());
    let session = Session::new(
        requests,
        queue.clone(),
        limits(),
        None,
        &Drain::default(),
        activity(),
    );
    let (ended, ()) = tokio::join!(finish(session), async {
        drop(queue.take().await);
    });
    assert_eq!(ended.end, End::Lost);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_cut_answers_each_command_once(
        sizes in proptest::collection::vec(0_u64..40, 0..12),
        commands_max in 1_u32..20,
        bytes_max in 64_usize..400,
        in_flight_bytes_max in 1_usize..20_000,
    ) {
        let mut ids = 0..;
        let requests: Vec<_> = sizes
            .iter()
            .map(|&size| Ok(message(ids.by_ref().take(size as usize))))
            .collect();
        let job = JobLimits { commands_max, bytes_max, actions_max: 10 };
        let limits = SessionLimits { commands_per_message_max: 40, in_flight_bytes_max, job, ..limits() };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let outcome = runtime.block_on(async {
            let requests = tokio_stream::iter(requests);
            finish(Session::new(requests, queue(2), limits, None, &Drain::default(), activity())).await
        });
        prop_assert_eq!(outcome.ids, (0..sizes.iter().sum()).collect::<Vec<u64>>());
        prop_assert_eq!(outcome.end, End::Answered);
    }
}
