//! Every message kind there and back, every rejection with its reason and place, and the bound on a result's size.

use proptest::prelude::*;
use prost::Message;

use super::*;
use v1::action::Kind;
use v1::command_error::Location as Place;

const ACTIONS_MAX: usize = 5;

fn command(actions: Vec<v1::Action>, script: &str) -> v1::RobotCommand {
    v1::RobotCommand {
        id: 7,
        state: Some(v1::RobotState::default()),
        actions,
        script: script.to_owned(),
        with_events: true,
    }
}

fn action(kind: Kind) -> v1::Action {
    v1::Action { kind: Some(kind) }
}

fn run(command: &v1::RobotCommand) -> v1::RobotResult {
    let outcome = command_from(command, ACTIONS_MAX).and_then(|command| robot::apply(&command));
    result_to(command, outcome)
}

#[track_caller]
fn check_error(command: v1::RobotCommand, reason: Reason, location: Option<Place>) {
    let result = run(&command);
    assert_eq!(result.id, command.id);
    assert!(result.events.is_empty());
    let Some(v1::robot_result::Outcome::Error(error)) = result.outcome else {
        panic!("no error: {result:?}");
    };
    assert_eq!(error.reason(), reason, "{}", error.message);
    assert_eq!(error.location, location, "{}", error.message);
}

fn line_and_column(line: u32, column: u32) -> Option<Place> {
    Some(Place::ScriptPosition(v1::ScriptPosition { line, column }))
}

#[test]
fn rejects_with_reason_and_place() {
    let turn = |angle_degrees| action(Kind::Turn(v1::Turn { angle_degrees }));
    let forward = |distance| action(Kind::Move(v1::Move { distance }));
    let mode = |mode| action(Kind::SetMode(v1::SetMode { mode }));
    let stateless = v1::RobotCommand {
        state: None,
        ..command(vec![], "")
    };
    let at = |state| v1::RobotCommand {
        state: Some(state),
        ..command(vec![], "")
    };
    let state = v1::RobotState::default();

    check_error(stateless, Reason::StateMissing, None);
    check_error(
        at(v1::RobotState {
            x: f64::NAN,
            ..state
        }),
        Reason::NumberNotFinite,
        None,
    );
    check_error(
        at(v1::RobotState {
            y: f64::INFINITY,
            ..state
        }),
        Reason::NumberNotFinite,
        None,
    );
    check_error(
        at(v1::RobotState {
            heading_degrees: f64::NEG_INFINITY,
            ..state
        }),
        Reason::NumberNotFinite,
        None,
    );
    check_error(
        at(v1::RobotState { mode: 4, ..state }),
        Reason::ModeUnknown,
        None,
    );
    check_error(
        at(v1::RobotState { mode: -1, ..state }),
        Reason::ModeUnknown,
        None,
    );

    let index = |index| Some(Place::ActionIndex(index));
    check_error(
        command(vec![turn(1.0), turn(f64::NAN)], ""),
        Reason::NumberNotFinite,
        index(1),
    );
    check_error(
        command(vec![forward(f64::INFINITY)], ""),
        Reason::NumberNotFinite,
        index(0),
    );
    check_error(command(vec![mode(0)], ""), Reason::ModeUnknown, index(0));
    check_error(command(vec![mode(4)], ""), Reason::ModeUnknown, index(0));
    check_error(
        command(vec![turn(1.0), v1::Action { kind: None }], ""),
        Reason::ActionUnknown,
        index(1),
    );
    check_error(
        command(vec![turn(1.0)], "stop"),
        Reason::ActionsAndScript,
        None,
    );
    check_error(
        command(vec![turn(1.0); ACTIONS_MAX + 1], ""),
        Reason::TooManyActions,
        None,
    );
    check_error(
        command(vec![forward(f64::MAX); 2], ""),
        Reason::Overflow,
        index(1),
    );
    check_error(
        command(vec![], &"stop;".repeat(ACTIONS_MAX + 1)),
        Reason::TooManyActions,
        None,
    );
    check_error(
        command(vec![], "turn 1\nfly 3"),
        Reason::ScriptSyntax,
        line_and_column(2, 1),
    );
    check_error(
        command(vec![], "turn 0\n  move 1e308; move 1e308"),
        Reason::Overflow,
        line_and_column(2, 15),
    );
}

