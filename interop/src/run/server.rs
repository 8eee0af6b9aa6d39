//! The server that a peer plays against: a process on a free port, which comes back on the same port when it is killed.
//! It knows nothing of peers.

use std::ffi::OsString;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tokio::fs::File;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, ChildStderr, Command};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

const START_MAX: Duration = Duration::from_secs(20);
/// More than a server takes to drain.
const STOP_MAX: Duration = Duration::from_secs(15);
const RESTARTS_MAX: u32 = 20;
/// Below the ports that the system gives to clients: else a client that finds nobody on its server's port could be
/// connected to itself, and keep the server from coming back.
const PORT_FIRST: u16 = 20_000;
const PORTS: u16 = 10_000;

/// A server that is kept alive. Its process is killed when this is dropped.
#[derive(Debug)]
pub(super) struct Server {
    port: u16,
    stop: oneshot::Sender<()>,
    kept: Kept,
}

/// The task ends with its owner.
#[derive(Debug)]
struct Kept(JoinHandle<anyhow::Result<u32>>);

impl Drop for Kept {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// How to start it, again and again.
#[derive(Debug)]
struct Recipe {
    binary: PathBuf,
    address: SocketAddr,
    flags: Vec<OsString>,
    pid_file: PathBuf,
    log: PathBuf,
}

impl Server {
    /// Starts one; who it is stands in `pid_file`, what it says in `log`.
    pub(super) async fn start(
        binary: &Path,
        flags: Vec<OsString>,
        pid_file: &Path,
        log: &Path,
    ) -> anyhow::Result<Self> {
        let address = free_address().await?;
        let recipe = Recipe {
            binary: binary.to_owned(),
            address,
            flags,
            pid_file: pid_file.to_owned(),
            log: log.to_owned(),
        };
        File::create(log)
            .await
            .with_context(|| format!("cannot write {}", log.display()))?;
        let first = recipe.start().await?;
        let (stop, stopped) = oneshot::channel();
        Ok(Self {
            port: address.port(),
            stop,
            kept: Kept(tokio::spawn(keep(recipe, first, stopped))),
        })
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Ends it; how often it had to be started again.
    pub(super) async fn stop(mut self) -> anyhow::Result<u32> {
        let _failed_before = self.stop.send(());
        (&mut self.kept.0).await?
    }
}

/// Starts it again whenever it has ended, until it is no longer wanted.
async fn keep(
    recipe: Recipe,
    first: (Child, JoinHandle<()>),
    mut stopped: oneshot::Receiver<()>,
) -> anyhow::Result<u32> {
    let (mut child, mut log) = first;
    let mut restarts = 0;
    loop {
        tokio::select! {
            _ = &mut stopped => break,
            _status = child.wait() => {
                log.await?;
                restarts += 1;
                ensure!(restarts <= RESTARTS_MAX, "the server has ended {restarts} times");
                (child, log) = recipe.start().await?;
            }
        }
    }
    let pid = child.id().and_then(|pid| Pid::from_raw(pid as i32));
    if let Some(pid) = pid {
        kill_process(pid, Signal::TERM).context("cannot end the server")?;
    }
    if tokio::time::timeout(STOP_MAX, child.wait()).await.is_err() {
        bail!(
            "the server is still there {} s after SIGTERM",
            STOP_MAX.as_secs()
        );
    }
    log.await?;
    Ok(restarts)
}

impl Recipe {
    /// Once it listens.
    async fn start(&self) -> anyhow::Result<(Child, JoinHandle<()>)> {
        let cannot = || format!("cannot start {}", self.binary.display());
        let mut child = self.command().spawn().with_context(cannot)?;
        let stderr = child.stderr.take().context("stderr is no pipe")?;
        let log = File::options().append(true).open(&self.log).await?;
        let (listening, listens) = oneshot::channel();
        let log = tokio::spawn(copy_log(stderr, log, listening));
        let said = || format!("see {}", self.log.display());
        tokio::time::timeout(START_MAX, listens)
            .await
            .context("the server does not listen in time")
            .with_context(said)?
            .context("the server ended before it listened")
            .with_context(said)?;
        let pid = child.id().context("the server has ended")?;
        // Whole or not at all, whenever somebody reads it.
        let written = self.pid_file.with_extension("new");
        fs::write(&written, format!("{pid}\n"))?;
        fs::rename(&written, &self.pid_file)?;
        Ok((child, log))
    }

    /// With nothing of this environment that could change it.
    fn command(&self) -> Command {
        let mut command = Command::new(&self.binary);
        for (name, _value) in std::env::vars_os() {
            let name_text = name.to_string_lossy();
            if name_text.starts_with("ROBOT_SERVER_") || name_text.starts_with("RUST_") {
                command.env_remove(&name);
            }
        }
        command
            .args([
                "--log-format",
                "json",
                "--listen",
                &self.address.to_string(),
            ])
            .args(&self.flags)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }
}

/// To the end, so that the server never waits for us.
async fn copy_log(stderr: ChildStderr, mut log: File, listening: oneshot::Sender<()>) {
    let mut lines = BufReader::new(stderr).lines();
    let mut listening = Some(listening);
    while let Ok(Some(line)) = lines.next_line().await {
        if line.contains(r#""message":"listening""#)
            && let Some(listening) = listening.take()
        {
            let _gave_up = listening.send(());
        }
        // A log that cannot be written is no reason to stop reading.
        let _unwritten = log.write_all(format!("{line}\n").as_bytes()).await;
    }
    let _unwritten = log.flush().await;
}

/// A port that nobody uses, from which a server can be started again and again.
async fn free_address() -> anyhow::Result<SocketAddr> {
    let start = std::process::id() % u32::from(PORTS);
    for step in 0..u32::from(PORTS) {
        let port = PORT_FIRST + ((start + step) % u32::from(PORTS)) as u16;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        if TcpListener::bind(address).await.is_ok() {
            return Ok(address);
        }
    }
    bail!("no port is free from {PORT_FIRST} on")
}
