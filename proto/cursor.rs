//! Reads protobuf's wire format from a slice: keys, varints, lengths, and whatever is to be skipped. It accepts what
//! prost accepts and refuses what prost refuses, which tests compare; it knows no message.

/// How deep unknown groups may be nested, counted from the outermost message: prost's limit.
pub(crate) const DEPTH_MAX: u32 = 100;

const NO_END: &str = "it ends in the middle of a field";
const VARINT_TOO_LONG: &str = "a varint is longer than ten bytes";
const FIELD: &str = "a field has an invalid number";
const WIRE_TYPE: &str = "a field has an invalid wire type";
const NO_GROUP: &str = "a group ends that did not begin";
const DEPTH: &str = "groups are nested too deep";

/// The bytes are no valid protobuf of their message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{what} is malformed: {reason}")]
pub struct Malformed {
    /// What was read, such as "the request message".
    pub(crate) what: &'static str,
    pub(crate) reason: &'static str,
}

/// How a field's value is encoded: the low three bits of its key.
pub(crate) const VARINT: u32 = 0;
pub(crate) const FIXED64: u32 = 1;
pub(crate) const DELIMITED: u32 = 2;
const GROUP_START: u32 = 3;
const GROUP_END: u32 = 4;
const FIXED32: u32 = 5;

/// The key of a field: its number and how its value is encoded.
pub(crate) const fn key(field: u32, wire_type: u32) -> u32 {
    field << 3 | wire_type
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

    /// The next field's key, which may be none: see [`Cursor::skip`].
    #[inline]
    pub(crate) fn key(&mut self) -> Read<u32> {
        u32::try_from(self.varint()?).map_err(|_too_large| FIELD)
    }

    /// Takes the next field's key if it is this one, of one byte.
    #[inline]
    pub(crate) fn take_key(&mut self, key: u32) -> bool {
        debug_assert!(key < 0x80);
        match *self.rest {
            [byte, ref rest @ ..] if u32::from(byte) == key => {
                self.rest = rest;
                true
            }
            _ => false,
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
                return Err(VARINT_TOO_LONG);
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

    /// Skips the value of a field whose key is not among those that are known: with any other wire type, one of the
    /// fields up to `known_max` is an error. `depth` is how many groups may be nested from here on.
    pub(crate) fn skip(&mut self, key: u32, known_max: u32, depth: u32) -> Read<()> {
        match key >> 3 {
            0 => Err(FIELD),
            field if field <= known_max => Err(WIRE_TYPE),
            _ => self.skip_value(key, depth),
        }
    }

    fn skip_value(&mut self, key: u32, depth: u32) -> Read<()> {
        if depth == 0 {
            return Err(DEPTH);
        }
        match key & 7 {
            VARINT => self.varint().map(drop),
            FIXED64 => self.take(8).map(drop),
            FIXED32 => self.take(4).map(drop),
            DELIMITED => self.delimited().map(drop),
            GROUP_END => Err(NO_GROUP),
            GROUP_START => {
                let end = key + 1;
                loop {
                    let inner = self.key()?;
                    if inner == end {
                        return Ok(());
                    }
                    self.skip(inner, 0, depth - 1)?;
                }
            }
            _ => Err(WIRE_TYPE),
        }
    }
}
