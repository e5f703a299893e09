//! Table 1: all losses by network, on ordered classes (section 4.4).

use super::accuracy::{preface, table, verdicts};
use super::document::Section;
use super::trial::{Method, Net, Variant};
use super::{ReproduceError, Results, Setup, Study};
use crate::nn::Loss;
use crate::report::{ALXS, Block, Printed, RES};

/// The study.
pub const STUDY: Study = Study { name: "table1", place: "table 1", methods, measure };

/// The paper's networks: its smallest, in the place of which the small one stands here, and the one that it trains from scratch.
fn printed(net: Net) -> &'static [Printed] {
    match net {
        Net::Small => &ALXS,
        Net::Default => &RES,
    }
}

/// The paper's losses on the small network; on the default one the rivals too.
fn losses(net: Net) -> Vec<Loss> {
    let of_paper = |loss: &Loss| ALXS.iter().any(|(name, ..)| *name == loss.name());
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
