//! The binary as its operator meets it: settings, signals, exit codes, log lines.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::collections::HashSet;

use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Endpoint;
use tonic::{Code, Streaming};

use robot_api::v1;
use robot_api::v1::robot_service_client::RobotServiceClient;
use support::{Server, binary, turns};

#[tokio::test]
async fn a_bad_value_is_one_line_and_exit_code_2() {
    for (flags, expected) in [
        (
            &["--workers", "0"][..],
            "error: invalid value '0' for '--workers <COUNT>': 0 is not in 1..=1024",
        ),
        (
            &["--workers", "many"],
            "error: invalid value 'many' for '--workers <COUNT>'",
        ),
        (
            &["--listen", "nowhere"],
            "error: invalid value 'nowhere' for '--listen <ADDRESS>'",
        ),
        (
            &["--log-format", "xml"],
            "error: invalid value 'xml' for '--log-format <LOG_FORMAT>'",
        ),
        (
            &["--wrokers", "2"],
            "error: unexpected argument '--wrokers' found",
        ),
        (
            &[
                "--message-bytes-max",
                "67108864",
                "--queue-bytes-max",
                "1048576",
            ],
            "error: --queue-bytes-max is 1048576; it must be at least --message-bytes-max, which is 67108864",
        ),
        (
            &["--drain-delay-ms", "20000"],
            "error: --drain-delay-ms is 20000; it must be at most --drain-ms-max, which is 10000",
        ),
    ] {
        let output = binary()
            .args(flags)
            .output()
            .await
            .expect("the binary was built");
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
        assert!(stderr.starts_with(expected), "{stderr}");
    }
}

#[tokio::test]
async fn an_address_in_use_is_one_line_and_exit_code_1() {
    let server = Server::start(&[]).await;
    let second = binary()
        .args(["--listen", server.address()])
        .output()
        .await
        .unwrap();
    let stderr = String::from_utf8(second.stderr).unwrap();
    assert_eq!(second.status.code(), Some(1), "{stderr}");
    assert!(
        stderr.starts_with("error: cannot listen on 127.0.0.1:"),
        "{stderr}"
    );
}

#[tokio::test]
async fn settings_come_from_the_environment_too() {
    let output = binary()
        .env("ROBOT_SERVER_QUEUE_JOBS_MAX", "none")
        .output()
        .await
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("--queue-jobs-max"), "{stderr}");
}

#[tokio::test]
async fn the_start_line_says_every_limit_and_the_end_line_what_was_answered() {
    let mut server = Server::start(&["--workers", "3", "--drain-ms-max", "5000"]).await;
    let mut client = server.connect().await;
    let request = v1::ExecuteRequest {
        commands: turns(0, 10).commands,
    };
    let results = client.execute(request).await.unwrap().into_inner().results;
    assert_eq!(results.len(), 10);
    server.signal("INT").await;
    let end = server.log_line("\"message\":\"ended\"").await;
    assert!(
        end.contains("\"accepted\":10,\"answered\":10,\"cut_off\":0"),
        "{end}"
    );
    assert_eq!(server.wait().await.code(), Some(0));
}

const STREAMS: u64 = 8;
const SENT_BEFORE_THE_SIGNAL: u64 = 1250;
const BATCH: u64 = 10;

/// What one stream was told: its answered ids and its final status.
struct Told {
    answered: HashSet<u64>,
    end: Code,
}

/// Sends without a pause until the stream ends; says when enough is on its way.
async fn flood(requests: mpsc::Sender<v1::ExecuteStreamRequest>, enough: mpsc::Sender<()>) {
    let mut sent = 0;
    while requests.send(turns(sent, BATCH)).await.is_ok() {
        sent += BATCH;
        if sent == SENT_BEFORE_THE_SIGNAL {
            let _nobody_waits = enough.send(()).await;
        }
    }
}

async fn read_to_the_end(mut responses: Streaming<v1::ExecuteStreamResponse>) -> Told {
    let mut answered = HashSet::new();
    let end = loop {
        match responses.message().await {
            Ok(Some(response)) => {
                for result in response.results {
                    assert!(
                        answered.insert(result.id),
                        "{} was answered twice",
                        result.id
                    );
                }
            }
            Ok(None) => break Code::Ok,
            Err(status) => break status.code(),
        }
    };
    Told { answered, end }
}

#[tokio::test]
async fn sigterm_answers_what_was_accepted_on_every_stream() {
    let mut server = Server::start(&["--workers", "2"]).await;
    let (enough, mut all_sent) = mpsc::channel(STREAMS as usize);
    let mut streams = JoinSet::new();
    for _ in 0..STREAMS {
        let mut client = server.connect().await;
        let (sender, receiver) = mpsc::channel(16);
        tokio::spawn(flood(sender, enough.clone()));
        let responses = client
            .execute_stream(ReceiverStream::new(receiver))
            .await
            .unwrap();
        streams.spawn(read_to_the_end(responses.into_inner()));
    }
    for _ in 0..STREAMS {
        all_sent.recv().await.expect("each stream sends enough");
    }
    server.signal("TERM").await;

    let told = streams.join_all().await;
    assert!(told.iter().all(|told| told.end == Code::Unavailable));
    let answered: usize = told.iter().map(|told| told.answered.len()).sum();
    let end = server.log_line("\"message\":\"ended\"").await;
    let expected = format!("\"accepted\":{answered},\"answered\":{answered},\"cut_off\":0");
    assert!(
        end.contains(&expected),
        "{answered} were answered here; the server says {end}"
    );
    assert_eq!(server.wait().await.code(), Some(0));
}

