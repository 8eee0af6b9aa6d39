//! Which scripts are read, as what, and what is said of all others: line, column, what was found,
//! what is allowed.

use Action::{Move, SetMode, Start, Stop, Turn};
use robot::script::{Position, Program, parse, statements};
use robot::{Action, Finite, Location, Mode, Rejection};

fn go(distance: f64) -> Action {
    Move {
        distance: Finite::new(distance).expect("a finite number"),
    }
}

fn turn(angle: f64) -> Action {
    Turn {
        angle_degrees: Finite::new(angle).expect("a finite number"),
    }
}

#[test]
fn reads_statements_however_they_are_laid_out() {
    let check = |text: &str, actions: &[Action]| {
        assert_eq!(parse(text, 10).as_deref(), Ok(actions), "{text:?}");
    };
    check("", &[]);
    check(" \t\r\n;; ; \n# nothing; here\n", &[]);
    check("move 100", &[go(100.0)]);
    check("turn -90", &[turn(-90.0)]);
    check(
        "set water; set soap; set brush",
        &Mode::ALL.map(|mode| SetMode { mode }),
    );
    check("start\nstop\n", &[Start, Stop]);
    check("start;stop;", &[Start, Stop]);
    check("start\r\nstop\r\n", &[Start, Stop]);
    check("\tmove  \t 1 ;turn\t2", &[go(1.0), turn(2.0)]);
    check(
        "# first\nmove 1# second; move 2\nmove 3 # end",
        &[go(1.0), go(3.0)],
    );
    check("start # été; \u{1b}[31m\nstop", &[Start, Stop]);
}

#[test]
fn reads_decimal_numbers_as_the_nearest_double() {
    let check = |number: &str, value: f64| {
        let text = format!("move {number}");
        assert_eq!(parse(&text, 1).as_deref(), Ok(&[go(value)][..]), "{text:?}");
    };
    check("+7", 7.0);
    check(".5", 0.5);
    check("5.", 5.0);
    check("-.5e1", -5.0);
    check("1e3", 1000.0);
    check("1E+3", 1000.0);
    check("25e-1", 2.5);
    check("007", 7.0);
    check("-0", 0.0);
    check("0.1", 0.1);
    check("1.7976931348623157e308", f64::MAX);
    check("5e-324", 5e-324);
    check("1e-999", 0.0);
    check("9007199254740993", 9007199254740992.0);
    check(&"3".repeat(300), 3.3333333333333335e299);
}

