//! A worker process as its driver sees it. It knows nothing of jobs.

use anyhow::Context;

use super::broker::Broker;
use super::network::Host;
use crate::process::Process;

/// What a worker says once it takes jobs.
const TAKES_JOBS: &str = "jobs come from the broker";

/// A worker process. It is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Worker {
    arguments: Vec<String>,
    process: Process,
}

impl Worker {
    /// Starts one with these flags of `robot-server worker`, and waits until it takes jobs.
    pub(crate) async fn start(broker: &Broker, flags: &[&str]) -> anyhow::Result<Self> {
        Self::start_as(&[], broker, flags).await
    }

    /// The same on a host of its own.
    pub(crate) async fn start_on(
        host: &Host,
        broker: &Broker,
        flags: &[&str],
    ) -> anyhow::Result<Self> {
        let itself = std::env::current_exe().context("cannot find this binary")?;
        let itself = itself
            .to_str()
            .context("this binary has a name that is no text")?;
        let there = ["leash", "--network", host.namespace(), "--", itself];
        Self::start_as(&there, broker, flags).await
    }

    async fn start_as(there: &[&str], broker: &Broker, flags: &[&str]) -> anyhow::Result<Self> {
        let queue = broker.url();
        let arguments = [there, &["work", "--queue", &queue], flags].concat();
        let arguments: Vec<_> = arguments.into_iter().map(str::to_owned).collect();
        Ok(Self {
            process: Process::start(&arguments, TAKES_JOBS).await?,
            arguments,
        })
    }

    /// Ends the process, with SIGKILL.
    pub(crate) async fn kill(&mut self) -> anyhow::Result<()> {
        self.process.kill().await
    }

    /// The same, without waiting until it is gone.
    pub(crate) fn start_kill(&mut self) -> anyhow::Result<()> {
        self.process.start_kill()
    }

    /// Waits until it is gone, however long that takes.
    pub(crate) async fn ended(&mut self) -> anyhow::Result<()> {
        self.process.ended().await
    }

    /// Starts it again: to the broker it is a new one.
    pub(crate) async fn restart(&mut self) -> anyhow::Result<()> {
        self.process = Process::start(&self.arguments, TAKES_JOBS).await?;
        Ok(())
    }
}
