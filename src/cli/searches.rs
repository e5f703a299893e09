//! Learning rates searched for, as a command has it done: on the device asked for, remembered in a file, ended by Ctrl-C.

use super::CliError;
use super::cells::{self, Conduct};
use super::watch::Watch;
use backhoe::data::Dataset;
use backhoe::data::protocol::{Protocol, ProtocolError};
use backhoe::plan::Executor;
use backhoe::train::Settings;
use backhoe::train::cell::Cell;
use backhoe::train::search::{Choices, Memory, Searcher, Try, VALIDATION, search};
use std::path::Path;
use std::sync::Arc;

/// One loss's search under way.
struct Searching<'a> {
    conduct: &'a Conduct,
    memory: &'a mut Memory,
    /// The run's folder, which keeps what is measured.
    folder: &'a Path,
    watch: &'a mut dyn Watch,
    /// Losses searched for before, and in all.
    losses: [usize; 2],
}

impl Searcher for Searching<'_> {
    type Error = CliError;

    fn open(&mut self) -> Result<Box<dyn Executor>, CliError> {
        self.conduct.open()
    }

    fn recall(&self, wanted: &Try) -> Option<Try> {
        self.memory.recall(wanted)
    }

    fn keep(&mut self, tried: &Try) -> Result<(), CliError> {
        Ok(self.memory.keep(tried)?)
    }

    fn go_on(&mut self, share: f64) -> Result<(), CliError> {
        let [before, all] = self.losses.map(|losses| losses as f64);
        self.watch.share((before + share) / all);
        let folder = self.folder.display();
        cells::check_stopped(&format!(
            "the same command with --out {folder} goes on with the search for learning rates"
        ))
    }
}

/// All that was tried for each loss of a cell, whose data and settings are these, on a part of its training images: by
/// subject where subjects are known. What is measured is kept in the file `memory` as it goes.
pub fn search_rates(
    cell: &Cell,
    (data, settings): (&Dataset, &Settings),
    choices: &Choices,
    memory: &Path,
    conduct: &Conduct,
    watch: &mut dyn Watch,
) -> Result<Vec<Try>, CliError> {
    let split = Protocol { validation: Some(VALIDATION), ..Protocol::default() };
    let grouping = cell.source.grouping().map_err(ProtocolError::from)?;
    let data = Arc::new(split.apply(data.clone(), &grouping, u64::from(settings.seed))?);
    let folder = memory.parent().unwrap_or(memory);
    let mut memory = Memory::at(memory, settings, &data);
    let mut tries = Vec::new();
    for (before, &loss) in settings.losses.iter().enumerate() {
        let losses = [before, settings.losses.len()];
        let mut searching = Searching { conduct, memory: &mut memory, folder, watch, losses };
        let tried = search(&mut searching, &data, settings, loss, choices)?;
        if let Some(Try { learning_rate, aem: Some(aem), .. }) = tried.iter().find(|tried| tried.chosen) {
            watch
                .say(format_args!("{loss}: learning rate {learning_rate} (AEM {aem:.1} % of the validation images)"))?;
        }
        tries.extend(tried);
    }
    Ok(tries)
}
