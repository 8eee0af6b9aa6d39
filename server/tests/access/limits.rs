//! What one identity may use: open calls and commands a second, over all its connections.

use bytes::Bytes;
use prost::Message;
use robot_api::v1;
use tokio::sync::mpsc;
use tokio::time::{Duration, Instant};
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Code;

use crate::calls::{EXECUTE, EXECUTE_STREAM, HEALTH_CHECK, code, open, plain, tls};
use crate::pki::{Files, client, token_line};
use crate::support::{Server, turns};

fn tokens(files: &Files) {
    let lines = [
        token_line("one", "first"),
        token_line("one", "other"),
        token_line("two", "second"),
    ];
    files.put("tokens", &lines.concat());
}

#[tokio::test]
async fn an_identity_has_so_many_open_calls_and_others_do_not_notice() {
    let files = Files::new();
    tokens(&files);
    let server = Server::start(&[&files.tokens(), "--identity-streams-max=2"]).await;
    let call = |token: &'static str| code(plain(&server), (EXECUTE, b""), Some(token));
    let stream = |token: &'static str| {
        let (open_as_long_as, receiver) = mpsc::channel(1);
        let requests = ReceiverStream::new(receiver);
        let opened = open(plain(&server), EXECUTE_STREAM, Some(token), requests);
        async { opened.await.map(|responses| (open_as_long_as, responses)) }
    };
    let (first, mut first_responses) = stream("Bearer first").await.unwrap();
    let _other = stream("Bearer other").await.unwrap();
    assert_eq!(
        stream("Bearer first").await.unwrap_err().code(),
        Code::ResourceExhausted
    );
    assert_eq!(
        call("Bearer other").await,
        Code::ResourceExhausted,
        "one name, one identity"
    );
    assert_eq!(call("Bearer second").await, Code::Ok);
    assert_eq!(
        code(plain(&server), (HEALTH_CHECK, b""), None).await,
        Code::Ok
    );
    drop(first);
    assert!(first_responses.next().await.is_none(), "it ends OK");
    // The place is free a moment after the last frame was sent.
    let begin = Instant::now();
    while call("Bearer first").await != Code::Ok {
        assert!(
            begin.elapsed() < Duration::from_secs(20),
            "the place is free again"
        );
    }
}

#[tokio::test]
async fn a_certificate_is_an_identity_on_all_its_connections() {
    let files = Files::new();
    let flags = [
        files.tls(),
        vec![
            files.client_ca_flag(),
            "--identity-streams-max=1".to_owned(),
        ],
    ]
    .concat();
    let flags: Vec<_> = flags.iter().map(String::as_str).collect();
    let server = Server::start(&flags).await;
    let (one, two) = (client(&files.client_ca), client(&files.client_ca));
    let connect = |pair| tls(&server, &files, Some(pair));
    let _open = open(connect(&one), EXECUTE_STREAM, None, tokio_stream::pending())
        .await
        .unwrap();
    assert_eq!(
        code(connect(&one), (EXECUTE, b""), None).await,
        Code::ResourceExhausted
    );
    assert_eq!(code(connect(&two), (EXECUTE, b""), None).await, Code::Ok);
}

#[tokio::test]
async fn an_identity_that_sends_more_than_it_may_is_read_more_slowly_and_answered_in_full() {
    const A_SECOND: u64 = 500;
    const COMMANDS: u64 = 1500;
    let files = Files::new();
    tokens(&files);
    let limit = format!("--identity-commands-per-second-max={A_SECOND}");
    let server = Server::start(&[&files.tokens(), &limit]).await;
    let run = |token: &'static str| {
        let messages = (0..COMMANDS / 2)
            .step_by(10)
            .map(|id| Bytes::from(turns(id, 10).encode_to_vec()));
        let opened = open(
            plain(&server),
            EXECUTE_STREAM,
            Some(token),
            tokio_stream::iter(messages.collect::<Vec<_>>()),
        );
        async {
            let mut answered = 0;
            let mut responses = opened.await.unwrap();
            while let Some(response) = responses.next().await {
                let response = v1::ExecuteStreamResponse::decode(response.unwrap()).unwrap();
                answered += response.results.len() as u64;
            }
            answered
        }
    };
    let begin = Instant::now();
    let (first, other) = tokio::join!(run("Bearer first"), run("Bearer other"));
    assert_eq!(first + other, COMMANDS, "nothing is refused");
    // A second's worth at once and the last message before it is paid for; the rest at the rate.
    let least = Duration::from_secs(1).mul_f64((COMMANDS - A_SECOND - 20) as f64 / A_SECOND as f64);
    assert!(
        begin.elapsed() >= least,
        "{:?} is too fast",
        begin.elapsed()
    );
}
