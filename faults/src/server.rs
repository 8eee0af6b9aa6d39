//! The server under test as its driver sees it: a process that keeps its address, and its flags, however often it is
//! killed and started again. It knows nothing of commands.

use std::net::SocketAddr;

use crate::ports::free_address;
use crate::process::{Life, Process};

/// What a server says once clients can come.
const LISTENS: &str = "listening";
/// What a gateway says once it can publish.
const REACHES_THE_BROKER: &str = "jobs go to the broker";

/// A server process. It is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    arguments: Vec<String>,
    /// The log line that is waited for.
    up: &'static str,
    address: SocketAddr,
    process: Process,
    /// Of all processes that this server has been.
    peak_rss_bytes: u64,
}

impl Server {
    /// Starts one with these flags of `robot-server`.
    pub(crate) async fn start(flags: &[&str]) -> anyhow::Result<Self> {
        Self::start_until(LISTENS, flags).await
    }

    /// Starts one whose workers are behind a broker, which `flags` name, and waits until that is there.
    pub(crate) async fn start_gateway(flags: &[&str]) -> anyhow::Result<Self> {
        Self::start_until(REACHES_THE_BROKER, flags).await
    }

    async fn start_until(up: &'static str, flags: &[&str]) -> anyhow::Result<Self> {
        let address = free_address().await?;
        let listen = address.to_string();
        let arguments = [&["serve", "--listen", &listen], flags].concat();
        let arguments: Vec<_> = arguments.into_iter().map(str::to_owned).collect();
        Ok(Self {
            process: Process::start(&arguments, up).await?,
            arguments,
            up,
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
        self.process.kill().await
    }

    /// Tells the process to end, with SIGTERM.
    pub(crate) fn signal(&self) -> anyhow::Result<()> {
        self.process.signal()
    }

    /// Ends the process, with SIGTERM, and waits for what it says at its end.
    pub(crate) async fn terminate(&mut self) -> anyhow::Result<Life> {
        self.process.terminate().await
    }

    /// Starts it again on the same port.
    pub(crate) async fn restart(&mut self) -> anyhow::Result<()> {
        self.peak_rss_bytes = self.peak_rss_bytes();
        self.process = Process::start(&self.arguments, self.up).await?;
        Ok(())
    }

    /// Bytes of memory right now.
    pub(crate) fn rss_bytes(&self) -> u64 {
        self.process.rss_bytes()
    }

    /// The most bytes of memory that it had at any time.
    pub(crate) fn peak_rss_bytes(&self) -> u64 {
        self.peak_rss_bytes.max(self.process.peak_rss_bytes())
    }
}
