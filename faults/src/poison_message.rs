//! A message that no connection survives: a proxy ends each connection that carries it. The client's session has to
//! give up on it after so many tries, say so, and leave the server alone.

use std::num::NonZeroUsize;
use std::ops::RangeInclusive;
use std::time::Duration;

use anyhow::{Context, bail};
use robot_client::{Client, ClientError, ResultReceiver};

use crate::healthy::Healthy;
use crate::history::History;
use crate::proxy::Proxy;
use crate::scale::Scale;
use crate::server::Server;
use crate::sessions::{end_of, session_config};
use crate::table::Row;
use crate::work;

const MARKER: &str = "no-connection-survives-this";
/// How often it is sent: on three streams without a new result, and on the one before them, which had brought some.
const TRIES: RangeInclusive<u64> = 3..=4;
/// Commands that are answered before it.
const GOOD_COMMANDS: u64 = 1000;
/// How long nothing must be tried any more.
const QUIET: Duration = Duration::from_secs(2);

/// One message that breaks its connection, after some that do not.
pub(crate) async fn poison_message(scale: &Scale) -> anyhow::Result<Row> {
    let server = Server::start(&[]).await?;
    let proxy = Proxy::start(server.address(), Some(MARKER)).await?;
    let healthy = Healthy::start(server.uri())?;
    let load = format!("1 session, {GOOD_COMMANDS} commands before it");
    let mut row = Row::new("a message that breaks every connection", load);
    row.before = Some(healthy.measure(scale.before).await);

    let history = History::default();
    let error = send_marked(&proxy, &history).await?;
    row.tried = proxy.marked();
    row.note(format!("sent {} times, then: {error}", row.tried));
    history.ended(end_of(Err(error)));
    tokio::time::sleep(QUIET).await;
    row.during = Some(healthy.lap());
    if proxy.marked() != row.tried {
        row.problem("it is sent again after its error has surfaced");
    }
    if !TRIES.contains(&row.tried) {
        row.problem(format!("sent {} times; it must be {TRIES:?}", row.tried));
    }

    let findings = history.check(work::answer);
    row.judge("the session", &findings);
    // The marked command alone is unanswered, and the session said so.
    if findings.answered != GOOD_COMMANDS {
        row.problem(format!("the commands before it: {findings:?}"));
    }
    row.judge_finished("the healthy client", &healthy.stop().await?);
    row.peak_rss_bytes = server.peak_rss_bytes();
    Ok(row)
}

/// The error that the session comes to.
async fn send_marked(proxy: &Proxy, history: &History) -> anyhow::Result<ClientError> {
    let client = Client::connect(&proxy.uri()).await?;
    let window = NonZeroUsize::new(GOOD_COMMANDS as usize).context("it is not 0")?;
    let session = client.session(session_config(window)).await?;
    let (mut sender, mut receiver) = session.split();
    let good = 1..=GOOD_COMMANDS;
    history.sent(good.clone());
    sender.send(work::commands(good)).await?;
    let mut answered = 0;
    while answered < GOOD_COMMANDS {
        let results = receiver.next().await?.context("an early end")?;
        history.answered(&results);
        answered += results.len() as u64;
    }
    let id = GOOD_COMMANDS + 1;
    history.sent(std::iter::once(id));
    sender.send(vec![work::marked(id, MARKER)]).await?;
    fail(&mut receiver).await
}

async fn fail(receiver: &mut ResultReceiver) -> anyhow::Result<ClientError> {
    match receiver.next().await {
        Err(error) => Ok(error),
        Ok(results) => bail!("the marked message was answered: {results:?}"),
    }
}
