//! The benchmark of the whole service: what it costs beside a bare tonic server that echoes the same messages. Server
//! and load generator are processes of their own: this program again, in other roles.

mod calls;
mod chain;
mod children;
mod connection;
mod echo;
mod frames;
mod idle;
mod load;
mod meter;
mod metered;
mod pool;
mod program;
mod report;
mod rows;
mod runs;
mod streams;
mod tally;

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, ensure};
use clap::{Parser, Subcommand};
use robot_server::{Config, Shutdown};
use tokio::net::TcpListener;

use rows::Row;
use runs::{Effort, Via};

/// Measures the service beside a bare tonic echo of the same messages, and prints Markdown.
#[derive(Debug, Parser)]
#[command(name = "robot-bench")]
struct Args {
    /// Only rows whose names begin so, such as "throughput: 1 stream,"; several, separated by "/"
    #[arg(long, value_delimiter = '/', value_name = "NAMES")]
    rows: Vec<String>,

    /// Runs of each row, A and ours in turn
    #[arg(long, default_value_t = 3)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=99))]
    runs: u32,

    /// Milliseconds that are measured in each run
    #[arg(long, default_value_t = 1000)]
    #[arg(value_parser = clap::value_parser!(u32).range(10..=60_000))]
    measure_ms: u32,

    /// One short run of each row: whether everything works, not how fast it is
    #[arg(long)]
    quick: bool,

    /// Measure what a proxy costs: streams through this address in place of ours, and straight to --direct in place of
    /// A; both run already
    #[arg(long, value_name = "ADDRESS", requires = "direct")]
    via: Option<SocketAddr>,

    /// A server behind that proxy
    #[arg(long, value_name = "ADDRESS", requires = "via")]
    direct: Option<SocketAddr>,

    /// Where all that was measured goes, as JSON
    #[arg(long, value_name = "PATH", default_value = "target/bench.json")]
    json: PathBuf,

    #[command(subcommand)]
    role: Option<Role>,
}

/// What this program is when it starts itself.
#[derive(Debug, Subcommand)]
#[command(hide = true)]
enum Role {
    /// The bare tonic echo.
    Echo,
    /// Our server.
    Server {
        #[command(flatten)]
        config: Box<Config>,
        /// With metrics, which are asked for every second.
        #[arg(long)]
        metered: bool,
    },
    /// The load generator; its load as JSON.
    Load { load: String },
    /// The pool without a transport.
    Pool {
        workers: u32,
        turns: usize,
        measure_ms: u64,
    },
}

fn main() -> anyhow::Result<()> {
    let mut args = Args::parse();
    match args.role.take() {
        None => bench(&args),
        Some(Role::Echo) => serve(echo::serve),
        Some(Role::Server { config, metered }) => serve(async |listener| match metered {
            false => {
                robot_server::run(listener, *config, Shutdown::default()).await?;
                Ok(())
            }
            true => metered::serve(listener, *config).await,
        }),
        Some(Role::Load { load }) => say(&load::run(&serde_json::from_str(&load)?)?),
        Some(Role::Pool {
            workers,
            turns,
            measure_ms,
        }) => say(&pool::run(
            workers,
            turns,
            Duration::from_millis(measure_ms),
        )?),
    }
}

fn bench(args: &Args) -> anyhow::Result<()> {
    let effort = match args.quick {
        true => Effort {
            runs: 1,
            warm_up: Duration::from_millis(100),
            measure: Duration::from_millis(100),
        },
        false => Effort {
            runs: args.runs as usize,
            warm_up: Duration::from_millis(300),
            measure: Duration::from_millis(args.measure_ms.into()),
        },
    };
    let wanted = |name: &str| {
        let mut prefixes = args.rows.iter();
        args.rows.is_empty() || prefixes.any(|prefix| name.starts_with(prefix.as_str()))
    };
    let rows = rows::all();
    let via = args.via.zip(args.direct);
    let via = via.map(|(proxy, direct)| Via { proxy, direct });
    let fits = |row: &Row| via.is_none() || row.is_streams();
    let rows: Vec<_> = rows
        .into_iter()
        .filter(|row| wanted(&row.name) && fits(row))
        .collect();
    ensure!(!rows.is_empty(), "no row's name begins so");
    let mut all = Vec::new();
    for row in rows {
        let name = row.name.clone();
        all.push(runs::run(row, effort, via).with_context(|| format!("in the row {name:?}"))?);
    }
    match via {
        None => println!("{}\n{}", report::table(&all), report::goals(&all)),
        Some(_) => println!(
            "{}",
            report::table_of(["direct", "through the proxy"], &all)
        ),
    }
    let json = serde_json::to_string_pretty(&report::json(&all))?;
    std::fs::write(&args.json, json + "\n")
        .with_context(|| format!("cannot write {}", args.json.display()))?;
    eprintln!("run by run: {}", args.json.display());
    Ok(())
}

/// Runs a server on a free port, and says which.
fn serve(server: impl AsyncFnOnce(TcpListener) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?);
        std::io::stdout().flush()?;
        server(listener).await
    })
}

fn say(measured: &load::Measured) -> anyhow::Result<()> {
    println!("{}", serde_json::to_string(measured)?);
    Ok(())
}
