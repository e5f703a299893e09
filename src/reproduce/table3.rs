//! Table 3: the same on a smaller data set (section 4.5).

use super::accuracy::{preface, table, verdicts};
use super::document::Section;
use super::trial::{Method, Net, Variant};
use super::{ReproduceError, Results, Study};
use crate::nn::Loss;
use crate::report::Printed;

/// The study.
pub const STUDY: Study = Study { name: "table3", place: "table 3", methods, measure };

/// The paper's losses on the network that it trains from scratch there (RES, on Images of Groups).
const PRINTED: [Printed; 5] =
    [("xe", 60.0, 91.5), ("reg", 52.8, 92.2), ("emd", 59.3, 92.5), ("xemd1", 58.2, 91.7), ("xemd2", 60.1, 93.1)];

fn losses() -> Vec<Loss> {
    PRINTED.iter().filter_map(|(name, ..)| name.parse().ok()).collect()
}

fn methods() -> Vec<Method> {
    losses().into_iter().map(|loss| Method::new(Variant::Half, Net::Default, loss)).collect()
}

fn measure(results: &Results) -> Result<Section, ReproduceError> {
    let setup = results.setup;
    let mut section = Section::new(format!("Table 3: fewer images, on {}", setup.data_name(Variant::Half)));
    section.blocks.push(preface(setup, Variant::Half));
    section.blocks.push(table(results, Variant::Half, Net::Default, &losses(), &PRINTED)?);
    section.verdicts = verdicts(results, Variant::Half, Net::Default, &PRINTED)?;
    Ok(section)
}
