//! A runtime: created with options, ended by `Drop`.

use std::ffi::CString;
use std::fmt;
use std::ops::Deref;
use std::ptr;
use std::sync::Arc;
use std::time::Duration;

use crate::bus::{nanoseconds, nanoseconds_not_zero, Bus};
use crate::error::{check, Error, Result, Status};
use crate::reports::{self, Entry, LogLevel};
use crate::sys;

/// What happens to a message that finds a mailbox full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Policy {
    /// The publisher waits, at most for the block timeout; in a closure it gets [`Status::Full`] at once.
    Block,
    /// The oldest message makes room; with capacity 2 the latest value survives.
    DropOldest,
    /// The new message is dropped for this subscription.
    DropNewest,
    /// The publisher gets [`Status::Full`].
    Fail,
}

impl Policy {
    pub(crate) fn number(self) -> i32 {
        match self {
            Policy::Block => sys::MYCELIUM_POLICY_BLOCK,
            Policy::DropOldest => sys::MYCELIUM_POLICY_DROP_OLDEST,
            Policy::DropNewest => sys::MYCELIUM_POLICY_DROP_NEWEST,
            Policy::Fail => sys::MYCELIUM_POLICY_FAIL,
        }
    }
}

/// How much of a payload is checked when it is published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verify {
    /// Nothing: publishers in this process are trusted.
    None,
    /// That its root lies inside.
    Size,
    /// All of it, against its schema.
    Full,
}

/// A running bus. Dropping it stops accepting, delivers what was accepted (until the close timeout) and ends every
/// thread; in a closure of its own it does so later, on another thread. Its calls are those of [`Bus`].
#[derive(Debug)]
pub struct Runtime {
    bus: Bus,
    entry: Arc<Entry>,
}

/// Options of a runtime. What is left out comes from the environment (`MYCELIUM_THREADS`, ...), else it has its
/// default; `mycelium.h` has them all at `MyceliumRuntimeConfig`.
#[derive(Default)]
#[must_use = "build() makes the runtime"]
pub struct RuntimeBuilder {
    config: sys::MyceliumRuntimeConfig,
    name: Option<String>,
    log: Option<reports::Log>,
    schemas: Vec<Vec<u8>>,
    digest: Option<[u8; 32]>,
}

// Safe: the pointers in its options are null until build() fills them.
unsafe impl Send for RuntimeBuilder {}

impl fmt::Debug for RuntimeBuilder {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("RuntimeBuilder").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Runtime {
    /// A runtime with the default options.
    pub fn new() -> Result<Self> {
        Self::builder().build()
    }

    /// A runtime with options.
    ///
    /// ```
    /// use mycelium::{Policy, Runtime};
    /// use std::time::Duration;
    ///
    /// let bus = Runtime::builder()
    ///     .name("quotes")
    ///     .threads(1)
    ///     .policy(Policy::DropOldest)
    ///     .close_timeout(Duration::from_secs(1))
    ///     .log(|level, text| eprintln!("{level:?}: {text}"))
    ///     .build()?;
    /// # Ok::<(), mycelium::Error>(())
    /// ```
    pub fn builder() -> RuntimeBuilder {
        RuntimeBuilder::default()
    }

    /// A runtime for a service of a topology file. [`Status::Topology`] (the text names line and key) or
    /// [`Status::ServiceNotFound`] if there is none.
    pub fn from_topology(path: &str, service: &str) -> Result<Self> {
        let (path, service) = (c_string(path, "the path")?, c_string(service, "the service")?);
        Self::adopt(None, |_| unsafe { sys::mycelium_runtime_create_from_topology(path.as_ptr(), service.as_ptr()) })
    }

    fn adopt(log: Option<reports::Log>, create: impl FnOnce(&Entry) -> *mut sys::MyceliumRuntime) -> Result<Self> {
        let (major, minor) = crate::abi_version();
        if u32::from(major) != sys::MYCELIUM_ABI_MAJOR {
            return Err(Error::refused(
                Status::Unsupported,
                format!("libmycelium_ffi speaks version {major}.{minor} of its interface, this crate version 1"),
            ));
        }
        let entry = reports::add(log);
        let handle = create(&entry);
        if handle.is_null() {
            let why = Error::of_thread(unsafe { sys::mycelium_last_status() });
            reports::remove(&entry);
            return Err(why);
        }
        entry.belongs_to(handle);
        Ok(Runtime { bus: Bus::from_handle(handle), entry })
    }

    /// The handle, to be copied into closures and threads.
    pub fn bus(&self) -> Bus {
        self.bus
    }

