//! Trains on a folder of class folders and prints the exact matches (AEM) and the matches within one class (AEO) of
//! every epoch.
//!
//! ```text
//! cargo run --release --example train_folder -- FOLDER [EPOCHS]
//! ```
//!
//! The classes come in natural order of their folders' names; a fifth of each class is tested on, unless there are
//! `train` and `test` folders.

use backhoe::data::folder::{Folder, Loaded};
use backhoe::gpu::{AdapterChoice, Gpu};
use backhoe::nn::Loss;
use backhoe::train::{Advance, Event, Settings, Trainer};
use std::process::ExitCode;
use std::sync::Arc;

fn main() -> ExitCode {
    if let Err(error) = train() {
        eprintln!("{error}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn train() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("which folder? It holds a folder of images for each class")?;
    let settings = Settings {
        losses: vec![Loss::Emd],
        epochs: arguments.next().map_or(Ok(8), |epochs| epochs.parse())?,
        batch: 16,
        side: 16,
        // Random crops are taken out of slightly larger images.
        stored_side: 18,
        channels: vec![8, 16],
        hidden: 32,
        ..Settings::default()
    };
    let folder = Folder { path: path.into(), side: settings.stored_side, test_fraction: 0.2, seed: 1, strict: false };
    let Loaded { dataset, skipped } = folder.load(&|_done, _total| ())?;
    for file in skipped {
        eprintln!("passed over: {file}");
    }
    println!("{}: {}", dataset.name, dataset.classes.join(", "));

    let gpu = Gpu::open(&AdapterChoice::Best)?;
    let mut trainer = Trainer::new(Box::new(gpu), Arc::new(dataset), settings)?;
    let mut events = Vec::new();
    loop {
        // The trainer never waits; whoever drives it does.
        let advance = trainer.advance(&mut events)?;
        for event in events.drain(..) {
            if let Event::Epoch(result) = event {
                let row = result.row;
                println!("epoch {}: loss {:.4}, AEM {:.1} %, AEO {:.1} %", row.epoch, row.train_loss, row.aem, row.aeo);
            }
        }
        match advance {
            Advance::Working => {}
            Advance::Waiting => trainer.executor().wait()?,
            Advance::Resting | Advance::Finished => return Ok(()),
        }
    }
}
