//! The handle of a runtime, and what has no better place: schemas, waiting, what the library tells of itself.

use std::ffi::CStr;
use std::os::raw::c_char;
use std::time::Duration;

use crate::codec::Message;
use crate::error::{check, Result};
use crate::sys;

/// The handle of a bus, to be copied into closures and threads. The library checks it on each call: once the
/// [`Runtime`](crate::Runtime) has gone, every call is [`Status::Closed`](crate::Status::Closed).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bus {
    handle: *mut sys::MyceliumRuntime,
}

// Safe: a handle is a number that the library looks up, under its own synchronisation.
unsafe impl Send for Bus {}
unsafe impl Sync for Bus {}

pub(crate) fn nanoseconds(time: Duration) -> i64 {
    i64::try_from(time.as_nanos()).unwrap_or(sys::MYCELIUM_FOREVER)
}

// Where 0 would stand for the default.
pub(crate) fn nanoseconds_not_zero(time: Duration) -> i64 {
    nanoseconds(time).max(1)
}

// For functions that write a text of unknown length.
pub(crate) fn read_text(call: impl Fn(*mut c_char, usize, *mut usize) -> i32) -> Result<String> {
    let mut length = 0;
    let mut buffer: Vec<u8> = Vec::new();
    loop {
        check(call(buffer.as_mut_ptr().cast(), buffer.len(), &mut length))?;
        if length < buffer.len() {
            buffer.truncate(length);
            return Ok(String::from_utf8_lossy(&buffer).into_owned());
        }
        buffer = vec![0; length + 256]; // it may have grown when we ask again
    }
}

impl Bus {
    /// The bus of a handle that came from elsewhere, for instance from the C program that this one is a plug-in of.
    /// Any value will do: one that is no runtime's makes every call fail.
    pub fn from_handle(handle: *mut sys::MyceliumRuntime) -> Self {
        Bus { handle }
    }

    /// The `MyceliumRuntime*`, for C code in the same process that shares the bus.
    pub fn handle(self) -> *mut sys::MyceliumRuntime {
        self.handle
    }

    /// Fails unless `digest` is that of the library's own schema or of one that was registered here. Generated modules
    /// have it as `SCHEMA_DIGEST`.
    ///
    /// ```
    /// let bus = mycelium::Runtime::new()?;
    /// assert!(bus.verify_schema_digest(&[0; 32]).is_err());
    /// bus.register_schema(mycelium::examples::SCHEMA)?;
    /// bus.verify_schema_digest(&mycelium::examples::SCHEMA_DIGEST)?;
    /// # Ok::<(), mycelium::Error>(())
    /// ```
    pub fn verify_schema_digest(self, digest: &[u8; 32]) -> Result<()> {
        check(unsafe { sys::mycelium_verify_schema_digest(self.handle, digest.as_ptr(), digest.len()) })
    }

    /// Adds the types of a binary schema (`SCHEMA` of a generated module), and returns its digest. A type that is
    /// known with another digest is [`Status::Digest`](crate::Status::Digest), and nothing is added.
    pub fn register_schema(self, bfbs: &[u8]) -> Result<[u8; 32]> {
        let mut digest = [0; 32];
        check(unsafe { sys::mycelium_register_schema(self.handle, bfbs.as_ptr(), bfbs.len(), digest.as_mut_ptr()) })?;
        Ok(digest)
    }

    /// The digest of a registered type.
    pub fn type_digest(self, type_id: u16) -> Result<[u8; 32]> {
        let mut digest = [0; 32];
        check(unsafe { sys::mycelium_type_digest(self.handle, type_id, digest.as_mut_ptr()) })?;
        Ok(digest)
    }

    /// Checks a payload against its schema, whatever the runtime's level of verification.
    pub fn verify_payload(self, type_id: u16, payload: &[u8]) -> Result<()> {
        check(unsafe { sys::mycelium_verify_payload(self.handle, type_id, payload.as_ptr(), payload.len()) })
    }

    /// Waits until there are `count` subscriptions of a message. Not in a closure, unless they exist already.
    pub fn wait_for_subscribers<M: Message>(self, count: usize, timeout: Duration) -> Result<()> {
        self.wait_for_subscribers_of(M::TYPE_ID, count, timeout)
    }

    /// The same for a type that is known by its number only.
    pub fn wait_for_subscribers_of(self, type_id: u16, count: usize, timeout: Duration) -> Result<()> {
        check(unsafe { sys::mycelium_wait_for_subscribers(self.handle, type_id, count, nanoseconds(timeout)) })
    }

    /// Waits until everything that was accepted before the call is delivered or dropped. Not in a closure.
    pub fn flush(self, timeout: Duration) -> Result<()> {
        check(unsafe { sys::mycelium_flush(self.handle, nanoseconds(timeout)) })
    }

    /// Keeps the last `depth` messages of a type for subscriptions that ask for
    /// [`history`](crate::Subscriber::history); 0 forgets them.
    pub fn keep_history<M: Message>(self, depth: u32) -> Result<()> {
        self.keep_history_of(M::TYPE_ID, depth)
    }

    /// The same for a type that is known by its number only.
    pub fn keep_history_of(self, type_id: u16, depth: u32) -> Result<()> {
        check(unsafe { sys::mycelium_keep_history(self.handle, type_id, depth) })
    }

    /// Stops accepting at once, and ends the runtime on a thread of its own: for closures, which cannot wait for their
    /// own end. Elsewhere dropping the [`Runtime`](crate::Runtime) does it.
    pub fn destroy_later(self) -> Result<()> {
        check(unsafe { sys::mycelium_runtime_destroy_later(self.handle) })
    }
}

/// The version of the loaded library, such as "1.0.0".
pub fn version() -> String {
    // Safe: static storage.
    unsafe { CStr::from_ptr(sys::mycelium_version()) }.to_string_lossy().into_owned()
}

/// The version of the loaded library's interface: major, minor. A program needs the major number that it was built
/// with.
pub fn abi_version() -> (u16, u16) {
    let version = unsafe { sys::mycelium_abi_version() };
    ((version >> 16) as u16, version as u16)
}

/// What a bug report needs, as a JSON object.
pub fn info_json() -> Result<String> {
    read_text(|buffer, capacity, length| unsafe { sys::mycelium_info_json(buffer, capacity, length) })
}

/// The digest of the schema that is built into the library.
pub fn schema_digest() -> [u8; 32] {
    let mut digest = [0; 32];
    unsafe { sys::mycelium_schema_digest(digest.as_mut_ptr()) };
    digest
}
