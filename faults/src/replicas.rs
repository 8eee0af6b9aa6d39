//! Three replicas, with clients that spread by themselves or with Envoy in front: what is lost when they are killed,
//! drained and started in turn, what a rolling restart shows, who gets what.

use anyhow::{Context, ensure};
use robot_client::{Client, SessionConfig};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::calls::Calls;
use crate::ends;
use crate::fleet::{Fleet, LEARNED_MAX, LOOK_INTERVAL, REPLICAS, Way};
use crate::history::{End, Findings, History};
use crate::scale::Scale;
use crate::sessions::{described, end_of};
use crate::table::Row;
use crate::through::come_through;
use crate::work;

/// The delay outlasts the scenario.
const LINGERING: [&str; 4] = ["--drain-delay-ms", "600000", "--drain-ms-max", "600000"];
const STREAMS: u64 = 30;
/// How far a replica may be from an equal share.
const UNBALANCED_MAX: f64 = 0.2;
/// Calls in a row of which a replica that drains must get none.
const PROBES: u64 = 20;

/// One of the three is always down: killed or drained, in turn, while the one before it comes back.
pub(crate) async fn killed(scale: &Scale, way: Way<'_>) -> anyhow::Result<Row> {
    let mut fleet = Fleet::start(way, &[]).await?;
    let fault = "3 replicas killed (-9), drained and started in turn";
    let row = row(fault, way, scale.replicas.commands);
    let uris = fleet.uris();
    let mut down: Option<usize> = None;
    let strike = async |time: u64| {
        if let Some(back) = down.take() {
            fleet.servers[back].restart().await?;
        }
        let index = time as usize % REPLICAS;
        if time.is_multiple_of(2) {
            fleet.servers[index].kill().await?;
        } else {
            let life = fleet.servers[index].terminate().await?;
            ensure!(life.code == Some(0), "a drain failed: {life:?}");
        }
        down = Some(index);
        Ok(())
    };
    let mut row = come_through(row, scale, scale.replicas, uris, work::answer, strike).await?;
    row.peak_rss_bytes = fleet.peak_rss_bytes();
    Ok(row)
}

/// Each is drained, with a delay for whoever balances, and started again; nobody may see anything of it, not even who
/// makes calls and sends nothing again.
pub(crate) async fn rolling(scale: &Scale, way: Way<'_>) -> anyhow::Result<Row> {
    let mut fleet = Fleet::start(way, &["--drain-delay-ms", way.drain_delay_ms()]).await?;
    let fault = "rolling restart of 3 replicas";
    let row = row(fault, way, scale.rolling.commands);
    let uris = fleet.uris();
    let calls = Calls::start(&uris.sessions).await?;
    let (mut accepted, mut answered) = (0, 0);
    let restart = async |time: u64| {
        let index = time as usize % REPLICAS;
        let life = fleet.servers[index].terminate().await?;
        ensure!(life.code == Some(0), "a drain failed: {life:?}");
        accepted += life.accepted;
        answered += life.answered;
        fleet.servers[index].restart().await?;
        // As an orchestrator waits for one to be ready before it goes on to the next.
        fleet.is_found(index).await
    };
    let mut row = come_through(row, scale, scale.rolling, uris, work::answer, restart).await?;
    let (called, errors) = calls.stop().await?;
    row.judge_finished("the client that calls", &called);
    row.note(format!(
        "{} of {} calls of Execute failed; the drained replicas accepted {accepted} commands and answered {answered}",
        errors.len(),
        called.sent
    ));
    if let Some(first) = errors.first() {
        row.problem(format!("a call failed: {first}"));
    }
    row.peak_rss_bytes = fleet.peak_rss_bytes();
    Ok(row)
}

/// Thirty streams at once are ten for each, and once one says NOT_SERVING it gets nothing more, though it would take it.
pub(crate) async fn balance(scale: &Scale, way: Way<'_>) -> anyhow::Result<Row> {
    let mut fleet = Fleet::start(way, &LINGERING).await?;
    let commands = scale.balance_commands;
    let load = format!(
        "{STREAMS} streams, {commands} commands on each; {}",
        way.described()
    );
    let mut row = Row::new("one of 3 replicas says NOT_SERVING", load);
    let uris = fleet.uris().sessions;
    let client = ends::connect(&uris).await.context("cannot connect")?;
    all_are_found(&fleet, &client).await?;

    let before = fleet.commands_run().await?;
    let streams = open(&uris, &client).await?;
    let open_calls = fleet.open_calls().await?;
    judge_balance(&mut row, "open streams", &open_calls);
    let (streams, told) = work_on(streams, commands, 0).await?;
    told.iter()
        .for_each(|told| row.judge_finished("a stream", told));
    let run = fleet.commands_run().await?;
    let run: Vec<u64> = run
        .iter()
        .zip(&before)
        .map(|(now, then)| now - then)
        .collect();
    judge_balance(&mut row, "commands", &run);

    fleet.servers[0].signal()?;
    gets_nothing(&fleet, &client).await?;
    let (calls, run) = (fleet.open_calls().await?[0], fleet.commands_run().await?[0]);
    let more = open(&uris, &client).await?;
    let (more, told) = work_on(more, commands, 1).await?;
    told.iter()
        .for_each(|told| row.judge_finished("a later stream", told));
    row.tried = 1;
    let (calls_after, run_after) = (fleet.open_calls().await?[0], fleet.commands_run().await?[0]);
    row.note(format!(
        "the replica that drains had {calls} streams before {STREAMS} more were opened and {calls_after} after, and ran \
         {} of their {} commands",
        run_after - run,
        STREAMS * commands
    ));
    if (calls_after, run_after) != (calls, run) {
        row.problem("the replica that says NOT_SERVING was given something");
    }
    // What it had open it still answers.
    let (streams, told) = work_on(streams, commands, 2).await?;
    told.iter()
        .for_each(|told| row.judge_finished("an early stream", told));
    drop((streams, more));
    row.peak_rss_bytes = fleet.peak_rss_bytes();
    fleet.servers[0].kill().await?;
    Ok(row)
}

