//! Requests: waited for, awaited, called back; answered at once, later, or never.

use std::future::Future;
use std::sync::{mpsc, Arc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use mycelium::examples::{CounterUpdate, WordCountReply, WordCountRequest};
use mycelium::{Delivery, Error, Runtime, Status, Subscription};

const PATIENCE: Duration = Duration::from_secs(20);

fn question(text: &str) -> WordCountRequest {
    WordCountRequest { text: text.into() }
}

fn serve(bus: &Runtime) -> Subscription {
    bus.serve(|question: WordCountRequest| WordCountReply {
        words: question.text.split_ascii_whitespace().count() as u64,
        bytes: question.text.len() as u64,
    })
    .unwrap()
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// The smallest executor.
fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = Box::pin(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park_timeout(PATIENCE),
        }
    }
}

#[test]
fn a_request_gets_its_reply() {
    let bus = Runtime::new().unwrap();
    let _server = serve(&bus);
    let reply: WordCountReply = bus.request(&question("one two three"), PATIENCE).unwrap();
    assert_eq!((reply.words, reply.bytes), (3, 13));
    bus.publish(&question("not a request")).unwrap(); // and not answered
}

#[test]
fn without_a_server_there_is_no_reply_at_once() {
    let bus = Runtime::new().unwrap();
    let outcome = bus.request::<_, WordCountReply>(&question(""), PATIENCE);
    assert_eq!(outcome.unwrap_err().status(), Status::NoReply);
    let outcome = block_on(bus.request_async::<_, WordCountReply>(&question(""), PATIENCE).unwrap());
    assert_eq!(outcome.unwrap_err().status(), Status::NoReply);
}

#[test]
fn a_reply_of_another_type_is_an_error() {
    let bus = Runtime::new().unwrap();
    let _server = bus.serve(|_: WordCountRequest| CounterUpdate::default()).unwrap();
    let outcome = bus.request::<_, WordCountReply>(&question(""), PATIENCE);
    assert_eq!(outcome, Err(Error::UnexpectedType { wanted: WordCountReply::TYPE_ID, received: 1002 }));
}

#[test]
fn an_unanswered_request_times_out_and_a_late_answer_is_refused() {
    let bus = Runtime::new().unwrap();
    let (tell, told) = mpsc::channel();
    let _server = bus
        .subscriber()
        .subscribe_raw(WordCountRequest::TYPE_ID, move |request| {
            assert!(request.is_request());
            tell.send(request.retain()).unwrap();
        })
        .unwrap();
    let outcome = bus.request::<_, WordCountReply>(&question(""), Duration::from_millis(1));
    assert_eq!(outcome.unwrap_err().status(), Status::Timeout);
    let request = told.recv_timeout(PATIENCE).unwrap();
    let late = bus.reply(&request, &WordCountReply::default());
    assert_eq!(late.unwrap_err().status(), Status::Subscription);
}

#[test]
fn a_request_may_be_answered_later_from_another_thread() {
    let bus = Runtime::new().unwrap();
    let handle = bus.bus();
    let _server = bus
        .subscriber()
        .subscribe_raw(WordCountRequest::TYPE_ID, move |request| {
            let request = request.retain();
            thread::spawn(move || handle.reply(&request, &WordCountReply { words: 9, bytes: 0 }).unwrap());
        })
        .unwrap();
    assert_eq!(bus.request::<_, WordCountReply>(&question(""), PATIENCE).unwrap().words, 9);
}

#[test]
fn replies_can_be_awaited_many_at_a_time() {
    let bus = Runtime::new().unwrap();
    let _server = serve(&bus);
    let replies: Vec<_> = (1..=50)
        .map(|words| bus.request_async::<_, WordCountReply>(&question(&"word ".repeat(words)), PATIENCE).unwrap())
        .collect();
    for (words, reply) in (1..=50).zip(replies) {
        assert_eq!(block_on(reply).unwrap().words, words);
    }
}

