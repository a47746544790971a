//! What is published arrives: typed, as bytes, in batches, from loans, with an envelope.

use std::io::Write;
use std::sync::mpsc;
use std::time::{Duration, SystemTime};

use mycelium::examples::{CounterUpdate, TextMessage};
use mycelium::{Destination, EncodeError, Envelope, Error, Message, Payload, Runtime, Status, Trace, Verify};

const PATIENCE: Duration = Duration::from_secs(20);
const TYPE: u16 = 20_001;

fn update(value: i32) -> CounterUpdate {
    CounterUpdate { counter_id: 1, value, delta: 1 }
}

#[test]
fn typed_messages_arrive_in_order() {
    let bus = Runtime::new().unwrap();
    let (heard, hears) = mpsc::channel();
    let _subscription = bus.subscribe(move |update: CounterUpdate| heard.send(update).unwrap()).unwrap();
    for value in 0..1000 {
        bus.publish(&update(value)).unwrap();
    }
    for value in 0..1000 {
        assert_eq!(hears.recv_timeout(PATIENCE).unwrap(), update(value));
    }
}

#[test]
fn bytes_arrive_as_they_are_and_empty_ones_too() {
    let bus = Runtime::new().unwrap();
    let (heard, hears) = mpsc::channel();
    let _subscription =
        bus.subscriber().subscribe_bytes(TYPE, move |payload| heard.send(payload.to_vec()).unwrap()).unwrap();
    for payload in [&b"some"[..], b"", b"\0\xff"] {
        bus.publish_bytes(TYPE, payload).unwrap();
        assert_eq!(hears.recv_timeout(PATIENCE).unwrap(), payload);
    }
}

#[test]
fn batches_and_iterators_arrive_whole() {
    let bus = Runtime::new().unwrap();
    let (heard, hears) = mpsc::channel();
    let _subscription = bus
        .subscriber()
        .batch_max(64)
        .subscribe_batch(move |updates: &[CounterUpdate]| {
            assert!(!updates.is_empty() && updates.len() <= 64);
            updates.iter().for_each(|each| heard.send(each.value).unwrap());
        })
        .unwrap();
    assert_eq!(bus.publish_all((0..700).map(update)), Ok(700));
    let more: Vec<_> = (700..710).map(|value| update(value).encode().unwrap()).collect();
    let payloads: Vec<_> = more.iter().map(|bytes| Payload::new(CounterUpdate::TYPE_ID, bytes)).collect();
    bus.publish_batch(&payloads).unwrap();
    for value in 0..710 {
        assert_eq!(hears.recv_timeout(PATIENCE), Ok(value));
    }
    assert_eq!(bus.publish_all(std::iter::empty::<CounterUpdate>()), Ok(0));
}

#[test]
fn a_batch_that_fails_says_how_many_went_out() {
    let bus = Runtime::builder().max_payload(100).build().unwrap();
    let text = |length| TextMessage { content: "x".repeat(length), ..Default::default() };
    let why = bus.publish_all([text(1), text(2), text(1000), text(3)]).unwrap_err();
    assert_eq!((why.published, why.error.status()), (2, Status::TooLarge));
    assert_eq!(bus.stats().unwrap().published, 2);

    struct Unwilling(bool);
    impl Message for Unwilling {
        const TYPE_ID: u16 = TYPE;
        fn encode(&self) -> Result<Vec<u8>, EncodeError> {
            if self.0 {
                Ok(vec![1])
            } else {
                Err(EncodeError::Other("not today"))
            }
        }
        fn decode(_: &[u8]) -> Result<Self, mycelium::DecodeError> {
            Ok(Unwilling(true))
        }
    }
    let why = bus.publish_all([Unwilling(true), Unwilling(false), Unwilling(true)]).unwrap_err();
    assert_eq!(why.published, 1);
    assert_eq!(why.error, Error::Encode(EncodeError::Other("not today")));
    assert_eq!(why.to_string(), "not today (after 1 were published)");
}

