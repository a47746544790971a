//! Bridges: a runtime joins others, in other processes and on other machines. `docs/bridge.md` says what is guaranteed.

use std::ffi::CString;
use std::fmt;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::time::Duration;

use crate::bus::{nanoseconds, nanoseconds_not_zero, read_text, Bus};
use crate::error::{check, Error, Result, Status};
use crate::runtime::{c_string, Policy};
use crate::sys;

/// Options of a bridge: [`Bus::bridge`]. What is left out has its default; `mycelium_bridge.h` has them all at
/// `MyceliumBridgeConfig`.
#[must_use = "open() gives the runtime its bridge"]
pub struct Bridge {
    bus: Bus,
    config: sys::MyceliumBridgeConfig,
    texts: Texts,
}

// Of the configuration, until open() makes them C's.
#[derive(Default)]
struct Texts {
    name: Option<Vec<u8>>,
    token: Option<Vec<u8>>,
    token_file: Option<Vec<u8>>,
    tls_cert: Option<Vec<u8>>,
    tls_key: Option<Vec<u8>>,
    tls_ca: Option<Vec<u8>>,
    permissions_file: Option<Vec<u8>>,
    at_least_once: Option<Vec<u8>>,
}

// Safe: the pointers in its options are null until open() fills them.
unsafe impl Send for Bridge {}

impl fmt::Debug for Bridge {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the token: what is printed is kept.
        let name = self.texts.name.as_deref().map(String::from_utf8_lossy);
        to.debug_struct("Bridge").field("bus", &self.bus).field("name", &name).finish_non_exhaustive()
    }
}

