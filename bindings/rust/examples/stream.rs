//! Receives messages on the main thread, as an iterator.

use mycelium::examples::CounterUpdate;
use mycelium::Runtime;

fn main() -> mycelium::Result<()> {
    let bus = Runtime::new()?;
    let updates = bus.stream::<CounterUpdate>()?;
    bus.publish_all((1..=1000).map(|value| CounterUpdate { counter_id: 1, value, delta: 1 }))?;
    let (mut count, mut last) = (0, 0);
    for update in updates.take(1000) {
        last = update?.value;
        count += 1;
    }
    println!("{count} updates, the last value is {last}");
    Ok(())
}
