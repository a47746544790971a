//! The demo's job, hosted by Rust: makes the bus, loads the publisher in C++ and the subscriber in C, receives the same
//! messages itself, and counts words for the publisher.
//!
//!     host FILE PUBLISHER SUBSCRIBER FOLDER MESSAGES
//!
//! What was received is written to FOLDER/received-by-c.txt and FOLDER/received-by-host.txt; what was counted, to
//! standard output as a line of JSON, for tools/demonstration/host.py to check.

mod plugins;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use std::{env, process};

use mycelium::examples::{TextMessage, WordCountReply, WordCountRequest};
use mycelium::Runtime;
use plugins::{Failure, Publisher, Subscriber};

const LINES_PER_REQUEST: u32 = 25;
const PATIENCE: Duration = Duration::from_secs(30);

/// What the closure in Rust has received.
struct Receiver {
    file: BufWriter<File>,
    messages: u64,
    bytes: u64,
}

fn count_words(request: WordCountRequest) -> WordCountReply {
    let words = request.text.split([' ', '\t', '\n', '\r']).filter(|word| !word.is_empty()).count();
    WordCountReply { words: words as u64, bytes: request.text.len() as u64 }
}

fn run(file: &str, publisher: &str, subscriber: &str, folder: &Path, messages: u64) -> Result<(), Failure> {
    let bus = Runtime::builder().name("demo").block_timeout(PATIENCE).build()?;
    let publisher = Publisher::open(publisher, bus.bus(), file)?;
    let in_c = Subscriber::open(subscriber, bus.bus(), &folder.join("received-by-c.txt"))?;
    let receiver = Arc::new(Mutex::new(Receiver {
        file: BufWriter::new(File::create(folder.join("received-by-host.txt"))?),
        messages: 0,
        bytes: 0,
    }));
    let received = receiver.clone();
    let hearing = bus.subscribe(move |message: TextMessage| {
        let mut to = received.lock().unwrap();
        to.file.write_all(message.content.as_bytes()).expect("the file can be written");
        to.messages += 1;
        to.bytes += message.content.len() as u64;
    })?;
    let _serving = bus.serve(count_words)?;

    let start = Instant::now();
    publisher.stream(messages)?;
    bus.flush(PATIENCE)?;
    let seconds = start.elapsed().as_secs_f64();
    let by_c = in_c.report()?;
    let words = publisher.count_words(LINES_PER_REQUEST)?;
    let dropped = bus.stats()?.dropped.total();
    in_c.close()?;
    drop(hearing);
    bus.close(PATIENCE)?;
    publisher.close()?;
    let mut by_host = receiver.lock().unwrap();
    by_host.file.flush()?;
    println!(
        "{{\"language\": \"{}\", \"c\": {{\"messages\": {}, \"bytes\": {}, \"invalid\": {}}}, \"host\": {{\"messages\": \
         {}, \"bytes\": {}}}, \"seconds\": {:.6}, \"requests\": {}, \"words\": {}, \"expected\": {}, \"dropped\": {}}}",
        language(),
        by_c.messages,
        by_c.bytes,
        by_c.invalid,
        by_host.messages,
        by_host.bytes,
        seconds,
        words.requests,
        words.words,
        words.expected,
        dropped
    );
    Ok(())
}

/// "Rust 1.63.0", of "rustc 1.63.0 (...)".
fn language() -> String {
    format!("Rust {}", env!("COMPILER").split(' ').nth(1).unwrap_or("of an unknown version"))
}

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let (files, messages) = match arguments.as_slice() {
        [files @ .., messages] if files.len() == 4 => (files, messages.parse()),
        _ => {
            eprintln!("usage: host FILE PUBLISHER SUBSCRIBER FOLDER MESSAGES");
            process::exit(2);
        }
    };
    let outcome = match messages {
        Ok(messages) => run(&files[0], &files[1], &files[2], Path::new(&files[3]), messages),
        Err(wrong) => Err(wrong.into()),
    };
    if let Err(why) = outcome {
        eprintln!("host: {why}");
        process::exit(1);
    }
}
