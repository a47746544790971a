//! Subscriptions and their options.

use std::fmt;
use std::ptr;
use std::sync::Arc;
use std::time::Duration;

use crate::bus::{nanoseconds_not_zero, Bus};
use crate::callback::{self, Context, OnComplete, OnDrop};
use crate::codec::Message;
use crate::error::{check, Result};
use crate::queue::Queue;
use crate::received::{Batch, Received};
use crate::reports::Failures;
use crate::runtime::{c_string, Policy};
use crate::stream::Stream;
use crate::sys;

/// The number of a subscription; never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubscriptionId(pub u64);

/// Why a message was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DropReason {
    /// It made room for a newer one.
    Oldest,
    /// It found no room.
    Newest,
    /// Its publisher waited in vain.
    Timeout,
    /// It was refused: its publisher got [`Status::Full`](crate::Status::Full).
    Full,
    /// It was waiting when the subscription ended.
    Unsubscribed,
    /// It was waiting when the time of closing was over.
    Closed,
    /// One that this crate does not know yet.
    Other(i32),
}

/// A subscription began to lose messages, or has recovered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DropEvent {
    /// Which one.
    pub subscription: SubscriptionId,
    /// How many were lost since it began.
    pub dropped: u64,
    /// Why the first one was.
    pub reason: DropReason,
    /// Whether its mailbox has been emptied again.
    pub recovered: bool,
}

impl DropEvent {
    pub(crate) fn of(raw: &sys::MyceliumDropEvent) -> Self {
        DropEvent {
            subscription: SubscriptionId(raw.subscription_id),
            dropped: raw.dropped,
            reason: match raw.reason {
                sys::MYCELIUM_DROP_OLDEST => DropReason::Oldest,
                sys::MYCELIUM_DROP_NEWEST => DropReason::Newest,
                sys::MYCELIUM_DROP_TIMEOUT => DropReason::Timeout,
                sys::MYCELIUM_DROP_FULL => DropReason::Full,
                sys::MYCELIUM_DROP_UNSUBSCRIBED => DropReason::Unsubscribed,
                sys::MYCELIUM_DROP_CLOSED => DropReason::Closed,
                other => DropReason::Other(other),
            },
            recovered: raw.recovered != 0,
        }
    }
}

/// A subscription. Dropping it ends it: when that returns, its closure is gone and will not run again. It waits for a
/// closure that runs; in the closure itself it does not, and takes effect when that returns.
#[must_use = "a subscription that is dropped ends; detach() it if it shall last as long as the runtime"]
#[derive(Debug)]
pub struct Subscription {
    bus: Bus,
    id: SubscriptionId,
    failures: Arc<Failures>,
}

impl Subscription {
    /// Its number.
    pub fn id(&self) -> SubscriptionId {
        self.id
    }

    /// Its bus.
    pub fn bus(&self) -> Bus {
        self.bus
    }

    /// How often its closure panicked, or was not called because a payload was no message of its type.
    pub fn failures(&self) -> u64 {
        self.failures.count()
    }

    /// Ends it, as dropping does, and says whether that worked.
    pub fn close(self) -> Result<()> {
        let outcome = self.bus.unsubscribe(self.id);
        self.detach();
        outcome
    }

    /// Lets it last as long as the runtime, or until [`Bus::unsubscribe`].
    pub fn detach(self) -> SubscriptionId {
        let id = self.id;
        let mut self_ = std::mem::ManuallyDrop::new(self);
        // Safe: it is not used again.
        unsafe { ptr::drop_in_place(&mut self_.failures) };
        id
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        // If the runtime has gone, so has the subscription.
        let _ = self.bus.unsubscribe(self.id);
    }
}

/// Options of a subscription; the calls at the end of the list begin it.
///
/// ```
/// use mycelium::examples::CounterUpdate;
/// use mycelium::{Policy, Runtime};
///
/// let bus = Runtime::new()?;
/// let latest = bus
///     .subscriber()
///     .name("gauge")
///     .capacity(2)
///     .policy(Policy::DropOldest)
///     .on_drop(|event| eprintln!("{} updates were too many", event.dropped))
///     .subscribe(|update: CounterUpdate| println!("{}", update.value))?;
/// # Ok::<(), mycelium::Error>(())
/// ```
#[must_use = "subscribe() begins the subscription"]
pub struct Subscriber {
    bus: Bus,
    name: Option<String>,
    options: sys::MyceliumSubscribeOptions,
    on_drop: Option<OnDrop>,
    on_complete: Option<OnComplete>,
}

