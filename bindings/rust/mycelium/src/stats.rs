//! Counters.

use crate::bus::{read_text, Bus};
use crate::error::{check, Result};
use crate::reports;
use crate::subscribe::{Subscription, SubscriptionId};
use crate::sys;

/// Messages that were dropped, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Drops {
    /// Made room for newer ones.
    pub oldest: u64,
    /// Found no room.
    pub newest: u64,
    /// Their publishers waited in vain.
    pub timeout: u64,
    /// Were refused.
    pub full: u64,
    /// Were waiting when their subscription ended.
    pub unsubscribed: u64,
    /// Were waiting when the time of closing was over.
    pub closed: u64,
}

impl Drops {
    fn of(raw: &[u64; 8]) -> Self {
        let [oldest, newest, timeout, full, unsubscribed, closed, ..] = *raw;
        Drops { oldest, newest, timeout, full, unsubscribed, closed }
    }

    /// All of them.
    pub fn total(&self) -> u64 {
        self.oldest + self.newest + self.timeout + self.full + self.unsubscribed + self.closed
    }
}

/// Counters of a runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct RuntimeStats {
    /// Messages that were accepted from publishers.
    pub published: u64,
    /// Bytes of their payloads.
    pub published_bytes: u64,
    /// Calls to publish that failed.
    pub refused: u64,
    /// Messages times subscriptions: delivered, dropped and waiting.
    pub offered: u64,
    /// Of these, delivered.
    pub delivered: u64,
    /// In mailboxes now.
    pub waiting: u64,
    /// Panics, exceptions, and payloads that were no message of their type.
    pub callback_errors: u64,
    /// Actors that supervision restarted.
    pub restarts: u64,
    /// Subscriptions that live.
    pub subscriptions: u64,
    /// Queues that are open.
    pub queues: u64,
    /// Requests without an outcome.
    pub requests_pending: u64,
    /// Worker threads.
    pub threads: u64,
    /// Dropped messages; those of ended subscriptions, too.
    pub dropped: Drops,
}

/// Counters of a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct SubscriptionStats {
    /// Messages that were meant for it: delivered, dropped and waiting.
    pub offered: u64,
    /// Of these, delivered.
    pub delivered: u64,
    /// In its mailbox now.
    pub waiting: u64,
    /// The most that may wait.
    pub capacity: u64,
    /// The most that ever waited, as it saw when it woke up.
    pub high_water: u64,
    /// Panics, and payloads that were no message of their type.
    pub callback_errors: u64,
    /// Dropped messages.
    pub dropped: Drops,
}

impl Bus {
    /// Counters of the runtime.
    pub fn stats(self) -> Result<RuntimeStats> {
        let mut raw = sys::MyceliumRuntimeStats::default();
        check(unsafe { sys::mycelium_runtime_stats(self.handle(), &mut raw) })?;
        Ok(RuntimeStats {
            published: raw.published,
            published_bytes: raw.published_bytes,
            refused: raw.refused,
            offered: raw.offered,
            delivered: raw.delivered,
            waiting: raw.waiting,
            // The library does not see a panic: it ends before it gets there.
            callback_errors: raw.callback_errors + reports::errors_of(self.handle()),
            restarts: raw.restarts,
            subscriptions: raw.subscriptions,
            queues: raw.queues,
            requests_pending: raw.requests_pending,
            threads: raw.threads,
            dropped: Drops::of(&raw.dropped),
        })
    }

    /// Counters of a subscription that is known by its number; panics of its closure are not among them.
    pub fn subscription_stats(self, id: SubscriptionId) -> Result<SubscriptionStats> {
        let mut raw = sys::MyceliumSubscriptionStats::default();
        check(unsafe { sys::mycelium_subscription_stats(self.handle(), id.0, &mut raw) })?;
        Ok(SubscriptionStats {
            offered: raw.offered,
            delivered: raw.delivered,
            waiting: raw.waiting,
            capacity: raw.capacity,
            high_water: raw.high_water,
            callback_errors: raw.callback_errors,
            dropped: Drops::of(&raw.dropped),
        })
    }

    /// The library's counters as OpenMetrics text.
    pub fn metrics_text(self) -> Result<String> {
        read_text(|buffer, capacity, length| unsafe {
            sys::mycelium_metrics_text(self.handle(), buffer, capacity, length)
        })
    }
}

impl Subscription {
    /// Its counters.
    pub fn stats(&self) -> Result<SubscriptionStats> {
        let mut stats = self.bus().subscription_stats(self.id())?;
        stats.callback_errors += self.failures();
        Ok(stats)
    }
}
