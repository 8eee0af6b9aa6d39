//! What holds for every program, text and number, tried on random ones.

use proptest::prelude::*;
use robot::script::{Program, parse};
use robot::{Command, Event, Finite, Outcome, Position, Rejection, State, advance, apply};

use strategies::{action, command, rejection, text};

mod strategies;

fn check_message(rejection: &Rejection) {
    let message = rejection.to_string();
    assert!(message.len() <= 160, "{} bytes: {message}", message.len());
    assert!(
        message.bytes().all(|byte| matches!(byte, b' '..=b'~')),
        "{message:?}"
    );
}

fn check_number(number: Finite) {
    let value = number.get();
    assert!(
        value.is_finite() && value.to_bits() != (-0.0f64).to_bits(),
        "{value}"
    );
}

fn check_numbers(outcome: &Outcome) {
    let State {
        x,
        y,
        heading_degrees,
        mode: _,
    } = outcome.state;
    [x, y, heading_degrees].into_iter().for_each(check_number);
    for &event in &outcome.events {
        match event {
            Event::Moved { x, y } => {
                [x, y].into_iter().for_each(check_number);
            }
            Event::Turned { heading_degrees } => check_number(heading_degrees),
            Event::ModeSet { .. } | Event::Started { .. } | Event::Stopped => {}
        }
    }
}

proptest! {
    #[test]
    fn what_is_printed_is_read_back(actions in prop::collection::vec(action(), 0..30)) {
        let text = Program(&actions).to_string();
        prop_assert!(text.len() <= 32 * actions.len(), "{}", text);
        prop_assert_eq!(parse(&text, actions.len()), Ok(actions));
    }

    #[test]
    fn any_result_is_finite_without_minus_zero_and_complete(command in command()) {
        match apply(&command) {
            Ok(outcome) => {
                check_numbers(&outcome);
                prop_assert_eq!(outcome.applied, command.actions.len());
                let events = if command.with_events { outcome.applied } else { 0 };
                prop_assert_eq!(outcome.events.len(), events);
            }
            Err(rejection) => prop_assert!(rejection.location().is_some(), "{rejection}"),
        }
    }

    #[test]
    fn a_program_in_two_commands_gives_the_same_bits(
        command in command(),
        at in any::<prop::sample::Index>(),
    ) {
        let (before, after) = command.actions.split_at(at.index(command.actions.len() + 1));
        let first = Command { actions: before.to_vec(), ..command.clone() };
        let chained = apply(&first).and_then(|first| {
            let second = Command { state: first.state, actions: after.to_vec(), ..command };
            Ok((first.events, apply(&second)?))
        });
        match (apply(&command), chained) {
            (Ok(whole), Ok((events, second))) => {
                prop_assert_eq!(whole.state, second.state);
                prop_assert_eq!(whole.events, [events, second.events].concat());
            }
            (whole, chained) => prop_assert!(whole.is_err() && chained.is_err()),
        }
    }

    #[test]
    fn slices_give_what_the_whole_gives(
        command in command(),
        slices in prop::collection::vec(1usize..9, 1..9),
    ) {
        let mut outcome = Outcome::start(&command);
        let mut sizes = slices.into_iter().cycle();
        let sliced = loop {
            match advance(&mut outcome, &command, sizes.next().unwrap()) {
                Ok(true) => {}
                Ok(false) => break Ok(outcome),
                Err(rejection) => break Err(rejection),
            }
        };
        prop_assert_eq!(sliced, apply(&command));
    }

    #[test]
    fn any_text_is_read_or_refused_at_a_place_in_it(text in text()) {
        match parse(&text, 1000) {
            Ok(actions) => {
                prop_assert_eq!(parse(&Program(&actions).to_string(), 1000), Ok(actions));
            }
            Err(Rejection::Script(error)) => {
                let Position { line, column } = error.position;
                let line = text.split('\n').nth(line as usize - 1).unwrap();
                let column_end = line.chars().count() + 1;
                prop_assert!((1..=column_end).contains(&(column as usize)), "{error}");
                check_message(&Rejection::Script(error));
            }
            Err(other) => prop_assert!(false, "{:?}", other),
        }
    }

    #[test]
    fn script_messages_stay_short_at_any_position(text in text()) {
        if let Err(Rejection::Script(mut error)) = parse(&text, 1000) {
            error.position = Position { line: u32::MAX, column: u32::MAX };
            check_message(&Rejection::Script(error));
        }
    }

    #[test]
    fn messages_are_short_and_printable(rejection in rejection()) {
        check_message(&rejection);
    }
}
