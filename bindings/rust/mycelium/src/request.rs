//! Requests and replies.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::ptr::{self, NonNull};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::bus::{nanoseconds, nanoseconds_not_zero, Bus};
use crate::callback::{self, OnReply};
use crate::codec::Message;
use crate::error::{check, Error, Result};
use crate::queue::RequestId;
use crate::received::{Received, Retained};
use crate::subscribe::Subscription;
use crate::sys;

impl Bus {
    /// Sends a request and waits for the first reply. [`Status::NoReply`](crate::Status::NoReply) at once if nobody
    /// serves it. Not in a closure, unless that is [`dedicated`](crate::Subscriber::dedicated).
    ///
    /// ```
    /// use mycelium::examples::{WordCountReply, WordCountRequest};
    /// use std::time::Duration;
    ///
    /// let bus = mycelium::Runtime::new()?;
    /// let server = bus.serve(|question: WordCountRequest| WordCountReply {
    ///     words: question.text.split_ascii_whitespace().count() as u64,
    ///     bytes: question.text.len() as u64,
    /// })?;
    /// let question = WordCountRequest { text: "how many words are these".into() };
    /// let answer: WordCountReply = bus.request(&question, Duration::from_secs(1))?;
    /// assert_eq!((answer.words, answer.bytes), (5, 24));
    /// # Ok::<(), mycelium::Error>(())
    /// ```
    pub fn request<Q: Message, A: Message>(self, question: &Q, timeout: Duration) -> Result<A> {
        question.with_encoded(|bytes| self.request_bytes(Q::TYPE_ID, bytes, timeout))??.decode()
    }

    /// The same with bytes; the reply is as it came.
    pub fn request_bytes(self, type_id: u16, payload: &[u8], timeout: Duration) -> Result<Retained> {
        let mut reply = ptr::null_mut();
        let (bytes, len) = (payload.as_ptr(), payload.len());
        check(unsafe { sys::mycelium_request(self.handle(), type_id, bytes, len, nanoseconds(timeout), &mut reply) })?;
        // Safe: the reply is ours.
        Ok(unsafe { Retained::own(reply) }.expect("a request that succeeded has a reply"))
    }

    /// Sends a request and returns at once; the closure gets the outcome, on a thread of the runtime. Dropping what it
    /// returns changes nothing.
    pub fn request_then<Q: Message, A: Message>(
        self,
        question: &Q,
        timeout: Duration,
        closure: impl FnOnce(Result<A>) + Send + 'static,
    ) -> Result<PendingRequest> {
        let closure = Box::new(move |status, reply: Option<Received<'_>>| closure(outcome(status, reply)));
        let on_reply = OnReply { closure, handle: self.handle() };
        question.with_encoded(|bytes| PendingRequest::send(self, Q::TYPE_ID, bytes, timeout, on_reply))?
    }

    /// Sends a request, whose reply is awaited with whatever runs your futures. Dropping the future cancels the
    /// request.
    pub fn request_async<Q: Message, A: Message + Send + 'static>(
        self,
        question: &Q,
        timeout: Duration,
    ) -> Result<Reply<A>> {
        let slot = Arc::new(Mutex::new(Slot { outcome: None, waker: None }));
        let settled = slot.clone();
        let pending = self.request_then(question, timeout, move |outcome| {
            let mut slot = settled.lock().unwrap_or_else(PoisonError::into_inner);
            slot.outcome = Some(outcome);
            let waker = slot.waker.take();
            drop(slot);
            if let Some(waker) = waker {
                waker.wake();
            }
        })?;
        Ok(Reply { slot, pending: Some(pending) })
    }

