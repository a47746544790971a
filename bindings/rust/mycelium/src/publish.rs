//! Publishing: one message, many, bytes as they are.

use std::fmt;
use std::marker::PhantomData;
use std::slice;

use crate::bus::Bus;
use crate::codec::Message;
use crate::error::{check, Error, Result};
use crate::received::Envelope;
use crate::sys;

/// A payload of a batch, borrowed.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Payload<'a> {
    raw: sys::MyceliumPayload,
    bytes: PhantomData<&'a [u8]>,
}

// Safe: a slice that is only read.
unsafe impl Send for Payload<'_> {}
unsafe impl Sync for Payload<'_> {}

impl<'a> Payload<'a> {
    /// The encoded bytes of a message of type `type_id`.
    pub fn new(type_id: u16, bytes: &'a [u8]) -> Self {
        let raw = sys::MyceliumPayload { type_id, data: bytes.as_ptr(), len: bytes.len() };
        Payload { raw, bytes: PhantomData }
    }

    /// The type.
    pub fn type_id(&self) -> u16 {
        self.raw.type_id
    }

    /// The bytes.
    pub fn bytes(&self) -> &'a [u8] {
        // Safe: these are the parts of the slice that new() was given.
        unsafe { slice::from_raw_parts(self.raw.data, self.raw.len) }
    }
}

impl fmt::Debug for Payload<'_> {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("Payload").field("type_id", &self.type_id()).field("bytes", &self.bytes()).finish()
    }
}

/// A batch was not published to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchError {
    /// How many were published before the one that failed; the rest was not.
    pub published: usize,
    /// Why that one was not.
    pub error: Error,
}

impl fmt::Display for BatchError {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{} (after {} were published)", self.error, self.published)
    }
}

impl std::error::Error for BatchError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

impl From<BatchError> for Error {
    fn from(why: BatchError) -> Self {
        why.error
    }
}

impl Bus {
    /// Delivers a message to every subscription of its type; none is no error. One thread's messages stay in order.
    /// May wait for room: see [`Policy`](crate::Policy). [`Status::Full`](crate::Status::Full) and
    /// [`Status::Timeout`](crate::Status::Timeout) mean that at least one subscription did not get it.
    #[inline]
    pub fn publish<M: Message>(self, message: &M) -> Result<()> {
        message.with_encoded(|bytes| self.publish_bytes(M::TYPE_ID, bytes))?
    }

    /// The same for bytes that are encoded already, or opaque.
    #[inline]
    pub fn publish_bytes(self, type_id: u16, payload: &[u8]) -> Result<()> {
        check(unsafe { sys::mycelium_publish(self.handle(), type_id, payload.as_ptr(), payload.len()) })
    }

    /// Publishes with a priority, a destination, a correlation id or a trace. The rest of the envelope is the
    /// runtime's.
    ///
    /// ```
    /// use mycelium::examples::TextMessage;
    /// use mycelium::{Destination, Envelope};
    ///
    /// let bus = mycelium::Runtime::new()?;
    /// let to_one_of_many = Envelope { destination: Destination::Key(7), ..Envelope::default() };
    /// bus.publish_with(&to_one_of_many, &TextMessage::default())?;
    /// # Ok::<(), mycelium::Error>(())
    /// ```
    pub fn publish_with<M: Message>(self, envelope: &Envelope, message: &M) -> Result<()> {
        message.with_encoded(|bytes| self.publish_bytes_with(envelope, M::TYPE_ID, bytes))?
    }

    /// The same for bytes.
    pub fn publish_bytes_with(self, envelope: &Envelope, type_id: u16, payload: &[u8]) -> Result<()> {
        let raw = envelope.raw(type_id);
        check(unsafe { sys::mycelium_publish_envelope(self.handle(), &raw, payload.as_ptr(), payload.len()) })
    }

    /// Publishes payloads in order, with one wake-up per subscription.
    pub fn publish_batch(self, payloads: &[Payload<'_>]) -> std::result::Result<(), BatchError> {
        let mut published = 0;
        // Safe: Payload is the C struct and nothing else.
        let status = unsafe {
            sys::mycelium_publish_batch(self.handle(), payloads.as_ptr().cast(), payloads.len(), &mut published)
        };
        check(status).map_err(|error| BatchError { published, error })
    }

    /// Publishes many messages of one type in order, several hundred at a time.
    ///
    /// ```
    /// use mycelium::examples::CounterUpdate;
    ///
    /// let bus = mycelium::Runtime::new()?;
    /// bus.publish_all((1..=1000).map(|value| CounterUpdate { value, ..Default::default() }))?;
    /// # Ok::<(), mycelium::Error>(())
    /// ```
    pub fn publish_all<M: Message>(
        self,
        messages: impl IntoIterator<Item = M>,
    ) -> std::result::Result<usize, BatchError> {
        const MOST: usize = 256;
        let mut published = 0;
        let mut bytes = Vec::new();
        let mut ends = Vec::with_capacity(MOST);
        let mut messages = messages.into_iter();
        loop {
            let mut wrong = None;
            for message in messages.by_ref().take(MOST) {
                if let Err(why) = message.with_encoded(|encoded| bytes.extend_from_slice(encoded)) {
                    wrong = Some(why);
                    break;
                }
                ends.push(bytes.len());
            }
            if ends.is_empty() && wrong.is_none() {
                return Ok(published);
            }
            let mut start = 0;
            let payloads: Vec<_> = ends
                .iter()
                .map(|&end| Payload::new(M::TYPE_ID, &bytes[std::mem::replace(&mut start, end)..end]))
                .collect();
            match self.publish_batch(&payloads) {
                Ok(()) => published += payloads.len(),
                Err(why) => return Err(BatchError { published: published + why.published, error: why.error }),
            }
            if let Some(why) = wrong {
                return Err(BatchError { published, error: why.into() });
            }
            bytes.clear();
            ends.clear();
        }
    }
}
