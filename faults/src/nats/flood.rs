//! A gateway whose clients send all that they can, and another that shares the broker and the workers with it: its clients
//! must be left their part.

use std::path::Path;

use super::load::{Aside, Load, described};
use super::system::{System, WORKERS};
use crate::scale::Scale;
use crate::table::Row;

/// Clients of the gateway that is flooded, and of the other one.
const FLOODING: u64 = 16;
const OTHERS: u64 = 4;
/// What the others must be left of what they have alone.
const LEFT_MIN: f64 = 0.4;

/// The others are measured alone and beside the flood, in turn.
pub(crate) async fn flood(scale: &Scale, nats: &Path) -> anyhow::Result<Row> {
    let system = System::start(nats, 2, WORKERS).await?;
    let aside = Aside::start()?;
    let flooded = system.gateways[0].server.uri();
    let mut flood = aside.open(flooded, FLOODING).await?;
    let mut others = Load::open(&system.gateways[1].server.uri(), OTHERS).await?;
    let mut row = Row::new(
        "1 of 2 gateways flooded",
        format!(
            "{FLOODING} sessions, {OTHERS} at the other gateway, {}",
            described()
        ),
    );
    let (mut alone, mut beside) = (Vec::new(), Vec::new());
    let period = scale.nats_rounds.period;
    for _ in 0..scale.nats_rounds.rounds {
        alone.push(others.measure(scale.nats_rounds).await?.per_second(period));
        flood.go();
        beside.push(others.measure(scale.nats_rounds).await?.per_second(period));
        flood.pause().await?;
        row.tried += 1;
    }
    judge(&mut row, scale, alone, beside);
    for (who, load) in [("a flooding session", flood), ("another session", others)] {
        for findings in load.stop().await? {
            row.judge_finished(who, &findings);
        }
    }
    row.peak_rss_bytes = system.peak_rss_bytes();
    Ok(row)
}

fn judge(row: &mut Row, scale: &Scale, mut alone: Vec<f64>, mut beside: Vec<f64>) {
    let spread = |figures: &mut Vec<f64>| {
        figures.sort_by(f64::total_cmp);
        (
            figures[figures.len() / 2],
            figures[0],
            figures[figures.len() - 1],
        )
    };
    let (alone, beside) = (spread(&mut alone), spread(&mut beside));
    let left = beside.0 / alone.0;
    let shown = |(median, least, most): (f64, f64, f64)| {
        format!(
            "{:.0} ({:.0} - {:.0})",
            median / 1e3,
            least / 1e3,
            most / 1e3
        )
    };
    row.note(format!(
        "the other gateway's clients have {} k commands a second alone, {} beside the flood: {left:.2} of it; it must be \
         {LEFT_MIN}",
        shown(alone),
        shown(beside)
    ));
    if scale.judges_times && left < LEFT_MIN {
        row.problem(format!(
            "they have {left:.2} of what they have alone; it must be at least {LEFT_MIN}"
        ));
    }
}
