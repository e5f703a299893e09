//! `backhoe sweep`, `merge` and `compare`: many runs.

use super::train::{Rate, Recipe};
use super::{DataChoice, DeviceArguments};
use backhoe::nn::Loss;
use clap::Args;
use std::path::PathBuf;

/// A network's channels and hidden outputs, as `16,32,64/128`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// Channels of the convolutions.
    pub channels: Vec<usize>,
    /// Outputs of the hidden layer.
    pub hidden: usize,
}

impl std::str::FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let (channels, hidden) = text.split_once('/')?;
            let channels: Option<Vec<usize>> = channels.split(',').map(|number| number.trim().parse().ok()).collect();
            Some(Self { channels: channels?, hidden: hidden.trim().parse().ok()? })
        };
        parse().ok_or_else(|| format!("`{text}` is no network: give channels and hidden outputs, as 16,32,64/128"))
    }
}

impl std::fmt::Display for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let channels: Vec<String> = self.channels.iter().map(ToString::to_string).collect();
        write!(f, "{}/{}", channels.join(","), self.hidden)
    }
}

/// One of several parts of a sweep, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Which.
    pub number: usize,
    /// Of how many.
    pub of: usize,
}

impl std::str::FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let halves = text.split_once('/').and_then(|(number, of)| Some((number.parse().ok()?, of.parse().ok()?)));
        match halves {
            Some((number, of)) if (1..=of).contains(&number) => Ok(Self { number, of }),
            _ => Err(format!("`{text}` is no part: give a number from 1 and how many there are, as 2/8")),
        }
    }
}

/// Most seeds of a sweep.
const MOST_SEEDS: usize = 1000;

/// Seeds, as `1,2,3` or `1..5`, the last included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seeds(pub Vec<u32>);

impl std::str::FromStr for Seeds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let range = text.split_once("..").and_then(|(from, to)| Some((from.parse().ok()?, to.parse().ok()?)));
        let list = || text.split(',').map(|seed| seed.trim().parse().ok()).collect::<Option<Vec<u32>>>();
        // One more than is allowed tells as much as a whole range of them.
        let seeds = range.map(|(from, to): (u32, u32)| (from..=to).take(1 + MOST_SEEDS).collect()).or_else(list);
        let seeds = seeds.filter(|seeds: &Vec<u32>| (1..=MOST_SEEDS).contains(&seeds.len()));
        seeds.map(Self).ok_or_else(|| format!("`{text}` is no list of up to 1,000 seeds, such as 1,2,3 or 1..5"))
    }
}

/// `backhoe sweep`.
#[derive(Debug, Args)]
pub struct SweepArguments {
    /// Which data; with --folds and without --fold every fold is tested on
    #[command(flatten)]
    pub data: DataChoice,
    /// Losses, separated by commas
    #[arg(long, value_delimiter = ',', default_value = "xe,emd,xemd2")]
    pub loss: Vec<Loss>,
    /// Learning rates, separated by commas; `search` is one, too
    #[arg(long, value_delimiter = ',', default_value = "0.03")]
    pub lr: Vec<Rate>,
    /// Seeds: 1,2,3 or 1..5
    #[arg(long, default_value = "1..3")]
    pub seeds: Seeds,
    /// Networks, one a use: channels of the convolutions and outputs of the hidden layer
    #[arg(long, default_value = "16,32,64/128")]
    pub network: Vec<Network>,
    /// How.
    #[command(flatten)]
    pub recipe: Recipe,
    /// Folder of the runs; what is finished there is not done again
    #[arg(long)]
    pub out: PathBuf,
    /// Do this part of the runs only, as 2/8: for a scheduler that starts eight of these
    #[arg(long, value_name = "I/N")]
    pub shard: Option<Shard>,
    /// Which device.
    #[command(flatten)]
    pub device: DeviceArguments,
    /// Say nothing but errors
    #[arg(long)]
    pub quiet: bool,
}

/// `backhoe merge`.
#[derive(Debug, Args)]
pub struct MergeArguments {
    /// Folders of sweeps, the parts of one; runs of all others are copied into the first
    #[arg(required = true)]
    pub folders: Vec<PathBuf>,
}

/// `backhoe compare`.
#[derive(Debug, Args)]
pub struct CompareArguments {
    /// Folders of runs
    #[arg(required = true)]
    pub runs: Vec<PathBuf>,
    /// Where the page goes
    #[arg(long, default_value = "compare.html")]
    pub out: PathBuf,
    /// Test images to show, the most distant mistakes first
    #[arg(long, default_value_t = 24)]
    pub samples: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_seeds_and_networks_are_read_or_refused_by_name() {
        assert_eq!("2/8".parse(), Ok(Shard { number: 2, of: 8 }));
        for bad in ["0/8", "9/8", "2", "a/b", "1/0"] {
            assert!(bad.parse::<Shard>().unwrap_err().contains(bad));
        }
        assert_eq!("1..3".parse(), Ok(Seeds(vec![1, 2, 3])));
        assert_eq!("7,9".parse(), Ok(Seeds(vec![7, 9])));
        for bad in ["", "3..1", "x", "0..4000000000"] {
            assert!(bad.parse::<Seeds>().is_err(), "{bad}");
        }
        assert_eq!("16,32/64".parse(), Ok(Network { channels: vec![16, 32], hidden: 64 }));
        assert!("16,32".parse::<Network>().unwrap_err().contains("16,32,64/128"));
    }
}
