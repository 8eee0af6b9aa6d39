//! Starts the real server binary on a free port, talks to it, and ends it.

#![allow(dead_code, reason = "each test file uses its own part")]

use std::process::{ExitStatus, Stdio};

use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};

use robot_api::v1;
use robot_api::v1::robot_service_client::RobotServiceClient;
use tonic::transport::Channel;

/// A server that is killed when the test ends, however it ends.
pub(crate) struct Server {
    child: Child,
    log: Lines<BufReader<ChildStderr>>,
    /// The log line that says what is served.
    listening: String,
    address: String,
}

impl Server {
    /// Starts it with these flags besides `--listen` and `--log-format json`.
    pub(crate) async fn start(flags: &[&str]) -> Self {
        Self::start_as(binary(), flags).await
    }

    /// The same where it may have so many files open.
    pub(crate) async fn start_with_files(files_max: u32, flags: &[&str]) -> Self {
        let limited = format!("ulimit -n {files_max} && exec \"$0\" \"$@\"");
        let mut shell = clean(Command::new("sh"));
        shell.args(["-c", &limited, env!("CARGO_BIN_EXE_robot-server")]);
        Self::start_as(shell, flags).await
    }

    async fn start_as(mut server: Command, flags: &[&str]) -> Self {
        server.args(["--log-format", "json"]).args(flags);
        Self::launch(server).await
    }

    /// Starts what [`binary`] made, with whatever environment and flags it was given since.
    pub(crate) async fn launch(mut command: Command) -> Self {
        let mut child = command
            .args(["--listen", "127.0.0.1:0"])
            .kill_on_drop(true)
            .spawn()
            .expect("the binary was built");
        let stderr = child.stderr.take().expect("stderr is a pipe");
        let mut log = BufReader::new(stderr).lines();
        let line = line_with(&mut log, "listening").await;
        Self {
            address: address_in(&line),
            listening: line,
            child,
            log,
        }
    }

    pub(crate) async fn connect(&self) -> RobotServiceClient<Channel> {
        RobotServiceClient::connect(self.uri())
            .await
            .expect("the server listens")
    }

    pub(crate) fn uri(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What the line that says what is served has in this field, where it is JSON.
    pub(crate) fn field(&self, name: &str) -> Option<String> {
        let (_before, rest) = self.listening.split_once(&format!("\"{name}\":\""))?;
        Some(rest.split_once('"')?.0.to_owned())
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id().expect("it is running")
    }

    /// Sends `TERM` or `INT`.
    pub(crate) async fn signal(&self, name: &str) {
        let pid = self.pid().to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status().await;
        assert!(sent.expect("kill is there").success());
    }

    /// The next log line that holds `text`.
    pub(crate) async fn log_line(&mut self, text: &str) -> String {
        line_with(&mut self.log, text).await
    }

    /// Takes the log away, so that a server which logs a lot does not wait for its reader.
    pub(crate) fn take_log(self) -> (Lines<BufReader<ChildStderr>>, Child) {
        (self.log, self.child)
    }

    pub(crate) async fn wait(mut self) -> ExitStatus {
        self.child.wait().await.expect("it can be waited for")
    }
}

async fn line_with(log: &mut Lines<BufReader<ChildStderr>>, text: &str) -> String {
    loop {
        let line = log.next_line().await.expect("stderr is readable");
        let line = line.unwrap_or_else(|| panic!("the log ended without {text:?}"));
        if line.contains(text) {
            return line;
        }
    }
}

/// The binary, without anything of this environment that could change it.
pub(crate) fn binary() -> Command {
    clean(Command::new(env!("CARGO_BIN_EXE_robot-server")))
}

fn clean(mut command: Command) -> Command {
    for (name, _value) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("ROBOT_SERVER_") || name == "RUST_LOG" {
            command.env_remove(name);
        }
    }
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// The address that a server says it listens on, be it in JSON or for people.
fn address_in(line: &str) -> String {
    const HOST: &str = "127.0.0.1:";
    let (_before, rest) = line.split_once(HOST).expect("it listens on loopback");
    let port = rest
        .split(|character: char| !character.is_ascii_digit())
        .next();
    format!("{HOST}{}", port.expect("split gives at least one"))
}

/// Turns on the spot, with ids from `first`.
pub(crate) fn turns(first: u64, count: u64) -> v1::ExecuteStreamRequest {
    let commands = (first..first + count).map(|id| v1::RobotCommand {
        id,
        state: Some(v1::RobotState::default()),
        script: "turn 90".to_owned(),
        ..Default::default()
    });
    v1::ExecuteStreamRequest {
        commands: commands.collect(),
    }
}
