//! Table 5: no harm where classes have no order (section 4.7).

use super::accuracy::{label, spread_text, verdict};
use super::claim::{Comparison, Metric, Relation};
use super::document::Section;
use super::results::{Outcome, Results};
use super::trial::{Method, Net, Variant};
use super::{ReproduceError, Study};
use crate::nn::Loss;
use crate::report::Block;

/// The study.
pub const STUDY: Study = Study { name: "table5", place: "table 5", methods, measure };

const CLAIMS: [(Comparison, &str); 2] = [
    (
        no_harm("XEMD1 does no harm to the top-1 accuracy", Metric::Aem),
        "76.7 against 76.8 (RES), 57.8 against 56.5 (ALX)",
    ),
    (
        no_harm("XEMD1 does no harm to the top-5 accuracy", Metric::Top5),
        "93.5 against 93.4 (RES), 79.8 against 79.3 (ALX)",
    ),
];

const fn no_harm(says: &'static str, metric: Metric) -> Comparison {
    Comparison { says, first: "xemd1", second: "xe", metric, relation: Relation::AsGood, said: true }
}

fn method(loss: Loss) -> Method {
    Method::new(Variant::Unordered, Net::Default, loss)
}

fn methods() -> Vec<Method> {
    [Loss::Xe, Loss::Xemd1].map(method).to_vec()
}

fn measure(results: &Results) -> Result<Section, ReproduceError> {
    let data = results.setup.data_name(Variant::Unordered);
    let mut section = Section::new(format!("Table 5: classes without an order, on {data}"));
    let (plain, guided) = (results.ended(method(Loss::Xe))?, results.ended(method(Loss::Xemd1))?);
    let row = |name: &str, outcomes: &[Outcome], paper: &str| {
        let [top1, top5] = [Metric::Aem, Metric::Top5].map(|metric| spread_text(metric, outcomes));
        vec![label(results, name, outcomes), top1, top5, paper.to_owned()]
    };
    let rows = vec![row("xe", &plain, "76.8, 93.4"), row("xemd1", &guided, "76.7, 93.5")];
    section.blocks.push(Block::table(&["loss", "top-1 %", "top-5 %", "paper (RES on ImageNet)"], rows));
    let methods = [Loss::Xemd1, Loss::Xe].map(method);
    for (claim, paper) in &CLAIMS {
        section.verdicts.push(verdict(results, claim, methods, (*paper).to_owned(), "")?);
    }
    Ok(section)
}
