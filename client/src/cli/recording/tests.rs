//! What was written is read, and no more than that.

use proptest::collection::vec;
use proptest::prelude::*;
use robot_api::v1::robot_result::Outcome;

use super::*;

fn header() -> Header {
    Header {
        format: FORMAT,
        client_version: "1.2.3".to_owned(),
        server_version: "1.2.4".to_owned(),
        semantics_version: 1,
        actions_per_command_max: 10,
        address: "127.0.0.1:1".to_owned(),
        started_at: "2026-01-02T03:04:05Z".to_owned(),
    }
}

fn record() -> impl Strategy<Value = Record> {
    let state = (any::<f64>(), 1..4_i32).prop_map(|(x, mode)| v1::RobotState {
        x: if x.is_nan() { 0.0 } else { x },
        mode,
        ..Default::default()
    });
    (any::<u64>(), state, "\\PC{0,20}", any::<bool>()).prop_map(|(id, state, script, command)| {
        match command {
            true => Record::Command(v1::RobotCommand {
                id,
                state: Some(state),
                script,
                ..Default::default()
            }),
            false => Record::Result(v1::RobotResult {
                id,
                outcome: Some(Outcome::State(state)),
                ..Default::default()
            }),
        }
    })
}

/// The bytes, and where each record ends.
fn written(encoding: Encoding, records: &[Record]) -> (Vec<u8>, Vec<usize>) {
    let mut bytes = Vec::new();
    let mut ends = Vec::new();
    for record in records {
        encoding.put(record, &mut bytes);
        ends.push(bytes.len());
    }
    (bytes, ends)
}

fn read(path: &str, bytes: &[u8]) -> (Vec<Record>, Option<Damage>) {
    let mut recording = Recording::read_from(Path::new(path), bytes).unwrap();
    let mut records = vec![Record::Header(recording.header.clone())];
    while let Some(record) = recording.next().unwrap() {
        records.push(record);
    }
    assert_eq!(recording.whole, records.len() as u64);
    (records, recording.damage)
}

proptest! {
    #[test]
    fn a_recording_cut_anywhere_gives_all_whole_records_and_says_so(
        records in vec(record(), 0..8),
        cut in any::<prop::sample::Index>(),
    ) {
        let records: Vec<_> = [Record::Header(header())].into_iter().chain(records).collect();
        for (path, encoding) in [("a.rec", Encoding::Binary), ("a.jsonl", Encoding::JsonLines)] {
            let (bytes, ends) = written(encoding, &records);
            prop_assert_eq!(read(path, &bytes), (records.clone(), None));
            let cut = ends[0] + cut.index(bytes.len() - ends[0] + 1);
            let whole = ends.iter().filter(|&&end| end <= cut).count();
            let damage = (!ends.contains(&cut)).then_some(Damage::Torn);
            prop_assert_eq!(read(path, &bytes[..cut]), (records[..whole].to_vec(), damage));
        }
    }

    #[test]
    fn a_byte_that_changed_is_noticed(
        records in vec(record(), 1..4),
        place in any::<prop::sample::Index>(),
        change in 1..=255_u8,
    ) {
        let records: Vec<_> = [Record::Header(header())].into_iter().chain(records).collect();
        let (mut bytes, ends) = written(Encoding::Binary, &records);
        let place = ends[0] + place.index(bytes.len() - ends[0]);
        bytes[place] ^= change;
        let (read, damage) = read("a.rec", &bytes);
        prop_assert!(damage.is_some());
        let whole = ends.iter().filter(|&&end| end <= place).count();
        prop_assert_eq!(&read[..], &records[..whole]);
    }
}

#[test]
fn a_file_of_zeros_after_a_crash_is_damage() {
    let (mut bytes, _) = written(Encoding::Binary, &[Record::Header(header())]);
    bytes.extend([0; 100]);
    assert_eq!(read("a.rec", &bytes).1, Some(Damage::Corrupt));
}

#[test]
fn what_is_no_recording_is_said_to_be_none() {
    let other = Record::Header(Header {
        format: 2,
        ..header()
    });
    let (bytes, _) = written(Encoding::Binary, &[other]);
    let error = Recording::read_from(Path::new("a.rec"), &bytes[..]).unwrap_err();
    assert!(error.to_string().contains("format 2"), "{error}");
    for bytes in [&b""[..], b"{}", b"move 1\n", &[0; 10]] {
        for path in ["a.rec", "a.jsonl"] {
            let error = Recording::read_from(Path::new(path), bytes).unwrap_err();
            assert!(matches!(error, RecordingError::NoHeader { .. }), "{error}");
        }
    }
}
