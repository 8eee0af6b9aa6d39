//! Reads protobuf's wire format from a slice: keys, varints, lengths, and whatever is to be skipped. It accepts what
//! prost accepts and refuses what prost refuses, which tests compare; it knows no message.

/// How deep unknown groups may be nested, counted from the outermost message: prost's limit.
pub(crate) const DEPTH_MAX: u32 = 100;

const NO_END: &str = "it ends in the middle of a field";
const VARINT: &str = "a varint is longer than ten bytes";
const KEY: &str = "a field has an invalid number";
const WIRE_TYPE: &str = "a field has an invalid wire type";
const GROUP_END: &str = "a group ends that did not begin";
const DEPTH: &str = "groups are nested too deep";

/// The bytes are no valid protobuf of their message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{what} is malformed: {reason}")]
pub struct Malformed {
    /// What was read, such as "the request message".
    pub(crate) what: &'static str,
    pub(crate) reason: &'static str,
}

/// How a field's value is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WireType {
    Varint,
    Fixed64,
    Delimited,
    GroupStart,
    GroupEnd,
    Fixed32,
}

/// A place in a message. After an error it must not be used any more.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Cursor<'a> {
    pub(crate) rest: &'a [u8],
}

type Read<T> = Result<T, &'static str>;

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The number and the wire type of the next field.
    #[inline]
    pub(crate) fn key(&mut self) -> Read<(u32, WireType)> {
        let key = u32::try_from(self.varint()?).map_err(|_too_large| KEY)?;
        let wire_type = match key & 7 {
            0 => WireType::Varint,
            1 => WireType::Fixed64,
            2 => WireType::Delimited,
            3 => WireType::GroupStart,
            4 => WireType::GroupEnd,
            5 => WireType::Fixed32,
            _ => return Err(WIRE_TYPE),
        };
        match key >> 3 {
            0 => Err(KEY),
            field => Ok((field, wire_type)),
        }
    }

    #[inline]
    pub(crate) fn varint(&mut self) -> Read<u64> {
        match *self.rest {
            [byte, ref rest @ ..] if byte < 0x80 => {
                self.rest = rest;
                Ok(byte.into())
            }
            _ => self.long_varint(),
        }
    }

    fn long_varint(&mut self) -> Read<u64> {
        let mut value = 0;
        for (index, &byte) in self.rest.iter().enumerate() {
            // Nine bytes hold 63 bits: the tenth holds one more and must be the last.
            if index == 9 && byte > 1 {
                return Err(VARINT);
            }
            value |= u64::from(byte & 0x7f) << (7 * index);
            if byte < 0x80 {
                self.rest = &self.rest[index + 1..];
                return Ok(value);
            }
        }
        Err(NO_END)
    }

    #[inline]
    pub(crate) fn double(&mut self) -> Read<f64> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or(NO_END)?;
        self.rest = rest;
        Ok(f64::from_le_bytes(*bytes))
    }

    /// The bytes of a string or a message.
    #[inline]
    pub(crate) fn delimited(&mut self) -> Read<&'a [u8]> {
        let length = usize::try_from(self.varint()?).map_err(|_too_large| NO_END)?;
        self.take(length)
    }

    fn take(&mut self, length: usize) -> Read<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(NO_END)?;
        self.rest = rest;
        Ok(taken)
    }

    /// Skips the value of a field that nobody knows. `depth` is how many groups may be nested from here on.
    pub(crate) fn skip(&mut self, field: u32, wire_type: WireType, depth: u32) -> Read<()> {
        if depth == 0 {
            return Err(DEPTH);
        }
        match wire_type {
            WireType::Varint => self.varint().map(drop),
            WireType::Fixed64 => self.take(8).map(drop),
            WireType::Fixed32 => self.take(4).map(drop),
            WireType::Delimited => self.delimited().map(drop),
            WireType::GroupEnd => Err(GROUP_END),
            WireType::GroupStart => loop {
                match self.key()? {
                    (end, WireType::GroupEnd) if end == field => return Ok(()),
                    (_, WireType::GroupEnd) => return Err(GROUP_END),
                    (inner, wire_type) => self.skip(inner, wire_type, depth - 1)?,
                }
            },
        }
    }
}

/// A known field must have the wire type of its type.
#[inline]
pub(crate) fn expect(wire_type: WireType, expected: WireType) -> Read<()> {
    match wire_type == expected {
        true => Ok(()),
        false => Err(WIRE_TYPE),
    }
}
