//! Which data.

use backhoe::data::protocol::Protocol;
use backhoe::data::source::{FACES, Source, TEST_FRACTION};
use clap::Args;
use std::path::PathBuf;

/// Which data.
#[derive(Clone, Debug, PartialEq, Args)]
pub struct DataChoice {
    /// `faces` (generated, taken where nothing is said), `digits` (embedded) or a folder of class folders
    #[arg(long)]
    pub data: Option<String>,
    /// Generated training images (faces)
    #[arg(long, default_value_t = FACES[0])]
    pub train_images: usize,
    /// Generated test images (faces)
    #[arg(long, default_value_t = FACES[1])]
    pub test_images: usize,
    /// Share of the images to test on (digits, and folders without `test/`)
    #[arg(long, default_value_t = TEST_FRACTION)]
    pub test_fraction: f64,
    /// Make an unreadable image an error instead of passing it over (folders)
    #[arg(long)]
    pub strict: bool,
    /// Divide all images into so many folds; by default those of the data's folds.csv, else 5. Nobody of a subjects.csv is in
    /// two of them
    #[arg(long, value_name = "N")]
    pub folds: Option<usize>,
    /// Test on this fold, from 1, and train on all others
    #[arg(long, value_name = "I")]
    pub fold: Option<usize>,
    /// Cut the real-valued labels into so many classes of equal frequency, in place of the data's classes
    #[arg(long, value_name = "N")]
    pub bins: Option<usize>,
    /// Keep this share of the training images from training and measure on it in place of the test images
    #[arg(long, value_name = "SHARE")]
    pub validation: Option<f64>,
}

impl DataChoice {
    /// The data's name or folder.
    pub fn name(&self) -> &str {
        self.data.as_deref().unwrap_or("faces")
    }

    /// Whether nothing was said of the data, but for how they are to be divided.
    pub fn names_no_data(&self) -> bool {
        let Self { folds, fold, bins, validation, .. } = *self;
        *self == Self { folds, fold, bins, validation, ..Self::default() }
    }

    /// How the data are to be grouped and divided.
    pub fn protocol(&self) -> Protocol {
        Protocol {
            folds: self.folds,
            fold: self.fold,
            bins: self.bins,
            validation: self.validation,
            ..Protocol::default()
        }
    }

    /// The source meant.
    pub fn source(&self) -> Source {
        match self.name() {
            "faces" => Source::Faces { train: self.train_images, test: self.test_images },
            "digits" => Source::Digits { test_fraction: self.test_fraction },
            folder => Source::Folder { path: whole(folder), test_fraction: self.test_fraction, strict: self.strict },
        }
    }
}

/// A folder's whole path, so that a run can be resumed from anywhere.
fn whole(folder: &str) -> PathBuf {
    std::fs::canonicalize(folder).unwrap_or_else(|_| PathBuf::from(folder))
}

impl Default for DataChoice {
    fn default() -> Self {
        Self {
            data: None,
            train_images: FACES[0],
            test_images: FACES[1],
            test_fraction: TEST_FRACTION,
            strict: false,
            folds: None,
            fold: None,
            bins: None,
            validation: None,
        }
    }
}

/// `backhoe data`.
#[derive(Debug, Args)]
pub struct DataArguments {
    /// `faces`, `digits` or a folder of class folders
    #[arg(default_value = "faces")]
    pub data: String,
    /// Write a contact sheet, a row a class, to this PNG
    #[arg(long)]
    pub sheet: Option<PathBuf>,
    /// Images a row of the sheet
    #[arg(long, default_value_t = 12)]
    pub columns: usize,
    /// Side of the images in pixels
    #[arg(long, default_value_t = 64)]
    pub size: usize,
    /// Seed
    #[arg(long, default_value_t = 1)]
    pub seed: u32,
}
