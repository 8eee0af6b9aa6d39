//! A server that would be open by accident does not start; one that starts writes no secret, whatever it logs.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Duration, timeout};
use tonic::Code;

use crate::calls::{CALLS, code, tls};
use crate::pki::{Files, client, token_line};
use crate::support::{Server, binary};

async fn refused(flags: &[&str]) -> String {
    let output = binary().args(flags).output().await.unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{flags:?}: {stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    stderr
}

#[tokio::test]
async fn what_would_be_open_by_accident_does_not_start() {
    let files = Files::new();
    let [cert, key] = &files.tls()[..] else {
        unreachable!("two flags")
    };
    let (ca, tokens) = (&files.client_ca_flag(), &files.tokens());
    for flags in [
        &["--listen=0.0.0.0:0"][..],
        &["--listen=[::]:0"],
        &["--listen=192.0.2.1:50051"],
        &["--listen=0.0.0.0:0", tokens],
        &["--listen=0.0.0.0:0", cert, key],
    ] {
        let line = refused(flags).await;
        assert!(
            line.contains("is not a loopback address; it needs"),
            "{line}"
        );
    }
    for (flags, expected) in [
        (&[&cert[..]][..], "--tls-cert and --tls-key need each other"),
        (&[key], "--tls-cert and --tls-key need each other"),
        (&[ca], "--tls-client-ca needs --tls-cert"),
        (&["--identity-streams-max=1"], "need identities"),
        (
            &["--identity-commands-per-second-max=1", cert, key],
            "need identities",
        ),
        (
            &["--identity-commands-per-second-max=0", tokens],
            "invalid value '0'",
        ),
        (&["--token-file=/nowhere"], "cannot read /nowhere"),
    ] {
        let line = refused(flags).await;
        assert!(line.contains(expected), "{line}");
    }
}

#[tokio::test]
async fn a_file_with_something_else_in_it_is_one_line_that_does_not_repeat_it() {
    let files = Files::new();
    let flags = files.tls();
    let flags: Vec<_> = flags.iter().map(String::as_str).collect();
    let pair = client(&files.client_ca);
    files.put("key.pem", &pair.key);
    assert!(refused(&flags).await.contains("it does not fit its key"));
    files.put("key.pem", &pair.certificate);
    assert!(refused(&flags).await.contains("it must hold a private key"));
    files.put_server(&pair);
    files.put(
        "cert.pem",
        "-----BEGIN CERTIFICATE-----\nsecret\n-----END CERTIFICATE-----\n",
    );
    let line = refused(&flags).await;
    assert!(
        line.contains("cert.pem: ") && !line.contains("secret"),
        "{line}"
    );
    files.put("tokens", "tests:secret\n");
    let line = refused(&[&files.tokens()]).await;
    assert!(
        line.contains("line 1: the hash must be") && !line.contains("secret"),
        "{line}"
    );
}

#[tokio::test]
async fn locks_or_insecure_open_other_addresses_than_loopback() {
    let files = Files::new();
    let locked = [files.tls(), vec![files.tokens()]].concat();
    for flags in [&locked[..], &["--insecure".to_owned()]] {
        let mut server = binary()
            .args(["--listen=0.0.0.0:0"])
            .args(flags)
            .env("RUST_LOG", "robot_server=info")
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut line = String::new();
        let stderr = server.stderr.take().unwrap();
        let mut stderr = tokio::io::BufReader::new(stderr);
        tokio::io::AsyncBufReadExt::read_line(&mut stderr, &mut line)
            .await
            .unwrap();
        assert!(line.contains("listening"), "{line}");
        server.kill().await.unwrap();
    }
}

#[tokio::test]
async fn no_secret_gets_into_the_log() {
    const TOKEN: &str = "kf93hq81ndpz0w7c";
    let files = Files::new();
    let line = token_line("tests", TOKEN);
    files.put("tokens", &line);
    let key = std::fs::read_to_string(files.path("key.pem")).unwrap();
    let secrets = [
        TOKEN,
        line.trim().split(':').nth(1).unwrap(),
        key.lines().nth(1).unwrap(),
    ]
    .map(str::to_owned);
    let mut command = binary();
    command
        .env("RUST_LOG", "trace")
        .args(files.tls())
        .args([files.tokens(), files.client_ca_flag()]);
    let server = Server::launch(command).await;
    let pid = server.pid();
    let pair = client(&files.client_ca);
    let connections = [
        tls(&server, &files, Some(&pair)),
        tls(&server, &files, None),
    ];
    let (mut log, mut child) = server.take_log();
    let reading = tokio::spawn(async move {
        let mut lines = 0;
        while let Some(line) = log.next_line().await.unwrap() {
            lines += 1;
            for secret in secrets.iter() {
                assert!(!line.contains(secret), "{line}");
            }
        }
        lines
    });
    for channel in connections {
        for call in CALLS {
            let _any = code(channel.clone(), call, Some(&format!("Bearer {TOKEN}"))).await;
            let wrong = code(channel.clone(), call, Some(&format!("Basic {TOKEN}"))).await;
            assert!(
                matches!(wrong, Code::Unauthenticated | Code::Ok),
                "{wrong:?}"
            );
        }
    }
    let kill = std::process::Command::new("kill")
        .arg(pid.to_string())
        .status();
    assert!(kill.unwrap().success());
    assert!(child.wait().await.unwrap().success());
    let lines = reading.await.unwrap();
    assert!(lines > 100, "it logs everything: {lines}");
}

#[tokio::test]
async fn a_greeting_that_does_not_come_is_waited_for_as_long_as_a_first_byte() {
    const HELLO: &[u8] = &[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3];
    let files = Files::new();
    let flags = [files.tls(), vec!["--handshake-ms-max=300".to_owned()]].concat();
    let flags: Vec<_> = flags.iter().map(String::as_str).collect();
    let server = Server::start(&flags).await;
    // Nothing, half a greeting, and something else than TLS, which need not be waited for.
    for said in [&b""[..], HELLO, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"] {
        let mut stream = TcpStream::connect(server.address()).await.unwrap();
        stream.write_all(said).await.unwrap();
        let mut answer = Vec::new();
        let closed = timeout(Duration::from_secs(20), stream.read_to_end(&mut answer));
        let closed = closed.await.expect("the server does not wait for ever");
        assert!(
            closed.is_err() || answer.len() <= 7,
            "an alert at most: {answer:?}"
        );
    }
    let right = tls(&server, &files, None);
    assert_eq!(code(right, CALLS[0], None).await, Code::Ok);
}
