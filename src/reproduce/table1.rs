//! Table 1: all losses by network, on ordered classes (section 4.4).

use super::accuracy::{Printed, preface, table, verdicts};
use super::document::Section;
use super::trial::{Method, Net, Variant};
use super::{ReproduceError, Results, Setup, Study};
use crate::nn::Loss;
use crate::report::Block;

/// The study.
pub const STUDY: Study = Study { name: "table1", place: "table 1", methods, measure };

/// The paper's losses on its smallest network (ALXs), in the place of which the small one stands here.
const SMALL: [Printed; 6] = [
    ("xe", 53.0, 85.7),
    ("reg", 49.8, 85.1),
    ("emd", 57.0, 90.4),
    ("xemd1", 54.2, 88.0),
    ("xemd2", 54.8, 87.5),
    ("a-emd", 53.9, 88.7),
];

/// The paper's losses on the network that it trains from scratch (RES).
const DEFAULT: [Printed; 6] = [
    ("xe", 58.1, 90.3),
    ("reg", 57.3, 91.8),
    ("emd", 61.9, 93.1),
    ("xemd1", 60.2, 92.4),
    ("xemd2", 60.2, 92.7),
    ("a-emd", 58.7, 91.7),
];

fn printed(net: Net) -> &'static [Printed] {
    match net {
        Net::Small => &SMALL,
        Net::Default => &DEFAULT,
    }
}

/// The paper's losses on the small network; on the default one the rivals too.
fn losses(net: Net) -> Vec<Loss> {
    let of_paper = |loss: &Loss| SMALL.iter().any(|(name, ..)| *name == loss.name());
    Setup::losses().into_iter().filter(|loss| net == Net::Default || of_paper(loss)).collect()
}

fn methods() -> Vec<Method> {
    let of_net = |net: Net| losses(net).into_iter().map(move |loss| Method::new(Variant::Whole, net, loss));
    Net::ALL.into_iter().flat_map(of_net).collect()
}

fn measure(results: &Results) -> Result<Section, ReproduceError> {
    let setup = results.setup;
    let mut section = Section::new(format!("Table 1: losses by network, on {}", setup.data_name(Variant::Whole)));
    section.blocks.push(preface(setup, Variant::Whole));
    for net in Net::ALL {
        let place = if net == Net::Small { "ALXs" } else { "RES" };
        section.blocks.push(Block::Text(format!("The {} network (in the paper: {place} on Adience):", net.name())));
        section.blocks.push(table(results, Variant::Whole, net, &losses(net), printed(net))?);
        section.verdicts.extend(verdicts(results, Variant::Whole, net, printed(net))?);
    }
    Ok(section)
}
