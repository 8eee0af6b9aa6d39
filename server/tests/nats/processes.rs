//! The broker and the workers as processes of their own, on ports that stay the same when they come back.

use std::process::{ExitStatus, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, ChildStderr, Command};
use tokio::time::timeout;

use crate::support::{Server, binary};

/// Names the binary of nats-server. Without it these tests are skipped.
const BINARY: &str = "ROBOT_NATS_SERVER";
/// Longer than anything here takes on a slow machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// Below the ports that the system gives to clients: one of those could else be connected to itself.
const PORT_FIRST: u16 = 12_000;
const PORTS: u16 = 8_000;

/// A broker that is killed when the test ends.
pub(crate) struct Nats {
    child: Child,
    flags: Vec<String>,
    variables: Vec<(String, String)>,
    port: u16,
    store: tempfile::TempDir,
}

/// `None`, and a line that says so, if there is no nats-server.
pub(crate) fn nats_server() -> Option<String> {
    let binary = std::env::var(BINARY).ok().filter(|path| !path.is_empty());
    if binary.is_none() {
        eprintln!("skipped: {BINARY} is not set; deploy/nats/install prints what it should be");
    }
    binary
}

impl Nats {
    pub(crate) async fn start(binary: &str) -> Self {
        let config = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/nats/open.conf");
        Self::start_with(binary, &["-c", config], &[]).await
    }

    pub(crate) async fn start_with(
        binary: &str,
        flags: &[&str],
        variables: &[(&str, &str)],
    ) -> Self {
        let mut all = vec![binary.to_owned()];
        all.extend(flags.iter().map(|&flag| flag.to_owned()));
        let variables = variables.iter();
        let variables: Vec<_> = variables
            .map(|&(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let store = tempfile::tempdir().unwrap();
        for _ in 0..100 {
            let port = free_port().await;
            if let Some(child) = launch(&all, &variables, port, &store).await {
                return Self {
                    child,
                    flags: all,
                    variables,
                    port,
                    store,
                };
            }
        }
        panic!("nats-server does not start");
    }

    pub(crate) fn url(&self) -> String {
        url(self.port)
    }

    pub(crate) async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    pub(crate) async fn restart(&mut self) {
        let started = launch(&self.flags, &self.variables, self.port, &self.store).await;
        self.child = started.expect("its port is still free");
    }
}

pub(crate) fn url(port: u16) -> String {
    format!("nats://127.0.0.1:{port}")
}

/// A port that nobody uses.
pub(crate) async fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    loop {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let start = (std::process::id() % u32::from(PORTS)) as u16;
        let port = PORT_FIRST + (start.wrapping_add(step) % PORTS);
        if TcpListener::bind(("127.0.0.1", port)).await.is_ok() {
            return port;
        }
    }
}

/// `None` if somebody else was faster.
async fn launch(
    flags: &[String],
    variables: &[(String, String)],
    port: u16,
    store: &tempfile::TempDir,
) -> Option<Child> {
    let mut child = Command::new(&flags[0])
        .args(["-a", "127.0.0.1", "-p", &port.to_string()])
        .args(&flags[1..])
        .envs(variables.iter().map(|(name, value)| (name, value)))
        .env("NATS_STORE_DIR", store.path())
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("ROBOT_NATS_SERVER is nats-server");
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut said = Vec::new();
    while let Some(line) = log.next_line().await.unwrap() {
        if line.contains("Server is ready") {
            tokio::spawn(drain(log.into_inner()));
            return Some(child);
        }
        said.push(line);
    }
    eprintln!("{}", said.join("\n"));
    None
}

/// So that nobody waits for us.
async fn drain(mut log: impl AsyncRead + Unpin) {
    let mut buffer = [0; 4096];
    while log.read(&mut buffer).await.is_ok_and(|bytes| bytes > 0) {}
}

/// A gateway that has been told of the broker, and that takes commands when `ready`.
pub(crate) async fn gateway(url: &str, flags: &[&str]) -> Server {
    let mut command = binary();
    command
        .args(["--log-format", "json", "--queue", url])
        .args(flags);
    Server::launch(command).await
}

/// Waits for what the gateway says once it can publish.
pub(crate) async fn until_ready(gateway: &mut Server) {
    let line = gateway.log_line("jobs go to the broker");
    timeout(PATIENCE, line).await.expect("the broker is there");
}

/// A worker process that is killed when the test ends.
pub(crate) struct Worker {
    child: Child,
    log: Lines<BufReader<ChildStderr>>,
}

impl Worker {
    /// Starts one, with two workers unless the flags say otherwise.
    pub(crate) fn start(url: &str, flags: &[&str]) -> Self {
        let mut command = binary();
        command
            .args(["worker", "--log-format", "json", "--queue", url])
            .args(flags)
            .kill_on_drop(true);
        let mut child = command.spawn().expect("the binary was built");
        let stderr = child.stderr.take().expect("stderr is a pipe");
        Self {
            child,
            log: BufReader::new(stderr).lines(),
        }
    }

    /// One that takes jobs.
    pub(crate) async fn ready(url: &str, flags: &[&str]) -> Self {
        let mut worker = Self::start(url, flags);
        worker.log_line("jobs come from the broker").await;
        worker
    }

    pub(crate) async fn log_line(&mut self, text: &str) -> String {
        let line = async {
            loop {
                let line = self.log.next_line().await.unwrap();
                let line = line.unwrap_or_else(|| panic!("the log ended without {text:?}"));
                if line.contains(text) {
                    return line;
                }
            }
        };
        timeout(PATIENCE, line).await.expect("a line with the text")
    }

    pub(crate) async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    pub(crate) async fn signal(&self, name: &str) {
        let pid = self.child.id().expect("it is running").to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status().await;
        assert!(sent.unwrap().success());
    }

    pub(crate) async fn wait(&mut self) -> ExitStatus {
        let ended = timeout(PATIENCE, self.child.wait()).await;
        ended.expect("it ends").unwrap()
    }
}

/// What stands at the admin address: the whole response.
pub(crate) async fn get(port: u16, path: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    response
}

/// One number of the metrics.
pub(crate) async fn metric(port: u16, name: &str) -> u64 {
    let metrics = get(port, "/metrics").await;
    let line = metrics
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    let line = line.unwrap_or_else(|| panic!("no {name} in {metrics}"));
    line.parse().unwrap()
}
