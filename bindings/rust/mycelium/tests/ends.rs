//! Runtimes end well: dropped, closed, later, in a closure, in a child of fork; and nothing of them stays.

use std::os::raw::c_int;
use std::sync::mpsc;
use std::time::Duration;

use mycelium::examples::CounterUpdate;
use mycelium::{Bus, Runtime, Status};

const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn dropping_a_runtime_delivers_what_was_accepted() {
    let bus = Runtime::new().unwrap();
    let (tell, told) = mpsc::channel();
    bus.subscribe(move |update: CounterUpdate| tell.send(update.value).unwrap()).unwrap().detach();
    bus.publish_all((0..1000).map(|value| CounterUpdate { value, ..Default::default() })).unwrap();
    drop(bus);
    assert_eq!(told.iter().count(), 1000); // and the closure is gone, or iter() would not end
}

#[test]
fn a_handle_outlives_its_runtime_and_says_so() {
    let bus = Runtime::new().unwrap();
    let handle = bus.bus();
    let subscription = bus.subscribe(|_: CounterUpdate| {}).unwrap();
    let stream = bus.stream::<CounterUpdate>().unwrap();
    let loan = bus.loan(8).unwrap();
    bus.close(PATIENCE).unwrap();
    bus.close(PATIENCE).unwrap();
    assert_eq!(handle.publish(&CounterUpdate::default()).unwrap_err().status(), Status::Closed);
    assert_eq!(handle.stats().unwrap().published, 0); // still readable
    drop(bus);
    let why = handle.publish(&CounterUpdate::default()).unwrap_err();
    assert_eq!((why.status(), why.status().number()), (Status::Closed, -12));
    assert!(why.to_string().contains("destroyed"), "{why}");
    assert_eq!(handle.stats().unwrap_err().status(), Status::Closed);
    assert_eq!(loan.publish(1).unwrap_err().status(), Status::Closed);
    assert_eq!(stream.count(), 0);
    drop(subscription);
}

#[test]
fn a_handle_that_never_was_is_refused() {
    for wrong in [std::ptr::null_mut(), 0x1234_5670 as *mut _] {
        let status = Bus::from_handle(wrong).publish_bytes(1, b"").unwrap_err().status();
        assert!(matches!(status, Status::Null | Status::Closed), "{status:?}");
    }
    let bus = Runtime::new().unwrap();
    Bus::from_handle(bus.handle()).publish_bytes(1, b"").unwrap();
}

#[test]
fn a_runtime_may_be_dropped_in_its_own_closure() {
    let bus = Runtime::new().unwrap();
    let handle = bus.bus();
    let (tell, told) = mpsc::channel();
    let mut owned = Some(bus);
    handle
        .subscribe(move |_: CounterUpdate| {
            drop(owned.take());
            tell.send(()).unwrap();
        })
        .unwrap()
        .detach();
    handle.publish(&CounterUpdate::default()).unwrap();
    told.recv_timeout(PATIENCE).unwrap();
    // When the closure is dropped, the runtime has ended.
    assert_eq!(told.recv_timeout(PATIENCE), Err(mpsc::RecvTimeoutError::Disconnected));
    assert_eq!(handle.publish(&CounterUpdate::default()).unwrap_err().status(), Status::Closed);
}

#[test]
fn a_closure_may_ask_for_the_end() {
    let bus = Runtime::new().unwrap();
    let (handle, (tell, told)) = (bus.bus(), mpsc::channel());
    bus.subscribe(move |_: CounterUpdate| {
        let closed = tell.send(handle.destroy_later().is_ok());
        closed.unwrap();
    })
    .unwrap()
    .detach();
    bus.publish(&CounterUpdate::default()).unwrap();
    assert_eq!(told.recv_timeout(PATIENCE), Ok(true));
    drop(bus);
    assert!(told.recv_timeout(PATIENCE).is_err());
}

#[test]
fn a_closure_cannot_wait_for_its_own_end() {
    let bus = Runtime::new().unwrap();
    let (handle, (tell, told)) = (bus.bus(), mpsc::channel());
    let _subscription = bus
        .subscribe(move |_: CounterUpdate| tell.send(handle.flush(PATIENCE).unwrap_err().status()).unwrap())
        .unwrap();
    bus.publish(&CounterUpdate::default()).unwrap();
    assert_eq!(told.recv_timeout(PATIENCE), Ok(Status::Unsupported));
}

