//! Scenarios that a session of `robot-client` plays: it bounds what is unanswered, and survives the server's end.

use std::convert::Infallible;
use std::future::pending;
use std::num::NonZeroUsize;

use anyhow::{Context, anyhow, ensure};
use robot_api::v1;
use robot_api::v1::robot_result::Outcome;
use robot_client::{CommandSender, Resumed, SessionConfig};
use tokio::sync::oneshot;

use super::tally::Tally;
use super::target::Target;
use crate::vectors::{Expected, HalfClose, Scenario};

/// What the session went through.
pub(super) async fn run(
    scenario: &Scenario,
    expected: &[Expected],
    tally: &mut Tally<'_>,
    target: &Target,
) -> anyhow::Result<Resumed> {
    let window = NonZeroUsize::new(scenario.in_flight_max).context("the window is 0")?;
    let client = target.client().await?;
    let session = client.session(SessionConfig::new(window)).await?;
    let (sender, mut receiver) = session.split();
    let (answered, all_answered) = oneshot::channel();
    let mut answered = Some(answered).filter(|_| !tally.all_answered());
    let mut kill = scenario.restart_after > 0;
    let receive = async {
        while let Some(results) = receiver.next().await? {
            for result in results {
                tally.take(result)?;
            }
            let unanswered = scenario.in_flight_max;
            ensure!(
                receiver.unanswered().len() <= unanswered,
                "the window is too large"
            );
            if kill && tally.answered() >= scenario.restart_after {
                target.kill()?;
                kill = false;
                // Let the sender fill the window first: else all that was sent may have been answered by now, and
                // nothing would have to be sent again.
                tokio::task::yield_now().await;
            }
            if tally.all_answered() {
                drop(answered.take());
            }
        }
        tally.expect_all()?;
        anyhow::Ok(receiver.resumed())
    };
    let messages = messages_of(scenario, expected);
    let sending = send(sender, messages, scenario.half_close, all_answered);
    if scenario.half_close == HalfClose::BeforeReading {
        sending.await?;
        return receive.await;
    }
    let forever = async {
        sending.await?;
        pending::<anyhow::Result<Infallible>>().await
    };
    tokio::select! {
        biased;
        received = receive => received,
        Err(error) = forever => Err(error),
    }
}

async fn send(
    mut sender: CommandSender,
    messages: Vec<Vec<v1::RobotCommand>>,
    half_close: HalfClose,
    all_answered: oneshot::Receiver<Infallible>,
) -> anyhow::Result<()> {
    for message in messages {
        sender.send(message).await?;
    }
    if half_close == HalfClose::AfterResults {
        // Nothing is ever sent on it: it is dropped.
        let _dropped = all_answered.await;
    }
    sender.finish();
    Ok(())
}

/// One command at a time, each from the state of the result before.
pub(super) async fn chain(
    expected: &[Expected],
    tally: &mut Tally<'_>,
    target: &Target,
) -> anyhow::Result<()> {
    let client = target.client().await?;
    let session = client.session(SessionConfig::default()).await?;
    let (mut sender, mut receiver) = session.split();
    let mut before = None;
    for Expected { command, .. } in expected {
        let mut command = command.clone();
        command.state = before.or(command.state);
        sender.send(vec![command]).await?;
        let results = receiver.next().await?.unwrap_or_default();
        let [result] = <[_; 1]>::try_from(results)
            .map_err(|results| anyhow!("one command has {} results", results.len()))?;
        if let Some(Outcome::State(state)) = &result.outcome {
            before = Some(*state);
        }
        tally.take(result)?;
    }
    sender.finish();
    let end = receiver.next().await?;
    ensure!(end.is_none(), "there are results after the last one");
    let reconnects = receiver.resumed().reconnects;
    ensure!(reconnects == 0, "the stream broke");
    tally.expect_all()
}

/// All commands of the scenario, as often as it sends them.
pub(super) fn commands_of(scenario: &Scenario, expected: &[Expected]) -> Vec<v1::RobotCommand> {
    let times = std::iter::repeat_n(expected, scenario.times);
    times.flatten().map(|it| it.command.clone()).collect()
}

/// The same in messages.
pub(super) fn messages_of(
    scenario: &Scenario,
    expected: &[Expected],
) -> Vec<Vec<v1::RobotCommand>> {
    let commands = commands_of(scenario, expected);
    let messages = commands.chunks(scenario.messages_of);
    messages.map(<[_]>::to_vec).collect()
}
