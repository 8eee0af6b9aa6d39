//! Records as JSON Lines: one object with one key a line, `header`, `command` or `result`.

use std::io::BufRead;

use robot_api::json;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Damage, Header, RECORD_BYTES_MAX, Record};

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Line<'a> {
    Header(Header),
    #[serde(borrow)]
    Command(&'a RawValue),
    #[serde(borrow)]
    Result(&'a RawValue),
}

pub(super) fn put(record: &Record, bytes: &mut Vec<u8>) {
    let (key, value) = match record {
        Record::Header(header) => (
            "header",
            serde_json::to_string(header).expect("it is strings and numbers"),
        ),
        Record::Command(command) => ("command", json::to_string(command)),
        Record::Result(result) => ("result", json::to_string(result)),
    };
    bytes.extend_from_slice(format!("{{\"{key}\":{value}}}\n").as_bytes());
}

pub(super) fn read(from: &mut impl BufRead) -> std::io::Result<Option<Result<Record, Damage>>> {
    let mut line = Vec::new();
    std::io::Read::take(&mut *from, RECORD_BYTES_MAX as u64).read_until(b'\n', &mut line)?;
    if line.is_empty() {
        return Ok(None);
    }
    Ok(Some(match line.ends_with(b"\n") {
        true => record_from(&line).ok_or(Damage::Corrupt),
        false => Err(Damage::Torn),
    }))
}

fn record_from(line: &[u8]) -> Option<Record> {
    Some(match serde_json::from_slice(line).ok()? {
        Line::Header(header) => Record::Header(header),
        Line::Command(command) => Record::Command(json::from_str(command.get()).ok()?),
        Line::Result(result) => Record::Result(json::from_str(result.get()).ok()?),
    })
}
