//! The hot path's codec: reads the bytes of a command into the pure types, and writes outcomes as the bytes of
//! results, with nothing in between and nothing allocated per command. It does what prost with [`crate::wire`] does,
//! bit for bit and error for error; prost is the reference that its tests compare it with.

use std::fmt::Display;
use std::io::Write;

use bytes::Bytes;
use robot::{Command, Event, Outcome, Rejection, State};

use crate::cursor::{Cursor, DEPTH_MAX, Malformed, WireType, expect};
use crate::v1::action::Kind;
use crate::v1::command_error::{Location, Reason};
use crate::{v1, wire};

/// Depths below the request message, for unknown groups: a command is one message down, and so on.
const COMMAND_DEPTH: u32 = DEPTH_MAX - 1;
const FIELD_DEPTH: u32 = COMMAND_DEPTH - 1;
const KIND_DEPTH: u32 = FIELD_DEPTH - 1;

/// Bytes of a result's own tag and length.
const HEAD_BYTES_MAX: usize = 6;

type Read<T> = Result<T, &'static str>;

/// Reads commands, one after the other, into the same memory.
#[derive(Debug, Default)]
pub struct CommandReader {
    actions: Vec<v1::Action>,
    command: Command,
}

/// What a command's message says besides its actions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Head<'a> {
    /// The client's number.
    pub id: u64,
    /// The program as text, or nothing.
    pub script: &'a str,
    state: Option<v1::RobotState>,
    with_events: bool,
}

impl CommandReader {
    /// Decodes the bytes of a `RobotCommand`, of its actions no more than it takes to see that there are more than
    /// `actions_max`. An error says that the bytes are no such message.
    pub fn decode<'a>(
        &mut self,
        bytes: &'a [u8],
        actions_max: usize,
    ) -> Result<Head<'a>, Malformed> {
        let read = self.read(bytes, actions_max);
        read.map_err(|reason| Malformed {
            what: "a command",
            reason,
        })
    }

    /// Makes a command of what was decoded last, if it may be run: see [`wire::command_from`].
    pub fn check(&mut self, head: &Head<'_>, actions_max: usize) -> Result<(), Rejection> {
        let parts = wire::Parts {
            state: head.state.as_ref(),
            actions: &self.actions,
            script: head.script,
            with_events: head.with_events,
        };
        wire::command_into(parts, actions_max, &mut self.command)
    }

    /// The command that was checked last; any, if it may not be run.
    pub fn command(&self) -> &Command {
        &self.command
    }

    fn read<'a>(&mut self, bytes: &'a [u8], actions_max: usize) -> Read<Head<'a>> {
        let mut head = Head {
            id: 0,
            script: "",
            state: None,
            with_events: false,
        };
        self.actions.clear();
        let mut cursor = Cursor::new(bytes);
        while !cursor.is_empty() {
            let (field, wire_type) = cursor.key()?;
            match field {
                1 => {
                    expect(wire_type, WireType::Varint)?;
                    head.id = cursor.varint()?;
                }
                2 => {
                    expect(wire_type, WireType::Delimited)?;
                    read_state(cursor.delimited()?, head.state.get_or_insert_default())?;
                }
                3 => {
                    expect(wire_type, WireType::Delimited)?;
                    let action = read_action(cursor.delimited()?)?;
                    // One more than allowed is enough to reject the command.
                    if self.actions.len() <= actions_max {
                        self.actions.push(action);
                    }
                }
                4 => {
                    expect(wire_type, WireType::Delimited)?;
                    head.script = str::from_utf8(cursor.delimited()?)
                        .map_err(|_invalid| "its script is not UTF-8")?;
                }
                5 => {
                    expect(wire_type, WireType::Varint)?;
                    head.with_events = cursor.varint()? != 0;
                }
                _ => cursor.skip(field, wire_type, COMMAND_DEPTH)?,
            }
        }
        Ok(head)
    }
}

/// Merges into `state`: of a field that is there twice the last one counts.
fn read_state(bytes: &[u8], state: &mut v1::RobotState) -> Read<()> {
    let v1::RobotState {
        x,
        y,
        heading_degrees,
        mode,
    } = state;
    let mut cursor = Cursor::new(bytes);
    while !cursor.is_empty() {
        let (field, wire_type) = cursor.key()?;
        match field {
            1 => read_double(&mut cursor, wire_type, x)?,
            2 => read_double(&mut cursor, wire_type, y)?,
            3 => read_double(&mut cursor, wire_type, heading_degrees)?,
            4 => read_enum(&mut cursor, wire_type, mode)?,
            _ => cursor.skip(field, wire_type, FIELD_DEPTH)?,
        }
    }
    Ok(())
}

