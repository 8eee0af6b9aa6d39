//! Flags that fit together, and flags that do not.

use clap::Parser;

use super::*;

#[derive(Debug, Parser)]
struct Flags {
    #[command(flatten)]
    args: Args,
}

/// What those flags ask for.
pub(in crate::cli::bench) fn plan(flags: &[&str]) -> Result<Plan, String> {
    let flags = [&["robot-client"], flags].concat();
    let flags = Flags::try_parse_from(flags).map_err(|error| error.to_string())?;
    Plan::new(flags.args).map_err(|error| error.to_string())
}

#[test]
fn needs_no_flags() {
    let plan = plan(&[]).unwrap();
    assert_eq!(plan.workload.mode, Mode::Pipelined);
    assert_eq!(plan.workload.turns, 1000);
    assert_eq!((plan.window.get(), plan.batch), (1000, 1));
    assert!(!plan.json);
}

#[test]
fn refuses_what_does_not_fit_together() {
    let check = |flags: &[&str], expected: &str| {
        let error = plan(flags).unwrap_err();
        assert!(error.contains(expected), "{flags:?}: {error}");
    };
    check(&["--turns", "0"], "1..=100000000");
    check(&["--turns", "100000001"], "1..=100000000");
    check(&["--window", "0"], "1..=1000000");
    check(&["--mode", "sideways"], "pipelined, chained, program");
    check(&["--workers", "1025"], "1..=1024");
    check(&["--workers", "2", "--server", "x:1"], "--server");
    check(&["--ca", "ca.pem"], "--server");
    check(&["--server", "x:1", "--cert", "cert.pem"], "--key");
    check(&["--token-file", "token"], "--server");
    check(
        &["--batch", "65", "--window", "64"],
        "--window, which is 64",
    );
    check(&["--turns", "5", "--duration", "1s"], "--duration");
    check(&["--warmup", "1s"], "--duration");
    check(&["--connections", "2"], "--streams");
    check(&["--mode", "chained", "--rate", "5"], "pipelined");
    check(&["--mode", "program", "--streams", "2"], "program");
    check(&["--json", "--csv"], "--csv");
    check(&["--fail-if", "p98>5ms"], "p50");
    assert_eq!(
        plan(&["--batch", "64", "--window", "64"]).unwrap().batch,
        64
    );
}

#[test]
fn each_stream_has_ids_of_its_own() {
    let ids = |flags: &[&str]| {
        let plan = plan(flags).unwrap();
        (0..plan.streams)
            .map(|stream| plan.ids(stream))
            .collect::<Vec<_>>()
    };
    assert!(ids(&[]).into_iter().eq(std::iter::once(1..1001)));
    assert_eq!(ids(&["--turns", "5", "--streams", "2"]), [1..3, 3..6]);
    let timed = ids(&["--duration", "1s", "--streams", "2"]);
    assert_eq!(timed[0].end, timed[1].start);
}
