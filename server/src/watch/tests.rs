//! The watchdog alone, in paused time: each limit at its edge and past it.

use super::*;

const SECOND: Duration = Duration::from_secs(1);

/// Idle for 40 s, stalled for 20 s; it looks each 5 s.
fn start() -> Arc<Watch> {
    let watch = Watch::new(WatchLimits {
        idle_max: 40 * SECOND,
        stall_max: 20 * SECOND,
    });
    let watching = Arc::clone(&watch);
    tokio::spawn(async move { watching.run().await });
    watch
}

fn open(watch: &Arc<Watch>, is_session: bool) -> (WatchedCall, CallTasks) {
    let call = Watch::open(watch, Who::nobody(), is_session, &CancellationToken::new());
    let tasks = CallTasks::default();
    tasks.expect(&call);
    (call, tasks)
}

/// Runs a call that does nothing; true once it has been cut off.
fn run(tasks: &CallTasks) -> impl Future<Output = bool> {
    let (alive, cut) = tokio::sync::oneshot::channel::<()>();
    hyper::rt::Executor::execute(tasks, async move {
        std::future::pending::<()>().await;
        drop(alive);
    });
    async move { cut.await.is_err() }
}

/// Seconds until it is done, if that is within a thousand.
async fn seconds_until(done: impl Future) -> Option<u64> {
    let begin = Instant::now();
    let done = tokio::time::timeout(1000 * SECOND, done).await;
    done.ok().map(|_done| begin.elapsed().as_secs())
}

fn within_a_look(found: Option<u64>, limit: u64) {
    let found = found.expect("it is ended");
    assert!(
        (limit..=limit + 5).contains(&found),
        "{found} s for {limit}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_session_without_messages_is_told_to_end_at_its_limit_and_not_before() {
    let (call, _tasks) = open(&start(), true);
    let activity = call.activity();
    within_a_look(seconds_until(activity.ending().cancelled()).await, 40);
    assert!(activity.has_idled());
}

#[tokio::test(start_paused = true)]
async fn each_message_begins_the_wait_anew() {
    let (call, _tasks) = open(&start(), true);
    let activity = call.activity();
    for _ in 0..10 {
        tokio::time::sleep(39 * SECOND).await;
        activity.read(1);
    }
    assert!(!activity.has_idled());
    within_a_look(seconds_until(activity.ending().cancelled()).await, 40);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_owed_something_is_not_idle() {
    let (call, tasks) = open(&start(), true);
    call.activity().owes(true);
    let cut = run(&tasks);
    assert_eq!(seconds_until(cut).await, None);
    assert!(!call.activity().has_idled());
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_client_does_not_read_is_cut_off() {
    for is_session in [true, false] {
        let (call, tasks) = open(&start(), is_session);
        call.activity().owes(true);
        call.activity().frame_wanted();
        call.activity().frame_given();
        within_a_look(seconds_until(run(&tasks)).await, 20);
    }
}

#[tokio::test(start_paused = true)]
async fn each_frame_that_is_taken_begins_the_wait_anew() {
    let (call, tasks) = open(&start(), true);
    let cut = run(&tasks);
    let activity = call.activity();
    activity.owes(true);
    for _ in 0..10 {
        activity.frame_wanted();
        activity.frame_given();
        tokio::time::sleep(19 * SECOND).await;
    }
    activity.frame_wanted();
    assert_eq!(seconds_until(cut).await, None, "it waits for the server");
}

#[tokio::test(start_paused = true)]
async fn a_request_that_does_not_come_to_its_end_is_cut_off() {
    let (_call, tasks) = open(&start(), false);
    within_a_look(seconds_until(run(&tasks)).await, 40);

    let (call, tasks) = open(&start(), false);
    call.activity().answers();
    assert_eq!(seconds_until(run(&tasks)).await, None);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_has_ended_is_forgotten() {
    let watch = start();
    let calls: Vec<_> = (0..10).map(|_| open(&watch, true)).collect();
    assert_eq!(watch.with_calls(|calls| calls.len()), 10);
    drop(calls);
    assert_eq!(watch.with_calls(|calls| calls.len()), 0);
}
