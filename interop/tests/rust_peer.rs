//! Our own server and our own client, against the vectors.

use std::process::Stdio;

use robot_server::{Config, Shutdown, run};
use tokio::net::TcpListener;
use tokio::process::Command;

#[tokio::test]
async fn our_server_gives_what_the_vectors_say() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound").to_string();
    let shutdown = Shutdown::default();
    let server = tokio::spawn(run(listener, Config::default(), shutdown.clone()));
    let peer = Command::new(env!("CARGO_BIN_EXE_robot-interop"))
        .args(["peer", "--server", &address])
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .expect("it runs");
    let text = String::from_utf8_lossy(&peer.stdout);
    assert!(peer.status.success(), "{text}");
    // Without a --pid-file nobody can be killed.
    let (skipped, told) = (
        "skipped restart: no --pid-file",
        "28 passed, 0 failed, 1 skipped",
    );
    assert!(text.contains(skipped), "{text}");
    assert_eq!(text.lines().last(), Some(told), "{text}");

    shutdown.drain.cancel();
    let summary = server.await.expect("it does not panic");
    assert!(summary.is_ok(), "{summary:?}");
}
