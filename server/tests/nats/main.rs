//! A gateway, workers and a broker as processes of their own: whatever of them goes away, each command is answered once.
//! nats-server is what `ROBOT_NATS_SERVER` names (`deploy/nats/install` prints it); without it these tests are skipped.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod access;
#[path = "../support/collector.rs"]
mod collector;
mod goes_away;
mod load;
mod processes;
mod raw;
#[path = "../support/mod.rs"]
mod support;

use std::time::Duration;

use tokio::sync::watch;

use collector::{Collector, number};
use load::carry;
use processes::{Nats, Worker, free_port, gateway, metric, nats_server, until_ready};
use robot_api::v1;
use support::{Server, turns};

#[tokio::test]
async fn each_command_is_answered_once_and_the_gateway_says_by_whom() {
    let Some(binary) = nats_server() else { return };
    let nats = Nats::start(&binary).await;
    let mut gateway = gateway(&nats.url(), &[]).await;
    until_ready(&mut gateway).await;
    let first = ["--workers", "1", "--first-worker-number", "7"];
    let _worker = Worker::ready(&nats.url(), &first).await;

    let told = carry(&gateway, 10_000, watch::channel(0).0).await;
    assert!(told.errors.is_empty());

    let mut client = gateway.connect().await;
    let request = v1::ExecuteRequest {
        commands: turns(1, 1000).commands,
    };
    let results = client.execute(request).await.unwrap().into_inner().results;
    let ids: Vec<_> = results.iter().map(|result| result.id).collect();
    assert_eq!(ids, Vec::from_iter(1..=1000), "in the order of the request");

    let info = client.get_server_info(v1::GetServerInfoRequest::default());
    let info = info.await.unwrap().into_inner();
    assert_eq!(info.queue_kind(), v1::QueueKind::Nats);
    assert_eq!(info.workers, 1);
    let watching = client.watch_workers(v1::WatchWorkersRequest::default());
    let mut snapshots = watching.await.unwrap().into_inner();
    let snapshot = snapshots.message().await.unwrap().unwrap();
    let workers = snapshot.workers.iter();
    let workers: Vec<_> = workers.map(|run| (run.worker, run.commands)).collect();
    assert_eq!(workers, [(7, 11_000)]);
}

#[tokio::test]
async fn a_broken_command_ends_its_stream_as_without_a_broker() {
    let Some(binary) = nats_server() else { return };
    let nats = Nats::start(&binary).await;
    let mut gateway = gateway(&nats.url(), &[]).await;
    until_ready(&mut gateway).await;
    let _worker = Worker::ready(&nats.url(), &[]).await;
    let embedded = Server::start(&[]).await;
    let mut told = Vec::new();
    for server in [&embedded, &gateway] {
        let channel = tonic::transport::Endpoint::from_shared(server.uri()).unwrap();
        let channel = channel.connect().await.unwrap();
        let status = raw::execute_bytes(channel, &[0x0a, 2, 0x12, 9]).await;
        told.push((status.code(), status.message().to_owned()));
    }
    assert_eq!(told[0].0, tonic::Code::InvalidArgument);
    assert_eq!(told[0], told[1]);
}

