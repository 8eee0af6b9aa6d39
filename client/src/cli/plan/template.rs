//! A program with parameters in braces: `{from..to/step}` or `{a,b,c}`. It knows nothing of what a program means.

use robot::Finite;

/// Commands that one plan makes.
pub(super) const FUTURES_MAX: usize = 100_000;

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Template {
    /// One more than parameters: what stands before, between and behind them.
    texts: Vec<String>,
    pub(super) parameters: Vec<Parameter>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Parameter {
    /// As it stands in the template, without braces.
    pub(super) text: String,
    values: Vec<String>,
}

impl Template {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut texts = Vec::new();
        let mut parameters = Vec::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once('{') {
            let column = text[..text.len() - behind.len()].chars().count();
            let (inside, behind) = behind
                .split_once('}')
                .ok_or_else(|| format!("the {{ in column {column} has no }}"))?;
            let parameter = Parameter::parse(inside)
                .map_err(|error| format!("{{{inside}}} in column {column}: {error}"))?;
            texts.push(before.to_owned());
            parameters.push(parameter);
            rest = behind;
        }
        if rest.contains('}') || texts.iter().any(|text| text.contains('}')) {
            return Err("there is a } without a { before it".to_owned());
        }
        texts.push(rest.to_owned());
        let template = Self { texts, parameters };
        match template.checked_count() {
            Some(0..=FUTURES_MAX) => Ok(template),
            _ => Err(format!("it makes more than {FUTURES_MAX} programs")),
        }
    }

    /// How many programs it makes.
    pub(super) fn count(&self) -> usize {
        self.checked_count().unwrap_or(FUTURES_MAX)
    }

    fn checked_count(&self) -> Option<usize> {
        let counts = self
            .parameters
            .iter()
            .map(|parameter| parameter.values.len());
        counts.into_iter().try_fold(1_usize, usize::checked_mul)
    }

    /// The values of the program of that index; the last parameter changes first.
    pub(super) fn values(&self, mut index: usize) -> Vec<&str> {
        let mut values: Vec<&str> = Vec::new();
        for parameter in self.parameters.iter().rev() {
            let count = parameter.values.len();
            values.push(&parameter.values[index % count]);
            index /= count;
        }
        values.reverse();
        values
    }

    pub(super) fn script(&self, values: &[&str]) -> String {
        let mut script = self.texts[0].clone();
        for (value, text) in values.iter().zip(&self.texts[1..]) {
            script += value;
            script += text;
        }
        script
    }
}

impl Parameter {
    fn parse(text: &str) -> Result<Self, String> {
        let values = match text.split_once("..") {
            Some((from, rest)) => {
                let (to, step) = rest.split_once('/').unwrap_or((rest, "1"));
                range(number(from)?, number(to)?, number(step)?)?
            }
            None => text
                .split(',')
                .map(|value| value.trim().to_owned())
                .collect(),
        };
        if values.iter().any(String::is_empty) {
            return Err(
                "a value is missing; it must be from..to/step, or values with commas".to_owned(),
            );
        }
        Ok(Self {
            text: text.to_owned(),
            values,
        })
    }
}

fn number(text: &str) -> Result<f64, String> {
    let value = text.trim().parse().ok().and_then(Finite::new);
    let value = value.ok_or_else(|| format!("{text:?} is no finite number"))?;
    Ok(value.get())
}

/// Both ends included; each value is computed from the first, so that errors do not add up.
fn range(from: f64, to: f64, step: f64) -> Result<Vec<String>, String> {
    let steps = (to - from) / step;
    if step == 0.0 || steps < 0.0 {
        return Err(format!("no step of {step} leads from {from} to {to}"));
    }
    // What rounding makes of a whole number of steps is still that number.
    let steps = (steps + 1e-9).floor();
    if steps >= FUTURES_MAX as f64 {
        return Err(format!("it has more than {FUTURES_MAX} values"));
    }
    let value = |index: u32| Finite::new(from + f64::from(index) * step);
    let values = (0..=steps as u32).map(|index| value(index).map(|value| value.to_string()));
    values
        .collect::<Option<_>>()
        .ok_or_else(|| "a value is not finite".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scripts(text: &str) -> Vec<String> {
        let template = Template::parse(text).unwrap();
        let script = |index| template.script(&template.values(index));
        (0..template.count()).map(script).collect()
    }

    #[test]
    fn makes_every_combination() {
        assert_eq!(scripts("move 1"), ["move 1"]);
        assert_eq!(
            scripts("turn {-1..1/1}; set {water, soap}"),
            [
                "turn -1; set water",
                "turn -1; set soap",
                "turn 0; set water",
                "turn 0; set soap",
                "turn 1; set water",
                "turn 1; set soap",
            ]
        );
        assert_eq!(scripts("move {0..0.3/0.1}").len(), 4);
        assert_eq!(scripts("move {3..1/-1}"), ["move 3", "move 2", "move 1"]);
        assert_eq!(scripts("move {1..2}").len(), 2);
    }

    #[test]
    fn says_what_is_wrong_and_where() {
        let check = |text: &str, expected: &str| {
            let error = Template::parse(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        };
        check("turn {1..2", "column 6 has no }");
        check("turn 1}", "} without a {");
        check("turn {1..2/0}", "no step of 0");
        check("turn {1..2/-1}", "no step of -1");
        check(
            "turn {x..2}",
            "{x..2} in column 6: \"x\" is no finite number",
        );
        check("turn {}", "a value is missing");
        check("turn {1..1000000}", "more than 100000 values");
        check(
            "turn {1..1000}; turn {1..1000}",
            "more than 100000 programs",
        );
        check("move {1..inf}", "\"inf\" is no finite number");
    }
}
