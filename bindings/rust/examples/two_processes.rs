//! Two processes on one bus. One listens and serves; the other, of any language, dials, publishes and asks:
//!
//!     two_processes serve unix:/tmp/two
//!     two_processes publish unix:/tmp/two

use std::time::Duration;
use std::{env, process};

use mycelium::examples::{CounterUpdate, TextMessage, WordCountReply, WordCountRequest};
use mycelium::Runtime;

const UPDATES: i32 = 1000;
const PATIENCE: Duration = Duration::from_secs(30);

fn count_words(request: WordCountRequest) -> WordCountReply {
    let words = request.text.split([' ', '\t', '\n', '\r']).filter(|word| !word.is_empty());
    WordCountReply { words: words.count() as u64, bytes: request.text.len() as u64 }
}

fn numbered(value: i32) -> CounterUpdate {
    CounterUpdate { counter_id: 1, value, delta: 1 }
}

fn serve(address: &str) -> mycelium::Result<()> {
    let bus = Runtime::new()?;
    let mut updates = bus.stream::<CounterUpdate>()?;
    let mut texts = bus.stream::<TextMessage>()?;
    let _server = bus.serve(count_words)?;
    println!("listening at {}", bus.bridge_listen(address)?);
    let mut in_order = true;
    for value in 1..=UPDATES {
        in_order &= updates.next_timeout(Duration::MAX)? == Some(numbered(value));
    }
    if let Some(farewell) = texts.next_timeout(Duration::MAX)? {
        println!("{} says {}", farewell.sender, farewell.content);
    }
    println!("{UPDATES} updates {}", if in_order { "in order" } else { "that are not what was published" });
    bus.close(PATIENCE)
}

fn publish(address: &str) -> mycelium::Result<()> {
    let bus = Runtime::new()?;
    bus.bridge_dial(address)?;
    for type_id in [CounterUpdate::TYPE_ID, TextMessage::TYPE_ID, WordCountRequest::TYPE_ID] {
        bus.wait_for_subscribers_of(type_id, 1, PATIENCE)?; // until one over there can be reached
    }
    bus.publish_all((1..=UPDATES).map(numbered))?;
    let question = WordCountRequest { text: "the quick brown fox".into() };
    let reply: WordCountReply = bus.request(&question, PATIENCE)?;
    println!("{} words, {} bytes", reply.words, reply.bytes);
    bus.publish(&TextMessage { sender: "Rust".into(), content: "goodbye 👋".into(), timestamp: 0 })?;
    bus.close(PATIENCE) // waits until the other process has it all
}

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["serve", address] => serve(address),
        ["publish", address] => publish(address),
        _ => {
            eprintln!("usage: two_processes serve|publish ADDRESS");
            process::exit(2);
        }
    };
    if let Err(why) = done {
        eprintln!("two_processes: {why}");
        process::exit(1);
    }
}