/// A client that sends and never reads, once it is owed a result, which does not fit into its window.
async fn never_reading(server: &Server) -> Streaming<v1::ExecuteStreamResponse> {
    const WINDOW_BYTES: u32 = 16;
    let endpoint = Endpoint::new(server.uri()).unwrap();
    let channel = endpoint
        .initial_stream_window_size(WINDOW_BYTES)
        .connect()
        .await
        .unwrap();
    let mut client = RobotServiceClient::new(channel);
    let (sender, receiver) = mpsc::channel(16);
    let (enough, _) = mpsc::channel(1);
    tokio::spawn(flood(sender, enough));
    let responses = client
        .execute_stream(ReceiverStream::new(receiver))
        .await
        .unwrap();

    let request = v1::WatchWorkersRequest { interval_ms: 100 };
    let mut snapshots = client.watch_workers(request).await.unwrap().into_inner();
    while let Some(snapshot) = snapshots.message().await.unwrap() {
        let run: u64 = snapshot.workers.iter().map(|worker| worker.commands).sum();
        if run > 0 {
            break;
        }
    }
    responses.into_inner()
}

#[tokio::test]
async fn the_deadline_cuts_a_client_that_never_reads_and_exits_3() {
    let server = Server::start(&["--drain-ms-max", "300"]).await;
    let _responses = never_reading(&server).await;
    server.signal("TERM").await;
    assert_eq!(server.wait().await.code(), Some(3));
}

#[tokio::test]
async fn a_second_signal_ends_at_once() {
    let mut server = Server::start(&["--drain-ms-max", "3600000"]).await;
    let _responses = never_reading(&server).await;
    server.signal("TERM").await;
    server.log_line("draining").await;
    server.signal("INT").await;
    assert_eq!(server.wait().await.code(), Some(3));
}

#[tokio::test]
async fn a_silent_connection_does_not_hold_up_the_end() {
    let server = Server::start(&["--drain-ms-max", "3600000"]).await;
    let _silent = TcpStream::connect(server.address()).await.unwrap();
    let mut client = server.connect().await;
    client
        .get_server_info(v1::GetServerInfoRequest {})
        .await
        .unwrap();
    server.signal("TERM").await;
    assert_eq!(server.wait().await.code(), Some(0));
}

#[tokio::test]
async fn without_files_to_open_it_waits_without_spinning_and_then_goes_on() {
    const FILES_MAX: u32 = 24;
    const REST_MS: u128 = 100;
    let flags = ["--workers", "1", "--handshake-ms-max", "600"];
    let mut server = Server::start_with_files(FILES_MAX, &flags).await;
    let begin = std::time::Instant::now();
    let mut held = Vec::new();
    for _ in 0..FILES_MAX {
        // The kernel takes them; those that the server accepts are closed at their deadline.
        held.push(TcpStream::connect(server.address()).await.unwrap());
    }
    server.log_line("cannot accept").await;
    let uri = server.uri();
    let waiting = tokio::spawn(async move {
        let mut client = RobotServiceClient::connect(uri).await.unwrap();
        let request = v1::ExecuteRequest {
            commands: turns(0, 1).commands,
        };
        client.execute(request).await.unwrap().into_inner().results
    });
    let again = server.log_line("accepting again").await;
    let (_before, failures) = again.split_once("\"failures\":").unwrap();
    let failures: u128 = failures.split(['}', ',']).next().unwrap().parse().unwrap();
    // One try a rest. The first was before we looked, and the clock may tick in between.
    let rests = begin.elapsed().as_millis() / REST_MS;
    assert!(
        (1..=rests + 2).contains(&failures),
        "{failures} tries in {rests} rests"
    );
    assert_eq!(
        waiting.await.unwrap().len(),
        1,
        "what had to wait is served"
    );
    server.signal("TERM").await;
    assert_eq!(server.wait().await.code(), Some(0));
}

#[tokio::test]
async fn a_log_that_nobody_reads_any_more_changes_nothing() {
    let server = Server::start(&[]).await;
    let mut client = server.connect().await;
    let (log, mut child) = server.take_log();
    drop(log);
    let requests = tokio_stream::iter([turns(0, 100)]);
    let responses = client.execute_stream(requests).await.unwrap();
    let Told { answered, end } = read_to_the_end(responses.into_inner()).await;
    assert_eq!((answered.len(), end), (100, Code::Ok));
    // That it is told to end is a line, and so is that it has.
    let pid = child.id().unwrap().to_string();
    let told = tokio::process::Command::new("kill").arg(pid).status().await;
    assert!(told.unwrap().success());
    assert_eq!(child.wait().await.unwrap().code(), Some(0));
}