#[test]
fn a_closure_cannot_wait_for_a_reply_but_can_be_called_with_it() {
    let bus = Runtime::new().unwrap();
    let _server = serve(&bus);
    let (handle, (tell, told)) = (bus.bus(), mpsc::channel());
    let _asks = bus
        .subscribe(move |_: CounterUpdate| {
            let waited = handle.request::<_, WordCountReply>(&question("a b"), PATIENCE);
            assert_eq!(waited.unwrap_err().status(), Status::Unsupported);
            let tell = tell.clone();
            let then = move |reply: mycelium::Result<WordCountReply>| tell.send(reply.unwrap().words).unwrap();
            handle.request_then(&question("a b"), PATIENCE, then).unwrap();
        })
        .unwrap();
    bus.publish(&CounterUpdate::default()).unwrap();
    assert_eq!(told.recv_timeout(PATIENCE), Ok(2));
}

#[test]
fn cancelling_frees_the_closure_and_so_does_dropping_the_future() {
    let bus = Runtime::new().unwrap();
    let (keep, kept) = mpsc::channel();
    let _never = bus
        .subscriber()
        .subscribe_raw(WordCountRequest::TYPE_ID, move |request| keep.send(request.retain()).unwrap())
        .unwrap();
    let (tell, told) = mpsc::channel::<()>();
    let then = move |_: mycelium::Result<WordCountReply>| tell.send(()).unwrap();
    let pending = bus.request_then(&question(""), PATIENCE, then).unwrap();
    assert_eq!(bus.stats().unwrap().requests_pending, 1);
    assert!(pending.cancel());
    assert_eq!(told.try_recv(), Err(mpsc::TryRecvError::Disconnected));

    let future = bus.request_async::<_, WordCountReply>(&question(""), PATIENCE).unwrap();
    assert_eq!(bus.stats().unwrap().requests_pending, 1);
    drop(future);
    assert_eq!(bus.stats().unwrap().requests_pending, 0);
    drop(kept);
}

#[test]
fn cancelling_too_late_says_so() {
    let bus = Runtime::new().unwrap();
    let _server = serve(&bus);
    let (tell, told) = mpsc::channel();
    let then = move |reply: mycelium::Result<WordCountReply>| tell.send(reply.unwrap()).unwrap();
    let pending = bus.request_then(&question("a"), PATIENCE, then).unwrap();
    told.recv_timeout(PATIENCE).unwrap();
    assert!(!pending.cancel());
}

#[test]
fn closing_completes_pending_requests() {
    let bus = Runtime::new().unwrap();
    let (keep, kept) = mpsc::channel();
    let _never = bus
        .subscriber()
        .subscribe_raw(WordCountRequest::TYPE_ID, move |request| keep.send(request.retain()).unwrap())
        .unwrap();
    let future = bus.request_async::<_, WordCountReply>(&question(""), PATIENCE).unwrap();
    let _request = kept.recv_timeout(PATIENCE).unwrap();
    drop(bus);
    assert_eq!(block_on(future).unwrap_err().status(), Status::Closed);
}

#[test]
fn a_queue_gathers_replies() {
    let bus = Runtime::new().unwrap();
    let _server = serve(&bus);
    let queue = bus.queue().unwrap();
    let asked = queue.request(&question("a b c"), PATIENCE).unwrap();
    match queue.receive(PATIENCE).unwrap() {
        Some(Delivery::Reply { request, outcome }) => {
            assert_eq!((request, outcome.unwrap().decode::<WordCountReply>().unwrap().words), (asked, 3));
        }
        other => panic!("{other:?}"),
    }
    let unanswered = queue.request(&CounterUpdate::default(), PATIENCE).unwrap();
    match queue.receive(PATIENCE).unwrap() {
        Some(Delivery::Reply { request, outcome }) => {
            assert_eq!((request, outcome.unwrap_err().status()), (unanswered, Status::NoReply));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(queue.cancel(unanswered).unwrap_err().status(), Status::Subscription);
}
