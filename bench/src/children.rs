//! The processes that a benchmark consists of: this program again, in another role. Servers are ended when they are
//! dropped.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, ensure};
use serde::de::DeserializeOwned;

/// A server in a process of its own.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Server {
    /// Starts this program in that role; it must print the address that it listens on.
    pub(crate) fn start(role: &[&str]) -> anyhow::Result<Self> {
        let mut child = command(role)?.stdout(Stdio::piped()).spawn()?;
        let stdout = child.stdout.take().context("it has a stdout")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let address = line.trim().parse();
        let server = Self {
            address: address.unwrap_or_else(|_| SocketAddr::from(([0; 4], 0))),
            child,
        };
        ensure!(server.address.port() > 0, "{role:?} did not start");
        Ok(server)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself; either way it is gone afterwards.
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// Runs this program in that role to its end, and reads what it says.
pub(crate) fn run<T: DeserializeOwned>(role: &[&str]) -> anyhow::Result<T> {
    let output = command(role)?.stderr(Stdio::inherit()).output()?;
    ensure!(
        output.status.success(),
        "{role:?} failed: {}",
        output.status
    );
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn command(role: &[&str]) -> anyhow::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(role).stdin(Stdio::null());
    Ok(command)
}
