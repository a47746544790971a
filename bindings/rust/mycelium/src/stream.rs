//! An iterator over messages.

use std::collections::VecDeque;
use std::fmt;
use std::marker::PhantomData;
use std::os::unix::io::{AsRawFd, RawFd};
use std::time::Duration;

use crate::codec::Message;
use crate::error::{Result, Status};
use crate::queue::{delivery, Delivery, Queue};
use crate::received::Retained;
use crate::subscribe::Subscription;
use crate::sys;

// Taken at once, so that a message costs little of a call.
const MOST: usize = 256;

/// The messages of a type, in order. The iterator waits for each, and ends when the runtime is closed. A stream that is
/// not read meets the policy of its subscription, which ends when it is dropped.
///
/// ```
/// use mycelium::examples::CounterUpdate;
///
/// let bus = mycelium::Runtime::new()?;
/// let updates = bus.stream::<CounterUpdate>()?;
/// bus.publish_all((1..=3).map(|value| CounterUpdate { value, ..Default::default() }))?;
/// for update in updates.take(3) {
///     println!("{}", update?.value);
/// }
/// # Ok::<(), mycelium::Error>(())
/// ```
pub struct Stream<M> {
    subscription: Option<Subscription>,
    ready: VecDeque<Retained>,
    taken: Vec<sys::MyceliumDelivery>,
    ended: bool,
    queue: Queue,
    messages: PhantomData<fn() -> M>,
}

// Safe: what was taken is turned into messages at once, so that no pointer stays in `taken`.
unsafe impl<M> Send for Stream<M> {}
unsafe impl<M> Sync for Stream<M> {}

impl<M: Message> Stream<M> {
    pub(crate) fn new(queue: Queue, subscription: Subscription) -> Self {
        Stream {
            subscription: Some(subscription),
            ready: VecDeque::new(),
            taken: vec![sys::MyceliumDelivery::default(); MOST],
            ended: false,
            queue,
            messages: PhantomData,
        }
    }

    /// The next message, or nothing if none came in time, or none will come.
    pub fn next_timeout(&mut self, timeout: Duration) -> Result<Option<M>> {
        Ok(match self.next_raw(timeout)? {
            Some(message) => Some(message.decode()?),
            None => None,
        })
    }

    /// The next message as it came, with its envelope.
    pub fn next_raw(&mut self, timeout: Duration) -> Result<Option<Retained>> {
        if self.ready.is_empty() && !self.ended {
            self.fetch(timeout)?;
        }
        Ok(self.ready.pop_front())
    }

    /// Whether no message will come any more, but for those that it still holds.
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// The subscription that fills it.
    pub fn subscription(&self) -> Option<&Subscription> {
        self.subscription.as_ref()
    }

    /// Ends the subscription. What was received already can still be read.
    pub fn stop(&mut self) {
        self.subscription = None;
        self.ended = true;
    }

    fn fetch(&mut self, timeout: Duration) -> Result<()> {
        let count = match self.queue.take(&mut self.taken, timeout) {
            Ok(count) => count,
            Err(why) if why.status() == Status::Closed => {
                self.ended = true;
                return Ok(());
            }
            Err(why) => return Err(why),
        };
        for raw in &self.taken[..count] {
            // Safe: they were handed out just now.
            match unsafe { delivery(raw) } {
                Delivery::Message { message, .. } => self.ready.push_back(message),
                Delivery::Complete { .. } => self.ended = true,
                Delivery::Reply { .. } => {}
            }
        }
        Ok(())
    }
}

impl<M: Message> Iterator for Stream<M> {
    type Item = Result<M>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.next_timeout(Duration::MAX) {
                Ok(Some(message)) => return Some(Ok(message)),
                Ok(None) if self.ended => return None,
                Ok(None) => {}
                Err(why) => return Some(Err(why)),
            }
        }
    }
}

/// As for [`Queue`]: can be read while there may be messages.
impl<M> AsRawFd for Stream<M> {
    fn as_raw_fd(&self) -> RawFd {
        self.queue.as_raw_fd()
    }
}

impl<M> fmt::Debug for Stream<M> {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("Stream").field("subscription", &self.subscription).finish_non_exhaustive()
    }
}