#[test]
fn allows_as_many_actions_as_the_limit() {
    for full in [
        command(vec![action(Kind::Stop(v1::Stop {})); ACTIONS_MAX], ""),
        command(vec![], &"stop;".repeat(ACTIONS_MAX)),
    ] {
        assert_eq!(run(&full).events.len(), ACTIONS_MAX);
    }
}

#[test]
fn reads_an_unspecified_mode_as_water_and_drops_the_sign_of_zero() {
    let odd = v1::RobotCommand {
        state: Some(v1::RobotState {
            x: -0.0,
            y: 0.0,
            heading_degrees: -0.0,
            mode: 0,
        }),
        ..command(vec![], "")
    };
    let Some(v1::robot_result::Outcome::State(state)) = run(&odd).outcome else {
        panic!("no state");
    };
    assert_eq!(state.mode(), v1::CleaningMode::Water);
    assert!(state.x.is_sign_positive() && state.heading_degrees.is_sign_positive());
}

#[test]
fn gives_one_event_an_action_in_order() {
    let result = run(&command(vec![], "turn 90; move 2; set soap; start; stop"));
    let kinds: Vec<_> = result
        .events
        .into_iter()
        .filter_map(|event| event.kind)
        .collect();
    let soap = v1::CleaningMode::Soap.into();
    let x = 2.0 * libm_cos_of_a_right_angle();
    assert_eq!(
        kinds,
        [
            v1::event::Kind::Turned(v1::Turned {
                heading_degrees: 90.0
            }),
            v1::event::Kind::Moved(v1::Moved { x, y: 2.0 }),
            v1::event::Kind::ModeSet(v1::ModeSet { mode: soap }),
            v1::event::Kind::Started(v1::Started { mode: soap }),
            v1::event::Kind::Stopped(v1::Stopped {}),
        ]
    );
}

/// The cosine of the double nearest to pi / 2.
fn libm_cos_of_a_right_angle() -> f64 {
    f64::from_bits(0x3c91_a626_3314_5c07)
}

fn any_action() -> impl Strategy<Value = v1::Action> {
    let number = prop_oneof![any::<f64>(), -1e3..1e3];
    proptest::option::of(prop_oneof![
        number
            .clone()
            .prop_map(|distance| Kind::Move(v1::Move { distance })),
        number.prop_map(|angle_degrees| Kind::Turn(v1::Turn { angle_degrees })),
        (0..5).prop_map(|mode| Kind::SetMode(v1::SetMode { mode })),
        Just(Kind::Start(v1::Start {})),
        Just(Kind::Stop(v1::Stop {})),
        Just(Kind::Move(v1::Move { distance: 0.0 })),
    ])
    .prop_map(|kind| v1::Action { kind })
}

fn any_command() -> impl Strategy<Value = v1::RobotCommand> {
    let state = proptest::option::weighted(
        0.9,
        (-1e9..1e9, -1e9..1e9, -1e9..1e9, 0..5).prop_map(|(x, y, heading_degrees, mode)| {
            v1::RobotState {
                x,
                y,
                heading_degrees,
                mode,
            }
        }),
    );
    let program = prop_oneof![
        (
            proptest::collection::vec(any_action(), 0..8),
            Just(String::new())
        ),
        (
            Just(vec![]),
            "(move [0-9.e]{1,9};|turn -?[0-9]{1,3}\n|stop;|set [a-z]{4}|\\PC{0,40}){0,6}"
        ),
        (proptest::collection::vec(any_action(), 0..3), ".{0,60}"),
    ];
    (any::<u64>(), state, program, any::<bool>()).prop_map(
        |(id, state, (actions, script), with_events)| v1::RobotCommand {
            id,
            state,
            actions,
            script,
            with_events,
        },
    )
}

proptest! {
    #[test]
    fn no_result_is_larger_than_its_bound(command in any_command()) {
        let execution = v1::Execution {
            worker: u32::MAX,
            queue_nanos: u64::MAX,
            run_nanos: u64::MAX,
            job_commands: u32::MAX,
        };
        let result = v1::RobotResult { execution: Some(execution), ..run(&command) };
        let response = v1::ExecuteStreamResponse { results: vec![result] };
        let bound = results_bytes_max(1, command.encoded_len(), ACTIONS_MAX);
        prop_assert!(response.encoded_len() <= bound, "{} > {bound}", response.encoded_len());
    }

    #[test]
    fn a_command_comes_back_as_it_was(command in any_command()) {
        if let Ok(read) = command_from(&command, usize::MAX) {
            prop_assert_eq!(command_from(&command_to(command.id, &read), usize::MAX), Ok(read));
        }
    }
}
