//! `votes.csv`: for some or all images the votes by class of those who judged them.

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::Path;

use thiserror::Error;

use super::error::{FolderError, listed};
use crate::files;

/// Name of the table in a data folder.
const FILE_NAME: &str = "votes.csv";

/// What is wrong with `votes.csv`.
#[derive(Debug, Error)]
pub enum VotesError {
    /// It could not be read as a table.
    #[error(transparent)]
    Csv(#[from] csv::Error),
    /// Its columns are not the classes.
    #[error("its columns are {found}; they must be `image` and the classes {}, in any order", listed(.classes))]
    Columns {
        /// What they are.
        found: String,
        /// The classes of the data.
        classes: Vec<String>,
    },
    /// A vote that is none.
    #[error("line {line}: `{value}` for class `{class}` is not a number of votes: it must be at least 0 and finite")]
    Value {
        /// Line number from 1.
        line: u64,
        /// The class.
        class: String,
        /// What is there.
        value: String,
    },
    /// Nobody voted.
    #[error("line {0}: all votes are 0: remove the line, and the image's folder counts")]
    Nobody(u64),
    /// A second line for one image.
    #[error("line {line}: `{image}` is there twice")]
    Twice {
        /// Line number from 1.
        line: u64,
        /// The image.
        image: String,
    },
    /// A line for an image that is not there.
    #[error(
        "line {line}: there is no image `{image}` in the data folder: write paths below it, with `/` between the parts and none before"
    )]
    Missing {
        /// Line number from 1.
        line: u64,
        /// The image.
        image: String,
    },
}

/// The shares of the classes by image, each summing to 1.
pub(super) struct Votes {
    classes: usize,
    shares: HashMap<String, Vec<f32>>,
}

impl Votes {
    /// The table in the data folder `root`, where there is one; `images` are the names that its lines may tell of.
    pub fn read(root: &Path, classes: &[String], images: &HashSet<&str>) -> Result<Option<Self>, FolderError> {
        let path = root.join(FILE_NAME);
        let text = match files::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            read => read.map_err(|source| FolderError::Read { path: path.clone(), source })?,
        };
        let votes = parse(&text, classes, |image| images.contains(image));
        let votes = votes.map_err(|source| FolderError::Votes { path, source: Box::new(source) })?;
        // A table without lines tells of no image: then there are no votes, and losses are those of classes.
        Ok(Some(votes).filter(|votes| !votes.shares.is_empty()))
    }

    /// The distribution of an image; where nobody voted, all on its own class.
    pub fn of(&self, image: &str, class: u32) -> Vec<f32> {
        let sure = || (0..self.classes).map(|other| f32::from(u8::from(other == class as usize))).collect();
        self.shares.get(image).cloned().unwrap_or_else(sure)
    }
}

/// Reads a table; `exists` tells whether there is such an image.
fn parse(text: &[u8], classes: &[String], exists: impl Fn(&str) -> bool) -> Result<Votes, VotesError> {
    let mut reader = csv::Reader::from_reader(text);
    let header = reader.headers()?.clone();
    let places = places(&header, classes)?;
    let mut votes = Votes { classes: classes.len(), shares: HashMap::new() };
    for record in reader.records() {
        let record = record?;
        let line = record.position().map_or(0, csv::Position::line);
        let image = record[places[0]].to_owned();
        if !exists(&image) {
            return Err(VotesError::Missing { line, image });
        }
        let shares = shares(&record, &places[1..], classes, line)?;
        if votes.shares.insert(image.clone(), shares).is_some() {
            return Err(VotesError::Twice { line, image });
        }
    }
    Ok(votes)
}

