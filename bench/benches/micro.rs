//! What a command costs a worker, step by step, and what prost takes for the same.

#![allow(missing_docs, reason = "criterion's macros make functions without any")]

use std::hint::black_box;

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use prost::Message;
use robot::{Action, Command, Finite, Outcome, State, script};
use robot_api::direct::{CommandReader, ResultWriter};
use robot_api::{batch, v1, wire};

const ACTIONS_MAX: usize = 10_000;
const COMMANDS: usize = 128;

fn finite(value: f64) -> Finite {
    Finite::new(value).expect("it is finite")
}

/// A turn and a move, from a state in the middle of somewhere.
fn turn_and_move() -> Command {
    let turn = Action::Turn {
        angle_degrees: finite(30.0),
    };
    let go = Action::Move {
        distance: finite(2.5),
    };
    Command {
        state: State {
            x: finite(1.25),
            y: finite(-7.5),
            heading_degrees: finite(45.0),
            ..State::default()
        },
        actions: vec![turn, go],
        with_events: false,
    }
}

fn turns(count: usize) -> Command {
    let angle_degrees = finite(1.0);
    Command {
        actions: vec![Action::Turn { angle_degrees }; count],
        ..turn_and_move()
    }
}

/// An encoded request message of one job's commands.
fn job() -> Vec<u8> {
    let commands = (0..COMMANDS as u64).map(|id| wire::command_to(1 << 28 | id, &turn_and_move()));
    v1::ExecuteStreamRequest {
        commands: commands.collect(),
    }
    .encode_to_vec()
}

fn logic(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("apply");
    for (name, command) in [
        ("turn and move", turn_and_move()),
        ("10,000 turns", turns(ACTIONS_MAX)),
    ] {
        group.throughput(Throughput::Elements(command.actions.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| robot::apply(black_box(&command)));
        });
    }
    group.finish();

    let text = "turn 30; move 2.5\n".repeat(100);
    let mut actions = Vec::new();
    let mut group = criterion.benchmark_group("parse");
    group.throughput(Throughput::Elements(200));
    group.bench_function("a script of 200 statements", |bencher| {
        bencher.iter(|| script::parse_into(black_box(&text), ACTIONS_MAX, &mut actions));
    });
    group.finish();
}

fn decode(criterion: &mut Criterion) {
    let job = job();
    let mut group = criterion.benchmark_group("decode");
    group.throughput(Throughput::Elements(COMMANDS as u64));
    group.bench_function("find the commands", |bencher| {
        bencher.iter(|| batch::count(black_box(&job)));
    });
    let mut reader = CommandReader::default();
    group.bench_function("decode and check", |bencher| {
        bencher.iter(|| {
            for frame in batch::frames(black_box(&job)) {
                let head = reader.decode(frame.expect("it is valid").command, ACTIONS_MAX);
                let head = head.expect("it is valid");
                reader.check(&head, ACTIONS_MAX).expect("it may be run");
                black_box(reader.command());
            }
        });
    });
    group.bench_function("with prost", |bencher| {
        bencher.iter(|| {
            let job = v1::ExecuteStreamRequest::decode(black_box(&job[..])).expect("it is valid");
            for command in &job.commands {
                black_box(wire::command_from(command, ACTIONS_MAX).expect("it may be run"));
            }
        });
    });
    let program = wire::command_to(1, &turns(ACTIONS_MAX)).encode_to_vec();
    group.throughput(Throughput::Elements(ACTIONS_MAX as u64));
    group.bench_function("10,000 turns", |bencher| {
        bencher.iter(|| {
            let head = reader
                .decode(black_box(&program), ACTIONS_MAX)
                .expect("it is valid");
            reader.check(&head, ACTIONS_MAX).expect("it may be run");
            black_box(reader.command());
        });
    });
    group.finish();
}

fn encode(criterion: &mut Criterion) {
    let outcome = robot::apply(&turn_and_move()).expect("it has a result");
    let execution = v1::Execution {
        worker: 2,
        queue_nanos: 12_345,
        run_nanos: 23_456,
        job_commands: COMMANDS as u32,
    };
    let mut group = criterion.benchmark_group("encode");
    group.throughput(Throughput::Elements(COMMANDS as u64));
    let mut writer = ResultWriter::default();
    group.bench_function("results", |bencher| {
        bencher.iter(|| -> Bytes {
            for id in 0..COMMANDS as u64 {
                writer.outcome(1 << 28 | id, black_box(&outcome));
            }
            writer.finish(&execution)
        });
    });
    group.bench_function("with prost", |bencher| {
        bencher.iter(|| {
            let results = (0..COMMANDS as u64).map(|id| result(1 << 28 | id, &outcome, execution));
            let results = results.collect();
            v1::ExecuteStreamResponse { results }.encode_to_vec()
        });
    });
    group.finish();
}

fn result(id: u64, outcome: &Outcome, execution: v1::Execution) -> v1::RobotResult {
    let command = v1::RobotCommand {
        id,
        ..Default::default()
    };
    v1::RobotResult {
        execution: Some(execution),
        ..wire::result_to(&command, Ok(black_box(outcome).clone()))
    }
}

criterion_group!(micro, logic, decode, encode);
criterion_main!(micro);
