//! Numbers of the interface. Enums of C are integers here: a newer library may know more values.

pub const MYCELIUM_ABI_MAJOR: u32 = 1;
pub const MYCELIUM_ABI_MINOR: u32 = 0;
pub const MYCELIUM_FOREVER: i64 = i64::MAX;
pub const MYCELIUM_DIGEST_SIZE: usize = 32;

pub type MyceliumStatus = i32;
pub const MYCELIUM_SUCCESS: MyceliumStatus = 0;
pub const MYCELIUM_DEFERRED: MyceliumStatus = 1;
pub const MYCELIUM_ERROR_NULL: MyceliumStatus = -1;
pub const MYCELIUM_ERROR_DIGEST: MyceliumStatus = -2;
pub const MYCELIUM_ERROR_RUNTIME: MyceliumStatus = -3;
pub const MYCELIUM_ERROR_SUBSCRIPTION: MyceliumStatus = -4;
pub const MYCELIUM_ERROR_TOPOLOGY: MyceliumStatus = -5;
pub const MYCELIUM_ERROR_SERVICE_NOT_FOUND: MyceliumStatus = -6;
pub const MYCELIUM_ERROR_UNKNOWN_TYPE: MyceliumStatus = -7;
pub const MYCELIUM_ERROR_TOO_LARGE: MyceliumStatus = -8;
pub const MYCELIUM_ERROR_INVALID_PAYLOAD: MyceliumStatus = -9;
pub const MYCELIUM_ERROR_FULL: MyceliumStatus = -10;
pub const MYCELIUM_ERROR_TIMEOUT: MyceliumStatus = -11;
pub const MYCELIUM_ERROR_CLOSED: MyceliumStatus = -12;
pub const MYCELIUM_ERROR_INVALID_ARGUMENT: MyceliumStatus = -13;
pub const MYCELIUM_ERROR_FORKED: MyceliumStatus = -14;
pub const MYCELIUM_ERROR_NO_REPLY: MyceliumStatus = -15;
pub const MYCELIUM_ERROR_UNSUPPORTED: MyceliumStatus = -16;
pub const MYCELIUM_ERROR_INTERNAL: MyceliumStatus = -99;

pub type MyceliumPolicy = i32;
pub const MYCELIUM_POLICY_DEFAULT: MyceliumPolicy = 0;
pub const MYCELIUM_POLICY_BLOCK: MyceliumPolicy = 1;
pub const MYCELIUM_POLICY_DROP_OLDEST: MyceliumPolicy = 2;
pub const MYCELIUM_POLICY_DROP_NEWEST: MyceliumPolicy = 3;
pub const MYCELIUM_POLICY_FAIL: MyceliumPolicy = 4;

pub type MyceliumVerify = i32;
pub const MYCELIUM_VERIFY_DEFAULT: MyceliumVerify = 0;
pub const MYCELIUM_VERIFY_NONE: MyceliumVerify = 1;
pub const MYCELIUM_VERIFY_SIZE: MyceliumVerify = 2;
pub const MYCELIUM_VERIFY_FULL: MyceliumVerify = 3;

pub type MyceliumLogLevel = i32;
pub const MYCELIUM_LOG_ERROR: MyceliumLogLevel = 0;
pub const MYCELIUM_LOG_WARNING: MyceliumLogLevel = 1;
pub const MYCELIUM_LOG_INFO: MyceliumLogLevel = 2;

pub type MyceliumDestination = i32;
pub const MYCELIUM_TO_ALL: MyceliumDestination = 0;
pub const MYCELIUM_TO_SUBSCRIPTION: MyceliumDestination = 1;
pub const MYCELIUM_TO_KEY: MyceliumDestination = 2;

pub type MyceliumDropReason = i32;
pub const MYCELIUM_DROP_OLDEST: MyceliumDropReason = 0;
pub const MYCELIUM_DROP_NEWEST: MyceliumDropReason = 1;
pub const MYCELIUM_DROP_TIMEOUT: MyceliumDropReason = 2;
pub const MYCELIUM_DROP_FULL: MyceliumDropReason = 3;
pub const MYCELIUM_DROP_UNSUBSCRIBED: MyceliumDropReason = 4;
pub const MYCELIUM_DROP_CLOSED: MyceliumDropReason = 5;
pub const MYCELIUM_DROP_REASONS: MyceliumDropReason = 6;

pub type MyceliumSubscribeFlags = u32;
pub const MYCELIUM_SUBSCRIBE_DEDICATED: MyceliumSubscribeFlags = 1;
pub const MYCELIUM_SUBSCRIBE_INLINE: MyceliumSubscribeFlags = 2;
pub const MYCELIUM_SUBSCRIBE_GATEWAY: MyceliumSubscribeFlags = 4;

pub type MyceliumDeliveryKind = i32;
pub const MYCELIUM_DELIVERY_MESSAGE: MyceliumDeliveryKind = 0;
pub const MYCELIUM_DELIVERY_COMPLETE: MyceliumDeliveryKind = 1;
pub const MYCELIUM_DELIVERY_REPLY: MyceliumDeliveryKind = 2;