#[test]
fn closing_names_the_closure_that_still_runs() {
    let bus = Runtime::new().unwrap();
    let (release, released) = mpsc::channel::<()>();
    let (tell, told) = mpsc::channel();
    let _stuck = bus
        .subscriber()
        .name("the stuck one")
        .dedicated()
        .subscribe(move |_: CounterUpdate| {
            tell.send(()).unwrap();
            let _ = released.recv();
        })
        .unwrap();
    bus.publish(&CounterUpdate::default()).unwrap();
    told.recv_timeout(PATIENCE).unwrap();
    let why = bus.close(Duration::from_millis(1)).unwrap_err();
    assert_eq!(why.status(), Status::Timeout);
    assert!(why.to_string().contains("the stuck one"), "{why}");
    drop(release);
    bus.close(PATIENCE).unwrap();
}

#[test]
fn a_thousand_runtimes_leave_nothing_open() {
    let descriptors = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    let round = || {
        let bus = Runtime::builder().threads(1).log(|_, _| {}).build().unwrap();
        let _stream = bus.stream::<CounterUpdate>().unwrap();
        let _subscription = bus.subscribe(|_: CounterUpdate| {}).unwrap();
        bus.publish(&CounterUpdate::default()).unwrap();
    };
    round();
    let before = descriptors();
    (0..1000).for_each(|_| round());
    assert!(descriptors() <= before + 20, "{} descriptors, {before} before", descriptors());
    // other tests run, too
}

extern "C" {
    fn fork() -> c_int;
    fn waitpid(child: c_int, status: *mut c_int, options: c_int) -> c_int;
    fn _exit(status: c_int) -> !;
}

#[test]
fn a_child_of_fork_gets_errors_and_ends() {
    let bus = Runtime::new().unwrap();
    // Safe: the child makes no call that could need a lock that another thread of the parent holds, and ends.
    unsafe {
        let child = fork();
        if child == 0 {
            let mut byte = [0u8; 1];
            let refused = mycelium::sys::mycelium_publish(bus.handle(), 1, byte.as_mut_ptr(), 1);
            _exit(if refused == mycelium::sys::MYCELIUM_ERROR_FORKED { 0 } else { 1 });
        }
        let mut status = -1;
        assert_eq!(waitpid(child, &mut status, 0), child);
        assert_eq!(status, 0);
    }
    bus.publish_bytes(1, b"x").unwrap();
}

#[test]
fn a_topology_is_read_and_its_faults_are_named() {
    let folder = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let path = folder.join("topology.toml");
    std::fs::write(&path, "[[nodes]]\nname = \"one\"\nservices = [\"here\"]\n").unwrap();
    let path = path.to_str().unwrap();
    assert_eq!(Runtime::from_topology(path, "nowhere").unwrap_err().status(), Status::ServiceNotFound);
    assert_eq!(Runtime::from_topology("/no/such/file", "here").unwrap_err().status(), Status::Topology);
    assert_eq!(Runtime::from_topology(path, "zero\0").unwrap_err().status(), Status::InvalidArgument);
}

#[test]
fn the_library_tells_of_itself() {
    assert_eq!(mycelium::abi_version().0, 1);
    assert!(mycelium::version().starts_with("1."));
    assert!(mycelium::info_json().unwrap().starts_with('{'));
    let bus = Runtime::builder().name("told").schema_digest(mycelium::schema_digest()).build().unwrap();
    bus.publish_bytes(1, b"four").unwrap();
    let stats = bus.stats().unwrap();
    assert_eq!((stats.published, stats.published_bytes, stats.dropped.total()), (1, 4, 0));
    let metrics = bus.metrics_text().unwrap();
    assert!(metrics.contains("mycelium_") && metrics.contains("told"), "{metrics}");
    let wrong = Runtime::builder().schema_digest([1; 32]).build().unwrap_err();
    assert_eq!(wrong.status(), Status::Digest);
}
