//! Serves word counts, and asks for one.

use std::time::Duration;

use mycelium::examples::{WordCountReply, WordCountRequest};
use mycelium::Runtime;

fn count_words(request: WordCountRequest) -> WordCountReply {
    let words = request.text.split([' ', '\t', '\n', '\r']).filter(|word| !word.is_empty());
    WordCountReply { words: words.count() as u64, bytes: request.text.len() as u64 }
}

fn main() -> mycelium::Result<()> {
    let bus = Runtime::new()?;
    let _server = bus.serve(count_words)?; // serves until it is dropped
    let question = WordCountRequest { text: "the quick brown fox".into() };
    let reply: WordCountReply = bus.request(&question, Duration::from_secs(5))?;
    println!("{} words, {} bytes", reply.words, reply.bytes);
    Ok(())
}
