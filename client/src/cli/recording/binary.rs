//! Records as length-delimited protobuf messages, each with a checksum as its last field.

use std::io::BufRead;

use prost::Message;

use super::{Damage, RECORD_BYTES_MAX, Record, read_up_to};

/// The key of field 15, four bytes that stand last: the CRC-32 of all bytes of the message before it.
const CHECKSUM_KEY: u8 = 15 << 3 | 5;
const CHECKSUM_BYTES: usize = 5;
/// A length is a varint of at most so many bytes.
const LENGTH_BYTES_MAX: usize = 5;

/// `message Record` of docs/recording.md, without its checksum.
#[derive(Clone, PartialEq, Message)]
struct RecordMessage {
    #[prost(oneof = "Record", tags = "1, 2, 3")]
    record: Option<Record>,
}

pub(super) fn put(record: &Record, bytes: &mut Vec<u8>) {
    let record = Some(record.clone());
    let message = RecordMessage { record }.encode_to_vec();
    let length = message.len() + CHECKSUM_BYTES;
    prost::encode_length_delimiter(length, bytes).expect("memory takes any length");
    bytes.extend_from_slice(&message);
    bytes.push(CHECKSUM_KEY);
    bytes.extend_from_slice(&crc32fast::hash(&message).to_le_bytes());
}

pub(super) fn read(from: &mut impl BufRead) -> std::io::Result<Option<Result<Record, Damage>>> {
    let length = match read_length(from)? {
        None => return Ok(None),
        Some(Err(damage)) => return Ok(Some(Err(damage))),
        Some(Ok(length)) => length,
    };
    let bytes = read_up_to(from, length)?;
    Ok(Some(match bytes.len() == length {
        true => record_from(&bytes).ok_or(Damage::Corrupt),
        false => Err(Damage::Torn),
    }))
}

fn read_length(from: &mut impl BufRead) -> std::io::Result<Option<Result<usize, Damage>>> {
    let mut bytes = Vec::with_capacity(LENGTH_BYTES_MAX);
    loop {
        let byte = read_up_to(from, 1)?;
        match byte.first() {
            None if bytes.is_empty() => return Ok(None),
            None => return Ok(Some(Err(Damage::Torn))),
            Some(&byte) => bytes.push(byte),
        }
        if bytes.last().is_some_and(|byte| byte & 0x80 == 0) {
            break;
        }
        if bytes.len() == LENGTH_BYTES_MAX {
            return Ok(Some(Err(Damage::Corrupt)));
        }
    }
    let length = prost::decode_length_delimiter(&bytes[..]).ok();
    let length = length.filter(|length| (CHECKSUM_BYTES..=RECORD_BYTES_MAX).contains(length));
    Ok(Some(length.ok_or(Damage::Corrupt)))
}

fn record_from(bytes: &[u8]) -> Option<Record> {
    let (message, checksum) = bytes.split_at_checked(bytes.len() - CHECKSUM_BYTES)?;
    let (key, checksum) = checksum.split_first()?;
    let expected = crc32fast::hash(message).to_le_bytes();
    if *key != CHECKSUM_KEY || checksum != expected {
        return None;
    }
    RecordMessage::decode(message).ok()?.record
}
