//! From the library's callbacks to closures. A closure lives in a `Context` behind the subscription's user data, from
//! which the library frees it after the last callback; no panic leaves it.

use std::os::raw::c_void;
use std::slice;
use std::sync::Arc;

use crate::received::{Batch, Received};
use crate::reports::{guard, Failures};
use crate::subscribe::{DropEvent, SubscriptionId};
use crate::sys;

pub(crate) type OnDrop = Box<dyn FnMut(DropEvent) + Send>;
pub(crate) type OnComplete = Box<dyn FnOnce(SubscriptionId) + Send>;

pub(crate) struct Context<F> {
    pub closure: F,
    pub on_drop: Option<OnDrop>,
    pub on_complete: Option<OnComplete>,
    pub failures: Arc<Failures>,
}

impl<F: Send + 'static> Context<F> {
    // Gives the context to the options; `reclaim` takes it back if the library does not take them.
    pub(crate) fn give(self, to: &mut sys::MyceliumSubscribeOptions) {
        to.on_drop = self.on_drop.as_ref().and(Some(on_drop::<F>));
        to.on_complete = self.on_complete.as_ref().and(Some(on_complete::<F>));
        to.user_data_free = Some(free::<F>);
        to.user_data = Box::into_raw(Box::new(self)).cast();
    }
}

// Safe for what give() put into options that were not taken.
pub(crate) unsafe fn reclaim(from: &sys::MyceliumSubscribeOptions) {
    if let Some(free) = from.user_data_free {
        free(from.user_data);
    }
}

// Safe in a callback of a subscription that owns such a context: the library runs no two of them at once, so the
// reference is the only one.
unsafe fn context<'a, F>(user_data: *mut c_void) -> &'a mut Context<F> {
    &mut *user_data.cast::<Context<F>>()
}

pub(crate) unsafe extern "C" fn on_payload<F: FnMut(&[u8])>(
    _type_id: u16,
    payload: *const u8,
    len: usize,
    user_data: *mut c_void,
) {
    let Context { closure, failures, .. } = context::<F>(user_data);
    failures.guard(|| closure(if len == 0 { &[] } else { slice::from_raw_parts(payload, len) }));
}

pub(crate) unsafe extern "C" fn on_message<F: FnMut(Received<'_>)>(
    message: *const sys::MyceliumMessage,
    user_data: *mut c_void,
) {
    let Context { closure, failures, .. } = context::<F>(user_data);
    failures.guard(|| Received::borrow(message).map_or((), closure));
}

pub(crate) unsafe extern "C" fn on_batch<F: FnMut(Batch<'_>)>(
    messages: *const *const sys::MyceliumMessage,
    count: usize,
    user_data: *mut c_void,
) {
    let Context { closure, failures, .. } = context::<F>(user_data);
    failures.guard(|| closure(Batch::borrow(messages, count)));
}

unsafe extern "C" fn on_drop<F>(event: *const sys::MyceliumDropEvent, user_data: *mut c_void) {
    let Context { on_drop, failures, .. } = context::<F>(user_data);
    if let Some(told) = on_drop {
        failures.guard(|| told(DropEvent::of(&*event)));
    }
}

unsafe extern "C" fn on_complete<F>(subscription_id: u64, user_data: *mut c_void) {
    let Context { on_complete, failures, .. } = context::<F>(user_data);
    if let Some(told) = on_complete.take() {
        failures.guard(|| told(SubscriptionId(subscription_id)));
    }
}

unsafe extern "C" fn free<F>(user_data: *mut c_void) {
    // What the closure holds is dropped here, and may panic, too.
    let owned = Box::from_raw(user_data.cast::<Context<F>>());
    let failures = owned.failures.clone();
    failures.guard(|| drop(owned));
}

pub(crate) type Outcome = Box<dyn FnOnce(i32, Option<Received<'_>>) + Send>;

// A closure that waits for the outcome of a request.
pub(crate) struct OnReply {
    pub closure: Outcome,
    pub handle: *mut sys::MyceliumRuntime,
}

pub(crate) unsafe extern "C" fn on_reply(
    _request_id: u64,
    status: i32,
    reply: *const sys::MyceliumMessage,
    user_data: *mut c_void,
) {
    let OnReply { closure, handle } = *Box::from_raw(user_data.cast::<OnReply>());
    // Made only when it is needed: requests are many, panics few.
    let failures = || Failures::new(handle, "a request".to_owned());
    guard(|| closure(status, Received::borrow(reply)), |panic| failures().panicked(panic));
}
