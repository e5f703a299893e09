//! What a network said of each test image, as a CSV file: so that runs can be compared image by image.

use super::records::{contents, create, csv_error, finish, open};
use super::{ReportError, expect_shape};
use crate::data::Images;
use crate::train::metrics::{Confusion, argmax};
use std::path::Path;

/// The predictions of one network for a list of images.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Predicted {
    /// Class names in their order, C.
    pub classes: Vec<String>,
    /// Names of the images, N.
    pub names: Vec<String>,
    /// Their classes, N.
    pub labels: Vec<u32>,
    /// Their real-valued labels, N.
    pub values: Vec<f64>,
    /// The expected class value (or the regression output) of each, N.
    pub scores: Vec<f64>,
    /// N x C probabilities.
    pub probabilities: Vec<f32>,
}

/// The columns before the probabilities.
const HEADER: [&str; 4] = ["image", "truth", "value", "score"];

impl Predicted {
    /// Of these images, N x C probabilities and N scores.
    ///
    /// # Errors
    /// [`ReportError::Shape`] where probabilities or scores do not fit.
    pub fn new(
        classes: &[String],
        images: &Images,
        probabilities: &[f32],
        scores: &[f64],
    ) -> Result<Self, ReportError> {
        expect_shape("the table of probabilities", images.len() * classes.len(), probabilities.len())?;
        expect_shape("the list of scores", images.len(), scores.len())?;
        Ok(Self {
            classes: classes.to_vec(),
            names: images.names.clone(),
            labels: images.labels.clone(),
            values: images.values.clone(),
            scores: scores.to_vec(),
            probabilities: probabilities.to_vec(),
        })
    }

    /// N, the number of images.
    #[must_use]
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no image.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The C probabilities of an image below N.
    #[must_use]
    pub fn row(&self, image: usize) -> &[f32] {
        let classes = self.classes.len();
        &self.probabilities[image * classes..(image + 1) * classes]
    }

    /// By how many classes an image below N is mistaken.
    #[must_use]
    pub fn off(&self, image: usize) -> usize {
        argmax(self.row(image)).abs_diff(self.labels[image] as usize)
    }

    /// Whether they are about the same images: names, classes and real labels of faces drawn anew may be the same one by
    /// one, but not all.
    #[must_use]
    pub fn has_images_of(&self, other: &Self) -> bool {
        self.names == other.names && self.values == other.values
    }

    /// Whether they are about the same images with the same classes.
    #[must_use]
    pub fn is_paired_with(&self, other: &Self) -> bool {
        self.has_images_of(other) && self.labels == other.labels && self.classes == other.classes
    }

    /// Counts by true and predicted class.
    #[must_use]
    pub fn confusion(&self) -> Option<Confusion> {
        let predicted: Vec<u32> = (0..self.len()).map(|image| argmax(self.row(image)) as u32).collect();
        Confusion::from_pairs(self.classes.len(), &self.labels, &predicted).ok()
    }

    /// The class that every image is taken for, where the network has died ([`Confusion::died_as`]).
    #[must_use]
    pub fn died_as(&self) -> Option<usize> {
        self.confusion()?.died_as()
    }

    /// Writes a line an image: name, true class, real value, score, a probability a class.
    ///
    /// # Errors
    /// [`ReportError::Csv`] where the file cannot be written.
    pub fn write_csv(&self, path: &Path) -> Result<(), ReportError> {
        let mut writer = create();
        let head = HEADER.map(str::to_owned).into_iter().chain(self.classes.iter().map(|class| format!("p({class})")));
        writer.write_record(head).map_err(csv_error(path))?;
        for image in 0..self.len() {
            let [label, value, score] =
                [self.labels[image].to_string(), self.values[image].to_string(), self.scores[image].to_string()];
            let fixed = [self.names[image].clone(), label, value, score];
            let row = fixed.into_iter().chain(self.row(image).iter().map(ToString::to_string));
            writer.write_record(row).map_err(csv_error(path))?;
        }
        finish(path, writer)
    }

