//! Mycelium is a message bus inside a process: programs in C, C++, Python, OCaml and Rust publish typed messages and
//! receive them by type, millions a second, through one library. This crate is its safe interface for Rust.
//!
//! ```
//! use mycelium::examples::TextMessage;
//! use mycelium::Runtime;
//!
//! fn main() -> mycelium::Result<()> {
//!     let bus = Runtime::new()?;
//!     bus.subscribe(|message: TextMessage| println!("{} says {}", message.sender, message.content))?.detach();
//!     bus.publish(&TextMessage { sender: "Rust".into(), content: "hello".into(), ..Default::default() })?;
//!     Ok(()) // the end of the runtime delivers what was accepted
//! }
//! ```
//!
//! - [`Runtime`] owns a bus; [`Bus`], its handle, is `Copy`, and goes where closures and threads need it.
//! - [`Bus::subscribe`] takes a closure; the [`Subscription`] ends when it is dropped. [`Bus::subscriber`] has options.
//! - [`Bus::request`] asks and waits, [`Bus::request_async`] is a future, [`Bus::serve`] answers.
//! - [`Bus::stream`] is an iterator, [`Queue`] the same for event loops.
//! - [`Bus::bridge_listen`] and [`Bus::bridge_dial`] join the buses of other processes and machines.
//! - [`Message`] is what travels: generated from schemas by `mycelium schema compile --rust`, or by the crate
//!   `mycelium-build` in a build script, or written by hand.
//!
//! Closures run on the library's threads, never two at once for one subscription, and should not block: ask for
//! [`Subscriber::dedicated`] if yours may. A panic in a closure is caught, counted and logged.
//!
//! What must not compile does not. A closure cannot take along what other threads may not touch:
//!
//! ```compile_fail,E0277
//! let bus = mycelium::Runtime::new().unwrap();
//! let not_for_threads = std::rc::Rc::new(1);
//! bus.subscribe(move |_: mycelium::examples::TextMessage| println!("{not_for_threads}"));
//! ```
//!
//! nor borrow what may be gone when it runs:
//!
//! ```compile_fail,E0597
//! let bus = mycelium::Runtime::new().unwrap();
//! let mut count = 0;
//! let counted = &mut count;
//! let subscription = bus.subscribe(move |_: mycelium::examples::TextMessage| *counted += 1);
//! ```
//!
//! and a message that is not retained cannot leave the closure that received it:
//!
//! ```compile_fail
//! let bus = mycelium::Runtime::new().unwrap();
//! let (sender, receiver) = std::sync::mpsc::channel::<mycelium::Received<'static>>();
//! bus.subscriber().subscribe_raw(1001, move |message| sender.send(message).unwrap());
//! ```

#![warn(missing_docs)]

extern crate self as mycelium; // generated code says ::mycelium, here too

pub mod codec;

/// The messages of `schema/examples.fbs`, as `mycelium schema compile --rust` writes them.
#[allow(missing_docs)]
pub mod examples {
    crate::include_messages!("examples");
}

pub use codec::{DecodeError, EncodeError, Message};

/// Takes in a module that `mycelium_build::compile` has written in the build script.
///
/// ```ignore
/// mod weather {
///     mycelium::include_messages!("weather"); // from weather.fbs
/// }
/// ```
#[macro_export]
macro_rules! include_messages {
    ($name:literal) => {
        include!(concat!(env!("OUT_DIR"), "/", $name, ".rs"));
    };
}

#[cfg(feature = "bus")]
mod native {
    pub use mycelium_sys as sys;
}
#[cfg(feature = "bus")]
pub use native::sys;

#[cfg(feature = "bus")]
mod bridge;
#[cfg(feature = "bus")]
mod bus;
#[cfg(feature = "bus")]
mod callback;
#[cfg(feature = "bus")]
mod error;
#[cfg(feature = "bus")]
mod loan;
#[cfg(feature = "bus")]
mod publish;
#[cfg(feature = "bus")]
mod queue;
#[cfg(feature = "bus")]
mod received;
#[cfg(feature = "bus")]
mod reports;
#[cfg(feature = "bus")]
mod request;
#[cfg(feature = "bus")]
mod runtime;
#[cfg(feature = "bus")]
mod stats;
#[cfg(feature = "bus")]
mod stream;
#[cfg(feature = "bus")]
mod subscribe;

#[cfg(feature = "bus")]
pub use {
    bridge::{Bridge, BridgeStats},
    bus::{abi_version, info_json, schema_digest, version, Bus},
    error::{Error, Result, Status},
    loan::Loan,
    publish::{BatchError, Payload},
    queue::{Delivery, Queue, RequestId},
    received::{with_current, Batch, Destination, Envelope, Received, Retained, Trace},
    reports::LogLevel,
    request::{PendingRequest, Reply},
    runtime::{Policy, Runtime, RuntimeBuilder, Verify},
    stats::{Drops, RuntimeStats, SubscriptionStats},
    stream::Stream,
    subscribe::{DropEvent, DropReason, Subscriber, Subscription, SubscriptionId},
};
