//! The hot path's codec: reads the bytes of a command into the pure types, and writes outcomes as the bytes of
//! results, with nothing in between and nothing allocated per command. It does what prost with [`crate::wire`] does,
//! bit for bit and error for error; prost is the reference that its tests compare it with.

use std::fmt::Display;
use std::io::Write;

use bytes::Bytes;
use robot::{Command, Event, Outcome, Rejection, State};

use crate::cursor::{Cursor, DELIMITED, DEPTH_MAX, FIXED64, Malformed, VARINT, key};
use crate::v1::action::Kind;
use crate::v1::command_error::{Location, Reason};
use crate::{v1, wire};

/// Depths below the request message, for unknown groups: a command is one message down, and so on.
const COMMAND_DEPTH: u32 = DEPTH_MAX - 1;
const FIELD_DEPTH: u32 = COMMAND_DEPTH - 1;
const KIND_DEPTH: u32 = FIELD_DEPTH - 1;

/// The keys of the fields that are read, and the highest of their numbers.
const ID: u32 = key(1, VARINT);
const STATE: u32 = key(2, DELIMITED);
const ACTIONS: u32 = key(3, DELIMITED);
const SCRIPT: u32 = key(4, DELIMITED);
const WITH_EVENTS: u32 = key(5, VARINT);
const COMMAND_FIELDS: u32 = 5;
const MOVE: u32 = key(1, DELIMITED);
const TURN: u32 = key(2, DELIMITED);
const SET_MODE: u32 = key(3, DELIMITED);
const START: u32 = key(4, DELIMITED);
const STOP: u32 = key(5, DELIMITED);
const ACTION_FIELDS: u32 = 5;
const DOUBLE_1: u32 = key(1, FIXED64);
const DOUBLE_2: u32 = key(2, FIXED64);
const DOUBLE_3: u32 = key(3, FIXED64);
const ENUM_4: u32 = key(4, VARINT);
const STATE_FIELDS: u32 = 4;
const ENUM_1: u32 = key(1, VARINT);

/// Bytes of a result's own tag and length.
const HEAD_BYTES_MAX: usize = 6;

type Read<T> = Result<T, &'static str>;

/// Reads commands, one after the other, into the same memory.
#[derive(Debug, Default)]
pub struct CommandReader {
    state: Option<v1::RobotState>,
    actions: Vec<v1::Action>,
    with_events: bool,
    command: Command,
}

/// What is needed of a command's message to answer it, besides what the reader keeps.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Head<'a> {
    /// The client's number.
    pub id: u64,
    /// The program as text, or nothing.
    pub script: &'a str,
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
            state: self.state.as_ref(),
            actions: &self.actions,
            script: head.script,
            with_events: self.with_events,
        };
        wire::command_into(parts, actions_max, &mut self.command)
    }

    /// The command that was checked last; any, if it may not be run.
    pub fn command(&self) -> &Command {
        &self.command
    }

    fn read<'a>(&mut self, bytes: &'a [u8], actions_max: usize) -> Read<Head<'a>> {
        let mut head = Head { id: 0, script: "" };
        self.state = None;
        self.actions.clear();
        self.with_events = false;
        let mut cursor = Cursor::new(bytes);
        // Fields in the order of their numbers, as writers put them, need no jumps that a processor would have to
        // guess. Whatever is left is in some other order.
        if cursor.take_key(ID) {
            head.id = cursor.varint()?;
        }
        if cursor.take_key(STATE) {
            read_state(cursor.delimited()?, self.state.get_or_insert_default())?;
        }
        while cursor.take_key(ACTIONS) {
            self.read_action(&mut cursor, actions_max)?;
        }
        while !cursor.is_empty() {
            match cursor.key()? {
                ID => head.id = cursor.varint()?,
                STATE => read_state(cursor.delimited()?, self.state.get_or_insert_default())?,
                ACTIONS => self.read_action(&mut cursor, actions_max)?,
                SCRIPT => {
                    head.script = str::from_utf8(cursor.delimited()?)
                        .map_err(|_invalid| "its script is not UTF-8")?;
                }
                WITH_EVENTS => self.with_events = cursor.varint()? != 0,
                other => cursor.skip(other, COMMAND_FIELDS, COMMAND_DEPTH)?,
            }
        }
        Ok(head)
    }

    #[inline]
    fn read_action(&mut self, cursor: &mut Cursor<'_>, actions_max: usize) -> Read<()> {
        let action = read_action(cursor.delimited()?)?;
        // One more than allowed is enough to reject the command.
        if self.actions.len() <= actions_max {
            self.actions.push(action);
        }
        Ok(())
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
    for (key, value) in [
        (DOUBLE_1, &mut *x),
        (DOUBLE_2, &mut *y),
        (DOUBLE_3, &mut *heading_degrees),
    ] {
        if cursor.take_key(key) {
            *value = cursor.double()?;
        }
    }
    while !cursor.is_empty() {
        match cursor.key()? {
            DOUBLE_1 => *x = cursor.double()?,
            DOUBLE_2 => *y = cursor.double()?,
            DOUBLE_3 => *heading_degrees = cursor.double()?,
            ENUM_4 => *mode = read_enum(&mut cursor)?,
            other => cursor.skip(other, STATE_FIELDS, FIELD_DEPTH)?,
        }
    }
    Ok(())
}

