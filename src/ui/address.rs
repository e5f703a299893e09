//! Settings in a page's address, so that a link reproduces a demonstration: what stands behind the `#`, such as
//! `data=faces&loss=xe,emd&epochs=4&seed=2&autostart`, and with `panel=distances` one panel alone. Its words are the command line's, but for `train` and `test`, the numbers of
//! faces. The order of its parts does not matter.

use super::panels::PanelName;
use crate::data::source::{FACES, Source, TEST_FRACTION};
use crate::nn::Loss;
use crate::train::Settings;
use crate::train::cell::Cell;
use std::str::FromStr;

/// What an address asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Address {
    /// What is trained.
    pub cell: Cell,
    /// On what.
    pub device: String,
    /// Whether graphics adapters try which of their kernels are the fastest; where nothing is said, GPUs do.
    pub tune: Option<bool>,
    /// Whether it begins by itself.
    pub autostart: bool,
    /// The only panel that is shown.
    pub panel: Option<PanelName>,
}

impl Default for Address {
    fn default() -> Self {
        let source = Source::Faces { train: FACES[0], test: FACES[1] };
        let (protocol, settings) = Default::default();
        let cell = Cell { source, protocol, settings, ground: None, search: false };
        Self { cell, device: "auto".to_owned(), tune: None, autostart: false, panel: None }
    }
}

impl Address {
    /// Reads what stands behind the `#`.
    ///
    /// # Errors
    /// Words that are not known and values that cannot be, in words.
    pub fn read(fragment: &str) -> Result<Self, String> {
        let mut address = Self::default();
        let is_data = |part: &&str| part.starts_with("data=");
        let parts = || fragment.split('&').filter(|part| !part.is_empty());
        // Which data decides what else may be said.
        for part in parts().filter(is_data).chain(parts().filter(|part| !is_data(part))) {
            let (word, value) = part.split_once('=').unwrap_or((part, ""));
            address.take(word, value).map_err(|why| format!("in the address, `{part}`: {why}"))?;
        }
        address.cell.settings.check().map_err(|error| error.to_string())?;
        Ok(address)
    }

    fn take(&mut self, word: &str, value: &str) -> Result<(), String> {
        let settings: &mut Settings = &mut self.cell.settings;
        match word {
            "data" => self.cell.source = source(value)?,
            "train" | "test" => {
                let Source::Faces { train, test } = &mut self.cell.source else {
                    return Err("only faces are drawn in any number".to_owned());
                };
                *(if word == "train" { train } else { test }) = number(value)?;
            }
            "loss" => settings.losses = value.split(',').map(Loss::from_str).collect::<Result<_, _>>()?,
            "epochs" => settings.epochs = number(value)?,
            "batch" => settings.batch = number(value)?,
            "lr" => settings.learning_rate = number(value)?,
            "momentum" => settings.momentum = number(value)?,
            "seed" => settings.seed = number(value)?,
            "device" => value.clone_into(&mut self.device),
            "tune" => self.tune = Some(on_or_off(value)?),
            "autostart" => self.autostart = true,
            "panel" => self.panel = Some(value.parse()?),
            _ => {
                return Err(
                    "data, train, test, loss, epochs, batch, lr, momentum, seed, device, tune, autostart and panel \
                            are known"
                        .to_owned(),
                );
            }
        }
        Ok(())
    }
}

fn source(name: &str) -> Result<Source, String> {
    match name {
        "faces" => Ok(Source::Faces { train: FACES[0], test: FACES[1] }),
        "digits" => Ok(Source::Digits { test_fraction: TEST_FRACTION }),
        _ => Err("the page has faces and digits".to_owned()),
    }
}

fn number<T: FromStr>(value: &str) -> Result<T, String> {
    value.parse().map_err(|_| "that is no number that it could be".to_owned())
}

fn on_or_off(value: &str) -> Result<bool, String> {
    match value {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err("it is on or off".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_says_what_is_trained() {
        assert_eq!(Address::read(""), Ok(Address::default()));
        let address = Address::read(
            "data=faces&train=64&test=8&loss=xe,emd&epochs=4&lr=0.01&seed=2&device=cpu&tune=on&autostart&panel=mover",
        );
        let Address { cell, device, tune, autostart, panel } = address.unwrap();
        assert_eq!(cell.source, Source::Faces { train: 64, test: 8 });
        let settings = &cell.settings;
        assert_eq!((settings.losses.as_slice(), settings.epochs, settings.seed), (&[Loss::Xe, Loss::Emd][..], 4, 2));
        assert_eq!((settings.learning_rate, device.as_str(), tune, autostart), (0.01, "cpu", Some(true), true));
        assert_eq!(Address::read("tune=off").unwrap().tune, Some(false));
        assert_eq!(panel, Some(PanelName::Mover));
        let turned = Address::read("train=64&data=faces").unwrap().cell.source;
        assert_eq!(turned, Source::Faces { train: 64, test: 400 }, "in any order");
        assert_eq!(Address::read("data=digits").unwrap().cell.source, Source::Digits { test_fraction: 0.2 });
    }

    #[test]
    fn what_cannot_be_is_named() {
        for (fragment, named) in [
            ("loss=mse", "`mse`"),
            ("epochs=many", "`epochs=many`"),
            ("data=photos", "`data=photos`"),
            ("panel=curves", "`panel=curves`: the panels are race, distances"),
            ("colour=red", "autostart and panel are known"),
            ("tune=fast", "`tune=fast`: it is on or off"),
            ("epochs=0", "epochs is 0"),
            ("data=digits&train=5", "`train=5`"),
            ("train=5&data=digits", "`train=5`"),
        ] {
            let why = Address::read(fragment).unwrap_err();
            assert!(why.contains(named), "{fragment}: {why}");
        }
    }
}
