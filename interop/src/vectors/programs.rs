//! Commands that are valid, file by file: what they do, from which states, with which numbers. It knows nothing of ids.

use std::f64::consts::PI;

use robot::{Action, Command, State};

use super::commands::{Case, fields, script};
use super::numbers::{ANGLES, angle, distance, finite, mode, state};
use super::rejections;

pub(super) fn singles() -> Vec<Case> {
    let states = [
        "{}",
        r#"{"x":1.5,"y":-2.5,"headingDegrees":90.0,"mode":"CLEANING_MODE_SOAP"}"#,
        r#"{"x":0.1,"headingDegrees":-30.0,"mode":"CLEANING_MODE_BRUSH"}"#,
        r#"{"x":-0.0,"y":-0.0,"headingDegrees":-0.0,"mode":"CLEANING_MODE_WATER"}"#,
        r#"{"x":1.7976931348623157e308,"y":-5e-324,"headingDegrees":2.2250738585072014e-308,"mode":"CLEANING_MODE_UNSPECIFIED"}"#,
        r#"{"x":-1e-310,"y":123456789.01234567,"headingDegrees":-1e300}"#,
    ];
    let actions = [
        r#""move":{"distance":1.0}"#,
        r#""move":{"distance":-2.5}"#,
        r#""move":{"distance":-0.0}"#,
        r#""move":{"distance":5e-324}"#,
        r#""move":{}"#,
        r#""turn":{"angleDegrees":90.0}"#,
        r#""turn":{"angleDegrees":-450.25}"#,
        r#""turn":{"angleDegrees":-0.0}"#,
        r#""turn":{}"#,
        r#""setMode":{"mode":"CLEANING_MODE_WATER"}"#,
        r#""setMode":{"mode":"CLEANING_MODE_SOAP"}"#,
        r#""setMode":{"mode":3}"#,
        r#""start":{}"#,
        r#""stop":{}"#,
    ];
    let mut cases = Vec::new();
    for state in states {
        cases.push(fields(format!(r#""state":{state}"#)));
        for action in actions {
            cases.push(fields(format!(
                r#""state":{state},"actions":[{{{action}}}]"#
            )));
        }
    }
    cases
}

pub(super) fn angles() -> Vec<Case> {
    let every_15 = (-48..=48).map(|step| f64::from(step) * 15.0);
    let between = (0..100).map(|step| f64::from(step) * 7.3 - 365.0);
    // As near as doubles come to the edges of quadrants, many turns out.
    let far = (1..=20).map(|step| 180.0 / PI * f64::from(step) * 1e6);
    let headings = every_15.chain(between).chain(far).chain(ANGLES);
    let mut cases = Vec::new();
    for (index, heading) in headings.enumerate() {
        let state = State {
            heading_degrees: finite(heading),
            ..State::default()
        };
        // Every other one by 1, so that the result is the cosine and the sine.
        let distance = match index % 2 {
            0 => finite(1.0),
            _ => distance(index / 2),
        };
        cases.push(program(state, vec![Action::Move { distance }]));
    }
    cases
}

/// The index chooses the kind and the number.
pub(super) fn action(index: usize) -> Action {
    match index % 7 {
        0 | 3 => Action::Move {
            distance: distance(index / 3),
        },
        1 | 5 => Action::Turn {
            angle_degrees: angle(index / 2),
        },
        2 => Action::SetMode { mode: mode(index) },
        4 => Action::Start,
        _ => Action::Stop,
    }
}

pub(super) fn programs() -> Vec<Case> {
    let mixed = (0..80).map(|index| {
        let length = 2 + index % 11;
        let actions = (0..length).map(|step| action(index * 5 + step * 3));
        program(state(index), actions.collect())
    });
    let polygons = [3_u32, 5, 7, 12, 36].map(|corners| {
        let side = [
            Action::Move {
                distance: finite(1.0),
            },
            Action::Turn {
                angle_degrees: finite(360.0 / f64::from(corners)),
            },
        ];
        program(State::default(), side.repeat(corners as usize))
    });
    mixed.chain(polygons).collect()
}

pub(super) fn scripts() -> Vec<Case> {
    let spellings = [
        "move 100; turn -90; set soap",
        "start; move 5e1; stop         # distances and angles as decimals or with an exponent",
        "move 1",
        "\n\n  move\t1\r\n;;; turn   90\n",
        "# nothing but a comment",
        " ",
        ";",
        "start;stop;start;stop",
        "set water\nset soap\nset brush",
        "move +1; move -1; move .5; move 5.; move 1.25e-3; move 1E3; move 1e+3; move 00012",
        "move -0; turn -0.0; move 0e9",
        "move 1e-400; turn 5e-324; turn 2.4703282292062328e-324",
        "turn 0.1; turn 0.2; move 0.30000000000000004",
        "turn 17.9769313486231570e307; turn -1.7976931348623157e308",
        "move 9007199254740993; move 0.1000000000000000055511151231257827021181583404541015625",
        "# Kommentare dürfen alles enthalten: 🤖 ünïcödé\nmove 1 # auch hier: é",
    ];
    let mut cases: Vec<_> = spellings.iter().map(|text| script(text)).collect();
    for corners in [4, 6, 9, 100] {
        let side = format!("move 2.5; turn {}\n", 360.0 / f64::from(corners));
        cases.push(script(&side.repeat(corners as usize)));
    }
    for index in 0..20 {
        let actions: Vec<_> = (0..6).map(|step| action(index * 7 + step)).collect();
        cases.push(script(&robot::script::Program(&actions).to_string()));
    }
    cases
}

pub(super) fn too_many_actions() -> Vec<Case> {
    vec![
        script(&"stop;".repeat(10_000)),
        script(&"stop;".repeat(10_001)),
        fields(format!(
            r#""state":{{}},"actions":[{}{{"stop":{{}}}}]"#,
            r#"{"stop":{}},"#.repeat(10_000)
        )),
    ]
}

pub(super) fn events() -> Vec<Case> {
    let mut cases = vec![
        fields(r#""state":{},"withEvents":true"#),
        fields(r#""state":{},"script":"turn 90; move 5; set soap; start; stop","withEvents":true"#),
        fields(r#""state":{},"script":"turn 90; move 5; set soap; start; stop""#),
        fields(
            r#""state":{"x":-0.0},"actions":[{"move":{"distance":-0.0}},{"turn":{}}],"withEvents":true"#,
        ),
    ];
    for index in 0..30 {
        let actions = (0..1 + index % 9).map(|step| action(index * 2 + step));
        cases.push(Case::of(Command {
            state: state(index),
            actions: actions.collect(),
            with_events: index % 3 > 0,
        }));
    }
    cases
}

pub(super) fn mixed() -> Vec<Case> {
    let mut good = singles().into_iter().chain(programs());
    let mut bad = rejections::all().into_iter();
    let chosen = (0..100).map(|index| match index % 3 {
        2 => bad.next(),
        _ => good.next(),
    });
    chosen
        .map(|case| case.expect("there are enough of both"))
        .collect()
}

pub(super) fn turns() -> Vec<Case> {
    let turn = Action::Turn {
        angle_degrees: finite(1.0),
    };
    let cases = (1..=1000).map(|index| program(state(index), vec![turn]));
    cases.collect()
}

/// A walk: a turn by the golden angle, a move, and so on.
pub(super) fn chain() -> Vec<Case> {
    let mut state = State::default();
    let mut cases = Vec::new();
    for index in 0..1000 {
        let action = match index % 2 {
            0 => Action::Turn {
                angle_degrees: finite(137.50776405003785),
            },
            _ => Action::Move {
                distance: finite(f64::from(index) * 0.01),
            },
        };
        let command = Command {
            state,
            actions: vec![action],
            with_events: false,
        };
        state = robot::apply(&command).expect("a short walk").state;
        cases.push(program(command.state, command.actions));
    }
    cases
}

pub(super) fn program(state: State, actions: Vec<Action>) -> Case {
    Case::of(Command {
        state,
        actions,
        with_events: false,
    })
}
