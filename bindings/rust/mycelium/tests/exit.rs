//! Processes that end in the middle of traffic and never close: 200 runs, each in a process of its own.

use std::process::{self, Command};
use std::sync::mpsc;
use std::time::Duration;
use std::{env, thread};

use mycelium::examples::{CounterUpdate, TextMessage, WordCountReply, WordCountRequest};
use mycelium::Runtime;

const WAY: &str = "MYCELIUM_EXIT_WAY";

/// Publishes, serves, asks and streams on several threads, and returns when all of it flows.
fn start_traffic() -> Runtime {
    let bus = Runtime::new().unwrap();
    let (tell, told) = mpsc::sync_channel(0);
    let mut seen = 0;
    let flows = move || {
        seen += 1;
        if seen == 300 {
            let _ = tell.send(());
        }
    };
    let mut flows = Some(flows);
    bus.subscribe(move |_: CounterUpdate| {
        if let Some(flows) = &mut flows {
            flows();
        }
    })
    .unwrap()
    .detach();
    bus.subscriber().dedicated().subscribe_batch(|_: &[CounterUpdate]| {}).unwrap().detach();
    bus.subscriber().inline().subscribe(|_: TextMessage| {}).unwrap().detach();
    bus.serve(|_: WordCountRequest| WordCountReply::default()).unwrap().detach();
    let updates = bus.stream::<CounterUpdate>().unwrap();
    thread::spawn(|| updates.for_each(drop));
    for _ in 0..2 {
        let bus = bus.bus();
        thread::spawn(move || loop {
            let _ = bus.publish_all(vec![CounterUpdate::default(); 100]);
            let _ = bus.publish(&TextMessage::default());
            let _ = bus.request::<_, WordCountReply>(&WordCountRequest::default(), Duration::from_secs(1));
            let _ =
                bus.request_then(&WordCountRequest::default(), Duration::MAX, |_: mycelium::Result<WordCountReply>| {});
        });
    }
    told.recv().unwrap();
    bus
}

/// One of the 200: what the test process runs when it is asked to.
#[test]
fn leave() {
    match env::var(WAY).as_deref() {
        Err(_) => {}
        Ok("exit") => {
            let _bus = start_traffic();
            process::exit(0);
        }
        Ok("detach") => {
            start_traffic().detach();
            process::exit(0);
        }
        Ok("elsewhere") => {
            let _bus = start_traffic();
            thread::spawn(|| process::exit(0)).join().unwrap();
        }
        Ok("in a closure") => {
            let bus = start_traffic();
            bus.subscriber().subscribe_bytes(1, |_| process::exit(0)).unwrap().detach();
            bus.publish_bytes(1, b"leave").unwrap();
            loop {
                thread::park();
            }
        }
        Ok(other) => panic!("unknown way {other}"),
    }
}

#[test]
fn processes_end_200_times_without_a_close() {
    let program = env::current_exe().unwrap();
    for way in ["exit", "detach", "elsewhere", "in a closure"] {
        for run in 0..50 {
            let mut child = Command::new("timeout");
            child.args(["--signal=ABRT", "30"]).arg(&program).args(["leave", "--exact", "--test-threads=1"]);
            let done = child.env(WAY, way).output().unwrap();
            let said = String::from_utf8_lossy(&done.stderr);
            assert_eq!(done.status.code(), Some(0), "run {run} of '{way}': {said}");
            assert_eq!(said, "", "run {run} of '{way}'");
        }
    }
}
