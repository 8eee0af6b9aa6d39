//! Who may do what at the broker, and that nobody has to write a password where others see it.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use crate::load::carry;
use crate::processes::{Nats, PATIENCE, Worker, gateway, nats_server, until_ready};
use crate::support;

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
