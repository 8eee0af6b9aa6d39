//! The codec against prost: over messages that are valid in every odd way that protobuf allows, over broken ones, and
//! over what random messages would hardly find.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::*;

#[path = "differential.rs"]
mod differential;

const ACTIONS_MAX: usize = 4;
const MESSAGES: usize = 20_000;

/// A field's value as it stands on the wire.
#[derive(Debug, Clone)]
enum Value {
    /// With so many bytes more than it needs.
    Varint(u64, usize),
    Fixed64(u64),
    Fixed32(u32),
    Bytes(Vec<u8>),
    Message(Vec<Field>),
    Group(Vec<Field>),
}

/// A field's number and value.
type Field = (u32, Value);

fn encode(fields: &[Field]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (number, value) in fields {
        let key = |bytes: &mut Vec<u8>, wire_type: u32| {
            put_varint(bytes, u64::from(number << 3 | wire_type));
        };
        match value {
            Value::Varint(value, extra) => {
                key(&mut bytes, 0);
                put_padded(&mut bytes, *value, *extra);
            }
            Value::Fixed64(value) => {
                key(&mut bytes, 1);
                bytes.extend(value.to_le_bytes());
            }
            Value::Fixed32(value) => {
                key(&mut bytes, 5);
                bytes.extend(value.to_le_bytes());
            }
            Value::Bytes(value) => {
                key(&mut bytes, 2);
                put_padded(&mut bytes, value.len() as u64, 1);
                bytes.extend(value);
            }
            Value::Message(fields) => {
                key(&mut bytes, 2);
                let body = encode(fields);
                put_varint(&mut bytes, body.len() as u64);
                bytes.extend(body);
            }
            Value::Group(fields) => {
                key(&mut bytes, 3);
                bytes.extend(encode(fields));
                key(&mut bytes, 4);
            }
        }
    }
    bytes
}

/// A varint that is longer than it needs to be; past ten bytes it is none any more.
fn put_padded(bytes: &mut Vec<u8>, value: u64, extra: usize) {
    put_varint(bytes, value);
    if extra > 0 {
        *bytes.last_mut().expect("a varint has a byte") |= 0x80;
        bytes.extend(vec![0x80; extra - 1]);
        bytes.push(0);
    }
}

fn varint(values: impl Strategy<Value = u64>) -> impl Strategy<Value = Value> {
    (values, prop_oneof![9 => Just(0), 1 => 1_usize..4])
        .prop_map(|(value, extra)| Value::Varint(value, extra))
}

fn double() -> impl Strategy<Value = Value> {
    let odd = prop_oneof![
        Just(-0.0),
        Just(f64::NAN),
        Just(f64::INFINITY),
        Just(f64::MAX),
        Just(5e-324)
    ];
    prop_oneof![8 => -1e3..1e3, 2 => Just(0.0), 1 => odd, 1 => any::<f64>()]
        .prop_map(|value: f64| Value::Fixed64(value.to_bits()))
}

/// A field that no message of the contract has.
fn unknown() -> BoxedStrategy<Field> {
    let number = prop_oneof![6_u32..20, Just((1 << 29) - 1)];
    let value = prop_oneof![
        varint(any::<u64>()),
        any::<u64>().prop_map(Value::Fixed64),
        any::<u32>().prop_map(Value::Fixed32),
        vec(any::<u8>(), 0..5).prop_map(Value::Bytes),
    ];
    let value = value.prop_recursive(3, 8, 3, |inner| {
        vec((1_u32..20, inner), 0..3).prop_map(Value::Group)
    });
    (number, value).boxed()
}

/// A field of any number and any wire type: more often wrong than right.
fn misfit() -> impl Strategy<Value = Field> {
    (0_u32..7, unknown()).prop_map(|(number, (_, value))| (number, value))
}

fn field<S>(numbers: std::ops::RangeInclusive<u32>, values: S) -> BoxedStrategy<Field>
where
    S: Strategy<Value = Value> + 'static,
{
    (numbers, values).boxed()
}

