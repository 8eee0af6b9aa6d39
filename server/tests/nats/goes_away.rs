//! Whatever goes away, of workers, broker and gateway, each command is answered once.

use tokio::sync::watch;
use tokio::time::timeout;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::load::{carry, reached};
use crate::processes::{
    Nats, PATIENCE, Worker, free_port, gateway, get, metric, nats_server, until_ready, url,
};
use crate::support::Server;

/// Short, so that what waits for it does not wait long.
const QUICK: &[&str] = &["--nats-ack-wait-ms", "500"];

/// So long that nothing is given to another worker because this machine is slow.
const PATIENT: &[&str] = &["--nats-ack-wait-ms", "600000"];

/// How often something is killed: `ROBOT_NATS_KILLS=20` is the long form.
fn kills(default: u64) -> u64 {
    let asked = std::env::var("ROBOT_NATS_KILLS").ok();
    asked.map_or(default, |count| count.parse().expect("it is a number"))
}

#[tokio::test]
async fn a_worker_that_is_killed_loses_nothing() {
    let Some(binary) = nats_server() else { return };
    let nats = Nats::start(&binary).await;
    let mut gateway = gateway(&nats.url(), &[]).await;
    until_ready(&mut gateway).await;
    let admin = free_port().await;
    let port = admin.to_string();
    let survives = ["--admin", &port];
    let _survivor = Worker::ready(&nats.url(), &survives).await;
    let mut victims = Vec::new();
    for _ in 0..2 {
        victims.push(Worker::ready(&nats.url(), &[]).await);
    }

    let kills = kills(3);
    let commands = 50_000 * (kills + 1);
    let (answered, mut progress) = watch::channel(0);
    let strikes = async {
        for time in 0..kills {
            reached(&mut progress, commands / (kills + 1) * time + 25_000).await;
            let victim = &mut victims[time as usize % 2];
            victim.kill().await;
            *victim = Worker::ready(&nats.url(), &[]).await;
        }
    };
    let (told, ()) = tokio::join!(carry(&gateway, commands, answered), strikes);
    assert!(told.errors.is_empty());
    let redelivered = metric(admin, "robot_nats_jobs_redelivered_total").await;
    eprintln!(
        "{kills} kills: {redelivered} jobs of the dead for the one, longest {:?}",
        told.longest
    );
}

#[tokio::test]
async fn a_worker_that_is_told_to_end_loses_nothing_and_leaves_nothing_to_others() {
    let Some(binary) = nats_server() else { return };
    let nats = Nats::start(&binary).await;
    let mut gateway = gateway(&nats.url(), PATIENT).await;
    until_ready(&mut gateway).await;
    let mut leaver = Worker::ready(&nats.url(), PATIENT).await;
    let admin = free_port().await;
    let port = admin.to_string();
    let flags = [PATIENT, &["--admin", &port]].concat();
    let _other = Worker::ready(&nats.url(), &flags).await;

    const COMMANDS: u64 = 100_000;
    let (answered, mut progress) = watch::channel(0);
    let strike = async {
        reached(&mut progress, COMMANDS / 4).await;
        leaver.signal("TERM").await;
        assert_eq!(leaver.wait().await.code(), Some(0));
    };
    let (told, ()) = tokio::join!(carry(&gateway, COMMANDS, answered), strike);
    assert!(told.errors.is_empty());
    assert!(metric(admin, "robot_nats_jobs_taken_total").await > 0);
    let redelivered = metric(admin, "robot_nats_jobs_redelivered_total").await;
    assert_eq!(redelivered, 0, "what it had it has done");
}

#[tokio::test]
async fn a_broker_that_is_killed_and_comes_back_empty_loses_nothing() {
    let Some(binary) = nats_server() else { return };
    let mut nats = Nats::start(&binary).await;
    let admin = free_port().await.to_string();
    let flags = [QUICK, &["--admin", &admin]].concat();
    let mut gateway = gateway(&nats.url(), &flags).await;
    until_ready(&mut gateway).await;
    let _workers = [
        Worker::ready(&nats.url(), QUICK).await,
        Worker::ready(&nats.url(), QUICK).await,
    ];

    let kills = kills(3);
    let commands = 50_000 * (kills + 1);
    let (answered, mut progress) = watch::channel(0);
    let strikes = async {
        for time in 0..kills {
            reached(&mut progress, commands / (kills + 1) * time + 25_000).await;
            nats.kill().await;
            nats.restart().await;
        }
    };
    let (told, ()) = tokio::join!(carry(&gateway, commands, answered), strikes);
    assert!(told.errors.is_empty());
    let port = admin.parse().unwrap();
    let resent = metric(port, "robot_nats_jobs_resent_total").await;
    eprintln!(
        "{kills} kills: {resent} jobs sent again, longest {:?}",
        told.longest
    );
    assert!(metric(port, "robot_nats_connects_total").await > kills);
}

async fn health(gateway: &Server) -> ServingStatus {
    let channel = tonic::transport::Endpoint::from_shared(gateway.uri()).unwrap();
    let mut client = HealthClient::new(channel.connect().await.unwrap());
    let answer = client.check(HealthCheckRequest::default()).await.unwrap();
    answer.into_inner().status()
}

#[tokio::test]
async fn a_gateway_without_a_broker_says_so_waits_for_it_and_ends_when_told() {
    let Some(binary) = nats_server() else { return };
    let nobody = free_port().await;
    let admin = free_port().await;
    let mut waiting = gateway(&url(nobody), &["--admin", &admin.to_string()]).await;
    let line = waiting.log_line("not ready").await;
    assert!(line.contains("the broker does not answer"), "{line}");
    assert_eq!(health(&waiting).await, ServingStatus::NotServing);
    let ready = get(admin, "/ready").await;
    assert!(ready.starts_with("HTTP/1.1 503"), "{ready}");
    waiting.signal("TERM").await;
    let ended = timeout(PATIENCE, waiting.wait()).await;
    assert_eq!(ended.expect("it ends").code(), Some(0));

    // Its port is only known once it runs: so it runs, goes, and comes back.
    let mut nats = Nats::start(&binary).await;
    nats.kill().await;
    let mut gateway = gateway(&nats.url(), &[]).await;
    let mut worker = Worker::start(&nats.url(), &[]);
    worker.log_line("not ready").await;
    nats.restart().await;
    until_ready(&mut gateway).await;
    let told = carry(&gateway, 1000, watch::channel(0).0).await;
    assert!(told.errors.is_empty());
    assert_eq!(health(&gateway).await, ServingStatus::Serving);
    worker.signal("TERM").await;
    assert_eq!(worker.wait().await.code(), Some(0));
}
