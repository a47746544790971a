//! Messages as they arrive: borrowed in a closure, or kept.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::ptr::NonNull;
use std::slice;
use std::time::{Duration, SystemTime};

use crate::codec::Message;
use crate::error::{Error, Result};
use crate::subscribe::SubscriptionId;
use crate::sys;

/// Who gets a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Destination {
    /// Every subscription of its type.
    All,
    /// This one.
    Subscription(SubscriptionId),
    /// One subscription of the type, the same for the same key.
    Key(u64),
}

/// A W3C trace context.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Trace {
    /// The whole trace.
    pub trace_id: [u8; 16],
    /// The caller's part of it.
    pub span_id: [u8; 8],
    /// Its flags.
    pub flags: u8,
}

/// What travels with a payload. Publishing sets `sequence`, `publisher_id` and `timestamp_ns`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Envelope {
    /// Carried, not acted upon.
    pub priority: u8,
    /// Who gets it.
    pub destination: Destination,
    /// 0: none.
    pub correlation_id: u64,
    /// 1, 2, 3 ... per publisher.
    pub sequence: u64,
    /// One per publishing thread.
    pub publisher_id: u64,
    /// When it was published, in nanoseconds since 1970 (UTC).
    pub timestamp_ns: i64,
    /// The trace that it belongs to.
    pub trace: Option<Trace>,
}

impl Default for Envelope {
    fn default() -> Self {
        Envelope {
            priority: 0,
            destination: Destination::All,
            correlation_id: 0,
            sequence: 0,
            publisher_id: 0,
            timestamp_ns: 0,
            trace: None,
        }
    }
}

impl Envelope {
    /// When it was published.
    pub fn time(&self) -> SystemTime {
        let distance = Duration::from_nanos(self.timestamp_ns.unsigned_abs());
        if self.timestamp_ns < 0 {
            SystemTime::UNIX_EPOCH - distance
        } else {
            SystemTime::UNIX_EPOCH + distance
        }
    }

    pub(crate) fn raw(&self, type_id: u16) -> sys::MyceliumEnvelope {
        let (destination, destination_key) = match self.destination {
            Destination::All => (sys::MYCELIUM_TO_ALL, 0),
            Destination::Subscription(id) => (sys::MYCELIUM_TO_SUBSCRIPTION, id.0),
            Destination::Key(key) => (sys::MYCELIUM_TO_KEY, key),
        };
        let trace = self.trace.unwrap_or_default();
        sys::MyceliumEnvelope {
            type_id,
            priority: self.priority,
            has_trace: self.trace.is_some().into(),
            destination,
            destination_key,
            correlation_id: self.correlation_id,
            trace_id: trace.trace_id,
            span_id: trace.span_id,
            trace_flags: trace.flags,
            ..Default::default()
        }
    }

    fn of(raw: &sys::MyceliumEnvelope) -> Self {
        Envelope {
            priority: raw.priority,
            destination: match raw.destination {
                sys::MYCELIUM_TO_SUBSCRIPTION => Destination::Subscription(SubscriptionId(raw.destination_key)),
                sys::MYCELIUM_TO_KEY => Destination::Key(raw.destination_key),
                _ => Destination::All,
            },
            correlation_id: raw.correlation_id,
            sequence: raw.sequence,
            publisher_id: raw.publisher_id,
            timestamp_ns: raw.timestamp_ns,
            trace: (raw.has_trace != 0).then_some(Trace {
                trace_id: raw.trace_id,
                span_id: raw.span_id,
                flags: raw.trace_flags,
            }),
        }
    }
}

/// A message that a closure is given: valid until it returns. [`retain`](Self::retain) keeps it longer.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Received<'a> {
    message: NonNull<sys::MyceliumMessage>,
    during: PhantomData<&'a [u8]>,
}

// Safe: messages never change, and their references are counted atomically.
unsafe impl Send for Received<'_> {}
unsafe impl Sync for Received<'_> {}

impl<'a> Received<'a> {
    // Safe if the message lives as long as 'a.
    #[inline]
    pub(crate) unsafe fn borrow(message: *const sys::MyceliumMessage) -> Option<Self> {
        let message = NonNull::new(message as *mut _)?;
        Some(Received { message, during: PhantomData })
    }

    pub(crate) fn raw(self) -> *const sys::MyceliumMessage {
        self.message.as_ptr()
    }

    /// The number of its type.
    #[inline]
    pub fn type_id(self) -> u16 {
        unsafe { sys::mycelium_message_type_id(self.raw()) }
    }

