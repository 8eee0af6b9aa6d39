//! docs/cli.md is what `--help` says, written by `ROBOT_README_WRITE=1 cargo test -p robot-client --test cli_docs`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![cfg(feature = "embedded")]

#[path = "support/command.rs"]
mod command;

use std::path::Path;

use command::run;

const HEADING: &str = "\
# robot-client

What `robot-client help` and the `--help` of each subcommand say. Written by
`ROBOT_README_WRITE=1 cargo test -p robot-client --test cli_docs`, which also checks that it is current.

";

fn section(title: &str, help: &str) -> String {
    // Values of the environment are this machine's.
    let lines: Vec<_> = help.lines().map(str::trim_end).collect();
    format!(
        "## {title}\n\n```text\n{}\n```\n",
        lines.join("\n").trim_end()
    )
}

/// The names that the help lists, but `help` itself.
fn subcommands(help: &str) -> Vec<&str> {
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let listed = lines.take_while(|line| !line.is_empty());
    let names = listed.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names = names.filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").collect()
}

#[test]
fn the_reference_is_what_help_says() {
    let help = run(&["--help"]).stdout;
    let names = subcommands(&help);
    assert!(
        names.contains(&"bench") && names.contains(&"man"),
        "{names:?}"
    );
    let mut text = HEADING.to_owned() + &section("robot-client", &help);
    for name in names {
        let help = run(&[name, "--help"]);
        assert_eq!(help.code, 0, "{name}: {}", help.stderr);
        text += "\n";
        text += &section(&format!("robot-client {name}"), &help.stdout);
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .join("docs/cli.md");
    if std::env::var_os("ROBOT_README_WRITE").is_some() {
        std::fs::write(&file, &text).unwrap();
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        kept == text,
        "docs/cli.md is not current; see the head of this test"
    );
}
