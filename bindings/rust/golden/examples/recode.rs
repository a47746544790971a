//! For each line "TYPE_ID HEX" of the standard input: the payload decoded and encoded again in hexadecimal, or "refused".
//! tests/golden/agree.py compares it with the other languages'.

use std::io::{self, BufRead, Write};

use mycelium::examples::*;
use mycelium::Message;
use mycelium_golden::golden::*;

fn recode<M: Message>(payload: &[u8]) -> Option<Vec<u8>> {
    M::decode(payload).ok().map(|value| value.encode().expect("what was decoded can be encoded"))
}

fn recoder(type_id: u16) -> fn(&[u8]) -> Option<Vec<u8>> {
    macro_rules! of {
        ($($message:ty),*) => {
            match type_id {
                $(<$message>::TYPE_ID => recode::<$message>,)*
                other => panic!("no message has type_id {other}"),
            }
        };
    }
    of!(
        TextMessage,
        CounterUpdate,
        BatchOperation,
        WordCountRequest,
        WordCountReply,
        Scalars,
        Defaults,
        Optionals,
        Strings,
        Vectors,
        Structs,
        Node,
        Drawing,
        Evolved,
        Mixed,
        Empty
    )
}

fn from_hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).expect("hexadecimal")).collect()
}

fn main() -> io::Result<()> {
    let mut out = io::BufWriter::new(io::stdout());
    for line in io::stdin().lock().lines() {
        let line = line?;
        let (type_id, text) = line.split_once(' ').expect("TYPE_ID HEX");
        match recoder(type_id.parse().expect("a type_id"))(&from_hex(text)) {
            Some(again) => writeln!(out, "{}", again.iter().map(|byte| format!("{byte:02x}")).collect::<String>())?,
            None => writeln!(out, "refused")?,
        }
    }
    Ok(())
}