    /// Stops accepting, delivers what was accepted until the time is over, counts the rest as dropped, and ends every
    /// thread. Statistics stay readable. [`Status::Timeout`]: a closure still runs, the text names its subscription; it
    /// may be tried again. Not in a closure of this runtime.
    pub fn close(&self, timeout: Duration) -> Result<()> {
        check(unsafe { sys::mycelium_runtime_close(self.handle(), nanoseconds(timeout)) })
    }

    /// Leaves the runtime to the process: it runs until that ends, which needs no close.
    pub fn detach(self) -> Bus {
        let bus = self.bus;
        std::mem::forget(self);
        bus
    }
}

impl Deref for Runtime {
    type Target = Bus;

    fn deref(&self) -> &Bus {
        &self.bus
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        // The second call finds nothing to do, unless the first was refused because this is a closure of the runtime.
        let destroyed_later = unsafe {
            sys::mycelium_runtime_destroy(self.handle());
            sys::mycelium_runtime_destroy_later(self.handle()) == sys::MYCELIUM_SUCCESS
        };
        // A runtime that still ends may have something to say.
        if !(destroyed_later && self.entry.has_log()) {
            reports::remove(&self.entry);
        }
    }
}

impl RuntimeBuilder {
    /// Shown in metrics and logs.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Worker threads; else one less than there are cores.
    pub fn threads(mut self, count: u32) -> Self {
        self.config.threads = count;
        self
    }

    /// Messages that may wait for one subscription; else 4096.
    pub fn mailbox_capacity(mut self, messages: u32) -> Self {
        self.config.mailbox_capacity = messages;
        self
    }

    /// What happens when a mailbox is full; else [`Policy::Block`].
    pub fn policy(mut self, policy: Policy) -> Self {
        self.config.policy = policy.number();
        self
    }

    /// How much of a payload is checked when it is published; else nothing.
    pub fn verify(mut self, level: Verify) -> Self {
        self.config.verify = match level {
            Verify::None => sys::MYCELIUM_VERIFY_NONE,
            Verify::Size => sys::MYCELIUM_VERIFY_SIZE,
            Verify::Full => sys::MYCELIUM_VERIFY_FULL,
        };
        self
    }

    /// How long a publisher waits for room; else a second.
    pub fn block_timeout(mut self, time: Duration) -> Self {
        self.config.block_timeout_ns = nanoseconds_not_zero(time);
        self
    }

    /// How long the end of the runtime delivers what was accepted; else five seconds.
    pub fn close_timeout(mut self, time: Duration) -> Self {
        self.config.close_timeout_ns = nanoseconds_not_zero(time);
        self
    }

    /// The largest payload in bytes; else 16 MiB.
    pub fn max_payload(mut self, bytes: usize) -> Self {
        self.config.max_payload = bytes;
        self
    }

    /// Refuses types whose schema is not registered.
    pub fn strict(mut self, strict: bool) -> Self {
        self.config.strict = strict.into();
        self
    }

    /// Gets every line that the library logs, and the panics of closures. May run on any thread.
    pub fn log(mut self, log: impl Fn(LogLevel, &str) + Send + Sync + 'static) -> Self {
        self.log = Some(Box::new(log));
        self
    }

    /// Registers a binary schema: `SCHEMA` of a generated module.
    pub fn schema(mut self, bfbs: &[u8]) -> Self {
        self.schemas.push(bfbs.to_owned());
        self
    }

    /// Fails with [`Status::Digest`] unless this is the digest of the library's own schema or of a registered one.
    pub fn schema_digest(mut self, digest: [u8; 32]) -> Self {
        self.digest = Some(digest);
        self
    }

    /// Starts the runtime.
    pub fn build(self) -> Result<Runtime> {
        let name = self.name.map(|name| c_string(&name, "the name")).transpose()?;
        let mut config = self.config;
        config.name = name.as_ref().map_or(ptr::null(), |name| name.as_ptr());
        let runtime = Runtime::adopt(self.log, |entry| {
            if entry.has_log() {
                config.log = Some(reports::on_log);
                config.log_user_data = entry.user_data();
            }
            unsafe { sys::mycelium_runtime_create_with_config(&config) }
        })?;
        for schema in &self.schemas {
            runtime.register_schema(schema)?;
        }
        if let Some(digest) = &self.digest {
            runtime.verify_schema_digest(digest)?;
        }
        Ok(runtime)
    }
}

pub(crate) fn c_string(text: &str, what: &str) -> Result<CString> {
    CString::new(text)
        .map_err(|_| Error::refused(Status::InvalidArgument, format!("{what} holds a zero byte: {text:?}")))
}