// Safe: the pointers in its options are null until the subscription begins.
unsafe impl Send for Subscriber {}

impl fmt::Debug for Subscriber {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("Subscriber").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Bus {
    /// Calls a closure with every message of its type that is published from now on. The closure's parameter says
    /// which type: `|message: TextMessage| ...`.
    ///
    /// A payload that is no such message is counted and logged, and the next one comes as usual.
    pub fn subscribe<M: Message + 'static>(self, closure: impl FnMut(M) + Send + 'static) -> Result<Subscription> {
        self.subscriber().subscribe(closure)
    }

    /// An iterator over the messages of a type that are published from now on.
    pub fn stream<M: Message>(self) -> Result<Stream<M>> {
        self.subscriber().stream()
    }

    /// A subscription with options.
    pub fn subscriber(self) -> Subscriber {
        Subscriber { bus: self, name: None, options: Default::default(), on_drop: None, on_complete: None }
    }

    /// Ends a subscription that was detached.
    pub fn unsubscribe(self, id: SubscriptionId) -> Result<()> {
        check(unsafe { sys::mycelium_unsubscribe(self.handle(), id.0) })
    }
}

impl Subscriber {
    /// Shown in metrics, logs, and in the complaint of a close that its closure holds up.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// What happens when its mailbox is full; else what the runtime's options say.
    pub fn policy(mut self, policy: Policy) -> Self {
        self.options.policy = policy.number();
        self
    }

    /// Messages that may wait, from 2 to 2^24; else what the runtime's options say.
    pub fn capacity(mut self, messages: u32) -> Self {
        self.options.capacity = messages;
        self
    }

    /// How long a publisher waits for room; else what the runtime's options say.
    pub fn block_timeout(mut self, time: Duration) -> Self {
        self.options.block_timeout_ns = nanoseconds_not_zero(time);
        self
    }

    /// A thread of its own: the closure may block.
    pub fn dedicated(mut self) -> Self {
        self.options.flags |= sys::MYCELIUM_SUBSCRIBE_DEDICATED;
        self
    }

    /// Runs the closure in the publisher's thread when the subscription is idle: for short closures.
    pub fn inline(mut self) -> Self {
        self.options.flags |= sys::MYCELIUM_SUBSCRIBE_INLINE;
        self
    }

    /// Delivers up to this many kept messages first: see [`Bus::keep_history`].
    pub fn history(mut self, messages: u32) -> Self {
        self.options.history = messages;
        self
    }

    /// The most messages in one batch; else 256.
    pub fn batch_max(mut self, messages: u32) -> Self {
        self.options.batch_max = messages;
        self
    }

    /// Told when it begins to lose messages, and when it has recovered. Never runs beside the closure.
    pub fn on_drop(mut self, told: impl FnMut(DropEvent) + Send + 'static) -> Self {
        self.on_drop = Some(Box::new(told));
        self
    }

    /// Told when it has ended, after the last call of the closure.
    pub fn on_complete(mut self, told: impl FnOnce(SubscriptionId) + Send + 'static) -> Self {
        self.on_complete = Some(Box::new(told));
        self
    }

