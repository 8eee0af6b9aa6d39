//! A gateway, workers and a broker as processes of their own: whatever of them goes away, each command is answered once.
//! nats-server is what `ROBOT_NATS_SERVER` names (`deploy/nats/install` prints it); without it these tests are skipped.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../support/collector.rs"]
mod collector;
mod load;
mod processes;
#[path = "../support/mod.rs"]
mod support;

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use collector::{Collector, number};
use load::{carry, reached};
use processes::{
    Nats, PATIENCE, Worker, free_port, gateway, get, metric, nats_server, until_ready, url,
};
use robot_api::v1;
use support::{Server, turns};

/// Short, so that what waits for it does not wait long.
const QUICK: &[&str] = &["--nats-ack-wait-ms", "500"];

/// So long that nothing is given to another worker because this machine is slow.
const PATIENT: &[&str] = &["--nats-ack-wait-ms", "600000"];

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
        let status = support_raw::execute_bytes(channel, &[0x0a, 2, 0x12, 9]).await;
        told.push((status.code(), status.message().to_owned()));
    }
    assert_eq!(told[0].0, tonic::Code::InvalidArgument);
    assert_eq!(told[0], told[1]);
}

/// A call whose request is just these bytes.
mod support_raw {
    use bytes::{Buf, BufMut, Bytes};
    use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
    use tonic::{Request, Status, client::Grpc, transport::Channel};

    pub(crate) async fn execute_bytes(channel: Channel, bytes: &'static [u8]) -> Status {
        let mut grpc = Grpc::new(channel);
        grpc.ready().await.unwrap();
        let path = http::uri::PathAndQuery::from_static("/robot.v1.RobotService/Execute");
        let request = Request::new(Bytes::from_static(bytes));
        let answer = grpc.unary(request, path, RawCodec).await;
        answer.expect_err("it is no message")
    }

    struct RawCodec;

    impl Codec for RawCodec {
        type Encode = Bytes;
        type Decode = Bytes;
        type Encoder = Self;
        type Decoder = Self;

        fn encoder(&mut self) -> Self {
            Self
        }

        fn decoder(&mut self) -> Self {
            Self
        }
    }

    impl Encoder for RawCodec {
        type Item = Bytes;
        type Error = Status;

        fn encode(&mut self, item: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
            buffer.put(item);
            Ok(())
        }
    }

    impl Decoder for RawCodec {
        type Item = Bytes;
        type Error = Status;

        fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
            Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
        }
    }
}

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

#[tokio::test]
async fn the_brokers_configuration_lets_each_side_do_what_it_needs_and_no_more() {
    let Some(binary) = nats_server() else { return };
    let config = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/nats/nats.conf");
    let passwords = [
        ("NATS_GATEWAY_PASSWORD", "of-the-gateway"),
        ("NATS_WORKER_PASSWORD", "of-the-worker"),
    ];
    let nats = Nats::start_with(&binary, &["-c", config], &passwords).await;
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, password: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, format!("{password}\n")).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (gateways, workers) = (file("g", "of-the-gateway"), file("w", "of-the-worker"));
    let flags = ["--nats-user", "gateway", "--nats-password-file", &gateways];
    let mut gateway = gateway(&nats.url(), &flags).await;
    until_ready(&mut gateway).await;
    let flags = ["--nats-user", "worker", "--nats-password-file", &workers];
    let _worker = Worker::ready(&nats.url(), &flags).await;
    let told = carry(&gateway, 1000, watch::channel(0).0).await;
    assert!(told.errors.is_empty());

    let (events, mut refusals) = tokio::sync::mpsc::channel(16);
    let client = async_nats::ConnectOptions::new()
        .user_and_password("worker".to_owned(), "of-the-worker".to_owned())
        .event_callback(move |event| {
            let events = events.clone();
            async move {
                let _full = events.try_send(event.to_string());
            }
        })
        .connect(nats.url())
        .await
        .unwrap();
    for subject in [
        "robot.v1.main.jobs.>",
        "robot.v1.main.results.>",
        "robot.v1.other.>",
        ">",
    ] {
        let _refused = client.subscribe(subject).await.unwrap();
        client.flush().await.unwrap();
        let refusal = async {
            loop {
                let event = refusals.recv().await.expect("the client lives");
                if event.to_lowercase().contains("permissions violation") {
                    return event;
                }
            }
        };
        let refusal = timeout(PATIENCE, refusal).await.expect("it is refused");
        assert!(refusal.contains(subject), "{refusal}");
    }
}

#[tokio::test]
async fn a_password_on_the_command_line_is_refused_and_not_repeated() {
    let output = support::binary()
        .args(["--queue", "nats://user:secret@127.0.0.1:4222"])
        .output();
    let output = timeout(Duration::from_secs(60), output)
        .await
        .unwrap()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("--nats-password-file"), "{stderr}");
}