/// Of two kinds the last one counts; two of the same kind are merged.
fn read_action(bytes: &[u8]) -> Read<v1::Action> {
    let mut kind = None;
    let mut cursor = Cursor::new(bytes);
    while !cursor.is_empty() {
        let (field, wire_type) = cursor.key()?;
        if !(1..=5).contains(&field) {
            cursor.skip(field, wire_type, FIELD_DEPTH)?;
            continue;
        }
        expect(wire_type, WireType::Delimited)?;
        let mut inner = Cursor::new(cursor.delimited()?);
        kind = Some(match (field, kind) {
            (1, Some(Kind::Move(before))) => read_move(&mut inner, before)?,
            (1, _) => read_move(&mut inner, v1::Move::default())?,
            (2, Some(Kind::Turn(before))) => read_turn(&mut inner, before)?,
            (2, _) => read_turn(&mut inner, v1::Turn::default())?,
            (3, Some(Kind::SetMode(before))) => read_set_mode(&mut inner, before)?,
            (3, _) => read_set_mode(&mut inner, v1::SetMode::default())?,
            (4, _) => read_nothing(&mut inner, Kind::Start(v1::Start {}))?,
            (_, _) => read_nothing(&mut inner, Kind::Stop(v1::Stop {}))?,
        });
    }
    Ok(v1::Action { kind })
}

fn read_move(cursor: &mut Cursor<'_>, mut before: v1::Move) -> Read<Kind> {
    let v1::Move { distance } = &mut before;
    while !cursor.is_empty() {
        match cursor.key()? {
            (1, wire_type) => read_double(cursor, wire_type, distance)?,
            (field, wire_type) => cursor.skip(field, wire_type, KIND_DEPTH)?,
        }
    }
    Ok(Kind::Move(before))
}

fn read_turn(cursor: &mut Cursor<'_>, mut before: v1::Turn) -> Read<Kind> {
    let v1::Turn { angle_degrees } = &mut before;
    while !cursor.is_empty() {
        match cursor.key()? {
            (1, wire_type) => read_double(cursor, wire_type, angle_degrees)?,
            (field, wire_type) => cursor.skip(field, wire_type, KIND_DEPTH)?,
        }
    }
    Ok(Kind::Turn(before))
}

fn read_set_mode(cursor: &mut Cursor<'_>, mut before: v1::SetMode) -> Read<Kind> {
    let v1::SetMode { mode } = &mut before;
    while !cursor.is_empty() {
        match cursor.key()? {
            (1, wire_type) => read_enum(cursor, wire_type, mode)?,
            (field, wire_type) => cursor.skip(field, wire_type, KIND_DEPTH)?,
        }
    }
    Ok(Kind::SetMode(before))
}

fn read_nothing(cursor: &mut Cursor<'_>, kind: Kind) -> Read<Kind> {
    while !cursor.is_empty() {
        let (field, wire_type) = cursor.key()?;
        cursor.skip(field, wire_type, KIND_DEPTH)?;
    }
    Ok(kind)
}

#[inline]
fn read_double(cursor: &mut Cursor<'_>, wire_type: WireType, value: &mut f64) -> Read<()> {
    expect(wire_type, WireType::Fixed64)?;
    *value = cursor.double()?;
    Ok(())
}

fn read_enum(cursor: &mut Cursor<'_>, wire_type: WireType, value: &mut i32) -> Read<()> {
    expect(wire_type, WireType::Varint)?;
    // As every implementation does: an enum is the low 32 bits.
    *value = cursor.varint()? as i32;
    Ok(())
}

/// Collects the results of a job. They are written as soon as they are known, but for what is known at the job's end
/// only: their execution, and with it their lengths.
#[derive(Debug, Default)]
pub struct ResultWriter {
    /// What is known of each result, one after the other; after a panic, something that nobody will read as well.
    bodies: Vec<u8>,
    ends: Vec<usize>,
    tail: Vec<u8>,
}

impl ResultWriter {
    /// How many results there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// There are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Forgets them all.
    pub fn clear(&mut self) {
        self.bodies.clear();
        self.ends.clear();
    }

    fn begin(&mut self, id: u64) {
        self.bodies.truncate(self.ends.last().copied().unwrap_or(0));
        put_uint(&mut self.bodies, 0x08, id);
    }

    /// Adds the result of a command that has an outcome.
    pub fn outcome(&mut self, id: u64, outcome: &Outcome) {
        let Outcome {
            state,
            events,
            applied: _,
        } = outcome;
        self.begin(id);
        put_state(&mut self.bodies, state);
        for event in events {
            put_event(&mut self.bodies, event);
        }
        self.ends.push(self.bodies.len());
    }

    /// Adds the result of a command that was rejected; `script` is the command's.
    pub fn rejection(&mut self, id: u64, rejection: &Rejection, script: &str) {
        let place = wire::place_of(rejection, script);
        self.error(id, wire::reason_of(rejection), rejection, place);
    }

