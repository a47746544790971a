//! What can go wrong, as values.

use std::ffi::CStr;
use std::fmt;

use crate::codec::{DecodeError, EncodeError};
use crate::sys;

/// What the library answered. Its numbers never change; a newer library may have more of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Status {
    /// A required pointer was NULL.
    Null,
    /// The digests of two schemas differ.
    Digest,
    /// The runtime could not start or stop.
    Runtime,
    /// There is no such subscription, queue or request.
    Subscription,
    /// The topology file is missing or invalid.
    Topology,
    /// The topology names no such service.
    ServiceNotFound,
    /// The runtime is strict, and no schema is registered for this type.
    UnknownType,
    /// The payload is over the runtime's limit.
    TooLarge,
    /// The payload is no valid message of its type.
    InvalidPayload,
    /// A mailbox is full, and its policy does not wait.
    Full,
    /// Time is over.
    Timeout,
    /// The runtime is closed.
    Closed,
    /// An argument makes no sense.
    InvalidArgument,
    /// The runtime belongs to the parent of this process.
    Forked,
    /// Nobody serves this request, or every server left it unanswered.
    NoReply,
    /// Not possible here; the text says why.
    Unsupported,
    /// A fault of the library.
    Internal,
    /// One that this crate does not know yet.
    Other(i32),
}

impl Status {
    fn of(number: i32) -> Self {
        match number {
            sys::MYCELIUM_ERROR_NULL => Status::Null,
            sys::MYCELIUM_ERROR_DIGEST => Status::Digest,
            sys::MYCELIUM_ERROR_RUNTIME => Status::Runtime,
            sys::MYCELIUM_ERROR_SUBSCRIPTION => Status::Subscription,
            sys::MYCELIUM_ERROR_TOPOLOGY => Status::Topology,
            sys::MYCELIUM_ERROR_SERVICE_NOT_FOUND => Status::ServiceNotFound,
            sys::MYCELIUM_ERROR_UNKNOWN_TYPE => Status::UnknownType,
            sys::MYCELIUM_ERROR_TOO_LARGE => Status::TooLarge,
            sys::MYCELIUM_ERROR_INVALID_PAYLOAD => Status::InvalidPayload,
            sys::MYCELIUM_ERROR_FULL => Status::Full,
            sys::MYCELIUM_ERROR_TIMEOUT => Status::Timeout,
            sys::MYCELIUM_ERROR_CLOSED => Status::Closed,
            sys::MYCELIUM_ERROR_INVALID_ARGUMENT => Status::InvalidArgument,
            sys::MYCELIUM_ERROR_FORKED => Status::Forked,
            sys::MYCELIUM_ERROR_NO_REPLY => Status::NoReply,
            sys::MYCELIUM_ERROR_UNSUPPORTED => Status::Unsupported,
            sys::MYCELIUM_ERROR_INTERNAL => Status::Internal,
            other => Status::Other(other),
        }
    }

    /// The number in the C interface.
    pub fn number(self) -> i32 {
        match self {
            Status::Null => sys::MYCELIUM_ERROR_NULL,
            Status::Digest => sys::MYCELIUM_ERROR_DIGEST,
            Status::Runtime => sys::MYCELIUM_ERROR_RUNTIME,
            Status::Subscription => sys::MYCELIUM_ERROR_SUBSCRIPTION,
            Status::Topology => sys::MYCELIUM_ERROR_TOPOLOGY,
            Status::ServiceNotFound => sys::MYCELIUM_ERROR_SERVICE_NOT_FOUND,
            Status::UnknownType => sys::MYCELIUM_ERROR_UNKNOWN_TYPE,
            Status::TooLarge => sys::MYCELIUM_ERROR_TOO_LARGE,
            Status::InvalidPayload => sys::MYCELIUM_ERROR_INVALID_PAYLOAD,
            Status::Full => sys::MYCELIUM_ERROR_FULL,
            Status::Timeout => sys::MYCELIUM_ERROR_TIMEOUT,
            Status::Closed => sys::MYCELIUM_ERROR_CLOSED,
            Status::InvalidArgument => sys::MYCELIUM_ERROR_INVALID_ARGUMENT,
            Status::Forked => sys::MYCELIUM_ERROR_FORKED,
            Status::NoReply => sys::MYCELIUM_ERROR_NO_REPLY,
            Status::Unsupported => sys::MYCELIUM_ERROR_UNSUPPORTED,
            Status::Internal => sys::MYCELIUM_ERROR_INTERNAL,
            Status::Other(number) => number,
        }
    }
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The library refused; the text says what to do about it.
    Refused {
        /// What kind of refusal.
        status: Status,
        /// The library's own words.
        text: String,
    },
    /// The message cannot be encoded.
    Encode(EncodeError),
    /// What was received is no message of the wanted type.
    Decode(DecodeError),
    /// A message of another type was received, for instance as a reply.
    UnexpectedType {
        /// The type that was wanted.
        wanted: u16,
        /// The type that came.
        received: u16,
    },
}

/// What the calls of this crate return.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub(crate) fn refused(status: Status, text: impl Into<String>) -> Self {
        Error::Refused { status, text: text.into() }
    }

    // What the last failed call of this thread left behind.
    #[cold]
    pub(crate) fn of_thread(number: i32) -> Self {
        // Safe: the text is the thread's own until its next failed call.
        let text = unsafe { CStr::from_ptr(sys::mycelium_last_error()) };
        Error::refused(Status::of(number), text.to_string_lossy())
    }

    // For outcomes that come without a text.
    pub(crate) fn of_status(number: i32) -> Self {
        // Safe: static storage.
        let name = unsafe { CStr::from_ptr(sys::mycelium_status_name(number)) };
        Error::refused(Status::of(number), name.to_string_lossy())
    }

    /// The status that a C program would have seen.
    pub fn status(&self) -> Status {
        match self {
            Error::Refused { status, .. } => *status,
            Error::Encode(_) => Status::InvalidArgument,
            Error::Decode(_) | Error::UnexpectedType { .. } => Status::InvalidPayload,
        }
    }
}

// Turns an answer of the library into a result; DEFERRED is a success.
#[inline]
pub(crate) fn check(number: i32) -> Result<()> {
    if number >= 0 {
        Ok(())
    } else {
        Err(Error::of_thread(number))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Refused { text, .. } => to.write_str(text),
            Error::Encode(why) => why.fmt(to),
            Error::Decode(why) => why.fmt(to),
            Error::UnexpectedType { wanted, received } => {
                write!(to, "a message of type {wanted} was expected, and one of type {received} came")
            }
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Encode(why) => Some(why),
            Error::Decode(why) => Some(why),
            _ => None,
        }
    }
}

impl From<EncodeError> for Error {
    fn from(why: EncodeError) -> Self {
        Error::Encode(why)
    }
}

impl From<DecodeError> for Error {
    fn from(why: DecodeError) -> Self {
        Error::Decode(why)
    }
}
