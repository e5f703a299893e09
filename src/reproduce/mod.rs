//! The paper's tables and figures, measured again: what each study trains, what it measures, and what became of the
//! paper's claims. A study is a file here; whoever trains its cells keeps them in folders, and the studies read these.

mod accuracy;
mod claim;
mod collapse;
mod document;
mod figure1;
mod figure2;
mod lambda;
mod overhead;
mod results;
mod sdd;
mod setup;
mod table1;
mod table2;
mod table3;
mod table4;
mod table5;
mod trial;

pub use claim::{Comparison, Judgement, Metric, Relation, Verdict};
pub use document::{Document, Section};
pub use overhead::{Cost, Costs, FILE as OVERHEAD, NAME as OVERHEAD_STUDY};
pub use results::{Mishap, Outcome, Results};
pub use setup::Setup;
pub use trial::{Method, Net, Trial, Tuned, Variant};

use crate::report::ReportError;
use crate::train::run::RunError;
use std::path::PathBuf;

/// A table, figure or statement of the paper, and how it is measured.
pub struct Study {
    /// What it is called on the command line.
    pub name: &'static str,
    /// Where the paper has it.
    pub place: &'static str,
    /// What it trains.
    pub methods: fn() -> Vec<Method>,
    /// What it says once all of that is trained.
    pub measure: fn(&Results) -> Result<Section, ReproduceError>,
}

/// All studies, in the order of the report.
pub const STUDIES: [&Study; 11] = [
    &figure1::STUDY,
    &table1::STUDY,
    &table2::STUDY,
    &figure2::STUDY,
    &table3::STUDY,
    &table4::STUDY,
    &table5::STUDY,
    &overhead::STUDY,
    &sdd::STUDY,
    &collapse::STUDY,
    &lambda::STUDY,
];

/// Why a study has nothing to say.
#[derive(Debug, thiserror::Error)]
pub enum ReproduceError {
    /// A training's files are missing or damaged.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// A training's settings are missing or damaged.
    #[error(transparent)]
    Run(#[from] RunError),
    /// Something went wrong with a training.
    #[error("{0}")]
    Mishap(Mishap),
    /// A training did not come to its end.
    #[error("{}: this training has not come to its end", .0.display())]
    Unfinished(PathBuf),
}

/// The methods that some studies train, each once, in the order in which they are first wanted.
#[must_use]
pub fn methods_of(studies: &[&Study]) -> Vec<Method> {
    let mut methods: Vec<Method> = Vec::new();
    for method in studies.iter().flat_map(|study| (study.methods)()) {
        if !methods.contains(&method) {
            methods.push(method);
        }
    }
    methods
}

#[cfg(test)]
mod tests;
