//! Our own server and our own client, against the vectors.

use std::fs;
use std::process::{Output, Stdio};

use robot_server::{Config, Shutdown, StartError, Summary, run};
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::task::JoinHandle;

struct Server {
    address: String,
    shutdown: Shutdown,
    running: JoinHandle<Result<Summary, StartError>>,
}

impl Server {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound").to_string();
        let shutdown = Shutdown::default();
        let running = tokio::spawn(run(listener, Config::default(), shutdown.clone()));
        Self {
            address,
            shutdown,
            running,
        }
    }

    async fn play(&self, arguments: &[&str]) -> Output {
        let mut peer = Command::new(env!("CARGO_BIN_EXE_robot-interop"));
        peer.args(["peer", "--server", &self.address])
            .args(arguments)
            .stdin(Stdio::null())
            .kill_on_drop(true);
        peer.output().await.expect("it runs")
    }

    async fn stop(self) {
        self.shutdown.drain.cancel();
        let summary = self.running.await.expect("it does not panic");
        assert!(summary.is_ok(), "{summary:?}");
    }
}

#[tokio::test]
async fn our_server_gives_what_the_vectors_say() {
    let server = Server::start().await;
    let peer = server.play(&[]).await;
    let text = String::from_utf8_lossy(&peer.stdout);
    assert!(peer.status.success(), "{text}");
    // Without a --pid-file nobody can be killed.
    let skipped = "skipped restart: no --pid-file";
    assert!(text.contains(skipped), "{text}");
    let told = "28 passed, 0 failed, 1 skipped";
    assert_eq!(text.lines().last(), Some(told), "{text}");
    server.stop().await;
}

#[tokio::test]
async fn one_wrong_bit_in_one_state_is_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().to_str().expect("it is UTF-8");
    let mut write = Command::new(env!("CARGO_BIN_EXE_robot-interop"));
    let written = write.args(["vectors", "--folder", path]).status().await;
    assert!(written.expect("it runs").success());
    let singles = folder.path().join("commands/singles.json");
    let text = fs::read_to_string(&singles).expect("it was written");
    let right = r#""x":1.0,"mode":"CLEANING_MODE_WATER"}},"bits":{"x":"3ff0000000000000""#;
    let wrong =
        r#""x":1.0000000000000002,"mode":"CLEANING_MODE_WATER"}},"bits":{"x":"3ff0000000000001""#;
    assert!(text.contains(right));
    fs::write(&singles, text.replacen(right, wrong, 1)).expect("it can be written");

    let server = Server::start().await;
    let peer = server
        .play(&["--vectors", path, "--only", "singles,ids"])
        .await;
    let text = String::from_utf8_lossy(&peer.stdout);
    assert_eq!(peer.status.code(), Some(1), "{text}");
    assert!(
        text.contains("FAILED singles: id 2: its state is "),
        "{text}"
    );
    assert!(
        text.ends_with("ok ids\n1 passed, 1 failed, 0 skipped\n"),
        "{text}"
    );
    server.stop().await;
}
