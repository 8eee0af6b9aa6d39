//! What the shipped Envoy configuration is at one site: the values on its lines that end in `# site: NAME`, and nothing
//! else, are replaced.

use anyhow::ensure;

const MARK: &str = "# site: ";

/// The text with these values, each of which must have one place there.
pub(crate) fn sited(text: &str, values: &[(String, String)]) -> anyhow::Result<String> {
    let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
    for (name, value) in values {
        let mark = format!("{MARK}{name}");
        let mut places = lines.iter_mut().filter(|line| line.ends_with(&mark));
        let place = places.next();
        ensure!(places.next().is_none(), "{mark:?} is there twice");
        let key = place.as_ref().and_then(|line| line.split_once(": "));
        let Some((key, _)) = key else {
            anyhow::bail!("no line sets a value and ends with {mark:?}");
        };
        let line = format!("{key}: {value} {mark}");
        *place.expect("it has a key") = line;
    }
    Ok(lines.join("\n") + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(name: &str, value: &str) -> Vec<(String, String)> {
        vec![(name.to_owned(), value.to_owned())]
    }

    #[test]
    fn replaces_the_value_of_a_marked_line_and_nothing_else() {
        let text = "a:\n  port: 1 # site: port\n  port: 1 # site: port-2\n";
        let expected = "a:\n  port: 0 # site: port\n  port: 1 # site: port-2\n";
        assert_eq!(sited(text, &values("port", "0")).unwrap(), expected);
    }

    #[test]
    fn a_value_without_one_place_is_an_error() {
        assert!(sited("port: 1\n", &values("port", "0")).is_err());
        let twice = "port: 1 # site: port\nport: 2 # site: port\n";
        assert!(sited(twice, &values("port", "0")).is_err());
    }
}
