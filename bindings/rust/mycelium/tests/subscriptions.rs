//! Subscriptions: when closures run, when they are gone, what a full mailbox does.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{mpsc, Arc, Mutex};
use std::thread;
use std::time::Duration;

use mycelium::examples::CounterUpdate;
use mycelium::{DropReason, Policy, Runtime, Status, Subscription};

const PATIENCE: Duration = Duration::from_secs(20);

/// Says when the closure that owns it is dropped.
struct Gone(mpsc::Sender<&'static str>);

impl Drop for Gone {
    fn drop(&mut self) {
        let _ = self.0.send("gone");
    }
}

#[test]
fn dropping_a_subscription_ends_it_and_frees_the_closure() {
    let bus = Runtime::new().unwrap();
    let (tell, told) = mpsc::channel();
    let (gone, completed) = (Gone(tell.clone()), tell.clone());
    let subscription = bus
        .subscriber()
        .on_complete(move |_| completed.send("complete").unwrap())
        .subscribe(move |_: CounterUpdate| gone.0.send("called").unwrap())
        .unwrap();
    bus.publish(&CounterUpdate::default()).unwrap();
    assert_eq!(told.recv_timeout(PATIENCE), Ok("called"));
    drop(subscription);
    assert_eq!([told.try_recv(), told.try_recv()], [Ok("complete"), Ok("gone")]);
    bus.publish(&CounterUpdate::default()).unwrap();
    bus.flush(PATIENCE).unwrap();
    assert!(told.try_recv().is_err());
    assert_eq!(bus.stats().unwrap().subscriptions, 0);
}

#[test]
fn a_detached_subscription_lasts_until_unsubscribed() {
    let bus = Runtime::new().unwrap();
    let (tell, told) = mpsc::channel();
    let id = bus.subscribe(move |_: CounterUpdate| tell.send(()).unwrap()).unwrap().detach();
    bus.publish(&CounterUpdate::default()).unwrap();
    told.recv_timeout(PATIENCE).unwrap();
    bus.flush(PATIENCE).unwrap(); // it is counted when the closure has returned
    assert_eq!(bus.subscription_stats(id).unwrap().delivered, 1);
    bus.unsubscribe(id).unwrap();
    assert_eq!(told.recv_timeout(PATIENCE), Err(mpsc::RecvTimeoutError::Disconnected));
    assert_eq!(bus.unsubscribe(id).unwrap_err().status(), Status::Subscription);
}

#[test]
fn a_closure_may_end_its_own_subscription() {
    let bus = Runtime::new().unwrap();
    let own: Arc<Mutex<Option<Subscription>>> = Arc::default();
    let (inside, (tell, told)) = (own.clone(), mpsc::channel());
    let gone = Gone(tell);
    let subscription = bus
        .subscribe(move |_: CounterUpdate| {
            let taken = inside.lock().unwrap().take();
            taken.unwrap().close().unwrap();
            gone.0.send("closed").unwrap();
        })
        .unwrap();
    *own.lock().unwrap() = Some(subscription);
    bus.publish_all(vec![CounterUpdate::default(); 10]).unwrap();
    assert_eq!(told.recv_timeout(PATIENCE), Ok("closed"));
    assert_eq!(told.recv_timeout(PATIENCE), Ok("gone"));
    bus.flush(PATIENCE).unwrap();
    assert!(told.try_recv().is_err(), "a closure ran after its end");
}

#[test]
fn a_closure_may_publish_subscribe_and_unsubscribe() {
    let bus = Runtime::new().unwrap();
    let (tell, told) = mpsc::channel();
    let handle = bus.bus();
    let _chain = bus
        .subscribe(move |update: CounterUpdate| {
            tell.send(update.value).unwrap();
            if update.value < 50 {
                let other = handle.subscribe(|_: CounterUpdate| {}).unwrap();
                handle.publish(&CounterUpdate { value: update.value + 1, ..update }).unwrap();
                drop(other);
            }
        })
        .unwrap();
    bus.publish(&CounterUpdate::default()).unwrap();
    for value in 0..=50 {
        assert_eq!(told.recv_timeout(PATIENCE), Ok(value));
    }
}

#[test]
fn closures_keep_their_state_and_never_run_twice_at_once() {
    let bus = Runtime::builder().threads(4).build().unwrap();
    let busy = Arc::new(AtomicBool::new(false));
    let (tell, told) = mpsc::channel();
    let mut seen = HashSet::new();
    let _subscription = bus
        .subscribe(move |update: CounterUpdate| {
            assert!(!busy.swap(true, Ordering::SeqCst));
            seen.insert(update.value);
            busy.store(false, Ordering::SeqCst);
            if seen.len() == 4000 {
                tell.send(()).unwrap();
            }
        })
        .unwrap();
    let publishers: Vec<_> = (0..4)
        .map(|part| {
            let bus = bus.bus();
            thread::spawn(move || {
                for value in part * 1000..(part + 1) * 1000 {
                    bus.publish(&CounterUpdate { value, ..Default::default() }).unwrap();
                }
            })
        })
        .collect();
    publishers.into_iter().for_each(|each| each.join().unwrap());
    told.recv_timeout(PATIENCE).unwrap();
}

#[test]
fn a_dedicated_closure_has_a_thread_and_an_inline_one_the_publishers() {
    let bus = Runtime::new().unwrap();
    let (tell, told) = mpsc::channel();
    let inline = tell.clone();
    let _inline = bus
        .subscriber()
        .inline()
        .subscribe(move |_: CounterUpdate| inline.send(("inline", thread::current().id())).unwrap())
        .unwrap();
    bus.publish(&CounterUpdate::default()).unwrap();
    assert_eq!(told.recv_timeout(PATIENCE), Ok(("inline", thread::current().id())));

    let (handle, own) = (bus.bus(), thread::current().id());
    let _dedicated = bus
        .subscriber()
        .name("may block")
        .dedicated()
        .subscribe(move |_: CounterUpdate| {
            // A pooled closure could not wait.
            handle.wait_for_subscribers::<mycelium::examples::TextMessage>(1, PATIENCE).unwrap();
            tell.send(("dedicated", thread::current().id())).unwrap();
        })
        .unwrap();
    bus.publish(&CounterUpdate::default()).unwrap();
    let _awaited = bus.subscribe(|_: mycelium::examples::TextMessage| {}).unwrap();
    let others: Vec<_> = (0..2).map(|_| told.recv_timeout(PATIENCE).unwrap()).collect();
    assert!(others.iter().any(|(what, id)| *what == "dedicated" && *id != own), "{others:?}");
}

#[test]
fn an_inline_closure_that_publishes_its_own_type_is_not_entered_again() {
    let bus = Runtime::new().unwrap();
    let (handle, (tell, told)) = (bus.bus(), mpsc::channel());
    let inside = AtomicBool::new(false);
    let _subscription = bus
        .subscriber()
        .inline()
        .subscribe(move |update: CounterUpdate| {
            assert!(!inside.swap(true, Ordering::Relaxed), "entered twice");
            if update.value < 20 {
                handle.publish(&CounterUpdate { value: update.value + 1, ..update }).unwrap();
            }
            inside.store(false, Ordering::Relaxed);
            tell.send(update.value).unwrap();
        })
        .unwrap();
    bus.publish(&CounterUpdate::default()).unwrap();
    for value in 0..=20 {
        assert_eq!(told.recv_timeout(PATIENCE), Ok(value));
    }
}

/// A subscription whose closure waits until it is let go.
fn held(bus: &Runtime, policy: Policy) -> (Subscription, mpsc::Sender<()>, mpsc::Receiver<String>) {
    let (release, released) = mpsc::channel::<()>();
    let (tell, told) = mpsc::channel();
    let drops = tell.clone();
    let subscription = bus
        .subscriber()
        .dedicated()
        .capacity(2)
        .policy(policy)
        .block_timeout(Duration::from_millis(1))
        .on_drop(move |event| {
            let what = if event.recovered { "recovered" } else { "began" };
            drops.send(format!("{what} {:?} {}", event.reason, event.dropped)).unwrap()
        })
        .subscribe(move |update: CounterUpdate| {
            tell.send(format!("value {}", update.value)).unwrap();
            released.recv().unwrap();
        })
        .unwrap();
    bus.publish(&CounterUpdate::default()).unwrap();
    assert_eq!(told.recv_timeout(PATIENCE).unwrap(), "value 0");
    (subscription, release, told)
}

fn publish(bus: &Runtime, value: i32) -> Result<(), Status> {
    bus.publish(&CounterUpdate { value, ..Default::default() }).map_err(|why| why.status())
}

#[test]
fn full_mailboxes_do_what_their_policy_says() {
    let cases = [
        (Policy::DropOldest, Ok(()), DropReason::Oldest, ["value 2", "value 3"]),
        (Policy::DropNewest, Ok(()), DropReason::Newest, ["value 1", "value 2"]),
        (Policy::Fail, Err(Status::Full), DropReason::Full, ["value 1", "value 2"]),
        (Policy::Block, Err(Status::Timeout), DropReason::Timeout, ["value 1", "value 2"]),
    ];
    for (policy, outcome, reason, values) in cases {
        let bus = Runtime::new().unwrap();
        let (subscription, release, told) = held(&bus, policy);
        assert_eq!([publish(&bus, 1), publish(&bus, 2), publish(&bus, 3)], [Ok(()), Ok(()), outcome], "{policy:?}");
        let stats = subscription.stats().unwrap(); // the message that is being delivered counts as waiting
        assert_eq!((stats.capacity, stats.waiting, stats.dropped.total()), (2, 3, 1), "{policy:?}");
        (0..3).for_each(|_| release.send(()).unwrap());
        let lines: Vec<_> = (0..4).map(|_| told.recv_timeout(PATIENCE).unwrap()).collect();
        assert_eq!(lines.iter().filter(|line| line.starts_with("value")).collect::<Vec<_>>(), values, "{policy:?}");
        assert!(lines.contains(&format!("began {reason:?} 1")), "{policy:?}: {lines:?}");
        assert!(lines.contains(&format!("recovered {reason:?} 1")), "{policy:?}: {lines:?}");
    }
}

#[test]
fn a_failed_subscription_frees_its_closure_at_once() {
    let bus = Runtime::new().unwrap();
    let (tell, told) = mpsc::channel();
    let gone = Gone(tell);
    let outcome = bus.subscriber().subscribe_bytes(0, move |_| gone.0.send("called").unwrap());
    assert_eq!(outcome.unwrap_err().status(), Status::InvalidArgument);
    assert_eq!(told.try_recv(), Ok("gone"));
    let named = bus.subscriber().name("zero\0byte").subscribe_bytes(1, |_| {});
    assert_eq!(named.unwrap_err().status(), Status::InvalidArgument);
}

#[test]
fn a_kept_message_outlives_closure_and_runtime() {
    let (tell, told) = mpsc::channel();
    let bus = Runtime::new().unwrap();
    let _inline = bus
        .subscriber()
        .inline()
        .subscribe_raw(CounterUpdate::TYPE_ID, move |message| tell.send(message.retain()).unwrap())
        .unwrap();
    bus.publish(&CounterUpdate { value: 7, ..Default::default() }).unwrap();
    drop(bus);
    let kept = told.recv_timeout(PATIENCE).unwrap();
    let copy = kept.clone();
    drop(kept);
    assert_eq!(copy.decode::<CounterUpdate>().unwrap().value, 7);
    assert_eq!(copy.payload().as_ptr() as usize % 16, 0);
    let wrong = copy.decode::<mycelium::examples::TextMessage>().unwrap_err();
    assert_eq!(wrong, mycelium::Error::UnexpectedType { wanted: 1001, received: 1002 });
}

#[test]
fn a_raw_batch_is_a_slice_of_messages() {
    let bus = Runtime::new().unwrap();
    let count = Arc::new(AtomicUsize::new(0));
    let counted = count.clone();
    let _subscription = bus
        .subscriber()
        .subscribe_raw_batch(CounterUpdate::TYPE_ID, move |batch| {
            assert_eq!(batch.len(), batch.into_iter().count());
            assert!(batch.iter().all(|message| message.type_id() == CounterUpdate::TYPE_ID));
            counted.fetch_add(batch.len(), Ordering::SeqCst);
        })
        .unwrap();
    bus.publish_all(vec![CounterUpdate::default(); 1000]).unwrap();
    bus.flush(PATIENCE).unwrap();
    assert_eq!(count.load(Ordering::SeqCst), 1000);
}