    /// Calls the closure with each message.
    pub fn subscribe<M: Message + 'static>(self, mut closure: impl FnMut(M) + Send + 'static) -> Result<Subscription> {
        let failures = self.failures(M::TYPE_ID);
        let refused = failures.clone();
        self.begin_bytes(M::TYPE_ID, failures, move |payload| match M::decode(payload) {
            Ok(message) => closure(message),
            Err(why) => refused.add(&format!("a message of type {} was refused: {why}", M::TYPE_ID)),
        })
    }

    /// Calls the closure with all messages that wait, at most [`batch_max`](Self::batch_max).
    pub fn subscribe_batch<M: Message + Send + 'static>(
        self,
        mut closure: impl FnMut(&[M]) + Send + 'static,
    ) -> Result<Subscription> {
        let failures = self.failures(M::TYPE_ID);
        let refused = failures.clone();
        let mut messages = Vec::new();
        self.begin_batch(M::TYPE_ID, failures, move |batch| {
            messages.clear(); // a panic may have left some
            for message in batch {
                match M::decode(message.payload()) {
                    Ok(message) => messages.push(message),
                    Err(why) => refused.add(&format!("a message of type {} was refused: {why}", M::TYPE_ID)),
                }
            }
            if !messages.is_empty() {
                closure(&messages);
            }
            messages.clear();
        })
    }

    /// Calls the closure with the bytes of each message of a type.
    pub fn subscribe_bytes(self, type_id: u16, closure: impl FnMut(&[u8]) + Send + 'static) -> Result<Subscription> {
        let failures = self.failures(type_id);
        self.begin_bytes(type_id, failures, closure)
    }

    /// Calls the closure with each message of a type as it came: with its envelope, to be retained, or replied to.
    pub fn subscribe_raw(
        self,
        type_id: u16,
        closure: impl FnMut(Received<'_>) + Send + 'static,
    ) -> Result<Subscription> {
        let failures = self.failures(type_id);
        self.begin_raw(type_id, failures, closure)
    }

    /// The same with all messages that wait, at most [`batch_max`](Self::batch_max).
    pub fn subscribe_raw_batch(
        self,
        type_id: u16,
        closure: impl FnMut(Batch<'_>) + Send + 'static,
    ) -> Result<Subscription> {
        let failures = self.failures(type_id);
        self.begin_batch(type_id, failures, closure)
    }

    /// Answers requests: see [`Bus::serve`].
    pub fn serve<Q: Message + 'static, A: Message>(
        self,
        mut closure: impl FnMut(Q) -> A + Send + 'static,
    ) -> Result<Subscription> {
        let (bus, failures) = (self.bus, self.failures(Q::TYPE_ID));
        let refused = failures.clone();
        self.begin_raw(Q::TYPE_ID, failures, move |request| {
            if !request.is_request() {
                return;
            }
            match Q::decode(request.payload()) {
                // If the requester has given up meanwhile, nobody wants to know.
                Ok(question) => drop(bus.reply(request, &closure(question))),
                Err(why) => refused.add(&format!("a request of type {} was refused: {why}", Q::TYPE_ID)),
            }
        })
    }

    /// An iterator over the messages.
    pub fn stream<M: Message>(self) -> Result<Stream<M>> {
        let queue = self.bus.queue()?;
        let subscription = self.to_queue(&queue, M::TYPE_ID)?;
        Ok(Stream::new(queue, subscription))
    }

    /// Delivers to a queue, which may gather several subscriptions.
    pub fn to_queue(mut self, queue: &Queue, type_id: u16) -> Result<Subscription> {
        self.options.queue_id = queue.id();
        let failures = self.failures(type_id);
        self.begin(type_id, failures, ())
    }

    fn failures(&self, type_id: u16) -> Arc<Failures> {
        let whose = match &self.name {
            Some(name) => format!("subscription '{name}'"),
            None => format!("a subscription of type {type_id}"),
        };
        Failures::new(self.bus.handle(), whose)
    }

    fn begin_bytes<F>(mut self, type_id: u16, failures: Arc<Failures>, closure: F) -> Result<Subscription>
    where
        F: FnMut(&[u8]) + Send + 'static,
    {
        self.options.on_payload = Some(callback::on_payload::<F>);
        self.begin(type_id, failures, closure)
    }

    fn begin_raw<F>(mut self, type_id: u16, failures: Arc<Failures>, closure: F) -> Result<Subscription>
    where
        F: FnMut(Received<'_>) + Send + 'static,
    {
        self.options.on_message = Some(callback::on_message::<F>);
        self.begin(type_id, failures, closure)
    }

    fn begin_batch<F>(mut self, type_id: u16, failures: Arc<Failures>, closure: F) -> Result<Subscription>
    where
        F: FnMut(Batch<'_>) + Send + 'static,
    {
        self.options.on_batch = Some(callback::on_batch::<F>);
        self.begin(type_id, failures, closure)
    }

    fn begin<F: Send + 'static>(self, type_id: u16, failures: Arc<Failures>, closure: F) -> Result<Subscription> {
        let Subscriber { bus, name, mut options, on_drop, on_complete } = self;
        let name = name.map(|name| c_string(&name, "the name of a subscription")).transpose()?;
        options.name = name.as_ref().map_or(ptr::null(), |name| name.as_ptr());
        Context { closure, on_drop, on_complete, failures: failures.clone() }.give(&mut options);
        let mut id = 0;
        let status = unsafe { sys::mycelium_subscribe_with_options(bus.handle(), type_id, &options, &mut id) };
        if let Err(why) = check(status) {
            unsafe { callback::reclaim(&options) };
            return Err(why);
        }
        Ok(Subscription { bus, id: SubscriptionId(id), failures })
    }
}
