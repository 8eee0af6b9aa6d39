//! Runs every program of a template from one state, and keeps what came of each.

use robot::State;
use robot_api::v1::robot_result::Outcome;
use robot_api::{v1, wire};
use robot_client::{CommandSender, ResultReceiver, Session};

use super::template::Template;
use crate::cli::RunError;
use crate::cli::message::Message;

/// A program, and what came of it.
#[derive(Debug, Clone)]
pub(super) struct Future {
    /// Of the template's parameters.
    pub(super) values: Vec<String>,
    pub(super) script: String,
    pub(super) result: v1::RobotResult,
}

impl Future {
    pub(super) fn state(&self) -> Option<&v1::RobotState> {
        match &self.result.outcome {
            Some(Outcome::State(state)) => Some(state),
            _ => None,
        }
    }
}

/// In the order of the template's programs.
pub(super) async fn run(
    session: Session,
    limits: v1::Limits,
    start: State,
    template: &Template,
) -> Result<Vec<Future>, RunError> {
    let (sender, receiver) = session.split();
    let (sent, received) = tokio::join!(
        send_all(sender, Message::new(limits), start, template),
        receive_all(receiver, template.count())
    );
    // Why a session has ended early is known to the receiver only.
    let results = received?;
    sent?;
    let futures = results.into_iter().enumerate().map(|(index, result)| {
        let values = template.values(index);
        Ok(Future {
            script: template.script(&values),
            values: values.into_iter().map(str::to_owned).collect(),
            result: result.ok_or(RunError::NoOutcome { id: index as u64 })?,
        })
    });
    futures.collect()
}

async fn send_all(
    mut sender: CommandSender,
    mut message: Message,
    start: State,
    template: &Template,
) -> Result<(), RunError> {
    for index in 0..template.count() {
        let command = v1::RobotCommand {
            id: index as u64,
            state: Some(wire::state_to(start)),
            script: template.script(&template.values(index)),
            ..Default::default()
        };
        if let Some(before) = message.push(command) {
            sender.send(before).await?;
        }
    }
    Ok(sender.send(message.take()).await?)
}

async fn receive_all(
    mut receiver: ResultReceiver,
    count: usize,
) -> Result<Vec<Option<v1::RobotResult>>, RunError> {
    let mut all = vec![None; count];
    while let Some(results) = receiver.next().await? {
        for result in results {
            // Invariant: a session gives results of what it was sent only.
            if let Some(place) = all.get_mut(result.id as usize) {
                *place = Some(result);
            }
        }
    }
    Ok(all)
}
