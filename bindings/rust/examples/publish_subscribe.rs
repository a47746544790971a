//! A subscriber and a publisher on one bus.

use mycelium::examples::TextMessage;
use mycelium::Runtime;

fn main() -> mycelium::Result<()> {
    let bus = Runtime::new()?;
    let show = |message: TextMessage| println!("{}: {} ({})", message.sender, message.content, message.timestamp);
    bus.subscribe(show)?.detach();
    bus.publish(&TextMessage { sender: "example".into(), content: "hi".into(), timestamp: 123 })
    // Here the runtime ends: it delivers what it has accepted first.
}