/// Mostly these fields, in any order and number, and some that are unknown.
fn message_of(known: BoxedStrategy<Field>, fields_max: usize) -> BoxedStrategy<Value> {
    let any_field = prop_oneof![60 => known, 4 => unknown(), 1 => misfit()];
    vec(any_field, 0..=fields_max)
        .prop_map(Value::Message)
        .boxed()
}

fn action() -> BoxedStrategy<Value> {
    let number = message_of(field(1..=1, double()), 2);
    let mode = message_of(field(1..=1, varint(0..5_u64)), 2);
    let nothing = message_of(unknown(), 1);
    let kind = prop_oneof![
        6 => field(1..=2, number),
        2 => field(3..=3, mode),
        2 => field(4..=5, nothing)
    ];
    message_of(kind.boxed(), 2)
}

fn command() -> BoxedStrategy<Value> {
    let text = "(move [0-9.e]{1,4};|turn -?[0-9]{1,3}\n|stop;|set (soap|wax);|\\PC{0,9}){0,4}";
    let script = prop_oneof![
        9 => text.prop_map(String::into_bytes),
        1 => vec(any::<u8>(), 0..4)
    ];
    let numbers = prop_oneof![any::<u64>(), 0..3_u64];
    let mode = prop_oneof![0..5_u64, any::<u64>()];
    let state = prop_oneof![
        6 => field(1..=3, double()),
        1 => field(4..=4, varint(mode))
    ];
    let known = prop_oneof![
        2 => field(1..=1, varint(numbers)),
        4 => field(2..=2, message_of(state.boxed(), 5)),
        6 => field(3..=3, action()),
        1 => field(4..=4, script.prop_map(Value::Bytes)),
        2 => field(5..=5, varint(0..3_u64)),
    ];
    message_of(known.boxed(), 8)
}

fn message() -> impl Strategy<Value = Vec<u8>> {
    let fields = prop_oneof![20 => field(1..=1, command()), 2 => unknown(), 1 => misfit()];
    vec(fields, 0..4).prop_map(|fields| encode(&fields))
}

/// How many of so many messages were answered with results, and how many were refused.
fn tally(messages: impl Strategy<Value = Vec<u8>>) -> (usize, usize) {
    let mut runner = TestRunner::deterministic();
    let (mut answered, mut refused) = (0, 0);
    for _ in 0..MESSAGES {
        let message = messages
            .new_tree(&mut runner)
            .expect("there is one")
            .current();
        match differential::check(&message, ACTIONS_MAX) {
            Some(results) => answered += usize::from(results > 0),
            None => refused += 1,
        }
    }
    (answered, refused)
}

#[test]
fn answers_as_prost_does_whatever_the_order_and_number_of_fields() {
    let (answered, refused) = tally(message());
    assert!(
        answered > MESSAGES / 2,
        "{answered} of {MESSAGES} were answered"
    );
    assert!(
        refused > MESSAGES / 20,
        "{refused} of {MESSAGES} were refused"
    );
}

#[test]
fn accepts_and_refuses_what_prost_does_in_broken_messages() {
    let broken = (message(), any::<prop::sample::Index>(), any::<u8>(), 0..3).prop_map(
        |(mut message, at, byte, how)| {
            if message.is_empty() {
                return vec![byte];
            }
            let at = at.index(message.len());
            match how {
                0 => message[at] = byte,
                1 => message.truncate(at),
                _ => message.insert(at, byte),
            }
            message
        },
    );
    let (answered, refused) = tally(broken);
    let least = answered.min(refused);
    assert!(
        least > MESSAGES / 20,
        "{answered} answered, {refused} refused"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]
    #[test]
    fn accepts_and_refuses_what_prost_does_in_any_bytes(message in vec(any::<u8>(), 0..60)) {
        differential::check(&message, ACTIONS_MAX);
    }

    #[test]
    fn accepts_and_refuses_what_prost_does_in_any_command(command in vec(any::<u8>(), 0..60)) {
        differential::check(&encode(&[(1, Value::Bytes(command))]), ACTIONS_MAX);
    }
}

