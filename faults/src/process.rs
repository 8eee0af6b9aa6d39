//! The server under test as its driver sees it: a process that is started, watched and killed by its id. It knows
//! nothing of commands.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, ChildStderr, ChildStdin, Command};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

/// A server that does not listen by then, or is not gone by then, is broken.
const START_TIMEOUT: Duration = Duration::from_secs(20);
const EXIT_TIMEOUT: Duration = Duration::from_secs(30);
/// How often the memory is looked at; its peak is the kernel's own count and is missed only at the very end.
const MEMORY_INTERVAL: Duration = Duration::from_millis(20);
/// Log lines that are waited for.
const LINES_QUEUED_MAX: usize = 4;
/// Below the ports that the system gives to clients: else a client that finds nobody on its server's port could be
/// connected to itself, and keep the server from coming back.
const PORT_FIRST: u16 = 20_000;
const PORTS: u16 = 10_000;

/// A server process. It is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    flags: Vec<String>,
    address: SocketAddr,
    running: Running,
    /// Of all processes that this server has been.
    peak_rss_bytes: u64,
}

#[derive(Debug)]
struct Running {
    child: Child,
    /// The server ends when this is closed, which is why it is not left in `child`: waiting would close it.
    _alive: ChildStdin,
    /// The fields of its last log line.
    ended: mpsc::Receiver<Value>,
    log: JoinHandle<()>,
    memory: JoinHandle<()>,
    peak_rss_bytes: Arc<AtomicU64>,
}

/// What a server that drained says of its life.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Life {
    pub(crate) code: Option<i32>,
    pub(crate) accepted: u64,
    pub(crate) answered: u64,
    pub(crate) cut_off: u64,
}

impl Server {
    /// Starts one with these flags of `robot-server`.
    pub(crate) async fn start(flags: &[&str]) -> anyhow::Result<Self> {
        let address = free_address().await?;
        let flags: Vec<_> = flags.iter().map(|&flag| flag.to_owned()).collect();
        Ok(Self {
            running: Running::start(address, &flags).await?,
            flags,
            address,
            peak_rss_bytes: 0,
        })
    }

    pub(crate) fn uri(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends the process, with SIGKILL.
    pub(crate) async fn kill(&mut self) -> anyhow::Result<()> {
        self.running.child.start_kill().context("cannot kill")?;
        self.running.exit().await?;
        self.note_peak();
        Ok(())
    }

    /// Tells the process to end, with SIGTERM.
    pub(crate) fn signal(&self) -> anyhow::Result<()> {
        let pid = self.running.child.id().and_then(|pid| pid.try_into().ok());
        let pid = pid.and_then(Pid::from_raw).context("it is not running")?;
        kill_process(pid, Signal::TERM).context("cannot send SIGTERM")
    }

    /// Ends the process, with SIGTERM, and waits for what it says at its end.
    pub(crate) async fn terminate(&mut self) -> anyhow::Result<Life> {
        self.signal()?;
        let status = self.running.exit().await?;
        self.note_peak();
        let ended = self.running.ended.recv().await;
        let ended = ended.context("the server's log ended without its last line")?;
        let count = |name: &str| ended[name].as_u64().with_context(|| format!("no {name}"));
        Ok(Life {
            code: status.code(),
            accepted: count("accepted")?,
            answered: count("answered")?,
            cut_off: count("cut_off")?,
        })
    }

    /// Starts it again on the same port.
    pub(crate) async fn restart(&mut self) -> anyhow::Result<()> {
        self.running = Running::start(self.address, &self.flags).await?;
        Ok(())
    }

    /// Bytes of memory right now.
    pub(crate) fn rss_bytes(&self) -> u64 {
        let pid = self.running.child.id();
        pid.and_then(memory_of).map_or(0, |memory| memory.rss_bytes)
    }

    /// The most bytes of memory that it had at any time.
    pub(crate) fn peak_rss_bytes(&mut self) -> u64 {
        if let Some(memory) = self.running.child.id().and_then(memory_of) {
            self.running
                .peak_rss_bytes
                .fetch_max(memory.peak_bytes, Ordering::Relaxed);
        }
        self.note_peak();
        self.peak_rss_bytes
    }

    fn note_peak(&mut self) {
        let peak = self.running.peak_rss_bytes.load(Ordering::Relaxed);
        self.peak_rss_bytes = self.peak_rss_bytes.max(peak);
    }
}

impl Running {
    async fn start(address: SocketAddr, flags: &[String]) -> anyhow::Result<Self> {
        let mut child = command(address, flags)?
            .spawn()
            .context("cannot start a server")?;
        let stderr = child.stderr.take().context("stderr is no pipe")?;
        let alive = child.stdin.take().context("stdin is no pipe")?;
        let (listening, listens) = oneshot::channel();
        let (ended, ends) = mpsc::channel(LINES_QUEUED_MAX);
        let log = tokio::spawn(read_log(stderr, listening, ended));
        let peak_rss_bytes = Arc::default();
        let pid = child.id().context("it has ended already")?;
        let memory = tokio::spawn(watch_memory(pid, Arc::clone(&peak_rss_bytes)));
        let started = tokio::time::timeout(START_TIMEOUT, listens).await;
        started
            .context("the server does not listen in time")?
            .context("the server ended before it listened")?;
        Ok(Self {
            child,
            _alive: alive,
            ended: ends,
            log,
            memory,
            peak_rss_bytes,
        })
    }

    async fn exit(&mut self) -> anyhow::Result<ExitStatus> {
        let Ok(status) = tokio::time::timeout(EXIT_TIMEOUT, self.child.wait()).await else {
            bail!("the server is still there after {EXIT_TIMEOUT:?}");
        };
        (&mut self.memory).await?;
        (&mut self.log).await?;
        Ok(status?)
    }
}

/// The server, with nothing of this environment that could change it.
fn command(address: SocketAddr, flags: &[String]) -> anyhow::Result<Command> {
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
        .args(["serve", "--listen", &address.to_string()])
        .args(flags)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    Ok(command)
}

/// Reads to the end, so that the server never waits for us; passes on the first and the last line.
async fn read_log(stderr: ChildStderr, listening: oneshot::Sender<()>, ended: mpsc::Sender<Value>) {
    let mut lines = BufReader::new(stderr).lines();
    let mut first = Some(listening);
    while let Ok(Some(line)) = lines.next_line().await {
        let is = |message: &str| line.contains(&format!("\"message\":\"{message}\""));
        if is("listening")
            && let Some(listening) = first.take()
        {
            let _gave_up = listening.send(());
        } else if first.is_some() {
            // Why it does not come to listen.
            eprintln!("{line}");
        } else if is("ended")
            && let Ok(mut line) = serde_json::from_str::<Value>(&line)
        {
            let _nobody_asks = ended.try_send(line["fields"].take());
        }
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
