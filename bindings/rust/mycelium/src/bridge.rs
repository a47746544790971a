//! Bridges: a runtime joins others, in other processes and on other machines. `docs/bridge.md` says what is guaranteed.

use std::fmt;
use std::ptr;
use std::time::Duration;

use crate::bus::{nanoseconds, nanoseconds_not_zero, read_text, Bus};
use crate::error::{check, Result};
use crate::runtime::{c_string, Policy};
use crate::sys;

/// Options of a bridge: [`Bus::bridge`]. What is left out has its default; `mycelium_bridge.h` has them all at
/// `MyceliumBridgeConfig`.
#[must_use = "open() gives the runtime its bridge"]
pub struct Bridge {
    bus: Bus,
    config: sys::MyceliumBridgeConfig,
    name: Option<String>,
    token: Option<String>,
}

// Safe: the pointers in its options are null until open() fills them.
unsafe impl Send for Bridge {}

impl fmt::Debug for Bridge {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the token: what is printed is kept.
        to.debug_struct("Bridge").field("bus", &self.bus).field("name", &self.name).finish_non_exhaustive()
    }
}

impl Bridge {
    /// Of this node, in logs and statistics; else the runtime's name.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Both sides of a link prove that they know it, and it does not cross the wire. Without one TCP works on loopback
    /// addresses only.
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// Links that are accepted at the same time; else 256.
    pub fn max_links(mut self, count: u32) -> Self {
        self.config.max_links = count;
        self
    }

    /// The longest message that is taken, with its envelope, in bytes; else 16 MiB.
    pub fn max_frame(mut self, bytes: u32) -> Self {
        self.config.max_frame = bytes;
        self
    }

    /// How many bytes may be on their way to this node over one link, unacknowledged; else 4 MiB.
    pub fn window(mut self, bytes: u32) -> Self {
        self.config.window = bytes;
        self
    }

    /// Messages of one type that may wait for one neighbour; else 65536.
    pub fn capacity(mut self, messages: u32) -> Self {
        self.config.capacity = messages;
        self
    }

    /// What happens where more would wait; else [`Policy::Block`].
    pub fn policy(mut self, policy: Policy) -> Self {
        self.config.policy = policy.number();
        self
    }

    /// How long a publisher waits for room; else the runtime's block timeout.
    pub fn block_timeout(mut self, time: Duration) -> Self {
        self.config.block_timeout_ns = nanoseconds_not_zero(time);
        self
    }

    /// For the other side's whole greeting; else five seconds.
    pub fn hello_timeout(mut self, time: Duration) -> Self {
        self.config.hello_timeout_ns = nanoseconds_not_zero(time);
        self
    }

    /// The longest pause between two signs of life; else a second.
    pub fn heartbeat(mut self, time: Duration) -> Self {
        self.config.heartbeat_ns = nanoseconds_not_zero(time);
        self
    }

    /// After so long without one the other side counts as dead; else five seconds.
    pub fn silence(mut self, time: Duration) -> Self {
        self.config.silence_ns = nanoseconds_not_zero(time);
        self
    }

    /// How long what waits for a neighbour that has gone is kept for its return; else thirty seconds.
    pub fn linger(mut self, time: Duration) -> Self {
        self.config.linger_ns = nanoseconds_not_zero(time);
        self
    }

    /// Gives the runtime the bridge, without an address yet. A runtime has one:
    /// [`Status::InvalidArgument`](crate::Status::InvalidArgument) the second time.
    pub fn open(self) -> Result<()> {
        let name = self.name.map(|name| c_string(&name, "the name")).transpose()?;
        let token = self.token.map(|token| c_string(&token, "the token")).transpose()?;
        let mut config = self.config;
        config.name = name.as_ref().map_or(ptr::null(), |name| name.as_ptr());
        config.token = token.as_ref().map_or(ptr::null(), |token| token.as_ptr());
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
}

/// Other processes. None of these may be called in a closure: [`Status::Unsupported`](crate::Status::Unsupported).
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
        Bridge { bus: self, config: Default::default(), name: None, token: None }
    }

    /// Listens at `unix:PATH`, `tcp:HOST:PORT` or `tcp:[IPV6]:PORT`, and returns the address as it came to be: port 0
    /// lets the system choose one. Opens a bridge with the defaults if there is none.
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

    /// Counters of the bridge; [`Status::InvalidArgument`](crate::Status::InvalidArgument) if there is none.
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
        })
    }

    /// The same, and each neighbour, as a JSON object.
    pub fn bridge_json(self) -> Result<String> {
        read_text(|buffer, capacity, length| unsafe {
            sys::mycelium_bridge_json(self.handle(), buffer, capacity, length)
        })
    }
}
