//! A chain: each command starts from the state that the one before it came to, so there is one at a time.

use std::time::Instant;

use anyhow::{Context, ensure};
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use prost::Message;
use robot_api::v1;
use robot_api::v1::robot_result::Outcome;

use crate::connection::{Connection, Requests, ended_ok};
use crate::frames::{Deframer, PREFIX_BYTES};
use crate::load::{Counted, Interval, Load, block_on};
use crate::program::{Program, command};

/// Runs chains of so many turns until the interval is over; each chain's time is recorded.
pub(crate) fn run(load: &Load, commands: u64, interval: Interval) -> anyhow::Result<Counted> {
    block_on(async {
        let mut connection = Connection::open(load.address).await?;
        let (requests, responses) = connection.stream().await?;
        let mut chain = Chain {
            requests,
            responses,
            deframer: Deframer::default(),
        };
        let mut counted = Counted::default();
        loop {
            let started = Instant::now();
            if started >= interval.end {
                break;
            }
            chain.run(load, commands).await?;
            if started >= interval.begin {
                counted.record(started.elapsed());
                counted.commands += commands;
                counted.compared += 1;
            }
        }
        let Chain {
            requests,
            mut responses,
            ..
        } = chain;
        drop(requests);
        let end = responses.frame().await.context("there are no trailers")??;
        ended_ok(end.trailers_ref())?;
        Ok(counted)
    })
}

struct Chain {
    requests: Requests,
    responses: Incoming,
    deframer: Deframer,
}

impl Chain {
    async fn run(&mut self, load: &Load, commands: u64) -> anyhow::Result<()> {
        let first = command(Program::Turns(1));
        let start = first.state.context("it has a state")?;
        let mut state = start;
        for id in 1..=commands {
            let command = v1::RobotCommand {
                id,
                state: Some(state),
                ..first.clone()
            };
            state = self.answer(id, command).await?;
        }
        let turned = if load.echo { 0.0 } else { commands as f64 };
        let expected = start.heading_degrees + turned;
        ensure!(
            state.heading_degrees == expected,
            "the chain came to {} degrees, not {expected}",
            state.heading_degrees
        );
        Ok(())
    }

    async fn answer(
        &mut self,
        id: u64,
        command: v1::RobotCommand,
    ) -> anyhow::Result<v1::RobotState> {
        let message = v1::ExecuteStreamRequest {
            commands: vec![command],
        };
        let length = message.encoded_len();
        let mut framed = Vec::with_capacity(PREFIX_BYTES + length);
        framed.push(0);
        framed.extend((length as u32).to_be_bytes());
        message.encode(&mut framed)?;
        self.requests.send(Bytes::from(framed)).await?;
        let mut answer = None;
        while answer.is_none() {
            let frame = self.responses.frame().await.context("the stream ended")??;
            let piece = frame.into_data().ok().context("the stream ended early")?;
            self.deframer.push(piece, |message| {
                answer = Some(v1::ExecuteStreamResponse::decode(message)?);
                Ok(())
            })?;
        }
        let results = answer.unwrap_or_default().results;
        let result = results.into_iter().next().context("no result")?;
        ensure!(result.id == id, "{} was answered, not {id}", result.id);
        match result.outcome {
            Some(Outcome::State(state)) => Ok(state),
            other => anyhow::bail!("{other:?} came back"),
        }
    }
}
