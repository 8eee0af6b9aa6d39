//! A state as people write it, `x,y,heading,mode`, and as they read it.

use robot::{Finite, Mode, State};

/// Reads `x,y,heading,mode`, such as `1,2.5,90,soap`.
pub(super) fn parse_state(text: &str) -> Result<State, String> {
    let parts: Vec<_> = text.split(',').map(str::trim).collect();
    let [x, y, heading_degrees, mode] = parts[..] else {
        return Err(format!(
            "found {} parts; it must be x,y,heading,mode, such as 1,2.5,90,soap",
            parts.len()
        ));
    };
    Ok(State {
        x: number("x", x)?,
        y: number("y", y)?,
        heading_degrees: number("the heading", heading_degrees)?,
        mode: Mode::from_name(mode)
            .ok_or_else(|| format!("the mode is {mode:?}; it must be water, soap or brush"))?,
    })
}

fn number(name: &str, text: &str) -> Result<Finite, String> {
    let value = text.parse().ok().and_then(Finite::new);
    value.ok_or_else(|| format!("{name} is {text:?}; it must be a finite number"))
}

pub(super) fn state_text(state: State) -> String {
    let State {
        x,
        y,
        heading_degrees,
        mode,
    } = state;
    format!("x {x}, y {y}, heading {heading_degrees}, mode {mode}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_state() {
        let state = parse_state("-1, 2.5,90,soap").unwrap();
        assert_eq!(state_text(state), "x -1, y 2.5, heading 90, mode soap");
    }

    #[test]
    fn says_what_is_wrong_with_a_state() {
        let check = |text, expected| {
            let error = parse_state(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        };
        check("1,2,3", "found 3 parts");
        check("1,two,3,soap", "y is \"two\"");
        check("inf,2,3,soap", "x is \"inf\"");
        check("1,2,3,steam", "water, soap or brush");
    }
}
