//! The golden vectors: equal bytes for equal values, and no bytes that end a program.

use std::fmt::Debug;

use mycelium::codec::{EncodeError, Flaw};
use mycelium::examples::{CounterUpdate, TextMessage};
use mycelium::Message;
use mycelium_golden::golden::{self, *};
use mycelium_golden::names;
use mycelium_golden::values::{check_all, Check};

fn from_hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect()
}

/// A vector whose type is known by its functions only.
struct Vector {
    name: String,
    bytes: Vec<u8>,
    type_id: u16,
    again: fn(&[u8]) -> Option<Vec<u8>>,
}

#[derive(Default)]
struct Vectors(Vec<Vector>);

impl Check for Vectors {
    fn check<M: Message + Debug + PartialEq>(&mut self, name: &str, _: &M, bytes: &str) {
        self.0.push(Vector {
            name: name.to_owned(),
            bytes: from_hex(bytes),
            type_id: M::TYPE_ID,
            again: |payload| M::decode(payload).ok().map(|value| value.encode().unwrap()),
        });
    }
}

fn vectors() -> Vec<Vector> {
    let mut all = Vectors::default();
    check_all(&mut all);
    all.0
}

fn bytes_of(name: &str) -> Vec<u8> {
    vectors().into_iter().find(|each| each.name == name).unwrap().bytes
}

#[test]
fn values_become_the_bytes_and_bytes_the_values() {
    #[derive(Default)]
    struct Both {
        count: usize,
        types: std::collections::BTreeSet<u16>,
    }
    impl Check for Both {
        fn check<M: Message + Debug + PartialEq>(&mut self, name: &str, value: &M, bytes: &str) {
            let bytes = from_hex(bytes);
            assert_eq!(value.encode().unwrap(), bytes, "{name}");
            let decoded = M::decode(&bytes).unwrap();
            // A NaN equals nothing, but looks like one.
            assert_eq!(format!("{decoded:?}"), format!("{value:?}"), "{name}");
            assert!(decoded == *value || format!("{value:?}").contains("NaN"), "{name}");
            self.count += 1;
            self.types.insert(M::TYPE_ID);
        }
    }
    let mut both = Both::default();
    check_all(&mut both);
    assert!(both.count >= 84, "{} vectors", both.count);
    assert_eq!(both.types.len(), 16);
}

#[test]
fn payloads_may_stand_at_any_address() {
    for Vector { name, bytes, again, .. } in vectors() {
        for shift in 1..8 {
            let mut moved = vec![0; shift];
            moved.extend_from_slice(&bytes);
            assert_eq!(again(&moved[shift..]).as_ref(), Some(&bytes), "{name} at {shift}");
        }
    }
}

/// Small and good enough to choose bytes.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}

#[test]
fn mutated_payloads_are_a_value_or_an_error_and_the_runtime_agrees() {
    let bus = mycelium::Runtime::builder().threads(1).schema(golden::SCHEMA).build().unwrap();
    let vectors = vectors();
    let mut random = Random(3);
    let (mut accepted, mut rounds, mut differ) = (0, 0, 0);
    while rounds < 100_000 {
        for vector in &vectors {
            rounds += 1;
            let mut bytes = vector.bytes.clone();
            for _ in 0..1 + random.below(4) {
                let at = random.below(bytes.len());
                let limit = if random.below(2) == 0 { 256 } else { 24 };
                bytes[at] = random.below(limit) as u8;
            }
            if random.below(8) == 0 {
                bytes.truncate(random.below(bytes.len() + 1));
            }
            let checked = bus.verify_payload(vector.type_id, &bytes).is_ok();
            let again = (vector.again)(&bytes);
            accepted += usize::from(again.is_some());
            if let Some(again) = &again {
                assert_eq!((vector.again)(again).as_ref(), Some(again), "{}: {bytes:?}", vector.name);
            }
            // The runtime looks at deprecated fields, too; of the rest both think alike.
            if checked != again.is_some() {
                differ += 1;
                assert!(!checked && vector.type_id == Evolved::TYPE_ID, "{}: {bytes:?}", vector.name);
            }
        }
    }
    assert!(accepted > 10_000 && accepted < 90_000, "{accepted} of {rounds}");
    assert!(differ > 0 && differ < rounds / 20, "{differ} of {rounds}");
}

#[test]
fn digests_are_those_of_the_runtime() {
    let bus = mycelium::Runtime::builder().threads(1).build().unwrap();
    assert_eq!(bus.register_schema(golden::SCHEMA).unwrap(), golden::SCHEMA_DIGEST);
    assert_eq!(bus.type_digest(Scalars::TYPE_ID).unwrap(), Scalars::TYPE_DIGEST);
    assert_eq!(bus.type_digest(TextMessage::TYPE_ID).unwrap(), TextMessage::TYPE_DIGEST);
    assert_eq!((TextMessage::TOPIC, TextMessage::TYPE_NAME), ("examples", "mycelium.examples.TextMessage"));
}

#[test]
fn negative_zero_is_the_default_zero() {
    let zero = Scalars { float32: -0.0, float64: -0.0, ..Default::default() };
    assert_eq!(zero.encode().unwrap(), bytes_of("scalars_zero"));
}

