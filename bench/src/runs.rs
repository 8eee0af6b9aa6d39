//! Runs the rows: each several times, A and ours in turn, each time on a fresh server.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::children::{self, Server};
use crate::load::{Kind, Load, Measured};
use crate::rows::{Base, Row, Work};

/// The servers, by what this program is started with.
const ECHO: &[&str] = &["echo"];
const OURS: &[&str] = &["server"];
const OURS_METERED: &[&str] = &["server", "--metered"];

/// How often, and for how long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Effort {
    pub(crate) runs: usize,
    pub(crate) warm_up: Duration,
    pub(crate) measure: Duration,
}

/// What the runs of a row came to. Run by run, A and ours were measured one after the other.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) row: Row,
    /// Of the echo, or of what stands in its place; empty if there is nothing to compare with.
    pub(crate) base: Vec<Measured>,
    pub(crate) ours: Vec<Measured>,
}

/// A proxy and a server behind it, both of which run already. Measured in place of ours and of A.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Via {
    pub(crate) proxy: SocketAddr,
    pub(crate) direct: SocketAddr,
}

/// Runs a row; says on stderr how it goes.
pub(crate) fn run(row: Row, effort: Effort, via: Option<Via>) -> anyhow::Result<Ran> {
    let started = Instant::now();
    let mut ran = Ran {
        row,
        base: Vec::new(),
        ours: Vec::new(),
    };
    for _ in 0..effort.runs {
        match ran.row.work {
            Work::Pool { turns } => {
                ran.base.push(pool(1, turns, effort)?);
                ran.ours.push(pool(2, turns, effort)?);
            }
            Work::Load { kind, base } => {
                let measure = effort.measure * ran.row.stretch;
                let time = (effort.warm_up, measure);
                if let Some(Via { proxy, direct }) = via {
                    ran.base.push(load_at(kind, direct, time)?);
                    ran.ours.push(load_at(kind, proxy, time)?);
                    continue;
                }
                let (base, ours) = match base {
                    Base::Nothing => (None, OURS),
                    Base::Echo => (Some(ECHO), OURS),
                    Base::WithoutMetrics => (Some(OURS), OURS_METERED),
                };
                if let Some(base) = base {
                    ran.base.push(load(kind, base, time)?);
                }
                ran.ours.push(load(kind, ours, time)?);
            }
        }
    }
    eprintln!(
        "{:5.1} s  {}",
        started.elapsed().as_secs_f64(),
        ran.row.name
    );
    Ok(ran)
}

fn pool(workers: u32, turns: usize, effort: Effort) -> anyhow::Result<Measured> {
    let millis = effort.measure.as_millis().to_string();
    let (workers, turns) = (workers.to_string(), turns.to_string());
    children::run(&["pool", &workers, &turns, &millis])
}

/// Warm-up, and what is measured.
type Time = (Duration, Duration);

/// On a server that is none of this program's: what it takes of the machine is not measured.
fn load_at(kind: Kind, address: SocketAddr, time: Time) -> anyhow::Result<Measured> {
    put(kind, address, std::process::id(), false, time)
}

fn load(kind: Kind, role: &[&str], time: Time) -> anyhow::Result<Measured> {
    let server = Server::start(role)?;
    put(kind, server.address, server.pid(), role == ECHO, time)
}

fn put(
    kind: Kind,
    address: SocketAddr,
    server_pid: u32,
    echo: bool,
    (warm_up, measure): Time,
) -> anyhow::Result<Measured> {
    let load = Load {
        address,
        server_pid,
        echo,
        kind,
        warm_up,
        measure,
    };
    children::run(&["load", &serde_json::to_string(&load)?])
}
