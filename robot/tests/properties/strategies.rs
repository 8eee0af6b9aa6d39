//! Random actions, commands, texts and rejections, weighted so that ordinary and extreme ones both
//! come up.

use proptest::prelude::*;
use robot::{Action, Command, Finite, Mode, Rejection, State};

fn finite() -> impl Strategy<Value = Finite> {
    use proptest::num::f64::{NEGATIVE, NORMAL, POSITIVE, SUBNORMAL, ZERO};
    let any = NORMAL | SUBNORMAL | ZERO | POSITIVE | NEGATIVE;
    let value = prop_oneof![
        6 => -1e3..1e3,
        3 => (-720..720).prop_map(f64::from),
        1 => any,
        1 => Just(-0.0),
    ];
    value.prop_map(|value| Finite::new(value).expect("every kind is finite"))
}

fn mode() -> impl Strategy<Value = Mode> {
    prop::sample::select(&Mode::ALL[..])
}

pub(crate) fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        finite().prop_map(|distance| Action::Move { distance }),
        finite().prop_map(|angle_degrees| Action::Turn { angle_degrees }),
        mode().prop_map(|mode| Action::SetMode { mode }),
        Just(Action::Start),
        Just(Action::Stop),
    ]
}

pub(crate) fn command() -> impl Strategy<Value = Command> {
    let state = (finite(), finite(), finite(), mode());
    let state = state.prop_map(|(x, y, heading_degrees, mode)| State {
        x,
        y,
        heading_degrees,
        mode,
    });
    let actions = prop::collection::vec(action(), 0..30);
    (state, actions, any::<bool>()).prop_map(|(state, actions, with_events)| Command {
        state,
        actions,
        with_events,
    })
}

/// Texts from arbitrary characters to near scripts, so that every branch of the grammar is reached.
pub(crate) fn text() -> impl Strategy<Value = String> {
    const PIECES: [&str; 12] = [
        "move", "turn", "set", "soap", "start", "stop", "1e3", "-.5", "1e999", "nan", "é🤖",
        "\u{1b}[",
    ];
    const SEPARATORS: [&str; 7] = [" ", "\n", "; ", "\t", "\r\n", "#", ""];
    let piece = (
        prop::sample::select(&PIECES[..]),
        prop::sample::select(&SEPARATORS[..]),
    );
    let near = prop::collection::vec(
        piece.prop_map(|(word, separator)| [word, separator].concat()),
        0..20,
    );
    prop_oneof!["(?s).{0,100}", near.prop_map(|pieces| pieces.concat())]
}

/// All reasons that hold something variable, apart from script errors.
pub(crate) fn rejection() -> impl Strategy<Value = Rejection> {
    let field =
        prop::sample::select(&["x", "y", "heading_degrees", "distance", "angle_degrees"][..]);
    let index = || prop_oneof![Just(usize::MAX), any::<usize>()];
    let place = || prop::option::of(index());
    prop_oneof![
        (field.clone(), proptest::num::f64::ANY, place()).prop_map(|(field, value, action)| {
            Rejection::NotFinite {
                field,
                value,
                action,
            }
        }),
        (any::<i32>(), place())
            .prop_map(|(found, action)| Rejection::ModeUnknown { found, action }),
        index().prop_map(|action| Rejection::ActionUnknown { action }),
        index().prop_map(|max| Rejection::TooManyActions { max }),
        (field, index()).prop_map(|(field, action)| Rejection::Overflow { field, action }),
    ]
}