#[test]
fn says_what_is_wrong_and_where() {
    let check = |text: &str, line: u32, column: u32, found: &str, allowed: &str| {
        let Err(Rejection::Script(error)) = parse(text, 10) else {
            panic!("{text:?} has no script error");
        };
        let message = format!("line {line}, column {column}: found {found}, expected {allowed}");
        assert_eq!(error.to_string(), message, "{text:?}");
        assert_eq!(error.position, Position { line, column }, "{text:?}");
        assert_eq!(error.found.to_string(), found, "{text:?}");
        assert_eq!(error.allowed, allowed, "{text:?}");
        let location = Rejection::Script(error).location();
        assert_eq!(location, Some(Location::Script(Position { line, column })));
    };
    let words = "move, turn, set, start or stop";
    check("fly", 1, 1, r#""fly""#, words);
    check("start; Stop", 1, 8, r#""Stop""#, words);
    check("start\n\n  ; été", 3, 5, r#""\u{e9}t\u{e9}""#, words);
    check("# é\nstart;é;", 2, 7, r#""\u{e9}""#, words);
    check("move100", 1, 1, r#""move100""#, words);
    check("\u{feff}start", 1, 1, r#""\u{feff}start""#, words);
    check("start\u{b}stop", 1, 1, r#""start\u{b}stop""#, words);
    check("\u{1b}[31m\"'\\", 1, 1, r#""\u{1b}[31m\"\'\\""#, words);

    let numbers = "a finite number such as 90, -12.5 or 1e3";
    check("turn 90\nmove abc", 2, 6, r#""abc""#, numbers);
    check("move", 1, 5, "end of script", numbers);
    check("move ", 1, 6, "end of script", numbers);
    check("move\nstart", 1, 5, "end of line", numbers);
    check("turn  # by how much?", 1, 7, "end of line", numbers);
    check("turn ; start", 1, 6, "end of statement", numbers);
    for bad in [
        "inf", "-inf", "nan", "NaN", "infinity", "0x10", "1_000", "1,5", "1e", ".", "-", "+", "e5",
    ] {
        check(&format!("move {bad}"), 1, 6, &format!("\"{bad}\""), numbers);
    }
    for too_large in ["1e999", "-1e309", "1.7976931348623159e308"] {
        check(
            &format!("turn {too_large}"),
            1,
            6,
            &format!("\"{too_large}\""),
            numbers,
        );
    }

    let modes = "water, soap or brush";
    check("set", 1, 4, "end of script", modes);
    check("set wax", 1, 5, r#""wax""#, modes);
    check("set 1", 1, 5, r#""1""#, modes);

    let ends = "end of line or \";\"";
    check("start now", 1, 7, r#""now""#, ends);
    check("move 1 2", 1, 8, r#""2""#, ends);
    check("set soap\tturn 1", 1, 10, r#""turn""#, ends);
}

#[test]
fn quotes_no_more_than_24_characters_and_60_bytes() {
    let check = |word: &str, found: &str| {
        let error = statements(word).next().unwrap().unwrap_err();
        assert_eq!(error.found.to_string(), found, "{word:?}");
    };
    check(&"a".repeat(24), &format!("\"{}\"", "a".repeat(24)));
    check(&"a".repeat(25), &format!("\"{}\"...", "a".repeat(24)));
    check(&"\"".repeat(24), &format!("\"{}\"", "\\\"".repeat(24)));
    check(&"é".repeat(10), &format!("\"{}\"", "\\u{e9}".repeat(10)));
    check(&"é".repeat(11), &format!("\"{}\"...", "\\u{e9}".repeat(10)));
    check(
        &"🤖".repeat(24),
        &format!("\"{}\"...", "\\u{1f916}".repeat(6)),
    );
}

#[test]
fn stops_at_the_first_statement_too_many() {
    let check = |text: &str, max: usize, expected: Result<usize, Rejection>| {
        assert_eq!(
            parse(text, max).map(|actions| actions.len()),
            expected,
            "{text:?}, {max}"
        );
    };
    check("", 0, Ok(0));
    check("start; stop;", 2, Ok(2));
    check("start", 0, Err(Rejection::TooManyActions { max: 0 }));
    check(
        "start; stop; start; fly",
        2,
        Err(Rejection::TooManyActions { max: 2 }),
    );
}

#[test]
fn gives_each_statement_its_position_and_nothing_after_an_error() {
    let at = |line: u32, column: u32| Position { line, column };
    let mut rest = statements(" start;;stop # end\n\tmove 1; fly; start");
    assert_eq!(rest.next(), Some(Ok((at(1, 2), Start))));
    assert_eq!(rest.next(), Some(Ok((at(1, 9), Stop))));
    assert_eq!(rest.next(), Some(Ok((at(2, 2), go(1.0)))));
    assert_eq!(rest.next().unwrap().unwrap_err().position, at(2, 10));
    assert_eq!(rest.next(), None);
    assert_eq!(rest.next(), None);
}

#[test]
fn prints_programs_as_one_line() {
    let check = |actions: &[Action], text: &str| {
        assert_eq!(Program(actions).to_string(), text);
        assert_eq!(parse(text, actions.len()).as_deref(), Ok(actions));
    };
    check(&[], "");
    check(&[Start], "start");
    check(
        &[go(100.0), turn(-90.0), SetMode { mode: Mode::Soap }, Stop],
        "move 100; turn -90; set soap; stop",
    );
    check(
        &[go(-0.0), turn(1e300), go(0.1), turn(5e-324)],
        "move 0; turn 1e300; move 0.1; turn 5e-324",
    );
}