macro_rules! options {
    ($($(#[$doc:meta])+ $name:ident: $type:ty => $value:expr;)+) => {$(
        $(#[$doc])+
        pub fn $name(mut self, value: $type) -> Self {
            self.config.$name = $value(value);
            self
        }
    )+};
}

macro_rules! times {
    ($($(#[$doc:meta])+ $name:ident: $field:ident;)+) => {$(
        $(#[$doc])+
        pub fn $name(mut self, time: Duration) -> Self {
            self.config.$field = nanoseconds_not_zero(time);
            self
        }
    )+};
}

macro_rules! files {
    ($($(#[$doc:meta])+ $name:ident;)+) => {$(
        $(#[$doc])+
        pub fn $name(mut self, path: impl Into<PathBuf>) -> Self {
            self.texts.$name = Some(path.into().into_os_string().into_vec());
            self
        }
    )+};
}

/// Who it is, and who may join it. Files are read again by [`Bus::bridge_reload`].
impl Bridge {
    /// Of this node, in logs and statistics; else the runtime's name.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.texts.name = Some(name.into().into_bytes());
        self
    }

    /// Both sides of a link prove that they know it, and it does not cross the wire. Without one TCP beyond loopback
    /// addresses needs TLS.
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.texts.token = Some(token.into().into_bytes());
        self
    }

    files! {
        /// In place of the token: its text without the end of its last line.
        token_file;
        /// PEM: our certificate and those up to the authority's. With it and its key all TCP is TLS 1.3.
        tls_cert;
        /// PEM, without a password.
        tls_key;
        /// PEM: whose certificates are accepted; who dials us has to show one then. Else who dials us is not asked, and
        /// whom we dial is checked by the system's authorities.
        tls_ca;
        /// Who may link, publish and receive what (`docs/bridge.md`); else whoever has the above.
        permissions_file;
    }

    options! {
        /// Of Unix sockets; else `0o600`.
        socket_mode: u32 => u32::from;
    }
}

/// How it deals with its links.
impl Bridge {
    options! {
        /// The longest message that is taken, with its envelope, in bytes; else 16 MiB.
        max_frame: u32 => u32::from;
        /// How many bytes may be on their way to this node over one link, unacknowledged; else 4 MiB.
        window: u32 => u32::from;
        /// Messages of one type that may wait for one neighbour; else 4096.
        capacity: u32 => u32::from;
        /// What happens where more would wait; else [`Policy::Block`].
        policy: Policy => Policy::number;
    }

    times! {
        /// How long a publisher waits for room; else the runtime's block timeout.
        block_timeout: block_timeout_ns;
        /// For the other side's whole greeting; else five seconds.
        hello_timeout: hello_timeout_ns;
        /// The longest pause between two signs of life; else a second.
        heartbeat: heartbeat_ns;
        /// After so long without one the other side counts as dead; else five seconds.
        silence: silence_ns;
        /// How long what waits for a neighbour that has gone is kept for its return; else thirty seconds.
        linger: linger_ns;
    }

    /// Types whose messages go to the next node of a neighbour's name, within `linger`, if it dies before it has delivered
    /// them: ids, ranges, topics or `*`, as `"20001, 20010-20019, sensors"`.
    pub fn at_least_once(mut self, types: impl Into<String>) -> Self {
        self.texts.at_least_once = Some(types.into().into_bytes());
        self
    }
}

/// What a link may cost; `docs/bridge.md` sums it up.
impl Bridge {
    options! {
        /// Links that are accepted at the same time; else 256.
        max_links: u32 => u32::from;
        /// Of one user or address; else as many as there may be, of an address elsewhere a quarter of it.
        max_links_per_peer: u32 => u32::from;
        /// TCP connections taken each second, while others wait in the kernel; else 200.
        max_accepts: u32 => u32::from;
        /// Nodes that one link may tell of, more are not believed; else 512.
        max_nodes: u32 => u32::from;
        /// Bytes in which a link tells of one node; else 256 KiB.
        max_state: u32 => u32::from;
        /// Types that one link is sent; else 4096.
        max_types: u32 => u32::from;
        /// Requests of one link that are being answered, more hear [`Status::Full`]; else 65536.
        max_requests: u32 => u32::from;
        /// Messages a second from one link, before it is read more slowly, so that its sender waits and nothing is
        /// lost; else any number.
        max_message_rate: u64 => u64::from;
        /// The same for bytes.
        max_byte_rate: u64 => u64::from;
        /// The same for control frames, of which one that tells of a node counts as 100; else 100000.
        max_control_rate: u64 => u64::from;
    }

    /// Gives the runtime the bridge, without an address yet. A runtime has one: [`Status::InvalidArgument`] the second
    /// time.
    pub fn open(self) -> Result<()> {
        let (mut config, texts) = (self.config, self.texts);
        let places = [
            ("the name", texts.name, &mut config.name),
            ("the token", texts.token, &mut config.token),
            ("the path of the token's file", texts.token_file, &mut config.token_file),
            ("the path of the certificate", texts.tls_cert, &mut config.tls_cert),
            ("the path of the key", texts.tls_key, &mut config.tls_key),
            ("the path of the authorities", texts.tls_ca, &mut config.tls_ca),
            ("the path of the permissions", texts.permissions_file, &mut config.permissions_file),
            ("the list of types", texts.at_least_once, &mut config.at_least_once),
        ];
        let mut kept = Vec::new(); // until the call is over
        for (what, text, place) in places {
            if let Some(text) = text {
                let refused = |_| Error::refused(Status::InvalidArgument, format!("{what} holds a zero byte"));
                let text = CString::new(text).map_err(refused)?;
                *place = text.as_ptr();
                kept.push(text);
            }
        }
        check(unsafe { sys::mycelium_bridge_open(self.bus.handle(), &config) })
    }
}

/// Counters of a bridge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct BridgeStats {
    /// This node's number, drawn at random when the bridge was opened.
    pub node: u64,
    /// Nodes that are linked with this one now.
    pub neighbours: u64,
    /// Nodes that can be reached, over neighbours too; this one is not counted.
    pub reachable: u64,
    /// Links that came to be.
    pub links_made: u64,
    /// Links that were cut.
    pub links_cut: u64,
    /// Connections that did not become links.
    pub refused: u64,
    /// Messages that came over the links of now.
    pub received: u64,
    /// Messages that went out, each counted once.
    pub sent: u64,
    /// Messages that went out again after a link was cut.
    pub sent_again: u64,
    /// Of those sent, how many the neighbours have acknowledged.
    pub acknowledged: u64,
    /// Dropped for want of room, by the policy.
    pub dropped: u64,
    /// Were on their way to a neighbour that did not come back.
    pub lost: u64,
    /// Were numbered by a neighbour and never sent.
    pub missing: u64,
    /// Came by two ways; delivered once.
    pub repeated: u64,
    /// Were refused by verification or limits.
    pub invalid: u64,
    /// Were of types that their senders may not publish here, and dropped.
    pub not_allowed: u64,
}

/// Other processes. None of these may be called in a closure: [`Status::Unsupported`].
impl Bus {
    /// A bridge with options, to be opened before an address is given. Programs that need none just listen or dial.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let bus = mycelium::Runtime::new()?;
    /// bus.bridge().name("planner").token("known to both sides").linger(Duration::from_secs(5)).open()?;
    /// bus.bridge_dial("tcp:127.0.0.1:7000")?;
    /// # Ok::<(), mycelium::Error>(())
    /// ```
    pub fn bridge(self) -> Bridge {
        Bridge { bus: self, config: Default::default(), texts: Texts::default() }
    }

    /// Listens at `unix:PATH`, `tcp:HOST:PORT`, `tcp:[IPV6]:PORT` or `tls:HOST:PORT`, and returns the address as it
    /// came to be: port 0 lets the system choose one. Opens a bridge with the defaults if there is none.
    ///
    /// ```
    /// use mycelium::examples::TextMessage;
    /// use std::time::Duration;
    ///
    /// let (here, there) = (mycelium::Runtime::new()?, mycelium::Runtime::new()?); // as a rule in two processes
    /// let mut texts = there.stream::<TextMessage>()?;
    /// let address = there.bridge_listen("tcp:127.0.0.1:0")?;
    ///
    /// here.bridge_dial(&address)?;
    /// here.wait_for_subscribers::<TextMessage>(1, Duration::from_secs(20))?;
    /// here.publish(&TextMessage { content: "hello over there".into(), ..Default::default() })?;
    /// assert_eq!(texts.next().unwrap()?.content, "hello over there");
    /// # Ok::<(), mycelium::Error>(())
    /// ```
    pub fn bridge_listen(self, address: &str) -> Result<String> {
        let address = c_string(address, "the address")?;
        // It is not asked twice: the second time something would listen there.
        let mut bound = vec![0u8; 4096];
        let mut length = 0;
        check(unsafe {
            let (buffer, capacity) = (bound.as_mut_ptr().cast(), bound.len());
            sys::mycelium_bridge_listen(self.handle(), address.as_ptr(), buffer, capacity, &mut length)
        })?;
        bound.truncate(length.min(bound.len() - 1));
        Ok(String::from_utf8_lossy(&bound).into_owned())
    }

    /// Links with whoever listens at the address, now or later, and again after the link is cut. Returns before there
    /// is a link. Opens a bridge with the defaults if there is none.
    pub fn bridge_dial(self, address: &str) -> Result<()> {
        let address = c_string(address, "the address")?;
        check(unsafe { sys::mycelium_bridge_dial(self.handle(), address.as_ptr()) })
    }

    /// Waits until at least `count` neighbours are linked. To know that a subscriber elsewhere can be reached, use
    /// [`wait_for_subscribers`](Self::wait_for_subscribers).
    pub fn bridge_wait_for_links(self, count: usize, timeout: Duration) -> Result<()> {
        check(unsafe { sys::mycelium_bridge_wait_for_links(self.handle(), count, nanoseconds(timeout)) })
    }

    /// Reads the files of the options again. New links begin with what they say; a link that would not come up with it
    /// is ended. If anything is wrong with a file, all stays as it was: [`Status::InvalidArgument`].
    pub fn bridge_reload(self) -> Result<()> {
        check(unsafe { sys::mycelium_bridge_reload(self.handle()) })
    }

    /// Counters of the bridge; [`Status::InvalidArgument`] if there is none.
    pub fn bridge_stats(self) -> Result<BridgeStats> {
        let mut raw = sys::MyceliumBridgeStats::default();
        check(unsafe { sys::mycelium_bridge_stats(self.handle(), &mut raw) })?;
        Ok(BridgeStats {
            node: raw.node,
            neighbours: raw.neighbours,
            reachable: raw.reachable,
            links_made: raw.links_made,
            links_cut: raw.links_cut,
            refused: raw.refused,
            received: raw.received,
            sent: raw.sent,
            sent_again: raw.sent_again,
            acknowledged: raw.acknowledged,
            dropped: raw.dropped,
            lost: raw.lost,
            missing: raw.missing,
            repeated: raw.repeated,
            invalid: raw.invalid,
            not_allowed: raw.not_allowed,
        })
    }

    /// The same, and each neighbour, as a JSON object.
    pub fn bridge_json(self) -> Result<String> {
        read_text(|buffer, capacity, length| unsafe {
            sys::mycelium_bridge_json(self.handle(), buffer, capacity, length)
        })
    }
}