#[test]
fn loans_are_published_without_a_copy_and_discarded_when_dropped() {
    let bus = Runtime::new().unwrap();
    let (heard, hears) = mpsc::channel();
    let _subscription = bus
        .subscriber()
        .subscribe_raw(TYPE, move |message| {
            heard.send((message.payload().as_ptr() as usize, message.payload().to_vec())).unwrap()
        })
        .unwrap();
    let mut loan = bus.loan(32).unwrap();
    loan.push(b"four");
    write!(loan, " and {}", 2).unwrap();
    loan.filled_mut()[0] = b'F';
    assert_eq!((loan.filled(), loan.room(), loan.capacity()), (&b"Four and 2"[..], 22, 32));
    let place = loan.filled().as_ptr() as usize;
    loan.publish(TYPE).unwrap();
    assert_eq!(hears.recv_timeout(PATIENCE).unwrap(), (place, b"Four and 2".to_vec()));

    let mut zeroes = bus.loan(3).unwrap();
    zeroes.zeroed()[1] = 7;
    zeroes.publish(TYPE).unwrap();
    assert_eq!(hears.recv_timeout(PATIENCE).unwrap().1, [0, 7, 0]);

    let mut by_hand = bus.loan(2).unwrap();
    by_hand.uninit()[0].write(5);
    unsafe { by_hand.set_len(1) };
    by_hand.publish(TYPE).unwrap();
    assert_eq!(hears.recv_timeout(PATIENCE).unwrap().1, [5]);

    assert_eq!(bus.loan(1).unwrap().write(b"too long").unwrap(), 1);
    let refused = bus.loan(1).unwrap();
    assert_eq!(refused.publish(0).unwrap_err().status(), Status::InvalidArgument);
    assert_eq!(bus.loan(usize::MAX / 2).unwrap_err().status(), Status::TooLarge);
}

#[test]
#[should_panic(expected = "9 bytes do not fit into 8")]
fn a_loan_does_not_grow() {
    Runtime::new().unwrap().loan(8).unwrap().push(&[0; 9]);
}

#[test]
fn envelopes_travel_with_the_message() {
    let bus = Runtime::new().unwrap();
    let (heard, hears) = mpsc::channel();
    let subscription = bus
        .subscriber()
        .subscribe_raw(TextMessage::TYPE_ID, move |message| {
            heard.send((message.envelope(), message.decode::<TextMessage>().unwrap())).unwrap()
        })
        .unwrap();
    let trace = Trace { trace_id: [1; 16], span_id: [2; 8], flags: 1 };
    let given = Envelope {
        priority: 9,
        destination: Destination::Subscription(subscription.id()),
        correlation_id: 77,
        trace: Some(trace),
        ..Default::default()
    };
    let text = TextMessage { content: "to you".into(), ..Default::default() };
    let before = SystemTime::now();
    bus.publish_with(&given, &text).unwrap();
    let (got, message) = hears.recv_timeout(PATIENCE).unwrap();
    assert_eq!(message, text);
    assert_eq!((got.priority, got.destination, got.correlation_id, got.trace), (9, given.destination, 77, Some(trace)));
    assert!(got.sequence > 0 && got.publisher_id > 0);
    let tolerance = Duration::from_secs(5); // clocks may be stepped
    assert!(got.time() > before - tolerance && got.time() < SystemTime::now() + tolerance);

    let by_key = Envelope { destination: Destination::Key(5), ..Default::default() };
    bus.publish_with(&by_key, &text).unwrap();
    assert_eq!(hears.recv_timeout(PATIENCE).unwrap().0.destination, Destination::Key(5));
}

#[test]
fn a_typed_closure_can_see_its_envelope() {
    let bus = Runtime::new().unwrap();
    let (heard, hears) = mpsc::channel();
    let _subscription = bus
        .subscribe(move |_: CounterUpdate| {
            heard.send(mycelium::with_current(|current| current.map(|message| message.envelope().sequence))).unwrap();
        })
        .unwrap();
    bus.publish(&update(1)).unwrap();
    assert!(hears.recv_timeout(PATIENCE).unwrap().unwrap() > 0);
    assert!(mycelium::with_current(|current| current.is_none()));
}

#[test]
fn payloads_are_verified_when_asked_for() {
    let bus = Runtime::builder().verify(Verify::Full).strict(true).build().unwrap();
    let refused = |type_id, payload: &[u8]| bus.publish_bytes(type_id, payload).unwrap_err().status();
    assert_eq!(refused(TextMessage::TYPE_ID, b"no message"), Status::InvalidPayload);
    assert_eq!(refused(TYPE, b"unknown"), Status::UnknownType);
    bus.publish(&TextMessage::default()).unwrap();
    assert!(bus.verify_payload(TextMessage::TYPE_ID, &TextMessage::default().encode().unwrap()).is_ok());
    assert_eq!(bus.stats().unwrap().refused, 2);
}

#[test]
fn history_comes_first() {
    let bus = Runtime::new().unwrap();
    bus.keep_history::<CounterUpdate>(3).unwrap();
    bus.publish_all((0..5).map(update)).unwrap();
    let (heard, hears) = mpsc::channel();
    let told = move |update: CounterUpdate| heard.send(update.value).unwrap();
    let _subscription = bus.subscriber().history(2).subscribe(told).unwrap();
    bus.publish(&update(5)).unwrap();
    for value in 3..6 {
        assert_eq!(hears.recv_timeout(PATIENCE), Ok(value));
    }
}
