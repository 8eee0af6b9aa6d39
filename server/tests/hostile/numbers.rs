//! Every field that holds a number, with every number that is none or nearly none. What a result must be is asked of
//! the pure logic; that a NaN or an infinity is refused is asked of nobody.

use prost::Message;
use robot_api::v1::action::Kind;
use robot_api::v1::command_error::Reason;
use robot_api::v1::robot_result::Outcome;
use robot_api::{v1, wire};

use crate::beside::beside;
use crate::support::Server;

const NOT_FINITE: [u64; 6] = [
    0x7ff8_0000_0000_0000, // NaN
    0xfff8_0000_0000_0001, // a negative one
    0x7ff0_0000_0000_0001, // a signalling one
    0xffff_ffff_ffff_ffff,
    0x7ff0_0000_0000_0000, // infinity
    0xfff0_0000_0000_0000,
];
const FINITE: [f64; 9] = [
    -0.0,
    5e-324, // the smallest there is
    -5e-324,
    2.225_073_858_507_201e-308, // the largest that is not normal
    f64::MIN_POSITIVE,
    f64::MAX,
    f64::MIN,
    f64::EPSILON,
    1e16,
];
type Put = fn(f64) -> v1::RobotCommand;

/// A command with the number in one of its fields, by the field's name.
const FIELDS: [(&str, Put); 5] = [
    ("x", |x| {
        in_state(v1::RobotState {
            x,
            ..Default::default()
        })
    }),
    ("y", |y| {
        in_state(v1::RobotState {
            y,
            ..Default::default()
        })
    }),
    ("heading_degrees", |heading_degrees| {
        in_state(v1::RobotState {
            heading_degrees,
            ..Default::default()
        })
    }),
    ("distance", |distance| {
        in_action(Kind::Move(v1::Move { distance }))
    }),
    ("angle_degrees", |angle_degrees| {
        in_action(Kind::Turn(v1::Turn { angle_degrees }))
    }),
];

/// With an action behind it that uses the number.
fn in_state(state: v1::RobotState) -> v1::RobotCommand {
    let step = Kind::Move(v1::Move { distance: 1.0 });
    v1::RobotCommand {
        state: Some(state),
        ..in_action(step)
    }
}

fn in_action(kind: Kind) -> v1::RobotCommand {
    v1::RobotCommand {
        state: Some(v1::RobotState::default()),
        actions: vec![v1::Action { kind: Some(kind) }],
        with_events: true,
        ..Default::default()
    }
}

async fn run(server: &Server, commands: Vec<v1::RobotCommand>) -> Vec<v1::RobotResult> {
    let request = v1::ExecuteRequest { commands };
    let response = server.connect().await.execute(request).await.unwrap();
    let mut results = response.into_inner().results;
    for result in &mut results {
        result.execution = None;
    }
    results
}

fn reason(result: &v1::RobotResult) -> (Reason, &str) {
    match &result.outcome {
        Some(Outcome::Error(error)) => (error.reason(), &error.message),
        other => panic!("{other:?} is no error"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_finite_is_refused_in_every_field() {
    let server = Server::start(&[]).await;
    let attack = async {
        for (field, put) in FIELDS {
            let commands = NOT_FINITE.map(f64::from_bits).map(put).to_vec();
            let results = run(&server, commands).await;
            assert_eq!(results.len(), NOT_FINITE.len());
            for result in &results {
                let (reason, message) = reason(result);
                assert_eq!(reason, Reason::NumberNotFinite, "{field}");
                assert!(
                    message.contains(field) && message.contains("finite"),
                    "{message}"
                );
            }
        }
    };
    let ((), noticed) = beside(&server, attack).await;
    noticed.report(
        &server,
        "NaN and infinities in every field",
        30,
        "REASON_NUMBER_NOT_FINITE",
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_smallest_and_the_largest_give_what_the_pure_logic_gives() {
    let server = Server::start(&[]).await;
    let commands: Vec<_> = FIELDS
        .iter()
        .flat_map(|(_field, put)| FINITE.map(put))
        .collect();
    let (results, noticed) = beside(&server, run(&server, commands.clone())).await;
    assert_eq!(results.len(), commands.len());
    for (result, command) in results.iter().zip(&commands) {
        let outcome = wire::command_from(command, 10).and_then(|command| robot::apply(&command));
        let expected = wire::result_to(command, outcome);
        // As bytes: that one zero equals the other would hide a sign.
        assert_eq!(
            result.encode_to_vec(),
            expected.encode_to_vec(),
            "{command:?}"
        );
        if let Some(Outcome::State(state)) = result.outcome {
            for number in [state.x, state.y, state.heading_degrees] {
                assert!(number.is_finite() && number.to_bits() != (-0.0_f64).to_bits());
            }
        }
    }
    noticed.report(
        &server,
        "-0, denormals and extremes in every field",
        results.len(),
        "as the pure logic",
    );
}

#[tokio::test]
async fn a_script_has_no_other_numbers_than_the_fields() {
    let server = Server::start(&[]).await;
    let script = |script: &str| v1::RobotCommand {
        state: Some(v1::RobotState::default()),
        script: script.to_owned(),
        ..Default::default()
    };
    for refused in [
        "nan", "NaN", "inf", "-inf", "infinity", "1e999", "-1e999", "0x10", "1_0", "١",
    ] {
        let results = run(&server, vec![script(&format!("turn {refused}"))]).await;
        assert_eq!(reason(&results[0]).0, Reason::ScriptSyntax, "{refused}");
    }
    for (taken, expected) in [
        ("-0", 0.0),
        ("5e-324", 5e-324),
        ("1e-999", 0.0),
        ("1.7976931348623157e308", f64::MAX),
    ] {
        let results = run(&server, vec![script(&format!("turn {taken}"))]).await;
        let Some(Outcome::State(state)) = results[0].outcome else {
            panic!("{taken}: {:?}", results[0]);
        };
        assert_eq!(
            state.heading_degrees.to_bits(),
            f64::to_bits(expected),
            "{taken}"
        );
    }
    let sum = script("turn 1.7976931348623157e308; turn 1.7976931348623157e308");
    assert_eq!(
        reason(&run(&server, vec![sum]).await[0]).0,
        Reason::Overflow
    );
}