    /// Adds the result of a command that has an error.
    pub fn error(
        &mut self,
        id: u64,
        reason: Reason,
        message: impl Display,
        location: Option<Location>,
    ) {
        self.begin(id);
        put_delimited(&mut self.bodies, 0x1a, |to| {
            put_error(to, reason, message, location);
        });
        self.ends.push(self.bodies.len());
    }

    /// An encoded response message with all results, each with this execution. None are left.
    pub fn finish(&mut self, execution: &v1::Execution) -> Bytes {
        let Self { bodies, ends, tail } = self;
        put_tail(tail, execution);
        let mut message =
            Vec::with_capacity(bodies.len() + ends.len() * (tail.len() + HEAD_BYTES_MAX));
        let mut start = 0;
        for &end in ends.iter() {
            message.push(0x0a);
            put_varint(&mut message, (end - start + tail.len()) as u64);
            message.extend_from_slice(&bodies[start..end]);
            message.extend_from_slice(tail);
            start = end;
        }
        self.clear();
        message.into()
    }
}

fn put_state(to: &mut Vec<u8>, state: &State) {
    let State {
        x,
        y,
        heading_degrees,
        mode,
    } = state;
    let doubles = [x.get(), y.get(), heading_degrees.get()];
    let present = doubles.iter().filter(|&&value| value != 0.0).count();
    to.extend([0x12, (present * 9 + 2) as u8]);
    for (key, value) in [0x09, 0x11, 0x19].into_iter().zip(doubles) {
        put_double(to, key, value);
    }
    to.extend([0x20, *mode as u8]);
}

fn put_event(to: &mut Vec<u8>, event: &Event) {
    match event {
        Event::Moved { x, y } => put_doubles_event(to, 0x0a, &[x.get(), y.get()]),
        Event::Turned { heading_degrees } => put_doubles_event(to, 0x12, &[heading_degrees.get()]),
        Event::ModeSet { mode } => to.extend([0x22, 4, 0x1a, 2, 0x08, *mode as u8]),
        Event::Started { mode } => to.extend([0x22, 4, 0x22, 2, 0x08, *mode as u8]),
        Event::Stopped => to.extend([0x22, 2, 0x2a, 0]),
    }
}

/// An event of the kind with this key, whose fields are doubles.
fn put_doubles_event(to: &mut Vec<u8>, kind: u8, doubles: &[f64]) {
    let present = doubles.iter().filter(|&&value| value != 0.0).count();
    let length = (present * 9) as u8;
    to.extend([0x22, length + 2, kind, length]);
    for (key, &value) in [0x09, 0x11].into_iter().zip(doubles) {
        put_double(to, key, value);
    }
}

fn put_error(to: &mut Vec<u8>, reason: Reason, message: impl Display, location: Option<Location>) {
    put_uint(to, 0x08, reason as u64);
    put_delimited(to, 0x12, |to| {
        write!(to, "{message}").expect("memory takes all that is written");
    });
    match location {
        None => {}
        Some(Location::ActionIndex(index)) => {
            to.push(0x18);
            put_varint(to, index.into());
        }
        Some(Location::ScriptPosition(v1::ScriptPosition { line, column })) => {
            put_delimited(to, 0x22, |to| {
                put_uint(to, 0x08, line.into());
                put_uint(to, 0x10, column.into());
            });
        }
    }
}

/// What stands at the end of each result.
fn put_tail(to: &mut Vec<u8>, execution: &v1::Execution) {
    let v1::Execution {
        worker,
        queue_nanos,
        run_nanos,
        job_commands,
    } = execution;
    to.clear();
    put_delimited(to, 0x2a, |to| {
        put_uint(to, 0x08, (*worker).into());
        put_uint(to, 0x10, *queue_nanos);
        put_uint(to, 0x18, *run_nanos);
        put_uint(to, 0x20, (*job_commands).into());
    });
}

/// A field that is left out if it is 0, as prost does.
#[inline]
fn put_double(to: &mut Vec<u8>, key: u8, value: f64) {
    if value != 0.0 {
        to.push(key);
        to.extend_from_slice(&value.to_le_bytes());
    }
}

/// A field that is left out if it is 0, as prost does.
#[inline]
fn put_uint(to: &mut Vec<u8>, key: u8, value: u64) {
    if value != 0 {
        to.push(key);
        put_varint(to, value);
    }
}

/// A field whose length is known once it is written.
fn put_delimited(to: &mut Vec<u8>, key: u8, write: impl FnOnce(&mut Vec<u8>)) {
    to.push(key);
    let start = to.len();
    write(to);
    let end = to.len();
    put_varint(to, (end - start) as u64);
    let length_bytes = to.len() - end;
    to[start..].rotate_right(length_bytes);
}

#[inline]
fn put_varint(to: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        to.push(value as u8 | 0x80);
        value >>= 7;
    }
    to.push(value as u8);
}

#[cfg(test)]
mod tests;
