//! Commands and messages as bytes, for the border between the two copies of this program in a page.

use serde::{Serialize, de::DeserializeOwned};

/// The bytes of a command or message (MessagePack, which has all numbers, those that are none included).
///
/// # Errors
/// When it cannot be told so, in words.
pub fn to_bytes(told: &impl Serialize) -> Result<Vec<u8>, String> {
    rmp_serde::to_vec_named(told).map_err(|error| error.to_string())
}

/// What [`to_bytes`] made bytes of.
///
/// # Errors
/// When they are of something else, in words.
pub fn from_bytes<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    rmp_serde::from_slice(bytes).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::super::message::{Command, Message, Order};
    use super::*;
    use crate::data::source::Source;
    use crate::nn::Loss;
    use crate::train::cell::Cell;

    #[test]
    fn what_is_told_arrives() {
        let source = Source::Faces { train: 5, test: 3 };
        let (protocol, settings) = Default::default();
        let cell = Cell { source, protocol, settings, ground: None, search: false };
        let order =
            Order { cell: cell.clone(), place: None, device: "auto".into(), begins: true, sized_by_device: false };
        let bytes = to_bytes(&Command::Begin(Box::new(order))).unwrap();
        let Command::Begin(arrived) = from_bytes(&bytes).unwrap() else { panic!("another command") };
        assert_eq!(arrived.cell, cell);
        let bytes = to_bytes(&Message::Loss { loss: Loss::Emd, mean: f64::NAN }).unwrap();
        let Message::Loss { mean, .. } = from_bytes(&bytes).unwrap() else { panic!("another message") };
        assert!(mean.is_nan());
        assert!(from_bytes::<Command>(&bytes).is_err());
    }
}
