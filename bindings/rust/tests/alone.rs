//! A module that needs no crate: compiled with rustc alone, beside those of golden.fbs and names.fbs.

#[path = "examples.rs"]
mod examples;
#[path = "golden.rs"]
mod golden;
#[path = "names.rs"]
mod names;

use examples::codec::Message;

fn main() {
    let text = examples::TextMessage { sender: "a".into(), content: "b".into(), timestamp: 3 };
    let bytes = text.encode().unwrap();
    assert_eq!(examples::TextMessage::decode(&bytes), Ok(text));
    let why = examples::TextMessage::decode(&bytes[..5]).unwrap_err();
    assert_eq!(why.to_string(), "payload is shorter than any table (seen at byte 0)");
    let strings = golden::Strings { needed: "n".into(), ..Default::default() };
    assert_eq!(golden::Strings::decode(&strings.encode().unwrap()), Ok(strings));
    assert_eq!(<names::Global as names::codec::Message>::TYPE_ID, 60001);
    assert_eq!(<examples::CounterUpdate as Message>::TOPIC, "examples");
}
