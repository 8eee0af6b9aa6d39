//! The vectors that are kept beside the code, against what the pure library gives today.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn vectors(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_robot-interop"));
    command
        .arg("vectors")
        .args(arguments)
        .output()
        .expect("it runs")
}

#[test]
fn the_vectors_are_what_the_pure_library_gives() {
    let checked = vectors(&["--check"]);
    let errors = String::from_utf8_lossy(&checked.stderr);
    assert!(checked.status.success(), "{errors}");
}

#[test]
fn a_vector_that_differs_in_one_bit_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    assert!(vectors(&["--folder", path]).status.success());
    assert!(vectors(&["--check", "--folder", path]).status.success());

    let singles = folder.path().join("commands/singles.json");
    change(&singles, "3ff0000000000000", "3ff0000000000001");
    let checked = vectors(&["--check", "--folder", path]);
    assert_eq!(checked.status.code(), Some(1));
    let errors = String::from_utf8_lossy(&checked.stderr);
    assert!(
        errors.contains("singles.json is not what the pure library gives, from line 3 on"),
        "{errors}"
    );
}

fn change(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).expect("it was written");
    assert!(text.contains(from), "{}", path.display());
    fs::write(path, text.replacen(from, to, 1)).expect("it can be written");
}