#[test]
fn groups_may_be_nested_as_deep_as_for_prost() {
    let nested = |depth| {
        let deepest = (9, Value::Group(vec![]));
        (1..depth).fold(deepest, |inner, _| (9, Value::Group(vec![inner])))
    };
    let below = |number, fields| (number, Value::Message(fields));
    for depth in 90..110 {
        let kind = below(1, vec![nested(depth)]);
        let results: Vec<_> = [
            vec![nested(depth)],
            vec![below(1, vec![nested(depth)])],
            vec![below(1, vec![below(2, vec![nested(depth)])])],
            vec![below(1, vec![below(3, vec![nested(depth)])])],
            vec![below(1, vec![below(3, vec![kind])])],
        ]
        .map(|fields| differential::check(&encode(&fields), ACTIONS_MAX).is_some())
        .into();
        let allowed = [100, 99, 98, 98, 97].map(|max| depth <= max);
        assert_eq!(results, allowed, "{depth}");
    }
}

#[test]
fn varints_end_at_ten_bytes_and_64_bits() {
    for (varint, accepted) in [
        (
            &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01][..],
            true,
        ),
        (
            &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02],
            false,
        ),
        (
            &[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00],
            true,
        ),
        (
            &[
                0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00,
            ],
            false,
        ),
        (&[0x80], false),
    ] {
        let id = [&[0x08], varint].concat();
        let message = encode(&[(1, Value::Bytes(id))]);
        let answered = differential::check(&message, ACTIONS_MAX).is_some();
        assert_eq!(answered, accepted, "{varint:?}");
        // As the length of an unknown field and as a key prost is to say.
        for bytes in [[&[0x3a], varint].concat(), varint.to_vec()] {
            differential::check(&encode(&[(1, Value::Bytes(bytes))]), ACTIONS_MAX);
        }
    }
}

#[test]
fn keeps_no_more_actions_than_show_that_there_are_too_many() {
    let stop = (3, Value::Message(vec![(5, Value::Message(vec![]))]));
    let state = (2, Value::Message(vec![]));
    let command = encode(&[vec![state], vec![stop; 1000]].concat());
    let mut reader = CommandReader::default();
    let head = reader.decode(&command, ACTIONS_MAX).expect("it is valid");
    assert_eq!(reader.actions.len(), ACTIONS_MAX + 1);
    assert_eq!(
        reader.check(&head, ACTIONS_MAX),
        Err(Rejection::TooManyActions { max: ACTIONS_MAX })
    );
}

#[test]
fn a_reader_and_a_writer_carry_nothing_over_to_the_next() {
    let full = encode(&[
        (1, Value::Varint(7, 0)),
        (
            2,
            Value::Message(vec![(1, Value::Fixed64(1.0_f64.to_bits()))]),
        ),
        (3, Value::Message(vec![(5, Value::Message(vec![]))])),
        (5, Value::Varint(1, 0)),
    ]);
    let empty = encode(&[(2, Value::Message(vec![]))]);
    let mut reader = CommandReader::default();
    let mut read = |bytes| {
        let head = reader.decode(bytes, ACTIONS_MAX).expect("it is valid");
        reader.check(&head, ACTIONS_MAX).expect("it may be run");
        (head.id, reader.command().clone())
    };
    assert_eq!(read(&full).1.actions, [robot::Action::Stop]);
    assert_eq!(read(&empty), (0, Command::default()));

    let mut writer = ResultWriter::default();
    let execution = v1::Execution::default();
    writer.outcome(1, &Outcome::default());
    let first = writer.finish(&execution);
    assert!(writer.is_empty());
    writer.outcome(1, &Outcome::default());
    assert_eq!(writer.finish(&execution), first);
    assert!(writer.finish(&execution).is_empty());
}
