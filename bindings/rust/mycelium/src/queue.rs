//! Queues: messages are taken, instead of being handed to closures.

use std::fmt;
use std::os::unix::io::{AsRawFd, RawFd};
use std::time::Duration;

use crate::bus::{nanoseconds, nanoseconds_not_zero, Bus};
use crate::codec::Message;
use crate::error::{check, Error, Result, Status};
use crate::received::Retained;
use crate::subscribe::SubscriptionId;
use crate::sys;

/// The number of a request; never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// What a queue hands out.
#[derive(Clone, Debug)]
pub enum Delivery {
    /// A message of one of its subscriptions.
    Message {
        /// Which one.
        subscription: SubscriptionId,
        /// The message.
        message: Retained,
    },
    /// A subscription has ended; nothing more comes from it.
    Complete {
        /// Which one.
        subscription: SubscriptionId,
    },
    /// A request that was sent with this queue has ended.
    Reply {
        /// Which one.
        request: RequestId,
        /// The reply, or why there is none.
        outcome: Result<Retained>,
    },
}

/// Gathers subscriptions and the replies of requests, for an event loop: its descriptor can be read while there is
/// something to take. Several threads may receive. Dropping it ends its subscriptions.
///
/// ```
/// use mycelium::examples::TextMessage;
/// use mycelium::{Delivery, Message};
/// use std::time::Duration;
///
/// let bus = mycelium::Runtime::new()?;
/// let queue = bus.queue()?;
/// let subscription = bus.subscriber().to_queue(&queue, TextMessage::TYPE_ID)?;
/// bus.publish(&TextMessage { content: "hello".into(), ..Default::default() })?;
/// match queue.receive(Duration::from_secs(1))? {
///     Some(Delivery::Message { message, .. }) => {
///         assert_eq!(message.decode::<TextMessage>()?.content, "hello");
///     }
///     other => panic!("{other:?}"),
/// }
/// # Ok::<(), mycelium::Error>(())
/// ```
pub struct Queue {
    bus: Bus,
    id: u64,
    fd: RawFd,
}

impl Bus {
    /// Opens a queue; [`Subscriber::to_queue`](crate::Subscriber::to_queue) subscribes with it.
    pub fn queue(self) -> Result<Queue> {
        let mut queue = Queue { bus: self, id: 0, fd: -1 };
        check(unsafe { sys::mycelium_queue_open(self.handle(), &mut queue.id) })?;
        check(unsafe { sys::mycelium_queue_fd(self.handle(), queue.id, &mut queue.fd) })?;
        Ok(queue)
    }
}

impl Queue {
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// Its bus.
    pub fn bus(&self) -> Bus {
        self.bus
    }

    /// Takes one delivery, and waits for it until the time is over: then there is none, as after [`wake`](Self::wake).
    /// [`Status::Closed`] when the queue is closed and empty.
    pub fn receive(&self, timeout: Duration) -> Result<Option<Delivery>> {
        let mut one = [sys::MyceliumDelivery::default()];
        Ok(match self.take(&mut one, timeout)? {
            0 => None,
            // Safe: it was handed out just now.
            _ => Some(unsafe { delivery(&one[0]) }),
        })
    }

    /// Takes up to `max` deliveries, and waits for the first until the time is over. Adds them to `out` and returns
    /// how many they are.
    pub fn receive_many(&self, out: &mut Vec<Delivery>, max: usize, timeout: Duration) -> Result<usize> {
        let mut taken = vec![sys::MyceliumDelivery::default(); max];
        let count = self.take(&mut taken, timeout)?;
        // Safe: they were handed out just now.
        out.extend(taken[..count].iter().map(|each| unsafe { delivery(each) }));
        Ok(count)
    }

    /// Sends a request whose outcome comes to this queue.
    pub fn request<Q: Message>(&self, question: &Q, timeout: Duration) -> Result<RequestId> {
        let options = sys::MyceliumRequestOptions {
            timeout_ns: nanoseconds_not_zero(timeout),
            queue_id: self.id,
            ..Default::default()
        };
        let mut id = 0;
        question.with_encoded(|bytes| {
            check(unsafe {
                let (payload, len) = (bytes.as_ptr(), bytes.len());
                sys::mycelium_request_async(self.bus.handle(), Q::TYPE_ID, payload, len, &options, &mut id)
            })
        })??;
        Ok(RequestId(id))
    }

    /// Forgets a request: its outcome does not come. [`Status::Subscription`] if it was too late.
    pub fn cancel(&self, request: RequestId) -> Result<()> {
        check(unsafe { sys::mycelium_request_cancel(self.bus.handle(), request.0) })
    }

    /// Lets one receive that waits now, or next, return with nothing.
    pub fn wake(&self) -> Result<()> {
        check(unsafe { sys::mycelium_queue_wake(self.bus.handle(), self.id) })
    }

    // How many were taken; 0 after the timeout or a wake.
    pub(crate) fn take(&self, out: &mut [sys::MyceliumDelivery], timeout: Duration) -> Result<usize> {
        let mut count = 0;
        let wait = nanoseconds(timeout);
        let status = unsafe {
            sys::mycelium_queue_receive(self.bus.handle(), self.id, out.as_mut_ptr(), out.len(), wait, &mut count)
        };
        match status {
            sys::MYCELIUM_ERROR_TIMEOUT if wait != sys::MYCELIUM_FOREVER => Ok(0),
            // A worker does not wait: forever would be a loop.
            sys::MYCELIUM_ERROR_TIMEOUT => Err(Error::refused(
                Status::Unsupported,
                "a closure cannot wait for messages; receive on a thread of your own, or in a dedicated subscription",
            )),
            _ => check(status).map(|()| count),
        }
    }
}

// Safe for a delivery that the library has just handed out: its message is ours.
pub(crate) unsafe fn delivery(raw: &sys::MyceliumDelivery) -> Delivery {
    let message = Retained::own(raw.message);
    match (raw.kind, message) {
        (sys::MYCELIUM_DELIVERY_MESSAGE, Some(message)) => {
            Delivery::Message { subscription: SubscriptionId(raw.id), message }
        }
        (sys::MYCELIUM_DELIVERY_REPLY, message) => Delivery::Reply {
            request: RequestId(raw.id),
            outcome: message.filter(|_| raw.status >= 0).ok_or_else(|| Error::of_status(raw.status)),
        },
        _ => Delivery::Complete { subscription: SubscriptionId(raw.id) },
    }
}

/// Can be read while there may be something to take: receive without waiting until nothing comes, then poll again. Do
/// not read from it, nor close it.
impl AsRawFd for Queue {
    fn as_raw_fd(&self) -> RawFd {
        self.fd
    }
}

impl fmt::Debug for Queue {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("Queue").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        unsafe { sys::mycelium_queue_close(self.bus.handle(), self.id) };
    }
}
