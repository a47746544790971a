//! How fast the bus is in Rust. `tools/bench adapters` runs it and compares with C.
//!
//!     mycelium_rust_bench [--quick]
//!
//! Prints one JSON object a line. A rate is in operations per second, the median of 5 rounds of 0.3 s. `--quick`: one
//! round of 0.02 s, to see that it works.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{env, process};

use mycelium::codec::Builder;
use mycelium::examples::TextMessage;
use mycelium::{Batch, Bus, Payload, Runtime, Subscriber, Subscription};

const TYPE: u16 = 20001;
const PAYLOAD: [u8; 64] = [0; 64];
const BATCH: u64 = 256;
const KEPT: usize = 64;

/// How often and how long each row is measured.
#[derive(Clone, Copy)]
struct Plan {
    rounds: usize,
    time: Duration,
}

/// Operations per second of `work`, which does some and says how many, until the last closure has run.
fn round(bus: Bus, time: Duration, work: &mut dyn FnMut(Bus) -> u64) -> f64 {
    let begin = Instant::now();
    let mut done = 0;
    while begin.elapsed() < time {
        done += work(bus);
    }
    bus.flush(Duration::MAX).expect("closures end");
    done as f64 / begin.elapsed().as_secs_f64()
}

fn run(what: &str, bus: Bus, plan: Plan, work: &mut dyn FnMut(Bus) -> u64) {
    round(bus, plan.time / 4, work); // warms up
    let mut rates: Vec<f64> = (0..plan.rounds).map(|_| round(bus, plan.time, work)).collect();
    rates.sort_by(f64::total_cmp);
    println!("{{\"language\": \"rust\", \"what\": \"{what}\", \"rate\": {:.0}}}", rates[plan.rounds / 2]);
}

/// A thousand times.
fn thousand(mut operation: impl FnMut()) -> u64 {
    for _ in 0..1000 {
        operation();
    }
    1000
}

fn publish(bus: Bus) -> u64 {
    thousand(|| bus.publish_bytes(TYPE, &PAYLOAD).expect("nobody is subscribed"))
}

/// What closures receive is counted where they alone write, so that counting costs what it costs in C.
fn count(received: &AtomicU64, more: u64) {
    received.store(received.load(Ordering::Relaxed) + more, Ordering::Relaxed);
}

fn run_callbacks(
    what: &str,
    plan: Plan,
    subscribe: impl FnOnce(Subscriber, Arc<AtomicU64>) -> mycelium::Result<Subscription>,
) -> mycelium::Result<()> {
    let bus = Runtime::new()?;
    let received = Arc::new(AtomicU64::new(0));
    // The publisher waits for the closure, and nothing is lost.
    let patient = bus.subscriber().block_timeout(Duration::from_secs(60));
    let _subscription = subscribe(patient, received.clone())?;
    let batch = [Payload::new(TYPE, &PAYLOAD); BATCH as usize];
    let mut published = 0;
    run(what, bus.bus(), plan, &mut |bus| {
        bus.publish_batch(&batch).expect("there will be room");
        published += BATCH;
        BATCH
    });
    assert_eq!(received.load(Ordering::Relaxed), published, "messages were lost");
    Ok(())
}

#[repr(align(64))]
struct CacheLines([u8; 256]);

fn run_all(plan: Plan) -> mycelium::Result<()> {
    let bus = Runtime::new()?;
    run("publish", bus.bus(), plan, &mut publish);
    run_callbacks("callback", plan, |subscriber, received| {
        subscriber.subscribe_bytes(TYPE, move |payload| count(&received, u64::from(payload.len() == PAYLOAD.len())))
    })?;
    run_callbacks("callback_batched", plan, |subscriber, received| {
        subscriber.subscribe_raw_batch(TYPE, move |batch: Batch<'_>| {
            for message in batch {
                count(&received, u64::from(message.payload().len() == PAYLOAD.len()));
            }
        })
    })?;

    let message = TextMessage { sender: "py".into(), content: "x".repeat(64), timestamp: 123 };
    let mut builder = Builder::new();
    let mut seen = 0; // so that nothing is left out as unused
    run("encode", bus.bus(), plan, &mut |_| {
        thousand(|| seen += builder.encode(&message).map_or(0, |bytes| bytes.len()))
    });
    // The payload begins a cache line and the last results stay: bindings/c/bench.c says why.
    let bytes = message.encode()?;
    let mut line = CacheLines([0; 256]);
    line.0[..bytes.len()].copy_from_slice(&bytes);
    let payload = &line.0[..bytes.len()];
    let mut kept = vec![None; KEPT];
    let mut next = 0;
    run("decode", bus.bus(), plan, &mut |_| {
        thousand(|| {
            next = (next + 1) % KEPT;
            kept[next] = None; // what it held goes first, as in the other languages' programs
            kept[next] = TextMessage::decode(payload).ok();
            seen += kept[next].as_ref().map_or(0, |text| text.content.len());
        })
    });
    assert!(seen > 0);
    Ok(())
}

fn main() -> mycelium::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => run_all(Plan { rounds: 5, time: Duration::from_millis(300) }),
        ["--quick"] => run_all(Plan { rounds: 1, time: Duration::from_millis(20) }),
        _ => {
            eprintln!("usage: mycelium_rust_bench [--quick]");
            process::exit(2);
        }
    }
}