#[test]
fn a_union_member_from_the_future_reads_as_empty() {
    let mut bytes = bytes_of("drawing_circle");
    let ones: Vec<_> = (0..bytes.len()).filter(|&i| bytes[i] == 1).collect();
    assert_eq!(ones.len(), 1, "the only byte that is 1 is the member's number");
    bytes[ones[0]] = 200;
    let read = Drawing::decode(&bytes).unwrap();
    assert_eq!((read.main, read.title.as_str()), (None, "one"));
}

#[test]
fn refusals_say_why_and_where() {
    let short = TextMessage::decode(&[0; 5]).unwrap_err();
    assert_eq!((short.flaw(), short.offset()), (Flaw::TooShort, 0));
    assert_eq!(short.to_string(), "payload is shorter than any table (seen at byte 0)");
    let text = TextMessage { sender: "s".into(), ..Default::default() };
    let mut bytes = text.encode().unwrap();
    let place = bytes.iter().rposition(|&byte| byte == b's').unwrap();
    bytes[place] = 0xff;
    assert_eq!(TextMessage::decode(&bytes).unwrap_err().flaw(), Flaw::NotUtf8);
}

#[test]
fn tables_nested_too_deep_are_refused_within_a_small_stack() {
    let deep = |levels| {
        let mut node = Node::default();
        for _ in 1..levels {
            node = Node { next: Some(Box::new(node)), ..Default::default() };
        }
        node
    };
    let small = std::thread::Builder::new().stack_size(256 * 1024);
    small
        .spawn(move || {
            assert_eq!(Node::decode(&deep(64).encode().unwrap()), Ok(deep(64)));
            assert_eq!(Node::decode(&deep(65).encode().unwrap()).unwrap_err().flaw(), Flaw::TooDeep);
        })
        .unwrap()
        .join()
        .unwrap();
}

#[test]
fn parts_that_are_shared_too_often_are_refused_at_once() {
    // Strings.list: a vector whose every offset points to one long string.
    let count = 20_000u32;
    let mut bytes = Vec::new();
    bytes.extend(16u32.to_le_bytes());
    bytes.extend([10, 0, 12, 0, 0, 0, 4, 0, 8, 0, 0, 0]);
    for number in [12u32, 8, 12, 0, 0, count] {
        bytes.extend(number.to_le_bytes());
    }
    for i in 0..count {
        bytes.extend((4 * (count - i)).to_le_bytes());
    }
    bytes.extend(60_000u32.to_le_bytes());
    bytes.extend([b'x'; 60_000]);
    bytes.extend([0; 4]);
    assert_eq!(Strings::decode(&bytes).unwrap_err().flaw(), Flaw::Overused);
}

#[test]
fn encoding_without_a_required_part_names_it() {
    let lacking = names::virtual_ {
        in_: Some(Box::new(names::Recursive { other: Some(Box::new(names::Mutual::default())), ..Default::default() })),
        ..Default::default()
    };
    assert_eq!(lacking.encode(), Err(EncodeError::Missing("names.other.Mutual.any")));
    let why = lacking.encode().unwrap_err();
    assert_eq!(why.to_string(), "names.other.Mutual.any is required; set it before you encode");
}

#[test]
fn words_that_rust_takes_for_itself_get_an_underscore() {
    let register = names::register { type_id: 1, wire_size: 2, operator: names::new::delete };
    let message = names::virtual_ {
        topic: Some(register),
        topic_: vec![register; 3],
        in_: Some(Box::new(names::Recursive {
            us: vec![names::Recursive::default(); 2],
            any: Some(names::Any::Again(names::Leaf { x: 3 })),
            other: Some(Box::new(names::Mutual {
                any: Some(names::Any::names_class_default_virtual(Box::default())),
                ..Default::default()
            })),
            ..Default::default()
        })),
        ..Default::default()
    };
    assert_eq!(names::virtual_::decode(&message.encode().unwrap()), Ok(message.clone()));
    assert_eq!(message.type_id, names::new::auto);
    assert_eq!(message.value, f64::NEG_INFINITY);
    assert_eq!(message.table, i64::MIN);
    assert_eq!(names::virtual_::TOPIC, "quote \" backslash \\ tab \t ??/ é");
    let global = names::Global { global: 1, any: Some(names::Any::Leaf(names::Leaf { x: 4 })), ..Default::default() };
    assert_eq!(names::Global::decode(&global.encode().unwrap()), Ok(global));
}

#[test]
fn enums_hold_numbers_that_they_do_not_name() {
    assert_eq!(format!("{:?} {:?}", Colour::Blue, Colour(77)), "Blue Colour(77)");
    assert_eq!((Colour::Darkest.bits(), Colour(5).name(), Colour(6).name()), (-128, Some("Blue"), None));
    let strange = Defaults { colour: Colour(77), ..Default::default() };
    assert_eq!(Defaults::decode(&strange.encode().unwrap()), Ok(strange));
    let some = Access::Read | Access::Admin;
    assert!(some.contains(Access::Read) && !some.contains(Access::Write));
    assert_eq!((some & Access::Admin, !some & Access::Read), (Access::Admin, Access(0)));
}

#[test]
fn encoding_within_encoding_does_not_disturb_it() {
    let outer = CounterUpdate { counter_id: 1, value: 2, delta: 3 };
    let inner = TextMessage { sender: "inner".into(), ..Default::default() };
    let bytes = outer.with_encoded(|bytes| (inner.encode().unwrap(), bytes.to_vec())).unwrap();
    assert_eq!(bytes, (inner.encode().unwrap(), outer.encode().unwrap()));
}
