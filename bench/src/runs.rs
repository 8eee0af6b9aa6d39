//! Runs the rows: each several times, A and ours in turn, each time on a fresh server.

use std::time::{Duration, Instant};

use crate::children::{self, Server};
use crate::load::{Load, Measured};
use crate::rows::{Row, Work};

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

/// Runs a row; says on stderr how it goes.
pub(crate) fn run(row: Row, effort: Effort) -> anyhow::Result<Ran> {
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
            Work::Load { echo, .. } => {
                if echo {
                    ran.base.push(load(&ran.row, true, effort)?);
                }
                ran.ours.push(load(&ran.row, false, effort)?);
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

fn load(row: &Row, echo: bool, effort: Effort) -> anyhow::Result<Measured> {
    let Work::Load { kind, .. } = row.work else {
        unreachable!("only loads are put on servers");
    };
    let server = Server::start(&[if echo { "echo" } else { "server" }])?;
    let load = Load {
        address: server.address,
        server_pid: server.pid(),
        echo,
        kind,
        warm_up: effort.warm_up,
        measure: effort.measure * row.stretch,
    };
    children::run(&["load", &serde_json::to_string(&load)?])
}
