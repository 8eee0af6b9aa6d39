//! A process of the driver's own: this binary in a role of its own, started, watched and killed by its id. It knows
//! nothing of commands, nor of what the roles do.

use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdin, Command};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

/// A process that is not up by then, or is not gone by then, is broken.
const START_TIMEOUT: Duration = Duration::from_secs(60);
const EXIT_TIMEOUT: Duration = Duration::from_secs(60);
/// How often the memory is looked at; its peak is the kernel's own count and is missed only at the very end.
const MEMORY_INTERVAL: Duration = Duration::from_millis(20);
/// Log lines that are waited for.
const LINES_QUEUED_MAX: usize = 4;
/// Of those before it was up, in case it never is.
const LINES_KEPT_MAX: usize = 100;

/// A running process. It is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    /// The process ends when this is closed, which is why it is not left in `child`: waiting would close it.
    _alive: ChildStdin,
    /// The fields of its last log line.
    ended: mpsc::Receiver<Value>,
    log: JoinHandle<()>,
    memory: JoinHandle<()>,
    peak_rss_bytes: Arc<AtomicU64>,
}

/// What a process that was told to end says of its life.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Life {
    pub(crate) code: Option<i32>,
    pub(crate) accepted: u64,
    pub(crate) answered: u64,
    pub(crate) cut_off: u64,
}

impl Process {
    /// Starts this binary with these arguments, and waits for the log line that says `up`.
    pub(crate) async fn start(arguments: &[String], up: &'static str) -> anyhow::Result<Self> {
        let mut child = command(arguments)?
            .spawn()
            .context("cannot start a process")?;
        let stderr = child.stderr.take().context("stderr is no pipe")?;
        let alive = child.stdin.take().context("stdin is no pipe")?;
        let (is_up, comes_up) = oneshot::channel();
        let (ended, ends) = mpsc::channel(LINES_QUEUED_MAX);
        let log = tokio::spawn(read_log(stderr, up, is_up, ended));
        let peak_rss_bytes = Arc::default();
        let pid = child.id().context("it has ended already")?;
        let memory = tokio::spawn(watch_memory(pid, Arc::clone(&peak_rss_bytes)));
        let started = tokio::time::timeout(START_TIMEOUT, comes_up).await;
        started
            .with_context(|| format!("not {up:?} in time: {arguments:?}"))?
            .with_context(|| format!("ended before it was {up:?}: {arguments:?}"))?;
        Ok(Self {
            child,
            _alive: alive,
            ended: ends,
            log,
            memory,
            peak_rss_bytes,
        })
    }

    /// Ends it, with SIGKILL.
    pub(crate) async fn kill(&mut self) -> anyhow::Result<()> {
        self.start_kill()?;
        self.exit().await?;
        Ok(())
    }

    /// The same, without waiting until it is gone.
    pub(crate) fn start_kill(&mut self) -> anyhow::Result<()> {
        self.child.start_kill().context("cannot kill")
    }

    /// Tells it to end, with SIGTERM.
    pub(crate) fn signal(&self) -> anyhow::Result<()> {
        let pid = self.child.id().and_then(|pid| pid.try_into().ok());
        let pid = pid.and_then(Pid::from_raw).context("it is not running")?;
        kill_process(pid, Signal::TERM).context("cannot send SIGTERM")
    }

    /// Ends it, with SIGTERM, and waits for what it says at its end.
    pub(crate) async fn terminate(&mut self) -> anyhow::Result<Life> {
        self.signal()?;
        let status = self.exit().await?;
        let ended = self.ended.recv().await;
        let ended = ended.context("the log ended without its last line")?;
        let count = |name: &str| ended[name].as_u64().with_context(|| format!("no {name}"));
        Ok(Life {
            code: status.code(),
            accepted: count("accepted")?,
            answered: count("answered")?,
            cut_off: count("cut_off")?,
        })
    }

    /// Waits until it is gone, however long that takes.
    pub(crate) async fn ended(&mut self) -> anyhow::Result<()> {
        self.child.wait().await?;
        Ok(())
    }

    /// Bytes of memory right now.
    pub(crate) fn rss_bytes(&self) -> u64 {
        let memory = self.child.id().and_then(memory_of);
        memory.map_or(0, |memory| memory.rss_bytes)
    }

    /// The most bytes of memory that it had at any time.
    pub(crate) fn peak_rss_bytes(&self) -> u64 {
        if let Some(memory) = self.child.id().and_then(memory_of) {
            self.peak_rss_bytes
                .fetch_max(memory.peak_bytes, Ordering::Relaxed);
        }
        self.peak_rss_bytes.load(Ordering::Relaxed)
    }

    async fn exit(&mut self) -> anyhow::Result<ExitStatus> {
        let Ok(status) = tokio::time::timeout(EXIT_TIMEOUT, self.child.wait()).await else {
            bail!("the process is still there after {EXIT_TIMEOUT:?}");
        };
        (&mut self.memory).await?;
        (&mut self.log).await?;
        Ok(status?)
    }
}

/// This binary, with nothing of this environment that could change what it does.
fn command(arguments: &[String]) -> anyhow::Result<Command> {
    let itself = std::env::current_exe().context("cannot find this binary")?;
    let mut command = Command::new(itself);
    for (name, _value) in std::env::vars_os() {
        let changes_it = |prefix| name.to_string_lossy().starts_with(prefix);
        // RUST_BACKTRACE makes a panic cost a hundred times more.
        if changes_it("ROBOT_SERVER_") || changes_it("RUST_") {
            command.env_remove(name);
        }
    }
    command
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    Ok(command)
}

/// Reads to the end, so that the process never waits for us; passes on the line that says that it is up, and its last.
async fn read_log(
    stderr: ChildStderr,
    up: &'static str,
    is_up: oneshot::Sender<()>,
    ended: mpsc::Sender<Value>,
) {
    let mut lines = BufReader::new(stderr).lines();
    let mut first = Some(is_up);
    let mut before = Vec::new();
    while let Ok(Some(line)) = lines.next_line().await {
        let is = |message: &str| line.contains(&format!("\"message\":\"{message}\""));
        if is(up)
            && let Some(is_up) = first.take()
        {
            let _gave_up = is_up.send(());
        } else if is("ended")
            && let Ok(mut line) = serde_json::from_str::<Value>(&line)
        {
            let _nobody_asks = ended.try_send(line["fields"].take());
        } else if first.is_some() && before.len() < LINES_KEPT_MAX {
            before.push(line);
        }
    }
    if first.is_some() {
        // Why it did not come up.
        eprintln!("{}", before.join("\n"));
    }
}

/// Keeps the peak up to date until the process is gone.
async fn watch_memory(pid: u32, peak_rss_bytes: Arc<AtomicU64>) {
    let mut ticks = tokio::time::interval(MEMORY_INTERVAL);
    loop {
        ticks.tick().await;
        let Some(memory) = memory_of(pid) else {
            return;
        };
        peak_rss_bytes.fetch_max(memory.peak_bytes, Ordering::Relaxed);
    }
}

struct Memory {
    rss_bytes: u64,
    peak_bytes: u64,
}

/// `None` once the process is gone, and where the system does not tell.
#[cfg(target_os = "linux")]
fn memory_of(pid: u32) -> Option<Memory> {
    let process = procfs::process::Process::new(pid.try_into().ok()?).ok()?;
    let status = process.status().ok()?;
    Some(Memory {
        rss_bytes: status.vmrss? * 1024,
        peak_bytes: status.vmhwm? * 1024,
    })
}

#[cfg(not(target_os = "linux"))]
fn memory_of(_pid: u32) -> Option<Memory> {
    None
}