/// The columns of the image and of the classes in their order.
fn places(header: &csv::StringRecord, classes: &[String]) -> Result<Vec<usize>, VotesError> {
    let image = header.iter().position(|column| column == "image");
    // A class may be called so, too.
    let place = |name: &String| (0..header.len()).find(|&at| Some(at) != image && header[at] == **name);
    let found: Option<Vec<usize>> = std::iter::once(image).chain(classes.iter().map(place)).collect();
    let wrong = || VotesError::Columns {
        found: header.iter().map(|column| format!("`{column}`")).collect::<Vec<_>>().join(", "),
        classes: classes.to_vec(),
    };
    found.filter(|places| places.len() == header.len()).ok_or_else(wrong)
}

/// The votes of a line, made to add up to 1.
fn shares(record: &csv::StringRecord, places: &[usize], classes: &[String], line: u64) -> Result<Vec<f32>, VotesError> {
    let number = |(&place, class): (&usize, &String)| {
        let vote = record[place].trim().parse::<f64>().ok().filter(|vote| vote.is_finite() && *vote >= 0.0);
        let value = || VotesError::Value { line, class: class.clone(), value: record[place].to_owned() };
        vote.ok_or_else(value)
    };
    let votes = places.iter().zip(classes).map(number).collect::<Result<Vec<f64>, _>>()?;
    // Divided by the largest first, so that no sum overflows.
    let most = votes.iter().fold(0.0, |most: f64, vote| most.max(*vote));
    if most == 0.0 {
        return Err(VotesError::Nobody(line));
    }
    let total: f64 = votes.iter().map(|vote| vote / most).sum();
    Ok(votes.iter().map(|vote| (vote / most / total) as f32).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Votes, VotesError> {
        let classes = ["0-2", "a, b"].map(str::to_owned);
        parse(text.as_bytes(), &classes, |image| image.ends_with(".png"))
    }

    fn message(text: &str) -> String {
        read(text).err().unwrap().to_string()
    }

    #[test]
    fn votes_become_shares_whatever_the_order_of_the_columns() {
        let votes = read("\"a, b\",image,0-2\n3,x/1.png,1\n1e308,2.png, 1e308\n").unwrap();
        assert_eq!(votes.of("x/1.png", 0), [0.25, 0.75]);
        assert_eq!(votes.of("2.png", 0), [0.5, 0.5]);
        assert_eq!((votes.of("3.png", 0), votes.of("3.png", 1)), (vec![1.0, 0.0], vec![0.0, 1.0]));
    }

    #[test]
    fn a_table_without_lines_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let classes = ["0-2", "a, b"].map(str::to_owned);
        let read = |text: &str| {
            std::fs::write(folder.path().join(FILE_NAME), text).unwrap();
            Votes::read(folder.path(), &classes, &HashSet::from(["1.png"])).unwrap().is_some()
        };
        assert!(read("image,0-2,\"a, b\"\n1.png,1,2\n"));
        assert!(!read("image,0-2,\"a, b\"\n"));
    }

    #[test]
    fn a_class_may_be_called_image_or_end_in_a_blank() {
        let classes = ["image", "b "].map(str::to_owned);
        let votes = parse(b"image,image,b \n1.png,3,1\n", &classes, |_| true).unwrap();
        assert_eq!(votes.of("1.png", 0), [0.75, 0.25]);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        let with = |lines: &str| message(&format!("image,0-2,\"a, b\"\n{lines}"));
        assert!(message("image,0-2\n").contains("`a, b`") && message("image,0-2,\"a, b\",c\n").contains("`c`"));
        assert!(with("1.png,1,1\n2.png,1,-1\n").contains("line 3: `-1` for class `a, b`"));
        assert!(with("1.png,nan,1\n").contains("`nan`") && with("1.png,inf,1\n").contains("`inf`"));
        assert!(with("1.png,0,0\n").contains("line 2: all votes are 0"));
        assert!(with("1.png,1,0\n1.png,0,1\n").contains("line 3: `1.png` is there twice"));
        assert!(with("1.jpg,1,0\n").contains("line 2: there is no image `1.jpg`"));
        assert!(with("1.png,1\n").contains("line: 2"));
    }
}