    /// The bytes as they came, 16-byte aligned.
    #[inline]
    pub fn payload(self) -> &'a [u8] {
        let mut len = 0;
        // Safe: the payload lives and stays as it is as long as the message.
        unsafe {
            let bytes = sys::mycelium_message_payload(self.raw(), &mut len);
            slice::from_raw_parts(bytes, len)
        }
    }

    /// The message, if it is of this type.
    pub fn decode<M: Message>(self) -> Result<M> {
        let received = self.type_id();
        if received != M::TYPE_ID {
            return Err(Error::UnexpectedType { wanted: M::TYPE_ID, received });
        }
        Ok(M::decode(self.payload())?)
    }

    /// What travelled with the payload.
    pub fn envelope(self) -> Envelope {
        let mut raw = sys::MyceliumEnvelope::default();
        unsafe { sys::mycelium_message_envelope(self.raw(), &mut raw) };
        Envelope::of(&raw)
    }

    /// Whether the publisher waits for a reply: see [`Bus::reply`](crate::Bus::reply).
    pub fn is_request(self) -> bool {
        unsafe { sys::mycelium_message_is_request(self.raw()) == 1 }
    }

    /// A reference of one's own, which may outlive the closure, and the runtime. Panics if memory is short.
    pub fn retain(self) -> Retained {
        let own = NonNull::new(unsafe { sys::mycelium_message_retain(self.raw()) });
        Retained { message: own.expect("there is memory for a message that was delivered without a copy") }
    }
}

impl fmt::Debug for Received<'_> {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("Received").field("type_id", &self.type_id()).field("bytes", &self.payload().len()).finish()
    }
}

/// A message that is kept: a reference to it, released when it is dropped.
pub struct Retained {
    message: NonNull<sys::MyceliumMessage>,
}

// Safe: as for Received.
unsafe impl Send for Retained {}
unsafe impl Sync for Retained {}

impl Retained {
    // Safe if the reference is the caller's to give away.
    pub(crate) unsafe fn own(message: *mut sys::MyceliumMessage) -> Option<Self> {
        NonNull::new(message).map(|message| Retained { message })
    }

    /// The message, for as long as this reference is kept.
    pub fn received(&self) -> Received<'_> {
        Received { message: self.message, during: PhantomData }
    }

    /// The number of its type.
    pub fn type_id(&self) -> u16 {
        self.received().type_id()
    }

    /// The bytes as they came, 16-byte aligned.
    pub fn payload(&self) -> &[u8] {
        self.received().payload()
    }

    /// The message, if it is of this type.
    pub fn decode<M: Message>(&self) -> Result<M> {
        self.received().decode()
    }

    /// What travelled with the payload.
    pub fn envelope(&self) -> Envelope {
        self.received().envelope()
    }

    /// Whether the publisher waits for a reply.
    pub fn is_request(&self) -> bool {
        self.received().is_request()
    }
}

impl Clone for Retained {
    fn clone(&self) -> Self {
        self.received().retain()
    }
}

impl fmt::Debug for Retained {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.received().fmt(to)
    }
}

impl Drop for Retained {
    fn drop(&mut self) {
        unsafe { sys::mycelium_message_release(self.message.as_ptr()) };
    }
}

impl<'a> From<&'a Retained> for Received<'a> {
    fn from(kept: &'a Retained) -> Self {
        kept.received()
    }
}

/// Messages that arrived together: a slice of [`Received`], valid until the closure returns.
#[derive(Clone, Copy)]
pub struct Batch<'a> {
    messages: &'a [Received<'a>],
}

impl<'a> Batch<'a> {
    // Safe if `messages` are `count` pointers that are not null and whose messages live as long as 'a.
    pub(crate) unsafe fn borrow(messages: *const *const sys::MyceliumMessage, count: usize) -> Self {
        // A Received is the pointer and nothing else.
        Batch { messages: slice::from_raw_parts(messages.cast(), count) }
    }
}

impl<'a> Deref for Batch<'a> {
    type Target = [Received<'a>];

    fn deref(&self) -> &[Received<'a>] {
        self.messages
    }
}

impl<'a> IntoIterator for Batch<'a> {
    type Item = Received<'a>;
    type IntoIter = std::iter::Copied<slice::Iter<'a, Received<'a>>>;

    fn into_iter(self) -> Self::IntoIter {
        self.messages.iter().copied()
    }
}

impl fmt::Debug for Batch<'_> {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.messages.fmt(to)
    }
}

/// Calls `with` with the message whose typed closure, or closure of bytes, runs on this thread; elsewhere with `None`.
///
/// ```
/// use mycelium::examples::TextMessage;
///
/// let bus = mycelium::Runtime::new()?;
/// let subscription = bus.subscribe(|message: TextMessage| {
///     mycelium::with_current(|current| {
///         let number = current.map_or(0, |message| message.envelope().sequence);
///         println!("message {number}: {}", message.content);
///     });
/// })?;
/// # Ok::<(), mycelium::Error>(())
/// ```
pub fn with_current<R>(with: impl FnOnce(Option<Received<'_>>) -> R) -> R {
    // Safe: it cannot leave the closure, during which the library keeps the message.
    with(unsafe { Received::borrow(sys::mycelium_message_current()) })
}
