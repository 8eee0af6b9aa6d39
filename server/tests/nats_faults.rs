//! Workers behind a broker that are told to fail: a command that ends whoever runs it, a worker that is slow, and one of
//! another version. Needs the feature `fault-injection`, and nats-server as `tests/nats` does.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "nats/load.rs"]
mod load;
#[allow(dead_code, reason = "each test file uses its own part")]
#[path = "nats/processes.rs"]
mod processes;
mod support;

use tokio::sync::watch;

use load::{BATCH, carry, reached};
use processes::{Nats, Worker, free_port, gateway, metric, nats_server, until_ready};
use robot_api::v1::command_error::Reason;

const QUICK: &[&str] = &["--nats-ack-wait-ms", "1000"];

#[tokio::test]
async fn a_command_that_ends_its_workers_gets_an_error_and_all_others_their_states() {
    let Some(binary) = nats_server() else { return };
    let nats = Nats::start(&binary).await;
    let admin = free_port().await;
    let port = admin.to_string();
    let flags = [QUICK, &["--admin", &port]].concat();
    let mut gateway = gateway(&nats.url(), &flags).await;
    until_ready(&mut gateway).await;
    let url = nats.url();
    // As a service manager would: whoever ends is started again.
    let fleet = async {
        let flags = [QUICK, &["--abort-on-multiples-of", "500"]].concat();
        loop {
            let mut worker = Worker::start(&url, &flags);
            worker.wait().await;
        }
    };
    let told = tokio::select! {
        told = carry(&gateway, 999, watch::channel(0).0) => told,
        () = fleet => unreachable!("it goes on for ever"),
    };
    let errors: Vec<_> = told.errors.into_iter().collect();
    assert_eq!(errors, [(500, Reason::Internal)]);
    assert_eq!(
        metric(admin, "robot_nats_commands_condemned_total").await,
        1
    );
    assert_eq!(metric(admin, "robot_nats_jobs_lost_total").await, 0);
}

#[tokio::test]
async fn a_worker_of_another_version_takes_no_jobs() {
    let Some(binary) = nats_server() else { return };
    let nats = Nats::start(&binary).await;
    let mut gateway = gateway(&nats.url(), &[]).await;
    until_ready(&mut gateway).await;
    let admin = free_port().await;
    let port = admin.to_string();
    let flags = ["--semantics-version", "4711", "--admin", &port];
    let _other = Worker::ready(&nats.url(), &flags).await;
    let _right = Worker::ready(&nats.url(), &[]).await;
    let told = carry(&gateway, 10_000, watch::channel(0).0).await;
    assert!(told.errors.is_empty());
    assert_eq!(metric(admin, "robot_nats_jobs_taken_total").await, 0);
}

#[tokio::test]
async fn a_slow_worker_holds_one_job_and_leaves_the_rest_to_the_others() {
    let Some(binary) = nats_server() else { return };
    let nats = Nats::start(&binary).await;
    let mut gateway = gateway(&nats.url(), &["--job-commands-max", "10"]).await;
    until_ready(&mut gateway).await;
    let admin = free_port().await.to_string();
    let slow = ["--workers", "1", "--slow-ms", "50", "--admin", &admin];
    let _slow = Worker::ready(&nats.url(), &slow).await;
    let _fast = Worker::ready(&nats.url(), &["--workers", "1"]).await;
    const COMMANDS: u64 = 50_000;
    // What it was given before it knew.
    const FIRST_JOBS: u64 = 8;
    let (answered, mut progress) = watch::channel(0);
    let port = admin.parse().unwrap();
    let looks = async {
        // Once it knows that it is slow, it never holds more.
        reached(&mut progress, COMMANDS / 2).await;
        while metric(port, "robot_nats_jobs_taken_total").await < FIRST_JOBS
            && reached_yet(&progress) < COMMANDS
        {}
        let mut most = 0;
        while reached_yet(&progress) < COMMANDS * 9 / 10 {
            most = most.max(metric(port, "robot_nats_jobs_held").await);
        }
        most
    };
    let (told, most) = tokio::join!(carry(&gateway, COMMANDS, answered), looks);
    assert!(told.errors.is_empty());
    assert!(most <= 1, "{most} jobs held");
    let taken = metric(port, "robot_nats_jobs_taken_total").await;
    assert!(
        taken * 10 < COMMANDS / BATCH,
        "{taken} jobs for the slow one"
    );
}

fn reached_yet(progress: &watch::Receiver<u64>) -> u64 {
    *progress.borrow()
}
