//! The strength of class relations by data set: the standard deviation of the distances between classes (section 4.7).

use super::accuracy::label;
use super::claim::{Judgement, Relation, Verdict};
use super::document::Section;
use super::results::Outcome;
use super::trial::{Method, Net, Variant};
use super::{ReproduceError, Results, Study};
use crate::nn::Loss;
use crate::report::Block;
use crate::train::statistics::{Spread, difference_interval};

/// The study.
pub const STUDY: Study = Study { name: "sdd", place: "section 4.7", methods, measure };

/// The variants with what the paper prints of the data sets in whose place they stand.
const PRINTED: [(Variant, &str, f64); 3] = [
    (Variant::Whole, "Adience", 0.0335),
    (Variant::Half, "Images of Groups", 0.0164),
    (Variant::Unordered, "ImageNet", 0.00614),
];

fn method(data: Variant) -> Method {
    Method::new(data, Net::Default, Loss::Xemd1)
}

fn methods() -> Vec<Method> {
    PRINTED.iter().map(|(data, ..)| method(*data)).collect()
}

fn sdds(outcomes: &[Outcome]) -> Vec<f64> {
    outcomes.iter().map(|outcome| outcome.last().sdd.unwrap_or(f64::NAN)).collect()
}

fn measure(results: &Results) -> Result<Section, ReproduceError> {
    let mut section = Section::new("SDD: strength of the relations between classes".to_owned());
    let mut rows = Vec::new();
    for (data, name, paper) in PRINTED {
        let outcomes = results.ended(method(data))?;
        let ours = Spread::of(&sdds(&outcomes)).map_or("undefined".to_owned(), |spread| spread.text(4));
        rows.push(vec![label(results, &results.setup.data_name(data), &outcomes), ours, format!("{paper} ({name})")]);
    }
    section.blocks.push(Block::Text(
        "Standard deviation of all entries of the raw distance matrix of XEMD1, the default network. It grows as the number of \
         features falls, so that ours and the paper's cannot be compared with each other, only within."
            .to_owned(),
    ));
    section.blocks.push(Block::table(&["data", "SDD", "paper"], rows));
    let claim = "ordered classes are more strongly related than classes without an order";
    let [ordered, unordered] = [Variant::Whole, Variant::Unordered].map(|data| results.of(method(data)));
    let sides = ordered.and_then(|ordered| Ok((ordered, unordered?)));
    let open = Verdict::open(claim, "0.0335 against 0.00614", true);
    section.verdicts.push(open.judged(sides, |(ordered, unordered)| judge(&sdds(&ordered), &sdds(&unordered)))?);
    Ok(section)
}

fn judge(ordered: &[f64], unordered: &[f64]) -> (String, Judgement) {
    let Some(interval) = difference_interval(ordered, unordered) else {
        return ("undefined".to_owned(), Judgement::CannotTell);
    };
    let words = format!("difference {} ({})", interval.text(4), interval.basis.text());
    (words, Relation::Above.judge(&interval, None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_clear_difference_decides() {
        assert_eq!(judge(&[0.3, 0.31, 0.32], &[0.1, 0.11, 0.1]).1, Judgement::Holds);
        assert_eq!(judge(&[0.1, 0.11, 0.1], &[0.3, 0.31, 0.32]).1, Judgement::DoesNot);
        assert_eq!(judge(&[0.3], &[0.1]).1, Judgement::CannotTell, "one run says nothing of its spread");
        assert_eq!(judge(&[0.1, 0.5], &[0.3, 0.3]).1, Judgement::CannotTell);
        assert_eq!(judge(&[f64::NAN], &[0.3]).1, Judgement::CannotTell);
    }
}