#[tokio::test]
async fn whoever_runs_a_job_has_a_span_in_the_trace_of_its_call() {
    let Some(binary) = nats_server() else { return };
    let nats = Nats::start(&binary).await;
    let collector = Collector::default();
    let endpoint = collector.start().await;
    let flags = ["--otlp-endpoint", &endpoint];
    let mut gateway = gateway(&nats.url(), &flags).await;
    until_ready(&mut gateway).await;
    let mut worker = Worker::ready(&nats.url(), &flags).await;
    let request = v1::ExecuteRequest {
        commands: turns(1, 10).commands,
    };
    let executed = gateway.connect().await.execute(request).await.unwrap();
    assert_eq!(executed.into_inner().results.len(), 10);
    worker.signal("TERM").await;
    assert_eq!(worker.wait().await.code(), Some(0));
    gateway.signal("TERM").await;
    assert_eq!(gateway.wait().await.code(), Some(0));

    let spans = collector.spans();
    let of_service = |name: &str| {
        let found = spans.iter().filter(|(service, _span)| service == name);
        let found: Vec<_> = found.map(|(_service, span)| span).collect();
        assert_eq!(found.len(), 1, "{name} in {spans:?}");
        found[0]
    };
    let (call, job) = (of_service("robot-server"), of_service("robot-worker"));
    assert_eq!(call.name, "robot.v1.RobotService/Execute");
    assert_eq!(job.trace_id, call.trace_id);
    assert_eq!(job.parent_span_id, call.span_id);
    assert_eq!(number(job, "robot.commands.answered"), 10);
    assert_eq!(number(job, "robot.job.deliveries"), 1);
}

#[tokio::test]
async fn a_job_that_nobody_waits_for_any_more_is_not_run() {
    let Some(binary) = nats_server() else { return };
    let nats = Nats::start(&binary).await;
    let seen = free_port().await;
    let port = seen.to_string();
    let mut gateway = gateway(&nats.url(), &["--admin", &port]).await;
    until_ready(&mut gateway).await;
    // Nobody is there to run it in time; on a slow machine it may not come as far as the broker in time either.
    let mut published = 0;
    for timeout in [200, 2000, 20_000].map(Duration::from_millis) {
        let mut request = tonic::Request::new(tokio_stream::once(turns(1, 10)));
        request.set_timeout(timeout);
        let call = async {
            let responses = gateway.connect().await.execute_stream(request).await?;
            responses.into_inner().message().await
        };
        let code = call.await.expect_err("nobody has run it").code();
        // By the gateway's clock, or by the client's own.
        let late = [tonic::Code::DeadlineExceeded, tonic::Code::Cancelled];
        assert!(late.contains(&code), "{code}");
        published = metric(seen, "robot_nats_jobs_published_total").await;
        if published > 0 {
            break;
        }
    }
    assert!(published > 0, "nothing has come as far as the broker");
    let admin = free_port().await;
    let port = admin.to_string();
    let _worker = Worker::ready(&nats.url(), &["--admin", &port]).await;
    // What comes after it is run after it.
    let told = carry(&gateway, 1000, watch::channel(0).0).await;
    assert!(told.errors.is_empty());
    let late = metric(admin, "robot_nats_jobs_late_total").await;
    assert_eq!(late, published);
}

#[tokio::test]
async fn a_broker_that_is_full_makes_jobs_wait() {
    use async_nats::jetstream::{self, stream};
    let Some(binary) = nats_server() else { return };
    let nats = Nats::start(&binary).await;
    let client = async_nats::connect(nats.url()).await.unwrap();
    let config = stream::Config {
        name: "ROBOT_main".to_owned(),
        subjects: vec!["robot.v1.main.jobs.>".to_owned()],
        retention: stream::RetentionPolicy::WorkQueue,
        storage: stream::StorageType::Memory,
        discard: stream::DiscardPolicy::New,
        discard_new_per_subject: true,
        max_messages_per_subject: 2,
        ..Default::default()
    };
    let made = jetstream::new(client).create_stream(config).await;
    made.expect("the broker makes streams");
    let admin = free_port().await;
    let port = admin.to_string();
    let flags = ["--admin", &port, "--job-commands-max", "8"];
    let mut gateway = gateway(&nats.url(), &flags).await;
    until_ready(&mut gateway).await;
    // Nobody takes jobs until some were refused.
    let late = async {
        while metric(admin, "robot_nats_jobs_refused_total").await == 0 {
            tokio::task::yield_now().await;
        }
        Worker::ready(&nats.url(), &[]).await
    };
    let (told, _worker) = tokio::join!(carry(&gateway, 2000, watch::channel(0).0), late);
    assert!(told.errors.is_empty());
    assert_eq!(metric(admin, "robot_nats_jobs_lost_total").await, 0);
}
