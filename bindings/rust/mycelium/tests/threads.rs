//! What may go to other threads, and what happens when many do everything at once.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use mycelium::examples::{CounterUpdate, TextMessage, WordCountReply, WordCountRequest};
use mycelium::*;

fn is_send<T: Send>() {}
fn is_sync<T: Sync>() {}

#[test]
fn everything_goes_to_other_threads() {
    macro_rules! all {
        ($($name:ty),*) => {$( is_send::<$name>(); is_sync::<$name>(); )*};
    }
    all!(
        Runtime,
        Bus,
        Subscription,
        Loan,
        Queue,
        Stream<CounterUpdate>,
        Delivery,
        Received<'static>,
        Retained,
        Batch<'static>,
        Payload<'static>,
        PendingRequest,
        Reply<WordCountReply>,
        Error,
        BatchError,
        Envelope
    );
    // Options hold closures that only one thread at a time may touch.
    is_send::<RuntimeBuilder>();
    is_send::<Subscriber>();
}

/// Threads subscribe, publish, ask, retain and drop, all at once; then every closure is gone and the counts agree.
#[test]
fn many_threads_do_everything_at_once() {
    const THREADS: usize = 6;
    const ROUNDS: u64 = 500;
    let bus = Runtime::builder().threads(3).mailbox_capacity(64).policy(Policy::DropOldest).build().unwrap();
    let (alive, calls) = (Arc::new(()), Arc::new(AtomicU64::new(0)));
    let _server = bus.serve(|_: WordCountRequest| WordCountReply::default()).unwrap();
    thread::scope(|scope| {
        for number in 0..THREADS {
            let (handle, alive, calls) = (bus.bus(), alive.clone(), calls.clone());
            scope.spawn(move || one_thread(handle, number, ROUNDS, &alive, &calls));
        }
    });
    bus.flush(Duration::from_secs(20)).unwrap();
    assert_eq!(Arc::strong_count(&alive), 1, "a closure is still there");
    let stats = bus.stats().unwrap();
    assert_eq!((stats.subscriptions, stats.queues, stats.requests_pending, stats.callback_errors), (1, 0, 0, 0));
    assert_eq!(stats.offered, stats.delivered + stats.dropped.total());
    assert!(calls.load(Ordering::Relaxed) > 0);
}

fn one_thread(bus: Bus, number: usize, rounds: u64, alive: &Arc<()>, calls: &Arc<AtomicU64>) {
    let update = CounterUpdate { counter_id: number as u64, ..Default::default() };
    let mut kept = Vec::new();
    for round in 0..rounds {
        let (here, counted) = (alive.clone(), calls.clone());
        let ended = Arc::new(AtomicBool::new(false));
        let seen = ended.clone();
        let options = bus.subscriber();
        let options = match round % 4 {
            0 => options.inline(),
            1 => options.capacity(2).policy(Policy::DropNewest),
            2 if round % 20 == 2 => options.dedicated(),
            _ => options,
        };
        let subscription = options.subscribe(move |_: CounterUpdate| {
            assert!(!seen.load(Ordering::SeqCst), "called after its end");
            counted.fetch_add(Arc::strong_count(&here) as u64, Ordering::Relaxed);
        });
        let subscription = subscription.unwrap();
        let mut stream = bus.stream::<CounterUpdate>().unwrap();
        for _ in 0..20 {
            bus.publish(&update).unwrap();
        }
        kept.extend(stream.next_raw(Duration::ZERO).unwrap());
        bus.publish_all(vec![TextMessage::default(); 3]).unwrap();
        if round % 10 == 0 {
            let timeout = Duration::from_secs(20);
            bus.request::<_, WordCountReply>(&WordCountRequest::default(), timeout).unwrap();
            drop(bus.request_async::<_, WordCountReply>(&WordCountRequest::default(), timeout).unwrap());
            kept.clear();
        }
        if round % 3 == 0 {
            bus.unsubscribe(subscription.detach()).unwrap();
        } else {
            drop(subscription);
        }
        ended.store(true, Ordering::SeqCst);
    }
}

/// Runtimes are made and dropped while other threads still use their handles.
#[test]
fn handles_are_used_while_their_runtimes_end() {
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..20 {
                    let bus = Runtime::builder().threads(1).build().unwrap();
                    let handle = bus.bus();
                    let user = thread::spawn(move || {
                        let mut published = 0;
                        loop {
                            let subscription = handle.subscribe(|_: CounterUpdate| {});
                            match handle.publish(&CounterUpdate::default()) {
                                Ok(()) => published += 1,
                                Err(why) => {
                                    assert_eq!(why.status(), Status::Closed);
                                    return published;
                                }
                            }
                            drop(subscription);
                        }
                    });
                    handle.wait_for_subscribers::<CounterUpdate>(1, Duration::from_secs(20)).unwrap();
                    drop(bus);
                    user.join().unwrap();
                }
            });
        }
    });
}
