//! The golden vectors as Rust values, and the generated modules that they are of.

pub mod golden {
    mycelium::include_messages!("golden");
}

pub mod names {
    mycelium::include_messages!("names");
}

pub mod values {
    //! Written by values.py.
    use std::fmt::Debug;

    use mycelium::examples::*;
    use mycelium::Message;

    use crate::golden::*;

    /// Gets every vector: its name, its value, its bytes in hexadecimal.
    pub trait Check {
        fn check<M: Message + Debug + PartialEq>(&mut self, name: &str, value: &M, bytes: &str);
    }

    include!(concat!(env!("OUT_DIR"), "/values.rs"));
}

/// The programs of docs/rust.md, for the test of the documentation.
#[cfg(doctest)]
#[doc = include_str!("../../../../docs/rust.md")]
pub struct Page;