    /// Reads what [`Predicted::write_csv`] writes.
    ///
    /// # Errors
    /// [`ReportError::Csv`] for an unreadable file, [`ReportError::Contents`] for one that holds no predictions.
    pub fn read_csv(path: &Path) -> Result<Self, ReportError> {
        let mut reader = open(path)?;
        let header = reader.headers().map_err(csv_error(path))?.clone();
        let class = |field: &str| field.strip_prefix("p(")?.strip_suffix(')').map(str::to_owned);
        let classes: Option<Vec<String>> = header.iter().skip(HEADER.len()).map(class).collect();
        let classes = classes.filter(|_| header.iter().take(HEADER.len()).eq(HEADER));
        let classes = classes.ok_or_else(|| contents(path, "its columns are not those of predictions".to_owned()))?;
        let mut found = Self { classes, ..Self::default() };
        for record in reader.records() {
            let record = record.map_err(csv_error(path))?;
            let bad = |field: &str| contents(path, format!("{field:?} of {:?} is not a number", &record[0]));
            let number = |field: &str| field.parse::<f64>().map_err(|_| bad(field));
            let label = record[1].parse().ok().filter(|&label: &u32| (label as usize) < found.classes.len());
            found.names.push(record[0].to_owned());
            found.labels.push(label.ok_or_else(|| contents(path, format!("there is no class {:?}", &record[1])))?);
            found.values.push(number(&record[2])?);
            found.scores.push(number(&record[3])?);
            for field in record.iter().skip(HEADER.len()) {
                found.probabilities.push(field.parse().map_err(|_| bad(field))?);
            }
        }
        Ok(found)
    }
}

/// How many of these networks have died ([`Predicted::died_as`]).
#[must_use]
pub fn deaths(networks: &[&Predicted]) -> usize {
    networks.iter().filter(|predicted| predicted.died_as().is_some()).count()
}

/// What a table calls a loss of which these are the networks: with how many have died.
#[must_use]
pub fn with_deaths(loss: &str, networks: &[&Predicted]) -> String {
    match deaths(networks) {
        0 => loss.to_owned(),
        _ if networks.len() == 1 => format!("{loss} (died)"),
        died => format!("{loss} ({died} of {} died)", networks.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn predicted() -> Predicted {
        let mut images = Images::with_capacity(1, 2);
        images.push(vec![0; 3], 0, 1.25, "a, \"b\".jpg".into());
        images.push(vec![0; 3], 1, -3.0, "c.jpg".into());
        let classes = ["no, or (not)", "yes", "3"].map(str::to_owned);
        Predicted::new(&classes, &images, &[0.1, 0.2, 0.7, 0.0, 1.0, 0.0], &[3.7, 1.0]).unwrap()
    }

    #[test]
    fn predictions_read_back_to_the_same_bits() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("predictions.csv");
        predicted().write_csv(&path).unwrap();
        assert_eq!(Predicted::read_csv(&path).unwrap(), predicted());
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("image,truth,value,score,\"p(no, or (not))\",p(yes),p(3)\n"), "{text}");
    }

    #[test]
    fn mistakes_and_scores_are_those_of_the_rows() {
        let found = predicted();
        assert_eq!((found.off(0), found.off(1), found.len()), (2, 0, 2));
        assert_eq!(found.scores, [3.7, 1.0]);
        let mut other = found.clone();
        assert!(found.is_paired_with(&other));
        other.labels[1] = 2;
        assert!(!found.is_paired_with(&other));
        other = found.clone();
        other.names.swap(0, 1);
        assert!(!found.is_paired_with(&other));
    }

    #[test]
    fn other_files_are_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("predictions.csv");
        let refused = |text: &str| {
            std::fs::write(&path, text).unwrap();
            Predicted::read_csv(&path).unwrap_err().to_string()
        };
        assert!(refused("a,b\n1,2\n").contains("columns"));
        assert!(refused("image,truth,value,score,p(a)\nx,1,0,0,1\n").contains("no class \"1\""));
        assert!(refused("image,truth,value,score,p(a)\nx,0,0,0,much\n").contains("\"much\" of \"x\""));
        assert!(refused("image,truth,value,score,p(a)\nx,0,0\n").contains("line: 2"));
        let images = Images::with_capacity(1, 0);
        assert!(Predicted::new(&["a".to_owned()], &images, &[1.0], &[]).is_err());
        assert!(Predicted::new(&["a".to_owned()], &images, &[], &[1.0]).is_err());
    }
}