    /// Answers every request of a type with what the closure returns. One that panics leaves its request unanswered.
    pub fn serve<Q: Message + 'static, A: Message>(
        self,
        closure: impl FnMut(Q) -> A + Send + 'static,
    ) -> Result<Subscription> {
        self.subscriber().serve(closure)
    }

    /// Answers a request, once, from any thread: [`retain`](Received::retain) it to do so later.
    pub fn reply<'a, A: Message>(self, request: impl Into<Received<'a>>, answer: &A) -> Result<()> {
        let request = request.into();
        answer.with_encoded(|bytes| self.reply_bytes(request, A::TYPE_ID, bytes))?
    }

    /// The same with bytes.
    pub fn reply_bytes<'a>(self, request: impl Into<Received<'a>>, type_id: u16, payload: &[u8]) -> Result<()> {
        let request = request.into().raw();
        check(unsafe { sys::mycelium_reply(self.handle(), request, type_id, payload.as_ptr(), payload.len()) })
    }
}

fn outcome<A: Message>(status: i32, reply: Option<Received<'_>>) -> Result<A> {
    match reply {
        Some(reply) if status >= 0 => reply.decode(),
        _ => Err(Error::of_status(status)),
    }
}

/// A request on its way. Dropping it leaves the request alone.
pub struct PendingRequest {
    bus: Bus,
    id: RequestId,
    on_reply: NonNull<OnReply>, // the library's, until cancel() has succeeded
}

// Safe: only cancel() touches the closure, which is Send, once it is ours again.
unsafe impl Send for PendingRequest {}
unsafe impl Sync for PendingRequest {}

impl PendingRequest {
    fn send(bus: Bus, type_id: u16, payload: &[u8], timeout: Duration, on_reply: OnReply) -> Result<Self> {
        let on_reply = NonNull::from(Box::leak(Box::new(on_reply)));
        let options = sys::MyceliumRequestOptions {
            timeout_ns: nanoseconds_not_zero(timeout),
            on_reply: Some(callback::on_reply),
            user_data: on_reply.as_ptr().cast(),
            ..Default::default()
        };
        let mut id = 0;
        let status = unsafe {
            sys::mycelium_request_async(bus.handle(), type_id, payload.as_ptr(), payload.len(), &options, &mut id)
        };
        if let Err(why) = check(status) {
            // Safe: no outcome follows, so that the closure is ours again.
            drop(unsafe { Box::from_raw(on_reply.as_ptr()) });
            return Err(why);
        }
        Ok(PendingRequest { bus, id: RequestId(id), on_reply })
    }

    /// Its number.
    pub fn id(&self) -> RequestId {
        self.id
    }

    /// Forgets the request: its closure will not run. Says whether it was in time.
    pub fn cancel(self) -> bool {
        let forgotten = unsafe { sys::mycelium_request_cancel(self.bus.handle(), self.id.0) } == sys::MYCELIUM_SUCCESS;
        if forgotten {
            // Safe: the library will not use it any more.
            drop(unsafe { Box::from_raw(self.on_reply.as_ptr()) });
        }
        forgotten
    }
}

impl fmt::Debug for PendingRequest {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("PendingRequest").field("id", &self.id).finish_non_exhaustive()
    }
}

struct Slot<A> {
    outcome: Option<Result<A>>,
    waker: Option<Waker>,
}

/// The reply to [`Bus::request_async`], to be awaited.
#[must_use = "dropping it cancels the request"]
pub struct Reply<A> {
    slot: Arc<Mutex<Slot<A>>>,
    pending: Option<PendingRequest>, // until the outcome was taken
}

impl<A> Future for Reply<A> {
    type Output = Result<A>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let waker = context.waker().clone(); // the executor's code, not to be run under our lock
        let mut slot = self.slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(outcome) = slot.outcome.take() {
            drop(slot);
            self.pending = None;
            return Poll::Ready(outcome);
        }
        let before = slot.waker.replace(waker);
        drop(slot);
        drop(before);
        Poll::Pending
    }
}

impl<A> fmt::Debug for Reply<A> {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("Reply").field("pending", &self.pending).finish()
    }
}

impl<A> Drop for Reply<A> {
    fn drop(&mut self) {
        if let Some(pending) = self.pending.take() {
            pending.cancel();
        }
    }
}
