//! Queues and streams: messages are taken where it suits.

use std::os::raw::{c_int, c_short, c_ulong};
use std::os::unix::io::{AsRawFd, RawFd};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use mycelium::examples::{CounterUpdate, TextMessage};
use mycelium::{Delivery, Policy, Runtime, Status};

const PATIENCE: Duration = Duration::from_secs(20);

fn update(value: i32) -> CounterUpdate {
    CounterUpdate { value, ..Default::default() }
}

#[repr(C)]
struct PollFd {
    fd: RawFd,
    events: c_short,
    revents: c_short,
}

extern "C" {
    fn poll(fds: *mut PollFd, count: c_ulong, timeout_ms: c_int) -> c_int;
}

fn readable(fd: RawFd, timeout_ms: c_int) -> bool {
    let mut one = PollFd { fd, events: 1, revents: 0 };
    unsafe { poll(&mut one, 1, timeout_ms) == 1 && one.revents & 1 == 1 }
}

#[test]
fn a_stream_yields_messages_in_order_and_ends_with_the_runtime() {
    let bus = Runtime::new().unwrap();
    let updates = bus.stream::<CounterUpdate>().unwrap();
    let (reads, reading) = mpsc::channel();
    let reader = thread::spawn(move || {
        let mut values = updates.map(|update| update.unwrap().value);
        let first = values.next();
        reads.send(()).unwrap();
        first.into_iter().chain(values).collect::<Vec<_>>()
    });
    bus.publish(&update(0)).unwrap();
    reading.recv().unwrap(); // close waits for who reads already
    bus.publish_all((1..1000).map(update)).unwrap();
    drop(bus); // delivers what was accepted
    assert_eq!(reader.join().unwrap(), (0..1000).collect::<Vec<_>>());
}

#[test]
fn a_stream_can_be_asked_for_what_is_there() {
    let bus = Runtime::new().unwrap();
    let mut updates = bus.stream::<CounterUpdate>().unwrap();
    assert_eq!(updates.next_timeout(Duration::ZERO), Ok(None));
    assert!(!updates.has_ended());
    bus.publish(&update(1)).unwrap();
    bus.publish(&update(2)).unwrap();
    let first = updates.next_raw(PATIENCE).unwrap().unwrap();
    assert_eq!((first.decode::<CounterUpdate>().unwrap().value, first.envelope().sequence > 0), (1, true));
    assert_eq!(updates.subscription().unwrap().stats().unwrap().delivered, 2);
    updates.stop();
    bus.publish(&update(3)).unwrap();
    assert_eq!(updates.next_timeout(PATIENCE), Ok(Some(update(2)))); // it had that already
    assert_eq!(updates.next(), None);
    assert_eq!(bus.stats().unwrap().subscriptions, 0);
}

#[test]
fn a_stream_has_options_and_an_end() {
    let bus = Runtime::new().unwrap();
    let mut latest = bus.subscriber().capacity(2).policy(Policy::DropOldest).stream::<CounterUpdate>().unwrap();
    bus.publish_all((0..100).map(update)).unwrap();
    assert_eq!(latest.next().unwrap().unwrap().value, 98);
    drop(latest);
    let stats = bus.stats().unwrap();
    assert_eq!((stats.subscriptions, stats.queues, stats.dropped.oldest), (0, 0, 98));
}

#[test]
fn a_stream_yields_an_error_for_what_is_no_message_and_goes_on() {
    let bus = Runtime::new().unwrap();
    let mut texts = bus.stream::<TextMessage>().unwrap();
    bus.publish_bytes(TextMessage::TYPE_ID, b"nonsense").unwrap();
    bus.publish(&TextMessage::default()).unwrap();
    assert_eq!(texts.next().unwrap().unwrap_err().status(), Status::InvalidPayload);
    assert_eq!(texts.next().unwrap(), Ok(TextMessage::default()));
}

#[test]
fn a_closure_cannot_wait_for_a_stream() {
    let bus = Runtime::new().unwrap();
    let mut updates = bus.stream::<CounterUpdate>().unwrap();
    let (tell, told) = mpsc::channel();
    let _subscription =
        bus.subscribe(move |_: TextMessage| tell.send(updates.next().unwrap().unwrap_err().status()).unwrap()).unwrap();
    bus.publish(&TextMessage::default()).unwrap();
    assert_eq!(told.recv_timeout(PATIENCE), Ok(Status::Unsupported));
}

#[test]
fn a_queue_gathers_subscriptions_and_says_when_they_end() {
    let bus = Runtime::new().unwrap();
    let queue = bus.queue().unwrap();
    let texts = bus.subscriber().to_queue(&queue, TextMessage::TYPE_ID).unwrap();
    let updates = bus.subscriber().to_queue(&queue, CounterUpdate::TYPE_ID).unwrap();
    bus.publish(&TextMessage::default()).unwrap();
    bus.publish(&update(1)).unwrap();
    let mut all = Vec::new();
    while all.len() < 2 {
        queue.receive_many(&mut all, 10, PATIENCE).unwrap();
    }
    let mut types: Vec<_> = all
        .iter()
        .map(|each| match each {
            Delivery::Message { subscription, message } => (*subscription, message.type_id()),
            other => panic!("{other:?}"),
        })
        .collect();
    types.sort();
    assert_eq!(types, [(texts.id(), TextMessage::TYPE_ID), (updates.id(), CounterUpdate::TYPE_ID)]);
    let ended = texts.id();
    drop(texts);
    match queue.receive(PATIENCE).unwrap() {
        Some(Delivery::Complete { subscription }) => assert_eq!(subscription, ended),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_descriptor_is_readable_while_there_is_something() {
    let bus = Runtime::new().unwrap();
    let mut updates = bus.stream::<CounterUpdate>().unwrap();
    assert!(!readable(updates.as_raw_fd(), 0));
    bus.publish(&update(1)).unwrap();
    assert!(readable(updates.as_raw_fd(), 20_000));
    assert_eq!(updates.next_timeout(Duration::ZERO), Ok(Some(update(1))));
    assert_eq!(updates.next_timeout(Duration::ZERO), Ok(None));
    assert!(!readable(updates.as_raw_fd(), 0));
}

#[test]
fn a_queue_can_be_woken_and_closes_with_the_runtime() {
    let bus = Runtime::new().unwrap();
    let queue = bus.queue().unwrap();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| queue.receive(Duration::MAX));
        queue.wake().unwrap();
        assert!(waiting.join().unwrap().unwrap().is_none());
    });
    bus.close(PATIENCE).unwrap();
    assert_eq!(queue.receive(PATIENCE).unwrap_err().status(), Status::Closed);
}
