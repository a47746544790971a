//! Panics and payloads that are no messages end where they happen, are counted, and are told to the log.

use std::panic;
use std::sync::{mpsc, Once};
use std::time::Duration;

use mycelium::examples::{CounterUpdate, TextMessage, WordCountReply, WordCountRequest};
use mycelium::{LogLevel, Runtime, Status};

const PATIENCE: Duration = Duration::from_secs(20);

/// These panics are part of the test: nobody needs to see them.
fn quietly() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            let text = panic.payload().downcast_ref::<&str>().copied();
            if !text.map_or(false, |text| text.contains("on purpose")) {
                usual(panic);
            }
        }));
    });
}

fn logging() -> (Runtime, mpsc::Receiver<(LogLevel, String)>) {
    quietly();
    let (tell, told) = mpsc::sync_channel(100); // its sender is Sync
    let log = move |level: LogLevel, text: &str| tell.send((level, text.to_owned())).unwrap_or(());
    (Runtime::builder().name("failing").log(log).build().unwrap(), told)
}

#[test]
fn a_panic_is_counted_and_logged_and_the_next_message_comes() {
    let (bus, log) = logging();
    let (tell, told) = mpsc::channel();
    let subscription = bus
        .subscriber()
        .name("odd ones")
        .subscribe(move |update: CounterUpdate| {
            if update.value % 2 == 1 {
                panic!("panics on purpose");
            }
            tell.send(update.value).unwrap();
        })
        .unwrap();
    for value in 0..10 {
        bus.publish(&CounterUpdate { value, ..Default::default() }).unwrap();
    }
    bus.flush(PATIENCE).unwrap();
    assert_eq!(told.try_iter().collect::<Vec<_>>(), [0, 2, 4, 6, 8]);
    assert_eq!((subscription.failures(), subscription.stats().unwrap().callback_errors), (5, 5));
    assert_eq!(bus.stats().unwrap().callback_errors, 5);
    assert_eq!(subscription.stats().unwrap().delivered, 10);
    let text = "subscription 'odd ones': a callback panicked: panics on purpose".to_owned();
    assert_eq!(log.try_iter().collect::<Vec<_>>(), vec![(LogLevel::Error, text); 5]);
}

#[test]
fn every_kind_of_closure_may_panic() {
    let (bus, _log) = logging();
    struct Panics;
    impl Panics {
        fn exist(&self) {}
    }
    impl Drop for Panics {
        fn drop(&mut self) {
            panic!("panics on purpose when it is dropped");
        }
    }
    let dropped = Panics;
    let subscriptions = vec![
        bus.subscriber().subscribe_bytes(1, |_| panic!("on purpose")).unwrap(),
        bus.subscriber().subscribe_raw(1, |_| panic!("on purpose")).unwrap(),
        bus.subscriber().subscribe_raw_batch(1, |_| panic!("on purpose")).unwrap(),
        bus.subscriber().on_complete(|_| panic!("on purpose")).subscribe_bytes(2, |_| {}).unwrap(),
        bus.subscriber().subscribe_bytes(2, move |_| dropped.exist()).unwrap(),
    ];
    bus.publish_bytes(1, b"x").unwrap();
    bus.publish_bytes(2, b"x").unwrap();
    bus.flush(PATIENCE).unwrap();
    assert_eq!(bus.stats().unwrap().callback_errors, 3);
    drop(subscriptions);
    assert_eq!(bus.stats().unwrap().callback_errors, 5);
}

#[test]
fn what_is_no_message_is_counted_and_logged() {
    let (bus, log) = logging();
    let (tell, told) = mpsc::channel();
    let subscription = bus.subscribe(move |text: TextMessage| tell.send(text).unwrap()).unwrap();
    let batched = bus.subscriber().subscribe_batch(|texts: &[TextMessage]| assert_eq!(texts.len(), 1)).unwrap();
    bus.publish_bytes(TextMessage::TYPE_ID, b"nonsense").unwrap();
    bus.publish(&TextMessage::default()).unwrap();
    bus.flush(PATIENCE).unwrap();
    assert_eq!(told.try_iter().count(), 1);
    assert_eq!((subscription.failures(), batched.failures()), (1, 1));
    let (level, text) = log.recv_timeout(PATIENCE).unwrap();
    assert_eq!(level, LogLevel::Error);
    assert!(text.contains("a message of type 1001 was refused: offset "), "{text}");
}

#[test]
fn a_server_that_panics_leaves_its_request_unanswered() {
    let (bus, _log) = logging();
    let server = bus
        .serve(|question: WordCountRequest| {
            assert!(!question.text.is_empty(), "on purpose");
            WordCountReply::default()
        })
        .unwrap();
    let ask = |text: &str| bus.request::<_, WordCountReply>(&WordCountRequest { text: text.into() }, PATIENCE);
    assert!(ask("some").is_ok());
    assert_eq!(ask("").unwrap_err().status(), Status::NoReply);
    assert_eq!(server.failures(), 1);
    let nonsense = bus.request_bytes(WordCountRequest::TYPE_ID, b"nonsense", PATIENCE);
    assert_eq!(nonsense.unwrap_err().status(), Status::NoReply);
    assert_eq!(server.failures(), 2);
}

#[test]
fn a_panic_of_a_closure_that_gets_a_reply_is_counted() {
    let (bus, log) = logging();
    let then = |_: mycelium::Result<WordCountReply>| panic!("on purpose");
    bus.request_then(&WordCountRequest::default(), PATIENCE, then).unwrap();
    let line = log.recv_timeout(PATIENCE).unwrap();
    assert_eq!(line, (LogLevel::Error, "a request: a callback panicked: on purpose".to_owned()));
    assert_eq!(bus.stats().unwrap().callback_errors, 1);
}

#[test]
fn a_log_that_panics_harms_nobody() {
    quietly();
    let bus = Runtime::builder().log(|_, _| panic!("on purpose")).build().unwrap();
    let subscription = bus.subscriber().subscribe_bytes(1, |_| panic!("on purpose")).unwrap();
    bus.publish_bytes(1, b"x").unwrap();
    bus.flush(PATIENCE).unwrap();
    assert_eq!(subscription.failures(), 1);
}

#[test]
fn the_librarys_own_lines_come_to_the_log() {
    let (tell, told) = mpsc::sync_channel(100);
    let log = move |_: LogLevel, text: &str| drop(tell.send(text.to_owned()));
    let bus = Runtime::builder().log(log).build().unwrap();
    let (release, released) = mpsc::channel::<()>();
    let slow = bus
        .subscriber()
        .name("too slow")
        .capacity(2)
        .policy(mycelium::Policy::DropNewest)
        .dedicated()
        .subscribe_bytes(1, move |_| released.recv().unwrap_or(()))
        .unwrap();
    for _ in 0..10 {
        bus.publish_bytes(1, b"x").unwrap();
    }
    drop(release);
    let line = told.recv_timeout(PATIENCE).unwrap();
    assert!(line.contains("too slow"), "{line}");
    drop(slow);
}