fn row(fault: &str, way: Way<'_>, commands: u64) -> Row {
    let load = format!(
        "{}; each session {REPLICAS} streams, through {}",
        described(commands),
        way.described()
    );
    Row::new(fault, load)
}

type Ends = (ends::Sender, ends::Receiver);

/// Streams on as many connections: each is a session of one stream.
async fn open(uris: &str, client: &Client) -> anyhow::Result<Vec<Ends>> {
    let mut streams = Vec::new();
    for _ in 0..STREAMS {
        // One client of several servers has a connection for each stream already, and has to know of all of them.
        let client = match uris.contains(',') {
            true => client.clone(),
            false => ends::connect(uris).await.context("cannot connect")?,
        };
        let config = SessionConfig::default();
        streams.push(ends::open(&client, config, std::num::NonZeroUsize::MIN).await?);
    }
    Ok(streams)
}

/// Runs so many commands on each, and leaves the streams open.
async fn work_on(
    streams: Vec<Ends>,
    commands: u64,
    round: u64,
) -> anyhow::Result<(Vec<Ends>, Vec<Findings>)> {
    let mut running = JoinSet::new();
    for (number, (mut sender, mut receiver)) in (0..).zip(streams) {
        running.spawn(async move {
            let history = History::default();
            let first = 1 + (round * STREAMS + number) * commands;
            let ids = first..first + commands;
            let send = async {
                for id in ids.clone() {
                    history.sent(std::iter::once(id));
                    sender.send(vec![work::command(id)]).await?;
                }
                Ok(())
            };
            let receive = async {
                let mut answered = 0;
                while answered < commands
                    && let Some(results) = receiver.next().await?
                {
                    answered += results.len() as u64;
                    history.answered(&results);
                }
                Ok(())
            };
            let (sent, received) = tokio::join!(send, receive);
            history.ended(end_of(received.and(sent)));
            let mut findings = history.check(work::answer);
            let reconnects = receiver.resumed().reconnects;
            if reconnects > 0 {
                findings.end = Some(End::Other(format!("{reconnects} reconnects")));
            }
            ((sender, receiver), findings)
        });
    }
    Ok(running.join_all().await.into_iter().unzip())
}

/// Waits until calls have come to all of them.
async fn all_are_found(fleet: &Fleet, client: &Client) -> anyhow::Result<()> {
    let begun = Instant::now();
    while fleet.commands_run().await?.contains(&0) {
        ensure!(
            begun.elapsed() < LEARNED_MAX,
            "some replica was given nothing"
        );
        call(client, PROBES).await?;
    }
    // The ends of those calls have to reach their servers.
    while fleet.open_calls().await?.iter().any(|&open| open > 0) {
        ensure!(begun.elapsed() < LEARNED_MAX, "some call does not end");
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
    Ok(())
}

/// Waits until calls no longer come to the first, nor streams.
async fn gets_nothing(fleet: &Fleet, client: &Client) -> anyhow::Result<()> {
    if let Some(envoy) = &fleet.envoy {
        envoy.sees_healthy(REPLICAS - 1).await?;
    }
    let begun = Instant::now();
    loop {
        let before = fleet.commands_run().await?[0];
        call(client, PROBES).await?;
        if fleet.commands_run().await?[0] == before {
            return Ok(());
        }
        ensure!(begun.elapsed() < LEARNED_MAX, "it is still given calls");
    }
}

async fn call(client: &Client, times: u64) -> anyhow::Result<()> {
    for id in 1..=times {
        let results = client.execute(vec![work::command(id)]).await?;
        ensure!(results.len() == 1, "a call was not answered");
    }
    Ok(())
}

/// Whether each replica has its share.
fn judge_balance(row: &mut Row, what: &str, shares: &[u64]) {
    let mean = shares.iter().sum::<u64>() as f64 / shares.len() as f64;
    let off = shares
        .iter()
        .map(|&share| (share as f64 / mean - 1.0).abs());
    let worst = off.fold(0.0, f64::max);
    row.note(format!(
        "{what}: {shares:?}, {:.0} % off at the most",
        worst * 100.0
    ));
    if worst > UNBALANCED_MAX || mean == 0.0 {
        row.problem(format!("{what} are not balanced: {shares:?}"));
    }
}