/// Of two kinds the last one counts; two of the same kind are merged.
#[inline]
fn read_action(bytes: &[u8]) -> Read<v1::Action> {
    let mut kind = None;
    let mut cursor = Cursor::new(bytes);
    while !cursor.is_empty() {
        kind = Some(match (cursor.key()?, kind) {
            (MOVE, Some(Kind::Move(before))) => read_move(cursor.delimited()?, before)?,
            (MOVE, _) => read_move(cursor.delimited()?, v1::Move::default())?,
            (TURN, Some(Kind::Turn(before))) => read_turn(cursor.delimited()?, before)?,
            (TURN, _) => read_turn(cursor.delimited()?, v1::Turn::default())?,
            (SET_MODE, Some(Kind::SetMode(before))) => read_set_mode(cursor.delimited()?, before)?,
            (SET_MODE, _) => read_set_mode(cursor.delimited()?, v1::SetMode::default())?,
            (START, _) => read_nothing(cursor.delimited()?, Kind::Start(v1::Start {}))?,
            (STOP, _) => read_nothing(cursor.delimited()?, Kind::Stop(v1::Stop {}))?,
            (other, _) => {
                cursor.skip(other, ACTION_FIELDS, FIELD_DEPTH)?;
                continue;
            }
        });
    }
    Ok(v1::Action { kind })
}

#[inline]
fn read_move(bytes: &[u8], mut before: v1::Move) -> Read<Kind> {
    let v1::Move { distance } = &mut before;
    read_double(bytes, distance)?;
    Ok(Kind::Move(before))
}

#[inline]
fn read_turn(bytes: &[u8], mut before: v1::Turn) -> Read<Kind> {
    let v1::Turn { angle_degrees } = &mut before;
    read_double(bytes, angle_degrees)?;
    Ok(Kind::Turn(before))
}

/// A message whose only field is a double.
#[inline]
fn read_double(bytes: &[u8], value: &mut f64) -> Read<()> {
    let mut cursor = Cursor::new(bytes);
    if cursor.take_key(DOUBLE_1) {
        *value = cursor.double()?;
    }
    while !cursor.is_empty() {
        match cursor.key()? {
            DOUBLE_1 => *value = cursor.double()?,
            other => cursor.skip(other, 1, KIND_DEPTH)?,
        }
    }
    Ok(())
}

fn read_set_mode(bytes: &[u8], mut before: v1::SetMode) -> Read<Kind> {
    let v1::SetMode { mode } = &mut before;
    let mut cursor = Cursor::new(bytes);
    while !cursor.is_empty() {
        match cursor.key()? {
            ENUM_1 => *mode = read_enum(&mut cursor)?,
            other => cursor.skip(other, 1, KIND_DEPTH)?,
        }
    }
    Ok(Kind::SetMode(before))
}

fn read_nothing(bytes: &[u8], kind: Kind) -> Read<Kind> {
    let mut cursor = Cursor::new(bytes);
    while !cursor.is_empty() {
        let other = cursor.key()?;
        cursor.skip(other, 0, KIND_DEPTH)?;
    }
    Ok(kind)
}

/// As every implementation does: an enum is the low 32 bits.
#[inline]
fn read_enum(cursor: &mut Cursor<'_>) -> Read<i32> {
    Ok(cursor.varint()? as i32)
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

    /// Adds the result of a command that was rejected, and says why it was; `script` is the command's.
    pub fn rejection(&mut self, id: u64, rejection: &Rejection, script: &str) -> Reason {
        let place = wire::place_of(rejection, script);
        let reason = wire::reason_of(rejection);
        self.error(id, reason, rejection, place);
        reason
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
